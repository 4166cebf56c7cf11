"""Minibatch standard deviation: Karras, Aila, Laine, Lehtinen, ICLR 2018, arXiv 1710.10196, section 3."""

from typing import Any

import keras
from keras import ops

from kgan.arguments import Count, Positive
from kgan.backend import full_precision
from kgan.layers.checked_input import CheckedInput
from kgan.types import Config, Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class MinibatchStdDev(CheckedInput):
    """Append one map that holds how much the examples of a group differ.

    The standard deviation over the group of each feature at each location (population form, `sqrt(var + epsilon)`), averaged over all
    features and locations into one number, repeated as one more channel. Give real and generated images to the network in separate calls.

    Args:
        group_size: default 4 (the authors' code): examples per group; members of a group are batch / group_size apart. None:
            the whole minibatch (the paper). A batch smaller than a group is one group. One that is no multiple of it, such as the rest at
            the end of `evaluate`, which the authors' code refuses, is cut into the largest smaller groups of 2 or more that it can be cut
            into, or is one group.
        epsilon: default 1e-8 (the authors').

    Input shape: `(batch, height, width, channels)`. Output shape: `(batch, height, width, channels + 1)`. Computed in float32.

    Under `tf.distribute` the minibatch is that of one replica.

    Example: equal images leave the root of epsilon.

    >>> import keras, kgan
    >>> float(kgan.layers.MinibatchStdDev()(keras.ops.ones((4, 2, 2, 3)))[0, 0, 0, 3]) < 1.1e-4
    True
    """

    axes = (4, 4)
    words = "(batch, height, width, channels)"

    def __init__(self, group_size: Count | None = 4, epsilon: Positive = 1e-8, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.group_size = group_size
        self.epsilon = epsilon

    def _group(self, batch: Any) -> Any:
        if self.group_size is None:
            return batch
        group = batch
        for size in range(2, self.group_size + 1):
            divides = batch % size == 0 if isinstance(batch, int) else ops.equal(batch % size, 0)
            group = (size if divides else group) if isinstance(batch, int) else ops.where(divides, size, group)
        return min(batch, group) if isinstance(batch, int) else ops.minimum(batch, group)

    def call(self, inputs: Tensor) -> Tensor:
        batch = inputs.shape[0] if inputs.shape[0] is not None else ops.shape(inputs)[0]
        group = self._group(batch)
        height, width, channels = inputs.shape[1:]
        x = ops.reshape(full_precision(inputs), (group, -1, height, width, channels))
        deviation = ops.sqrt(ops.mean(ops.square(x - ops.mean(x, axis=0, keepdims=True)), axis=0) + self.epsilon)
        feature = ops.tile(ops.mean(deviation, axis=(1, 2, 3)), (group,))
        feature = ops.reshape(feature, (-1, 1, 1, 1)) * ops.ones((1, height, width, 1), feature.dtype)
        return ops.concatenate([inputs, ops.cast(feature, inputs.dtype)], axis=-1)

    def compute_output_shape(self, input_shape: Sizes) -> tuple[int | None, ...]:
        return (*input_shape[:-1], input_shape[-1] + 1)

    def get_config(self) -> Config:
        return {**super().get_config(), "group_size": self.group_size, "epsilon": self.epsilon}
