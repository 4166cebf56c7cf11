"""Pictures on photographs: MNIST-M's recipe (Ganin et al., JMLR 2016, 1505.07818) on scikit-image's photos."""

from collections.abc import Sequence

import numpy as np

from kgan.datasets.packages import need
from kgan.types import Array

PHOTOS = ("astronaut", "chelsea", "coffee", "rocket")


def on_photos(images: Array, photos: Sequence[str] = PHOTOS, seed: int = 0) -> Array:
    """`|patch - image|` in [0, 1], a channel at a time, with a random patch of a color photograph for every picture.

    Args:
        images: float array (count, size, size, 1) in [-1, 1], bright on dark, such as MNIST.
        photos: names of color photos in `skimage.data`, default astronaut, chelsea, coffee and rocket. (MNIST-M has BSDS500's.)
        seed: default 0, of the patches.

    Returns:
        float32 (count, size, size, 3) in [-1, 1].

    Example:
    >>> import kgan
    >>> digits, labels = kgan.datasets.arrays("digits")
    >>> kgan.datasets.on_photos(digits).shape
    (898, 8, 8, 3)
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[1] != images.shape[2] or images.shape[3] != 1 or np.abs(images).max() > 1.001:
        raise ValueError(f"Expected pictures (count, size, size, 1) in [-1, 1]. Received the shape {images.shape}.")
    data = need("skimage.data", "data")
    wholes = [getattr(data, name)().astype("float32") / 255.0 for name in photos]
    rng, size = np.random.default_rng(seed), images.shape[1]
    made = np.empty((*images.shape[:3], 3), "float32")
    for row, image in enumerate(images):
        photo = wholes[rng.integers(len(wholes))]
        top, left = (rng.integers(0, side - size + 1) for side in photo.shape[:2])
        made[row] = np.abs(photo[top : top + size, left : left + size] - (image + 1.0) / 2.0)
    return 2.0 * made - 1.0
