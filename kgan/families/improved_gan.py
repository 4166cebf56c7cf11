"""Improved techniques for training GANs: Salimans et al., NIPS 2016, arXiv 1606.03498."""

from typing import Any

import keras
from keras import ops

from kgan import objectives
from kgan.arguments import Count, Level, NonNegative, Several, Shape
from kgan.engine import Move, Terms, Turn
from kgan.families.bases.generative import Makers
from kgan.families.bases.semi_supervised import SemiSupervised
from kgan.families.gan import GAN
from kgan.networks import improved, with_features
from kgan.penalties import HistoricalAverage
from kgan.priors import Uniform
from kgan.types import Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class ImprovedGAN(SemiSupervised):
    """The two-player game with the paper's techniques, each switchable; with `classes`, a semi-supervised classifier.

    - Feature matching (3.1): the generator matches the mean features of a hidden layer, on a second minibatch of real examples.
    - Minibatch discrimination (3.2): a layer, see `kgan.networks.improved.classifier(minibatch_kernels=...)`.
    - Historical averaging (3.3): `history_weight`, a term of both players.
    - One-sided label smoothing (3.4): the default objective of the unsupervised game.
    - Virtual batch normalization (3.5): layers, see `kgan.networks.improved.generator(reference_size=...)`.
    - Semi-supervised learning (5): the discriminator classifies into K classes, the fake class's logit being fixed at 0.
      `L_D = E[-l_y + lse(l)] + unlabeled_weight / 2 {E_x sp(-lse) + E_z sp(lse)}`: labeled examples, unlabeled and generated ones.

    Args:
        data_shape: shape of one example.
        classes: default None: the unsupervised game. A number K: the semi-supervised one, with K logits.
        feature_matching: default True (good classifiers). False: the objective's loss (good samples, with minibatch discrimination).
        matching_power: 2 (default; squared differences, the MNIST code) or 1 (absolute ones, the CIFAR-10 code).
        feature_layer: name of the discriminator's layer that is matched; default: what its last layer receives, or for the default
            network its last hidden layer before the noise (the authors').
        history_weight: default 0.0: lambda of historical averaging, on both players.
        unlabeled_weight: default 1.0 (the authors').
        objective: default `OneSidedSmoothing(0.9)`; with `classes` "minimax", whose generator loss the code minimizes.
        generator_steps: default 1: generator moves per round, each with fresh noise; the code makes 3 with minibatch discrimination.
        generator, discriminator: networks of your own; with `classes` the discriminator returns K logits. Default: the paper's
            permutation-invariant networks for vectors in [0, 1], its convolutional ones for images (`kgan.networks.improved`).
        latent_size: default 100 (the paper's). prior: default `Uniform(0, 1)` (the code's).
        **kwargs: of `kgan.GAN`.

    Input of `fit`: examples; with `classes`, `fit({"unlabeled": x, "labeled": x_l}, labels)` with arrays of one length, as
    `kgan.datasets.few_labels` makes them, or a data set of `(such a dict, labels)`.

    Logs: as `kgan.GAN`, `discriminator/supervised`, `discriminator/accuracy` (on labeled examples), `*/history`, and
    `generator/feature_matching`.

    Default optimizers: Adam with beta_1 0.5 and rate 3e-3 (the MNIST code) for vectors, 3e-4 (CIFAR-10) for images, there to be lowered
    linearly from epoch 800 to 0 at 1200.

    Starting values: as in the authors' code, the lengths and biases of the default discriminators' weight normalization come from data,
    here from the first minibatch (theirs: 500 examples), before the first round. Networks of your own are left alone, unless their layers
    have `data_init`.

    Raises:
        ValueError: for contradictory arguments, labels outside [0, K), networks of another output.

    Departures from the paper: the convolutional generator's output starts at the drawn weights; by data, as in the code, at standard
    deviations of 0.1, 8x8 digits were at a distance of 189 after 231 rounds that end at 14 otherwise. The code averages the discriminator's
    weights from 0 with rate 1e-4; use `compile(averages={"discriminator": 0.9999})`, which starts at the weights, and `classify`, which
    uses the average. Adam's epsilon, 1e-8, is beside the root; the code has it under the root of the corrected mean of squares, where it
    acts like 1e-4 and shortens four fifths of the generator's steps.

    Example: three labeled examples of each of two classes.

    >>> import numpy as np, kgan
    >>> model = kgan.ImprovedGAN((2,), classes=2, discriminator=kgan.networks.improved.perceptron_classifier((2,), 2, (8,), (0.1, 0.1)))
    >>> model.compile()
    >>> x = np.random.default_rng(0).uniform(size=(64, 2)).astype("float32")
    >>> data, labels = kgan.datasets.semi_supervised(x, (x[:, 0] > 0.5).astype("int64"), labels_per_class=3)
    >>> history = model.fit(data, labels, batch_size=16, verbose=0)
    >>> model.classify(x).shape
    (64, 2)
    """

    fixed_arguments = (*GAN.fixed_arguments, "conditioning", "simultaneous")
    default_latent_size = 100
    default_prior = Uniform(0.0, 1.0)

    def __init__(
        self,
        data_shape: Shape | None = None,
        *,
        classes: Several | None = None,
        feature_matching: bool = True,
        matching_power: Count = 2,
        feature_layer: str | None = None,
        history_weight: Level = 0.0,
        unlabeled_weight: NonNegative = 1.0,
        objective: objectives.ObjectiveLike | None = None,
        generator_steps: Count = 1,
        **kwargs: Any,
    ) -> None:
        if objective is None:
            objective = objectives.OneSidedSmoothing(0.9) if classes is None else "minimax"
        super().__init__(
            data_shape,
            own_networks=lambda shape, latents: _networks(shape, latents, classes or 1),
            objective=objective,
            **kwargs,
        )
        self.set_classes(classes)
        if not feature_layer and kwargs.get("discriminator") is None:
            feature_layer = "features" if len(self.data_shape) == 3 else "activation_4"
        self.feature_matching = feature_matching
        self.matching_power = matching_power
        self.feature_layer = feature_layer
        self.history_weight = history_weight
        self.unlabeled_weight = unlabeled_weight
        self.generator_steps = generator_steps
        if feature_matching:
            self._features = with_features(self.discriminator, self.feature_layer).__call__
        if history_weight:
            self.discriminator_history = HistoricalAverage(self.discriminator, history_weight, name="discriminator_history")
            self.generator_history = HistoricalAverage(self.generator, history_weight, name="generator_history")

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        rate = 3e-4 if len(self.data_shape) == 3 else 3e-3
        return {move: keras.optimizers.Adam(rate, beta_1=0.5, epsilon=1e-8) for move in ("discriminator", "generator")}

    # The game --------------------------------------------------------------------------------------------------------

    def turns(self) -> tuple[Turn, ...]:
        discriminator = Move("discriminator", ("discriminator",), self.discriminator_loss)
        generator = Move("generator", ("generator",), self.generator_loss)
        # Feature matching compares with real examples that the discriminator's move has not seen.
        return (
            Turn((discriminator,), repeats=self.discriminator_steps),
            Turn((generator,), repeats=self.generator_steps, fresh=self.feature_matching),
        )

    def score(self, examples: Tensor, labels: Tensor = None) -> Tensor:
        logits = super().score(examples, labels)
        return logits if self.classes is None else objectives.realness(logits)

    def score_with_features(self, examples: Tensor, labels: Tensor = None) -> tuple[Tensor, Tensor]:
        logits, features = super().score_with_features(examples, labels)
        return (logits if self.classes is None else objectives.realness(logits)), features

    def discriminator_loss(self, batch: Any) -> Terms:
        if not self.uses_labels:
            terms = super().discriminator_loss(batch)
        else:
            # Unlabeled examples first: starting values come from the first call, and labeled ones may be few, and often the same.
            unsupervised = super().discriminator_loss(batch["unlabeled"])
            logits = self.discriminator(self.perturbed(batch["labeled"]), training=self.in_training)
            unsupervised["adversarial"] = 0.5 * self.unlabeled_weight * unsupervised["adversarial"]
            terms = {**self.supervised_terms(logits, batch["labels"]), **unsupervised}
        return terms | ({"history": self.discriminator_history.term(self.rounds)} if self.history_weight else {})

    def generator_loss(self, batch: Any) -> Terms:
        real = self.unlabeled(batch)
        if not self.feature_matching:
            terms = super().generator_loss(real)
        else:
            fake = self.generated(ops.shape(real)[0] * self.generator_batch)
            wanted, made = (self._features(self.perturbed(x), training=self.in_training)[0] for x in (real, fake))
            terms = {"feature_matching": objectives.feature_matching(wanted, made, power=self.matching_power)}
        return terms | ({"history": self.generator_history.term(self.rounds)} if self.history_weight else {})

    def class_logits(self, examples: Tensor) -> Tensor:
        return self.discriminator(examples, training=False)


def _networks(shape: Sizes, latents: int, outputs: int) -> Makers:
    if len(shape) == 3:
        return {
            "generator": lambda: improved.generator(shape, latents),
            "discriminator": lambda: improved.classifier(shape, outputs),
        }
    return {
        "generator": lambda: improved.perceptron_generator(shape, latents),
        "discriminator": lambda: improved.perceptron_classifier(shape, outputs),
    }
