"""Train a layered GAN (Yang et al. 2017, 1703.01560): pictures as a background and objects over it, with masks that nobody drew.

The defaults place scikit-learn's digits on gray backgrounds and learn on two CPU cores. Other objects, and pictures as they are:

    python applications/layers/train.py --source mnist --epochs 7 --output runs/mnist-layers
    python applications/layers/train.py --source folder:BIRDS --image-size 64 --filters 64 --noise-size 100 --output runs/birds
"""

from typing import Annotated, Any

import keras
import numpy as np
import typer

import kgan
from kgan import runs


def stages(model, count, seed):
    """Backgrounds, masks and pictures, a dict of what `kgan.pictures.save_samples` draws one below the other."""
    parts = model.compose(count, seed=seed)
    color = model.image_shape[-1]
    masks = 2.0 * parts["masks"].max(axis=1).repeat(color, axis=-1) - 1.0
    return {"background": parts["canvases"][:, 0], "mask": masks, "picture": parts["canvases"][:, -1]}


@runs.options(
    without=("cache", "extractor", "held_out", "keep", "resize", "strategy"),
    renamed={"source": "dataset"},
    output="runs/layers",
    epochs=5,
    passes=1,
    batch_size=32,
    picture_every=1,
)
def main(
    settings: runs.RunSettings,
    about: dict[str, Any],
    source: Annotated[
        str, typer.Option(help="objects to place: digits, mnist; or pictures: folder:<path>, another set (kgan list)")
    ] = "digits",
    image_size: Annotated[int | None, typer.Option(min=8, help="of the pictures; default 16, 32 for mnist")] = None,
    foregrounds: Annotated[int, typer.Option(min=1, help="objects of a picture")] = 1,
    count: Annotated[int, typer.Option(min=1, help="pictures that objects are placed in")] = 6000,
    smooth: Annotated[bool, typer.Option("--smooth", help="objects on smooth noise in place of one gray level")] = False,
    filters: Annotated[
        int, typer.Option(min=1, help="of the generator; the authors' is 64. Small keeps the background plain")
    ] = 8,
    discriminator_filters: Annotated[int, typer.Option(min=1, help="of the discriminator; the authors' is 64")] = 32,
    noise_size: Annotated[int, typer.Option(min=1, help="numbers of a layer; the authors' is 100")] = 32,
    scale: Annotated[float, typer.Option(min=1, help="objects are at most 1 / scale as large as the picture")] = 1.2,
    rotation: Annotated[float, typer.Option(min=0, help="limit of the off-diagonal numbers of a pose")] = 0.1,
    rate: Annotated[float, typer.Option(min=1e-6, help="of Adam; the authors' is 2e-4")] = 4e-4,
):
    """Train a layered GAN and write backgrounds, masks and pictures one below the other, figures, checkpoints and the model to a folder."""
    placed = source in ("digits", "mnist")

    def data():
        size = image_size or (32 if source == "mnist" else 16)
        if not placed:
            dataset = kgan.datasets.load(source, "train", settings.batch_size, size, seed=settings.seed, passes=settings.passes)
            return dataset, tuple(dataset.element_spec.shape[1:])
        objects, _ = kgan.datasets.arrays(source, "train")
        sizes = (size * 7 // 16, size * 5 // 8)
        pictures, _ = kgan.datasets.place(objects, count, size, foregrounds, sizes, smooth, settings.seed)
        return np.concatenate([pictures] * settings.passes), pictures.shape[1:]

    def build(shape):
        model = kgan.LRGAN(
            shape,
            foregrounds=foregrounds,
            filters=filters,
            discriminator_filters=discriminator_filters,
            noise_size=noise_size,
            pose_scale=scale,
            rotation=rotation,
            start_scale=1.15 * scale,
            seed=settings.seed,
        )
        model.compile(
            optimizers={move: keras.optimizers.Adam(rate, 0.5, epsilon=1e-8) for move in ("discriminator", "generator")}
        )
        return model

    def measure(_, samples):
        picture, mask = samples["picture"], samples["mask"] > 0
        figures = {
            "background_std": float(samples["background"].std(axis=(1, 2, 3)).mean()),
            "picture_std": float(picture.std(axis=(1, 2, 3)).mean()),
            "mask": float(mask.mean()),
        }
        if placed and not smooth:
            # Ink is what stands out of its picture: known, since the backgrounds are one gray level.
            ink = picture - np.median(picture, axis=(1, 2, 3), keepdims=True) > 0.5
            figures["iou"] = float((mask & ink).sum() / max(1, (mask | ink).sum()))
        return figures

    runs.guarded(lambda: runs.train(build, settings, about, data, measure, sample=stages))


if __name__ == "__main__":
    typer.run(main)
