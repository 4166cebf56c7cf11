"""The step of trust region policy optimization: Schulman, Levine, Moritz, Jordan, Abbeel, ICML 2015, arXiv 1502.05477, appendix C."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras
from keras import ops

from kgan import backend
from kgan.types import Tensor

Evaluate = Callable[[], tuple[Tensor, Tensor]]
"""A function of the present weights, `() -> (gain, divergence)`: what is to grow, and how far the policy is from where it stood."""

_TINY = 1e-12


class TrustRegionStep(NamedTuple):
    """A step that was found.

    Attributes:
        direction: the step in all weights, one vector; 0 where no shortened step was good.
        gain: how much the gain grows by it.
        divergence: of the policy after it from the one before, at most the limit.
        fraction: share of the full step that was taken, a power of 1/2, or 0.
    """

    direction: Tensor
    gain: Tensor
    divergence: Tensor
    fraction: Tensor


def fisher_vector_product(
    divergence: Callable[[], Tensor], variables: Sequence[keras.Variable], vector: Tensor, damping: float = 0.0
) -> Tensor:
    """`(F + damping) v`, F the Hessian of a divergence at its minimum, where it is the mean Fisher information of the policy.

    The gradient of `<grad divergence, v>`; no matrix is formed.

    Args:
        divergence: callable `() -> scalar`, of the policy with the present weights from a fixed one.
        variables: the weights. vector: tensor `(numbers of all weights,)`. damping: added to the diagonal.

    Returns:
        Tensor `(numbers of all weights,)`.

    Example: the Hessian of w^2 is 2.

    >>> import keras
    >>> from kgan.control import fisher_vector_product
    >>> w = keras.Variable([3.0])
    >>> float(fisher_vector_product(lambda: keras.ops.sum(w * w), [w], keras.ops.ones(1))[0])
    2.0
    """
    parts = backend.split_like(vector, variables)

    def at(values: list[Tensor]) -> tuple[Tensor, None]:
        with backend.Overlay(zip(variables, values, strict=True), moving=frozenset()):
            return backend.full_precision(divergence()), None

    def slope(values: list[Tensor]) -> tuple[Tensor, None]:
        _, gradients = backend.value_and_gradients(at, values, differentiable=True)
        return sum(ops.sum(backend.full_precision(g) * p) for g, p in zip(gradients, parts, strict=True)), None

    _, found = backend.value_and_gradients(slope, _point(variables))
    return backend.mean_over_replicas(backend.flat(found)) + damping * vector


def conjugate_gradients(product: Callable[[Tensor], Tensor], target: Tensor, iterations: int = 10) -> Tensor:
    """Solve `A x = b` for a positive definite A that is only known by its products.

    Args:
        product: callable `(vector) -> A vector`. target: b, a vector. iterations: how many products.

    Returns:
        x. Iterations after which `|A x - b| < 1e-5 |b|` change nothing.

    Example:
    >>> from keras import ops
    >>> from kgan.control import conjugate_gradients
    >>> found = conjugate_gradients(lambda v: v * ops.convert_to_tensor([1.0, 4.0]), ops.convert_to_tensor([1.0, 2.0]), 2)
    >>> [round(float(v), 4) for v in found]
    [1.0, 0.5]
    """
    solution, residual, direction = ops.zeros_like(target), target, target
    size = first = ops.sum(ops.square(target))
    for _ in range(iterations):
        image = product(direction)
        going = ops.cast(size > 1e-10 * first, target.dtype)
        length = going * size / ops.maximum(ops.sum(direction * image), _TINY)
        solution, residual = solution + length * direction, residual - length * image
        left = ops.sum(ops.square(residual))
        direction = residual + left / ops.maximum(size, 1e-30) * direction
        size = left
    return solution


def trust_region_step(
    evaluate: Evaluate,
    variables: Sequence[keras.Variable],
    limit: float,
    damping: float = 0.1,
    iterations: int = 10,
    backtracks: int = 10,
) -> TrustRegionStep:
    """The step along the natural gradient that keeps a divergence below a limit, and lets a gain grow.

    With g the gradient of the gain and F the Fisher information, `x = (F + damping)^-1 g` by conjugate gradients; the full step is
    `x sqrt(2 limit / x.(F + damping) x)`, at which the quadratic model of the divergence meets the limit. The first of the steps times 1,
    1/2, 1/4, ... is taken at which the divergence itself is at most the limit and the gain has grown; none, where there is none.

    Args:
        evaluate: callable `() -> (gain, divergence)` of the present weights, two scalars, means over examples; it draws nothing. The
            divergence is 0 at the present weights.
        variables: the weights that move. limit: > 0, in nats.
        damping: default 0.1, iterations: default 10 (the authors'), of conjugate gradients; backtracks: default 10: steps tried.

    Returns:
        `TrustRegionStep`, without gradient. Nothing has moved.

    Example: the gain w and the divergence w^2 / 2 of a weight at 0: the limit is met.

    >>> import keras
    >>> from kgan.control import trust_region_step
    >>> w = keras.Variable([0.0])
    >>> step = trust_region_step(lambda: (keras.ops.sum(w), keras.ops.sum(w * w) / 2), [w], 0.02, damping=0.0)
    >>> round(float(step.direction[0]), 4), round(float(step.divergence), 4), float(step.fraction)
    (0.2, 0.02, 1.0)
    """
    point = _point(variables)

    def at(values: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        with backend.Overlay(zip(variables, values, strict=True), moving=frozenset()):
            gain, divergence = evaluate()
        return backend.full_precision(gain), backend.full_precision(divergence)

    (before, _), slopes = backend.value_and_gradients(lambda values: (at(values)[0], None), point)
    before, slope = backend.mean_over_replicas(before), backend.mean_over_replicas(backend.flat(slopes))
    product = backend.traced_once(lambda v: fisher_vector_product(lambda: evaluate()[1], variables, v, damping))
    natural = conjugate_gradients(product, slope, iterations)
    full = natural * ops.sqrt(2.0 * limit / ops.maximum(ops.sum(natural * product(natural)), _TINY))
    # Slightly inside, so that rounding does not cost half of a step whose divergence is the quadratic one.
    full = full * (1.0 - 1e-4)
    fraction, gain, divergence = (ops.zeros((), full.dtype) for _ in range(3))
    for power in reversed(range(backtracks)):  # the longest that is good has the last word
        share = 0.5**power
        steps = backend.split_like(full * share, variables)
        found = at([value + step for value, step in zip(point, steps, strict=True)])
        grown, apart = backend.mean_over_replicas(found[0]) - before, backend.mean_over_replicas(found[1])
        good = ops.logical_and(grown > 0.0, apart <= limit)
        fraction, gain = ops.where(good, share, fraction), ops.where(good, grown, gain)
        divergence = ops.where(good, apart, divergence)
    return TrustRegionStep(*map(ops.stop_gradient, (full * fraction, gain, divergence, fraction)))


def _point(variables: Sequence[keras.Variable]) -> list[Tensor]:
    """Where the weights stand, out of reach of gradients that are taken further out."""
    return [ops.stop_gradient(backend.constant(v)) for v in variables]
