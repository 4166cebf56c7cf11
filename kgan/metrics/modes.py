"""Counting modes where the truth is known."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kgan import checks
from kgan.datasets.mixtures import Mixture
from kgan.metrics.extractors import Extractor
from kgan.types import Array


def _divergence_from(counts: Array, reference: Array) -> float:
    """KL of the distribution of counts from a reference distribution, in nats; inf where nothing was counted."""
    if not counts.sum():
        return float("inf")
    share = counts / counts.sum()
    filled = share > 0
    with np.errstate(divide="ignore"):
        return float((share[filled] * np.log(share[filled] / reference[filled])).sum())


def _covered(counts: Array, shares: Array, samples: int, least_share: float) -> int:
    if not 0.0 <= least_share <= 1.0:
        raise ValueError(f"`least_share` must lie in [0, 1]. Received: {least_share!r}.")
    return int(((counts > 0) & (counts >= least_share * np.asarray(shares) * samples)).sum())


def mode_statistics(points: Array, mixture: Mixture, sigmas: float = 3.0, least_share: float = 0.0) -> dict[str, Any]:
    """How a set of points covers a Gaussian mixture (VEEGAN 1705.07761, PacGAN 1712.04086).

    A point is of high quality within `sigmas` standard deviations of its nearest center; a mode is covered when it is the nearest
    of at least one such point. In the plane the mixture itself scores `1 - exp(-4.5) = 0.989` at 3 sigmas.

    Args:
        points: array (samples, dimensions); 2500 in the papers.
        mixture: `kgan.datasets.Mixture`.
        sigmas: > 0, default 3.0 (the protocol's; 10 for its 1200 dimensions).
        least_share: float in [0, 1], default 0 (the protocol's: one point is enough, so that stray points of a cloud cover modes). Of the
            share that a mode has in the mixture, the part that its high-quality points must make up of all points for it to count.

    Returns:
        dict: `modes` (int), `high_quality` (share), `kl` (of the high-quality points' distribution over modes from the mixture's own, in
        nats; inf without such points).

    Example:
    >>> import kgan
    >>> ring = kgan.datasets.ring()
    >>> mode_statistics(ring.sample(2500, seed=0), ring)["modes"]
    8
    """
    points = checks.features(points, "Points")
    if not sigmas > 0:
        raise ValueError(f"`sigmas` must be > 0. Received: {sigmas!r}.")
    centers = mixture.centers.astype("float64")
    if points.shape[1] != centers.shape[1]:
        raise ValueError(f"Points of {points.shape[1]} dimensions, centers of {centers.shape[1]}.")
    # |p - c|^2 by expansion: no (samples, modes, dimensions) array.
    squared = (points**2).sum(1)[:, None] + (centers**2).sum(1) - 2.0 * points @ centers.T
    nearest = squared.argmin(axis=1)
    good = squared[np.arange(len(points)), nearest] < (sigmas * mixture.stddev) ** 2
    counts = np.bincount(nearest[good], minlength=len(centers))
    kl = _divergence_from(counts, mixture.weights)
    return {"modes": _covered(counts, mixture.weights, len(points), least_share), "high_quality": float(good.mean()), "kl": kl}


def channel_probabilities(images: ArrayLike, classifier: Extractor) -> Array:
    """The class probabilities of every channel of stacked images.

    Their greatest says how sure the classifier is. One that knows digits alone names a digit in anything: an untrained generator spreads
    over dozens of "modes", few of them sure.

    Args:
        images: array (samples, n, n, channels) in [-1, 1].
        classifier: judge of one channel, with `probabilities`; `kgan.metrics.DigitClassifier()` for stacked digits.

    Returns:
        floats (samples, channels, classes).
    """
    channels = np.moveaxis(np.asarray(images), -1, 0)[..., None]
    return np.stack([classifier.probabilities(channel) for channel in channels], axis=1)


def channel_labels(images: ArrayLike, classifier: Extractor) -> Array:
    """The predicted class of every channel of stacked images, for `stacked_mode_statistics`: integers (samples, channels).

    Args: as in `channel_probabilities`.
    """
    return channel_probabilities(images, classifier).argmax(axis=-1)


def stacked_mode_statistics(
    labels: ArrayLike, classes: int = 10, reference: ArrayLike | None = None, least_share: float = 0.0
) -> dict[str, Any]:
    """Modes of stacked digits (VEEGAN 1705.07761, PacGAN 1712.04086): one class per channel, a mode per combination.

    Count them on as many samples as the paper you compare with: 26,000 (VEEGAN, PacGAN), 25,600 (Unrolled GAN 1611.02163). The
    divergence of perfect samples is not 0 but about `(modes - 1) / (2 samples)`: 0.019 for 1000 modes and 26,000 samples.

    Args:
        labels: integers (samples, channels): the predicted class of every channel.
        classes: >= 2, default 10.
        reference: array (classes ** channels,) or None, default None: uniform. The distribution of the training data over
            combinations, the first channel's class counting most.
        least_share: as in `mode_statistics`, of a combination's share in `reference`; default 0 (the papers').

    Returns:
        dict: `modes` (int, distinct combinations), `of` (int, how many there are), `kl` (from the reference, in nats).

    Raises:
        ValueError: for labels of another shape, type or range; an unnormalized reference.

    Example:
    >>> import numpy as np
    >>> stacked_mode_statistics(np.asarray([[0, 0], [0, 1], [1, 0], [1, 1]]), classes=2)
    {'modes': 4, 'of': 4, 'kl': 0.0}
    """
    labels = np.asarray(labels)
    checks.positive_integers(classes=classes)
    if labels.ndim != 2 or not labels.size or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"Labels must be integers (samples, channels). Received: {labels.dtype} {labels.shape}.")
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"Labels must lie in [0, {classes - 1}]. Received: [{labels.min()}, {labels.max()}].")
    modes = classes ** labels.shape[1]
    reference = np.full(modes, 1.0 / modes) if reference is None else checks.distribution(reference, "`reference`")
    if len(reference) != modes:
        raise ValueError(f"`reference` has {len(reference)} entries, there are {modes} combinations.")
    counts = np.bincount(np.ravel_multi_index(labels.T, (classes,) * labels.shape[1]), minlength=modes)
    return {
        "modes": _covered(counts, reference, len(labels), least_share),
        "of": modes,
        "kl": _divergence_from(counts, reference),
    }


def total_variation(p: ArrayLike, q: ArrayLike) -> float:
    """`1/2 sum |p - q|` of two distributions over the same outcomes, in [0, 1] (the label check of CausalGAN, 1709.02023).

    Args:
        p, q: arrays (outcomes,), non-negative, summing to 1.

    Returns:
        float.

    Example:
    >>> round(total_variation([0.5, 0.5], [0.9, 0.1]), 6)
    0.4
    """
    first, second = checks.distribution(p, "`p`"), checks.distribution(q, "`q`")
    if len(first) != len(second):
        raise ValueError(f"Both distributions need the same outcomes. Received: {len(first)} and {len(second)}.")
    return float(0.5 * np.abs(first - second).sum())
