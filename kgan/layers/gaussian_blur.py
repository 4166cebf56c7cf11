"""Gaussian blur, whose weights at the border are those inside, made to sum to 1: what is constant stays constant."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan.arguments import Count, Positive
from kgan.backend import full_precision
from kgan.layers.checked_input import CheckedInput
from kgan.types import Array, Config, Sizes, Tensor


def blur_matrix(size: int, sigma: float) -> Array:
    """The blur of a row of `size` pixels as a matrix `(size, size)`, float32: weights up to `ceil(3 sigma)` pixels away, rows of sum 1.

    Example:
    >>> from kgan.layers.gaussian_blur import blur_matrix
    >>> blur_matrix(3, 0.3).astype("float64").round(3).tolist()
    [[0.996, 0.004, 0.0], [0.004, 0.992, 0.004], [0.0, 0.004, 0.996]]
    """
    apart = np.arange(size)[:, None] - np.arange(size)
    weights = np.exp(-0.5 * (apart / sigma) ** 2) * (np.abs(apart) <= math.ceil(3 * sigma))
    return (weights / weights.sum(axis=1, keepdims=True)).astype("float32")


def blurred(images: Tensor, sigma: float) -> Tensor:
    """Pictures `(batch, height, width, channels)` of a known size, blurred; at least float32 inside, the pictures' type outside."""
    rows, columns = (ops.convert_to_tensor(blur_matrix(n, sigma)) for n in images.shape[1:3])
    wide = full_precision(images)
    rows, columns = ops.cast(rows, wide.dtype), ops.cast(columns, wide.dtype)
    return ops.cast(ops.einsum("hi,biwc,vw->bhvc", rows, wide, columns), images.dtype)


def high_pass(images: Tensor, sigma: float, times: int) -> Tensor:
    """What is left of pictures when their blur is taken away so many times: `x <- x - blur(x)`."""
    for _ in range(times):
        images = images - blurred(images, sigma)
    return images


@keras.saving.register_keras_serializable("kgan")
class GaussianBlur(CheckedInput):
    """A Gaussian blur of pictures, or with `highpass` what it takes away, as often as that says.

    Args:
        sigma: standard deviation in pixels; the kernel reaches `ceil(3 sigma)` pixels far.
        highpass: default None: the blur. A number n: n times `x <- x - blur(x)`, which leaves no low frequencies (RenderGAN has 3).

    Input and output shape: `(batch, height, width, channels)`.

    Example: of a constant nothing is left behind a high-pass.

    >>> import keras, kgan
    >>> round(float(keras.ops.max(keras.ops.abs(kgan.layers.GaussianBlur(2.0, highpass=1)(keras.ops.ones((1, 8, 8, 1)))))), 5)
    0.0
    """

    axes = (4, 4)
    words = "(batch, height, width, channels)"

    def __init__(self, sigma: Positive, highpass: Count | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sigma = sigma
        self.highpass = highpass

    def call(self, inputs: Tensor) -> Tensor:
        return blurred(inputs, self.sigma) if self.highpass is None else high_pass(inputs, self.sigma, self.highpass)

    def compute_output_shape(self, input_shape: Sizes) -> Sizes:
        return tuple(input_shape)

    def get_config(self) -> Config:
        return {**super().get_config(), "sigma": self.sigma, "highpass": self.highpass}
