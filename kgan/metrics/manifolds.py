"""Fidelity and diversity apart, by nearest-neighbor manifolds: 1904.06991 and 2002.09797."""

from collections.abc import Iterable
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
    found = _figures(*_checked(real, fake, k, chunk), chunk, precision=k)
    return found["precision"], found["recall"]


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
    found = _figures(*_checked(real, fake, k, chunk), chunk, density=k)
    return found["density"], found["coverage"]


def manifold_figures(
    real: Array, fake: Array, precision_neighbors: int = 3, density_neighbors: int = 5, chunk: int = 2048
) -> dict[str, float]:
    """`precision_recall` and `density_coverage` at once: three passes over pairs of points, where the two apart need five.

    Args:
        real, fake, chunk: as there.
        precision_neighbors, density_neighbors: their k, defaults 3 and 5 (the papers').

    Returns:
        dict of "precision", "recall", "density" and "coverage".

    Raises:
        ValueError: as there.

    Example:
    >>> import numpy as np
    >>> real, fake = np.asarray([[0.0], [1.0], [2.0]]), np.asarray([[1.5], [7.0], [8.0]])
    >>> {name: round(value, 3) for name, value in manifold_figures(real, fake, 1, 1).items()}
    {'precision': 0.333, 'recall': 1.0, 'density': 0.667, 'coverage': 0.667}
    """
    checks.positive_integers(precision_neighbors=precision_neighbors, density_neighbors=density_neighbors)
    real, fake = _checked(real, fake, max(precision_neighbors, density_neighbors), chunk)
    return _figures(real, fake, chunk, precision_neighbors, density_neighbors)


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


def _figures(real: Array, fake: Array, chunk: int, precision: int = 0, density: int = 0) -> dict[str, float]:
    """The figures of the k that are given. Precision, recall and density ask of every generated point which balls it lies in."""
    center = real.mean(axis=0)
    reals, fakes = _Points(real, center), _Points(fake, center)
    radii = _radii(reals, [k for k in (precision, density) if k], chunk)
    own = _radii(fakes, [precision], chunk)[precision] if precision else np.empty(0)
    precise, recalled, covered, counted = np.zeros(len(fake), bool), np.zeros(len(real), bool), np.zeros(len(real), bool), 0
    for rows in _parts(len(fake), chunk):
        for columns in _parts(len(real), chunk):
            block = _squared(fakes, reals, rows, columns)
            if precision:
                precise[rows] |= _within(block, radii[precision][None, columns], fakes, reals, rows, columns).any(axis=1)
                recalled[columns] |= _within(block, own[rows, None], fakes, reals, rows, columns).any(axis=0)
            if density:
                balls = _within(block, radii[density][None, columns], fakes, reals, rows, columns)
                covered[columns] |= balls.any(axis=0)
                counted += int(np.count_nonzero(balls))
    found = {"precision": float(precise.mean()), "recall": float(recalled.mean())} if precision else {}
    return found | ({"density": counted / len(fake) / density, "coverage": float(covered.mean())} if density else {})


# Distances of all pairs are taken in single precision, around the center of the data, at a fraction of the price of doubles. Where that
# leaves a comparison open, the pair's own distance decides, in double precision: the figures are those of exact distances.

_SPARE = 8  # neighbors that are kept beyond the k-th, among which exact distances choose
_EXACT = 1 / 64  # of a block: more open comparisons than that, and the whole block is taken in double precision first


class _Points:
    """A set of points: as given, and in single precision around a center."""

    def __init__(self, points: Array, center: Array) -> None:
        self.exact = points
        self.center = center
        self.single = (points - center).astype("float32")
        self.squares = np.einsum("nd,nd->n", self.single, self.single)

    def slack(self, kind: str) -> Array:
        """A bound of the rounding of a squared distance, of which either point brings its part: of d products around the center."""
        return (2.0 * self.exact.shape[1] ** 0.5 + 16.0) * np.finfo(kind).eps * self.squares


def _parts(count: int, chunk: int) -> list[slice]:
    return [slice(start, start + chunk) for start in range(0, count, chunk)]


def _squared(a: _Points, b: _Points, rows: slice, columns: slice, kind: str = "float32") -> Array:
    """Squared distances of a block."""
    if kind == "float32":
        x, y, x2, y2 = a.single[rows], b.single[columns], a.squares[rows], b.squares[columns]
    else:
        x, y = a.exact[rows] - a.center, b.exact[columns] - b.center
        x2, y2 = np.einsum("nd,nd->n", x, x), np.einsum("nd,nd->n", y, y)
    block = x @ y.T
    block *= -2.0
    block += x2[:, None]
    block += y2
    return block


def _distances(a: _Points, b: _Points, rows: Array, columns: Array) -> Array:
    """Squared distances of pairs, each by itself."""
    found = np.empty(len(rows))
    for part in _parts(len(rows), max(1, 2**22 // a.exact.shape[1])):
        apart = a.exact[rows[part]] - b.exact[columns[part]]
        found[part] = np.einsum("nd,nd->n", apart, apart)
    return found


def _within(block: Array, radii: Array, a: _Points, b: _Points, rows: slice, columns: slice) -> Array:
    """Where the squared distances of a block are at most the squared radii, which stand for its rows or for its columns."""
    for kind in ("float32", "float64"):
        if kind == "float64":
            block = _squared(a, b, rows, columns, kind)
        beyond = block - radii.astype(kind)
        slack = a.slack(kind)[rows, None] + b.slack(kind)[columns] + 4 * np.finfo(kind).eps * radii
        open_ = np.abs(beyond) <= slack
        if np.count_nonzero(open_) <= _EXACT * block.size:
            break
    inside = beyond <= 0.0
    i, j = np.nonzero(open_)
    inside[i, j] = _distances(a, b, i + rows.start, j + columns.start) <= np.broadcast_to(radii, block.shape)[i, j]
    return inside


def _radii(points: _Points, ks: list[int], chunk: int) -> dict[int, Array]:
    """Squared distance of every point to its k-th nearest neighbor, itself left out, of every k. Every pair is taken once."""
    count = len(points.exact)
    keep = min(max(ks) + _SPARE, count - 1)
    near, index = np.full((count, keep), np.inf, "float32"), np.zeros((count, keep), "int64")
    for rows in _parts(count, chunk):
        for columns in _parts(count, chunk):
            if columns.start < rows.start:
                continue
            block = _squared(points, points, rows, columns)
            if rows == columns:
                np.fill_diagonal(block, np.inf)
            else:
                _keep_nearest(near, index, columns, block.T, rows.start)
            _keep_nearest(near, index, rows, block, columns.start)
    exact = _exactly(points, np.arange(count), index)
    if keep < count - 1:  # what was left out may be nearer than it seemed
        slack = points.slack("float32")
        doubtful = np.nonzero(near.max(axis=1) - slack - slack.max() < exact[:, max(ks) - 1])[0]
        for part in _parts(len(doubtful), chunk):
            own = doubtful[part]
            some = _Points(points.exact[own], points.center)
            near, index = np.full((len(own), keep), np.inf), np.zeros((len(own), keep), "int64")
            for columns in _parts(count, chunk):
                block = _squared(some, points, slice(None), columns, "float64")
                block[own[:, None] == np.arange(columns.start, columns.start + block.shape[1])] = np.inf
                _keep_nearest(near, index, slice(None), block, columns.start)
            exact[own] = _exactly(points, own, index)
    return {k: exact[:, k - 1].copy() for k in ks}


def _exactly(points: _Points, rows: Array, neighbors: Array) -> Array:
    """Squared distances of the points of these rows to their neighbors `(rows, k)`, rising."""
    found = _distances(points, points, np.repeat(rows, neighbors.shape[1]), neighbors.ravel())
    return np.sort(found.reshape(neighbors.shape), axis=1)


def _keep_nearest(near: Array, index: Array, rows: slice, block: Array, start: int) -> None:
    """Merge the nearest of a block, whose columns begin at `start`, into those that are known of its rows."""
    keep = near.shape[1]
    first = np.argpartition(block, keep - 1, axis=1)[:, :keep] if block.shape[1] > keep else np.arange(block.shape[1])[None]
    first = np.broadcast_to(first, (len(block), first.shape[1]))
    values = np.concatenate([near[rows], np.take_along_axis(block, first, axis=1)], axis=1)
    places = np.concatenate([index[rows], first + start], axis=1)
    chosen = np.argpartition(values, keep - 1, axis=1)[:, :keep]
    near[rows], index[rows] = np.take_along_axis(values, chosen, axis=1), np.take_along_axis(places, chosen, axis=1)
