"""Weight normalization: Salimans, Kingma, NIPS 2016, arXiv 1602.07868."""

from typing import Any

import keras
from keras import ops

from kgan.arguments import LayerLike, Positive
from kgan.backend import full_precision
from kgan.layers.initialization import initializing
from kgan.layers.kernel_normalization import KernelNormalization
from kgan.types import Config, Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class WeightNormalization(KernelNormalization):
    """Call a layer with each output's weight vector divided by its own norm: `w_i = g_i v_i / ||v_i||` (Eq. 2).

    Args:
        layer: a `Dense`, `Conv1D/2D/3D`, `Conv1D/2D/3DTranspose` or `Embedding` layer; its kernel holds the v_i.
        scale: default True (the paper's): learn the lengths g_i, starting from ||v_i||, so that wrapping changes nothing at
            first. False fixes them at 1: the baseline of spectral normalization's table (1802.05957), where the squared singular
            values then sum to the number of outputs.

        init_stdv: default 1.0 (the paper's): standard deviation of pre-activations after the data-dependent initialization.

    Input and output shapes: those of the wrapped layer. Weights: those of the layer, and `g` of shape (outputs,) with `scale`.

    Raises:
        ValueError: for a layer of another kind or a kernel initialized to zeros.

    `kgan.layers.initialize_from_data` makes the data-dependent initialization of section 3; without it the lengths start as said above.

    Departures from the paper: none.

    Example:
    >>> import keras, kgan
    >>> layer = kgan.layers.WeightNormalization(keras.layers.Dense(4), scale=False)
    >>> _ = layer(keras.ops.ones((2, 3)))
    >>> round(float(keras.ops.sum(layer.normalized_kernel() ** 2)), 4)
    4.0
    """

    def __init__(self, layer: LayerLike, scale: bool = True, init_stdv: Positive = 1.0, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.scale = scale
        self.init_stdv = init_stdv

    def build(self, input_shape: Sizes | None = None) -> None:
        super().build(input_shape)
        if self.scale:
            self.g = self.add_weight(
                name="g", shape=(self.matrix().shape[1],), initializer=lambda shape, dtype: ops.cast(self._norms(), dtype)
            )

    def _norms(self) -> Tensor:
        return ops.sqrt(ops.sum(ops.square(self.matrix()), axis=0) + 1e-24)

    def normalized_kernel(self) -> Tensor:
        """`g v / ||v||` in the shape of the kernel."""
        lengths = 1.0 / self._norms()
        if self.scale:
            lengths = lengths * ops.convert_to_tensor(self.g)
        return ops.convert_to_tensor(self.kernel) * self.per_output(lengths)

    def call(self, inputs: Tensor) -> Tensor:
        if initializing() and not isinstance(self.layer, keras.layers.Embedding):
            self._initialize(inputs)
        return super().call(inputs)

    def _initialize(self, inputs: Tensor) -> None:
        """Eq. 5-6: pre-activations of mean 0 and, where the lengths are learned, of standard deviation `init_stdv`."""
        layer, activation = self.layer, self.layer.activation
        if layer.use_bias:
            layer.bias.assign(ops.zeros_like(ops.convert_to_tensor(layer.bias)))
        layer.activation = keras.activations.linear
        outputs = full_precision(super().call(inputs))
        layer.activation = activation
        mean, variance = ops.moments(outputs, axes=tuple(range(len(outputs.shape) - 1)))
        scale = self.init_stdv * ops.rsqrt(variance + 1e-12) if self.scale else ops.ones_like(mean)
        if self.scale:
            self.g.assign(ops.convert_to_tensor(self.g) * ops.cast(scale, self.g.dtype))
        if layer.use_bias:
            layer.bias.assign(ops.cast(-mean * scale, layer.bias.dtype))

    def get_config(self) -> Config:
        return {**super().get_config(), "scale": self.scale, "init_stdv": self.init_stdv}
