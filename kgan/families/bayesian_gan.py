"""Bayesian GAN: Saatci, Wilson, NIPS 2017, arXiv 1705.09558."""

import math
import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan import backend, objectives
from kgan.arguments import Count, Natural, Networks, Positive, Several, Shape, as_int
from kgan.backend import full_precision
from kgan.engine import Move, Observation, Terms, Turn
from kgan.families.bases.generative import given_or_built
from kgan.families.bases.semi_supervised import SemiSupervised
from kgan.families.gan import GAN, count_of
from kgan.layers import WeightSamples
from kgan.networks import Ensemble, bayesian, mlp
from kgan.optimizers import SGHMC, HoldThenDecay
from kgan.priors import Uniform
from kgan.types import Array, SeedLike, Sizes, Tensor

LARGEST_RATE = 0.01


@keras.saving.register_keras_serializable("kgan")
class BayesianGAN(SemiSupervised, GAN):
    """Ensembles of generators and discriminators, whose weights are sampled from their posteriors instead of optimized.

    Both networks have a prior `N(0, prior_variance I)` on all their weights, biases included. With d the discriminator's logit and sp
    softplus, the conditional posteriors of Eq. 1 and 2 have, for a data set of N examples, the energies

        E_g = N E_z sp(-d(G(z))) + ||theta_g||^2 / (2 prior_variance)
        E_d = N [E_x sp(-d(x)) + E_z sp(d(G(z)))] + ||theta_d||^2 / (2 prior_variance).

    The energy U of a member is the mean of these over noise batches i and the opponent's samples k. In a round, all generators make
    `sghmc_steps` steps of stochastic-gradient Hamiltonian Monte Carlo (`kgan.optimizers.SGHMC`) on their U, then all discriminators on
    theirs; the first `burn_in` rounds are Adam's. After them, every `keep_every` rounds, the weights of all members are kept as samples:
    `generate` draws from all of them, `classify` averages their probabilities.

    Algorithm 1 has `U = -log sum_ik exp(-E_ik)`, the log of a *sum of probabilities*, in place of the mean: `marginal="logsumexp"`. There a
    pair has the weight `softmax(-E_ik)`, and as energies grow with N, the pair that is explained best has all of it: the discriminator
    learns against one generator, the others go unjudged, and the ensemble collapses (ring of eight: 1 mode; with the mean 8).

    With `classes`, the discriminator has K logits and the class "fake" the logit 0: `d = lse` of the logits, and E_d gains the
    cross-entropy of the labeled examples, scaled to their number N_s.

    Losses are `U / N`, which SGHMC takes into account exactly: rates are those of mean losses, `eta = learning_rate / N`.

    Args:
        data_shape: shape of one example.
        num_generators, num_discriminators: default 10 and 1 (the paper's J_g, J_d): members of the default ensembles.
        classes: their number, for semi-supervised learning; default None.
        data_size: N, default None: the number of different examples in the arrays given to `fit`, so that data repeated for longer epochs
            count once. Needed where `fit` gets anything but arrays, or a part of the data.
        labeled_size: N_s, likewise, of the labeled examples.
        sghmc_steps: default 2 (the paper's M): successive steps of each player in a round.
        num_noise_batches: default None (Algorithm 1): noise batches over which a member marginalizes, as many as its player
            has members.
        marginal: "mean" (default), which averages the energies, or "logsumexp" (Algorithm 1 as printed, which collapses, see above); see
            `kgan.objectives.marginal_energy`.
        prior_variance: default 10.0 (the paper's).
        burn_in: default 5000 (the paper's): rounds of Adam in the default optimizers, and without samples. The first sample is kept
            `keep_every` rounds later.
        keep_every: default 1000 (the paper's): rounds between samples.
        samples_kept: default 10: the newest samples, kept with the model.
        generator, discriminator: `kgan.networks.Ensemble`, or a sequence of Keras models; discriminators return a logit, or K of them.
            Default: `kgan.networks.bayesian` for images of 16 pixels or more, else one hidden layer of 1000 (the code's).
        latent_size: default 100 (the code's). prior: of the latents, default `Uniform(-1, 1)` (the code's).
        seed, name, dtype: as in `kgan.AdversarialModel`.

    Input of `fit`: examples; with `classes` as for `kgan.ImprovedGAN`. Output of `generate`: `(count, *data_shape)`, the member and the
    sample drawn anew for every example; before the first sample, and in `evaluate`, from the present weights.

    Logs: sums over the members, divided by N: `*/adversarial`, `*/prior`, `discriminator/supervised`; means: `discriminator/real_logit`,
    `discriminator/fake_logit`, `discriminator/accuracy`.

    Default optimizers: SGHMC with friction 0.1 and the code's rate, `r exp(-3 min(1, t / T))`, T the steps of an epoch of minibatches of 64
    (1000 where `data_size` is not given), r = 5e-3 for images, 1e-2 else, in burn-in too.

    Raises:
        ValueError: for contradictory arguments, networks of other shapes, an unknown N. Rates of the sampler above 0.01 warn: they diverge;
        so does a `fit` that ends before the first sample is kept: until then the model is an ensemble trained by Adam.

    Departures from the paper: the mean of the energies, by default. Its M steps share a minibatch and noise, here each step draws its own.
    Without `classes` the code has a softmax over two logits; their difference is the logit here. Each weight sample has batch statistics of
    its own. On replicas the weights of `marginal="logsumexp"` are those of each replica's part of the minibatch.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.BayesianGAN((2,), num_generators=3, latent_size=2, burn_in=2, keep_every=1, seed=0)
    >>> model.compile()
    >>> points = np.random.default_rng(0).normal(size=(640, 2)).astype("float32")
    >>> history = model.fit(points, batch_size=64, verbose=0)
    >>> model.generator_samples.count(), model.generate(5, seed=1).shape
    (3, (5, 2))
    """

    fixed_arguments = (*GAN.fixed_arguments, "conditioning")
    default_latent_size = 100
    default_prior = Uniform()

    def __init__(
        self,
        data_shape: Shape | None = None,
        *,
        num_generators: Count = 10,
        num_discriminators: Count = 1,
        classes: Several | None = None,
        data_size: Count | None = None,
        labeled_size: Count | None = None,
        sghmc_steps: Count = 2,
        num_noise_batches: Count | None = None,
        marginal: str = "mean",
        prior_variance: Positive = 10.0,
        burn_in: Natural = 5000,
        keep_every: Count = 1000,
        samples_kept: Count = 10,
        generator: Networks | None = None,
        discriminator: Networks | None = None,
        latent_size: Count | None = None,
        **kwargs: Any,
    ) -> None:
        objectives.marginal_energy(np.zeros(1, "float32"), 1, marginal)  # refuses an unknown one
        ensembles = {"generator": _ensemble(generator, "generator"), "discriminator": _ensemble(discriminator, "discriminator")}
        latents = self.latents_of(ensembles["generator"], latent_size)
        shape, generators, discriminators = given_or_built(
            data_shape,
            ensembles,
            lambda shape: {
                "generator": lambda: Ensemble.of(lambda: _generator(shape, latents), num_generators, "generator"),
                "discriminator": lambda: Ensemble.of(
                    lambda: _discriminator(shape, classes or 1), num_discriminators, "discriminator"
                ),
            },
        )
        self.classes = classes
        super().__init__(data_shape or shape, generator=generators, discriminator=discriminators, **kwargs)
        self.num_generators, self.num_discriminators = len(generators.members), len(discriminators.members)
        self.data_size, self.labeled_size = data_size, labeled_size
        self.sghmc_steps = sghmc_steps
        self.num_noise_batches = num_noise_batches
        self.marginal = marginal
        self.prior_variance = prior_variance
        self.burn_in, self.keep_every, self.samples_kept = burn_in, keep_every, samples_kept
        self.sizes = self.add_weight(shape=(2,), initializer="zeros", trainable=False, dtype="float32", name="sizes")
        self.sizes.assign([float(data_size or 0), float(labeled_size or 0)])
        self.generator_samples = WeightSamples(generators, samples_kept, name="generator_samples")
        self.discriminator_samples = WeightSamples(discriminators, samples_kept, name="discriminator_samples")

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        initial = 5e-3 if len(self.data_shape) == 3 else 1e-2
        epoch = 1000 if self.data_size is None else max(1, self.data_size // 64)
        return {
            move: SGHMC(
                HoldThenDecay(initial, epoch * self.sghmc_steps, hold=0.0, factor=math.exp(-3.0)),
                friction=0.1,
                burn_in=self.burn_in * self.sghmc_steps,
                seed=self.seed + stream,
            )
            for stream, move in enumerate(("generator", "discriminator"), start=3)
        }

    def _check_networks(self) -> None:
        for member in self.generator.members:
            produced = tuple(member.compute_output_shape((None, self.latent_size)))[1:]
            if produced != self.data_shape:
                raise ValueError(f"The generators make examples of shape {produced}, the data have {self.data_shape}.")
        for member in self.discriminator.members:
            judged = tuple(member.compute_output_shape((None, *self.data_shape)))
            if judged[1:] != (self.classes or 1,):
                raise ValueError(
                    f"With classes={self.classes!r} discriminators return (batch, {self.classes or 1}). Received: {judged}."
                )

    # The game --------------------------------------------------------------------------------------------------------

    def turns(self) -> tuple[Turn, ...]:
        generator = Move("generator", ("generator",), self.generator_loss)
        discriminator = Move("discriminator", ("discriminator",), self.discriminator_loss)
        return (
            Turn((generator,), repeats=self.sghmc_steps, fresh=False),
            Turn((discriminator,), repeats=self.sghmc_steps),
        )

    def generator_loss(self, batch: Any) -> Terms:
        examples = batch if self.classes is None else batch["unlabeled"]
        noises, total = self.num_noise_batches or self.num_generators, 0.0
        for generator in self.generator.members:
            fake = self._generated(generator, noises * count_of(examples))
            energies = [_per_batch(ops.softplus(-self._realness(judge, fake)), noises) for judge in self.discriminator.members]
            total += self._marginal(energies)
        return {"adversarial": total, "prior": self._prior_energy(self.generator)}

    def discriminator_loss(self, batch: Any) -> Terms:
        examples = batch if self.classes is None else batch["unlabeled"]
        noises, count = self.num_noise_batches or self.num_discriminators, count_of(examples)
        components = noises * self.num_generators
        terms = {"adversarial": 0.0, "prior": self._prior_energy(self.discriminator)}
        seen: dict[str, list[Tensor]] = {"real_logit": [], "fake_logit": [], "accuracy": []}
        for judge in self.discriminator.members:
            fakes = [self._generated(g, noises * count) for g in self.generator.members]
            fake = self._realness(judge, ops.concatenate(fakes))
            if self.classes is not None:
                logits = judge(self.perturbed(batch["labeled"]), training=self.in_training)
                labeled = self.supervised_terms(logits, batch["labels"])
                terms["supervised"] = terms.get("supervised", 0.0) + self._share_labeled() * labeled["supervised"]
                seen["accuracy"].append(labeled["accuracy"].value)
            # Real examples last: they weigh most in moving batch statistics, with which `classify` works.
            real = self._realness(judge, examples)
            # What is the same in all components leaves the sum of probabilities as a factor.
            terms["adversarial"] += ops.mean(ops.softplus(-real)) + self._marginal([_per_batch(ops.softplus(fake), components)])
            seen["real_logit"].append(ops.mean(real))
            seen["fake_logit"].append(ops.mean(fake))
        return terms | {name: Observation(sum(values) / len(values)) for name, values in seen.items() if values}

    def _generated(self, generator: keras.Model, count: Any) -> Tensor:
        return generator(self.prior((count, self.latent_size), self.seed_generator), training=self.in_training)

    def _realness(self, judge: keras.Model, examples: Tensor) -> Tensor:
        logits = full_precision(judge(self.perturbed(examples), training=self.in_training))
        return logits if self.classes is None else objectives.realness(logits)

    def _marginal(self, energies: Sequence[Tensor]) -> Tensor:
        return objectives.marginal_energy(ops.concatenate(energies), self.sizes[0], self.marginal)

    def _share_labeled(self) -> Tensor:
        return self.sizes[1] / self.sizes[0]

    def _prior_energy(self, player: Ensemble) -> Tensor:
        squares = sum(ops.sum(ops.square(full_precision(ops.convert_to_tensor(v)))) for v in player.trainable_variables)
        return squares / (2.0 * self.prior_variance * self.sizes[0])

    def _train(self, data: Any) -> dict[str, Tensor]:
        logs = super()._train(data)
        rounds = ops.convert_to_tensor(self.optimizer.iterations) - self.burn_in
        due = ops.logical_and(ops.greater(rounds, 0), ops.equal(ops.mod(rounds, self.keep_every), 0))
        self.generator_samples.keep(due)
        self.discriminator_samples.keep(due)
        return logs

    # The size of the data --------------------------------------------------------------------------------------------

    def compile(self, *args: Any, **kwargs: Any) -> None:
        super().compile(*args, **kwargs)
        self._tell_optimizers()
        for move, sampler in self._samplers().items():
            rate = sampler.first_rate()
            if rate > LARGEST_RATE * (1 + 1e-6):
                warnings.warn(
                    f"SGHMC with eta * N = {rate:g} for {move!r} is likely to diverge. Use a learning rate of {LARGEST_RATE:g} or less.",
                    stacklevel=2,
                )

    def _samplers(self) -> dict[str, SGHMC]:
        moves = self._require_compiled("fit").moves
        return {move: self.optimizer[move] for move in moves if isinstance(self.optimizer[move], SGHMC)}

    def _tell_optimizers(self) -> None:
        size = int(ops.convert_to_numpy(self.sizes)[0])
        if size:
            for sampler in self._samplers().values():
                sampler.set_data_size(size)

    def fit(self, x: Any, y: Any = None, **kwargs: Any) -> keras.callbacks.History:
        """As `kgan.AdversarialModel.fit`; takes N from arrays where `data_size` is not given."""
        self._require_compiled("fit")
        if all(hasattr(leaf, "shape") and len(leaf) for leaf in keras.tree.flatten(x)):
            unlabeled, labeled = (x.get("unlabeled", ()), x.get("labeled", ())) if isinstance(x, dict) else (x, ())
            self.sizes.assign([float(self.data_size or _different(unlabeled)), float(self.labeled_size or _different(labeled))])
            self._tell_optimizers()
        history = super().fit(x, y, **kwargs)
        if not self.generator_samples.count():
            warnings.warn(
                f"This fit ended without a sample of the posterior: {int(ops.convert_to_numpy(self.optimizer.iterations))} rounds are "
                f"played, and the first is kept after {self.burn_in + self.keep_every}, `burn_in` and `keep_every` together. Until then "
                "`generate` and `classify` use the present weights. Train longer, or give the constructor smaller ones.",
                stacklevel=2,
            )
        return history

    def check_data(self, batch: Any, shape: Sizes | None = None) -> None:
        super().check_data(batch)
        known = ops.convert_to_numpy(self.sizes)
        if not known[0] or (self.classes is not None and not known[1]):
            raise ValueError(
                "The posterior needs the number of examples: give `data_size` to the constructor, with `classes` also `labeled_size`, "
                "or arrays to fit()."
            )

    # Samples ---------------------------------------------------------------------------------------------------------

    def generator_inputs(self, count: int, condition: Any = None, seed: SeedLike = None) -> Any:
        latents = super().generator_inputs(count, condition, seed)
        return latents, keras.random.uniform((count,), seed=seed + 1 if isinstance(seed, int) else seed)

    def call(self, inputs: Any, training: bool = False) -> Tensor:
        """Samples of the present generators, from latents and places in [0, 1) that choose the member."""
        latents, places = inputs
        with backend.Overlay(() if training else self._averages.values(), commit=True):
            samples = self.generator(latents, training=training)
        chosen = ops.minimum(ops.cast(places * self.num_generators, "int32"), self.num_generators - 1)
        chosen = ops.cast(ops.equal(ops.arange(self.num_generators)[:, None], chosen[None]), samples.dtype)
        return ops.sum(samples * ops.reshape(chosen, (*ops.shape(chosen), *(1,) * len(self.data_shape))), axis=0)

    def generate(self, count: int, condition: Any = None, seed: SeedLike = None, batch_size: int = 256) -> Array:
        """Samples, each from a generator drawn from all kept ones, or from the present ones before the first sample is kept.

        Args, returns: as `kgan.AdversarialModel.generate`.
        """
        count, seed, stored = as_int(count), as_int(seed), self.generator_samples.count()
        if not stored or not isinstance(count, int) or count < 1 or condition is not None:
            return super().generate(count, condition, seed, batch_size)
        inputs = self.generator_inputs(count, seed=self.generation_noise if seed is None else seed)
        latents, places = map(ops.convert_to_numpy, inputs)
        chosen = (places * stored * self.num_generators).astype(int)
        result = np.empty((count, *self.data_shape), "float32")
        for index in range(stored):
            with backend.no_gradient(), backend.Overlay(self.generator_samples.values(index), commit=True):
                for member, generator in enumerate(self.generator.members):
                    rows = np.flatnonzero(chosen == index * self.num_generators + member)
                    for part in np.split(rows, range(batch_size, len(rows), batch_size)) if len(rows) else ():
                        samples = generator(ops.convert_to_tensor(latents[part]), training=False)
                        result[part] = ops.convert_to_numpy(ops.cast(samples, "float32"))
        return result

    def classify(self, examples: Array, batch_size: int = 256, average: bool = True) -> Array:
        """Class probabilities, averaged over all kept discriminators: `p(y|x) = 1/T sum_k p(y|x, theta_k)`.

        Args:
            examples: array `(count, *data_shape)`. batch_size: examples computed at once.
            average: default True. False: of every single one.

        Returns:
            NumPy array `(count, classes)`, or `(T, count, classes)`. Before the first sample is kept, of the present members.
        """
        if self.classes is None:
            raise ValueError("This model was built without `classes`; it has no classes to tell apart.")
        stored = self.discriminator_samples.count()
        points = [self.discriminator_samples.values(i) for i in range(stored)] or [self._averages.values()]
        parts = [examples[start : start + batch_size] for start in range(0, len(examples), batch_size)]
        single = []
        for values in points:
            with backend.no_gradient(), backend.Overlay(values, commit=True):
                for judge in self.discriminator.members:
                    logits = [full_precision(judge(ops.convert_to_tensor(part), training=False)) for part in parts]
                    single.append(ops.convert_to_numpy(ops.softmax(ops.concatenate(logits))))
        return np.mean(single, axis=0) if average else np.stack(single)


def _ensemble(player: Any, name: str) -> Ensemble | None:
    return player if player is None or isinstance(player, Ensemble) else Ensemble(player, name=name)


def _per_batch(values: Tensor, batches: int) -> Tensor:
    """Means over each of `batches` equal parts."""
    return ops.mean(ops.reshape(values, (batches, -1)), axis=1)


def _different(examples: Sequence[Any]) -> int:
    return len({hash(np.ascontiguousarray(example).tobytes()) for example in examples})


def _convolutional(shape: Sizes) -> bool:
    return len(shape) == 3 and min(shape[:2]) >= 2**bayesian.STAGES


def _generator(shape: Sizes, latent_size: int) -> keras.Model:
    if _convolutional(shape):
        return bayesian.generator(shape, latent_size)
    return mlp.generator(
        shape, latent_size, (1000,), 0.2, output_activation="tanh" if len(shape) == 3 else None, initializer=_normal()
    )


def _discriminator(shape: Sizes, outputs: int) -> keras.Model:
    if _convolutional(shape):
        return bayesian.discriminator(shape, outputs)
    return mlp.discriminator(shape, (1000,), 0.2, initializer=_normal(), outputs=outputs)


def _normal() -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(0.0, 0.02)
