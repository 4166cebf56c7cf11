"""Spectral normalisation: Miyato, Kataoka, Koyama, Yoshida, ICLR 2018, arXiv 1802.05957."""

import keras
from keras import layers, ops

from kgan.backend import Overlay, advances, full_precision

_TRANSPOSED = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
_PLAIN = (layers.Dense, layers.Conv1D, layers.Conv2D, layers.Conv3D)
# Subclasses of the plain convolutions whose kernels are not one linear map from all inputs to all outputs.
_REFUSED = (
    layers.DepthwiseConv1D,
    layers.DepthwiseConv2D,
    layers.SeparableConv1D,
    layers.SeparableConv2D,
)


def _unit(vector):
    return vector / (ops.sqrt(ops.sum(ops.square(vector))) + 1e-12)


@keras.saving.register_keras_serializable("kgan")
class SpectralNormalization(layers.Wrapper):
    """Divide a layer's kernel by its largest singular value in every forward pass.

    `W_bar = W / sigma`, `sigma = u^T W v` (Eq. 18-22), with `u`, `v` from a power iteration that is carried from step to
    step. The gradient flows through sigma with `u` and `v` held constant, which gives Eq. 9-12:
    `dV/dW = (G - <G, W_bar> u v^T) / sigma` for `G = dV/dW_bar`. The kernel itself is never overwritten.

    The power iteration advances once per discriminator move when a kgan model trains the layer (not in the generator's
    move, not in `evaluate`, `predict` or `generate`), and once per call with `training=True` in any other Keras model.

    W is the kernel as a matrix of shape (outputs, inputs x positions): for `Dense` and `ConvND` the last axis is the
    output; for `ConvNDTranspose`, whose kernels are (positions, outputs, inputs), the axis before it; for `Embedding`
    the embedding axis. The convolution's own operator norm is not what the paper normalises.

    Args:
        layer: a `Dense`, `Conv1D/2D/3D`, `Conv1D/2D/3DTranspose` or `Embedding` layer.
        power_iterations: int >= 1, default 1 (the paper's): iterations per advance.

    Input and output shapes: those of the wrapped layer. Weights: those of the layer, and `u` of shape (outputs,), `v` of
    shape (inputs x positions,), not trainable, float32 in mixed precision as is sigma.

    Raises:
        ValueError: for a layer of another kind, for a kernel initialised to zeros (sigma would be 0), or for
            `power_iterations < 1`.

    Under `tf.distribute` all replicas hold equal kernels and make equal iterations.

    Departures from the paper: none. (Its published code advances `u` in every training-mode forward pass, the generator's
    included; Algorithm 1 advances it once per discriminator update, as here.)

    Example:
    >>> import keras, kgan
    >>> layer = kgan.layers.SpectralNormalization(keras.layers.Dense(4))
    >>> for _ in range(50):
    ...     _ = layer(keras.ops.ones((2, 3)), training=True)
    >>> round(float(layer.sigma()) / float(layer.exact_sigma()), 3)
    1.0
    """

    def __init__(self, layer, power_iterations=1, **kwargs):
        if not isinstance(layer, (*_PLAIN, *_TRANSPOSED, layers.Embedding)) or isinstance(layer, _REFUSED):
            raise ValueError(
                "SpectralNormalization wraps Dense, Conv1D/2D/3D, Conv1D/2D/3DTranspose and Embedding layers. "
                f"Received: {layer!r} of type {type(layer).__name__}."
            )
        if not isinstance(power_iterations, int) or power_iterations < 1:
            raise ValueError(f"`power_iterations` must be an integer >= 1. Received: {power_iterations!r}.")
        # Without autocast the kernel is read in its own precision; the wrapped layer still casts to its compute dtype.
        super().__init__(layer, autocast=False, **kwargs)
        self.power_iterations = power_iterations

    @property
    def kernel(self):
        """The stored, unnormalised kernel: a Keras variable of the wrapped layer."""
        return self.layer.embeddings if isinstance(self.layer, layers.Embedding) else self.layer.kernel

    def build(self, input_shape=None):
        super().build(input_shape)
        initializer = getattr(self.layer, "kernel_initializer", None) or self.layer.embeddings_initializer
        if isinstance(initializer, keras.initializers.Zeros):
            raise ValueError(
                f"The kernel of {self.layer.name!r} is initialised to zeros, which has no largest singular direction. "
                "Use another initializer."
            )
        matrix = self._matrix()
        rows, columns = matrix.shape
        state = {"trainable": False, "dtype": keras.backend.standardize_dtype(matrix.dtype)}
        self.u = self.add_weight(
            name="u", shape=(columns,), initializer=lambda shape, dtype: _unit(keras.random.normal(shape, dtype=dtype)), **state
        )
        # The first v belongs to the first u, so that sigma is positive before any iteration.
        self.v = self.add_weight(
            name="v", shape=(rows,), initializer=lambda shape, dtype: _unit(ops.matmul(self._matrix(), self.u)), **state
        )

    def _matrix(self):
        """The kernel as K = W^T, of shape (inputs x positions, outputs)."""
        kernel = ops.convert_to_tensor(self.kernel)
        if isinstance(self.layer, _TRANSPOSED):
            kernel = ops.moveaxis(kernel, -2, -1)
        outputs = kernel.shape[-1]
        return full_precision(ops.reshape(kernel, (-1, outputs)))

    def advance(self):
        """Make `power_iterations` power iterations and store the vectors."""
        matrix = ops.stop_gradient(self._matrix())
        u = ops.convert_to_tensor(self.u)
        for _ in range(self.power_iterations):
            v = _unit(ops.matmul(matrix, u))
            u = _unit(ops.matmul(ops.transpose(matrix), v))
        self.u.assign(u)
        self.v.assign(v)

    def sigma(self):
        """The estimate `u^T W v`, a scalar; differentiable in the kernel."""
        u, v = ops.stop_gradient(ops.convert_to_tensor(self.u)), ops.stop_gradient(ops.convert_to_tensor(self.v))
        return ops.sum(v * ops.matmul(self._matrix(), u))

    def exact_sigma(self):
        """The largest singular value by SVD: for tests and plots."""
        return ops.linalg.svd(self._matrix(), compute_uv=False)[0]

    def normalized_kernel(self):
        """`W / sigma` in the shape of the kernel."""
        kernel = ops.convert_to_tensor(self.kernel)
        return kernel / ops.cast(ops.maximum(self.sigma(), 1e-12), kernel.dtype)

    def call(self, inputs, training=False):
        if training and advances(self.u):
            self.advance()
        with Overlay([(self.kernel, self.normalized_kernel())], commit=True):
            return self.layer(inputs)

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)

    def get_config(self):
        return {**super().get_config(), "power_iterations": self.power_iterations}
