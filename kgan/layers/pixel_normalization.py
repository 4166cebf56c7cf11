"""Pixelwise feature normalization: Karras, Aila, Laine, Lehtinen, ICLR 2018, arXiv 1710.10196, section 4.2."""

from typing import Any

import keras
from keras import ops

from kgan.arguments import Positive
from kgan.backend import full_precision
from kgan.layers.checked_input import CheckedInput
from kgan.types import Config, Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class PixelNormalization(CheckedInput):
    """Divide each pixel's feature vector by its root mean square: `b = a / sqrt(mean_c a_c^2 + epsilon)`.

    Args:
        epsilon: default 1e-8 (the paper's).

    Input and output shape: `(..., channels)`; latents `(batch, size)` too. Computed in float32. Examples do not mix.

    Example:
    >>> import keras, kgan
    >>> [round(float(v), 3) for v in kgan.layers.PixelNormalization()(keras.ops.convert_to_tensor([[3.0, 4.0]]))[0]]
    [0.849, 1.131]
    """

    words = "(..., channels)"

    def __init__(self, epsilon: Positive = 1e-8, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def call(self, inputs: Tensor) -> Tensor:
        x = full_precision(inputs)
        return ops.cast(x * ops.rsqrt(ops.mean(ops.square(x), axis=-1, keepdims=True) + self.epsilon), inputs.dtype)

    def compute_output_shape(self, input_shape: Sizes) -> Sizes:
        return input_shape

    def get_config(self) -> Config:
        return {**super().get_config(), "epsilon": self.epsilon}
