"""Differentiable augmentation: Zhao, Liu, Lin, Zhu, Han, NeurIPS 2020, arXiv 2006.10738.

A discriminator that sees few pictures learns them by heart. It is shown transformed ones instead: real and generated pictures by the
same family of random transformations, in the moves of both players (Eq. 4-5), with gradients through them to the generator. Two-player
families do so with `augment="color,translation,cutout"`.

Pictures are float tensors `(batch, height, width, channels)` in [-1, 1]. What is drawn comes as an argument, one row a picture, so that
each formula is a function.

>>> import keras, kgan
>>> images = keras.ops.zeros((4, 32, 32, 3))
>>> tuple(kgan.augmentations.augmented(images, "translation,cutout", keras.random.SeedGenerator(0)).shape)
(4, 32, 32, 3)
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from kgan.types import Sizes, Tensor

TRANSLATION = 0.125
"""The largest shift, as a share of the side."""
CUTOUT = 0.5
"""The side of the square that is cut out, as a share of the picture's."""


def brightness(images: Tensor, draws: Tensor) -> Tensor:
    """`x + u - 1/2`. Draws: (batch,) from U(0, 1)."""
    return images + _of_each(draws - 0.5, images)


def saturation(images: Tensor, draws: Tensor) -> Tensor:
    """`m + 2 u (x - m)`, m the mean of a pixel's channels. Draws: (batch,) from U(0, 1). Gray pictures stay as they are."""
    mean = ops.mean(images, axis=-1, keepdims=True)
    return mean + _of_each(2.0 * draws, images) * (images - mean)


def contrast(images: Tensor, draws: Tensor) -> Tensor:
    """`m + (u + 1/2) (x - m)`, m the mean of the picture. Draws: (batch,) from U(0, 1)."""
    mean = ops.mean(images, axis=(1, 2, 3), keepdims=True)
    return mean + _of_each(draws + 0.5, images) * (images - mean)


def translated(images: Tensor, draws: Tensor) -> Tensor:
    """Pictures moved by whole pixels, up to an eighth of a side (rounded) in each direction, with zeros where nothing was.

    Draws: (batch, 2) from U(0, 1), of rows and columns: all shifts are equally likely.
    """
    for axis, sum_ in ((1, "bij,bjwc->biwc"), (2, "bij,bhjc->bhic")):
        size = images.shape[axis]
        most = int(TRANSLATION * size + 0.5)
        shift = _whole(draws[:, axis - 1], 2 * most + 1) - most
        # Row i comes from row i - shift; a row without one stays empty.
        source = _places(size)[None, :, None] - shift[:, None, None]
        moved = ops.cast(ops.equal(source, _places(size)[None, None, :]), images.dtype)
        images = ops.einsum(sum_, moved, images)
    return images


def cut_out(images: Tensor, draws: Tensor) -> Tensor:
    """Zeros in a square of half the side (rounded), whose center lies anywhere: near the border a part of it is outside.

    Draws: (batch, 2) from U(0, 1), of rows and columns.
    """
    inside = None
    for axis in (1, 2):
        size = images.shape[axis]
        side = int(CUTOUT * size + 0.5)
        # As in the authors' code: an even square has one center more, so that it may lie beyond either border.
        center = _whole(draws[:, axis - 1], size + 1 - side % 2)
        first = ops.expand_dims(center - side // 2, 1)
        row = ops.logical_and(_places(size)[None] >= first, _places(size)[None] < first + side)
        row = ops.expand_dims(row, 3 - axis)
        inside = row if inside is None else ops.logical_and(inside, row)
    return ops.where(ops.expand_dims(inside, -1), ops.zeros_like(images), images)


POLICIES: dict[str, tuple[tuple[Callable[[Tensor, Tensor], Tensor], Sizes], ...]] = {
    "color": ((brightness, ()), (saturation, ()), (contrast, ())),
    "translation": ((translated, (2,)),),
    "cutout": ((cut_out, (2,)),),
}
"""What a policy does, in this order: functions, and the shape of what each draws for a picture."""


def checked_policies(augment: str, shape: Any) -> str:
    """`augment` of a family whose examples have a shape. ValueError: unknown or repeated names; examples that are no images."""
    names = augment.split(",") if augment else []
    if not set(names) <= set(POLICIES) or len(set(names)) < len(names):
        raise ValueError(
            f'`augment` must be "" or names among {", ".join(POLICIES)}, separated by commas. Received: {augment!r}.'
        )
    if names and (not isinstance(shape, tuple) or len(shape) != 3):
        raise ValueError(f"`augment` is for images (height, width, channels). The examples have the shape {shape}.")
    return augment


def augmented(images: Tensor, augment: str, seed: keras.random.SeedGenerator | None = None) -> Tensor:
    """Pictures transformed at random, each on its own.

    Args:
        images: float (batch, height, width, channels). augment: names of `POLICIES`, separated by commas; "" does nothing.
        seed: what draws; default Keras' own.
    """
    images = ops.convert_to_tensor(images)
    for name in augment.split(",") if augment else ():
        for transform, drawn in POLICIES[name]:
            draws = keras.random.uniform((ops.shape(images)[0], *drawn), dtype="float32", seed=seed)
            images = transform(images, draws)
    return images


def _of_each(values: Tensor, images: Tensor) -> Tensor:
    return ops.cast(ops.reshape(values, (-1, 1, 1, 1)), images.dtype)


def _places(size: int) -> Tensor:
    return ops.arange(size, dtype="int32")


def _whole(draws: Tensor, count: int) -> Tensor:
    """Whole numbers below `count`, equally likely, from U(0, 1), which in single precision may round to 1."""
    return ops.minimum(ops.cast(ops.floor(draws * count), "int32"), count - 1)
