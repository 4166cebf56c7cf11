"""Train a dual-agent GAN (Zhao et al., NIPS 2017): a simulator's labeled pictures made to look like real ones, for a reader to learn from.

The defaults refine printed glyphs, turned and shifted, toward MNIST's digits. Pictures of your own, a subfolder a class in both folders:

    python applications/transfer/refine.py --simulated RENDERED --real PHOTOS --image-size 64 --output runs/refined
    python applications/transfer/transfer.py runs/refined RENDERED --output refined

The second line writes a PNG of each, in the same subfolders: a labeled data set.
"""

from typing import Annotated, Any

import keras
import numpy as np
import typer

import kgan
from kgan import runs
from kgan.datasets.folders import folder_arrays, folder_classes
from kgan.networks import autoencoders, refiner, transfer


def folder_of(path, size, channels, split="all"):
    """Pictures of a folder with a subfolder a class, and their classes."""
    pixels, classes = folder_arrays(path, split, size, channels)
    return pixels.astype("float32") / 127.5 - 1.0, classes


def digits_of(size, count, seed):
    """The defaults: glyphs, MNIST's digits, and those that are held out."""
    return {
        "simulated": kgan.datasets.glyphs(count, size, seed=seed),
        "real": kgan.datasets.arrays("mnist", "train", size, "bilinear"),
        "held": kgan.datasets.arrays("mnist", "test", size, "bilinear"),
    }


@runs.options(
    without=("cache", "dataset", "extractor", "keep", "resize", "strategy", "held_out"),
    output="runs/refined",
    epochs=5,
    passes=10,
    batch_size=64,
    picture_every=1,
)
def main(
    settings: runs.RunSettings,
    about: dict[str, Any],
    simulated: Annotated[str, typer.Option(help="folder of the simulator's pictures, a subfolder a class; default glyphs")] = "",
    real: Annotated[str, typer.Option(help="folder of real pictures, with the same subfolders; default digits")] = "",
    image_size: Annotated[int, typer.Option(min=8, help="8 times a power of two")] = 16,
    gray: Annotated[bool, typer.Option("--gray", help="pictures without color; digits have none")] = False,
    glyphs: Annotated[int, typer.Option(min=20, help="glyphs to draw, where there are no folders")] = 4000,
    dense: Annotated[
        int | None, typer.Option(min=0, help="units of dense networks, 0 for convolutions; default 256 for glyphs, else 0")
    ] = None,
    filters: Annotated[int, typer.Option(min=1, help="of the convolutions")] = 32,
    blocks: Annotated[int, typer.Option(min=1, help="of the refiner")] = 4,
    code_size: Annotated[int, typer.Option(min=2, help="numbers between the discriminator's halves")] = 32,
    diversity_ratio: Annotated[float, typer.Option(min=0.01, max=1, help="error of refined pictures by that of real ones")] = 0.8,
    factor_rate: Annotated[float, typer.Option(min=0, help="of the factor that keeps the balance")] = 0.01,
    classification_weight: Annotated[float, typer.Option(min=0, help="of whom or what a picture shows")] = 0.1,
    pose_weight: Annotated[float, typer.Option(min=0, help="of |refined - simulated|")] = 0.1,
    adversarial_weight: Annotated[float, typer.Option(min=0, help="of how real a refined picture looks")] = 1.0,
    rate: Annotated[float, typer.Option(min=1e-6, help="of Adam")] = 5e-4,
):
    """Train a dual-agent GAN and write pictures, figures, checkpoints and the model to a folder."""
    sets, channels = {}, 1 if gray or not simulated else 3

    def data():
        if bool(simulated) != bool(real):
            raise ValueError("Give both folders, --simulated and --real, or none.")
        if simulated:
            names = [folder_classes(path) for path in (simulated, real)]
            if names[0] != names[1] or len(names[0]) < 2:
                raise ValueError(
                    f"Both folders need the same subfolders, one a class, two or more. {simulated!r} has {names[0]}, {real!r} {names[1]}."
                )
            sets["simulated"] = folder_of(simulated, image_size, channels)
            # A tenth of the real pictures is held out, for the figures.
            sets["real"], sets["held"] = (folder_of(real, image_size, channels, split) for split in ("train", "test"))
        else:
            sets.update(digits_of(image_size, glyphs, settings.seed))
        pictures, labels = ({domain: sets[domain][part] for domain in ("simulated", "real")} for part in (0, 1))
        rounds = kgan.datasets.unpaired(pictures, settings.batch_size, labels=labels, passes=settings.passes, seed=settings.seed)
        return rounds, (image_size, image_size, channels)

    def build(shape):
        classes = int(max(sets[domain][1].max() for domain in ("simulated", "real"))) + 1
        units = (0 if simulated else 256) if dense is None else dense
        networks = {}
        if units:
            judge = autoencoders.perceptron(shape, (units, units, code_size), (units, units), "elu", classes=classes)
            networks = {"generator": refiner.perceptron(shape, (units, units)), "discriminator": judge}
        model = kgan.DualAgentGAN(
            shape,
            classes=classes,
            filters=filters,
            blocks=blocks,
            discriminator_filters=filters,
            code_size=code_size,
            diversity_ratio=diversity_ratio,
            factor_rate=factor_rate,
            classification_weight=classification_weight,
            pose_weight=pose_weight,
            adversarial_weight=adversarial_weight,
            seed=settings.seed,
            **networks,
        )
        model.compile({move: keras.optimizers.Adam(rate, 0.5, epsilon=1e-8) for move in ("discriminator", "generator")})
        return model

    def sample(model, count, seed):
        given = sets["simulated"][0][:count]
        return {"simulated": given, "refined": model.refine(given)}

    def measure(model, samples):
        """How a reader that has learned from simulated pictures alone, as they are or refined, reads real ones."""
        pictures, labels = sets["simulated"]
        held, truth = sets["held"]
        refined = model.refine(pictures)
        figures = {"change": float(np.abs(refined - pictures).mean())}
        for name, given in (("accuracy", refined), ("accuracy_without_refinement", pictures)):
            reader = transfer.classifier(held.shape[1:], model.classes, width=0.25)
            reader.compile(keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
            reader.fit(given, labels, batch_size=64, epochs=1 if settings.smoke else 6, verbose=0)
            figures[name] = float((reader.predict(held, verbose=0).argmax(-1) == truth).mean())
        return figures

    runs.guarded(lambda: runs.train(build, settings, about, data, measure, sample=sample))


if __name__ == "__main__":
    typer.run(main)
