"""Write pictures of a trained layered GAN with their masks: a data set for segmentation that nobody labeled.

    python applications/layers/masks.py runs/layers --count 1000 --output segmented

`images/00000.png` belongs to `masks/00000.png` (white is the object; with several objects `masks-1/`, `masks-2/`, in the order of painting)
and to `backgrounds/00000.png`, the picture without objects; `poses.csv` has the six numbers of every object's pose.
"""

from pathlib import Path
from typing import Annotated

import typer

import kgan
from kgan import pictures, runs
from kgan.files import write_csv


def main(
    run: Annotated[
        str,
        typer.Argument(
            help="folder of a finished run of train.py, or a .keras file; default runs/layers, or the preset where that is not there"
        ),
    ] = "",
    output: Annotated[str, typer.Option(help="folder, made if missing")] = "segmented",
    count: Annotated[int, typer.Option(min=1, help="pictures")] = 100,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="masks of black and white, cut here; default shades of gray")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="of the latents")] = 0,
):
    """Write images, masks, backgrounds and poses, and an overview of the first."""

    def work():
        home = runs.folder_of(run, "runs/layers", "lrgan-digits")
        model = runs.load(home, kgan.LRGAN)
        parts, folder = model.compose(count, seed=seed), Path(output)
        if folder.exists() and any(folder.iterdir()):
            raise FileExistsError(f"{output!r} is not empty; give another --output.")
        masks = parts["masks"] if threshold is None else (parts["masks"] > threshold).astype("float32")
        masks = 2.0 * masks - 1.0
        names = ["masks"] if model.foregrounds == 1 else [f"masks-{step + 1}" for step in range(model.foregrounds)]
        written = {
            "images": parts["canvases"][:, -1],
            "backgrounds": parts["canvases"][:, 0],
            **{name: masks[:, step] for step, name in enumerate(names)},
        }
        pictures.save_each(folder, written, clip=True)
        rows = [["file", "object", "yy", "yx", "y", "xy", "xx", "x"]]
        for index, poses in enumerate(parts["poses"].reshape(count, -1, 6)):
            rows += [[f"{index:05d}.png", step, *map("{:.5f}".format, pose)] for step, pose in enumerate(poses)]
        write_csv(folder / "poses.csv", rows)
        rows = {name: part[:16] for name, part in written.items()}
        title = f"{type(model).__name__}: the first {len(masks[:16])} of {count}"
        pictures.save_rows(folder / "overview.png", rows, title, clip=True)
        print(f"{count} pictures with {len(names)} mask(s) each in {folder}/, the first of them in {folder / 'overview.png'}")

    runs.guarded(work)


if __name__ == "__main__":
    typer.run(main)
