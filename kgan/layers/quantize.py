"""Rounding to the 256 values of an image file, inside a network that has to learn in spite of it."""

import keras
from keras import ops

from kgan.backend import full_precision
from kgan.layers.checked_input import CheckedInput
from kgan.types import Sizes, Tensor


def quantize_8bit(images: Tensor) -> Tensor:
    """Images in [-1, 1] as a file of 8 bits holds them: clipped, rounded to `k / 127.5 - 1` with k in 0..255, halves to even.

    Rounding has no slope; the gradient passes as if nothing had been rounded (straight through). Where clipping acts it is 0.

    Args:
        images: float tensor of any shape.

    Returns:
        Tensor of that shape, at least float32: coarser numbers do not hold the grid.

    Example:
    >>> from keras import ops
    >>> import kgan
    >>> grid = kgan.layers.quantize_8bit(ops.convert_to_tensor([-3.0, 0.0, 0.009, 1.0]))
    >>> [round((float(v) + 1) * 127.5, 3) for v in grid]
    [0.0, 128.0, 129.0, 255.0]
    """
    clipped = ops.clip(full_precision(images), -1.0, 1.0)
    rounded = ops.round((clipped + 1.0) * 127.5) / 127.5 - 1.0
    return clipped + ops.stop_gradient(rounded - clipped)


@keras.saving.register_keras_serializable("kgan")
class Quantize8Bit(CheckedInput):
    """`kgan.layers.quantize_8bit` as a layer, in training as in inference.

    Put behind what writes images (a generator of files, an embedder of messages), it trains with the error that the file will have.

    Input and output shape: any, the same. Output: float32.
    """

    axes = (0, None)

    def call(self, inputs: Tensor) -> Tensor:
        return quantize_8bit(inputs)

    def compute_output_shape(self, input_shape: Sizes) -> Sizes:
        return input_shape

    def compute_output_spec(self, inputs: Tensor) -> keras.KerasTensor:
        return keras.KerasTensor(inputs.shape, dtype="float32")
