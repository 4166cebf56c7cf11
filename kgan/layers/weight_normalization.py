"""Weight normalization: Salimans, Kingma, NIPS 2016, arXiv 1602.07868."""

from typing import Any

import keras
from keras import ops

from kgan.arguments import LayerLike, Positive
from kgan.backend import full_precision
from kgan.layers.initialization import StartsFromData
from kgan.layers.kernel_normalization import KernelNormalization
from kgan.types import Config, Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class WeightNormalization(StartsFromData, KernelNormalization):
    """Call a layer with each output's weight vector divided by its own norm: `w_i = g_i v_i / ||v_i||` (Eq. 2).

    Args:
        layer: a `Dense`, `Conv1D/2D/3D`, `Conv1D/2D/3DTranspose` or `Embedding` layer; its kernel holds the v_i.
        scale: default True (the paper's): learn the lengths g_i, starting from ||v_i||, so that wrapping changes nothing at
            first. False fixes them at 1: the baseline of spectral normalization's table (1802.05957), where the squared singular
            values then sum to the number of outputs.
        init_stdv: default 1.0 (the paper's): standard deviation of pre-activations after the data-dependent initialization.
        data_init: default False. True: lengths and biases start from data (section 3), from the first minibatch that a kgan model with this
            layer trains on. With `scale=False` the lengths then stay where the data put them, as in the code of 1606.03498.

    Input and output shapes: those of the wrapped layer. Weights: those of the layer; `g` of shape (outputs,), trainable with `scale`, with
    `scale` or `data_init`; `started`, 1 after the data, with `data_init`.

    Raises:
        ValueError: for a layer of another kind or a kernel initialized to zeros.

    `kgan.layers.initialize_from_data` makes the data-dependent initialization of section 3 by hand. Units whose pre-activation does not
    vary over the data keep their lengths.

    Departures from the paper: none.

    Example:
    >>> import keras, kgan
    >>> layer = kgan.layers.WeightNormalization(keras.layers.Dense(4), scale=False)
    >>> _ = layer(keras.ops.ones((2, 3)))
    >>> round(float(keras.ops.sum(layer.normalized_kernel() ** 2)), 4)
    4.0
    """

    def __init__(
        self, layer: LayerLike, scale: bool = True, init_stdv: Positive = 1.0, data_init: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(layer, **kwargs)
        if data_init and isinstance(layer, keras.layers.Embedding):
            raise ValueError("An Embedding has no pre-activations from which lengths could start: leave out `data_init`.")
        self.scale = scale
        self.init_stdv = init_stdv
        self.data_init = data_init

    def build(self, input_shape: Sizes | None = None) -> None:
        super().build(input_shape)
        self._note_start()
        if self.has_lengths:
            drawn = (lambda shape, dtype: ops.cast(self._norms(), dtype)) if self.scale else "ones"
            self.g = self.add_weight(name="g", shape=(self.matrix().shape[1],), initializer=drawn, trainable=self.scale)

    @property
    def has_lengths(self) -> bool:
        """Whether there is a length of each output other than 1."""
        return self.scale or self.data_init

    def _norms(self) -> Tensor:
        return ops.sqrt(ops.sum(ops.square(self.matrix()), axis=0) + 1e-24)

    def normalized_kernel(self) -> Tensor:
        """`g v / ||v||` in the shape of the kernel."""
        lengths = 1.0 / self._norms()
        if self.has_lengths:
            lengths = lengths * ops.convert_to_tensor(self.g)
        return ops.convert_to_tensor(self.kernel) * self.per_output(lengths)

    def call(self, inputs: Tensor) -> Tensor:
        if not isinstance(self.layer, keras.layers.Embedding):
            self.start_from(inputs)
        return super().call(inputs)

    def starting(self) -> list[keras.Variable]:
        return [*super().starting(), *([self.g] if self.has_lengths else []), *([self.layer.bias] if self.layer.use_bias else [])]

    def _initialize(self, inputs: Tensor) -> None:
        """Eq. 5-6: pre-activations of mean 0 and, where there are lengths, of standard deviation `init_stdv`."""
        layer, activation = self.layer, self.layer.activation
        if layer.use_bias:
            layer.bias.assign(ops.zeros_like(ops.convert_to_tensor(layer.bias)))
        layer.activation = keras.activations.linear
        outputs = full_precision(super().call(inputs))
        layer.activation = activation
        mean, variance = ops.moments(outputs, axes=tuple(range(len(outputs.shape) - 1)))
        scale = ops.ones_like(mean)
        if self.has_lengths:
            # A minibatch of one example, or a unit that sees nothing, says nothing about lengths.
            scale = ops.where(variance > 1e-12, self.init_stdv * ops.rsqrt(ops.maximum(variance, 1e-12)), scale)
            self.g.assign(ops.convert_to_tensor(self.g) * ops.cast(scale, self.g.dtype))
        if layer.use_bias:
            layer.bias.assign(ops.cast(-mean * scale, layer.bias.dtype))

    def get_config(self) -> Config:
        return {**super().get_config(), "scale": self.scale, "init_stdv": self.init_stdv, "data_init": self.data_init}
