"""Figures of merit while a model trains."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import keras

from kgan.arguments import Checked, Count
from kgan.files import atomic_write
from kgan.types import FilePath

DISTANCES = ("frechet_distance[", "FID[")


class Evaluation(Checked, keras.callbacks.Callback):
    """Figures of samples after every n-th epoch, in the logs: for `history`, and for the callbacks behind this one (CSV, TensorBoard).

    Args:
        measure: `(model) -> dict of figures`.
        every: default 1, epochs between them.
        keep: path of a .keras file, or None (default): there lies the model whose Frechet distance was the smallest.
        history: rows of figures of earlier epochs, `{"epoch": ..., name: value}` as a CSV file has them; default none. A resumed run
            goes on from the best of them.

    Attributes:
        best, best_epoch: the smallest distance and its epoch, counted from 1; None before there is one.

    Raises:
        ValueError: in the first epoch that is measured, with `keep`: no figure is a Frechet distance.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.GAN((2,), latent_size=2, seed=0)
    >>> model.compile()
    >>> watch = Evaluation(lambda model: {"spread": float(model.generate(50, seed=0).std())}, every=2)
    >>> history = model.fit(np.zeros((64, 2), "float32"), batch_size=32, epochs=4, verbose=0, callbacks=[watch])
    >>> len(history.history["spread"])
    2
    """

    def __init__(
        self,
        measure: Callable[[Any], Mapping[str, float]],
        every: Count = 1,
        keep: FilePath | None = None,
        history: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__()
        self.measure, self.every = measure, every
        self.keep = None if keep is None else Path(keep)
        self.best: float | None = None
        self.best_epoch: int | None = None
        for row in history:
            self._compare(
                int(row["epoch"]), {name: float(v) for name, v in row.items() if name.startswith(DISTANCES) and v != "NA"}
            )

    def _compare(self, epoch: int, figures: Mapping[str, float]) -> bool:
        """Whether the figures of an epoch are the best so far."""
        distance = next((float(value) for name, value in figures.items() if name.startswith(DISTANCES)), None)
        if distance is None or (self.best is not None and not distance < self.best):
            return False
        self.best, self.best_epoch = distance, epoch + 1
        return True

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if (epoch + 1) % self.every:
            return
        figures = self.measure(self.model)
        if logs is not None:
            logs.update(figures)
        if self._compare(epoch, figures) and self.keep is not None:
            atomic_write(self.keep, self.model.save)
        if self.keep is not None and self.best is None:
            raise ValueError(f"The best model is that of the smallest Frechet distance, and the figures are {sorted(figures)}.")
