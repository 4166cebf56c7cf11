"""Numbers modulo a period: sine and cosine, or remainders."""

import math
from typing import Any

import keras
from keras import ops

from kgan.arguments import Count
from kgan.layers.checked_input import CheckedInput
from kgan.types import Config, Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class Waves(CheckedInput):
    """`[sin x, cos x]` along the last axis.

    What follows sees x modulo 2 pi, without the jump a remainder has. A reader of hidden messages needs it: where a message moves a number
    by less than the pictures' own spread, only the number's place within a short period can tell it (quantization index modulation, Chen
    and Wornell 2001).

    Input shape: `(..., maps)`. Output shape: `(..., 2 maps)`.

    Example:
    >>> import math, keras, kgan
    >>> [round(float(v), 2) for v in kgan.layers.Waves()(keras.ops.convert_to_tensor([0.0, math.pi / 6]))]
    [0.0, 0.5, 1.0, 0.87]
    """

    words = "(..., maps)"

    def call(self, inputs: Tensor) -> Tensor:
        return ops.concatenate([ops.sin(inputs), ops.cos(inputs)], axis=-1)

    def compute_output_shape(self, input_shape: Sizes) -> tuple[int | None, ...]:
        return (*input_shape[:-1], 2 * input_shape[-1])


@keras.saving.register_keras_serializable("kgan")
class Sawtooth(CheckedInput):
    """Numbers modulo 2 pi, as remainders: `((x + k 2 pi / cuts) / pi + 1) mod 2 - 1` for k = 0, 1, ..., cuts - 1, side by side.

    Each remainder jumps from 1 to -1 somewhere on the circle, and each somewhere else: a network that must jump itself (to the nearer of
    two places) finds the jump here, where with sine and cosine it would have to learn a steep slope.

    Args:
        cuts: default 4.

    Input shape: `(..., maps)`. Output shape: `(..., cuts * maps)`, in [-1, 1].

    Example:
    >>> import math, keras, kgan
    >>> [round(float(v), 2) for v in kgan.layers.Sawtooth(2)(keras.ops.convert_to_tensor([math.pi / 4]))]
    [0.25, -0.75]
    """

    words = "(..., maps)"

    def __init__(self, cuts: Count = 4, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cuts = cuts

    def call(self, inputs: Tensor) -> Tensor:
        turns = inputs / (2 * math.pi)
        shifted = [turns + k / self.cuts for k in range(self.cuts)]
        return ops.concatenate([2.0 * (x - ops.round(x)) for x in shifted], axis=-1)

    def compute_output_shape(self, input_shape: Sizes) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.cuts * input_shape[-1])

    def get_config(self) -> Config:
        return {**super().get_config(), "cuts": self.cuts}
