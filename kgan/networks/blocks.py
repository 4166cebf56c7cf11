"""Pieces that the network builders share. Every layer gets an explicit name, so that files keep loading."""

import random
from collections.abc import Callable
from typing import Any

import keras
from keras import layers, ops

from kgan.arguments import shown
from kgan.types import Sizes, Tensor

Nonlinearity = str | float | Callable[..., Any]
"""A Keras activation by name or as a function, the slope of a leaky ReLU, or a layer."""


def activation(kind: Nonlinearity, name: str) -> keras.layers.Layer:
    """A nonlinearity: a Keras activation, a number for the slope of a leaky ReLU, or a layer, which is copied."""
    if isinstance(kind, layers.Layer):
        return type(kind).from_config({**kind.get_config(), "name": name})
    if isinstance(kind, (int, float)) and not isinstance(kind, bool):
        return layers.LeakyReLU(negative_slope=kind, name=name)
    return layers.Activation(kind, name=name)


def fresh(initializer: Any) -> Any:
    """An initializer for one more layer: one object shared by several would give equal kernels where it is seeded."""
    return initializer.clone() if isinstance(initializer, keras.initializers.Initializer) else initializer


def dense(units: int, name: str, initializer: Any = "glorot_uniform", **kwargs: Any) -> keras.layers.Layer:
    return layers.Dense(units, kernel_initializer=fresh(initializer), name=name, **kwargs)


@keras.saving.register_keras_serializable("kgan")
class GroupedConv2D(layers.Conv2D):
    """Keras' convolution with `groups`, as one convolution a group; the kernel is Keras'.

    Keras leaves a grouped convolution on TensorFlow to XLA, which compiles it anew at every eager call (0.2 seconds with its gradient).
    """

    def convolution_op(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        axis = -1 if self.data_format == "channels_last" else 1
        parts = zip(ops.split(inputs, self.groups, axis), ops.split(kernel, self.groups, -1), strict=True)
        return ops.concatenate([super(GroupedConv2D, self).convolution_op(*part) for part in parts], axis)


def conv(
    filters: int,
    kernel: int,
    name: str,
    strides: int = 1,
    initializer: Any = "glorot_uniform",
    padding: str = "same",
    **kwargs: Any,
) -> keras.layers.Layer:
    make = GroupedConv2D if kwargs.get("groups", 1) > 1 else layers.Conv2D
    return make(
        filters, kernel, strides, padding, kernel_initializer=fresh(initializer), name=name, **kwargs, data_format="channels_last"
    )


def deconv(
    filters: int,
    kernel: int,
    name: str,
    strides: int = 2,
    initializer: Any = "glorot_uniform",
    padding: str = "same",
    **kwargs: Any,
) -> keras.layers.Layer:
    return layers.Conv2DTranspose(
        filters, kernel, strides, padding, kernel_initializer=fresh(initializer), name=name, **kwargs, data_format="channels_last"
    )


def scaled(channels: float, width: float) -> int:
    """A published channel count times a width factor, at least 1."""
    if not width > 0:
        raise ValueError(f"`width` must be > 0. Received: {width!r}.")
    return max(1, round(channels * width))


def dropout(rate: float, name: str) -> keras.layers.Layer:
    """Dropout with a seed of its own: on torch, unseeded layers draw from the global generator, which no file holds."""
    return layers.Dropout(rate, seed=random.randrange(2**30), name=name)


def noise(stddev: float, name: str) -> keras.layers.Layer:
    """Gaussian noise in training, with a seed of its own for the same reason."""
    return layers.GaussianNoise(stddev, seed=random.randrange(2**30), name=name)


def with_features(network: keras.Model, layer: str | None = None) -> keras.Model:
    """The same network with one more output, in front: `[features, output]`. Layers and weights are shared, not copied.

    Args:
        network: `keras.Model` of the functional kind (every builder of `kgan.networks` makes one).
        layer: name of the layer whose output is wanted; default: what the last layer receives.

    Raises:
        ValueError: for a subclassed model, whose inside cannot be seen, an unknown layer, or a last layer of several inputs, as the
            projection of `kgan.conditioning` has.
    """
    if not isinstance(network, keras.Model) or not hasattr(network, "operations"):
        raise ValueError(
            f"Features are taken from functional or sequential Keras models. Received: {network.name!r} of type "
            f"{type(network).__name__}."
        )
    names = [one.name for one in network.layers]
    if layer is not None and layer not in names:
        raise ValueError(f"{network.name!r} has no layer {layer!r}, whose output could be taken. It has {shown(names)}.")
    features = network.layers[-1].input if layer is None else network.get_layer(layer).output
    if isinstance(features, (list, tuple)):
        raise ValueError(
            f"The last layer of {network.name!r}, {network.layers[-1].name!r}, receives several tensors. Name the layer whose output is "
            "wanted; a penalty on features takes a discriminator that ends in a dense layer."
        )
    return keras.Model(network.input, [features, *network.outputs], name=f"{network.name}_with_features")


def image_head(data_shape: Sizes) -> keras.layers.Layer:
    """Reshapes a flat output to the shape of an example."""
    return layers.Reshape(tuple(data_shape), name="reshape")


def halvings(image_shape: Sizes, most: int, smallest: int = 4) -> int:
    """How often pictures are halved: `most` times, or as often as their size can be and the maps stay `smallest` pixels wide."""
    size = image_shape[0]
    return max(n for n in range(most + 1) if n == 0 or (size % 2**n == 0 and size >= smallest * 2**n))


def check_image_shape(image_shape: Sizes, divisor: int, smallest: int) -> tuple[int, ...]:
    """Refuse image shapes that a convolutional builder cannot halve down to its base."""
    shape = tuple(image_shape or ())
    good = len(shape) == 3 and all(isinstance(n, int) and n > 0 for n in shape)
    if not good or shape[0] != shape[1] or shape[0] % divisor or shape[0] < smallest:
        raise ValueError(
            f"`image_shape` must be (size, size, channels) with a size that is a multiple of {divisor} and at least "
            f"{smallest}. Received: {image_shape!r}."
        )
    return shape
