"""The image networks of the Bayesian GAN: Saatci, Wilson, NIPS 2017, arXiv 1705.09558, and of its authors' code."""

import math
from typing import Any

import keras
from keras import layers

from kgan.networks import blocks
from kgan.networks.blocks import activation
from kgan.types import Sizes

STAGES = 4


def _normal() -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(0.0, 0.02)


def dense(units: int, name: str, initializer: Any) -> keras.layers.Layer:
    return blocks.dense(units, name, initializer, bias_initializer=_normal())


def conv(filters: int, kernel: int, name: str, strides: int, initializer: Any) -> keras.layers.Layer:
    return blocks.conv(filters, kernel, name, strides, initializer, bias_initializer=_normal())


def deconv(filters: int, kernel: int, name: str, initializer: Any) -> keras.layers.Layer:
    return blocks.deconv(filters, kernel, name, initializer=initializer, bias_initializer=_normal())


def _norm(name: str) -> keras.layers.Layer:
    # Without learned scale or shift: what is sampled are the weights around it. Momentum and epsilon are the code's.
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, center=False, scale=False, name=name)


def _sizes(image_shape: Sizes) -> list[tuple[int, ...]]:
    """Height and width after every halving, odd ones rounded up, from the image down."""
    shape = tuple(image_shape)
    if len(shape) != 3 or not all(isinstance(n, int) and n > 0 for n in shape) or min(shape[:2]) < 2**STAGES:
        raise ValueError(
            f"`image_shape` must be (height, width, channels), {2**STAGES} pixels or more a side. Received: {image_shape!r}."
        )
    return [tuple(math.ceil(n / 2**stage) for n in shape[:2]) for stage in range(STAGES + 1)]


def generator(image_shape: Sizes, latent_size: int = 100, filters: int = 64, name: str = "generator") -> keras.Model:
    """Dense layer to 8 `filters` maps, four 5x5 transposed convolutions of stride 2, tanh.

    Batch norm without scale or shift (epsilon 1e-5) and ReLU before each of them; biases everywhere; all weights, biases too, from
    N(0, 0.02). With 64 filters 512, 256, 128, 64 maps (the code's).

    Args:
        image_shape: `(height, width, channels)`, 16 pixels or more a side.
        latent_size: default 100 (the code's).
        filters: default 64 (the code's), maps before the output.

    Returns:
        `keras.Model` from `(batch, latent_size)` to images `(batch, *image_shape)` in [-1, 1].
    """
    sizes = _sizes(image_shape)
    smallest, maps = sizes[-1], filters * 2 ** (STAGES - 1)
    x = inputs = keras.Input((latent_size,), name="latent")
    x = dense(smallest[0] * smallest[1] * maps, "project", _normal())(x)
    x = layers.Reshape((*smallest, maps), name="reshape")(x)
    for stage in range(STAGES):
        x = layers.ReLU(name=f"up_{stage}_relu")(_norm(f"up_{stage}_norm")(x))
        maps = image_shape[-1] if stage == STAGES - 1 else maps // 2
        x = deconv(maps, 5, f"up_{stage}", initializer=_normal())(x)
        before, after = sizes[STAGES - stage], sizes[STAGES - stage - 1]
        surplus = tuple((0, 2 * b - a) for b, a in zip(before, after, strict=True))
        if any(cut for _, cut in surplus):
            x = layers.Cropping2D(surplus, name=f"up_{stage}_crop", data_format="channels_last")(x)
    return keras.Model(inputs, layers.Activation("tanh", name="image")(x), name=name)


def discriminator(
    image_shape: Sizes, outputs: int = 1, filters: Sizes = (96, 192, 384, 512), units: int = 384, name: str = "discriminator"
) -> keras.Model:
    """Four 5x5 convolutions of stride 2, a dense layer, leaky ReLU 0.2, batch norm without scale or shift except at the first layer.

    Args:
        image_shape: as in `generator`.
        outputs: default 1: a logit; the number of classes for semi-supervised learning.
        filters, units: maps of the convolutions, units of the dense layer (the code's).

    Returns:
        `keras.Model` from images in [-1, 1] to `(batch, outputs)`. It must see real and generated images in separate batches.
    """
    _sizes(image_shape)
    x = inputs = keras.Input(tuple(image_shape), name="images")
    for stage, maps in enumerate(filters):
        x = conv(maps, 5, f"down_{stage}", 2, initializer=_normal())(x)
        x = activation(0.2, f"down_{stage}_leaky")(_norm(f"down_{stage}_norm")(x) if stage else x)
    x = dense(units, "hidden", _normal())(layers.Flatten(name="flatten", data_format="channels_last")(x))
    x = activation(0.2, "hidden_leaky")(_norm("hidden_norm")(x))
    return keras.Model(inputs, dense(outputs, "logit", _normal())(x), name=name)
