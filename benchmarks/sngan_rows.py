"""The rows of the table of spectral normalization: Miyato et al., ICLR 2018, arXiv 1802.05957, Table 2 and appendix B.

A row says what is done to the discriminator and its loss; networks and game are otherwise those of `kgan.SNGAN`.
"""

from collections.abc import Callable
from typing import NamedTuple

import keras
from keras import layers

from kgan.backend import all_layers
from kgan.families.gan import GAN
from kgan.families.sngan import SETTINGS
from kgan.layers import Clip, SpectralNormalization, WeightNormalization
from kgan.networks import mlp, sn_cnn, sn_resnet
from kgan.penalties import GradientPenalty, Orthonormal

# Chainer's, in which the experiments were made; Keras' 1e-3 is of the order of the first activations' variances.
_EPSILON = 2e-5


class Row(NamedTuple):
    """One baseline.

    Attributes:
        normalizer: callable `(layer) -> layer` around the discriminator's linear layers, or None.
        norm: callable `(name, rank) -> layer` between them, rank 2 behind dense layers and 4 behind convolutions, or None.
        initializer: of the discriminator's kernels, or None for the networks' own.
        penalties: callable `() -> list` of penalties.
        objective: name.
        residual: bool, whether the row is defined for the residual networks.
        published: Inception Score on CIFAR-10 and STL-10, FID on CIFAR-10 and STL-10 (Table 2); None where the paper has none.
    """

    normalizer: Callable | None = None
    norm: Callable | None = None
    initializer: str | None = None
    penalties: Callable = list
    objective: str = "non_saturating"
    residual: bool = False
    published: tuple = (None,) * 4


def _spectral(layer):
    return SpectralNormalization(layer, name=f"{layer.name}_sn")


def _spectral_twice(layer):
    return SpectralNormalization(layer, power_iterations=2, name=f"{layer.name}_sn")


def _unit_length(layer):
    return WeightNormalization(layer, scale=False, name=f"{layer.name}_wn")


def _clipped(layer):
    """Convolution kernels only, as the paper has it."""
    if isinstance(layer, layers.Conv2D):
        layer.kernel_constraint = Clip(0.01)
    return layer


def _clipped_everywhere(layer):
    """For dense networks, which have no convolutions: kernels and biases."""
    layer.kernel_constraint, layer.bias_constraint = Clip(0.01), Clip(0.01)
    return layer


def _batch_norm(name, rank):
    return layers.BatchNormalization(momentum=0.9, epsilon=_EPSILON, scale=False, name=name)


def _layer_norm(name, rank):
    return layers.LayerNormalization(axis=tuple(range(1, rank)), epsilon=_EPSILON, scale=False, name=name)


def _gradient_penalty():
    return [GradientPenalty(10.0)]


def _orthonormal():
    return [Orthonormal(1.0)]


ROWS = {
    "weight clipping": Row(_clipped, published=(6.41, 7.57, 42.6, 64.2)),
    "GAN-GP": Row(penalties=_gradient_penalty, published=(6.93, None, 37.7, None)),
    "WGAN-GP": Row(penalties=_gradient_penalty, objective="wasserstein", published=(6.68, 8.42, 40.2, 55.1)),
    "batch norm": Row(norm=_batch_norm, published=(6.27, None, 56.3, None)),
    "layer norm": Row(norm=_layer_norm, published=(7.19, 7.61, 33.9, 75.6)),
    "weight norm": Row(_unit_length, published=(6.84, 7.16, 34.7, 73.4)),
    "orthonormal": Row(initializer="orthogonal", penalties=_orthonormal, published=(7.40, 8.56, 29.0, 46.7)),
    "SN": Row(_spectral, published=(7.42, 8.28, 29.3, 53.1)),
    "SN, hinge": Row(_spectral, objective="hinge", published=(7.58, 8.79, 25.5, 43.2)),
    "SN, 2 iterations": Row(_spectral_twice),
    "ResNet, orthonormal": Row(
        initializer="orthogonal", penalties=_orthonormal, objective="hinge", residual=True, published=(7.92, 8.72, 23.8, 42.4)
    ),
    "ResNet, SN": Row(_spectral, objective="hinge", residual=True, published=(8.22, 9.10, 21.7, 40.1)),
}
"""The rows of Table 2, in its order, and SN with two power iterations a move, which it lacks. The published STL-10 figures of
"SN, hinge" are those of the run of twice the length."""


def discriminator(row, data_shape, architecture="cnn", width=1.0):
    """The discriminator of a row.

    Args:
        row: a key of `ROWS`.
        data_shape: shape of one example.
        architecture: "cnn" (default; Table 3), "dense" (three hidden layers of 128, leaky ReLU 0.1), or "resnet".
        width: float, default 1.0: factor of all channel counts of the convolutional networks.
    """
    row = ROWS[row]
    own = {"initializer": row.initializer} if row.initializer else {}
    if architecture == "resnet":
        return sn_resnet.discriminator(data_shape, width, row.normalizer, **own)
    rank = 2 if architecture == "dense" else 4
    norm = None
    if row.norm is not None:
        # Behind hidden layers but the first.
        norm = lambda name: layers.Identity(name=name) if name == "norm_0" else row.norm(name, rank)  # noqa: E731
    if architecture == "dense":
        normalizer = _clipped_everywhere if row.normalizer is _clipped else row.normalizer
        return mlp.discriminator(data_shape, (128,) * 3, 0.1, normalizer, norm, **own)
    return sn_cnn.discriminator(data_shape, width, "paper", row.normalizer, norm, **own)


def lag(model):
    """By how much the estimates of the spectral norms lie below the norms, relative: a list, one for each normalized layer.

    The state is that of the generator's move: the discriminator's kernels have moved since the last power iteration.
    """
    layers = [layer for layer in all_layers(model.discriminator) if isinstance(layer, SpectralNormalization)]
    return [1.0 - float(layer.sigma()) / float(layer.exact_sigma()) for layer in layers]


def build(row, setting, data_shape, architecture="cnn", width=1.0, seed=None):
    """A compiled `kgan.GAN`: a row of the table under a setting.

    Args:
        row: a key of `ROWS`. setting: a key of `kgan.families.sngan.SETTINGS`.
        data_shape: `(size, size, channels)`; or `(features,)` of values in [0, 1] for the dense networks.
        architecture, width: as in `discriminator`; a row of the residual networks takes those in any case.
        seed: int or None.

    Raises:
        ValueError: for an unknown row or setting.
    """
    for name, value, known in (("row", row, ROWS), ("setting", setting, SETTINGS)):
        if value not in known:
            raise ValueError(f"`{name}` must be one of {list(known)}. Received: {value!r}.")
    architecture = "resnet" if ROWS[row].residual else architecture
    if architecture == "resnet":
        generator = sn_resnet.generator(data_shape, 128, width)
    elif architecture == "cnn":
        generator = sn_cnn.generator(data_shape, 128, width)
    else:
        generator = mlp.generator(data_shape, 32, (128, 128), batch_norm=True, output_activation="sigmoid")
    rate, beta_1, beta_2, steps = SETTINGS[setting]
    model = GAN(
        data_shape,
        generator=generator,
        discriminator=discriminator(row, data_shape, architecture, width),
        objective=ROWS[row].objective,
        penalties=ROWS[row].penalties(),
        discriminator_steps=steps,
        generator_batch=2 if architecture == "resnet" else 1,
        seed=seed,
    )
    model.compile(optimizers={m: keras.optimizers.Adam(rate, beta_1, beta_2, 1e-8) for m in ("discriminator", "generator")})
    return model
