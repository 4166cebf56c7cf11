"""The networks of RenderGAN: Sixt, Wild, Landgraf, 2016, arXiv 1611.01331, and of its authors' code."""

import math
from typing import NamedTuple

import keras
from keras import layers, ops

from kgan.layers import ClipWithPenalty, LearnedBackground, LearnedBlur, LearnedDetail, Lighting
from kgan.networks.blocks import check_image_shape, conv, dense, dropout
from kgan.networks.composed import Composed
from kgan.types import Sizes, Tensor


class Rendering(NamedTuple):
    """Pictures, what they show and how they came to be, tensors of one batch.

    Attributes:
        labels: `(batch, numbers)` in [-1, 1], the bits first.
        tag: what the model renders of the labels, `(batch, height, width, 1)`.
        mask: 1 where the object is not.
        stages: the picture behind blur, lighting, background and detail, a list of four; the last is the picture.
    """

    labels: Tensor
    tag: Tensor
    mask: Tensor
    stages: list[Tensor]


@keras.saving.register_keras_serializable("kgan")
class RenderingGenerator(Composed):
    """Labels, what a fixed model renders of them, and four learned changes that leave the labels what they are (Eq. 2).

    A latent is a number a bit, whose sign is the bit, then the noise of the pose, then that of the appearance. The pose's noise is the
    pose itself, or goes through `pose`. Networks that change the picture are told the pose, through which no gradient comes back: a label
    is not to be changed so that its picture looks better. Of the bits they see no more than what the model renders.

    Args:
        model: `keras.Model` or layer from labels `(batch, bits + p)` to `[tag, mask, depth]`: pictures in [-1, 1]; 1 where the object is
            not; and how far the object stands out, at a quarter of the size. It is frozen, and called in inference mode.
        front: from `[appearance noise, pose]` to maps of a quarter of the size.
        light: from `[maps, depth]` to `[white, black, shift]`, pictures of one channel.
        middle: from `[maps, depth, tag, tag at half the size, white, black, shift]` to `[blur amount, background, maps]`.
        detail: from `[picture, mask, tag, background, maps, white, black, shift]` to one channel.
        pose: from its noise to the p numbers, or None (default): the noise is the pose.
        bits: how many of a label's numbers are bits. pose_noise: numbers of its noise.

    Call: latents `(batch, bits + pose_noise + appearance noise)` to pictures in [-2, 2], of which [-1, 1] can be seen; `render(latents)`
    returns the `Rendering`.
    """

    parts = ("model", "front", "light", "middle", "detail", "pose", "bits", "pose_noise")

    def __init__(
        self,
        model: keras.layers.Layer,
        front: keras.Model,
        light: keras.Model,
        middle: keras.Model,
        detail: keras.Model,
        pose: keras.Model | None = None,
        bits: int = 12,
        pose_noise: int = 6,
        name: str = "generator",
        **kwargs: object,
    ) -> None:
        super().__init__(name=name, **kwargs)
        model.trainable = False
        self.model, self.front, self.light, self.middle, self.detail, self.pose = model, front, light, middle, detail, pose
        self.bits, self.pose_noise = bits, pose_noise
        self.blur, self.lighting = LearnedBlur(name="blur"), Lighting(name="lighting")
        self.background, self.details = LearnedBackground(name="background"), LearnedDetail(name="details")
        self.input_shape = (None, bits + pose_noise + front.inputs[0].shape[-1])
        self.output_shape = (None, *detail.output_shape[1:])
        self.built = True

    def labels(self, latents: Tensor, training: bool = False) -> Tensor:
        """The labels `(batch, bits + p)` of latents."""
        ends = [self.bits, self.bits + self.pose_noise]
        bits, noise, _ = ops.split(latents, ends, axis=-1)
        bits = ops.stop_gradient(ops.where(bits > 0, ops.ones_like(bits), -ops.ones_like(bits)))
        pose = noise if self.pose is None else self.pose(noise, training=training)
        return ops.concatenate([bits, pose], axis=-1)

    def render(self, latents: Tensor, training: bool = False) -> Rendering:
        """The `Rendering` of latents."""
        latents = ops.convert_to_tensor(latents)
        labels = self.labels(latents, training)
        tag, mask, depth = self.model(labels, training=False) if isinstance(self.model, keras.Model) else self.model(labels)
        pose = ops.stop_gradient(labels[:, self.bits :])
        maps = self.front([latents[:, self.bits + self.pose_noise :], pose], training=training)
        lights = self.light([maps, depth], training=training)
        amount, background, maps = self.middle([maps, depth, tag, _halved(tag), *lights], training=training)
        stages = [self.blur([tag, amount])]
        stages.append(self.lighting([stages[-1], *lights]))
        stages.append(self.background([stages[-1], background, mask]))
        detail = self.detail([stages[-1], mask, tag, background, maps, *lights], training=training)
        stages.append(ops.clip(self.details([stages[-1], detail]), -2.0, 2.0))
        return Rendering(labels, tag, mask, stages)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        return self.render(inputs, training).stages[-1]

    def compute_output_shape(self, input_shape: Sizes) -> tuple[int | None, ...]:
        return (input_shape[0], *self.output_shape[1:])


def generator(
    model: keras.layers.Layer,
    image_shape: Sizes,
    labels: int,
    bits: int,
    appearance_noise: int = 50,
    pose_noise: int | None = None,
    filters: int = 64,
    weight: float = 15.0,
    epsilon: float = 1e-3,
    name: str = "generator",
) -> RenderingGenerator:
    """The authors' networks around a model of the object: 3x3 convolutions with batch norm and ReLU, doubled in size by repeating pixels.

    Kernels are Glorot's, that of the detail N(0, 0.05). Depth and lights reach the middle as they are, the tag twice, at half and at full
    size; the authors give depth, lights and the halved tag two convolutions each.

    Args:
        model: of the object, see `RenderingGenerator`.
        image_shape: `(size, size, 1)`, size 16 times a power of two.
        labels: numbers of a label, the bits included. bits: how many of them are bits.
        appearance_noise: default 50 (the authors').
        pose_noise: default None: the other numbers are uniform, as the latents, where their distribution is known. A number (the authors'
            50): they are predicted from so much noise, and learned through the model.
        filters: default 64 (the authors' n).
        weight: default 15 (the authors'), of the penalties where numbers leave their limits.
        epsilon: of batch norm, default 1e-3 (Keras').
    """
    image_shape = check_image_shape(image_shape, 16, 16)
    size = image_shape[0]
    ups = int(math.log2(size // 16))
    if size != 16 * 2**ups or image_shape[2] != 1:
        raise ValueError(f"Pictures are gray, their size 16 times a power of two. Received: {image_shape!r}.")

    def block(x: Tensor, maps: int, name: str) -> Tensor:
        x = conv(maps, 3, name, use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9, epsilon=epsilon, name=f"{name}_norm")(x)
        return layers.Activation("relu", name=f"{name}_relu")(x)

    def up(x: Tensor, name: str, times: int = 2) -> Tensor:
        return layers.UpSampling2D(times, data_format="channels_last", name=name)(x)

    def picture(side: int, name: str, maps: int = 1) -> Tensor:
        return keras.Input((side, side, maps), name=name)

    quarter, half, n = size // 4, size // 2, filters
    noise, told = keras.Input((appearance_noise,), name="noise"), keras.Input((labels - bits,), name="pose")
    x = layers.Concatenate(name="join")([noise, told])
    width = 2 * n * 2**ups
    x = dense(16 * width, "project", use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.9, epsilon=epsilon, name="project_norm")(x)
    x = layers.Reshape((4, 4, width), name="reshape")(layers.Activation("relu", name="project_relu")(x))
    for level in range(ups):
        width //= 2
        x = up(x, f"up_{level}")
        x = block(block(x, width, f"up_{level}_conv_0"), width, f"up_{level}_conv_1")
    front = keras.Model([noise, told], x, name="front")

    maps, depth = picture(quarter, "maps", 2 * n), picture(quarter, "depth")
    x = layers.Concatenate(name="join")([maps, block(depth, n, "depth_conv")])
    x = layers.MaxPooling2D(2, data_format="channels_last", name="pool")(block(x, n, "conv_0"))
    x = up(block(block(x, n, "conv_1"), n, "conv_2"), "up_0")
    x = block(up(block(x, n, "conv_3"), "up_1"), n, "conv_4")
    fields = []
    for field, low in (("white", 0.1), ("black", 0.1), ("shift", -1.0)):
        # From the middle of their limits: at 0 pictures would start black, and light without a gradient.
        raw = layers.Rescaling(1.0, (low + 1.0) / 2.0, name=f"{field}_middle")(conv(1, 1, field)(x))
        fields.append(up(ClipWithPenalty(low, 1.0, weight, name=f"{field}_limits")(raw), f"{field}_up"))
    light = keras.Model([maps, depth], fields, name="light")

    maps, depth, tag, small = (
        picture(quarter, "maps", 2 * n),
        picture(quarter, "depth"),
        picture(size, "tag"),
        picture(half, "small"),
    )
    lights = [picture(size, field) for field in ("white", "black", "shift")]
    seen = layers.AveragePooling2D(4, data_format="channels_last", name="lights_small")(layers.Concatenate(name="lights")(lights))
    x = up(layers.Concatenate(name="join_quarter")([maps, depth, seen]), "up_half")
    x = layers.Concatenate(name="join_half")([x, small])
    for index in range(3):
        x = block(x, 2 * n, f"half_{index}")
    amount = layers.Flatten(name="flatten", data_format="channels_last")(conv(1, 3, "blur_map")(x))
    amount = layers.Rescaling(1.0, 0.5, name="blur_middle")(dense(1, "blur")(amount))
    amount = ClipWithPenalty(0.0, 1.0, weight, name="blur_limits")(amount)
    x = layers.Concatenate(name="join_whole")([up(x, "up_whole"), tag])
    whole = block(block(x, n, "whole_0"), n, "whole_1")
    background = ClipWithPenalty(-1.0, 1.0, weight, name="background_limits")(conv(1, 3, "background")(whole))
    middle = keras.Model([maps, depth, tag, small, *lights], [amount, background, whole], name="middle")

    inputs = [picture(size, "picture"), *(picture(size, key) for key in ("mask", "tag", "background"))]
    inputs += [picture(size, "maps", n), *(picture(size, key) for key in ("white", "black", "shift"))]
    x = layers.Concatenate(name="join")(inputs)
    for index in range(3):
        x = block(x, n, f"conv_{index}")
    # N(0, 0.05), as only here in the authors' code: narrow networks start with little detail, which would hide the bits.
    raw = conv(1, 3, "detail", initializer=keras.initializers.RandomNormal(stddev=0.05))(x)
    x = ClipWithPenalty(-2.0, 2.0, weight, name="limits")(raw)
    details = keras.Model(inputs, x, name="detail")

    pose = None
    if pose_noise is not None:
        x = inputs = keras.Input((pose_noise,), name="noise")
        for index in range(2):
            x = dense(n, f"hidden_{index}", use_bias=False)(x)
            x = layers.BatchNormalization(momentum=0.9, epsilon=epsilon, name=f"hidden_{index}_norm")(x)
            x = layers.Activation("relu", name=f"hidden_{index}_relu")(dropout(0.25, f"hidden_{index}_dropout")(x))
        gamma = keras.initializers.Constant(0.25)
        x = dense(labels - bits, "numbers")(x)
        x = layers.BatchNormalization(momentum=0.9, epsilon=epsilon, gamma_initializer=gamma, name="numbers_norm")(x)
        pose = keras.Model(inputs, ClipWithPenalty(-1.0, 1.0, weight, name="limits")(x), name="pose")
    given = labels - bits if pose_noise is None else pose_noise
    return RenderingGenerator(model, front, light, middle, details, pose, bits=bits, pose_noise=given, name=name)


def discriminator(image_shape: Sizes, filters: int = 64, epsilon: float = 1e-3, name: str = "discriminator") -> keras.Model:
    """The authors' discriminator: a 5x5 convolution of stride 2, then pairs of 3x3 ones, the first of stride 2, down to 4x4; a dense layer.

    Leaky ReLU 0.2 everywhere, batch norm everywhere but at the input. 64 pixels and 64 filters are the authors'.

    Args:
        image_shape: `(size, size, channels)`, size 4 times a power of two. filters: default 64, doubled with every halving; the dense
            layer has eight times as many units. epsilon: of batch norm, default 1e-3 (Keras').

    Returns:
        `keras.Model` from images to logits `(batch, 1)`.
    """
    image_shape = check_image_shape(image_shape, 8, 8)

    def norm_leaky(x: Tensor, name: str) -> Tensor:
        x = layers.BatchNormalization(momentum=0.9, epsilon=epsilon, name=f"{name}_norm")(x)
        return layers.LeakyReLU(negative_slope=0.2, name=f"{name}_leaky")(x)

    inputs = keras.Input(image_shape, name="images")
    x = layers.LeakyReLU(negative_slope=0.2, name="down_0_leaky")(conv(filters, 5, "down_0", 2)(inputs))
    level = 1
    while x.shape[1] > 4:
        maps = filters * 2**level
        x = norm_leaky(conv(maps, 3, f"down_{level}", 2, use_bias=False)(x), f"down_{level}")
        x, level = norm_leaky(conv(maps, 3, f"conv_{level}", use_bias=False)(x), f"conv_{level}"), level + 1
    x = dense(8 * filters, "hidden", use_bias=False)(layers.Flatten(name="flatten", data_format="channels_last")(x))
    return keras.Model(inputs, dense(1, "logit")(norm_leaky(x, "hidden")), name=name)


def emulator(image_shape: Sizes, labels: int, filters: int = 35, name: str = "emulator") -> keras.Model:
    """The authors' network in place of a renderer without gradients: to be trained on its pictures before the game.

    Dense 512, then 4x4 maps that are doubled in size with two 3x3 convolutions each, ReLU. They minimize the squared error of tag and mask
    and a third of that of the depth (Adam, 75 epochs on a million pictures): `compile(loss="mse", loss_weights=[1, 1, 1 / 3])`.

    Args:
        image_shape: `(size, size, 1)`, size 16 times a power of two. labels: numbers of a label. filters: default 35 (the authors').

    Returns:
        `keras.Model` from labels to `[tag, mask, depth]`, see `RenderingGenerator`. The mask is an output of its own, where the authors
        find it in the tag.
    """
    size = check_image_shape(image_shape, 16, 16)[0]
    x = inputs = keras.Input((labels,), name="labels")
    x = dense(512, "hidden", activation="relu")(x)
    x = layers.Reshape((4, 4, 8 * filters), name="reshape")(dense(128 * filters, "project", activation="relu")(x))
    level, maps, outputs = 0, 8 * filters, {}
    while True:
        for index in range(2):
            x = conv(maps, 3, f"conv_{level}_{index}", activation="relu")(x)
        if x.shape[1] == size // 4:
            outputs["depth"] = conv(1, 3, "depth")(x)
        if x.shape[1] == size:
            break
        x, level = layers.UpSampling2D(2, data_format="channels_last", name=f"up_{level}")(x), level + 1
        maps = max(filters, maps // 2)
    tag, mask = conv(1, 3, "tag", activation="tanh")(x), conv(1, 3, "mask", activation="sigmoid")(x)
    return keras.Model(inputs, [tag, mask, outputs["depth"]], name=name)


def decoder(image_shape: Sizes, bits: int, filters: int = 16, name: str = "decoder") -> keras.Model:
    """A network that reads bits: three convolutions of stride 2 with batch norm and ReLU, a dense layer. For small pictures; no paper's.

    Args:
        image_shape: `(size, size, 1)`. bits: outputs. filters: default 16, doubled twice.

    Returns:
        `keras.Model` from images in [-1, 1] to logits `(batch, bits)`, above 0 for a white cell.
    """
    x = inputs = keras.Input(image_shape, name="images")
    for level in range(3):
        x = conv(filters * 2**level, 5 if level == 0 else 3, f"down_{level}", 2, use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"down_{level}_norm")(x)
        x = layers.Activation("relu", name=f"down_{level}_relu")(x)
    x = dense(16 * filters, "hidden", activation="relu")(layers.Flatten(name="flatten", data_format="channels_last")(x))
    return keras.Model(inputs, dense(bits, "bits")(x), name=name)


def _halved(images: Tensor) -> Tensor:
    return ops.average_pool(images, 2, 2, data_format="channels_last")
