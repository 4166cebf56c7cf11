"""Definitions of the metrics, as functions of feature arrays. NumPy in float64 throughout."""

import warnings

import numpy as np


def _features(array, what):
    array = np.asarray(array, "float64")
    if array.ndim != 2 or len(array) < 2:
        raise ValueError(f"{what} must be an array (samples, features) with at least 2 samples. Received shape {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(f"{what} contain NaN or infinite values: the generator or the extractor has diverged.")
    return array


def _pair(real, fake):
    real, fake = _features(real, "Real features"), _features(fake, "Generated features")
    if real.shape[1] != fake.shape[1]:
        raise ValueError(f"Both sets need one feature size. Received: real {real.shape}, generated {fake.shape}.")
    return real, fake


def frechet_distance_from_moments(mean_1, covariance_1, mean_2, covariance_2):
    """Squared Frechet distance of two Gaussians: Heusel et al. 2017, 1706.08500, Eq. 6.

    `|mu_1 - mu_2|^2 + tr(S_1 + S_2 - 2 (S_1 S_2)^(1/2))`. The trace of the root is taken from symmetric eigenvalue problems:
    with `R = S_1^(1/2)` it is the sum of the roots of the eigenvalues of `R S_2 R`. Real by construction, and right for
    singular covariances, where the general matrix square root returns complex numbers.

    Args:
        mean_1, mean_2: arrays (d,). covariance_1, covariance_2: arrays (d, d), symmetric.

    Returns:
        float >= 0 up to rounding.

    Example: N(0, I) against N(e_1, diag(4, 1, 1/4)).

    >>> import numpy as np
    >>> round(frechet_distance_from_moments(np.zeros(3), np.eye(3), np.eye(3)[0], np.diag([4.0, 1.0, 0.25])), 6)
    2.25
    """
    values, vectors = np.linalg.eigh(covariance_1)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    cross = np.sqrt(np.linalg.eigvalsh(root @ covariance_2 @ root).clip(0)).sum()
    difference = np.asarray(mean_1) - np.asarray(mean_2)
    return float(difference @ difference + np.trace(covariance_1) + np.trace(covariance_2) - 2.0 * cross)


def frechet_distance(real, fake):
    """Frechet distance of two feature sets, with means and unbiased covariances (ddof 1).

    Biased upwards for few samples: compare only figures of equal sample sizes. Warns where samples are fewer than features, for
    then the covariances are singular.

    Args:
        real, fake: arrays (samples, features).

    Returns:
        float.
    """
    real, fake = _pair(real, fake)
    if min(len(real), len(fake)) <= real.shape[1]:
        warnings.warn(
            f"A Frechet distance of {len(real)} and {len(fake)} samples with {real.shape[1]} features rests on singular "
            "covariances. Use more samples than features.",
            stacklevel=2,
        )
    return frechet_distance_from_moments(
        real.mean(axis=0), np.cov(real, rowvar=False).reshape(real.shape[1], -1),
        fake.mean(axis=0), np.cov(fake, rowvar=False).reshape(fake.shape[1], -1),
    )  # fmt: skip


def kernel_mmd2(real, fake):
    """Unbiased squared maximum mean discrepancy with the kernel `(a.b / d + 1)^3`: Binkowski et al. 2018, 1801.01401, Eq. 4-5.

    Off-diagonal means of k(x, x') and k(y, y'), minus twice the full mean of k(x, y). May be slightly negative.

    Args:
        real, fake: arrays (samples, features).

    Returns:
        float.
    """
    real, fake = _pair(real, fake)

    def kernel(a, b):
        return (a @ b.T / real.shape[1] + 1.0) ** 3

    def off_diagonal(a):
        k = kernel(a, a)
        return (k.sum() - np.trace(k)) / (len(a) * (len(a) - 1))

    return float(off_diagonal(real) + off_diagonal(fake) - 2.0 * kernel(real, fake).mean())


def kernel_distance(real, fake, subsets=50, subset_size=1000, seed=0):
    """The KID protocol: mean and standard deviation of `kernel_mmd2` over random subsets without replacement.

    Args:
        real, fake: arrays (samples, features).
        subsets: int, default 50 (the authors' code).
        subset_size: int, default 1000; at most the number of samples.
        seed: int, default 0.

    Returns:
        `(mean, std)`.
    """
    real, fake = _pair(real, fake)
    smallest = min(len(real), len(fake))
    if subset_size > smallest:
        raise ValueError(f"`subset_size` is {subset_size}, the smaller set has {smallest} samples. Use at most {smallest}.")
    generator = np.random.default_rng(seed)

    def chosen(features):
        return features[generator.choice(len(features), subset_size, replace=False)]

    values = [kernel_mmd2(chosen(real), chosen(fake)) for _ in range(subsets)]
    return float(np.mean(values)), float(np.std(values))


def class_score(probabilities):
    """The exponential of the mean divergence of p(y|x) from p(y): Salimans et al. 2016, 1606.03498.

    Called Inception Score only with the Inception network's probabilities; name it after your classifier. Natural logarithm.

    Args:
        probabilities: array (samples, classes), rows summing to 1.

    Returns:
        float in [1, classes].
    """
    p = _features(probabilities, "Probabilities")
    if p.min() < 0 or np.abs(p.sum(axis=1) - 1.0).max() > 1e-3:
        raise ValueError("Every row of probabilities must be non-negative and sum to 1.")
    marginal = p.mean(axis=0)
    return float(np.exp((p * (np.log(p.clip(1e-12)) - np.log(marginal.clip(1e-12)))).sum(axis=1).mean()))


def mode_statistics(points, mixture, sigmas=3.0):
    """How a set of points covers a Gaussian mixture (VEEGAN, PacGAN protocol).

    A point is of high quality within `sigmas` standard deviations of its nearest centre; a mode is covered when it is the nearest
    of at least one such point. In the plane the mixture itself scores `1 - exp(-4.5) = 0.989` at 3 sigmas.

    Args:
        points: array (samples, dimensions).
        mixture: `kgan.datasets.Mixture`.
        sigmas: float > 0, default 3.0 (the protocol's; 10 for its 1200 dimensions).

    Returns:
        dict: `modes` (int), `high_quality` (share), `kl` (of the high-quality points' distribution over modes from the uniform one, in
        nats; inf without such points).
    """
    points = _features(points, "Points")
    if not sigmas > 0:
        raise ValueError(f"`sigmas` must be > 0. Received: {sigmas!r}.")
    centres = mixture.centres.astype("float64")
    if points.shape[1] != centres.shape[1]:
        raise ValueError(f"Points of {points.shape[1]} dimensions, centres of {centres.shape[1]}.")
    # |p - c|^2 by expansion: no (samples, modes, dimensions) array.
    squared = (points**2).sum(1)[:, None] + (centres**2).sum(1) - 2.0 * points @ centres.T
    nearest = squared.argmin(axis=1)
    good = squared[np.arange(len(points)), nearest] < (sigmas * mixture.stddev) ** 2
    counts = np.bincount(nearest[good], minlength=len(centres))
    share = counts / max(1, counts.sum())
    filled = share[share > 0]
    kl = float((filled * np.log(filled * len(centres))).sum()) if good.any() else float("inf")
    return {"modes": int((counts > 0).sum()), "high_quality": float(good.mean()), "kl": kl}


def total_variation(p, q):
    """`1/2 sum |p - q|` of two distributions over the same outcomes, in [0, 1]."""
    p, q = np.asarray(p, "float64"), np.asarray(q, "float64")
    for name, value in (("p", p), ("q", q)):
        if value.min() < 0 or abs(value.sum() - 1.0) > 1e-3:
            raise ValueError(f"`{name}` is not a distribution: it must be non-negative and sum to 1.")
    return float(0.5 * np.abs(p - q).sum())
