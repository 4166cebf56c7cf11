"""Dual discriminator GAN: Nguyen, Le, Vu, Phung, NIPS 2017, arXiv 1709.03831."""

import warnings
from typing import Any

import keras
from keras import ops

from kgan import objectives
from kgan.arguments import Count, Network, Positive, Shape
from kgan.engine import Observation, Terms
from kgan.families.bases.generative import Makers, check_network, given_or_built
from kgan.families.gan import GAN, count_of
from kgan.networks import dcgan, mlp
from kgan.priors import Normal, Uniform
from kgan.types import Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class D2GAN(GAN):
    """A generator against two discriminators with positive scores: D1 is high on data, D2 is high on samples.

    With `D = sp(l)`, l the logit of a network and sp softplus, the players minimize (Eq. 1):

    - both discriminators, in one move: `E[-alpha log D1(x)] + E D1(G(z))` and `E D2(x) - beta E log D2(G(z))`;
    - the generator, on fresh noise: `-E D1(G(z)) + beta E log D2(G(z))`. There is no non-saturating form, and alpha does not appear.

    At the optimum `D1 = alpha p / q` and `D2 = beta q / p` (Proposition 1), p the density of the data and q that of samples, and the
    generator descends on `alpha KL(p || q) + beta KL(q || p)`: it pays for modes it misses and for samples outside the data. There,
    whatever the generator, `E D1(G(z)) = alpha` and `E D2(x) = beta`; these two means are logged.

    Args:
        data_shape: shape of one example: `(features,)`, or `(size, size, channels)` for images in [-1, 1], size = 4 times a power of two.
        alpha, beta: default 1 and 1 for points (the authors' code), 0.2 and 0.1 for images, of the values that the paper searches; above 1,
            outside of its range, there is a warning.
        filters: maps next to the image in the default networks, default 64.
        generator, discriminator, reverse_discriminator: networks of your own, both discriminators or none, each from examples to logits
            `(batch, 1)`; softplus is the loss's. They share no weights. Default for points the authors': layers of 128 ReLU, two in the
            generator and one in the discriminators, kernels from N(0, 0.01^2); for images DCGAN's, below 32
            pixels with two 3x3 layers more in both discriminators: of one convolution they do not teach the generator.
        latent_size: default 256 for points (the authors'), 100 for images.
        prior: default `Normal()` for points (the authors'), `Uniform(-1, 1)` for images.
        **kwargs: of `kgan.GAN`.

    Input of `fit`, output of `generate`: as `kgan.GAN`.

    Logs: `discriminator/forward` and `discriminator/reverse`, the losses of D1 and D2; `discriminator/forward_on_data`,
    `discriminator/forward_on_samples`, `discriminator/reverse_on_data`, `discriminator/reverse_on_samples`, their mean scores: above some
    1000, data and samples do not overlap; `generator/adversarial`.

    Default optimizers: Adam(2e-4, beta_1 0.5) (the authors'); one for both discriminators, whose losses share no weights.

    Raises:
        ValueError: for weights that are not positive, discriminators of other shapes or with common weights, only one of them.

    Departures from the paper: none for points. No code for images is public; networks and prior are DCGAN's, which the paper follows.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.D2GAN((2,), seed=0)
    >>> model.compile()
    >>> points = np.random.default_rng(0).normal(size=(128, 2)).astype("float32")
    >>> history = model.fit(points, batch_size=64, verbose=0)
    >>> model.generate(3, seed=0).shape
    (3, 2)
    """

    fixed_arguments = (*GAN.fixed_arguments, *GAN.unconditional, "objective", "penalties", "joint_batch")
    discriminator_players = ("discriminator", "reverse_discriminator")

    def __init__(
        self,
        data_shape: Shape | None = None,
        *,
        alpha: Positive | None = None,
        beta: Positive | None = None,
        filters: Count = 64,
        discriminator: Network | None = None,
        reverse_discriminator: Network | None = None,
        latent_size: Count | None = None,
        **kwargs: Any,
    ) -> None:
        if (discriminator is None) != (reverse_discriminator is None):
            raise ValueError("Pass `discriminator` and `reverse_discriminator`, or neither. Received only one of them.")
        super().__init__(
            data_shape,
            own_networks=lambda shape, _: _networks(shape, latent_size, filters),
            discriminator=discriminator,
            latent_size=latent_size,
            **kwargs,
        )
        images = len(self.data_shape) == 3
        if kwargs.get("prior") is None:
            self.prior = Uniform(-1.0, 1.0) if images else Normal()
        self.alpha, self.beta = alpha or (0.2 if images else 1.0), beta or (0.1 if images else 1.0)
        if max(self.alpha, self.beta) > 1:
            warnings.warn(
                f"The paper takes `alpha` and `beta` from (0, 1]. Received: {self.alpha:g}, {self.beta:g}. Large weights make large scores "
                "and gradients.",
                stacklevel=2,
            )
        self.filters = filters
        _, self.reverse_discriminator = given_or_built(
            self.data_shape,
            {"reverse_discriminator": reverse_discriminator},
            lambda shape: _networks(shape, latent_size, filters),
        )
        check_network(self.reverse_discriminator, "reverse discriminator", self.data_shape, (1,), "a logit")
        if {id(v) for v in self.discriminator.variables} & {id(v) for v in self.reverse_discriminator.variables}:
            raise ValueError("The discriminators share weights, but each has an optimum of its own. Build two networks.")

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {move: keras.optimizers.Adam(2e-4, beta_1=0.5, epsilon=1e-8) for move in ("discriminator", "generator")}

    # The game --------------------------------------------------------------------------------------------------------

    def score_reversed(self, examples: Tensor) -> Tensor:
        """The logits of the second discriminator, `(batch, 1)`."""
        return self.reverse_discriminator(self.perturbed(examples), training=self.in_training)

    def discriminator_loss(self, real: Any) -> Terms:
        fake = self.generated(count_of(real))
        forward, reverse = ([score(x) for x in (real, fake)] for score in (self.score, self.score_reversed))
        seen = {
            f"{name}_on_{kind}": Observation(ops.mean(ops.softplus(ops.cast(logits, "float32"))))
            for name, both in (("forward", forward), ("reverse", reverse))
            for kind, logits in zip(("data", "samples"), both, strict=True)
        }
        return {
            "forward": objectives.ratio_loss(forward[0], forward[1], self.alpha),
            "reverse": objectives.ratio_loss(reverse[1], reverse[0], self.beta),
            **seen,
        }

    def generator_loss(self, real: Any) -> Terms:
        fake = self.generated(count_of(real) * self.generator_batch)
        return {"adversarial": objectives.dual_generator(self.score(fake), self.score_reversed(fake), self.beta)}


def _networks(shape: Sizes, latent_size: int | None, filters: int) -> Makers:
    if len(shape) == 3:
        # As DCGAN is written in TensorFlow: batch norm's gains start at 1, epsilon 1e-5.
        settings: dict[str, Any] = {"filters": filters, "epsilon": 1e-5, "gamma": "ones"}
        judges = {**settings, "extra_layers": 2 if shape[0] < 32 else 0}
        return {
            "generator": lambda: dcgan.generator(shape, latent_size or 100, **settings),
            "discriminator": lambda: dcgan.discriminator(shape, **judges),
            "reverse_discriminator": lambda: dcgan.discriminator(shape, name="reverse_discriminator", **judges),
        }

    def normal() -> keras.initializers.Initializer:
        return keras.initializers.RandomNormal(0.0, 0.01)

    return {
        "generator": lambda: mlp.generator(shape, latent_size or 256, (128, 128), initializer=normal()),
        "discriminator": lambda: mlp.discriminator(shape, (128,), initializer=normal()),
        "reverse_discriminator": lambda: mlp.discriminator(shape, (128,), initializer=normal(), name="reverse_discriminator"),
    }
