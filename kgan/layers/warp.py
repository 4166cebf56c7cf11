"""Pictures warped by optical flow: Lai, Huang, Yang, NIPS 2017."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from kgan.arguments import Checked
from kgan.backend import full_precision
from kgan.layers.spatial_transformer import affine_grid, sample_pixels
from kgan.types import Sizes, Tensor


def warp(images: Tensor, flow: Tensor) -> Tensor:
    """`W(I, f)(x, y) = I(x + u(x, y), y + v(x, y))`: the second frame seen through the flow, bilinear, differentiable in both.

    Args:
        images: `(batch, height, width, channels)`.
        flow: `(batch, height, width, 2)`, `(u, v)` in pixels on the grid of the result, u to the right, v down. Places outside the picture
            take its border.

    Returns:
        Tensor of the images' shape, float32 at least.

    Example: everything has moved one pixel to the right.

    >>> from keras import ops
    >>> import kgan
    >>> second = ops.reshape(ops.convert_to_tensor([0.0, 1.0, 2.0, 3.0]), (1, 1, 4, 1))
    >>> flow = ops.reshape(ops.convert_to_tensor([1.0, 0.0] * 4), (1, 1, 4, 2))
    >>> [float(value) for value in ops.reshape(kgan.layers.warp(second, flow), (-1,))]
    [1.0, 2.0, 3.0, 3.0]
    """
    images, flow = full_precision(images, flow)
    height, width = images.shape[1:3]
    still = affine_grid(ops.convert_to_tensor([[1.0, 0.0, 0.0, 0.0, 1.0, 0.0]], dtype=flow.dtype), height, width)
    # Coordinates run from -1 to 1 between the centers of the first and the last pixel.
    moved = [flow[..., axis] * (2.0 / max(1, size - 1)) for axis, size in ((1, height), (0, width))]
    return sample_pixels(images, ops.clip(still + ops.stack(moved, axis=-1), -1.0, 1.0))


@keras.saving.register_keras_serializable("kgan")
class Warp(Checked, keras.layers.Layer):
    """`warp` as a layer: `[images, flow]`, `(batch, height, width, channels)` and `(batch, height, width, 2)`, to warped images.

    Example:
    >>> import keras, kgan
    >>> tuple(kgan.layers.Warp()([keras.ops.ones((1, 4, 4, 3)), keras.ops.zeros((1, 4, 4, 2))]).shape)
    (1, 4, 4, 3)
    """

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        images, flow = inputs
        return ops.cast(warp(images, flow), images.dtype)

    def build(self, input_shape: Any) -> None:
        images, flow = (tuple(shape) for shape in input_shape)
        if len(images) != 4 or flow[1:] != (*images[1:3], 2):
            raise ValueError(
                f"{type(self).__name__} takes [images (batch, height, width, channels), flow (batch, height, width, 2)]. "
                f"Received the shapes {input_shape}."
            )
        self.built = True

    def compute_output_shape(self, input_shape: Any) -> Sizes:
        return tuple(input_shape[0])
