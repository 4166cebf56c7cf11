"""Spatial transformers: Jaderberg, Simonyan, Zisserman, Kavukcuoglu, NIPS 2015, arXiv 1506.02025."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from kgan.arguments import Checked
from kgan.backend import full_precision
from kgan.types import Sizes, Tensor


def affine_grid(transforms: Tensor, height: int, width: int) -> Tensor:
    """Where every pixel of a picture is taken from, under affine maps (Eq. 1 of 1506.02025).

    Coordinates are `(y, x)`, from -1 at the centers of the first row and column to 1 at those of the last.

    Args:
        transforms: `(batch, 6)` or `(batch, 2, 3)`, row by row: `source = A (y, x, 1)` of a pixel at `(y, x)`. It says where to look, so
            that a scale above 1 makes what is seen smaller.
        height, width: of the result.

    Returns:
        Tensor `(batch, height, width, 2)`.
    """
    rows, columns = ops.linspace(-1.0, 1.0, height), ops.linspace(-1.0, 1.0, width)
    y, x = ops.meshgrid(rows, columns, indexing="ij")
    targets = ops.cast(ops.reshape(ops.stack([y, x, ops.ones_like(y)], axis=-1), (-1, 3)), transforms.dtype)
    sources = ops.matmul(targets, ops.transpose(ops.reshape(transforms, (-1, 2, 3)), (0, 2, 1)))
    return ops.reshape(sources, (-1, height, width, 2))


def sample_pixels(images: Tensor, grid: Tensor) -> Tensor:
    """Bilinear samples of pictures at given places, 0 outside of them, differentiable in both (Eq. 5 of 1506.02025).

    Args:
        images: `(batch, height, width, channels)`.
        grid: `(batch, rows, columns, 2)`, places `(y, x)` as in `affine_grid`.

    Returns:
        Tensor `(batch, rows, columns, channels)`.

    Example: half a pixel to the right of the left of two pixels, and outside.

    >>> import keras
    >>> from kgan.layers.spatial_transformer import sample_pixels
    >>> pair = keras.ops.reshape(keras.ops.convert_to_tensor([1.0, 3.0]), (1, 1, 2, 1))
    >>> places = keras.ops.reshape(keras.ops.convert_to_tensor([[-1.0, 0.0], [-1.0, 4.0]]), (1, 1, 2, 2))
    >>> [float(value) for value in keras.ops.reshape(sample_pixels(pair, places), (-1,))]
    [2.0, 0.0]
    """
    height, width, channels = images.shape[1:]
    rows, columns = grid.shape[1:3]
    pixels = ops.reshape(images, (-1, height * width, channels))
    places = (ops.reshape(grid, (-1, rows * columns, 2)) + 1.0) / 2.0
    # Not farther out than where all is 0: numbers without bounds become no whole numbers.
    y = ops.clip(places[..., :1] * (height - 1.0), -1.0, float(height))
    x = ops.clip(places[..., 1:] * (width - 1.0), -1.0, float(width))
    top, left = ops.floor(y), ops.floor(x)
    taken: Any = 0.0
    for row, share_of_row in ((top, 1.0 + top - y), (top + 1.0, y - top)):
        for column, share_of_column in ((left, 1.0 + left - x), (left + 1.0, x - left)):
            inside = (row >= 0.0) & (row <= height - 1.0) & (column >= 0.0) & (column <= width - 1.0)
            index = ops.clip(row, 0.0, height - 1.0) * width + ops.clip(column, 0.0, width - 1.0)
            found = ops.take_along_axis(pixels, ops.cast(index, "int32"), axis=1)
            taken = taken + ops.where(inside, share_of_row * share_of_column, 0.0) * found
    return ops.reshape(taken, (-1, rows, columns, channels))


@keras.saving.register_keras_serializable("kgan")
class SpatialTransformer(Checked, keras.layers.Layer):
    """Pictures moved, turned and scaled by affine maps, each by its own, with gradients for pictures and maps.

    Input: a list `[images, transforms]`, `(batch, height, width, channels)` and `(batch, 6)` (or `(batch, 2, 3)`), of floating numbers.
    The pixel at `(y, x)` shows what the picture has at `A (y, x, 1)`, in coordinates from -1 to 1 between the centers of the corners, y
    first; a scale above 1 therefore makes the object smaller. Between pixels bilinear, outside of the picture 0. Output: as `images`.

    Numbers are at least float32 inside. `keras.ops.image` does not serve: on TensorFlow `affine_transform` gives its transform no gradient,
    silently, and `map_coordinates` takes no minibatch of unknown size.

    Example: looking at twice the width makes the picture half as large; the corners show what is outside of it.

    >>> import keras, kgan
    >>> images = keras.ops.ones((1, 5, 5, 1))
    >>> half = keras.ops.convert_to_tensor([[2.0, 0.0, 0.0, 0.0, 2.0, 0.0]])
    >>> float(keras.ops.sum(kgan.layers.SpatialTransformer()([images, half])))
    9.0
    """

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        images, transforms = inputs
        grid = affine_grid(full_precision(transforms), *images.shape[1:3])
        return ops.cast(sample_pixels(full_precision(images), grid), images.dtype)

    def build(self, input_shape: Any) -> None:
        if len(input_shape) != 2 or len(input_shape[0]) != 4 or tuple(input_shape[1][1:]) not in ((6,), (2, 3)):
            raise ValueError(
                f"{type(self).__name__} takes [images (batch, height, width, channels), transforms (batch, 6)]. "
                f"Received the shapes {input_shape}."
            )
        self.built = True

    def compute_output_shape(self, input_shape: Any) -> Sizes:
        return tuple(input_shape[0])
