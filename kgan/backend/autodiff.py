"""Gradients on TensorFlow, JAX and torch behind two functions; both can be differentiated again."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from kgan.backend.execution import full_precision, nesting
from kgan.backend.scope import Overlay
from kgan.types import Tensor

Differentiable = Callable[[list[Tensor]], tuple[Tensor, Any]]
"""A function of tensors whose first result, a scalar, is differentiated; the second, any nest, goes along."""


def value_and_gradients(
    function: Differentiable, tensors: Sequence[Tensor], differentiable: bool = False
) -> tuple[tuple[Tensor, Any], list[Tensor]]:
    """Evaluate `function` and its gradients.

    Args:
        function: callable `(tensors) -> (value, auxiliary)`; `value` a scalar, `auxiliary` any nest of tensors. Layers
            called in it may assign to variables; the assignments reach the enclosing scope.
        tensors: list of float tensors, the points of differentiation.
        differentiable: default False. Keep what is needed to differentiate the gradients. Calls made inside the
            `function` of another call are always differentiable.

    Returns:
        `(value, auxiliary), gradients`: one gradient per tensor; zeros where the value does not depend on it.

    Example:
    >>> from keras import ops
    >>> from kgan.backend import value_and_gradients
    >>> cube = lambda points: (ops.sum(points[0] ** 3), None)
    >>> (value, _), gradients = value_and_gradients(cube, [ops.convert_to_tensor([2.0])])
    >>> float(value), float(gradients[0][0])
    (8.0, 12.0)
    """
    tensors = [ops.convert_to_tensor(t, dtype=keras.backend.standardize_dtype(t.dtype)) for t in tensors]
    return _IMPLEMENTATIONS[keras.backend.backend()](function, tensors, differentiable)


def input_gradient(function: Callable[[Tensor], Tensor], points: Tensor) -> Tensor:
    """Gradient of a per-example score with respect to its input.

    Args:
        function: callable from points of shape `(batch, ...)` to scores with one value per example. It must not mix the
            examples of a batch (no batch normalization), or the result is not per example.
        points: tensor of shape `(batch, ...)`.

    Returns:
        Tensor of the shape of `points`, differentiable in the points and in the weights behind `function`.

    Example:
    >>> from keras import ops
    >>> from kgan.backend import input_gradient
    >>> gradient = input_gradient(lambda x: ops.sum(x**2, axis=-1), ops.convert_to_tensor([[3.0, 4.0]]))
    >>> [float(g) for g in gradient[0]]
    [6.0, 8.0]
    """

    def total(tensors: list[Tensor]) -> tuple[Tensor, None]:
        return ops.sum(full_precision(function(tensors[0]))), None

    _, gradients = value_and_gradients(total, [ops.convert_to_tensor(points)], differentiable=True)
    return gradients[0]


def flat(tensors: Sequence[Tensor]) -> Tensor:
    """All numbers of tensors in one vector, in at least float32."""
    return ops.concatenate([ops.reshape(full_precision(t), (-1,)) for t in tensors])


def split_like(vector: Tensor, variables: Sequence[keras.Variable]) -> list[Tensor]:
    """The parts of a vector in the shapes of variables: `flat` undone."""
    parts, start = [], 0
    for variable in variables:
        size = math.prod(variable.shape)
        parts.append(ops.reshape(vector[start : start + size], variable.shape))
        start += size
    return parts


def _tensorflow(function: Differentiable, tensors: list[Tensor], differentiable: bool) -> tuple[tuple[Tensor, Any], list[Tensor]]:
    import tensorflow as tf

    del differentiable  # an enclosing tape records the gradient of this one
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(tensors)
        value, auxiliary = function(tensors)
    gradients = tape.gradient(value, tensors, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return (value, auxiliary), [tf.convert_to_tensor(gradient) for gradient in gradients]


def _jax(function: Differentiable, tensors: list[Tensor], differentiable: bool) -> tuple[tuple[Tensor, Any], list[Tensor]]:
    import jax

    del differentiable  # JAX differentiates its own transformations
    assigned: list[keras.Variable] = []

    def pure(tensors: list[Tensor]) -> tuple[Tensor, Any]:
        with Overlay() as overlay:
            value, auxiliary = function(tensors)
        assigned[:] = [variable for variable, _ in overlay.updates.values()]
        return value, (auxiliary, [new for _, new in overlay.updates.values()])

    (value, (auxiliary, new_values)), gradients = jax.value_and_grad(pure, has_aux=True)(tensors)
    for variable, new in zip(assigned, new_values, strict=True):
        variable.assign(new)
    return (value, auxiliary), gradients


def _torch(function: Differentiable, tensors: list[Tensor], differentiable: bool) -> tuple[tuple[Tensor, Any], list[Tensor]]:
    import torch

    depth = nesting.depth
    differentiable = differentiable or depth > 0
    nesting.depth = depth + 1
    try:
        with torch.enable_grad():
            # A tensor already under differentiation keeps its history; any other becomes a fresh leaf.
            points = [t if t.requires_grad else t.detach().requires_grad_() for t in tensors]
            value, auxiliary = function(points)
            if value.requires_grad:
                gradients = torch.autograd.grad(value, points, create_graph=differentiable, allow_unused=True)
            else:
                gradients = [None] * len(points)
    finally:
        nesting.depth = depth
    gradients = [torch.zeros_like(p) if g is None else g for g, p in zip(gradients, points, strict=True)]
    if not differentiable:
        value, auxiliary = keras.tree.map_structure(
            lambda t: t.detach() if isinstance(t, torch.Tensor) else t, (value, auxiliary)
        )
    return (value, auxiliary), gradients


_IMPLEMENTATIONS = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
