"""CausalGAN: Kocaoglu, Snyder, Dimakis, Vishwanath, ICLR 2018, arXiv 1709.02023."""

from typing import Any

import keras
from keras import ops

from kgan import objectives
from kgan.arguments import Count, Network, NonNegative, Positive, Shape
from kgan.causal import LabelNoise
from kgan.engine import Move, Observation, Terms, Turn
from kgan.families.bases.causal_images import CausalImages, label_accuracy
from kgan.families.bases.generative import check_network
from kgan.families.gan import count_of
from kgan.networks import causal
from kgan.objectives import label_cross_entropy, swapped_label_cross_entropy
from kgan.types import SeedLike, Tensor

AUTHORS_NOISE = LabelNoise()


@keras.saving.register_keras_serializable("kgan")
class CausalGAN(CausalImages):
    """Images of labels that obey a causal graph: conditioning and intervening give different, and right, pictures.

    Made for labeled faces of 64 pixels and thousands of rounds, each of them six moves of the generator: of the default networks 62 rounds
    take more than a minute of a CPU core, and images do not show their labels yet.

    Stage two of the paper: the labels come from a frozen `kgan.CausalController`. A labeler learns labels from real examples, an
    anti-labeler from generated ones; the generator is to please the one and to leave the other in the dark, so that examples of one label
    keep their variety. With d, r, a the logits of discriminator, labeler, anti-labeler, x real with labels l_x, g generated with l_g,
    CE the mean cross-entropy over labels, sp softplus:
    - discriminator (Eq. 4): `E sp(-d(x)) + E sp(d(g))`; labeler (Eq. 3): `CE(r(x), l_x)`; anti-labeler (Eq. 2): `CE(a(g), l_g)`;
    - generator (Eq. 5): `E[-d(g)] + CE(r(g), l_g) - c(t) CE(a(g), l_g)`, where `-d = log((1 - D) / D)`, and c(t) = exp(-t / T).
    With all three at their optimum, the generator's is the true distribution of x given l (the paper's Theorem 1).

    Args:
        controller: trained `kgan.CausalController` or its network, of which a copy is kept; or a `kgan.causal.StructuralModel`.
        image_shape: `(size, size, channels)`, default (64, 64, 3) (the paper's CelebA), size 4 times a power of two. Not needed when the
            networks are given, which may make examples of any shape.
        filters: default 64 (the paper's): width of the default networks.
        generator: `keras.Model` from `[z, coded labels]`, `(batch, noise_size + labels)`, to examples.
        discriminator: `keras.Model` from examples to logits `(batch, 1)`. labeler, anti_labeler: to logits `(batch, labels)`. Pass all
            four networks or none.
        noise_size: default 100 (the paper's), length of z.
        prior: of z, default `Uniform(-1, 1)` (the paper's).
        generator_steps: default 6 (the authors' schedule): generator moves in one round, for one of the others.
        anti_labeler_weight: default 1.0 (Eq. 5). 0 leaves the anti-labeler out of the generator's loss.
        anti_labeler_decay: default 3000.0 (the authors'): T, in steps of the authors' loop, of which `generator_steps / 2` make
            a round. None keeps c = 1, as in Eq. 5. The rounds are counted in the model, over every `fit` and `compile`.
        label_noise: `kgan.causal.LabelNoise`, default the authors': the generator's input is the logit of a noisy label. None: 0 or 1.
        swapped_cross_entropy: default False. True, the authors' image code: the generator's and the anti-labeler's label terms have
            the arguments of the cross-entropy exchanged, with the noisy labels.
        objective: `kgan.objectives.Objective` or its name, default "reverse_kl", Eq. 4 and the first term of Eq. 5; the authors' image
            code has "non_saturating".
        seed, name, dtype: as in `kgan.AdversarialModel`.

    Input of `fit`: `(images, labels)`: images `(batch, *image_shape)` in [-1, 1], labels `(batch, labels)` of 0 and 1 in the order of
    `graph.nodes`, or a dict or data frame of label to `(batch,)`. Output of `generate`: images, with labels from the observational
    distribution, or with those given as `condition`; `sample(count, do=..., condition=...)` returns labels too.

    Logs: `discriminator/adversarial`, `discriminator/labeler`, `discriminator/anti_labeler`, `discriminator/label_accuracy` (of the labeler
    on real examples), `generator/adversarial`, `generator/labeler`, `generator/anti_labeler`, `generator/label_accuracy` (of the labeler on
    generated ones).

    Default optimizers: Adam(2e-4, beta_1 0.5) (the paper's), epsilon 1e-8 (TensorFlow 1's).

    Raises:
        TypeError: for a controller that is none. ValueError: for networks that do not fit, labels other than 0 and 1 or of other columns,
        `swapped_cross_entropy` without `label_noise`.

    Departures from the paper: discriminator, labeler and anti-labeler move before the generator's six steps; the authors' loop makes
    one of the six at one point with them. Batch norm uses moving statistics in generation, in the authors' code always the batch's. The
    labelers have a logit a label, as the authors' have, not one for each of the 2^n combinations that the theory asks for where an
    image does not determine its labels. Of the authors' ways of coding labels, the soft label in place of its logit is left out.
    Minibatch features are means over the B examples of a minibatch; the authors' code divides by the number of its pairs, which makes
    them about B - 1 times smaller, and different between sizes of minibatches.

    Example:
    >>> import kgan
    >>> truth = kgan.causal.structural_model("faces")
    >>> labels = truth.sample(64, seed=0).matrix()
    >>> model = kgan.CausalGAN(truth, (8, 8, 3), filters=2, seed=0)
    >>> model.compile()
    >>> images = kgan.priors.Uniform()((64, 8, 8, 3), seed=0)
    >>> history = model.fit(images, labels, batch_size=16, verbose=0)
    >>> images, labels = model.sample(4, do={"Mustache": 1}, seed=0)
    >>> images.shape, labels["Mustache"]
    ((4, 8, 8, 3), array([1, 1, 1, 1]))
    """

    default_networks = staticmethod(causal.image_networks)

    def __init__(
        self,
        controller: Any,
        image_shape: Shape | None = (64, 64, 3),
        *,
        filters: Count = 64,
        anti_labeler: Network | None = None,
        noise_size: Count = 100,
        generator_steps: Count = 6,
        anti_labeler_weight: NonNegative = 1.0,
        anti_labeler_decay: Positive | None = 3000.0,
        label_noise: LabelNoise | None = AUTHORS_NOISE,
        swapped_cross_entropy: bool = False,
        objective: objectives.ObjectiveLike = "reverse_kl",
        **kwargs: Any,
    ) -> None:
        if swapped_cross_entropy and label_noise is None:
            raise ValueError("The swapped cross-entropy of labels of exactly 0 or 1 is infinite. Give `label_noise` too.")
        further = {"anti_labeler": anti_labeler}
        super().__init__(controller, image_shape, filters=filters, noise_size=noise_size, further=further, **kwargs)
        check_network(self.discriminator, "discriminator", self.data_shape, (1,), "examples into a logit")
        self.generator_steps = generator_steps
        self.anti_labeler_weight = anti_labeler_weight
        self.anti_labeler_decay = anti_labeler_decay
        self.label_noise = label_noise
        self.swapped_cross_entropy = swapped_cross_entropy
        self.objective = objectives.get(objective)
        # The optimizers' own count starts again with every `compile`.
        self._rounds = self.add_weight(name="rounds", shape=(), initializer="zeros", dtype="int32", trainable=False)

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {move: keras.optimizers.Adam(2e-4, beta_1=0.5, epsilon=1e-8) for move in ("discriminator", "generator")}

    # The game --------------------------------------------------------------------------------------------------------

    def turns(self) -> tuple[Turn, ...]:
        # Three losses of three disjoint players: one move, so that they share one batch of generated examples.
        judges = Move("discriminator", ("discriminator", "labeler", "anti_labeler"), self.discriminator_loss)
        generator = Move("generator", ("generator",), self.generator_loss)
        return Turn((judges,)), Turn((generator,), repeats=self.generator_steps, fresh=False)

    def coded(self, labels: Tensor, seed: SeedLike) -> Tensor:
        if self.label_noise is None:
            return labels
        soft = self.label_noise(labels, seed)
        return ops.log(soft) - ops.log1p(-soft)

    def discriminator_loss(self, batch: Any) -> Terms:
        real, labels = batch
        fake, coded, given = self.generated_with_labels(count_of(real))
        judged = self._call(self.labeler, real)
        return {
            "adversarial": self.objective.discriminator(
                self._call(self.discriminator, real), self._call(self.discriminator, fake)
            ),
            "labeler": label_cross_entropy(judged, labels),
            "anti_labeler": self._label_term(self._call(self.anti_labeler, fake), coded, given),
            "label_accuracy": Observation(label_accuracy(judged, labels)),
        }

    def generator_loss(self, batch: Any) -> Terms:
        fake, coded, given = self.generated_with_labels(count_of(batch[0]))
        judged = self._call(self.labeler, fake)
        terms = {
            "adversarial": self.objective.generator(self._call(self.discriminator, fake)),
            "labeler": self._label_term(judged, coded, given),
            "label_accuracy": Observation(label_accuracy(judged, given)),
        }
        if self.anti_labeler_weight:
            opposed = self._label_term(self._call(self.anti_labeler, fake), coded, given)
            terms["anti_labeler"] = -self.anti_labeler_strength() * opposed
        return terms

    def anti_labeler_strength(self) -> Any:
        """c(t) of Eq. 5, t from all rounds that the model has been trained for."""
        if self.anti_labeler_decay is None:
            return self.anti_labeler_weight
        rounds = ops.cast(ops.convert_to_tensor(self._rounds), "float32")
        return self.anti_labeler_weight * ops.exp(-rounds * (0.5 * self.generator_steps / self.anti_labeler_decay))

    def _train(self, data: Any) -> dict[str, Tensor]:
        logs = super()._train(data)
        self._rounds.assign_add(1)
        return logs

    def _call(self, network: keras.Model, examples: Tensor) -> Tensor:
        return network(examples, training=self.in_training)

    def _label_term(self, logits: Tensor, coded: Tensor, labels: Tensor) -> Tensor:
        if self.swapped_cross_entropy:
            return swapped_label_cross_entropy(logits, ops.sigmoid(coded))
        return label_cross_entropy(logits, labels)
