"""Historical averaging: Salimans et al., NIPS 2016, arXiv 1606.03498, section 3.3."""

from typing import Any

import keras
from keras import ops

from kgan.arguments import BuiltNetwork, Checked, Level
from kgan.backend import full_precision
from kgan.optimizers.schedules import checked_level, level_at
from kgan.types import Tensor


@keras.saving.register_keras_serializable("kgan")
class HistoricalAverage(Checked, keras.layers.Layer):
    """`weight * ||theta - (1/t) sum_{i <= t} theta_i||^2` of a player's weights, against the average of all their past values.

    A layer, because it keeps the averages: make it an attribute of the model, one for each player, and add `term()` to the player's
    loss. Every call of `term` in a move takes the present weights into the average, `mean += (theta - mean) / t`, and treats the
    average as a constant, so the gradient is `2 weight (theta - mean)`.

    Args:
        network: the player, built.
        weight: a number, or a schedule of the number of rounds; the paper gives no value.

    Weights: one average per trainable weight of the network, 0 until the first step, and the number of steps.

    Example: two steps at 0 and 3 average 1.5.

    >>> import keras, kgan
    >>> player = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
    >>> player.build((None, 1))
    >>> history = kgan.penalties.HistoricalAverage(player, weight=1.0)
    >>> _ = history.term()
    >>> player.kernel.assign(keras.ops.ones((1, 1)) * 3.0) is not None, float(history.term())
    (True, 2.25)
    """

    def __init__(self, network: BuiltNetwork, weight: Level, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.weight = checked_level("weight", weight)
        # Behind a function, so that the player's weights are not tracked a second time as this layer's.
        self._moved = lambda: network.trainable_variables
        self.steps = self.add_weight(name="steps", shape=(), initializer="zeros", trainable=False, dtype="float32")
        self.means = [
            self.add_weight(name=f"mean_{index}", shape=v.shape, initializer="zeros", trainable=False, dtype=v.dtype)
            for index, v in enumerate(self._moved())
        ]
        self.built = True

    def term(self, rounds: Any = 0) -> Tensor:
        """The weighted scalar, float32; moves the averages one step on. `rounds`: those played, for a weight that follows a schedule."""
        steps = ops.convert_to_tensor(self.steps) + 1.0
        total = 0.0
        for variable, mean in zip(self._moved(), self.means, strict=True):
            value = full_precision(ops.convert_to_tensor(variable))
            present, old = ops.stop_gradient(value), full_precision(ops.convert_to_tensor(mean))
            average = old + (present - old) / steps
            mean.assign(ops.cast(average, mean.dtype))
            total = total + ops.sum(ops.square(value - average))
        self.steps.assign(steps)
        return level_at(self.weight, rounds) * total
