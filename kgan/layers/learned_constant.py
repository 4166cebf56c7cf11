"""Numbers that are learned and depend on no input."""

import keras
from keras import ops

from kgan.arguments import Count
from kgan.layers.checked_input import CheckedInput
from kgan.types import Config, Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class LearnedConstant(CheckedInput):
    """Returns the same learned numbers for every example, whatever it is: the spread of a policy that does not depend on the state.

    Args:
        units: how many numbers.
        initial: default 0.0: where they begin.

    Input shape: `(batch, ...)`. Output shape: `(batch, units)`.

    Example:
    >>> import keras, kgan
    >>> layer = kgan.layers.LearnedConstant(2, -0.5)
    >>> [[float(v) for v in row] for row in layer(keras.ops.ones((2, 3)))]
    [[-0.5, -0.5], [-0.5, -0.5]]
    """

    def __init__(self, units: Count, initial: float = 0.0, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.units, self.initial = units, initial

    def build(self, input_shape: Sizes) -> None:
        begin = keras.initializers.Constant(self.initial)
        self.constant = self.add_weight(shape=(self.units,), initializer=begin, name="constant")

    def call(self, inputs: Tensor) -> Tensor:
        return ops.tile(ops.cast(self.constant, self.compute_dtype)[None], (ops.shape(inputs)[0], 1))

    def compute_output_shape(self, input_shape: Sizes) -> Sizes:
        return (input_shape[0], self.units)

    def get_config(self) -> Config:
        return {**super().get_config(), "units": self.units, "initial": self.initial}
