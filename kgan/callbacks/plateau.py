"""Smaller steps, from the best weights, when a figure stops rising: the schedule of AREL's authors (1804.09160)."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan.arguments import Checked, Count
from kgan.files import atomic_write, read_arrays, reading
from kgan.types import Array, FilePath, Logs


class BestOnPlateau(Checked, keras.callbacks.Callback):
    """Multiply all learning rates by `factor` and go back to the best weights after `patience` evaluations without a better figure.

    Unlike Keras' `ReduceLROnPlateau` it lowers the rates of all moves of a game, returns to the best weights, and takes a figure that no
    loss gives, such as METEOR of told stories.

    Args:
        figure: `(model) -> float`, higher is better.
        name: default "figure": what it is called in the logs, as of every evaluated epoch.
        patience: default 4 (the authors' for cross-entropy; 10 for AREL), evaluations.
        factor: in (0, 1), default 0.5 (the authors').
        every: default 1, epochs between evaluations. The authors' are 1000 minibatches apart for cross-entropy, 400 for AREL:
            `fit(steps_per_epoch=...)`.
        folder: where `best.npz` keeps the best weights and the count, so that a resumed run goes on as it was; None (default): in memory.

    Attributes:
        best: float, the best figure. reductions: int, how often the rates were lowered.

    Raises:
        ValueError: a figure that is not finite; an optimizer whose rate is a schedule.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.GAN(data_shape=(2,), latent_size=2, seed=0)
    >>> model.compile()
    >>> watch = kgan.callbacks.BestOnPlateau(lambda model: 0.0, patience=2)
    >>> points = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")
    >>> history = model.fit(points, epochs=5, verbose=0, callbacks=[watch])
    >>> watch.reductions, float(model.optimizer["generator"].learning_rate)
    (2, 0.0002500000118743628)
    """

    def __init__(
        self,
        figure: Callable[[Any], float],
        name: str = "figure",
        patience: Count = 4,
        factor: float = 0.5,
        every: Count = 1,
        folder: FilePath | None = None,
    ) -> None:
        super().__init__()
        if not 0.0 < factor < 1.0:
            raise ValueError(f"`factor` must lie between 0 and 1. Received: {factor!r}.")
        self.figure, self.name, self.patience, self.factor, self.every = figure, name, patience, factor, every
        self.path = None if folder is None else Path(folder) / "best.npz"
        self._forget()

    def _forget(self) -> None:
        self.best, self.reductions, self._waited, self._started = -math.inf, 0, 0, False
        self._weights: list[Array] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._forget()
        for move, optimizer in self._optimizers().items():
            if isinstance(optimizer.get_config()["learning_rate"], dict):
                raise ValueError(f"The learning rate of move {move!r} is a schedule, which cannot be lowered. Give a number.")

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        if not self._started and epoch > 0 and self.path is not None and self.path.is_file():
            self._read(self.path)
        self._started = True

    def _read(self, path: Path) -> None:
        counts, shapes = ("best", "reductions", "waited"), {f"weight_{i}": w.shape for i, w in enumerate(self.model.weights)}
        with reading(path, "the state of BestOnPlateau for this model"):
            stored = read_arrays(path, (*counts, *shapes), "its state")
            if any(stored[name].shape != tuple(shape) or stored[name].dtype.kind not in "fiub" for name, shape in shapes.items()):
                raise ValueError("weights of other shapes than the model's")
            self.best, self.reductions, self._waited = float(stored["best"]), int(stored["reductions"]), int(stored["waited"])
            if not np.isfinite([self.best, *(np.abs(stored[name]).max(initial=0) for name in shapes)]).all():
                raise ValueError("the best figure or a weight is NaN or infinite")
        self._weights = [stored[name] for name in shapes]

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if (epoch + 1) % self.every:
            return
        value = float(self.figure(self.model))
        if not np.isfinite(value):
            raise ValueError(f"The figure {self.name!r} is not finite after epoch {epoch + 1}.")
        if logs is not None:
            logs[self.name] = value
        if value > self.best:
            self.best, self._waited = value, 0
            self._weights = [ops.convert_to_numpy(v).copy() for v in self.model.weights]
        else:
            self._waited += 1
            if self._waited >= self.patience:
                self._lower()
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(self.path, self._write)

    def _lower(self) -> None:
        self._waited, self.reductions = 0, self.reductions + 1
        for optimizer in self._optimizers().values():
            optimizer.learning_rate = self.factor * float(ops.convert_to_numpy(optimizer.learning_rate))
        self.restore()

    def restore(self) -> None:
        """Put the best weights back, as at the end of a training of which the best is kept."""
        for variable, value in zip(self.model.weights, self._weights, strict=True):
            variable.assign(value)

    def _optimizers(self) -> dict[str, Any]:
        return {move: self.model.optimizer[move] for move in self.model._play.moves}

    def _write(self, path: str) -> None:
        weights: dict[str, Any] = {f"weight_{i}": value for i, value in enumerate(self._weights)}
        with open(path, "wb") as file:
            np.savez(file, best=self.best, reductions=self.reductions, waited=self._waited, **weights)
