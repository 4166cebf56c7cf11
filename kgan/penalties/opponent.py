"""The gradient of the opponent's loss in the opponent's weights, inside a player's own loss."""

from collections.abc import Callable, Sequence

import keras

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
