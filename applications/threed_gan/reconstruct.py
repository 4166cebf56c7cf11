"""Shapes from single pictures with a trained 3D-VAE-GAN (Wu et al. 2016, 1610.07584, section 4.4).

On held-out shapes, whose views are rendered, it prints figures and draws view, truth and reconstruction, one below the other;
with --picture it makes a shape from a picture of yours.

    python applications/threed_gan/reconstruct.py runs/views --output reconstruction.png
    python applications/threed_gan/reconstruct.py runs/views --picture chair.png --output chair.stl
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

import kgan
from kgan import pictures, runs
from kgan.shapes import meshes


def main(
    model: Annotated[
        str,
        typer.Argument(
            help="folder of a run of train.py --views, or a .keras file; default runs/views, or the preset where that is not there"
        ),
    ] = "",
    output: Annotated[str, typer.Option(help=".png; with --picture also .npy, .stl, .obj, .glb")] = "reconstruction.png",
    picture: Annotated[str, typer.Option(help="a picture: the object light on black, cut to a square")] = "",
    dataset: Annotated[str, typer.Option(help="held-out shapes: furniture, solids, modelnet:<folder>")] = "furniture",
    threshold: Annotated[float, typer.Option(min=0.01, max=0.99, help="occupancy from which a cell is full")] = 0.4,
    count: Annotated[int, typer.Option(min=1, help="held-out shapes")] = 200,
):
    """Print the IoU against that of the mean shape, or reconstruct one picture."""

    def work():
        kinds = (".png", ".npy", *meshes.FORMATS) if picture else (".png",)
        if Path(output).suffix not in kinds:
            raise ValueError(f"--output must end in {', '.join(kinds)}. Received: {output!r}.")
        home = runs.folder_of(model, "runs/views", "threed-vae-furniture")
        trained = runs.load(home, kgan.ThreeDVAEGAN)
        size, channels = trained.image_shape[0], trained.image_shape[-1]
        if picture:
            view = kgan.datasets.read_image(picture, size, channels)[None] / 127.5 - 1.0
            _write(output, trained.reconstruct(view.astype("float32"))[0], threshold, picture)
            return
        train, _ = kgan.datasets.arrays(dataset, "train", trained.voxel_shape[0])
        test, _ = kgan.datasets.arrays(dataset, "test", trained.voxel_shape[0])
        test = test[:count]
        views = kgan.shapes.views(test, size)
        made = trained.reconstruct(views.repeat(channels, axis=-1) if channels > 1 else views)
        baseline, cut = kgan.shapes.mean_shape_iou(train, test)
        print(f"IoU at {threshold:g}: {kgan.shapes.voxel_iou(made, test, threshold).mean():.3f} over {len(test)} shapes")
        print(f"IoU of the mean training shape at {cut:.2f}, its best: {baseline:.3f}")
        print(f"average precision of cells: {kgan.shapes.average_precision(made, test).mean():.3f}")
        title = f"{runs.title_of(trained, dataset)}: held-out shapes from single views"
        pictures.save_image(output, _rows(views[:16], test[:16], made[:16], threshold, title))
        print(f"views, truths and reconstructions in {output}")

    runs.guarded(work)


def _rows(views, truths, made, threshold, title):
    """Three strips, one below the other: the views on top."""
    scale = 96 // views.shape[1] or 1
    seen = pictures.image_grid(views.repeat(scale, axis=1).repeat(scale, axis=2), len(views), scale=1)
    strips = [pictures.voxel_grid(s, len(s), views.shape[1] * scale, threshold=t) for s, t in ((truths, 0.5), (made, threshold))]
    return pictures.labeled(np.concatenate([seen, *strips]), title, ["view", "truth", "made from it"])


def _write(output, shape, threshold, picture):
    from kgan.files import atomic_write

    suffix = Path(output).suffix
    if suffix == ".png":
        drawn = pictures.voxel_grid(shape[None], threshold=threshold, image_size=256)
        pictures.save_image(output, pictures.labeled(drawn, f"The shape of {Path(picture).name}"))
    elif suffix == ".npy":
        atomic_write(output, lambda temporary: np.save(temporary, shape))
    else:
        meshes.save_mesh(output, meshes.surface(shape, threshold, largest=True))
    print(f"the shape is in {output}")


if __name__ == "__main__":
    typer.run(main)
