"""Multi-layer perceptrons: points and vectors, and the networks of the 2014 GAN."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import layers

from kgan.layers import Maxout
from kgan.networks import blocks
from kgan.networks.blocks import activation, dense, image_head
from kgan.types import Sizes


def generator(
    data_shape: Sizes,
    latent_size: int,
    hidden: Sizes = (128, 128),
    nonlinearity: Any = "relu",
    batch_norm: bool = False,
    output_activation: Any = None,
    initializer: Any = "glorot_uniform",
    name: str = "generator",
    output_initializer: Any = None,
    epsilon: float = 1e-3,
) -> keras.Model:
    """A dense generator.

    Args:
        data_shape: shape of one example, `(features,)` or an image shape.
        latent_size: length of a latent.
        hidden: units of the hidden layers.
        nonlinearity: Keras activation of the hidden layers; a float: slope of a leaky ReLU; or a layer such as `kgan.layers.MuReLU(0.5)`.
        batch_norm: normalize each hidden layer.
        output_activation: Keras activation of the output; None is linear.
        initializer: of all kernels. output_initializer: of the last layer's, default `initializer`.
        epsilon: default 1e-3 (Keras'), of batch norm.

    Returns:
        `keras.Model` from `(batch, latent_size)` to `(batch, *data_shape)`.
    """
    x = inputs = keras.Input((latent_size,), name="latent")
    for index, units in enumerate(hidden):
        x = dense(units, f"hidden_{index}", initializer, use_bias=not batch_norm)(x)
        if batch_norm:
            x = layers.BatchNormalization(momentum=0.9, epsilon=epsilon, name=f"norm_{index}")(x)
        x = activation(nonlinearity, f"activation_{index}")(x)
    x = dense(math.prod(data_shape), "output", output_initializer or initializer, activation=output_activation)(x)
    x = image_head(data_shape)(x)
    return keras.Model(inputs, x, name=name)


def discriminator(
    data_shape: Sizes,
    hidden: Sizes = (128, 128),
    nonlinearity: Any = "relu",
    normalizer: Any = None,
    norm: Any = None,
    initializer: Any = "glorot_uniform",
    dropout: Any = 0.0,
    scale: float = 1.0,
    outputs: int = 1,
    name: str = "discriminator",
    output_initializer: Any = None,
    output_bias: bool = True,
) -> keras.Model:
    """A dense discriminator.

    Args:
        data_shape: tuple, shape of one example.
        hidden, nonlinearity, initializer, output_initializer: as in `generator`.
        normalizer: callable `(layer) -> layer` around every linear layer, such as `kgan.layers.SpectralNormalization`.
        norm: callable `(name) -> layer` after every hidden layer, such as batch or layer normalization; None for none.
        dropout: rate after every hidden layer.
        scale: default 1.0, factor of the examples in front of the first layer.
        outputs: default 1, the logit; more for classes, or for the features of an encoder.
        output_bias: whether the last layer has one, default True.

    Returns:
        `keras.Model` from `(batch, *data_shape)` to logits `(batch, outputs)`.
    """
    wrap = normalizer or (lambda layer: layer)
    x = inputs = keras.Input(data_shape, name="examples")
    x = layers.Flatten(name="flatten", data_format="channels_last")(x)
    if scale != 1.0:
        x = layers.Rescaling(scale, name="scale")(x)
    for index, units in enumerate(hidden):
        x = wrap(dense(units, f"hidden_{index}", initializer))(x)
        if norm is not None:
            x = norm(f"norm_{index}")(x)
        x = activation(nonlinearity, f"activation_{index}")(x)
        if dropout:
            x = blocks.dropout(dropout, f"dropout_{index}")(x)
    x = wrap(dense(outputs, "logit", output_initializer or initializer, use_bias=output_bias))(x)
    return keras.Model(inputs, x, name=name)


def toy_networks(data_shape: Sizes, latent_size: int, dropout: Any = 0.0) -> dict[str, Callable[[], keras.Model]]:
    """Generator and critic for points, as in the toy experiments of 1704.00028: three layers of 512 ReLU.

    Kernels start He-uniform, those of the last layers Glorot-uniform (the authors' code).

    Returns:
        Dict of "generator" and "discriminator" to a function that makes it.
    """
    size: dict[str, Any] = {"hidden": (512,) * 3, "initializer": "he_uniform", "output_initializer": "glorot_uniform"}
    return {
        "generator": lambda: generator(data_shape, latent_size, **size),
        "discriminator": lambda: discriminator(data_shape, dropout=dropout, **size),
    }


def maxout_discriminator(
    data_shape: Sizes,
    units: Sizes = (240, 240),
    pieces: int = 5,
    dropout: Sequence[float] = (0.2, 0.5, 0.5),
    name: str = "discriminator",
) -> keras.Model:
    """The MNIST discriminator of 1406.2661: two maxout layers with dropout, kernels from U(-0.005, 0.005).

    Args:
        data_shape: shape of one example.
        units: units of the maxout layers; pieces: linear maps per unit.
        dropout: rates before each layer and before the logit (the authors keep 0.8 of the input, 0.5 of hidden units).

    Returns:
        `keras.Model` from `(batch, *data_shape)` to logits `(batch, 1)`.
    """

    def uniform() -> keras.initializers.Initializer:
        return keras.initializers.RandomUniform(-0.005, 0.005)

    x = inputs = keras.Input(data_shape, name="examples")
    x = layers.Flatten(name="flatten", data_format="channels_last")(x)
    for index, width in enumerate(units):
        x = blocks.dropout(dropout[index], f"dropout_{index}")(x)
        x = Maxout(width, pieces, kernel_initializer=uniform(), name=f"maxout_{index}")(x)
    x = blocks.dropout(dropout[-1], "dropout_logit")(x)
    x = dense(1, "logit", uniform())(x)
    return keras.Model(inputs, x, name=name)
