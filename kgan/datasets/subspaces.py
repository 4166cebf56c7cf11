"""Clusters on planes through a space of many dimensions: the synthetic data of the Bayesian GAN, 1705.09558."""

import numpy as np

from kgan.types import Array


def subspaces(count: int, dimensions: int = 100, latent: int = 2, clusters: int = 10, seed: int | None = None) -> Array:
    """Points `x = A_c (z + m_c)`, standardized: every cluster c on a subspace of its own.

    As in the authors' code: z ~ N(0, I), A_c ~ N(0, 25), m_c ~ N(0, 25 I).

    Args:
        count: points, shared equally among the clusters (what is left over is not drawn).
        dimensions, latent, clusters: default 100, 2, 10 (the code's).
        seed: int or None.

    Returns:
        float32 array `(count // clusters * clusters, dimensions)`, in the order of the clusters, each feature with mean 0 and variance 1.

    Example:
    >>> import kgan
    >>> kgan.datasets.subspaces(600, dimensions=20, clusters=6, seed=0).shape
    (600, 20)
    """
    if not 1 <= clusters <= count:
        raise ValueError(f"`clusters` must lie between 1 and `count`. Received: clusters={clusters!r}, count={count!r}.")
    generator = np.random.default_rng(seed)
    parts = []
    for _ in range(clusters):
        mean = 5.0 * generator.normal(size=latent)
        basis = 5.0 * generator.normal(size=(dimensions, latent))
        parts.append((generator.normal(size=(count // clusters, latent)) + mean) @ basis.T)
    points = np.concatenate(parts)
    return ((points - points.mean(0)) / points.std(0)).astype("float32")
