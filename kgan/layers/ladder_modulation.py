"""What the layer above says about a unit, in the decoder of a ladder network."""

from typing import Any

import keras
from keras import ops

from kgan.layers.checked_input import CheckedInput
from kgan.types import Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class LadderModulation(CheckedInput):
    """`a1 sigmoid(a2 u + a3) + a4 u + a5`, five learned numbers for every unit: Rasmus et al., NIPS 2015, arXiv 1507.02672, Eq. 2.

    The decoder of a ladder network takes a noisy z for `(z - mu(u)) v(u) + mu(u)`, with two such functions mu and v of the signal u from
    above. They start as the authors', a2 at 1 and the others at 0, but for what `offset` says.

    Args:
        offset: float, default 0.0: where a5 starts.

    Input shape: `(batch, ...)`, all other axes known. Output shape: the same.

    Example: at the start it is a constant.

    >>> import keras, kgan
    >>> layer = kgan.layers.LadderModulation(offset=1.0)
    >>> [float(x) for x in layer(keras.ops.convert_to_tensor([[3.0, -2.0]]))[0]]
    [1.0, 1.0]
    """

    def __init__(self, offset: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.offset = offset

    def build(self, input_shape: Sizes) -> None:
        starts = {"a1": 0.0, "a2": 1.0, "a3": 0.0, "a4": 0.0, "a5": self.offset}
        for name, value in starts.items():
            weight = self.add_weight(shape=tuple(input_shape[1:]), initializer=keras.initializers.Constant(value), name=name)
            setattr(self, name, weight)

    def call(self, inputs: Tensor) -> Tensor:
        a1, a2, a3, a4, a5 = (ops.cast(a, inputs.dtype) for a in (self.a1, self.a2, self.a3, self.a4, self.a5))
        return a1 * ops.sigmoid(a2 * inputs + a3) + a4 * inputs + a5

    def compute_output_shape(self, input_shape: Sizes) -> Sizes:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "offset": self.offset}
