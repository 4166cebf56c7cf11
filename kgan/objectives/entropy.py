"""The entropy of a generator by its gradient: Dai et al., "Calibrating energy-based GANs", ICLR 2017, arXiv 1702.01691, section 4."""

import math

from keras import ops

from kgan.backend import full_precision
from kgan.objectives.kernels import squared_distances
from kgan.types import Tensor

NEIGHBOR_FORMS = ("unit", "variance")


def neighbor_directions(samples: Tensor, neighbors: int = 20, form: str = "unit") -> Tensor:
    """Estimates of the direction of `d log p / dx` at every sample, from the mean of its nearest others (Eq. 9-11).

    Args:
        samples: tensor `(N, ...)`, flattened here. neighbors: k, fewer than N, default 20 (the paper's).
        form: "unit" (default, the paper's): `(mu - x) / ||mu - x||`. "variance" (the authors' code for points): `(mu - x)`, divided in
            every coordinate by the variance of the k + 1 points, x included: an estimate of the slope itself, up to a constant factor.

    Returns:
        Tensor `(N, features)`, through which no gradient flows.

    Raises:
        ValueError: for a minibatch of `neighbors` or fewer.
    """
    if form not in NEIGHBOR_FORMS:
        raise ValueError(f"`form` must be one of {', '.join(NEIGHBOR_FORMS)}. Received: {form!r}.")
    if samples.shape[0] is not None and samples.shape[0] <= neighbors:
        raise ValueError(
            f"Of {samples.shape[0]} samples none has {neighbors} others. Make minibatches several times as large as `neighbors`."
        )
    x = ops.stop_gradient(_flat(samples))
    distances = squared_distances(x, x)
    itself = ops.eye(ops.shape(x)[0], dtype=x.dtype)
    # A sample is no neighbor of its own, not even where others lie on it.
    _, nearest = ops.top_k(-ops.where(itself > 0, math.inf, distances), neighbors)
    others = ops.take(x, nearest, axis=0)
    direction = ops.mean(others, axis=1) - x
    if form == "unit":
        return ops.stop_gradient(direction * ops.rsqrt(ops.sum(ops.square(direction), axis=-1, keepdims=True) + 1e-12))
    variance = ops.var(ops.concatenate([others, ops.expand_dims(x, 1)], axis=1), axis=1)
    return ops.stop_gradient(direction / (variance + 1e-12))


def neighbor_entropy(samples: Tensor, neighbors: int = 20, form: str = "unit") -> Tensor:
    """A scalar whose gradient stands for that of -H, the generator's negative entropy: `E[g(x) . x]`, g held fixed.

    To be added to a loss that is minimized: a step moves every sample away from its neighbors. The value itself means nothing.

    Args: as `neighbor_directions`. The gradient of a sample is `g(x) / N`.

    Example: the middle one of three samples goes nowhere, the others go outwards.

    >>> from keras import ops
    >>> import kgan
    >>> x = ops.convert_to_tensor([[-1.0], [0.0], [1.0]])
    >>> [round(float(g), 4) for g in kgan.objectives.neighbor_directions(x, neighbors=2)[:, 0]]
    [1.0, 0.0, -1.0]
    """
    return ops.mean(ops.sum(neighbor_directions(samples, neighbors, form) * _flat(samples), axis=-1))


def _flat(samples: Tensor) -> Tensor:
    return ops.reshape(full_precision(samples), (-1, math.prod(samples.shape[1:])))
