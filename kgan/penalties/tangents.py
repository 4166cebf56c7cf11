"""Derivatives of a network's outputs along directions of its input, and the directions in which a decoder moves an example."""

import math
from collections.abc import Callable

from keras import ops

from kgan.backend import full_precision, input_gradient, value_and_gradients
from kgan.types import Tensor

# Directions in which a decoder moves an example less than by this share of the largest motion are none: rounding in float32.
_SMALLEST_SHARE = 1e-3


def jacobian_vector_products(
    function: Callable[[Tensor], Tensor], points: Tensor, directions: Tensor, step: float | None = None
) -> Tensor:
    """`J_x f v` for several directions v at every point: how fast outputs change along them.

    Exact, though no backend's forward mode is needed: `u -> <grad_x <u, f(x)>, v>` is linear in u, and its gradient is `J v`. Kumar,
    Sattigeri and Fletcher (2017, 1705.08850) take differences instead, `(f(x + step v) - f(x)) / step`.

    Args:
        function: callable from `(batch, ...)` to `(batch, ...)`; it must not mix the examples of a batch.
        points: float tensor `(batch, ...)`, constants.
        directions: tensor `(batch, count, ...)`, `count` of them for every point, each of a point's shape.
        step: default None, exact. A number > 0: differences, in units of the directions' lengths.

    Returns:
        Tensor `(batch, count, ...)` of outputs, in float32 at least, differentiable in the weights behind `function` and in the directions.

    Example: (x y, x) at (2, 3), along x and along y.

    >>> from keras import ops
    >>> from kgan.penalties import jacobian_vector_products
    >>> f = lambda x: ops.stack([x[:, 0] * x[:, 1], x[:, 0]], axis=-1)
    >>> products = jacobian_vector_products(f, ops.convert_to_tensor([[2.0, 3.0]]), ops.eye(2)[None])
    >>> ops.convert_to_numpy(products)[0].tolist()
    [[3.0, 1.0], [2.0, 0.0]]
    """
    points, directions = full_precision(points, directions)
    count = directions.shape[1]
    here, along = ops.repeat(points, count, axis=0), ops.reshape(directions, (-1, *points.shape[1:]))
    outputs = ops.repeat(full_precision(function(points)), count, axis=0)
    if step is not None:
        products = (full_precision(function(here + step * along)) - outputs) / step
    else:

        def pulled_back(tensors: list[Tensor]) -> tuple[Tensor, None]:
            def weighted(x: Tensor) -> Tensor:
                return tensors[0] * full_precision(function(x))

            return ops.sum(full_precision(input_gradient(weighted, here)) * along), None

        _, (products,) = value_and_gradients(pulled_back, [ops.ones_like(outputs)], differentiable=True)
    return ops.reshape(products, (-1, count, *outputs.shape[1:]))


def squared_slopes(function: Callable[[Tensor], Tensor], points: Tensor, directions: Tensor, step: float | None = None) -> Tensor:
    """`||J_x f v||^2` for several directions at every point: the invariance penalty of 1705.08850, before the sum over tangents.

    Over v from N(0, I) its mean is `||J_x f||_F^2`.

    Args:
        As for `jacobian_vector_products`.

    Returns:
        Tensor `(batch, count)`.

    Example:
    >>> from keras import ops
    >>> from kgan.penalties import squared_slopes
    >>> f = lambda x: ops.stack([x[:, 0] * x[:, 1], x[:, 0]], axis=-1)
    >>> ops.convert_to_numpy(squared_slopes(f, ops.convert_to_tensor([[2.0, 3.0]]), ops.eye(2)[None])).tolist()
    [[10.0, 4.0]]
    """
    products = jacobian_vector_products(function, points, directions, step)
    return ops.sum(ops.square(products), axis=tuple(range(2, len(products.shape))))


def tangent_directions(decoder: Callable[[Tensor], Tensor], codes: Tensor, count: int) -> Tensor:
    """Orthonormal directions in which a decoder moves an example most: tangents of the manifold that it makes.

    The left singular vectors of `J_z g` with the `count` largest singular values (1705.08850), from the eigenvectors of the small matrix
    `J^T J`. Only what they span has a meaning: signs are arbitrary, and so is the order among equals.

    Args:
        decoder: callable from codes to examples `(batch, ...)`; it must not mix the examples of a batch.
        codes: float tensor `(batch, size)`.
        count: 1 to size.

    Returns:
        Tensor `(batch, count, ...)`, of length 1 each; 0 where the decoder moves an example in fewer directions, by less than a thousandth
        of the largest motion.

    Raises:
        ValueError: for more directions than a code has numbers.

    Example: a line in the plane, as a function of the first of two numbers.

    >>> from keras import ops
    >>> from kgan.penalties import tangent_directions
    >>> g = lambda z: ops.stack([3.0 * z[:, 0], 4.0 * z[:, 0]], axis=-1)
    >>> abs(ops.convert_to_numpy(tangent_directions(g, ops.ones((1, 2)), 2))[0]).round(3).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    codes = full_precision(codes)
    size = codes.shape[-1]
    if not 1 <= count <= size:
        raise ValueError(f"A decoder of codes of {size} numbers moves an example in 1 to {size} directions. Received: {count!r}.")
    units = ops.broadcast_to(ops.eye(size, dtype=codes.dtype), (ops.shape(codes)[0], size, size))
    columns = jacobian_vector_products(decoder, codes, units)
    shape = columns.shape[2:]
    columns = ops.reshape(columns, (-1, size, math.prod(shape)))
    _, vectors = ops.eigh(ops.matmul(columns, ops.transpose(columns, (0, 2, 1))))  # rising
    largest_first = ops.flip(ops.transpose(vectors, (0, 2, 1)), axis=1)[:, :count]
    directions = ops.matmul(largest_first, columns)
    lengths = ops.sqrt(ops.sum(ops.square(directions), axis=-1, keepdims=True))
    alive = lengths > _SMALLEST_SHARE * ops.max(lengths, axis=1, keepdims=True)
    directions = ops.where(alive, directions / ops.where(alive, lengths, ops.ones_like(lengths)), ops.zeros_like(directions))
    return ops.stop_gradient(ops.reshape(directions, (-1, count, *shape)))
