"""Learn what is ordinary as an energy (Dai et al. 2017, 1702.01691), and find what is not.

The defaults take eights of scikit-learn's digits as ordinary, and are judged by digits that were held out. Trousers among clothes:

    python applications/anomaly/train.py --dataset fashion_mnist --ordinary 1 --batch-size 100 --epochs 50 --passes 1 \
        --output runs/trousers
"""

from typing import Annotated, Any

import kgan  # isort: skip - ahead of Keras: kgan holds TensorFlow's notices of its start back
import keras
import numpy as np
import typer

from kgan import runs


def ordinary_of(dataset, split, ordinary, image_size):
    """Examples of the ordinary classes, and the others."""
    examples, labels = kgan.datasets.arrays(dataset, split, image_size)
    known = set(np.unique(labels).tolist())
    if not set(ordinary) < known:
        raise ValueError(f"--ordinary must be some of the classes {sorted(known)} of {dataset!r}. Received: {sorted(ordinary)}.")
    own = np.isin(labels, list(ordinary))
    return examples[own], examples[~own]


def falling(rate, rounds):
    """A rate that falls linearly to a fiftieth: without, the order of energies comes and goes (the paper's code has a decay too)."""
    return keras.optimizers.schedules.PolynomialDecay(rate, max(2, rounds), 0.02 * rate)


@runs.options(
    without=("average", "cache", "extractor", "held_out", "keep", "resize", "strategy"),
    output="runs/anomaly",
    epochs=20,
    passes=150,
    picture_every=5,
    batch_size=80,
)
def main(
    settings: runs.RunSettings,
    about: dict[str, Any],
    ordinary: Annotated[list[int] | None, typer.Option(help="classes that are ordinary; may be repeated; default 8")] = None,
    image_size: Annotated[int | None, typer.Option(min=1, help="resize images to this many pixels")] = None,
    entropy: Annotated[str, typer.Option(help="neighbors, variational or none (an energy without calibration)")] = "neighbors",
    entropy_weight: Annotated[float, typer.Option(min=0, help="too large a one blows samples up")] = 0.3,
    neighbors: Annotated[int, typer.Option(min=1, help="fewer than --batch-size")] = 20,
    smoothness: Annotated[float, typer.Option(min=0, help="of squared energies (the authors' for images)")] = 0.01,
    latent_size: Annotated[int, typer.Option(min=1, help="numbers of a latent")] = 10,
):
    """Train on ordinary examples alone; write how well the energy tells held-out ones from the others, samples and the model."""
    kinds, count = ordinary or [8], []

    def data():
        own, _ = ordinary_of(settings.dataset, "train", kinds, image_size)
        count[:] = [len(own) * settings.passes // settings.batch_size * settings.epochs]
        rounds = kgan.datasets.from_arrays(np.concatenate([own] * settings.passes), settings.batch_size, seed=settings.seed)
        return rounds, own.shape[1:]

    def build(shape):
        model = kgan.CalibratedEBGAN(
            shape,
            entropy=entropy,
            entropy_weight=entropy_weight,
            neighbors=neighbors,
            gap_bounds=(-1.2, 0.1),
            smoothness=smoothness,
            latent_size=latent_size,
            seed=settings.seed,
        )
        rates = {"discriminator": 2e-4, "generator": 1e-3}
        model.compile(optimizers={move: keras.optimizers.Adam(falling(rate, count[0]), 0.0) for move, rate in rates.items()})
        return model

    def measure(model, samples):
        own, _ = ordinary_of(settings.dataset, "train", kinds, image_size)
        held_out, others = ordinary_of(settings.dataset, "test", kinds, image_size)
        center = own.mean(0)
        return {
            "auroc": kgan.metrics.ranking_auc(model.energy(others), model.energy(held_out)),
            # What needs no training: how far from the mean example.
            "auroc_of_distance_to_mean": kgan.metrics.ranking_auc(*(distance(part, center) for part in (others, held_out))),
            "held_out": len(held_out),
            "others": len(others),
            "samples_distance_to_mean": float(distance(samples, center).mean() / distance(own, center).mean()),
        }

    runs.guarded(lambda: runs.train(build, settings, about, data, measure))


def distance(examples, center):
    return np.linalg.norm((examples - center).reshape(len(examples), -1), axis=1)


if __name__ == "__main__":
    typer.run(main)
