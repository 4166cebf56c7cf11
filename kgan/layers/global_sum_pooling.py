"""Global sum pooling, as in the residual discriminators of spectral normalization (1802.05957, Tables 4-6)."""

import keras
from keras import ops

from kgan.layers.checked_input import CheckedInput
from kgan.types import Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class GlobalSumPooling2D(CheckedInput):
    """The sum of a feature map over height and width (not the mean: the logit's scale depends on it).

    Input shape: `(batch, height, width, channels)`. Output shape: `(batch, channels)`.

    Example:
    >>> import keras, kgan
    >>> kgan.layers.GlobalSumPooling2D()(keras.ops.ones((1, 4, 4, 2)))[0].shape[0]
    2
    """

    axes = (4, 4)
    words = "(batch, height, width, channels)"

    def call(self, inputs: Tensor) -> Tensor:
        return ops.sum(inputs, axis=(1, 2))

    def compute_output_shape(self, input_shape: Sizes) -> tuple[int | None, ...]:
        return (input_shape[0], input_shape[3])
