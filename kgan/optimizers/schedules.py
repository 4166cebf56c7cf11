"""Learning-rate schedules of the papers that Keras does not have."""

from typing import Any

import keras
from keras import ops

from kgan.types import Config, Tensor


@keras.saving.register_keras_serializable("kgan")
class HoldThenDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that stays for the first part of training, falls exponentially over the rest, and stays again.

    Args:
        learning_rate: the rate of the first part.
        steps: int >= 1, optimizer steps until the last rate is reached.
        hold: in [0, 1), default 0.5: the share of steps at the first rate (BiGAN, 1605.09782: half of the epochs; 0 in the
            Bayesian GAN, 1705.09558).
        factor: float > 0, default 0.01 (BiGAN's): the last rate over the first (exp(-3) in the Bayesian GAN, over one epoch).

    Raises:
        ValueError: for other numbers.

    Example: half of the way down is a tenth.

    >>> import kgan
    >>> rate = kgan.optimizers.HoldThenDecay(1e-3, 1000)
    >>> [round(float(rate(step)), 7) for step in (0, 500, 750, 1000)]
    [0.001, 0.001, 0.0001, 1e-05]
    """

    def __init__(self, learning_rate: float, steps: int, hold: float = 0.5, factor: float = 0.01) -> None:
        if not (learning_rate > 0 and steps >= 1 and 0.0 <= hold < 1.0 and factor > 0.0):
            raise ValueError(
                "`learning_rate` must be > 0, `steps` >= 1, `hold` in [0, 1), `factor` > 0. Received: "
                f"learning_rate={learning_rate!r}, steps={steps!r}, hold={hold!r}, factor={factor!r}."
            )
        self.learning_rate, self.steps, self.hold, self.factor = learning_rate, steps, hold, factor

    def __call__(self, step: Any) -> Tensor:
        done = ops.cast(step, "float32") / self.steps
        way = ops.clip((done - self.hold) / (1.0 - self.hold), 0.0, 1.0)
        return self.learning_rate * ops.exp(way * ops.log(ops.convert_to_tensor(self.factor, "float32")))

    def get_config(self) -> Config:
        return {"learning_rate": self.learning_rate, "steps": self.steps, "hold": self.hold, "factor": self.factor}
