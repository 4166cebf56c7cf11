"""The residual networks of WGAN-GP for 64x64 pictures and larger: Gulrajani et al., NIPS 2017, arXiv 1704.00028 (LSUN), and its code.

Both have as many maps at a size as `filters` times the image's size over it, at most eight times `filters`. The published code has those
for 64 pixels (its "good" generator and discriminator). The paper shows 128x128 bedrooms and says nothing of their networks: here they are
the same with one more block in each.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from kgan.networks import blocks
from kgan.networks.blocks import check_image_shape, conv, dense
from kgan.networks.starting_values import StridedGlorotUniform
from kgan.types import Sizes

_BASE = 4
_MOST = 8
_EPSILON = 1e-5


def _he() -> keras.initializers.Initializer:
    """What the code calls He's start: Glorot's times the root of two."""
    return StridedGlorotUniform(2.0)


def _maps(image_shape: Sizes, filters: int) -> dict[int, int]:
    """Maps at every size, from the image's down to 4x4."""
    size = check_image_shape(image_shape, _BASE, 2 * _BASE)[0]
    levels = (size // _BASE).bit_length()
    if size != _BASE * 2 ** (levels - 1):
        raise ValueError(f"The image size must be {_BASE} times a power of two. Received: {tuple(image_shape)!r}.")
    return {size >> level: filters * min(_MOST, 2**level) for level in range(levels)}


def generator(
    image_shape: Sizes = (64, 64, 3),
    latent_size: int = 128,
    filters: int = 64,
    epsilon: float = _EPSILON,
    name: str = "generator",
) -> keras.Model:
    """Dense layer to maps of 4x4, residual blocks that double the size, batch norm, ReLU, 3x3 convolution, tanh.

    At 64 pixels 512 maps of 4x4, then 512, 256, 128, 64; 3x3 kernels, 1x1 on the way past the blocks. Kernels are uniform: Glorot's in the
    dense layer and past the blocks, sqrt(2) times it elsewhere.

    Args:
        image_shape: `(size, size, channels)`, size 4 times a power of two.
        latent_size: default 128 (the code's).
        filters: default 64 (the code's), maps before the output.
        epsilon: default 1e-5 (the code's), of batch norm, whose gains start at 1.

    Returns:
        `keras.Model` from `(batch, latent_size)` to images in [-1, 1].
    """
    maps = _maps(image_shape, filters)

    def norm_relu(x: Any, name: str) -> Any:
        return layers.ReLU(name=f"{name}_relu")(layers.BatchNormalization(momentum=0.9, epsilon=epsilon, name=f"{name}_norm")(x))

    x = inputs = keras.Input((latent_size,), name="latent")
    x = dense(_BASE * _BASE * maps[_BASE], "project")(x)
    x = layers.Reshape((_BASE, _BASE, maps[_BASE]), name="reshape")(x)
    for size in sorted(maps)[1:]:
        block = f"block_{size}"
        beside = layers.UpSampling2D(2, name=f"{block}_shortcut_up", data_format="channels_last")(x)
        beside = conv(maps[size], 1, f"{block}_shortcut")(beside)
        x = layers.UpSampling2D(2, name=f"{block}_up", data_format="channels_last")(norm_relu(x, f"{block}_0"))
        x = conv(maps[size], 3, f"{block}_conv_0", initializer=_he(), use_bias=False)(x)
        x = conv(maps[size], 3, f"{block}_conv_1", initializer=_he())(norm_relu(x, f"{block}_1"))
        x = layers.Add(name=block)([x, beside])
    x = conv(image_shape[-1], 3, "output", initializer=_he(), activation="tanh")(norm_relu(x, "output"))
    return keras.Model(inputs, x, name=name)


def discriminator(
    image_shape: Sizes = (64, 64, 3),
    filters: int = 64,
    dropout: Sequence[float] = (),
    epsilon: float = _EPSILON,
    name: str = "discriminator",
) -> keras.Model:
    """3x3 convolution, residual blocks that halve the size by means, one logit from the maps of 4x4.

    At 64 pixels 64 maps, then 128, 256, 512, 512. Layer norm over all of an example, with gains and offsets for every map, and ReLU before
    each convolution of a block: it does not mix examples, so the gradient penalty may be used with it. Kernels as in `generator`; Glorot's
    in the first layer too.

    Args:
        image_shape, filters: as in `generator`.
        dropout: rates behind the second and following blocks, in order, as in `kgan.networks.sn_resnet.discriminator`; default none.
        epsilon: default 1e-5 (the code's), of layer norm.

    Returns:
        `keras.Model` from images in [-1, 1] to logits `(batch, 1)`.
    """
    maps = _maps(image_shape, filters)

    def norm_relu(x: Any, name: str) -> Any:
        # One group of all maps is layer norm over height, width and maps.
        norm = layers.GroupNormalization(1, epsilon=epsilon, name=f"{name}_norm")
        return layers.ReLU(name=f"{name}_relu")(norm(x))

    x = inputs = keras.Input(tuple(image_shape), name="images")
    x = conv(filters, 3, "input")(x)
    for index, size in enumerate(sorted(maps, reverse=True)[1:]):
        block = f"block_{size}"
        beside = layers.AveragePooling2D(2, name=f"{block}_shortcut_pool", data_format="channels_last")(x)
        beside = conv(maps[size], 1, f"{block}_shortcut")(beside)
        x = conv(x.shape[-1], 3, f"{block}_conv_0", initializer=_he(), use_bias=False)(norm_relu(x, f"{block}_0"))
        x = conv(maps[size], 3, f"{block}_conv_1", initializer=_he())(norm_relu(x, f"{block}_1"))
        x = layers.AveragePooling2D(2, name=f"{block}_pool", data_format="channels_last")(x)
        x = layers.Add(name=block)([x, beside])
        if 0 < index <= len(dropout):
            x = blocks.dropout(dropout[index - 1], f"{block}_dropout")(x)
    x = dense(1, "logit")(layers.Flatten(name="flatten", data_format="channels_last")(x))
    return keras.Model(inputs, x, name=name)
