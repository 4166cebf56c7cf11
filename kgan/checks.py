"""What arrays of features, probabilities and images must look like."""

from typing import Any

import numpy as np

from kgan.types import Array

_FAR = 8.0


def features(array: Any, what: str) -> Array:
    """The array as float64 (samples, features); at least 2 samples, finite."""
    array = np.asarray(array, "float64")
    if array.ndim != 2 or len(array) < 2:
        raise ValueError(f"{what} must be an array (samples, features) with at least 2 samples. Received shape {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(f"{what} contain NaN or infinite values: the generator or the extractor has diverged.")
    return array


def pair(real: Any, fake: Any) -> tuple[Array, Array]:
    """Real and generated features of one feature size."""
    real, fake = features(real, "Real features"), features(fake, "Generated features")
    if real.shape[1] != fake.shape[1]:
        raise ValueError(f"Both sets need one feature size. Received: real {real.shape}, generated {fake.shape}.")
    return real, fake


def probabilities(array: Any) -> Array:
    """Class probabilities (samples, classes), rows summing to 1."""
    p = features(array, "Probabilities")
    if p.min() < 0 or np.abs(p.sum(axis=1) - 1.0).max() > 1e-3:
        raise ValueError("Every row of probabilities must be non-negative and sum to 1.")
    return p


def distribution(array: Any, what: str) -> Array:
    """A distribution over outcomes (outcomes,)."""
    p = np.asarray(array, "float64")
    if p.ndim != 1 or not len(p) or not (p >= 0).all() or abs(p.sum() - 1.0) > 1e-3:
        raise ValueError(f"{what} is not a distribution: it must be one-dimensional, non-negative and sum to 1.")
    return p


def images(array: Any, what: str = "Images") -> Array:
    """Images (count, height, width, channels) in [-1, 1], finite.

    What a generator without a bounded output puts outside is clipped, as a picture file would; what lies far outside is in another
    range, and refused.
    """
    array = np.asarray(array)
    if array.ndim != 4 or not len(array):
        raise ValueError(f"{what} must be an array (count, height, width, channels). Received shape {array.shape}.")
    if not np.issubdtype(array.dtype, np.floating) or not np.isfinite(array).all() or np.abs(array).max() > _FAR:
        raise ValueError(
            f"{what} must be finite floats in [-1, 1]. Received {array.dtype} in [{array.min():g}, {array.max():g}]. "
            "For pixels in [0, 255] use `x / 127.5 - 1`."
        )
    return array.clip(-1.0, 1.0)


def positive_integers(**values: Any) -> None:
    """Arguments that must be integers >= 1."""
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
            raise ValueError(f"`{name}` must be an integer >= 1. Received: {value!r}.")
