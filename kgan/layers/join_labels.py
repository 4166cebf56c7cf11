"""Labels beside what a network knows of an example: Mirza and Osindero 2014, arXiv 1411.1784; Radford et al. 2016; Miyato et al. 2018."""

from typing import Any

import keras
from keras import layers, ops

from kgan.arguments import Checked, Count, Several
from kgan.layers.conditional_batch_normalization import shapes_of_pair
from kgan.layers.spectral_normalization import SpectralNormalization
from kgan.types import Config, Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class JoinLabels(Checked, layers.Layer):
    """Appends the class of each example to its last axis, the same at every position of a map.

    Args:
        classes: number of classes.
        size: default None: the class as `classes` numbers, one of them 1. A number: as a learned vector of so many.
        power_iterations: default None. A number: the matrix of these vectors is divided by its largest singular value, as
            `kgan.layers.SpectralNormalization` does with so many iterations.

    Call: `layer([x, labels])`, floats `(batch, ..., channels)` and integers `(batch,)` in [0, classes). Output: x with `size` (or
    `classes`) more channels. Vectors start Glorot-uniform.

    Raises:
        ValueError: for other inputs, or `power_iterations` without `size`.

    Example:
    >>> import numpy as np, kgan
    >>> kgan.layers.JoinLabels(3)([np.array([[5.0]], "float32"), np.array([1])]).shape == (1, 4)
    True
    """

    def __init__(self, classes: Several, size: Count | None = None, power_iterations: Count | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if power_iterations is not None and size is None:
            raise ValueError("`power_iterations` of JoinLabels normalizes learned vectors; give their `size`, or leave it out.")
        self.classes = classes
        self.size = size
        self.power_iterations = power_iterations
        self.embedding = None if size is None else label_vectors(classes, size, power_iterations)

    def build(self, input_shape: Any) -> None:
        _, labels = shapes_of_pair(self, input_shape)
        if self.embedding is not None:
            self.embedding.build(labels)

    def call(self, inputs: Any) -> Tensor:
        x, labels = inputs
        labels = ops.cast(labels, "int32")
        vectors = (
            ops.one_hot(labels, self.classes, dtype=x.dtype)
            if self.embedding is None
            else ops.cast(self.embedding(labels), x.dtype)
        )
        vectors = ops.reshape(vectors, (-1, *(1,) * (len(x.shape) - 2), vectors.shape[-1]))
        return ops.concatenate([x, vectors * ops.ones_like(x[..., :1])], axis=-1)

    def compute_output_shape(self, input_shape: Any) -> Sizes:
        examples, _ = shapes_of_pair(self, input_shape)
        return (*examples[:-1], examples[-1] + (self.size or self.classes))

    def get_config(self) -> Config:
        own = {name: getattr(self, name) for name in ("classes", "size", "power_iterations")}
        return {**super().get_config(), **own}


def label_vectors(classes: int, size: int, power_iterations: int | None, name: str = "label_embedding") -> keras.layers.Layer:
    """A layer from labels `(batch,)` to a learned vector each, `(batch, size)`; spectrally normalized where iterations are given."""
    layer = layers.Embedding(classes, size, embeddings_initializer="glorot_uniform", name=name)
    return layer if power_iterations is None else SpectralNormalization(layer, power_iterations, name=f"{name}_sn")
