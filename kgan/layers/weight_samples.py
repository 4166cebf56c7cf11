"""Weights of a network, kept as they were: samples of a posterior."""

from typing import Any

import keras
from keras import ops

from kgan import backend
from kgan.arguments import BuiltNetwork, Checked, Count
from kgan.types import Tensor


@keras.saving.register_keras_serializable("kgan")
class WeightSamples(Checked, keras.layers.Layer):
    """Copies of all weights of a network, the statistics of batch normalization among them; the newest replaces the oldest.

    A layer, because it keeps the copies: make it an attribute of the model, and they are saved with it.

    Args:
        network: the network, built.
        slots: copies kept.

    Weights: one of shape `(slots, *shape)` per weight of the network, and `taken`, the number of copies ever made.

    Example:
    >>> import keras, kgan
    >>> network = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
    >>> network.build((None, 1))
    >>> samples = kgan.layers.WeightSamples(network, slots=2)
    >>> for value in (1.0, 2.0, 3.0):
    ...     _ = network.kernel.assign([[value]])
    ...     samples.keep(True)
    >>> samples.count(), [float(pairs[0][1][0, 0]) for pairs in map(samples.values, range(2))]
    (2, [3.0, 2.0])
    """

    def __init__(self, network: BuiltNetwork, slots: Count, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.slots = slots
        # Behind a function, so that the network's weights are not tracked a second time as this layer's.
        self._originals = lambda: network.weights
        self.taken = self.add_weight(name="taken", shape=(), initializer="zeros", trainable=False, dtype="int32")
        self.copies = [
            self.add_weight(name=f"copy_{i}", shape=(slots, *v.shape), initializer="zeros", trainable=False, dtype=v.dtype)
            for i, v in enumerate(self._originals())
        ]
        self.built = True

    def keep(self, due: Tensor) -> None:
        """Copy the present weights where the boolean scalar `due` holds."""
        due = ops.cast(due, "bool")
        slot = ops.equal(ops.arange(self.slots), ops.mod(ops.convert_to_tensor(self.taken), self.slots))
        olds = [backend.snapshot(copy) for copy in self.copies]

        def renewed() -> list[Tensor]:
            pairs = zip(self._originals(), olds, strict=True)
            return [
                ops.where(ops.reshape(slot, (self.slots,) + (1,) * len(v.shape)), backend.constant(v)[None], old)
                for v, old in pairs
            ]

        for copy, value in zip(self.copies, backend.conditional(due, renewed, lambda: olds), strict=True):
            copy.assign(value)
        self.taken.assign(ops.convert_to_tensor(self.taken) + ops.cast(due, "int32"))

    def count(self) -> int:
        """How many copies there are, an int <= slots."""
        return min(self.slots, int(ops.convert_to_numpy(self.taken)))

    def values(self, index: int) -> list[tuple[keras.Variable, Tensor]]:
        """Pairs of a weight of the network and its value in copy `index`, for `kgan.backend.Overlay`."""
        return [(v, backend.constant(copy)[index]) for v, copy in zip(self._originals(), self.copies, strict=True)]
