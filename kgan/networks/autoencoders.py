"""Networks that return what they are given: energies by how badly they do it (EBGAN: Zhao et al., ICLR 2017, arXiv 1609.03126)."""

import math
from typing import Any

import keras
from keras import layers

from kgan.layers import LadderModulation, UntiedBias
from kgan.networks import blocks
from kgan.networks.blocks import Nonlinearity, activation, check_image_shape, conv, deconv, dense, image_head
from kgan.types import Sizes, Tensor


def perceptron(
    data_shape: Sizes,
    encoder: Sizes = (256, 32),
    decoder: Sizes = (256,),
    nonlinearity: Nonlinearity = "relu",
    dropout: float = 0.0,
    output_activation: Any = None,
    initializer: Any = "glorot_uniform",
    classes: int | None = None,
    name: str = "discriminator",
) -> keras.Model:
    """An encoder and a decoder of dense layers.

    Args:
        data_shape: shape of one example.
        encoder: units of the encoder's layers, the last of which is the code (layer `code`). decoder: units of the decoder's hidden layers;
            `()` is the paper's decoder of one layer.
        nonlinearity: of all layers but the output; a float: slope of a leaky ReLU.
        dropout: rate behind the encoder's hidden layers, default 0.
        output_activation: Keras activation of the output, default None, linear.
        initializer: of all kernels.
        classes: default None. A number: logits of classes, a dense layer on the code, are returned too.

    Returns:
        `keras.Model` from `(batch, *data_shape)` to the same shape, with `classes` to `[restored, logits (batch, classes)]`.
    """
    x = inputs = keras.Input(data_shape, name="examples")
    x = layers.Flatten(name="flatten", data_format="channels_last")(x)
    for index, units in enumerate(encoder):
        last = index == len(encoder) - 1
        x = dense(units, f"encoder_{index}", initializer)(x)
        x = activation(nonlinearity, "code" if last else f"encoder_activation_{index}")(x)
        if dropout and not last:
            x = blocks.dropout(dropout, f"dropout_{index}")(x)
    code = x
    for index, units in enumerate(decoder):
        x = dense(units, f"decoder_{index}", initializer)(x)
        x = activation(nonlinearity, f"decoder_activation_{index}")(x)
    x = dense(math.prod(data_shape), "output", initializer, activation=output_activation)(x)
    return _with_classes(inputs, image_head(data_shape)(x), code, classes, name)


def _with_classes(inputs: Tensor, restored: Tensor, code: Tensor, classes: int | None, name: str) -> keras.Model:
    """An autoencoder, and beside what it restores the logits of classes, where there are any."""
    return keras.Model(inputs, restored if classes is None else [restored, dense(classes, "logits")(code)], name=name)


def convolutional(
    image_shape: Sizes,
    filters: int = 64,
    levels: int = 3,
    epsilon: float = 1e-3,
    output_activation: Any = None,
    name: str = "discriminator",
) -> keras.Model:
    """Convolutions of 4x4 and stride 2, and transposed ones back: the paper's (64)4c2s-(128)4c2s-(256)4c2s for CelebA and LSUN.

    Batch norm and leaky ReLU 0.2 in the encoder, ReLU in the decoder, none of them at the image's ends, after DCGAN, to which the paper
    points; kernels from N(0, 0.02).

    Args:
        image_shape: `(size, size, channels)`, size a multiple of `2 ** levels`.
        filters: default 64 (the paper's), maps behind the first convolution; doubled at every further one.
        levels: default 3 (the paper's), convolutions.
        epsilon: default 1e-3 (Keras'), of batch norm. output_activation: default None, linear.

    Returns:
        `keras.Model` from images to images of the same shape; the maps of the layer `code` are what the decoder starts from.
    """
    image_shape = check_image_shape(image_shape, 2**levels, 2**levels)
    start = keras.initializers.RandomNormal(0.0, 0.02)

    def norm(name: str) -> keras.layers.Layer:
        return layers.BatchNormalization(momentum=0.9, epsilon=epsilon, name=name)

    x = inputs = keras.Input(image_shape, name="images")
    for level in range(levels):
        x = conv(filters * 2**level, 4, f"down_{level}", 2, start, use_bias=level == 0)(x)
        x = norm(f"down_{level}_norm")(x) if level else x
        x = activation(0.2, "code" if level == levels - 1 else f"down_{level}_leaky")(x)
    for level in reversed(range(levels - 1)):
        x = deconv(filters * 2**level, 4, f"up_{level}", initializer=start, use_bias=False)(x)
        x = activation("relu", f"up_{level}_relu")(norm(f"up_{level}_norm")(x))
    x = deconv(image_shape[-1], 4, "output", initializer=start, activation=output_activation)(x)
    return keras.Model(inputs, x, name=name)


def boundary(
    image_shape: Sizes, code_size: int = 64, filters: int = 128, classes: int | None = None, name: str = "discriminator"
) -> keras.Model:
    """The autoencoder of boundary-equilibrium GANs (Berthelot et al. 2017, 1703.10717): 3x3 convolutions with ELU, no normalization.

    From `filters` maps two convolutions a scale, and one of stride 2 to the next, with `filters` times 1, 2, 3 ... maps, down to 8x8; a
    dense layer to the code and one back; two convolutions of `filters` maps a scale between doublings by nearest neighbors.

    Args:
        image_shape: `(size, size, channels)`, size 8 times a power of two.
        code_size: default 64 (the paper's, of 64 pixels), numbers of the layer `code`, linear.
        filters: default 128 (the paper's n).
        classes: as in `perceptron`.

    Returns:
        `keras.Model` from images to images of the same shape, without bounds, with `classes` to `[restored, logits (batch, classes)]`.
    """
    images = keras.Input(check_boundary_shape(image_shape), name="images")
    code = boundary_encoder(images, filters, code_size)
    return _with_classes(images, boundary_decoder(code, image_shape, filters, "decoder_"), code, classes, name)


def check_boundary_shape(image_shape: Sizes) -> tuple[int, ...]:
    """Refuse images whose size is not 8 times a power of two."""
    image_shape = check_image_shape(image_shape, 8, 8)
    if image_shape[0] & (image_shape[0] - 1):
        raise ValueError(f"The image size must be 8 times a power of two. Received: {image_shape!r}.")
    return image_shape


def boundary_encoder(images: Tensor, filters: int, outputs: int) -> Tensor:
    """From images to the `outputs` numbers of the layer `code`: see `boundary`."""
    scales = (images.shape[1] // 8).bit_length()
    x = conv(filters, 3, "input", activation="elu")(images)
    for scale in range(1, scales + 1):
        for part in (0, 1):
            x = conv(scale * filters, 3, f"down_{scale}_{part}", activation="elu")(x)
        if scale < scales:
            x = conv(scale * filters, 3, f"down_{scale}", 2, activation="elu")(x)
    return dense(outputs, "code")(layers.Flatten(name="flatten", data_format="channels_last")(x))


def boundary_decoder(code: Tensor, image_shape: Sizes, filters: int, prefix: str = "") -> Tensor:
    """From codes to images: see `boundary`. Names of layers begin with `prefix`."""
    x = dense(64 * filters, f"{prefix}project")(code)
    x = layers.Reshape((8, 8, filters), name=f"{prefix}reshape")(x)
    for scale in range((image_shape[0] // 8).bit_length()):
        if scale:
            x = layers.UpSampling2D(2, name=f"{prefix}up_{scale}", data_format="channels_last")(x)
        for part in (0, 1):
            x = conv(filters, 3, f"{prefix}scale_{scale}_{part}", activation="elu")(x)
    return conv(image_shape[-1], 3, f"{prefix}image")(x)


def ladder(
    data_shape: Sizes,
    classes: int,
    hidden: Sizes = (1000, 500, 250, 250, 250),
    noise: float = 0.3,
    epsilon: float = 1e-3,
    name: str = "discriminator",
) -> keras.Model:
    """The ladder network with its cost at the bottom layer: Rasmus et al., NIPS 2015, arXiv 1507.02672.

    Encoder: `z_l = BN(W_l h_{l-1}) + noise`, `h_l = relu(z_l + beta_l)`, at the top a softmax of `gamma (z_L + beta)`. Decoder: from
    above `u_l = BN(V_{l+1} z'_{l+1})` and, across, `z'_l = (z_l - mu(u_l)) v(u_l) + mu(u_l)` with `kgan.layers.LadderModulation`. In
    inference, where the noise is off, the logits are those of the paper's clean encoder.

    Args:
        data_shape: shape of one example. classes: number of logits.
        hidden: units, default (1000, 500, 250, 250, 250) (the paper's).
        noise: standard deviation on the input and behind every batch norm of the encoder, default 0.3 (the paper's).
        epsilon: default 1e-3 (Keras'), of batch norm.

    Returns:
        `keras.Model` from examples `(batch, *data_shape)` to `[restored examples, logits (batch, classes)]`; layer `code` is the last
        hidden layer.

    Departures from the paper: moving averages of batch norm are those of noisy passes; `kgan.layers.estimate_statistics` makes them anew.
    v starts at 1, so that z passes as it is; in the authors' code it starts at 0.
    """

    def norm(name: str) -> keras.layers.Layer:
        return layers.BatchNormalization(momentum=0.9, epsilon=epsilon, center=False, scale=False, name=name)

    inputs = keras.Input(data_shape, name="examples")
    flat = layers.Flatten(name="flatten", data_format="channels_last")(inputs)
    h = blocks.noise(noise, "noise_0")(flat)
    noisy = [h]
    for level, units in enumerate((*hidden, classes), 1):
        z = norm(f"norm_{level}")(dense(units, f"hidden_{level}", "he_normal", use_bias=False)(h))
        noisy.append(blocks.noise(noise, f"noise_{level}")(z))
        if level <= len(hidden):
            h = UntiedBias(name=f"beta_{level}")(noisy[-1])
            h = activation("relu", "code" if level == len(hidden) else f"activation_{level}")(h)
    scaled = layers.EinsumDense("ab,b->ab", (classes,), bias_axes="b", kernel_initializer="ones", name="logits")
    logits = scaled(noisy[-1])
    u: Tensor = layers.Softmax(name="probabilities")(logits)
    widths = (math.prod(data_shape), *hidden, classes)
    for level in reversed(range(len(widths))):
        if level < len(hidden) + 1:
            u = dense(widths[level], f"above_{level}", use_bias=False)(u)
        u = norm(f"above_norm_{level}")(u)
        u = _denoised(noisy[level], u, level)
    return keras.Model(inputs, [image_head(data_shape)(u), logits], name=name)


def _denoised(noisy: Tensor, above: Tensor, level: int) -> Tensor:
    mean = LadderModulation(name=f"mean_{level}")(above)
    share = LadderModulation(1.0, name=f"share_{level}")(above)
    rest = layers.Subtract(name=f"rest_{level}")([noisy, mean])
    return layers.Add(name=f"denoised_{level}")([layers.Multiply(name=f"kept_{level}")([rest, share]), mean])
