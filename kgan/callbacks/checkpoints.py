"""Checkpoints that survive a kill at any byte, and from which a run goes on exactly."""

import json
import re
import signal
import sys
import tempfile
import threading
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan import backend
from kgan.arguments import Checked, Count
from kgan.engine.divergence import DivergenceError
from kgan.files import atomic_write, reading
from kgan.types import FilePath, Logs

# What differs between two configurations of one run: from process to process, from version to version.
_CHANGING = ("shared_object_id", "build_config", "compile_config", "kgan_version")
_NAME = re.compile(r"epoch-(\d{5,})(?:-round-(\d{5,}))?\.keras")


class Checkpoint(Checked, keras.callbacks.Callback):
    """Write the whole state of a run at the end of every n-th epoch, and stop cleanly on a signal.

    A checkpoint `epoch-00012.keras` is a model file written after 12 epochs: weights, optimizers, averages, random states. It is
    written to a temporary name, synced and renamed, so an interruption never damages one. `restore` continues from the newest.
    Of several workers the first writes; all read the same folder when they resume.

    A state with weights that are not finite is not written: `DivergenceError` is raised and the last good checkpoint kept.

    On SIGTERM or Ctrl-C the round in progress is finished and written too, `epoch-00012-round-00340.keras`; then `fit` is left with
    `SystemExit(143)` or `KeyboardInterrupt` (of which Python makes the exit status 130). A run that `restore` continues plays the rest of
    that epoch and ends as the run that was left alone, bit for bit, logs included, if its data have an order that follows from the epoch:
    arrays, and `kgan.datasets`. Several workers resume from the last complete epoch.

    Args:
        folder: where; made if missing.
        every: default 1, epochs between checkpoints.
        keep: default 3: newest checkpoints to keep; None keeps all.

    Example:
    >>> import tempfile, numpy as np, kgan
    >>> model = kgan.GAN(data_shape=(2,), latent_size=2, seed=0)
    >>> model.compile()
    >>> folder = tempfile.mkdtemp()
    >>> points = np.random.default_rng(0).normal(size=(128, 2)).astype("float32")
    >>> history = model.fit(points, epochs=2, verbose=0, callbacks=[kgan.callbacks.Checkpoint(folder)])
    >>> kgan.callbacks.restore(model, folder)
    2
    """

    def __init__(self, folder: FilePath, every: Count = 1, keep: Count | None = 3) -> None:
        super().__init__()
        self.folder = Path(folder)
        self.every, self.keep = every, keep
        self._received: int | None = None
        self._previous: dict[int, Any] = {}
        self._epoch, self._written = 0, (-1, 0)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._received, self._written = None, (-1, 0)
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._previous[number] = signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: Any) -> None:
        if self._received is not None:  # a second Ctrl-C does not wait
            self.on_fit_exit()
            raise KeyboardInterrupt
        self._received = number
        print("\nStopping after this round; repeat to stop at once.", file=sys.stderr)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch
        if self._received is not None and self._written == (epoch, 0):
            self._leave()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self._received is not None:
            if backend.worker_count(self.model) == 1:  # others would have to save as well, and play on
                self._write(self._epoch, batch + 1)
            self._leave()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        done = epoch + 1
        if (
            done % self.every == 0
            or done == self.params.get("epochs")
            or (self._received and backend.worker_count(self.model) == 1)
        ):
            self._write(done)

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self._received is not None:
            self._leave()

    def _leave(self) -> None:
        number = self._received
        self.on_fit_exit()
        if number == signal.SIGTERM:
            raise SystemExit(128 + signal.SIGTERM)
        raise KeyboardInterrupt

    def _write(self, epochs: int, rounds: int = 0) -> None:
        self._check_weights(epochs if rounds else epochs - 1)
        self._written = epochs, rounds
        if not backend.is_chief(self.model):
            # Saving creates variables, which the workers of a strategy have to create together; one of them keeps the file.
            with tempfile.TemporaryDirectory() as folder:
                self.model.save(Path(folder) / "discarded.keras")
            return
        atomic_write(self.folder / f"epoch-{epochs:05d}{f'-round-{rounds:05d}' * bool(rounds)}.keras", self.model.save)
        if self.keep is not None:
            for old in checkpoints(self.folder)[: -self.keep]:
                old.unlink(missing_ok=True)

    def _check_weights(self, epoch: int) -> None:
        for weight in self.model.weights:
            value = ops.convert_to_numpy(weight)
            if np.issubdtype(value.dtype, np.floating) and not np.isfinite(value).all():
                raise DivergenceError([f"the weight {weight.path}"], epoch, self.params.get("steps") or 0)

    def on_fit_exit(self) -> None:
        """Give the signals back. The engine calls it however `fit` ends."""
        while self._previous:
            signal.signal(*self._previous.popitem())


def checkpoints(folder: FilePath) -> list[Path]:
    """The checkpoints in a folder, oldest first."""
    return sorted((p for p in Path(folder).glob("epoch-*.keras") if _NAME.fullmatch(p.name)), key=_place)


def _place(path: Path) -> tuple[int, int]:
    """Complete epochs, and rounds of the one in progress."""
    epochs, rounds = _NAME.fullmatch(path.name).groups(default="0")  # type: ignore[union-attr]
    return int(epochs), int(rounds)


def restore(model: Any, folder: FilePath) -> int:
    """Put a compiled model into the state of the newest checkpoint in a folder. Of one from within an epoch the next `fit` plays the rest.

    Args:
        model: `kgan.AdversarialModel`, compiled, of the configuration of the run.
        folder: where `Checkpoint` wrote.

    Returns:
        int, the number of complete epochs, to be passed as `fit(initial_epoch=...)`; 0 if there is no checkpoint.

    Raises:
        ValueError: the checkpoint belongs to a model of another configuration (says which arguments differ), or cannot be read.
    """
    found = checkpoints(folder) if Path(folder).is_dir() else []
    if not found:
        return 0
    path = found[-1]
    what = "a checkpoint that can be read (remove it to go on from an older one)"
    present = json.loads(json.dumps(keras.saving.serialize_keras_object(model)))
    with reading(path, what):
        with zipfile.ZipFile(path) as archive:
            stored = json.loads(archive.read("config.json"))
        if stored.get("registered_name") != present["registered_name"]:
            raise ValueError(f"{str(path)!r} holds a {stored.get('class_name')}, not a {present['class_name']}.")
        theirs, ours = (_plain(config["config"]) for config in (stored, present))
        different = sorted(key for key in {*theirs, *ours} if theirs.get(key) != ours.get(key))
    if different:
        raise ValueError(
            f"The checkpoint {str(path)!r} comes from another configuration; these arguments differ: {', '.join(different)}. "
            "Resume with the settings of the run, or start a new one in another folder."
        )
    with reading(path, what):
        model.load_weights(path)
    epochs, rounds = _place(path)
    if rounds:
        model.resume_epoch()
    return epochs


def _plain(config: Any) -> Any:
    """A configuration without what changes from process to process."""
    if isinstance(config, dict):
        return {k: _plain(v) for k, v in config.items() if k not in _CHANGING}
    return [_plain(v) for v in config] if isinstance(config, (list, tuple)) else config
