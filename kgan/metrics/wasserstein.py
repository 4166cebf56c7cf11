"""Sliced Wasserstein distance (Rabin et al. 2011), and that of image patches on a Laplacian pyramid (ProGAN, 1710.10196, section 5)."""

import numpy as np

from kgan import checks
from kgan.types import Array

_TAPS = np.asarray([1.0, 4.0, 6.0, 4.0, 1.0], "float32") / 16.0
_IMAGES_AT_ONCE = 256


def sliced_wasserstein(first: Array, second: Array, directions: int = 128, repeats: int = 4, seed: int = 0) -> float:
    """Mean over random directions of the 1-Wasserstein distance of the projections.

    On a line that distance is the mean absolute difference of the sorted values. Translated by c, a set in d dimensions is at
    the distance `|c| E|theta_1|` for many directions, `E|theta_1| = Gamma(d/2) / (sqrt(pi) Gamma((d+1)/2))`.

    Args:
        first, second: arrays (samples, features) of one shape.
        directions: >= 1, default 128, projected on at once. repeats: >= 1, default 4. Both ProGAN's: 512 directions in all.
        seed: default 0.

    Returns:
        float >= 0.

    Raises:
        ValueError: for two shapes, fewer than 2 samples, NaN or infinite values.

    Example: on a line every direction is +1 or -1.

    >>> import numpy as np
    >>> points = np.random.default_rng(0).normal(size=(50, 1))
    >>> round(sliced_wasserstein(points, points + 3.0), 6)
    3.0
    """
    first, second = checks.pair(first, second)
    if len(first) != len(second):
        raise ValueError(f"Both sets need as many samples. Received: {len(first)} and {len(second)}.")
    checks.positive_integers(directions=directions, repeats=repeats)
    return _sliced(first, second, directions, repeats, np.random.default_rng(seed))


def _sliced(first: Array, second: Array, directions: int, repeats: int, generator: np.random.Generator) -> float:
    results = []
    for _ in range(repeats):
        theta = generator.normal(size=(first.shape[1], directions))
        theta = (theta / np.linalg.norm(theta, axis=0)).astype(first.dtype)
        results.append(np.abs(np.sort(first @ theta, axis=0) - np.sort(second @ theta, axis=0)).mean(dtype="float64"))
    return float(np.mean(results))


def image_sliced_wasserstein(
    real: Array,
    fake: Array,
    smallest: int = 16,
    patch_size: int = 7,
    patches: int = 128,
    directions: int = 128,
    repeats: int = 4,
    seed: int = 0,
) -> dict[int | str, float]:
    """Sliced Wasserstein distance of local patches, one figure per level of a Laplacian pyramid: ProGAN, 1710.10196, section 5.

    From every image and level, `patches` random squares are cut; they are normalized per channel to mean 0 and standard deviation 1,
    each set by its own statistics, and compared by `sliced_wasserstein`. Small distances at coarse levels mean alike large
    structure, at fine levels alike detail. Random squares of one set are at a distance > 0 too: compare with that of two real sets.

    Args:
        real, fake: images (count, n, n, channels) in [-1, 1], as many of each; 16,384 in the paper. Needs memory for
            `count * patches * patch_size^2 * channels` numbers of 32 bits of each set.
        smallest: default 16 (the authors'): the pyramid ends at the last level of at least so many pixels, or where a size is odd.
            Smaller images have one level, their own.
        patch_size: odd, default 7. patches: default 128 per image and level. directions, repeats: as in `sliced_wasserstein`.
            All the authors'.
        seed: default 0: of patches and directions.

    Returns:
        dict: distance times 1000 of every level, by its size in pixels, fine to coarse, and their "mean".

    Raises:
        ValueError: for images of two shapes or smaller than a patch; for constant channels.

    Example:
    >>> import kgan
    >>> train, test = (kgan.datasets.arrays("digits", split, image_size=32)[0][:200] for split in ("train", "test"))
    >>> figures = image_sliced_wasserstein(train, test, patches=16)
    >>> list(figures)
    [32, 16, 'mean']
    """
    real, fake = checks.images(real, "Real images"), checks.images(fake, "Generated images")
    checks.positive_integers(
        smallest=smallest, patch_size=patch_size, patches=patches, directions=directions, repeats=repeats
    )  # fmt: skip
    if real.shape != fake.shape or real.shape[1] != real.shape[2]:
        raise ValueError(f"Both sets need as many square images of one size. Received: {real.shape} and {fake.shape}.")
    sizes = [real.shape[1]]
    while sizes[-1] % 2 == 0 and sizes[-1] // 2 >= smallest:
        sizes.append(sizes[-1] // 2)
    if patch_size % 2 == 0 or sizes[-1] < patch_size:
        raise ValueError(f"`patch_size` must be odd and at most the smallest level, {sizes[-1]}. Received: {patch_size}.")
    generator = np.random.default_rng(seed)
    sets = [_descriptors(images, len(sizes), patch_size, patches, generator) for images in (real, fake)]
    figures = {}
    for level, size in enumerate(sizes):
        first, second = (_normalized(descriptors[level]) for descriptors in sets)
        figures[size] = 1000.0 * _sliced(first, second, directions, repeats, generator)
    return {**figures, "mean": float(np.mean(list(figures.values())))}


def laplacian_pyramid(images: Array, levels: int) -> list[Array]:
    """Band-pass images of halving size; the last level is low-pass: Burt and Adelson 1983.

    Args:
        images: array (count, height, width, channels), sizes divisible by `2^(levels - 1)`, the coarsest at least 3.
        levels: >= 1.

    Returns:
        list of float32 arrays, from fine to coarse. Adding every level to the enlarged next one restores the images.

    Raises:
        ValueError: for sizes that cannot be halved so often.

    Example:
    >>> import numpy as np
    >>> [level.shape[1] for level in laplacian_pyramid(np.zeros((1, 32, 32, 3)), 2)]
    [32, 16]
    """
    pyramid = [np.asarray(images, "float32")]
    checks.positive_integers(levels=levels)
    if any(n % 2 ** (levels - 1) or n // 2 ** (levels - 1) < 3 for n in pyramid[0].shape[1:3]):
        raise ValueError(
            f"{levels} levels need sizes divisible by {2 ** (levels - 1)}, the coarsest >= 3. Received: {images.shape}."
        )
    for _ in range(levels - 1):
        pyramid.append(_blur(pyramid[-1])[:, ::2, ::2])
        pyramid[-2] = pyramid[-2] - enlarge(pyramid[-1])
    return pyramid


def enlarge(images: Array) -> Array:
    """Images of twice the size: zeros between the pixels, then the pyramid's filter."""
    count, height, width, channels = images.shape
    large = np.zeros((count, 2 * height, 2 * width, channels), images.dtype)
    large[:, ::2, ::2] = images
    return 4.0 * _blur(large)


def _blur(images: Array) -> Array:
    for axis in (1, 2):
        length = images.shape[axis]
        padded = np.pad(images, [(2, 2) if a == axis else (0, 0) for a in range(4)], mode="reflect")
        images = sum(tap * padded.take(range(i, i + length), axis=axis) for i, tap in enumerate(_TAPS))
    return images


def _descriptors(images: Array, levels: int, patch_size: int, patches: int, generator: np.random.Generator) -> list[Array]:
    """Per level: patches (count * patches, channels, patch_size, patch_size) at random positions."""
    found: list[list[Array]] = [[] for _ in range(levels)]
    for start in range(0, len(images), _IMAGES_AT_ONCE):
        for level, band in enumerate(laplacian_pyramid(images[start : start + _IMAGES_AT_ONCE], levels)):
            windows = np.lib.stride_tricks.sliding_window_view(band, (patch_size, patch_size), axis=(1, 2))
            which = np.arange(len(band)).repeat(patches)
            top, left = (generator.integers(windows.shape[axis], size=len(which)) for axis in (1, 2))
            found[level].append(windows[which, top, left])
    return [np.concatenate(parts) for parts in found]


def _normalized(descriptors: Array) -> Array:
    mean = descriptors.mean(axis=(0, 2, 3), keepdims=True, dtype="float64")
    deviation = descriptors.std(axis=(0, 2, 3), keepdims=True, dtype="float64")
    if not (deviation > 0).all():
        raise ValueError("A channel is constant over all images of a set: patches cannot be normalized.")
    return ((descriptors - mean) / deviation).astype("float32").reshape(len(descriptors), -1)
