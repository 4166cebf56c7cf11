"""Scores of class probabilities: Inception Score (1606.03498) and Mode Score (1612.02136)."""

import itertools
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kgan import checks
from kgan.types import Array

_TINY = 1e-12  # 0 log 0 = 0


def _log(p: Array) -> Array:
    return np.log(p.clip(_TINY))


def _divergence(p: Array, q: Array) -> Any:
    """KL(p || q) in nats along the last axis."""
    return (p * (_log(p) - _log(q))).sum(axis=-1)


def class_score(probabilities: ArrayLike, splits: int = 1, seed: int | None = None) -> tuple[float, float]:
    """Inception Score (IS): the exponential of the mean divergence of p(y|x) from p(y); Salimans et al. 2016, 1606.03498.

    `exp(mean_i KL(p_i || mean_j p_j))`, with the mean of the same split; natural logarithm. Called Inception Score only with the
    Inception network's probabilities; name it after your classifier. It does not see memorization: one perfect image per class
    scores the number of classes. Biased downwards for few samples; published figures use 50,000 in 10 splits. Below 5,000 samples
    take one split.

    Args:
        probabilities: array (samples, classes), rows summing to 1.
        splits: >= 1, default 1: consecutive parts scored apart (the authors': 10).
        seed: default None: the samples keep their order. An int shuffles them first, as samples that are sorted by
            class need.

    Returns:
        `(mean, std)` over the splits, each score in [1, classes]; std is 0 for one split.

    Raises:
        ValueError: for rows that do not sum to 1, fewer than 2 samples a split, NaN.

    Example:
    >>> import numpy as np
    >>> mean, std = class_score(np.eye(10)[np.arange(100) % 10], splits=2)
    >>> round(mean, 9), round(std, 9)
    (10.0, 0.0)
    """
    p = checks.probabilities(probabilities)
    checks.positive_integers(splits=splits)
    if len(p) < 2 * splits:
        raise ValueError(f"{splits} splits need at least {2 * splits} samples. Received: {len(p)}.")
    if seed is not None:
        p = np.random.default_rng(seed).permutation(p)
    borders = [i * len(p) // splits for i in range(splits + 1)]
    parts = [p[start:end] for start, end in itertools.pairwise(borders)]
    scores = [np.exp(_divergence(part, part.mean(axis=0)).mean()) for part in parts]
    return float(np.mean(scores)), float(np.std(scores))


def mode_score(probabilities: ArrayLike, label_distribution: ArrayLike, modified: bool = False) -> float:
    """Mode Score: Che et al. 2017, "Mode Regularized Generative Adversarial Networks", 1612.02136.

    As published, `exp(E_x KL(p(y|x) || p(y)) - KL(p*(y) || p(y)))`, with p(y) the labels of the training data and p*(y) the mean of the
    samples' predictions. Since `E KL(p(y|x) || p) = E KL(p(y|x) || p*) + KL(p* || p)`, it **equals the Inception Score whatever p(y)
    is**, and so does not punish a wrong balance of classes, contrary to its purpose. `modified` does.

    Args:
        probabilities: array (samples, classes), rows summing to 1.
        label_distribution: array (classes,), summing to 1: p(y). Shares below 1e-12 count as 1e-12.
        modified: default False. True is `exp(E_x KL(p(y|x) || p*(y)) - KL(p*(y) || p(y)))`, the form of later surveys (Xu et
            al. 2018), at most the Inception Score and equal to it only at p* = p.

    Returns:
        float.

    Raises:
        ValueError: for rows or a distribution that do not sum to 1, or another number of classes.

    Example: sure predictions of one of two classes, of data that have both.

    >>> import numpy as np
    >>> one = np.tile([1.0, 0.0], (10, 1))
    >>> round(mode_score(one, [0.5, 0.5]), 6), round(mode_score(one, [0.5, 0.5], modified=True), 6)
    (1.0, 0.5)
    """
    p = checks.probabilities(probabilities)
    labels = checks.distribution(label_distribution, "`label_distribution`")
    if len(labels) != p.shape[1]:
        raise ValueError(f"Predictions have {p.shape[1]} classes, `label_distribution` {len(labels)}.")
    marginal = p.mean(axis=0)
    spread = _divergence(p, marginal if modified else labels).mean()
    return float(np.exp(spread - _divergence(marginal, labels)))
