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
from tests.conformance.specs import SPECS

ROOT = Path(__file__).parents[2]


class Adam(NamedTuple):
    learning_rate: float
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    global_clipnorm: float | None = None


class SGD(NamedTuple):
    learning_rate: float


class RMSprop(NamedTuple):
    learning_rate: float
    rho: float
    epsilon: float


class Row(NamedTuple):
    """What moves follow, whose it is, and what makes the model where the conformance row is not it."""

    moves: dict
    source: str
    build: Callable | None = None


def both(optimizer, *moves):
    return dict.fromkeys(moves or ("discriminator", "generator"), optimizer)


THREE = ("discriminator", "generator", "classifier")
PIXELGAN = {"autoencoder": Adam(1e-3), "discriminator": Adam(3e-3, 0.5), "encoder": Adam(1e-3, 0.5)}
STORY = Adam(2e-4, 0.8, 0.999, 1e-8, 10.0)
TABLE = {
    "GAN": Row(both(Adam(1e-3, 0.5)), "ours: the paper has momentum SGD"),
    "GAN, images": Row(both(Adam(2e-4, 0.5)), "ours: the paper has momentum SGD", lambda: kgan.GAN((8, 8, 1), latent_size=2)),
    "DCGAN": Row(both(Adam(2e-4, 0.5)), "Newmu/dcgan_code, train_uncond_dcgan.py, lib/updates.py (Theano)"),
    "SNGAN": Row(both(Adam(2e-4, 0.5)), "the paper's setting C; Chainer", lambda: kgan.SNGAN((16, 16, 1), width=0.05)),
    "SNGAN, residual": Row(both(Adam(2e-4, 0.0, 0.9)), "pfnet-research/sngan_projection, configs (Chainer)"),
    "ImprovedGAN": Row(
        both(Adam(3e-4, 0.5)), "openai/improved-gan, train_cifar_feature_matching.py, but for the epsilon's place"
    ),
    "ImprovedGAN, vectors": Row(
        both(Adam(3e-3, 0.5)),
        "openai/improved-gan, train_mnist_feature_matching.py, but for the epsilon's place",
        lambda: kgan.ImprovedGAN((2,)),
    ),
    "WGAN": Row(both(RMSprop(5e-5, 0.99, 1e-16)), "martinarjovsky/WassersteinGAN, main.py (PyTorch: 1e-8 beside the root)"),
    "WGANGP": Row(both(Adam(1e-4, 0.0, 0.9)), "Algorithm 1; igul222/improved_wgan_training, gan_64x64.py (TensorFlow 1)"),
    "DRAGAN": Row(both(Adam(1e-4, 0.5, 0.9)), "the authors' notebook (TensorFlow 1)"),
    "ProGAN": Row(both(Adam(1e-3, 0.0, 0.99)), "tkarras/progressive_growing_of_gans, config.py (TensorFlow 1)"),
    "ThreeDGAN": Row({"discriminator": Adam(1e-5, 0.5), "generator": Adam(0.0025, 0.5)}, "the paper; its ports; Lua torch"),
    "ThreeDVAEGAN": Row(
        {"discriminator": Adam(1e-5, 0.5), "generator": Adam(0.0025, 0.5), "encoder": Adam(1e-4, 0.5)}, "as ThreeDGAN; the ports"
    ),
    "RenderGAN": Row(both(Adam(4e-4, 0.5)), "berleon/deepdecoder, rendergan configs (Keras 1); the paper has 2e-4"),
    "UnrolledGAN": Row(both(Adam(1e-4, 0.5)), "the paper's ring; epsilon of poolio/unrolled_gan (TensorFlow 1, Keras)"),
    "ConsensusGAN": Row(
        both(RMSprop(1e-4, 0.9, 1e-10)), "LMescheder/TheNumericsOfGANs, experiments (TensorFlow 1: under the root, as Keras)"
    ),
    "GradientRegularizedGAN": Row(
        both(Adam(1e-4, 0.5)), "locuslab/gradient_regularized_gan, gaussian-toy-regularized.py (TensorFlow 1)"
    ),
    "FGAN": Row(both(Adam(2e-4, 0.5)), "the paper's MNIST; Chainer"),
    "FisherGAN": Row(both(Adam(2e-4, 0.5)), "the paper; tomsercu/FisherGAN, main.py (PyTorch)"),
    "EBGAN": Row(both(Adam(1e-3, 0.5)), "the rate of the paper's grid; beta_1 is ours (DCGAN's)"),
    "EBGAN, images": Row(both(Adam(2e-4, 0.5)), "ours: DCGAN's", lambda: kgan.EBGAN((32, 32, 1), filters=2)),
    "EBGAN, small images": Row(
        {"discriminator": Adam(1e-3, 0.5), "generator": Adam(2e-4, 0.5)},
        "the paper's grid, and ours",
        lambda: kgan.EBGAN((8, 8, 1)),
    ),
    "CalibratedEBGAN": Row(
        {"discriminator": Adam(2e-4, 0.0), "generator": Adam(2e-3, 0.0)},
        "zihangdai/cegan_iclr2017, the synthetic sets (TensorFlow 1)",
    ),
    "CalibratedEBGAN, images": Row(
        {"discriminator": Adam(2e-4, 0.0), "generator": Adam(1e-3, 0.0)}, "ours", lambda: kgan.CalibratedEBGAN((8, 8, 1))
    ),
    "CatGAN": Row(both(Adam(2e-4, 0.5)), "smayru/catgan (Chainer)"),
    "D2GAN": Row(both(Adam(2e-4, 0.5)), "tund/D2GAN, main.py, models.py (TensorFlow 1)"),
    "ModeRegularizedGAN": Row(both(Adam(1e-3, 0.5)), "ours"),
    "ModeRegularizedGAN, images": Row(both(Adam(2e-4, 0.5)), "DCGAN's", lambda: kgan.ModeRegularizedGAN((8, 8, 1), filters=2)),
    "MDGAN": Row(both(Adam(1e-3, 0.5), "manifold_discriminator", "manifold", "discriminator", "generator"), "ours"),
    "DFMGAN": Row(both(Adam(1e-3, 0.5), "discriminator", "denoiser", "generator"), "ours"),
    "DFMGAN, images, in turn, corruption that falls": Row(
        both(Adam(2e-4, 0.5), "discriminator", "denoiser", "generator"), "ours"
    ),
    "DualingGAN": Row({"generator": Adam(1e-3, 0.5)}, "ours"),
    "TrustRegionDualingGAN": Row(
        {"discriminator": SGD(1.0), "generator": Adam(1e-3, 0.5)}, "steps of the length of the paper; ours"
    ),
    "DomainTransferNetwork": Row(
        both(Adam(3e-4)), "yunjey/domain-transfer-network, solver.py (TensorFlow 1); the paper names none"
    ),
    "DualAgentGAN": Row(both(Adam(1e-4, 0.5)), "BEGAN's rate; the paper's supplement could not be read"),
    "LRGAN": Row(both(Adam(2e-4, 0.5)), "jwyang/lr-gan.pytorch, train.py (PyTorch)"),
    "GMMN": Row({"generator": RMSprop(1e-3, 0.99, 1e-16)}, "ours, PyTorch's decay and epsilon. The paper has momentum SGD"),
    "MMDGAN": Row(
        both(RMSprop(5e-5, 0.99, 1e-16), "encoder", "generator"),
        "OctoberChang/MMD-GAN, mmd_gan.py (PyTorch: 1e-8 beside the root)",
    ),
    "InfoGAN": Row(
        {"discriminator": Adam(2e-4, 0.5), "generator": Adam(1e-3, 0.5)}, "openai/InfoGAN, run_mnist_exp.py (TensorFlow 1)"
    ),
    "AdaGAN": Row(both(Adam(1e-3, 0.5)), "its component's: GAN's"),
    "AdaGAN of WGANs": Row(both(RMSprop(5e-5, 0.99, 1e-16)), "its component's: WGAN's"),
    "BiGAN": Row(both(Adam(2e-4, 0.5)), "jeffdonahue/bigan, train_gan.py, lib/updates.py (Theano)"),
    "AugmentedBiGAN": Row(both(Adam(1e-3, 0.5)), "ours"),
    "AugmentedBiGAN, images": Row(both(Adam(3e-4, 0.5)), "ours", lambda: kgan.AugmentedBiGAN((32, 32, 1), latent_size=2)),
    "IntentionGAIL": Row(
        {**both(Adam(5e-4, epsilon=1e-7), "discriminator", "posterior"), "value": Adam(1e-3, epsilon=1e-7), "policy": SGD(1.0)},
        "ours, with Keras' epsilon; descent of rate 1 makes the trust region step",
    ),
    "ManifoldSSL": Row(both(Adam(1e-3, 0.5), "discriminator", "generator", "classifier", "matcher"), "ours"),
    "ManifoldSSL, images": Row(both(Adam(3e-4, 0.5), "classifier", "matcher"), "ours"),
    "ALI": Row(both(Adam(1e-4, 0.8)), "the paper's mixture; Blocks"),
    "ALI, images": Row(both(Adam(1e-4, 0.5)), "IshmaelBelghazi/ALI, ali_cifar10.py (Blocks)"),
    "VEEGAN": Row(both(Adam(1e-3, 0.5)), "the authors' ring (TensorFlow 1)"),
    "VEEGAN, images": Row(both(Adam(1e-3, 0.7)), "akashgit/VEEGAN, veegan_julia_mnist.ipynb"),
    "PixelGANAutoencoder": Row(PIXELGAN, "ours: the paper's are not known to us"),
    "PixelGANAutoencoder, semi-supervised": Row({**PIXELGAN, "supervised": Adam(1e-3)}, "ours, likewise"),
    "BadGAN": Row(
        {"discriminator": Adam(3e-3, 0.5, 0.9999), "generator": Adam(1e-3, 0.0, 0.9999)}, "kimiyoung/ssl_bad_gan, MNIST (PyTorch)"
    ),
    "BadGAN, images": Row(
        {"discriminator": Adam(6e-4, 0.5), "generator": Adam(3e-4, 0.0)}, "kimiyoung/ssl_bad_gan, CIFAR-10 (PyTorch)"
    ),
    "TripleGAN": Row(both(Adam(1e-3, 0.5), *THREE), "zhenxuan00/triple-gan, MNIST (Theano)"),
    "TripleGAN, images": Row(both(Adam(3e-4, 0.5), *THREE), "zhenxuan00/triple-gan, SVHN (Theano)"),
    "StructuredGAN": Row(both(Adam(1e-3, 0.5), *THREE, "encoder"), "Triple-GAN's, whose MNIST the code lacks"),
    "StructuredGAN, images": Row(both(Adam(3e-4, 0.5), *THREE, "encoder"), "thudzj/StructuredGAN, SVHN (Theano)"),
    "FlowGAN": Row({"discriminator": Adam(2e-4), "generator": Adam(1e-3)}, "ours"),
    "VideoPredictor": Row({"discriminator": Adam(2e-4, 0.5), "generator": Adam(5e-4, 0.5)}, "ours"),
    "CoGAN": Row(both(Adam(2e-4, 0.5)), "mingyuliutw/CoGAN, solver files, alter_adam_solver.cpp (Caffe)"),
    "SteganographyGAN": Row(both(Adam(2e-4), "eve", "alice_bob"), "jhayes14/advsteg, main.py (TensorFlow 1)"),
    "SteganographyGAN, residual": Row({"eve": Adam(1e-3), "alice_bob": Adam(2e-3)}, "ours"),
    "CausalController": Row(both(Adam(8e-5)), "mkocaoglu/CausalGAN, causal_controller/config.py (TensorFlow 1)"),
    "CausalGAN": Row(both(Adam(2e-4, 0.5)), "mkocaoglu/CausalGAN, causal_dcgan/config.py (TensorFlow 1)"),
    "CausalBEGAN": Row(both(Adam(8e-5)), "mkocaoglu/CausalGAN, causal_began/config.py (TensorFlow 1)"),
    "StoryXE": Row({"policy": STORY._replace(learning_rate=4e-4)}, "eric-xw/AREL, opts.py (PyTorch)"),
    "StoryRL": Row({"policy": STORY}, "eric-xw/AREL, opts.py (PyTorch)"),
    "StoryGAN": Row(both(STORY, "reward", "policy"), "eric-xw/AREL, opts.py (PyTorch)"),
    "AREL": Row(both(STORY, "reward", "policy"), "eric-xw/AREL, opts.py (PyTorch)"),
}


@pytest.mark.parametrize("name", TABLE)
def test_defaults_are_those_of_the_table(name):
    row = TABLE[name]
    model = (row.build or SPECS[name].build)()
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


def test_every_family_has_a_row():
    sampled = {kgan.BayesianGAN}  # SGHMC, whose own test has Adam's burn-in
    assert {spec.family for spec in SPECS.values()} - sampled == {SPECS[name].family for name in TABLE if name in SPECS}


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
