"""Agreement of pairs: images where the change from one domain to the other is known, and what happened beside what was meant."""

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


def shared_information(first: ArrayLike, second: ArrayLike) -> float:
    """Mutual information of two labelings of the same examples, in nats, from the histogram of pairs.

    Of the intention that a policy was told and the goal that it reached: 0 if one says nothing about the other, at most the entropy of
    either. Independent labels of n examples have about `(kinds - 1) (other kinds - 1) / 2n`.

    Args:
        first, second: arrays `(examples,)` of whole numbers.

    Raises:
        ValueError: for no examples, or not as many of both.

    Example: one of two goals for each intention.

    >>> import kgan
    >>> round(kgan.metrics.shared_information([0, 0, 1, 1], [1, 1, 0, 0]), 4)
    0.6931
    """
    first, second = np.asarray(first), np.asarray(second)
    if first.ndim != 1 or first.shape != second.shape or not first.size:
        raise ValueError(
            f"`shared_information` takes two arrays of labels of one length. Received {first.shape} and {second.shape}."
        )
    (rows, row), (columns, column) = (np.unique(labels, return_inverse=True) for labels in (first, second))
    joint = np.zeros((len(rows), len(columns)))
    np.add.at(joint, (row, column), 1.0 / len(first))
    alone = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    there = joint > 0
    return float((joint[there] * np.log(joint[there] / alone[there])).sum())
