"""Pictures that a network changes, kept in their range."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from kgan.arguments import Checked, Positive
from kgan.backend import full_precision
from kgan.types import Config, Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class Retouch(Checked, keras.layers.Layer):
    """`tanh(artanh(limit * x) + change)`: pictures in [-1, 1] with a change from a network, in [-1, 1] again.

    Where the change is 0 they are `limit` times what they were, and changes of any size have a gradient.

    Args:
        limit: in (0, 1), default 0.95: how far black and white pixels stay from the ends, at which a change would not count.
        **kwargs: of `keras.layers.Layer`.

    Inputs: `[pictures, changes]`, tensors of one shape; pictures in [-1, 1]. Output: a tensor of that shape.

    Example:
    >>> import keras, kgan
    >>> white = keras.ops.ones((1, 1, 1, 1))
    >>> [round(float(kgan.layers.Retouch()([white, change * white])[0, 0, 0, 0]), 3) for change in (0.0, -1.83178)]
    [0.95, 0.0]
    """

    def __init__(self, limit: Positive = 0.95, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not limit < 1.0:
            raise ValueError(
                f"`limit` of {type(self).__name__} lies in (0, 1): at 1 the inverse of tanh is infinite. Received: {limit!r}."
            )
        self.limit = limit

    def build(self, input_shape: Any) -> None:
        pictures, changes = (tuple(shape) for shape in input_shape)
        if pictures[1:] != changes[1:]:
            raise ValueError(f"{type(self).__name__} takes [pictures, changes] of one shape. Received: {pictures} and {changes}.")
        self.built = True

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        pictures, changes = inputs
        seen, wanted = full_precision(pictures, changes)
        return ops.cast(ops.tanh(ops.arctanh(self.limit * ops.clip(seen, -1.0, 1.0)) + wanted), pictures.dtype)

    def compute_output_shape(self, input_shape: Any) -> Sizes:
        return tuple(input_shape[0])

    def get_config(self) -> Config:
        return {**super().get_config(), "limit": self.limit}
