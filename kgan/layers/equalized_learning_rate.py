"""Equalized learning rate: Karras, Aila, Laine, Lehtinen, ICLR 2018, arXiv 1710.10196, section 4.1."""

import math
from typing import Any

import keras
from keras import ops

from kgan.arguments import LayerLike, Positive
from kgan.layers.kernel_normalization import KernelNormalization
from kgan.types import Config, Tensor


@keras.saving.register_keras_serializable("kgan")
class EqualizedLearningRate(KernelNormalization):
    """Store a kernel from N(0, 1) and call the layer with `kernel * gain / sqrt(fan_in)`.

    All weights then have one dynamic range, and an optimizer such as Adam, whose steps do not depend on the gradient's scale, moves all
    layers at one speed. The bias is not scaled.

    Args:
        layer: a `Dense`, `Conv1D/2D/3D` or `Conv1D/2D/3DTranspose` layer; its kernel initializer is replaced by N(0, 1), as its
            own scaling would count twice.
        gain: default sqrt(2) (He's constant, the paper's); the authors use 1 for layers without nonlinearity and sqrt(2) / 4
            for the generator's first dense layer.

    Input and output shapes, weights: those of the wrapped layer.

    Departures from the paper: none; the paper prints `w / c` and means this multiplication, as its code shows.

    Example:
    >>> import keras, kgan
    >>> layer = kgan.layers.EqualizedLearningRate(keras.layers.Dense(1, bias_initializer="ones"), gain=1.0)
    >>> layer.build((None, 4))
    >>> layer.kernel.assign(keras.ops.ones((4, 1))) is not None, float(layer(keras.ops.ones((1, 4)))[0, 0])
    (True, 3.0)
    """

    def __init__(self, layer: LayerLike, gain: Positive = 2.0**0.5, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        if not hasattr(layer, "kernel_initializer"):
            raise ValueError(f"EqualizedLearningRate wraps dense and convolution layers. Received: {layer!r}.")
        self.gain = gain
        layer.kernel_initializer = keras.initializers.RandomNormal(0.0, 1.0)

    @property
    def scale(self) -> float:
        """The constant `gain / sqrt(fan_in)`."""
        return self.gain / math.sqrt(self.matrix().shape[0])

    def normalized_kernel(self) -> Tensor:
        """The kernel times `scale`."""
        return ops.convert_to_tensor(self.kernel) * self.scale

    def get_config(self) -> Config:
        return {**super().get_config(), "gain": self.gain}
