"""Data sets that come with the packages kgan uses: arrays in memory, no download."""

import functools
from collections.abc import Callable

import numpy as np

from kgan.datasets.covers import photo_patches
from kgan.datasets.mixtures import Mixture, gaussian1200, grid, ring
from kgan.datasets.mnist import fashion_mnist, mnist, mnist_full
from kgan.datasets.packages import need
from kgan.shapes.drawn import furniture_set, solid_set
from kgan.types import Array

_EXAMPLES = 50_000


@functools.cache
def _digits() -> dict[str, tuple[Array, Array]]:
    data = need("sklearn.datasets", "data").load_digits()
    # 17 gray levels, 0 to 16. One fixed half trains (classifiers and GANs), the other is reference data for metrics.
    images = (data.images[..., None] / 8.0 - 1.0).astype("float32")
    order = np.random.default_rng(0).permutation(len(images))
    half = len(order) // 2
    labels = data.target.astype("int64")
    return {"train": (images[order[:half]], labels[order[:half]]), "test": (images[order[half:]], labels[order[half:]])}


def digits(split: str) -> tuple[Array, Array]:
    """Real handwritten digits, 8x8 gray, with labels 0-9: 898 to train and 899 to test (scikit-learn)."""
    return _digits()[split]


def stack_digits(count: int, split: str = "train", seed: int | None = None, dataset: str = "digits") -> tuple[Array, Array]:
    """Three random digits as the channels of one image, 1,000 modes: stacked MNIST (1611.02163), by default with real 8x8 digits.

    Args:
        count: >= 1, images to draw, with replacement. As many as a training needs: there are 7e8 different ones in each split.
        split: "train" or "test": where the digits come from.
        seed: int or None.
        dataset: "digits" (default), 8x8; "mnist" or "mnist:full", 28x28 as in the papers.

    Returns:
        `(images, labels)`: float32 (count, 8, 8, 3) in [-1, 1], or 28x28; int64, `100 a + 10 b + c` for digits a, b, c of the channels.

    Raises:
        ValueError: another data set.

    Example:
    >>> images, labels = stack_digits(5, seed=0)
    >>> images.shape, labels.shape
    ((5, 8, 8, 3), (5,))
    """
    known = {"digits": digits, "mnist": mnist, "mnist:full": mnist_full}
    if dataset not in known:
        raise ValueError(f"`dataset` must be one of {', '.join(known)}. Received: {dataset!r}.")
    images, classes = known[dataset](split)
    chosen = np.random.default_rng(seed).integers(len(images), size=(count, 3))
    stacked = np.moveaxis(images[chosen][..., 0], 1, -1).copy()
    if stacked.dtype == np.uint8:
        stacked = stacked.astype("float32") / 127.5 - 1.0
    return stacked, classes[chosen] @ np.asarray([100, 10, 1])


def _stacked_digits(split: str) -> tuple[Array, Array]:
    return stack_digits(_EXAMPLES, split, seed={"train": 0, "test": 1}[split])


def faces(split: str) -> tuple[Array, Array]:
    """100 cut-out faces of LFW, 25x25 gray (scikit-image `lfw_subset`): 80 to train and 20 to test. All labels are 0."""
    images = need("skimage.data", "data").lfw_subset()[:100, ..., None].astype("float32") * 2.0 - 1.0
    chosen = images[:80] if split == "train" else images[80:]
    return chosen, np.zeros(len(chosen), "int64")


_PHOTOS = ("astronaut", "chelsea", "coffee", "rocket", "hubble_deep_field", "retina", "immunohistochemistry", "stereo_motorcycle")


def photos(split: str, size: int = 32) -> tuple[Array, Array]:
    """Square 8-bit color patches of scikit-image's photos, tiled with half overlap; label = index of the photo.

    The right quarter of every photo is the test split, with no pixel in both.
    """
    from PIL import Image

    module = need("skimage.data", "data")
    patches, labels = [], []
    for label, name in enumerate(_PHOTOS):
        photo = getattr(module, name)()
        photo = photo[0] if isinstance(photo, tuple) else photo
        scale = 384 / min(photo.shape[:2])
        width, height = round(photo.shape[1] * scale), round(photo.shape[0] * scale)
        photo = np.asarray(Image.fromarray(photo).resize((width, height), Image.Resampling.BICUBIC))
        border = width * 3 // 4
        photo = photo[:, :border] if split == "train" else photo[:, border:]
        for top in range(0, photo.shape[0] - size + 1, size // 2):
            for left in range(0, photo.shape[1] - size + 1, size // 2):
                patches.append(photo[top : top + size, left : left + size])
                labels.append(label)
    return np.stack(patches), np.asarray(labels)


def _mixture(make: Callable[[], Mixture], count: int = _EXAMPLES) -> Callable[[str], tuple[Array, Array]]:
    def load(split: str) -> tuple[Array, Array]:
        seed = {"train": 0, "test": 1}[split]
        return make().sample(count, seed=seed, labels=True)

    return load


EMBEDDED = {
    "digits": digits,
    "faces": faces,
    "fashion_mnist": fashion_mnist,
    "furniture": furniture_set,
    "gaussian1200": _mixture(gaussian1200, 10_000),
    "grid": _mixture(grid),
    "mnist": mnist,
    "mnist:full": mnist_full,
    "photo_patches": photo_patches,
    "photos": photos,
    "ring": _mixture(ring),
    "solids": solid_set,
    "stacked_digits": _stacked_digits,
}
