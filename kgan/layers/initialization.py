"""Data-dependent initialization: Salimans, Kingma, NIPS 2016, arXiv 1602.07868, section 3."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
from keras import ops

from kgan.types import Nest

_running = False


def initializing() -> bool:
    """Whether `initialize_from_data` is passing examples through a network."""
    return _running


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
