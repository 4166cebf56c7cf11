"""Figures of optical flow."""

import numpy as np

from kgan.types import Array


def _errors(flow: Array, truth: Array, valid: Array | None) -> tuple[Array, Array]:
    """End-point errors and lengths of the true flow, where it is known."""
    flow, truth = np.asarray(flow, "float64"), np.asarray(truth, "float64")
    if flow.shape != truth.shape or flow.shape[-1] != 2:
        raise ValueError(f"Flow and truth must have one shape (..., height, width, 2). Received: {flow.shape} and {truth.shape}.")
    known = np.isfinite(truth).all(axis=-1) & (np.abs(truth) < 1e9).all(axis=-1)
    if valid is not None:
        known &= np.asarray(valid, bool).reshape(known.shape)
    if not known.any():
        raise ValueError("The true flow is known nowhere.")
    return np.linalg.norm((flow - truth)[known], axis=-1), np.linalg.norm(truth[known], axis=-1)


def mean_end_point_error(flow: Array, truth: Array, valid: Array | None = None) -> float:
    """Mean distance of flow from the truth, in pixels, over what is known.

    Args:
        flow, truth: arrays `(..., height, width, 2)`; truth that is infinite, NaN or beyond 1e9 is unknown.
        valid: array `(..., height, width)` or `(..., 1)`, default None: known where the truth says so.

    Returns:
        float.

    Example:
    >>> import numpy as np
    >>> truth = np.array([[[3.0, 4.0], [np.inf, 0.0]]])
    >>> mean_end_point_error(np.zeros((1, 2, 2)), truth)
    5.0
    """
    return float(_errors(flow, truth, valid)[0].mean())


def flow_outliers(flow: Array, truth: Array, valid: Array | None = None) -> float:
    """Fl-all of KITTI: the share of known pixels whose error is above 3 pixels and above 5 % of the true length. Arguments as above.

    Example:
    >>> import numpy as np
    >>> truth = np.array([[[4.0, 0.0], [100.0, 0.0]]])
    >>> flow_outliers(truth + [[[4.0, 0.0], [4.0, 0.0]]], truth)
    0.5
    """
    errors, lengths = _errors(flow, truth, valid)
    return float(((errors > 3.0) & (errors > 0.05 * lengths)).mean())
