"""Agreement of pairs where the change from one domain to the other is known."""

import numpy as np
from numpy.typing import ArrayLike


def pixel_agreement(expected: ArrayLike, made: ArrayLike, threshold: float = 0.0) -> tuple[float, float]:
    """The pixel agreement ratio of CoGAN (1606.07536): the share of pixels on the same side of a threshold.

    Args:
        expected: array of images, the known change applied to the examples of one domain.
        made: array of the same shape, the corresponding examples of the other domain.
        threshold: default 0.0, the middle of [-1, 1]; the paper does not print its own.

    Returns:
        `(ratio, difference)`: floats; the mean absolute difference of a pixel is in units of the range
        [-1, 1], so that 1 is from end to end.

    Raises:
        ValueError: for arrays of different shapes.

    Example:
    >>> import numpy as np, kgan
    >>> kgan.metrics.pixel_agreement(np.array([[1.0, -1.0]]), np.array([[0.5, 0.5]]))
    (0.5, 0.5)
    """
    expected, made = np.asarray(expected, "float64"), np.asarray(made, "float64")
    if expected.shape != made.shape or not expected.size:
        raise ValueError(f"`pixel_agreement` compares arrays of one shape. Received {expected.shape} and {made.shape}.")
    same = (expected > threshold) == (made > threshold)
    return float(same.mean()), float(np.abs(expected - made).mean() / 2.0)
