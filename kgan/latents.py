"""Walks in latent space, as arrays of latents for `model.predict`: any family whose generator takes latents alone."""

import numpy as np
from numpy.typing import ArrayLike

from kgan.arguments import as_int
from kgan.types import Array


def interpolation(start: ArrayLike, end: ArrayLike, steps: int = 8) -> Array:
    """Latents on the straight line from one to another, both ends included.

    Args:
        start, end: arrays `(latent_size,)`. steps: >= 2, default 8.

    Returns:
        float32 array `(steps, latent_size)`.

    Example:
    >>> from kgan import latents
    >>> latents.interpolation([0.0, 0.0], [1.0, 4.0], 3).tolist()
    [[0.0, 0.0], [0.5, 2.0], [1.0, 4.0]]
    """
    start, end = _latent(start), _latent(end)
    steps = as_int(steps)
    if not isinstance(steps, int) or steps < 2:
        raise ValueError(f"`steps` must be an integer >= 2. Received: {steps!r}.")
    if start.shape != end.shape:
        raise ValueError(f"Both ends need one length. Received: {start.shape} and {end.shape}.")
    share = np.linspace(0.0, 1.0, steps)[:, None]
    return ((1.0 - share) * start + share * end).astype("float32")


def arithmetic(
    concept: ArrayLike, minus: ArrayLike, plus: ArrayLike, low: float | None = None, high: float | None = None
) -> Array:
    """`concept - minus + plus`: a chair with arms, without a chair, and a sofa (3D-GAN, 1610.07584, section 4.3).

    Args:
        concept, minus, plus: arrays `(latent_size,)`, or `(examples, latent_size)`, of which the mean is taken: one latent says little of
            what it stands for, an average of several says more.
        low, high: clip the result into the range of a uniform prior, 0 and 1 in 3D-GAN.

    Returns:
        float32 array `(latent_size,)`.

    Example:
    >>> from kgan import latents
    >>> latents.arithmetic([0.75, 0.5], [[0.25, 0.25], [0.25, 0.75]], [1.0, 0.25], 0.0, 1.0).tolist()
    [1.0, 0.25]
    """
    parts = [_latent(np.mean(np.atleast_2d(np.asarray(part, "float64")), axis=0)) for part in (concept, minus, plus)]
    if len({part.shape for part in parts}) != 1:
        raise ValueError(f"All three need latents of one length. Received: {[part.shape[-1] for part in parts]}.")
    result = parts[0] - parts[1] + parts[2]
    clipped = result if low is None and high is None else np.clip(result, low, high)
    return clipped.astype("float32")


def sweep(latent: ArrayLike, dimension: int, values: ArrayLike) -> Array:
    """One latent with one of its numbers set to each of `values`: float32 array `(values, latent_size)`."""
    latent, values = _latent(latent), np.asarray(values, "float64")
    if not -len(latent) <= dimension < len(latent):
        raise ValueError(f"`dimension` must be an index of {len(latent)} numbers. Received: {dimension!r}.")
    swept = np.repeat(latent[None], len(values), axis=0)
    swept[:, dimension] = values
    return swept.astype("float32")


def _latent(value: ArrayLike) -> Array:
    value = np.asarray(value, "float64")
    if value.ndim != 1 or not len(value) or not np.isfinite(value).all():
        raise ValueError(f"A latent is a finite array (latent_size,). Received the shape {value.shape}.")
    return value
