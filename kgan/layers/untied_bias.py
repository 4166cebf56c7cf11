"""A bias for every position and channel."""

import keras
from keras import ops

from kgan.layers.checked_input import CheckedInput
from kgan.types import Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class UntiedBias(CheckedInput):
    """Adds a learned number to every entry of an example: the output of ALI's decoders (1606.00704, appendix A).

    A convolution's own bias is one number a map; here a network can start at the mean image.

    Input shape: `(batch, ...)`, all other axes known. Output shape: the same.

    Example:
    >>> import keras, kgan
    >>> layer = kgan.layers.UntiedBias()
    >>> layer(keras.ops.ones((2, 4, 4, 3))).shape == (2, 4, 4, 3) and tuple(layer.bias.shape) == (4, 4, 3)
    True
    """

    def build(self, input_shape: Sizes) -> None:
        self.bias = self.add_weight(shape=tuple(input_shape[1:]), initializer="zeros", name="bias")

    def call(self, inputs: Tensor) -> Tensor:
        return inputs + ops.cast(self.bias, inputs.dtype)

    def compute_output_shape(self, input_shape: Sizes) -> Sizes:
        return input_shape
