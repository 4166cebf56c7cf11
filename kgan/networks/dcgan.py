"""The networks of DCGAN: Radford, Metz, Chintala, ICLR 2016, arXiv 1511.06434, and of its authors' code."""

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import layers, ops

from kgan.networks import blocks
from kgan.networks.blocks import activation, check_image_shape, conv, deconv, dense, fresh
from kgan.types import Sizes, Tensor


def _normal() -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(0.0, 0.02)


def _batch_norm(name: str, epsilon: float, gamma: Any = None) -> keras.layers.Layer:
    # gamma ~ N(1, 0.02), beta 0 (the authors' code); momentum 0.9 so that short runs have usable moving averages.
    gamma = fresh(gamma) or keras.initializers.RandomNormal(1.0, 0.02)
    return layers.BatchNormalization(momentum=0.9, epsilon=epsilon, gamma_initializer=gamma, name=name)


def _bare_norm(name: str, epsilon: float) -> keras.layers.Layer:
    return layers.BatchNormalization(momentum=0.9, epsilon=epsilon, center=False, scale=False, name=name)


def _levels(image_shape: Sizes, base: int) -> int:
    levels = int(math.log2(image_shape[0] // base))
    if image_shape[0] != base * 2**levels:
        raise ValueError(f"The image size must be {base} times a power of two. Received: {image_shape!r}.")
    return levels


def generator(
    image_shape: Sizes,
    latent_size: int = 100,
    filters: int = 128,
    base: int = 4,
    variant: str = "code",
    batch_norm: bool = True,
    epsilon: float = 1e-8,
    growth: Any = 2,
    nonlinearity: Any = "relu",
    initializer: Any = None,
    biases: bool | None = None,
    first_norm_per_map: bool | None = None,
    name: str = "generator",
    gamma: Any = None,
    dense_initializer: Any = None,
    extra_layers: int = 0,
) -> keras.Model:
    """Dense layer to `base x base` maps, then fractionally-strided convolutions, each doubling the size.

    Batch norm and ReLU everywhere but at the output, which is tanh; kernels from N(0, 0.02); no biases in networks with batch norm.
    64x64x3 with 128 filters is the published network: 1024, 512, 256, 128 maps.

    Args:
        image_shape: `(size, size, channels)`, size = base times a power of two.
        latent_size: default 100 (the paper's).
        filters: default 128 (the paper's), maps before the output; doubled at every smaller size.
        base: default 4 (the paper's), size of the first maps.
        variant: "code" (default): 5x5 kernels with symmetric padding, the first batch norm per unit, as in the authors' code.
            "torch": 4x4 kernels with padding 1, the first batch norm per map, as in the port that WGAN's authors used.
        batch_norm: default True (the paper's).
        epsilon: default 1e-8 (the authors' code), under the root of batch norm. Narrow networks start with activations of
            variance 1e-3 and less; there a larger value, such as Keras' 1e-3, keeps the discriminator from running ahead.
        growth: default 2 (the paper's), factor of the maps at every halving; 1 keeps `filters` everywhere.
        nonlinearity: default "relu" (the paper's); a float is the slope of a leaky ReLU.
        initializer: of all kernels, default N(0, 0.02). dense_initializer: of the dense layer's, default `initializer`.
        gamma: initializer of batch norm's gains, default N(1, 0.02) (the authors' code).
        biases: of layers without batch norm; default: only in networks without batch norm (the authors' code).
        first_norm_per_map: whether the first batch norm is per map instead of per unit; default: as `variant` says.
        extra_layers: int, default 0, 3x3 convolutions of stride 1 on the maps in front of the output (the code of WGAN and its heirs).

    Returns:
        `keras.Model` from `(batch, latent_size)` to images `(batch, *image_shape)` in [-1, 1].
    """
    image_shape = check_image_shape(image_shape, base, 2 * base)
    levels, double = _levels(image_shape, base), _double(variant)
    width = filters * growth ** (levels - 1)
    initializer = initializer or _normal()
    first_norm_per_map = variant == "torch" if first_norm_per_map is None else first_norm_per_map
    biases = not batch_norm if biases is None else biases
    hidden_biases = biases and not batch_norm

    def norm_relu(x: Tensor, name: str) -> Tensor:
        return activation(nonlinearity, f"{name}_relu")(_batch_norm(f"{name}_norm", epsilon, gamma)(x) if batch_norm else x)

    x = inputs = keras.Input((latent_size,), name="latent")
    x = dense(base * base * width, "project", dense_initializer or initializer, use_bias=hidden_biases)(x)
    if first_norm_per_map:
        x = norm_relu(layers.Reshape((base, base, width), name="reshape")(x), "project")
    else:
        x = layers.Reshape((base, base, width), name="reshape")(norm_relu(x, "project"))
    for level in range(1, levels):
        x = norm_relu(double(width // growth**level, f"up_{level}", initializer, use_bias=hidden_biases)(x), f"up_{level}")
    for index in range(extra_layers):
        x = norm_relu(conv(filters, 3, f"extra_{index}", initializer=initializer, use_bias=hidden_biases)(x), f"extra_{index}")
    x = double(image_shape[-1], "output", initializer, use_bias=biases)(x)
    return keras.Model(inputs, layers.Activation("tanh", name="image")(x), name=name)


def discriminator(
    image_shape: Sizes,
    filters: int = 128,
    base: int = 4,
    variant: str = "code",
    batch_norm: bool = True,
    epsilon: float = 1e-8,
    growth: Any = 2,
    dropout: Any = 0.0,
    initializer: Any = None,
    biases: bool | None = None,
    name: str = "discriminator",
    outputs: int = 1,
    tap: Any = None,
    gamma: Any = None,
    dense_initializer: Any = None,
    extra_layers: int = 0,
    units: int | None = None,
) -> keras.Model:
    """Convolutions of stride 2, leaky ReLU 0.2, batch norm except at the input, one logit from the flattened maps.

    Args:
        image_shape, base, variant: as in `generator`.
        filters: default 128 (the paper's), maps after the first convolution; doubled at every smaller size.
        batch_norm: default True (the paper's). False: biases instead.
        epsilon, growth: as in `generator`.
        dropout: float, default 0, rate behind every convolution (0.5 in CT-GAN).
        initializer, dense_initializer, gamma, biases: as in `generator`.
        outputs: int, default 1, the logit; more for the features of an encoder.
        tap: callable `(maps, level) -> maps` on the maps behind every level, counted from 0, or None (default).
        extra_layers: int, default 0, 3x3 convolutions of stride 1 on the maps behind the first level (the code of WGAN and its heirs).
        units: int, of a dense layer of ReLU in front of the logit; default None: there is none.

    Returns:
        `keras.Model` from images in [-1, 1] to logits `(batch, outputs)`. With batch norm it must see real and generated
        images in separate batches.
    """
    image_shape = check_image_shape(image_shape, base, 2 * base)
    initializer = initializer or _normal()
    biases = not batch_norm if biases is None else biases
    x = inputs = keras.Input(image_shape, name="images")
    for level in range(_levels(image_shape, base)):
        normalized = batch_norm and level > 0
        use_bias = biases and not normalized
        x = _halve(variant, x, filters * growth**level, f"down_{level}", initializer, use_bias=use_bias)
        if normalized:
            x = _batch_norm(f"down_{level}_norm", epsilon, gamma)(x)
        x = activation(0.2, f"down_{level}_leaky")(x)
        if dropout:
            x = blocks.dropout(dropout, f"down_{level}_dropout")(x)
        x = x if tap is None else tap(x, level)
        for index in range(extra_layers if level == 0 else 0):
            x = conv(x.shape[-1], 3, f"extra_{index}", initializer=initializer, use_bias=biases and not batch_norm)(x)
            x = _batch_norm(f"extra_{index}_norm", epsilon, gamma)(x) if batch_norm else x
            x = activation(0.2, f"extra_{index}_leaky")(x)
    x = layers.Flatten(name="flatten", data_format="channels_last")(x)
    if units is not None:
        x = activation("relu", "features")(dense(units, "units", dense_initializer or initializer)(x))
    x = dense(outputs, "logit", dense_initializer or initializer, use_bias=biases)(x)
    return keras.Model(inputs, x, name=name)


def mnist_generator(
    image_shape: Sizes = (28, 28, 1), latent_size: int = 100, filters: int = 64, epsilon: float = 1e-8, name: str = "generator"
) -> keras.Model:
    """The generator of the paper's MNIST samples (its code, train_cond_dcgan.py): two dense layers, two 5x5 transposed convolutions.

    Batch norm without gains and offsets, and ReLU, everywhere but at the output, which is tanh (in the code a sigmoid, for pixels in
    [0, 1]); kernels from N(0, 0.02); no biases. At 28 pixels 1024 units, then 7x7 maps, 128 of them, and 64 of 14x14.

    Args:
        image_shape: `(size, size, channels)`, size a multiple of 4.
        latent_size: default 100 (the paper's).
        filters: default 64 (the code's), maps before the output; twice as many before them, 16 times as many units in the first layer.
        epsilon: default 1e-8 (the authors' code), under the root of batch norm.

    Returns:
        `keras.Model` from `(batch, latent_size)` to images in [-1, 1].
    """
    base, double = check_image_shape(image_shape, 4, 8)[0] // 4, _double("code")
    x = inputs = keras.Input((latent_size,), name="latent")
    for place, units in (("hidden", 16 * filters), ("project", base * base * 2 * filters)):
        x = _bare_norm(f"{place}_norm", epsilon)(dense(units, place, _normal(), use_bias=False)(x))
        x = activation("relu", f"{place}_relu")(x)
    x = layers.Reshape((base, base, 2 * filters), name="reshape")(x)
    x = _bare_norm("up_1_norm", epsilon)(double(filters, "up_1", _normal(), use_bias=False)(x))
    x = double(image_shape[-1], "output", _normal(), use_bias=False)(activation("relu", "up_1_relu")(x))
    return keras.Model(inputs, layers.Activation("tanh", name="image")(x), name=name)


def mnist_discriminator(
    image_shape: Sizes = (28, 28, 1), filters: int = 64, epsilon: float = 1e-8, name: str = "discriminator"
) -> keras.Model:
    """The discriminator of the paper's MNIST samples: two 5x5 convolutions of stride 2, a dense layer, one logit.

    Leaky ReLU 0.2; batch norm without gains and offsets but in the first layer; kernels from N(0, 0.02); no biases.

    Args:
        image_shape, epsilon: as in `mnist_generator`.
        filters: default 64 (the code's), maps of the first convolution; twice as many in the second, 16 times as many units behind it.

    Returns:
        `keras.Model` from images in [-1, 1] to logits `(batch, 1)`. It must see real and generated images in separate batches.
    """
    x = inputs = keras.Input(check_image_shape(image_shape, 4, 8), name="images")
    x = activation(0.2, "down_0_leaky")(_halve("code", x, filters, "down_0", _normal(), use_bias=False))
    x = _bare_norm("down_1_norm", epsilon)(_halve("code", x, 2 * filters, "down_1", _normal(), use_bias=False))
    x = layers.Flatten(name="flatten", data_format="channels_last")(activation(0.2, "down_1_leaky")(x))
    x = _bare_norm("hidden_norm", epsilon)(dense(16 * filters, "hidden", _normal(), use_bias=False)(x))
    x = dense(1, "logit", _normal(), use_bias=False)(activation(0.2, "hidden_leaky")(x))
    return keras.Model(inputs, x, name=name)


def joints(image_shape: Sizes, variant: str = "code", mnist: bool = False) -> tuple[list[str], list[str]]:
    """Where DCGAN's conditional networks know the class: the layers in front of every layer with weights.

    Args:
        image_shape: of the networks. variant: as in `generator`. mnist: whether they are `mnist_generator` and `mnist_discriminator`.

    Returns:
        Names of layers of the generator, and of the discriminator.
    """
    if mnist:
        return ["latent", "hidden_relu", "reshape", "up_1_relu"], ["images", "down_0_leaky", "flatten", "hidden_leaky"]
    levels = _levels(image_shape, 4)
    maps = "project_relu" if variant == "torch" else "reshape"
    ups, downs = [f"up_{level}_relu" for level in range(1, levels)], [f"down_{level}_leaky" for level in range(levels - 1)]
    return ["latent", maps, *ups], ["images", *downs, "flatten"]


def _check_variant(variant: str) -> None:
    if variant not in ("code", "torch"):
        raise ValueError(f'`variant` must be "code" or "torch". Received: {variant!r}.')


def _double(variant: str) -> Callable[..., keras.layers.Layer]:
    """A transposed convolution to exactly twice the size."""
    _check_variant(variant)
    if variant == "torch":
        return lambda filters, name, initializer, **kwargs: deconv(filters, 4, name, initializer=initializer, **kwargs)
    return lambda filters, name, initializer, **kwargs: SymmetricConv2DTranspose(
        filters, 5, 2, kernel_initializer=fresh(initializer), name=name, **kwargs
    )


def _halve(variant: str, x: Tensor, filters: int, name: str, initializer: Any, **kwargs: Any) -> Tensor:
    """A convolution to exactly half the size."""
    _check_variant(variant)
    if variant == "torch":
        return conv(filters, 4, name, 2, initializer=initializer, **kwargs)(x)
    # Symmetric padding of 2, as in the original; "same" with an even size would pad 1 before and 2 after.
    x = layers.ZeroPadding2D(2, name=f"{name}_pad", data_format="channels_last")(x)
    return layers.Conv2D(filters, 5, 2, kernel_initializer=fresh(initializer), name=name, **kwargs, data_format="channels_last")(
        x
    )


@keras.saving.register_keras_serializable("kgan")
class SymmetricConv2DTranspose(layers.Conv2DTranspose):
    """A transposed convolution that multiplies the size by its stride and crops both sides alike.

    The adjoint of a convolution with padding `kernel // 2` on every side, for odd kernels. Keras' "same" crops one side more.

    Args: as `keras.layers.Conv2DTranspose`; `padding` is fixed.

    Input shape: `(batch, height, width, channels)`. Output shape: `(batch, height * stride, width * stride, filters)`.
    """

    def __init__(
        self, filters: int, kernel_size: int | tuple[int, int], strides: int | tuple[int, int] = 2, **kwargs: Any
    ) -> None:
        kwargs.pop("padding", None)
        super().__init__(filters, kernel_size, strides, padding="valid", **kwargs)

    def call(self, inputs: Tensor) -> Tensor:
        full = super().call(inputs)
        before = self.kernel_size[0] // 2, self.kernel_size[1] // 2
        height, width = inputs.shape[1] * self.strides[0], inputs.shape[2] * self.strides[1]
        # The full result has (n - 1) * stride + kernel positions; the image starts after the padding.
        pad = [max(0, b + n - f) for b, n, f in zip(before, (height, width), full.shape[1:3], strict=True)]
        if any(pad):
            full = ops.pad(full, ((0, 0), (0, pad[0]), (0, pad[1]), (0, 0)))
        return full[:, before[0] : before[0] + height, before[1] : before[1] + width]

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return (input_shape[0], input_shape[1] * self.strides[0], input_shape[2] * self.strides[1], self.filters)
