"""Inputs that a layer cannot take, refused by its name before a backend stumbles over them."""

from typing import Any

import keras

from kgan.arguments import Checked


class CheckedInput(Checked, keras.layers.Layer):
    """Base of layers: arguments of the constructor are checked (`kgan.arguments`), and what the layer is called with.

    Attributes:
        axes: the least and the largest number of axes of an input; None for no limit.
        words: the input as an error describes it.
    """

    axes: tuple[int, int | None] = (1, None)
    words = "(batch, ...)"

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        shape, dtype = getattr(inputs, "shape", None), getattr(inputs, "dtype", None)
        if shape is not None and dtype is not None:
            least, most = self.axes
            if not least <= len(shape) <= (len(shape) if most is None else most) or 0 in tuple(shape):
                raise ValueError(f"{type(self).__name__} {self.name!r} takes {self.words}. Received the shape {tuple(shape)}.")
            if not self.takes(keras.backend.standardize_dtype(dtype)):
                raise TypeError(f"{type(self).__name__} {self.name!r} takes floating numbers. Received {dtype}; cast them first.")
        return super().__call__(inputs, *args, **kwargs)

    def takes(self, dtype: str) -> bool:
        """Whether inputs may be of a dtype, a str."""
        return keras.backend.is_float_dtype(dtype)
