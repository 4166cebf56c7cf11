"""Sine and cosine of every map: numbers modulo a period."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("kgan")
class Waves(keras.layers.Layer):
    """`[sin x, cos x]` along the last axis.

    What follows sees x modulo 2 pi, without the jump a remainder has. A reader of hidden messages needs it: where a message moves a number by
    less than the pictures' own spread, only the number's place within a short period can tell it (quantisation index modulation, Chen and
    Wornell 2001).

    Input shape: `(..., maps)`. Output shape: `(..., 2 maps)`.

    Example:
    >>> import math, keras, kgan
    >>> [round(float(v), 3) for v in kgan.layers.Waves()(keras.ops.convert_to_tensor([0.0, math.pi / 2]))]
    [0.0, 1.0, 1.0, 0.0]
    """

    def call(self, inputs):
        return ops.concatenate([ops.sin(inputs), ops.cos(inputs)], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 2 * input_shape[-1])
