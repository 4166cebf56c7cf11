"""The convolutional networks of unrolled GANs: Metz et al. 2017, 1611.02163, and of the stacked digits that papers compare on."""

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from kgan.networks.blocks import activation, check_image_shape, conv, deconv, dense
from kgan.types import Sizes, Tensor


def _sizes(image_shape: Sizes) -> list[int]:
    """Sizes from the image down to at most 4, each half of the one before, rounded up."""
    sizes = [check_image_shape(image_shape, 1, 5)[0]]
    while sizes[-1] > 4:
        sizes.append(-(-sizes[-1] // 2))
    return sizes


def generator(image_shape: Sizes, latent_size: int = 256, filters: int = 64, name: str = "generator") -> keras.Model:
    """Dense layer to the smallest maps, 3x3 transposed convolutions of stride 2, a 3x3 convolution.

    Batch norm and ReLU everywhere but at the output, which is tanh.

    Args:
        image_shape: `(size, size, channels)`, size > 4; odd sizes are cropped from twice the smaller one.
        latent_size: default 256 (the paper's).
        filters: default 64: maps before the last convolution, doubled at every smaller size. 64 at 32x32 is the CIFAR-10 network
            (512, 256, 128, 64), 8 at 28x28x3 that of stacked digits (64, 32, 16, 8).

    Returns:
        `keras.Model` from `(batch, latent_size)` to images in [-1, 1].
    """
    *sizes, base = _sizes(image_shape)
    width = filters * 2 ** len(sizes)

    def norm_relu(x: Tensor, name: str) -> Tensor:
        return layers.ReLU(name=f"{name}_relu")(layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x))

    x = inputs = keras.Input((latent_size,), name="latent")
    x = norm_relu(dense(base * base * width, "project", use_bias=False)(x), "project")
    x = layers.Reshape((base, base, width), name="reshape")(x)
    for level, size in enumerate(reversed(sizes), start=1):
        x = deconv(width // 2**level, 3, f"up_{level}", use_bias=False)(x)
        if x.shape[1] > size:
            x = layers.Cropping2D(((0, 1), (0, 1)), name=f"up_{level}_crop", data_format="channels_last")(x)
        x = norm_relu(x, f"up_{level}")
    return keras.Model(inputs, conv(image_shape[-1], 3, "output", activation="tanh")(x), name=name)


def discriminator(
    image_shape: Sizes,
    filters: int = 64,
    name: str = "discriminator",
    *,
    normalizer: Callable[[keras.layers.Layer], Any] | None = None,
    batch_norm: bool = True,
) -> keras.Model:
    """3x3 convolutions of stride 2 down to at most 4x4, each with batch norm and leaky ReLU 0.3; one logit.

    Args:
        image_shape: as in `generator`.
        filters: default 64 (the CIFAR-10 network): maps after the first convolution, doubled at every smaller size. The stacked
            digits' discriminators are 2 ("1/4") and 4 ("1/2").
        normalizer: callable `(layer) -> layer` around every linear layer, in place of batch norm; default None.
        batch_norm: default True (the paper's). Without it convolutions have biases: for critics that are asked for gradients by example.

    Returns:
        `keras.Model` from images in [-1, 1] to logits `(batch, 1)`.
    """
    batch_norm, wrap = batch_norm and normalizer is None, normalizer or (lambda layer: layer)
    x = inputs = keras.Input(tuple(image_shape), name="images")
    for level in range(len(_sizes(image_shape)) - 1):
        x = wrap(conv(filters * 2**level, 3, f"down_{level}", 2, use_bias=not batch_norm))(x)
        if batch_norm:
            x = layers.BatchNormalization(momentum=0.9, name=f"down_{level}_norm")(x)
        x = activation(0.3, f"down_{level}_leaky")(x)
    x = layers.Flatten(name="flatten", data_format="channels_last")(x)
    return keras.Model(inputs, wrap(dense(1, "logit"))(x), name=name)
