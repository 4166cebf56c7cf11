"""Virtual batch normalization: Salimans et al., NIPS 2016, arXiv 1606.03498, section 3.5."""

from typing import Any

import keras
from keras import ops

from kgan.arguments import Positive, Several
from kgan.backend import full_precision
from kgan.layers.checked_input import CheckedInput
from kgan.types import Config, Sizes, Tensor


def _need_reference(layer: Any, inputs: Tensor) -> None:
    if inputs.shape[0] is not None and inputs.shape[0] <= layer.reference_size:
        raise ValueError(
            f"{type(layer).__name__} {layer.name!r} takes a reference of {layer.reference_size} examples and a minibatch behind it, as "
            f"PrependReference makes them. Received the shape {tuple(inputs.shape)}."
        )


@keras.saving.register_keras_serializable("kgan")
class PrependReference(CheckedInput):
    """Put a reference batch, drawn once, in front of every batch: what `VirtualBatchNormalization` layers behind it refer to.

    Args:
        reference_size: examples of the reference; the paper gives no number, its code takes the training batch size.
        initializer: Keras initializer that draws the reference, default N(0, 1); use the prior of your latents. Real examples can be
            assigned to `reference`.

    Input shape: `(batch, ...)`. Output shape: `(reference_size + batch, ...)`. The reference is a weight that does not train and is saved
    with the model.
    """

    def __init__(self, reference_size: Several = 64, initializer: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reference_size = reference_size
        self.initializer = keras.initializers.get(initializer or keras.initializers.RandomNormal(0.0, 1.0))

    def build(self, input_shape: Sizes) -> None:
        self.reference = self.add_weight(
            name="reference", shape=(self.reference_size, *input_shape[1:]), initializer=self.initializer, trainable=False
        )

    def call(self, inputs: Tensor) -> Tensor:
        return ops.concatenate([ops.cast(ops.convert_to_tensor(self.reference), inputs.dtype), inputs])

    def compute_output_shape(self, input_shape: Sizes) -> tuple[int | None, ...]:
        batch = None if input_shape[0] is None else input_shape[0] + self.reference_size
        return (batch, *input_shape[1:])

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "reference_size": self.reference_size,
            "initializer": keras.initializers.serialize(self.initializer),
        }


@keras.saving.register_keras_serializable("kgan")
class DropReference(CheckedInput):
    """Cut the reference batch off again.

    Args:
        reference_size: that of `PrependReference`.

    Input shape: `(reference_size + batch, ...)`. Output shape: `(batch, ...)`.
    """

    def __init__(self, reference_size: Several = 64, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reference_size = reference_size

    def call(self, inputs: Tensor) -> Tensor:
        _need_reference(self, inputs)
        return inputs[self.reference_size :]

    def compute_output_shape(self, input_shape: Sizes) -> tuple[int | None, ...]:
        batch = None if input_shape[0] is None else input_shape[0] - self.reference_size
        return (batch, *input_shape[1:])

    def get_config(self) -> Config:
        return {**super().get_config(), "reference_size": self.reference_size}


@keras.saving.register_keras_serializable("kgan")
class VirtualBatchNormalization(CheckedInput):
    """Normalize each example with the statistics of a fixed reference batch and of itself.

    The first `reference_size` rows of the input are the activations of the reference (see `PrependReference`); they are normalized by
    their own mean and variance. An example x counts as one more member: `mu = (N mu_ref + mean(x)) / (N + 1)`, the mean square likewise,
    `y = gamma (x - mu) / sqrt(var + epsilon) + beta`, per feature map, means over space. The output for an example does not depend on the
    rest of its batch, training and inference are the same, and gradients flow through the reference to the weights before it.

    Args:
        reference_size: N.
        epsilon: default 1e-5 (the authors' code).
        gamma_initializer: default N(1, 0.02) (the authors' code).

    Input and output shape: `(reference_size + batch, ..., channels)`; a batch of one example is fine. Statistics in float32.

    Under `tf.distribute` every replica carries the whole reference: no statistics are shared, and none need be.

    Departures from the paper: none; the weights N/(N+1) are those of the authors' code, the paper prints no formula.

    Example: a generator that normalizes with 16 fixed latents.

    >>> import keras, kgan
    >>> from kgan.layers import DropReference, PrependReference, VirtualBatchNormalization
    >>> network = keras.Sequential([keras.Input((4,)), PrependReference(16), keras.layers.Dense(8),
    ...                             VirtualBatchNormalization(16), keras.layers.ReLU(), keras.layers.Dense(2), DropReference(16)])
    >>> network(keras.ops.ones((1, 4))).shape[0]
    1
    """

    axes = (2, None)
    words = "(reference_size + batch, ..., channels)"

    def __init__(
        self, reference_size: Several = 64, epsilon: Positive = 1e-5, gamma_initializer: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.reference_size = reference_size
        self.epsilon = epsilon
        self.gamma_initializer = keras.initializers.get(gamma_initializer or keras.initializers.RandomNormal(1.0, 0.02))

    def build(self, input_shape: Sizes) -> None:
        self.gamma = self.add_weight(name="gamma", shape=(input_shape[-1],), initializer=self.gamma_initializer)
        self.beta = self.add_weight(name="beta", shape=(input_shape[-1],), initializer="zeros")

    def call(self, inputs: Tensor) -> Tensor:
        _need_reference(self, inputs)
        x = full_precision(inputs)
        space = tuple(range(1, len(x.shape) - 1))
        n = self.reference_size
        # Per example: mean and mean square of every map. Dense activations count as maps of one pixel.
        mean, square = (ops.mean(v, axis=space, keepdims=True) if space else v for v in (x, ops.square(x)))
        ours, ours_square = (ops.mean(v[:n], axis=0, keepdims=True) for v in (mean, square))
        mixed, mixed_square = ((n * r + v[n:]) / (n + 1.0) for r, v in ((ours, mean), (ours_square, square)))
        mean = ops.concatenate([ops.repeat(ours, n, axis=0), mixed])
        square = ops.concatenate([ops.repeat(ours_square, n, axis=0), mixed_square])
        variance = ops.maximum(square - ops.square(mean), 0.0)
        gamma, beta = (full_precision(ops.convert_to_tensor(v)) for v in (self.gamma, self.beta))
        return ops.cast(gamma * (x - mean) * ops.rsqrt(variance + self.epsilon) + beta, inputs.dtype)

    def compute_output_shape(self, input_shape: Sizes) -> Sizes:
        return input_shape

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "reference_size": self.reference_size,
            "epsilon": self.epsilon,
            "gamma_initializer": keras.initializers.serialize(self.gamma_initializer),
        }
