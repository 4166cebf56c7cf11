"""Penalties on the gradient of the discriminator's score with respect to its input.

Pure functions first; then the terms a family adds to its discriminator's loss.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from kgan.arguments import Level, NonNegative, Positive
from kgan.backend import all_layers, full_precision, input_gradient
from kgan.penalties import regions
from kgan.penalties.penalty import Penalty, Scored
from kgan.types import Config, Tensor

# Keeps the square root differentiable where a gradient is exactly zero; invisible in float32 beside any norm above 1e-6.
_NORM_EPSILON = 1e-12


def gradient_norm(score: Callable[[Tensor], Tensor], points: Tensor) -> Tensor:
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


def gradient_penalty(score: Callable[[Tensor], Tensor], points: Tensor, target: float = 1.0, one_sided: bool = False) -> Tensor:
    """Squared distance of the gradient norm from a target, per point.

    `(||grad_x score(x)||_2 - target)^2`, Gulrajani et al. 2017, 1704.00028, Eq. 3; one-sided (appendix C)
    `max(0, ||grad|| - target)^2`.

    Args:
        score: callable from `(batch, ...)` to one score per example; batch normalization in it makes the result wrong.
        points: float tensor of shape `(batch, ...)`; treated as constant.
        target: default 1.0 (the paper's).
        one_sided: default False (the paper's): also penalize norms below the target.

    Returns:
        Tensor of shape `(batch,)`, float32: the penalty at each point, without weight.

    Example: a linear score of gradient norm 5 gives 16 everywhere.

    >>> from keras import ops
    >>> import kgan
    >>> linear = lambda x: x @ ops.convert_to_tensor([[3.0], [4.0]])
    >>> [float(p) for p in kgan.penalties.gradient_penalty(linear, ops.ones((2, 2)))]
    [16.0, 16.0]
    """
    excess = gradient_norm(score, ops.convert_to_tensor(points)) - target
    return ops.square(ops.relu(excess) if one_sided else excess)


def r1_penalty(score: Callable[[Tensor], Tensor], real: Tensor) -> Tensor:
    """Squared gradient norm at real points, Mescheder et al. 2018, 1801.04406, Eq. 9, without the factor gamma/2.

    Args and returns as for `gradient_penalty`; the shape is `(batch,)`.
    """
    gradient = full_precision(input_gradient(score, ops.convert_to_tensor(real)))
    return ops.sum(ops.square(gradient), axis=tuple(range(1, len(gradient.shape))))


@keras.saving.register_keras_serializable("kgan")
class GradientPenalty(Penalty):
    """A gradient penalty on the discriminator's logit: `weight * E (||grad l(x^)||_2 - target)^2` at points x^ of a region.

    By default the WGAN-GP term, between real and generated examples (Gulrajani et al. 2017, 1704.00028, Eq. 3); around a
    non-saturating objective the same is GAN-GP (Fedus et al. 2018, 1710.08446). The other regions are DRAGAN's (Kodali et al. 2017,
    1705.07215), around real examples only.

    Args:
        weight: default 10.0 (lambda of both papers).
        target: default 1.0 (both papers').
        one_sided: default False; True penalizes only norms above the target (appendix C of 1704.00028).
        region: "interpolate" (default), "gaussian" (DRAGAN's formula), "symmetric" (compare_gan's form of it) or "one_quadrant" (the
            authors' notebook); see `kgan.penalties.regions`.
        variance: of the noise of "gaussian" and required for it: the paper's c, in squared units of the data.

    Raises:
        ValueError: for a discriminator with batch normalization, which mixes examples so that per-example gradients are wrong; for
            an unknown region, or a variance where none is used.

    Departures from the papers: none.

    Example:
    >>> import kgan
    >>> model = kgan.GAN(data_shape=(2,), objective="wasserstein", penalties=[kgan.penalties.GradientPenalty(10.0)])
    """

    name = "gradient_penalty"

    def __init__(
        self,
        weight: Level = 10.0,
        target: NonNegative = 1.0,
        one_sided: bool = False,
        region: str = "interpolate",
        variance: Positive | None = None,
    ) -> None:
        super().__init__(weight)
        if region not in regions.NAMES:
            raise ValueError(f"`region` must be one of {regions.NAMES}. Received: {region!r}.")
        if (region == "gaussian") != (variance is not None and variance > 0):
            raise ValueError(
                'The region "gaussian" needs `variance` > 0, in squared units of the data; the others take none. '
                f"Received: region={region!r}, variance={variance!r}."
            )
        self.target = target
        self.one_sided = one_sided
        self.region = region
        self.variance = variance

    def check(self, discriminator: keras.Model) -> None:
        refuse_batch_norm(self, discriminator)

    def __call__(self, model: Any, scored: Scored) -> Tensor:
        x = regions.points(self.region, scored.real, scored.fake, self.variance, model.seed_generator)
        return self.weight_in(model) * ops.mean(gradient_penalty(scored.score_of(model), x, self.target, self.one_sided))

    def get_config(self) -> Config:
        own = {name: getattr(self, name) for name in ("target", "one_sided", "region", "variance")}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("kgan")
class R1(Penalty):
    """The R1 term: `weight / 2 * E ||grad D(x)||^2` at real examples, Mescheder et al. 2018, 1801.04406, Eq. 9.

    Args:
        weight: default 10.0 (the paper's gamma for images).
    """

    name = "r1"

    def __init__(self, weight: Level = 10.0) -> None:
        super().__init__(weight)

    def check(self, discriminator: keras.Model) -> None:
        refuse_batch_norm(self, discriminator)

    def __call__(self, model: Any, scored: Scored) -> Tensor:
        return 0.5 * self.weight_in(model) * ops.mean(r1_penalty(scored.score_of(model), scored.real))


def refuse_batch_norm(penalty: Penalty, discriminator: keras.Model) -> None:
    """Refuse a discriminator that mixes the examples of a batch, where the penalty has a weight."""
    if penalty.weight:
        refuse_mixing(type(penalty).__name__, discriminator)


def refuse_mixing(name: str, discriminator: keras.Model) -> None:
    """Refuse batch norm for what of this name differentiates single examples."""
    for layer in all_layers(discriminator):
        if isinstance(layer, keras.layers.BatchNormalization):
            raise ValueError(
                f"{name} needs the gradient of each example alone, but the layer {layer.name!r} of the "
                "discriminator is BatchNormalization, which mixes the batch. Use LayerNormalization or none."
            )
