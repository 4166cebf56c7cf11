"""Coherence in time: Bhattacharjee and Das, "Temporal coherency based criteria for predicting video frames", NIPS 2017.

Clips are tensors `(batch, frames, height, width, channels)`.
"""

import math

import numpy as np
from keras import ops

from kgan.backend import full_precision
from kgan.types import Tensor

_SQUARE = 1e-6
"""Added to the squared norms of centered patches: what makes the correlation of a constant patch 0, and its gradient finite."""


def correlation(first: Tensor, second: Tensor) -> Tensor:
    """Normalized cross-correlation over the last axis: `sum (a - mean a)(b - mean b) / (|a - mean a| |b - mean b|)`, in [-1, 1].

    Args:
        first, second: tensors `(..., n)`.

    Returns:
        Tensor `(...)`, float32. Where one of the two is constant it is 0.

    Example: unchanged by contrast and brightness.

    >>> from keras import ops
    >>> import kgan
    >>> patch = ops.convert_to_tensor([1.0, 2.0, 4.0])
    >>> [round(float(kgan.objectives.correlation(patch, a * patch + 3.0)), 4) for a in (2.0, -1.0)]
    [1.0, -1.0]
    """
    first, second = full_precision(first, second)
    a, b = (x - ops.mean(x, axis=-1, keepdims=True) for x in (first, second))
    norms = (ops.sum(ops.square(x), axis=-1) + _SQUARE for x in (a, b))
    return ops.sum(a * b, axis=-1) / ops.sqrt(math.prod(norms))


def correlation_score(predicted: Tensor, previous: Tensor, patch: int = 8, reach: int = 2) -> Tensor:
    """The paper's Score: how well every patch of a frame is found again in the frame before it.

    `mean over frames and patches P of max(0, max over shifts NCC(P, window of the previous frame))`: patches of `patch` by `patch`
    pixels do not overlap, the window reaches `reach` pixels further, and the patch may stand anywhere in it, inside the frame. The
    copy of the previous frame has Score 1, more than the true next frame: no figure to maximize by itself.

    Args:
        predicted: tensor `(batch, frames, height, width, channels)`, height and width multiples of `patch`.
        previous: the same shape: the true frame before each of them.
        patch: default 8 (of this project; the paper does not say): pixels.
        reach: default 2: pixels that a patch may have moved (the paper's window, 4 pixels wider than the patch).

    Returns:
        Scalar in [0, 1].

    Raises:
        ValueError: for two shapes, or a size that is no multiple of the patch.

    Departures from the paper: it compares a patch with a larger window and does not say how; here the best of the shifts counts.
    """
    return ops.mean(ops.relu(_best_correlation(predicted, previous, patch, reach)))


def correlation_loss(predicted: Tensor, previous: Tensor, patch: int = 8, reach: int = 2) -> Tensor:
    """NCCL: `-1/2` of `correlation_score`, in [-1/2, 0]. Arguments as there."""
    return -0.5 * correlation_score(predicted, previous, patch, reach)


def _best_correlation(predicted: Tensor, previous: Tensor, patch: int, reach: int) -> Tensor:
    """The largest correlation of every patch over the shifts: `(batch, frames, patches down, patches across)`."""
    predicted, previous = full_precision(predicted, previous)
    height, width = _checked(predicted, previous, patch)
    ahead = ops.pad(previous, ((0, 0), (0, 0), (reach, reach), (reach, reach), (0, 0)))
    shifts = [(y, x) for y in range(2 * reach + 1) for x in range(2 * reach + 1)]
    shifted = ops.stack([ahead[:, :, y : y + height, x : x + width] for y, x in shifts])
    found = correlation(_patches(predicted, patch)[None], _patches(shifted, patch))
    # What lies beyond the border is no place where a patch can have been.
    inside = np.stack([_inside(height, patch, y - reach)[:, None] & _inside(width, patch, x - reach) for y, x in shifts])
    return ops.max(ops.where(inside[:, None, None], found, -1.0), axis=0)


def _inside(size: int, patch: int, shift: int) -> np.ndarray:
    """Which of the patches along one axis stay within the frame when they are shifted."""
    starts = np.arange(0, size, patch) + shift
    return (starts >= 0) & (starts + patch <= size)


def _patches(clips: Tensor, patch: int) -> Tensor:
    """`(..., height / patch, width / patch, patch * patch * channels)`."""
    *leading, height, width, channels = clips.shape
    leading = [-1 if size is None else size for size in leading]
    split = ops.reshape(clips, (*leading, height // patch, patch, width // patch, patch, channels))
    axes = [*range(len(leading)), len(leading), len(leading) + 2, len(leading) + 1, len(leading) + 3, len(leading) + 4]
    return ops.reshape(ops.transpose(split, axes), (*leading, height // patch, width // patch, patch * patch * channels))


def _checked(predicted: Tensor, previous: Tensor, patch: int) -> tuple[int, int]:
    first, second = tuple(predicted.shape), tuple(previous.shape)
    if len(first) != 5 or first[1:] != second[1:]:
        raise ValueError(
            f"Two clips (batch, frames, height, width, channels) of one shape are compared. Received: {first} and {second}."
        )
    height, width = first[2:4]
    if height % patch or width % patch:
        raise ValueError(f"Frames must be multiples of the patch, {patch} pixels. Received: {height}x{width}.")
    return height, width


def smooth_correlation_loss(predicted: Tensor, previous: Tensor, patch: int = 8, reach: int = 2) -> Tensor:
    """SNCCL: `correlation_loss` at every pixel, with a Gaussian window in place of patches.

    The paper uses a smoothed loss (its supplement) whose formula is not public. This one is of this project: the correlation is
    weighted by a Gaussian of standard deviation `patch / 4` around every pixel, cut at `patch` pixels and normalized at the border; the
    best of the shifts counts.

    Args: as `correlation_score`; the size need not be a multiple of the patch.

    Returns:
        Scalar in [-1/2, 0].
    """
    predicted, previous = full_precision(predicted, previous)
    _checked(predicted, previous, 1)
    height, width = predicted.shape[2:4]
    down, across = (ops.convert_to_tensor(_window(size, patch)) for size in (height, width))

    def blurred(clips: Tensor) -> Tensor:
        return ops.einsum("vw,bthwc->bthvc", across, ops.einsum("gh,bthwc->btgwc", down, clips))

    rows, columns = (np.clip(np.arange(-reach, size + reach), 0, size - 1) for size in (height, width))  # the border goes on
    ahead = ops.take(ops.take(previous, rows, axis=2), columns, axis=3)
    mean = blurred(predicted)
    spread = ops.sum(blurred(ops.square(predicted)) - ops.square(mean), axis=-1)
    best = None
    for y in range(2 * reach + 1):
        for x in range(2 * reach + 1):
            moved = ahead[:, :, y : y + height, x : x + width]
            moved_mean = blurred(moved)
            moved_spread = ops.sum(blurred(ops.square(moved)) - ops.square(moved_mean), axis=-1)
            shared = ops.sum(blurred(predicted * moved) - mean * moved_mean, axis=-1)
            # Variances by a difference of large numbers are uncertain to some 1e-7, below 0 as well.
            found = shared / ops.sqrt((ops.relu(spread) + 1e-4) * (ops.relu(moved_spread) + 1e-4))
            best = found if best is None else ops.maximum(best, found)
    return -0.5 * ops.mean(ops.relu(best))


def _window(size: int, patch: int) -> np.ndarray:
    """Weights `(size, size)` of the pixels of a line, a row for each pixel in the middle."""
    distance = np.arange(size)[:, None] - np.arange(size)
    weights = np.exp(-0.5 * (distance / (patch / 4)) ** 2) * (np.abs(distance) <= patch)
    return (weights / weights.sum(axis=1, keepdims=True)).astype("float32")


def contrastive(distance: Tensor, belief: Tensor, margin: float = 0.1) -> Tensor:
    """`D_delta(e, p) = p e + (1 - p) max(0, delta - e)`: near where the discriminator believes, apart where it does not (PCDL).

    Args:
        distance: tensor `(...)` of distances e >= 0.
        belief: tensor of that shape: probabilities p in [0, 1] that the discriminator gives to the frames compared; through them no
            gradient flows.
        margin: default 0.1 (of this project): delta, in units of the distance.

    Returns:
        Scalar, the mean.

    Example:
    >>> from keras import ops
    >>> import kgan
    >>> distance = ops.convert_to_tensor([0.02])
    >>> [round(float(kgan.objectives.contrastive(distance, ops.convert_to_tensor([p]))), 4) for p in (1.0, 0.0, 0.5)]
    [0.02, 0.08, 0.05]
    """
    distance, belief = full_precision(distance, belief)
    belief = ops.stop_gradient(belief)
    return ops.mean(belief * distance + (1.0 - belief) * ops.relu(margin - distance))


def frame_coherence(features: Tensor, beliefs: Tensor, order: int = 1, margin: float = 0.1) -> Tensor:
    """PCDL (`order=1`) and 3-PCDL (`order=2`): `contrastive` of the differences of consecutive frames.

    The distance of two frames, or of the two first differences of three, is the Euclidean norm between their features, which are
    normalized to length 1 first; the belief is the product over the frames compared. Motion at one speed in the features costs
    nothing in the second order.

    Args:
        features: tensor `(batch, frames, n)`: what the discriminator's last layer sees of each frame.
        beliefs: tensor `(batch, frames)`, as in `contrastive`.
        order: 1 or 2.
        margin: as in `contrastive`.

    Returns:
        Scalar.

    Raises:
        ValueError: for fewer than `order + 1` frames.
    """
    features, beliefs = full_precision(features, beliefs)
    if features.shape[1] <= order:
        raise ValueError(f"Differences of order {order} need at least {order + 1} frames. Received: {features.shape[1]}.")
    steps = features / ops.sqrt(ops.sum(ops.square(features), axis=-1, keepdims=True) + 1e-12)
    together = beliefs
    for _ in range(order):
        steps = steps[:, 1:] - steps[:, :-1]
    for shift in range(1, order + 1):
        together = together[:, :-1] * beliefs[:, shift:]
    # Equal frames have no direction to part in, and a root no slope at 0.
    squared = ops.sum(ops.square(steps), axis=-1)
    positive = squared > 1e-12
    distance = ops.where(positive, ops.sqrt(ops.where(positive, squared, 1.0)), 0.0)
    return contrastive(distance, together, margin)
