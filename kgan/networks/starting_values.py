"""Starting values that Keras' initializers do not have."""

import math

import keras

from kgan.arguments import Checked, Count, Positive, Seed
from kgan.types import Config, Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class StridedGlorotUniform(Checked, keras.initializers.Initializer):
    """Uniform numbers of variance `2 * gain / (fan_in + fan_out)`, for kernels of strided and of transposed convolutions.

    A stride thins out one side: every number that a convolution takes in reaches only `positions / strides^rank` of its outputs, and every
    number that a transposed convolution gives out comes from as few of its inputs. That side's fan is divided by `strides^rank`. It is the
    last axis of the kernel in both, since Keras keeps kernels of transposed convolutions as `(positions, outputs, inputs)`.

    WGAN-GP's code starts its convolutions so, with a gain of 2 (the authors' `he_init`).

    Args:
        gain: default 1, Glorot's; 2 makes up for ReLU.
        strides: default 1, of the convolution, alike on all axes.
        seed: default None (drawn and kept): the same seed gives the same numbers in every call.

    Example: 4 maps that become 3 by a 5x5 kernel of stride 2, and back.

    >>> from kgan.networks.starting_values import StridedGlorotUniform
    >>> start = StridedGlorotUniform(gain=2.0, strides=2)
    >>> round(start.stddev((5, 5, 4, 3)) ** -2, 2), round(start.stddev((5, 5, 4, 3)), 4)
    (29.69, 0.1835)
    """

    def __init__(self, gain: Positive = 1.0, strides: Count = 1, seed: Seed | None = None) -> None:
        self.gain = gain
        self.strides = strides
        self.seed = seed
        self._uniform = keras.initializers.RandomUniform(-1.0, 1.0, seed)

    def stddev(self, shape: Sizes) -> float:
        """The standard deviation of kernels of this shape, `(positions, a, b)` or `(inputs, outputs)`."""
        *positions, one, other = shape
        fans = math.prod(positions) * (one + other / self.strides ** len(positions))
        return math.sqrt(2.0 * self.gain / fans)

    def __call__(self, shape: Sizes, dtype: str | None = None) -> Tensor:
        return self.stddev(shape) * 3.0**0.5 * self._uniform(shape, dtype=dtype)

    def get_config(self) -> Config:
        return {"gain": self.gain, "strides": self.strides, "seed": self.seed}
