"""Networks of optical flow: a spatial pyramid in the manner of SPyNet (Lai, Huang, Yang, NIPS 2017), a small one of this project, and patch
discriminators. Frames are two pictures, one behind the other in the channels.
"""

from collections.abc import Sequence

import keras
from keras import layers

from kgan.layers import Channels, Warp
from kgan.networks.blocks import activation, conv, deconv
from kgan.types import Tensor

FIELDS = {23: 2, 47: 3, 95: 4}
"""Receptive field of a discriminator to its convolutions of stride 2."""


def plain(
    channels: int, maps: Sequence[int] = (24, 32, 32, 32), dilations: Sequence[int] = (1, 2, 4, 2), name: str = "generator"
) -> keras.Model:
    """3x3 convolutions with dilations, ReLU, and a last one to the flow, started at N(0, 0.01); for frames of any size.

    Args:
        channels: of one frame.
        maps, dilations: of the hidden convolutions.

    Returns:
        `keras.Model` from pairs `(batch, height, width, 2 channels)` to flow `(batch, height, width, 2)` in pixels.
    """
    x = inputs = keras.Input((None, None, 2 * channels), name="frames")
    for index, (filters, dilation) in enumerate(zip(maps, dilations, strict=True)):
        x = activation("relu", f"activation_{index}")(conv(filters, 3, f"conv_{index}", dilation_rate=dilation)(x))
    return keras.Model(inputs, conv(2, 3, "flow", initializer=keras.initializers.RandomNormal(0.0, 0.01))(x), name=name)


def pyramid(height: int, width: int, channels: int, levels: int = 5, filters: int = 32, name: str = "generator") -> keras.Model:
    """From coarse to fine: every level doubles the flow in size and values, warps the second frame by it, and adds what is missing.

    Each level is an encoder and decoder of its own with a shortcut: 3x3 convolutions of `filters`, `2 filters` (stride 2), `2 filters`, a
    transposed one back to `filters`, the first maps beside it, `filters`, and the residual flow.

    Args:
        height, width: multiples of `2**levels`. channels: of one frame.
        levels: default 5 (the paper's). filters: default 32 (of this project).

    Returns:
        As `plain`, for frames of this size.
    """
    _check_levels(height, width, levels)
    inputs = keras.Input((height, width, 2 * channels), name="frames")
    scales: list[Tensor] = [inputs]
    for level in range(1, levels):
        scales.append(layers.AveragePooling2D(2, data_format="channels_last", name=f"half_{level}")(scales[-1]))
    flow = None
    for level, frames in reversed(list(enumerate(scales))):
        first, second = _frame(0, channels, level)(frames), _frame(1, channels, level)(frames)
        if flow is None:
            x = frames
        else:
            larger = layers.UpSampling2D(2, interpolation="bilinear", data_format="channels_last", name=f"larger_{level}")(flow)
            flow = layers.Rescaling(2.0, name=f"doubled_{level}")(larger)
            warped = Warp(name=f"warped_{level}")([second, flow])
            x = layers.Concatenate(name=f"seen_{level}")([first, warped, flow])
        residual = _unit(x, filters, level)
        flow = residual if flow is None else layers.Add(name=f"flow_{level}")([flow, residual])
    return keras.Model(inputs, flow, name=name)


def _frame(index: int, channels: int, level: int) -> keras.layers.Layer:
    """One frame of the two."""
    return Channels(index * channels, channels, name=f"frame_{index}_{level}")


def _unit(x: Tensor, filters: int, level: int) -> Tensor:
    def block(x: Tensor, count: int, part: str, strides: int = 1) -> Tensor:
        return activation("relu", f"{part}_activation_{level}")(conv(count, 3, f"{part}_{level}", strides=strides)(x))

    wide = block(x, filters, "first")
    x = block(block(wide, 2 * filters, "down", 2), 2 * filters, "middle")
    x = activation("relu", f"up_activation_{level}")(deconv(filters, 4, f"up_{level}")(x))
    x = block(layers.Concatenate(name=f"shortcut_{level}")([wide, x]), filters, "last")
    return conv(2, 3, f"residual_{level}", initializer=keras.initializers.RandomNormal(0.0, 0.01))(x)


def _check_levels(height: int, width: int, levels: int) -> None:
    if levels < 1 or height % 2**levels or width % 2**levels:
        raise ValueError(
            f"A pyramid of {levels} levels takes frames whose height and width are multiples of {2 ** max(1, levels)}. "
            f"Received: {height}x{width}. Pad them."
        )


def patch_judge(channels: int, field: int | None = None, filters: int = 64, name: str = "discriminator") -> keras.Model:
    """A discriminator of patches: 3x3 convolutions, leaky ReLU 0.2, a map of logits; for pictures of any size.

    Args:
        channels: of the picture, here a warp error.
        field: 23, 47 (the paper's best of these three) or 95 pixels, of a logit: 2, 3 or 4 convolutions of stride 2, whose
            maps double, and two of stride 1 (our reading of the paper's fields). Default None: a small one of this project, 16 maps, 32 at
            stride 2, 32.
        filters: default 64: maps of the first convolution, where `field` is given.

    Returns:
        `keras.Model` from `(batch, height, width, channels)` to logits `(batch, rows, columns, 1)`.
    """
    if field is not None and field not in FIELDS:
        raise ValueError(f"`field` must be one of {sorted(FIELDS)} or None. Received: {field!r}.")
    if field is None:
        table = [(16, 1), (32, 2), (32, 1)]
    else:
        strided = FIELDS[field]
        table = [(filters * 2**k, 2) for k in range(strided)] + [(filters * 2**strided, 1)]
    x = inputs = keras.Input((None, None, channels), name="warp_error")
    for index, (count, strides) in enumerate(table):
        x = activation(0.2, f"activation_{index}")(conv(count, 3, f"conv_{index}", strides=strides)(x))
    return keras.Model(inputs, conv(1, 3, "logits")(x), name=name)
