"""The convolutional networks of ALI: Dumoulin et al., ICLR 2017, arXiv 1606.00704, appendix A.

Unpadded convolutions down to a single position, and transposed ones back; no biases but in the last layer of encoder and decoder.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers

from kgan.layers import Maxout, UntiedBias
from kgan.networks import blocks
from kgan.networks.bidirectional import bound
from kgan.networks.blocks import activation, conv, deconv, dense, scaled
from kgan.types import Array, Sizes, Tensor


class Table(NamedTuple):
    """One table of the appendix; convolutions are `(kernel, stride, maps)`."""

    size: int
    latent_size: int
    encoder: tuple[tuple[int, int, int], ...]
    decoder: tuple[tuple[int, int, int], ...]
    image: tuple[tuple[int, int, int], ...]  # the discriminator on examples
    code_units: int  # twice, on codes
    joint_units: int  # twice, on both
    slope: float  # of leaky ReLU
    pieces: int  # of maxout in the discriminator; 1 for leaky ReLU
    dropout: tuple[float, float]  # in the discriminator: before its first layers, on examples and on codes, and before all others
    image_norm: str | None  # batch norm on the discriminator's convolutions: None, "all", or "after first"


_CIFAR = ((5, 1, 32), (4, 2, 64), (4, 1, 128), (4, 2, 256), (4, 1, 512))
_CIFAR_DECODER = ((4, 1, 256), (4, 2, 128), (4, 1, 64), (4, 2, 32), (5, 1, 32), (1, 1, 32))
_CELEBA = ((2, 1, 64), (7, 2, 128), (5, 2, 256), (7, 2, 256), (4, 1, 512))
_CELEBA_DECODER = ((4, 1, 512), (7, 2, 256), (5, 2, 256), (7, 2, 128), (2, 1, 64))
_DIGITS = ((3, 1, 32), (4, 2, 64), (2, 1, 128))

TABLES = {
    "cifar10": Table(32, 64, (*_CIFAR, (1, 1, 512)), _CIFAR_DECODER, _CIFAR, 512, 1024, 0.1, 2, (0.2, 0.5), None),
    "svhn": Table(32, 256, (*_CIFAR, (1, 1, 512)), _CIFAR_DECODER, _CIFAR, 512, 1024, 0.01, 1, (0.2, 0.2), "after first"),
    "celeba": Table(64, 256, _CELEBA, _CELEBA_DECODER, _CELEBA, 1024, 2048, 0.02, 1, (0.0, 0.2), "all"),
    # Ours, after the others: for scikit-learn's 8x8 digits.
    "digits": Table(8, 32, _DIGITS, ((2, 1, 128), (4, 2, 64), (3, 1, 32)), _DIGITS, 128, 256, 0.1, 1, (0.2, 0.2), "after first"),
}  # fmt: skip


def table_for(image_shape: Sizes) -> str:
    """The name of the published table for a shape of images; SVHN has CIFAR-10's shape and must be asked for."""
    names = {TABLES[name].size: name for name in ("cifar10", "celeba", "digits")}
    if len(image_shape) != 3 or image_shape[0] != image_shape[1] or image_shape[0] not in names:
        raise ValueError(
            f"There are tables for square images of {sorted(names)} pixels. Received: {image_shape!r}. Pass networks."
        )
    return names[image_shape[0]]


def convolutional(
    image_shape: Sizes = (32, 32, 3),
    table: Any = None,
    latent_size: int | None = None,
    width: float = 1.0,
    outputs: int = 1,
    epsilon: float = 1e-4,
) -> tuple[keras.Model, keras.Model, keras.Model]:
    """The networks of one table.

    Kernels from N(0, 0.01). The encoder returns mean and log standard deviation of the code, side by side.

    Args:
        image_shape: `(size, size, channels)` of the table.
        table: "cifar10", "svhn" or "celeba" (the paper's), "digits" (ours, 8x8); default: by size.
        latent_size: int, default the table's.
        width: float, default 1.0 (the paper's), factor of all maps and units.
        outputs: int, logits of the discriminator.
        epsilon: default 1e-4 (the authors' Blocks), under the root of batch norm.

    Returns:
        `(encoder, generator, discriminator)`, images in [-1, 1]: the paper's sigmoid for [0, 1], stretched.

    Under "k maps, 2 pieces" the authors' code keeps k / 2 maps after maxout, which is done here; the paper's table reads as if k remained.
    Tiny ImageNet's table is not here.
    """
    plan = TABLES[table or table_for(image_shape)]
    if tuple(image_shape[:2]) != (plan.size, plan.size):
        raise ValueError(f"This table is for {plan.size}x{plan.size} images. Received: {image_shape!r}.")
    latent_size = latent_size or plan.latent_size

    def normal() -> keras.initializers.Initializer:
        return keras.initializers.RandomNormal(0.0, 0.01)

    def norm(name: str) -> keras.layers.Layer:
        return layers.BatchNormalization(momentum=0.95, epsilon=epsilon, name=name)

    def stack(x: Tensor, convolutions: Sequence[Sizes], make: Callable[..., Any], name: str) -> Tensor:
        for index, (kernel, strides, maps) in enumerate(convolutions):
            layer = f"{name}_{index}"
            x = make(scaled(maps, width), kernel, layer, strides, initializer=normal(), padding="valid", use_bias=False)(x)
            x = activation(plan.slope, f"{layer}_leaky")(norm(f"{layer}_norm")(x))
        return x

    examples = keras.Input(image_shape, name="examples")
    x = layers.Flatten(name="flatten", data_format="channels_last")(stack(examples, plan.encoder, conv, "conv"))
    encoder = keras.Model(examples, dense(2 * latent_size, "output", normal())(x), name="encoder")

    latent = keras.Input((latent_size,), name="latent")
    x = stack(layers.Reshape((1, 1, latent_size), name="reshape")(latent), plan.decoder, deconv, "deconv")
    x = conv(image_shape[-1], 1, "output", initializer=normal(), use_bias=False)(x)
    generator = keras.Model(latent, bound(UntiedBias(name="output_bias")(x), (-1.0, 1.0), "image"), name="generator")

    def judge(
        x: Tensor, maps: float, name: str, rate: float, kernel: int | None = None, strides: int = 1, normalize: bool = False
    ) -> Tensor:
        if rate:
            x = blocks.dropout(rate, f"{name}_dropout")(x)
        maps = scaled(maps / plan.pieces, width)
        if plan.pieces > 1:
            return Maxout(maps, plan.pieces, kernel, strides, use_bias=False, kernel_initializer=normal(), name=name)(x)
        if kernel is None:
            x = dense(maps, name, normal(), use_bias=False)(x)
        else:
            x = conv(maps, kernel, name, strides, initializer=normal(), padding="valid", use_bias=False)(x)
        return activation(plan.slope, f"{name}_leaky")(norm(f"{name}_norm")(x) if normalize else x)

    first, later = plan.dropout
    x = examples = keras.Input(image_shape, name="examples")
    for index, (kernel, strides, maps) in enumerate(plan.image):
        normalize = plan.image_norm == "all" or (plan.image_norm == "after first" and index > 0)
        rate = first if index == 0 or plan.image_norm == "all" else later
        x = judge(x, maps, f"image_{index}", rate, kernel, strides, normalize)
    z = latent = keras.Input((latent_size,), name="latent")
    for index in range(2):
        z = judge(z, plan.code_units, f"code_{index}", later if index else first or later)
    x = layers.Concatenate(name="pairs")([layers.Flatten(name="flatten", data_format="channels_last")(x), z])
    for index in range(2):
        x = judge(x, plan.joint_units, f"joint_{index}", later)
    x = blocks.dropout(later, "logits_dropout")(x)
    logits = dense(outputs, "logits", normal(), use_bias=False)(x)
    return encoder, generator, keras.Model([examples, latent], logits, name="discriminator")


def start_at_mean(generator: keras.Model, examples: Array) -> None:
    """Set the output bias of a decoder to the log-odds of the mean of every pixel, as the authors do.

    Args:
        generator: a decoder of `convolutional`. examples: array of images in [-1, 1].
    """
    share = np.clip((np.mean(examples, axis=0, dtype="float64") + 1.0) / 2.0, 1e-3, 1.0 - 1e-3)
    generator.get_layer("output_bias").bias.assign(np.log(share / (1.0 - share)).astype("float32"))
