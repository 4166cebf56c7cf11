"""Minibatch discrimination: Salimans et al., NIPS 2016, arXiv 1606.03498, section 3.2."""

import warnings
from typing import Any

import keras
from keras import ops

from kgan.arguments import Count
from kgan.backend import full_precision
from kgan.layers.checked_input import CheckedInput
from kgan.layers.initialization import StartsFromData
from kgan.types import Config, Sizes, Tensor

# Larger than any distance, so that an example is no neighbor of itself; exp(-1e6) is 0 in float32.
_SELF_DISTANCE = 1e6


@keras.saving.register_keras_serializable("kgan")
class MinibatchDiscrimination(StartsFromData, CheckedInput):
    """Append to each example how close the other examples of its minibatch are.

    `M_i = f(x_i) T`, `o(x_i)_b = sum over j != i of exp(-||M_{i,b} - M_{j,b}||_1)`; the output is `[f(x_i), o(x_i)]`. Give real and
    generated examples to the network in separate calls.

    Args:
        num_kernels: default 100 (the authors' CIFAR-10 code; 300 for ImageNet): B, the number of similarities.
        kernel_size: default 5 (CIFAR-10; 50 for ImageNet): C, the size of each row that is compared.
        normalize: default True, the authors' code: the columns of T have learned lengths `exp(s)`, starting at 1, and a bias per
            kernel, starting at -1, is added to o; `kgan.layers.initialize_from_data` sets both from examples, by hand. False: the plain
            formula of the paper.
        data_init: default False. True, with `normalize`: both start from the first minibatch that a kgan model with this layer trains on.
        average: default False: sums of similarities (the paper's). True: divided by the size of the minibatch.
        append: default True. False: the output is `o(x_i)` alone.

    Input shape: `(batch, features)`, batch >= 2 to be of use. Output shape: `(batch, features + num_kernels)`, or
    `(batch, num_kernels)`. Distances are taken in float32 and need memory for batch^2 x num_kernels x kernel_size numbers.

    Under `tf.distribute` the minibatch is that of one replica. The output for an example depends on the others: evaluate with the batch
    size of training.

    Warns: for a batch known to have one example, whose sum is empty.

    Departures from the paper: the sum leaves out j = i, as the text and the code do; the printed formula includes it, a constant 1.

    Example: two equal examples and a far one.

    >>> import keras, kgan
    >>> layer = kgan.layers.MinibatchDiscrimination(1, 1, normalize=False, kernel_initializer="ones")
    >>> [round(float(o), 3) for o in layer(keras.ops.convert_to_tensor([[0.0], [0.0], [50.0]]))[:, 1]]
    [1.0, 1.0, 0.0]
    """

    axes = (2, 2)
    words = "(batch, features); flatten maps first"

    def __init__(
        self,
        num_kernels: Count = 100,
        kernel_size: Count = 5,
        normalize: bool = True,
        average: bool = False,
        append: bool = True,
        kernel_initializer: Any = None,
        data_init: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if data_init and not normalize:
            raise ValueError("Without `normalize` there is nothing that `data_init` could set. Leave out one of the two.")
        self.data_init = data_init
        self.num_kernels = num_kernels
        self.kernel_size = kernel_size
        self.normalize = normalize
        self.average = average
        self.append = append
        self.kernel_initializer = keras.initializers.get(kernel_initializer or keras.initializers.RandomNormal(0.0, 0.05))

    def build(self, input_shape: Sizes) -> None:
        self._note_start()
        kernels = (self.num_kernels, self.kernel_size)
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], *kernels), initializer=self.kernel_initializer)
        if self.normalize:
            self.log_scale = self.add_weight(name="log_scale", shape=kernels, initializer="zeros")
            self.bias = self.add_weight(name="bias", shape=(self.num_kernels,), initializer=keras.initializers.Constant(-1.0))

    def _distances(self, inputs: Tensor) -> Tensor:
        """L1 distances of all pairs, (batch, batch, num_kernels), those of an example to itself enormous."""
        kernel = full_precision(ops.convert_to_tensor(self.kernel))
        if self.normalize:
            length = ops.sqrt(ops.sum(ops.square(kernel), axis=0) + 1e-24)
            kernel = kernel * (ops.exp(full_precision(ops.convert_to_tensor(self.log_scale))) / length)
        rows = ops.tensordot(full_precision(inputs), kernel, axes=1)
        distances = ops.sum(ops.abs(ops.expand_dims(rows, 1) - ops.expand_dims(rows, 0)), axis=-1)
        return distances + _SELF_DISTANCE * ops.expand_dims(ops.eye(ops.shape(inputs)[0], dtype=distances.dtype), -1)

    def _similarities(self, inputs: Tensor) -> Tensor:
        combine = ops.mean if self.average else ops.sum
        return combine(ops.exp(-self._distances(inputs)), axis=1)

    def _initialize(self, inputs: Tensor) -> None:
        """The authors' start: the nearest neighbors at a mean distance of 2, the similarities at mean 0."""
        half = 0.5 * ops.mean(ops.min(self._distances(inputs), axis=1), axis=0)
        # Examples that are all equal, or only one, have no distances to go by.
        half = ops.where(ops.logical_or(half < 1e-12, half > 0.1 * _SELF_DISTANCE), ops.ones_like(half), half)
        self.log_scale.assign(self.log_scale - ops.cast(ops.expand_dims(ops.log(half), -1), self.log_scale.dtype))
        similarities = self._similarities(inputs)
        self.bias.assign(ops.cast(-ops.mean(similarities, axis=0), self.bias.dtype))

    def call(self, inputs: Tensor) -> Tensor:
        if inputs.shape[0] == 1:
            warnings.warn(
                "MinibatchDiscrimination received a minibatch of one example: it has nothing to compare with.", stacklevel=2
            )
        if self.normalize:
            self.start_from(inputs)
        similarities = self._similarities(inputs)
        if self.normalize:
            similarities = similarities + full_precision(ops.convert_to_tensor(self.bias))
        similarities = ops.cast(similarities, inputs.dtype)
        return ops.concatenate([inputs, similarities], axis=-1) if self.append else similarities

    def starting(self) -> list[keras.Variable]:
        return [*super().starting(), *([self.log_scale, self.bias] if self.normalize else [])]

    def compute_output_shape(self, input_shape: Sizes) -> tuple[int | None, ...]:
        return (input_shape[0], self.num_kernels + (input_shape[1] if self.append else 0))

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "num_kernels": self.num_kernels,
            "kernel_size": self.kernel_size,
            "normalize": self.normalize,
            "average": self.average,
            "append": self.append,
            "data_init": self.data_init,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
