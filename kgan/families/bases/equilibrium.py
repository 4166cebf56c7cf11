"""What boundary-equilibrium games share: factors that keep a discriminator in balance. Berthelot, Schumm, Metz, 2017, arXiv 1703.10717."""

from collections.abc import Sequence

import keras
from keras import ops

from kgan import backend
from kgan.engine import AdversarialModel
from kgan.types import Tensor


class BoundaryEquilibrium(AdversarialModel):
    """Factors k in [0, 1] of what a discriminator gains by generated examples, from 0.

    A factor follows its margin, such as `gamma e(x) - e(G(z))` of an autoencoder's errors: `k <- clip(k + rate * margin, 0, 1)`. It grows
    where generated examples are restored too well beside real ones, and falls where they are restored too badly.
    """

    _factors: keras.Variable

    def start_factors(self, count: int) -> None:
        """In the constructor: how many factors there are."""
        self._factors = self.add_weight(name="factors", shape=(count,), initializer="zeros", trainable=False, dtype="float32")

    def factors(self) -> Tensor:
        """The factors of this step `(count,)`: an update behind it does not show in its losses and logs."""
        return backend.snapshot(self._factors)

    def follow(self, rates: Sequence[float], margins: Sequence[Tensor]) -> None:
        """The factors' step along the margins, in training alone."""
        if self.in_training:
            steps = ops.stack([rate * margin for rate, margin in zip(rates, margins, strict=True)])
            self._factors.assign(ops.clip(self._factors + steps, 0.0, 1.0))


def plain_numbers(*errors: Tensor) -> list[Tensor]:
    """Errors of the whole minibatch, over all replicas, without gradients: what margins are made of."""
    return [backend.mean_over_replicas(ops.stop_gradient(error)) for error in errors]
