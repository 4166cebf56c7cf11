"""The networks of Triple-GAN and structured GAN (1703.02291, 1711.00889) and of their codes: the class enters every layer.

Generators take `[latents, labels]`, discriminators `[examples, labels]`, labels integers `(batch,)`.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from kgan.layers import JoinLabels, WeightNormalization
from kgan.networks import blocks, mlp
from kgan.networks.blocks import Nonlinearity, activation, check_image_shape, conv, deconv, dense, halvings, image_head
from kgan.types import Sizes, Tensor


def _normal(stddev: float = 0.05) -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(0.0, stddev)


def _weight_norm(layer: keras.layers.Layer, scale: bool = True) -> keras.layers.Layer:
    return WeightNormalization(layer, scale, name=f"{layer.name}_wn")


def _batch_norm(name: str) -> keras.layers.Layer:
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-4, name=name)  # Lasagne's


def _padding(image_shape: Sizes) -> str:
    """Of the last 3x3 convolutions: none, as in the codes, where the maps are as large as theirs."""
    return "valid" if image_shape[0] >= 32 else "same"


def _labels() -> Tensor:
    return keras.Input((), dtype="int32", name="labels")


def perceptron_generator(
    data_shape: Sizes,
    latent_size: int,
    classes: int,
    hidden: Sizes = (500, 500),
    output_activation: Nonlinearity | None = "sigmoid",
    name: str = "generator",
) -> keras.Model:
    """The MNIST generator: softplus layers followed by batch norm (in the code, under it), a weight-normalized output.

    Args:
        data_shape: shape of one example. latent_size: length of a latent. classes: their number.
        hidden: units, default (500, 500) (the authors').
        output_activation: default "sigmoid" for data in [0, 1] (the authors'); "tanh" for images in [-1, 1].

    Returns:
        `keras.Model` from `[latents, labels]` to `(batch, *data_shape)`.
    """
    latent, labels = keras.Input((latent_size,), name="latent"), _labels()
    x = latent
    for index, units in enumerate(hidden):
        x = JoinLabels(classes, name=f"labels_{index}")([x, labels])
        x = dense(units, f"hidden_{index}", activation="softplus")(x)
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-6, name=f"norm_{index}")(x)
    x = JoinLabels(classes, name="labels_output")([x, labels])
    x = _weight_norm(dense(math.prod(data_shape), "output", activation=output_activation))(x)
    return keras.Model([latent, labels], image_head(data_shape)(x), name=name)


def perceptron_discriminator(
    data_shape: Sizes,
    classes: int,
    hidden: Sizes = (1000, 500, 250, 250, 250),
    noise: Sequence[float] = (0.3, 0.5, 0.5, 0.5, 0.5, 0.5),
    nonlinearity: Nonlinearity = "relu",
    name: str = "discriminator",
) -> keras.Model:
    """The MNIST discriminator: layers under weight norm, Gaussian noise before each of them.

    Lengths are learned, from those of the drawn weights on; in the code they stay at 1.

    Args:
        data_shape: shape of one example. classes: their number.
        hidden: units, default (1000, 500, 250, 250, 250) (the authors').
        noise: standard deviations before every layer, the output included; default (0.3, 0.5, ...) (the authors').
        nonlinearity: default "relu" (the authors').

    Returns:
        `keras.Model` from `[examples, labels]` to logits `(batch, 1)`.
    """
    if len(noise) != len(hidden) + 1:
        raise ValueError(f"`noise` needs one value per layer, {len(hidden) + 1}. Received: {noise!r}.")
    examples, labels = keras.Input(data_shape, name="examples"), _labels()
    x = layers.Flatten(name="flatten", data_format="channels_last")(examples)
    for index, units in enumerate(hidden):
        x = blocks.noise(noise[index], f"noise_{index}")(x)
        x = JoinLabels(classes, name=f"labels_{index}")([x, labels])
        x = activation(nonlinearity, f"activation_{index}")(_weight_norm(dense(units, f"hidden_{index}", _normal()))(x))
    x = blocks.noise(noise[-1], "noise_logit")(x)
    x = _weight_norm(dense(1, "logit", _normal()))(JoinLabels(classes, name="labels_logit")([x, labels]))
    return keras.Model([examples, labels], x, name=name)


def generator(
    image_shape: Sizes = (32, 32, 3), latent_size: int = 100, classes: int = 10, filters: int = 128, name: str = "generator"
) -> keras.Model:
    """The SVHN and CIFAR-10 generator: a dense layer to maps of an eighth, three 5x5 transposed convolutions of stride 2.

    ReLU under batch norm without gamma, tanh under weight norm at the output, whose lengths start at 1; other kernels from N(0, 0.05).

    Args:
        image_shape: `(size, size, channels)`, size a multiple of 4 and at least 8; small sizes have fewer doublings.
        latent_size: default 100 (the authors'). classes: their number.
        filters: default 128 (the authors'), maps before the output.

    Returns:
        `keras.Model` from `[latents, labels]` to images in [-1, 1].
    """
    image_shape = check_image_shape(image_shape, 4, 8)
    ups = halvings(image_shape, 3)
    base, first = image_shape[0] // 2**ups, filters * 2 ** (ups - 1)
    latent, labels = keras.Input((latent_size,), name="latent"), _labels()
    x = JoinLabels(classes, name="labels_project")([latent, labels])

    def norm_relu(x: Tensor, name: str) -> Tensor:
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-6, scale=False, name=f"{name}_norm")(x)
        return layers.ReLU(name=f"{name}_relu")(x)

    x = norm_relu(dense(base * base * first, "project", _normal(), use_bias=False)(x), "project")
    x = layers.Reshape((base, base, first), name="reshape")(x)
    for level, maps in enumerate(first // 2**n for n in range(1, ups)):
        x = JoinLabels(classes, name=f"labels_{level}")([x, labels])
        x = norm_relu(deconv(maps, 5, f"up_{level}", initializer=_normal(), use_bias=False)(x), f"up_{level}")
    x = JoinLabels(classes, name="labels_output")([x, labels])
    start = _normal((25 * x.shape[-1]) ** -0.5)  # of length 1, as in the code
    x = _weight_norm(deconv(image_shape[-1], 5, "output", initializer=start, activation="tanh"))(x)
    return keras.Model([latent, labels], x, name=name)


def discriminator(
    image_shape: Sizes = (32, 32, 3), classes: int = 10, filters: int = 32, name: str = "discriminator"
) -> keras.Model:
    """The SVHN and CIFAR-10 discriminator: six 3x3 convolutions under weight norm, dropout, global average pooling; leaky ReLU 0.2.

    Lengths are fixed to 1 on convolutions and learned on the output. The last two convolutions have no padding from 32 pixels on.

    Args:
        image_shape: `(size, size, channels)`, size a multiple of 4 and at least 8. classes: their number.
        filters: default 32 (the authors'), maps of the first two convolutions; two and four times as many later.

    Returns:
        `keras.Model` from `[images in [-1, 1], labels]` to logits `(batch, 1)`.
    """
    image_shape = check_image_shape(image_shape, 4, 8)
    images, labels = keras.Input(image_shape, name="images"), _labels()
    x = blocks.dropout(0.2, "dropout_0")(images)
    for index, (maps, strides) in enumerate(((1, 1), (1, 2), (2, 1), (2, 2), (4, 1), (4, 1))):
        x = JoinLabels(classes, name=f"labels_{index}")([x, labels])
        padding = _padding(image_shape) if index >= 4 else "same"
        x = _weight_norm(conv(maps * filters, 3, f"conv_{index}", strides, _normal(), padding), scale=False)(x)
        x = activation(0.2, f"leaky_{index}")(x)
        if strides == 2:
            x = blocks.dropout(0.2, f"dropout_{index}")(x)
    x = layers.GlobalAveragePooling2D(name="features", data_format="channels_last")(x)
    x = JoinLabels(classes, name="labels_logit")([x, labels])
    x = _weight_norm(dense(1, "logit", _normal(x.shape[-1] ** -0.5)))(x)  # of length 1, as in the code
    return keras.Model([images, labels], x, name=name)


def classifier(image_shape: Sizes = (32, 32, 3), classes: int = 10, filters: int = 128, name: str = "classifier") -> keras.Model:
    """The SVHN classifier: nine convolutions under batch norm, pooling and dropout, global average pooling, logits under batch norm.

    The seventh convolution has no padding from 32 pixels on. CIFAR-10's, with Gaussian noise on whitened pixels and mean-only batch norm,
    is not here.

    Args:
        image_shape: `(size, size, channels)`, size a multiple of 4 and at least 8. classes: their number.
        filters: default 128 (the authors'), maps of the first three convolutions, doubled and quadrupled later.

    Returns:
        `keras.Model` from images in [-1, 1] to logits `(batch, classes)`.
    """
    image_shape = check_image_shape(image_shape, 4, 8)
    x = images = keras.Input(image_shape, name="images")
    x = blocks.dropout(0.2, "input_dropout")(x)

    def convolve(x: Tensor, maps: int, kernel: int, name: str, padding: str = "same") -> Tensor:
        x = conv(maps, kernel, name, initializer=_normal(), padding=padding, use_bias=False)(x)
        return activation(0.2, f"{name}_leaky")(_batch_norm(f"{name}_norm")(x))

    for stage in range(2):
        for index in range(3):
            x = convolve(x, filters * 2**stage, 3, f"conv_{stage}_{index}")
        x = layers.MaxPooling2D(2, name=f"pool_{stage}", data_format="channels_last")(x)
        x = blocks.dropout(0.5, f"dropout_{stage}")(x)
    for index, (maps, kernel) in enumerate(((4, 3), (2, 1), (1, 1))):
        x = convolve(x, filters * maps, kernel, f"conv_2_{index}", _padding(image_shape))
    x = layers.GlobalAveragePooling2D(name="features", data_format="channels_last")(x)
    x = _batch_norm("logits_norm")(dense(classes, "logits", _normal(), use_bias=False)(x))
    return keras.Model(images, x, name=name)


def encoder(data_shape: Sizes, latent_size: int, filters: int = 64, name: str = "encoder") -> keras.Model:
    """Structured GAN's inference network: 4x4 convolutions of stride 2 under batch norm, leaky ReLU 0.2; of vectors, two layers of 256.

    Args:
        data_shape: shape of one example. latent_size: numbers that are inferred.
        filters: default 64 (the authors'), maps of the first convolution, doubled by each further one, four of them or as many as fit.

    Returns:
        `keras.Model` from examples to `(batch, latent_size)`.
    """
    if len(data_shape) != 3:
        return mlp.discriminator(data_shape, (256, 256), 0.2, outputs=latent_size, name=name)
    x = images = keras.Input(check_image_shape(data_shape, 4, 8), name="examples")
    for level in range(halvings(data_shape, 4, 2)):
        x = conv(filters * 2**level, 4, f"down_{level}", 2, initializer=_normal(), use_bias=False)(x)
        x = _batch_norm(f"down_{level}_norm")(x)
        x = activation(0.2, f"down_{level}_leaky")(x)
    x = layers.Flatten(name="flatten", data_format="channels_last")(x)
    return keras.Model(images, dense(latent_size, "latent", _normal())(x), name=name)


def latent_discriminator(
    data_shape: Sizes, latent_size: int, filters: int = 128, units: int = 512, name: str = "latent_discriminator"
) -> keras.Model:
    """Structured GAN's discriminator of examples and latents: 5x5 convolutions of stride 2, beside two layers on the latents.

    Args:
        data_shape: shape of one example. latent_size: of a latent.
        filters: default 128 (the authors'), maps of the first convolution, doubled by each further one, three of them or as many as fit;
            of vectors, two layers of 256 see both.
        units: default 512 (the authors'), of the layers on latents; twice as many on both.

    Returns:
        `keras.Model` from `[examples, latents]` to logits `(batch, 1)`.
    """
    examples, latent = keras.Input(data_shape, name="examples"), keras.Input((latent_size,), name="latent")
    x, z = layers.Flatten(name="flatten_examples", data_format="channels_last")(examples), latent
    hidden: Sizes = (256, 256)
    start: Any = "glorot_uniform"
    if len(data_shape) == 3:
        check_image_shape(data_shape, 4, 8)
        x, hidden, start = examples, (2 * units,), _normal()
        for level in range(halvings(data_shape, 3, 2)):
            x = conv(filters * 2**level, 5, f"down_{level}", 2, initializer=_normal(), use_bias=not level)(x)
            x = _batch_norm(f"down_{level}_norm")(x) if level else x
            x = activation(0.2, f"down_{level}_leaky")(x)
        x = layers.Flatten(name="flatten", data_format="channels_last")(x)
        for index in range(2):
            z = activation(0.2, f"latent_{index}_leaky")(dense(units, f"latent_{index}", _normal())(z))
    x = layers.Concatenate(name="pairs")([x, z])
    for index, width in enumerate(hidden):
        x = activation(0.2, f"joint_{index}_leaky")(dense(width, f"joint_{index}", start)(x))
    return keras.Model([examples, latent], dense(1, "logit", start)(x), name=name)
