"""Gaussian mixtures, the test bench of mode collapse."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from kgan.types import Array


class Mixture:
    """A mixture of isotropic Gaussians.

    Args:
        centers: array of shape (modes, dimensions), distinct.
        stddev: > 0, standard deviation of every mode.
        weights: array (modes,) of positive numbers that sum to 1, or None (default): all equal.
        noisy: default None: all. How many dimensions vary, the first ones; the others stay at the center's value, so that
            the modes are Gaussians of a lower dimension, embedded in this one.

    Example:
    >>> import kgan
    >>> kgan.datasets.ring(modes=8).sample(5, seed=0).shape
    (5, 2)
    """

    def __init__(
        self, centers: Any, stddev: float, weights: Sequence[float] | Array | None = None, noisy: int | None = None
    ) -> None:
        centers = np.asarray(centers, "float32")
        if centers.ndim != 2 or not len(centers) or not np.isfinite(centers).all():
            raise ValueError(f"`centers` must be a finite array of shape (modes, dimensions). Received shape {centers.shape}.")
        if len(np.unique(centers.round(6), axis=0)) != len(centers):
            raise ValueError("`centers` must be distinct: a center given twice is one mode, counted twice.")
        if not stddev > 0:
            raise ValueError(f"`stddev` must be > 0. Received: {stddev!r}.")
        shares = np.full(len(centers), 1.0 / len(centers)) if weights is None else np.asarray(weights, "float64")
        if shares.shape != (len(centers),) or not (shares > 0).all() or abs(shares.sum() - 1.0) > 1e-6:
            raise ValueError(f"`weights` must be {len(centers)} positive numbers that sum to 1. Received: {weights!r}.")
        noisy = centers.shape[1] if noisy is None else noisy
        if not isinstance(noisy, int) or not 1 <= noisy <= centers.shape[1]:
            raise ValueError(f"`noisy` must be an integer from 1 to the {centers.shape[1]} dimensions. Received: {noisy!r}.")
        self.centers, self.stddev, self.weights, self.noisy = centers, float(stddev), shares / shares.sum(), noisy

    def sample(self, count: int, seed: int | None = None, labels: bool = False, stratified: bool = False) -> Any:
        """`count` points as float32 (count, dimensions); with `labels`, also the mode each came from.

        With `stratified` the modes take turns, so that any stretch of as many points as there are modes holds one of each.
        """
        generator = np.random.default_rng(seed)
        if stratified:
            modes = np.arange(count) % len(self.centers)
        elif np.ptp(self.weights) == 0:
            modes = generator.integers(len(self.centers), size=count)
        else:
            modes = generator.choice(len(self.centers), size=count, p=self.weights)
        points = self.centers[modes].astype("float64")
        points[:, : self.noisy] += generator.normal(size=(count, self.noisy)) * self.stddev
        points = points.astype("float32")
        return (points, modes) if labels else points

    def log_density(self, points: Any) -> Array:
        """`log p` of points (count, dimensions), as float64 (count,); of a mixture whose dimensions all vary.

        Example: a standard normal at its center.

        >>> import kgan
        >>> round(float(kgan.datasets.Mixture([[0.0, 0.0]], 1.0).log_density([[0.0, 0.0]])[0]), 4)
        -1.8379
        """
        points = np.asarray(points, "float64")
        if self.noisy != self.centers.shape[1]:
            raise ValueError(f"Only {self.noisy} of {self.centers.shape[1]} dimensions vary: there is no density.")
        if points.ndim != 2 or points.shape[1] != self.noisy:
            raise ValueError(f"Points must be (count, {self.noisy}). Received the shape {points.shape}.")
        squares = ((points[:, None] - self.centers[None].astype("float64")) ** 2).sum(-1) / self.stddev**2
        exponents = np.log(self.weights) - 0.5 * squares
        largest = exponents.max(1)
        logs = largest + np.log(np.exp(exponents - largest[:, None]).sum(1))
        return logs - 0.5 * self.noisy * math.log(2.0 * math.pi * self.stddev**2)


def ring(modes: int = 8, radius: float = 1.0, stddev: float = 0.01, weights: Sequence[float] | Array | None = None) -> Mixture:
    """Modes at the angles `2 pi k / modes`. Default: the ring of VEEGAN and PacGAN; radius 2, stddev 0.02 is Unrolled GAN's."""
    angles = 2.0 * math.pi * np.arange(modes) / modes
    return Mixture(radius * np.stack([np.cos(angles), np.sin(angles)], axis=1), stddev, weights)


def grid(side: int = 5, spacing: float = 2.0, stddev: float = 0.05) -> Mixture:
    """`side x side` modes around the origin. Default: the grid of VEEGAN and PacGAN, {-4, -2, 0, 2, 4}^2."""
    line = spacing * (np.arange(side) - (side - 1) / 2)
    return Mixture(np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2), stddev)


def spirals(modes: int = 200, turns: float = 1.5, radius: float = 10.0, stddev: float = 0.45) -> Mixture:
    """Two arms of Gaussians, from the middle to `radius` in so many turns, at equal steps of angle (the second set of 1702.01691).

    Default: as many Gaussians and as much noise as there; their radius and turns are not printed.
    """
    if modes < 2 or modes % 2:
        raise ValueError(f"`modes` must be an even number >= 2, half for each arm. Received: {modes!r}.")
    share = np.arange(1, modes // 2 + 1) / (modes // 2)
    angles = 2.0 * math.pi * turns * share
    arm = radius * share[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return Mixture(np.concatenate([arm, -arm]), stddev)


def gaussian1200() -> Mixture:
    """Ten standard Gaussians of 700 dimensions embedded in 1200: the set of VEEGAN (1705.07761), with the offsets of PacGAN's code.

    A mode is a constant, added to all 1200 coordinates. VEEGAN counts a point within 10 standard deviations of a center; points of the
    mixture itself lie `sqrt(700) = 26.5` away from theirs, so that real data have no share of high quality there and a generator gets
    one for too little spread. Within 30 all of them count.
    """
    offsets = np.asarray([-1.0, -0.5, 0.0, 0.5, -2.0, -2.5, 10.0, 0.25, -13.0, -5.5])
    return Mixture(np.repeat(offsets[:, None], 1200, axis=1), 1.0, noisy=700)
