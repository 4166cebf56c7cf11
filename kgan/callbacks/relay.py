"""One training made of several calls of `fit`, as callbacks see it."""

import keras


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

    def __init__(self, callbacks, model):
        super().__init__(callbacks)
        self.set_model(model)
        self.next_epoch = 0

    def begin(self, parameters):
        """Announce the beginning, with Keras' parameters `epochs`, `steps`, `verbose`."""
        self.set_params(parameters)
        super().on_train_begin()

    def end(self):
        """Announce the end."""
        super().on_train_end()

    def on_train_begin(self, logs=None):
        """Announced once, by `begin`."""

    def on_train_end(self, logs=None):
        """Announced once, by `end`."""

    def on_epoch_end(self, epoch, logs=None):
        self.next_epoch = epoch + 1
        super().on_epoch_end(epoch, logs)

    def on_fit_exit(self):
        """Pass on what the engine calls however `fit` ends."""
        for callback in self.callbacks:
            if hasattr(callback, "on_fit_exit"):
                callback.on_fit_exit()
