"""Train coupled GANs (Liu and Tuzel 2016, 1606.07536): pairs from two domains of which no pair was seen.

The defaults learn scikit-learn's digits and negatives of other digits on two CPU cores. The paper's MNIST run, 25,000 rounds:

    python applications/cogan/train.py --source tfds:mnist --pair edges --batch-size 128 --epochs 107 --passes 1 --output runs/mnist-edges
"""

import warnings
from typing import Annotated, Any

import numpy as np
import typer

import kgan
from kgan import runs


def shapes_of(domains):
    """Dict of domain to the shape of one example, of arrays and of data sets."""
    specs = {d: getattr(x, "element_spec", x) for d, x in domains.items()}
    return {domain: tuple(spec.shape[1:]) for domain, spec in specs.items()}


def agreement(samples, pair):
    """Figures of pairs where the change from the first domain to the second is known."""
    if pair not in kgan.datasets.CHANGES:
        return {}
    first, second = samples.values()
    expected = kgan.datasets.CHANGES[pair](first)
    ratio, difference = kgan.metrics.pixel_agreement(expected, second)
    chance, _ = kgan.metrics.pixel_agreement(expected, second[np.random.default_rng(0).permutation(len(second))])
    return {"pixel_agreement": ratio, "pixel_agreement_by_chance": chance, "pixel_difference": difference}


@runs.options(
    without=("cache", "extractor", "held_out", "keep", "resize", "strategy"),
    renamed={"source": "dataset"},
    output="runs/cogan",
    epochs=5,
    passes=36,
    picture_every=1,
)
def main(
    settings: runs.RunSettings,
    about: dict[str, Any],
    pair: Annotated[
        str, typer.Option(help="edges, negatives, thick, usps:FILE.npz, attribute:NAME:FOLDER or rgbd:FOLDER")
    ] = "negatives",
    source: Annotated[str, typer.Option(help="images of the first domain: digits or tfds:<name>")] = "digits",
    image_size: Annotated[int | None, typer.Option(min=8, help="resize images to this many pixels")] = None,
    shared_generator_layers: Annotated[int | None, typer.Option(min=0, help="default the paper's; 0: generators apart")] = None,
    shared_discriminator_layers: Annotated[int | None, typer.Option(min=0, help="default the paper's")] = None,
    width: Annotated[float, typer.Option(min=0.01, help="factor of all channel counts; 1 is the paper's")] = 1.0,
    latent_size: Annotated[int | None, typer.Option(min=1, help="default 32 below 28 pixels, else the paper's 100")] = None,
    weight_decay: Annotated[float | None, typer.Option(min=0, help="default 0 below 28 pixels, 4e-4 from 64, else 1e-3")] = None,
):
    """Train coupled GANs and write pairs one below the other, figures, checkpoints and the model to a folder."""

    def data():
        domains, _ = kgan.datasets.load_domains(pair, source, image_size, settings.batch_size, settings.seed)
        in_memory = all(isinstance(x, np.ndarray) for x in domains.values())
        repeats = {"passes": settings.passes} if in_memory else {}
        if not in_memory and settings.passes != 1:
            warnings.warn(
                f"--passes {settings.passes} is for sets in memory; here an epoch is one pass over the larger domain.",
                stacklevel=1,
            )
        return kgan.datasets.unpaired(domains, settings.batch_size, seed=settings.seed, **repeats), shapes_of(domains)

    def build(shapes):
        size = next(iter(shapes.values()))[0]
        decay = (0.0 if size < 28 else 4e-4 if size >= 64 else 1e-3) if weight_decay is None else weight_decay
        model = kgan.CoGAN(
            shapes,
            shared_generator_layers=shared_generator_layers,
            shared_discriminator_layers=shared_discriminator_layers,
            width=width,
            latent_size=latent_size or (32 if size < 28 else 100),
            weight_decay=decay,
            seed=settings.seed,
        )
        model.compile()
        return model

    def measure(_, samples):
        spread = {f"{d}_std": float(x.std(axis=0).mean()) for d, x in samples.items()}
        return {**agreement(samples, pair), **spread}

    runs.guarded(lambda: runs.train(build, settings, about, data, measure))


if __name__ == "__main__":
    typer.run(main)
