"""Spectral normalization for GANs: Miyato, Kataoka, Koyama, Yoshida, ICLR 2018, arXiv 1802.05957."""

from typing import Any, NamedTuple

import keras

from kgan import objectives
from kgan.arguments import NUMBERS, Count, Positive, Shape
from kgan.conditioning import ClassNorms, Joined, Projection
from kgan.families.bases.conditional import Ways
from kgan.families.bases.generative import Makers
from kgan.families.gan import GAN
from kgan.layers import SpectralNormalization
from kgan.networks import sn_cnn, sn_resnet
from kgan.networks.blocks import scaled
from kgan.types import Sizes


class Setting(NamedTuple):
    """A row of the paper's Table 1: Adam's rate and betas, and discriminator moves per generator move."""

    learning_rate: float
    beta_1: float
    beta_2: float
    discriminator_steps: int


SETTINGS = {
    "A": Setting(1e-4, 0.5, 0.9, 5),
    "B": Setting(1e-4, 0.5, 0.999, 1),
    "C": Setting(2e-4, 0.5, 0.999, 1),
    "D": Setting(1e-3, 0.5, 0.9, 5),
    "E": Setting(1e-3, 0.5, 0.999, 5),
    "F": Setting(1e-3, 0.9, 0.999, 5),
    "resnet": Setting(2e-4, 0.0, 0.9, 5),
}
"""Hyper-parameter settings: A to F of Table 1, and that of the residual networks (appendix B.4)."""

STANDARD = Setting(2e-4, 0.0, 0.9, 1)
"""Ours, the default of the standard networks: the Adam of appendix B.4, with one discriminator move a round as in B and C."""


@keras.saving.register_keras_serializable("kgan")
class SNGAN(GAN):
    """A GAN whose discriminator is made 1-Lipschitz by dividing every kernel by its largest singular value.

    The game of `kgan.GAN` with `n_dis` discriminator moves per generator move, spectral normalization (Eq. 8, power iteration of
    Algorithm 1) on all convolution and dense layers of the discriminator, the last included, and none in the generator.
    Objective: the hinge loss (Eq. 16-17) by default; `objective="non_saturating"` is Eq. 15, the paper's standard rows.

    With `classes`, the conditional game of section 4.2, the paper's ImageNet run: conditional batch norm in the generator, and in the
    discriminator of the residual networks the class as a learned vector of 128, spectrally normalized, joined to the maps behind the third
    block (in front of the last halving where there are fewer). `conditioning="projection"` is the projection discriminator (Miyato and
    Koyama 2018, 1802.05637, same networks otherwise), which the standard networks have by default: the paper has no conditional form of
    theirs. `SNGAN((128, 128, 3), architecture="resnet", classes=1000)` is the ImageNet network: batch 64, 450,000 generator updates,
    over the last 50,000 of which the code's rates fall linearly to 0.

    Args:
        image_shape: `(size, size, channels)`, default (32, 32, 3): CIFAR-10. The standard networks take any multiple of 4, with fewer
            halvings below 32; the
            residual ones 32, 48 and 128 as published, 8 and 16 with fewer blocks.
        architecture: "cnn" (default; Table 3), "cnn-code" (the wider network of the authors' published code), or "resnet" (Tables 4-6).
        width: default 1.0 (the paper's): factor of all channel counts, for small machines.
        setting: "A" to "F" (Table 1), "resnet", or a `Setting`; default None: "resnet" (appendix B.4) for the residual networks, its rate
            and betas with one discriminator move, `Setting(2e-4, 0, 0.9, 1)`, for the standard ones. The paper reports the best of its
            settings. With the momentum of C, DCGAN's own, a quarter of the width collapsed on some orders of 4,000 MNIST digits;
            without, at 5e-4, it learned on all that were tried.
        power_iterations: default 1 (the paper's).
        generator, discriminator: networks of your own in place of the published ones. Wrap the discriminator's layers in
            `kgan.layers.SpectralNormalization` yourself.
        latent_size: default 128 (the paper's). **kwargs: of `kgan.GAN`, `classes` and `conditioning` among them.
        discriminator_steps: default None: the setting's.
        generator_batch: default None: 1; 2 for the residual networks (128 generated images beside 64 + 64, as in the authors' code).
        joint_batch: default None: True for the published networks, which have no batch statistics; see `kgan.GAN`.

    Input of `fit`: images in [-1, 1], float32. The paper adds U(0, 1/128) to 8-bit pixels: `kgan.datasets.load(..., dequantize=True)`.
    The residual runs let the rate fall linearly to 0 over 50,000 generator updates: pass optimizers with a
    `keras.optimizers.schedules.PolynomialDecay`; the default keeps it constant, as the standard runs do.

    Raises:
        ValueError: for an unknown architecture or setting, or a size that the networks cannot take.

    Departures from the paper: the power iteration advances once per discriminator move (Algorithm 1); the authors' code advances
    it in every training-mode forward pass. The authors' code asks for classes drawn evenly, here they are those of the real minibatch.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.SNGAN(image_shape=(8, 8, 1), width=0.125, seed=0)
    >>> model.compile()
    >>> images = np.random.default_rng(0).uniform(-1, 1, (64, 8, 8, 1)).astype("float32")
    >>> history = model.fit(images, batch_size=32, verbose=0)
    >>> model.generate(4, seed=0).shape
    (4, 8, 8, 1)
    """

    fixed_arguments = (*GAN.fixed_arguments, "data_shape")

    def __init__(
        self,
        image_shape: Shape | None = (32, 32, 3),
        *,
        architecture: str = "cnn",
        width: Positive = 1.0,
        setting: Setting | str | None = None,
        power_iterations: Count = 1,
        objective: objectives.ObjectiveLike = "hinge",
        discriminator_steps: Count | None = None,
        generator_batch: Count | None = None,
        joint_batch: bool | None = None,
        **kwargs: Any,
    ) -> None:
        if architecture not in ("cnn", "cnn-code", "resnet"):
            raise ValueError(f'`architecture` must be "cnn", "cnn-code" or "resnet". Received: {architecture!r}.')
        residual = architecture == "resnet"
        setting = ("resnet" if residual else STANDARD) if setting is None else setting
        super().__init__(
            image_shape,
            own_networks=lambda shape, latents: _networks(shape, latents, architecture, width, power_iterations),
            own_conditioning=lambda shape: _ways(shape, residual, width),
            objective=objective,
            discriminator_steps=discriminator_steps or _values(setting).discriminator_steps,
            generator_batch=generator_batch or (2 if residual else 1),
            joint_batch=kwargs.get("discriminator") is None if joint_batch is None else joint_batch,
            **kwargs,
        )
        self.image_shape = self.data_shape
        self.architecture = architecture
        self.width = width
        self.setting = setting
        self.power_iterations = power_iterations

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        rate, beta_1, beta_2, _ = _values(self.setting)
        # Chainer's and TensorFlow's Adam of the experiments add 1e-8 to the root of the second moment.
        return {move: keras.optimizers.Adam(rate, beta_1, beta_2, 1e-8) for move in ("discriminator", "generator")}


def _values(setting: Any) -> Setting:
    if isinstance(setting, str) and setting in SETTINGS:
        return SETTINGS[setting]
    if NUMBERS.accepts(setting) and len(setting) == len(Setting._fields):
        return Setting(*setting)
    raise ValueError(f"`setting` must be one of {sorted(SETTINGS)} or a kgan.families.sngan.Setting. Received: {setting!r}.")


def _ways(shape: Sizes, residual: bool, width: float) -> Ways:
    if not residual:
        return ClassNorms(), Projection()
    return ClassNorms(plain=("norm",)), Joined(sn_resnet.joint(shape), scaled(128, width))


def _networks(shape: Sizes, latents: int, architecture: str, width: float, power_iterations: int) -> Makers:
    def normalizer(layer: keras.layers.Layer) -> keras.layers.Layer:
        return SpectralNormalization(layer, power_iterations, name=f"{layer.name}_sn")

    if architecture == "resnet":
        return {
            "generator": lambda: sn_resnet.generator(shape, latents, width),
            "discriminator": lambda: sn_resnet.discriminator(shape, width, normalizer),
        }
    variant = {"cnn": "paper", "cnn-code": "code"}[architecture]
    return {
        "generator": lambda: sn_cnn.generator(shape, latents, width),
        "discriminator": lambda: sn_cnn.discriminator(shape, width, variant, normalizer),
    }
