"""Optical flow: end-point error, and what unsupervised flow assumes (Lai, Huang, Yang, NIPS 2017)."""

from keras import ops

from kgan.backend import full_precision
from kgan.types import Tensor


def end_point_error(flow: Tensor, truth: Tensor, valid: Tensor | None = None) -> Tensor:
    """`mean sqrt((u - u*)^2 + (v - v*)^2 + 1e-12)` over the pixels whose flow is known, in pixels (L_EPE).

    Args:
        flow, truth: `(batch, height, width, 2)`; unknown truth may be any finite number.
        valid: `(batch, height, width)` or `(..., 1)` of 0 and 1, default None: all known.

    Returns:
        Scalar; 0 where nothing is known.

    Example:
    >>> from keras import ops
    >>> import kgan
    >>> flow = ops.reshape(ops.convert_to_tensor([3.0, 4.0, 9.0, 9.0]), (1, 1, 2, 2))
    >>> known = ops.reshape(ops.convert_to_tensor([1.0, 0.0]), (1, 1, 2))
    >>> float(kgan.objectives.end_point_error(flow, ops.zeros((1, 1, 2, 2)), known))
    5.0
    """
    flow, truth = full_precision(flow, truth)
    errors = ops.sqrt(ops.sum(ops.square(flow - truth), axis=-1) + 1e-12)
    if valid is None:
        return ops.mean(errors)
    known = ops.reshape(ops.cast(valid, errors.dtype), ops.shape(errors))
    return ops.sum(known * errors) / ops.maximum(ops.sum(known), 1.0)


def charbonnier(errors: Tensor, epsilon: float = 1e-3) -> Tensor:
    """`mean sqrt(x^2 + epsilon^2)`: an absolute value that is smooth at 0.

    Args:
        errors: tensor. epsilon: default 1e-3.

    Returns:
        Scalar.
    """
    return ops.mean(ops.sqrt(ops.square(full_precision(errors)) + epsilon**2))


def flow_smoothness(flow: Tensor, epsilon: float = 1e-3) -> Tensor:
    """`rho(dx u) + rho(dy u) + rho(dx v) + rho(dy v)`, rho the Charbonnier function, each a mean over pixels.

    Args:
        flow: `(batch, height, width, 2)` in pixels. epsilon: as in `charbonnier`.

    Returns:
        Scalar; `4 epsilon` for a constant flow.
    """
    flow = full_precision(flow)
    across, down = flow[:, :, 1:] - flow[:, :, :-1], flow[:, 1:] - flow[:, :-1]
    return sum(charbonnier(part[..., k], epsilon) for part in (across, down) for k in range(2))
