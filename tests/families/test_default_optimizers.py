"""The optimizers that `compile()` takes: rates, decays and epsilons of every family, and whose they are.

Where frameworks put epsilon, with v the mean of squares, m the momentum, and b the bias correction 1 - beta_2^t of v:

- Adam of Keras, TensorFlow 1, Chainer, Lasagne, Blocks, Caffe, Lua torch, PyTorch until 1.2: rate sqrt(b) m / (sqrt(v) + epsilon). The
  same number in all of them.
- Adam of DCGAN's and BiGAN's Theano, PyTorch today: rate m / (sqrt(v / b) + epsilon): Keras' epsilon is larger by 1 / sqrt(b), at most 32
  times and for the first thousand steps. At 1e-8 neither is seen: it would take gradients of 1e-7.
- RMSprop of Keras and TensorFlow 1: under the root, sqrt(v + epsilon).
- RMSprop of PyTorch and Lua torch: beside it, sqrt(v) + epsilon. To act like 1e-8 there it is 1e-16 in Keras: the same within a factor of
  sqrt(2) at roots of 1e-8, equal everywhere else. 1e-8 would act like 1e-4.
- Adam of openai/improved-gan: under the root of the corrected mean of squares. ImprovedGAN departs from it and says so.
"""

import ast
import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import pytest

import kgan
from tests.conformance.specs import SPECS, Adam, both

ROOT = Path(__file__).parents[2]


class Row(NamedTuple):
    """What moves follow, whose it is, and what makes the model."""

    moves: dict
    source: str
    build: Callable


# Beside those of the conformance rows: configurations that none of them has.
OTHERS = {
    "GAN, images": Row(both(Adam(2e-4, 0.5)), "ours: the paper has momentum SGD", lambda: kgan.GAN((8, 8, 1), latent_size=2)),
    "SNGAN, setting C": Row(
        both(Adam(2e-4, 0.5)), "the paper's setting C; Chainer", lambda: kgan.SNGAN((16, 16, 1), width=0.05, setting="C")
    ),
    "SNGAN, standard networks": Row(
        both(Adam(2e-4, 0.0, 0.9)), "ours: the Adam of appendix B.4", lambda: kgan.SNGAN((16, 16, 1), width=0.05)
    ),
    "ImprovedGAN, vectors": Row(
        both(Adam(3e-3, 0.5)),
        "openai/improved-gan, train_mnist_feature_matching.py, but for the epsilon's place",
        lambda: kgan.ImprovedGAN((2,)),
    ),
    "EBGAN, images": Row(both(Adam(2e-4, 0.5)), "ours: DCGAN's", lambda: kgan.EBGAN((32, 32, 1), filters=2)),
    "EBGAN, small images": Row(
        {"discriminator": Adam(1e-3, 0.5), "generator": Adam(2e-4, 0.5)},
        "the paper's grid, and ours",
        lambda: kgan.EBGAN((8, 8, 1)),
    ),
    "CalibratedEBGAN, images": Row(
        {"discriminator": Adam(2e-4, 0.0), "generator": Adam(1e-3, 0.0)}, "ours", lambda: kgan.CalibratedEBGAN((8, 8, 1))
    ),
    "ModeRegularizedGAN, images": Row(both(Adam(2e-4, 0.5)), "DCGAN's", lambda: kgan.ModeRegularizedGAN((8, 8, 1), filters=2)),
    "AugmentedBiGAN, 32 pixels": Row(both(Adam(3e-4, 0.5)), "ours", lambda: kgan.AugmentedBiGAN((32, 32, 1), latent_size=2)),
}
TABLE = {name: Row(*spec.optimizers, spec.build) for name, spec in SPECS.items() if spec.optimizers} | OTHERS


@pytest.mark.parametrize("name", TABLE)
def test_defaults_are_those_of_the_table(name):
    row = TABLE[name]
    model = row.build()
    optimizers = model.default_optimizers()
    assert set(optimizers) == set(row.moves)
    for move, optimizer in optimizers.items():
        expected = row.moves[move]
        config = optimizer.get_config()
        assert type(optimizer).__name__ == type(expected).__name__
        for key, value in expected._asdict().items():
            # Rates are stored in single precision; epsilons are too small for absolute tolerances.
            assert config[key] == value or math.isclose(config[key], value, rel_tol=1e-6), (move, key, config[key])
        rest = ("weight_decay", "clipnorm", "clipvalue", "use_ema", "momentum", "centered", "amsgrad")
        assert not any(config.get(key) for key in rest), config


def test_every_family_has_a_row_that_says_them():
    sampled = {kgan.BayesianGAN}  # SGHMC, whose own test has Adam's burn-in
    assert {spec.family for spec in SPECS.values()} - sampled == {spec.family for spec in SPECS.values() if spec.optimizers}
    assert not set(OTHERS) & set(SPECS)


def test_nobody_takes_keras_epsilon_of_rmsprop_unawares():
    """It stands under the root, where the default of 1e-7 is large: families, benchmarks and applications name their own."""
    without = []
    for path in [path for top in ("kgan", "benchmarks", "applications") for path in (ROOT / top).rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("RMSprop"):
                named = {keyword.arg for keyword in node.keywords}  # None: a dict with ** that may hold it
                if not named & {"epsilon", None}:
                    without.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not without


@pytest.mark.parametrize("scale", [1e-2, 1e-4, 1e-5, 1e-6])
def test_rmsprop_makes_pytorchs_steps(scale):
    """Gradients as small as clipped weights have: the sum of twenty steps, against PyTorch's formula in double precision."""
    optimizer = kgan.WGAN((2,), seed=0).default_optimizers()["discriminator"]
    gradients = np.random.default_rng(0).normal(size=(20, 6)) * scale
    variable = keras.Variable(np.zeros(6, "float32"))
    moved, mean_square = np.zeros(6), np.zeros(6)
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(gradient.astype("float32"))], [variable])
        mean_square = 0.99 * mean_square + 0.01 * gradient**2
        moved -= 5e-5 * gradient / (np.sqrt(mean_square) + 1e-8)
    # Single numbers near epsilon differ by up to sqrt(2). 1e-8 under the root makes steps of a thousandth at a scale of 1e-6.
    np.testing.assert_allclose(np.linalg.norm(keras.ops.convert_to_numpy(variable)), np.linalg.norm(moved), rtol=0.1)


def test_adam_makes_the_frameworks_steps():
    """Epsilon beside the root of the uncorrected mean of squares: TensorFlow 1's, Chainer's, Caffe's formula."""
    optimizer = kgan.WGANGP((2,), seed=0).default_optimizers()["discriminator"]
    gradients = np.random.default_rng(0).normal(size=(20, 6)) * 1e-8  # so small that epsilon is seen
    variable = keras.Variable(np.zeros(6, "float32"))
    moved, mean, square = np.zeros(6), np.zeros(6), np.zeros(6)
    for t, gradient in enumerate(gradients, start=1):
        optimizer.apply([keras.ops.convert_to_tensor(gradient.astype("float32"))], [variable])
        mean, square = gradient, 0.9 * square + 0.1 * gradient**2  # beta_1 is 0
        moved -= 1e-4 * np.sqrt(1 - 0.9**t) * mean / (np.sqrt(square) + 1e-8)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(variable), moved, rtol=1e-3, atol=1e-9)
