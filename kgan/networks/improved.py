"""The networks of improved GAN training: Salimans et al., NIPS 2016, arXiv 1606.03498, section 5 and its authors' code."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from kgan.layers import DropReference, MinibatchDiscrimination, PrependReference, VirtualBatchNormalization, WeightNormalization
from kgan.networks import blocks
from kgan.networks.blocks import Nonlinearity, activation, check_image_shape, conv, deconv, dense, halvings, image_head
from kgan.types import Sizes, Tensor


def _weight_norm(
    layer: keras.layers.Layer, scale: bool = False, init_stdv: float = 1.0, data_init: bool = True
) -> keras.layers.Layer:
    """As in the authors' code: lengths start from data, and are learned where `scale` says so."""
    return WeightNormalization(layer, scale, init_stdv, data_init, name=f"{layer.name}_wn")


def _batch_norm(name: str) -> keras.layers.Layer:
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-6, scale=False, name=name)


def _normal(stddev: float) -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(0.0, stddev)


def _size(data_shape: Sizes) -> int:
    size = 1
    for n in data_shape:
        size *= n
    return size


def perceptron_generator(
    data_shape: Sizes,
    latent_size: int = 100,
    hidden: Sizes = (500, 500),
    output_activation: Nonlinearity | None = "sigmoid",
    name: str = "generator",
) -> keras.Model:
    """The MNIST generator: softplus layers with batch norm (no gamma), a weight-normalized output.

    Args:
        data_shape: shape of one example. latent_size: default 100 (the paper's).
        hidden: units, default (500, 500) (the paper's).
        output_activation: default "sigmoid" for data in [0, 1] (the paper's); "tanh" for images in [-1, 1].

    Returns:
        `keras.Model` from `(batch, latent_size)` to `(batch, *data_shape)`.
    """
    x = inputs = keras.Input((latent_size,), name="latent")
    for index, units in enumerate(hidden):
        x = dense(units, f"hidden_{index}", use_bias=False)(x)
        x = _batch_norm(f"norm_{index}")(x)
        x = activation("softplus", f"activation_{index}")(x)
    # Lengths start near 1 (the authors' code): at the length of the drawn weights.
    start = _normal((hidden or (latent_size,))[-1] ** -0.5)
    x = _weight_norm(dense(_size(data_shape), "output", start, activation=output_activation), True, data_init=False)(x)
    return keras.Model(inputs, image_head(data_shape)(x), name=name)


def perceptron_classifier(
    data_shape: Sizes,
    classes: int,
    hidden: Sizes = (1000, 500, 250, 250, 250),
    noise: Sequence[float] = (0.3, 0.5, 0.5, 0.5, 0.5, 0.5),
    name: str = "discriminator",
) -> keras.Model:
    """The permutation-invariant MNIST discriminator: ReLU layers under weight norm, Gaussian noise before each of them.

    As in the authors' code, lengths start from data (pre-activations of standard deviation 1) and stay there in hidden layers; those of the
    output are learned. A kgan model takes them from the first minibatch it trains on; elsewhere call `kgan.layers.initialize_from_data`.

    Args:
        data_shape: shape of one example. classes: number of logits (1 for an ordinary discriminator).
        hidden: units, default (1000, 500, 250, 250, 250) (the paper's).
        noise: standard deviations before every layer, the output included; default (0.3, 0.5, ...) (the paper's).

    Returns:
        `keras.Model` from `(batch, *data_shape)` to logits `(batch, classes)`.
    """
    if len(noise) != len(hidden) + 1:
        raise ValueError(f"`noise` needs one value per layer, {len(hidden) + 1}. Received: {noise!r}.")
    x = inputs = keras.Input(data_shape, name="examples")
    x = layers.Flatten(name="flatten", data_format="channels_last")(x)
    x = blocks.noise(noise[0], "noise_0")(x)
    for index, units in enumerate(hidden):
        x = _weight_norm(dense(units, f"hidden_{index}", _normal(0.1)))(x)
        x = activation("relu", f"activation_{index}")(x)
        # Feature matching looks before this noise.
        x = blocks.noise(noise[index + 1], f"noise_{index + 1}")(x)
    x = _weight_norm(dense(classes, "logits", _normal(0.1)), True)(x)
    return keras.Model(inputs, x, name=name)


def generator(
    image_shape: Sizes = (32, 32, 3),
    latent_size: int = 100,
    filters: int = 128,
    reference_size: int | None = None,
    name: str = "generator",
) -> keras.Model:
    """The CIFAR-10 and SVHN generator: a dense layer to maps of an eighth, three 5x5 transposed convolutions of stride 2.

    ReLU under batch norm without gamma, or under virtual batch norm; tanh under weight norm at the output, whose lengths are learned;
    kernels from N(0, 0.05). The code starts the output at pre-activations of standard deviation 0.1, gray pictures; here it starts at the
    drawn weights, as a discriminator that starts from data tells gray from pictures before the generator has left it. For theirs call
    `kgan.layers.initialize_from_data(generator, latents)`.

    Args:
        image_shape: `(size, size, channels)`, size a multiple of 4 and at least 8; small sizes have fewer doublings, from maps
            of at least 4 x 4. latent_size: int, default 100 (the paper's).
        filters: int, default 128 (the paper's), maps before the output.
        reference_size: int or None, default None: batch norm. A number: virtual batch norm against so many fixed latents from
            U(0, 1).

    Returns:
        `keras.Model` from `(batch, latent_size)` to images in [-1, 1].
    """
    image_shape = check_image_shape(image_shape, 4, 8)
    ups = halvings(image_shape, 3)
    base, first = image_shape[0] // 2**ups, filters * 2 ** (ups - 1)
    x = inputs = keras.Input((latent_size,), name="latent")
    if reference_size:
        x = PrependReference(reference_size, keras.initializers.RandomUniform(0.0, 1.0), name="reference")(x)

    def norm_relu(x: Tensor, name: str) -> Tensor:
        x = (
            VirtualBatchNormalization(reference_size, name=f"{name}_norm")(x)
            if reference_size
            else _batch_norm(f"{name}_norm")(x)
        )
        return layers.ReLU(name=f"{name}_relu")(x)

    x = norm_relu(dense(base * base * first, "project", _normal(0.05), use_bias=False)(x), "project")
    x = layers.Reshape((base, base, first), name="reshape")(x)
    for level, maps in enumerate(first // 2**n for n in range(1, ups)):
        x = norm_relu(deconv(maps, 5, f"up_{level}", initializer=_normal(0.05), use_bias=False)(x), f"up_{level}")
    x = _weight_norm(deconv(image_shape[-1], 5, "output", initializer=_normal(0.05), activation="tanh"), True, 0.1, False)(x)
    if reference_size:
        x = DropReference(reference_size, name="drop_reference")(x)
    return keras.Model(inputs, x, name=name)


def classifier(
    image_shape: Sizes = (32, 32, 3),
    classes: int = 10,
    filters: int = 96,
    minibatch_kernels: int = 0,
    name: str = "discriminator",
) -> keras.Model:
    """The CIFAR-10 and SVHN discriminator: nine convolutions under weight norm, dropout, global average pooling.

    Leaky ReLU 0.2, kernels from N(0, 0.05). Lengths start from data and are learned at the output alone, as in `perceptron_classifier`.

    Args:
        image_shape: `(size, size, channels)`, size a multiple of 4 and at least 8; below 12 it is halved once, not twice.
        classes: int, number of logits.
        filters: int, default 96 (the paper's), maps of the first three convolutions; twice as many later.
        minibatch_kernels: int, default 0: dropout of 0.2 on the input, for feature matching. A number (100 in the authors' code): Gaussian
            noise of 0.2 on the input and minibatch discrimination before the logits.

    Returns:
        `keras.Model` from images in [-1, 1] to logits `(batch, classes)`.
    """
    image_shape = check_image_shape(image_shape, 4, 8)
    x = inputs = keras.Input(image_shape, name="images")
    x = blocks.noise(0.2, "input_noise")(x) if minibatch_kernels else blocks.dropout(0.2, "input_dropout")(x)
    index = 0

    def convolve(x: Tensor, maps: int, kernel: int, strides: int = 1, **kwargs: Any) -> Tensor:
        nonlocal index
        x = _weight_norm(conv(maps, kernel, f"conv_{index}", strides, initializer=_normal(0.05), **kwargs))(x)
        x = activation(0.2, f"leaky_{index}")(x)
        index += 1
        return x

    for stage, maps in enumerate((filters, 2 * filters)):
        for strides in (1, 1, 2 if stage == 0 or image_shape[0] >= 12 else 1):
            x = convolve(x, maps, 3, strides)
        x = blocks.dropout(0.5, f"dropout_{stage}")(x)
    x = convolve(x, 2 * filters, 3, padding="valid")
    x = convolve(x, 2 * filters, 1)
    x = convolve(x, 2 * filters, 1)
    x = layers.GlobalAveragePooling2D(name="features", data_format="channels_last")(x)
    if minibatch_kernels:
        x = MinibatchDiscrimination(minibatch_kernels, data_init=True, name="minibatch")(x)
    x = _weight_norm(dense(classes, "logits", _normal(0.05)), True, 0.1)(x)
    return keras.Model(inputs, x, name=name)


def encoder(image_shape: Sizes = (32, 32, 3), outputs: int = 200, filters: int = 128, name: str = "encoder") -> keras.Model:
    """The encoder of bad GANs' CIFAR-10 code (1705.09783): three 5x5 convolutions of stride 2, batch norm, a weight-normalized output.

    Args:
        image_shape: `(size, size, channels)`, size a multiple of 4 and at least 8; small sizes are halved less often.
        outputs: default 200 (the paper's), twice the length of a latent.
        filters: default 128 (the paper's), maps of the first convolution, doubled by each further one.

    Returns:
        `keras.Model` from images in [-1, 1] to `(batch, outputs)`.
    """
    image_shape = check_image_shape(image_shape, 4, 8)
    x = inputs = keras.Input(image_shape, name="images")
    for level in range(halvings(image_shape, 3, 2)):
        x = conv(filters * 2**level, 5, f"down_{level}", 2, initializer=_normal(0.05), use_bias=False)(x)
        x = layers.ReLU(name=f"relu_{level}")(_batch_norm(f"norm_{level}")(x))
    x = layers.Flatten(name="flatten", data_format="channels_last")(x)
    return keras.Model(inputs, _weight_norm(dense(outputs, "outputs", _normal(0.05)), True, 0.1)(x), name=name)
