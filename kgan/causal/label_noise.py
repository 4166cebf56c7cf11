"""Soft labels for a generator: the published code of Kocaoglu et al., ICLR 2018, arXiv 1709.02023."""

import math
from typing import Self

import keras
from keras import ops

from kgan.backend import full_precision
from kgan.types import Config, SeedLike, Tensor


@keras.saving.register_keras_serializable("kgan")
class LabelNoise:
    """Noisy labels: 0 lands in [0, 0.5], 1 in [0.5, 1].

    `b = 0.3 + 0.4 l`; `l~ = b + (0.5 - b) s / 0.2 + (b - 0.5) s' / 0.2` with s exponential of rate `inward`, cut off at 0.2 (towards one
    half), s' exponential of rate `outward`, cut off at 0.3 (away from it); one s and one s' for an example, shared by all its labels.

    Args:
        inward: > 0, default 5.0. outward: > 0, default 15.0 (the code's; its comment wanted 25 and 50).

    Example:
    >>> import keras, kgan
    >>> soft = kgan.causal.LabelNoise()(keras.ops.convert_to_tensor([[0.0, 1.0]]), seed=0)
    >>> bool(soft[0, 0] < 0.5 < soft[0, 1]), round(float(soft[0, 0] + soft[0, 1]), 4)
    (True, 1.0)
    """

    def __init__(self, inward: float = 5.0, outward: float = 15.0) -> None:
        for name, rate in {"inward": inward, "outward": outward}.items():
            if not rate > 0:
                raise ValueError(f"`{name}` must be > 0. Received: {rate!r}.")
        self.inward, self.outward = float(inward), float(outward)

    def get_config(self) -> Config:
        return {"inward": self.inward, "outward": self.outward}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        return cls(**config)

    def __call__(self, labels: Tensor, seed: SeedLike) -> Tensor:
        """Labels `(batch, labels)` of 0 and 1 as numbers strictly between, noise from a `keras.random.SeedGenerator` or an int."""
        base = 0.3 + 0.4 * full_precision(labels)
        uniform = keras.random.uniform((ops.shape(labels)[0], 2), dtype="float32", seed=seed)
        inward = _truncated_exponential(uniform[:, :1], self.inward, 0.2)
        outward = _truncated_exponential(uniform[:, 1:], self.outward, 0.3)
        soft = base + (0.5 - base) * inward / 0.2 + (base - 0.5) * outward / 0.2
        # 0 and 1 themselves have no logit.
        return ops.clip(soft, 1e-4, 1.0 - 1e-4)


def _truncated_exponential(uniform: Tensor, rate: float, right: float) -> Tensor:
    """By the inverse of the distribution function: `-log(U) / rate`, U uniform on [exp(-rate right), 1]."""
    low = float(math.exp(-rate * right))
    return -ops.log(low + (1.0 - low) * uniform) / rate
