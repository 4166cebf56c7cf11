"""VEEGAN: Srivastava, Valkov, Russell, Gutmann, Sutton, NIPS 2017, arXiv 1705.07761."""

from typing import Any

import keras
from keras import ops

from kgan import objectives
from kgan.arguments import Natural, NonNegative, Shape
from kgan.engine import Terms
from kgan.families.bigan import BiGAN
from kgan.families.gan import count_of
from kgan.networks import bidirectional
from kgan.priors import Normal
from kgan.types import Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class VEEGAN(BiGAN):
    """A reconstructor maps data back to noise; a generator that drops modes either is not inverted by it or spoils its Gaussian.

    Made for mixtures of points, whose modes it finds. For images there are the authors' networks; on a thousand small pictures they do not
    last: F takes the data out of the Gaussian, and one class is left.

    A game on pairs as in `kgan.BiGAN`: with F the reconstructor (here `encoder`), (x, F(x) + n) from the data and (G(z), z) from the
    prior, n standard normal. With l the logit of a pair (higher = from the data; the paper's has the other sign), sp softplus and
    `d(z, z') = 1/2 sum_k (z_k - z'_k)^2`, the players minimize, all at one point on the same x and z (Algorithm 1):

    - discriminator: `E sp(-l(x, F(x) + n)) + E sp(l(G(z), z))`;
    - generator: `-E l(G(z), z) + E d(z, F(G(z)))`: the first, linear in the logit, descends on a Kullback-Leibler divergence;
    - reconstructor: `E d(z, F(G(z)))` alone. That the pair it makes is judged does not concern it.

    Args:
        data_shape: shape of one example. May be left out when `discriminator` is given.
        encoder: the reconstructor, `keras.Model` from examples to the mean of the code `(batch, latent_size - extra_noise)`.
        generator, discriminator: as in `kgan.BiGAN`; pass all three networks or none. Default: the authors' for points; for images of 32
            pixels and more (and 4 times a power of two) DCGAN's, with the code joined to the discriminator's features by a dense layer; for
            other images their MNIST networks.
        latent_size: what the generator takes; default 255 for points (254 and one of noise, the authors'), 32 for small and 100 for
            large images. For points take many: with as few as the data have, modes are lost.
        extra_noise: default 1 for points, else 0 (the authors'): how many coordinates of a latent the reconstructor is not asked for.
        prior: default `Normal()` (the paper's).
        reconstruction_weight: default 1.0 (the paper's), factor of d.
        adversarial_reconstructor: default False (the paper). True: `E l(x, F(x) + n)` is added to the reconstructor's loss, as in the
            authors' published notebook; a variant close to `kgan.ALI`.
        deterministic: default False (the paper's p(z | x) is a Gaussian of unit variance). True: n = 0.
        weight_decay: default 0.0 (the paper's). joint_batch, seed, name, dtype: as in `kgan.BiGAN`.

    Input of `fit`: examples `(batch, *data_shape)`, float32. `encode` returns F(x); with a seed, a draw around it.

    Logs: as `kgan.BiGAN`, and `generator/reconstruction`. Generator and reconstructor are one move, for neither's other term concerns the
    other's weights; of d's gradient both get their share.

    Default optimizers: Adam(1e-3, beta_1 0.5) for points, beta_1 0.7 for small images (the authors'), Adam(2e-4, beta_1 0.5) for large.

    Raises:
        ValueError: as `kgan.BiGAN`.

    Departures from the paper: none known. The variance of p(z | x) is fixed, as there.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.VEEGAN((2,), latent_size=9, seed=0)
    >>> model.compile()
    >>> points = kgan.datasets.ring().sample(256, seed=0)
    >>> history = model.fit(points, batch_size=64, verbose=0)
    >>> model.generate(3, seed=0).shape, model.encode(points).shape
    ((3, 2), (256, 8))
    """

    fixed_arguments = (*BiGAN.fixed_arguments, "size", "epsilon")
    default_prior = Normal()
    pair_weight = 1.0

    def __init__(
        self,
        data_shape: Shape | None = None,
        *,
        extra_noise: Natural | None = None,
        reconstruction_weight: NonNegative = 1.0,
        adversarial_reconstructor: bool = False,
        deterministic: bool = False,
        weight_decay: NonNegative = 0.0,
        **kwargs: Any,
    ) -> None:
        if extra_noise is None:
            points = data_shape is not None and len(data_shape) == 1
            extra_noise = int(points and kwargs.get("encoder") is None)
        super().__init__(
            data_shape,
            own_networks=lambda shape, latent_size: _networks(shape, latent_size, extra_noise),
            extra_noise=extra_noise,
            weight_decay=weight_decay,
            objective=objectives.reverse_kl,
            **kwargs,
        )
        self.reconstruction_weight = reconstruction_weight
        self.adversarial_reconstructor = adversarial_reconstructor
        self.deterministic = deterministic

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        rate, beta = (1e-3, 0.5) if len(self.data_shape) == 1 else (1e-3, 0.7) if self.data_shape[0] < 32 else (2e-4, 0.5)
        return {move: keras.optimizers.Adam(rate, beta_1=beta, epsilon=1e-8) for move in ("discriminator", "generator")}

    @property
    def noise_size(self) -> int:
        """Length of n."""
        return 0 if self.deterministic else self.code_size

    def code(self, examples: Tensor, noise: Tensor, training: bool) -> Tensor:
        mean = self.encoder(examples, training=training)
        return mean if self.deterministic else ops.cast(mean, "float32") + noise

    def generator_loss(self, real: Any) -> Terms:
        latents = self.generator_inputs(count_of(real), seed=self.seed_generator)
        fakes = self.generator(latents, training=self.in_training)
        latents = latents[:, : self.code_size]
        distance = objectives.latent_reconstruction(latents, self.encoder(fakes, training=self.in_training))
        terms = {
            "adversarial": self.objective.generator(self.score([fakes, latents])),
            "reconstruction": self.reconstruction_weight * distance,
            **self.decay(self.generator, self.encoder),
        }
        if self.adversarial_reconstructor:
            terms["inference"] = -self.objective.generator(self.score(list(self.data_pair(real))))
        return terms


def _networks(shape: Sizes, latent_size: int | None, extra_noise: int) -> tuple[keras.Model, keras.Model, keras.Model]:
    if len(shape) != 3:
        size = latent_size or 254 + extra_noise
        return bidirectional.veegan_perceptrons(shape, size - extra_noise, extra_noise)
    if shape[0] >= 32 and not extra_noise:
        return bidirectional.veegan_convolutional(shape, latent_size or 100)
    size = latent_size or 32 + extra_noise
    return bidirectional.veegan_perceptrons(shape, size - extra_noise, extra_noise, (256,), (256,), 0.5)
