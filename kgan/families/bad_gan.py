"""Good semi-supervised learning that requires a bad GAN: Dai, Yang, Yang, Cohen, Salakhutdinov, NIPS 2017, arXiv 1705.09783."""

from typing import Any

import keras
import numpy as np
from keras import ops

from kgan import objectives
from kgan.arguments import Count, Level, Network, NonNegative, Positive, Several, Shape
from kgan.backend import full_precision
from kgan.engine import Move, Observation, Terms, Turn
from kgan.families.bases.generative import check_network
from kgan.families.gan import count_of
from kgan.families.improved_gan import ImprovedGAN
from kgan.layers import statistics_kept
from kgan.networks import improved, mlp
from kgan.optimizers import checked_level, level_at
from kgan.types import Array


@keras.saving.register_keras_serializable("kgan")
class BadGAN(ImprovedGAN):
    """The classifier of `kgan.ImprovedGAN` against a generator of what the data are not: samples near them, spread, and unlikely.

    A generator of the data themselves teaches such a classifier no more than the labels do; samples in the gaps between classes make it
    put its boundaries there. With K logits l, the fake class's being 0, f the features before the last layer, q the softmax of l:

        discriminator  E -log q(y | x) + 1/2 {E sp(-lse l) + E_G sp(lse l)} + w_c E H[q(. | x)]
        generator      mean |E_G f - E f|^power               feature matching, over features: near the data
                       + w_p E cos^2(f_i, f_j)                pull-away term, or
                       + w_v E -log r(z | G(z))               a bound of its entropy with an encoder r, moved with it: spread
                       + w_d E_{log p(x) > log eps} [log p(x) - log eps]      a density p, which stays as it is: unlikely

    Args:
        data_shape: shape of one example.
        classes: K.
        density: what has a method `log_likelihood(examples)`, such as a trained `kgan.networks.PixelCNNPlusPlus` for images or a
            `kgan.networks.KernelDensity` for points; default None. Call `set_threshold(held_out)` before training.
        density_weight: w_d, a number or a schedule over rounds, default 1e-4 (MNIST's in the code).
        density_samples: default None: p is asked about all of the generator's samples. A number: about the first so many of them.
        pull_away_weight: w_p, default 0.8 (SVHN's). variational_weight: w_v, default 0.0; CIFAR-10's is 1e-2, without pull-away term.
        conditional_entropy_weight: w_c, a number or a schedule over rounds, default 0.0; SVHN's is 0.1. From the start it makes the
            classifier sure of its first mistakes: let it rise.
        encoder: `keras.Model` from examples to `(batch, 2 * latent_size)`, means and log standard deviations. Default, with
            `variational_weight`: the paper's convolutions for images, two layers of 256 for vectors.
        max_sigma: default None (the code). With a number theta the encoder's standard deviations are `theta sigmoid(its output)`, below
            theta (the paper bounds them, it does not say how), so that no huge variance passes for entropy.
        matching_power: default 1 for images, 2 for vectors (the code).
        **kwargs: of `kgan.ImprovedGAN`: `generator`, `discriminator` and so on.

    Input of `fit`: `fit({"unlabeled": x, "labeled": x_l}, labels)` as in `kgan.ImprovedGAN`.

    Logs: `discriminator/supervised`, `.../adversarial`, `.../conditional_entropy`, `.../accuracy`, `.../real_logit`, `.../fake_logit`;
    `generator/feature_matching`, `.../pull_away`, `.../variational`, `.../low_density`, and `.../below_threshold`, the share of samples
    that p has below eps.

    Default optimizers: Adam, beta_1 0.5 for the discriminator and 0.0 for the generator; 3e-3 and 1e-3 with beta_2 0.9999 for vectors
    (MNIST's), 6e-4 and 3e-4 for images (CIFAR-10's), there to be lowered linearly to 0 over the last third.

    Raises:
        ValueError: for contradictory arguments, a `fit` with a density and no threshold, minibatches of one, labels outside [0, K).

    Departures from the paper: as in the code, factors 1/2, the entropy of q, which leaves out the fake class, and feature matching as a
    mean over features. Eq. 4 has the squared norm, a sum: weights of the other terms that go with it are to be divided by the number of
    features. The generator's move takes a second minibatch, as in the code for MNIST (for SVHN it is the same one). The code asks the
    density after 9,000 steps, in one of ten, on 30 samples of their own: here it is asked in every step from the first, about
    `density_samples` of those it has, so that `density_weight` counts ten times as much in the mean; a schedule may begin later. The
    pull-away term of vectors is ours (SVHN's weight; MNIST's code has none beside its squared mean), images have CIFAR-10's rates with it.
    The default networks are those of `kgan.ImprovedGAN`, from which the paper's differ in widths and noise. Its threshold is the tenth
    percentile on test images: take others.

    Example:
    >>> import numpy as np, kgan
    >>> x = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")
    >>> model = kgan.BadGAN(
    ...     (2,), classes=2, density=kgan.networks.KernelDensity.of(x, 0.3), density_weight=0.2,
    ...     generator=kgan.networks.mlp.generator((2,), 3, (8,)),
    ...     discriminator=kgan.networks.mlp.discriminator((2,), (8,), outputs=2), feature_layer="activation_0",
    ... )
    >>> model.compile()
    >>> model.set_threshold(x) < 0
    True
    >>> data, labels = kgan.datasets.semi_supervised(x, (x[:, 0] > 0).astype("int64"), labels_per_class=3)
    >>> history = model.fit(data, labels, batch_size=16, verbose=0)
    >>> model.classify(x).shape
    (64, 2)
    """

    fixed_arguments = (
        *ImprovedGAN.fixed_arguments, "feature_matching", "generator_batch", "history_weight", "joint_batch", "objective", "penalties",
    )  # fmt: skip
    smallest_batch = 2

    def __init__(
        self,
        data_shape: Shape | None = None,
        *,
        classes: Several,
        density: Any = None,
        density_weight: Level = 1e-4,
        density_samples: Count | None = None,
        pull_away_weight: NonNegative = 0.8,
        variational_weight: NonNegative = 0.0,
        conditional_entropy_weight: Level = 0.0,
        encoder: Network | None = None,
        max_sigma: Positive | None = None,
        matching_power: Count | None = None,
        **kwargs: Any,
    ) -> None:
        if density is not None and not (isinstance(density, keras.layers.Layer) and hasattr(density, "log_likelihood")):
            raise TypeError(
                "`density` must be a Keras layer or model with a method `log_likelihood(examples)`, such as kgan.networks.KernelDensity "
                f"or PixelCNNPlusPlus. Received: {type(density).__name__}."
            )
        if encoder is not None and not variational_weight:
            raise ValueError("An encoder learns from `variational_weight`, which is 0. Give one, or leave the encoder out.")
        if max_sigma is not None and not variational_weight:
            raise ValueError(
                "`max_sigma` bounds what an encoder says, and without `variational_weight` there is none. Give one of those."
            )
        if density_samples is not None and density is None:
            raise ValueError("`density_samples` says of how many samples `density` is asked. Give one, or leave both out.")
        super().__init__(data_shape, classes=classes, matching_power=matching_power or 2, **kwargs)
        images = len(self.data_shape) == 3
        self.matching_power = matching_power or (1 if images else 2)
        self.density, self.density_weight = density, checked_level("density_weight", density_weight)
        self.density_samples = density_samples
        self.pull_away_weight, self.variational_weight = pull_away_weight, variational_weight
        self.conditional_entropy_weight = checked_level("conditional_entropy_weight", conditional_entropy_weight)
        self.max_sigma = max_sigma
        self.encoder = encoder
        if variational_weight:
            self.encoder = encoder or _encoder(self.data_shape, self.latent_size)
            check_network(self.encoder, "encoder", self.data_shape, (2 * self.latent_size,), "means and log standard deviations")
        if density is not None:
            self.threshold = self.add_weight(shape=(), initializer="zeros", trainable=False, dtype="float32", name="threshold")
            self.threshold.assign(np.inf)

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        images = len(self.data_shape) == 3
        rates, beta_2 = ((6e-4, 3e-4), 0.999) if images else ((3e-3, 1e-3), 0.9999)
        moves = zip(("discriminator", "generator"), rates, (0.5, 0.0), strict=True)
        return {move: keras.optimizers.Adam(rate, beta_1, beta_2, epsilon=1e-8) for move, rate, beta_1 in moves}

    # The game --------------------------------------------------------------------------------------------------------

    def turns(self) -> tuple[Turn, ...]:
        discriminator, generator = super().turns()
        if not self.variational_weight:
            return discriminator, generator
        return discriminator, generator._replace(moves=(Move("generator", ("generator", "encoder"), self.generator_loss),))

    def discriminator_loss(self, batch: Any) -> Terms:
        labeled = self.judged(batch["labeled"])
        with statistics_kept(self.discriminator):  # what is classified later is real
            fake = self.judged(self.generated(count_of(batch["unlabeled"])))
        real = self.judged(batch["unlabeled"])
        terms = self.supervised_terms(labeled, batch["labels"])
        terms["adversarial"] = self.unlabeled_weight * objectives.unsupervised(real, fake)
        if self.conditional_entropy_weight != 0.0:
            weight = level_at(self.conditional_entropy_weight, self.rounds)
            terms["conditional_entropy"] = weight * objectives.conditional_entropy(real)
        seen = {"real_logit": objectives.realness(real), "fake_logit": objectives.realness(fake)}
        return terms | {name: Observation(ops.mean(logits)) for name, logits in seen.items()}

    def generator_loss(self, batch: Any) -> Terms:
        real = self.unlabeled(batch)
        latents = self.generator_inputs(count_of(real), seed=self.seed_generator)
        fake = self.generator(latents, training=self.in_training)
        wanted, made = (self._features(self.perturbed(x), training=self.in_training)[0] for x in (real, fake))
        terms: Terms = {"feature_matching": objectives.feature_matching(wanted, made, power=self.matching_power)}
        if self.pull_away_weight:
            terms["pull_away"] = self.pull_away_weight * objectives.pulling_away(made)
        if self.encoder is not None:
            mean, log_sigma = ops.split(full_precision(self.encoder(fake, training=self.in_training)), 2, axis=-1)
            if self.max_sigma is not None:  # a minimum would hold what lies beyond it there, without a gradient
                log_sigma = float(np.log(self.max_sigma)) - ops.softplus(-log_sigma)
            terms["variational"] = self.variational_weight * objectives.variational_entropy(latents, mean, log_sigma)
        if self.density is not None:
            likelihoods, threshold = (
                self.density.log_likelihood(fake[: self.density_samples]),
                ops.convert_to_tensor(self.threshold),
            )
            terms["low_density"] = level_at(self.density_weight, self.rounds) * objectives.low_density(likelihoods, threshold)
            terms["below_threshold"] = Observation(ops.mean(ops.cast(full_precision(likelihoods) <= threshold, "float32")))
        return terms

    # The density -----------------------------------------------------------------------------------------------------

    def set_threshold(self, examples: Array, percentile: float = 10.0, batch_size: int = 64) -> float:
        """Set log eps to a percentile of log p over real examples that the density was not made from, and return it.

        Args:
            examples: array `(count, *data_shape)`.
            percentile: in (0, 100), default 10.0 (the paper's): this share of them is less likely than eps.
            batch_size: examples computed at once.
        """
        if self.density is None:
            raise ValueError("This model was built without `density`, so there is no threshold to set.")
        if not 0.0 < percentile < 100.0:
            raise ValueError(f"`percentile` must lie between 0 and 100. Received: {percentile!r}.")
        examples = np.asarray(examples)
        self.check_examples(examples, self.data_shape)
        threshold = float(
            np.percentile(self.in_inference(self.density.log_likelihood, examples, batch_size=batch_size), percentile)
        )
        self.threshold.assign(threshold)
        return threshold

    def fit(self, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """As in `kgan.AdversarialModel`."""
        if self.density is not None and not np.isfinite(float(ops.convert_to_numpy(self.threshold))):
            raise ValueError(
                "What is unlikely is not known yet: call `set_threshold(examples)` with examples held out, before fit()."
            )
        return super().fit(*args, **kwargs)


def _encoder(shape: Any, latent_size: int) -> keras.Model:
    if len(shape) == 3:
        return improved.encoder(shape, 2 * latent_size)
    return mlp.discriminator(shape, (256, 256), outputs=2 * latent_size, name="encoder")
