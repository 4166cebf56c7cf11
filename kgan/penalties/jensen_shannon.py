"""Noise on the examples, to first order in its variance: Roth, Lucchi, Nowozin, Hofmann, NIPS 2017, arXiv 1705.09367."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from kgan.arguments import Level
from kgan.backend import full_precision, value_and_gradients
from kgan.objectives.f_divergences import FDivergence
from kgan.penalties.gradient import refuse_batch_norm
from kgan.penalties.penalty import Penalty, Scored
from kgan.types import Tensor


def logits_and_slopes(score: Callable[[Tensor], Tensor], examples: Tensor) -> tuple[Tensor, Tensor]:
    """A discriminator's logits and the squared norms of their gradients in the examples, of one forward pass: both `(batch,)`, float32.

    Args:
        score: callable from examples to one logit each, which must not mix them.
        examples: tensor `(batch, ...)`, treated as a constant.
    """

    def total(tensors: list[Tensor]) -> tuple[Tensor, Tensor]:
        logits = ops.reshape(full_precision(score(tensors[0])), (-1,))
        return ops.sum(logits), logits

    (_, logits), (gradient,) = value_and_gradients(total, [ops.convert_to_tensor(examples)], differentiable=True)
    gradient = full_precision(gradient)
    return logits, ops.sum(ops.square(gradient), axis=tuple(range(1, len(gradient.shape))))


@keras.saving.register_keras_serializable("kgan")
class JensenShannonRegularizer(Penalty):
    """`weight / 2 * (E_P [(1 - phi)^2 ||grad l||^2] + E_Q [phi^2 ||grad l||^2])`, l the logit and `phi = sigmoid(l)` (Eq. 20).

    What training on examples with Gaussian noise of variance `weight` adds to the discriminator's loss, to first order in the variance,
    without drawing noise. Real examples that are taken for real, and generated ones taken for generated, cost nothing. The means are taken
    over real and generated examples separately; no gradient is stopped at the weights `phi`; logits and gradients are of one forward pass.

    Works in every family of one logit per example whose discriminator has no batch norm, meant for the objectives "non_saturating" and
    "minimax". For `kgan.FGAN`: `FDivergenceRegularizer`.

    Args:
        weight: the paper's gamma, a variance in squared units of the data, per coordinate, default 0.1 (the code's). Often a schedule:
            `kgan.optimizers.HoldThenDecay(2.0, rounds, hold=0.0, factor=0.01)` is the annealing of the authors' README.

    Raises:
        ValueError: for a negative weight, for batch norm in the discriminator, which the authors have in some of theirs.

    Example:
    >>> import kgan
    >>> falling = kgan.optimizers.HoldThenDecay(2.0, 1000, hold=0.0)
    >>> model = kgan.GAN((2,), penalties=[kgan.penalties.JensenShannonRegularizer(falling)], seed=0)
    """

    name = "js_regularizer"

    def __init__(self, weight: Level = 0.1) -> None:
        super().__init__(weight)

    def check(self, discriminator: keras.Model) -> None:
        refuse_batch_norm(self, discriminator)

    def __call__(self, model: Any, scored: Scored) -> Tensor:
        real, real_slopes = logits_and_slopes(scored.score_of(model), scored.real)
        fake, fake_slopes = logits_and_slopes(scored.score_of(model), scored.fake)
        cost = ops.mean(ops.square(ops.sigmoid(-real)) * real_slopes) + ops.mean(ops.square(ops.sigmoid(fake)) * fake_slopes)
        return 0.5 * self.weight_in(model) * cost


@keras.saving.register_keras_serializable("kgan")
class FDivergenceRegularizer(Penalty):
    """`weight / 2 * E_Q [f*''(T) ||grad T||^2]` over generated examples, for the f-divergence that the model minimizes (Eq. 19).

    With `T = g(V)` this is `curvature(V) ||grad V||^2`, computed from V in closed form (`kgan.objectives.FDivergence.curvature`): the
    conjugate's second derivative alone overflows where T nears the end of its domain. For "gan" it is `E_Q [phi ||grad l||^2]`, which
    equals Eq. 20 at the optimal discriminator, and only there.

    Args:
        weight: as in `JensenShannonRegularizer`, default 0.1.

    Raises:
        ValueError: for an objective that is no `FDivergence`; for "total_variation", whose conjugate is linear, so that the term is 0.

    Example:
    >>> import kgan
    >>> model = kgan.FGAN((2,), divergence="pearson", penalties=[kgan.penalties.FDivergenceRegularizer(0.1)], seed=0)
    """

    name = "f_regularizer"

    def __init__(self, weight: Level = 0.1) -> None:
        super().__init__(weight)

    def check(self, discriminator: keras.Model) -> None:
        refuse_batch_norm(self, discriminator)

    def __call__(self, model: Any, scored: Scored) -> Tensor:
        objective = model.objective
        if not isinstance(objective, FDivergence) or objective.config["divergence"] == "total_variation":
            raise ValueError(
                "FDivergenceRegularizer belongs to an objective kgan.objectives.FDivergence other than total variation, whose conjugate "
                f"has no curvature. Received: {objective.name!r}; for the losses of `kgan.GAN` take JensenShannonRegularizer."
            )
        outputs, slopes = logits_and_slopes(scored.score_of(model), scored.fake)
        return 0.5 * self.weight_in(model) * ops.mean(objective.curvature(outputs) * slopes)
