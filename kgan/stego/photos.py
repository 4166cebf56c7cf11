"""PNG files in and out. What a file holds beside 8-bit gray or RGB pixels is refused, or converted where one asks for it.

Other readers show what they can (`kgan.images`); here nothing is changed without a word. The header is therefore read.
"""

import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from kgan.files import atomic_write
from kgan.images import eight_bits, turn_of
from kgan.stego.errors import StegoError
from kgan.types import Array

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LOSSY = {".jpg", ".jpeg", ".jpe", ".jfif", ".jp2", ".webp", ".avif", ".heic", ".gif"}
_GRAY, _RGB, _PALETTE, _GRAY_ALPHA, _RGB_ALPHA = 0, 2, 3, 4, 6


def read_png(path: str | Path, convert: bool = False, cover: bool = False) -> tuple[Array, list[str]]:
    """The pixels of a PNG file.

    Args:
        path: file, 8 bits, gray or RGB.
        convert: default False. True turns a palette into RGB, 1 to 4 bits and 16 bits into 8, and lays what is transparent on white.
            Animations are refused all the same.
        cover: default False: pixels as they are stored. True: turned as the metadata say (Exif orientation), because what is written
            from them carries no metadata.

    Returns:
        `(pixels, notes)`: uint8 array (height, width, 1 or 3), and what was left out or converted, in words.

    Raises:
        FileNotFoundError: no such file. StegoError: anything but such a picture, with what it is.
    """
    path = Path(path)
    if path.is_dir():
        raise StegoError(f"{str(path)!r} is a folder, not a picture.")
    try:
        with open(path, "rb") as file:
            start = file.read(33)
    except FileNotFoundError:
        raise FileNotFoundError(f"There is no picture {str(path)!r}.") from None
    except OSError as error:
        raise StegoError(f"{str(path)!r} cannot be read: {error.strerror}.") from None
    if not start.startswith(_SIGNATURE):
        raise StegoError(f"{str(path)!r} is no PNG picture. {_instead(start)}")
    if len(start) < 33 or start[12:16] != b"IHDR":
        raise StegoError(f"{str(path)!r} is a damaged PNG file: it ends in its header.")
    depth, kind = start[24], start[25]
    image, stored = _decode(path)
    notes = _conversions(path, depth, kind, "transparency" in image.info, convert)
    plain = eight_bits(image, stored, (255, 255, 255), path).convert("L" if kind in (_GRAY, _GRAY_ALPHA) else "RGB")
    turn = turn_of(image) if cover else None
    if turn is not None:
        plain = plain.transpose(turn)
        notes.append("the picture is turned as its metadata say")
    pixels = np.asarray(plain)
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    if "icc_profile" in image.info:
        notes.append("the color profile is left out")
    return np.ascontiguousarray(pixels), notes


def _decode(path: Path) -> tuple[Any, str]:
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=["PNG"]) as image:
                if getattr(image, "n_frames", 1) > 1 or "default_image" in image.info:
                    raise StegoError(f"{str(path)!r} is an animation. Use a still picture.")
                stored = str(image.tile[0][3]) if image.tile else ""
                image.load()
                return image.copy(), stored
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise StegoError(f"{str(path)!r} has more than {Image.MAX_IMAGE_PIXELS:,} pixels. Use a smaller picture.") from None
    except StegoError:
        raise
    except Exception:  # Pillow's parsers stumble over damage in many ways
        raise StegoError(f"{str(path)!r} is a damaged PNG file: it cannot be decoded to its end.") from None


def _conversions(path: Path, depth: int, kind: int, transparent: bool, convert: bool) -> list[str]:
    """What has to be converted, in words; refused where `convert` is False."""
    possible = {
        f"{depth} bits a channel become 8": depth != 8 and kind != _PALETTE,
        "the palette becomes RGB": kind == _PALETTE,
        "transparency is laid on white": kind in (_GRAY_ALPHA, _RGB_ALPHA) or transparent,
    }
    found = [words for words, there in possible.items() if there]
    if found and not convert:
        raise StegoError(
            f"{str(path)!r} is not plain 8-bit gray or RGB. It can be converted ({', '.join(found)}) where you ask for it: "
            "`--convert`, `convert=True`."
        )
    return found


def _instead(start: bytes) -> str:
    if start.startswith(b"\xff\xd8"):
        return "It is a JPEG, whose compression destroys what is hidden; hide in a PNG, and send that PNG itself."
    known = {b"RIFF": "WebP", b"GIF8": "GIF", b"BM": "BMP", b"II*\0": "TIFF", b"MM\0*": "TIFF"}
    name = next((name for magic, name in known.items() if start.startswith(magic)), None)
    return f"It is a {name} file; use a PNG." if name else "Use a PNG, gray or RGB."


def check_output(path: str | Path, overwrite: bool, sources: Iterable[str | Path | None]) -> Path:
    """A name under which a PNG may be written.

    Args:
        path: the name. overwrite: whether a file of this name may go. sources: files that must stay: cover, key, message.

    Returns:
        `pathlib.Path`.

    Raises:
        StegoError: not .png; one of the sources, by whatever way (links, relative paths); a folder; an existing file; no such folder.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        why = "is lossy and would destroy the message" if path.suffix.lower() in _LOSSY else "is not .png"
        raise StegoError(
            f"The output must be a PNG file: {path.suffix or 'a name without ending'!r} {why}. Received: {str(path)!r}."
        )
    return check_free(path, overwrite, sources)


def check_free(path: str | Path, overwrite: bool, sources: Iterable[str | Path | None]) -> Path:
    """As `check_output`, for a file of any ending."""
    path = Path(path)
    for source in sources:
        if source is not None and Path(source).exists() and path.exists() and path.samefile(source):
            raise StegoError(
                f"The output {str(path)!r} is the input {str(source)!r}, which is never overwritten. Choose another name."
            )
    if path.is_dir():
        raise StegoError(f"The output {str(path)!r} is a folder. Give the name of a file.")
    if not path.absolute().parent.is_dir():
        raise StegoError(f"There is no folder {str(path.parent)!r} to write to.")
    if (path.exists() or path.is_symlink()) and not overwrite:
        raise StegoError(
            f"{str(path)!r} exists. Choose another name, or allow it to be overwritten: `--overwrite`, `overwrite=True`."
        )
    return path


def write_png(path: str | Path, pixels: Array, overwrite: bool, check: Callable[[Any], Any]) -> None:
    """Write pixels alone, no word of the camera or of this tool; the file gets its name after `check(temporary path)` returned.

    Raises:
        StegoError: the file cannot be written. Whatever `check` raises. There is then no new file.
    """
    from PIL import Image

    def write(temporary: Any) -> None:
        Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(temporary, format="PNG")
        check(temporary)

    try:
        atomic_write(path, write, overwrite=overwrite)
    except FileExistsError:
        raise StegoError(f"{str(path)!r} exists. Choose another name, or allow it to be overwritten.") from None
    except OSError as error:
        raise StegoError(f"{str(path)!r} cannot be written: {error.strerror or type(error).__name__}.") from None
