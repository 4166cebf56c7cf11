"""Distributions of labels, to be compared by `total_variation`: the figures of Kocaoglu et al., ICLR 2018, arXiv 1709.02023."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kgan.types import Array


def label_distribution(labels: Any) -> Array:
    """The share of every combination of binary labels.

    Args:
        labels: array `(count, labels)` of 0 and 1 (at most 24 labels), or a dict of label to array `(count,)`.

    Returns:
        Array of shape `(2 ** labels,)` that sums to 1; the first label is the highest bit, as in `StructuralModel.joint().ravel()`.
    """
    rows = np.stack(list(labels.values()), axis=-1) if hasattr(labels, "keys") else np.asarray(labels)
    if rows.ndim != 2 or not len(rows) or rows.shape[1] > 24 or not np.isin(rows, (0, 1)).all():
        raise ValueError(f"Labels must be (count, labels) of 0 and 1, at most 24 of them. Received the shape {rows.shape}.")
    cells = rows.astype("int64") @ (1 << np.arange(rows.shape[1])[::-1])
    return np.bincount(cells, minlength=2 ** rows.shape[1]) / len(rows)


def binned_distribution(points: ArrayLike, bins: int = 10) -> Array:
    """The share of points in [0, 1]^d in every cell of a grid (the paper: 10 x 10 x 10), as an array of shape `(bins ** d,)`."""
    points = np.asarray(points)
    if points.ndim != 2 or not len(points) or not ((points >= 0) & (points <= 1)).all():
        # Points left out would leave the other cells' shares too large.
        raise ValueError(f"Points must be (count, d), every coordinate in [0, 1]. Received the shape {points.shape}.")
    counts, _ = np.histogramdd(points, bins=bins, range=[(0.0, 1.0)] * points.shape[1])
    return counts.ravel() / counts.sum()
