"""Kernel distance: Binkowski et al. 2018, "Demystifying MMD GANs", 1801.01401."""

import numpy as np

from kgan import checks
from kgan.types import Array


def kernel_mmd2(real: Array, fake: Array) -> float:
    """Unbiased squared maximum mean discrepancy with the kernel `(a.b / d + 1)^3`: 1801.01401, Eq. 4-5.

    Off-diagonal means of k(x, x') and k(y, y'), minus twice the full mean of k(x, y). May be slightly negative, and is never clipped.

    Args:
        real, fake: arrays (samples, features). Needs memory for three matrices (samples, samples).

    Returns:
        float.

    Raises:
        ValueError: for fewer than 2 samples, NaN or infinite values, two feature sizes.

    Example: one feature, {0, 1} against {1, 2}: 1 + 27 - 2 (1 + 1 + 8 + 27) / 4.

    >>> import numpy as np
    >>> kernel_mmd2(np.asarray([[0.0], [1.0]]), np.asarray([[1.0], [2.0]]))
    9.5
    """
    real, fake = checks.pair(real, fake)

    def kernel(a: Array, b: Array) -> Array:
        return (a @ b.T / real.shape[1] + 1.0) ** 3

    def off_diagonal(a: Array) -> float:
        k = kernel(a, a)
        return (k.sum() - np.trace(k)) / (len(a) * (len(a) - 1))

    return float(off_diagonal(real) + off_diagonal(fake) - 2.0 * kernel(real, fake).mean())


def kernel_distance(
    real: Array, fake: Array, subsets: int = 50, subset_size: int | None = None, seed: int = 0
) -> tuple[float, float]:
    """KID (Kernel Inception Distance): mean and standard deviation of `kernel_mmd2` over random subsets without replacement.

    Args:
        real, fake: arrays (samples, features).
        subsets: >= 1, default 50 (the authors' code; the paper has 100). When the subsets are both sets whole, one is enough
            and the standard deviation is 0.
        subset_size: >= 2 or None, default None: 1000 (the authors'), or all samples of the smaller set if it has fewer.
        seed: default 0.

    Returns:
        `(mean, std)`, floats.

    Raises:
        ValueError: for a subset larger than a set; as `kernel_mmd2`.

    Example:
    >>> import numpy as np
    >>> draw = np.random.default_rng(0).normal
    >>> mean, std = kernel_distance(draw(size=(400, 4)), draw(size=(400, 4)), subset_size=100)
    >>> abs(mean) < std
    True
    """
    real, fake = checks.pair(real, fake)
    smallest = min(len(real), len(fake))
    subset_size = min(1000, smallest) if subset_size is None else subset_size
    checks.positive_integers(subsets=subsets, subset_size=subset_size)
    if not 2 <= subset_size <= smallest:
        raise ValueError(f"`subset_size` is {subset_size}, the smaller set has {smallest} samples. Use 2 to {smallest}.")
    if subset_size == len(real) == len(fake):
        return kernel_mmd2(real, fake), 0.0
    generator = np.random.default_rng(seed)

    def chosen(features: Array) -> Array:
        return features[generator.choice(len(features), subset_size, replace=False)]

    values = [kernel_mmd2(chosen(real), chosen(fake)) for _ in range(subsets)]
    return float(np.mean(values)), float(np.std(values))
