"""Where metrics keep what is costly to compute again."""

import contextlib
import os
from pathlib import Path

import numpy as np

from kgan.files import atomic_write, read_arrays


def folder():
    """`$KGAN_CACHE`, or `~/.cache/kgan`."""
    return Path(os.environ.get("KGAN_CACHE") or Path.home() / ".cache" / "kgan")


def load(path, names):
    """The named arrays of a file, in order; None where there is none, or it is broken."""
    try:
        return list(read_arrays(path, names, "a file of the cache").values())
    except (OSError, ValueError):
        return None


def store(path, arrays):
    """Write named arrays, atomically. A cache that cannot be written costs time, no more: the error is swallowed."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, lambda temporary: np.savez(temporary, **arrays))
