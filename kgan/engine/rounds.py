"""Feeding rounds: the user thinks in minibatches, a round of a game consumes several."""

import copy
import functools
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan import backend
from kgan.arguments import COUNT, as_int, require
from kgan.backend import feeding
from kgan.backend.feeding import Clock, epoch_rows, require_examples
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
    """Rounds from arrays in memory, in an order of seed and epoch; see `epoch_rows`."""

    def __init__(self, arrays: Nest, examples: int, seed: int, shuffle: bool, weights: Array | None, steps: int | None) -> None:
        super().__init__()
        count = len(keras.tree.flatten(arrays)[0])
        self.arrays, self.clock, self.steps = arrays, Clock(), steps or count // examples
        # Every item asks for the order of the present epoch, so that none depends on which were asked before.
        self._rows = functools.lru_cache(maxsize=2)(partial(epoch_rows, count, examples, seed, shuffle, weights, self.steps))

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, index: int) -> Nest:
        chosen = self._rows(self.clock.epoch)[index]
        return keras.tree.map_structure(lambda a: a[chosen], self.arrays)


class StreamRounds(keras.utils.PyDataset):
    """Rounds from a stream of minibatches (a PyDataset, a torch DataLoader, a sequence): several joined to one.

    A PyDataset is fed as Keras would: by its workers, told when an epoch begins and ends, endless where `num_batches` is None.
    """

    def __init__(self, minibatches: Any, per_round: int) -> None:
        is_dataset = isinstance(minibatches, keras.utils.PyDataset)
        wishes = ("workers", "use_multiprocessing", "max_queue_size") if is_dataset else ()
        super().__init__(**{name: getattr(minibatches, name) for name in wishes})
        if isinstance(getattr(minibatches, "clock", None), Clock):
            # Its order follows this training alone.
            minibatches = copy.copy(minibatches)
            minibatches.clock = self.clock = Clock()
        self.minibatches, self.per_round = minibatches, per_round
        self._lock = threading.Lock()
        self._iterator: Iterator[Nest] | None = None
        self.failure: Exception | None = None  # what the stream raised; Keras and TensorFlow may wrap it beyond recognition

    def __getstate__(self) -> dict[str, Any]:
        # Workers may be processes of their own; what is asked for by index needs neither.
        return {**self.__dict__, "_lock": None, "_iterator": None}

    @property
    def num_batches(self) -> int | None:
        count = minibatches_in(self.minibatches)
        return None if count is None else count // self.per_round

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

    def on_epoch_begin(self) -> None:
        if hasattr(self.minibatches, "on_epoch_begin"):
            self.minibatches.on_epoch_begin()

    def on_epoch_end(self) -> None:
        if hasattr(self.minibatches, "on_epoch_end"):
            self.minibatches.on_epoch_end()


def minibatches_in(stream: Any) -> int | None:
    """How many minibatches a stream has; None of one that is endless, or does not know."""
    try:
        return stream.num_batches if isinstance(stream, keras.utils.PyDataset) else len(stream)
    except (TypeError, NotImplementedError):
        return None


def _nest(part: Nest) -> Nest:
    return tuple(part) if isinstance(part, list) else part


def _is_tf_dataset(x: Any) -> bool:
    # Without importing TensorFlow: on other backends it may be absent.
    return any(base.__module__.startswith("tensorflow") and base.__name__ == "DatasetV2" for base in type(x).__mro__)


def to_rounds(
    x: Any,
    y: Any,
    batch_size: int | None,
    per_round: int,
    seed: int,
    shuffle: bool,
    replicas: int = 1,
    weights: Any = None,
    steps: int | None = None,
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
        steps: rounds of an epoch, for arrays; default None: as many as one pass over them gives.

    Returns:
        `(rounds, first)`: what Keras' `fit` is to consume, and one round of it as NumPy arrays.

    Raises:
        ValueError: for too few examples, arguments that contradict the kind of data, or unequal lengths.
    """
    if not is_arrays(x):
        if y is not None or batch_size is not None or weights is not None:
            raise ValueError(
                "`y`, `batch_size` and `sampling_weights` go with arrays; a data set brings its own. Leave them out."
            )
        if not _is_tf_dataset(x):
            return _regroup_stream(x, per_round)
        return feeding.regroup(x, per_round, replicas)
    arrays = x if y is None else (x, y)
    leaves = keras.tree.flatten(arrays)
    lengths = sorted({len(a) for a in leaves})
    if len(lengths) > 1:
        raise ValueError(f"All arrays need the same number of examples. Received lengths {lengths}.")
    if isinstance(x, (list, tuple)) and len(x) > _PARTS:
        raise ValueError(
            f"A {type(x).__name__} of {len(x)} arrays of shape {tuple(leaves[0].shape)} would be one example in {len(x)} parts. If they "
            "are examples, make them one array: `np.stack(x)`; if they are minibatches: `np.concatenate(x)`."
        )
    (count,) = lengths
    batch_size = 64 if batch_size is None else as_int(batch_size)
    if not isinstance(batch_size, int) or batch_size < 1:
        raise ValueError(f"`batch_size` must be an integer >= 1. Received: {batch_size!r}.")
    require_examples(count, per_round * batch_size, per_round)
    weights = _probabilities(weights, count)
    arrays = keras.tree.map_structure(np.asarray, arrays)
    first = keras.tree.map_structure(lambda a: a[: per_round * batch_size], arrays)
    if backend.name() == "tensorflow":
        rounds = feeding.from_arrays(arrays, per_round * batch_size, seed, shuffle, weights, steps)
        return feeding.share(rounds, batch_size, per_round, replicas), first
    return ArrayRounds(arrays, per_round * batch_size, seed, shuffle, weights, steps), first


# More parts than an example of any system has.
_PARTS = 8


def rounds_asked(steps: Any, name: str) -> int | None:
    """A number of rounds or minibatches that a user asks for, or None."""
    steps = as_int(steps)
    require(COUNT.or_none(), **{name: steps})
    return steps


def require_end(x: Any, steps: int | None, name: str) -> None:
    """Refuse data that never end, where nobody says how many minibatches an epoch has."""
    endless = (
        int(x.cardinality()) == -1 if _is_tf_dataset(x) else isinstance(x, keras.utils.PyDataset) and minibatches_in(x) is None
    )
    if endless and steps is None:
        raise ValueError(f"The data set is endless, so an epoch of it would be too. Say how long one is: `{name}=...`.")


def validation_part(share: float, x: Any, y: Any, weights: Any) -> tuple[tuple[Any, Any, Any], Any]:
    """Arrays without their last `share`, and these for validation: `((x, y, weights), validation data)`. Keras takes the last ones too."""
    if not is_arrays(x):
        raise ValueError("`validation_split` goes with arrays; of a data set, make two: `validation_data=...`.")
    count = len(keras.tree.flatten(x)[0])
    kept = count - round(count * share) if isinstance(share, (int, float)) and 0 < share < 1 else 0
    if not 0 < kept < count:
        raise ValueError(f"`validation_split` must lie between 0 and 1 and leave examples on both sides. Received: {share!r}.")

    def cut(arrays: Any, part: slice) -> Any:
        return None if arrays is None else keras.tree.map_structure(lambda a: a[part], arrays)

    first, last = slice(kept), slice(kept, None)
    held = cut(x, last) if y is None else (cut(x, last), cut(y, last))
    return (cut(x, first), cut(y, first), cut(weights, first)), held


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
    is_dataset = isinstance(stream, keras.utils.PyDataset)
    if isinstance(stream, str):
        raise ValueError(
            f"fit() takes data, not the name of a data set. Received: {stream!r}. Use `kgan.datasets.arrays({stream!r})[0]`."
        )
    if not is_dataset and minibatches_in(stream) is None:
        raise ValueError(
            "fit() takes arrays, a tf.data.Dataset, a keras.utils.PyDataset or a torch DataLoader of known length. Received: "
            f"{type(stream).__name__}. Wrap a generator with tf.data.Dataset.from_generator or in a PyDataset."
        )
    count = minibatches_in(stream)
    if count is not None:
        require_examples(count, per_round, per_round)
    rounds = StreamRounds(stream, per_round)
    return rounds, rounds[0]
