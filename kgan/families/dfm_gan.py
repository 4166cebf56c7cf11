"""Denoising feature matching: Warde-Farley, Bengio, "Improving GANs with Denoising Feature Matching", ICLR 2017."""

from typing import Any

import keras
from keras import ops

from kgan import objectives
from kgan.arguments import Count, Level, Network, NonNegative, Shape
from kgan.engine import Move, Observation, Terms, Turn
from kgan.families.bases.generative import Makers, check_network, given_or_built
from kgan.families.gan import GAN, count_of
from kgan.networks import dcgan, mlp, with_features
from kgan.optimizers import checked_level, level_at
from kgan.priors import Uniform
from kgan.types import Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class DFMGAN(GAN):
    """A denoiser learns where features of real examples are dense, and samples are moved there beside the game.

    With phi the features of the discriminator, l its logit on them, sp softplus, and n standard normal, the players minimize

    - discriminator: `E sp(-l(x)) + E sp(l(G(z)))`, as in `kgan.GAN`;
    - denoiser r: `E || r(phi(x) + corruption n) - phi(x) ||^2`, a **mean** over features, of real examples alone; phi is a constant;
    - generator: `E sp(-l(G(z))) + denoising_weight E || phi(G(z)) - r(phi(G(z))) ||^2`, the same mean, through phi of the samples; what the
      denoiser returns is a constant target.

    For a Gaussian corruption the best denoiser is `r(h) = h + corruption^2 d log p(h) / dh` for small noise: the term moves the features of
    samples up the density of those of the data. All three move at one point, from one minibatch of x and z.

    Args:
        data_shape: shape of one example: `(features,)`, or `(size, size, channels)` for images in [-1, 1], size = 4 times a power of two.
        denoising_weight: default 0.03, the paper's: its `0.03 / n` of a sum over n features is 0.03 of their mean. On 28-pixel digits
            neither this nor 0.3 makes a difference beyond that between two seeds; 1 makes samples worse: their features go to the mean.
        corruption: default 1.0, standard deviation of the noise on the features of real examples, a number > 0 or a schedule that falls
            over the rounds. The paper lets it fall to 0 over the training: `keras.optimizers.schedules.PolynomialDecay(1.0, rounds, 0.0)`.
        feature_layer: name of the layer of the discriminator that makes phi, `(batch, n)`; default: what its last layer receives.
        filters: maps next to the image in the default networks, default 64.
        feature_size: units of the last layer before the logit in the default discriminator of images, default 1024 (the paper's), 128 for
            pictures below 32 pixels.
        denoiser_layers: default 10 (the paper's): layers of n ReLU under batch norm in the default denoiser, which ends linear.
        denoiser: `keras.Model` from features to features. On samples it runs in inference mode, with the moving statistics of real ones.
        generator, discriminator: networks of your own. Default for points those of `kgan.GAN`; for images DCGAN's, the discriminator with
            a layer of ReLU before the logit and, below 32 pixels, two 3x3 layers more.
        latent_size: default 100. prior: default `Uniform(-1, 1)` (both the paper's).
        simultaneous: default True. False: discriminator, denoiser and generator one after another, on the same minibatch.
        **kwargs: of `kgan.GAN`.

    Input of `fit`, output of `generate`: as `kgan.GAN`.

    Logs: as `kgan.GAN`; `denoiser/denoising`, `denoiser/corruption`, the level of noise; `generator/feature_denoising`, weighted.

    Default optimizers: those of `kgan.GAN` for all three (ours; ports of the paper take rates of 1e-4 and 2e-4).

    Raises:
        ValueError: for a negative weight, a corruption of 0 (the denoiser would learn the identity) or one that rises, an unknown layer, or
            one whose output is not `(batch, n)`.

    Departures from the paper: the width of its convolutions is not known to us; these are DCGAN's.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.DFMGAN((2,), denoiser_layers=2, seed=0)
    >>> model.compile()
    >>> points = np.random.default_rng(0).normal(size=(128, 2)).astype("float32")
    >>> history = model.fit(points, batch_size=64, verbose=0)
    >>> sorted(name for name in history.history if "denoising" in name)
    ['denoiser/denoising', 'generator/feature_denoising']
    """

    fixed_arguments = (*GAN.fixed_arguments, *GAN.unconditional)
    default_latent_size = 100
    default_prior = Uniform(-1.0, 1.0)

    def __init__(
        self,
        data_shape: Shape | None = None,
        *,
        denoising_weight: NonNegative = 0.03,
        corruption: Level = 1.0,
        feature_layer: str | None = None,
        filters: Count = 64,
        feature_size: Count | None = None,
        denoiser_layers: Count = 10,
        denoiser: Network | None = None,
        simultaneous: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            data_shape,
            own_networks=lambda shape, latents: _networks(shape, latents, filters, feature_size),
            simultaneous=simultaneous,
            **kwargs,
        )
        if corruption == 0:
            raise ValueError("`corruption` must be > 0, at least at first: of clean features the denoiser learns the identity.")
        self.denoising_weight = denoising_weight
        self.corruption = checked_level("corruption", corruption, falling=True)
        self.feature_layer = feature_layer
        self.filters, self.feature_size, self.denoiser_layers = filters, feature_size, denoiser_layers
        tapped = with_features(self.discriminator, feature_layer)
        width = tuple(tapped.outputs[0].shape[1:])
        if len(width) != 1:
            raise ValueError(f"Features must be (batch, n), a vector per example. The layer makes {width}: take a later one.")
        self._features: Any = tapped.__call__  # behind a method, so that the layers are not listed twice
        _, self.denoiser = given_or_built(
            width,
            {"denoiser": denoiser},
            lambda shape: {
                "denoiser": lambda: mlp.generator(shape, shape[0], shape * denoiser_layers, batch_norm=True, name="denoiser")
            },
        )
        check_network(self.denoiser, "denoiser", width, width, "features")

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        both = super().default_optimizers()
        return {**both, "denoiser": keras.optimizers.Adam.from_config(both["discriminator"].get_config())}

    # The game --------------------------------------------------------------------------------------------------------

    def turns(self) -> tuple[Turn, ...]:
        first, *others = super().turns()
        denoiser = Move("denoiser", ("denoiser",), self.denoiser_loss)
        if self.simultaneous:
            discriminator, generator = first.moves
            return (first._replace(moves=(discriminator, denoiser, generator)),)
        return (first, Turn((denoiser,), fresh=False), *others)

    def features(self, examples: Tensor) -> tuple[Tensor, Tensor]:
        """The features phi of examples, `(batch, n)`, and their logits."""
        features, logits = self._features(self.perturbed(examples), training=self.in_training)
        return features, logits

    def denoiser_loss(self, real: Any) -> Terms:
        features, _ = self.features(real)
        level = ops.convert_to_tensor(level_at(self.corruption, self.rounds), "float32")
        noise = keras.random.normal(ops.shape(features), dtype="float32", seed=self.seed_generator)
        denoised = self.denoiser(features + ops.cast(level * noise, features.dtype), training=self.in_training)
        return {"denoising": objectives.mean_square(denoised, features), "corruption": Observation(level)}

    def generator_loss(self, real: Any) -> Terms:
        features, logits = self.features(self.generated(count_of(real) * self.generator_batch))
        denoised = self.denoiser(features, training=False)
        return {
            "adversarial": self.objective.generator(logits),
            "feature_denoising": self.denoising_weight * objectives.feature_denoising(features, denoised),
        }


def _networks(shape: Sizes, latents: int, filters: int, feature_size: int | None) -> Makers:
    if len(shape) != 3:
        return {"generator": lambda: mlp.generator(shape, latents), "discriminator": lambda: mlp.discriminator(shape)}
    small = shape[0] < 32
    # As DCGAN is written in TensorFlow: batch norm's gains start at 1, epsilon 1e-5.
    settings: dict[str, Any] = {"filters": filters, "epsilon": 1e-5, "gamma": "ones"}
    units = feature_size or (128 if small else 1024)
    return {
        "generator": lambda: dcgan.generator(shape, latents, **settings),
        "discriminator": lambda: dcgan.discriminator(shape, extra_layers=2 if small else 0, units=units, **settings),
    }
