"""Images: ranges, sizes, and the one rule by which every reader takes picture files.

**What counts as a picture:** a file whose name ends as one of the formats does that Pillow reads (`.jfif`, `.tga` and `.pgm` as well as
`.png`, in whatever case); not documents, films and tables, nor what another program would have to decode. Folders are searched with their
subfolders. Links are followed, each folder once, so that links in a circle end. Files and folders whose names begin with a dot are left
out. What is left out is counted in one warning, with the reason.

**What is read** are the pixels that a viewer shows, with 8 bits: turned as the metadata say (Exif orientation), colors brought from their
ICC profile to sRGB, CMYK and Lab to RGB, palettes and single bits spelled out, 12, 16 and 32 bits scaled by their type's range, floats from
[0, 1]. Transparent pixels are laid on a background. Of an animation or of several pages the first picture counts.
"""

import functools
import io
import os
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from kgan.arguments import COUNT, require
from kgan.files import reading
from kgan.types import Array, FilePath

# Formats of Pillow's that are no pictures of their own: films, tables of measurements, and drawings that another program has to render.
_NO_PICTURES = {"BUFR", "EPS", "FITS", "GRIB", "HDF5", "IPTC", "MPEG", "PDF", "WMF"}
_NUMBERS = ("F", "I", "I;16", "I;16B", "I;16L", "I;16N")  # modes with more than 8 bits a pixel
_NAMED = 10
_GAP = 3  # how many pixels a resized one is made of at least, along a side, where larger pictures are reduced beforehand
_FILTERS = threading.Lock()  # what `warnings.catch_warnings` changes is of all threads


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


def pad(images: Array, size: int) -> Array:
    """Black pixels around square images, as many on every side; where the number is odd, one more at the right and below.

    Args:
        images: array (count, n, n, channels), float in [-1, 1] or uint8.
        size: >= n.

    Returns:
        Array (count, size, size, channels) of the same type.

    Raises:
        ValueError: a size smaller than the images'.
    """
    require(COUNT, image_size=size)
    n = images.shape[1]
    if size < n:
        raise ValueError(
            f'Images of {n} pixels cannot be padded to {size}; `image_size` must be {n} or more. Or resize="bilinear".'
        )
    before = (size - n) // 2
    around = (before, size - n - before)
    return np.pad(images, ((0, 0), around, around, (0, 0)), constant_values=0 if images.dtype == np.uint8 else -1)


def square_means(pictures: Array, size: int) -> Array:
    """Means over squares of pixels; what is left over at the lower and right border is cut off.

    Args:
        pictures: array `(..., height, width, channels)`. size: pixels of a square's side, >= 1.

    Returns:
        float array `(..., height // size, width // size, channels)`.

    Raises:
        ValueError: a square is larger than the pictures.
    """
    *leading, height, width, channels = pictures.shape
    rows, columns = height // size, width // size
    if not rows or not columns:
        raise ValueError(f"Pictures of {height}x{width} pixels cannot be averaged over squares of {size}.")
    cut = pictures[..., : rows * size, : columns * size, :]
    return cut.reshape(*leading, rows, size, columns, size, channels).mean(axis=(-4, -2))


def bilinear(picture: Array, y: Array, x: Array) -> Array:
    """A picture `(height, width)` at places between its pixels: rows y, columns x, arrays of one shape, all inside by one pixel."""
    top, left = np.floor(y).astype(int), np.floor(x).astype(int)
    down, right = y - top, x - left
    upper = (1 - right) * picture[top, left] + right * picture[top, left + 1]
    lower = (1 - right) * picture[top + 1, left] + right * picture[top + 1, left + 1]
    return (1 - down) * upper + down * lower


def to_uint8(images: Any) -> Array:
    """Pixels 0-255 of images in [-1, 1], rounded and clipped."""
    return np.clip(np.round((np.asarray(images) + 1.0) * 127.5), 0, 255).astype("uint8")


@functools.cache
def formats() -> tuple[str, ...]:
    """Names of the formats that pictures are read from: what this Pillow knows, less what is no picture."""
    from PIL import Image

    Image.init()
    return tuple(sorted({*Image.OPEN} - _NO_PICTURES))


@functools.cache
def suffixes() -> frozenset[str]:
    """Endings of names that count as pictures, such as ".png", in lower case."""
    from PIL import Image

    allowed = {*formats()}
    return frozenset(suffix for suffix, kind in Image.registered_extensions().items() if kind in allowed)


def open_image(path: FilePath, mode: str | None = None, background: str = "white", least: int | None = None) -> Any:
    """A picture of Pillow's, decoded to its end, turned as its metadata say.

    Args:
        path: the file.
        mode: "L" (gray, ITU-R 601), "RGB": as a viewer shows it, see the head of `kgan.images`; of color with 16 bits a channel Pillow
            reads the high byte alone. None (default): numbers or colors as they are stored.
        background: default "white": what transparent pixels are laid on, a name of HTML's or "#rrggbb".
        least: default None. A JPEG may come at a half, quarter or eighth of its size, both sides with at least so many pixels: its decoder
            averages several times faster than it decodes all.

    Raises:
        ValueError: the file cannot be decoded, has more pixels than Pillow takes for safe, or numbers outside the range of a picture
            (floats beyond [0, 1], negative integers); names it. An unknown color.
    """
    from PIL import Image, ImageColor

    try:
        beneath = ImageColor.getrgb(background)[:3]
    except (ValueError, AttributeError, TypeError) as error:
        raise ValueError(f'`background` must be a color, such as "white" or "#808080". Received: {background!r}.') from error
    with reading(path, "a picture that can be decoded"):
        # As a stream: Pillow maps a file that it gets by name into memory, and then scrambles uncompressed TIFF that metadata turn.
        with open(path, "rb") as stream, Image.open(stream, formats=formats()) as image:
            if image.width * image.height > (Image.MAX_IMAGE_PIXELS or np.inf):
                raise ValueError(f"{image.width}x{image.height} pixels, more than {Image.MAX_IMAGE_PIXELS:,}")
            stored = str(image.tile[0][3]) if image.tile else ""
            if least is not None:
                image.draft(None, (least, least))
            image.load()  # verify() alone accepts truncated pixels
            shown = (
                image.copy()
                if mode is None
                else eight_bits(image, stored, beneath, path, image.info.get("icc_profile")).convert(mode)
            )
            turn = turn_of(image)
        return shown if turn is None else shown.transpose(turn)


def side(path: FilePath) -> int:
    """The shorter side of a picture, of which the head alone is read. ValueError: as `open_image`."""
    from PIL import Image

    with (
        reading(path, "a picture that can be decoded"),
        open(path, "rb") as stream,
        Image.open(stream, formats=formats()) as image,
    ):
        return min(image.size)


def turn_of(image: Any) -> Any:
    """How a decoded picture has to be turned to stand as its metadata say: an `Image.Transpose` of Pillow's, or None."""
    from PIL import Image

    turns = Image.Transpose
    named = {
        2: turns.FLIP_LEFT_RIGHT,
        3: turns.ROTATE_180,
        4: turns.FLIP_TOP_BOTTOM,
        5: turns.TRANSPOSE,
        6: turns.ROTATE_270,
        7: turns.TRANSVERSE,
        8: turns.ROTATE_90,
    }
    try:
        return named.get(image.getexif().get(0x0112))
    except Exception:  # damaged metadata stumble in many ways; viewers pass over them
        return None


def eight_bits(image: Any, stored: str, beneath: tuple[int, ...], path: FilePath, profile: bytes | None = None) -> Any:
    """A decoded picture in 8 bits, gray or RGB.

    Args:
        image: picture of Pillow's. stored: how Pillow names its bits in the file: `str(image.tile[0][3])` before it is decoded.
        beneath: red, green and blue, 0 to 255, that transparent pixels are laid on. path: the file, for messages.
        profile: ICC profile of its colors, which are brought to sRGB; None: they stay.
    """
    from PIL import Image

    alpha = None
    key = image.info.get("transparency")
    if image.mode in _NUMBERS:
        color = Image.fromarray(np.rint(_share(image, path) * 255.0).astype("uint8"))
        alpha = None if key is None else np.asarray(image) != key
    elif image.mode in ("La", "RGBa", "LA", "RGBA", "PA") or (image.mode == "P" and key is not None):
        whole = image.convert("LA" if image.mode in ("La", "LA") else "RGBA")
        color, alpha = whole.convert(whole.mode[:-1]), np.asarray(whole.getchannel("A"))
    elif image.mode in ("1", "L", "RGB"):
        color = image.convert("L") if image.mode == "1" else image
        if key is not None:
            # The key is in the file's bits, the pixels are in 8.
            spread = {"L;2": 85, "L;4": 17}.get(stored, 1)
            keys = np.asarray(key) // 256 if "16B" in stored else np.asarray(key) * spread
            pixels = np.asarray(color)
            alpha = (pixels.reshape(*pixels.shape[:2], -1) != keys).any(axis=-1)
    else:
        color = image if image.mode == "CMYK" else image.convert("RGB")
    color = _in_srgb(color, profile)
    if alpha is None:
        return color
    if alpha.dtype == bool:
        alpha = alpha.astype("uint8") * 255
    return Image.composite(color.convert("RGB"), Image.new("RGB", color.size, beneath), Image.fromarray(alpha))


def _share(image: Any, path: FilePath) -> Array:
    """Pixels of more than 8 bits as shares of the brightest, in [0, 1]."""
    values = np.asarray(image)
    tags = getattr(image, "tag_v2", {})
    # TIFF's BitsPerSample and SampleFormat; other formats have 16 bits, unsigned.
    bits, kind = tags.get(258, (16,))[0], tags.get(339, (1,))[0]
    if image.mode == "F":
        least, most = (float(values.min()), float(values.max())) if np.isfinite(values).all() else (np.nan, np.nan)
        if not (least >= 0.0 and most <= 1.0):
            seen = f"[{least:g}, {most:g}]" if least == least else "numbers that are not finite"
            raise ValueError(f"{str(path)!r}: a picture of floats must lie in [0, 1], black to white; it holds {seen}. Scale it.")
        share = values.astype("float64")
    else:
        if kind == 1 and bits == 32:
            values = values.view("uint32")
        if values.min() < 0:
            raise ValueError(f"{str(path)!r}: a picture of integers begins at 0, black; it holds {values.min()}. Scale it.")
        share = values / float(2 ** (bits - (kind == 2)) - 1)
    return 1.0 - share if tags.get(262) == 0 else share  # WhiteIsZero, which Pillow turns in 8 bits alone


def _in_srgb(image: Any, profile: bytes | None) -> Any:
    """Colors of a profile as sRGB has them; gray stays gray. A damaged profile, or one of other channels, counts for nothing."""
    from PIL import ImageCms

    if profile is not None:
        try:
            made: Any = ImageCms.applyTransform(image, _transform(profile, image.mode))
            return made.convert("L") if image.mode == "L" else made
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass
    return image if image.mode == "L" else image.convert("RGB")


@functools.lru_cache(maxsize=64)
def _transform(profile: bytes, mode: str) -> Any:
    from PIL import ImageCms

    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        intent = ImageCms.Intent(ImageCms.getDefaultIntent(source))
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB", renderingIntent=intent)


def read_pixels(path: FilePath, channels: int, background: str = "white") -> Array:
    """The pixels that a viewer shows: uint8 (height, width, channels), `channels` 1 or 3. Else as `open_image`."""
    pixels = np.asarray(open_image(path, {1: "L", 3: "RGB"}[channels], background))
    return pixels.reshape(*pixels.shape[:2], channels)


def read_image(path: FilePath, size: int | None, channels: int, crop: int | None = None, background: str = "white") -> Array:
    """One image file as a viewer shows it: uint8 (size, size, channels). ValueError: as `open_image`; an image smaller than `crop`.

    `crop` None: central square, antialiased resize. `crop` int: as `crop_and_average`. `background`: as `open_image`.
    """
    from PIL import Image

    # A picture three times as large still is resized as the whole one is, to within a gray level on average.
    least = _GAP * size if size is not None and crop is None else None
    image = open_image(path, {1: "L", 3: "RGB"}[channels], background, least)
    if crop is not None:
        pixels = np.asarray(image).reshape(image.height, image.width, channels)
        try:
            return crop_and_average(pixels, crop, crop if size is None else size)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
    short = min(image.size)
    left, top = (image.width - short) / 2, (image.height - short) / 2
    if size is None or size == short:
        image = image.crop((int(left), int(top), int(left) + short, int(top) + short))
    else:
        # Between pixels, too: of a JPEG that came smaller, half of one is much.
        box = (left, top, left + short, top + short)
        image = image.resize((size, size), Image.Resampling.BICUBIC, box, reducing_gap=float(_GAP))
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
    share = area_shares(crop, size)
    return np.rint(np.einsum("ah,hwc,bw->abc", share, square, share, optimize=True)).astype("uint8")


@functools.cache
def area_shares(before: int, after: int) -> Array:
    """Matrix (after, before) of the share that every old pixel has in every new one."""
    edges = np.arange(after + 1) * (before / after)
    low, high = edges[:-1, None], edges[1:, None]
    old = np.arange(before)
    overlap = np.minimum(high, old + 1) - np.maximum(low, old)
    return (overlap.clip(0) * (after / before)).astype("float32")


# Folders -------------------------------------------------------------------------------------------------------------------


def list_images(folder: FilePath, deep: bool = True) -> tuple[list[Path], dict[str, list[Path]]]:
    """The pictures below a folder by their names, no file opened; see the head of this file.

    Args:
        folder: the folder. deep: default True: subfolders are searched.

    Returns:
        `(files, left_out)`: sorted paths; dict of reason, in words, to what was left out for it.

    Raises:
        FileNotFoundError: no such folder.
    """
    top = Path(folder)
    if not top.is_dir():
        raise FileNotFoundError(f"There is no folder {str(folder)!r}.")
    files: list[Path] = []
    left_out: dict[str, list[Path]] = {}
    # Folders themselves come before links to them, so that files have the names that they would have without links.
    own, linked = [top], list[Path]()
    reached: set[str] = set()
    while own or linked:
        place = own.pop() if own else linked.pop(0)
        real = os.path.realpath(place)
        if real in reached:
            left_out.setdefault("folder reached already", []).append(place)
            continue
        reached.add(real)
        for path in sorted(place.iterdir()):
            if path.name.startswith("."):
                left_out.setdefault("hidden", []).append(path)
            elif path.is_dir():
                if deep:
                    (linked if path.is_symlink() else own).append(path)
            elif not path.exists():
                left_out.setdefault("link that leads nowhere", []).append(path)
            elif path.suffix.lower() in suffixes() and path.is_file():
                files.append(path)
            else:
                left_out.setdefault("no picture", []).append(path)
    return sorted(files), left_out


def in_threads(read: Callable[[Path], Any], files: Sequence[Path]) -> Iterator[tuple[Path, Any, str]]:
    """What is read from image files, by as many threads as there are cores, in the order of the files.

    Yields:
        `(file, value, "")`; `(file, None, reason)` of one that cannot be read, the reason in words, "" for damage.
    """

    def attempt(file: Path) -> tuple[Path, Any, str]:
        try:
            return file, read(file), ""
        except (OSError, ValueError) as error:
            # What cannot be decoded has no more to say than that; numbers that are none of a picture do.
            return file, None, "" if error.__cause__ is not None else str(error)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(attempt, files)


def readable(files: Sequence[Path]) -> tuple[list[Path], dict[Path, str]]:
    """Image files that can be read, and those that cannot: `(good, bad)`, `bad` a dict of path to reason, "" for damage."""
    good, bad = [], {}
    for file, size, reason in in_threads(lambda file: open_image(file, "RGB").size, files):
        if size is None:
            bad[file] = reason
        else:
            good.append(file)
    return good, bad


def refuse_or_warn(
    bad: Mapping[Path, str],
    count: int,
    folder: FilePath,
    corrupt: str,
    left_out: Mapping[str, Sequence[Path]] | None = None,
    stacklevel: int = 3,
) -> None:
    """Tell what of a folder is not used: one warning that counts it and says why; an error where `corrupt` is "error" and files are bad.

    Args:
        bad: of `readable`. count: of the files that it was asked for. folder: the folder. corrupt: "skip" or "error".
        left_out: of `list_images`, or None.
    """
    named = f"{len(bad)} of {count} image files in {str(folder)!r} cannot be read: {_some(list(bad), folder)}."
    if bad and corrupt == "error":
        raise ValueError(f"{named} {_reasons(bad)}".rstrip())
    words = [_counted(why, paths, folder) for why, paths in (left_out or {}).items()]
    parts = [f"Left out of {str(folder)!r}: {'; '.join(words)}."] if words else []
    parts += [f"{named} They are left out. {_reasons(bad)}".rstrip()] if bad else []
    if parts:
        warnings.warn(" ".join(parts), stacklevel=stacklevel + 1)


def _reasons(bad: Mapping[Path, str]) -> str:
    """Why files are refused that are not simply damaged; of many, the first three."""
    return " ".join([reason for reason in bad.values() if reason][:3])


def nothing_left(folder: FilePath, bad: Mapping[Path, str], left_out: Mapping[str, Sequence[Path]], wanted: str = "") -> str:
    """The message where a folder has no picture that can be used. `bad`, `left_out`: as in `refuse_or_warn`. `wanted`: what it must be."""
    words = [_counted(why, paths, folder) for why, paths in left_out.items()]
    words += [f"{len(bad)} that cannot be read ({_some(list(bad), folder)}) {_reasons(bad)}".rstrip()] * bool(bad)
    return (
        f"No readable image{wanted} in {str(folder)!r}. Looked for {', '.join(sorted(suffixes()))}, subfolders included. "
        f"Left out: {'; '.join(words) or 'nothing'}."
    )


def _counted(why: str, paths: Sequence[Path], folder: FilePath) -> str:
    if why == "no picture":
        kinds = sorted({path.suffix.lower() or path.name for path in paths})
        return f"{len(paths)} {why} ({', '.join(kinds[:_NAMED])}{', ...' if len(kinds) > _NAMED else ''})"
    return f"{len(paths)} {why} ({_some(paths, folder)})"


def _some(paths: Sequence[Path], folder: FilePath) -> str:
    return ", ".join(str(p.relative_to(folder)) for p in paths[:_NAMED]) + (", ..." if len(paths) > _NAMED else "")


def find_images(path: FilePath, corrupt: str = "skip") -> tuple[list[Path], list[Path]]:
    """The readable image files below a folder, sorted. What is left out is counted in a warning; see the head of this file.

    Args:
        path: folder; subfolders are searched.
        corrupt: "skip" (default) leaves unreadable files out, "error" refuses them.

    Returns:
        `(files, bad)`: lists of `pathlib.Path`.

    Raises:
        FileNotFoundError: no such folder. ValueError: no readable image in it; or corrupt files with corrupt="error".
    """
    if corrupt not in ("skip", "error"):
        raise ValueError(f'`corrupt` must be "skip" or "error". Received: {corrupt!r}.')
    candidates, left_out = list_images(path)
    good, bad = readable(candidates)
    if good or (bad and corrupt == "error"):
        refuse_or_warn(bad, len(candidates), path, corrupt, left_out)
    else:
        raise ValueError(nothing_left(path, bad, left_out))
    return good, list(bad)
