"""CausalBEGAN: Kocaoglu, Snyder, Dimakis, Vishwanath, ICLR 2018, arXiv 1709.02023, section 6."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from kgan.arguments import Count, Function, Numbers, Shape
from kgan.engine import Move, Observation, Terms, Turn
from kgan.families.bases.causal_images import CausalImages, label_accuracy
from kgan.families.bases.equilibrium import BoundaryEquilibrium, plain_numbers
from kgan.families.bases.generative import check_network
from kgan.families.gan import count_of
from kgan.networks import causal
from kgan.objectives import mean_absolute, squared_label_difference
from kgan.types import Tensor


@keras.saving.register_keras_serializable("kgan")
class CausalBEGAN(CausalImages, BoundaryEquilibrium):
    """CausalGAN on a boundary-equilibrium GAN: an auto-encoder judges the images, a margin the labels, a margin of margins both.

    Made for labeled faces of 64 pixels and long trainings: the weight of the generated images rises by thousandths of its margin a round,
    that of their labels by less than ten-thousandths. After 62 rounds of the default images do not show their labels yet.

    With `e(x) = mean |x - AE(x)|`, `f(x, l)` the mean squared difference between the labeler's probabilities and l, x real, g generated:
    - discriminator (auto-encoder and labeler): `e(x) - c1 e(g) + f(x, l_x) - c2 f(g, l_g)`;
    - generator: `e(g) + c3 f(g, l_g)`;
    - margins `b1 = g1 e(x) - e(g)`, `b2 = g2 f(x, l_x) - f(g, l_g)`, `b3 = g3 relu(b1) - relu(b2)`; `c_k <- clip(c_k + rate_k b_k, 0, 1)`,
      from 0.
    Both players move at one point, on the same minibatch, and the margins follow from it. The third margin holds the labels back until the
    images are good.

    Args:
        controller: trained `kgan.CausalController` or its network, of which a copy is kept; or a `kgan.causal.StructuralModel`.
        image_shape: `(size, size, channels)`, default (64, 64, 3) (the paper's CelebA), size 8 times a power of two.
        filters: default 128 (the paper's n): width of the default networks.
        generator: `keras.Model` from `[z, labels]` to examples. discriminator: from examples to examples. labeler: from examples to logits
            `(batch, labels)`. Pass all three or none.
        noise_size: default 64 (the paper's). prior: default `Uniform(-1, 1)` (the paper's).
        margins: three floats in (0, 1], default 0.5 each (the paper's): g1, g2, g3.
        margin_rates: three floats >= 0, default (0.001, 0.00008, 0.01) (the authors').
        label_loss: callable `(logits, labels) -> scalar`, default `kgan.objectives.squared_label_difference` (the authors');
            `absolute_label_difference` and `label_cross_entropy` are the other two of their code. One of your own must be registered
            with Keras.
        seed, name, dtype: as in `kgan.AdversarialModel`.

    Input and output as `kgan.CausalGAN`; images of the generator are not bounded, `generate` cuts them to [-1, 1].

    Logs: `discriminator/real_error`, `discriminator/fake_error`, `discriminator/real_labels`, `discriminator/fake_labels` (the terms of
    its loss, with their factors), `discriminator/convergence` (`e(x) + f(x) + |b1| + |b2| + |b3|`), `discriminator/c1` to `c3`,
    `discriminator/label_accuracy`, `generator/error`, `generator/labels`, `generator/label_accuracy`.

    Default optimizers: Adam(8e-5), epsilon 1e-8 (the authors', who halve it every 100,000 steps of 250,000).

    Departures from the paper: the rate is not halved by default. Labels of the controller are always rounded; a `label_loss` is the same in
    both players' losses, where the authors' code, with cross-entropy, exchanges its arguments in the generator's and takes the logits of
    labels that are not rounded. Sizes other than 64 get a scale for every doubling of 8, by the same rule.

    Example:
    >>> import kgan
    >>> truth = kgan.causal.structural_model("faces")
    >>> model = kgan.CausalBEGAN(truth, (8, 8, 3), filters=4, seed=0)
    >>> model.compile()
    >>> images = kgan.priors.Uniform()((64, 8, 8, 3), seed=0)
    >>> history = model.fit(images, truth.sample(64, seed=0).matrix(), batch_size=16, verbose=0)
    >>> model.generate(2, condition={"Male": 0}, seed=0).shape
    (2, 8, 8, 3)
    """

    default_networks = staticmethod(causal.boundary_networks)

    def __init__(
        self,
        controller: Any,
        image_shape: Shape | None = (64, 64, 3),
        *,
        filters: Count = 128,
        noise_size: Count = 64,
        margins: Numbers = (0.5, 0.5, 0.5),
        margin_rates: Numbers = (0.001, 0.00008, 0.01),
        label_loss: Function | None = None,
        **kwargs: Any,
    ) -> None:
        margins, margin_rates = _three("margins", margins), _three("margin_rates", margin_rates)
        if not all(0 < m <= 1 for m in margins) or not all(r >= 0 for r in margin_rates):
            raise ValueError(f"`margins` lie in (0, 1], `margin_rates` are >= 0. Received: {margins}, {margin_rates}.")
        super().__init__(controller, image_shape, filters=filters, noise_size=noise_size, **kwargs)
        check_network(self.discriminator, "discriminator", self.data_shape, self.data_shape, "examples into examples")
        self.margins = margins
        self.margin_rates = margin_rates
        self.label_loss = squared_label_difference if label_loss is None else label_loss
        self.start_factors(3)

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {move: keras.optimizers.Adam(8e-5, epsilon=1e-8) for move in ("discriminator", "generator")}

    def call(self, inputs: Any, training: bool = False) -> Tensor:
        images = super().call(inputs, training=training)
        return images if training else ops.clip(images, -1.0, 1.0)

    # The game --------------------------------------------------------------------------------------------------------

    def turns(self) -> tuple[Turn, ...]:
        discriminator = Move("discriminator", ("discriminator", "labeler"), self.discriminator_loss)
        return (Turn((discriminator, Move("generator", ("generator",), self.generator_loss))),)

    def error(self, examples: Tensor) -> Tensor:
        """`e(x)`: the mean absolute difference between examples and what the auto-encoder makes of them."""
        return mean_absolute(examples, self.discriminator(examples, training=self.in_training))

    def discriminator_loss(self, batch: Any) -> Terms:
        real, labels = batch
        fake, _, given = self.generated_with_labels(count_of(real))
        judged = self.labeler(real, training=self.in_training)
        real_error, fake_error = self.error(real), self.error(fake)
        real_labels = self.label_loss(judged, labels)
        fake_labels = self.label_loss(self.labeler(fake, training=self.in_training), given)
        factors = self.factors()
        margins = self._update(real_error, fake_error, real_labels, fake_labels)
        return {
            "real_error": real_error,
            "fake_error": -factors[0] * fake_error,
            "real_labels": real_labels,
            "fake_labels": -factors[1] * fake_labels,
            "convergence": Observation(real_error + real_labels + sum(ops.abs(b) for b in margins)),
            "label_accuracy": Observation(label_accuracy(judged, labels)),
            **{f"c{i + 1}": Observation(factors[i]) for i in range(3)},
        }

    def generator_loss(self, batch: Any) -> Terms:
        fake, _, given = self.generated_with_labels(count_of(batch[0]))
        judged = self.labeler(fake, training=self.in_training)
        return {
            "error": self.error(fake),
            "labels": self.factors()[2] * self.label_loss(judged, given),
            "label_accuracy": Observation(label_accuracy(judged, given)),
        }

    def _update(self, *errors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The margins b1 to b3 of a minibatch, and the factors' step along them."""
        real_error, fake_error, real_labels, fake_labels = plain_numbers(*errors)
        first = self.margins[0] * real_error - fake_error
        second = self.margins[1] * real_labels - fake_labels
        margins = first, second, self.margins[2] * ops.relu(first) - ops.relu(second)
        self.follow(self.margin_rates, margins)
        return margins


def _three(name: str, values: Sequence[float]) -> tuple[float, ...]:
    values = tuple(values)
    if len(values) != 3:
        raise ValueError(f"`{name}` must be three numbers. Received: {values}.")
    return values
