"""Schedules of the papers that Keras does not have, and what is the same in all: a number that may follow one."""

from typing import Any

import keras
import numpy as np
from keras import ops

from kgan.arguments import shown
from kgan.types import Config, Tensor

_LOOKED_AT = (0, *(int(10 ** (power / 4)) for power in range(25)))
"""Rounds at which a schedule is asked before training: it is a function, which cannot be looked through."""


def level_at(level: Any, rounds: Any) -> Any:
    """What a weight or a level of noise is after so many rounds.

    Args:
        level: float, or a schedule: `keras.optimizers.schedules.LearningRateSchedule`.
        rounds: a count, int or scalar tensor; a model's is `model.rounds`.

    Returns:
        The float itself, or a float32 scalar tensor.

    Example: linear from 0.5 to 0.

    >>> import keras
    >>> from kgan.optimizers import level_at
    >>> falling = keras.optimizers.schedules.PolynomialDecay(0.5, 100, 0.0)
    >>> [float(level_at(falling, rounds)) for rounds in (0, 50, 100, 200)]
    [0.5, 0.25, 0.0, 0.0]
    """
    if not isinstance(level, keras.optimizers.schedules.LearningRateSchedule):
        return level
    return ops.cast(level(ops.cast(rounds, "float32")), "float32")


def checked_level(name: str, level: Any, falling: bool = False) -> Any:
    """A number as a float, a schedule as it is.

    Args:
        name: the argument, for the error.
        level: >= 0 or a schedule.
        falling: default False. True refuses a schedule that rises.

    Raises:
        ValueError: for a schedule that is negative, not finite or, where it may not, rising at some of the rounds 0 to 1e6 that are asked.
    """
    if not isinstance(level, keras.optimizers.schedules.LearningRateSchedule):
        return float(level)
    values = np.array([float(ops.convert_to_numpy(level_at(level, rounds))) for rounds in _LOOKED_AT])
    if not (np.isfinite(values).all() and (values >= 0.0).all()):
        raise ValueError(
            f"`{name}` must stay finite and >= 0. Received: {shown(level)}, from {values.min():g} to {values.max():g}."
        )
    if falling and (np.diff(values) > 1e-6 * np.abs(values[:-1])).any():
        raise ValueError(
            f"`{name}` may fall over the rounds, not rise. Received: {shown(level)}, {values[0]:g} to {values.max():g}."
        )
    return level


@keras.saving.register_keras_serializable("kgan")
class HoldThenDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that stays for the first part of training, falls exponentially over the rest, and stays again.

    Args:
        learning_rate: the rate of the first part.
        steps: >= 1, optimizer steps until the last rate is reached.
        hold: in [0, 1), default 0.5: the share of steps at the first rate (BiGAN, 1605.09782: half of the epochs; 0 in the
            Bayesian GAN, 1705.09558).
        factor: > 0, default 0.01 (BiGAN's): the last rate over the first (exp(-3) in the Bayesian GAN, over one epoch).

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
