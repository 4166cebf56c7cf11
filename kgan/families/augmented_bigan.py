"""Augmented bidirectional GANs: Kumar, Sattigeri, Fletcher, NIPS 2017, arXiv 1705.08850, section 2."""

from typing import Any

import keras
from keras import ops

from kgan import objectives
from kgan.arguments import Count, Level, NonNegative, Shape
from kgan.backend import full_precision
from kgan.engine import Observation, Terms, Turn
from kgan.families.bigan import BiGAN, Pair
from kgan.networks import bidirectional, with_features
from kgan.priors import Normal
from kgan.types import Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class AugmentedBiGAN(BiGAN):
    """A game on pairs as `kgan.BiGAN`, in which a reconstruction beside its code is a third kind of pair, a false one.

    At the optimum of `kgan.BiGAN` a reconstruction `G(E(x))` is x; long before, it is an example of another class. The third pair,
    `(G(E(x)), E(x))`, lies beside the true one, `(x, E(x))`, with the same code, so that telling them apart is to compare x with its
    reconstruction. With d the logit of a pair, sp softplus and phi a late layer of the discriminator:

        discriminator           E_x sp(-d(x, E(x))) + 1/2 E_z sp(d(G(z), z)) + 1/2 E_x sp(d(G(E(x)), E(x)))
        generator and encoder   |E phi(x, E(x)) - E phi(G(z), z)|^2 + |E phi(x, E(x)) - E phi(G(E(x)), E(x))|^2

    Args:
        data_shape: shape of one example. May be left out when `discriminator` is given.
        encoder, generator, discriminator: as in `kgan.BiGAN`; pass all three networks or none. Default, for images of 32 pixels and more
            (and 4 times a power of two): those of `kgan.VEEGAN`; for everything else two layers of 128 with leaky ReLU 0.1 each, and a
            generator that ends in tanh's interval for images and is linear for vectors.
        third_pair: default True. False: two kinds of pairs, as in `kgan.BiGAN`.
        feature_matching: default True. False: generator and encoder minimize the discriminator's loss with the labels exchanged.
        feature_layer: name of the discriminator's layer phi, behind the place where example and code meet; default: what its last layer
            receives.
        latent_size: default 16, for images of 32 pixels and more 100.
        prior: default `Normal()`.
        instance_noise: default 0.1: standard deviation of the noise on everything that the discriminator sees, codes included.
        weight_decay: default 0.0. extra_noise is not taken: a code is a whole latent.
        seed, name, dtype: as in `kgan.AdversarialModel`.

    Input of `fit`, `generate`, `encode`, `reconstruct`: as in `kgan.BiGAN`.

    Logs: `discriminator/adversarial`, `.../real_logit`, `.../fake_logit`, `.../reconstructed_logit`; `generator/feature_matching`, or
    `generator/adversarial` without; `*/weight_decay`.

    Default optimizers: Adam with beta_1 0.5, 1e-3 for perceptrons, 3e-4 for convolutions (ours).

    Raises:
        ValueError: as `kgan.BiGAN`.

    Departures from the paper: networks, rates, noise and the half weights of the false pairs are ours; no code of the authors is known.
    The discriminator moves first, then generator and encoder on the same examples and fresh latents.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.AugmentedBiGAN((5,), latent_size=2, seed=0)
    >>> model.compile()
    >>> x = np.random.default_rng(0).uniform(size=(64, 5)).astype("float32")
    >>> history = model.fit(x, batch_size=16, verbose=0)
    >>> model.encode(x).shape, model.reconstruct(x).shape
    ((64, 2), (64, 5))
    """

    fixed_arguments = (*BiGAN.fixed_arguments, "size", "epsilon", "extra_noise", "joint_batch")
    default_prior = Normal()

    def __init__(
        self,
        data_shape: Shape | None = None,
        *,
        third_pair: bool = True,
        feature_matching: bool = True,
        feature_layer: str | None = None,
        latent_size: Count | None = None,
        instance_noise: Level = 0.1,
        weight_decay: NonNegative = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            data_shape,
            **{"own_networks": networks_for, **kwargs},
            latent_size=latent_size,
            instance_noise=instance_noise,
            weight_decay=weight_decay,
        )
        self.third_pair, self.feature_matching, self.feature_layer = third_pair, feature_matching, feature_layer
        if feature_matching:
            # Behind a method, so that Keras does not list the layers a second time.
            self._pair_features = with_features(self.discriminator, feature_layer).__call__

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        rate = 3e-4 if _convolutional(self.data_shape) else 1e-3
        return {move: keras.optimizers.Adam(rate, beta_1=0.5, epsilon=1e-8) for move in ("discriminator", "generator")}

    # The game --------------------------------------------------------------------------------------------------------

    def turns(self) -> tuple[Turn, ...]:
        (both,) = super().turns()
        discriminator, generator = both.moves
        return Turn((discriminator,)), Turn((generator,), fresh=False)

    def true_and_false(self, real: Tensor) -> tuple[Pair, list[Pair]]:
        """The encoder's pairs, and the false ones: of the generator, and of reconstructions."""
        true, made = self.pairs(real)
        codes = true[1]
        third = [(self.generator(codes, training=self.in_training), codes)] if self.third_pair else []
        return true, [made, *third]

    def discriminator_loss(self, real: Any) -> Terms:
        true, false = self.true_and_false(real)
        true_logits, *false_logits = (full_precision(self.score(list(pair))) for pair in (true, *false))
        terms: Terms = {
            "adversarial": _cross_entropy(true_logits, false_logits),
            **self.decay(self.discriminator),
            "real_logit": Observation(ops.mean(true_logits)),
        }
        seen = zip(("fake_logit", "reconstructed_logit"), false_logits, strict=False)
        return terms | {name: Observation(ops.mean(logits)) for name, logits in seen}

    def generator_loss(self, real: Any) -> Terms:
        true, false = self.true_and_false(real)
        decayed = self.decay(self.generator, self.encoder)
        if not self.feature_matching:
            true_logits, *false_logits = (-full_precision(self.score(list(pair))) for pair in (true, *false))
            return {"adversarial": _cross_entropy(true_logits, false_logits), **decayed}
        wanted, *made = (self._pair_features(self.perturbed(list(pair)), training=self.in_training)[0] for pair in (true, *false))
        distances = [objectives.feature_matching(wanted, one, average=False, through_real=True) for one in made]
        return {"feature_matching": sum(distances), **decayed}


def _cross_entropy(true: Tensor, false: list[Tensor]) -> Tensor:
    """Every kind of false pair counts as much as the others, and all together as much as the true ones."""
    return ops.mean(ops.softplus(-true)) + sum(ops.mean(ops.softplus(logits)) for logits in false) / len(false)


def _convolutional(shape: Sizes) -> bool:
    return len(shape) == 3 and shape[0] >= 32


def networks_for(
    shape: Sizes, latent_size: int | None, data_interval: Any = "default"
) -> tuple[keras.Model, keras.Model, keras.Model]:
    """Encoder, generator and discriminator for examples of a shape; `data_interval` as in `kgan.networks.bidirectional.perceptrons`."""
    if _convolutional(shape):
        return bidirectional.veegan_convolutional(shape, latent_size or 100)
    return bidirectional.veegan_perceptrons(
        shape, latent_size or 16, 0, (128, 128), (128, 128), data_interval=data_interval, nonlinearity=0.1
    )
