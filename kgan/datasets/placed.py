"""Objects placed on backgrounds, with the masks that nobody is shown: MNIST-ONE and MNIST-TWO of LR-GAN (1703.01560)."""

import numpy as np

from kgan.arguments import COUNT, COUNTS, require
from kgan.images import resize
from kgan.types import Array, Sizes


def place(
    objects: Array, count: int, size: int = 32, per_picture: int = 1, sizes: Sizes = (14, 20), smooth: bool = False, seed: int = 0
) -> tuple[Array, Array]:
    """Pictures of objects at random places and of random sizes, each on a background of its own.

    Args:
        objects: float array (n, side, side, 1) in [-1, 1], bright on dark: how bright a pixel is says how much of it is ink.
        count: pictures. size: default 32, their side. per_picture: default 1, objects in each, later ones over earlier.
        sizes: `(least, most)` side of an object in pixels, default (14, 20), drawn uniformly.
        smooth: default False: backgrounds are one gray level in [-0.9, -0.1]. True: smooth noise in [-0.9, 0].
        seed: default 0.

    Returns:
        `(pictures, masks)`: float32 (count, size, size, 1), the pictures in [-1, 1] with ink of 0.95, the masks in [0, 1] of all objects.

    Example:
    >>> import kgan
    >>> digits, _ = kgan.datasets.arrays("digits")
    >>> pictures, masks = kgan.datasets.place(digits, 10, size=16, sizes=(8, 8))
    >>> pictures.shape, bool(masks.max() > 0.9)
    ((10, 16, 16, 1), True)
    """
    require(COUNT, count=count, size=size, per_picture=per_picture)
    require(COUNTS, sizes=tuple(sizes))
    least, most = sizes
    if not least <= most <= size:
        raise ValueError(
            f"`sizes` are (least, most) with least <= most <= {size}, the side of a picture. Received: {tuple(sizes)}."
        )
    rng = np.random.default_rng(seed)
    if smooth:
        pictures = 0.45 * resize(rng.uniform(-1, 1, (count, 3, 3, 1)).astype("float32"), size) - 0.45
    else:
        pictures = np.broadcast_to(rng.uniform(-0.9, -0.1, (count, 1, 1, 1)), (count, size, size, 1)).astype("float32")
    masks = np.zeros_like(pictures)
    for _ in range(per_picture):
        chosen, sides = rng.integers(0, len(objects), count), rng.integers(least, most + 1, count)
        for side in np.unique(sides):
            rows = np.flatnonzero(sides == side)
            inks = (resize(objects[chosen[rows]], int(side)) + 1.0) / 2.0
            corners = rng.integers(0, size - side + 1, (len(rows), 2))
            for row, ink, (top, left) in zip(rows, inks, corners, strict=True):
                where = np.s_[row, top : top + side, left : left + side]
                pictures[where] = (1.0 - ink) * pictures[where] + 0.95 * ink
                masks[where] = np.maximum(masks[where], ink)
    return pictures, masks
