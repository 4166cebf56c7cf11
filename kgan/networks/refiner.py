"""Networks from pictures to pictures of the same size, without noise: refiners of dual-agent GANs (Zhao et al., NIPS 2017).

Both change what they are given rather than draw it anew: what their last layer makes is a change, see `kgan.layers.Retouch`.
"""

import math

import keras
from keras import layers

from kgan.arguments import COUNT, require
from kgan.layers import Retouch
from kgan.networks.blocks import Nonlinearity, activation, check_image_shape, conv, dense, image_head
from kgan.types import Sizes


def residual(
    image_shape: Sizes, filters: int = 64, blocks: int = 10, limit: float = 0.95, name: str = "generator"
) -> keras.Model:
    """A 7x7 convolution, residual blocks of two 3x3 ones with ReLU, a 1x1 one to the change: SimGAN's (Shrivastava et al. 2017), which the
    fully convolutional refiner with shortcuts follows; its own sizes are not published in print.

    Args:
        image_shape: `(size, size, channels)`.
        filters: default 64. blocks: default 10.
        limit: of `kgan.layers.Retouch`.

    Returns:
        `keras.Model` from images in [-1, 1] to images in [-1, 1] of the same shape.
    """
    image_shape = check_image_shape(image_shape, 1, 1)
    require(COUNT, filters=filters, blocks=blocks)
    images = keras.Input(image_shape, name="images")
    x = conv(filters, 7, "first", activation="relu")(images)
    for index in range(blocks):
        inner = conv(filters, 3, f"block_{index}_conv_0", activation="relu")(x)
        inner = conv(filters, 3, f"block_{index}_conv_1")(inner)
        x = layers.ReLU(name=f"block_{index}")(layers.Add(name=f"block_{index}_sum")([x, inner]))
    change = conv(image_shape[-1], 1, "change")(x)
    return keras.Model(images, Retouch(limit, name="retouched")([images, change]), name=name)


def perceptron(
    image_shape: Sizes,
    hidden: Sizes = (256, 256),
    nonlinearity: Nonlinearity = "elu",
    limit: float = 0.95,
    name: str = "generator",
) -> keras.Model:
    """Dense layers to the change: for pictures as small as digits, where strokes have to move.

    Args:
        image_shape: shape of one picture.
        hidden: units, default (256, 256). nonlinearity: default "elu"; a float: slope of a leaky ReLU.
        limit: of `kgan.layers.Retouch`.

    Returns:
        `keras.Model` as `residual` makes.
    """
    images = keras.Input(tuple(image_shape), name="images")
    x = layers.Flatten(name="flatten", data_format="channels_last")(images)
    for index, units in enumerate(hidden):
        x = activation(nonlinearity, f"activation_{index}")(dense(units, f"hidden_{index}")(x))
    change = image_head(image_shape)(dense(math.prod(image_shape), "change")(x))
    return keras.Model(images, Retouch(limit, name="retouched")([images, change]), name=name)
