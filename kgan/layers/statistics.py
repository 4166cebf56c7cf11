"""Statistics of batch normalization, estimated anew."""

from collections.abc import Callable, Iterable
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
    norms = [layer for layer in backend.all_layers(network) if isinstance(layer, layers.BatchNormalization)]
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
