"""Dualing GANs with networks for discriminators: Li, Schwing, Wang, Zemel, NIPS 2017, arXiv 1706.06216, section 3.2."""

from typing import Any

import keras
from keras import ops

from kgan import backend, objectives
from kgan.arguments import Count, Level, NonNegative, Shape
from kgan.engine import Observation, Terms
from kgan.families.bases.generative import Makers
from kgan.families.gan import GAN, count_of
from kgan.networks import mlp
from kgan.optimizers import checked_level, level_at
from kgan.penalties import directional_derivative, opponent_gradient
from kgan.penalties.gradient import refuse_mixing
from kgan.types import Sizes, Tensor

LINEARIZATIONS = ("cost", "scores")


@keras.saving.register_keras_serializable("kgan")
class TrustRegionDualingGAN(GAN):
    """A generator against a network whose inner problem is solved in a model of it, within a ball around its present weights.

    The discriminator of weights w and scores F minimizes, over n examples of each kind,
    `f(w) = C/2 ||w||^2 + 1/(2n) sum sp(-F(w, x)) + 1/(2n) sum sp(F(w, G(z)))`, half of the usual cost and an L2 term, sp softplus. Around w
    it is replaced by a model that is convex in the step s, with `1/2 ||s||^2 <= trust_region`:

    - "cost": `f(w) + s.grad f(w)`. The best step is `-sqrt(2 trust_region) grad f / ||grad f||`, and the generator climbs what is left,
      `f(w) - sqrt(2 trust_region) ||grad f(w)||`, in which the norm depends on its samples;
    - "scores": f of the scores `F(w, x) + s.grad F(w, x)`, a logistic regression on the gradients of scores. The generator climbs its value
      at the best s, which is held fixed: the exact gradient of the value, that of its dual with fixed variables.

    The discriminator's move is the best step; the generator's follows on the same examples and fresh noise, against the discriminator that
    has moved. The gradient of no single example is formed.

    It is a minimax game, and saturates: it learns points and small pictures, but on 28-pixel digits the discriminator is sure within 500
    rounds, and the generator has no slope left to climb.

    Args:
        data_shape: shape of one example, `(features,)` or `(height, width, channels)` for images in [-1, 1].
        linearization: "cost" (default) or "scores".
        trust_region: default 0.01 (ours), the paper's Delta, > 0, a number or a schedule over rounds. Steps "cost" are all of the length
            `sqrt(2 trust_region)`: they do not die out, unless a schedule makes them.
        regularization: default 1e-3 (ours), C; over all trainable weights of the discriminator.
        inner_steps: default 8, with "scores": each two derivatives of the scores, in each of the moves.
        generator, discriminator: networks of your own; no batch norm in the discriminator, with "scores" no dropout. Default: two layers
            of 64 tanh each for points; for images 256 and 256 ReLU under batch norm in the generator, 256 and 128 leaky ReLU in the
            discriminator.
        latent_size: default 4 for points, 64 for images.
        **kwargs: of `kgan.GAN`.

    Input of `fit`, output of `generate`: as `kgan.GAN`.

    Logs: `discriminator/cost`, f before the step; `discriminator/real_logit`, `discriminator/fake_logit`; `discriminator/step_length`, and
    with "scores" `discriminator/duality_gap`, f of the model at the step found minus its dual, 0 where the step is the best.
    `generator/adversarial`, and with "cost" `generator/opponent_gradient`; their sum is minus the value of the model.

    Default optimizers: plain descent of rate 1 for the discriminator, whose gradient is the negative step; Adam(1e-3, beta_1 0.5) for the
    generator, ours.

    Raises:
        ValueError: for another linearization, a trust region of 0, batch norm or noise in the discriminator, networks of other shapes.

    Departures from the paper: it solves the dual of the scores' model by a general solver; here the step is found by conditional gradients
    in the primal, which has the same optimum. Radii, C and sizes are ours.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.TrustRegionDualingGAN((2,), seed=0)
    >>> model.compile()
    >>> points = np.random.default_rng(0).normal(size=(128, 2)).astype("float32")
    >>> history = model.fit(points, batch_size=64, verbose=0)
    >>> round(float(history.history["discriminator/step_length"][-1]), 4)
    0.1414
    """

    fixed_arguments = (*GAN.fixed_arguments, *GAN.unconditional, "objective", "penalties", "joint_batch", "generator_batch")

    def __init__(
        self,
        data_shape: Shape | None = None,
        *,
        linearization: str = "cost",
        trust_region: Level = 0.01,
        regularization: NonNegative = 1e-3,
        inner_steps: Count = 8,
        latent_size: Count | None = None,
        **kwargs: Any,
    ) -> None:
        if linearization not in LINEARIZATIONS:
            raise ValueError(f"`linearization` must be one of {LINEARIZATIONS}. Received: {linearization!r}.")
        if trust_region == 0:
            raise ValueError("`trust_region` must be > 0: within a ball of radius 0 nothing moves.")
        super().__init__(
            data_shape,
            own_networks=lambda shape, _: _networks(shape, latent_size),
            latent_size=latent_size,
            objective="minimax",
            **kwargs,
        )
        self.linearization = linearization
        self.trust_region = checked_level("trust_region", trust_region)
        self.regularization = regularization
        self.inner_steps = inner_steps
        refuse_mixing(type(self).__name__, self.discriminator)
        if linearization == "scores":
            _refuse_noise(self.discriminator)

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {"discriminator": keras.optimizers.SGD(1.0), "generator": keras.optimizers.Adam(1e-3, beta_1=0.5, epsilon=1e-8)}

    # The model around the present weights ----------------------------------------------------------------------------

    def scores(self, examples: Tensor) -> Tensor:
        """F, `(n,)`, of what the discriminator sees: a move draws noise once, for scores and their slopes belong to the same points."""
        return ops.reshape(backend.full_precision(self.discriminator(examples, training=self.in_training)), (-1,))

    def cost(self, real: Tensor, fake: Tensor) -> Tensor:
        """The cost f at the present weights."""
        return objectives.local_cost(self._weights(), self.scores(real), self.scores(fake), self.regularization)

    def best_step(self, real: Tensor, fake: Tensor) -> Tensor:
        """The step at which the model is least within the ball, a constant."""
        if self.linearization == "cost":
            _, gradients = self._cost_and_gradients(real, fake)
            return ops.stop_gradient(-self._longest() * backend.flat(gradients) / _norm(gradients))
        return objectives.local_step(
            lambda s: (self._slopes(real, s), self._slopes(fake, s)),
            lambda u, v: self._pulled(real, fake, u, v),
            self._weights(),
            self.scores(real),
            self.scores(fake),
            self.regularization,
            level_at(self.trust_region, self.rounds),
            self.inner_steps,
        )

    def duality_gap(self, real: Tensor, fake: Tensor, step: Tensor) -> Tensor:
        """The model of linear scores at a step, minus its dual at the variables that belong to the step; 0 at the best one."""
        weights, real_scores, fake_scores = self._weights(), self.scores(real), self.scores(fake)
        real_ends, fake_ends = real_scores + self._slopes(real, step), fake_scores + self._slopes(fake, step)
        u, v = ops.sigmoid(-real_ends), ops.sigmoid(fake_ends)
        count = 2.0 * ops.cast(ops.shape(u)[0], u.dtype)
        pull = self._pulled(real, fake, u / count, -v / count)
        radius = level_at(self.trust_region, self.rounds)
        dual = objectives.local_dual(u, v, pull, weights, real_scores, fake_scores, self.regularization, radius)
        return objectives.local_cost(weights + step, real_ends, fake_ends, self.regularization) - dual

    def _weights(self) -> Tensor:
        return backend.flat([ops.convert_to_tensor(v) for v in self.discriminator.trainable_variables])

    def _longest(self) -> Tensor:
        """The length of a step to the end of the ball."""
        return ops.sqrt(2.0 * ops.cast(level_at(self.trust_region, self.rounds), "float32"))

    def _cost_and_gradients(self, real: Tensor, fake: Tensor) -> tuple[Tensor, list[Tensor]]:
        return opponent_gradient(lambda: self.cost(real, fake), self.discriminator.trainable_variables)

    def _slopes(self, examples: Tensor, step: Tensor) -> Tensor:
        """`step.grad F` of every example."""
        variables = self.discriminator.trainable_variables
        return directional_derivative(lambda: self.scores(examples), variables, backend.split_like(step, variables))

    def _pulled(self, real: Tensor, fake: Tensor, real_weights: Tensor, fake_weights: Tensor) -> Tensor:
        """The weighted sum of all examples' gradients."""

        def total() -> Tensor:
            return ops.sum(real_weights * self.scores(real)) + ops.sum(fake_weights * self.scores(fake))

        return backend.flat(opponent_gradient(total, self.discriminator.trainable_variables)[1])

    # The game --------------------------------------------------------------------------------------------------------

    def _both(self, real: Any) -> tuple[Tensor, Tensor]:
        """Real and generated examples as the discriminator sees them in this move."""
        real, fake = self.perturbed([ops.convert_to_tensor(real), self.generated(count_of(real))])
        return real, fake

    def discriminator_loss(self, real: Any) -> Terms:
        real, fake = self._both(real)
        step = self.best_step(real, fake)
        # A term of value 0 whose gradient is the negative step: what descent of rate 1 makes of it is the step itself.
        weights = self._weights()
        push = -ops.sum((weights - ops.stop_gradient(weights)) * step)
        real_scores, fake_scores = self.scores(real), self.scores(fake)
        cost = objectives.local_cost(weights, real_scores, fake_scores, self.regularization)
        seen = {
            "real_logit": Observation(ops.mean(real_scores)),
            "fake_logit": Observation(ops.mean(fake_scores)),
            "step_length": Observation(_norm([step])),
        }
        if self.linearization == "scores":
            seen["duality_gap"] = Observation(self.duality_gap(real, fake, step))
        return {"cost": ops.stop_gradient(cost) + push, **seen}

    def generator_loss(self, real: Any) -> Terms:
        real, fake = self._both(real)
        if self.linearization == "cost":
            value, gradients = self._cost_and_gradients(real, fake)
            return {"adversarial": -value, "opponent_gradient": self._longest() * _norm(gradients)}
        step = self.best_step(real, ops.stop_gradient(fake))
        real_ends, fake_ends = (self.scores(x) + self._slopes(x, step) for x in (real, fake))
        return {"adversarial": -objectives.local_cost(self._weights() + step, real_ends, fake_ends, self.regularization)}


def _refuse_noise(discriminator: keras.Model) -> None:
    for layer in backend.all_layers(discriminator):
        if getattr(layer, "seed_generator", None) is not None:
            raise ValueError(
                f"The layer {layer.name!r} of the discriminator draws noise, anew at every look, but the model of linear scores is of one "
                'function, looked at many times. Leave it out, or take `linearization="cost"`.'
            )


def _norm(tensors: Any) -> Tensor:
    # The root has no slope at 0.
    return ops.sqrt(sum(ops.sum(ops.square(t)) for t in tensors) + 1e-12)


def _networks(shape: Sizes, latent_size: int | None) -> Makers:
    if len(shape) == 3:
        return {
            "generator": lambda: mlp.generator(shape, latent_size or 64, (256, 256), batch_norm=True, output_activation="tanh"),
            "discriminator": lambda: mlp.discriminator(shape, (256, 128), 0.2),
        }
    return {
        "generator": lambda: mlp.generator(shape, latent_size or 4, (64, 64), "tanh"),
        "discriminator": lambda: mlp.discriminator(shape, (64, 64), "tanh"),
    }
