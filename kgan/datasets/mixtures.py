"""Gaussian mixtures in the plane, the test bench of mode collapse."""

import math

import numpy as np


class Mixture:
    """A mixture of isotropic Gaussians.

    Args:
        centres: array of shape (modes, dimensions), distinct.
        stddev: float > 0, standard deviation of every mode.
        weights: array (modes,) of positive numbers that sum to 1, or None (default): all equal.

    Example:
    >>> import kgan
    >>> kgan.datasets.ring(modes=8).sample(5, seed=0).shape
    (5, 2)
    """

    def __init__(self, centres, stddev, weights=None):
        centres = np.asarray(centres, "float32")
        if centres.ndim != 2 or not len(centres) or not np.isfinite(centres).all():
            raise ValueError(f"`centres` must be a finite array of shape (modes, dimensions). Received shape {centres.shape}.")
        if len(np.unique(centres.round(6), axis=0)) != len(centres):
            raise ValueError("`centres` must be distinct: a centre given twice is one mode, counted twice.")
        if not stddev > 0:
            raise ValueError(f"`stddev` must be > 0. Received: {stddev!r}.")
        shares = np.full(len(centres), 1.0 / len(centres)) if weights is None else np.asarray(weights, "float64")
        if shares.shape != (len(centres),) or not (shares > 0).all() or abs(shares.sum() - 1.0) > 1e-6:
            raise ValueError(f"`weights` must be {len(centres)} positive numbers that sum to 1. Received: {weights!r}.")
        self.centres, self.stddev, self.weights = centres, float(stddev), shares / shares.sum()

    def sample(self, count, seed=None, labels=False, stratified=False):
        """`count` points as float32 (count, dimensions); with `labels`, also the mode each came from.

        With `stratified` the modes take turns, so that any stretch of as many points as there are modes holds one of each.
        """
        generator = np.random.default_rng(seed)
        if stratified:
            modes = np.arange(count) % len(self.centres)
        elif np.ptp(self.weights) == 0:
            modes = generator.integers(len(self.centres), size=count)
        else:
            modes = generator.choice(len(self.centres), size=count, p=self.weights)
        noise = generator.normal(size=(count, self.centres.shape[1])) * self.stddev
        points = (self.centres[modes] + noise).astype("float32")
        return (points, modes) if labels else points


def ring(modes=8, radius=1.0, stddev=0.01, weights=None):
    """Modes at the angles `2 pi k / modes`. Default: the ring of VEEGAN and PacGAN; radius 2, stddev 0.02 is Unrolled GAN's."""
    angles = 2.0 * math.pi * np.arange(modes) / modes
    return Mixture(radius * np.stack([np.cos(angles), np.sin(angles)], axis=1), stddev, weights)


def grid(side=5, spacing=2.0, stddev=0.05):
    """`side x side` modes around the origin. Default: the grid of VEEGAN and PacGAN, {-4, -2, 0, 2, 4}^2."""
    line = spacing * (np.arange(side) - (side - 1) / 2)
    return Mixture(np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2), stddev)
