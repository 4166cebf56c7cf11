"""Figures of class-conditional samples: is the class asked for the class that came, and how good and how varied is every class by itself?

Distances within classes: Miyato and Koyama, ICLR 2018, arXiv 1802.05637, section 6 (intra-FID).
"""

import warnings
from typing import Any

import numpy as np

from kgan.metrics.frechet import frechet_distance
from kgan.metrics.manifolds import precision_recall
from kgan.types import Array

_NEIGHBORS = 3


def class_agreement(probabilities: Array, labels: Any) -> float:
    """The share of samples that a judge takes for the class that was asked for.

    Args:
        probabilities: array (samples, classes), a judge's. labels: integers (samples,), what was asked for.

    Returns:
        float in [0, 1].

    Raises:
        ValueError: for other shapes, or labels that are no classes of the judge.

    Example:
    >>> import numpy as np, kgan
    >>> kgan.metrics.class_agreement(np.array([[0.9, 0.1], [0.2, 0.8]]), [0, 0])
    0.5
    """
    probabilities, labels = np.asarray(probabilities), _labels(labels, len(probabilities))
    if probabilities.ndim != 2 or labels.max() >= probabilities.shape[1]:
        raise ValueError(
            f"The judge must tell the {labels.max() + 1} classes asked for apart, in an array (samples, classes). Received the shape "
            f"{probabilities.shape}."
        )
    return float((probabilities.argmax(-1) == labels).mean())


def within_classes(real: Array, real_labels: Any, fake: Array, fake_labels: Any) -> dict[int, dict[str, float]]:
    """Figures of every class by itself, real against generated examples of that class.

    As many of either set as the smaller has of the class. The distances are biased upwards where a class has few examples: compare only
    those of equal numbers.

    Args:
        real, fake: features (samples, d). real_labels, fake_labels: integers (samples,), of generated samples what was asked for.

    Returns:
        Dict of every class that both sets have to "frechet_distance", "precision" and "recall" (k = 3; 1904.06991), and "count", the
        examples of each set that were compared. Classes of fewer than 4 in either set are left out.

    Raises:
        ValueError: labels of another number or kind; as `frechet_distance`.

    Example: the second class is mirrored, and fills the same place.

    >>> import numpy as np, kgan
    >>> x = np.random.default_rng(0).normal(size=(80, 2))
    >>> labels = np.arange(80) // 40
    >>> figures = kgan.metrics.within_classes(x, labels, np.where(labels[:, None], -x, x), labels)
    >>> figures[0]["frechet_distance"] < 1e-6 < figures[1]["frechet_distance"], figures[0]["recall"]
    (True, 1.0)
    """
    real_labels, fake_labels = _labels(real_labels, len(real)), _labels(fake_labels, len(fake))
    found = {}
    for label in np.intersect1d(real_labels, fake_labels):
        parts = real[real_labels == label], fake[fake_labels == label]
        count = min(map(len, parts))
        if count <= _NEIGHBORS:
            continue
        parts = parts[0][:count], parts[1][:count]
        with warnings.catch_warnings():
            # A class has often fewer examples than there are features; the count stands beside the figure.
            warnings.simplefilter("ignore", UserWarning)
            distance = frechet_distance(*parts)
        precision, recall = precision_recall(*parts, _NEIGHBORS)
        found[int(label)] = {"frechet_distance": distance, "precision": precision, "recall": recall, "count": float(count)}
    return found


def _labels(labels: Any, count: int) -> Array:
    labels = np.asarray(labels)
    if labels.shape != (count,) or labels.dtype.kind not in "iu" or (count and labels.min() < 0):
        raise ValueError(
            f"Labels must be integers >= 0, one for each of {count} samples. Received {labels.dtype} of shape {labels.shape}."
        )
    return labels
