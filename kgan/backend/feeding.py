"""Feeding a training: the epoch that a data set is in, the order of its examples, and `tf.data` where TensorFlow feeds.

The order is a function of seed and epoch, so that a resumed run sees the data of the uninterrupted one.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from kgan.arguments import COUNT, as_int, require
from kgan.backend.execution import numpy_function
from kgan.types import Array, Nest, Tensor

COPIED = 2**22
"""Bytes of arrays up to which a data set keeps a copy of its own."""


class Clock:
    """Which epoch a data set is in. Each has one of its own, which the training that it feeds sets; its order is a function of it."""

    epoch = 0


def clocks(data: Any) -> list[Clock]:
    """The clocks of a data set and of all that it is made from: those of kgan have them, whatever a user has made of them by `tf.data`."""
    own = getattr(data, "clock", None)
    # The inputs of a `tf.data.Dataset` have no public name; a test holds this one with the installed TensorFlow.
    inputs = data._inputs() if hasattr(data, "_inputs") else ()
    return [*([own] if isinstance(own, Clock) else []), *(clock for part in inputs for clock in clocks(part))]


def set_epoch(data: Any, epoch: int) -> None:
    """Let a data set feed this epoch, as `fit` does at the beginning of each."""
    for clock in clocks(data):
        clock.epoch = epoch


def epoch_order(count: int, seed: int, epoch: int, shuffle: bool = True, weights: Array | None = None) -> Array:
    """Indices of `count` examples in the order of an epoch: a function of the arguments alone.

    With `weights`, `count` draws with replacement, each by these probabilities.
    """
    if weights is not None:
        return np.random.default_rng((seed, epoch)).choice(count, count, p=weights)
    if not shuffle:
        return np.arange(count)
    return np.random.default_rng((seed, epoch)).permutation(count)


def epoch_rows(count: int, size: int, seed: int, shuffle: bool, weights: Array | None, steps: int, epoch: int) -> Array:
    """Indices of the examples of every minibatch of an epoch, `(steps, size)`.

    One pass over the examples gives `count // size` minibatches. An epoch of fewer or more `steps` goes on where the one before stopped.
    """
    passes, places = np.divmod(epoch * steps + np.arange(steps), count // size)
    orders = {int(p): epoch_order(count, seed, int(p), shuffle, weights) for p in np.unique(passes)}
    return np.stack([orders[int(p)][place * size : (place + 1) * size] for p, place in zip(passes, places, strict=True)])


def require_examples(count: int, needed: int, per_round: int) -> None:
    """Refuse a data set too small for one round."""
    if count < needed:
        raise ValueError(
            f"One round of this game takes {per_round} minibatch(es) ({needed} examples or minibatches), and the data hold {count}. "
            "Use a smaller batch size, fewer steps per round, or more data."
        )


def tensorflow() -> Any:
    try:
        import tensorflow as tf
    except ImportError as error:
        raise ImportError(
            "kgan.datasets.load returns a tf.data.Dataset and needs TensorFlow: pip install 'kgan[cpu]'. Without it, give fit() "
            "the arrays of kgan.datasets.arrays(...)."
        ) from error
    return tf


def clocked(tf: Any, of_epoch: Callable[[Tensor], Any]) -> Any:
    """A `tf.data.Dataset` that is made anew by `of_epoch(epoch)` whenever an iteration begins: the epoch is read then, and once."""
    root, clock = tf.data.Dataset.from_tensors(0), Clock()
    root.clock = clock

    def begin(_: Tensor) -> Any:
        return of_epoch(tf.ensure_shape(numpy_function(lambda: np.int64(clock.epoch), [], tf.int64), ()))

    return root.flat_map(begin)


def with_epoch(tf: Any, dataset: Any) -> Any:
    """Pairs of what a data set yields and the epoch."""
    together = tf.data.Dataset.zip(dataset, clocked(tf, lambda epoch: tf.data.Dataset.from_tensors(epoch).repeat()))
    count = int(dataset.cardinality())
    return together.apply(tf.data.experimental.assert_cardinality(count)) if count >= 0 else together


def epoch_indices(tf: Any, count: int, seed: int, shuffle: bool, weights: Array | None = None) -> Any:
    def of_epoch(epoch: Tensor) -> Any:
        def order(epoch: Any) -> Array:
            return epoch_order(count, seed, int(epoch), shuffle, weights).astype(np.int64)

        return tf.data.Dataset.from_tensor_slices(tf.ensure_shape(numpy_function(order, [epoch], tf.int64), (count,)))

    return clocked(tf, of_epoch)


def finish(tf: Any, dataset: Any, batches: int) -> Any:
    options = tf.data.Options()
    # Several workers: each takes its part of every minibatch, since all draw the same order.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(batches))
    return dataset.with_options(options).prefetch(tf.data.AUTOTUNE)


def check_batch_size(batch_size: int, count: int) -> None:
    require(COUNT, batch_size=batch_size)
    if count < batch_size:
        raise ValueError(f"The data set has {count} examples, fewer than one minibatch of {batch_size}.")


def from_arrays(
    arrays: Nest,
    batch_size: int,
    seed: int = 0,
    shuffle: bool = True,
    weights: Array | None = None,
    steps: int | None = None,
) -> Any:
    """Minibatches from arrays in memory.

    Args:
        arrays: array or nest of arrays with one first axis. Those of NumPy above `COPIED` bytes are read where they are, minibatch by
            minibatch: leave them alone while they are trained on.
        batch_size: examples per minibatch; an incomplete last one is dropped.
        seed: default 0. The order of an epoch is a function of `(seed, epoch)`; kgan's `fit` counts the epochs.
        shuffle: default True.
        weights: probabilities of the examples, or None (default). With them an epoch draws as many examples with replacement.
        steps: >= 1: minibatches of an epoch; with fewer or more than one pass over the examples makes (default None), the next epoch goes
            on where this one stopped.

    Returns:
        `tf.data.Dataset` of known cardinality.
    """
    tf = tensorflow()
    batch_size = as_int(batch_size)
    count = len(keras.tree.flatten(arrays)[0])
    check_batch_size(batch_size, count)
    steps = count // batch_size if steps is None else as_int(steps)
    take = _taken(tf, arrays, batch_size)

    def of_epoch(epoch: Tensor) -> Any:
        def rows(epoch: Any) -> Array:
            return epoch_rows(count, batch_size, seed, shuffle, weights, steps, int(epoch)).astype(np.int64)

        indices = tf.ensure_shape(numpy_function(rows, [epoch], tf.int64), (steps, batch_size))
        # One gather per batch: no per-example work.
        return tf.data.Dataset.from_tensor_slices(indices)

    return finish(tf, clocked(tf, of_epoch).map(take), steps)


def _taken(tf: Any, arrays: Nest, batch_size: int) -> Callable[[Tensor], Nest]:
    """What makes a minibatch of the rows that are chosen.

    TensorFlow gathers fastest from tensors, which are copies. Of large arrays the rows are taken by NumPy, where they are: a fraction of a
    millisecond a minibatch, beside steps that take many, and the data are in memory once.
    """
    leaves = keras.tree.flatten(arrays)
    if not all(isinstance(leaf, np.ndarray) for leaf in leaves) or sum(leaf.nbytes for leaf in leaves) <= COPIED:
        with tf.device("CPU:0"):
            tensors = keras.tree.map_structure(tf.constant, arrays)
        return lambda chosen: tf.nest.map_structure(lambda t: tf.gather(t, chosen), tensors)

    def take(chosen: Tensor) -> Nest:
        rows = numpy_function(lambda chosen: [leaf[chosen] for leaf in leaves], [chosen], [leaf.dtype for leaf in leaves])
        return keras.tree.pack_sequence_as(
            arrays, [tf.ensure_shape(part, (batch_size, *leaf.shape[1:])) for part, leaf in zip(rows, leaves, strict=True)]
        )

    return take


def share(rounds: Any, size: int, per_round: int, replicas: int) -> Any:
    """Order the examples of every round so that replicas, which get consecutive parts of it, share each of its minibatches."""
    if replicas == 1:
        return rounds
    if size % replicas:
        raise ValueError(f"Minibatches of {size} cannot be shared by {replicas} replicas. Use a multiple of {replicas}.")
    tf = tensorflow()
    order = np.arange(per_round * size).reshape(per_round, replicas, size // replicas).transpose(1, 0, 2).ravel()
    return rounds.map(lambda *batch: tf.nest.map_structure(lambda t: tf.gather(t, order), batch[0] if len(batch) == 1 else batch))


def regroup(dataset: Any, per_round: int, replicas: int = 1) -> tuple[Any, Nest]:
    """Rounds of `per_round` minibatches from a data set of minibatches, and the first of them as NumPy arrays."""
    tf = tensorflow()
    minibatch = next(iter(dataset.take(1)), None)
    if minibatch is None:
        raise ValueError("The data set is empty: it yields no minibatch.")
    sizes = {len(t) if len(t.shape) else 0 for t in keras.tree.flatten(minibatch)}
    if len(sizes) != 1 or 0 in sizes:
        raise ValueError(
            f"Every component of a minibatch needs the same number of examples along its first axis. Received {sorted(sizes)}; "
            "is the data set batched? Call `.batch(batch_size)` on it."
        )
    (size,) = sizes
    rounds = dataset.rebatch(per_round * size, drop_remainder=True)
    first = next(iter(rounds.take(1)), None)
    if first is None:
        require_examples(sum(len(keras.tree.flatten(part)[0]) for part in dataset), per_round * size, per_round)
    minibatches = int(dataset.cardinality())
    if minibatches > 0:
        # TensorFlow forgets the cardinality. The last minibatch may be incomplete unless its size is static.
        if any(spec.shape[0] is None for spec in keras.tree.flatten(dataset.element_spec)):
            minibatches = max(per_round, minibatches - 1)
        count = minibatches // per_round
        rounds = rounds.take(count).apply(tf.data.experimental.assert_cardinality(count))
    return share(rounds, size, per_round, replicas), keras.tree.map_structure(lambda t: t.numpy(), first)
