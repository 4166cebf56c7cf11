"""Derivatives in the opponent's weights, inside a player's own loss: of a scalar, and of every example's score in a direction."""

from collections.abc import Callable, Sequence

import keras
from keras import ops

from kgan import backend
from kgan.types import Tensor


def opponent_gradient(loss: Callable[[], Tensor], variables: Sequence[keras.Variable]) -> tuple[Tensor, list[Tensor]]:
    """Evaluate a scalar and its gradient in variables that do not move now, both differentiable in everything behind `loss`.

    In a move of the generator, with the discriminator's value as `loss` and its weights as `variables`, the squared norm of the gradient
    is the term of gradient-regularized GANs (Nagarajan and Kolter 2017, 1706.04156), and what follows it in the generator's weights goes
    through generated and real examples both. The weights stay as they are. The gradient is that of the mean over the whole minibatch,
    one vector, on all replicas.

    Args:
        loss: callable `() -> scalar`, a mean over examples.
        variables: trainable variables of the opponent.

    Returns:
        `(value, gradients)`: what `loss` returns, and one tensor per variable, in its shape.

    Raises:
        ValueError: without variables.

    Example: the gradient of w^2 at 3.

    >>> import keras
    >>> from kgan.penalties import opponent_gradient
    >>> w = keras.Variable([3.0])
    >>> value, (gradient,) = opponent_gradient(lambda: keras.ops.sum(w * w), [w])
    >>> float(value), float(gradient[0])
    (9.0, 6.0)
    """
    if not variables:
        raise ValueError(
            "The opponent has no trainable variables, so its loss has no gradient. Build it, and leave `trainable` alone."
        )

    def at(tensors: list[Tensor]) -> tuple[Tensor, None]:
        with backend.Overlay(zip(variables, tensors, strict=True), moving=frozenset()):
            return backend.full_precision(loss()), None

    (value, _), gradients = backend.value_and_gradients(at, [backend.constant(v) for v in variables], differentiable=True)
    return value, [backend.mean_over_replicas(backend.full_precision(gradient)) for gradient in gradients]


def directional_derivative(
    scores: Callable[[], Tensor], variables: Sequence[keras.Variable], direction: Sequence[Tensor]
) -> Tensor:
    """The slope of every example's score along a direction in weights that do not move now: `a(x).s` with `a(x) = grad_w F(w, x)`.

    Scores of a network with the weights `w + s` are `F(w, x) + a(x).s` to first order, a model that is linear in s (Dualing GANs, Li et al.
    2017, 1706.06216, section 3.2). No gradient of a single example is formed: it is the gradient of `sum u_i a(x_i).s` in u.

    Args:
        scores: callable `() -> (batch,)`; it must not mix the examples of a batch.
        variables: trainable variables of the opponent. direction: one tensor per variable, in its shape.

    Returns:
        Tensor `(batch,)`, differentiable in everything behind `scores` and in the direction.

    Example: scores w^2 and 3 w at w = 2, one unit along w.

    >>> import keras
    >>> from kgan.penalties import directional_derivative
    >>> w = keras.Variable(2.0)
    >>> slopes = directional_derivative(lambda: keras.ops.stack([w * w, 3.0 * w]), [w], [keras.ops.ones(())])
    >>> [float(slope) for slope in slopes]
    [4.0, 3.0]
    """

    def weighted(tensors: list[Tensor]) -> tuple[Tensor, None]:
        def at(values: list[Tensor]) -> tuple[Tensor, None]:
            with backend.Overlay(zip(variables, values, strict=True), moving=frozenset()):
                return ops.sum(tensors[0] * backend.full_precision(scores())), None

        _, gradients = backend.value_and_gradients(at, [backend.constant(v) for v in variables], differentiable=True)
        return sum(ops.sum(g * backend.full_precision(s)) for g, s in zip(gradients, direction, strict=True)), None

    _, (slopes,) = backend.value_and_gradients(weighted, [ops.ones_like(backend.full_precision(scores()))], differentiable=True)
    return slopes
