"""Pictures of your own in a folder: which are held out, which class each is of, and where they are decoded."""

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kgan.arguments import COUNT, NUMBER, TEXT, require
from kgan.backend.feeding import from_arrays
from kgan.datasets.pipeline import common_size, from_files, gathered, to_float
from kgan.files import atomic_write, read_json, write_json
from kgan.images import in_threads, list_images, nothing_left, read_image, readable, refuse_or_warn
from kgan.types import Array, FilePath

_IN_MEMORY = 2**30  # bytes of decoded pictures that "auto" keeps


class _Found(NamedTuple):
    """Picture files, the class of each (-1: in no folder of a class), the names of all classes, and what to say of the folder."""

    files: list[Path]
    labels: Array
    names: list[str]
    left_out: dict[str, list[Path]]

    def at(self, places: Sequence[int]) -> "_Found":
        return self._replace(files=[self.files[i] for i in places], labels=self.labels[list(places)])


def image_folder(
    path: FilePath,
    batch_size: int = 64,
    image_size: int | None = None,
    channels: int = 3,
    seed: int = 0,
    shuffle: bool = True,
    corrupt: str = "skip",
    dequantize: bool = False,
    background: str = "white",
    passes: int = 1,
    *,
    labels: bool = False,
    split: str = "all",
    held_out: float = 0.1,
    cache: str = "auto",
) -> Any:
    """Minibatches of the images in a folder.

    What counts as a picture, and that pixels are those that a viewer shows, says the head of `kgan.images`. A warning counts what is left
    out of a folder, and why. All files are opened beforehand, by as many threads as there are cores.

    Args:
        path: folder; subfolders are searched. Files are cut to their central square.
        batch_size: default 64; an incomplete last minibatch is dropped.
        image_size: int or None. None needs files of one size.
        channels: 1 (gray) or 3 (color), default 3.
        seed, shuffle: as in `from_arrays`.
        corrupt: "skip" (default): unreadable files are left out, with a warning that counts and names them; "error": refused.
        dequantize: as in `load`.
        background: default "white": what transparent pixels are laid on, a name of HTML's or "#rrggbb".
        passes: as in `load`.
        labels: default False: yield `(images, labels)`, where every subfolder is a class, in the order of `class_names`.
        split: "all" (default), "train" or "test": the pictures of the folders `train/` and `test/` where both are there; else "test" is the
            share that is held out, and "train" the rest.
        held_out: share in [0, 1), default 0.1: at least one picture, unless 0. Which ones is a function of the names alone (those whose
            SHA-256 come first), so that pictures that are added later change little.
        cache: where the decoded pictures are kept. "memory": 8-bit pixels, twice their size for a moment. A folder: in a file there, which
            the next run finds, and reads as it needs it. "none": decoded again in every epoch, for what fits nowhere. "auto" (default):
            memory up to 1 GiB of pixels, else none.

    Returns:
        `tf.data.Dataset` of float32 `(batch_size, size, size, channels)` in [-1, 1], or of these and int64 labels.

    Raises:
        FileNotFoundError: no such folder. ValueError: no readable image, images of different sizes without `image_size`; `labels` where
            pictures lie in no folder of a class.
    """
    require(COUNT, passes=passes, batch_size=batch_size)
    require(TEXT, cache=cache)
    _check(channels, corrupt)
    if Path(cache).is_file():
        raise ValueError(f'`cache` must be "auto", "memory", "none" or a folder. There is a file {cache!r}.')
    found = _search(path, split, held_out)
    if labels and (found.labels < 0).any():
        bare = [str(file.relative_to(path)) for file, label in zip(found.files, found.labels, strict=True) if label < 0]
        raise ValueError(
            f"`labels` needs every picture in a subfolder named after its class; {len(bare)} of {len(found.files)} in {str(path)!r} are "
            f"in none: {', '.join(bare[:5])}{', ...' if len(bare) > 5 else ''}."
        )
    checked = image_size is None
    if image_size is None:
        found = _checked(found, path, corrupt)
        image_size = common_size(found.files)
    require(COUNT, image_size=image_size)
    if cache == "auto":
        cache = "memory" if len(found.files) * image_size**2 * channels <= _IN_MEMORY else "none"
    if cache == "none":
        found = found if checked else _checked(found, path, corrupt)
        options: dict[str, Any] = {"seed": seed, "shuffle": shuffle, "dequantize": dequantize, "background": background}
        classes = np.tile(found.labels, passes) if labels else None
        return from_files(found.files * passes, batch_size, image_size, channels, labels=classes, **options)
    found, pixels = _pixels(found, path, image_size, channels, corrupt, background, cache)
    rows = from_arrays(np.tile(np.arange(len(pixels)), passes), batch_size, seed, shuffle)
    return to_float(gathered(rows, pixels, found.labels if labels else None), dequantize, seed)


def folder_arrays(
    path: FilePath,
    split: str = "all",
    image_size: int | None = None,
    channels: int = 3,
    corrupt: str = "skip",
    background: str = "white",
    held_out: float = 0.1,
) -> tuple[Array, Array]:
    """The images of a folder in memory, in the order of their names.

    Args: as in `image_folder`.

    Returns:
        `(images, labels)`: uint8 (count, size, size, channels); int64, 0 where the folder has no classes.

    Raises:
        FileNotFoundError, ValueError: as `image_folder`.
    """
    _check(channels, corrupt)
    found = _search(path, split, held_out)
    if image_size is None:
        found = _checked(found, path, corrupt)
        image_size = common_size(found.files)
    require(COUNT, image_size=image_size)
    found, pixels = _pixels(found, path, image_size, channels, corrupt, background, "memory")
    return pixels, np.zeros_like(found.labels) if (found.labels < 0).any() else found.labels


def folder_parts(
    path: FilePath,
    split: str,
    image_size: int,
    channels: int = 3,
    background: str = "white",
    held_out: float = 0.1,
    count: int = 1000,
) -> Iterator[Array]:
    """The images of a folder, decoded in parts as they are asked for, so that they need not fit into memory.

    Args: as in `image_folder`; unreadable files are left out without a word. count: default 1000, images of a part.

    Yields:
        uint8 (at most count, image_size, image_size, channels), in the order of their names.
    """
    files = _search(path, split, held_out).files
    for start in range(0, len(files), count):
        decoded = in_threads(lambda file: read_image(file, image_size, channels, None, background), files[start : start + count])
        images = [image for _, image, _ in decoded if image is not None]
        if images:
            yield np.stack(images)


def folder_classes(path: FilePath) -> list[str]:
    """Names of the subfolders that hold pictures, those of `train/` and `test/` where both are there: sorted, as labels count them."""
    return _search(path, "all", 0.0).names


def _check(channels: int, corrupt: str) -> None:
    if channels not in (1, 3):
        raise ValueError(f"`channels` must be 1 or 3. Received: {channels!r}.")
    if corrupt not in ("skip", "error"):
        raise ValueError(f'`corrupt` must be "skip" or "error". Received: {corrupt!r}.')


# Which pictures ------------------------------------------------------------------------------------------------------------


def _search(path: FilePath, split: str, held_out: float) -> _Found:
    """The pictures of a split by their names, none opened."""
    if split not in ("all", "train", "test"):
        raise ValueError(f'`split` must be "all", "train" or "test". Received: {split!r}.')
    require(NUMBER, held_out=held_out)
    if not 0.0 <= held_out < 1.0:
        raise ValueError(f"`held_out` must lie in [0, 1). Received: {held_out!r}.")
    top = Path(path)
    files, left_out = list_images(top)
    if not files:
        raise ValueError(nothing_left(path, {}, left_out))
    parts = [file.relative_to(top).parts for file in files]
    apart = {"train", "test"} <= {part[0] for part in parts if len(part) > 1}
    own = [part[1:] if apart and part[0] in ("train", "test") else part for part in parts]
    names = sorted({part[0] for part in own if len(part) > 1})
    place = {name: index for index, name in enumerate(names)}
    labels = np.asarray([place[part[0]] if len(part) > 1 else -1 for part in own], "int64")
    found = _Found(files, labels, names, left_out)
    if split == "all":
        return found
    if apart:
        chosen = [i for i, part in enumerate(parts) if part[0] == split]
    else:
        # By bytes, not by the characters of this system's separator.
        order = sorted(range(len(files)), key=lambda i: hashlib.sha256("/".join(parts[i]).encode()).digest())
        count = math.ceil(held_out * len(files))
        chosen = sorted(order[:count] if split == "test" else order[count:])
    if not chosen:
        raise ValueError(
            f"No picture is left for the split {split!r}: {str(path)!r} holds {len(files)}, `held_out` is {held_out}."
        )
    return found.at(chosen)


def _checked(found: _Found, path: FilePath, corrupt: str) -> _Found:
    """Those that can be read."""
    return _told(found, readable(found.files)[1], path, corrupt)


def _told(found: _Found, bad: dict[Path, str], path: FilePath, corrupt: str) -> _Found:
    """Without those that cannot be read, of which the user is told, and of what else is left out: once."""
    if len(bad) == len(found.files) and corrupt == "skip":
        raise ValueError(nothing_left(path, bad, found.left_out))
    refuse_or_warn(bad, len(found.files), path, corrupt, found.left_out, stacklevel=4)
    return found.at([i for i, file in enumerate(found.files) if file not in bad])._replace(left_out={})


# Decoded pictures ----------------------------------------------------------------------------------------------------------


def _pixels(
    found: _Found, path: FilePath, size: int, channels: int, corrupt: str, background: str, cache: str
) -> tuple[_Found, Array]:
    """Those that can be read, and their pixels: in memory, or in a file of the folder `cache`."""
    shape = (size, size, channels)

    def read(file: Path) -> Array:
        return read_image(file, size, channels, None, background)

    bad: dict[Path, str] = {}
    if cache == "memory":
        pixels = np.empty((len(found.files), *shape), "uint8")
        for index, (file, image, reason) in enumerate(in_threads(read, found.files)):
            if image is None:
                bad[file] = reason
            else:
                pixels[index] = image
        good = [file not in bad for file in found.files]
        return _told(found, bad, path, corrupt), pixels[good] if bad else pixels

    def write(temporary: str) -> None:
        with open(temporary, "wb") as out:
            for file, image, reason in in_threads(read, found.files):
                if image is None:
                    bad[file] = reason
                else:
                    out.write(image.tobytes())

    kept = Path(cache) / f"{_key(found.files, Path(path), size, channels, background)}.pixels"
    try:
        told = read_json(kept.with_suffix(".json"), "a list of pictures that cannot be read", dict)
        bad = {Path(path) / name: str(reason) for name, reason in told.items()}
    except (OSError, ValueError):
        told = None
    length = (len(found.files) - len(bad)) * math.prod(shape)
    if told is None or not kept.is_file() or kept.stat().st_size != length:
        bad.clear()
        kept.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(kept, write)
        write_json(kept.with_suffix(".json"), {str(file.relative_to(path)): reason for file, reason in bad.items()})
    found = _told(found, bad, path, corrupt)
    return found, np.memmap(kept, "uint8", "r", shape=(len(found.files), *shape))


def _key(files: Sequence[Path], top: Path, *how: object) -> str:
    """A name for what is decoded: of which files as they are now, and how."""
    facts = [(str(file.relative_to(top)), (about := file.stat()).st_size, about.st_mtime_ns) for file in files]
    return hashlib.sha256(json.dumps([facts, *how]).encode()).hexdigest()[:24]
