"""Networks of control: a Gaussian policy, and perceptrons of states and actions, in the sizes of GAIL."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers

from kgan.layers import LearnedConstant
from kgan.networks.blocks import activation, dense
from kgan.types import Sizes, Tensor

Statistics = Sequence[float] | None


def _body(size: int, hidden: Sizes, center: Statistics, scale: Statistics) -> tuple[Tensor, Tensor]:
    """Input and last hidden layer. The first numbers of the input are centered and scaled, the others left as they are."""
    x = inputs = keras.Input((size,), name="inputs")
    if center is not None or scale is not None:
        means, stds = np.zeros(size), np.ones(size)
        means[: len(center or ())] = center or 0.0
        stds[: len(scale or ())] = scale or 1.0
        x = layers.Normalization(mean=means.tolist(), variance=np.square(stds).tolist(), name="normalization")(x)
    for index, units in enumerate(hidden):
        x = activation("tanh", f"activation_{index}")(dense(units, f"hidden_{index}")(x))
    return inputs, x


def gaussian_policy(
    inputs: int,
    actions: int,
    hidden: Sizes = (64, 64),
    log_std: float = -0.5,
    center: Statistics = None,
    scale: Statistics = None,
    name: str = "policy",
) -> keras.Model:
    """Means of actions by a perceptron, and standard deviations that do not depend on the state.

    Args:
        inputs: numbers of an observation, and of the intention behind it. actions: numbers of an action.
        hidden: units of the hidden layers, tanh.
        log_std: default -0.5: logarithm of the standard deviations at the start.
        center, scale: mean and standard deviation of the first inputs, which are brought to 0 and 1; default None: not.

    Returns:
        `keras.Model` from `(batch, inputs)` to `(batch, 2 actions)`: means, then logarithms of standard deviations.
    """
    given, x = _body(inputs, hidden, center, scale)
    # A policy starts in the middle of its box, where no action is cut off.
    small = keras.initializers.VarianceScaling(0.01, "fan_avg", "uniform")
    means = dense(actions, "means", small)(x)
    spread = LearnedConstant(actions, log_std, name="log_std")(given)
    return keras.Model(given, layers.Concatenate(name="parameters")([means, spread]), name=name)


def perceptron(
    inputs: int,
    outputs: int = 1,
    hidden: Sizes = (64, 64),
    center: Statistics = None,
    scale: Statistics = None,
    name: str = "discriminator",
) -> keras.Model:
    """A discriminator or posterior of states and actions, or a value of states: tanh layers and a linear one.

    Args:
        inputs: numbers of a state and what stands behind it. outputs: 1 for a logit or a value, the number of intentions for a posterior.
        hidden, center, scale: as in `gaussian_policy`.

    Returns:
        `keras.Model` from `(batch, inputs)` to `(batch, outputs)`.
    """
    given, x = _body(inputs, hidden, center, scale)
    return keras.Model(given, dense(outputs, "outputs")(x), name=name)
