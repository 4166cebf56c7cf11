"""Losses at a point the opponent has not reached yet: Metz, Poole, Pfau, Sohl-Dickstein, ICLR 2017, arXiv 1611.02163."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from kgan import backend
from kgan.types import Tensor

Descend = Callable[[list[Tensor], list[Tensor]], list[Tensor]]


def unrolled(
    loss: Callable[[], Any],
    opponent_loss: Callable[[], Tensor],
    variables: Sequence[keras.Variable],
    steps: int,
    optimizer: keras.optimizers.Optimizer,
) -> Any:
    """Evaluate a loss after `steps` virtual optimizer steps of the opponent, differentiably (Eq. 6-10).

    The opponent's variables are replaced by the result of the steps, and gradients flow through all of them, the optimizer's
    recursion included (Eq. 12). Nothing of the opponent changes: neither weights, optimizer, nor other state. Every inner loss
    and the last one draw the same random numbers in the same order, so one minibatch and one set of latents serves all, as in
    the paper's experiments.

    Args:
        loss: callable `() -> scalar or dict of terms`, evaluated at the end.
        opponent_loss: callable `() -> scalar`, what the opponent descends on. Regularizers of its variables, and losses that layers add
            while it is evaluated, are added, as in a real move.
        variables: the opponent's variables.
        steps: >= 0. 0 evaluates `loss` at the present point.
        optimizer: the opponent's Keras optimizer, `SGD` or `Adam`, built; the virtual steps start from its present slots and
            leave them alone. Its present learning rate is the inner rate (as in the paper), also where it follows a schedule.

    Returns:
        What `loss` returns.

    Raises:
        ValueError: for negative or non-integer `steps`.
        TypeError: for an optimizer that has no differentiable recursion here.
    """
    if not isinstance(steps, int) or isinstance(steps, bool) or steps < 0:
        raise ValueError(f"`steps` must be an integer >= 0. Received: {steps!r}.")
    descend = _recursion(optimizer, variables)
    values = [backend.constant(v) for v in variables]

    def inner(tensors: list[Tensor]) -> tuple[Tensor, None]:
        with backend.Overlay(zip(variables, tensors, strict=True), moving=frozenset()) as overlay:
            value = opponent_loss()
            extra = [v.regularizer(ops.convert_to_tensor(v)) for v in variables if v.regularizer is not None]
            return sum([*extra, *(loss for _, loss in overlay.added_losses)], value), None

    for _ in range(steps):
        _, gradients = backend.value_and_gradients(inner, values, differentiable=True)
        # A step of the whole minibatch, as a real one; the mean over replicas is differentiated too.
        values = descend(values, [backend.mean_over_replicas(gradient) for gradient in gradients])
    with backend.Overlay(zip(variables, values, strict=True), commit=True):
        return loss()


def _recursion(optimizer: keras.optimizers.Optimizer, variables: Sequence[keras.Variable]) -> Descend:
    """A function `(values, gradients) -> values` that continues the optimizer from its present slots."""
    rate = ops.convert_to_tensor(optimizer.learning_rate)
    slots = {v.path.rsplit("/", 1)[-1]: v for v in optimizer.variables}

    def slot(variable: keras.Variable, name: str) -> Tensor:
        return backend.constant(slots[f"{variable.path.replace('/', '_')}_{name}"])

    kind = type(optimizer).__name__  # backends substitute classes of their own
    extras = ("clipnorm", "clipvalue", "global_clipnorm", "use_ema", "gradient_accumulation_steps")
    used = [name for name in extras if getattr(optimizer, name, None)]
    if used:
        raise TypeError(f"unrolled() follows SGD and Adam without {', '.join(extras)}. The optimizer sets {used}.")
    if kind == "SGD" and not optimizer.weight_decay:
        return _sgd(rate, optimizer, [slot(v, "momentum") for v in variables] if optimizer.momentum else None)
    if kind == "Adam" and not optimizer.weight_decay and not optimizer.amsgrad:
        moments = [slot(v, "momentum") for v in variables], [slot(v, "velocity") for v in variables]
        return _adam(rate, optimizer, *moments)
    raise TypeError(f"unrolled() goes through SGD and Adam, without weight decay and amsgrad. Received: {kind}.")


def _sgd(rate: Tensor, optimizer: keras.optimizers.Optimizer, momenta: list[Tensor] | None) -> Descend:
    def descend(values: list[Tensor], gradients: list[Tensor]) -> list[Tensor]:
        nonlocal momenta
        if momenta is None:
            return [value - rate * g for value, g in zip(values, gradients, strict=True)]
        momenta = [optimizer.momentum * m - rate * g for m, g in zip(momenta, gradients, strict=True)]
        if optimizer.nesterov:
            return [value + optimizer.momentum * m - rate * g for value, m, g in zip(values, momenta, gradients, strict=True)]
        return [value + m for value, m in zip(values, momenta, strict=True)]

    return descend


def _adam(rate: Tensor, optimizer: keras.optimizers.Optimizer, means: list[Tensor], squares: list[Tensor]) -> Descend:
    taken = ops.cast(backend.constant(optimizer.iterations), "float32")

    def descend(values: list[Tensor], gradients: list[Tensor]) -> list[Tensor]:
        nonlocal means, squares, taken
        taken = taken + 1.0
        correction = ops.sqrt(1.0 - optimizer.beta_2**taken) / (1.0 - optimizer.beta_1**taken)
        means = [optimizer.beta_1 * m + (1.0 - optimizer.beta_1) * g for m, g in zip(means, gradients, strict=True)]
        squares = [
            optimizer.beta_2 * s + (1.0 - optimizer.beta_2) * ops.square(g) for s, g in zip(squares, gradients, strict=True)
        ]
        # The derivative of a root is infinite at 0, where a unit is dead or before the first step; 1e-24 is invisible else.
        return [
            value - rate * correction * m / (ops.sqrt(s + 1e-24) + optimizer.epsilon)
            for value, m, s in zip(values, means, squares, strict=True)
        ]

    return descend
