"""Maxout units: Goodfellow, Warde-Farley, Mirza, Courville, Bengio, ICML 2013, arXiv 1302.4389."""

from typing import Any

import keras
from keras import layers, ops

from kgan.arguments import Count
from kgan.layers.checked_input import CheckedInput
from kgan.types import Config, Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class Maxout(CheckedInput):
    """The maximum over `pieces` affine maps per unit.

    Args:
        units: number of outputs.
        pieces: default 5 (the discriminator of the 2014 GAN), affine maps per unit.
        kernel_size: default None: dense maps over the last axis. A number: unpadded two-dimensional convolutions of that size.
        strides: default 1, of the convolutions.
        use_bias: default True.
        kernel_initializer, bias_initializer: as in `keras.layers.Dense`.

    Input shape: `(batch, ..., features)`, images for convolutions. Output shape: `(batch, ..., units)`.

    Example:
    >>> import keras, kgan
    >>> kgan.layers.Maxout(3, pieces=2)(keras.ops.ones((4, 6))).shape[-1]
    3
    """

    axes = (2, None)
    words = "(batch, ..., features)"

    def __init__(
        self,
        units: Count,
        pieces: Count = 5,
        kernel_size: Count | None = None,
        strides: Count = 1,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.pieces = pieces
        self.kernel_size = kernel_size
        self.strides = strides
        self.use_bias = use_bias
        start = {"kernel_initializer": kernel_initializer, "bias_initializer": bias_initializer}
        if kernel_size is None:
            self.affine = layers.Dense(units * pieces, use_bias=use_bias, name="affine", **start)
        else:
            self.affine = layers.Conv2D(
                units * pieces, kernel_size, strides, use_bias=use_bias, name="affine", **start, data_format="channels_last"
            )

    def build(self, input_shape: Sizes) -> None:
        self.affine.build(input_shape)

    def call(self, inputs: Tensor) -> Tensor:
        affine = self.affine(inputs)
        return ops.max(ops.reshape(affine, (*ops.shape(affine)[:-1], self.units, self.pieces)), axis=-1)

    def compute_output_shape(self, input_shape: Sizes) -> tuple[int | None, ...]:
        return (*self.affine.compute_output_shape(input_shape)[:-1], self.units)

    def get_config(self) -> Config:
        initializers = {
            name: keras.initializers.serialize(getattr(self.affine, name)) for name in ("kernel_initializer", "bias_initializer")
        }
        own = {name: getattr(self, name) for name in ("units", "pieces", "kernel_size", "strides", "use_bias")}
        return {**super().get_config(), **own, **initializers}
