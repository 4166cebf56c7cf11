"""Minibatches from several domains whose examples have nothing to do with each other."""

import functools
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from kgan.arguments import COUNT, require
from kgan.backend.feeding import Clock, check_batch_size, finish, from_arrays, tensorflow
from kgan.types import Array, Nest


def unpaired(
    domains: Mapping[str, Any], batch_size: int = 64, *, labels: Mapping[str, Any] | None = None, passes: int = 1, seed: int = 0
) -> Any:
    """Minibatches of several domains of any lengths; every domain cycles on its own.

    An epoch is as long as the longest domain. The others begin again when they are through, each time in a new order, and go on in the next
    epoch where they stopped. Which examples meet is a function of `seed` and the epoch, so that a resumed run sees the same minibatches.

    Args:
        domains: dict of domain name to an array of examples, or to a `tf.data.Dataset` of minibatches of known cardinality, such as
            `image_folder` makes; of these every epoch starts anew, and shorter ones repeat their order within an epoch. One may yield
            `(examples, labels)`, which are labels of that domain.
        batch_size: default 64: examples of each domain in a minibatch; data sets bring their own, which must be this one.
        labels: dict of domain name to the labels of its array, or None (default).
        passes: >= 1, default 1: passes over the longest domain in one epoch (arrays only), so that small sets give epochs of a sensible
            length.
        seed: default 0.

    Returns:
        `keras.utils.PyDataset` (arrays alone), or `tf.data.Dataset`, of dicts of domain name to examples, or of `(such a dict, labels)`:
        where one domain has labels, these; where several have, a dict of them.

    Raises:
        ValueError: for fewer than two domains, an empty one, labels of another length, data sets of unknown length.

    Example:
    >>> import numpy as np, kgan
    >>> data = kgan.datasets.unpaired({"small": np.arange(3.0), "large": np.arange(8.0)}, batch_size=4, seed=0)
    >>> len(data), sorted(np.concatenate([data[0]["large"], data[1]["large"]]).tolist())
    (2, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])
    >>> sorted(set(data[0]["small"].tolist()))
    [0.0, 1.0, 2.0]
    """
    domains, labels = dict(domains), dict(labels or {})
    if len(domains) < 2:
        raise ValueError(f"At least two domains are needed. Received: {list(domains)}.")
    if not set(labels) <= set(domains):
        raise ValueError(f"`labels` must name domains, of {list(domains)}. Received: {list(labels)}.")
    streams = [domain for domain, data in domains.items() if hasattr(data, "element_spec")]
    if without := [domain for domain in streams if domain in labels]:
        raise ValueError(f"The data set of {without[0]!r} must bring its labels itself, as (examples, labels).")
    arrays = {domain: np.asarray(data) for domain, data in domains.items() if domain not in streams}
    for domain, array in arrays.items():
        if not array.ndim or not len(array):
            raise ValueError(f"The domain {domain!r} is empty: its shape is {array.shape}.")
    for domain, values in labels.items():
        if len(values) != len(arrays[domain]):
            raise ValueError(f"The domain {domain!r} has {len(arrays[domain])} examples and {len(values)} labels.")
    require(COUNT, passes=passes)
    if not streams:
        return _Cycles(arrays, batch_size, {d: np.asarray(v) for d, v in labels.items()}, passes, seed)
    if passes != 1:
        raise ValueError("`passes` goes with arrays alone; repeat your data set.")
    for index, (domain, array) in enumerate(arrays.items()):
        content = (array, np.asarray(labels[domain])) if domain in labels else array
        domains[domain] = from_arrays(content, batch_size, seed=seed + index)
    return _zip(domains, batch_size)


class _Cycles(keras.utils.PyDataset):
    """Arrays, each in its own endless sequence of permutations."""

    def __init__(self, arrays: Mapping[str, Array], batch_size: int, labels: Mapping[str, Array], passes: int, seed: int) -> None:
        super().__init__()
        self.arrays, self.batch_size, self.labels, self.seed = arrays, batch_size, labels, seed
        self.clock = Clock()
        longest = max(map(len, arrays.values()))
        check_batch_size(batch_size, longest)
        self.count = longest * passes // batch_size
        # Calls ask for the same one or two passes again and again.
        self._order = functools.lru_cache(maxsize=4 * len(arrays))(self._permutation)

    def __len__(self) -> int:
        return self.count

    def _permutation(self, domain: str, turn: int) -> Array:
        index = list(self.arrays).index(domain)
        return np.random.default_rng((self.seed, index, turn)).permutation(len(self.arrays[domain]))

    def _rows(self, domain: str, index: int) -> Array:
        # Counted from the start of the training, so that no item depends on which were asked before.
        position = (self.clock.epoch * self.count + index) * self.batch_size
        turns, offsets = np.divmod(np.arange(position, position + self.batch_size), len(self.arrays[domain]))
        return np.concatenate([self._order(domain, int(turn))[offsets[turns == turn]] for turn in np.unique(turns)])

    def __getitem__(self, index: int) -> Nest:
        rows = {domain: self._rows(domain, index) for domain in self.arrays}
        batch = {domain: array[rows[domain]] for domain, array in self.arrays.items()}
        labels = {domain: own[rows[domain]] for domain, own in self.labels.items()}
        return (batch, _alone(labels)) if labels else batch


def _alone(labels: dict[str, Any]) -> Nest:
    """The labels of a single domain, or the dict of those of several."""
    return next(iter(labels.values())) if len(labels) == 1 else labels


def _zip(domains: Mapping[str, Any], batch_size: int) -> Any:
    tf = tensorflow()
    counts = {domain: int(data.cardinality()) for domain, data in domains.items()}
    finite = [count for count in counts.values() if count >= 0]
    if min(counts.values()) == tf.data.UNKNOWN_CARDINALITY or not finite or 0 in finite:
        raise ValueError(
            f"Data sets must be of known, positive length, one of them finite. Minibatches: {counts} (-1 is infinite, -2 unknown; "
            "tf.data.experimental.assert_cardinality tells a data set its length)."
        )
    labeled = [domain for domain, data in domains.items() if isinstance(data.element_spec, tuple)]
    for domain, data in domains.items():
        size = tf.nest.flatten(data.element_spec)[0].shape[0]
        if size not in (None, batch_size):
            raise ValueError(f"The data set of {domain!r} has minibatches of {size}, `batch_size` is {batch_size}.")
    together = tf.data.Dataset.zip({domain: data.repeat() for domain, data in domains.items()})
    if labeled:
        together = together.map(
            lambda batch: (
                {domain: own[0] if domain in labeled else own for domain, own in batch.items()},
                _alone({domain: batch[domain][1] for domain in labeled}),
            )
        )
    return finish(tf, together.take(max(finite)), max(finite))
