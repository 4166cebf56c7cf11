"""The networks of 3D-GAN: Wu, Zhang, Xue, Freeman, Tenenbaum, NIPS 2016, arXiv 1610.07584, for cubes of any size.

No biases under batch norm, nor where the authors' released weights have none: in the generator's output and in the logit. The paper says
nothing of initial weights; N(0, 0.02) is what its ports use.
"""

from typing import Any

import keras
from keras import layers

from kgan.networks.blocks import Nonlinearity, activation, check_image_shape, conv, dense, fresh
from kgan.types import Sizes, Tensor


def _normal() -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(0.0, 0.02)


def _norm(x: Tensor, nonlinearity: Nonlinearity, name: str, epsilon: float) -> Tensor:
    x = layers.BatchNormalization(momentum=0.9, epsilon=epsilon, name=f"{name}_norm")(x)
    return activation(nonlinearity, f"{name}_activation")(x)


def _levels(voxel_shape: Sizes, base: int) -> int:
    """How often a cube halves down to `base`; refuses what is no cube, or does not."""
    shape = tuple(voxel_shape)
    good = len(shape) == 4 and all(isinstance(n, int) and n > 0 for n in shape) and len(set(shape[:3])) == 1
    levels = (shape[0] // base).bit_length() - 1 if good else 0
    if levels < 1 or shape[0] != base * 2**levels:
        raise ValueError(
            f"`voxel_shape` must be a cube (size, size, size, channels), size = {base} times a power of two: {2 * base}, {4 * base}, "
            f"{8 * base} ... Received: {voxel_shape!r}."
        )
    return levels


def generator(
    voxel_shape: Sizes = (64, 64, 64, 1),
    latent_size: int = 200,
    filters: int = 64,
    base: int = 4,
    epsilon: float = 1e-5,
    initializer: Any = None,
    name: str = "generator",
) -> keras.Model:
    """Transposed convolutions of kernel 4 from a latent as a 1^3 map to `base`^3, then to twice the size each; batch norm, ReLU, sigmoid.

    64^3 is the published network, 512, 256, 128, 64 maps and one of occupancies. Smaller cubes keep the 4^3 start and leave out layers at
    the wide end: 256, 128, 64 for 32^3, 128, 64 for 16^3.

    Args:
        voxel_shape: `(size, size, size, channels)`, size = base times a power of two; default the paper's.
        latent_size: default 200 (the paper's).
        filters: default 64 (the paper's), maps before the output; doubled at every smaller size.
        base: default 4 (the paper's), size of the first maps.
        epsilon: default 1e-5 (the authors' framework), of batch norm; narrow networks want 1e-3.
        initializer: of all kernels, default N(0, 0.02).

    Returns:
        `keras.Model` from `(batch, latent_size)` to occupancies `(batch, *voxel_shape)` in [0, 1]. The first layer, which sees one cell,
        is a dense one of the same weights.
    """
    levels, initializer = _levels(voxel_shape, base), initializer or _normal()
    width = filters * 2 ** (levels - 1)
    x = inputs = keras.Input((latent_size,), name="latent")
    x = dense(base**3 * width, "project", initializer, use_bias=False)(x)
    x = layers.Reshape((base, base, base, width), name="reshape")(x)
    x = _norm(x, "relu", "project", epsilon)
    for level in range(1, levels):
        x = _norm(_double(x, width // 2**level, f"up_{level}", initializer), "relu", f"up_{level}", epsilon)
    x = _double(x, voxel_shape[-1], "output", initializer)
    return keras.Model(inputs, layers.Activation("sigmoid", name="occupancy")(x), name=name)


def discriminator(
    voxel_shape: Sizes = (64, 64, 64, 1),
    filters: int = 64,
    base: int = 4,
    epsilon: float = 1e-5,
    slope: float = 0.2,
    initializer: Any = None,
    name: str = "discriminator",
) -> keras.Model:
    """Convolutions of kernel 4 and stride 2 down to `base`^3, batch norm (in the first too), leaky ReLU, one logit over what is left.

    Args:
        voxel_shape, base, epsilon, initializer: as in `generator`.
        filters: default 64 (the paper's), maps of the first convolution; doubled at every smaller size.
        slope: default 0.2 (the paper's), of the leaky ReLU.

    Returns:
        `keras.Model` from occupancies to logits `(batch, 1)`; the paper's network ends in their sigmoid. It must see real and generated
        shapes in separate batches. What comes out of its k-th convolution is the layer `down_<k>_activation`, k from 0.
    """
    levels, initializer = _levels(voxel_shape, base), initializer or _normal()
    x = inputs = keras.Input(tuple(voxel_shape), name="voxels")
    for level in range(levels):
        kernel = fresh(initializer)
        name_ = f"down_{level}"
        x = layers.Conv3D(
            filters * 2**level, 4, 2, "same", use_bias=False, kernel_initializer=kernel, name=name_, data_format="channels_last"
        )(x)
        x = _norm(x, slope, name_, epsilon)
    x = dense(1, "logit", initializer, use_bias=False)(layers.Flatten(name="flatten", data_format="channels_last")(x))
    return keras.Model(inputs, x, name=name)


def image_encoder(
    image_shape: Sizes = (256, 256, 3),
    latent_size: int = 200,
    filters: int = 64,
    kernels: Sizes = (11, 5, 5, 5),
    strides: Sizes = (4, 2, 2, 2),
    epsilon: float = 1e-5,
    initializer: Any = None,
    name: str = "encoder",
) -> keras.Model:
    """Convolutions with batch norm and ReLU, then one over all that is left, to the mean and log variance of a latent (3D-VAE-GAN).

    Args:
        image_shape: `(size, size, channels)`; size a multiple of the product of the strides. Default the paper's; smaller pictures leave
            fewer cells to the last layer.
        latent_size: default 200 (the paper's).
        filters: default 64 (the paper's), maps of the first convolution; doubled in each that follows.
        kernels, strides: one for each convolution; default the paper's.
        epsilon, initializer: as in `generator`.

    Returns:
        `keras.Model` from pictures to `(batch, 2 * latent_size)`: means, then log variances.
    """
    if not kernels or len(kernels) != len(strides):
        raise ValueError(f"`kernels` and `strides` need one number for each convolution. Received: {kernels!r} and {strides!r}.")
    shrink = 1
    for stride in strides:
        shrink *= stride
    image_shape, initializer = check_image_shape(image_shape, shrink, shrink), initializer or _normal()
    x = inputs = keras.Input(image_shape, name="views")
    for level, (kernel, stride) in enumerate(zip(kernels, strides, strict=True)):
        x = conv(filters * 2**level, kernel, f"down_{level}", stride, initializer, use_bias=False)(x)
        x = _norm(x, "relu", f"down_{level}", epsilon)
    x = dense(2 * latent_size, "mean_and_log_variance", initializer)(
        layers.Flatten(name="flatten", data_format="channels_last")(x)
    )
    return keras.Model(inputs, x, name=name)


def _double(x: Tensor, filters: int, name: str, initializer: Any) -> Tensor:
    # For a kernel of 4 and a stride of 2, "same" is the padding of 1 on every side that the paper's framework was given.
    kernel = fresh(initializer)
    return layers.Conv3DTranspose(
        filters, 4, 2, "same", use_bias=False, kernel_initializer=kernel, name=name, data_format="channels_last"
    )(x)
