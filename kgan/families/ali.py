"""Adversarially learned inference: Dumoulin et al., ICLR 2017, arXiv 1606.00704."""

from typing import Any

import keras
from keras import ops

from kgan import objectives
from kgan.arguments import NonNegative, Positive, Several, Shape
from kgan.backend import full_precision
from kgan.engine import Terms
from kgan.families.bases.semi_supervised import SemiSupervised
from kgan.families.bigan import BiGAN
from kgan.networks import ali, bidirectional
from kgan.priors import Normal
from kgan.types import Sizes, Tensor

# exp must neither overflow nor underflow in float32; sigma -> 0 is what a deterministic decoder asks for.
_LOG_SIGMA = (-10.0, 3.0)


@keras.saving.register_keras_serializable("kgan")
class ALI(SemiSupervised, BiGAN):
    """The game of `kgan.BiGAN` with random codes: the encoder is a distribution q(z | x), and joint distributions are matched.

    The encoder's pair is (x, z^) with `z^ = mu(x) + sigma(x) e`, e standard normal, or `z^ = E([x, e])`, a change of variables; the
    generator's is (G(z), z). With l the logit of a pair and sp softplus, the discriminator minimizes
    `E sp(-l(x, z^)) + E sp(l(G(z), z))` (Eq. 1), encoder and generator, one player, the same with the labels exchanged. All move at one
    point, on the same minibatch and noise. Matching the joints matches the posteriors; no loss asks for reconstruction.

    With `classes`, a semi-supervised classifier: the discriminator returns K logits for a pair, the fake class's being 0, and its loss is
    `E[-l_y + lse(l)]` on labeled (x, z^), plus the game above for the logit `lse(l)`: unlabeled pairs are of one of the K classes, the
    generator's of none. Labels exchanged for encoder and generator; no feature matching.

    Args:
        data_shape: shape of one example. May be left out when `discriminator` is given.
        classes: default None. A number K: semi-supervised.
        encoder: functional `keras.Model`: from examples to `(batch, 2 * latent_size)`, mean and log standard deviation side by side, or
            from `[examples, noise]` to codes `(batch, latent_size)`.
        generator, discriminator: as in `kgan.BiGAN`; with `classes` the discriminator returns K logits. Pass all three networks or none.
            Default: the paper's for 32x32 (CIFAR-10's table) and 64x64 (CelebA's) images, ours after them for 8x8 ones; for points the
            change of variables of the authors' mixtures.
        width: default 1.0 (the paper's): factor of all maps of the default convolutional networks.
        epsilon: default 1e-4 (the authors' Blocks), of batch norm in the default networks.
        latent_size: default 2 for points, the table's for images.
        prior: default `Normal()` (the paper's).
        joint_batch: default True (the authors' code): both pairs pass the discriminator in one batch, for either player.
        weight_decay: default 0.0 (the paper's). extra_noise, seed, name, dtype: as in `kgan.BiGAN`.

    Input of `fit`: examples; with `classes`, `fit({"unlabeled": x, "labeled": x_l}, labels)` as in `kgan.ImprovedGAN`. `encode` returns the
    mean of the code, or the code at noise 0; with a seed, a draw.

    Logs: as `kgan.BiGAN`; with `classes` also `discriminator/supervised` and `discriminator/accuracy`.

    Default optimizers: Adam(1e-4, beta_1 0.5) for images, beta_1 0.8 for points (the authors'); beta_2 0.999, which the paper's table gives
    as 1e-3, its complement. Set the decoder's output bias before training: `kgan.networks.ali.start_at_mean(model.generator, images)`.

    Raises:
        ValueError: as `kgan.BiGAN`, and for labels outside [0, K).

    Departures from the paper: images in [-1, 1]. Log standard deviations are clipped to [-10, 3]. The semi-supervised loss is given there
    in words; this is that of Salimans et al. The conditional variant (attributes embedded in all networks) is not here.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.ALI((8, 8, 1), width=0.1, seed=0)
    >>> model.compile()
    >>> x = np.random.default_rng(0).uniform(-1, 1, (32, 8, 8, 1)).astype("float32")
    >>> history = model.fit(x, batch_size=16, verbose=0)
    >>> model.encode(x, seed=1).shape
    (32, 32)
    """

    fixed_arguments = (*(name for name in BiGAN.fixed_arguments if name != "classes"), "size")
    default_prior = Normal()
    pair_weight = 1.0

    def __init__(
        self,
        data_shape: Shape | None = None,
        *,
        classes: Several | None = None,
        width: Positive = 1.0,
        epsilon: Positive = 1e-4,
        joint_batch: bool = True,
        weight_decay: NonNegative = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            data_shape,
            own_networks=lambda shape, latent_size: _networks(shape, latent_size, width, classes or 1, epsilon),
            epsilon=epsilon,
            joint_batch=joint_batch,
            weight_decay=weight_decay,
            **kwargs,
        )
        self.set_classes(classes)
        self.width = width

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        beta = 0.5 if len(self.data_shape) == 3 else 0.8
        return {move: keras.optimizers.Adam(1e-4, beta_1=beta, epsilon=1e-8) for move in ("discriminator", "generator")}

    # Codes -----------------------------------------------------------------------------------------------------------

    @property
    def noise_size(self) -> int:
        """Length of the encoder's noise: its second input, or one number per coordinate of the code."""
        return self.encoder.inputs[1].shape[-1] if self._takes_noise() else self.code_size

    def _takes_noise(self) -> bool:
        return len(self.encoder.inputs) == 2

    def code_outputs(self) -> int:
        return self.code_size if self._takes_noise() else 2 * self.code_size

    def code(self, examples: Tensor, noise: Tensor, training: bool) -> Tensor:
        if self._takes_noise():
            return self.encoder([examples, noise], training=training)
        mean, log_sigma = ops.split(full_precision(self.encoder(examples, training=training)), 2, axis=-1)
        return mean + ops.exp(ops.clip(log_sigma, *_LOG_SIGMA)) * noise

    # The game --------------------------------------------------------------------------------------------------------

    def score(self, examples: Tensor, labels: Tensor = None) -> Tensor:
        logits = super().score(examples, labels)
        return logits if self.classes is None else objectives.realness(logits)

    def discriminator_loss(self, batch: Any) -> Terms:
        terms = super().discriminator_loss(self.unlabeled(batch))
        if not self.uses_labels:
            return terms
        pair = list(self.data_pair(batch["labeled"]))
        logits = self.discriminator(self.perturbed(pair), training=self.in_training)
        return {**self.supervised_terms(logits, batch["labels"]), **terms}

    def generator_loss(self, batch: Any) -> Terms:
        return super().generator_loss(self.unlabeled(batch))

    def class_logits(self, examples: Tensor) -> Tensor:
        noise = ops.zeros((examples.shape[0], self.noise_size))
        return self.discriminator([examples, self.code(examples, noise, training=False)], training=False)


def _networks(
    shape: Sizes, latent_size: int | None, width: float, outputs: int, epsilon: float
) -> tuple[keras.Model, keras.Model, keras.Model]:
    if len(shape) == 3:
        return ali.convolutional(shape, latent_size=latent_size, width=width, outputs=outputs, epsilon=epsilon)
    return bidirectional.stochastic_perceptrons(shape, latent_size or 2, latent_size or 2, outputs=outputs, epsilon=epsilon)
