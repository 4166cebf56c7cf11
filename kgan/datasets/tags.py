"""Tags with codes as RenderGAN (1611.01331) reads them, and tags as a camera sees them, in the light of photographs."""

from collections.abc import Sequence

import numpy as np
from keras import ops

from kgan.arguments import COUNT, require
from kgan.datasets.packages import need
from kgan.layers.gaussian_blur import blur_matrix
from kgan.layers.tags import POSE, TagRenderer
from kgan.types import Array

TRAINING_PHOTOS = ("astronaut", "coffee", "chelsea", "rocket")
TEST_PHOTOS = ("camera", "brick", "grass", "gravel")


def tags(count: int, renderer: TagRenderer | None = None, seed: int = 0) -> tuple[Array, Array, Array]:
    """Tags as the model of them renders them, with uniform bits and poses.

    Args:
        count: >= 1. renderer: default `kgan.layers.TagRenderer()`. seed: default 0.

    Returns:
        `(pictures, masks, labels)`: float32 (count, size, size, 1) in [-1, 1], -1 around the tag; the same shape, 1 around the tag; float32
        (count, bits + 6), bits of -1 and 1 in front.

    Example:
    >>> import kgan
    >>> pictures, masks, labels = kgan.datasets.tags(3)
    >>> pictures.shape, labels.shape
    ((3, 32, 32, 1), (3, 18))
    """
    require(COUNT, count=count)
    renderer = renderer or TagRenderer()
    rng = np.random.default_rng(seed)
    bits = 2.0 * rng.integers(0, 2, (count, renderer.bits)) - 1.0
    labels = np.concatenate([bits, rng.uniform(-1, 1, (count, len(POSE)))], axis=1).astype("float32")
    parts = [[ops.convert_to_numpy(p) for p in renderer(labels[i : i + 256])[:2]] for i in range(0, count, 256)]
    pictures, masks = (np.concatenate(own) for own in zip(*parts, strict=True))
    return pictures, masks, labels


def in_photos(pictures: Array, masks: Array, photos: Sequence[str] = TRAINING_PHOTOS, seed: int = 0) -> Array:
    """Tags in the light of one patch of a photograph, in front of another, with the fine structure of a third, a little blurred.

    Light is a patch under a Gaussian blur of 6 pixels, stretched over [0.4, 1] on white and [0.1, 0.35] on black, in [0, 1]; the structure
    is 0.4 times what a blur of 3.5 takes from a patch; the last blur is U(0.5, 1.2) pixels. What a network has to know that has seen the
    model's pictures alone.

    Args:
        pictures, masks: of `tags`.
        photos: names of `skimage.data`, default astronaut, coffee, chelsea and rocket; `TEST_PHOTOS` has other ones.
        seed: default 0.

    Returns:
        float32, as `pictures`, in [-1, 1].
    """
    if pictures.shape != masks.shape or pictures.ndim != 4 or pictures.shape[-1] != 1:
        raise ValueError(f"Pictures and masks are (count, size, size, 1). Received {pictures.shape} and {masks.shape}.")
    data = need("skimage.data", "data")
    wholes = [np.asarray(getattr(data, name)(), "float32") / 255.0 for name in photos]
    wholes = [whole.mean(axis=-1) if whole.ndim == 3 else whole for whole in wholes]
    rng, (count, size) = np.random.default_rng(seed), pictures.shape[:2]

    def patches() -> Array:
        made = np.empty((count, size, size), "float32")
        for row in range(count):
            whole = wholes[rng.integers(len(wholes))]
            top, left = (rng.integers(0, side - size + 1) for side in whole.shape)
            made[row] = whole[top : top + size, left : left + size]
        return made

    def blurred(images: Array, sigma: float) -> Array:
        matrix = blur_matrix(size, sigma)
        return np.einsum("hi,biw,vw->bhv", matrix, images, matrix, optimize=True)

    light = blurred(patches(), 6.0)
    low, high = light.min(axis=(1, 2), keepdims=True), light.max(axis=(1, 2), keepdims=True)
    light = (light - low) / np.maximum(high - low, 1e-6)
    white, mask = (pictures[..., 0] + 1.0) / 2.0, masks[..., 0]
    seen = white * (0.4 + 0.6 * light) + (1.0 - white) * (0.1 + 0.25 * light)
    seen = seen * (1.0 - mask) + patches() * mask
    fine = patches()
    seen = seen + 0.4 * (fine - blurred(fine, 3.5))
    levels = np.linspace(0.5, 1.2, 8)  # eight blurs for all pictures, not one for each
    chosen = rng.integers(0, len(levels), count)
    for index, sigma in enumerate(levels):
        seen[chosen == index] = blurred(seen[chosen == index], sigma)
    return np.clip(2.0 * seen - 1.0, -1.0, 1.0)[..., None].astype("float32")
