"""One training made of several calls of `fit`, as callbacks see it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

from kgan import backend
from kgan.engine.divergence import DivergenceGuard
from kgan.types import Logs


class Relay(keras.callbacks.CallbackList):
    """A user's callbacks over several calls of Keras' `fit`: one beginning, one end.

    For families and programs that train in parts: call `begin`, pass the relay as a callback to each `fit`, call `end`. Callbacks that
    open files or reset counters when training begins (`CSVLogger`, `EarlyStopping`) then see one run.

    Args:
        callbacks: list of Keras callbacks.
        model: the model they watch.

    Attributes:
        next_epoch: int, the epoch that follows the last complete one.
    """

    def __init__(self, callbacks: Sequence[Any], model: Any) -> None:
        super().__init__(callbacks)
        self.set_model(model)
        self.next_epoch = 0

    def begin(self, parameters: Mapping[str, Any]) -> None:
        """Announce the beginning, with Keras' parameters `epochs`, `steps`, `verbose`."""
        self.set_params(parameters)
        super().on_train_begin()

    def end(self) -> None:
        """Announce the end."""
        super().on_train_end()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Announced once, by `begin`."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Announced once, by `end`."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.next_epoch = epoch + 1
        super().on_epoch_end(epoch, logs)

    def on_fit_exit(self) -> None:
        """Pass on what the engine calls however `fit` ends."""
        for callback in self.callbacks:
            if hasattr(callback, "on_fit_exit"):
                callback.on_fit_exit()


def fit_in_parts(
    model: Any,
    part: Callable[[list[Any], int], object],
    *,
    epochs: int,
    initial_epoch: int = 0,
    callbacks: Sequence[Any] | None = None,
    verbose: int | str = "auto",
) -> Any:
    """One training of a model whose epochs fall into parts, each a call of Keras' `fit`.

    Args:
        model: `kgan.AdversarialModel`; its `part_complete` property says, at the end of an epoch, whether the next part is due.
        part: `(callbacks, initial_epoch)`: prepare the part that is due and call `fit` up to `epochs` with these callbacks.
        epochs, initial_epoch, callbacks, verbose: as in `fit`.

    Returns:
        The `keras.callbacks.History` of all parts.
    """
    callbacks = list(callbacks or [])
    guards = [c for c in callbacks if isinstance(c, DivergenceGuard)]
    history = keras.callbacks.History()
    relay = Relay([*(c for c in callbacks if c not in guards), history], model)
    relay.begin({"epochs": epochs, "verbose": verbose, "steps": None})
    # A callback that restores a run says so here.
    relay.next_epoch = backend.take_initial_epoch(model) or initial_epoch
    try:
        while relay.next_epoch < epochs:
            end, before = _PartEnd(), relay.next_epoch
            part([*guards, relay, end], before)
            if not end.reached or relay.next_epoch == before:
                break
    finally:
        relay.on_fit_exit()
    relay.end()
    model.history = history
    return history


class _PartEnd(keras.callbacks.Callback):
    """Leaves Keras' `fit` when the part is complete."""

    reached = False

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if not self.model.stop_training and self.model.part_complete:
            self.reached = self.model.stop_training = True
