"""Weight normalisation: Salimans, Kingma, NIPS 2016, arXiv 1602.07868."""

import keras
from keras import ops

from kgan.layers.kernel_normalization import KernelNormalization


@keras.saving.register_keras_serializable("kgan")
class WeightNormalization(KernelNormalization):
    """Call a layer with each output's weight vector divided by its own norm: `w_i = g_i v_i / ||v_i||` (Eq. 2).

    Args:
        layer: a `Dense`, `Conv1D/2D/3D`, `Conv1D/2D/3DTranspose` or `Embedding` layer; its kernel holds the v_i.
        scale: bool, default True (the paper's): learn the lengths g_i, starting from ||v_i||, so that wrapping changes nothing at
            first. False fixes them at 1: the baseline of spectral normalisation's table (1802.05957), where the squared singular
            values then sum to the number of outputs.

    Input and output shapes: those of the wrapped layer. Weights: those of the layer, and `g` of shape (outputs,) with `scale`.

    Raises:
        ValueError: for a layer of another kind or a kernel initialised to zeros.

    Departures from the paper: the data-dependent initialisation of section 3 is left to the caller.

    Example:
    >>> import keras, kgan
    >>> layer = kgan.layers.WeightNormalization(keras.layers.Dense(4), scale=False)
    >>> _ = layer(keras.ops.ones((2, 3)))
    >>> round(float(keras.ops.sum(layer.normalized_kernel() ** 2)), 4)
    4.0
    """

    def __init__(self, layer, scale=True, **kwargs):
        super().__init__(layer, **kwargs)
        self.scale = scale

    def build(self, input_shape=None):
        super().build(input_shape)
        if self.scale:
            self.g = self.add_weight(
                name="g", shape=(self.matrix().shape[1],), initializer=lambda shape, dtype: ops.cast(self._norms(), dtype)
            )

    def _norms(self):
        return ops.sqrt(ops.sum(ops.square(self.matrix()), axis=0) + 1e-24)

    def normalized_kernel(self):
        """`g v / ||v||` in the shape of the kernel."""
        lengths = 1.0 / self._norms()
        if self.scale:
            lengths = lengths * ops.convert_to_tensor(self.g)
        return ops.convert_to_tensor(self.kernel) * self.per_output(lengths)

    def get_config(self):
        return {**super().get_config(), "scale": self.scale}
