"""Generative adversarial networks: Goodfellow et al., NIPS 2014, arXiv 1406.2661; and the base of two-player families."""

import itertools
import warnings
from collections.abc import Callable, Container
from typing import Any, ClassVar

import keras
from keras import ops

from kgan import backend, objectives
from kgan.arguments import Classes, Count, Function, Level, Listed, Network, Shape, shown
from kgan.augmentations import augmented, checked_policies
from kgan.conditioning import Joined, takes_labels
from kgan.engine import Move, Observation, Terms, Turn
from kgan.families.bases.conditional import Conditional, Ways, conditioned, ways_of
from kgan.families.bases.generative import Makers, first_of, given_or_built
from kgan.layers import MinibatchDiscrimination, MinibatchStdDev
from kgan.networks import mlp, with_features
from kgan.optimizers import checked_level, level_at
from kgan.penalties import Penalty, Scored
from kgan.types import Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class GAN(Conditional):
    """A generator against a discriminator.

    The discriminator moves first, `discriminator_steps` times per round, each time on a fresh minibatch and fresh noise; then the
    generator, once, on fresh noise (Algorithm 1). With the default objective, the non-saturating one of section 3:
    `L_D = E sp(-l(x)) + E sp(l(G(z)))` (Eq. 1) and `L_G = E sp(-l(G(z)))`, where l is the discriminator's logit and sp softplus.

    With `classes` the game is conditional (section 7; Mirza and Osindero 2014, 1411.1784): the generator is asked for examples of a
    class, and the discriminator knows, or must tell, which it is. The generated examples of a minibatch are of the classes of its real
    ones, in both moves.

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
        augment: default "", nothing. For few pictures: "color,translation,cutout", or some of these: differentiable augmentation (Zhao et
            al. 2020, 2006.10738) of every picture that the discriminator sees in training, real and generated, in both players' moves;
            see `kgan.augmentations`. Penalties see the transformed pictures too; evaluation and samples do not.
        discriminator_steps: default 1 (the paper's k).
        latent_size: default 128, for points as many as a point has numbers, two at least (with 128 the ring of eight falls into one
            mode); taken from `generator` if that is given.
        prior: distribution of the latents, default `kgan.priors.Normal()`. The paper's MNIST network uses
            `Uniform(-sqrt(3), sqrt(3))`.
        generator_batch: default 1: generated examples in the generator's move, in multiples of the minibatch.
        joint_batch: default False. True: give the discriminator real and generated examples in one forward pass. Faster, and the
            same mathematics for networks without batch statistics; with batch normalization it lets the discriminator tell them
            apart by their mixture, and the generator collapses.
        simultaneous: default False. True: both players move at one point on the same noise, as in the authors' code.
        classes: default None: not conditional. A number of classes, or a list of their names, which are kept with the model.
        conditioning: with `classes`, how the networks know them: a way to judge of `kgan.conditioning` (`Joined()`, `Projection()`,
            `AuxiliaryClassifier()`), or its name ("joined", "projection", "auxiliary"), or a pair `(way in, way to judge)`. Default: the
            family's; here `(Joined(), Joined())`, the class as so many numbers, one of them 1, beside the input of both networks.
            Networks of your own must be conditional already.
        seed, name, dtype: as in `kgan.AdversarialModel`.

    A family hands on what it builds in place of networks not given as `own_networks`, `(shape, latent_size) -> role to a function that
    makes the network`, the penalties that its loss has by itself as `own_penalties`, and its way to be conditional as `own_conditioning`,
    `(shape) -> (way in, way to judge)`; its users' `penalties` come on top. One without a conditional form puts `unconditional` among its
    `fixed_arguments`.

    Input of `fit`: examples `(batch, *data_shape)`, float32; with `classes` also their labels, integers `(batch,)` in [0, classes), one
    class each; else labels are ignored. Output of `generate`: `(count, *data_shape)`; with `classes`, `condition` is a class, by its number
    or name, a list of `count` classes, or None: every class as likely as the others.

    Logs: `discriminator/adversarial`, `discriminator/<penalty>`, `discriminator/real_logit`, `discriminator/fake_logit` (means),
    `generator/adversarial`; those of `kgan.conditioning.AuxiliaryClassifier`.

    Raises:
        ValueError: for contradictory shapes, a discriminator without exactly one output, data of another shape or range, labels that are
            missing or no classes.

    Departures from the paper: Adam(2e-4, beta_1 0.5) for images, 1e-3 for points, instead of momentum SGD with its schedule, and small
    networks, suited to small data; the published MNIST networks are
    `kgan.networks.mlp.generator(..., (1200, 1200))` and `maxout_discriminator`. The conditional networks of 1411.1784 have hidden layers
    of their own for latents and classes; here both enter one layer.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.GAN(data_shape=(2,), latent_size=2, seed=0)
    >>> model.compile()
    >>> points = np.random.default_rng(0).normal(size=(256, 2)).astype("float32")
    >>> history = model.fit(points, batch_size=64, epochs=1, verbose=0)
    >>> model.generate(5, seed=1).shape
    (5, 2)
    """

    fixed_arguments: tuple[str, ...] = ("own_networks", "own_penalties", "own_conditioning")
    unconditional: ClassVar[tuple[str, ...]] = ("classes", "conditioning")
    """Arguments that a family without a conditional form does not have."""
    project: Callable[[Tensor], Tensor] | None = None
    """Where a family defines it: callable `(value) -> value` on every weight of the discriminator after its moves."""
    discriminator_players: ClassVar[tuple[str, ...]] = ("discriminator",)
    """What moves in the discriminator's move; a family adds the networks that move with it."""
    generator_players: ClassVar[tuple[str, ...]] = ("generator",)
    """The same of the generator's move."""

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
        augment: str = "",
        own_networks: Function | None = None,
        own_penalties: Listed = (),
        own_conditioning: Function | None = None,
        discriminator_steps: Count = 1,
        generator_batch: Count = 1,
        joint_batch: bool = False,
        simultaneous: bool = False,
        classes: Classes | None = None,
        conditioning: Any = None,
        **kwargs: Any,
    ) -> None:
        given = data_shape or (discriminator and first_of(discriminator.input_shape)[1:])
        latents, build, own_ways = (
            self.latents_of(generator, latent_size, given),
            own_networks or _networks,
            own_conditioning or _joined,
        )

        def make(shape: Sizes) -> Makers:
            return conditioned(build(shape, latents), ways_of(classes, conditioning, lambda: own_ways(shape)), classes)

        shape, generator, discriminator = given_or_built(
            data_shape, {"generator": generator, "discriminator": discriminator}, make
        )
        # A shape of a family's own name has a default, which networks overrule.
        if data_shape is not None and tuple(data_shape) != shape and "data_shape" not in self.fixed_arguments:
            raise ValueError(f"The discriminator takes examples of shape {shape}, the data have {tuple(data_shape)}.")
        super().__init__(shape, generator=generator, **kwargs)
        self.conditioning = conditioning
        if classes is not None:  # what else has classes, semi-supervised games, says so itself
            self.classes = classes
        self.ways = ways_of(classes, conditioning, lambda: own_ways(self.data_shape))
        self.objective = objectives.get(objective)
        self.penalties = list(penalties)
        self.instance_noise = checked_level("instance_noise", instance_noise, falling=True)
        self.augment = checked_policies(augment, self.data_shape)
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
        self._check_ways()
        latents: Any = (None, self.latent_size)
        produced = tuple(self.generator.compute_output_shape([latents, (None,)] if self.conditional else latents))[1:]
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
        """The shape of the discriminator's logits; a family whose discriminator takes more than examples says so here."""
        examples: Any = (None, *self.data_shape)
        shape = self.discriminator.compute_output_shape([examples, (None,)] if takes_labels(self.discriminator) else examples)
        return tuple(shape if self.auxiliary is None else shape[0])

    def _check_logits(self, shape: tuple[int | None, ...]) -> None:
        if shape[1:] not in ((1,), ()):
            raise ValueError(f"The discriminator must return one logit per example, (batch, 1). Received: {shape}.")

    # The game --------------------------------------------------------------------------------------------------------

    def turns(self) -> tuple[Turn, ...]:
        discriminator = Move("discriminator", self.discriminator_players, self.discriminator_loss, self.project)
        generator = Move("generator", self.generator_players, self.generator_loss)
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

    def discriminator_loss(self, batch: Any) -> Terms:
        # No gradient is stopped: the engine differentiates the moved weights alone, and rules over both players' gradients need the
        # way from one player to the other.
        real, labels = self.parted(batch)
        return self.discriminator_terms(self.score_both(real, self.generated(count_of(real), *labels), *labels))

    def discriminator_terms(self, scored: Scored) -> Terms:
        """Terms and observations of the discriminator's move from scored examples."""
        terms = {"adversarial": self.objective.discriminator(scored.real_logits, scored.fake_logits)}
        observed = {
            "real_logit": Observation(ops.mean(scored.real_logits)),
            "fake_logit": Observation(ops.mean(scored.fake_logits)),
        }
        if self.auxiliary is not None and scored.class_logits is not None:
            terms |= self.auxiliary.discriminator_terms(*scored.class_logits, scored.labels)
        for penalty in self.all_penalties:
            terms[_free_name(penalty.name, {*terms, *observed})] = penalty(self, scored)
        return {**terms, **observed}

    def generator_loss(self, batch: Any) -> Terms:
        real, labels = self.parted(batch)
        labels = tuple(ops.tile(own, (self.generator_batch,)) for own in labels)
        fake = self.generated(count_of(real) * self.generator_batch, *labels)
        if self.auxiliary is None:
            return {"adversarial": self.objective.generator(self.score(fake, *labels))}
        logits, class_logits = self.judged(fake)
        return {"adversarial": self.objective.generator(logits), **self.auxiliary.generator_terms(class_logits, *labels)}

    def score(self, examples: Tensor, labels: Tensor = None) -> Any:
        """The discriminator's logits, `(batch, 1)`, of examples of these classes where there are any."""
        outputs = self.judged(examples, labels)
        return outputs if self.auxiliary is None else outputs[0]

    def judged(self, examples: Any, labels: Tensor = None) -> Any:
        """What the discriminator returns: logits, or, where it classifies, `[logits, class logits]`."""
        return self.discriminator(self._seen(examples, labels), training=self.in_training)

    def _seen(self, examples: Any, labels: Tensor) -> Any:
        """What the discriminator is given."""
        examples = self.perturbed(examples)
        return examples if labels is None or self.auxiliary is not None else [examples, ops.cast(labels, "int32")]

    def score_generated(self, fake: Tensor, labels: Tensor = None) -> Any:
        """The logits of generated examples in the discriminator's move, where they do not pass together with real ones."""
        return self.score(fake, *(() if labels is None else (labels,)))

    def perturbed(self, examples: Any) -> Any:
        """What the discriminator sees of examples (a tensor, or a nest of them): themselves; in training augmented, then with
        `instance_noise`.
        """
        if not self.in_training:
            return examples
        if self.augment:
            examples = keras.tree.map_structure(self._augmented, examples)
        if self.instance_noise == 0.0:
            return examples
        level = level_at(self.instance_noise, self.rounds)

        def blurred(one: Tensor) -> Tensor:
            noise = keras.random.normal(ops.shape(one), dtype="float32", seed=self.seed_generator)
            return one + ops.cast(level * noise, one.dtype)

        return keras.tree.map_structure(blurred, examples)

    def _augmented(self, one: Tensor) -> Tensor:
        # What comes beside the pictures, such as the latents of an encoder, stays as it is.
        return augmented(one, self.augment, self.seed_generator) if tuple(one.shape[1:]) == self.data_shape else one

    def score_with_features(self, examples: Tensor, labels: Tensor = None) -> tuple[Tensor, Tensor]:
        """The logits, and the input of the discriminator's last layer."""
        features, logits, *_ = self._tapped(self._seen(examples, labels), training=self.in_training)
        return logits, features

    def score_both(self, real: Tensor, fake: Tensor, labels: Tensor = None) -> Scored:
        """The `kgan.penalties.Scored` examples: real and generated ones in one forward pass of the discriminator or in two."""
        if self.auxiliary is not None:
            return self._classified_both(real, fake, labels)
        given = () if labels is None else (labels,)
        if self._tapped is not None:
            real_logits, features = self.score_with_features(real, *given)
            return Scored(real, fake, real_logits, self.score_generated(fake, *given), features, labels)
        if not self.joint_batch:
            return Scored(real, fake, self.score(real, *given), self.score_generated(fake, *given), labels=labels)
        both = ops.concatenate([ops.cast(real, fake.dtype), fake])
        logits = self.score(both, *(ops.tile(own, (2,)) for own in given))
        return Scored(real, fake, logits[: count_of(real)], logits[count_of(real) :], labels=labels)

    def _classified_both(self, real: Tensor, fake: Tensor, labels: Tensor) -> Scored:
        """As `score_both`, with the logits of classes."""
        features = None
        if self._tapped is not None:
            features, *of_real = self._tapped(self.perturbed(real), training=self.in_training)
            of_fake = self.judged(fake)
        elif self.joint_batch:
            outputs = self.judged(ops.concatenate([ops.cast(real, fake.dtype), fake]))
            of_real, of_fake = [out[: count_of(real)] for out in outputs], [out[count_of(real) :] for out in outputs]
        else:
            of_real, of_fake = self.judged(real), self.judged(fake)
        return Scored(real, fake, of_real[0], of_fake[0], features, labels, (of_real[1], of_fake[1]))


def _joined(shape: Sizes) -> Ways:
    return Joined(), Joined()


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
