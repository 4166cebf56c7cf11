"""Train RenderGAN (Sixt et al. 2016, 1611.01331) on tags with codes of which nobody knows what they say, and a reader on what it makes.

The defaults photograph tags in the light of scikit-image's photos; `--real FOLDER` takes cut-out tags of your own, one a picture:

    python applications/layers/tags.py --real CUTOUTS --image-size 64 --rotation 180 --epochs 100 --filters 64 --output runs/bees
"""

from typing import Annotated, Any

import keras
import numpy as np
import typer

import kgan
from kgan import images, runs
from kgan.networks import rendered


def reader_of(pictures, bits, epochs):
    """A network that reads bits, trained on labeled pictures."""
    reader = rendered.decoder(pictures.shape[1:], bits.shape[1])
    reader.compile(keras.optimizers.Adam(1e-3), keras.losses.BinaryCrossentropy(from_logits=True))
    reader.fit(pictures, (bits > 0).astype("float32"), batch_size=64, epochs=epochs, verbose=0)
    return reader


@runs.options(
    without=("cache", "dataset", "extractor", "held_out", "keep", "resize", "strategy"),
    output="runs/tags",
    epochs=4,
    passes=1,
    batch_size=32,
    picture_every=1,
)
def main(
    settings: runs.RunSettings,
    about: dict[str, Any],
    real: Annotated[str, typer.Option(help="folder of pictures of tags; default tags photographed by this program")] = "",
    image_size: Annotated[int, typer.Option(min=16, help="16 times a power of two")] = 32,
    count: Annotated[
        int, typer.Option(min=100, help="tags to photograph, where there is no folder; and of the reader's training")
    ] = 4000,
    bits: Annotated[int, typer.Option(min=3, help="cells of a tag")] = 12,
    rotation: Annotated[float, typer.Option(min=0, max=180, help="degrees to both sides")] = 20.0,
    shift: Annotated[float, typer.Option(min=0, help="pixels to all sides, at 32 pixels")] = 2.0,
    tilt: Annotated[float, typer.Option(min=0, max=1.2, help="radians")] = 0.5,
    filters: Annotated[int, typer.Option(min=1, help="of all networks; the authors' is 64")] = 8,
    noise_size: Annotated[int, typer.Option(min=1, help="numbers of the appearance; the authors' is 50")] = 36,
    pose_noise: Annotated[
        int | None, typer.Option(min=1, help="learn the poses from so much noise (the authors': 50); default uniform")
    ] = None,
    reader_epochs: Annotated[int, typer.Option(min=1, help="of the reader's training")] = 5,
):
    """Train the game and a reader; write pictures, figures, checkpoints, the model, and the reader (`reader.keras`) to a folder."""
    scale = image_size / 32

    def renderer():
        return kgan.layers.TagRenderer(
            image_size, bits, rotation=rotation, shift=shift * scale, radii=(11.0 * scale, 13.0 * scale), tilt=tilt
        )

    def data():
        if not real:
            pictures, masks, _ = kgan.datasets.tags(count, renderer(), settings.seed)
            seen = kgan.datasets.in_photos(pictures, masks, seed=settings.seed)
        else:
            files, _ = images.find_images(real)
            seen = np.stack([images.read_image(file, image_size, 1) for file in files]).astype("float32") / 127.5 - 1.0
        return np.concatenate([seen] * settings.passes), seen.shape[1:]

    def build(shape):
        model = kgan.RenderGAN(
            renderer(), bits=bits, noise_size=noise_size, pose_noise=pose_noise, filters=filters, seed=settings.seed
        )
        model.compile()
        return model

    def measure(model, samples):
        some, epochs = (64, 1) if settings.smoke else (count, reader_epochs)
        pictures, read, _ = model.labeled(some, seed=settings.seed)
        reader = reader_of(pictures, read, epochs)
        kgan.files.atomic_write(f"{settings.output}/reader.keras", reader.save)
        figures = {"picture_std": float(samples.std(axis=0).mean())}
        if not real:
            # Other tags, in photographs that the game has not seen; and a reader that knows the bare model alone.
            held, masks, labels = kgan.datasets.tags(500, renderer(), settings.seed + 100)
            seen, truth = kgan.datasets.in_photos(held, masks, kgan.datasets.TEST_PHOTOS, settings.seed + 100), labels[:, :bits]
            bare, _, own = kgan.datasets.tags(some, renderer(), settings.seed + 200)
            for name, one in (("wrong_bits", reader), ("wrong_bits_of_the_bare_model", reader_of(bare, own[:, :bits], epochs))):
                figures[name] = kgan.metrics.mean_hamming_distance(truth, one.predict(seen, verbose=0))
        return figures

    runs.guarded(lambda: runs.train(build, settings, about, data, measure))


if __name__ == "__main__":
    typer.run(main)
