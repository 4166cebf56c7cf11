"""Networks that predict frames: Bhattacharjee and Das, NIPS 2017 (Table 1); small ones of this project.

Clips are `(frames, height, width, channels)`; inside, frames lie in the channels of one picture. Initial weights are Keras' (the paper
does not say).
"""

from collections.abc import Sequence

import keras
from keras import layers

from kgan.networks.blocks import activation, conv, dense
from kgan.types import Sizes, Tensor

COARSE: tuple[tuple[int, int, int], ...] = ((64, 5, 1), (128, 3, 1), (256, 3, 2), (128, 3, 1), (64, 5, 1))
FINE: tuple[tuple[int, int, int], ...] = ((64, 5, 1), (128, 5, 2), (256, 5, 1), (512, 5, 2), (256, 5, 1), (128, 5, 1), (64, 5, 1))
"""The paper's generators: maps, kernel, and by how much the maps are enlarged after each convolution."""
SMALL_COARSE: tuple[tuple[int, int, int], ...] = ((32, 5, 1), (48, 3, 2), (32, 3, 1), (32, 4, 1))
SMALL_FINE: tuple[tuple[int, int, int], ...] = ((24, 5, 1), (24, 5, 1), (24, 5, 1))
"""This project's, which two cores train in minutes."""
COARSE_JUDGE = (((64, 3), (128, 5), (256, 5)), (1024, 512))
FINE_JUDGE = (((128, 7), (256, 5), (512, 5), (256, 5), (128, 5)), (1024, 512))
"""The paper's discriminators: maps and kernels of convolutions of stride 2, units of dense layers."""
SMALL_JUDGE = (((16, 4), (32, 4)), (64,))


def stage(
    past: Sizes,
    frames: int,
    maps: Sequence[tuple[int, int, int]] = SMALL_COARSE,
    guess: bool = False,
    residual: bool = False,
    name: str = "coarse_generator",
) -> keras.Model:
    """One stage: convolutions with ReLU, enlargements by repeating pixels, strided convolutions that undo them; tanh.

    Args:
        past: `(frames, height, width, channels)` of the clip it sees.
        frames: how many it predicts.
        maps: `(maps, kernel, enlargement)` of every convolution but the last, which makes the frames with kernel 5. As many of those that
            follow enlargements have stride 2 as undo them, the last first.
        guess: default False. True: takes `[past, guess]`, a guess at the frames as well, as the second stage does.
        residual: default False, the paper's: frames are drawn anew, tanh at the end. True: what is predicted is the change from the last
            frame seen, cut to [-1, 1].

    Returns:
        `keras.Model` from clips to clips `(batch, frames, height, width, channels)` in [-1, 1].
    """
    _, height, width, channels = past
    seen = keras.Input(tuple(past), name="past")
    given = [seen, keras.Input((frames, height, width, channels), name="guess")] if guess else [seen]
    x = side_by_side(given[0], "past_maps")
    if guess:
        x = layers.Concatenate(name="past_and_guess")([x, side_by_side(given[1], "guess_maps")])
    undo = sum(enlargement > 1 for _, _, enlargement in maps)
    for index, (filters, kernel, enlargement) in enumerate(maps):
        strides = 2 if index >= len(maps) - undo else 1
        x = activation("relu", f"activation_{index}")(conv(filters, kernel, f"conv_{index}", strides=strides)(x))
        if enlargement > 1:
            x = layers.UpSampling2D(enlargement, data_format="channels_last", name=f"enlarge_{index}")(x)
    x = conv(frames * channels, 5, "output", activation=None if residual else "tanh")(x)
    x = layers.Reshape((height, width, frames, channels), name="split")(x)
    x = layers.Permute((3, 1, 2, 4), name="clip")(x)
    if residual:
        last = layers.Cropping3D(((past[0] - 1, 0), (0, 0), (0, 0)), data_format="channels_last", name="last_frame")(seen)
        still = layers.Concatenate(axis=1, name="still")([last] * frames) if frames > 1 else last
        x = layers.Activation("hard_tanh", name="frames")(layers.Add(name="changed")([still, x]))
    return keras.Model(given if guess else seen, x, name=name)


def side_by_side(clip: Tensor, name: str) -> Tensor:
    """A clip as one picture, its frames in the channels: `(batch, height, width, frames * channels)`."""
    frames, height, width, channels = clip.shape[1:]
    turned = layers.Permute((2, 3, 1, 4), name=f"{name}_last")(clip)
    return layers.Reshape((height, width, frames * channels), name=name)(turned)


def judge(
    frame: Sizes,
    maps: Sequence[tuple[int, int]] = SMALL_JUDGE[0],
    units: Sequence[int] = SMALL_JUDGE[1],
    name: str = "coarse_discriminator",
) -> keras.Model:
    """The discriminator of single frames: convolutions of stride 2, dense layers, leaky ReLU 0.2.

    Args:
        frame: `(height, width, channels)`.
        maps: `(maps, kernel)` of the convolutions. units: of the dense layers.

    Returns:
        `keras.Model` from frames to logits `(batch, 1)`; what its last layer sees are the features that coherence is measured in.
    """
    x = inputs = keras.Input(tuple(frame), name="frame")
    for index, (filters, kernel) in enumerate(maps):
        x = activation(0.2, f"activation_{index}")(conv(filters, kernel, f"conv_{index}", strides=2)(x))
    x = layers.Flatten(name="flat", data_format="channels_last")(x)
    for index, count in enumerate(units):
        x = activation(0.2, f"dense_activation_{index}")(dense(count, f"dense_{index}")(x))
    return keras.Model(inputs, dense(1, "logit")(x), name=name)
