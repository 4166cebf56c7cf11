"""Diversity of samples: multi-scale structural similarity, Wang et al. 2003, Asilomar; as a GAN figure Odena et al. 2016, 1610.09585."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from kgan import checks
from kgan.datasets import to_uint8
from kgan.types import Array, Sizes

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_WINDOW, _SIGMA, _K1, _K2 = 11, 1.5, 0.01, 0.03
_PAIRS_AT_ONCE = 32


def ms_ssim(first: Array, second: Array, weights: Sequence[float] = WEIGHTS, shrink: bool = False) -> Array:
    """Multi-scale structural similarity of pairs of images: Wang et al. 2003, Eq. 7.

    Window 11x11, Gaussian of standard deviation 1.5, K1 0.01, K2 0.03, scales by 2x2 means, on pixels 0..255. Negative means of the
    contrast-structure term count as 0. Channels are averaged within each scale, as in the code of 1710.10196 (ProGAN);
    TensorFlow averages them at the end, and agrees for one channel.

    Args:
        first, second: images (pairs, height, width, channels) in [-1, 1]; rounded to 8 bits.
        weights: exponents, one a scale from fine to coarse; default those of the paper, five.
        shrink: default False. True makes the window (and its deviation in proportion) no larger than the image, scale by scale, as
            ProGAN's code does, which below 161 pixels compares coarse scales by a few pixels.

    Returns:
        array (pairs,) in [0, 1]; 1 for equal images.

    Raises:
        ValueError: for images that are too small, with the smallest size; for two shapes.

    Example:
    >>> import numpy as np
    >>> image = np.random.default_rng(0).uniform(-1, 1, (1, 161, 161, 1)).astype("float32")
    >>> ms_ssim(image, image).round(6), ms_ssim(image, -image).round(6)
    (array([1.]), array([0.]))
    """
    first, second = _pairs(first, second)
    _check_size(first.shape[1:3], len(weights), shrink)
    batches = [slice(i, i + _PAIRS_AT_ONCE) for i in range(0, len(first), _PAIRS_AT_ONCE)]
    return np.concatenate([_ms_ssim(first[batch], second[batch], weights) for batch in batches])


def ssim(first: Array, second: Array) -> Array:
    """Structural similarity of pairs of images on one scale: Wang et al. 2004, with the window and constants of `ms_ssim`.

    Args: as `ms_ssim`. Returns: array (pairs,); 1 for equal images.

    Example:
    >>> import numpy as np
    >>> image = np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 1)).astype("float32")
    >>> ssim(image, image).round(6)
    array([1.])
    """
    first, second = _pairs(first, second)
    _check_size(first.shape[1:3], 1, False)
    parts = (slice(i, i + _PAIRS_AT_ONCE) for i in range(0, len(first), _PAIRS_AT_ONCE))
    pixels = ((to_uint8(images[part]).astype("float32") for images in (first, second)) for part in parts)
    return np.concatenate([next(_ssim(*pair)) for pair in pixels])


def psnr(first: Array, second: Array) -> Array:
    """Peak signal-to-noise ratio of pairs of images in decibels: `10 log10(255^2 / mean square difference)` of their 8-bit pixels.

    Args: as `ms_ssim`. Returns: array (pairs,); infinity for equal images.

    Example: a difference of one gray level everywhere.

    >>> import numpy as np
    >>> black = np.full((1, 4, 4, 1), -1.0)
    >>> psnr(black, black + 1 / 127.5).round(2)
    array([48.13])
    """
    first, second = (to_uint8(images).astype("float64") for images in _pairs(first, second))
    error = np.square(first - second).mean(axis=(1, 2, 3))
    with np.errstate(divide="ignore"):
        return 10.0 * np.log10(255.0**2 / error)


def _pairs(first: Array, second: Array) -> tuple[Array, Array]:
    first, second = checks.images(first), checks.images(second)
    if first.shape != second.shape:
        raise ValueError(f"Pairs need images of one shape. Received: {first.shape} and {second.shape}.")
    return first, second


def mean_ms_ssim(
    images: Array, pairs: int = 10_000, weights: Sequence[float] = WEIGHTS, shrink: bool = False, seed: int = 0
) -> float:
    """Mean multi-scale similarity of random pairs of different images of a set: the higher, the less diverse.

    Compare with the same figure of the real data: that of good samples is not low but equal. Meant for images of one class
    (1610.09585) or of one subject (faces, ProGAN 1710.10196).

    Args:
        images: images (count, height, width, channels) in [-1, 1], at least 2.
        pairs: >= 1, default 10,000 (ProGAN's). On one core, 1000 pairs of 176x176x3 take some 20 seconds.
        weights, shrink: as in `ms_ssim`.
        seed: default 0: of the pairs.

    Returns:
        float in [0, 1].

    Raises:
        ValueError: as `ms_ssim`; for fewer than 2 images.

    Example:
    >>> import numpy as np
    >>> images = np.random.default_rng(0).uniform(-1, 1, (3, 161, 161, 1)).astype("float32")
    >>> mean_ms_ssim(images, pairs=4) < 0.2
    True
    """
    images = checks.images(images)
    checks.positive_integers(pairs=pairs)
    if len(images) < 2:
        raise ValueError(f"Pairs of different images need at least 2. Received: {len(images)}.")
    _check_size(images.shape[1:3], len(weights), shrink)
    generator = np.random.default_rng(seed)
    first = generator.integers(len(images), size=pairs)
    second = (first + generator.integers(1, len(images), size=pairs)) % len(images)
    # Which of two is the first does not matter; few images give the same pair many times.
    different, times = np.unique(np.sort(np.stack([first, second]), axis=0), axis=1, return_counts=True)
    total = 0.0
    for start in range(0, len(times), _PAIRS_AT_ONCE):
        batch = slice(start, start + _PAIRS_AT_ONCE)
        first, second = (images[chosen[batch]] for chosen in different)
        total += float(times[batch] @ _ms_ssim(first, second, weights))
    return float(total / pairs)


def _check_size(size: Sizes, scales: int, shrink: bool) -> None:
    # Odd sizes are halved upwards, so the coarsest scale has ceil(n / 2^(scales - 1)) pixels.
    least = (1 if shrink else _WINDOW - 1) * 2 ** (scales - 1) + 1
    if min(size) < least:
        hint = "" if shrink else ", `shrink=True` (ProGAN's code)"
        raise ValueError(
            f"{scales} scales need images of at least {least}x{least} pixels. Received: {size[0]}x{size[1]}. "
            f"Use larger images, fewer `weights`{hint}."
        )


def _ms_ssim(first: Array, second: Array, weights: Sequence[float]) -> Array:
    first, second = (to_uint8(images).astype("float32") for images in (first, second))
    product: Any = 1.0
    for scale, weight in enumerate(weights):
        similarity, structure = _ssim(first, second)
        last = scale == len(weights) - 1
        product = product * (similarity if last else structure).clip(0) ** weight
        if not last:
            first, second = _halve(first), _halve(second)
    return product


def _ssim(first: Array, second: Array) -> Iterator[Array]:
    """Means over positions and channels of the similarity, and of its contrast-structure factor."""
    size = min(_WINDOW, *first.shape[1:3])
    offsets = np.arange(size) - (size - 1) / 2
    window = np.exp(-0.5 * (offsets / (_SIGMA * size / _WINDOW)) ** 2)
    window = (window / window.sum()).astype("float32")

    def blur(images: Array) -> Array:
        height, width = (n - size + 1 for n in images.shape[1:3])
        images = sum(w * images[:, i : i + height] for i, w in enumerate(window))
        return sum(w * images[:, :, i : i + width] for i, w in enumerate(window))

    mean_1, mean_2 = blur(first), blur(second)
    variance_1, variance_2 = blur(first**2) - mean_1**2, blur(second**2) - mean_2**2
    covariance = blur(first * second) - mean_1 * mean_2
    c1, c2 = (_K1 * 255) ** 2, (_K2 * 255) ** 2
    structure = (2 * covariance + c2) / (variance_1 + variance_2 + c2)
    similarity = (2 * mean_1 * mean_2 + c1) / (mean_1**2 + mean_2**2 + c1) * structure
    return (values.mean(axis=(1, 2, 3), dtype="float64") for values in (similarity, structure))


def _halve(images: Array) -> Array:
    _, height, width, _ = images.shape
    images = np.pad(images, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="symmetric")
    count, height, width, channels = images.shape
    return images.reshape(count, height // 2, 2, width // 2, 2, channels).mean(axis=(2, 4))
