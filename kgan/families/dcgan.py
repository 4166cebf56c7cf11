"""Deep convolutional GANs: Radford, Metz, Chintala, ICLR 2016, arXiv 1511.06434."""

from typing import Any

import keras

from kgan.arguments import Count, NonNegative, Positive, Shape
from kgan.conditioning import Joined
from kgan.engine import Terms
from kgan.families.bases.conditional import Ways
from kgan.families.bases.generative import Makers
from kgan.families.gan import GAN
from kgan.networks import dcgan
from kgan.penalties import weight_decay as decay
from kgan.priors import Uniform
from kgan.types import Sizes

_MNIST = 28
_AUTHORS, _NARROW = 1e-8, 1e-3  # epsilons of batch norm: at the authors' widths, and below them


@keras.saving.register_keras_serializable("kgan")
class DCGAN(GAN):
    """The game of `kgan.GAN` between strided convolutional networks that train stably.

    The guidelines of section 3: strided convolutions instead of pooling; batch norm in both networks except the generator's output and the
    discriminator's input; no hidden dense layers; ReLU and a final tanh in the generator, leaky ReLU 0.2 in the discriminator. Losses as
    in the 2014 paper, non-saturating. Real and generated images pass the discriminator in separate batches: in one batch, its
    statistics would tell them apart and the generator collapses.

    Images of 28 pixels have the networks of the paper's MNIST samples (`kgan.networks.dcgan.mnist_generator`), which the code has in their
    conditional form alone. With `classes`, the class stands beside the input of every layer, as so many numbers, one of them 1.

    Args:
        image_shape: `(size, size, channels)`, default (64, 64, 3): the paper's faces and bedrooms; size = 4 times a power of two, or 28.
        filters: default None: 128, at 28 pixels 64 (the paper's): maps next to the image, doubled at every halving.
        variant: "code" (default; 5x5 kernels, symmetric padding) or "torch" (4x4 kernels, padding 1), see `kgan.networks.dcgan`. The
            networks for 28 pixels are the former.
        epsilon: of batch norm, default None: 1e-8 (the authors' code) with as many filters as their networks have, or more, and 1e-3 (ours)
            with fewer. First activations are small there, and with 1e-8 the discriminator runs ahead: of digits at 16 pixels and 32
            filters the distance is 46 to 56 after 400 rounds, with 1e-3 it is 3 to 4.
        weight_decay: default 0.0 (the paper): `weight_decay / 2 * ||theta||^2` on both players; the authors' code uses 1e-5.
        generator, discriminator: networks of your own.
        latent_size: default 100 (the paper's).
        prior: default `Uniform(-1, 1)` (the paper's).
        **kwargs: of `kgan.GAN`, `classes` and `conditioning` among them.

    Input of `fit`: images in [-1, 1], float32.

    Raises:
        ValueError: for an image size that is neither 28 nor 4 times a power of two, or data outside [-1, 1].

    Departures from the paper: the conditional form of the networks for other sizes is not in it. The MNIST run has a sigmoid for pixels in
    [0, 1], a weight decay of 2.5e-5, and its rate falls linearly to 0 over the last 100 of 200 epochs. Samples are drawn with the moving
    averages of batch norm (momentum 0.9), the authors use the statistics of the sampled batch. The discriminator moves first; the
    authors' code alternates minibatches between the players.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.DCGAN((16, 16, 1), filters=4, latent_size=8, seed=0)
    >>> model.compile()
    >>> images = np.random.default_rng(0).uniform(-1, 1, (32, 16, 16, 1)).astype("float32")
    >>> history = model.fit(images, batch_size=16, verbose=0)
    >>> model.generate(2, seed=0).shape
    (2, 16, 16, 1)
    """

    fixed_arguments = (*GAN.fixed_arguments, "data_shape")
    default_latent_size = 100
    default_prior = Uniform(-1.0, 1.0)

    def __init__(
        self,
        image_shape: Shape | None = (64, 64, 3),
        *,
        filters: Count | None = None,
        variant: str = "code",
        epsilon: Positive | None = None,
        weight_decay: NonNegative = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            image_shape,
            own_networks=lambda shape, latents: _networks(shape, latents, filters, variant, epsilon),
            own_conditioning=lambda shape: _ways(shape, variant),
            **kwargs,
        )
        self.image_shape = self.data_shape
        self.filters = filters
        self.variant = variant
        self.epsilon = epsilon
        self.weight_decay = weight_decay

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {move: keras.optimizers.Adam(2e-4, beta_1=0.5, epsilon=1e-8) for move in ("discriminator", "generator")}

    def discriminator_loss(self, real: Any) -> Terms:
        return {**super().discriminator_loss(real), **self._decay(self.discriminator)}

    def generator_loss(self, real: Any) -> Terms:
        return {**super().generator_loss(real), **self._decay(self.generator)}

    def _decay(self, player: keras.Model) -> Terms:
        if not self.weight_decay:
            return {}
        return {"weight_decay": decay(player.trainable_variables, self.weight_decay)}


def _networks(shape: Sizes, latents: int, filters: int | None, variant: str, epsilon: float | None) -> Makers:
    published = 64 if shape[0] == _MNIST else 128
    maps = filters or published
    small = epsilon or (_AUTHORS if maps >= published else _NARROW)
    if shape[0] == _MNIST:
        return {
            "generator": lambda: dcgan.mnist_generator(shape, latents, maps, small),
            "discriminator": lambda: dcgan.mnist_discriminator(shape, maps, small),
        }
    return {
        "generator": lambda: dcgan.generator(shape, latents, maps, variant=variant, epsilon=small),
        "discriminator": lambda: dcgan.discriminator(shape, maps, variant=variant, epsilon=small),
    }


def _ways(shape: Sizes, variant: str) -> Ways:
    generator, discriminator = dcgan.joints(shape, variant, shape[0] == _MNIST)
    return Joined(generator), Joined(discriminator)
