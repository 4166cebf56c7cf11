"""Where the gradient of a discriminator is penalized: points made from a minibatch of real and of generated examples."""

from typing import Any

import keras
from keras import ops

from kgan.backend import full_precision
from kgan.types import SeedLike, Tensor


def _uniform(shape: Any, like: Tensor, seed: SeedLike) -> Tensor:
    return ops.cast(keras.random.uniform(shape, dtype="float32", seed=seed), like.dtype)


def _per_example(examples: Tensor, seed: SeedLike) -> Tensor:
    """One number from U[0, 1] per example, in a shape that broadcasts against them."""
    return _uniform((ops.shape(examples)[0],) + (1,) * (len(examples.shape) - 1), examples, seed)


def interpolate(real: Tensor, fake: Tensor, seed: SeedLike = None) -> Tensor:
    """Points on the straight lines between paired examples, one mixing weight from U[0, 1] per example (1704.00028, Alg. 1).

    Args:
        real, fake: tensors of one shape `(batch, ...)`, paired by index.
        seed: as in `keras.random`.

    Returns:
        float32 tensor of the same shape, `weight * real + (1 - weight) * fake`.
    """
    real, fake = full_precision(real, fake)
    same = tuple(real.shape[1:]) == tuple(fake.shape[1:]) and (
        None in (real.shape[0], fake.shape[0]) or real.shape[0] == fake.shape[0]
    )
    if not same:
        raise ValueError(
            f"Real and generated examples must have one shape. Received: real {tuple(real.shape)}, fake {tuple(fake.shape)}."
        )
    weight = _per_example(real, seed)
    return weight * real + (1.0 - weight) * fake


def gaussian(real: Tensor, variance: float, seed: SeedLike = None) -> Tensor:
    """Real examples plus noise from `N(0, variance I)`: Kodali et al. 2017, 1705.07215. Units: those of the data, squared."""
    real = full_precision(real)
    return real + variance**0.5 * ops.cast(keras.random.normal(ops.shape(real), dtype="float32", seed=seed), real.dtype)


def symmetric(real: Tensor, seed: SeedLike = None) -> Tensor:
    """`x + s (u - 1/2)`, `u ~ U[0, 1]` per coordinate, s the standard deviation of the whole minibatch (compare_gan's DRAGAN)."""
    real = full_precision(real)
    return real + ops.std(real) * (_uniform(ops.shape(real), real, seed) - 0.5)


def one_quadrant(real: Tensor, seed: SeedLike = None) -> Tensor:
    """`x + a s u / 2`, `u ~ U[0, 1]` per coordinate, `a ~ U[0, 1]` per example, s as in `symmetric` (the DRAGAN authors' notebook).

    The noise is never negative; the authors later called that an oversight.
    """
    real = full_precision(real)
    noise = 0.5 * ops.std(real) * _uniform(ops.shape(real), real, seed)
    return real + _per_example(real, seed) * noise


NAMES = ("interpolate", "gaussian", "symmetric", "one_quadrant")


def points(region: str, real: Tensor, fake: Tensor, variance: float | None = None, seed: SeedLike = None) -> Tensor:
    """Points of a region named in `NAMES`. Only "interpolate" looks at the generated examples."""
    if region == "interpolate":
        return interpolate(real, fake, seed)
    if region == "gaussian" and variance is not None:
        return gaussian(real, variance, seed)
    return symmetric(real, seed) if region == "symmetric" else one_quadrant(real, seed)
