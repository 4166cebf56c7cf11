"""Features that nobody learns: random directions, rectified or as waves, on which a linear discriminator can work."""

import math
from typing import Any

import keras
from keras import ops

from kgan.arguments import Count, NonNegative, Numbers, Positive
from kgan.layers.checked_input import CheckedInput
from kgan.types import Config, Sizes, Tensor

KINDS = ("rectified", "fourier")


@keras.saving.register_keras_serializable("kgan")
class RandomFeatures(CheckedInput):
    """`relu(K x + b)` or `cos(K x), sin(K x)` with a random K that stays as it is, and a constant; inputs are flattened.

    Fourier features approximate a sum of Gaussian kernels of the bandwidths `1 / scale` (Rahimi and Recht 2007): their means are equal only
    where the distributions are nearly so.

    Args:
        units: rows of K.
        kind: "rectified" (default) or "fourier".
        scales: standard deviations of the entries of K, which take turns over its rows; default (1.0,).
        bias_stddev: of b, default 0.5; without meaning for waves.
        gain: default 1.0: all features are multiplied by `gain / sqrt(units)`.

    Input shape: `(batch, ...)`. Output shape: `(batch, units + 1)`, for waves `(batch, 2 * units + 1)`; the constant comes last.

    Example: waves have length `sqrt(1 + 1 / units)`.

    >>> import keras, kgan
    >>> features = kgan.layers.RandomFeatures(4, "fourier")(keras.ops.ones((1, 2)))
    >>> features.shape[1], round(float(keras.ops.norm(features)) ** 2, 4)
    (9, 1.25)
    """

    def __init__(
        self,
        units: Count,
        kind: str = "rectified",
        scales: Numbers = (1.0,),
        bias_stddev: NonNegative = 0.5,
        gain: Positive = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if kind not in KINDS:
            raise ValueError(f"`kind` of RandomFeatures must be one of {', '.join(KINDS)}. Received: {kind!r}.")
        if not scales or min(scales) <= 0:
            raise ValueError(f"`scales` of RandomFeatures must be numbers > 0. Received: {scales!r}.")
        self.units, self.kind, self.scales, self.bias_stddev, self.gain = units, kind, list(scales), bias_stddev, gain

    def build(self, input_shape: Sizes) -> None:
        normal = keras.initializers.RandomNormal(0.0, 1.0)
        self.kernel = self.add_weight(
            name="kernel", shape=(math.prod(input_shape[1:]), self.units), initializer=normal, trainable=False
        )
        if self.kind == "rectified":
            bias = keras.initializers.RandomNormal(0.0, self.bias_stddev)
            self.bias = self.add_weight(name="bias", shape=(self.units,), initializer=bias, trainable=False)

    def call(self, inputs: Tensor) -> Tensor:
        flat = ops.reshape(inputs, (-1, self.kernel.shape[0]))
        deviations = [self.scales[row % len(self.scales)] for row in range(self.units)]
        products = ops.matmul(flat, self.kernel) * ops.convert_to_tensor(deviations, dtype=flat.dtype)
        waves = self.kind == "fourier"
        features = [ops.cos(products), ops.sin(products)] if waves else [ops.relu(products + self.bias)]
        constant = ops.ones_like(products[:, :1])
        return ops.concatenate([*features, constant], axis=-1) * (self.gain / self.units**0.5)

    def compute_output_shape(self, input_shape: Sizes) -> tuple[int | None, ...]:
        return (input_shape[0], (2 if self.kind == "fourier" else 1) * self.units + 1)

    def get_config(self) -> Config:
        own = {name: getattr(self, name) for name in ("units", "kind", "scales", "bias_stddev", "gain")}
        return {**super().get_config(), **own}
