"""Likelihoods of pixels, given the outputs of a network at every pixel: binary ones, and PixelCNN++'s mixtures (1701.05517).

Images lie in [-1, 1]; log-likelihoods are in nats, summed over the pixels and channels of an image. `draw` turns uniform noise into pixels.
"""

import math
from typing import Any, Self

import keras
from keras import ops

from kgan.arguments import Checked, Count, Several
from kgan.backend import full_precision
from kgan.types import Config, Tensor


class PixelLikelihood(Checked):
    """Base of the likelihoods."""

    def outputs(self, channels: int) -> int:
        """How many outputs of a network describe one pixel."""
        raise NotImplementedError(f"{type(self).__name__} must define outputs(channels).")

    def noise(self, channels: int) -> int:
        """How many uniform numbers in [0, 1) one pixel is drawn from."""
        raise NotImplementedError(f"{type(self).__name__} must define noise(channels).")

    def log_likelihood(self, outputs: Tensor, images: Tensor) -> Tensor:
        """`log p(x)`, `(batch,)`, from outputs `(batch, rows, columns, outputs)`, images `(batch, rows, columns, channels)`."""
        raise NotImplementedError(f"{type(self).__name__} must define log_likelihood(outputs, images).")

    def __call__(self, images: Tensor, outputs: Tensor) -> Tensor:
        """`-log p(x)` of every image: a loss as Keras takes one, of `(y_true, y_pred)`."""
        return -self.log_likelihood(outputs, images)

    def draw(self, outputs: Tensor, noise: Tensor) -> Tensor:
        """Pixels `(..., channels)` from outputs `(..., outputs)` and noise `(..., noise)`."""
        raise NotImplementedError(f"{type(self).__name__} must define draw(outputs, noise).")

    def takes(self, images: Any) -> bool:
        """Whether a NumPy array of images in [-1, 1] has values that the likelihood is of."""
        return True

    def get_config(self) -> Config:
        return {}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        return cls(**config)


@keras.saving.register_keras_serializable("kgan")
class Bernoulli(PixelLikelihood):
    """Binary pixels, -1 and 1: `log p = -sum sp(-x l)`, l the logit of 1 and sp softplus; channels are independent at a pixel.

    Example: a logit of 0 costs log 2.

    >>> from keras import ops
    >>> import kgan
    >>> round(float(kgan.objectives.Bernoulli().log_likelihood(ops.zeros((1, 1, 1, 1)), ops.ones((1, 1, 1, 1)))[0]), 4)
    -0.6931
    """

    def outputs(self, channels: int) -> int:
        return channels

    noise = outputs

    def log_likelihood(self, outputs: Tensor, images: Tensor) -> Tensor:
        logits, images = full_precision(outputs), full_precision(images)
        return -ops.sum(ops.softplus(-images * logits), axis=(1, 2, 3))

    def draw(self, outputs: Tensor, noise: Tensor) -> Tensor:
        return ops.where(noise < ops.sigmoid(full_precision(outputs)), 1.0, -1.0)

    def takes(self, images: Any) -> bool:
        return bool((abs(images) == 1).all())


@keras.saving.register_keras_serializable("kgan")
class LogisticMixture(PixelLikelihood):
    """Discretized mixtures of logistic distributions (1701.05517, section 2.1): the mass between half a level below and above a value.

    `p(x) = sum_i pi_i prod_c [s((x_c + h - m_ic) / s_ic) - s((x_c - h - m_ic) / s_ic)]`, s the sigmoid, h half the distance of levels; the
    lowest and the highest level have the tails. A mean depends on the channels before its own,
    `m_ic = mu_ic + sum_{d < c} tanh(t_icd) x_d` (section 2.2). Where the mass is below 1e-5, it is the density times a level's width.

    The outputs of a pixel are, side by side: logits of pi; mu; log scales, at least -7; t.

    Args:
        mixtures: default 10 (the paper's).
        levels: default 256, evenly spaced in [-1, 1].

    Example: a wide logistic around 0 gives each of four levels about what its tails let it.

    >>> from keras import ops
    >>> import kgan
    >>> one = kgan.objectives.LogisticMixture(mixtures=1, levels=4)
    >>> x = ops.reshape(ops.convert_to_tensor([-1.0, -1 / 3, 1 / 3, 1.0]), (4, 1, 1, 1))
    >>> [round(float(p), 4) for p in ops.exp(one.log_likelihood(ops.zeros((4, 1, 1, 3)), x))]
    [0.3392, 0.1608, 0.1608, 0.3392]
    """

    def __init__(self, mixtures: Count = 10, levels: Several = 256) -> None:
        self.mixtures, self.levels = mixtures, levels

    def get_config(self) -> Config:
        return {"mixtures": self.mixtures, "levels": self.levels}

    def outputs(self, channels: int) -> int:
        return self.mixtures * (1 + 2 * channels + channels * (channels - 1) // 2)

    def noise(self, channels: int) -> int:
        return 1 + channels

    def _parts(self, outputs: Tensor, channels: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Logits (..., mixtures), and means, log scales, coefficients (..., numbers, mixtures)."""
        outputs = full_precision(outputs)
        logits, rest = outputs[..., : self.mixtures], outputs[..., self.mixtures :]
        # The batch's axis may be unknown.
        lead = [-1 if n is None else n for n in rest.shape[:-1]]
        rest = ops.reshape(rest, (*lead, self.outputs(channels) // self.mixtures - 1, self.mixtures))
        means, log_scales = rest[..., :channels, :], rest[..., channels : 2 * channels, :]
        return logits, means, ops.maximum(log_scales, -7.0), ops.tanh(rest[..., 2 * channels :, :])

    def _mean(self, means: Tensor, coefficients: Tensor, before: list[Tensor]) -> Tensor:
        """The means of the next channel, `(..., mixtures)`, given those before it, each `(..., 1)`."""
        channel = len(before)
        mean, start = means[..., channel, :], channel * (channel - 1) // 2
        for index, value in enumerate(before):
            mean = mean + coefficients[..., start + index, :] * value
        return mean

    def log_likelihood(self, outputs: Tensor, images: Tensor) -> Tensor:
        images = full_precision(images)
        logits, means, log_scales, coefficients = self._parts(outputs, images.shape[-1])
        half = 1.0 / (self.levels - 1)
        total = ops.log_softmax(logits, axis=-1)
        before: list[Tensor] = []
        for channel in range(images.shape[-1]):
            x = images[..., channel : channel + 1]
            log_scale = log_scales[..., channel, :]
            centered = x - self._mean(means, coefficients, before)
            total = total + _level_log_mass(x, centered, log_scale, half)
            before.append(x)
        return ops.sum(ops.logsumexp(total, axis=-1), axis=(1, 2))

    def draw(self, outputs: Tensor, noise: Tensor) -> Tensor:
        channels = noise.shape[-1] - 1
        logits, means, log_scales, coefficients = self._parts(outputs, channels)
        # The component whose cumulated share is the first above the noise.
        below = ops.cast(ops.cumsum(ops.softmax(logits, axis=-1), axis=-1)[..., :-1] <= noise[..., :1], "int32")
        chosen = ops.one_hot(ops.sum(below, axis=-1), self.mixtures, dtype=means.dtype)
        values: list[Tensor] = []
        for channel in range(channels):
            u = ops.clip(noise[..., channel + 1 : channel + 2], 1e-5, 1.0 - 1e-5)
            mean = ops.sum(chosen * self._mean(means, coefficients, values), axis=-1, keepdims=True)
            scale = ops.exp(ops.sum(chosen * log_scales[..., channel, :], axis=-1, keepdims=True))
            value = ops.clip(mean + scale * (ops.log(u) - ops.log(1.0 - u)), -1.0, 1.0)
            values.append(ops.round((value + 1.0) * 0.5 * (self.levels - 1)) * (2.0 / (self.levels - 1)) - 1.0)
        return ops.concatenate(values, axis=-1)


def _level_log_mass(x: Tensor, centered: Tensor, log_scale: Tensor, half: float) -> Tensor:
    """Log of the mass of a logistic, centered at `x - centered`, on the level of x."""
    inverse = ops.exp(-log_scale)
    upper, lower, middle = inverse * (centered + half), inverse * (centered - half), inverse * centered
    mass = ops.sigmoid(upper) - ops.sigmoid(lower)
    density = middle - log_scale - 2.0 * ops.softplus(middle) + math.log(2.0 * half)
    enough = mass > 1e-5
    # What a `where` leaves out must be finite too.
    inner = ops.where(enough, ops.log(ops.where(enough, mass, 1.0)), density)
    tails = ops.where(x > 1.0 - half, -ops.softplus(lower), inner)
    return ops.where(x < -1.0 + half, upper - ops.softplus(upper), tails)
