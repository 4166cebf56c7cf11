"""Feeding rounds: the user thinks in minibatches, a round of a game consumes several."""

import threading
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan import backend
from kgan.backend import feeding
from kgan.backend.feeding import epoch_order, require_examples
from kgan.types import Array, Nest, Tensor


def split_round(batch: Nest, count: int) -> list[Nest]:
    """Cut a round's nest of tensors into `count` minibatches along the first axis."""
    if count == 1:
        return [batch]
    for tensor in keras.tree.flatten(batch):
        size = tensor.shape[0]
        if size is not None and size % count:
            raise ValueError(
                f"One round of this game takes {count} minibatches of equal size, and {size} examples cannot be divided by "
                f"{count}. Feed a multiple of {count} examples, or let fit() regroup the data."
            )
    pieces = keras.tree.map_structure(lambda t: _cut(t, count), batch)
    return [keras.tree.map_structure_up_to(batch, lambda cut, i=i: cut[i], pieces) for i in range(count)]


def _cut(tensor: Tensor, count: int) -> list[Tensor]:
    size = tensor.shape[0] if tensor.shape[0] is not None else ops.shape(tensor)[0]
    share = size // count
    return [tensor[i * share : (i + 1) * share] for i in range(count)]


class ArrayRounds(keras.utils.PyDataset):
    """Rounds from arrays in memory, shuffled anew each epoch, the incomplete last round dropped."""

    def __init__(self, arrays: Nest, examples: int, seed: int, shuffle: bool, weights: Array | None = None) -> None:
        super().__init__()
        self.arrays, self.examples, self.seed, self.shuffle, self.weights = arrays, examples, seed, shuffle, weights
        self.count = len(keras.tree.flatten(arrays)[0])

    def __len__(self) -> int:
        return self.count // self.examples

    def __getitem__(self, index: int) -> Nest:
        # Every item asks for the order of the present epoch, so that none depends on which were asked before.
        order = epoch_order(self.count, self.seed, self.shuffle, self.weights)
        chosen = order[index * self.examples : (index + 1) * self.examples]
        return keras.tree.map_structure(lambda a: a[chosen], self.arrays)


class StreamRounds(keras.utils.PyDataset):
    """Rounds from an indexed stream of minibatches (a PyDataset, a torch DataLoader, a sequence): several joined to one."""

    def __init__(self, minibatches: Any, per_round: int) -> None:
        super().__init__()
        self.minibatches, self.per_round = minibatches, per_round
        self._lock = threading.Lock()
        self._iterator: Iterator[Nest] | None = None
        self.failure: Exception | None = None  # what the stream raised; Keras and TensorFlow may wrap it beyond recognition

    def __len__(self) -> int:
        return len(self.minibatches) // self.per_round

    def __getitem__(self, index: int) -> Nest:
        try:
            return self._joined(index)
        except Exception as error:
            self.failure = error
            raise

    def _joined(self, index: int) -> Nest:
        if hasattr(self.minibatches, "__getitem__"):
            parts = [self.minibatches[index * self.per_round + i] for i in range(self.per_round)]
        else:
            with self._lock:
                if index == 0 or self._iterator is None:
                    self._iterator = iter(self.minibatches)
                parts = [next(self._iterator) for _ in range(self.per_round)]
        parts = [keras.tree.map_structure(lambda t: ops.convert_to_numpy(t), _nest(part)) for part in parts]
        sizes = {len(keras.tree.flatten(part)[0]) for part in parts}
        if len(sizes) > 1:
            raise ValueError(
                f"A round joins {self.per_round} minibatches of one size. Received sizes {sorted(sizes)}: drop the incomplete "
                "last minibatch of your data (drop_last=True)."
            )
        return keras.tree.map_structure(lambda *leaves: np.concatenate(leaves), *parts)

    def on_epoch_end(self) -> None:
        if hasattr(self.minibatches, "on_epoch_end"):
            self.minibatches.on_epoch_end()


def _nest(part: Nest) -> Nest:
    return tuple(part) if isinstance(part, list) else part


def _is_tf_dataset(x: Any) -> bool:
    # Without importing TensorFlow: on other backends it may be absent.
    return any(base.__module__.startswith("tensorflow") and base.__name__ == "DatasetV2" for base in type(x).__mro__)


def to_rounds(
    x: Any, y: Any, batch_size: int | None, per_round: int, seed: int, shuffle: bool, replicas: int = 1, weights: Any = None
) -> tuple[Any, Nest]:
    """Data as `fit` received it, regrouped into rounds of `per_round` equal minibatches.

    Args:
        x: array, nest of arrays, `tf.data.Dataset` of minibatches, `PyDataset`, or torch `DataLoader`.
        y: array or None, only beside an array x.
        batch_size: examples per minibatch, for arrays; default 64.
        per_round: minibatches per round.
        seed, shuffle: order of arrays.
        replicas: how many parts `tf.distribute` will cut every round into.
        weights: probabilities of the examples of arrays, or None; see `epoch_order`.

    Returns:
        `(rounds, first)`: what Keras' `fit` is to consume, and one round of it as NumPy arrays.

    Raises:
        ValueError: for too few examples, arguments that contradict the kind of data, or unequal lengths.
    """
    if _is_tf_dataset(x) or not is_arrays(x):
        if y is not None or batch_size is not None or weights is not None:
            raise ValueError(
                "`y`, `batch_size` and `sampling_weights` go with arrays; a data set brings its own. Leave them out."
            )
        if not _is_tf_dataset(x):
            return _regroup_stream(x, per_round)
        return feeding.regroup(x, per_round, replicas)
    arrays = x if y is None else (x, y)
    lengths = {len(a) for a in keras.tree.flatten(arrays)}
    if len(lengths) != 1:
        raise ValueError(f"All arrays need the same number of examples. Received lengths {sorted(lengths)}.")
    (count,) = lengths
    batch_size = 64 if batch_size is None else batch_size
    if not isinstance(batch_size, int) or batch_size < 1:
        raise ValueError(f"`batch_size` must be an integer >= 1. Received: {batch_size!r}.")
    require_examples(count, per_round * batch_size, per_round)
    weights = _probabilities(weights, count)
    arrays = keras.tree.map_structure(np.asarray, arrays)
    first = keras.tree.map_structure(lambda a: a[: per_round * batch_size], arrays)
    if backend.name() == "tensorflow":
        rounds = feeding.from_arrays(arrays, per_round * batch_size, seed=seed, shuffle=shuffle, weights=weights)
        return feeding.share(rounds, batch_size, per_round, replicas), first
    return ArrayRounds(arrays, per_round * batch_size, seed, shuffle, weights), first


def _probabilities(weights: Any, count: int) -> Array | None:
    if weights is None:
        return None
    weights = np.asarray(weights, "float64")
    if weights.shape != (count,) or not np.isfinite(weights).all() or weights.min() < 0 or not weights.sum() > 0:
        raise ValueError(
            f"`sampling_weights` must be {count} finite numbers >= 0, one for each example, with a positive sum. Received shape "
            f"{weights.shape}."
        )
    return weights / weights.sum()


def is_arrays(x: Any) -> bool:
    """Whether data are arrays in memory, not a data set."""
    leaves = keras.tree.flatten(x)
    return bool(leaves) and all(hasattr(leaf, "shape") and hasattr(leaf, "__len__") for leaf in leaves)


def _regroup_stream(stream: Any, per_round: int) -> tuple[Any, Nest]:
    if not hasattr(stream, "__len__"):
        raise ValueError(
            "fit() takes arrays, a tf.data.Dataset, a keras.utils.PyDataset or a torch DataLoader. Received: "
            f"{type(stream).__name__}. Wrap a generator with tf.data.Dataset.from_generator or in a PyDataset."
        )
    require_examples(len(stream), per_round, per_round)
    rounds = StreamRounds(stream, per_round)
    return rounds, rounds[0]
