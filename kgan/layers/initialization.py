"""Data-dependent initialization: Salimans, Kingma, NIPS 2016, arXiv 1602.07868, section 3."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
from keras import ops

from kgan.types import Nest, Tensor

_running = False


def initializing() -> bool:
    """Whether `initialize_from_data` is passing examples through a network."""
    return _running


class StartsFromData(keras.layers.Layer):
    """Base of layers whose starting values come from their first inputs: `initialize_from_data` asks for it, or with `data_init` the model,
    once, before its first round.

    A subclass calls `start_from` on its inputs, sets what they decide in `_initialize`, and names these variables in `starting`.
    """

    data_init = False
    take_start = False
    """Whether the next call sets the starting values. The engine switches it on, the call off."""

    def _note_start(self) -> None:
        """For `build`: a weight that says whether the data have been seen, saved with the layer, so that nothing trained is set back."""
        if self.data_init:
            self.started = self.add_weight(name="started", shape=(), initializer="zeros", trainable=False, dtype="float32")

    def waits(self) -> bool:
        """Whether the layer wants its starting values from data, and has not had them."""
        return self.data_init and not float(ops.convert_to_numpy(self.started))

    def starting(self) -> list[keras.Variable]:
        """What `_initialize` assigns, and the note that it did."""
        return [self.started] if self.data_init else []

    def start_from(self, inputs: Tensor) -> None:
        """For `call`: set the starting values if they are asked for."""
        if initializing() or self.take_start:
            self.take_start = False
            self._initialize(inputs)
            if self.data_init:
                self.started.assign(ops.ones_like(ops.convert_to_tensor(self.started)))

    def _initialize(self, inputs: Tensor) -> None:
        raise NotImplementedError(f"{type(self).__name__} must define _initialize().")


@contextmanager
def _initialization() -> Iterator[None]:
    global _running
    _running = True
    try:
        yield
    finally:
        _running = False


def initialize_from_data(network: keras.Model, examples: Nest) -> None:
    """Set scales and biases so that every layer starts with normalized pre-activations on these examples.

    The examples pass through the network once, in training mode; each `WeightNormalization` layer sets `g <- g / std` and
    `b <- -mean / std` of its pre-activation (Eq. 5-6), each `MinibatchDiscrimination` layer its lengths and biases, before it hands
    its output on. Other layers are left alone.

    Args:
        network: `keras.Model`, built.
        examples: array or tensor of inputs; the authors use 500 for CIFAR-10.

    Example:
    >>> import keras, kgan
    >>> x = keras.random.normal((500, 3), seed=0)
    >>> network = keras.Sequential([keras.Input((3,)), kgan.layers.WeightNormalization(keras.layers.Dense(2))])
    >>> kgan.layers.initialize_from_data(network, x)
    >>> bool(keras.ops.all(keras.ops.abs(keras.ops.std(network(x), axis=0) - 1.0) < 1e-3))
    True
    """
    with _initialization():
        network(ops.convert_to_tensor(examples), training=True)
