"""The classifier of binary attributes: a judge of labeled images, and the eye of drawn albums."""

import keras
import numpy as np
from keras import layers

from kgan.networks.blocks import conv, dense
from kgan.types import Sizes

_MAPS = (16, 32, 48, 64)
_FEATURES = 64


def attribute_network(image_shape: Sizes, count: int, generator: np.random.Generator) -> keras.Model:
    """Four convolutions 3x3 (16, 32, 48, 64 maps; strides 1, 2, 2, 2; batch normalization, ReLU), a layer of 64 and a logit per attribute.

    Args:
        image_shape: `(height, width, channels)`. count: attributes. generator: `numpy.random.Generator`, of the initial weights.

    Returns:
        `keras.Model` from images to `[features (batch, 64), logits (batch, count)]`.
    """

    def initializer() -> keras.initializers.Initializer:
        return keras.initializers.HeNormal(seed=int(generator.integers(2**31)))

    inputs = x = keras.Input(image_shape, name="images")
    for index, maps in enumerate(_MAPS):
        x = conv(maps, 3, f"conv_{index}", strides=1 if index == 0 else 2, initializer=initializer(), use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"norm_{index}")(x)
        x = layers.ReLU(name=f"relu_{index}")(x)
    x = layers.Flatten(name="flat", data_format="channels_last")(x)
    features = layers.ReLU(name="features")(dense(_FEATURES, "hidden", initializer())(x))
    return keras.Model(inputs, [features, dense(count, "logits", initializer())(features)], name="attributes")
