"""WGAN with gradient penalty: Gulrajani et al., NIPS 2017, arXiv 1704.00028; CT-GAN: Wei et al., ICLR 2018, arXiv 1803.01541."""

from typing import Any

import keras

from kgan.arguments import Count, Level, NonNegative, Positive, Shape
from kgan.conditioning import AuxiliaryClassifier, ClassNorms, Joined
from kgan.families.bases.conditional import Ways
from kgan.families.bases.generative import Makers
from kgan.families.gan import GAN
from kgan.networks import dcgan, mlp, sn_resnet, wgan_gp
from kgan.networks.starting_values import StridedGlorotUniform
from kgan.penalties import Consistency, GradientPenalty, Penalty
from kgan.types import Sizes


@keras.saving.register_keras_serializable("kgan")
class WGANGP(GAN):
    """A Wasserstein GAN whose critic is kept Lipschitz by a penalty on its gradient between real and generated examples.

    `L_C = E D(G(z)) - E D(x) + penalty_weight E (||grad D(x^)||_2 - 1)^2` (Eq. 3), `x^ = eps x + (1 - eps) G(z)` with one `eps ~ U[0, 1]`
    per example; `L_G = -E D(G(z))`. The critic has no batch norm. With `consistency`, CT-GAN: two dropout passes of the critic over each
    real example must agree as well.

    With `classes`, the paper's classified CIFAR-10 run: conditional batch norm in the generator's residual blocks, and in the critic a
    classifier beside the value, whose cross-entropy both players minimize, the critic on real images with weight 1 and the generator on its
    own with 0.1 (the code's; `conditioning=kgan.conditioning.AuxiliaryClassifier(...)` for others).

    Args:
        image_shape: `(size, size, channels)`, default (32, 32, 3) (CIFAR-10). Taken from `discriminator` if that is given. For
            points, `(features,)`, the networks are `kgan.networks.mlp.toy_networks`.
        architecture: "resnet" (default; the paper's: CIFAR-10's for sizes 8, 16, 32, LSUN's for 64, 128 and further powers of two, see
            `kgan.networks.wgan_gp`; 48 with the table of spectral normalization) or "dcgan" (the code's smaller ones for CIFAR-10, sizes
            4 times a power of two).
        width: default 1.0 (the paper's: 128 maps; 64 next to images of 64 pixels and more): factor of all channel counts.
        penalty_weight: default 10.0 (the paper's lambda).
        one_sided: default False (the paper's); True is appendix C.
        consistency: default None. A number is CT-GAN's lambda_2 (2.0 in the paper), and puts the paper's dropout into the
            critics built here: 0.5 behind every convolution, or 0.2, 0.5, 0.5 behind residual blocks 2 to 4.
        margin: default 0.0 (CT-GAN's code): M' of the consistency term.
        discriminator_steps: default 5 (both papers').
        generator, discriminator: networks of your own; the critic must not contain batch norm.
        latent_size: default 128 (the code's), for points as `kgan.GAN`.
        generator_batch: default None: 2 for the residual networks below 64 pixels (128 generated images beside 64), else 1.
        penalties: further penalties beside these two.
        **kwargs: of `kgan.GAN`, `classes` and `conditioning` among them.

    Input of `fit`: images in [-1, 1]; the CIFAR-10 runs add noise to 8-bit pixels: `kgan.datasets.load(..., dequantize=True)`.
    Default optimizers: Adam(1e-4, 0, 0.9), epsilon 1e-8 (TensorFlow 1's, which adds it where Keras does), Algorithm 1 and the LSUN runs;
    the CIFAR-10 ResNet run uses 2e-4, falling linearly to 0 over 100,000 generator updates. Kernels start as in the code
    (`kgan.networks.starting_values`); batch norm has its epsilon, 1e-5, and gains of 1.

    Raises:
        ValueError: for batch norm in the critic, `consistency` without dropout in a critic of your own, an unknown architecture.

    Departures from the paper: the critic moves before the generator; the authors' loop is the same from the second iteration on. Samples
    are drawn with moving averages of batch norm, the code uses the statistics of the sampled batch. The smaller networks pad alike on all
    sides, as DCGAN. Those for 128 pixels are not described, see `kgan.networks.wgan_gp`. The code asks for classes
    drawn evenly in the generator's move, here they are those of the real minibatch. The published 28x28 network (a crop from 8 to 7) and
    CT-GAN's semi-supervised variant are not here.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.WGANGP((8, 8, 1), architecture="dcgan", width=0.05, consistency=2.0, latent_size=8, seed=0)
    >>> model.compile()
    >>> images = np.random.default_rng(0).uniform(-1, 1, (80, 8, 8, 1)).astype("float32")
    >>> history = model.fit(images, batch_size=16, verbose=0)
    >>> sorted(k for k in history.history if "logit" not in k)[:3]
    ['discriminator/adversarial', 'discriminator/consistency', 'discriminator/gradient_penalty']
    """

    fixed_arguments = (*GAN.fixed_arguments, "data_shape", "objective")

    def __init__(
        self,
        image_shape: Shape | None = (32, 32, 3),
        *,
        architecture: str = "resnet",
        width: Positive = 1.0,
        penalty_weight: Level = 10.0,
        one_sided: bool = False,
        consistency: Level | None = None,
        margin: NonNegative = 0.0,
        discriminator_steps: Count = 5,
        generator_batch: Count | None = None,
        **kwargs: Any,
    ) -> None:
        if architecture not in ("resnet", "dcgan"):
            raise ValueError(f'`architecture` must be "resnet" or "dcgan". Received: {architecture!r}.')
        own: list[Penalty] = [GradientPenalty(penalty_weight, one_sided=one_sided)]
        own += [] if consistency is None else [Consistency(consistency, margin=margin)]
        super().__init__(
            image_shape,
            own_networks=lambda shape, latents: _networks(shape, latents, architecture, width, consistency is not None),
            own_penalties=own,
            own_conditioning=lambda shape: _ways(shape, architecture),
            objective="wasserstein",
            discriminator_steps=discriminator_steps,
            **kwargs,
        )
        built = any(kwargs.get(role) is None for role in ("generator", "discriminator"))
        residual = built and architecture == "resnet" and len(self.data_shape) == 3 and not _large(self.data_shape)
        self.generator_batch = generator_batch or (2 if residual else 1)
        self.image_shape = self.data_shape
        self.architecture = architecture
        self.width = width
        self.penalty_weight = penalty_weight
        self.one_sided = one_sided
        self.consistency = consistency
        self.margin = margin

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {move: keras.optimizers.Adam(1e-4, 0.0, 0.9, 1e-8) for move in ("discriminator", "generator")}


def _ways(shape: Sizes, architecture: str) -> Ways:
    judge = AuxiliaryClassifier(1.0, 0.0, 0.1)
    if len(shape) != 3:
        return Joined(), judge
    # The code leaves the norm behind all residual blocks as it is.
    return ClassNorms(() if architecture == "dcgan" else ("output_norm",) if _large(shape) else ("norm",)), judge


def _networks(shape: Sizes, latents: int, architecture: str, width: float, dropout: bool) -> Makers:
    rate, rates = (0.5, (0.2, 0.5, 0.5)) if dropout else (0.0, ())
    if len(shape) != 3:
        return mlp.toy_networks(shape, latents, dropout=rate)
    if architecture == "dcgan":
        filters = max(1, round(128 * width))
        start: dict[str, Any] = {"initializer": StridedGlorotUniform(2.0, 2), "dense_initializer": "glorot_uniform"}
        norm: dict[str, Any] = {"epsilon": 1e-5, "gamma": "ones", "biases": True}
        return {
            "generator": lambda: dcgan.generator(shape, latents, filters, **norm, **start),
            "discriminator": lambda: dcgan.discriminator(shape, filters, batch_norm=False, dropout=rate, **start),
        }
    if _large(shape):
        filters = max(1, round(64 * width))
        return {
            "generator": lambda: wgan_gp.generator(shape, latents, filters),
            "discriminator": lambda: wgan_gp.discriminator(shape, filters, rates),
        }
    if shape[0] not in sn_resnet.SIZES:
        raise ValueError(
            f"The residual networks exist for images of {', '.join(map(str, sn_resnet.SIZES[:-1]))}, 64, 128 and more pixels. Received: "
            f'{tuple(shape)!r}; resize, or use architecture="dcgan", which takes 4 times any power of two, or networks of your own.'
        )
    # Up to 32 pixels the tables of spectral normalization have the generator's blocks at twice the width.
    narrow = width * (0.5 if shape[0] <= 32 else 1.0)
    return {
        "generator": lambda: sn_resnet.generator(shape, latents, narrow, epsilon=1e-5),
        "discriminator": lambda: sn_resnet.discriminator(shape, width, pooling="mean", dropout=rates),
    }


def _large(shape: Sizes) -> bool:
    """Whether the residual networks are those of LSUN."""
    return len(shape) == 3 and shape[0] >= 64
