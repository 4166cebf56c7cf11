"""Networks of games on pairs of an example and its code: BiGAN (1605.09782), VEEGAN (1705.07761), and the points of ALI (1606.00704).

Every function returns three networks with stable layer names: an encoder from examples to codes, a generator from codes to examples,
and a discriminator from `[examples, codes]` to logits. Those of ALI's images are in `kgan.networks.ali`.
"""

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from kgan.layers import Maxout
from kgan.networks import blocks, dcgan
from kgan.networks.blocks import Nonlinearity, activation, check_image_shape, conv, deconv, dense, image_head
from kgan.types import Sizes, Tensor


def _normal(stddev: float = 0.02) -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(0.0, stddev)


def _pure_norm(epsilon: float) -> Callable[[str], keras.layers.Layer]:
    """Batch norm as a normalization alone, without gain and offset (BiGAN's code)."""
    return lambda name: layers.BatchNormalization(momentum=0.95, epsilon=epsilon, center=False, scale=False, name=name)


def _norm(epsilon: float) -> Callable[[str], keras.layers.Layer]:
    return lambda name: layers.BatchNormalization(momentum=0.95, epsilon=epsilon, name=name)


def bound(x: Tensor, interval: tuple[float, float] | None, name: str = "bound") -> Tensor:
    """A sigmoid stretched over an interval `(low, high)`; None leaves x as it is."""
    if interval is None:
        return x
    low, high = interval
    x = layers.Activation("sigmoid", name=f"{name}_sigmoid")(x)
    return x if interval == (0.0, 1.0) else layers.Rescaling(high - low, low, name=f"{name}_scale")(x)


def _default_interval(data_shape: Sizes, interval: tuple[float, float] | str | None) -> Any:
    return (-1.0, 1.0) if interval == "default" and len(data_shape) == 3 else None if interval == "default" else interval


def _perceptron(
    x: Tensor,
    hidden: Sizes,
    nonlinearity: Nonlinearity,
    norm: Callable[..., Any] | None = None,
    first_norm: bool = True,
    code: Tensor | None = None,
    initializer: Any = "glorot_uniform",
    use_bias: bool = False,
    dropout: float = 0.0,
) -> Tensor:
    """Dense layers; with `code`, every one after the first adds a linear map of the code to its pre-activation."""
    for index, units in enumerate(hidden):
        x = dense(units, f"hidden_{index}", initializer, use_bias=use_bias)(x)
        if code is not None and index:
            offset = dense(units, f"code_{index}", initializer, use_bias=False)(code)
            x = layers.Add(name=f"with_code_{index}")([x, offset])
        if norm is not None and (index or first_norm):
            x = norm(f"norm_{index}")(x)
        x = activation(nonlinearity, f"activation_{index}")(x)
        if dropout:
            x = blocks.dropout(dropout, f"dropout_{index}")(x)
    return x


def _inputs(data_shape: Sizes, latent_size: int) -> tuple[Tensor, Tensor, Tensor]:
    examples = keras.Input(data_shape, name="examples")
    return (
        examples,
        layers.Flatten(name="flatten", data_format="channels_last")(examples),
        keras.Input((latent_size,), name="latent"),
    )


def perceptrons(
    data_shape: Sizes,
    latent_size: int = 50,
    units: int = 1024,
    code_interval: Any = (-1.0, 1.0),
    data_interval: Any = "default",
    epsilon: float = 1e-8,
) -> tuple[keras.Model, keras.Model, keras.Model]:
    """The permutation-invariant MNIST networks of BiGAN's code: two hidden layers each, no biases, kernels from N(0, 0.02).

    Batch norm without gain and offset: in the generator on both layers, elsewhere on the second. Leaky ReLU 0.2 in the encoder and the
    discriminator, ReLU in the generator. The code enters discriminator and generator at their second layer, as an offset before batch
    norm: the only way in for the discriminator, a second one for the generator.

    Args:
        data_shape: shape of one example.
        latent_size: default 50 (the authors'). units: default 1024 (the authors').
        code_interval: where codes lie, default (-1, 1), the support of the authors' prior: the encoder ends in a sigmoid stretched over it.
            A linear encoder would let the discriminator tell the pairs apart by the range of the code. None: linear, for a normal prior.
        data_interval: likewise for the generator; default (-1, 1) for images, None (linear) for other data.
        epsilon: default 1e-8 (the authors'), under the root of batch norm.

    Returns:
        `(encoder, generator, discriminator)`.
    """
    initializer = _normal()
    examples, x, latent = _inputs(data_shape, latent_size)
    hidden = {"hidden": (units, units), "norm": _pure_norm(epsilon), "initializer": initializer}
    code = _perceptron(x, nonlinearity=0.2, first_norm=False, **hidden)
    code = dense(latent_size, "output", initializer, use_bias=False)(code)
    encoder = keras.Model(examples, bound(code, code_interval), name="encoder")

    x = _perceptron(latent, nonlinearity="relu", code=latent, **hidden)
    x = dense(math.prod(data_shape), "output", initializer, use_bias=False)(x)
    x = bound(x, _default_interval(data_shape, data_interval))
    generator = keras.Model(latent, image_head(data_shape)(x), name="generator")

    examples, x, latent = _inputs(data_shape, latent_size)
    x = _perceptron(x, nonlinearity=0.2, first_norm=False, code=latent, **hidden)
    logit = dense(1, "logit", initializer, use_bias=False)(x)
    return encoder, generator, keras.Model([examples, latent], logit, name="discriminator")


# The convolutional networks of BiGAN -------------------------------------------------------------------------------------


def _with_code(x: Tensor, code: Tensor, kernel: int, name: str) -> Tensor:
    """Adds a linear map of the code to every position of the maps; its kernel starts from N(0, 0.02 kernel^2) (the authors' code)."""
    maps = x.shape[-1]
    offset = dense(maps, f"{name}_code", _normal(0.02 * kernel**2), use_bias=False)(code)
    return layers.Add(name=f"{name}_with_code")([x, layers.Reshape((1, 1, maps), name=f"{name}_code_maps")(offset)])


def convolutional(
    image_shape: Sizes = (64, 64, 3),
    latent_size: int = 200,
    size: int = 64,
    code_interval: Any = (-1.0, 1.0),
    epsilon: float = 1e-8,
) -> tuple[keras.Model, keras.Model, keras.Model]:
    """The ImageNet networks of BiGAN's code, for any size that is a multiple of 16.

    Encoder: AlexNet up to its fifth convolution, grouped as in the original, then a linear map. Generator: a dense layer to maps of a
    sixteenth, four 5x5 transposed convolutions of stride 2. Discriminator: four 5x5 convolutions of stride 2. Batch norm without gain and
    offset after all but the first convolution of encoder and discriminator, no biases, leaky ReLU 0.2 there and ReLU in the generator. The
    code is added to the maps of every hidden layer after the first, in the discriminator and in the generator too.

    Args:
        image_shape: `(size, size, channels)`, default (64, 64, 3) (the paper's D and G).
        latent_size: int, default 200 (the paper's).
        size: int, a multiple of 2, default 64 (the paper's): maps next to the image; the encoder's 96 to 384 maps scale with it.
        code_interval, epsilon: as in `perceptrons`.

    Returns:
        `(encoder, generator, discriminator)`, images in [-1, 1].

    Departures from the paper: convolutions and pools are padded so that every size comes out; AlexNet's first is not. The paper's best
    encoder sees 112x112 images while D and G work at 64x64; here all three see the same image.
    """
    image_shape = check_image_shape(image_shape, 16, 16)
    if not isinstance(size, int) or size < 2 or size % 2:
        raise ValueError(f"`size` must be an even integer >= 2. Received: {size!r}.")
    base = image_shape[0] // 16
    initializer, pure_norm = _normal(), _pure_norm(epsilon)

    def layer(
        x: Tensor,
        maps: int,
        kernel: int,
        strides: int,
        name: str,
        make: Callable[..., Any] = conv,
        groups: int = 1,
        norm: bool = True,
        slope: Nonlinearity = 0.2,
        code: Tensor | None = None,
    ) -> Tensor:
        grouped = {} if groups == 1 else {"groups": groups}
        x = make(maps, kernel, name, strides, initializer=initializer, use_bias=False, **grouped)(x)
        if code is not None:
            x = _with_code(x, code, kernel, name)
        x = pure_norm(f"{name}_norm")(x) if norm else x
        return activation(slope, f"{name}_activation")(x)

    x = examples = keras.Input(image_shape, name="examples")
    for index, (maps, kernel, strides, groups) in enumerate(
        ((96, 11, 4, 1), (256, 5, 1, 2), (384, 3, 1, 1), (384, 3, 1, 2), (256, 3, 1, 2))
    ):
        maps = 2 * max(1, round(maps * size / 128))  # even, for the groups
        x = layer(x, maps, kernel, strides, f"conv_{index}", groups=groups, norm=index > 0)
        if index < 2:
            x = layers.MaxPooling2D(3, 2, padding="same", name=f"pool_{index}", data_format="channels_last")(x)
    code = dense(latent_size, "output", initializer, use_bias=False)(
        layers.Flatten(name="flatten", data_format="channels_last")(x)
    )
    encoder = keras.Model(examples, bound(code, code_interval), name="encoder")

    latent = keras.Input((latent_size,), name="latent")
    x = dense(base * base * 8 * size, "project", initializer, use_bias=False)(latent)
    x = layers.Reshape((base, base, 8 * size), name="reshape")(x)
    x = activation("relu", "project_activation")(pure_norm("project_norm")(x))
    for level, maps in enumerate((4 * size, 2 * size, size)):
        x = layer(x, maps, 5, 2, f"up_{level}", deconv, slope="relu", code=latent)
    x = deconv(image_shape[-1], 5, "output", initializer=initializer, use_bias=False)(x)
    generator = keras.Model(latent, bound(x, (-1.0, 1.0), "image"), name="generator")

    x = examples = keras.Input(image_shape, name="examples")
    latent = keras.Input((latent_size,), name="latent")
    for level in range(4):
        x = layer(x, size * 2**level, 5, 2, f"down_{level}", norm=level > 0, code=latent if level else None)
    logit = dense(1, "logit", initializer, use_bias=False)(layers.Flatten(name="flatten", data_format="channels_last")(x))
    return encoder, generator, keras.Model([examples, latent], logit, name="discriminator")


# The points of ALI -------------------------------------------------------------------------------------------------------


def stochastic_perceptrons(
    data_shape: Sizes,
    latent_size: int = 2,
    noise_size: int = 2,
    encoder_hidden: Sizes = (400, 400),
    generator_hidden: Sizes = (400,) * 4,
    discriminator_hidden: Sizes = (200,) * 3,
    pieces: int = 5,
    outputs: int = 1,
    epsilon: float = 1e-4,
) -> tuple[keras.Model, keras.Model, keras.Model]:
    """The networks of ALI's code for two-dimensional mixtures.

    The encoder turns examples and noise into codes, `E([x, e])`: any distribution of codes for every example. ReLU under batch norm in
    encoder and generator, biases in their last layers alone; maxout layers on examples and codes side by side in the discriminator; kernels
    from N(0, 0.02).

    Args:
        data_shape: tuple, shape of one example. latent_size, noise_size: int, default 2 (the authors').
        encoder_hidden, generator_hidden, discriminator_hidden: units, the authors' by default. pieces: int, default 5, of maxout.
        outputs: int, logits.
        epsilon: default 1e-4 (the authors' Blocks), under the root of batch norm.

    Returns:
        `(encoder, generator, discriminator)`, the encoder with inputs `[examples, noise]`.
    """
    initializer = _normal()
    examples, x, latent = _inputs(data_shape, latent_size)
    noise = keras.Input((noise_size,), name="noise")
    x = layers.Concatenate(name="examples_and_noise")([x, noise])
    hidden = {"nonlinearity": "relu", "norm": _norm(epsilon), "initializer": initializer}
    code = dense(latent_size, "output", initializer)(_perceptron(x, encoder_hidden, **hidden))
    encoder = keras.Model([examples, noise], code, name="encoder")

    x = dense(math.prod(data_shape), "output", initializer)(_perceptron(latent, generator_hidden, **hidden))
    generator = keras.Model(latent, image_head(data_shape)(x), name="generator")

    examples, x, latent = _inputs(data_shape, latent_size)
    x = layers.Concatenate(name="pairs")([x, latent])
    for index, units in enumerate(discriminator_hidden):
        x = Maxout(units, pieces, kernel_initializer=_normal(), name=f"maxout_{index}")(x)
    logits = dense(outputs, "logits", initializer)(x)
    return encoder, generator, keras.Model([examples, latent], logits, name="discriminator")


# VEEGAN ------------------------------------------------------------------------------------------------------------------


def veegan_perceptrons(
    data_shape: Sizes,
    latent_size: int = 254,
    extra_noise: int = 1,
    hidden: Sizes = (128, 128),
    discriminator_hidden: Sizes = (128,),
    dropout: float = 0.0,
    data_interval: tuple[float, float] | str | None = "default",
    nonlinearity: Nonlinearity = "relu",
) -> tuple[keras.Model, keras.Model, keras.Model]:
    """ReLU networks of VEEGAN's notebooks. For points, the defaults; for MNIST `latent_size=32, extra_noise=0, hidden=(256,),
    discriminator_hidden=(256,), dropout=0.5`.

    Args:
        data_shape: shape of one example.
        latent_size: default 254 (the authors' for points), coordinates that the encoder reconstructs.
        extra_noise: default 1 (the authors' for points), further inputs of the generator.
        hidden: units of encoder and generator. discriminator_hidden: of the discriminator, on examples and codes side by side.
        dropout: of the discriminator's hidden layers.
        data_interval: as in `perceptrons`.
        nonlinearity: default "relu" (the authors'); a float: slope of a leaky ReLU.

    Returns:
        `(encoder, generator, discriminator)`.
    """
    examples, x, latent = _inputs(data_shape, latent_size)
    code = dense(latent_size, "output")(_perceptron(x, hidden, nonlinearity, use_bias=True))
    encoder = keras.Model(examples, code, name="encoder")
    inputs = keras.Input((latent_size + extra_noise,), name="latent")
    x = dense(math.prod(data_shape), "output")(_perceptron(inputs, hidden, nonlinearity, use_bias=True))
    x = bound(x, _default_interval(data_shape, data_interval))
    generator = keras.Model(inputs, image_head(data_shape)(x), name="generator")
    examples, x, latent = _inputs(data_shape, latent_size)
    x = layers.Concatenate(name="pairs")([latent, x])
    x = _perceptron(x, discriminator_hidden, nonlinearity, use_bias=True, dropout=dropout)
    return encoder, generator, keras.Model([examples, latent], dense(1, "logit")(x), name="discriminator")


def veegan_convolutional(
    image_shape: Sizes, latent_size: int = 100, filters: int = 64, joint_units: int = 512, epsilon: float = 1e-3
) -> tuple[keras.Model, keras.Model, keras.Model]:
    """DCGAN's generator; its discriminator with codes for outputs; and again with the code joined to its features by dense layers.

    Args:
        image_shape: `(size, size, channels)`, size = 4 times a power of two. latent_size: default 100 (the paper's).
        filters: default 64, maps next to the image. joint_units: default 512, of the layer that sees features and code.
        epsilon: of batch norm, see `kgan.networks.dcgan.generator`.

    Returns:
        `(encoder, generator, discriminator)`, images in [-1, 1].
    """

    def trunk() -> tuple[Tensor, Tensor]:
        network = dcgan.discriminator(image_shape, filters, epsilon=epsilon)
        return network.input, network.layers[-1].input

    examples, features = trunk()
    encoder = keras.Model(examples, dense(latent_size, "output", _normal())(features), name="encoder")
    generator = dcgan.generator(image_shape, latent_size, filters, epsilon=epsilon)
    examples, features = trunk()
    latent = keras.Input((latent_size,), name="latent")
    x = layers.Concatenate(name="pairs")([features, latent])
    x = activation(0.2, "joint_activation")(dense(joint_units, "joint", _normal())(x))
    return encoder, generator, keras.Model([examples, latent], dense(1, "logit", _normal())(x), name="discriminator")
