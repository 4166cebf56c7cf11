"""Spectral normalization: Miyato, Kataoka, Koyama, Yoshida, ICLR 2018, arXiv 1802.05957."""

from typing import Any

import keras
import numpy as np
from keras import ops

from kgan.arguments import Count, LayerLike
from kgan.backend import advances, is_concrete
from kgan.layers.kernel_normalization import KernelNormalization
from kgan.types import Config, Sizes, Tensor

# Iterations on the initial kernel before training: with u from noise alone, sigma is several per cent low for dozens of moves.
_WARM_UP = 100
_DOUBLINGS = 7  # 2^7 iterations at once, where they have to be traced


def _unit(vector: Tensor) -> Tensor:
    return vector / (ops.sqrt(ops.sum(ops.square(vector))) + 1e-12)


@keras.saving.register_keras_serializable("kgan")
class SpectralNormalization(KernelNormalization):
    """Divide a layer's kernel by its largest singular value in every forward pass.

    `W_bar = W / sigma`, `sigma = u^T W v` (Eq. 18-22), with `u`, `v` from a power iteration that is carried from step to
    step. The gradient flows through sigma with `u` and `v` held constant, which gives Eq. 9-12:
    `dV/dW = (G - <G, W_bar> u v^T) / sigma` for `G = dV/dW_bar`. The kernel itself is never overwritten.

    The power iteration advances once per discriminator move when a kgan model trains the layer (not in the generator's
    move, not in `evaluate`, `predict` or `generate`), and once per call with `training=True` in any other Keras model.

    W is the kernel as a matrix of shape (outputs, inputs x positions): for `Dense` and `ConvND` the last axis is the
    output; for `ConvNDTranspose`, whose kernels are (positions, outputs, inputs), the axis before it; for `Embedding`
    the embedding axis. The convolution's own operator norm is not what the paper normalizes.

    Args:
        layer: a `Dense`, `Conv1D/2D/3D`, `Conv1D/2D/3DTranspose` or `Embedding` layer.
        power_iterations: default 1 (the paper's): iterations per advance.

    Input and output shapes: those of the wrapped layer. Weights: those of the layer, and `u` of shape (outputs,), `v` of
    shape (inputs x positions,), not trainable, float32 in mixed precision as is sigma.

    Raises:
        ValueError: for a layer of another kind, for a kernel initialized to zeros (sigma would be 0), or for
            `power_iterations < 1`.

    Under `tf.distribute` all replicas hold equal kernels and make equal iterations.

    Departures from the paper: u starts from 100 iterations on the initial kernel, not from noise. The paper's published code
    advances u in every training-mode forward pass, the generator's included; Algorithm 1 once per discriminator update, as here.

    Example:
    >>> import keras, kgan
    >>> layer = kgan.layers.SpectralNormalization(keras.layers.Dense(4))
    >>> for _ in range(50):
    ...     _ = layer(keras.ops.ones((2, 3)), training=True)
    >>> round(float(layer.sigma()) / float(layer.exact_sigma()), 3)
    1.0
    """

    def __init__(self, layer: LayerLike, power_iterations: Count = 1, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.power_iterations = power_iterations

    def build(self, input_shape: Sizes | None = None) -> None:
        super().build(input_shape)
        matrix = self.matrix()
        rows, columns = matrix.shape
        state = {"trainable": False, "dtype": keras.backend.standardize_dtype(matrix.dtype)}
        # Not from Keras' global generator, which may itself be without a value while `fit` builds the model.
        self._noise = keras.initializers.RandomNormal(0.0, 1.0)
        self.u = self.add_weight(name="u", shape=(columns,), initializer=self._first_u, **state)
        # The first v belongs to the first u, so that sigma is positive before any iteration.
        self.v = self.add_weight(name="v", shape=(rows,), initializer=lambda shape, dtype: self._iterate(self.u)[1], **state)

    def _first_u(self, shape: Sizes, dtype: str) -> Tensor:
        matrix, noise = self.matrix(), self._noise(shape, dtype=dtype)
        if not is_concrete(matrix) or not is_concrete(noise):
            return self._traced_first_u(matrix, noise)
        # On the host: hundreds of small steps, once.
        matrix, u = ops.convert_to_numpy(matrix), ops.convert_to_numpy(noise)
        for _ in range(_WARM_UP):
            v = matrix @ u
            u = matrix.T @ (v / np.linalg.norm(v))
            u /= np.linalg.norm(u)
        return ops.convert_to_tensor(u, dtype=dtype)

    def _traced_first_u(self, matrix: Tensor, u: Tensor) -> Tensor:
        """In a trace (a layer that is built by `fit`), where a loop would be unrolled: by squaring the Gram matrix of the shorter side."""
        wide = matrix.shape[0] < matrix.shape[1]
        gram = ops.matmul(matrix, ops.transpose(matrix)) if wide else ops.matmul(ops.transpose(matrix), matrix)
        for _ in range(_DOUBLINGS):
            gram = _unit(gram)
            gram = ops.matmul(gram, gram)
        if wide:
            return _unit(ops.matmul(ops.transpose(matrix), _unit(ops.matmul(_unit(gram), ops.matmul(matrix, u)))))
        return _unit(ops.matmul(_unit(gram), u))

    def _iterate(self, u: Tensor) -> tuple[Tensor, Tensor]:
        matrix = ops.stop_gradient(self.matrix())
        v = _unit(ops.matmul(matrix, u))
        return _unit(ops.matmul(ops.transpose(matrix), v)), v

    def advance(self) -> None:
        """Make `power_iterations` power iterations and store the vectors."""
        u = ops.convert_to_tensor(self.u)
        for _ in range(self.power_iterations):
            u, v = self._iterate(u)
        self.u.assign(u)
        self.v.assign(v)

    @property
    def following(self) -> tuple[keras.Variable, keras.Variable]:
        """`u` and `v`, which belong to the present kernel: averages of weights keep their own, for the averaged kernel."""
        return self.u, self.v

    def follow_weights(self) -> None:
        """As `advance`."""
        self.advance()

    def sigma(self) -> Tensor:
        """The estimate `u^T W v`, a scalar; differentiable in the kernel."""
        u, v = ops.stop_gradient(ops.convert_to_tensor(self.u)), ops.stop_gradient(ops.convert_to_tensor(self.v))
        return ops.sum(v * ops.matmul(self.matrix(), u))

    def exact_sigma(self) -> Tensor:
        """The largest singular value by SVD: for tests and plots."""
        return ops.linalg.svd(self.matrix(), compute_uv=False)[0]

    def normalized_kernel(self) -> Tensor:
        """`W / sigma` in the shape of the kernel."""
        return ops.convert_to_tensor(self.kernel) / ops.maximum(self.sigma(), 1e-12)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if training and advances(self.u):
            self.advance()
        return super().call(inputs)

    def get_config(self) -> Config:
        return {**super().get_config(), "power_iterations": self.power_iterations}
