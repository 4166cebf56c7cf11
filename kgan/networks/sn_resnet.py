"""The residual networks of spectral normalization: Miyato et al. 2018, 1802.05957, Tables 4-6 and appendix B.4."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import layers

from kgan.layers import GlobalSumPooling2D
from kgan.networks import blocks
from kgan.networks.blocks import check_image_shape, conv, dense, scaled
from kgan.types import Sizes, Tensor

# Image size: (size of the first maps, generator widths from those maps on, discriminator blocks as (width, halve)).
_TABLES = {
    8: (4, (256, 256), ((128, True), (128, False))),
    16: (4, (256, 256, 256), ((128, True), (128, True), (128, False))),
    32: (4, (256, 256, 256, 256), ((128, True), (128, True), (128, False), (128, False))),
    48: (6, (512, 256, 128, 64), ((64, True), (128, True), (256, True), (512, True), (1024, False))),
    128: (
        4,
        (1024, 1024, 512, 256, 128, 64),
        ((64, True), (128, True), (256, True), (512, True), (1024, True), (1024, False)),
    ),
}


SIZES = tuple(_TABLES)
"""Sizes of images that the residual networks take."""


def _table(image_shape: Sizes) -> tuple[Any, ...]:
    size = check_image_shape(image_shape, 8, 8)[0]
    if size not in _TABLES:
        raise ValueError(
            f"The residual networks exist for images of {sorted(_TABLES)} pixels. Received: {tuple(image_shape)!r}; resize, or "
            "use standard networks: `kgan.networks.sn_cnn` takes any multiple of 8 (in kgan.SNGAN architecture='cnn')."
        )
    return _TABLES[size]


def _glorot(gain: float = 1.0) -> keras.initializers.Initializer:
    # Glorot-uniform times sqrt(2) inside residual branches, times 1 elsewhere: scale is the square of the gain.
    return keras.initializers.VarianceScaling(gain**2, "fan_avg", "uniform")


_BRANCH = 2.0**0.5


def joint(image_shape: Sizes) -> str:
    """Name of the discriminator's layer behind which a class is joined: the third block, or what is in front of the last halving."""
    halving = [index for index, (_, halve) in enumerate(_table(image_shape)[2]) if halve]
    return f"block_{min(2, halving[-1] - 1)}" if halving[-1] else "images"


def generator(
    image_shape: Sizes = (32, 32, 3),
    latent_size: int = 128,
    width: float = 1.0,
    branch: Any = None,
    name: str = "generator",
    epsilon: float = 2e-5,
) -> keras.Model:
    """Dense layer, residual blocks that double the size, batch norm, ReLU, 3x3 convolution, tanh.

    Args:
        image_shape: `(size, size, channels)` of 32 (CIFAR-10), 48 (STL-10) or 128 (ImageNet), the paper's tables, or of 16 and
            8, the CIFAR-10 table with fewer blocks.
        latent_size: default 128 (the paper's).
        width: default 1.0 (the paper's): factor of all widths, for small machines. 0.5 is the network of WGAN-GP at 32x32.
        branch: initializer of the convolutions inside residual branches, default Glorot-uniform times sqrt(2).
        epsilon: default 2e-5 (the authors' Chainer), of batch norm.

    Returns:
        `keras.Model` from `(batch, latent_size)` to images in [-1, 1].
    """
    base, (first, *widths), _ = _table(image_shape)
    first = scaled(first, width)
    x = inputs = keras.Input((latent_size,), name="latent")
    x = dense(base * base * first, "project", _glorot())(x)
    x = layers.Reshape((base, base, first), name="reshape")(x)
    for index, channels in enumerate(widths):
        x = _generator_block(x, scaled(channels, width), f"block_{index}", branch or _glorot(_BRANCH), epsilon)
    x = layers.ReLU(name="relu")(_norm("norm", epsilon)(x))
    x = conv(image_shape[-1], 3, "output", initializer=_glorot(), activation="tanh")(x)
    return keras.Model(inputs, x, name=name)


def discriminator(
    image_shape: Sizes = (32, 32, 3),
    width: float = 1.0,
    normalizer: Callable[..., Any] | None = None,
    pooling: str = "sum",
    branch: Any = None,
    initializer: Any = None,
    dropout: Sequence[float] = (),
    name: str = "discriminator",
) -> keras.Model:
    """Residual blocks, ReLU, global pooling, one logit.

    Args:
        image_shape, width: as in `generator`.
        normalizer: callable `(layer) -> layer` around all linear layers, such as `kgan.layers.SpectralNormalization`.
        pooling: "sum" (default; spectral normalization, whose logit has no bias) or "mean" (WGAN-GP).
        branch: initializer of the convolutions inside residual branches, default Glorot-uniform times sqrt(2).
        initializer: of all kernels, in place of both defaults, such as "orthogonal".
        dropout: rates behind the second and following blocks, in order ((0.2, 0.5, 0.5) in CT-GAN); default none.

    Returns:
        `keras.Model` from images in [-1, 1] to logits `(batch, 1)`.
    """
    if pooling not in ("sum", "mean"):
        raise ValueError(f'`pooling` must be "sum" or "mean". Received: {pooling!r}.')
    wrap = normalizer or (lambda layer: layer)
    plain, branch = initializer or _glorot(), initializer or branch or _glorot(_BRANCH)
    _, _, table = _table(image_shape)
    x = inputs = keras.Input(tuple(image_shape), name="images")
    for index, (channels, halve) in enumerate(table):
        x = _discriminator_block(x, scaled(channels, width), halve, index == 0, wrap, plain, branch, f"block_{index}")
        if 0 < index <= len(dropout):
            x = blocks.dropout(dropout[index - 1], f"block_{index}_dropout")(x)
    x = layers.ReLU(name="relu")(x)
    x = (
        GlobalSumPooling2D(name="sum")(x)
        if pooling == "sum"
        else layers.GlobalAveragePooling2D(name="mean", data_format="channels_last")(x)
    )
    x = wrap(dense(1, "logit", plain, use_bias=pooling == "mean"))(x)
    return keras.Model(inputs, x, name=name)


def _norm(name: str, epsilon: float) -> keras.layers.Layer:
    return layers.BatchNormalization(momentum=0.9, epsilon=epsilon, name=name)


def _generator_block(x: Tensor, channels: int, name: str, branch: Any, epsilon: float) -> Tensor:
    """BN ReLU up conv BN ReLU conv, beside up and a 1x1 convolution."""
    shortcut = layers.UpSampling2D(2, name=f"{name}_shortcut_up", data_format="channels_last")(x)
    shortcut = conv(channels, 1, f"{name}_shortcut", initializer=_glorot())(shortcut)
    x = layers.ReLU(name=f"{name}_relu_0")(_norm(f"{name}_norm_0", epsilon)(x))
    x = layers.UpSampling2D(2, name=f"{name}_up", data_format="channels_last")(x)
    x = conv(channels, 3, f"{name}_conv_0", initializer=branch)(x)
    x = layers.ReLU(name=f"{name}_relu_1")(_norm(f"{name}_norm_1", epsilon)(x))
    x = conv(channels, 3, f"{name}_conv_1", initializer=branch)(x)
    return layers.Add(name=name)([x, shortcut])


def _discriminator_block(
    x: Tensor,
    channels: int,
    halve: bool,
    first: bool,
    wrap: Callable[[keras.layers.Layer], keras.layers.Layer],
    plain: Any,
    branch: Any,
    name: str,
) -> Tensor:
    """ReLU conv ReLU conv pool, beside 1x1 convolution and pool; the first block sees pixels: no leading ReLU, pool first."""
    shortcut = x
    if first:
        hidden = channels
        shortcut = layers.AveragePooling2D(2, name=f"{name}_shortcut_pool", data_format="channels_last")(shortcut)
        shortcut = wrap(conv(channels, 1, f"{name}_shortcut", initializer=plain))(shortcut)
    else:
        hidden = x.shape[-1]
        if halve or hidden != channels:
            shortcut = wrap(conv(channels, 1, f"{name}_shortcut", initializer=plain))(shortcut)
        if halve:
            shortcut = layers.AveragePooling2D(2, name=f"{name}_shortcut_pool", data_format="channels_last")(shortcut)
        x = layers.ReLU(name=f"{name}_relu_0")(x)
    x = wrap(conv(hidden, 3, f"{name}_conv_0", initializer=branch))(x)
    x = layers.ReLU(name=f"{name}_relu_1")(x)
    x = wrap(conv(channels, 3, f"{name}_conv_1", initializer=branch))(x)
    if halve:
        x = layers.AveragePooling2D(2, name=f"{name}_pool", data_format="channels_last")(x)
    return layers.Add(name=name)([x, shortcut])
