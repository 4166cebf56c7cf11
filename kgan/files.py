"""Writing files so that an interruption at any byte leaves the old file or the new one, never half of either."""

import contextlib
import json
import os
import tempfile
from pathlib import Path


def atomic_write(path, write):
    """Write a file through a temporary neighbour, synced and renamed.

    Args:
        path: the file.
        write: callable that gets the temporary path (same suffix) and writes it.

    Raises:
        OSError: the disk is full, the folder is not writable; names the file, which keeps its old content.
    """
    path = Path(path)
    try:
        _write_and_rename(path, write)
    except OSError as error:
        # Of the file that was meant, not of its temporary neighbour.
        text = f"{error.strerror or error}; the file was not written"
        raise (OSError(f"{path}: {text}") if error.errno is None else OSError(error.errno, text, str(path))) from error
    with contextlib.suppress(OSError):  # not every file system can sync a folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _write_and_rename(path, write):
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    try:
        write(temporary)
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_json(path, content):
    """Write JSON, atomically."""
    atomic_write(path, lambda temporary: Path(temporary).write_text(json.dumps(content, indent=2) + "\n"))
