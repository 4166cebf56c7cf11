"""Objectives of the two-player game, as pure functions of logits.

Conventions, the same for every objective: both players minimize; logits are the discriminator's raw outputs, higher means
more real; each expectation is a mean over its own batch, and the two are summed, not averaged; half-precision logits are
evaluated in float32. `sp` is softplus, `sp(t) = log(1 + exp(t))`.
"""

from collections.abc import Callable
from typing import Self

import keras
from keras import ops

from kgan.arguments import Positive
from kgan.backend import full_precision
from kgan.objectives.registry import Objective, register
from kgan.types import Config, Tensor


@keras.saving.register_keras_serializable("kgan")
class OneSidedSmoothing(Objective):
    """The non-saturating objective with a softened target for real examples: Salimans et al. 2016, 1606.03498, section 3.4.

    Discriminator: `E[t sp(-l(x)) + (1 - t) sp(l(x))] + E sp(l(G(z)))`, with the optimum `D = t p / (p + q)`: 0.45 where p = q and t = 0.9.
    The target of generated examples stays 0: smoothing it too would put `q` into the numerator, and the generator would be drawn
    to its own samples. Generator: as `non_saturating`, target 1.

    Args:
        real_target: in (0.5, 1], default 0.9 (the paper's example; its ImageNet code uses 0.75).

    Example:
    >>> import kgan
    >>> model = kgan.GAN((2,), objective=kgan.objectives.OneSidedSmoothing(0.9))
    """

    real_target: float

    def __init__(self, real_target: Positive = 0.9) -> None:
        if not 0.5 < real_target <= 1.0:
            raise ValueError(f"`real_target` must lie in (0.5, 1]. Received: {real_target!r}.")
        object.__setattr__(self, "real_target", float(real_target))
        super().__init__(f"one_sided_smoothing[{real_target:g}]", self._smoothed, non_saturating.generator)

    def _smoothed(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        # t sp(-l) + (1 - t) sp(l) = sp(-l) + (1 - t) l
        return _cross_entropy(real_logits, fake_logits) - (1.0 - self.real_target) * _minus_mean(real_logits)

    def get_config(self) -> Config:
        return {"real_target": self.real_target}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        return cls(**config)


def _mean(function: Callable[[Tensor], Tensor], logits: Tensor) -> Tensor:
    return ops.mean(function(full_precision(logits)))


def _minus_mean(logits: Tensor) -> Tensor:
    return -ops.mean(full_precision(logits))


def _cross_entropy(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    return _mean(lambda t: ops.softplus(-t), real_logits) + _mean(ops.softplus, fake_logits)


def _wasserstein(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    return _minus_mean(real_logits) - _minus_mean(fake_logits)


minimax = Objective(
    "minimax",
    discriminator=_cross_entropy,
    generator=lambda fake_logits: -_mean(ops.softplus, fake_logits),
)
"""The value function of Goodfellow et al. 2014, 1406.2661, Eq. 1, for both players.

Discriminator: `E sp(-l(x)) + E sp(l(G(z)))`, at its optimum `log 4 - 2 JSD`. Generator: `E log(1 - D(G(z)))`, that is
`-E sp(l(G(z)))`; its gradient vanishes as `sigmoid(l)` where the discriminator is sure of itself.
"""

non_saturating = Objective(
    "non_saturating",
    discriminator=_cross_entropy,
    generator=lambda fake_logits: _mean(lambda t: ops.softplus(-t), fake_logits),
)
"""The generator loss that section 3 of 1406.2661 trains with: `-E log D(G(z)) = E sp(-l(G(z)))`.

The discriminator's loss is that of `minimax`. The two generator gradients per example have the ratio `exp(-l)`.
"""

hinge = Objective(
    "hinge",
    discriminator=lambda real_logits, fake_logits: (
        _mean(lambda t: ops.relu(1.0 - t), real_logits) + _mean(lambda t: ops.relu(1.0 + t), fake_logits)
    ),
    generator=_minus_mean,
)
"""The hinge loss of Miyato et al. 2018, 1802.05957, Eq. 16-17.

Discriminator: `E relu(1 - l(x)) + E relu(1 + l(G(z)))`. Generator: `-E l(G(z))`.
"""

wasserstein = Objective(
    "wasserstein",
    discriminator=_wasserstein,
    generator=_minus_mean,
)
"""The dual form of the Wasserstein-1 distance, Arjovsky et al. 2017, 1701.07875, Eq. 2 and Algorithm 1.

Critic: `E l(G(z)) - E l(x)`, the negative estimate of the distance. Generator: `-E l(G(z))`. The critic must be kept
Lipschitz by other means: clipping, a gradient penalty, spectral normalization.
"""

reverse_kl = Objective("reverse_kl", discriminator=_cross_entropy, generator=_minus_mean)
"""The generator's loss is linear in the logit of a discriminator trained with the cross-entropy: `-E l(G(z))`.

At the optimal discriminator, `l = log p / q`, the generator descends on `E_q log q / p = KL(q || p)` (VEEGAN, 1705.07761).
"""

least_squares = Objective(
    "least_squares",
    discriminator=lambda real_logits, fake_logits: (
        0.5 * _mean(lambda t: ops.square(t - 1.0), real_logits) + 0.5 * _mean(ops.square, fake_logits)
    ),
    generator=lambda fake_logits: 0.5 * _mean(lambda t: ops.square(t - 1.0), fake_logits),
)
"""Least squares with the 0-1 coding, Mao et al. 2017, 1611.04076, Eq. 9: `a = 0`, `b = c = 1`, factors 1/2 as published.

Discriminator: `1/2 E (l(x) - 1)^2 + 1/2 E l(G(z))^2`. Generator: `1/2 E (l(G(z)) - 1)^2`.
"""

for _known in (minimax, non_saturating, hinge, wasserstein, least_squares, reverse_kl):
    register(_known)
