"""Learning-rate schedules that Keras does not have."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("kgan")
class ClippedExponentialDecay(keras.optimizers.schedules.LearningRateSchedule):
    """`initial_learning_rate * exp(-rate * min(1, step / decay_steps))`: falls for `decay_steps` steps, then stays.

    The schedule of the Bayesian GAN's code (1705.09558), with `decay_steps` the steps of one epoch.

    Args:
        initial_learning_rate: float > 0.
        decay_steps: int >= 1.
        rate: float >= 0, default 3.0 (the code's): the rate ends at 5 % of where it starts.

    Example:
    >>> import kgan
    >>> schedule = kgan.optimizers.ClippedExponentialDecay(1.0, 100)
    >>> [round(float(schedule(step)), 4) for step in (0, 50, 100, 1000)]
    [1.0, 0.2231, 0.0498, 0.0498]
    """

    def __init__(self, initial_learning_rate, decay_steps, rate=3.0):
        super().__init__()
        if not initial_learning_rate > 0 or not rate >= 0:
            raise ValueError(
                "`initial_learning_rate` must be > 0 and `rate` >= 0. Received: "
                f"initial_learning_rate={initial_learning_rate!r}, rate={rate!r}."
            )
        if not isinstance(decay_steps, int) or decay_steps < 1:
            raise ValueError(f"`decay_steps` must be an integer >= 1. Received: {decay_steps!r}.")
        self.initial_learning_rate, self.decay_steps, self.rate = initial_learning_rate, decay_steps, rate

    def __call__(self, step):
        share = ops.minimum(ops.cast(step, "float32") / self.decay_steps, 1.0)
        return self.initial_learning_rate * ops.exp(-self.rate * share)

    def get_config(self):
        return {name: getattr(self, name) for name in ("initial_learning_rate", "decay_steps", "rate")}
