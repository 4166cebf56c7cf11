"""The networks of DCGAN: Radford, Metz, Chintala, ICLR 2016, arXiv 1511.06434, and of its authors' code."""

import math

import keras
from keras import layers, ops

from kgan.networks.blocks import activation, check_image_shape


def _normal():
    return keras.initializers.RandomNormal(0.0, 0.02)


def _batch_norm(name, axis=-1):
    # gamma ~ N(1, 0.02), beta 0 (the authors' code); momentum 0.9 so that short runs have usable moving averages.
    gamma = keras.initializers.RandomNormal(1.0, 0.02)
    return layers.BatchNormalization(axis=axis, momentum=0.9, gamma_initializer=gamma, name=name)


def _levels(image_shape, base):
    levels = int(math.log2(image_shape[0] // base))
    if image_shape[0] != base * 2**levels:
        raise ValueError(f"The image size must be {base} times a power of two. Received: {image_shape!r}.")
    return levels


def generator(image_shape, latent_size=100, filters=128, base=4, name="generator"):
    """Dense layer to `base x base` maps, then 5x5 fractionally-strided convolutions, each doubling the size.

    Batch norm and ReLU everywhere but at the output, which is tanh; no biases; kernels from N(0, 0.02); the first batch norm
    per unit, as in the authors' code. 64x64x3 with 128 filters is the published network: 1024, 512, 256, 128 maps.

    Args:
        image_shape: `(size, size, channels)`, size = base times a power of two.
        latent_size: int, default 100 (the paper's).
        filters: int, default 128 (the paper's), maps before the output; doubled at every smaller size.
        base: int, default 4 (the paper's), size of the first maps.

    Returns:
        `keras.Model` from `(batch, latent_size)` to images `(batch, *image_shape)` in [-1, 1].
    """
    image_shape = check_image_shape(image_shape, base, 2 * base)
    levels = _levels(image_shape, base)
    width = filters * 2 ** (levels - 1)
    x = inputs = keras.Input((latent_size,), name="latent")
    x = layers.Dense(base * base * width, use_bias=False, kernel_initializer=_normal(), name="project")(x)
    x = layers.ReLU(name="project_relu")(_batch_norm("project_norm")(x))
    x = layers.Reshape((base, base, width), name="reshape")(x)
    for level in range(1, levels):
        x = _double(width // 2**level, f"up_{level}")(x)
        x = layers.ReLU(name=f"up_{level}_relu")(_batch_norm(f"up_{level}_norm")(x))
    x = _double(image_shape[-1], "output")(x)
    return keras.Model(inputs, layers.Activation("tanh", name="image")(x), name=name)


def discriminator(image_shape, filters=128, base=4, batch_norm=True, name="discriminator"):
    """5x5 convolutions of stride 2, leaky ReLU 0.2, batch norm except at the input, one logit from the flattened maps.

    Args:
        image_shape, base: as in `generator`.
        filters: int, default 128 (the paper's), maps after the first convolution; doubled at every smaller size.
        batch_norm: bool, default True (the paper's).

    Returns:
        `keras.Model` from images in [-1, 1] to logits `(batch, 1)`. With batch norm it must see real and generated
        images in separate batches.
    """
    image_shape = check_image_shape(image_shape, base, 2 * base)
    x = inputs = keras.Input(image_shape, name="images")
    for level in range(_levels(image_shape, base)):
        # Symmetric padding of 2, as in the original; "same" with an even size would pad 1 before and 2 after.
        x = layers.ZeroPadding2D(2, name=f"down_{level}_pad")(x)
        normalized = batch_norm and level > 0
        x = layers.Conv2D(filters * 2**level, 5, 2, use_bias=not batch_norm, kernel_initializer=_normal(), name=f"down_{level}")(
            x
        )
        if normalized:
            x = _batch_norm(f"down_{level}_norm")(x)
        x = activation(0.2, f"down_{level}_leaky")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(1, use_bias=False, kernel_initializer=_normal(), name="logit")(x)
    return keras.Model(inputs, x, name=name)


def _double(filters, name):
    """The adjoint of a 5x5 convolution with stride 2 and symmetric padding 2: exactly twice the size."""
    return SymmetricConv2DTranspose(filters, 5, 2, use_bias=False, kernel_initializer=_normal(), name=name)


@keras.saving.register_keras_serializable("kgan")
class SymmetricConv2DTranspose(layers.Conv2DTranspose):
    """A transposed convolution that multiplies the size by its stride and crops both sides alike.

    The adjoint of a convolution with padding `kernel // 2` on every side, for odd kernels. Keras' "same" crops one side more.

    Args: as `keras.layers.Conv2DTranspose`; `padding` is fixed.

    Input shape: `(batch, height, width, channels)`. Output shape: `(batch, height * stride, width * stride, filters)`.
    """

    def __init__(self, filters, kernel_size, strides=2, **kwargs):
        kwargs.pop("padding", None)
        super().__init__(filters, kernel_size, strides, padding="valid", **kwargs)

    def call(self, inputs):
        full = super().call(inputs)
        before = self.kernel_size[0] // 2, self.kernel_size[1] // 2
        height, width = inputs.shape[1] * self.strides[0], inputs.shape[2] * self.strides[1]
        # The full result has (n - 1) * stride + kernel positions; the image starts after the padding.
        pad = [max(0, b + n - f) for b, n, f in zip(before, (height, width), full.shape[1:3], strict=True)]
        if any(pad):
            full = ops.pad(full, ((0, 0), (0, pad[0]), (0, pad[1]), (0, 0)))
        return full[:, before[0] : before[0] + height, before[1] : before[1] + width]

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[1] * self.strides[0], input_shape[2] * self.strides[1], self.filters)
