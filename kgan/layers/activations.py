"""Hidden activations from information geometry: Nock et al., NIPS 2017, arXiv 1707.04385."""

from typing import Any

import keras
from keras import ops

from kgan.arguments import shown
from kgan.backend import full_precision
from kgan.layers.checked_input import CheckedInput
from kgan.types import Config, Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class MuReLU(CheckedInput):
    """`(z + sqrt((1 - mu)^2 + z^2)) / 2`: a smooth, convex ReLU, strictly increasing for mu < 1 (1707.04385, its table of activations).

    Args:
        mu: in [0, 1], default 0.5 (ours). 1 is ReLU, with its kink at 0; the paper tries 0, 0.1, ..., 1.

    Input and output shape: any, the same.

    Raises:
        ValueError: for `mu` outside [0, 1].

    Example:
    >>> import kgan
    >>> from keras import ops
    >>> float(kgan.layers.MuReLU(0.0)(ops.zeros((1,)))[0])
    0.5
    """

    axes = (0, None)

    def __init__(self, mu: float = 0.5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0.0 <= mu <= 1.0:
            raise ValueError(f"`mu` of MuReLU must be a number in [0, 1]. Received: {shown(mu)}.")
        self.mu = mu

    def call(self, z: Tensor) -> Tensor:
        if self.mu == 1.0:
            return ops.relu(z)
        wide = full_precision(z)
        return ops.cast(0.5 * (wide + ops.sqrt((1.0 - self.mu) ** 2 + ops.square(wide))), z.dtype)

    def compute_output_shape(self, input_shape: Sizes) -> Sizes:
        return input_shape

    def get_config(self) -> Config:
        return {**super().get_config(), "mu": self.mu}


@keras.saving.register_keras_serializable("kgan")
class LSU(CheckedInput):
    """The least-square unit: 0 below -1, `(1 + z)^2` up to 1, `4 z` above (1707.04385, its table of activations).

    Input and output shape: any, the same.

    Example:
    >>> import kgan
    >>> from keras import ops
    >>> [float(v) for v in kgan.layers.LSU()(ops.convert_to_tensor([-2.0, 0.0, 1.0, 2.0]))]
    [0.0, 1.0, 4.0, 8.0]
    """

    axes = (0, None)

    def call(self, z: Tensor) -> Tensor:
        return ops.square(ops.clip(z, -1.0, 1.0) + 1.0) + 4.0 * ops.relu(z - 1.0)

    def compute_output_shape(self, input_shape: Sizes) -> Sizes:
        return input_shape


@keras.saving.register_keras_serializable("kgan")
class BinarySoftplus(CheckedInput):
    """`log2(1 + e^z)`: softplus in base 2, 1 at 0 (1707.04385, its table of activations).

    Input and output shape: any, the same.

    Example:
    >>> import kgan
    >>> from keras import ops
    >>> round(float(kgan.layers.BinarySoftplus()(ops.zeros((1,)))[0]), 6)
    1.0
    """

    axes = (0, None)

    def call(self, z: Tensor) -> Tensor:
        return ops.softplus(z) / ops.cast(0.6931471805599453, z.dtype)

    def compute_output_shape(self, input_shape: Sizes) -> Sizes:
        return input_shape
