"""What an order of examples tells: agreement with another order, separation of two kinds."""

import numpy as np
from numpy.typing import ArrayLike

from kgan.types import Array


def _ranks(values: Array) -> Array:
    """Ranks from 0; equal values share the mean of theirs."""
    _, positions, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts + 1) / 2)[positions]


def _numbers(values: ArrayLike, what: str) -> Array:
    numbers = np.asarray(values, "float64")
    if numbers.ndim != 1 or not len(numbers) or np.isnan(numbers).any():
        raise ValueError(f"{what} must be an array (count,) of numbers. Received the shape {numbers.shape}.")
    return numbers


def rank_correlation(first: ArrayLike, second: ArrayLike) -> float:
    """Spearman's correlation: that of the ranks, 1 where one is a growing function of the other; what an energy up to scale is judged by.

    Args:
        first, second: arrays `(count,)`, at least two values that differ in each.

    Returns:
        Float in [-1, 1].

    Example:
    >>> import kgan
    >>> kgan.metrics.rank_correlation([1.0, 2.0, 3.0], [-1.0, 4.0, 900.0])
    1.0
    """
    a, b = _numbers(first, "`first`"), _numbers(second, "`second`")
    if len(a) != len(b):
        raise ValueError(f"Both need the same examples. Received: {len(a)} and {len(b)}.")
    a, b = (ranks - ranks.mean() for ranks in (_ranks(a), _ranks(b)))
    length = np.sqrt((a**2).sum() * (b**2).sum())
    if not length:
        raise ValueError("Values that are all equal have no order.")
    return float(np.clip((a * b).sum() / length, -1.0, 1.0))


def ranking_auc(positives: ArrayLike, negatives: ArrayLike) -> float:
    """The area under the ROC curve: how often a positive has the higher value, ties counting one half.

    Args:
        positives, negatives: arrays `(count,)`, such as the energies of anomalies and of ordinary examples.

    Returns:
        Float in [0, 1]; 0.5 by chance.

    Example:
    >>> import kgan
    >>> kgan.metrics.ranking_auc([3.0, 2.0], [1.0, 2.0])
    0.875
    """
    high, low = _numbers(positives, "`positives`"), _numbers(negatives, "`negatives`")
    ranks = _ranks(np.concatenate([high, low]))[: len(high)]
    return float((ranks.sum() - len(high) * (len(high) - 1) / 2) / (len(high) * len(low)))
