"""Where the gradient of a discriminator is penalized: points made from a minibatch of real and of generated examples."""

import keras
from keras import ops

from kgan.backend import full_precision


def _uniform(shape, like, seed):
    return ops.cast(keras.random.uniform(shape, dtype="float32", seed=seed), like.dtype)


def _per_example(examples, seed):
    """One number from U[0, 1] per example, in a shape that broadcasts against them."""
    return _uniform((ops.shape(examples)[0],) + (1,) * (len(examples.shape) - 1), examples, seed)


def interpolate(real, fake, seed=None):
    """Points on the straight lines between paired examples, one mixing weight from U[0, 1] per example (1704.00028, Alg. 1).

    Args:
        real, fake: tensors of one shape `(batch, ...)`, paired by index.
        seed: int, `keras.random.SeedGenerator` or None.

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


def gaussian(real, variance, seed=None):
    """Real examples plus noise from `N(0, variance I)`: Kodali et al. 2017, 1705.07215. Units: those of the data, squared."""
    real = full_precision(real)
    return real + variance**0.5 * ops.cast(keras.random.normal(ops.shape(real), dtype="float32", seed=seed), real.dtype)


def symmetric(real, seed=None):
    """`x + s (u - 1/2)`, `u ~ U[0, 1]` per coordinate, s the standard deviation of the whole minibatch (compare_gan's DRAGAN)."""
    real = full_precision(real)
    return real + ops.std(real) * (_uniform(ops.shape(real), real, seed) - 0.5)


def one_quadrant(real, seed=None):
    """`x + a s u / 2`, `u ~ U[0, 1]` per coordinate, `a ~ U[0, 1]` per example, s as in `symmetric` (the DRAGAN authors' notebook).

    The noise is never negative; the authors later called that an oversight.
    """
    real = full_precision(real)
    noise = 0.5 * ops.std(real) * _uniform(ops.shape(real), real, seed)
    return real + _per_example(real, seed) * noise


NAMES = ("interpolate", "gaussian", "symmetric", "one_quadrant")


def points(region, real, fake, variance=None, seed=None):
    """Points of a region named in `NAMES`. Only "interpolate" looks at the generated examples."""
    if region == "interpolate":
        return interpolate(real, fake, seed)
    if region == "gaussian":
        return gaussian(real, variance, seed)
    return symmetric(real, seed) if region == "symmetric" else one_quadrant(real, seed)
