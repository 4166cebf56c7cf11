"""The networks of InfoGAN: Chen et al., NIPS 2016, arXiv 1606.03657, appendix C.1 (MNIST), and of its authors' code.

Convolutions start at truncated N(0, 0.02^2), other kernels at N(0, 0.02^2). Layers under batch norm have no bias, where it has no effect.
"""

from typing import Any

import keras
from keras import layers

from kgan.networks.blocks import Nonlinearity, activation, check_image_shape, conv, deconv, dense
from kgan.types import Sizes, Tensor


def _normal() -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(0.0, 0.02)


def _truncated() -> keras.initializers.Initializer:
    return keras.initializers.TruncatedNormal(0.0, 0.02)


def _norm(x: Tensor, nonlinearity: Nonlinearity, name: str, epsilon: float) -> Tensor:
    gamma = keras.initializers.RandomNormal(1.0, 0.02)
    x = layers.BatchNormalization(momentum=0.9, epsilon=epsilon, gamma_initializer=gamma, name=f"{name}_norm")(x)
    return activation(nonlinearity, f"{name}_activation")(x)


def generator(
    image_shape: Sizes = (28, 28, 1),
    latent_size: int = 74,
    filters: int = 64,
    units: int = 1024,
    epsilon: float = 1e-5,
    name: str = "generator",
) -> keras.Model:
    """Two dense layers to maps of a quarter of the size, two 4x4 transposed convolutions of stride 2; ReLU, batch norm, tanh at the end.

    Args:
        image_shape: `(size, size, channels)`, size a multiple of 4; default MNIST's.
        latent_size: noise and codes, default 74 (the paper's: 62 noise, ten classes, two continuous).
        filters: default 64 (the paper's), maps before the output; twice as many at a quarter of the size.
        units: default 1024 (the paper's), of the first layer.
        epsilon: default 1e-5 (the authors' code), of batch norm; narrow networks want 1e-3.

    Returns:
        `keras.Model` from `(batch, latent_size)` to images in [-1, 1]. The paper's output is a sigmoid, for images in [0, 1].
    """
    image_shape = check_image_shape(image_shape, 4, 8)
    base = image_shape[0] // 4
    x = inputs = keras.Input((latent_size,), name="latent")
    x = _norm(dense(units, "hidden", _normal(), use_bias=False)(x), "relu", "hidden", epsilon)
    x = _norm(dense(base * base * 2 * filters, "project", _normal(), use_bias=False)(x), "relu", "project", epsilon)
    x = layers.Reshape((base, base, 2 * filters), name="reshape")(x)
    x = _norm(deconv(filters, 4, "up", initializer=_normal(), use_bias=False)(x), "relu", "up", epsilon)
    x = deconv(image_shape[-1], 4, "output", initializer=_normal(), activation="tanh")(x)
    return keras.Model(inputs, x, name=name)


def discriminator(
    image_shape: Sizes = (28, 28, 1),
    filters: int = 64,
    units: int = 1024,
    slope: float = 0.1,
    epsilon: float = 1e-5,
    name: str = "discriminator",
) -> keras.Model:
    """Two 4x4 convolutions of stride 2, a dense layer, one logit; leaky ReLU, batch norm but on the first layer.

    What the logit's layer receives is what the recognizer of the codes shares: the trunk.

    Args:
        image_shape, units, epsilon: as in `generator`.
        filters: default 64 (the paper's), maps of the first convolution; twice as many in the second.
        slope: default 0.1 (the paper's; its code has 0.01), of the leaky ReLU.

    Returns:
        `keras.Model` from images in [-1, 1] to logits `(batch, 1)`. It must see real and generated images in separate batches.
    """
    image_shape = check_image_shape(image_shape, 4, 8)
    x = inputs = keras.Input(image_shape, name="images")
    x = activation(slope, "down_0_activation")(conv(filters, 4, "down_0", 2, _truncated())(x))
    x = _norm(conv(2 * filters, 4, "down_1", 2, _truncated(), use_bias=False)(x), slope, "down_1", epsilon)
    x = layers.Flatten(name="flatten", data_format="channels_last")(x)
    x = _norm(dense(units, "hidden", _normal(), use_bias=False)(x), slope, "hidden", epsilon)
    return keras.Model(inputs, dense(1, "logit", _normal())(x), name=name)


def recognizer(
    feature_shape: Sizes,
    outputs: int,
    units: int = 128,
    slope: float = 0.1,
    batch_norm: bool = True,
    epsilon: float = 1e-5,
    initializer: Any = None,
    name: str = "recognizer",
) -> keras.Model:
    """The head Q on the discriminator's trunk: a dense layer, batch norm, leaky ReLU, a dense layer.

    Args:
        feature_shape: shape of the trunk's features. outputs: parameters of all codes together.
        units: default 128 (the paper's). slope, epsilon: as in `discriminator`.
        batch_norm: default True (the paper's). initializer: of both kernels, default N(0, 0.02^2).

    Returns:
        `keras.Model` from features to `(batch, outputs)`.
    """
    initializer = initializer or _normal()
    x = inputs = keras.Input(tuple(feature_shape), name="features")
    x = layers.Flatten(name="flatten", data_format="channels_last")(x)
    x = dense(units, "hidden", initializer, use_bias=not batch_norm)(x)
    x = _norm(x, slope, "hidden", epsilon) if batch_norm else activation(slope, "hidden_activation")(x)
    return keras.Model(inputs, dense(outputs, "codes", initializer)(x), name=name)
