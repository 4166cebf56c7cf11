"""Least squares GAN: Mao, Li, Xie, Lau, Wang, Paul Smolley, ICCV 2017, arXiv 1611.04076."""

from typing import Any

import keras

from kgan.arguments import Count, Shape
from kgan.families.gan import GAN
from kgan.networks import dcgan
from kgan.priors import Uniform


@keras.saving.register_keras_serializable("kgan")
class LSGAN(GAN):
    """The game of `kgan.GAN` with squared distances to labels: examples far from the boundary are pulled to it, on either side.

    With l the discriminator's output, and the 0-1 coding `a = 0, b = c = 1` (Eq. 9):
    `L_D = 1/2 E (l(x) - 1)^2 + 1/2 E l(G(z))^2` and `L_G = 1/2 E (l(G(z)) - 1)^2`.

    Args:
        image_shape: `(size, size, channels)`, default (64, 64, 3); size = 4 times a power of two. Taken from `discriminator` if that is
            given.
        filters: width of the default networks, default 64 (DCGAN's).
        **kwargs: of `kgan.GAN`: `generator`, `discriminator` of your own in place of DCGAN's; `latent_size`, default 100 (DCGAN's; the
            paper's is 1024); `prior`, default `Uniform(-1, 1)` (DCGAN's).

    Input of `fit`: images in [-1, 1], float32 `(batch, *image_shape)`. Output of `generate`: the same.

    Default optimizers: Adam(2e-4, beta_1 0.5) (DCGAN's, in whose code the paper's networks run).

    Departures from the paper: the networks are DCGAN's, not the paper's own for LSUN.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.LSGAN((8, 8, 1), filters=4, latent_size=8, seed=0)
    >>> model.compile()
    >>> images = np.random.default_rng(0).uniform(-1, 1, (64, 8, 8, 1)).astype("float32")
    >>> history = model.fit(images, batch_size=32, verbose=0)
    >>> model.generate(2, seed=0).shape
    (2, 8, 8, 1)
    """

    fixed_arguments = (*GAN.fixed_arguments, "data_shape", "objective")
    default_latent_size = 100
    default_prior = Uniform(-1.0, 1.0)

    def __init__(
        self,
        image_shape: Shape | None = (64, 64, 3),
        *,
        filters: Count = 64,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            image_shape,
            own_networks=lambda shape, latents: {
                "generator": lambda: dcgan.generator(shape, latents, filters),
                "discriminator": lambda: dcgan.discriminator(shape, filters),
            },
            objective="least_squares",
            **kwargs,
        )
        self.image_shape = self.data_shape
        self.filters = filters

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {move: keras.optimizers.Adam(2e-4, beta_1=0.5, epsilon=1e-8) for move in ("discriminator", "generator")}
