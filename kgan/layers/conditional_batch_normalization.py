"""Conditional batch normalization: de Vries et al., NIPS 2017, arXiv 1707.00683; Dumoulin et al., ICLR 2017, arXiv 1610.07629."""

from typing import Any

import keras
from keras import layers, ops

from kgan.arguments import Checked, Positive, Several
from kgan.types import Config, Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class ConditionalBatchNormalization(Checked, layers.Layer):
    """Batch normalization with a gain and an offset of each class: `gamma_y (x - mean) / sqrt(variance + epsilon) + beta_y`.

    Mean and variance, and their moving averages, are those of all examples of the batch, whatever their classes.

    Args:
        classes: number of classes.
        momentum: in [0, 1], default 0.9, of the moving averages.
        epsilon: default 1e-5, under the root.
        gamma_initializer, beta_initializer: default "ones" and "zeros", of arrays (classes, channels).

    Call: `layer([x, labels])`, floats `(batch, ..., channels)` and integers `(batch,)` in [0, classes). Output: the shape of x.

    Raises:
        ValueError: for a momentum outside of [0, 1], or other inputs.

    Departures from the papers: none in the formula. Labels outside of the range are not refused here, in the middle of a network; models
    of kgan refuse them before.

    Example: two examples around 0, of gains 1 and 3.

    >>> import numpy as np, kgan
    >>> layer = kgan.layers.ConditionalBatchNormalization(2, epsilon=1e-7)
    >>> x, labels = np.array([[-2.0], [2.0]], "float32"), np.array([0, 1])
    >>> _ = layer([x, labels])
    >>> layer.gamma.assign([[1.0], [3.0]]) is not None, [round(float(v), 3) for v in layer([x, labels], training=True)[:, 0]]
    (True, [-1.0, 3.0])
    """

    def __init__(
        self,
        classes: Several,
        momentum: float = 0.9,
        epsilon: Positive = 1e-5,
        gamma_initializer: Any = "ones",
        beta_initializer: Any = "zeros",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not 0.0 <= momentum <= 1.0:
            raise ValueError(f"`momentum` of ConditionalBatchNormalization must lie in [0, 1]. Received: {momentum!r}.")
        self.classes = classes
        self.momentum = momentum
        self.epsilon = epsilon
        self.gamma_initializer = keras.initializers.get(gamma_initializer)
        self.beta_initializer = keras.initializers.get(beta_initializer)
        # Keras' own, so that whatever looks for batch normalization (replicas, penalties, estimates of statistics) finds it here too.
        self.normalization = layers.BatchNormalization(
            momentum=momentum, epsilon=epsilon, center=False, scale=False, name="normalization", dtype=self.dtype_policy
        )

    def build(self, input_shape: Any) -> None:
        examples, _labels = shapes_of_pair(self, input_shape)
        size = (self.classes, examples[-1])
        self.normalization.build(examples)
        self.gamma = self.add_weight(name="gamma", shape=size, initializer=self.gamma_initializer)
        self.beta = self.add_weight(name="beta", shape=size, initializer=self.beta_initializer)

    def call(self, inputs: Any, training: bool = False) -> Tensor:
        x, labels = inputs
        labels = ops.cast(labels, "int32")
        shape = (-1, *(1,) * (len(x.shape) - 2), x.shape[-1])
        gamma, beta = (ops.reshape(ops.take(ops.cast(v, x.dtype), labels, axis=0), shape) for v in (self.gamma, self.beta))
        return gamma * self.normalization(x, training=training) + beta

    def compute_output_shape(self, input_shape: Any) -> Sizes:
        return tuple(input_shape[0])

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "classes": self.classes,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "gamma_initializer": keras.initializers.serialize(self.gamma_initializer),
            "beta_initializer": keras.initializers.serialize(self.beta_initializer),
        }


def shapes_of_pair(layer: keras.layers.Layer, input_shape: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The shapes of examples and of their labels."""
    shapes = [tuple(shape) for shape in input_shape] if all(isinstance(s, (list, tuple)) for s in input_shape) else []
    if len(shapes) != 2 or len(shapes[0]) < 2 or len(shapes[1]) != 1:
        raise ValueError(
            f"{type(layer).__name__} {layer.name!r} takes [x, labels], (batch, ..., channels) and (batch,). Received the shapes "
            f"{input_shape}."
        )
    return shapes[0], shapes[1]
