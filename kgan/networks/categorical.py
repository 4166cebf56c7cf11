"""The classifier of categorical GANs: Springenberg, ICLR 2016, arXiv 1511.06390, for vectors (permutation-invariant MNIST)."""

import keras
from keras import layers

from kgan.networks import blocks
from kgan.networks.blocks import Nonlinearity, activation, dense
from kgan.types import Sizes


def classifier(
    data_shape: Sizes,
    classes: int,
    hidden: Sizes = (1000, 500, 250, 250, 250),
    noise: float = 0.3,
    nonlinearity: Nonlinearity = 0.1,
    initializer: str = "glorot_uniform",
    epsilon: float = 1e-3,
    name: str = "discriminator",
) -> keras.Model:
    """Dense layers with batch norm, Gaussian noise on the input and in front of every batch norm.

    Args:
        data_shape: shape of one example. classes: number of logits.
        hidden: units, default (1000, 500, 250, 250, 250) (a public re-implementation's, after the paper's appendix).
        noise: standard deviation, default 0.3 (as there).
        nonlinearity: default 0.1: leaky ReLU of this slope (the paper's).
        initializer: of all kernels. epsilon: default 1e-3 (Keras'), of batch norm.

    Returns:
        `keras.Model` from `(batch, *data_shape)` to logits `(batch, classes)`. It must see real and generated examples apart: of a mixed
        batch the statistics tell which is which.
    """
    x = inputs = keras.Input(data_shape, name="examples")
    x = layers.Flatten(name="flatten", data_format="channels_last")(x)
    x = blocks.noise(noise, "noise_input")(x)
    for index, units in enumerate(hidden):
        x = dense(units, f"hidden_{index}", initializer)(x)
        x = blocks.noise(noise, f"noise_{index}")(x)
        x = layers.BatchNormalization(momentum=0.9, epsilon=epsilon, name=f"norm_{index}")(x)
        x = activation(nonlinearity, f"activation_{index}")(x)
    return keras.Model(inputs, dense(classes, "logits", initializer)(x), name=name)
