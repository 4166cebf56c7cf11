"""Images: ranges, sizes, folders."""

import functools
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kgan.arguments import COUNT, require
from kgan.files import reading
from kgan.types import Array, FilePath

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff"}


def resize(images: Array, size: int) -> Array:
    """Resize square images in [-1, 1].

    Args:
        images: float array (count, n, n, channels).
        size: >= 1. A whole multiple of n repeats pixels (undone exactly by averaging); any other size is bilinear, with
            antialiasing where it shrinks.

    Returns:
        float32 array (count, size, size, channels).
    """
    from PIL import Image

    require(COUNT, image_size=size)
    n = images.shape[1]
    if size == n:
        return images
    if size % n == 0:
        return images.repeat(size // n, axis=1).repeat(size // n, axis=2)

    def one(plane: Array) -> Array:
        return np.asarray(Image.fromarray(plane).resize((size, size), Image.Resampling.BILINEAR))

    planes = np.stack([np.stack([one(image[..., c]) for c in range(images.shape[-1])], axis=-1) for image in images])
    return np.clip(planes, -1.0, 1.0).astype("float32")


def to_uint8(images: Any) -> Array:
    """Pixels 0-255 of images in [-1, 1], rounded and clipped."""
    return np.clip(np.round((np.asarray(images) + 1.0) * 127.5), 0, 255).astype("uint8")


def open_image(path: FilePath, mode: str | None = None) -> Any:
    """A picture of Pillow's, decoded to its end.

    Args:
        path: the file. mode: what it is converted to, "L" (gray), "RGB" or None (default), as it is.

    Raises:
        ValueError: the file cannot be decoded, or has more pixels than Pillow takes for safe; names it.
    """
    from PIL import Image

    with reading(path, "a picture that can be decoded"):
        with Image.open(path) as image:
            if image.width * image.height > (Image.MAX_IMAGE_PIXELS or np.inf):
                raise ValueError(f"{image.width}x{image.height} pixels, more than {Image.MAX_IMAGE_PIXELS:,}")
            image.load()  # verify() alone accepts truncated pixels
        return image if mode is None else image.convert(mode)


def read_image(path: FilePath, size: int | None, channels: int, crop: int | None = None) -> Array:
    """One image file as uint8 (size, size, channels). ValueError: as `open_image`; an image smaller than `crop`.

    `crop` None: central square, antialiased resize. `crop` int: as `crop_and_average`.
    """
    from PIL import Image

    image = open_image(path, {1: "L", 3: "RGB"}[channels])
    if crop is not None:
        pixels = np.asarray(image).reshape(image.height, image.width, channels)
        try:
            return crop_and_average(pixels, crop, crop if size is None else size)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    image = image.crop((left, top, left + side, top + side))
    if size is not None and side != size:
        image = image.resize((size, size), Image.Resampling.BICUBIC, reducing_gap=3.0)
    pixels = np.asarray(image)
    return pixels.reshape(*pixels.shape[:2], channels)


def crop_and_average(pixels: Array, crop: int | None, size: int) -> Array:
    """The central square of an image, resized so that a pixel is the mean of the area it covers: how codes on CelebA prepare it.

    Args:
        pixels: uint8 array (height, width, channels).
        crop: side of the square; 108 for aligned CelebA (178 x 218).
        size: side of the result.

    Returns:
        uint8 array (size, size, channels), rounded.

    Raises:
        ValueError: an image smaller than the square.
    """
    height, width = pixels.shape[:2]
    if min(height, width) < crop:
        raise ValueError(f"an image of {width}x{height} pixels has no square of {crop}. Use a smaller `crop`.")
    # Python rounds halves to even, as the released code does that fixed this crop.
    top, left = round((height - crop) / 2), round((width - crop) / 2)
    square = pixels[top : top + crop, left : left + crop].astype("float32")
    share = _area_shares(crop, size)
    return np.rint(np.einsum("ah,hwc,bw->abc", share, square, share, optimize=True)).astype("uint8")


@functools.cache
def _area_shares(before: int, after: int) -> Array:
    """Matrix (after, before) of the share that every old pixel has in every new one."""
    edges = np.arange(after + 1) * (before / after)
    low, high = edges[:-1, None], edges[1:, None]
    old = np.arange(before)
    overlap = np.minimum(high, old + 1) - np.maximum(low, old)
    return (overlap.clip(0) * (after / before)).astype("float32")


def readable(files: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Image files that decode, and those that do not: `(good, bad)`."""
    good, bad = [], []
    for file in files:
        try:
            open_image(file)
            good.append(file)
        except (OSError, ValueError):
            bad.append(file)
    return good, bad


def refuse_or_warn(bad: Sequence[Path], count: int, folder: FilePath, corrupt: str, stacklevel: int = 3) -> None:
    """Tell which of `count` image files cannot be read: an error where `corrupt` is "error", a warning where it is "skip"."""
    if not bad:
        return
    named = ", ".join(str(p.relative_to(folder)) for p in bad[:10]) + (", ..." if len(bad) > 10 else "")
    message = f"{len(bad)} of {count} image files in {str(folder)!r} cannot be read: {named}."
    if corrupt == "error":
        raise ValueError(message)
    warnings.warn(message + " They are left out.", stacklevel=stacklevel + 1)


def find_images(path: FilePath, corrupt: str = "skip") -> tuple[list[Path], list[Path]]:
    """The readable image files below a folder, sorted.

    Args:
        path: folder; subfolders are searched.
        corrupt: "skip" (default) leaves unreadable files out with a warning that counts and names them, "error" refuses them.

    Returns:
        `(files, bad)`: lists of `pathlib.Path`.

    Raises:
        FileNotFoundError: no such folder. ValueError: no readable image in it; or corrupt files with corrupt="error".
    """
    if corrupt not in ("skip", "error"):
        raise ValueError(f'`corrupt` must be "skip" or "error". Received: {corrupt!r}.')
    folder = Path(path)
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {str(path)!r}.")
    candidates = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    good, bad = readable(candidates)
    refuse_or_warn(bad, len(candidates), folder, corrupt)
    if not good:
        raise ValueError(f"No readable image in {str(path)!r}. Looked for {', '.join(sorted(SUFFIXES))}, subfolders included.")
    return good, bad
