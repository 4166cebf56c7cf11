"""Stopping a game that has left the finite numbers."""

import math
from collections.abc import Sequence

import keras

from kgan.arguments import Checked, Count
from kgan.types import Logs


class DivergenceError(FloatingPointError):
    """A term of a loss is no longer finite.

    Attributes:
        terms: names `<move>/<term>` that are not finite, in the order of play: the first is where it began; or "the data".
        epoch, step: where it was seen, both counted from 0; a step is a round.
    """

    def __init__(self, terms: Sequence[str], epoch: int, step: int) -> None:
        self.terms, self.epoch, self.step = terms, epoch, step
        super().__init__(
            f"Training diverged: {', '.join(terms)} is not finite in epoch {epoch}, round {step}. The last checkpoint holds the "
            "last good state. Check the data for NaN, lower the learning rates, or strengthen the penalty."
        )


class DivergenceGuard(Checked, keras.callbacks.Callback):
    """Raise `DivergenceError` when a logged term is NaN or infinite. `fit` adds one unless given one.

    Keras' own `TerminateOnNaN` reads the key `loss` alone and names no term. Checkpoints written at the end of earlier
    epochs are untouched, since the error leaves `fit` at once.

    Args:
        check_every: default 1: look at the logs every n-th round. Reading them waits for the device; on an
            accelerator a larger number lets rounds overlap. The logs keep a NaN until the end of the epoch, so none is missed.
    """

    def __init__(self, check_every: Count = 1) -> None:
        super().__init__()
        self.check_every = check_every
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if (batch + 1) % self.check_every == 0:
            self._check(batch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        training = {key: value for key, value in (logs or {}).items() if not key.startswith("val_")}
        self._check(self.params.get("steps") or 0, training)

    def _check(self, step: int, logs: Logs | None) -> None:
        bad = [key for key, value in (logs or {}).items() if not math.isfinite(float(value))]
        if bad:
            # The total alone is not finite where a minibatch was not, see `Play.round`.
            terms = [key for key in bad if key != "loss"] or [
                "the data (a minibatch with NaN or infinite values, or labels out of range)"
            ]
            raise DivergenceError(terms, self._epoch, step)
