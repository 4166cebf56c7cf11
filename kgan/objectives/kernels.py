"""Distances between distributions by kernels: the maximum mean discrepancy (Gretton et al., JMLR 2012) and its estimators.

A kernel is a callable from points `(..., m, features)` and `(..., n, features)` to the matrices `(..., m, n)` of its values. The squared
discrepancy of distributions P and Q is `E k(x, x') + E k(y, y') - 2 E k(x, y)` with x, x' from P and y, y' from Q, independent.
"""

from collections.abc import Callable, Sequence
from typing import Self

import keras
from keras import ops

from kgan.arguments import POSITIVE, Checked
from kgan.backend import full_precision
from kgan.types import Config, Tensor

Kernel = Callable[[Tensor, Tensor], Tensor]
"""From points `(..., m, features)` and `(..., n, features)` to the matrices `(..., m, n)`."""


def squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """`||a_i - b_j||^2` for all pairs, never negative.

    By `||a||^2 + ||b||^2 - 2 a.b`, which needs no array of all differences. The points are moved to their common center first, and what
    rounding makes negative is 0: far from the origin the three parts cancel.

    Args:
        a, b: tensors `(..., m, features)` and `(..., n, features)`.

    Returns:
        Tensor `(..., m, n)`, at least float32.
    """
    a, b = full_precision(a, b)
    center = ops.stop_gradient(ops.mean(b, axis=-2, keepdims=True))
    a, b = a - center, b - center
    norms = [ops.sum(ops.square(x), axis=-1) for x in (a, b)]
    products = ops.matmul(a, ops.swapaxes(b, -1, -2))
    return ops.relu(ops.expand_dims(norms[0], -1) + ops.expand_dims(norms[1], -2) - 2.0 * products)


@keras.saving.register_keras_serializable("kgan")
class GaussianKernel(Checked):
    """The sum of Gaussian kernels `exp(-||a - b||^2 / (2 sigma^2))`.

    Args:
        sigmas: bandwidths, numbers > 0, default 1, 2, 4, 8, 16 (MMD GAN's). The code of GMMN has `exp(-||a - b||^2 / (2 s))` with s of
            2, 5, 10, 20, 40, 80: its bandwidths are the roots of those.

    Raises:
        ValueError: for no bandwidth, or one that is not positive.

    Example: at distance 1, `exp(-1/2) + exp(-1/8)`.

    >>> from keras import ops
    >>> from kgan.objectives import GaussianKernel
    >>> round(float(GaussianKernel((1.0, 2.0))(ops.zeros((1, 3)), ops.convert_to_tensor([[1.0, 0.0, 0.0]]))[0, 0]), 4)
    1.489
    """

    def __init__(self, sigmas: float | Sequence[float] = (1.0, 2.0, 4.0, 8.0, 16.0)) -> None:
        sigmas = [sigmas] if isinstance(sigmas, (int, float)) else sigmas
        if not isinstance(sigmas, (list, tuple)) or not sigmas or not all(POSITIVE.accepts(s) for s in sigmas):
            raise ValueError(f"`sigmas` must be at least one bandwidth, each a number > 0. Received: {sigmas!r}.")
        self.sigmas = [float(s) for s in sigmas]

    def __call__(self, a: Tensor, b: Tensor) -> Tensor:
        return self.up_to_a_constant(a, b) + float(len(self.sigmas))

    def up_to_a_constant(self, a: Tensor, b: Tensor) -> Tensor:
        """`k(a, b) - k(a, a)`, exact for points much closer than a bandwidth, where k itself is a rounded 1."""
        distances = squared_distances(a, b)
        return sum(ops.expm1(distances * (-0.5 / sigma**2)) for sigma in self.sigmas)

    def get_config(self) -> Config:
        return {"sigmas": self.sigmas}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        return cls(**config)


def get_kernel(kernel: Kernel | float | Sequence[float]) -> Kernel:
    """A kernel from itself, or a Gaussian one from its bandwidths."""
    return kernel if callable(kernel) else GaussianKernel(kernel)


def biased_mmd2(x: Tensor, y: Tensor, kernel: Kernel) -> Tensor:
    """The V-statistic: means over all pairs, a point with itself included. Never negative; of equal distributions above 0.

    Args:
        x, y: tensors `(m, features)` and `(n, features)`, at least 2 points each; m and n may differ.
        kernel: as `GaussianKernel()`.

    Returns:
        Scalar.

    Raises:
        ValueError: for tensors that are not matrices of at least two points.

    Example: two points at 0 against two at 1, with k(0) = 1 and k(1) = exp(-1/2).

    >>> from keras import ops
    >>> from kgan import objectives
    >>> round(float(objectives.biased_mmd2(ops.zeros((2, 1)), ops.ones((2, 1)), objectives.GaussianKernel(1.0))), 4)
    0.7869
    """
    x, y, kernel = _checked(x, y, kernel)
    return ops.mean(kernel(x, x)) + ops.mean(kernel(y, y)) - 2.0 * ops.mean(kernel(x, y))


def unbiased_mmd2(x: Tensor, y: Tensor, kernel: Kernel) -> Tensor:
    """The U-statistic: pairs of different points only. Right in the mean, and therefore negative at times. Args: as `biased_mmd2`."""
    x, y, kernel = _checked(x, y, kernel)

    def different(points: Tensor) -> Tensor:
        values, size = kernel(points, points), ops.shape(points)[0]
        return (ops.sum(values) - ops.trace(values)) / ops.cast(size * (size - 1), values.dtype)

    return different(x) + different(y) - 2.0 * ops.mean(kernel(x, y))


def linear_time_mmd2(x: Tensor, y: Tensor, kernel: Kernel) -> Tensor:
    """The mean of `k(x, x') + k(y, y') - k(x, y') - k(x', y)` over neighbors: unbiased, cheap, of much larger variance.

    Args: as `biased_mmd2`, of one even number of points each.

    Raises:
        ValueError: for an odd or unequal number of points.
    """
    x, y, kernel = _checked(x, y, kernel)
    sizes = x.shape[0], y.shape[0]
    if None not in sizes and (sizes[0] != sizes[1] or sizes[0] % 2):
        raise ValueError(
            f"The linear-time estimator needs one even number of points in both sets. Received: {sizes[0]} and {sizes[1]}."
        )

    def paired(a: Tensor, b: Tensor) -> Tensor:  # n problems of one pair each
        return kernel(ops.expand_dims(a, 1), ops.expand_dims(b, 1))

    x0, x1, y0, y1 = x[0::2], x[1::2], y[0::2], y[1::2]
    return ops.mean(paired(x0, x1) + paired(y0, y1) - paired(x0, y1) - paired(x1, y0))


def mmd(x: Tensor, y: Tensor, kernel: Kernel) -> Tensor:
    """`sqrt(M2 + 1e-12)` of the biased M2: the loss of GMMN and MMD GAN. The constant keeps the slope finite where M2 is 0.

    The root of the unbiased one would have no gradient wherever that is negative. Args: as `biased_mmd2`.

    Example: as above, the root of 0.7869.

    >>> from keras import ops
    >>> from kgan import objectives
    >>> round(float(objectives.mmd(ops.zeros((2, 1)), ops.ones((2, 1)), objectives.GaussianKernel(1.0))), 4)
    0.8871
    """
    return ops.sqrt(ops.relu(biased_mmd2(x, y, kernel)) + 1e-12)


def feasible_set(real_features: Tensor, fake_features: Tensor) -> Tensor:
    """MMD GAN's reduction of the feasible set, 1705.08584, section 3.3: `mean_k min(E x_k - E y_k, 0)`, at most 0.

    0 where the mean of every feature is at least as large for real as for generated examples; the minimum is taken of the means.

    Args:
        real_features, fake_features: tensors `(m, features)` and `(n, features)`.

    Returns:
        Scalar.

    Example: the means differ by (1, -2).

    >>> from keras import ops
    >>> from kgan import objectives
    >>> real = ops.convert_to_tensor([[3.0, -4.0], [-1.0, 0.0]])
    >>> float(objectives.feasible_set(real, ops.zeros((3, 2))))
    -1.0
    """
    real, fake = full_precision(real_features, fake_features)
    return ops.mean(ops.minimum(ops.mean(real, axis=0) - ops.mean(fake, axis=0), 0.0))


def _checked(x: Tensor, y: Tensor, kernel: Kernel) -> tuple[Tensor, Tensor, Kernel]:
    x, y = full_precision(x, y)
    shapes = [tuple(t.shape) for t in (x, y)]
    if any(len(s) != 2 or s[0] in (0, 1) for s in shapes) or shapes[0][1] != shapes[1][1]:
        raise ValueError(
            "Kernel estimators take two sets of at least 2 points with the same features, (points, features). "
            f"Received the shapes {shapes[0]} and {shapes[1]}."
        )
    # Constants cancel in every estimator. Under clipping to 0.01 features can be so close that nothing else would be left of k.
    return x, y, getattr(kernel, "up_to_a_constant", kernel)
