"""Triple generative adversarial nets: Li, Xu, Zhu, Zhang, NIPS 2017, arXiv 1703.02291."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from kgan import backend, objectives
from kgan.arguments import Count, Level, Natural, Network, NonNegative, Several, Shape
from kgan.engine import Move, Observation, Terms, Turn
from kgan.families.bases.generative import check_network, given_or_built
from kgan.families.bases.semi_supervised import SemiSupervised
from kgan.families.gan import GAN, count_of
from kgan.layers import statistics_kept
from kgan.networks import improved, triple
from kgan.optimizers import checked_level, level_at
from kgan.penalties import weight_decay as decay
from kgan.priors import Uniform
from kgan.types import Nest, SeedLike, Sizes, Tensor

GRADIENTS = ("argmax", "integrate", "reinforce")


@keras.saving.register_keras_serializable("kgan")
class TripleGAN(SemiSupervised):
    """A classifier, a generator of examples of a class, and a discriminator that knows true pairs (x, y) from the false ones of both.

    With d the discriminator's logit of a pair, sp softplus, x_l, y labeled examples, x_u unlabeled ones, y_c the classifier's label,
    x_g = G(z, y_g) with as many samples of every class, s = `pseudo_share` and a = `alpha`, a round is

        discriminator  (1 - s) E sp(-d(x_l, y)) + s E sp(-d(x_u, y_c)) + a E sp(d(x_u, y_c)) + (1 - a) E sp(d(x_g, y_g))
        generator      (1 - a) E sp(-d(x_g, y_g))
        classifier     w a A + E -log p(y | x_l) + R + w_g E -log p(y_g | x_g)

    A is what the classifier learns from the discriminator, `E sum_y p(y | x_u) sp(-d(x_u, y))`, through p alone: a label is a choice, and
    has no gradient. R regularizes on unlabeled examples: `0.3 H(p) + 0.001 CE(uniform, mean p)`, or consistency. The only equilibrium with
    the cross-entropy is that data, classifier and generator agree; the last term ("pseudo-discriminative") does not move it.

    Args:
        data_shape: shape of one example.
        classes: K.
        alpha: in (0, 1), default 0.5 (the paper's), the share of the classifier's pairs among false ones.
        gradient: how the classifier learns from the discriminator: "argmax" (default, the code: the likeliest label's term of A alone),
            "integrate" (A, exactly: K passes of the discriminator), or "reinforce" (unbiased, for a label drawn from p).
        saturating: default False (the code). True: -sp(d) in place of sp(-d) for generator and classifier, as Algorithm 1 is printed.
        adversarial_weight: w, default 1.0 (MNIST's; SVHN and CIFAR-10: 0.01).
        pseudo_share: s in [0, 1), default 0.9 (SVHN's 180 in 200): unlabeled examples with the classifier's label pass for true pairs.
        generated_weight: w_g, default 0.1 (MNIST's; SVHN 0.03), from round `generated_start` on, default 2500 (ours), and not before the
            game: before the generator is any good, this destroys the classifier.
        entropy_weight, balance_weight: default 0.3 and 0.001 (MNIST's and SVHN's). With "argmax", without the first, confidence decays.
        consistency_weight: default 0.0, a number or a schedule over rounds: squared difference of p under two draws of the classifier's
            noise (CIFAR-10: rising to 100, with the two above at 0).
        weight_decay: default 0.0, on the classifier's kernels, see `kgan.penalties.weight_decay`. The code has it on the last layer alone,
            which under batch norm has none (SVHN), else as 2e-4 here (MNIST). A kernel that is normalized, as those of the default
            classifiers are, changes the size of its steps by it and nothing else.
        pretraining_rounds: default 500 (ours): rounds of the classifier alone, which few labels need.
        generator: network from `[latents, labels]`, labels integers `(batch,)`. discriminator: from `[examples, labels]` to logits
            `(batch, 1)`. classifier: from examples to logits `(batch, classes)`. Default: the code's (`kgan.networks.triple`), for vectors
            with the perceptron of `kgan.ImprovedGAN` as classifier.
        latent_size: default 100 (the code's). prior: default `Uniform(0, 1)` (the code's).
        **kwargs: of `kgan.GAN`: `instance_noise`, `seed`, `name`, `dtype`.

    Input of `fit`: `fit({"unlabeled": x, "labeled": x_l}, labels)` as in `kgan.ImprovedGAN`. `generate(count, condition=labels)`: of
    these classes, integers `(count,)` or one for all; without, the classes in turn.

    Logs: `discriminator/adversarial`, `.../real_logit`, `.../fake_logit`; `generator/adversarial`; `classifier/supervised`,
    `.../accuracy`, `.../adversarial`, `.../generated`, `.../entropy`, `.../balance`, `.../consistency`, `.../weight_decay`;
    `discriminator/classified_logit`. Classes that a minibatch has no room for come in the next rounds.

    Default optimizers: Adam with beta_1 0.5, 1e-3 for vectors (MNIST's), 3e-4 for images (SVHN's). The authors evaluate an average of the
    classifier: `compile(averages={"classifier": 0.99})`, which starts at the weights, theirs at 0.

    Raises:
        ValueError: for labels outside [0, K), networks that do not fit, arguments out of range.

    Departures from the paper: D, G, C move in the order of the code; Algorithm 1 has D, C, G. True pairs are weighted by s, not counted out
    of a batch: the same mean of more pairs. The MNIST classifier is a perceptron here, convolutional there; pass images for convolutions.
    Rates stay; the code lets them fall from epoch 300 on. It pretrains with an optimizer of its own (3e-4, beta_1 0.9) and a balance weight
    of 0.3 (MNIST), or not at all (SVHN). Images have SVHN's networks, rates and shares with MNIST's weights of the terms. With "integrate"
    the discriminator sees drawn labels, in the code all, weighted by p; its true pairs beside the labeled ones are the same unlabeled
    examples, in the code others.

    Example:
    >>> import numpy as np, kgan
    >>> networks = kgan.networks.triple
    >>> model = kgan.TripleGAN(
    ...     (2,), classes=2, pretraining_rounds=0, generator=networks.perceptron_generator((2,), 3, 2, (8,), None),
    ...     discriminator=networks.perceptron_discriminator((2,), 2, (8,), (0.1, 0.1)),
    ...     classifier=kgan.networks.mlp.discriminator((2,), (8,), outputs=2, name="classifier"),
    ... )
    >>> model.compile()
    >>> x = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")
    >>> data, labels = kgan.datasets.semi_supervised(x, (x[:, 0] > 0).astype("int64"), labels_per_class=3)
    >>> history = model.fit(data, labels, batch_size=16, verbose=0)
    >>> model.classify(x).shape, model.generate(4, condition=[0, 1, 1, 0]).shape
    ((64, 2), (4, 2))
    """

    fixed_arguments = (
        *GAN.fixed_arguments, "conditioning", "discriminator_steps", "generator_batch", "joint_batch", "objective", "penalties",
        "simultaneous",
    )  # fmt: skip
    classifier_role = "classifier"
    default_latent_size = 100
    default_prior = Uniform(0.0, 1.0)

    @property
    def opening(self) -> str:
        late = self.generated_weight and self.generated_start > self.pretraining_rounds
        return "generated_start" if late else "pretraining_rounds"

    def __init__(
        self,
        data_shape: Shape | None = None,
        *,
        classes: Several,
        alpha: float = 0.5,
        gradient: str = "argmax",
        saturating: bool = False,
        adversarial_weight: NonNegative = 1.0,
        pseudo_share: float = 0.9,
        generated_weight: NonNegative = 0.1,
        generated_start: Natural = 2500,
        entropy_weight: NonNegative = 0.3,
        balance_weight: NonNegative = 0.001,
        consistency_weight: Level = 0.0,
        weight_decay: NonNegative = 0.0,
        pretraining_rounds: Natural = 500,
        generator: Network | None = None,
        discriminator: Network | None = None,
        classifier: Network | None = None,
        latent_size: Count | None = None,
        **kwargs: Any,
    ) -> None:
        if not 0.0 < alpha < 1.0 or not 0.0 <= pseudo_share < 1.0:
            raise ValueError(f"`alpha` lies in (0, 1), `pseudo_share` in [0, 1). Received: {alpha!r} and {pseudo_share!r}.")
        if gradient not in GRADIENTS:
            raise ValueError(f"`gradient` must be one of {', '.join(GRADIENTS)}. Received: {gradient!r}.")
        latents = self.latents_of(generator, latent_size)
        given = {"discriminator": discriminator, "generator": generator, "classifier": classifier}
        shape, discriminator, generator, classifier = given_or_built(
            data_shape, given, lambda shape: _networks(shape, latents, classes)
        )
        super().__init__(shape, generator=generator, discriminator=discriminator, **kwargs)
        check_network(classifier, "classifier", self.data_shape, (classes,), "examples into a logit for each class")
        self.classifier = classifier
        self.set_classes(classes)
        self.alpha, self.gradient, self.saturating = alpha, gradient, saturating
        self.adversarial_weight, self.pseudo_share = adversarial_weight, pseudo_share
        self.generated_weight, self.generated_start = generated_weight, generated_start
        self.entropy_weight, self.balance_weight = entropy_weight, balance_weight
        self.consistency_weight = checked_level("consistency_weight", consistency_weight)
        self.weight_decay = weight_decay
        self.pretraining_rounds = pretraining_rounds

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        rate = 3e-4 if len(self.data_shape) == 3 else 1e-3
        return {m: keras.optimizers.Adam(rate, beta_1=0.5, epsilon=1e-8) for m in ("discriminator", "generator", "classifier")}

    def _check_networks(self) -> None:
        for role, first, made in (("generator", (self.latent_size,), self.data_shape), ("discriminator", self.data_shape, (1,))):
            network, what = getattr(self, role), "examples" if role == "discriminator" else "latents"
            taken, output = network.input_shape, tuple(network.output_shape[1:])
            if not isinstance(taken, list) or [tuple(t[1:]) for t in taken] != [first, ()] or output != made:
                raise ValueError(
                    f"The {role} must turn [{what} {first}, labels ()] into {made}. Received one from {taken} to {network.output_shape}."
                )

    # The game --------------------------------------------------------------------------------------------------------

    def turns(self) -> tuple[Turn, ...]:
        due = (lambda: self.rounds >= self.pretraining_rounds) if self.pretraining_rounds else None
        return (
            Turn((Move("discriminator", ("discriminator",), self.discriminator_loss),), when=due),
            Turn((Move("generator", ("generator",), self.generator_loss),), fresh=False, when=due),
            Turn((Move("classifier", ("classifier",), self.classifier_loss),), fresh=False),
        )

    def pair_logits(self, examples: Tensor, labels: Tensor) -> Tensor:
        """The discriminator's logits of pairs, `(batch,)`."""
        pair = [self.perturbed(ops.convert_to_tensor(examples)), ops.cast(labels, "int32")]
        return ops.squeeze(backend.full_precision(self.discriminator(pair, training=self.in_training)), axis=-1)

    def fooled(self, logits: Tensor) -> Tensor:
        """What generator and classifier lose by pairs of these logits, `(batch,)`."""
        return -ops.softplus(logits) if self.saturating else ops.softplus(-logits)

    def generated_pairs(self, count: Any) -> tuple[Tensor, Tensor]:
        """Generated examples on fresh noise with their labels, the classes in turn."""
        labels = self.labels_of_round(count)
        return self.generated(count, labels), labels

    def labels_of_round(self, count: Any) -> Tensor:
        """The classes in turn, from where the round before ended: a minibatch may be smaller than their number."""
        start = ops.cast(ops.mod(self.rounds, self.classes), "int32") * ops.cast(count, "int32")
        return ops.mod(start + ops.arange(count, dtype="int32"), self.classes)

    def labeled_by_classifier(self, examples: Tensor) -> tuple[Tensor, Tensor]:
        """The classifier's logits, and its labels: the likeliest, or drawn ones, see `gradient`."""
        logits = backend.full_precision(self.classifier(ops.convert_to_tensor(examples), training=self.in_training))
        if self.gradient == "argmax":
            return logits, ops.argmax(logits, axis=-1)
        uniform = keras.random.uniform((count_of(examples), self.classes), 1e-7, 1.0, dtype="float32", seed=self.seed_generator)
        return logits, ops.argmax(logits - ops.log(-ops.log(uniform)), axis=-1)

    def discriminator_loss(self, batch: Any) -> Terms:
        real, unlabeled, share = batch["labeled"], batch["unlabeled"], self.pseudo_share
        logits, labels = self.labeled_by_classifier(unlabeled)
        true, classified = self.pair_logits(real, batch["labels"]), self.pair_logits(unlabeled, labels)
        made = self.pair_logits(*self.generated_pairs(count_of(unlabeled)))
        loss = (1.0 - share) * ops.mean(ops.softplus(-true))
        if share:
            likeliest = classified if self.gradient == "argmax" else self.pair_logits(unlabeled, ops.argmax(logits, axis=-1))
            loss = loss + share * ops.mean(ops.softplus(-likeliest))
        loss = loss + self.alpha * ops.mean(ops.softplus(classified)) + (1.0 - self.alpha) * ops.mean(ops.softplus(made))
        return {
            "adversarial": loss,
            "real_logit": Observation(ops.mean(true)),
            "fake_logit": Observation(ops.mean(made)),
            "classified_logit": Observation(ops.mean(classified)),
        }

    def generator_loss(self, batch: Any) -> Terms:
        made = self.pair_logits(*self.generated_pairs(count_of(batch["unlabeled"])))
        return {"adversarial": (1.0 - self.alpha) * ops.mean(self.fooled(made))}

    def classifier_loss(self, batch: Any) -> Terms:
        unlabeled = batch["unlabeled"]
        supervised = self.classifier(ops.convert_to_tensor(batch["labeled"]), training=self.in_training)
        terms = self.supervised_terms(supervised, batch["labels"])
        logits, labels = self.labeled_by_classifier(unlabeled)
        if self.adversarial_weight:
            weight = self.adversarial_weight * self.alpha * self._since(self.pretraining_rounds)
            terms["adversarial"] = weight * self.classifier_adversarial(unlabeled, logits, labels)
        if self.generated_weight:
            made, wanted = self.generated_pairs(count_of(unlabeled))
            with statistics_kept(self.classifier):  # what is classified later is real
                guessed = self.classifier(made, training=self.in_training)
            weight = self.generated_weight * self._since(max(self.generated_start, self.pretraining_rounds))
            terms["generated"] = weight * objectives.class_cross_entropy(guessed, wanted)
        return terms | self.classifier_regularization(unlabeled, logits)

    def classifier_adversarial(self, examples: Tensor, logits: Tensor, labels: Tensor) -> Tensor:
        """A: what the classifier loses by the discriminator's judgment of its labels."""
        if self.gradient == "integrate":
            every = [ops.full((count_of(examples),), k, dtype="int32") for k in range(self.classes or 0)]
            losses = ops.stack([self.fooled(self.pair_logits(examples, k)) for k in every], axis=-1)
            return objectives.label_expectation(logits, losses)
        losses = self.fooled(self.pair_logits(examples, labels))
        one = objectives.label_argmax if self.gradient == "argmax" else objectives.label_reinforce
        return one(logits, labels, losses)

    def classifier_regularization(self, examples: Tensor, logits: Tensor) -> Terms:
        """R: the terms on unlabeled examples, given the classifier's logits of them, and on its weights."""
        terms: Terms = {}
        if self.entropy_weight:
            terms["entropy"] = self.entropy_weight * objectives.conditional_entropy(logits)
        if self.balance_weight:
            terms["balance"] = self.balance_weight * objectives.label_balance(logits)
        if self.consistency_weight != 0.0:
            again = self.classifier(ops.convert_to_tensor(examples), training=self.in_training)
            first, second = (ops.softmax(backend.full_precision(one), axis=-1) for one in (logits, again))
            terms["consistency"] = level_at(self.consistency_weight, self.rounds) * objectives.mean_square(first, second)
        if self.weight_decay:
            kernels = [v for v in self.classifier.trainable_variables if len(v.shape) > 1]
            terms["weight_decay"] = decay(kernels, self.weight_decay)
        return terms

    def _since(self, start: int) -> Tensor:
        """1.0 from a round on, 0.0 before."""
        return ops.cast(self.rounds >= start, "float32") if start else 1.0

    def class_logits(self, examples: Tensor) -> Tensor:
        return self.classifier(examples, training=False)

    # Generation ------------------------------------------------------------------------------------------------------

    def generator_inputs(self, count: int, condition: Any = None, seed: SeedLike = None) -> Nest:
        latents = self.prior((count, self.latent_size), seed)
        labels = ops.mod(ops.arange(count), self.classes) if condition is None else self.labels_of(condition, count)
        return [latents, ops.convert_to_tensor(labels, "int32")]


def _networks(shape: Sizes, latents: int, classes: int) -> Mapping[str, Any]:
    if len(shape) == 3:
        return {
            "discriminator": lambda: triple.discriminator(shape, classes),
            "generator": lambda: triple.generator(shape, latents, classes),
            "classifier": lambda: triple.classifier(shape, classes),
        }
    return {
        "discriminator": lambda: triple.perceptron_discriminator(shape, classes),
        "generator": lambda: triple.perceptron_generator(shape, latents, classes),
        "classifier": lambda: improved.perceptron_classifier(shape, classes, name="classifier"),
    }
