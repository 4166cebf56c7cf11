"""Convolutions that see no later pixel: van den Oord et al. 2016, arXiv 1601.06759 and 1606.05328; PixelCNN++, 1701.05517.

Pixels come in raster order, row by row from the top, every row from the left.
"""

from typing import Any

import keras
from keras import layers, ops

from kgan.arguments import Count, Counts
from kgan.layers.checked_input import CheckedInput
from kgan.types import Config, Sizes, Tensor

STACKS = ("vertical", "horizontal")


@keras.saving.register_keras_serializable("kgan")
class MaskedConv2D(CheckedInput, layers.Conv2D):
    """A convolution whose window ends at its own pixel. The masked part of the kernel is not there, rather than multiplied by 0.

    A vertical stack sees the rows down to the pixel's own, all columns around it; a horizontal one the rows down to it, and the columns up
    to its own. `strict` (mask A, of the first layer) leaves out the own row, or the own column, so that no pixel sees itself. Vertical
    layers alone, the first of them strict, know of an image the rows above a pixel; horizontal ones add its row up to it: together they
    have no blind spot.

    Args:
        filters: maps of the output.
        kernel_size: `(rows, columns)` of what is seen; columns odd in a vertical stack.
        stack: "vertical" or "horizontal".
        strict: default False (mask B).
        strides: default 1. 2 halves the maps: output (r, c) sees no pixel behind (2 r, 2 c).
        **kwargs: of `keras.layers.Conv2D`, such as `kernel_initializer`, `use_bias`, `name`.

    Input shape: `(batch, rows, columns, channels)`. Output shape: the same with `filters` channels, sizes divided by `strides` and rounded
    up.

    Raises:
        ValueError: for another stack, a vertical kernel of an even number of columns.

    Example: the first row of a strict vertical layer sees nothing.

    >>> import keras, kgan
    >>> layer = kgan.layers.MaskedConv2D(4, (2, 3), "vertical", strict=True)
    >>> float(keras.ops.max(keras.ops.abs(layer(keras.ops.ones((1, 5, 5, 1)))[:, 0])))
    0.0
    """

    axes = (4, 4)
    words = "(batch, rows, columns, channels)"
    fixed_arguments = ("padding", "data_format", "dilation_rate", "groups")

    def __init__(
        self,
        filters: Count,
        kernel_size: Counts,
        stack: str = "vertical",
        strict: bool = False,
        strides: Count = 1,
        **kwargs: Any,
    ) -> None:
        if len(kernel_size) != 2:
            raise ValueError(f"`kernel_size` of MaskedConv2D must be two integers, rows and columns. Received: {kernel_size!r}.")
        if stack not in STACKS:
            raise ValueError(f"`stack` of MaskedConv2D must be one of {', '.join(STACKS)}. Received: {stack!r}.")
        if stack == "vertical" and kernel_size[1] % 2 == 0:
            raise ValueError(
                f"`kernel_size` of MaskedConv2D needs an odd number of columns in a vertical stack. Received: {kernel_size!r}."
            )
        super().__init__(filters, tuple(kernel_size), strides, padding="valid", data_format="channels_last", **kwargs)
        self.stack = stack
        self.strict = strict

    def build(self, input_shape: Sizes) -> None:
        # The kernel may be larger than the maps, which are padded; Keras would refuse that.
        rows, columns = self.kernel_size
        grown = (input_shape[0], *(None if n is None else n + rows + columns for n in input_shape[1:3]), input_shape[3])
        super().build(grown)

    def call(self, inputs: Tensor) -> Tensor:
        return self.over(self.pad_columns(self.pad_rows(inputs)))

    def pad_rows(self, inputs: Tensor) -> Tensor:
        """Rows of 0 above, so many that a window ends where it may."""
        shift = int(self.strict and self.stack == "vertical")
        padded = ops.pad(inputs, ((0, 0), (self.kernel_size[0] - 1 + shift, 0), (0, 0), (0, 0)))
        return padded[:, :-1] if shift else padded

    def pad_columns(self, inputs: Tensor) -> Tensor:
        """Columns of 0 on the left, and on the right of a vertical stack."""
        columns = self.kernel_size[1]
        if self.stack == "vertical":
            return ops.pad(inputs, ((0, 0), (0, 0), (columns // 2, columns // 2), (0, 0)))
        padded = ops.pad(inputs, ((0, 0), (0, 0), (columns - 1 + int(self.strict), 0), (0, 0)))
        return padded[:, :, :-1] if self.strict else padded

    def over(self, windows: Tensor) -> Tensor:
        """The convolution of maps that are padded already, or of one window."""
        return super().call(windows)

    def compute_output_shape(self, input_shape: Sizes) -> tuple[int | None, ...]:
        sizes = (None if n is None else -(-n // s) for n, s in zip(input_shape[1:3], self.strides, strict=True))
        return (input_shape[0], *sizes, self.filters)

    def get_config(self) -> Config:
        config = {name: value for name, value in super().get_config().items() if name not in self.fixed_arguments}
        return {**config, "strides": self.strides[0], "stack": self.stack, "strict": self.strict}


@keras.saving.register_keras_serializable("kgan")
class GatedMaskedConv2D(CheckedInput):
    """One layer of the gated PixelCNN (1606.05328, figure 2): a vertical and a horizontal stack, the first feeding the second.

    With W the masked convolutions of 2F maps, split into a and b, and V c the offsets of a context c,

        v' = tanh(a) s(b)                  of  W_v v + V_v c
        h' = h + U [tanh(a) s(b)]          of  W_h h + N (W_v v) + V_h c + m,

    N and U 1x1 convolutions, m the bias of N; W and U have their own, V none. The first layer is strict and has no residual connection:
    that would hand on the pixel.

    Args:
        filters: F.
        kernel_width: odd; k // 2 rows above and columns on the left are seen, in layers that are not the first the own ones too.
        first: default False. True: mask A.

    Call: `[v, h]` or `[v, h, context]`, maps `(batch, rows, columns, channels)`, in the first layer the images for both; the context has
    sizes that broadcast to these, such as (batch, 1, 1, size). Returns `[v', h']`.

    Raises:
        ValueError: for an even kernel, or a kernel of 1 in the first layer, which would see nothing.

    Example:
    >>> import keras, kgan
    >>> x = keras.ops.ones((2, 5, 5, 1))
    >>> v, h = kgan.layers.GatedMaskedConv2D(4, 3, first=True)([x, x])
    >>> tuple(v.shape), tuple(h.shape)
    ((2, 5, 5, 4), (2, 5, 5, 4))
    """

    def __init__(self, filters: Count, kernel_width: Count = 3, first: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if kernel_width % 2 == 0 or (first and kernel_width < 3):
            raise ValueError(
                f"`kernel_width` of GatedMaskedConv2D must be odd, and in the first layer at least 3. Received: {kernel_width!r}."
            )
        self.filters, self.kernel_width, self.first = filters, kernel_width, first
        seen, double = kernel_width // 2 + (0 if first else 1), 2 * filters
        policy = self.dtype_policy
        self.down = MaskedConv2D(double, (seen, kernel_width), "vertical", strict=first, dtype=policy, name="down")
        self.right = MaskedConv2D(double, (1, seen), "horizontal", strict=first, dtype=policy, name="right")
        self.across = layers.Dense(double, dtype=policy, name="across")
        self.out = layers.Dense(filters, dtype=policy, name="out")
        self.gate = Gate("tanh", dtype=policy, name="gate")
        self.down_context = layers.Dense(double, use_bias=False, dtype=policy, name="down_context")
        self.right_context = layers.Dense(double, use_bias=False, dtype=policy, name="right_context")

    def build(self, input_shape: Any) -> None:
        vertical, horizontal, *context = input_shape
        self.down.build(vertical)
        self.right.build(horizontal)
        self.across.build((*vertical[:-1], 2 * self.filters))
        self.out.build((*horizontal[:-1], self.filters))
        for shape in context:
            self.down_context.build(shape)
            self.right_context.build(shape)

    def call(self, inputs: list[Tensor]) -> list[Tensor]:
        vertical, horizontal, *context = inputs
        vertical, down = self.vertical(self.down(vertical), *context)
        return [vertical, self.horizontal(self.right(horizontal), down, horizontal)]

    def vertical(self, down: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        """`v'`, and what goes across to the horizontal stack, from `W_v v`."""
        across = self.across(down)
        for one in context:
            down, across = down + self.down_context(one), across + self.right_context(one)
        return self.gate(down), across

    def horizontal(self, right: Tensor, across: Tensor, before: Tensor) -> Tensor:
        """`h'` from `W_h h`, what comes across, and h."""
        out = self.out(self.gate(right + across))
        return out if self.first else before + out

    def compute_output_shape(self, input_shape: Any) -> list[tuple[int | None, ...]]:
        return [(*input_shape[0][:-1], self.filters)] * 2

    def get_config(self) -> Config:
        return {**super().get_config(), "filters": self.filters, "kernel_width": self.kernel_width, "first": self.first}


@keras.saving.register_keras_serializable("kgan")
class Gate(CheckedInput):
    """The first half of the channels times the sigmoid of the second: `a s(b)` (1701.05517), or `tanh(a) s(b)` (1606.05328).

    Args:
        activation: name of a Keras activation, of a; default None: linear.

    Input shape: `(batch, ..., 2 F)`. Output shape: `(batch, ..., F)`.

    Example:
    >>> import keras, kgan
    >>> float(kgan.layers.Gate()(keras.ops.convert_to_tensor([[3.0, 0.0]]))[0, 0])
    1.5
    """

    axes = (2, None)
    words = "(batch, ..., channels), an even number of channels"

    def __init__(self, activation: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        try:
            self.activation = keras.activations.get(activation)
        except ValueError as error:
            raise ValueError(
                f"`activation` of Gate must be the name of one of Keras' activations. Received: {activation!r}."
            ) from error

    def build(self, input_shape: Sizes) -> None:
        if input_shape[-1] is not None and input_shape[-1] % 2:
            raise ValueError(f"Gate {self.name!r} takes {self.words}. Received the shape {tuple(input_shape)}.")

    def call(self, inputs: Tensor) -> Tensor:
        content, gate = ops.split(inputs, 2, axis=-1)
        return self.activation(content) * ops.sigmoid(gate)

    def compute_output_shape(self, input_shape: Sizes) -> tuple[int | None, ...]:
        return (*input_shape[:-1], input_shape[-1] // 2)

    def get_config(self) -> Config:
        return {**super().get_config(), "activation": keras.activations.serialize(self.activation)}
