"""Where metrics keep what is costly to compute again."""

import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kgan.files import atomic_write, read_arrays
from kgan.types import Array


def folder() -> Path:
    """`$KGAN_CACHE`, or `~/.cache/kgan`."""
    return Path(os.environ.get("KGAN_CACHE") or Path.home() / ".cache" / "kgan")


def load(path: Path, names: Sequence[str]) -> list[Array] | None:
    """The named arrays of a file, in order; None where there is none, or it is broken."""
    try:
        return list(read_arrays(path, names, "a file of the cache").values())
    except (OSError, ValueError):
        return None


def store(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write named arrays, atomically. A cache that cannot be written costs time, no more: the error is swallowed."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, lambda temporary: np.savez(temporary, **arrays))
