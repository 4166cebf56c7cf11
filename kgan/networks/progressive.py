"""Networks that grow: Karras, Aila, Laine, Lehtinen, ICLR 2018, arXiv 1710.10196, Table 2.

All blocks exist from the start; a call says up to which resolution they are used, and how far the last one is faded in.
"""

import math
from typing import Any

import keras
from keras import layers, ops

from kgan.layers import EqualizedLearningRate, JoinLabels, MinibatchStdDev, PixelNormalization
from kgan.networks.blocks import activation, check_image_shape
from kgan.types import Config, Sizes, Tensor

_SMALLEST = 4


def check_progressive_shape(image_shape: Sizes) -> tuple[int, ...]:
    """Refuse image shapes that doubling from 4x4 does not reach."""
    size = check_image_shape(image_shape, _SMALLEST, _SMALLEST)[0]
    if size & (size - 1):
        raise ValueError(f"The image size must be a power of two, at least {_SMALLEST}. Received: {tuple(image_shape)!r}.")
    return tuple(image_shape)


def _resolutions(size: int) -> list[int]:
    return [2**k for k in range(2, int(math.log2(size)) + 1)]


def upsample(x: Tensor) -> Tensor:
    """Twice the size by repetition."""
    return ops.repeat(ops.repeat(x, 2, axis=1), 2, axis=2)


def downsample(x: Tensor, factor: int = 2) -> Tensor:
    """The size divided by a factor, by averaging."""
    return ops.average_pool(x, factor, strides=factor, data_format="channels_last") if factor > 1 else x


def _conv(maps: int, kernel: int, name: str, gain: float = 2.0**0.5) -> keras.layers.Layer:
    return EqualizedLearningRate(
        layers.Conv2D(maps, kernel, padding="same", name=name, data_format="channels_last"), gain, name=f"{name}_equalized"
    )


class _Progressive(keras.Model):
    """What both networks share: their configuration, and blending."""

    def __init__(self, image_shape: Sizes, base_maps: int, max_maps: int, classes: int | None, name: str) -> None:
        super().__init__(name=name)
        self.classes = classes
        self.image_shape = check_progressive_shape(image_shape)
        self.base_maps, self.max_maps = base_maps, max_maps
        self.resolutions = _resolutions(self.image_shape[0])

    def maps(self, resolution: int) -> int:
        """Feature maps at a resolution: `min(base_maps / 2^(k - 1), max_maps)` at 2^k."""
        return max(1, min(2 * self.base_maps // resolution, self.max_maps))

    def _level(self, resolution: int | None) -> int:
        resolution = self.image_shape[0] if resolution is None else resolution
        if resolution not in self.resolutions:
            raise ValueError(f"`resolution` must be one of {self.resolutions}. Received: {resolution!r}.")
        return self.resolutions.index(resolution)

    def _check_alpha(self, alpha: Any) -> None:
        if isinstance(alpha, (int, float)) and not 0.0 <= alpha <= 1.0:
            raise ValueError(f"`alpha` must lie in [0, 1]. Received: {alpha!r}.")

    def get_config(self) -> Config:
        own = {name: getattr(self, name) for name in ("image_shape", "base_maps", "max_maps", "classes")}
        return {**own, "name": self.name}


@keras.saving.register_keras_serializable("kgan")
class ProgressiveGenerator(_Progressive):
    """4x4 maps from a normalized latent, then blocks that double the size: nearest neighbors, two 3x3 convolutions.

    Leaky ReLU 0.2 and pixel normalization behind every convolution, an own linear 1x1 convolution to pixels at each resolution, equalized
    learning rate throughout. Outputs are not squashed; clip them to [-1, 1] only to show them.

    Args:
        image_shape: `(size, size, channels)`, size a power of two.
        latent_size: default 512 (the paper's).
        base_maps: default 8192 (the paper's). max_maps: default 512 (the paper's). See `maps`.
        classes: default None. A number: the class is joined to the latent as so many numbers, one of them 1 (the authors' code).

    Call arguments: `latent` `(batch, latent_size)`, with `classes` `[latent, labels]`; `resolution`, default the last; `alpha`, a scalar in
    [0, 1] or None (1): the weight of the block at this resolution against the enlarged image of the one before. Output:
    `(batch, resolution, resolution, channels)`.
    """

    def __init__(
        self,
        image_shape: Sizes,
        latent_size: int = 512,
        base_maps: int = 8192,
        max_maps: int = 512,
        classes: int | None = None,
        name: str = "generator",
    ) -> None:
        super().__init__(image_shape, base_maps, max_maps, classes, name)
        self.latent_size = latent_size
        self.join = None if classes is None else JoinLabels(classes, name="latent_and_label")
        self.blocks = [self._first()] + [self._block(r) for r in self.resolutions[1:]]
        self.to_pixels = [
            keras.Sequential([keras.Input((r, r, self.maps(r))), _conv(image_shape[-1], 1, "pixels", 1.0)], name=f"to_pixels_{r}")
            for r in self.resolutions
        ]
        self.built = True

    @property
    def input_shape(self) -> Any:
        return (None, self.latent_size) if self.classes is None else [(None, self.latent_size), (None,)]

    def _first(self) -> keras.Sequential:
        maps = self.maps(_SMALLEST)
        # A 4x4 transposed convolution of one pixel is the dense layer of the code, with one bias per map; its fan-in counts the 16
        # positions, which is the code's gain of sqrt(2) / 4.
        project = layers.Conv2DTranspose(maps, _SMALLEST, name="project", data_format="channels_last")
        size = self.latent_size + (self.classes or 0)
        parts = [keras.Input((size,)), PixelNormalization(name="latent_norm"), layers.Reshape((1, 1, size))]
        parts += [EqualizedLearningRate(project, name="project_equalized"), *_leaky_norm("project")]
        return keras.Sequential([*parts, _conv(maps, 3, "conv"), *_leaky_norm("conv")], name=f"block_{_SMALLEST}")

    def _block(self, r: int) -> keras.Sequential:
        parts = [keras.Input((r // 2, r // 2, self.maps(r // 2))), layers.UpSampling2D(2, name="up", data_format="channels_last")]
        for name in ("conv_0", "conv_1"):
            parts += [_conv(self.maps(r), 3, name), *_leaky_norm(name)]
        return keras.Sequential(parts, name=f"block_{r}")

    def call(self, latent: Tensor, resolution: int | None = None, alpha: Any = None, training: bool = False) -> Tensor:
        self._check_alpha(alpha)
        level = self._level(resolution)
        x = self.blocks[0](latent if self.join is None else self.join(latent))
        before = x
        for block in self.blocks[1 : level + 1]:
            before, x = x, block(x)
        image = self.to_pixels[level](x)
        if alpha is None or level == 0:
            return image
        alpha = ops.cast(alpha, image.dtype)
        return alpha * image + (1.0 - alpha) * upsample(self.to_pixels[level - 1](before))

    def compute_output_shape(self, input_shape: Any, *args: Any, **kwargs: Any) -> tuple[int | None, ...]:
        return (input_shape[0] if self.classes is None else input_shape[0][0], *self.image_shape)

    def get_config(self) -> Config:
        return {**super().get_config(), "latent_size": self.latent_size}


def _leaky_norm(name: str) -> list[keras.layers.Layer]:
    return [activation(0.2, f"{name}_leaky"), PixelNormalization(name=f"{name}_norm")]


@keras.saving.register_keras_serializable("kgan")
class ProgressiveDiscriminator(_Progressive):
    """The mirror image: blocks of two 3x3 convolutions and averaging to half the size, a minibatch-stddev map at 4x4, one logit.

    Leaky ReLU 0.2, no normalization, equalized learning rate; an own 1x1 convolution from pixels at each resolution.

    Args:
        image_shape, base_maps, max_maps: as for `ProgressiveGenerator`.
        group_size: of `kgan.layers.MinibatchStdDev`, default None: the whole minibatch (the paper; 4 in the authors' later code).
        classes: default None. A number: the last layer returns so many logits of classes beside the value (the authors' code).

    Call arguments: `images` `(batch, resolution, resolution, channels)`; `resolution` and `alpha` as for the generator, the rest of the
    weight going to the halved image. Output: `(batch, 1)`, with `classes` `[(batch, 1), (batch, classes)]`.
    """

    def __init__(
        self,
        image_shape: Sizes,
        base_maps: int = 8192,
        max_maps: int = 512,
        group_size: int | None = None,
        classes: int | None = None,
        name: str = "discriminator",
    ) -> None:
        super().__init__(image_shape, base_maps, max_maps, classes, name)
        self.group_size = group_size
        self.blocks = [self._last()] + [self._block(r) for r in self.resolutions[1:]]
        self.from_pixels = [
            keras.Sequential(
                [keras.Input((r, r, image_shape[-1])), _conv(self.maps(r), 1, "maps"), activation(0.2, "leaky")],
                name=f"from_pixels_{r}",
            )
            for r in self.resolutions
        ]
        self.built = True

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        return (None, *self.image_shape)

    def _last(self) -> keras.Sequential:
        maps = self.maps(_SMALLEST)
        parts = [keras.Input((_SMALLEST, _SMALLEST, maps)), MinibatchStdDev(self.group_size, name="stddev")]
        parts += [
            _conv(maps, 3, "conv"),
            activation(0.2, "conv_leaky"),
            layers.Flatten(name="flatten", data_format="channels_last"),
        ]
        dense = layers.Dense(self.maps(_SMALLEST // 2), name="dense")
        parts += [EqualizedLearningRate(dense, name="dense_equalized"), activation(0.2, "dense_leaky")]
        parts += [EqualizedLearningRate(layers.Dense(1 + (self.classes or 0), name="logit"), 1.0, name="logit_equalized")]
        return keras.Sequential(parts, name=f"block_{_SMALLEST}")

    def _block(self, r: int) -> keras.Sequential:
        parts = [keras.Input((r, r, self.maps(r)))]
        for name, maps in (("conv_0", self.maps(r)), ("conv_1", self.maps(r // 2))):
            parts += [_conv(maps, 3, name), activation(0.2, f"{name}_leaky")]
        return keras.Sequential([*parts, layers.AveragePooling2D(2, name="down", data_format="channels_last")], name=f"block_{r}")

    def call(self, images: Tensor, resolution: int | None = None, alpha: Any = None, training: bool = False) -> Tensor:
        self._check_alpha(alpha)
        level = self._level(resolution)
        x = self.from_pixels[level](images)
        if level:
            x = self.blocks[level](x)
            if alpha is not None:
                alpha = ops.cast(alpha, x.dtype)
                x = alpha * x + (1.0 - alpha) * self.from_pixels[level - 1](downsample(images))
        for block in self.blocks[level - 1 :: -1] if level else self.blocks[:1]:
            x = block(x)
        return x if self.classes is None else [x[:, :1], x[:, 1:]]

    def compute_output_shape(self, input_shape: Any, *args: Any, **kwargs: Any) -> Any:
        value = (input_shape[0], 1)
        return value if self.classes is None else [value, (input_shape[0], self.classes)]

    @property
    def output_shape(self) -> Any:
        return self.compute_output_shape(self.input_shape)

    def get_config(self) -> Config:
        return {**super().get_config(), "group_size": self.group_size}
