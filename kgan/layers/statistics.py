"""Statistics of batch normalization, estimated anew."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import keras
from keras import layers, ops

from kgan import backend


def estimate_statistics(network: keras.Model, batches: Iterable[Any], call: Callable[[Any], Any] | None = None) -> int:
    """Replace the moving averages of batch normalization by the plain mean over these batches.

    The moving averages lag behind weights that still move and remember only the last minibatches. BiGAN's authors (1605.09782) make 1000
    passes before they evaluate.

    Args:
        network: `keras.Model`, built.
        batches: iterable of arrays, or whatever `call` takes. Weights stay as they are.
        call: callable `(batch)` that passes a batch through the network in training mode; default `network(batch, training=True)`.

    Returns:
        int, the number of batches.

    Raises:
        ValueError: without a batch.

    Example: the mean of two batches.

    >>> import keras, kgan
    >>> network = keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization()])
    >>> kgan.layers.estimate_statistics(network, [keras.ops.ones((4, 1)), 3 * keras.ops.ones((4, 1))])
    2
    >>> float(network.layers[0].moving_mean[0])
    2.0
    """
    call = call or (lambda batch: network(batch, training=True))
    norms = _norms(network)
    momenta, count = [norm.momentum for norm in norms], 0
    try:
        for batch in batches:
            for norm in norms:
                norm.momentum = count / (count + 1)  # the first batch wipes out what was there
            with backend.no_gradient():
                call(ops.convert_to_tensor(batch))
            count += 1
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
    if not count:
        raise ValueError("No batch to estimate statistics from.")
    return count


@contextlib.contextmanager
def statistics_kept(network: keras.Model) -> Iterator[None]:
    """Inside, batch norm in training normalizes by its minibatch as ever, and its moving averages stay as they are.

    For what a network is shown in training and never asked about later: generated examples, where it will classify real ones.

    Args:
        network: `keras.Model`, built.

    Example:
    >>> import keras, kgan
    >>> network = keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization()])
    >>> with kgan.layers.statistics_kept(network):
    ...     _ = network(5.0 * keras.ops.ones((4, 1)), training=True)
    >>> float(network.layers[0].moving_mean[0])
    0.0
    """
    variables = [v for norm in _norms(network) for v in norm.non_trainable_variables]
    values = [backend.snapshot(v) for v in variables]
    yield
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _norms(network: keras.Model) -> list[keras.layers.Layer]:
    return [layer for layer in backend.all_layers(network) if isinstance(layer, layers.BatchNormalization)]
