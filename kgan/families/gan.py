"""Generative adversarial networks: Goodfellow et al., NIPS 2014, arXiv 1406.2661; and the base of two-player families."""

import itertools
import warnings
from collections.abc import Callable, Container
from typing import Any, ClassVar

import keras
from keras import ops

from kgan import backend, objectives
from kgan.arguments import Count, Function, Level, Listed, Network, Shape, shown
from kgan.engine import Move, Observation, Terms, Turn
from kgan.families.bases.generative import GenerativeModel, Makers, given_or_built
from kgan.layers import MinibatchDiscrimination, MinibatchStdDev
from kgan.networks import mlp, with_features
from kgan.optimizers import checked_level, level_at
from kgan.penalties import Penalty, Scored
from kgan.types import Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class GAN(GenerativeModel):
    """A generator against a discriminator.

    The discriminator moves first, `discriminator_steps` times per round, each time on a fresh minibatch and fresh noise; then the
    generator, once, on fresh noise (Algorithm 1). With the default objective, the non-saturating one of section 3:
    `L_D = E sp(-l(x)) + E sp(l(G(z)))` (Eq. 1) and `L_G = E sp(-l(G(z)))`, where l is the discriminator's logit and sp softplus.

    Most two-player systems are this class with other arguments.

    Args:
        data_shape: shape of one example: `(features,)`, or `(height, width, channels)` for images in [-1, 1]. May be left
            out when `discriminator` is given.
        generator: `keras.Model` from `(batch, latent_size)` to examples. Default: two hidden layers of 128 ReLU; tanh output
            for images.
        discriminator: `keras.Model` from examples to logits `(batch, 1)`, higher = more real. Default: two hidden layers of
            128 ReLU; for images with dropout of 0.3 before each (the paper's discriminator has it too): without, it learns
            some hundred images by heart, and the generator falls apart after some ten thousand rounds.
        objective: `kgan.objectives.Objective` or its name, default "non_saturating" (the paper's choice in practice);
            "minimax" is the value function itself.
        penalties: sequence of `kgan.penalties.Penalty`, added to the discriminator's loss, each a term of its own; of
            one kind several, the second as `gradient_penalty_2`.
        instance_noise: default 0: standard deviation of Gaussian noise on everything that the discriminator sees in training, real and
            generated, drawn anew at every look, in both players' moves (Arjovsky and Bottou 2017, 1701.04862, section 3). A number, or
            a schedule that falls over the rounds: `keras.optimizers.schedules.PolynomialDecay(0.5, rounds, 0.0)` is linear to 0,
            `kgan.optimizers.HoldThenDecay` exponential. In units of the data, per coordinate: what counts is `sigma sqrt(d)` beside
            the distance of real from generated examples. Penalties see the noisy points too; evaluation has no noise.
        discriminator_steps: default 1 (the paper's k).
        latent_size: default 128; taken from `generator` if that is given.
        prior: distribution of the latents, default `kgan.priors.Normal()`. The paper's MNIST network uses
            `Uniform(-sqrt(3), sqrt(3))`.
        generator_batch: default 1: generated examples in the generator's move, in multiples of the minibatch.
        joint_batch: default False. True: give the discriminator real and generated examples in one forward pass. Faster, and the
            same mathematics for networks without batch statistics; with batch normalization it lets the discriminator tell them
            apart by their mixture, and the generator collapses.
        simultaneous: default False. True: both players move at one point on the same noise, as in the authors' code.
        seed, name, dtype: as in `kgan.AdversarialModel`.

    A family hands on what it builds in place of networks not given as `own_networks`, `(shape, latent_size) -> role to a function that
    makes the network`, and the penalties that its loss has by itself as `own_penalties`; its users' `penalties` come on top.

    Input of `fit`: examples `(batch, *data_shape)`, float32; labels beside them are ignored. Output of `generate`:
    `(count, *data_shape)`.

    Logs: `discriminator/adversarial`, `discriminator/<penalty>`, `discriminator/real_logit`, `discriminator/fake_logit` (means),
    `generator/adversarial`.

    Raises:
        ValueError: for contradictory shapes, a discriminator without exactly one output, data of another shape or range.

    Departures from the paper: Adam(2e-4, beta_1 0.5) for images, 1e-3 for points, instead of momentum SGD with its schedule, and small
    networks, suited to small data; the published MNIST networks are
    `kgan.networks.mlp.generator(..., (1200, 1200))` and `maxout_discriminator`.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.GAN(data_shape=(2,), latent_size=2, seed=0)
    >>> model.compile()
    >>> points = np.random.default_rng(0).normal(size=(256, 2)).astype("float32")
    >>> history = model.fit(points, batch_size=64, epochs=1, verbose=0)
    >>> model.generate(5, seed=1).shape
    (5, 2)
    """

    fixed_arguments: tuple[str, ...] = ("own_networks", "own_penalties")
    project: Callable[[Tensor], Tensor] | None = None
    """Where a family defines it: callable `(value) -> value` on every weight of the discriminator after its moves."""
    discriminator_players: ClassVar[tuple[str, ...]] = ("discriminator",)
    """What moves in the discriminator's move; a family adds the networks that move with it."""

    def __init__(
        self,
        data_shape: Shape | None = None,
        *,
        generator: Network | None = None,
        discriminator: Network | None = None,
        latent_size: Count | None = None,
        objective: objectives.ObjectiveLike = "non_saturating",
        penalties: Listed = (),
        instance_noise: Level = 0.0,
        own_networks: Function | None = None,
        own_penalties: Listed = (),
        discriminator_steps: Count = 1,
        generator_batch: Count = 1,
        joint_batch: bool = False,
        simultaneous: bool = False,
        **kwargs: Any,
    ) -> None:
        latents, build = self.latents_of(generator, latent_size), own_networks or _networks
        shape, generator, discriminator = given_or_built(
            data_shape, {"generator": generator, "discriminator": discriminator}, lambda shape: build(shape, latents)
        )
        # A shape of a family's own name has a default, which networks overrule.
        if data_shape is not None and tuple(data_shape) != shape and "data_shape" not in self.fixed_arguments:
            raise ValueError(f"The discriminator takes examples of shape {shape}, the data have {tuple(data_shape)}.")
        super().__init__(shape, generator=generator, **kwargs)
        self.objective = objectives.get(objective)
        self.penalties = list(penalties)
        self.instance_noise = checked_level("instance_noise", instance_noise, falling=True)
        self.all_penalties = [*own_penalties, *penalties]
        if simultaneous and discriminator_steps != 1:
            raise ValueError("`simultaneous` moves both players once per round; leave `discriminator_steps` at 1.")
        self.discriminator_steps = discriminator_steps
        self.generator_batch = generator_batch
        self.joint_batch = joint_batch
        self.simultaneous = simultaneous
        self.discriminator = discriminator
        self._check_networks()
        self._check_penalties()
        if joint_batch:
            self._warn_of_mixing()
        # Behind a method, so that Keras does not list the discriminator's layers a second time.
        tapped = any(penalty.needs_features for penalty in self.all_penalties)
        self._tapped: Any = with_features(self.discriminator).__call__ if tapped else None

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        rate = 2e-4 if len(self.data_shape) == 3 else 1e-3
        return {move: keras.optimizers.Adam(rate, beta_1=0.5, epsilon=1e-8) for move in ("discriminator", "generator")}

    def _check_networks(self) -> None:
        for player in (self.generator, self.discriminator):
            if not player.built:
                raise ValueError(f"The network {player.name!r} is not built. Call it on an example or give it an Input.")
        produced = tuple(self.generator.compute_output_shape((None, self.latent_size)))[1:]
        if produced != self.data_shape:
            raise ValueError(f"The generator makes examples of shape {produced}, the data have {self.data_shape}.")
        self._check_logits(self._logits_shape())

    def _check_penalties(self) -> None:
        if not all(isinstance(penalty, Penalty) for penalty in self.penalties):
            raise TypeError(
                f"`penalties` must hold kgan.penalties, such as GradientPenalty(10.0). Received: {shown(self.penalties)}."
            )
        for penalty in self.all_penalties:
            penalty.check(self.discriminator)

    def _warn_of_mixing(self) -> None:
        mixing = (keras.layers.BatchNormalization, MinibatchDiscrimination, MinibatchStdDev)
        if any(isinstance(layer, mixing) for layer in backend.all_layers(self.discriminator)):
            warnings.warn(
                "With `joint_batch` a discriminator that looks at the whole batch tells real from generated examples by their "
                "mixture, and the generator collapses. Leave `joint_batch` at False.",
                stacklevel=3,
            )

    def _logits_shape(self) -> tuple[int | None, ...]:
        """The shape of the discriminator's output; a family whose discriminator takes more than examples says so here."""
        return tuple(self.discriminator.compute_output_shape((None, *self.data_shape)))

    def _check_logits(self, shape: tuple[int | None, ...]) -> None:
        if shape[1:] not in ((1,), ()):
            raise ValueError(f"The discriminator must return one logit per example, (batch, 1). Received: {shape}.")

    # The game --------------------------------------------------------------------------------------------------------

    def turns(self) -> tuple[Turn, ...]:
        discriminator = Move("discriminator", self.discriminator_players, self.discriminator_loss, self.project)
        generator = Move("generator", ("generator",), self.generator_loss)
        if self.simultaneous:
            return (Turn((discriminator, generator)),)
        return (
            Turn((discriminator,), repeats=self.discriminator_steps),
            Turn((generator,), fresh=False, when=self.generator_due),
        )

    @property
    def generator_due(self) -> Callable[[], Tensor] | None:
        """Where a family defines it: callable `() -> boolean scalar`, whether the generator moves in this round."""
        return None

    def discriminator_loss(self, real: Any) -> Terms:
        # No gradient is stopped: the engine differentiates the moved weights alone, and rules over both players' gradients need the
        # way from one player to the other.
        return self.discriminator_terms(self.score_both(real, self.generated(count_of(real))))

    def discriminator_terms(self, scored: Scored) -> Terms:
        """Terms and observations of the discriminator's move from scored examples."""
        terms = {"adversarial": self.objective.discriminator(scored.real_logits, scored.fake_logits)}
        observed = {
            "real_logit": Observation(ops.mean(scored.real_logits)),
            "fake_logit": Observation(ops.mean(scored.fake_logits)),
        }
        for penalty in self.all_penalties:
            terms[_free_name(penalty.name, {*terms, *observed})] = penalty(self, scored)
        return {**terms, **observed}

    def generator_loss(self, real: Any) -> Terms:
        fake = self.generated(count_of(real) * self.generator_batch)
        return {"adversarial": self.objective.generator(self.score(fake))}

    def score(self, examples: Tensor) -> Any:
        """The discriminator's logits, `(batch, 1)`."""
        return self.discriminator(self.noisy(examples), training=self.in_training)

    def score_generated(self, fake: Tensor) -> Any:
        """The logits of generated examples in the discriminator's move, where they do not pass together with real ones."""
        return self.score(fake)

    def noisy(self, examples: Any) -> Any:
        """What the discriminator sees of examples (a tensor, or a nest of them): themselves, in training with `instance_noise`."""
        if self.instance_noise == 0.0 or not self.in_training:
            return examples
        level = level_at(self.instance_noise, self.rounds)

        def blurred(one: Tensor) -> Tensor:
            noise = keras.random.normal(ops.shape(one), dtype="float32", seed=self.seed_generator)
            return one + ops.cast(level * noise, one.dtype)

        return keras.tree.map_structure(blurred, examples)

    def score_with_features(self, examples: Tensor) -> tuple[Tensor, Tensor]:
        """The logits, and the input of the discriminator's last layer."""
        features, logits = self._tapped(self.noisy(examples), training=self.in_training)
        return logits, features

    def score_both(self, real: Tensor, fake: Tensor) -> Scored:
        """The `kgan.penalties.Scored` examples: real and generated ones in one forward pass of the discriminator or in two."""
        if self._tapped is not None:
            real_logits, features = self.score_with_features(real)
            return Scored(real, fake, real_logits, self.score_generated(fake), features)
        if not self.joint_batch:
            return Scored(real, fake, self.score(real), self.score_generated(fake))
        logits = self.score(ops.concatenate([ops.cast(real, fake.dtype), fake]))
        return Scored(real, fake, logits[: count_of(real)], logits[count_of(real) :])


def _networks(shape: Sizes, latents: int) -> Makers:
    images = len(shape) == 3
    return {
        "generator": lambda: mlp.generator(shape, latents, output_activation="tanh" if images else None),
        # Pictures are few beside what a discriminator can learn by heart; it has dropout in the paper too.
        "discriminator": lambda: mlp.discriminator(shape, dropout=0.3 if images else 0.0),
    }


def _free_name(name: str, taken: Container[str]) -> str:
    """The name, or with a number where another term has it: two terms of one name would be one."""
    numbered = (f"{name}_{n}" for n in itertools.count(2))
    return next(free for free in itertools.chain([name], numbered) if free not in taken)


def count_of(examples: Tensor) -> Any:
    """Number of examples in a batch: an int where it is known, else a scalar tensor."""
    return examples.shape[0] if examples.shape[0] is not None else ops.shape(examples)[0]
