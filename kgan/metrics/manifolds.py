"""Fidelity and diversity apart, by nearest-neighbor manifolds: 1904.06991 and 2002.09797."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from kgan import checks
from kgan.types import Array


def precision_recall(real: Array, fake: Array, k: int = 3, chunk: int = 2048) -> tuple[float, float]:
    """Improved precision and recall: Kynkäänniemi et al. 2019, 1904.06991, Eq. 1-2.

    The manifold of a set is the union of balls around its points, each as large as the distance to the point's k-th nearest
    neighbor in the set. Precision is the share of generated points in the manifold of the real ones, recall the share of real
    points in the manifold of the generated ones. An outlier in a set inflates its manifold; see `density_coverage`.

    Args:
        real, fake: arrays (samples, features); the paper takes 50,000 of each. Compare only figures of equal sample sizes.
        k: >= 1, default 3 (the paper's).
        chunk: >= 1, default 2048: distances are computed in blocks (chunk, chunk), and memory does not grow with the samples.

    Returns:
        `(precision, recall)`, floats in [0, 1].

    Raises:
        ValueError: for k or fewer samples, NaN or infinite values, two feature sizes.

    Example: the real points 0, 1, 2 have balls of radius 1; the generated ones 1.5, 7, 8, of radii 5.5, 1, 1.

    >>> import numpy as np
    >>> real, fake = np.asarray([[0.0], [1.0], [2.0]]), np.asarray([[1.5], [7.0], [8.0]])
    >>> precision, recall = precision_recall(real, fake, k=1)
    >>> round(precision, 3), recall
    (0.333, 1.0)
    """
    real, fake = _checked(real, fake, k, chunk)
    precise = _counts(fake, real, _radii(real, k, chunk), chunk) > 0
    recalled = _counts(real, fake, _radii(fake, k, chunk), chunk) > 0
    return float(precise.mean()), float(recalled.mean())


def density_coverage(real: Array, fake: Array, k: int = 5, chunk: int = 2048) -> tuple[float, float]:
    """Density and coverage: Naeem et al. 2020, 2002.09797, Eq. 3 and 5.

    Density counts in how many balls of real points (as in `precision_recall`) a generated point lies, over k. Coverage is the share of
    real points whose ball holds a generated point. Both use the real manifold alone, which generated outliers cannot inflate.
    For two sets of one distribution density is about 1, coverage about `1 - 2^-k` (0.969 for k = 5) at equal sizes.

    Args:
        real, fake: arrays (samples, features). Compare only figures of equal sample sizes.
        k: >= 1, default 5 (the paper's).
        chunk: >= 1, default 2048, as in `precision_recall`.

    Returns:
        `(density, coverage)`: a float >= 0, which may exceed 1, and a float in [0, 1].

    Raises:
        ValueError: as `precision_recall`.

    Departures from the paper: balls are closed here, as in 1904.06991; the authors' code has them open. The two differ only where
    a distance equals a radius.

    Example:
    >>> import numpy as np
    >>> real, fake = np.asarray([[0.0], [1.0], [2.0]]), np.asarray([[1.5], [7.0], [8.0]])
    >>> density, coverage = density_coverage(real, fake, k=1)
    >>> round(density, 3), round(coverage, 3)
    (0.667, 0.667)
    """
    real, fake = _checked(real, fake, k, chunk)
    radii = _radii(real, k, chunk)
    density = _counts(fake, real, radii, chunk).mean() / k
    nearest = np.concatenate([np.min([block.min(axis=1) for _, block in row], axis=0) for _, row in _rows(real, fake, chunk)])
    return float(density), float((nearest <= radii).mean())


def nearest_neighbors(points: Array, batches: Iterable[tuple[Array, Array]], k: int = 3) -> tuple[Array, Array]:
    """The nearest neighbors of points among a set that need not fit into memory.

    Args:
        points: features (samples, d).
        batches: iterable of `(features, what they are of)`, arrays with a row an example: the set, part by part.
        k: >= 1, default 3.

    Returns:
        `(neighbors, distances)`: what the k nearest are, (samples, k, ...); their Euclidean distances (samples, k), rising.

    Raises:
        ValueError: fewer than k examples in all, NaN or infinite values, two feature sizes.

    Example:
    >>> import numpy as np
    >>> words = np.asarray(["zero", "one", "five"])
    >>> found, distances = nearest_neighbors(np.asarray([[0.9], [4.0]]), [(np.asarray([[0.0], [1.0], [5.0]]), words)], k=1)
    >>> found[:, 0].tolist(), distances[:, 0].round(1).tolist()
    (['one', 'five'], [0.1, 1.0])
    """
    checks.positive_integers(k=k)
    points = np.asarray(points, "float64")
    found: Any = None
    best = np.empty((len(points), 0))
    for features, examples in batches:
        features = np.asarray(features, "float64")
        if features.ndim != 2 or features.shape[1] != points.shape[1] or not np.isfinite(features).all():
            raise ValueError(f"Features must be finite and (examples, {points.shape[1]}). Received: {features.shape}.")
        squared = ((points**2).sum(1)[:, None] + (features**2).sum(1) - 2.0 * points @ features.T).clip(0)
        together, known = np.concatenate([best, squared], axis=1), best.shape[1]
        order = np.argsort(together, axis=1, kind="stable")[:, :k]
        best = np.take_along_axis(together, order, axis=1)
        chosen = examples[np.maximum(order - known, 0)]
        if known:
            kept = found[np.arange(len(points))[:, None], np.minimum(order, known - 1)]
            chosen = np.where((order < known).reshape(*order.shape, *[1] * (chosen.ndim - 2)), kept, chosen)
        found = chosen
    if best.shape[1] < k:
        raise ValueError(f"{k} neighbors need as many examples. Received: {best.shape[1]}.")
    return found, np.sqrt(best)


def _checked(real: Array, fake: Array, k: int, chunk: int) -> tuple[Array, Array]:
    real, fake = checks.pair(real, fake)
    checks.positive_integers(k=k, chunk=chunk)
    if min(len(real), len(fake)) <= k:
        raise ValueError(f"The {k}-th neighbor needs more than {k} samples. Received: {len(real)} real, {len(fake)} generated.")
    return real, fake


def _rows(a: Array, b: Array, chunk: int) -> Iterator[tuple[slice, Iterator[tuple[slice, Array]]]]:
    """Squared distances in blocks: for every chunk of `a`, its slice and an iterable of (slice of `b`, block)."""
    squares_a, squares_b = (a**2).sum(axis=1), (b**2).sum(axis=1)
    for start in range(0, len(a), chunk):
        rows = slice(start, start + chunk)

        def blocks(rows: slice = rows) -> Iterator[tuple[slice, Array]]:
            for other in range(0, len(b), chunk):
                columns = slice(other, other + chunk)
                yield columns, (squares_a[rows, None] + squares_b[columns] - 2.0 * a[rows] @ b[columns].T).clip(0)

        yield rows, blocks()


def _radii(points: Array, k: int, chunk: int) -> Array:
    """Squared distance of every point to its k-th nearest neighbor, itself left out."""
    radii = np.empty(len(points))
    for rows, blocks in _rows(points, points, chunk):
        nearest = np.empty((len(points[rows]), 0))
        for columns, block in blocks:
            if rows == columns:
                np.fill_diagonal(block, np.inf)
            nearest = np.concatenate([nearest, block], axis=1)
            if nearest.shape[1] > k:
                nearest = np.partition(nearest, k - 1, axis=1)[:, :k]
        radii[rows] = nearest.max(axis=1)
    return radii


def _counts(points: Array, centers: Array, radii: Array, chunk: int) -> Array:
    """In how many of the balls every point lies."""
    counts = np.zeros(len(points), "int64")
    for rows, blocks in _rows(points, centers, chunk):
        for columns, block in blocks:
            counts[rows] += (block <= radii[columns]).sum(axis=1)
    return counts
