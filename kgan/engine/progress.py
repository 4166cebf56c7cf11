"""Where a training stands: how many epochs over all fits, and how many rounds of the one in progress; saved with the model."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan.backend import feeding
from kgan.types import Array, Logs


class Progress:
    """How far a model has been trained. Data sets that shuffle by the epoch follow it, so that no two epochs repeat an order.

    Attributes:
        epochs: complete epochs, over all fits.
        rounds: rounds played of the epoch in progress; 0 between two epochs.
        skip: rounds of the next epoch that a run to be resumed has played already: their data are passed over.
    """

    def __init__(self) -> None:
        self.epochs = self.rounds = self.skip = 0
        self._logged: list[Array] = []
        self._logs: Logs = {}

    # In files --------------------------------------------------------------------------------------------------------

    def state(self, metrics: Sequence[Any]) -> dict[str, Array]:
        """What a file holds: the counts, and within an epoch what the logs have summed up so far."""
        state = {"progress": np.asarray([self.epochs, self.rounds])}
        if self.rounds:
            state |= {f"logged_{i}": ops.convert_to_numpy(v) for i, v in enumerate(_variables(metrics))}
        return state

    def load(self, state: Mapping[str, Any]) -> None:
        """Stand where the model stood that was saved; a file without the counts leaves them alone."""
        if "progress" in state:
            self.epochs, self.rounds = map(int, state["progress"][...])
            self.skip = 0
            self._logged = [state[f"logged_{i}"][...] for i in range(len(state) - 1)]

    # In a fit --------------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """A `fit` begins. An epoch that was left in the middle, and is not resumed, counts as begun: its order is not used again."""
        if self.rounds and not self.skip:
            self.epochs += 1
        self.rounds = 0

    def end(self) -> None:
        """A `fit` is left, however it ends."""
        self.skip = 0
        self.begin()

    def begin_epoch(self, metrics: Sequence[Any]) -> None:
        if self.skip:
            for variable, value in zip(_variables(metrics), self._logged, strict=False):
                variable.assign(value)
            self._logs = {metric.name: metric.result() for metric in metrics}

    def passing(self, train_function: Any, steps: int) -> Any:
        """A training function that takes the data of rounds to be skipped, and does nothing else with them.

        Args:
            train_function: Keras', `(data) -> logs`, or `(state, data) -> logs, state`; None where there is none.
            steps: rounds that one call plays.
        """
        if train_function is None:
            return None

        @functools.wraps(train_function)
        def passing(*arguments: Any) -> Any:
            if not self.skip:
                return train_function(*arguments)
            self.skip = max(0, self.skip - steps)
            data = arguments[-1]
            for _ in range(steps if hasattr(data, "__next__") else 0):  # else Keras has taken them
                next(data)
            return self._logs if len(arguments) == 1 else (self._logs, *arguments[:-1])

        return passing


def _variables(metrics: Sequence[Any]) -> list[keras.Variable]:
    return [variable for metric in metrics for variable in metric.variables]


class Following(keras.callbacks.Callback):
    """Counts a model's epochs and rounds, and lets its data set follow. The first of the callbacks: others save what it counts."""

    def __init__(self, progress: Progress, data: Any) -> None:
        super().__init__()
        self.progress, self.data = progress, data
        # A data set may feed another training too, which has called this one: it gets back what it had.
        self.before = [(clock, clock.epoch) for clock in feeding.clocks(data)]

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        feeding.set_epoch(self.data, self.progress.epochs)
        self.progress.begin_epoch(self.model.metrics)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self.progress.rounds = batch + 1

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.progress.skip:
            raise ValueError(
                f"The run to be resumed was stopped after {self.progress.rounds + self.progress.skip} rounds of an epoch, and an epoch of "
                f"these data has {self.progress.rounds}. Resume with the data, the batch size and the steps of the run."
            )
        self.progress.epochs += 1
        self.progress.rounds = 0

    def on_fit_exit(self) -> None:
        for clock, epoch in self.before:
            clock.epoch = epoch
        self.progress.end()


class Rested(keras.callbacks.CallbackList):
    """Callbacks that do not see the rounds of an epoch which an interrupted run has played, and shown to them, before."""

    def __init__(self, callbacks: Sequence[Any], progress: Progress) -> None:
        super().__init__(list(callbacks))
        self.progress, self.seen = progress, progress.skip

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        super().on_epoch_end(epoch, logs)
        self.seen = 0

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        if batch >= self.seen:
            super().on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if batch >= self.seen:
            super().on_train_batch_end(batch, logs)

    def on_fit_exit(self) -> None:
        """Pass on what the engine calls however `fit` ends."""
        for callback in self.callbacks:
            if hasattr(callback, "on_fit_exit"):
                callback.on_fit_exit()
