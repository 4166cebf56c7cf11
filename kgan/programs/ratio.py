"""Density ratios of two sets of examples, from a classifier that tells them apart."""

from typing import Any

import keras
import numpy as np
from keras import ops

from kgan import backend
from kgan.arguments import Network, Positive
from kgan.engine import AdversarialModel, Move, Turn
from kgan.types import Array, Tensor


@keras.saving.register_keras_serializable("kgan")
class RatioClassifier(AdversarialModel):
    """A network that tells data (1) from samples of a model (0) by cross-entropy; its logit estimates `log dP_d / dP_g`.

    Both halves of a minibatch pass the network together, so that batch normalization sees what it will see later: a mixture.

    Args:
        network: `keras.Model` from examples to logits `(batch, 1)`.
        learning_rate: default 1e-3, of Adam.
        seed, name, dtype: as in `kgan.AdversarialModel`.

    Input of `fit`: a pair of arrays of one length, data and samples.

    Example:
    >>> import kgan
    >>> from kgan.programs.ratio import RatioClassifier
    >>> points = kgan.datasets.ring().sample(128, seed=0)
    >>> classifier = RatioClassifier(kgan.networks.mlp.discriminator((2,), (8,)), seed=0)
    >>> classifier.compile()
    >>> history = classifier.fit((points, 0.1 * points), verbose=0)
    >>> classifier.ratios(points).shape
    (128,)
    """

    def __init__(self, network: Network, *, learning_rate: Positive = 1e-3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.network = network
        self.learning_rate = learning_rate

    def turns(self) -> tuple[Turn, ...]:
        return (Turn((Move("classifier", ("network",), self.cross_entropy),)),)

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {"classifier": keras.optimizers.Adam(self.learning_rate, epsilon=1e-8)}

    def unpack(self, data: Any) -> Any:
        return data

    def cross_entropy(self, batch: Any) -> Tensor:
        data, samples = batch
        count = ops.shape(data)[0]
        logits = backend.full_precision(
            self.network(ops.concatenate([data, ops.cast(samples, data.dtype)]), training=self.in_training)
        )
        return ops.mean(ops.softplus(-logits[:count])) + ops.mean(ops.softplus(logits[count:]))

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        return self.network(inputs, training=training)

    def ratios(self, examples: Array, batch_size: int = 1024) -> Array:
        """`dP_g / dP_d = exp(-logit)` at examples, float64 `(examples,)`. From the logit: `(1 - c) / c` would saturate."""
        return np.exp(-self.predict(examples, batch_size=batch_size, verbose=0).astype("float64").reshape(len(examples)))
