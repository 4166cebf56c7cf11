"""Detectors of hidden messages that need no training, and how well any detector does.

The first four estimate how much of an image was written over by LSB *replacement*, which turns 2i and 2i+1 into each other and never
2i into 2i-1. They hardly see anything else: not LSB matching (adding or subtracting one), not adaptive embedding, not what networks
add. A low answer of theirs says that a message was not embedded that way, no more. What was embedded otherwise asks for a detector
trained on examples.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kgan.types import Array


def _pixels(image: Array) -> Array:
    """uint8 planes `(channels, height, width)`."""
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or not image.size:
        raise ValueError(
            f"An image must be uint8 (height, width) or (height, width, channels). Received: {image.dtype} of shape {image.shape}."
        )
    return image[None] if image.ndim == 2 else np.moveaxis(image, -1, 0)


def _smaller_root(a: float, b: float, c: float) -> float:
    """The root of `a x^2 + b x + c` nearer to 0; of the nearest parabola with a root where there is none; 0 for constants."""
    if a == 0:
        return -c / b if b else 0.0
    root = math.sqrt(max(b * b - 4 * a * c, 0.0))
    return min((-b + root) / (2 * a), (-b - root) / (2 * a), key=abs)


def rs_analysis(image: Array) -> float:
    """Share of pixels that carry LSB-replacement bits, by regular and singular groups: Fridrich, Goljan, Du, ACM Multimedia 2001.

    Groups are four pixels in a row, the mask flips the inner two, by 2i <-> 2i+1 and, the dual way, by 2i-1 <-> 2i. Without a message
    both ways make as many groups rougher; every bit embedded evens out the first way alone. Channels are counted together.

    Args:
        image: uint8 array (height, width[, channels]), at least 4 wide.

    Returns:
        float, about 0 for covers (their bias is a few hundredths, of either sign), about 1 where every pixel carries a bit;
        unsure beyond 0.9, where the sets it compares become equal.

    Example:
    >>> import numpy as np, kgan
    >>> ramp = (np.add.outer(np.arange(64), 2 * np.arange(64)) // 2 + 60).astype("uint8")
    >>> abs(kgan.stego.rs_analysis(ramp)) < 0.1
    True
    """
    planes = _pixels(image).astype("int16")
    if planes.shape[2] < 4:
        raise ValueError(f"RS analysis needs images at least 4 pixels wide. Received: {planes.shape[2]}.")
    groups = planes[:, :, : planes.shape[2] // 4 * 4].reshape(-1, 4)

    def counts(x: Array) -> list[float]:
        """Regular less singular groups, as shares, by the mask and by its dual."""
        rough = np.abs(np.diff(x, axis=1)).sum(axis=1)
        found = []
        for flipped in (x ^ 1, ((x + 1) ^ 1) - 1):
            changed = x.copy()
            changed[:, 1:3] = flipped[:, 1:3]
            found.append(float(np.sign(np.abs(np.diff(changed, axis=1)).sum(axis=1) - rough).mean()))
        return found

    (d0, e0), (d1, e1) = counts(groups), counts(groups ^ 1)
    z = _smaller_root(2 * (d1 + d0), e0 - e1 - d1 - 3 * d0, d0 - e0)
    return z / (z - 0.5) if z != 0.5 else 1.0


def sample_pairs(image: Array) -> float:
    """Share of pixels that carry LSB-replacement bits, by pairs of neighbors: Dumitrescu, Wu, Wang, IEEE Trans. Signal Processing 2003.

    In covers pairs (u, v) whose even one is smaller are as many as those whose odd one is; replacement moves pairs between these sets
    at known rates. All pairs of horizontal neighbors, all channels together.

    Args:
        image: uint8 array (height, width[, channels]), at least 2 wide.

    Returns:
        float, as of `rs_analysis`.
    """
    planes = _pixels(image).astype("int16")
    u, v = planes[:, :, :-1].ravel(), planes[:, :, 1:].ravel()
    if not len(u):
        raise ValueError("Pairs need images at least 2 pixels wide.")
    even = v % 2 == 0
    x = int(((even & (u < v)) | (~even & (u > v))).sum())
    y = int(((even & (u > v)) | (~even & (u < v))).sum())
    same = int((u // 2 == v // 2).sum())
    return 2 * _smaller_root(2.0 * same, 2.0 * (2 * x - len(u)), float(y - x))


def weighted_stego(image: Array) -> float:
    """Share of pixels that carry LSB-replacement bits, by prediction of pixels from neighbors: Fridrich and Goljan, SPIE 2004.

    The residual of a pixel against its prediction, times the sign its flipped bit would have, averaged with more weight in smooth
    places. The predictor (1/2 for the four nearest, -1/4 for the diagonal ones) and the weights 1 / (5 + local variance) are those of
    Ker and Boehme, SPIE 2008. The most exact of the estimators here, but where images have large flat areas, of which it says too
    much. All channels together.

    Args:
        image: uint8 array (height, width[, channels]), at least 3x3.

    Returns:
        float, as of `rs_analysis`.
    """
    x = _pixels(image).astype("float64")
    if min(x.shape[1:]) < 3:
        raise ValueError(f"Prediction from neighbors needs images of at least 3x3 pixels. Received: {x.shape[1]}x{x.shape[2]}.")
    parts = {(i, j): x[:, 1 + i : x.shape[1] - 1 + i, 1 + j : x.shape[2] - 1 + j] for i in (-1, 0, 1) for j in (-1, 0, 1)}
    around = [p for place, p in parts.items() if place != (0, 0)]
    predicted = sum((0.5 if 0 in place else -0.25) * p for place, p in parts.items() if place != (0, 0))
    mean = sum(around) / 8
    weight = np.asarray(1.0 / (5.0 + sum((p - mean) ** 2 for p in around) / 8))
    middle = parts[0, 0]
    sign = 2.0 * (middle % 2) - 1.0  # the pixel less the one with its bit flipped
    return float(2.0 * (weight * sign * (middle - predicted)).sum() / weight.sum())


def chi_square(image: Array, share: float = 1.0) -> float:
    """Probability that LSB replacement filled the first pixels, by pairs of values: Westfeld and Pfitzmann, Information Hiding 1999.

    A random message makes the two values of each pair 2i, 2i+1 equally frequent; a chi-square test asks how well they are. Made for
    messages that fill pixels one after another; spread over the image, a message is seen only when it takes nearly all of it.

    Args:
        image: uint8 array (height, width[, channels]).
        share: in (0, 1], default 1: of the pixels, row by row, channels one after another in each pixel.

    Returns:
        float in [0, 1]: p-value of "pairs are equally frequent". Near 1 for a full message, near 0 for most covers.
    """
    if not 0.0 < share <= 1.0:
        raise ValueError(f"`share` must lie in (0, 1]. Received: {share!r}.")
    values = np.moveaxis(_pixels(image), 0, -1).ravel()
    counts = np.bincount(values[: max(1, round(share * len(values)))], minlength=256).reshape(128, 2)
    expected = counts.sum(axis=1) / 2
    # Rare values are left out, for the test is of large numbers.
    enough = expected >= 5
    if enough.sum() < 2:
        return 0.0
    statistic = (((counts[:, 0] - expected) ** 2)[enough] / expected[enough]).sum()
    return float(_scipy("special").gammaincc((enough.sum() - 1) / 2, statistic / 2))


def _scipy(part: str) -> Any:
    import importlib

    try:
        return importlib.import_module(f"scipy.{part}")
    except ImportError as error:
        raise ImportError("The chi-square attack needs scipy. Install it: pip install 'kgan[steganalysis]'.") from error


@dataclass(frozen=True)
class Detection:
    """How well scores tell stego images from covers.

    Attributes:
        accuracy: on the tested half, at the threshold that was best on the other; covers and stego images in equal number.
        low, high: Wilson's 95 % interval of the accuracy.
        area: area under the ROC curve on the tested half; 1/2 is chance, below it the direction found on the other half was wrong.
        threshold: float. higher_is_stego: bool. tested: images of the tested half, covers and stego.
    """

    accuracy: float
    low: float
    high: float
    area: float
    threshold: float
    higher_is_stego: bool
    tested: int


def detection(cover_scores: ArrayLike, stego_scores: ArrayLike, seed: int = 0) -> Detection:
    """Judge a detector by its scores, without looking at the images it is judged on.

    A cover and the stego image made of it fall into the same half; threshold and direction come from one half, all figures from the
    other.

    Args:
        cover_scores, stego_scores: arrays (pairs,) of finite numbers, at least 4, one pair a cover.
        seed: default 0: of the halves.

    Returns:
        `Detection`.

    Example:
    >>> import numpy as np, kgan
    >>> found = kgan.stego.detection(np.zeros(20), np.ones(20))
    >>> found.accuracy, round(found.low, 3), found.area, found.tested
    (1.0, 0.839, 1.0, 20)
    """
    cover, stego = np.asarray(cover_scores, "float64"), np.asarray(stego_scores, "float64")
    if cover.ndim != 1 or cover.shape != stego.shape or len(cover) < 4:
        raise ValueError(f"Scores come in pairs, at least 4. Received shapes: {cover.shape} and {stego.shape}.")
    if not (np.isfinite(cover).all() and np.isfinite(stego).all()):
        raise ValueError("Scores must be finite.")
    order = np.random.default_rng(seed).permutation(len(cover))
    train, test = order[: len(order) // 2], order[len(order) // 2 :]
    sign, threshold = _best_threshold(cover[train], stego[train])
    right = int((sign * cover[test] <= threshold).sum() + (sign * stego[test] > threshold).sum())
    low, high = wilson_interval(right, 2 * len(test))
    area = _area(sign * cover[test], sign * stego[test])
    return Detection(right / (2 * len(test)), low, high, area, sign * threshold, sign > 0, 2 * len(test))


def _best_threshold(cover: Array, stego: Array) -> tuple[int, float]:
    """`(sign, threshold)` with the most right answers to "sign * score > threshold"."""
    best = (-1, 1, 0.0)
    for sign in (1, -1):
        a, b = np.sort(sign * cover), np.sort(sign * stego)
        values = np.unique(np.concatenate([a, b]))
        # Between two values, and below and above all.
        cuts = np.concatenate([[values[0] - 1.0], (values[:-1] + values[1:]) / 2, [values[-1] + 1.0]])
        right = np.searchsorted(a, cuts, "right") + len(b) - np.searchsorted(b, cuts, "right")
        found = int(np.argmax(right))
        if right[found] > best[0]:
            best = (int(right[found]), sign, float(cuts[found]))
    return best[1:]


def _area(cover: Array, stego: Array) -> float:
    """Probability that a stego image scores higher than a cover, ties half."""
    values = np.sort(cover)
    wins = np.searchsorted(values, stego, "left") + np.searchsorted(values, stego, "right")
    return float(wins.mean() / (2 * len(cover)))


def wilson_interval(successes: float, trials: int, deviations: float = 1.959964) -> tuple[float, float]:
    """Interval of a share from counts: Wilson 1927. Holds for shares at and near 0 and 1, too.

    Args:
        successes, trials: int. deviations: default 1.96, 95 %.

    Returns:
        `(low, high)`.

    Example:
    >>> import kgan
    >>> [round(x, 4) for x in kgan.stego.wilson_interval(200, 200)]
    [0.9812, 1.0]
    """
    if not 0 <= successes <= trials or trials < 1:
        raise ValueError(f"Successes must lie in 0..trials, of at least one trial. Received: {successes} of {trials}.")
    share, z2 = successes / trials, deviations**2
    middle = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = deviations * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials**2)) / (1 + z2 / trials)
    return (middle - half if successes else 0.0), (middle + half if successes < trials else 1.0)
