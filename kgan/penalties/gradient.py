"""Penalties on the gradient of the discriminator's score with respect to its input.

Pure functions first; then the terms a family adds to its discriminator's loss.
"""

import keras
from keras import ops

from kgan.backend import full_precision, input_gradient
from kgan.penalties.penalty import Penalty

# Keeps the square root differentiable where a gradient is exactly zero; invisible in float32 beside any norm above 1e-6.
_NORM_EPSILON = 1e-12


def gradient_norm(score, points):
    """Norm of the gradient of a score at each point, over all axes but the first.

    Args:
        score: callable from `(batch, ...)` to one score per example, not mixing examples.
        points: float tensor of shape `(batch, ...)`.

    Returns:
        Tensor of shape `(batch,)`, differentiable in the weights behind `score`.
    """
    gradient = full_precision(input_gradient(score, points))
    axes = tuple(range(1, len(gradient.shape)))
    return ops.sqrt(ops.sum(ops.square(gradient), axis=axes) + _NORM_EPSILON)


def gradient_penalty(score, points, target=1.0, one_sided=False):
    """Squared distance of the gradient norm from a target, per point.

    `(||grad_x score(x)||_2 - target)^2`, Gulrajani et al. 2017, 1704.00028, Eq. 3; one-sided (appendix C)
    `max(0, ||grad|| - target)^2`.

    Args:
        score: callable from `(batch, ...)` to one score per example; batch normalisation in it makes the result wrong.
        points: float tensor of shape `(batch, ...)`; treated as constant.
        target: float, default 1.0 (the paper's).
        one_sided: bool, default False (the paper's): also penalise norms below the target.

    Returns:
        Tensor of shape `(batch,)`, float32: the penalty at each point, without weight.

    Example: a linear score of gradient norm 5 gives 16 everywhere.

    >>> from keras import ops
    >>> import kgan
    >>> linear = lambda x: x @ ops.convert_to_tensor([[3.0], [4.0]])
    >>> [float(p) for p in kgan.penalties.gradient_penalty(linear, ops.ones((2, 2)))]
    [16.0, 16.0]
    """
    excess = gradient_norm(score, ops.stop_gradient(ops.convert_to_tensor(points))) - target
    return ops.square(ops.relu(excess) if one_sided else excess)


def r1_penalty(score, real):
    """Squared gradient norm at real points, Mescheder et al. 2018, 1801.04406, Eq. 9, without the factor gamma/2.

    Args and returns as for `gradient_penalty`; the shape is `(batch,)`.
    """
    gradient = full_precision(input_gradient(score, ops.stop_gradient(ops.convert_to_tensor(real))))
    return ops.sum(ops.square(gradient), axis=tuple(range(1, len(gradient.shape))))


def interpolate(real, fake, seed=None):
    """Points on the straight lines between paired examples, one mixing weight from U[0, 1] per example (1704.00028, Alg. 1).

    Args:
        real, fake: tensors of one shape `(batch, ...)`, paired by index.
        seed: int, `keras.random.SeedGenerator` or None.

    Returns:
        float32 tensor of the same shape, `weight * real + (1 - weight) * fake`.
    """
    real, fake = full_precision(real, fake)
    if tuple(real.shape[1:]) != tuple(fake.shape[1:]):
        raise ValueError(
            f"Real and generated examples must have one shape. Received: real {tuple(real.shape)}, fake {tuple(fake.shape)}."
        )
    shape = (ops.shape(real)[0],) + (1,) * (len(real.shape) - 1)
    weight = ops.cast(keras.random.uniform(shape, dtype="float32", seed=seed), real.dtype)
    return weight * real + (1.0 - weight) * fake


@keras.saving.register_keras_serializable("kgan")
class GradientPenalty(Penalty):
    """The WGAN-GP term: `weight * E (||grad D(x^)||_2 - target)^2` at points between real and generated examples.

    Gulrajani et al. 2017, 1704.00028, Eq. 3. Departures from the paper: none.

    Args:
        weight: float, default 10.0 (the paper's lambda).
        target: float, default 1.0 (the paper's).
        one_sided: bool, default False (the paper's).

    Example:
    >>> import kgan
    >>> model = kgan.GAN(data_shape=(2,), objective="wasserstein", penalties=[kgan.penalties.GradientPenalty(10.0)])
    """

    name = "gradient_penalty"

    def __init__(self, weight=10.0, target=1.0, one_sided=False):
        super().__init__(weight)
        self.target = target
        self.one_sided = one_sided

    def __call__(self, model, real, fake):
        points = interpolate(real, fake, model.seed_generator)
        return self.weight * ops.mean(gradient_penalty(model.score, points, self.target, self.one_sided))

    def get_config(self):
        return {**super().get_config(), "target": self.target, "one_sided": self.one_sided}


@keras.saving.register_keras_serializable("kgan")
class R1(Penalty):
    """The R1 term: `weight / 2 * E ||grad D(x)||^2` at real examples, Mescheder et al. 2018, 1801.04406, Eq. 9.

    Args:
        weight: float, default 10.0 (the paper's gamma for images).
    """

    name = "r1"

    def __init__(self, weight=10.0):
        super().__init__(weight)

    def __call__(self, model, real, fake):
        return 0.5 * self.weight * ops.mean(r1_penalty(model.score, real))
