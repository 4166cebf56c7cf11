"""Semi-supervised learning with GANs: manifold invariance with improved inference: Kumar, Sattigeri, Fletcher, NIPS 2017, 1705.08850."""

from typing import Any

import keras
import numpy as np
from keras import ops

from kgan import objectives
from kgan.arguments import Count, Level, Natural, Network, NonNegative, Positive, Several, Shape
from kgan.backend import full_precision
from kgan.engine import Move, Observation, Terms, Turn
from kgan.families.augmented_bigan import AugmentedBiGAN, networks_for
from kgan.families.bases.generative import check_network, given_or_built
from kgan.families.bases.semi_supervised import SemiSupervised
from kgan.families.gan import count_of
from kgan.layers import statistics_kept
from kgan.networks import improved, with_features
from kgan.optimizers import checked_level, level_at
from kgan.penalties import squared_slopes
from kgan.types import Nest, Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class ManifoldSSL(SemiSupervised, AugmentedBiGAN):
    """A classifier whose logits do not change along the tangents of the data, which a generator and an encoder know.

    Two games, one after the other. For `inference_rounds` that of `kgan.AugmentedBiGAN`, without labels: a generator g and an encoder h.
    They stay as they are from then on, and tell at every example x the tangents T_x of the manifold that g makes: the directions in which
    g moves an example most, the left singular vectors of its Jacobian at h(x) with the largest singular values. Then that of
    `kgan.ImprovedGAN` between a classifier f of K logits and a second generator g', with two penalties; sp is softplus, lse log-sum-exp
    over the classes:

        classifier  E -log p(y | x_l) + w_u {E_g' sp(lse) - E_x [lse - sp(lse)]}
                    + w_t E_x sum_{v in T_x} |J_x f v|^2 + w_j E_x |J_x f|_F^2
        matcher     mean |E phi(x) - E phi(g'(z))|^2 over features phi, those of f before its last layer

    The derivatives are exact. |J_x f|_F^2 is the mean of |J_x f v|^2 over v from N(0, I), of which a round draws one for every example.

    Args:
        data_shape: shape of one example.
        classes: K.
        inference_rounds: default 3000: rounds of the first game. 0: the `encoder`, `generator` and `discriminator` that you give are
            trained already, by `kgan.AugmentedBiGAN` or another family of pairs, and only their tangents are used.
        tangents: how many, at most `latent_size`; default 10 (the paper's), or `latent_size` where that is less.
        drawn_tangents: default 2 (ours): a round takes so many of them by chance, or all where there are no more, weighted to the same
            mean, in a fraction of the time. None: all.
        tangent_weight: w_t, a number or a schedule over rounds, default 0.1. The penalty is on logits and grows with their scale.
        jacobian_weight: w_j, likewise, default 1e-3.
        difference: default None, exact derivatives. A number e > 0: `(f(x + e v) - f(x)) / e`, as the paper computes them.
        unlabeled_weight: w_u, default 1.0.
        classifier: `keras.Model` from examples to logits `(batch, classes)`. It is differentiated as it is in inference, without noise.
            matcher: from latents to examples. Default: `kgan.networks.improved`: for vectors in [0, 1] perceptrons with layers of 256 and
            noise of 0.3 and 0.5, for images the convolutional ones.
        matched_layer: name of the classifier's layer phi; default: as `feature_layer` of `kgan.ImprovedGAN`.
        encoder, generator, discriminator: those of the first game. Default: as `kgan.AugmentedBiGAN`, the generator of vectors ending in
            a sigmoid.
        **kwargs: of `kgan.AugmentedBiGAN`: `third_pair`, `feature_matching`, `instance_noise` and so on.

    Input of `fit`: `fit({"unlabeled": x, "labeled": x_l}, labels)` as in `kgan.ImprovedGAN`. A third array "tangents", `(count, any,
    *data_shape)`, of directions at the unlabeled examples, is taken in place of the model's own: `tangents_at(x)` computes these once for
    all rounds where `inference_rounds` is 0. `generate`, `encode` and `reconstruct` are those of the first game.

    Logs: those of `kgan.AugmentedBiGAN`; `classifier/supervised`, `.../accuracy`, `.../adversarial`, `.../tangents`, `.../jacobian`,
    `.../real_logit`, `.../fake_logit`; `matcher/feature_matching`.

    Default optimizers: as `kgan.AugmentedBiGAN`; the classifier's and the matcher's likewise, 3e-4 for images of any size.

    Raises:
        ValueError: for more tangents than a code has numbers, labels outside [0, K), directions of another shape.

    Departures from the paper: tangents come from the singular vectors of the Jacobian themselves, which takes the eigenvectors of a matrix
    of `latent_size` rows; the paper trains a bottleneck between encoder and generator so as to have none to compute. Weights, rates and
    networks are ours. All players of a round see the same unlabeled examples.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.ManifoldSSL(
    ...     (3,), classes=2, inference_rounds=2, latent_size=2, matcher=kgan.networks.mlp.generator((3,), 2, (8,)),
    ...     classifier=kgan.networks.mlp.discriminator((3,), (8,), "softplus", outputs=2, name="classifier"),
    ... )
    >>> model.compile()
    >>> x = np.random.default_rng(0).uniform(size=(64, 3)).astype("float32")
    >>> data, labels = kgan.datasets.semi_supervised(x, (x[:, 0] > 0.5).astype("int64"), labels_per_class=3)
    >>> history = model.fit(data, labels, batch_size=16, verbose=0)
    >>> model.classify(x).shape, model.tangents_at(x).shape
    ((64, 2), (64, 2, 3))
    """

    fixed_arguments = tuple(name for name in AugmentedBiGAN.fixed_arguments if name != "classes")
    classifier_role = "classifier"
    opening = "inference_rounds"

    def __init__(
        self,
        data_shape: Shape | None = None,
        *,
        classes: Several,
        inference_rounds: Natural = 3000,
        tangents: Count | None = None,
        drawn_tangents: Count | None = 2,
        tangent_weight: Level = 0.1,
        jacobian_weight: Level = 1e-3,
        difference: Positive | None = None,
        unlabeled_weight: NonNegative = 1.0,
        classifier: Network | None = None,
        matcher: Network | None = None,
        matched_layer: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_shape, own_networks=_networks, **kwargs)
        if not inference_rounds and kwargs.get("generator") is None:
            raise ValueError(
                "Without `inference_rounds` pass a trained encoder, generator and discriminator: tangents are theirs."
            )
        shape, latents = self.data_shape, self.latent_size
        given = {"classifier": classifier, "matcher": matcher}
        _, self.classifier, self.matcher = given_or_built(shape, given, lambda _: _second_game(shape, latents, classes))
        check_network(self.classifier, "classifier", shape, (classes,), "examples into a logit for each class")
        check_network(self.matcher, "matcher", (latents,), shape, "latents into examples")
        self.set_classes(classes)
        self.inference_rounds = inference_rounds
        self.tangents = tangents = min(10, latents) if tangents is None else tangents
        self.drawn_tangents = drawn_tangents
        if tangents > latents:
            raise ValueError(f"A code of {latents} numbers has at most as many tangents. Received: tangents={tangents}.")
        self.tangent_weight = checked_level("tangent_weight", tangent_weight)
        self.jacobian_weight = checked_level("jacobian_weight", jacobian_weight)
        self.difference, self.unlabeled_weight = difference, unlabeled_weight
        if matched_layer is None and classifier is None:
            matched_layer = "features" if len(shape) == 3 else "activation_2"
        self.matched_layer = matched_layer
        self._matched = with_features(self.classifier, matched_layer).__call__

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        rate = 3e-4 if len(self.data_shape) == 3 else 1e-3
        own = {move: keras.optimizers.Adam(rate, beta_1=0.5, epsilon=1e-8) for move in ("classifier", "matcher")}
        return {**(super().default_optimizers() if self.inference_rounds else {}), **own}

    # The game --------------------------------------------------------------------------------------------------------

    def turns(self) -> tuple[Turn, ...]:
        rounds = self.inference_rounds
        first = tuple(turn._replace(when=lambda: self.rounds < rounds) for turn in super().turns()) if rounds else ()
        due = (lambda: self.rounds >= rounds) if rounds else None
        return (
            *first,
            Turn((Move("classifier", ("classifier",), self.classifier_loss),), fresh=not rounds, when=due),
            Turn((Move("matcher", ("matcher",), self.matcher_loss),), fresh=False, when=due),
        )

    def discriminator_loss(self, batch: Any) -> Terms:
        return super().discriminator_loss(self.unlabeled(batch))

    def generator_loss(self, batch: Any) -> Terms:
        return super().generator_loss(self.unlabeled(batch))

    def classified(self, examples: Tensor) -> Tensor:
        """The logits of classes."""
        return full_precision(self.classifier(ops.convert_to_tensor(examples), training=self.in_training))

    def matched(self, count: Any) -> Tensor:
        """Examples of the second generator, on fresh latents."""
        return self.matcher(self.generator_inputs(count, seed=self.seed_generator), training=self.in_training)

    def classifier_loss(self, batch: Any) -> Terms:
        unlabeled = ops.convert_to_tensor(batch["unlabeled"])
        terms = self.supervised_terms(self.classified(batch["labeled"]), batch["labels"])
        with statistics_kept(self.classifier):  # what is classified later is real
            fake = self.classified(self.matched(count_of(unlabeled)))
        real = self.classified(unlabeled)
        if self.unlabeled_weight:
            terms["adversarial"] = 2.0 * self.unlabeled_weight * objectives.unsupervised(real, fake)
        seen = {"real_logit": objectives.realness(real), "fake_logit": objectives.realness(fake)}
        observed = {name: Observation(ops.mean(logits)) for name, logits in seen.items()}
        return {**terms, **self.invariance(unlabeled, batch.get("tangents")), **observed}

    def matcher_loss(self, batch: Any) -> Terms:
        real = ops.convert_to_tensor(batch["unlabeled"])
        wanted, made = (self._matched(x, training=self.in_training)[0] for x in (real, self.matched(count_of(real))))
        return {"feature_matching": objectives.feature_matching(wanted, made)}

    # Tangents --------------------------------------------------------------------------------------------------------

    def invariance(self, examples: Tensor, tangents: Tensor | None = None) -> Terms:
        """The two penalties. Tangents that are not given are those of generator and encoder."""
        parts: dict[str, tuple[Tensor, Any]] = {}
        if self.tangent_weight != 0.0:
            if tangents is None:
                tangents = self.tangents_of(self.code(examples, None, training=False))
            tangents = full_precision(tangents)
            count = tangents.shape[1]
            drawn = min(self.drawn_tangents or count, count)
            if drawn < count:
                order = ops.argsort(keras.random.uniform((count,), dtype="float32", seed=self.seed_generator))
                tangents = ops.take(tangents, order[:drawn], axis=1)
            parts["tangents"] = tangents, level_at(self.tangent_weight, self.rounds) * (count / drawn)
        if self.jacobian_weight != 0.0:
            noise = keras.random.normal((count_of(examples), 1, *self.data_shape), dtype="float32", seed=self.seed_generator)
            parts["jacobian"] = noise, level_at(self.jacobian_weight, self.rounds)
        if not parts:
            return {}
        directions = ops.concatenate([directions for directions, _ in parts.values()], axis=1)
        slopes = squared_slopes(self.class_logits, examples, directions, self.difference)
        terms, start = {}, 0
        for name, (directions, weight) in parts.items():
            end = start + directions.shape[1]
            terms[name] = weight * ops.mean(ops.sum(slopes[:, start:end], axis=1))
            start = end
        return terms

    def check_data(self, batch: Any, shape: Sizes | None = None) -> None:
        if isinstance(batch, dict) and "tangents" in batch:
            given, batch = batch["tangents"], {part: x for part, x in batch.items() if part != "tangents"}
            if not np.issubdtype(given.dtype, np.floating) or given.ndim < 3 or tuple(given.shape[2:]) != self.data_shape:
                raise ValueError(
                    f"Tangents must be floating point, (batch, count, *{self.data_shape}). Received: {given.dtype} {tuple(given.shape)}."
                )
            if not np.isfinite(given).all():
                raise ValueError("The tangents contain NaN or infinite values: some direction has no length.")
        super().check_data(batch, shape)

    def class_logits(self, examples: Tensor) -> Tensor:
        return self.classifier(examples, training=False)


def _networks(shape: Sizes, latent_size: int | None) -> tuple[keras.Model, keras.Model, keras.Model]:
    return networks_for(shape, latent_size, (-1.0, 1.0) if len(shape) == 3 else (0.0, 1.0))


def _second_game(shape: Sizes, latents: int, classes: int) -> Nest:
    if len(shape) == 3:
        return {
            "classifier": lambda: improved.classifier(shape, classes, name="classifier"),
            "matcher": lambda: improved.generator(shape, latents, name="matcher"),
        }
    hidden, noise = (256, 256, 256), (0.3, 0.5, 0.5, 0.5)
    return {
        "classifier": lambda: improved.perceptron_classifier(shape, classes, hidden, noise, name="classifier"),
        "matcher": lambda: improved.perceptron_generator(shape, latents, (256, 256), name="matcher"),
    }
