"""Files in and out. What is written is the old file or the new one, never half of either, whenever it is interrupted; what is read is
whole and of its kind, or refused by name.
"""

import contextlib
import csv
import io
import json
import math
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from kgan.types import Array, FilePath

_DEFLATED = 1032  # no byte of a zip file can hold more than so many


def atomic_write(path: FilePath, write: Callable[[str], object], overwrite: bool = True, mode: int | None = None) -> None:
    """Write a file through a temporary neighbor, synced and renamed.

    Args:
        path: the file.
        write: callable that gets the temporary path (same suffix) and writes it.
        overwrite: default True. False never replaces a file, not even one that appeared while this one was written.
        mode: permissions, such as 0o600 for secrets, which the temporary file then never exceeds; default: those of the umask.

    Raises:
        FileExistsError: there is a file and `overwrite` is False.
        OSError: the disk is full, the folder is not writable; names the file, which keeps its old content.
    """
    path = Path(path)
    try:
        _write_and_rename(path, write, overwrite, mode)
    except FileExistsError:
        raise
    except OSError as error:
        # Of the file that was meant, not of its temporary neighbor.
        text = f"{error.strerror or error}; the file was not written"
        raise (OSError(f"{path}: {text}") if error.errno is None else OSError(error.errno, text, str(path))) from error
    with contextlib.suppress(OSError):  # not every file system can sync a folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _write_and_rename(path: Path, write: Callable[[str], object], overwrite: bool, mode: int | None) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    try:
        write(temporary)
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask() if mode is None else mode)
        os.replace(temporary, path) if overwrite else _link(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _link(temporary: str, path: Path) -> None:
    """Give the file its name unless the name is taken; a rename would replace."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(path):
            raise FileExistsError(f"{path} exists.") from None
        os.replace(temporary, path)
    else:
        os.unlink(temporary)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_json(path: FilePath, content: Any) -> None:
    """Write JSON, atomically."""
    atomic_write(path, lambda temporary: Path(temporary).write_text(json.dumps(content, indent=2) + "\n"))


# Reading -------------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def reading(path: FilePath, what: str, error: type[Exception] = ValueError) -> Iterator[None]:
    """Whatever a damaged or foreign file makes a parser stumble over becomes one error that names the file and what it should be.

    Passed on are errors of the system (no such file, no permission) and errors that name the file already.

    Args:
        path: the file. what: what is expected, such as "a vocabulary, an object with a list of `words`". error: its class.
    """
    try:
        yield
    except Exception as found:
        by_system = isinstance(found, OSError) and found.filename is not None
        if by_system or (isinstance(found, (ValueError, TypeError)) and str(path) in str(found)):
            raise
        reason = " ".join(str(found).split())[:200]
        raise error(
            f"{str(path)!r} is not {what}, or is damaged ({type(found).__name__}{': ' * bool(reason)}{reason}). "
            "Check which file this is, or get it again from its source."
        ) from found


def read_text(path: FilePath, what: str) -> str:
    """The content of a UTF-8 text file. ValueError: as `reading`."""
    with reading(path, what):
        return Path(path).read_text(encoding="utf-8")


def write_csv(path: FilePath, rows: Iterable[Sequence[Any]]) -> None:
    """Write a table, the names of its columns first, as `atomic_write`."""

    def write(target: str) -> None:
        with open(target, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)

    atomic_write(path, write)


def read_json(path: FilePath, what: str, parse: Callable[[Any], Any] = lambda content: content) -> Any:
    """`parse(content)` of a JSON file, any error of which is of the file. ValueError: as `reading`."""
    with reading(path, what):
        return parse(json.loads(Path(path).read_text(encoding="utf-8")))


def read_array(path: FilePath, what: str) -> Array:
    """The array of an .npy file. Nothing is unpickled, and no memory taken that its header only promises. ValueError: as `reading`."""
    with reading(path, what):
        return _array(Path(path).read_bytes())


def read_arrays(path: FilePath, names: Sequence[str], what: str) -> dict[str, Array]:
    """The arrays of these names of an .npz file, as a dict; of the file as `read_array`. ValueError: as `reading`; a missing name."""
    with reading(path, what), open(path, "rb") as file:
        return arrays_of(file, names)


def arrays_of(file: IO[bytes], names: Sequence[str]) -> dict[str, Array]:
    """As `read_arrays`, of an open file, with whatever error."""
    length = file.seek(0, os.SEEK_END)
    with zipfile.ZipFile(file) as archive:
        there = {name.removesuffix(".npy"): name for name in archive.namelist()}
        missing = [name for name in names if name not in there]
        if missing:
            raise ValueError(f"it has no {missing[:10]}; it has {sorted(there)[:10]}")
        found = {}
        for name in names:
            member = archive.getinfo(there[name])
            if member.compress_size > length or member.file_size > _DEFLATED * member.compress_size:
                raise ValueError(f"the array {name!r} cannot be as long as the file says")
            found[name] = _array(archive.read(member))
        return found


def _array(content: bytes) -> Array:
    stream = io.BytesIO(content)
    head = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    version = np.lib.format.read_magic(stream)
    if version not in head:
        raise ValueError(f"an array of version {version}")
    shape, columns_first, dtype = head[version](stream)
    if dtype.hasobject:
        raise ValueError("it holds Python objects, which are never unpickled")
    left = len(content) - stream.tell()
    if any(n < 0 for n in shape) or math.prod(shape) * dtype.itemsize != left:
        raise ValueError(f"its header promises {shape} of {dtype}, and {left} bytes follow")
    flat = np.frombuffer(content, dtype, offset=stream.tell()) if left else np.zeros(0, dtype)
    return flat.reshape(shape, order="F" if columns_first else "C").copy(order="K")
