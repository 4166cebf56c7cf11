"""Proof of LSGAN: the optimal output between two densities in closed form, digits."""

import numpy as np
from keras import ops

import kgan
from benchmarks.proofs.harness import DIGIT, Shift, adam, digit_figures, generator_of, run
from kgan.networks import mlp


def closed_form(report, seed, steps):
    """Part A: data N(0, 1), generator N(1, 1) at rest: the optimal output is p / (p + q), 1/2 at 0.5 (Eq. 5 of 1611.04076)."""
    model = kgan.LSGAN(
        generator=generator_of(Shift([1.0], name="shift"), 1),
        discriminator=mlp.discriminator((1,), (64, 64), "tanh"),
        prior=kgan.priors.Normal(),
        seed=seed,
    )
    model.compile(optimizers=adam(1e-3))
    data = np.random.default_rng(seed).normal(size=(256 * steps, 1)).astype("float32")
    model.fit(data, batch_size=256, verbose=0)
    points = np.linspace(-1.0, 2.0, 61, dtype="float32")[:, None]
    found = ops.convert_to_numpy(model.discriminator(points))
    error = float(np.abs(found - 1.0 / (1.0 + np.exp(points - 0.5))).max())
    report.figure("A largest error of the output", error, "< 0.05", error < 0.05, seed)


def digits(report, seed, steps):
    """Part B: the default optimizers on 8x8 digits."""
    model = kgan.LSGAN(DIGIT, filters=32, seed=seed)
    model.compile(averages={"generator": 0.99})
    model.fit(kgan.datasets.load("digits", batch_size=64, seed=seed), epochs=max(1, steps // 14), verbose=0)
    found = digit_figures(model.generate(900, seed=seed))
    report.figure("B distance of digits", found["frechet_distance"], "< 15", found["frechet_distance"] < 15, seed)


PARTS = {"A": (closed_form, 2000), "B": (digits, 1400)}


if __name__ == "__main__":
    run("lsgan", __doc__, PARTS)
