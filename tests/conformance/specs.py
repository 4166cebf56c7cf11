"""The table of families: one row each. A family without a row fails the suite.

Everything in `test_conformance.py` follows from a row.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

import kgan


@dataclass(frozen=True)
class Spec:
    """One configuration of a family, small enough for a round to take milliseconds.

    Attributes:
        family: the class.
        build: `() -> model`, not compiled, weights from the global seed.
        example: shape of one example.
        schedule: optimiser steps of every move in one round.
        terms: names of the terms that are minimised, `<move>/<term>`.
        smallest_batch: examples of the smallest legal minibatch.
        tolerance: largest difference of a weight after one round between backends.
    """

    family: type
    build: Callable
    example: tuple
    schedule: dict
    terms: set = field(default_factory=lambda: {"discriminator/adversarial", "generator/adversarial"})
    smallest_batch: int = 1
    tolerance: float = 1e-4

    def data(self, count, seed=0):
        return np.random.default_rng(seed).uniform(-1, 1, (count, *self.example)).astype("float32")


IMAGE = (8, 8, 1)
ONE_TO_ONE = {"discriminator": 1, "generator": 1}

SPECS = {
    "GAN": Spec(
        kgan.GAN,
        lambda: kgan.GAN(
            (2,),
            generator=kgan.networks.mlp.generator((2,), 3, (8,), batch_norm=True),
            discriminator=kgan.networks.mlp.discriminator((2,), (8,)),
            seed=0,
        ),
        (2,),
        ONE_TO_ONE,
    ),
    "GAN, minimax, simultaneous": Spec(
        kgan.GAN,
        lambda: kgan.GAN(
            (2,),
            generator=kgan.networks.mlp.generator((2,), 3, (8,)),
            discriminator=kgan.networks.mlp.maxout_discriminator((2,), (4, 4), 2),
            objective="minimax",
            simultaneous=True,
            prior=kgan.priors.Uniform(),
            seed=0,
        ),
        (2,),
        ONE_TO_ONE,
    ),
    "GAN with penalties": Spec(
        kgan.GAN,
        lambda: kgan.GAN(
            (2,),
            generator=kgan.networks.mlp.generator((2,), 3, (8,)),
            discriminator=kgan.networks.mlp.discriminator((2,), (8,), "tanh"),
            objective="wasserstein",
            penalties=[kgan.penalties.GradientPenalty(1.0), kgan.penalties.R1(1.0), kgan.penalties.Orthonormal(0.1)],
            discriminator_steps=2,
            seed=0,
        ),
        (2,),
        {"discriminator": 2, "generator": 1},
        {
            "discriminator/adversarial",
            "discriminator/gradient_penalty",
            "discriminator/r1",
            "discriminator/orthonormal",
            "generator/adversarial",
        },
    ),
    "SNGAN": Spec(
        kgan.SNGAN, lambda: kgan.SNGAN(IMAGE, width=0.05, latent_size=4, setting="D", discriminator_steps=2, seed=0), IMAGE,
        {"discriminator": 2, "generator": 1},
    ),
    "SNGAN, residual": Spec(
        kgan.SNGAN,
        lambda: kgan.SNGAN(IMAGE, architecture="resnet", width=0.03, latent_size=4, discriminator_steps=2, seed=0),
        IMAGE,
        {"discriminator": 2, "generator": 1},
    ),
}  # fmt: skip
