"""The networks of LR-GAN: Yang, Kannan, Batra, Parikh, ICLR 2017, arXiv 1703.01560, and of its authors' port.

A picture is painted in steps: a background, then one foreground after another, each an appearance, a mask and a pose.
"""

import math
from typing import NamedTuple

import keras
from keras import layers, ops

from kgan.layers import SpatialTransformer
from kgan.networks.blocks import Nonlinearity, activation, check_image_shape, deconv, dense
from kgan.networks.composed import Composed
from kgan.types import Sizes, Tensor


class Painting(NamedTuple):
    """Pictures and what they are made of, T foregrounds each, a list of tensors by step.

    Attributes:
        canvases: T + 1 tensors `(batch, height, width, channels)`: the background x_0, then what each step leaves; the last is the picture.
        appearances: T tensors as `canvases`, where they are painted.
        masks: T tensors `(batch, height, width, 1)` in [0, 1], where they are painted.
        poses: T tensors `(batch, 6)`.
    """

    canvases: list[Tensor]
    appearances: list[Tensor]
    masks: list[Tensor]
    poses: list[Tensor]


@keras.saving.register_keras_serializable("kgan")
class LayeredGenerator(Composed):
    """Paints a background and foregrounds over it (Eq. 4): `x_t = S(m_t, a_t) S(f_t, a_t) + (1 - S(m_t, a_t)) x_{t-1}`.

    A latent is T + 1 noises in a row. The background is made of the first. An LSTM reads all of them; its output at step t, with T >= 2
    joined by what `encoder` makes of the maps of the step before, is the code of appearance f_t, mask m_t and pose a_t. S samples both at
    the same places (`kgan.layers.SpatialTransformer`).

    Poses are a linear map of the code around `start_scale`, cut to their limits: both scales to [scale, 2 scale], turns to
    [-rotation, rotation], shifts to [-1, 1]. A scale says how far apart the pixels are looked up: 1.2 shows an object at most 1 / 1.2 as
    large as the picture.

    Args:
        background: `keras.Model` from noise `(batch, noise_size)` to `[maps, image]`.
        foreground: from codes `(batch, noise_size)` to `[maps, appearance, mask]`, the mask `(batch, height, width, 1)` in [0, 1].
        recurrent: a Keras cell such as `keras.layers.LSTMCell(noise_size)`.
        pose: `keras.Model` from codes to six numbers, 0 at the start.
        encoder: from `[LSTM output, foreground maps]` to codes; first_encoder: from `[LSTM output, background maps]`, the same network by
            default. Both None with one foreground.
        foregrounds: T. scale, rotation, start_scale: see above.

    Call: latents `(batch, (foregrounds + 1) * noise_size)` to pictures; `paint(latents)` returns the `Painting`.
    """

    parts = (
        "background", "foreground", "recurrent", "pose", "encoder", "first_encoder", "foregrounds", "scale", "rotation", "start_scale",
    )  # fmt: skip

    def __init__(
        self,
        background: keras.Model,
        foreground: keras.Model,
        recurrent: keras.layers.Layer,
        pose: keras.Model,
        encoder: keras.Model | None = None,
        first_encoder: keras.Model | None = None,
        foregrounds: int = 1,
        scale: float = 1.2,
        rotation: float = 0.1,
        start_scale: float | None = None,
        name: str = "generator",
        **kwargs: object,
    ) -> None:
        super().__init__(name=name, **kwargs)
        if (encoder is None) != (foregrounds == 1):
            raise ValueError("An `encoder` of the step before goes with two foregrounds and more, and only with these.")
        start_scale = scale if start_scale is None else start_scale
        if scale < 1 or not scale <= start_scale <= 2 * scale:
            raise ValueError(
                "`scale` is how far apart pixels are looked up at least, >= 1, so that objects are smaller than the picture, and "
                f"`start_scale` lies in [scale, 2 scale]: beyond, it would never move. Received: {scale!r}, {start_scale!r}."
            )
        self.background, self.foreground, self.recurrent, self.pose = background, foreground, recurrent, pose
        self.encoder, self.first_encoder = encoder, first_encoder
        self.foregrounds, self.scale, self.rotation, self.start_scale = foregrounds, scale, rotation, start_scale
        self.noise_size = background.input_shape[-1]
        self.transformer = SpatialTransformer(name="transformer")
        if not recurrent.built:
            recurrent.build((None, self.noise_size))
        self.input_shape = (None, (foregrounds + 1) * self.noise_size)
        self.output_shape = (None, *background.outputs[1].shape[1:])
        self.built = True

    def paint(self, latents: Tensor, training: bool = False) -> Painting:
        """The `Painting` of latents."""
        noises = ops.split(latents, self.foregrounds + 1, axis=-1)
        maps, canvas = self.background(noises[0], training=training)
        state = [ops.zeros_like(noises[0]) for _ in range(2)]
        _, state = self.recurrent(noises[0], state)
        painted = Painting([canvas], [], [], [])
        for step, noise in enumerate(noises[1:]):
            code, state = self.recurrent(noise, state)
            if self.encoder is not None:
                encoder = self.first_encoder if step == 0 and self.first_encoder is not None else self.encoder
                code = encoder([code, maps], training=training)
            maps, appearance, mask = self.foreground(code, training=training)
            pose = self._limited(self.pose(code, training=training))
            # One sampling for both: they lie at the same places.
            placed = self.transformer([ops.concatenate([appearance, mask], axis=-1), pose])
            appearance, mask = placed[..., :-1], placed[..., -1:]
            canvas = mask * appearance + (1.0 - mask) * canvas
            for part, value in zip(painted, (canvas, appearance, mask, pose), strict=True):
                part.append(value)
        return painted

    def _limited(self, offsets: Tensor) -> Tensor:
        scale, turn = self.scale, self.rotation
        low = [scale, -turn, -1.0, -turn, scale, -1.0]
        high = [2 * scale, turn, 1.0, turn, 2 * scale, 1.0]
        start = [self.start_scale, 0.0, 0.0, 0.0, self.start_scale, 0.0]
        start, low, high = (ops.convert_to_tensor(values, dtype=offsets.dtype) for values in (start, low, high))
        return ops.minimum(ops.maximum(offsets + start, low), high)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        return self.paint(inputs, training).canvases[-1]

    def compute_output_shape(self, input_shape: Sizes) -> tuple[int | None, ...]:
        return (input_shape[0], *self.output_shape[1:])


def generator(
    image_shape: Sizes,
    noise_size: int = 100,
    foregrounds: int = 1,
    filters: int = 64,
    scale: float = 1.2,
    rotation: float = 0.1,
    start_scale: float | None = None,
    epsilon: float = 1e-5,
    name: str = "generator",
) -> LayeredGenerator:
    """The authors' networks: two stacks of transposed convolutions, that of the background half as wide.

    From 4x4 maps, 4x4 kernels of stride 2, batch norm and ReLU, up to half the size; there the maps are read by the heads, one more
    transposed convolution each: tanh for colors, a sigmoid for the mask. Maps: `8 filters` (foreground) and `4 filters` (background) at
    4x4, halved at every doubling, not below `filters`. With `foregrounds` >= 2 the maps of a step, averaged down to 2x2, and the LSTM's
    output make the code of the next.

    Args:
        image_shape: `(size, size, channels)`, size 8 times a power of two.
        noise_size: default 100 (the authors').
        foregrounds: >= 1, default 1.
        filters: default 64 (the authors'; 128 for CUB-200).
        scale: >= 1, default 1.2 (the authors'; 1.3 for LFW, 2 for two digits). rotation: default 0.1 (0.3 for digits).
        start_scale: in [scale, 2 scale], default `scale` (the authors').
        epsilon: of batch norm, default 1e-5 (torch's).

    Raises:
        ValueError: for a size that is no power of two times 4, or limits that are none.
    """
    image_shape = check_image_shape(image_shape, 8, 8)
    doublings = int(math.log2(image_shape[0] // 4))
    if image_shape[0] != 4 * 2**doublings:
        raise ValueError(f"The image size must be 4 times a power of two. Received: {image_shape!r}.")

    def stack(width: int, heads: dict[str, tuple[int, str]], name: str) -> keras.Model:
        x = inputs = keras.Input((noise_size,), name="code")
        x = layers.Reshape((4, 4, width), name="reshape")(dense(16 * width, "project", use_bias=False)(x))
        x = _norm_relu(x, "project", epsilon)
        for level in range(1, doublings):
            width = max(width // 2, filters)
            x = _norm_relu(deconv(width, 4, f"up_{level}", use_bias=False)(x), f"up_{level}", epsilon)
        made = [activation(kind, head)(deconv(maps, 4, f"{head}_maps")(x)) for head, (maps, kind) in heads.items()]
        return keras.Model(inputs, [x, *made], name=name)

    colors = (image_shape[-1], "tanh")
    background = stack(4 * filters, {"image": colors}, "background")
    foreground = stack(8 * filters, {"appearance": colors, "mask": (1, "sigmoid")}, "foreground")
    code = keras.Input((noise_size,), name="code")
    encoders = {}
    if foregrounds > 1:
        maps = {"encoder": foreground.outputs[0].shape[1:], "first_encoder": background.outputs[0].shape[1:]}
        # One module where the maps are alike, as in the authors' code at 64 pixels; else the background needs one of its own.
        encoders = {
            key: _encoder(shape, noise_size, epsilon, key)
            for key, shape in maps.items()
            if key == "encoder" or shape != maps["encoder"]
        }
    return LayeredGenerator(
        background,
        foreground,
        layers.LSTMCell(noise_size, name="recurrent"),
        keras.Model(code, dense(6, "offsets", "zeros")(code), name="pose"),
        **encoders,
        foregrounds=foregrounds,
        scale=scale,
        rotation=rotation,
        start_scale=start_scale,
        name=name,
    )


def _norm_relu(x: Tensor, name: str, epsilon: float, nonlinearity: Nonlinearity = "relu") -> Tensor:
    x = layers.BatchNormalization(momentum=0.9, epsilon=epsilon, name=f"{name}_norm")(x)
    return activation(nonlinearity, f"{name}_activation")(x)


def _encoder(shape: Sizes, noise_size: int, epsilon: float, name: str) -> keras.Model:
    state, maps = keras.Input((noise_size,), name="state"), keras.Input(shape, name="maps")
    x, level = maps, 0
    while x.shape[1] > 2:
        x = layers.ZeroPadding2D(1, data_format="channels_last", name=f"pad_{level}")(x)
        x = layers.AveragePooling2D(4, 2, data_format="channels_last", name=f"pool_{level}")(x)
        x, level = _norm_relu(x, f"pool_{level}", epsilon, 0.2), level + 1
    x = dense(noise_size, "maps_code")(layers.Flatten(name="flatten", data_format="channels_last")(x))
    x = layers.Concatenate(name="join")([state, _norm_relu(x, "maps_code", epsilon, "tanh")])
    return keras.Model([state, maps], _norm_relu(dense(noise_size, "code")(x), "code", epsilon, "tanh"), name=name)
