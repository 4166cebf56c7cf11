"""A part of a picture's channels."""

import keras

from kgan.arguments import Count, Natural
from kgan.layers.checked_input import CheckedInput
from kgan.types import Config, Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class Channels(CheckedInput):
    """`count` channels of its input from `start` on, such as one frame of several that lie in the channels.

    Args:
        start: the first. count: default 1. **kwargs: of `keras.layers.Layer`.

    Raises:
        ValueError: for an input with fewer channels.

    Example:
    >>> import keras, kgan
    >>> [float(value) for value in kgan.layers.Channels(1, 2)(keras.ops.convert_to_tensor([[0.0, 1.0, 2.0, 3.0]]))[0]]
    [1.0, 2.0]
    """

    axes = (2, None)
    words = "(batch, ..., channels)"

    def __init__(self, start: Natural, count: Count = 1, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.start, self.count = start, count

    def build(self, input_shape: Sizes) -> None:
        if input_shape[-1] < self.start + self.count:
            raise ValueError(
                f"Channels {self.start} to {self.start + self.count - 1} are taken of an input {tuple(input_shape)}."
            )
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        return inputs[..., self.start : self.start + self.count]

    def compute_output_shape(self, input_shape: Sizes) -> Sizes:
        return (*input_shape[:-1], self.count)

    def get_config(self) -> Config:
        return {**super().get_config(), "start": self.start, "count": self.count}
