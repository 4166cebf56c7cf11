"""Autoregressive densities of images: the gated PixelCNN (van den Oord et al. 2016, 1606.05328) and PixelCNN++ (1701.05517).

Pixels come in raster order; a network gives the distribution of every pixel given those before it, all in one pass. An image is drawn pixel
by pixel.
"""

from collections.abc import Mapping
from typing import Any, Self

import keras
from keras import layers, ops

from kgan.arguments import Checked, Count, Natural, NonNegative, Shape
from kgan.layers import Gate, GatedMaskedConv2D, MaskedConv2D, WeightNormalization
from kgan.networks import blocks
from kgan.networks.blocks import activation, dense
from kgan.objectives import Bernoulli, LogisticMixture, PixelLikelihood
from kgan.types import Config, SeedLike, Tensor


class Autoregressive(Checked, keras.Model):
    """Base of the densities: `log p(x | c)` of images, and draws from it.

    Subclasses build `network`, a functional model from `[images, codes]` (or `[images]`, where codes have the size 0) to the outputs of
    every pixel that the likelihood is made of.

    Call: a dict of "noise", uniform in [0, 1), `(batch, rows, columns, noise_channels)`, and "codes" `(batch, code_size)` where there are
    any, to images `(batch, *image_shape)`: the same noise draws the same image.

    Attributes:
        image_shape, code_size, likelihood: as given.
        noise_channels: uniform numbers that a pixel is drawn from.
    """

    network: keras.Model

    def __init__(self, image_shape: Shape, code_size: Count | None, likelihood: PixelLikelihood, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if len(image_shape) != 3:
            raise ValueError(f"`image_shape` must be (rows, columns, channels). Received: {image_shape!r}.")
        if not isinstance(likelihood, PixelLikelihood):
            raise TypeError(
                f"`likelihood` must be a kgan.objectives.PixelLikelihood, such as Bernoulli(). Received: {likelihood!r}."
            )
        self.image_shape = tuple(image_shape)
        self.code_size = code_size or 0
        self.likelihood = likelihood
        self.noise_channels = likelihood.noise(self.image_shape[-1])
        self.built = True

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """Of the codes: what the family that draws from the network calls latents."""
        return (None, self.code_size)

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        return (None, *self.image_shape)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        batch = input_shape["noise"][0] if isinstance(input_shape, Mapping) else input_shape[0]
        return (batch, *self.image_shape)

    def pixel_outputs(self, images: Tensor, codes: Tensor | None = None, training: bool = False) -> Tensor:
        """What describes the distribution of every pixel given those before it, `(batch, rows, columns, outputs)`."""
        images = ops.convert_to_tensor(images)
        return self.network(images if codes is None else [images, ops.convert_to_tensor(codes)], training=training)

    def log_likelihood(self, images: Tensor, codes: Tensor | None = None, training: bool = False) -> Tensor:
        """`log p(x | c)` in nats, `(batch,)`, of images in [-1, 1] and codes `(batch, code_size)`."""
        return self.likelihood.log_likelihood(self.pixel_outputs(images, codes, training), images)

    def draw_noise(self, count: Any, seed: SeedLike = None) -> Tensor:
        """Uniform noise for `count` images."""
        return keras.random.uniform((count, *self.image_shape[:2], self.noise_channels), dtype="float32", seed=seed)

    def call(self, inputs: Mapping[str, Tensor], training: bool = False) -> Tensor:
        return self.drawn_slowly(inputs["noise"], inputs.get("codes"))

    def drawn_slowly(self, noise: Tensor, codes: Tensor | None = None) -> Tensor:
        """Images, with one pass of the whole network for every pixel."""
        rows, columns, _ = self.image_shape
        order = ops.reshape(ops.arange(rows * columns), (1, rows, columns, 1))

        def next_pixel(index: Tensor, images: Tensor) -> Tensor:
            drawn = self.likelihood.draw(self.pixel_outputs(images, codes), noise)
            return ops.where(ops.equal(order, index), ops.cast(drawn, images.dtype), images)

        start = ops.repeat(ops.zeros_like(noise[..., :1]), self.image_shape[-1], axis=-1)
        return ops.fori_loop(0, rows * columns, next_pixel, start)

    def get_config(self) -> Config:
        likelihood = keras.saving.serialize_keras_object(self.likelihood)
        return {"image_shape": self.image_shape, "likelihood": likelihood, "name": self.name}

    @classmethod
    def from_config(cls, config: Config, custom_objects: Any = None) -> Self:
        likelihood = keras.saving.deserialize_keras_object(config["likelihood"], custom_objects=custom_objects)
        return cls(**{**config, "likelihood": likelihood})


@keras.saving.register_keras_serializable("kgan")
class PixelCNN(Autoregressive):
    """The gated PixelCNN, conditioned on a code as the decoder of the PixelGAN autoencoder (1706.00531) is.

    A strict layer of `kgan.layers.GatedMaskedConv2D`, `depth` further ones, and two 1x1 convolutions with a ReLU between. The code enters
    every layer as a bias, one number a map, the same at every place; or, with `location_dependent`, through a map of the image's size that
    a dense layer makes of it.

    Drawing is cached (as Ramachandran et al. 2017, 1704.06001): a layer keeps the last rows, and the last pixels of the row, that its
    kernel sees, and computes each of its outputs once. `drawn_slowly` draws the same images.

    Args:
        image_shape: `(rows, columns, channels)`.
        code_size: default None: unconditional.
        filters: default 32, maps of each stack. depth: default 4, layers after the first.
        kernel_width: default 3; first_kernel_width: default 5: odd. How far the network sees, with `depth`, decides what it leaves to the
            code.
        head_maps: default None: `2 * filters`, maps between the last two convolutions.
        location_dependent: default False. code_maps: default 4, maps that a location-dependent code is made into.
        likelihood: default `kgan.objectives.Bernoulli()`, for images of -1 and 1; `LogisticMixture()` for 8-bit ones.

    Example:
    >>> import keras, kgan
    >>> network = kgan.networks.PixelCNN((4, 4, 1), code_size=3, filters=4, depth=1)
    >>> codes, noise = keras.ops.eye(3), network.draw_noise(3, seed=0)
    >>> images = network({"codes": codes, "noise": noise})
    >>> tuple(images.shape), tuple(network.log_likelihood(images, codes).shape)
    ((3, 4, 4, 1), (3,))
    """

    def __init__(
        self,
        image_shape: Shape,
        code_size: Count | None = None,
        *,
        filters: Count = 32,
        depth: Natural = 4,
        kernel_width: Count = 3,
        first_kernel_width: Count = 5,
        head_maps: Count | None = None,
        location_dependent: bool = False,
        code_maps: Count = 4,
        likelihood: PixelLikelihood | None = None,
        name: str = "generator",
        **kwargs: Any,
    ) -> None:
        super().__init__(image_shape, code_size, likelihood or Bernoulli(), name=name, **kwargs)
        self.filters, self.depth, self.head_maps = filters, depth, head_maps
        self.kernel_width, self.first_kernel_width = kernel_width, first_kernel_width
        self.location_dependent, self.code_maps = location_dependent, code_maps
        rows, columns, channels = self.image_shape
        images = keras.Input(self.image_shape, name="images")
        inputs, context = [images], []
        if code_size:
            codes = keras.Input((code_size,), name="codes")
            maps = (rows, columns, code_maps) if location_dependent else (1, 1, code_size)
            x = dense(rows * columns * code_maps, "code_map")(codes) if location_dependent else codes
            self.spread = keras.Model(codes, layers.Reshape(maps, name="code_place")(x), name="context")
            inputs, context = [images, codes], [self.spread(codes)]
        self.gated = [
            GatedMaskedConv2D(filters, kernel_width if index else first_kernel_width, not index, name=f"gated_{index}")
            for index in range(depth + 1)
        ]
        vertical = horizontal = images
        for layer in self.gated:
            vertical, horizontal = layer([vertical, horizontal, *context])
        x = features = keras.Input((None, None, filters), name="features")
        x = activation("relu", "relu_0")(x)
        x = activation("relu", "relu_1")(dense(head_maps or 2 * filters, "hidden")(x))
        x = dense(self.likelihood.outputs(channels), "outputs")(x)
        self.head = keras.Model(features, x, name="head")
        self.network = keras.Model(inputs if context else images, self.head(horizontal), name="network")

    def call(self, inputs: Mapping[str, Tensor], training: bool = False) -> Tensor:
        """As in `Autoregressive`, cached."""
        noise, codes = ops.convert_to_tensor(inputs["noise"]), inputs.get("codes")
        rows, columns, channels = self.image_shape
        dtype, batch = self.compute_dtype, ops.shape(noise)[0]
        context = [] if codes is None else [ops.cast(self.spread(codes), dtype)]

        def next_row(index: Tensor, state: tuple[list[Tensor], Tensor]) -> tuple[list[Tensor], Tensor]:
            above, images = state
            own_context = [one if one.shape[1] == 1 else _at(one, index, 1) for one in context]
            row, kept, across = None, [], []
            for layer, rows in zip(self.gated, above, strict=True):
                window = rows if row is None else ops.concatenate([rows, row], axis=1)
                kept.append(window if row is None else window[:, 1:])
                row, handed = layer.vertical(layer.down.over(layer.down.pad_columns(window)), *own_context)
                across.append(handed)
            drawn = self._drawn_row(_at(noise, index, 1), across)
            kept[0] = ops.concatenate([kept[0], ops.cast(drawn, dtype)], axis=1)[:, 1:]
            return kept, _put(images, drawn, index, 1)

        start = [ops.zeros((batch, n, columns, size), dtype) for n, size in zip(self._seen(0), self._maps(), strict=True)]
        return ops.fori_loop(0, rows, next_row, (start, ops.zeros((batch, rows, columns, channels), noise.dtype)))[1]

    def _drawn_row(self, noise: Tensor, across: list[Tensor]) -> Tensor:
        """A row of images `(batch, 1, columns, channels)`, from its noise and what the vertical stacks hand across."""
        columns, channels = self.image_shape[1:]
        dtype, batch = self.compute_dtype, ops.shape(noise)[0]

        def next_pixel(index: Tensor, state: tuple[list[Tensor], Tensor]) -> tuple[list[Tensor], Tensor]:
            left, row = state
            pixel, kept = None, []
            for layer, pixels, handed in zip(self.gated, left, across, strict=True):
                window = pixels if pixel is None else ops.concatenate([pixels, pixel], axis=2)
                kept.append(window if pixel is None else window[:, :, 1:])
                pixel = layer.horizontal(layer.right.over(window), _at(handed, index, 2), pixel)
            drawn = self.likelihood.draw(self.head(pixel), _at(noise, index, 2))
            kept[0] = ops.concatenate([kept[0], ops.cast(drawn, dtype)], axis=2)[:, :, 1:]
            return kept, _put(row, drawn, index, 2)

        start = [ops.zeros((batch, 1, n, size), dtype) for n, size in zip(self._seen(1), self._maps(), strict=True)]
        return ops.fori_loop(0, columns, next_pixel, (start, ops.zeros((batch, 1, columns, channels), noise.dtype)))[1]

    def _seen(self, axis: int) -> list[int]:
        """Rows above, or columns on the left, that every layer has to remember; the first has no own ones in its window."""
        sizes = [(layer.right if axis else layer.down).kernel_size[axis] for layer in self.gated]
        return [sizes[0], *(size - 1 for size in sizes[1:])]

    def _maps(self) -> list[int]:
        """Maps that every layer sees."""
        return [self.image_shape[-1]] + [self.filters] * self.depth

    def get_config(self) -> Config:
        own = ("filters", "depth", "kernel_width", "first_kernel_width", "head_maps", "location_dependent", "code_maps")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}, "code_size": self.code_size or None}


def _at(tensor: Tensor, index: Tensor, axis: int) -> Tensor:
    """One row or column, whose axis stays."""
    return ops.expand_dims(ops.take(tensor, index, axis=axis), axis)


def _put(canvas: Tensor, part: Tensor, index: Tensor, axis: int) -> Tensor:
    """The canvas with one row or column replaced."""
    places = ops.reshape(ops.arange(canvas.shape[axis], dtype="int32"), [-1 if a == axis else 1 for a in range(4)])
    return ops.where(ops.equal(places, ops.cast(index, "int32")), ops.cast(part, canvas.dtype), canvas)


@keras.saving.register_keras_serializable("kgan")
class PixelCNNPlusPlus(Autoregressive):
    """PixelCNN++: two streams of gated residual blocks at several resolutions, joined by skip connections as in a U-net.

    A block is `x + a s(b)` of `[a, b] = W_2 drop(cELU(W_1 cELU(x) + N cELU(y)))`, cELU the ELU of x and -x side by side and y what comes
    from the other stream or over a skip connection. The vertical stream has kernels of 2x3, the horizontal one of 2x2. All layers are
    weight-normalized; call `kgan.layers.initialize_from_data(model.network, images)` before training, as the authors do.

    The density of "Good semi-supervised learning that requires a bad GAN" (1705.09783): `kgan.BadGAN(density=...)`.

    Args:
        image_shape: `(rows, columns, channels)`, sizes that can be halved `resolutions - 1` times.
        filters: default 160 (both papers'). blocks: default 5 at every resolution (PixelCNN++; bad GANs: 3 for MNIST and SVHN).
        resolutions: default 3 (PixelCNN++; bad GANs: 2 for MNIST and SVHN).
        dropout: default 0.5 (the paper's; bad GANs: 0.0 for MNIST and SVHN).
        likelihood: default `kgan.objectives.LogisticMixture()`.

    To train it, minimize `-log_likelihood`; the likelihood is a loss of Keras:

    >>> import numpy as np, keras, kgan
    >>> network = kgan.networks.PixelCNNPlusPlus((4, 4, 1), filters=4, blocks=1, resolutions=2)
    >>> x = np.random.default_rng(0).uniform(-1, 1, (8, 4, 4, 1)).astype("float32")
    >>> kgan.layers.initialize_from_data(network.network, x)
    >>> network.network.compile(keras.optimizers.Adam(1e-3), loss=network.likelihood)
    >>> history = network.network.fit(x, x, batch_size=8, verbose=0)
    >>> tuple(network.log_likelihood(x).shape)
    (8,)

    Departures from the paper: maps are doubled in size by 2x2 transposed convolutions in both streams, whose vertical one is 2x3 there.
    Drawing is not cached: one pass of the network for every pixel. Unconditional.
    """

    def __init__(
        self,
        image_shape: Shape,
        *,
        filters: Count = 160,
        blocks: Count = 5,
        resolutions: Count = 3,
        dropout: NonNegative = 0.5,
        likelihood: PixelLikelihood | None = None,
        name: str = "density",
        **kwargs: Any,
    ) -> None:
        super().__init__(image_shape, None, likelihood or LogisticMixture(), name=name, **kwargs)
        if any(n % 2 ** (resolutions - 1) for n in self.image_shape[:2]):
            raise ValueError(
                f"Sizes must be multiples of {2 ** (resolutions - 1)} for {resolutions} resolutions. Received: {image_shape!r}."
            )
        self.filters, self.blocks, self.resolutions, self.dropout = filters, blocks, resolutions, dropout
        outputs = self.likelihood.outputs(self.image_shape[-1])
        self.network = _plus_plus(self.image_shape, filters, blocks, resolutions, dropout, outputs)

    def get_config(self) -> Config:
        own = ("filters", "blocks", "resolutions", "dropout")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


def _normal() -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(0.0, 0.05)


def _plus_plus(image_shape: Any, filters: int, depth: int, resolutions: int, rate: float, outputs: int) -> keras.Model:
    def normalized(layer: keras.layers.Layer, init_stdv: float = 1.0) -> keras.layers.Layer:
        return WeightNormalization(layer, init_stdv=init_stdv, name=f"{layer.name}_wn")

    def masked(x: Tensor, maps: int, kernel: Any, stack: str, name: str, init_stdv: float = 1.0, **kwargs: Any) -> Tensor:
        return normalized(MaskedConv2D(maps, kernel, stack, kernel_initializer=_normal(), name=name, **kwargs), init_stdv)(x)

    def doubled_elu(x: Tensor, name: str) -> Tensor:
        return activation("elu", f"{name}_elu")(
            layers.Concatenate(name=f"{name}_both")([x, layers.Rescaling(-1.0, name=f"{name}_minus")(x)])
        )

    def block(x: Tensor, beside: Tensor | None, stack: str, name: str) -> Tensor:
        kernel = (2, 3) if stack == "vertical" else (2, 2)
        y = masked(doubled_elu(x, f"{name}_in"), filters, kernel, stack, f"{name}_first")
        if beside is not None:
            offset = normalized(dense(filters, f"{name}_beside", _normal()))(doubled_elu(beside, f"{name}_other"))
            y = layers.Add(name=f"{name}_joined")([y, offset])
        y = doubled_elu(y, f"{name}_mid")
        if rate:
            y = blocks.dropout(rate, f"{name}_dropout")(y)
        y = masked(y, 2 * filters, kernel, stack, f"{name}_second", 0.1)
        return layers.Add(name=f"{name}_sum")([x, Gate(name=f"{name}_gate")(y)])

    def larger(x: Tensor, name: str) -> Tensor:
        deconv = layers.Conv2DTranspose(
            filters, 2, 2, "valid", kernel_initializer=_normal(), name=name, data_format="channels_last"
        )
        return normalized(deconv)(x)

    images = keras.Input(image_shape, name="images")
    # A channel of ones tells the image from what pads it.
    x = layers.Concatenate(name="with_ones")([images, layers.Rescaling(0.0, 1.0, name="ones")(images)])
    down = masked(x, filters, (2, 3), "vertical", "start_vertical", strict=True)
    above = masked(x, filters, (1, 3), "vertical", "start_above", strict=True)
    left = masked(x, filters, (2, 1), "horizontal", "start_left", strict=True)
    right = layers.Add(name="start_horizontal")([above, left])
    skips = [(down, right)]
    for level in range(resolutions):
        if level:
            down = masked(down, filters, (2, 3), "vertical", f"smaller_vertical_{level}", strides=2)
            right = masked(right, filters, (2, 2), "horizontal", f"smaller_horizontal_{level}", strides=2)
            skips.append((down, right))
        for index in range(depth):
            down = block(down, None, "vertical", f"in_vertical_{level}_{index}")
            right = block(right, down, "horizontal", f"in_horizontal_{level}_{index}")
            skips.append((down, right))
    down, right = skips.pop()
    for level in reversed(range(resolutions)):
        for index in range(depth + (level < resolutions - 1)):
            skip_down, skip_right = skips.pop()
            name = f"{level}_{index}"
            down = block(down, skip_down, "vertical", f"out_vertical_{name}")
            both = layers.Concatenate(name=f"out_beside_{name}")([down, skip_right])
            right = block(right, both, "horizontal", f"out_horizontal_{name}")
        if level:
            down, right = larger(down, f"larger_vertical_{level}"), larger(right, f"larger_horizontal_{level}")
    x = normalized(dense(outputs, "outputs", _normal()))(activation("elu", "elu")(right))
    return keras.Model(images, x, name="network")
