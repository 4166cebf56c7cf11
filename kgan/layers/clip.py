"""Weight clipping as a Keras constraint: Arjovsky, Chintala, Bottou, ICML 2017, arXiv 1701.07875, Algorithm 1."""

import keras
from keras import ops

from kgan.arguments import Checked, Positive
from kgan.types import Config, Tensor


@keras.saving.register_keras_serializable("kgan")
class Clip(Checked, keras.constraints.Constraint):
    """Keeps a weight in `[-bound, bound]`; Keras optimizers apply it after each step.

    For a whole player use `kgan.WGAN`, or `project` of a `kgan.Move`; this one is for single layers.

    Args:
        bound: default 0.01 (the paper's).

    Example:
    >>> import keras, kgan
    >>> layer = keras.layers.Dense(1, kernel_constraint=kgan.layers.Clip(0.01))
    >>> round(float(layer.kernel_constraint(keras.ops.convert_to_tensor(-3.0))), 6)
    -0.01
    """

    def __init__(self, bound: Positive = 0.01) -> None:
        self.bound = bound

    def __call__(self, weight: Tensor) -> Tensor:
        return ops.clip(weight, -self.bound, self.bound)

    def get_config(self) -> Config:
        return {"bound": self.bound}
