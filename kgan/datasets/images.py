"""Images: ranges, sizes, folders."""

import warnings
from pathlib import Path

import numpy as np

_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff"}


def resize(images, size):
    """Resize square images in [-1, 1].

    Args:
        images: float array (count, n, n, channels).
        size: int >= 1. A whole multiple of n repeats pixels (undone exactly by averaging); any other size is bilinear, with
            antialiasing where it shrinks.

    Returns:
        float32 array (count, size, size, channels).
    """
    from PIL import Image

    if not isinstance(size, int) or size < 1:
        raise ValueError(f"`image_size` must be an integer >= 1. Received: {size!r}.")
    n = images.shape[1]
    if size == n:
        return images
    if size % n == 0:
        return images.repeat(size // n, axis=1).repeat(size // n, axis=2)

    def one(plane):
        return np.asarray(Image.fromarray(plane).resize((size, size), Image.Resampling.BILINEAR))

    planes = np.stack([np.stack([one(image[..., c]) for c in range(images.shape[-1])], axis=-1) for image in images])
    return np.clip(planes, -1.0, 1.0).astype("float32")


def to_uint8(images):
    """Pixels 0-255 of images in [-1, 1], rounded and clipped."""
    return np.clip(np.round((np.asarray(images) + 1.0) * 127.5), 0, 255).astype("uint8")


def read_image(path, size, channels):
    """One image file as uint8 (size, size, channels): central square, antialiased resize."""
    from PIL import Image

    with Image.open(path) as image:
        image = image.convert({1: "L", 3: "RGB"}[channels])
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side))
        if size is not None and side != size:
            image = image.resize((size, size), Image.Resampling.BICUBIC, reducing_gap=3.0)
        pixels = np.asarray(image)
    return pixels.reshape(*pixels.shape[:2], channels)


def find_images(path, corrupt="skip"):
    """The readable image files below a folder, sorted.

    Args:
        path: folder; subfolders are searched.
        corrupt: "skip" (default) leaves unreadable files out with a warning that counts and names them, "error" refuses them.

    Returns:
        `(files, bad)`: lists of `pathlib.Path`.

    Raises:
        FileNotFoundError: no such folder. ValueError: no readable image in it; or corrupt files with corrupt="error".
    """
    from PIL import Image

    if corrupt not in ("skip", "error"):
        raise ValueError(f'`corrupt` must be "skip" or "error". Received: {corrupt!r}.')
    folder = Path(path)
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {str(path)!r}.")
    candidates = sorted(p for p in folder.rglob("*") if p.suffix.lower() in _SUFFIXES and p.is_file())
    good, bad = [], []
    for candidate in candidates:
        try:
            with Image.open(candidate) as image:
                image.load()  # verify() alone accepts truncated pixels
            good.append(candidate)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            bad.append(candidate)
    if bad:
        named = ", ".join(str(p.relative_to(folder)) for p in bad[:10]) + (", ..." if len(bad) > 10 else "")
        message = f"{len(bad)} of {len(candidates)} image files in {str(path)!r} cannot be read: {named}."
        if corrupt == "error":
            raise ValueError(message)
        warnings.warn(message + " They are left out.", stacklevel=3)
    if not good:
        raise ValueError(f"No readable image in {str(path)!r}. Looked for {', '.join(sorted(_SUFFIXES))}, subfolders included.")
    return good, bad
