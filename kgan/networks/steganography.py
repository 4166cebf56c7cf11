"""Networks that hide, read and detect messages in images: Hayes, Danezis, NIPS 2017, arXiv 1703.00371; residual ones of this project."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kgan.layers import Sawtooth, Waves
from kgan.networks.blocks import Nonlinearity, activation, check_image_shape, conv, deconv, dense
from kgan.types import Array, Config, Sizes, Tensor


def _truncated() -> keras.initializers.Initializer:
    return keras.initializers.TruncatedNormal(0.0, 0.02)


def _normal() -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(0.0, 0.02)


def _norm(x: Tensor, name: str, epsilon: float, nonlinearity: Nonlinearity) -> Tensor:
    x = layers.BatchNormalization(momentum=0.9, epsilon=epsilon, name=f"{name}_norm")(x)
    return activation(nonlinearity, f"{name}_activation")(x)


def _base(image_shape: Sizes, stages: int | None) -> tuple[tuple[int, ...], int, int]:
    """Checked shape, number of halvings, size of the smallest maps."""
    size = image_shape[0] if image_shape else 0
    if stages is None:
        stages = min(4, int(math.log2(size))) if isinstance(size, int) and size > 1 else 1
    if not isinstance(stages, int) or stages < 1:
        raise ValueError(f"`stages` must be an integer >= 1 or None. Received: {stages!r}.")
    shape = check_image_shape(image_shape, 2**stages, 2**stages)
    return shape, stages, shape[0] // 2**stages


def hider(
    image_shape: Sizes,
    message_length: int,
    filters: int | None = None,
    kernel: int = 5,
    stages: int | None = None,
    epsilon: float = 1e-5,
    name: str = "alice",
) -> keras.Model:
    """The paper's Alice: the flattened cover and the message side by side, one dense layer, transposed convolutions, tanh.

    With s the image's size: dense to `(s/16)^2 * 8 s`, then maps 4s, 2s, s and the channels, each of twice the size; batch norm and ReLU
    everywhere but at the output. The image passes a dense layer: what comes out is a drawing of the cover, not the cover.

    Args:
        image_shape: `(size, size, channels)`; the paper's 32 and 64, and any other multiple of `2**stages`.
        message_length: numbers of the message.
        filters: int or None (the image's size, the paper's): maps before the output; twice as many at every smaller size.
        kernel: default 5 (the paper's).
        stages: int or None: doublings of the size, default 4 (the paper's), 3 for images of 8 pixels.
        epsilon: default 1e-5 (the authors' code), of batch norm; narrow networks want 1e-3.

    Returns:
        `keras.Model` from `[images, messages (batch, message_length)]` to images in [-1, 1].
    """
    image_shape, stages, base = _base(image_shape, stages)
    filters = filters or image_shape[0]
    cover, message = keras.Input(image_shape, name="cover"), keras.Input((message_length,), name="message")
    x = layers.Concatenate(name="cover_and_message")(
        [layers.Flatten(name="flat_cover", data_format="channels_last")(cover), message]
    )
    width = filters * 2 ** (stages - 1)
    x = dense(base * base * width, "project", _normal())(x)
    x = _norm(layers.Reshape((base, base, width), name="reshape")(x), "project", epsilon, "relu")
    for stage in range(1, stages):
        x = deconv(width // 2**stage, kernel, f"up_{stage}", initializer=_normal())(x)
        x = _norm(x, f"up_{stage}", epsilon, "relu")
    x = deconv(image_shape[-1], kernel, "output", initializer=_normal(), activation="tanh")(x)
    return keras.Model([cover, message], x, name=name)


def reader(
    image_shape: Sizes,
    outputs: int = 1,
    filters: int | None = None,
    kernel: int = 5,
    stages: int | None = None,
    epsilon: float = 1e-5,
    output_activation: Nonlinearity | None = None,
    name: str = "eve",
) -> keras.Model:
    """The paper's Bob (`outputs=message_length, output_activation="tanh"`) and Eve (one logit): convolutions of stride 2, one dense layer.

    Maps s, 2s, 4s, 8s with s the image's size; leaky ReLU 0.2, batch norm but on the first. The last layer sees the last maps; in the
    authors' release Eve's sees the first, and three of her layers do nothing.

    Args:
        image_shape, kernel, stages, epsilon: as in `hider`.
        outputs: default 1.
        filters: int or None (the image's size, the paper's): maps of the first convolution.
        output_activation: default None, a logit.

    Returns:
        `keras.Model` from images to `(batch, outputs)`.
    """
    image_shape, stages, _ = _base(image_shape, stages)
    filters = filters or image_shape[0]
    x = inputs = keras.Input(image_shape, name="images")
    for stage in range(stages):
        x = conv(filters * 2**stage, kernel, f"down_{stage}", 2, initializer=_truncated())(x)
        x = _norm(x, f"down_{stage}", epsilon, 0.2) if stage else activation(0.2, "down_0_activation")(x)
    x = dense(outputs, "output", _normal(), activation=output_activation)(
        layers.Flatten(name="flat", data_format="channels_last")(x)
    )
    return keras.Model(inputs, x, name=name)


# Residual networks ---------------------------------------------------------------------------------------------------


@keras.saving.register_keras_serializable("kgan")
class AddBounded(layers.Layer):
    """`clip(x + amplitude * tanh(change), -1, 1)` of `[x, change]`.

    Args:
        amplitude: in (0, 2): the largest change of a value.
    """

    def __init__(self, amplitude: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0.0 < amplitude < 2.0:
            raise ValueError(f"`amplitude` must lie between 0 and 2, in units of images in [-1, 1]. Received: {amplitude!r}.")
        self.amplitude = amplitude

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        images, change = inputs
        return ops.clip(images + self.amplitude * ops.tanh(change), -1.0, 1.0)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return tuple(input_shape[0])

    def get_config(self) -> Config:
        return {**super().get_config(), "amplitude": self.amplitude}


def cosine_patterns(block: int, channels: int, count: int) -> Array:
    """The `count` finest patterns of the cosine transform of a block, of unit norm: array (block, block, channels, count).

    Fine patterns: what pictures hold least of. Channels take turns.
    """
    n = np.arange(block)
    basis = np.cos(np.pi * (n[:, None] + 0.5) * n / block) * np.where(n == 0, np.sqrt(1 / block), np.sqrt(2 / block))
    order = sorted(((u, v) for u in n for v in n), key=lambda uv: (-(uv[0] + uv[1]), abs(uv[0] - uv[1]), uv))
    if count > block * block * channels:
        raise ValueError(f"A block of {block}x{block}x{channels} has no {count} patterns. Use fewer, or larger blocks.")
    patterns = np.zeros((block, block, channels, count), "float32")
    for index in range(count):
        u, v = order[index // channels]
        patterns[:, :, index % channels, index] = np.outer(basis[:, u], basis[:, v])
    return patterns


@keras.saving.register_keras_serializable("kgan")
class CosinePatterns(keras.initializers.Initializer):
    """Starts a convolution of as many strides as it is wide, or its transpose, at `factor` times `cosine_patterns`."""

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor

    def __call__(self, shape: Sizes, dtype: str | None = None) -> Tensor:
        block, _, channels, count = shape
        return ops.convert_to_tensor(self.factor * cosine_patterns(block, channels, count), dtype=dtype)

    def get_config(self) -> Config:
        return {"factor": self.factor}


def _phases(images: Tensor, block: int, patterns: int, period: float, name: str) -> Tensor:
    """Where every block lies on its patterns, in radians of a period of so many gray levels."""
    levels = layers.Rescaling(127.5, dtype="float32", name=f"{name}_levels")(images)
    # Fixed: a pattern that drifts apart from its twin in the other network by a hundredth turns the phase of a bright block around.
    options: dict[str, Any] = {
        "initializer": CosinePatterns(2 * math.pi / period),
        "padding": "valid",
        "use_bias": False,
        "dtype": "float32",
    }
    return conv(patterns, block, f"{name}_patterns", block, trainable=False, **options)(levels)


def _pointwise(x: Tensor, units: int, name: str) -> Tensor:
    return activation("relu", f"{name}_relu")(conv(units, 1, name, initializer="he_normal")(x))


def residual_hider(
    bits_per_block: int = 2,
    block: int = 4,
    channels: int = 1,
    amplitude: float = 4 / 127.5,
    patterns: int | None = None,
    units: int = 64,
    maps: int = 16,
    period: float = 4.5,
    name: str = "alice",
) -> keras.Model:
    """A hider that changes the cover a little: `C' = clip(C + amplitude tanh(change))`.

    Every block of the cover is measured on a few fine patterns, modulo a period of some gray levels; from where it lies and from its bits
    a small network plans how far to move it on each; the plan is drawn with the patterns and corrected by what the pixels around look
    like. Moving a number to the nearest place of the right phase costs little however busy the picture is: that is quantization index
    modulation (Chen, Wornell 2001), of which all but the patterns and the period is learned here.

    Args:
        bits_per_block, block: default 2 and 4: bits in a block of 4x4 pixels.
        channels: default 1.
        amplitude: default 4 / 127.5: the largest change.
        patterns: int or None (one a bit), at most `block * block * channels`.
        units: default 64, of the plan's two layers. maps: default 16, of the correction's.
        period: default 4.5, in gray levels on a pattern of unit norm. A longer one moves pixels more and is learned sooner.

    Returns:
        `keras.Model` from `[images (batch, height, width, channels), messages (batch, height / block, width / block, bits_per_block)]` to
        images; height and width are any multiples of `block`. Phases and the sum are computed in float32 under any policy.
    """
    patterns = patterns or bits_per_block
    cover = keras.Input((None, None, channels), name="cover")
    message = keras.Input((None, None, bits_per_block), name="message")
    phases = _phases(cover, block, patterns, period, "cover")
    places = [Waves(dtype="float32", name="waves")(phases), Sawtooth(dtype="float32", name="remainders")(phases)]
    x = layers.Concatenate(name="places_and_message")([*places, message])
    x = conv(patterns, 1, "plan", initializer="he_normal")(_pointwise(_pointwise(x, units, "plan_0"), units, "plan_1"))
    start = CosinePatterns(0.5)
    drawn = layers.Conv2DTranspose(
        channels, block, block, kernel_initializer=start, use_bias=False, name="draw", data_format="channels_last"
    )(x)
    texture = activation("relu", "texture_relu")(conv(maps, 3, "texture", initializer="he_normal")(cover))
    x = layers.Concatenate(name="drawn_and_texture")([drawn, texture])
    x = activation("relu", "correction_relu")(conv(maps, 3, "correction_0", initializer="he_normal")(x))
    x = layers.Add(name="change")([drawn, conv(channels, 3, "correction")(x)])
    return keras.Model([cover, message], AddBounded(amplitude, dtype="float32", name="stego")([cover, x]), name=name)


def residual_reader(
    bits_per_block: int = 2,
    block: int = 4,
    channels: int = 1,
    patterns: int | None = None,
    units: int = 64,
    period: float = 4.5,
    name: str = "bob",
) -> keras.Model:
    """The reader that goes with `residual_hider`: the phases of a block on patterns of its own, two layers, a logit a bit.

    Blocks are read one by one: what happens to one leaves the others readable. Arguments as in `residual_hider`.

    Returns:
        `keras.Model` from images `(batch, height, width, channels)` to `(batch, height / block, width / block, bits_per_block)`.
    """
    images = keras.Input((None, None, channels), name="images")
    x = Waves(dtype="float32", name="waves")(_phases(images, block, patterns or bits_per_block, period, "image"))
    x = _pointwise(_pointwise(x, units, "read_0"), units, "read_1")
    return keras.Model(images, conv(bits_per_block, 1, "bits")(x), name=name)


# What pictures are predicted from: second differences in four directions, the Laplacian, third differences, and the square of Ker and
# Böhme (2008), on which detectors of small changes have been built since.
_HIGH_PASS = (
    [[1, -2, 1]],
    [[1], [-2], [1]],
    [[1, 0, 0], [0, -2, 0], [0, 0, 1]],
    [[0, 0, 1], [0, -2, 0], [1, 0, 0]],
    [[-1, 2, -1], [2, -4, 2], [-1, 2, -1]],
    [[0, 1, -3, 3, -1]],
    [[0], [1], [-3], [3], [-1]],
    [[-1, 2, -2, 2, -1], [2, -6, 8, -6, 2], [-2, 8, -12, 8, -2], [2, -6, 8, -6, 2], [-1, 2, -2, 2, -1]],
)


@keras.saving.register_keras_serializable("kgan")
class HighPass(keras.initializers.Initializer):
    """Starts a 5x5 convolution at eight high-pass filters in turn, each on one channel, the largest weight 1, times `factor`."""

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor

    def __call__(self, shape: Sizes, dtype: str | None = None) -> Tensor:
        kernel = np.zeros(shape, "float32")
        for index in range(shape[-1]):
            small = np.asarray(_HIGH_PASS[index % len(_HIGH_PASS)], "float32")
            pad = [((5 - n) // 2, (5 - n) // 2) for n in small.shape]
            kernel[:, :, (index // len(_HIGH_PASS)) % shape[2], index] = np.pad(small, pad) / np.abs(small).max()
        return ops.convert_to_tensor(self.factor * kernel, dtype=dtype)

    def get_config(self) -> Config:
        return {"factor": self.factor}


def analyzer(channels: int = 1, filters: int = 16, threshold: float = 3.0, name: str = "analyzer") -> keras.Model:
    """A detector of small changes in images of any size: high-pass filters, truncation, convolutions, means.

    In the manner of steganalysis networks (Xu, Wu, Shi 2016; Ye, Ni, Yi 2017), small: eight high-pass filters a channel, from which
    training starts, cut off at three gray levels; three convolutions 3x3 with batch norm and ReLU, each followed by 2x2 means; the mean
    over the image; one logit.

    Args:
        channels: default 1. filters: default 16, maps of the first convolution; doubled twice.
        threshold: default 3, gray levels at which a prediction error is cut off.

    Returns:
        `keras.Model` from images `(batch, height, width, channels)` of at least 8x8 to logits `(batch, 1)`.
    """
    x = images = keras.Input((None, None, channels), name="images")
    x = layers.Rescaling(127.5, dtype="float32", name="levels")(x)
    start = HighPass(1.0 / threshold)
    x = conv(8 * channels, 5, "errors", initializer=start, use_bias=False, activation="hard_tanh", dtype="float32")(x)
    for stage in range(3):
        x = conv(filters * 2**stage, 3, f"conv_{stage}", initializer="he_normal", use_bias=False)(x)
        x = _norm(x, f"conv_{stage}", 1e-3, "relu")
        x = layers.AveragePooling2D(2, 2, name=f"mean_{stage}", data_format="channels_last")(x)
    x = layers.GlobalAveragePooling2D(name="mean", data_format="channels_last")(x)
    return keras.Model(images, dense(1, "logit")(x), name=name)
