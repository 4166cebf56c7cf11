"""Figures of shapes on a cube of cells, and of features of shapes (3D-GAN, Wu et al. 2016, 1610.07584, section 4)."""

import numpy as np
from numpy.typing import ArrayLike

from kgan import checks
from kgan.shapes.meshes import need
from kgan.types import Array


def _cubes(shapes: Array, what: str = "Shapes") -> Array:
    """An array `(count, size, size, size)` of numbers in [0, 1], its axis of one channel dropped."""
    shapes = np.asarray(shapes)
    shapes = shapes[..., 0] if shapes.ndim == 5 and shapes.shape[-1] == 1 else shapes
    if shapes.ndim != 4 or not len(shapes) or len(set(shapes.shape[1:])) != 1 or shapes.dtype.kind not in "fiub":
        raise ValueError(f"{what} must be numbers (count, size, size, size). Received: {shapes.shape} of {shapes.dtype}.")
    if not (shapes.min() >= 0 and shapes.max() <= 1):
        raise ValueError(f"{what} must lie in [0, 1]. Received values in [{shapes.min():g}, {shapes.max():g}].")
    return shapes


def voxel_iou(shapes: Array, others: Array, threshold: float = 0.5) -> Array:
    """Intersection over union of full cells, shape by shape.

    Args:
        shapes, others: arrays of one shape `(count, size, size, size)`, with or without one channel, in [0, 1].
        threshold: default 0.5: what counts as full in `shapes`; in `others`, the truth, it is 0.5. State it with the figure.

    Returns:
        float64 array `(count,)`; 1 where both are empty.

    Example:
    >>> import numpy as np, kgan
    >>> a, b = np.zeros((1, 4, 4, 4)), np.zeros((1, 4, 4, 4))
    >>> a[0, 0, 0, :3] = 1; b[0, 0, 0, 2:] = 1
    >>> kgan.shapes.voxel_iou(a, b).tolist()
    [0.25]
    """
    shapes, others = _cubes(shapes), _cubes(others, "The true shapes")
    if shapes.shape != others.shape:
        raise ValueError(f"Both sets need one shape. Received: {shapes.shape} and {others.shape}.")
    a, b = shapes >= threshold, others >= 0.5
    both, either = (a & b).sum(axis=(1, 2, 3)), (a | b).sum(axis=(1, 2, 3))
    return np.where(either > 0, both / np.maximum(either, 1), 1.0)


def mean_shape_iou(train: Array, test: Array, thresholds: int = 20) -> tuple[float, float]:
    """The IoU of always guessing the mean training shape, cut at the threshold that is best on the test shapes: a baseline, flattered.

    Args:
        train, test: arrays as in `voxel_iou`. thresholds: default 20, tried between 0 and the mean shape's maximum.

    Returns:
        `(iou, threshold)`.
    """
    mean, test = _cubes(train).astype("float32").mean(axis=0), _cubes(test)
    tried = mean.max() * (np.arange(thresholds) + 1) / (thresholds + 1)
    means = [float(voxel_iou(np.broadcast_to(mean, test.shape), test, t).mean()) for t in tried]
    best = int(np.argmax(means))
    return means[best], float(tried[best])


def average_precision(shapes: Array, others: Array) -> Array:
    """Average precision of cells, all cells of a shape ranked by predicted occupancy, shape by shape: Table 2 of 3D-GAN.

    The area under the steps of precision over recall; equal occupancies are one step. The paper moves, turns and mirrors the prediction to
    where it fits best, since its pictures have no agreed axes; here the two are compared as they are.

    Args:
        shapes: array `(count, size, size, size)` in [0, 1]. others: the truth, full from 0.5 on; no shape of it may be empty.

    Returns:
        float64 array `(count,)`.
    """
    shapes, truths = _cubes(shapes), _cubes(others, "The true shapes") >= 0.5
    if shapes.shape != truths.shape or not truths.any(axis=(1, 2, 3)).all():
        raise ValueError(f"Both sets need one shape, and the truth full cells. Received: {shapes.shape} and {truths.shape}.")
    found = []
    for shape, truth in zip(shapes.reshape(len(shapes), -1), truths.reshape(len(truths), -1), strict=True):
        order = np.argsort(-shape.astype("float64"), kind="stable")
        ends = np.append(np.flatnonzero(np.diff(shape[order])), len(order) - 1)
        right = np.cumsum(truth[order])[ends]
        recall = right / right[-1]
        found.append(float((np.diff(recall, prepend=0.0) * right / (ends + 1)).sum()))
    return np.asarray(found)


def connected_components(shapes: Array, threshold: float = 0.5) -> Array:
    """Connected components of full cells, shape by shape; cells connect through their faces.

    Args:
        shapes: array `(count, size, size, size)`, with or without one channel. threshold: default 0.5, what counts as full.

    Returns:
        int64 array `(count,)`, 0 for an empty shape.
    """
    label = need("scipy.ndimage").label
    return np.asarray([label(shape >= threshold)[1] for shape in _cubes(shapes)], "int64")


def shape_report(shapes: Array, threshold: float = 0.5) -> dict[str, float]:
    """Figures of generated shapes that need no reference, as a flat dict.

    `occupancy`: mean of all cells. `binariness`: `E 4 p (1 - p)`, 0 where every cell is 0 or 1. `single_component`: share of shapes that
    are one connected component. `empty`: share without a full cell. `diversity`: mean share of cells in which two shapes differ.

    Example:
    >>> import numpy as np, kgan
    >>> shapes = np.zeros((2, 4, 4, 4)); shapes[0, 0, 0, :2] = 1; shapes[1, 0, 0, ::2] = 1
    >>> {name: round(value, 4) for name, value in kgan.shapes.shape_report(shapes).items()}
    {'occupancy': 0.0312, 'binariness': 0.0, 'single_component': 0.5, 'empty': 0.0, 'diversity': 0.0312}
    """
    shapes = _cubes(shapes).astype("float32")
    parts = connected_components(shapes, threshold)
    filled = (shapes >= threshold).mean(axis=0, dtype="float64")
    count = len(shapes)
    return {
        "occupancy": float(shapes.mean(dtype="float64")),
        "binariness": float((4.0 * shapes * (1.0 - shapes)).mean(dtype="float64")),
        "single_component": float((parts == 1).mean()),
        "empty": float((parts == 0).mean()),
        "diversity": float((2.0 * filled * (1.0 - filled)).mean() * count / max(1, count - 1)),
    }


def linear_accuracy(
    train: Array,
    labels: ArrayLike,
    test: Array,
    test_labels: ArrayLike,
    per_class: int | None = None,
    draws: int = 5,
    regularization: float = 0.01,
    seed: int = 0,
) -> float:
    """Accuracy of a linear support vector machine, one against all, on features that nobody fine-tunes.

    Features are standardized by the mean and deviation of those it learns from.

    Args:
        train, test: arrays `(count, features)`; more axes are flattened, so raw voxels will do.
        labels, test_labels: integers `(count,)`.
        per_class: how many labeled examples of each class it gets; None (default) is all, once.
        draws: default 5: how many such draws the accuracy is a mean over.
        regularization: > 0, default 0.01, the C of the machine.
        seed: default 0, of the draws.

    Returns:
        Float in [0, 1]. Needs scikit-learn: `pip install 'kgan[data]'`.

    Raises:
        ValueError: for arrays that do not fit together, or fewer examples of a class than asked for.
    """
    svm = need("sklearn.svm")
    train, test = (np.asarray(x).reshape(len(x), -1).astype("float32") for x in (train, test))
    labels, test_labels = np.asarray(labels), np.asarray(test_labels)
    checks.positive_integers(draws=draws)
    if train.shape[1] != test.shape[1] or len(train) != len(labels) or len(test) != len(test_labels):
        raise ValueError(
            f"Expected features of one size, one label each. Received: {train.shape} with {len(labels)} labels, {test.shape} with "
            f"{len(test_labels)}."
        )
    rng, found = np.random.default_rng(seed), []
    for _ in range(1 if per_class is None else draws):
        chosen = np.arange(len(train)) if per_class is None else _few(labels, per_class, rng)
        center, spread = train[chosen].mean(axis=0), train[chosen].std(axis=0) + 1e-6
        machine = svm.LinearSVC(C=regularization, random_state=0, max_iter=5000, dual=True)
        machine.fit((train[chosen] - center) / spread, labels[chosen])
        found.append(float((machine.predict((test - center) / spread) == test_labels).mean()))
    return float(np.mean(found))


def _few(labels: Array, per_class: int, rng: np.random.Generator) -> Array:
    checks.positive_integers(per_class=per_class)
    kinds, counts = np.unique(labels, return_counts=True)
    if counts.min() < per_class:
        raise ValueError(f"`per_class` is {per_class}, and class {kinds[counts.argmin()]} has {counts.min()} examples.")
    return np.concatenate([rng.choice(np.flatnonzero(labels == kind), per_class, replace=False) for kind in kinds])
