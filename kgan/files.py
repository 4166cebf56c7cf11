"""Writing files so that an interruption at any byte leaves the old file or the new one, never half of either."""

import contextlib
import json
import os
import tempfile
from pathlib import Path


def atomic_write(path, write, overwrite=True, mode=None):
    """Write a file through a temporary neighbour, synced and renamed.

    Args:
        path: the file.
        write: callable that gets the temporary path (same suffix) and writes it.
        overwrite: bool, default True. False never replaces a file, not even one that appeared while this one was written.
        mode: int, permissions, such as 0o600 for secrets, which the temporary file then never exceeds; default: those of the umask.

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
        # Of the file that was meant, not of its temporary neighbour.
        text = f"{error.strerror or error}; the file was not written"
        raise (OSError(f"{path}: {text}") if error.errno is None else OSError(error.errno, text, str(path))) from error
    with contextlib.suppress(OSError):  # not every file system can sync a folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _write_and_rename(path, write, overwrite, mode):
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


def _link(temporary, path):
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


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_json(path, content):
    """Write JSON, atomically."""
    atomic_write(path, lambda temporary: Path(temporary).write_text(json.dumps(content, indent=2) + "\n"))
