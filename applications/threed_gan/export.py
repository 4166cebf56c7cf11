"""Export generated shapes as watertight meshes: STL for printers, OBJ for modelers, GLB for viewers.

    python applications/threed_gan/export.py runs/threed_gan --output meshes --format stl --length 100

The cube of cells is `length` long, so a cell is `length / size`; each file's own dimensions are printed. Axes: x, y, z of the file are the
first, second and third axis of the voxels, z upwards (furniture faces -y). GLB, which has y upwards and meters by its standard, is turned:
x, z, -y; give it --length 1.
"""

import math
from pathlib import Path
from typing import Annotated

import typer

from kgan import pictures, runs
from kgan.shapes import largest_component, meshes


def main(
    model: Annotated[
        str,
        typer.Argument(help="folder of a run, or a .keras file; default runs/threed_gan, or the preset where that is not there"),
    ] = "",
    output: Annotated[str, typer.Option(help="folder of the meshes, made if missing")] = "meshes",
    count: Annotated[int, typer.Option(min=1, help="shapes")] = 8,
    format_: Annotated[str, typer.Option("--format", help="stl, obj or glb")] = "stl",
    length: Annotated[float, typer.Option(min=1e-6, help="side of the cube in the file's unit (STL: millimeters)")] = 100.0,
    threshold: Annotated[float, typer.Option(min=0.01, max=0.99, help="occupancy from which a cell is full")] = 0.5,
    largest: Annotated[bool, typer.Option(help="keep the largest connected component alone")] = True,
    seed: Annotated[int, typer.Option(help="of the latents")] = 0,
):
    """Write one file for each generated shape, and a picture of all."""

    def work():
        if f".{format_}" not in meshes.FORMATS:
            raise ValueError(f"--format must be one of {', '.join(f[1:] for f in meshes.FORMATS)}. Received: {format_!r}.")
        home = runs.folder_of(model, "runs/threed_gan", "threed-gan-furniture")
        trained = runs.load(home)
        if len(getattr(trained, "data_shape", ())) != 4:
            raise ValueError(f"{str(home)!r} holds {type(trained).__name__}, no system of shapes. Name a run of train.py.")
        folder, made, names = Path(output), [], []
        folder.mkdir(parents=True, exist_ok=True)
        for index, shape in enumerate(trained.generate(count, seed=seed)):
            if not (shape >= threshold).any():
                print(f"shape {index}: no cell reaches {threshold:g} (fullest {shape.max():.2f}), left out")
                continue
            mesh = meshes.surface(shape, threshold, length, largest)
            path = folder / f"shape-{index:03d}.{format_}"
            meshes.save_mesh(path, mesh)
            made.append(mesh)
            names.append(f"{index:03d}")
            kept = int(largest_component(shape, threshold).sum()) if largest else int((shape >= threshold).sum())
            sides = " x ".join(f"{side:.4g}" for side in mesh.extents)
            print(f"{path}: {sides} (x, y, z), volume {mesh.volume:.4g}, {len(mesh.faces)} triangles, {kept} cells")
        if not made:
            raise ValueError(f"No shape has a cell of {threshold:g} or more. Lower --threshold, or train longer.")
        wide = math.ceil(math.sqrt(len(made)))
        rows = [", ".join(names[start : start + wide]) for start in range(0, len(names), wide)]
        drawn = pictures.mesh_grid(made, wide, image_size=160)
        pictures.save_image(
            folder / "meshes.png", pictures.labeled(drawn, f"{type(trained).__name__}: shapes at {threshold:g}", rows)
        )
        print(f"picture of the meshes in {folder / 'meshes.png'}")

    runs.guarded(work)


if __name__ == "__main__":
    typer.run(main)
