"""Structured codes: latents of known meaning, whose values a network can be asked to recover from an example.

A code knows its prior `P(c)` and how the outputs of a network parametrize the recognizer's distribution `Q(c | x)`. `InfoGAN` feeds codes
to its generator beside the noise. Codes are float32 tensors `(batch, size)`; entropies and likelihoods are in nats.

Example: from outputs of zero, a ten-way code is recognized no better than by chance.

>>> from keras import ops
>>> import kgan
>>> code = kgan.codes.Categorical(10)
>>> values = code.sample(4, seed=0)
>>> abs(code.entropy + float(ops.mean(code.log_likelihood(ops.zeros((4, 10)), values)))) < 1e-5
True
"""

import math
from typing import Any, Self

import keras
from keras import ops

from kgan.arguments import Checked, Count, Several
from kgan.backend import full_precision
from kgan.types import Config, SeedLike, Tensor


class Code(Checked):
    """Base of the codes.

    Attributes:
        size: width of the code as the generator receives it.
        parameters: how many outputs describe `Q(c | x)`.
        entropy: `H(c)` under the prior, in nats.
    """

    size: int
    parameters: int
    entropy: float

    def sample(self, count: Any, seed: SeedLike = None) -> Tensor:
        """`count` draws from the prior, `(count, size)`."""
        raise NotImplementedError(f"{type(self).__name__} must define sample(count, seed).")

    def log_likelihood(self, parameters: Tensor, values: Tensor) -> Tensor:
        """`log Q(c | x)` of every example, `(batch,)`, from outputs `(batch, parameters)` and codes `(batch, size)`."""
        raise NotImplementedError(f"{type(self).__name__} must define log_likelihood(parameters, values).")

    def mean(self, parameters: Tensor) -> Tensor:
        """The mean of `Q(c | x)`, `(batch, size)`: what the recognizer believes the code to be."""
        raise NotImplementedError(f"{type(self).__name__} must define mean(parameters).")

    @classmethod
    def from_config(cls, config: Config) -> Self:
        return cls(**config)


@keras.saving.register_keras_serializable("kgan")
class Categorical(Code):
    """One of K classes, all equally likely, as a one-hot vector. `log Q` is the log-softmax of the outputs at the class.

    Args:
        classes: K. The entropy is log K.
    """

    def __init__(self, classes: Several) -> None:
        self.classes = self.size = self.parameters = classes
        self.entropy = math.log(classes)

    def sample(self, count: Any, seed: SeedLike = None) -> Tensor:
        uniform = keras.random.uniform((count,), 0.0, 1.0, dtype="float32", seed=seed)
        # The product may be rounded up to K.
        classes = ops.minimum(ops.cast(ops.floor(uniform * self.classes), "int32"), self.classes - 1)
        return ops.one_hot(classes, self.classes, dtype="float32")

    def log_likelihood(self, parameters: Tensor, values: Tensor) -> Tensor:
        # Not log(softmax + 1e-8), as in the authors' code: that has a floor of -18.4, where the gradient is lost.
        return ops.sum(full_precision(values) * ops.log_softmax(full_precision(parameters), axis=-1), axis=-1)

    def mean(self, parameters: Tensor) -> Tensor:
        return ops.softmax(full_precision(parameters), axis=-1)

    def get_config(self) -> Config:
        return {"classes": self.classes}


@keras.saving.register_keras_serializable("kgan")
class Continuous(Code):
    """Numbers drawn from U(low, high), independent of each other. Q is normal: `log Q = sum_j log N(c_j; mu_j, sigma_j^2)`.

    Args:
        size: how many numbers.
        low, high: default -1.0 and 1.0 (the paper's). The entropy is `size log(high - low)`.
        learn_variance: default False (the authors' MNIST code): sigma is 1 and the outputs are the means. True: the outputs are
            means, then logarithms of sigma, which are clipped to [-5, 2]: a generator that can be inverted would drive the likelihood
            to infinity.

    With sigma fixed at 1 the bound `H(c) + E log Q` of a code in (-1, 1) is at most log 2 - log(2 pi) / 2 = -0.226 per number, however
    well the code is recovered; look at the correlation of codes and means instead.
    """

    def __init__(self, size: Count, low: float = -1.0, high: float = 1.0, learn_variance: bool = False) -> None:
        if not low < high:
            raise ValueError(f"`low` must be below `high`. Received: low={low!r}, high={high!r}.")
        self.size, self.low, self.high, self.learn_variance = size, low, high, learn_variance
        self.parameters = 2 * size if learn_variance else size
        self.entropy = size * math.log(high - low)

    def sample(self, count: Any, seed: SeedLike = None) -> Tensor:
        return keras.random.uniform((count, self.size), self.low, self.high, dtype="float32", seed=seed)

    def log_likelihood(self, parameters: Tensor, values: Tensor) -> Tensor:
        difference = full_precision(values) - self.mean(parameters)
        log_sigma = 0.0
        if self.learn_variance:
            log_sigma = ops.clip(full_precision(parameters)[:, self.size :], -5.0, 2.0)
            difference = difference * ops.exp(-log_sigma)
        return ops.sum(-0.5 * ops.square(difference) - log_sigma - 0.5 * math.log(2.0 * math.pi), axis=-1)

    def mean(self, parameters: Tensor) -> Tensor:
        return full_precision(parameters)[:, : self.size]

    def get_config(self) -> Config:
        return {"size": self.size, "low": self.low, "high": self.high, "learn_variance": self.learn_variance}
