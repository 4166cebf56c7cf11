"""Dual-agent GANs: Zhao et al., "Dual-Agent GANs for Photorealistic and Identity Preserving Profile Face Synthesis", NIPS 2017."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from kgan.arguments import Count, Function, Network, NonNegative, Several, Shape
from kgan.engine import Move, Observation, Terms, Turn
from kgan.families.bases.conditional import are_classes, check_labels
from kgan.families.bases.domains import ImageToImage, check_domains
from kgan.families.bases.equilibrium import BoundaryEquilibrium, plain_numbers
from kgan.families.bases.generative import check_network, given_or_built
from kgan.networks import autoencoders, refiner
from kgan.objectives import class_cross_entropy, mean_absolute
from kgan.types import Array, Nest, Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class DualAgentGAN(ImageToImage, BoundaryEquilibrium):
    """A simulator's pictures made to look real, which stay of whom they were, and in what pose.

    A refiner changes pictures s of a simulator, without noise: x = G(s). The discriminator is an autoencoder with two agents. One judges
    by the error `e(y) = mean |y - D(y)|`, kept in balance by a factor k as in boundary-equilibrium GANs; the other reads whom a picture
    shows from the code, `p(. | y)`. With y real, labels Y, CE the cross-entropy:

    - discriminator: `e(y) - k e(x) + c (CE(Y_y, p(. | y)) + CE(Y_s, p(. | x)))` (Eq. 3, 5, 6);
    - refiner: `a e(x) + c CE(Y_s, p(. | x)) + b mean |x - s|` (Eq. 2, 7);
    - `k <- clip(k + factor_rate (diversity_ratio e(y) - e(x)), 0, 1)`, from 0 (Eq. 4).

    At the equilibrium `e(x) / e(y)` is the diversity ratio (`discriminator/ratio` in the logs).

    Args:
        image_shape: `(size, size, channels)`, size 8 times a power of two; taken from given networks.
        classes: K, the number of those whom pictures show.
        filters, blocks: default 64 and 10, of the default refiner (`kgan.networks.refiner.residual`).
        discriminator_filters, code_size: default 64 each, of the default discriminator (`kgan.networks.autoencoders.boundary`). A code that
            holds a whole picture restores generated ones too, and the ratio comes close to 1: 16 for pictures of 8 pixels.
        generator: `keras.Model` from pictures to pictures of the same shape. discriminator: from pictures to `[restored, K logits]`.
        diversity_ratio: in (0, 1], default 0.5 from 64 pixels up (BEGAN's), 0.8 below, where pictures are easy to restore: with 0.5
            refined glyphs of 8 pixels name fewer digits after five thousand rounds than after one.
        factor_rate: default 0.001 from 64 pixels up (BEGAN's), 0.01 below, whose trainings are of a few thousand rounds.
        classification_weight: c, default 0.1. pose_weight: b, default 0.1, of pictures in [-1, 1]. adversarial_weight: a, default 1.
        label_loss: `(logits, labels) -> scalar`, labels integers `(batch,)`: default `kgan.objectives.class_cross_entropy`;
            `one_against_rest` is Eq. 5 as printed. One of your own must be registered with Keras.
        real_labels: default True. False: real pictures have no labels, the first CE is left out. What a label means is then not tied to
            real pictures, and refined ones may exchange their identities.
        fresh_batch: default False: the refiner moves on the minibatch that the discriminator saw; True: on one of its own.
        seed, name, dtype: as in `kgan.AdversarialModel`.

    Input of `fit`: `fit({"simulated": images, "real": images}, {"simulated": labels, "real": labels})`, images float32 in [-1, 1] that need
    not correspond, labels integers in [0, K): `kgan.datasets.unpaired(images, labels=labels)` makes minibatches. Without `real_labels`
    the labels of the simulated ones alone. Output of `refine`: refined pictures, in the order given, so that their labels are known;
    `generate(count, condition=images)` does the same, `classify` reads any picture. Metrics given to `compile` have no condition; compute
    them from `refine`.

    Logs: `discriminator/real_error`, `.../fake_error` (with its factor), `.../real_classes`, `.../fake_classes`; `.../factor` (k),
    `.../ratio`, `.../convergence` (`e(y) + |diversity_ratio e(y) - e(x)|`, Eq. 8), `.../accuracy` (of refined pictures);
    `generator/error`, `generator/classes`, `generator/pose`.

    Default optimizers: Adam(1e-4, beta_1 0.5), epsilon 1e-8 (BEGAN's rate; the paper's could not be read).

    Raises:
        ValueError: labels outside [0, K) or missing, pictures of different shapes, networks that do not fit, arguments out of range.

    Departures from the paper: weights, ratio, rates and the sizes of layers are in a supplement that could not be read; they are BEGAN's,
    SimGAN's and ours; softmax cross-entropy in place of Eq. 5 is one of them (`label_loss`), and the last layer of the default refiner
    retouches its input (`kgan.networks.refiner`). The refiner's adversarial term has no factor k, which is 0 at the start: with "minus the
    discriminator's" term nothing would ever move. The factor follows the errors that the discriminator sees, before its step. The simulator
    is not part of the model: any labeled pictures do.

    Example:
    >>> import kgan
    >>> pictures, labels = kgan.datasets.glyphs(32, size=8)
    >>> digits, truth = kgan.datasets.arrays("digits")
    >>> model = kgan.DualAgentGAN((8, 8, 1), classes=10, filters=4, blocks=1, discriminator_filters=4, code_size=8, seed=0)
    >>> model.compile()
    >>> data = kgan.datasets.unpaired(
    ...     {"simulated": pictures, "real": digits[:64]}, 16, labels={"simulated": labels, "real": truth[:64]}
    ... )
    >>> history = model.fit(data, verbose=0)
    >>> model.refine(pictures).shape, model.classify(digits[:3]).shape
    ((32, 8, 8, 1), (3, 10))
    """

    def __init__(
        self,
        image_shape: Shape | None = None,
        *,
        classes: Several,
        filters: Count = 64,
        blocks: Count = 10,
        discriminator_filters: Count = 64,
        code_size: Count = 64,
        generator: Network | None = None,
        discriminator: Network | None = None,
        diversity_ratio: float | None = None,
        factor_rate: NonNegative | None = None,
        classification_weight: NonNegative = 0.1,
        pose_weight: NonNegative = 0.1,
        adversarial_weight: NonNegative = 1.0,
        label_loss: Function | None = None,
        real_labels: bool = True,
        fresh_batch: bool = False,
        **kwargs: Any,
    ) -> None:
        if diversity_ratio is not None and not 0.0 < diversity_ratio <= 1.0:
            raise ValueError(f"`diversity_ratio` lies in (0, 1]. Received: {diversity_ratio!r}.")
        super().__init__(**kwargs)
        self.image_shape, self.generator, self.discriminator = given_or_built(
            image_shape,
            {"generator": generator, "discriminator": discriminator},
            lambda shape: {
                "generator": lambda: refiner.residual(shape, filters, blocks),
                "discriminator": lambda: autoencoders.boundary(shape, code_size, discriminator_filters, classes),
            },
        )
        self.classes, self.filters, self.blocks = classes, filters, blocks
        self.discriminator_filters, self.code_size = discriminator_filters, code_size
        small = max(self.image_shape[:2]) < 64
        self.diversity_ratio = (0.8 if small else 0.5) if diversity_ratio is None else diversity_ratio
        self.factor_rate = (0.01 if small else 0.001) if factor_rate is None else factor_rate
        self.classification_weight, self.pose_weight = classification_weight, pose_weight
        self.adversarial_weight = adversarial_weight
        self.label_loss = class_cross_entropy if label_loss is None else label_loss
        self.real_labels, self.fresh_batch = real_labels, fresh_batch
        check_network(self.generator, "generator", self.image_shape, self.image_shape, "pictures into refined ones")
        made = [tuple(shape)[1:] for shape in _listed(self.discriminator.output_shape)]
        if made != [self.image_shape, (classes,)]:
            raise ValueError(
                f"The discriminator must turn pictures into [restored {self.image_shape}, logits ({classes},)]. It makes {made}."
            )
        self.start_factors(1)

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {move: keras.optimizers.Adam(1e-4, beta_1=0.5, epsilon=1e-8) for move in ("discriminator", "generator")}

    # The game --------------------------------------------------------------------------------------------------------

    def turns(self) -> tuple[Turn, ...]:
        return (
            Turn((Move("discriminator", ("discriminator",), self.discriminator_loss),)),
            Turn((Move("generator", ("generator",), self.generator_loss),), fresh=self.fresh_batch),
        )

    def judged(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """What the two agents say of pictures: their error, a scalar, and the logits of whom they show `(batch, classes)`."""
        restored, logits = self.discriminator(images, training=self.in_training)
        return mean_absolute(images, restored), logits

    def discriminator_loss(self, batch: Any) -> Terms:
        real_error, real_logits = self.judged(batch["real"])
        fake_error, fake_logits = self.judged(self.generator(batch["simulated"], training=self.in_training))
        labels, factor = batch["labels"], self.factors()[0]
        real, fake = plain_numbers(real_error, fake_error)
        margin = self.diversity_ratio * real - fake
        self.follow([self.factor_rate], [margin])
        terms = {"real_error": real_error, "fake_error": -factor * fake_error}
        if self.classification_weight:
            if self.real_labels:
                terms["real_classes"] = self.classification_weight * self.label_loss(real_logits, labels["real"])
            terms["fake_classes"] = self.classification_weight * self.label_loss(fake_logits, labels["simulated"])
        right = ops.equal(ops.argmax(fake_logits, axis=-1), ops.cast(labels["simulated"], "int32"))
        return {
            **terms,
            "factor": Observation(factor),
            "ratio": Observation(fake / (real + 1e-12)),
            "convergence": Observation(real + ops.abs(margin)),
            "accuracy": Observation(ops.mean(ops.cast(right, "float32"))),
        }

    def generator_loss(self, batch: Any) -> Terms:
        simulated = batch["simulated"]
        refined = self.generator(simulated, training=self.in_training)
        error, logits = self.judged(refined)
        terms = {}
        if self.adversarial_weight:
            terms["error"] = self.adversarial_weight * error
        if self.classification_weight:
            terms["classes"] = self.classification_weight * self.label_loss(logits, batch["labels"]["simulated"])
        if self.pose_weight:
            terms["pose"] = self.pose_weight * mean_absolute(simulated, refined)
        return terms

    # Data ------------------------------------------------------------------------------------------------------------

    @property
    def domains(self) -> dict[str, Sizes]:
        return {"simulated": self.image_shape, "real": self.image_shape}

    @property
    def labeled(self) -> list[str]:
        """The domains whose labels the losses use."""
        return ["simulated", "real"] if self.real_labels else ["simulated"]

    def _labels(self, y: Any) -> Any:
        """Labels by domain, those that losses use; None where some are missing."""
        given = y if isinstance(y, Mapping) else {"simulated": y}
        used = {domain: given.get(domain) for domain in self.labeled}
        return None if any(labels is None for labels in used.values()) else used

    def unpack(self, data: Any) -> Nest:
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        return {**x, "labels": self._labels(y)} if isinstance(x, dict) else x

    def check_data(self, batch: Any) -> None:
        check_domains(self, batch, self.domains, " and ".join(self.labeled))
        self._check_labels(batch["labels"])

    def check_labels(self, x: Any, y: Any) -> None:
        self._check_labels(self._labels(y))

    def _check_labels(self, labels: Any) -> None:
        if labels is None:
            raise ValueError(
                f"Labels of {' and '.join(self.labeled)} are needed: fit(pictures, labels), both dicts of the domains. Received none, or "
                "those of one domain."
            )
        for domain in self.labeled:
            try:
                check_labels(labels[domain], self.classes)
            except ValueError as error:
                raise ValueError(f"Domain {domain!r}: {error}") from error

    def labels_in_range(self, batch: Any) -> Tensor | bool:
        return ops.all(ops.stack([are_classes(labels, self.classes) for labels in batch["labels"].values()]))

    # Use -------------------------------------------------------------------------------------------------------------

    def refine(self, images: Array, batch_size: Count = 256) -> Array:
        """Refined pictures, with averaged weights if the model keeps averages.

        Args:
            images: array `(count, *image_shape)` of the simulator, in [-1, 1]. batch_size: default 256, pictures computed at once.

        Returns:
            NumPy array of the same shape and order: what a picture showed it shows still.
        """
        self.check_examples(images, self.image_shape)
        return self.in_inference(lambda x: self.generator(x, training=False), images, batch_size=batch_size)

    def classify(self, images: Array, batch_size: Count = 256) -> Array:
        """Whom pictures show, by the agent that keeps identities: probabilities `(count, classes)`. Arguments as in `refine`."""
        self.check_examples(images, self.image_shape)
        return self.in_inference(
            lambda x: ops.softmax(ops.cast(self.discriminator(x, training=False)[1], "float32")), images, batch_size=batch_size
        )


def _listed(shapes: Any) -> list[Any]:
    return shapes if isinstance(shapes, list) else [shapes]
