"""Categorical GAN: Springenberg, "Unsupervised and Semi-supervised Learning with Categorical GANs", ICLR 2016, arXiv 1511.06390."""

import warnings
from typing import Any

import keras

from kgan import objectives
from kgan.arguments import NonNegative, Several, Shape
from kgan.engine import Observation, Terms
from kgan.families.bases.generative import Makers
from kgan.families.bases.semi_supervised import SemiSupervised
from kgan.families.gan import GAN, count_of
from kgan.networks import categorical, mlp
from kgan.penalties import weight_decay as decay
from kgan.priors import Uniform
from kgan.types import Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class CatGAN(SemiSupervised):
    """The discriminator sorts examples into K categories, without a class "fake" and without labels: it clusters, against an adversary.

    It is to be certain of real examples, uncertain of generated ones, and to use all categories alike; the generator wants samples that it
    is certain of, spread over all categories. With H the entropy and p(y | x) the softmax of K logits, both minimize (Eq. 7, negated)

    - discriminator: `E_x H[p(y | x)] - H[E_x p(y | x)] - generated_weight * E_z H[p(y | G(z))]`;
    - generator: `E_z H[p(y | G(z))] - H[E_z p(y | G(z))]`.

    With `semi_supervised` the discriminator's loss has `supervised_weight` times the cross-entropy of a few labeled examples beside it
    (Eq. 9), and its categories are the classes. Without, let K be at least the number of classes one expects, and name the clusters by
    examples whose labels are known: `kgan.metrics.name_clusters`.

    With `generated_weight=0` the discriminator learns by RIM's criterion, the mutual information of examples and categories less a weight
    decay (Gomes, Krause and Perona, NIPS 2010), and the generator's samples do not concern it: the paper's baseline.

    Args:
        data_shape: shape of one example.
        classes: K >= 2, default 10; the paper clusters MNIST with 20.
        semi_supervised: default False. True: labels of a few examples are learned too.
        supervised_weight: lambda, default 1.0; the paper's value is not known to us.
        generated_weight: default 1.0 (the paper).
        weight_decay: default 1e-5 (a public re-implementation's), on the kernels of the player that moves.
        generator, discriminator: networks of your own; the discriminator returns K logits. Default: the permutation-invariant MNIST
            networks as that re-implementation has them, `kgan.networks.categorical.classifier` against 500, 500, 1000 units with batch
            norm, with a sigmoid for vectors in [0, 1], tanh for images.
        latent_size: default 128. prior: default `Uniform(0, 1)` (as there).
        **kwargs: of `kgan.GAN`.

    Input of `fit`: examples, minibatches of several times K, else the second term is at most the logarithm of their size; with
    `semi_supervised` as `kgan.ImprovedGAN`. `classify(x)` returns the K probabilities.

    Logs, as they are minimized: `discriminator/conditional`, `discriminator/marginal`, `discriminator/generated`,
    `generator/conditional`, `generator/marginal`, `*/weight_decay`; `discriminator/supervised`, `discriminator/accuracy`; and
    `discriminator/generated_entropy`, E_z H.

    Default optimizers: Adam(2e-4, beta_1 0.5) (as there); a few thousand rounds want 1e-3.

    Raises:
        ValueError: for K < 2, a discriminator without K logits, labels outside [0, K).

    Departures from the paper: it prints the semi-supervised loss as something to maximize, with a plus before the cross-entropy, which
    would unlearn the labels; here it is minimized. Of its networks those for vectors alone are here. Under replicas the marginal entropies
    are those of each replica's examples.

    Example: two categories of points.

    >>> import numpy as np, kgan
    >>> model = kgan.CatGAN((2,), classes=2, discriminator=kgan.networks.categorical.classifier((2,), 2, (8,)), seed=0)
    >>> model.compile()
    >>> x = np.random.default_rng(0).uniform(size=(64, 2)).astype("float32")
    >>> history = model.fit(x, batch_size=16, verbose=0)
    >>> model.classify(x).shape, model.generate(3, seed=0).shape
    ((64, 2), (3, 2))
    """

    fixed_arguments = (*GAN.fixed_arguments, "conditioning", "joint_batch", "objective", "penalties")
    default_prior = Uniform(0.0, 1.0)

    def __init__(
        self,
        data_shape: Shape | None = None,
        *,
        classes: Several = 10,
        semi_supervised: bool = False,
        supervised_weight: NonNegative = 1.0,
        generated_weight: NonNegative = 1.0,
        weight_decay: NonNegative = 1e-5,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_shape, own_networks=lambda shape, latents: _networks(shape, latents, classes), **kwargs)
        self.set_classes(classes)
        self.semi_supervised = semi_supervised
        self.supervised_weight = supervised_weight
        self.generated_weight = generated_weight
        self.weight_decay = weight_decay

    @property
    def uses_labels(self) -> bool:
        return self.semi_supervised

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {move: keras.optimizers.Adam(2e-4, beta_1=0.5, epsilon=1e-8) for move in ("discriminator", "generator")}

    def check_data(self, batch: Any, shape: Sizes | None = None) -> None:
        super().check_data(batch, shape)
        count = len(self.unlabeled(batch))
        if self.classes is not None and count < self.classes:
            warnings.warn(
                f"A minibatch of {count} cannot use {self.classes} classes alike: its marginal entropy is at most log {count}. Make "
                "minibatches several times as large as `classes`.",
                stacklevel=2,
            )

    # The game --------------------------------------------------------------------------------------------------------

    def discriminator_loss(self, batch: Any) -> Terms:
        real = self.unlabeled(batch)
        logits, made = self.score(real), self.score_generated(self.generated(count_of(real)))
        uncertainty = objectives.conditional_entropy(made)
        terms = {
            "conditional": objectives.conditional_entropy(logits),
            "marginal": -objectives.marginal_entropy(logits),
            **({"generated": -self.generated_weight * uncertainty} if self.generated_weight else {}),
            "generated_entropy": Observation(uncertainty),
            **self._decay(self.discriminator),
        }
        if self.uses_labels:
            terms |= self.supervised_terms(self.score(batch["labeled"]), batch["labels"], self.supervised_weight)
        return terms

    def generator_loss(self, batch: Any) -> Terms:
        logits = self.score(self.generated(count_of(self.unlabeled(batch)) * self.generator_batch))
        return {
            "conditional": objectives.conditional_entropy(logits),
            "marginal": -objectives.marginal_entropy(logits),
            **self._decay(self.generator),
        }

    def _decay(self, player: keras.Model) -> Terms:
        kernels = [v for v in player.trainable_variables if len(v.shape) > 1]
        return {"weight_decay": decay(kernels, self.weight_decay)} if self.weight_decay else {}

    def class_logits(self, examples: Tensor) -> Tensor:
        return self.discriminator(examples, training=False)


def _networks(shape: Sizes, latents: int, classes: int) -> Makers:
    settings: dict[str, Any] = {"nonlinearity": 0.1, "batch_norm": True}
    output = "tanh" if len(shape) == 3 else "sigmoid"
    return {
        "generator": lambda: mlp.generator(shape, latents, (500, 500, 1000), output_activation=output, **settings),
        "discriminator": lambda: categorical.classifier(shape, classes),
    }
