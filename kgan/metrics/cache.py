"""Where metrics keep what is costly to compute again."""

import os
from pathlib import Path

import numpy as np

from kgan.files import atomic_write


def folder():
    """`$KGAN_CACHE`, or `~/.cache/kgan`."""
    return Path(os.environ.get("KGAN_CACHE") or Path.home() / ".cache" / "kgan")


def store(path, arrays):
    """Write named arrays, atomically. A cache that cannot be written costs time, no more: the error is swallowed."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, lambda temporary: np.savez(temporary, **arrays))
    except OSError:
        return False
    return True
