"""Instance normalization: Ulyanov, Vedaldi, Lempitsky 2016, arXiv 1607.08022."""

from typing import Any

import keras
from keras import layers

from kgan.arguments import Positive
from kgan.layers.checked_input import CheckedInput


@keras.saving.register_keras_serializable("kgan")
class InstanceNormalization(CheckedInput, layers.GroupNormalization):
    """Normalize each channel of each example over its own positions: Keras' group normalization with one channel a group.

    Args:
        epsilon: default 1e-5 (the authors' code).
        **kwargs: of `keras.layers.GroupNormalization`, `groups` excepted.

    Input and output shape: `(batch, ..., channels)`. Examples do not mix, so it stands in a critic with a gradient penalty.

    Example:
    >>> import keras, kgan
    >>> x = keras.random.normal((2, 8, 8, 3), seed=0) * 5.0
    >>> abs(float(keras.ops.std(kgan.layers.InstanceNormalization()(x)[0, :, :, 0])) - 1.0) < 1e-3
    True
    """

    axes = (3, None)
    words = "(batch, ..., channels)"

    def __init__(self, epsilon: Positive = 1e-5, **kwargs: Any) -> None:
        kwargs.pop("groups", None)
        super().__init__(groups=-1, epsilon=epsilon, **kwargs)
