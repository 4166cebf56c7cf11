"""The standard convolutional networks of spectral normalization: Miyato et al. 2018, 1802.05957, Table 3."""

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from kgan.networks.blocks import activation, check_image_shape, conv, deconv, dense, halvings, scaled
from kgan.types import Sizes, Tensor

_SLOPE = 0.1
_LEVELS = 3
# (channels, stride) of the seven convolutions at width 64: the paper's table, and the network of the authors' published code.
_CHANNELS = {
    "paper": (64, 64, 128, 128, 256, 256, 512),
    "code": (64, 128, 128, 256, 256, 512, 512),
}


def _normal() -> keras.initializers.Initializer:
    # The authors' code; the paper names no initialization.
    return keras.initializers.RandomNormal(0.0, 0.02)


def generator(
    image_shape: Sizes = (32, 32, 3), latent_size: int = 128, width: float = 1.0, name: str = "generator"
) -> keras.Model:
    """Dense layer to maps of an eighth of the size, three 4x4 transposed convolutions of stride 2, a 3x3 convolution.

    Below 32 pixels there are fewer doublings, and the widest maps are left out: maps smaller than 4x4 leave convolutions of 3x3
    nothing to see.

    Batch norm and ReLU everywhere but at the output, which is tanh.

    Args:
        image_shape: `(size, size, channels)`, size a multiple of 4: 32 (CIFAR-10) and 48 (STL-10) in the paper.
        latent_size: int, default 128 (the paper's).
        width: float, default 1.0 (the paper's: 512, 256, 128, 64 channels), factor of all channel counts.

    Returns:
        `keras.Model` from `(batch, latent_size)` to images in [-1, 1].
    """
    image_shape = check_image_shape(image_shape, 4, 4)
    ups = halvings(image_shape, _LEVELS)
    base = image_shape[0] // 2**ups
    x = inputs = keras.Input((latent_size,), name="latent")
    first, *rest = (scaled(channels, width) for channels in (512, 256, 128, 64)[_LEVELS - ups :])
    x = dense(base * base * first, "project", _normal())(x)
    x = layers.Reshape((base, base, first), name="reshape")(x)
    x = _norm_relu(x, "project")
    for level, channels in enumerate(rest):
        x = _norm_relu(deconv(channels, 4, f"up_{level}", initializer=_normal())(x), f"up_{level}")
    x = conv(image_shape[-1], 3, "output", initializer=_normal(), activation="tanh")(x)
    return keras.Model(inputs, x, name=name)


def discriminator(
    image_shape: Sizes = (32, 32, 3),
    width: float = 1.0,
    variant: str = "paper",
    normalizer: Callable[..., Any] | None = None,
    norm: Callable[..., Any] | None = None,
    initializer: Any = None,
    name: str = "discriminator",
) -> keras.Model:
    """Seven convolutions, 3x3/1 and 4x4/2 in turn, leaky ReLU 0.1, one logit from the flattened maps.

    Args:
        image_shape: as in `generator`.
        width: as in `generator`.
        variant: "paper" (default, Table 3) or "code" (the authors' published network, the wider of the two).
        normalizer: callable `(layer) -> layer` around all linear layers, such as `kgan.layers.SpectralNormalization`.
        norm: callable `(name) -> layer` after each hidden convolution but the first, for the table's normalized baselines; None for none.
        initializer: of all kernels; default N(0, 0.02).

    Returns:
        `keras.Model` from images in [-1, 1] to logits `(batch, 1)`.
    """
    image_shape = check_image_shape(image_shape, 4, 4)
    if variant not in _CHANNELS:
        raise ValueError(f"`variant` must be one of {sorted(_CHANNELS)}. Received: {variant!r}.")
    wrap = normalizer or (lambda layer: layer)
    x = inputs = keras.Input(image_shape, name="images")
    for index, channels in enumerate(_CHANNELS[variant][: 2 * halvings(image_shape, _LEVELS) + 1]):
        kernel, strides = (4, 2) if index % 2 else (3, 1)
        x = wrap(conv(scaled(channels, width), kernel, f"conv_{index}", strides, initializer or _normal()))(x)
        if norm is not None and index:
            x = norm(f"norm_{index}")(x)
        x = activation(_SLOPE, f"leaky_{index}")(x)
    x = layers.Flatten(name="flatten", data_format="channels_last")(x)
    x = wrap(dense(1, "logit", initializer or _normal()))(x)
    return keras.Model(inputs, x, name=name)


def _norm_relu(x: Tensor, name: str) -> Tensor:
    x = layers.BatchNormalization(momentum=0.9, epsilon=2e-5, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)
