"""IDX files, the format of MNIST and of all sets that are distributed like it."""

import gzip
import math
import struct
from pathlib import Path
from typing import IO

import numpy as np

from kgan.files import reading
from kgan.types import Array, FilePath

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: "i2", 0x0C: "i4", 0x0D: "f4", 0x0E: "f8"}
_PIECE = 2**20
_PARTS = {"train": "train", "test": "t10k"}


def read_idx(path: FilePath) -> Array:
    r"""The array of an IDX file, gzipped or not, whatever its name.

    Two zero bytes, one that names the type, one that counts the axes; the lengths of the axes as big-endian 32-bit integers; the
    numbers, row by row, big-endian (LeCun, Cortes and Burges, "The MNIST database", "File formats").

    Args:
        path: the file.

    Returns:
        Array of uint8, int8, int16, int32, float32 or float64, in the machine's own byte order.

    Raises:
        FileNotFoundError: no such file. ValueError: another format, or more or fewer numbers than its head promises; no memory is
            taken for those that do not come.

    Example:
    >>> import pathlib, tempfile
    >>> from kgan.datasets import read_idx
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "t10k-labels-idx1-ubyte"
    ...     _ = path.write_bytes(b"\0\0\x08\x01" + b"\0\0\0\x03" + b"\x07\x02\x01")
    ...     read_idx(path).tolist()
    [7, 2, 1]
    """
    with reading(path, "an IDX file, such as MNIST's train-images-idx3-ubyte or the same with .gz"), open(path, "rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        with gzip.open(file) if zipped else file as content:
            head = content.read(4)
            if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _TYPES:
                raise ValueError(f"it begins with {head.hex(' ') or 'nothing'}")
            lengths = content.read(4 * head[3])
            if not head[3] or len(lengths) < 4 * head[3]:
                raise ValueError(f"its head promises {head[3]} axes and ends before their lengths")
            shape = struct.unpack(f">{head[3]}I", lengths)
            dtype = np.dtype(_TYPES[head[2]])
            promised = math.prod(shape) * dtype.itemsize
            numbers = _at_most(content, promised + 1)
        if len(numbers) != promised:
            there = f"more than {promised:,}" if len(numbers) > promised else f"{len(numbers):,}"
            raise ValueError(f"its head promises {shape} of {dtype}, {promised:,} bytes, and {there} follow")
        return np.frombuffer(numbers, dtype.newbyteorder(">")).astype(dtype).reshape(shape)


def _at_most(file: IO[bytes] | gzip.GzipFile, length: int) -> bytes:
    """So many bytes, or all that are left: in pieces, since to ask for many at once takes memory before they come."""
    pieces = []
    while length > 0 and (piece := file.read(min(length, _PIECE))):
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)


def idx_folder(folder: FilePath, split: str = "train") -> tuple[Array, Array]:
    """Images and labels from a folder with files named as MNIST's are; Fashion-MNIST's and KMNIST's have the same names.

    Args:
        folder: it holds `train-images-idx3-ubyte` and `train-labels-idx1-ubyte`, or those that begin with `t10k`, with or without `.gz`.
        split: "train" (default) or "test", the files that begin with `t10k`.

    Returns:
        `(images, labels)`: uint8 (count, height, width, 1), int64.

    Raises:
        FileNotFoundError: names the files that are missing. ValueError: as `read_idx`; another split; arrays that are no images with a
            label each.
    """
    if split not in _PARTS:
        raise ValueError(f'`split` must be "train" or "test". Received: {split!r}.')
    names = [f"{_PARTS[split]}-{kind}-ubyte" for kind in ("images-idx3", "labels-idx1")]
    paths = [_there(Path(folder), name) for name in names]
    missing = [name for name, path in zip(names, paths, strict=True) if path is None]
    if missing:
        raise FileNotFoundError(f"The folder {str(folder)!r} has no {' and no '.join(missing)}, with or without .gz.")
    images, labels = (read_idx(path) for path in paths if path is not None)
    if images.ndim != 3 or images.dtype != np.uint8 or labels.shape != images.shape[:1] or labels.dtype.kind not in "iu":
        raise ValueError(
            f"{paths[0]} must hold uint8 images (count, height, width), {paths[1]} a whole number for each. Received: {images.dtype} "
            f"{images.shape}, {labels.dtype} {labels.shape}."
        )
    return images[..., None], labels.astype("int64")


def _there(folder: Path, name: str) -> Path | None:
    # Some unpack to names with a dot: train-images.idx3-ubyte.
    spellings = [spelling + end for spelling in (name, name.replace("-idx", ".idx")) for end in ("", ".gz")]
    return next((folder / spelling for spelling in spellings if (folder / spelling).is_file()), None)
