"""DRAGAN: Kodali, Abernethy, Hays, Kira 2017, arXiv 1705.07215; and GAN-GP: Fedus et al., ICLR 2018, arXiv 1710.08446."""

from typing import Any

import keras

from kgan.arguments import Count, Level, Positive, Shape
from kgan.families.bases.generative import Makers
from kgan.families.gan import GAN
from kgan.networks import dcgan, mlp
from kgan.penalties import GradientPenalty
from kgan.priors import Uniform
from kgan.types import Sizes


@keras.saving.register_keras_serializable("kgan")
class DRAGAN(GAN):
    """The non-saturating game, with the discriminator's gradient held at norm 1 around the real data.

    `L_D = E sp(-l(x)) + E sp(l(G(z))) + penalty_weight E (||grad l(x^)||_2 - 1)^2`, the gradient being that of the logit, at points x^
    near real examples; `L_G = E sp(-l(G(z)))`. Sharp gradients near real points, which DRAGAN's authors blame for mode collapse, cost.

    Args:
        image_shape: `(size, size, channels)`, default (32, 32, 3); size = 4 times a power of two. Taken from `discriminator` if that is
            given. For points, `(features,)`, the networks are `kgan.networks.mlp.toy_networks`.
        filters: maps next to the image, default 64.
        region: where x^ lies. "symmetric" (default): `x + std (u - 1/2)`, what the authors later called the right form; "one_quadrant":
            their notebook's noise; "gaussian": `x + N(0, variance)`, the paper's formula; "interpolate": between real and generated
            examples, which makes this GAN-GP (Fedus et al.).
        variance: required for "gaussian": the paper's c, a variance in squared units of the data.
        penalty_weight: default 10.0 (both papers' lambda).
        generator, discriminator: networks of your own, the discriminator without batch norm.
        latent_size: default 100 (the authors' notebook), for points as `kgan.GAN`. prior: default `Uniform(-1, 1)` (the notebook's).
        penalties: further penalties beside this one.
        **kwargs: of `kgan.GAN`: `objective="minimax"`, `discriminator_steps` (Fedus et al. use 1 and 5).

    Raises:
        ValueError: for batch norm in the discriminator, an unknown region, "gaussian" without variance.

    Under `tf.distribute` the standard deviation of a minibatch is that of one replica.

    Departures from the paper: the default region, as said. Default optimizers are the notebook's, Adam(1e-4, 0.5, 0.9).

    Example:
    >>> import numpy as np, kgan
    >>> from kgan.networks import mlp
    >>> model = kgan.DRAGAN(generator=mlp.generator((2,), 4), discriminator=mlp.discriminator((2,)), latent_size=4, seed=0)
    >>> model.compile()
    >>> points = np.random.default_rng(0).normal(size=(128, 2)).astype("float32")
    >>> history = model.fit(points, batch_size=64, verbose=0)
    >>> "discriminator/gradient_penalty" in history.history
    True
    """

    fixed_arguments = (*GAN.fixed_arguments, "data_shape")
    default_latent_size = 100
    default_prior = Uniform(-1.0, 1.0)

    def __init__(
        self,
        image_shape: Shape | None = (32, 32, 3),
        *,
        filters: Count = 64,
        region: str = "symmetric",
        variance: Positive | None = None,
        penalty_weight: Level = 10.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            image_shape,
            own_networks=lambda shape, latents: _networks(shape, latents, filters),
            own_penalties=[GradientPenalty(penalty_weight, region=region, variance=variance)],
            **kwargs,
        )
        self.image_shape = self.data_shape
        self.filters = filters
        self.region = region
        self.variance = variance
        self.penalty_weight = penalty_weight

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {move: keras.optimizers.Adam(1e-4, 0.5, 0.9, 1e-8) for move in ("discriminator", "generator")}


def _networks(shape: Sizes, latents: int, filters: int) -> Makers:
    if len(shape) != 3:
        return mlp.toy_networks(shape, latents)
    return {
        "generator": lambda: dcgan.generator(shape, latents, filters),
        "discriminator": lambda: dcgan.discriminator(shape, filters, batch_norm=False),
    }
