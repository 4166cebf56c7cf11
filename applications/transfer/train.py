"""Train a domain transfer network (Taigman et al. 2017, 1611.02200): pictures of one folder in the manner of another, without pairs.

The defaults take MNIST's digits on photographs for the source and other digits, plain, for the target. Pictures of your own, of which the
source's lie in a subfolder a class, from which the features are learned that must stay:

    python applications/transfer/train.py --source PHOTOS --target DRAWINGS --image-size 64 --output runs/drawings
"""

from pathlib import Path
from typing import Annotated, Any

import keras
import numpy as np
import typer

import kgan
from kgan import images, runs
from kgan.networks import transfer


def folder_of(path, size, channels):
    """Pictures of a folder, their classes by subfolder, and the names of these: None and [] where there are no subfolders."""
    files, _ = images.find_images(path)
    pixels = np.stack([images.read_image(file, size, channels) for file in files]).astype("float32") / 127.5 - 1.0
    names = [file.relative_to(path).parts[0] if file.parent != Path(path) else None for file in files]
    classes = sorted({name for name in names if name is not None})
    if None in names or len(classes) < 2:
        return pixels, None, []
    return pixels, np.asarray([classes.index(name) for name in names]), classes


def digits_of(size, seed):
    """The defaults: digits on photographs with labels, other digits without."""
    (first, own), (second, other) = kgan.datasets.halves(*kgan.datasets.arrays("mnist", "train", size), seed=seed)
    return (kgan.datasets.on_photos(first, seed=seed), own), (second, other)


@runs.options(
    without=("cache", "dataset", "extractor", "held_out", "keep", "resize", "strategy"),
    output="runs/transfer",
    epochs=5,
    passes=5,
    batch_size=32,
    picture_every=1,
)
def main(
    settings: runs.RunSettings,
    about: dict[str, Any],
    source: Annotated[str, typer.Option(help="folder of the source, a subfolder a class; default digits on photographs")] = "",
    target: Annotated[str, typer.Option(help="folder of the target; default digits")] = "",
    image_size: Annotated[int, typer.Option(min=8, help="4 times a power of two")] = 32,
    gray: Annotated[bool, typer.Option("--gray", help="a target without color; digits have none")] = False,
    features: Annotated[str, typer.Option(help="a .keras file of features in place of learned ones: pictures to vectors")] = "",
    feature_width: Annotated[
        float, typer.Option(min=0.01, help="of the classifier whose features are learned; 1 is the paper's")
    ] = 0.25,
    feature_epochs: Annotated[int, typer.Option(min=1, help="of its training")] = 12,
    filters: Annotated[int, typer.Option(min=1, help="of generator and discriminator; the paper's is 128")] = 16,
    constancy_weight: Annotated[
        float, typer.Option(min=0, help="of |f(s) - f(G(s))|^2; the paper's is 15, in its features")
    ] = 1.0,
    identity_weight: Annotated[float, typer.Option(min=0, help="of |t - G(t)|^2; the paper's is 15")] = 15.0,
    variation_weight: Annotated[float, typer.Option(min=0, help="of the total variation; the paper's is 0 for digits")] = 0.0,
    rate: Annotated[float, typer.Option(min=1e-6, help="of Adam")] = 5e-4,
):
    """Train a domain transfer network and write transfers, figures, checkpoints and the model to a folder."""
    sets = {}

    def data():
        if bool(source) != bool(target):
            raise ValueError("Give both folders, --source and --target, or none.")
        if source:
            *sets["source"], names = folder_of(source, image_size, 3)
            *sets["target"], others = folder_of(target, image_size, 1 if gray else 3)
            if names != others:  # no classifier of the one can read the other's classes
                sets["target"][1] = None
        else:
            sets["source"], sets["target"] = digits_of(image_size, settings.seed)
        if not features and sets["source"][1] is None:
            raise ValueError(
                f"{source!r} has no subfolder a class, from which features could be learned. Sort the pictures into two subfolders or "
                "more, or give features of your own, --features FILE.keras."
            )
        # Every tenth picture of the source is held out, for the pictures and figures.
        kept = np.arange(len(sets["source"][0])) % 10 != 0
        sets["held"] = tuple(None if part is None else part[~kept] for part in sets["source"])
        sets["source"] = tuple(None if part is None else part[kept] for part in sets["source"])
        both = {domain: sets[domain][0] for domain in ("source", "target")}
        return kgan.datasets.unpaired(both, settings.batch_size, passes=settings.passes, seed=settings.seed), both[
            "target"
        ].shape[1:]

    def build(shape):
        if features:
            f = keras.saving.load_model(features, compile=False)
        else:
            epochs = 1 if settings.smoke else feature_epochs
            f = transfer.trained_features(*sets["source"], width=feature_width, epochs=epochs, seed=settings.seed)
        model = kgan.DomainTransferNetwork(
            f,
            shape,
            filters=filters,
            constancy_weight=constancy_weight,
            identity_weight=identity_weight,
            variation_weight=variation_weight,
            seed=settings.seed,
        )
        model.compile(
            optimizers={move: keras.optimizers.Adam(rate, 0.5, epsilon=1e-8) for move in ("discriminator", "generator")}
        )
        return model

    def sample(model, count, seed):
        given = sets["held"][0][:count]
        return {"source": given, "transferred": model.transfer(given).repeat(3 // model.target_shape[-1], axis=-1)}

    def measure(model, samples):
        figures = {"transferred_std": float(samples["transferred"].std(axis=0).mean())}
        plain, classes = sets["target"]
        if classes is not None and sets["held"][1] is not None:
            # A classifier of the target's own pictures reads what became of the source's: the classes must be the same, in name.
            judge = transfer.classifier(plain.shape[1:], int(classes.max()) + 1, width=0.25)
            judge.compile(keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
            judge.fit(plain, classes, batch_size=64, epochs=1 if settings.smoke else 10, verbose=0)
            gray_source = sets["held"][0] if plain.shape[-1] == 3 else sets["held"][0].mean(axis=-1, keepdims=True)
            for name, pictures in (("accuracy", model.transfer(sets["held"][0])), ("accuracy_without_transfer", gray_source)):
                figures[name] = float((judge.predict(pictures, verbose=0).argmax(-1) == sets["held"][1]).mean())
        return figures

    runs.guarded(lambda: runs.train(build, settings, about, data, measure, sample=sample))


if __name__ == "__main__":
    typer.run(main)
