"""Augmentations that change how a picture looks and not what it says: Sixt, Wild, Landgraf, 2016, arXiv 1611.01331 (RenderGAN).

Pictures are `(batch, height, width, 1)` in [-1, 1], what they say in white and black; a network learns the rest of what goes in.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from kgan.arguments import Checked, NonNegative, Positive
from kgan.backend import full_precision
from kgan.layers.checked_input import CheckedInput
from kgan.layers.gaussian_blur import blurred, high_pass
from kgan.types import Config, Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class ClipWithPenalty(CheckedInput):
    """Cuts numbers to `[low, high]`, where they have no gradient outside, and adds a loss that brings them back (Eq. 7 and 8).

    The loss is `weight * mean(max(low - x, 0) + max(x - high, 0))`, by `add_loss`: in a game of kgan it counts in the moves of the network
    that the layer is in, as the term `regularization`.

    Args:
        low, high: the limits. weight: default 15 (the authors' gamma).

    Example:
    >>> import keras, kgan
    >>> layer = kgan.layers.ClipWithPenalty(0.0, 1.0)
    >>> [float(x) for x in layer(keras.ops.convert_to_tensor([[-0.5, 0.5, 1.0, 3.0]]))[0]], float(layer.losses[0])
    ([0.0, 0.5, 1.0, 1.0], 9.375)
    """

    def __init__(self, low: float, high: float, weight: Positive = 15.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not low < high:
            raise ValueError(f"`low` of ClipWithPenalty must be below `high`. Received: {low!r}, {high!r}.")
        self.low, self.high, self.weight = low, high, weight

    def call(self, inputs: Tensor) -> Tensor:
        x = full_precision(inputs)
        self.add_loss(self.weight * ops.mean(ops.relu(self.low - x) + ops.relu(x - self.high)))
        return ops.clip(inputs, self.low, self.high)

    def compute_output_shape(self, input_shape: Sizes) -> Sizes:
        return tuple(input_shape)

    def get_config(self) -> Config:
        return {**super().get_config(), "low": self.low, "high": self.high, "weight": self.weight}


class _Augmentation(Checked, keras.layers.Layer):
    """Base: a list of pictures, the first of which is augmented."""

    takes: tuple[str, ...] = ()

    def build(self, input_shape: Any) -> None:
        first = (
            tuple(input_shape[0][1:]) if isinstance(input_shape, (list, tuple)) and len(input_shape) == len(self.takes) else ()
        )
        numbers = ((1,),) if "amounts" in self.takes else ()
        if len(first) != 3 or any(tuple(shape[1:]) not in (first, *numbers) for shape in input_shape[1:]):
            raise ValueError(
                f"{type(self).__name__} {self.name!r} takes [{', '.join(self.takes)}], pictures (batch, height, width, channels) of one "
                f"size{', amounts (batch, 1)' if numbers else ''}. Received the shapes {input_shape}."
            )
        self.built = True

    def compute_output_shape(self, input_shape: Any) -> Sizes:
        return tuple(input_shape[0])


@keras.saving.register_keras_serializable("kgan")
class LearnedBlur(_Augmentation):
    """`(1 - a) (x - b(x)) + b(x)` of `[pictures, amounts]`, b a Gaussian blur (Eq. 3): an amount of 0 changes nothing, 1 is all blur.

    Args: sigma: default 2 (the authors'), in pixels.
    """

    takes = ("pictures", "amounts")

    def __init__(self, sigma: Positive = 2.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sigma = sigma

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        images, amounts = inputs
        soft = blurred(images, self.sigma)
        return (1.0 - ops.reshape(amounts, (-1, 1, 1, 1))) * (images - soft) + soft

    def get_config(self) -> Config:
        return {**super().get_config(), "sigma": self.sigma}


@keras.saving.register_keras_serializable("kgan")
class Lighting(_Augmentation):
    """`x b(s_w) W(x) + x b(s_b) (1 - W(x)) + b(t)` of `[pictures, s_w, s_b, t]`: light on white, on black, and on all (Eq. 4).

    W is 1 where the picture is above 0, without a gradient; b a Gaussian blur, so that light changes slowly. Scales in [0.1, 1] keep black
    darker than white.

    Args: sigma: default 2.5 (the authors'), in pixels.
    """

    takes = ("pictures", "white", "black", "shift")

    def __init__(self, sigma: Positive = 2.5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sigma = sigma

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        images, *fields = inputs
        white, black, shift = (blurred(field, self.sigma) for field in fields)
        is_white = ops.cast(ops.stop_gradient(images) > 0, images.dtype)
        return images * (white * is_white + black * (1.0 - is_white)) + shift

    def get_config(self) -> Config:
        return {**super().get_config(), "sigma": self.sigma}


@keras.saving.register_keras_serializable("kgan")
class LearnedBackground(_Augmentation):
    """`x (1 - B) + d B` of `[pictures, d, B]`: what is around the object, B its mask, 1 where the object is not (Eq. 5).

    Args: soften: default 0.66 (the authors' code), by which B is softened; 0 for none.
    """

    takes = ("pictures", "background", "mask")

    def __init__(self, soften: NonNegative = 0.66, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.soften = soften

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        images, background, mask = inputs
        mask = blurred(mask, self.soften) if self.soften else mask
        return images * (1.0 - mask) + background * mask

    def get_config(self) -> Config:
        return {**super().get_config(), "soften": self.soften}


@keras.saving.register_keras_serializable("kgan")
class LearnedDetail(_Augmentation):
    """`x + h(d)` of `[pictures, d]`, h three times `d <- d - b(d)`, b a Gaussian blur (Eq. 6): what is too small to change a cell.

    Args: sigma: default 3.5 (the authors', for tags of some 48 pixels with cells of 8), in pixels.
    """

    takes = ("pictures", "detail")

    def __init__(self, sigma: Positive = 3.5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sigma = sigma

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        images, detail = inputs
        return images + high_pass(detail, self.sigma, 3)

    def get_config(self) -> Config:
        return {**super().get_config(), "sigma": self.sigma}
