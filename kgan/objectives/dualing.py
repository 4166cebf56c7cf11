"""The game against a linear discriminator, its inner problem solved: Dualing GANs, Li, Schwing, Wang, Zemel, NIPS 2017, arXiv 1706.06216.

With fixed features phi, weights w and C > 0, the discriminator's cost on n examples of each kind (half of the usual one, and an L2 term) is
`f(w) = C/2 ||w||^2 + 1/(2n) sum sp(-w.phi(x)) + 1/(2n) sum sp(w.phi(G(z)))`, convex in w. Its minimum is the maximum of the dual g, which
has one variable for each example of the minibatch; here these are given as shares, `2n lambda`, in [0, 1].
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan.backend import full_precision, mean_over_replicas
from kgan.types import Tensor

_STEPS = (1.0, 0.5, 0.25, 0.125, 0.0625, 0.015625, 0.0)  # lengths of a Newton step, the best of which is taken; 0: stay


def _mean_cost(real_scores: Tensor, fake_scores: Tensor, axis: int | None = None) -> Tensor:
    return 0.5 * (ops.mean(ops.softplus(-real_scores), axis=axis) + ops.mean(ops.softplus(fake_scores), axis=axis))


def dualing_primal(weights: Tensor, real_features: Tensor, fake_features: Tensor, regularization: float) -> Tensor:
    """f, the cost that the discriminator minimizes. log 2 at w = 0.

    Args:
        weights: tensor `(features,)`.
        real_features, fake_features: tensors `(n, features)`, with as many of either kind.
        regularization: > 0, C.

    Returns:
        Scalar.

    Example:
    >>> import numpy as np, kgan
    >>> phi = np.ones((2, 3), "float32")
    >>> round(float(kgan.objectives.dualing_primal(np.zeros(3, "float32"), phi, phi, 0.1)), 4)
    0.6931
    """
    weights, real_features, fake_features = full_precision(weights, real_features, fake_features)
    cost = _mean_cost(ops.matmul(real_features, weights), ops.matmul(fake_features, weights))
    return 0.5 * regularization * ops.sum(ops.square(weights)) + cost


def dualing_shares(weights: Tensor, real_features: Tensor, fake_features: Tensor) -> tuple[Tensor, Tensor]:
    """The dual variables that belong to w, as shares `2n lambda`: `1 - D(x)` and `D(G(z))`. At the optimal w they are optimal.

    Args: as `dualing_primal`.

    Returns:
        Two tensors `(n,)` in [0, 1].
    """
    weights, real_features, fake_features = full_precision(weights, real_features, fake_features)
    return ops.sigmoid(-ops.matmul(real_features, weights)), ops.sigmoid(ops.matmul(fake_features, weights))


def _entropy(shares: Tensor) -> Tensor:
    shares = ops.clip(shares, 1e-7, 1.0 - 1e-7)  # at the ends the slope is infinite
    return -shares * ops.log(shares) - (1.0 - shares) * ops.log1p(-shares)


def dualing_dual(
    real_shares: Tensor, fake_shares: Tensor, real_features: Tensor, fake_features: Tensor, regularization: float
) -> Tensor:
    """g, at most f for every w, and equal to it at the optimum. The generator maximizes it with the shares held fixed.

    `-1/(2C) ||sum lambda_x phi(x) - sum lambda_z phi(G(z))||^2 + 1/(2n) sum H(2n lambda_x) + 1/(2n) sum H(2n lambda_z)`, H the entropy of
    two outcomes. At shares of 1/2 it is `log 2 - ||mean phi(x) - mean phi(G(z))||^2 / (32 C)`.

    Args:
        real_shares, fake_shares: tensors `(n,)` in [0, 1]. The others: as `dualing_primal`.

    Returns:
        Scalar, at most log 2.

    Example: equal features.

    >>> import numpy as np, kgan
    >>> phi, half = np.ones((2, 3), "float32"), np.full(2, 0.5, "float32")
    >>> round(float(kgan.objectives.dualing_dual(half, half, phi, phi, 0.1)), 4)
    0.6931
    """
    real_shares, fake_shares, real_features, fake_features = full_precision(
        real_shares, fake_shares, real_features, fake_features
    )
    difference = 0.5 * (
        ops.mean(real_shares[:, None] * real_features, axis=0) - ops.mean(fake_shares[:, None] * fake_features, axis=0)
    )
    entropy = 0.5 * (ops.mean(_entropy(real_shares)) + ops.mean(_entropy(fake_shares)))
    return entropy - 0.5 / regularization * ops.sum(ops.square(difference))


def dualing_optimum(start: Tensor, real_features: Tensor, fake_features: Tensor, regularization: float, steps: int = 4) -> Tensor:
    """The w that minimizes f, by Newton's method: a constant, through which no gradient flows.

    Each step solves a system of `features` unknowns and takes the best of a few lengths, so that f never rises but by rounding.

    Args:
        start: tensor `(features,)`: zeros, or better the optimum of the minibatch before.
        real_features, fake_features, regularization: as `dualing_primal`. steps: >= 1, default 4.

    Returns:
        Tensor `(features,)`.
    """
    weights, real, fake = (ops.stop_gradient(t) for t in full_precision(start, real_features, fake_features))
    lengths = ops.convert_to_tensor(_STEPS, dtype=weights.dtype)
    ridge = regularization * ops.eye(weights.shape[0], dtype=weights.dtype)
    for _ in range(steps):
        real_shares, fake_shares = dualing_shares(weights, real, fake)
        slope = regularization * weights - 0.5 * (
            ops.mean(real_shares[:, None] * real, axis=0) - ops.mean(fake_shares[:, None] * fake, axis=0)
        )
        curvature = ridge
        for shares, features in ((real_shares, real), (fake_shares, fake)):
            count = ops.cast(ops.shape(features)[0], features.dtype)
            weighted = features * (shares * (1.0 - shares))[:, None]
            curvature = curvature + 0.5 / count * ops.matmul(ops.transpose(features), weighted)
        direction = -ops.solve(curvature, slope[:, None])[:, 0]
        scores = [ops.matmul(phi, weights)[:, None] + ops.matmul(phi, direction)[:, None] * lengths for phi in (real, fake)]
        ends = weights[:, None] + direction[:, None] * lengths
        costs = 0.5 * regularization * ops.sum(ops.square(ends), axis=0) + _mean_cost(scores[0], scores[1], axis=0)
        # Costs that differ by rounding are equal, and of equals the longest step is taken: near the optimum costs no longer tell steps
        # apart that slopes still do.
        rounding = 16.0 * float(np.finfo(keras.backend.standardize_dtype(weights.dtype)).eps) * ops.min(costs)
        weights = weights + direction * ops.take(lengths, ops.argmin(costs - rounding * lengths))
    return ops.stop_gradient(weights)


# Discriminators that are networks --------------------------------------------------------------------------------------

_HALVINGS = 14


def local_cost(weights: Tensor, real_scores: Tensor, fake_scores: Tensor, regularization: float) -> Tensor:
    """The cost f from scores: `C/2 ||w||^2 + 1/(2n) sum sp(-F(x)) + 1/(2n) sum sp(F(G(z)))`, for a network of weights w with scores F.

    Args:
        weights: tensor `(weights,)`, all of the discriminator's side by side.
        real_scores, fake_scores: tensors `(n,)`. regularization: >= 0, C.

    Returns:
        Scalar, log 2 at scores and weights of 0.

    Example:
    >>> from keras import ops
    >>> import kgan
    >>> round(float(kgan.objectives.local_cost(ops.ones((2,)), ops.zeros((3,)), ops.zeros((3,)), 0.1)), 4)
    0.7931
    """
    weights, real_scores, fake_scores = full_precision(weights, real_scores, fake_scores)
    return 0.5 * regularization * ops.sum(ops.square(weights)) + _mean_cost(real_scores, fake_scores)


def local_step(
    slopes: Callable[[Tensor], tuple[Tensor, Tensor]],
    pulled: Callable[[Tensor, Tensor], Tensor],
    weights: Tensor,
    real_scores: Tensor,
    fake_scores: Tensor,
    regularization: float,
    radius: Any,
    steps: int = 8,
) -> Tensor:
    """The step s that minimizes f of scores made linear in it, `F + a.s`, within `1/2 ||s||^2 <= radius`: a constant.

    Each step looks for the point of the ball against the slope of f (that of the first step, from s = 0, is the optimum of the cost made
    linear) and goes towards it as far as f falls, so that the cost never rises and s never leaves the ball. Under several replicas it is
    one s for the whole minibatch.

    Args:
        slopes: callable `(s) -> (a(x).s, a(G(z)).s)`, two tensors `(n,)`.
        pulled: callable `(u, v) -> sum u_i a(x_i) + sum v_i a(G(z_i))`, a tensor `(weights,)`, its mean over replicas where there are some.
        weights, real_scores, fake_scores, regularization: as in `local_cost`. radius: float or scalar > 0. steps: >= 1, default 8.

    Returns:
        Tensor `(weights,)`.
    """
    weights, real, fake = (ops.stop_gradient(t) for t in full_precision(weights, real_scores, fake_scores))
    longest = ops.sqrt(2.0 * ops.cast(radius, weights.dtype))
    step, moved = ops.zeros_like(weights), (real, fake)

    def losses(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """The derivatives of the cost in the scores."""
        counts = (ops.cast(ops.shape(t)[0], t.dtype) for t in (real, fake))
        return -0.5 * ops.sigmoid(-real) / next(counts), 0.5 * ops.sigmoid(fake) / next(counts)

    for _ in range(steps):
        slope = regularization * (weights + step) + pulled(*losses(*moved))
        vertex = -longest * slope / ops.sqrt(ops.sum(ops.square(slope)) + 1e-24)
        direction = vertex - step
        along = slopes(direction)
        low, high = ops.zeros((), weights.dtype), ops.ones((), weights.dtype)
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            ends = [scores + middle * a for scores, a in zip(moved, along, strict=True)]
            fall = sum(ops.sum(u * a) for u, a in zip(losses(*ends), along, strict=True))
            fall = mean_over_replicas(fall) + regularization * ops.sum((weights + step + middle * direction) * direction)
            low, high = ops.where(fall < 0.0, middle, low), ops.where(fall < 0.0, high, middle)
        # All of the way where the cost falls to its end, which halving only comes near to.
        share = ops.where(high > 1.0 - 2.0**-_HALVINGS, 1.0, low)
        step, moved = step + share * direction, tuple(m + share * a for m, a in zip(moved, along, strict=True))
    return ops.stop_gradient(step)


def local_dual(
    real_shares: Tensor,
    fake_shares: Tensor,
    pull: Tensor,
    weights: Tensor,
    real_scores: Tensor,
    fake_scores: Tensor,
    regularization: float,
    radius: Any,
) -> Tensor:
    """The dual of f of linear scores within a trust region, with the best multiplier of the region: at most f for every step in it.

    `C/2 ||w||^2 - 1/(2(C + t)) ||C w - v||^2 + 1/(2n) sum H(2n lambda_x) + 1/(2n) sum H(2n lambda_z) - sum lambda_x F_x + sum lambda_z F_z
    - t radius`, `v = sum lambda_x a_x - sum lambda_z a_z`, at `t = max(0, ||C w - v|| / sqrt(2 radius) - C)`.

    Args:
        real_shares, fake_shares: tensors `(n,)` in [0, 1], `2n lambda`. pull: v, `(weights,)`. The others: as `local_cost`, `local_step`.

    Returns:
        Scalar.
    """
    pull, weights = full_precision(pull, weights)
    longest = ops.sqrt(2.0 * ops.cast(radius, weights.dtype))
    length = ops.sqrt(ops.sum(ops.square(regularization * weights - pull)))
    # The terms of the multiplier in terms of the step it belongs to: at a radius of 0 it is infinite, they are 0.
    reached = ops.minimum(longest, length / regularization) if regularization else longest
    entropy = 0.5 * (ops.mean(_entropy(real_shares)) + ops.mean(_entropy(fake_shares)))
    linear = 0.5 * (ops.mean(fake_shares * fake_scores) - ops.mean(real_shares * real_scores))
    bent = reached * length - 0.5 * regularization * ops.square(reached)
    return 0.5 * regularization * ops.sum(ops.square(weights)) - bent + entropy + linear
