"""Distributions of latents, and of the noise that losses add."""

from typing import Any, Self

import keras

from kgan.arguments import Checked, Positive
from kgan.codes import Categorical
from kgan.types import Config, SeedLike, Tensor


class Prior(Checked):
    """Base of the priors: `prior(shape, seed)` draws a float32 tensor."""

    def get_config(self) -> Config:
        return {}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        return cls(**config)


@keras.saving.register_keras_serializable("kgan")
class Normal(Prior):
    """The normal distribution.

    Args:
        mean: default 0.0.
        stddev: default 1.0.
    """

    def __init__(self, mean: float = 0.0, stddev: Positive = 1.0) -> None:
        self.mean, self.stddev = mean, stddev

    def __call__(self, shape: Any, seed: SeedLike = None) -> Tensor:
        return keras.random.normal(shape, self.mean, self.stddev, dtype="float32", seed=seed)

    def get_config(self) -> Config:
        return {"mean": self.mean, "stddev": self.stddev}


@keras.saving.register_keras_serializable("kgan")
class Uniform(Prior):
    """The uniform distribution on an interval.

    Args:
        low, high: default -1.0 and 1.0 (DCGAN's). The 2014 GAN uses -sqrt(3), sqrt(3): unit variance.
    """

    def __init__(self, low: float = -1.0, high: float = 1.0) -> None:
        if not low < high:
            raise ValueError(f"`low` must be below `high`. Received: low={low!r}, high={high!r}.")
        self.low, self.high = low, high

    def __call__(self, shape: Any, seed: SeedLike = None) -> Tensor:
        return keras.random.uniform(shape, self.low, self.high, dtype="float32", seed=seed)

    def get_config(self) -> Config:
        return {"low": self.low, "high": self.high}


@keras.saving.register_keras_serializable("kgan")
class OneHot(Prior):
    """One of K classes, all equally likely, as a one-hot vector: `kgan.codes.Categorical` as a prior. K is the last axis of the shape."""

    def __call__(self, shape: Any, seed: SeedLike = None) -> Tensor:
        count, classes = shape
        return Categorical(classes).sample(count, seed)
