"""Mode regularized GAN: Che, Li, Jacob, Bengio, Li, ICLR 2017, arXiv 1612.02136, sections 3.1 and 3.2."""

import warnings
from typing import Any, ClassVar

import keras
from keras import ops

from kgan import objectives
from kgan.arguments import Count, Network, NonNegative, Shape
from kgan.engine import Observation, Terms
from kgan.families.bases.encoding import Encoding
from kgan.families.bases.generative import Makers, given_or_built, last_layer
from kgan.networks import bidirectional, dcgan, mlp
from kgan.priors import Uniform
from kgan.types import Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class ModeRegularizedGAN(Encoding):
    """Reg-GAN: an encoder E is trained beside the game, and the generator is paid for giving real examples back.

    The discriminator minimizes `E sp(-l(x)) + E sp(l(G(z)))`, l its logit and sp softplus; it is not shown reconstructions. Then, at one
    point and on the same minibatch of real examples, the players minimize (section 3.2)

    - generator: `E sp(-l(G(z))) + E[reconstruction_weight d(x, G(E(x))) + mode_weight sp(-l(G(E(x))))]`;
    - encoder: `E[reconstruction_weight d(x, G(E(x))) + mode_weight sp(-l(G(E(x))))]`.

    `d(x, y)` is the squared error, **summed** over the numbers of an example: the geometric regularizer, which gives the generator a slope
    everywhere. The other term is the mode regularizer: as every real example asks for its reconstruction to be accepted, modes that samples
    seldom reach are pulled at as often as they occur in the data.

    Args:
        data_shape: shape of one example: `(features,)`, or `(size, size, channels)` for images in [-1, 1], size = 4 times a power of two.
        reconstruction_weight: lambda 1, default 0.2 for points, 0.02 for images (ours: of a sum, the paper's 0.2 is too much for images of
            784 pixels; it is likely of a mean). Large, it makes an autoencoder of the system.
        mode_weight: lambda 2, default 0.4 (the paper's, on MNIST).
        filters: maps next to the image in the default networks, default 64.
        encoder: `keras.Model` from examples to codes `(batch, latent_size)`. It should end where the prior does: a bounded prior never
            draws what an unbounded encoder may say, and of such there is a warning. Default: for points two layers of 128 ReLU, for images
            the discriminator's convolutions; ends in a sigmoid stretched over the prior's interval if that is `kgan.priors.Uniform`.
        generator, discriminator: networks of your own. Default for points the paper's: layers of 128 ReLU, two in the generator and one in
            the discriminator; for images DCGAN's, below 32 pixels with two 3x3 layers more in the discriminator.
        latent_size: default 3 for points (the paper's), 100 for images.
        prior: default `Uniform(0, 1)` for points (the paper's), `Uniform(-1, 1)` for images (DCGAN's).
        **kwargs: of `kgan.GAN`.

    Input of `fit`, output of `generate`: as `kgan.GAN`. Output of `encode`: `(count, latent_size)`; of `reconstruct`: as the examples.

    Logs: as `kgan.GAN`; `generator/reconstruction` and `generator/mode`, weighted, and `generator/reconstructed_logit`, the mean logit of
    reconstructions. Generator and encoder are one move, for the term that is the generator's alone does not depend on the encoder.

    Default optimizers: Adam(2e-4, beta_1 0.5) for images (DCGAN's), Adam(1e-3, beta_1 0.5) for points (ours; the paper's 1e-4 is slow).

    Raises:
        ValueError: for negative weights, an encoder whose codes are not the generator's latents, networks of other shapes.

    Departures from the paper: equations (1) and (2) are printed with `+ lambda_2 log D(G(E(x)))` in what is minimized; here it is
    subtracted, as the text says (the term encourages reconstructions that D accepts) and as it must be to have that effect. The paper's
    weights for points are both 0.005; the defaults are those for MNIST.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.ModeRegularizedGAN((2,), seed=0)
    >>> model.compile()
    >>> points = kgan.datasets.ring(6, 5.0, 0.1).sample(256, seed=0)
    >>> history = model.fit(points, batch_size=64, verbose=0)
    >>> model.encode(points).shape, model.reconstruct(points).shape
    ((256, 3), (256, 2))
    """

    fixed_arguments = (*Encoding.fixed_arguments, *Encoding.unconditional)
    generator_players: ClassVar[tuple[str, ...]] = ("generator", "encoder")

    def __init__(
        self,
        data_shape: Shape | None = None,
        *,
        reconstruction_weight: NonNegative | None = None,
        mode_weight: NonNegative = 0.4,
        filters: Count = 64,
        encoder: Network | None = None,
        latent_size: Count | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            data_shape, own_networks=lambda shape, _: _networks(shape, latent_size, filters), latent_size=latent_size, **kwargs
        )
        images = len(self.data_shape) == 3
        if kwargs.get("prior") is None:
            self.prior = Uniform(-1.0 if images else 0.0, 1.0)
        self.reconstruction_weight = (0.02 if images else 0.2) if reconstruction_weight is None else reconstruction_weight
        self.mode_weight = mode_weight
        self.filters = filters
        interval = (float(self.prior.low), float(self.prior.high)) if isinstance(self.prior, Uniform) else None
        _, made = given_or_built(
            self.data_shape,
            {"encoder": encoder},
            lambda shape: {"encoder": lambda: _encoder(shape, self.latent_size, filters, interval)},
        )
        self.set_encoder(made)
        if interval and getattr(getattr(last_layer(made), "activation", None), "__name__", "") == "linear":
            warnings.warn(
                f"The encoder ends in a linear layer, while the prior draws from {interval} alone: reconstructions come from codes that no "
                "sample is made of, and do not help them. End the encoder in a sigmoid or tanh over that interval, or take a normal prior.",
                stacklevel=2,
            )

    # The game --------------------------------------------------------------------------------------------------------

    def generator_loss(self, real: Any) -> Terms:
        return {**super().generator_loss(real), **self.regularizers(real)}

    def manifold_score(self, examples: Tensor) -> Tensor:
        """The logits by which reconstructions are judged, `(batch, 1)`."""
        return self.score(examples)

    def reconstructed(self, real: Tensor) -> Tensor:
        """`G(E(x))` in training."""
        return self.generator(self.encoder(real, training=self.in_training), training=self.in_training)

    def regularizers(self, real: Any) -> Terms:
        """Both terms of generator and encoder, from real examples."""
        real = ops.convert_to_tensor(real)
        reconstructed = self.reconstructed(real)
        logits = self.manifold_score(reconstructed)
        return {
            "reconstruction": self.reconstruction_weight * objectives.summed_square(real, reconstructed),
            "mode": self.mode_weight * self.objective.generator(logits),
            "reconstructed_logit": Observation(ops.mean(logits)),
        }


def _networks(shape: Sizes, latent_size: int | None, filters: int) -> Makers:
    if len(shape) == 3:
        return {
            "generator": lambda: dcgan.generator(shape, latent_size or 100, filters, epsilon=1e-5, gamma="ones"),
            "discriminator": lambda: judge(shape, filters, "discriminator"),
        }
    return {
        "generator": lambda: mlp.generator(shape, latent_size or 3),
        "discriminator": lambda: judge(shape, filters, "discriminator"),
    }


def judge(shape: Sizes, filters: int, name: str, outputs: int = 1) -> keras.Model:
    """The default discriminator, or of as many outputs the trunk of the default encoder of images."""
    if len(shape) != 3:
        return mlp.discriminator(shape, (128,), name=name)
    # Of one convolution, as pictures of 8 pixels would have, a discriminator does not teach.
    extra = 2 if shape[0] < 32 and outputs == 1 else 0
    return dcgan.discriminator(shape, filters, epsilon=1e-5, gamma="ones", extra_layers=extra, outputs=outputs, name=name)


def _encoder(shape: Sizes, latent_size: int, filters: int, interval: tuple[float, float] | None) -> keras.Model:
    trunk = (
        judge(shape, filters, "encoder", latent_size)
        if len(shape) == 3
        else mlp.discriminator(shape, outputs=latent_size, name="encoder")
    )
    return keras.Model(trunk.input, bidirectional.bound(trunk.output, interval), name="encoder")
