"""Energy-based GAN: Zhao, Mathieu, LeCun, ICLR 2017, arXiv 1609.03126."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan import objectives
from kgan.arguments import Count, Level, NonNegative, Several, Shape
from kgan.engine import Observation, Terms
from kgan.families.bases.energy_based import EnergyBased
from kgan.families.bases.generative import Makers
from kgan.families.bases.semi_supervised import SemiSupervised
from kgan.families.gan import GAN, count_of
from kgan.networks import autoencoders, dcgan, mlp, with_features
from kgan.optimizers import checked_level, level_at
from kgan.penalties import Scored
from kgan.types import Array, Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class EBGAN(EnergyBased, SemiSupervised):
    """The discriminator is an autoencoder, and how badly it restores an example is its energy: low on data, above a margin elsewhere.

    With `D(x) = ||Dec(Enc(x)) - x||`, the margin m and codes `S = Enc(G(z))` of a minibatch of samples:

    - discriminator: `E D(x) + E max(0, m - D(G(z)))` (Eq. 1);
    - generator: `E D(G(z)) + pulling_away_weight * f_PT(S)` (Eq. 2, 4): f_PT, the mean squared cosine of different codes, keeps the samples
      of a minibatch apart.

    At the equilibrium samples are distributed as the data, the discriminator's loss is m, and the energy a constant in [0, m] (Theorems 1
    and 2).

    With `classes` it is EBGAN-LN: the discriminator is a ladder network, whose cost at the bottom layer is the energy, and learns a few
    labels beside the game. Let the margin fall to 0: then the loss ends as that of the ladder network alone.

    Args:
        data_shape: shape of one example.
        margin: m > 0, default 10.0 (the paper's for MNIST; 20 CelebA and 40 ImageNet of 128 pixels, 80 LSUN and ImageNet of 256), 4.0 for
            images of fewer than 784 values (ours, for 8x8 digits, where 10 leaves classes out), in the units of the energy: a mean of
            squares wants 1 or less. A number, or a schedule that falls over the rounds, such as
            `keras.optimizers.schedules.PolynomialDecay(10.0, rounds, 0.0)`.
        energy_kind: "norm" (default, the paper's), "sum_squares" or "mean_squares", see `kgan.objectives.reconstruction_energy`.
        pulling_away_weight: default 0.1 (the paper's EBGAN-PT); 0 is its EBGAN.
        code_layer: default "code": the discriminator's layer whose output is S.
        classes: default None. A number K: labels are learned too, and the discriminator returns `[restored, K logits]`.
        supervised_weight: default 1.0, factor of the cross-entropy.
        filters: default 64 (the paper's), of the default networks for images of 32 pixels and more.
        generator, discriminator: networks of your own. The discriminator returns examples. Default: for vectors and smaller images
            perceptrons of 256 units around a code of 32 (`kgan.networks.autoencoders.perceptron`), for others the paper's convolutions
            (`autoencoders.convolutional`) against DCGAN's generator, with `classes` `autoencoders.ladder`.
        latent_size: default 100. prior: default `Normal()`.
        **kwargs: of `kgan.GAN`.

    Input of `fit`: examples `(batch, *data_shape)`, at least 2 with the pulling-away term; with `classes` as `kgan.ImprovedGAN`.
    `model.energy(x)`: energies `(count,)`; `model.reconstruct(x)`: the autoencoder's examples.

    Logs: `discriminator/adversarial`, `discriminator/real_energy`, `discriminator/fake_energy`, `discriminator/margin`,
    `generator/adversarial`, `generator/pulling_away`; `discriminator/supervised`, `discriminator/accuracy`.

    Default optimizers: Adam(1e-3, beta_1 0.5), the rate of the paper's grid; 2e-4 (DCGAN's) for both players of images of 32 pixels and
    more, and for the generator of smaller ones: at one rate samples of 8x8 digits lose classes within twenty thousand rounds.

    Raises:
        ValueError: for a margin of 0 or a rising one, a discriminator that does not return examples (and logits).

    Departures from the paper: the default perceptrons are narrower than its best (four generator layers of 1600, a code of 1024), and the
    decoder has a hidden layer. Its 128 and 256 pixel networks, which feed noise to every layer, are not here. The weight of EBGAN-LN's
    cross-entropy and its margins were found by search and are not printed. Under replicas the pulling-away term is of each replica's
    samples.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.EBGAN((5,), latent_size=3, margin=1.0, seed=0)
    >>> model.compile()
    >>> x = np.random.default_rng(0).normal(size=(64, 5)).astype("float32")
    >>> history = model.fit(x, batch_size=32, verbose=0)
    >>> model.energy(x).shape, model.generate(2, seed=0).shape
    ((64,), (2, 5))
    """

    fixed_arguments = (*GAN.fixed_arguments, "conditioning", "objective")
    default_latent_size = 100

    def __init__(
        self,
        data_shape: Shape | None = None,
        *,
        margin: Level | None = None,
        energy_kind: str = "norm",
        pulling_away_weight: NonNegative = 0.1,
        code_layer: str = "code",
        classes: Several | None = None,
        supervised_weight: NonNegative = 1.0,
        filters: Count = 64,
        **kwargs: Any,
    ) -> None:
        if energy_kind not in objectives.ENERGIES:
            raise ValueError(f"`energy_kind` must be one of {', '.join(objectives.ENERGIES)}. Received: {energy_kind!r}.")
        if margin == 0:
            raise ValueError("`margin` must be > 0: at 0 samples are not pushed away. A schedule may end there.")
        super().__init__(
            data_shape,
            own_networks=lambda shape, latents: _networks(shape, latents, filters, classes),
            objective="wasserstein",
            **kwargs,
        )
        if margin is None:
            margin = 4.0 if len(self.data_shape) == 3 and math.prod(self.data_shape) < 784 else 10.0
        self.margin = checked_level("margin", margin, falling=True)
        self.energy_kind = energy_kind
        self.pulling_away_weight = pulling_away_weight
        self.code_layer = code_layer
        self.classes = classes
        self.supervised_weight = supervised_weight
        self.filters = filters
        self._check_restored()
        self._coded = with_features(self.discriminator, code_layer).__call__ if pulling_away_weight else None
        self.smallest_batch = 2 if pulling_away_weight else 1

    def _check_restored(self) -> None:
        shapes = self.discriminator.output_shape
        shapes = [tuple(shape)[1:] for shape in (shapes if isinstance(shapes, list) else [shapes])]
        needed = [self.data_shape, *([(self.classes,)] if self.classes else [])]
        if shapes != needed:
            raise ValueError(
                f"The discriminator is an autoencoder: classes={self.classes!r} needs the outputs {needed} per example. Received: {shapes}."
            )

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        large, images = _large(self.data_shape), len(self.data_shape) == 3
        rates = {"discriminator": 2e-4 if large else 1e-3, "generator": 2e-4 if images else 1e-3}
        return {move: keras.optimizers.Adam(rate, beta_1=0.5, epsilon=1e-8) for move, rate in rates.items()}

    # The game --------------------------------------------------------------------------------------------------------

    def score(self, examples: Tensor, labels: Tensor = None) -> Tensor:
        seen = self.perturbed(examples)
        return self._realness(seen, self.discriminator(seen, training=self.in_training))

    def score_with_features(self, examples: Tensor, labels: Tensor = None) -> tuple[Tensor, Tensor]:
        seen = self.perturbed(examples)
        features, *outputs = self._tapped(seen, training=self.in_training)
        return self._realness(seen, outputs), features

    def _realness(self, examples: Tensor, outputs: Any) -> Tensor:
        return -objectives.reconstruction_energy(examples, _first(outputs), self.energy_kind)

    def discriminator_loss(self, batch: Any) -> Terms:
        terms = super().discriminator_loss(self.unlabeled(batch))
        if self.uses_labels:
            logits = self.discriminator(self.perturbed(batch["labeled"]), training=self.in_training)[1]
            terms |= self.supervised_terms(logits, batch["labels"], self.supervised_weight)
        return terms

    def discriminator_terms(self, scored: Scored) -> Terms:
        margin = level_at(self.margin, self.rounds)
        energies = -scored.real_logits, -scored.fake_logits
        return {
            **super().discriminator_terms(scored),
            "adversarial": objectives.energy_margin(*energies, margin),
            "margin": Observation(ops.convert_to_tensor(margin, dtype="float32")),
        }

    def generator_loss(self, batch: Any) -> Terms:
        fake = self.perturbed(self.generated(count_of(self.unlabeled(batch)) * self.generator_batch))
        if self._coded is None:
            return {
                "adversarial": self.objective.generator(self._realness(fake, self.discriminator(fake, training=self.in_training)))
            }
        codes, *outputs = self._coded(fake, training=self.in_training)
        return {
            "adversarial": self.objective.generator(self._realness(fake, outputs)),
            "pulling_away": self.pulling_away_weight * objectives.pulling_away(codes),
        }

    def class_logits(self, examples: Tensor) -> Tensor:
        return self.discriminator(examples, training=False)[1]

    def reconstruct(self, examples: Array, batch_size: int = 256) -> Array:
        """The autoencoder's examples. Arguments as in `energy`; returns an array of the shape of `examples`."""
        self.check_examples(np.asarray(examples), self.data_shape)
        return self.in_inference(
            lambda x: _first(self.discriminator(x, training=False)), np.asarray(examples), batch_size=batch_size
        )


def _first(outputs: Any) -> Tensor:
    """The restored examples among a network's outputs."""
    return keras.tree.flatten(outputs)[0]


def _large(shape: Sizes) -> bool:
    """Whether examples are images for convolutions: of 32 pixels and more, 4 times a power of two."""
    return len(shape) == 3 and shape[0] >= 32 and shape[0] & (shape[0] - 1) == 0


def _networks(shape: Sizes, latents: int, filters: int, classes: int | None) -> Makers:
    images, units = len(shape) == 3, (256, 256)
    made: dict[str, Any] = {
        "generator": lambda: mlp.generator(shape, latents, units, batch_norm=True, output_activation="tanh" if images else None),
        "discriminator": lambda: autoencoders.perceptron(shape),
    }
    if _large(shape):
        made["generator"] = lambda: dcgan.generator(shape, latents, filters)
        made["discriminator"] = lambda: autoencoders.convolutional(shape, filters)
    return made if classes is None else {**made, "discriminator": lambda: autoencoders.ladder(shape, classes)}
