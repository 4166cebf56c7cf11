"""Proof of the demonstration. A: SNGAN on 8x8 digits, against its untrained self and a network without normalization. B: what `make demo`
trains, on MNIST's digits.
"""

import keras
import numpy as np

import kgan
from benchmarks.proofs.harness import digit_figures, run
from kgan.networks import sn_cnn

SHAPE, WIDTH = (8, 8, 1), 0.25
PASSES = 25


def figures(model, seed):
    return digit_figures(model.generate(1000, seed=seed))


def trained(setting, epochs, seed, normalize):
    keras.utils.set_random_seed(seed)
    plain = {} if normalize else {"discriminator": sn_cnn.discriminator(SHAPE, WIDTH), "joint_batch": True}
    model = kgan.SNGAN(SHAPE, width=WIDTH, setting=setting, seed=seed, **plain)
    model.compile(averages={"generator": 0.99})
    images, _ = kgan.datasets.arrays("digits", "train")
    model.fit(images.repeat(PASSES, axis=0), batch_size=64, epochs=epochs, verbose=0)
    return model


def demo(report, seed, steps):
    """`steps` epochs in setting D; half as many in setting F without normalization."""
    untrained = figures(kgan.SNGAN(SHAPE, width=WIDTH, seed=seed), seed)["frechet_distance"]
    ours = figures(trained("D", steps, seed, normalize=True), seed)
    plain = figures(trained("F", steps // 2, seed, normalize=False), seed)["frechet_distance"]
    distance = ours["frechet_distance"]
    report.figure("classes present among 1000 samples", ours["classes_present"], "10", ours["classes_present"] == 10, seed)
    report.figure("Frechet digit distance", distance, seed=seed)
    report.figure("digit score", ours["class_score"], seed=seed)
    report.figure("untrained / trained", untrained / distance, "> 5", untrained / distance > 5, seed)
    report.figure("without normalization, setting F / trained", plain / distance, "> 2", plain / distance > 2, seed)


def nearest_digits(images):
    """How samples at 32 pixels stand to the 4,000 digits trained on: the median distance to the nearest, in that of held-out digits (1 is
    as good as real), and the share of the class that is the rarest among those nearest.
    """
    (train, labels), (held_out, _) = (kgan.datasets.arrays("mnist", split, 32) for split in ("train", "test"))
    train, held_out, images = (x.reshape(len(x), -1).astype("float64") for x in (train, held_out, images))

    def nearest(points):
        squares = (points**2).sum(1)[:, None] + (train**2).sum(1) - 2 * points @ train.T
        return np.sqrt(np.maximum(squares.min(1), 0)), labels[squares.argmin(1)]

    (distances, classes), (real, _) = nearest(images), nearest(held_out)
    return float(np.median(distances) / np.median(real)), float(np.bincount(classes, minlength=10).min() / len(classes))


def mnist(report, seed, steps):
    """`steps` epochs, as applications/sngan/train.py trains by default."""
    model = kgan.SNGAN((32, 32, 1), width=WIDTH, setting=(5e-4, 0.5, 0.999, 1), seed=seed)
    model.compile(averages={"generator": 0.99})
    images, _ = kgan.datasets.arrays("mnist", "train", 32)
    model.fit(images, batch_size=64, epochs=steps, verbose=0)
    distance, share = nearest_digits(model.generate(1000, seed=seed))
    report.figure("distance to the nearest real digit / of held-out ones", distance, "< 1.3", distance < 1.3, seed)
    report.figure("smallest class share", share, "> 0.03", share > 0.03, seed)


PARTS = {"A": (demo, 50), "B": (mnist, 37)}


if __name__ == "__main__":
    run("demo", __doc__, PARTS)
