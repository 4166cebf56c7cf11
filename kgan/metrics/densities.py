"""Coverage of the data by a density estimated from samples: AdaGAN, 1701.02386, section 4."""

import math

import numpy as np

from kgan import checks
from kgan.types import Array

HELD_OUT = 500


def kde_coverage(real: Array, fake: Array, level: float = 0.95, seed: int = 0) -> float:
    """The mass of the data where the model puts 95 % of its own: `C = P_d(p_g > t)` with `P_g(p_g > t) = level`.

    The density p_g is a Gaussian kernel estimate on generated points; 500 of them are held out (a quarter, if there are fewer than 2000).
    The bandwidth is the one of median distance * 2^k, k from -7 to 6, that makes the held-out points most likely, and t the quantile
    `1 - level` of their own densities. A perfect model scores `level`; one that misses modes, about its share of the data.

    Args:
        real: array (samples, dimensions); 500 in the paper.
        fake: array (samples, dimensions), the generated points.
        level: in (0, 1), default 0.95 (the paper's).
        seed: default 0, decides which points are held out.

    Returns:
        float in [0, 1].

    Raises:
        ValueError: for sets of different dimensions, fewer than 8 generated points, a level outside (0, 1).

    Departures from the paper: median distance is that of all pairs of 500 generated points; t is taken on the held-out points, on which no
    kernel sits.

    Example:
    >>> import kgan
    >>> ring = kgan.datasets.ring(radius=4.0, stddev=0.1)
    >>> half = kgan.datasets.Mixture(ring.centers[:4], ring.stddev)
    >>> 0.4 < kde_coverage(ring.sample(500, 0), half.sample(2000, 1)) < 0.55
    True
    """
    real, fake = checks.pair(real, fake)
    if len(fake) < 8:
        raise ValueError(f"At least 8 generated points are needed. Received: {len(fake)}.")
    if not 0.0 < level < 1.0:
        raise ValueError(f"`level` must lie between 0 and 1. Received: {level!r}.")
    fake = np.random.default_rng(seed).permutation(fake)
    held_out, fake = np.split(fake, [min(HELD_OUT, len(fake) // 4)])
    some = fake[:HELD_OUT]
    median = np.sqrt(np.median(_squared(some, some)[np.triu_indices(len(some), 1)]))
    if not median > 0:
        raise ValueError("Most generated points are equal: they have no density.")
    own = _squared(held_out, fake)
    bandwidths = median * 2.0 ** np.arange(-7, 7)
    bandwidth = max(bandwidths, key=lambda h: _log_density(own, h, fake.shape[1]).mean())
    threshold = np.quantile(_log_density(own, bandwidth, fake.shape[1]), 1.0 - level)
    return float((_log_density(_squared(real, fake), bandwidth, fake.shape[1]) > threshold).mean())


def _squared(a: Array, b: Array) -> Array:
    return ((a**2).sum(1)[:, None] + (b**2).sum(1) - 2.0 * a @ b.T).clip(0)


def _log_density(squared: Array, bandwidth: float, dimensions: int) -> Array:
    exponents = -0.5 * squared / bandwidth**2
    top = exponents.max(axis=1)
    total = np.log(np.exp(exponents - top[:, None]).sum(axis=1))
    return top + total - math.log(squared.shape[1]) - dimensions * (math.log(bandwidth) + 0.5 * math.log(2.0 * math.pi))
