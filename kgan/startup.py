"""The first seconds of a process, before a backend is there."""

import contextlib
import os
import platform
import sys
import tempfile
from collections.abc import Iterator

# What TensorFlow prints on every start, twice, whatever its level of logging: nothing that a reader could act on.
_NOTICES = (
    b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
    b"oneDNN custom operations are on.",
    b"This TensorFlow binary is optimized to use available CPU instructions",
    b"To enable the following instructions:",
)


def with_onednn() -> None:
    """Let TensorFlow compute with oneDNN, unless TF_ENABLE_ONEDNN_OPTS says otherwise or TensorFlow is loaded already.

    By itself it does so on some processors only, such as those with AVX-512. On one without, convolutions of pictures took up to four times
    as long, those of voxels a hundred times.
    """
    if platform.machine().lower() in ("x86_64", "amd64") and "tensorflow" not in sys.modules:
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


@contextlib.contextmanager
def without_notices() -> Iterator[None]:
    """Hold back what is written to standard error, and write it afterwards, in its order, without TensorFlow's notices of a start.

    Nothing is held back where TensorFlow is loaded already, where TF_CPP_MIN_LOG_LEVEL is 0 (somebody wants to see all), or where there is
    no standard error. A process that is aborted meanwhile, by a library that does not suit the processor for example, takes its last words
    along: start it again with TF_CPP_MIN_LOG_LEVEL=0.
    """
    if "tensorflow" in sys.modules or os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "0":
        yield
        return
    try:
        own = os.dup(2)
    except OSError:
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            if sys.stderr is not None:
                sys.stderr.flush()
            os.dup2(own, 2)
            os.close(own)
            held.seek(0)
            for line in held:
                if not any(notice in line for notice in _NOTICES):
                    os.write(2, line)
