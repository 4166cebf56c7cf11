"""What the reparametrizations of a kernel share: which layers have one linear kernel, and how to call them with another."""

from typing import Any

import keras
from keras import layers, ops

from kgan.arguments import LayerLike
from kgan.backend import Overlay, full_precision
from kgan.layers.checked_input import CheckedInput
from kgan.types import Sizes, Tensor

_TRANSPOSED = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
_PLAIN = (layers.Dense, layers.Conv1D, layers.Conv2D, layers.Conv3D)


class KernelNormalization(CheckedInput, layers.Wrapper):
    """Base of wrappers that call a layer with a function of its kernel, and leave the kernel itself alone.

    The kernel is seen as a matrix K = W^T of shape (inputs x positions, outputs): for `Dense` and `ConvND` the last axis is
    the output; for `ConvNDTranspose`, whose kernels are (positions, outputs, inputs), the axis before it; for `Embedding` the
    embedding axis.
    """

    axes = (2, None)
    words = "(batch, ..., inputs)"

    def __init__(self, layer: LayerLike, **kwargs: Any) -> None:
        if not isinstance(layer, (*_PLAIN, *_TRANSPOSED, layers.Embedding)):
            raise ValueError(
                f"{type(self).__name__} wraps Dense, Conv1D/2D/3D, Conv1D/2D/3DTranspose and Embedding layers. "
                f"Received: {layer!r} of type {type(layer).__name__}."
            )
        # The wrapper computes in the precision in which weights are stored; the wrapped layer casts to its own compute dtype.
        policy = keras.dtype_policies.get(kwargs.pop("dtype", None) or keras.config.dtype_policy())
        super().__init__(layer, autocast=False, dtype=policy.variable_dtype, **kwargs)
        if isinstance(layer, layers.Embedding):
            self.axes = (0, None)

    def takes(self, dtype: str) -> bool:
        return isinstance(self.layer, layers.Embedding) or super().takes(dtype)

    @property
    def kernel(self) -> keras.Variable:
        """The stored kernel: a Keras variable of the wrapped layer."""
        return self.layer.embeddings if isinstance(self.layer, layers.Embedding) else self.layer.kernel

    def build(self, input_shape: Sizes | None = None) -> None:
        super().build(input_shape)
        initializer = getattr(self.layer, "kernel_initializer", None) or self.layer.embeddings_initializer
        if isinstance(initializer, keras.initializers.Zeros):
            raise ValueError(
                f"The kernel of {self.layer.name!r} is initialized to zeros and cannot be divided by its norm. "
                "Use another initializer."
            )

    def matrix(self) -> Tensor:
        """The kernel as K, of shape (inputs x positions, outputs), in at least float32."""
        kernel = ops.convert_to_tensor(self.kernel)
        if isinstance(self.layer, _TRANSPOSED):
            kernel = ops.moveaxis(kernel, -2, -1)
        return full_precision(ops.reshape(kernel, (-1, kernel.shape[-1])))

    def normalized_kernel(self) -> Tensor:
        """The kernel that the layer is called with."""
        raise NotImplementedError(f"{type(self).__name__} must define normalized_kernel().")

    def per_output(self, values: Tensor) -> Tensor:
        """Values, one per output, in a shape that broadcasts against the kernel."""
        if isinstance(self.layer, _TRANSPOSED):
            values = ops.expand_dims(values, -1)
        return values

    def call(self, inputs: Tensor) -> Tensor:
        kernel = ops.cast(self.normalized_kernel(), self.kernel.dtype)
        with Overlay([(self.kernel, kernel)], commit=True):
            return self.layer(inputs)

    def compute_output_shape(self, input_shape: Sizes) -> tuple[int | None, ...]:
        return self.layer.compute_output_shape(input_shape)
