"""Fisher GAN: Mroueh and Sercu, NIPS 2017, arXiv 1705.09675."""

from typing import Any

import keras
from keras import ops

from kgan import backend, objectives
from kgan.arguments import Count, Natural, NonNegative, Positive, Several, Shape
from kgan.engine import Observation, Terms
from kgan.families.bases.generative import Makers
from kgan.families.bases.semi_supervised import SemiSupervised
from kgan.families.gan import GAN
from kgan.networks import dcgan, mlp
from kgan.penalties import Scored, weight_decay
from kgan.types import Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class FisherGAN(SemiSupervised):
    """A generator against a critic whose scores have second moment 1: no clipping, no penalty on input gradients.

    With `E = E f(x) - E f(G(z))`, `Omega = 1/2 E f(x)^2 + 1/2 E f(G(z))^2`, a multiplier lambda and `rho` (Algorithm 1):

    - the critic, `discriminator_steps` times per round, minimizes `-E - lambda (1 - Omega) + rho / 2 (Omega - 1)^2` (Eq. 9, negated);
    - with each of its steps, on the same minibatch and the critic as it was before it moved, `lambda <- lambda - rho (1 - Omega)`, from 0;
    - the generator minimizes `-E f(G(z))`.

    `E / sqrt(Omega)`, logged as `distance`, estimates the Fisher distance of data and samples at any scale of the critic: 0 where they are
    equal, 2 where they do not overlap. With the published rho of 1e-6 the constraint is enforced very slowly; 0.01 shows it within
    thousands of steps, but then one bad step can leave a multiplier that takes tens of thousands of steps to come back: give Adam a beta_2
    of 0.9 with it, which makes no such steps.

    With `classes`, a semi-supervised classifier: the critic network returns K class scores s and one more number v, and is
    `f = sum_y p(y | x) s_y - v`, p the softmax of s; `supervised_weight` times the cross-entropy of labeled examples joins its loss.

    Args:
        image_shape: `(size, size, channels)`, default (64, 64, 3) (the paper's LSUN and CelebA); size = 4 times a power of two. Taken from
            `discriminator` if that is given. For points, `(features,)`, the networks are two layers of 128 ReLU (ours).
        classes: default None: the unsupervised game. A number K: the semi-supervised one.
        filters: maps next to the image, default 64 (the authors').
        generator_extra_layers, discriminator_extra_layers: 3x3 convolutions next to the image, default 2 and, in the critic, 0 from 64
            pixels on (the authors' for LSUN and CelebA), 2 below (theirs for CIFAR-10): a critic of one convolution does not learn.
        batch_norm: of the critic, default True; without, the paper shows that it still trains.
        rho: default 1e-6 (the paper's): weight of the square, and the step of the multiplier.
        supervised_weight: default 1.5 (the paper's lambda_D).
        weight_decay: default 1e-6 (the authors'), added to the gradient of the critic's weights but for its last layer's.
        output_weight_decay: default 1e-3 (the authors'), the same for its last layer.
        discriminator_steps: default 2 (the paper's).
        generator, discriminator: networks of your own; the critic returns an unbounded number, with `classes` K + 1. A last layer without
            bias is the authors'.
        latent_size: default 100 (the authors'), for points as `kgan.GAN`.
        **kwargs: of `kgan.GAN`.

    Input of `fit`: images in [-1, 1] or points; with `classes`, `fit({"unlabeled": x, "labeled": x_l}, labels)` as in `kgan.ImprovedGAN`.

    Logs: as `kgan.GAN`, `discriminator/adversarial` being -E; `discriminator/constraint`, `discriminator/weight_decay`, and as they were
    before the step `discriminator/distance`, `discriminator/second_moment`, `discriminator/multiplier`; with `classes` also
    `discriminator/supervised` and `discriminator/accuracy`.

    Default optimizers: Adam(2e-4, beta_1 0.5), the paper's; epsilon is PyTorch's 1e-8.

    Raises:
        ValueError: for `rho <= 0`, a critic that does not return one number per example (K + 1 with `classes`), labels outside [0, K).

    Departures from the paper: its semi-supervised loss is rebuilt from the text, for which no code is public: the constraint is put on the
    whole f, the only choice with which the distance keeps its meaning, and the last layer's decay on class scores and v alike. The
    authors' code can give the critic 100 steps before some moves of the generator; that is not here.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.FisherGAN((8, 8, 1), filters=4, latent_size=8, seed=0)
    >>> model.compile()
    >>> images = np.random.default_rng(0).uniform(-1, 1, (64, 8, 8, 1)).astype("float32")
    >>> history = model.fit(images, batch_size=16, verbose=0)
    >>> sorted(name for name in history.history if "adversarial" in name)
    ['discriminator/adversarial', 'generator/adversarial']
    """

    fixed_arguments = (*GAN.fixed_arguments, "conditioning", "data_shape", "objective", "simultaneous")
    default_latent_size = 100

    def __init__(
        self,
        image_shape: Shape | None = (64, 64, 3),
        *,
        classes: Several | None = None,
        filters: Count = 64,
        generator_extra_layers: Natural = 2,
        discriminator_extra_layers: Natural | None = None,
        batch_norm: bool = True,
        rho: Positive = 1e-6,
        supervised_weight: NonNegative = 1.5,
        weight_decay: NonNegative = 1e-6,
        output_weight_decay: NonNegative = 1e-3,
        discriminator_steps: Count = 2,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            image_shape,
            own_networks=lambda shape, latents: _networks(
                shape, latents, filters, (generator_extra_layers, discriminator_extra_layers), batch_norm, classes
            ),
            objective="wasserstein",
            discriminator_steps=discriminator_steps,
            **kwargs,
        )
        self.set_classes(classes, beside=1)
        self.image_shape = self.data_shape
        self.filters = filters
        self.generator_extra_layers, self.discriminator_extra_layers = generator_extra_layers, discriminator_extra_layers
        self.batch_norm = batch_norm
        self.rho = rho
        self.supervised_weight = supervised_weight
        self.weight_decay, self.output_weight_decay = weight_decay, output_weight_decay
        self.multiplier = self.add_weight(name="multiplier", shape=(), initializer="zeros", trainable=False, dtype="float32")

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {move: keras.optimizers.Adam(2e-4, beta_1=0.5, epsilon=1e-8) for move in ("discriminator", "generator")}

    # The game --------------------------------------------------------------------------------------------------------

    def score(self, examples: Tensor, labels: Tensor = None) -> Tensor:
        outputs = super().score(examples, labels)
        return outputs if self.classes is None else objectives.class_critic(outputs)

    def score_with_features(self, examples: Tensor, labels: Tensor = None) -> tuple[Tensor, Tensor]:
        outputs, features = super().score_with_features(examples, labels)
        return (outputs if self.classes is None else objectives.class_critic(outputs)), features

    def discriminator_loss(self, batch: Any) -> Terms:
        terms = super().discriminator_loss(self.unlabeled(batch))
        if self.uses_labels:
            scores = self._class_scores(self.perturbed(batch["labeled"]), self.in_training)
            terms |= self.supervised_terms(scores, batch["labels"], self.supervised_weight)
        return terms | self._decay()

    def discriminator_terms(self, scored: Scored) -> Terms:
        scores = scored.real_logits, scored.fake_logits
        moment = objectives.second_moment(*scores)
        multiplier = backend.snapshot(self.multiplier)  # the one of this step: the update must not show in its loss
        if self.in_training:
            excess = backend.mean_over_replicas(ops.stop_gradient(moment)) - 1.0
            self.multiplier.assign(multiplier + self.rho * excess)
        return {
            **super().discriminator_terms(scored),
            "constraint": objectives.fisher_constraint(moment, multiplier, self.rho),
            "distance": Observation(objectives.fisher_distance(*scores)),
            "second_moment": Observation(moment),
            "multiplier": Observation(multiplier),
        }

    def generator_loss(self, batch: Any) -> Terms:
        return super().generator_loss(self.unlabeled(batch))

    def class_logits(self, examples: Tensor) -> Tensor:
        return self._class_scores(examples, training=False)

    def _class_scores(self, examples: Tensor, training: bool) -> Tensor:
        return self.discriminator(examples, training=training)[:, :-1]

    def _decay(self) -> Terms:
        layers = [layer for layer in self.discriminator.layers if layer.trainable_variables]
        last = {id(v) for v in layers[-1].trainable_variables} if layers else set()
        groups: dict[bool, list[keras.Variable]] = {False: [], True: []}
        for variable in self.discriminator.trainable_variables:
            groups[id(variable) in last].append(variable)
        rates = {False: self.weight_decay, True: self.output_weight_decay}
        parts = [weight_decay(groups[output], rate) for output, rate in rates.items() if rate]
        return {"weight_decay": sum(parts)} if parts else {}


def _networks(
    shape: Sizes, latents: int, filters: int, extra: tuple[int, int | None], batch_norm: bool, classes: int | None
) -> Makers:
    outputs = 1 if classes is None else classes + 1
    if len(shape) != 3:
        return {
            "generator": lambda: mlp.generator(shape, latents),
            "discriminator": lambda: mlp.discriminator(shape, outputs=outputs, output_bias=False),
        }
    in_critic = (2 if shape[0] < 64 else 0) if extra[1] is None else extra[1]
    # 1e-5 is PyTorch's epsilon of batch norm.
    torch: dict[str, Any] = {"variant": "torch", "epsilon": 1e-5, "biases": False}
    return {
        "generator": lambda: dcgan.generator(shape, latents, filters, extra_layers=extra[0], **torch),
        "discriminator": lambda: dcgan.discriminator(
            shape, filters, extra_layers=in_critic, batch_norm=batch_norm, outputs=outputs, **torch
        ),
    }
