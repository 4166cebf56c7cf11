"""Spectral normalization for GANs: Miyato, Kataoka, Koyama, Yoshida, ICLR 2018, arXiv 1802.05957."""

from typing import NamedTuple

import keras

from kgan.arguments import NUMBERS
from kgan.families.gan import GAN
from kgan.layers import SpectralNormalization
from kgan.networks import sn_cnn, sn_resnet


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


@keras.saving.register_keras_serializable("kgan")
class SNGAN(GAN):
    """A GAN whose discriminator is made 1-Lipschitz by dividing every kernel by its largest singular value.

    The game of `kgan.GAN` with `n_dis` discriminator moves per generator move, spectral normalization (Eq. 8, power iteration of
    Algorithm 1) on all convolution and dense layers of the discriminator, the last included, and none in the generator.
    Objective: the hinge loss (Eq. 16-17) by default; `objective="non_saturating"` is Eq. 15, the paper's standard rows.

    Args:
        image_shape: `(size, size, channels)`, default (32, 32, 3): CIFAR-10. The standard networks take any multiple of 8; the
            residual ones 32, 48 and 128 as published, 8 and 16 with fewer blocks.
        architecture: "cnn" (default; Table 3), "cnn-code" (the wider network of the authors' published code), or "resnet" (Tables 4-6).
        width: float, default 1.0 (the paper's): factor of all channel counts, for small machines.
        setting: "A" to "F" (Table 1), "resnet", or a `Setting`; default None: "C" for the standard networks, "resnet" (appendix B.4) for
            the residual ones. The paper reports the best of the settings; C is DCGAN's own.
        power_iterations: int >= 1, default 1 (the paper's).
        generator, discriminator: networks of your own in place of the published ones. Wrap the discriminator's layers in
            `kgan.layers.SpectralNormalization` yourself.
        objective, penalties, latent_size (default 128, the paper's), prior, seed, name, dtype: as in `kgan.GAN`.
        discriminator_steps: default None: the setting's.
        generator_batch: default None: 1; 2 for the residual networks (128 generated images beside 64 + 64, as in the authors' code).
        joint_batch: default None: True for the published networks, which have no batch statistics; see `kgan.GAN`.

    Input of `fit`: images in [-1, 1], float32. The paper adds U(0, 1/128) to 8-bit pixels: `kgan.datasets.load(..., dequantize=True)`.
    The residual runs let the rate fall linearly to 0 over 50,000 generator updates: pass optimizers with a
    `keras.optimizers.schedules.PolynomialDecay`; the default keeps it constant, as the standard runs do.

    Raises:
        ValueError: for an unknown architecture or setting, or a size that the networks cannot take.

    Departures from the paper: the power iteration advances once per discriminator move (Algorithm 1); the authors' code advances
    it in every training-mode forward pass.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.SNGAN(image_shape=(8, 8, 1), width=0.125, seed=0)
    >>> model.compile()
    >>> images = np.random.default_rng(0).uniform(-1, 1, (64, 8, 8, 1)).astype("float32")
    >>> history = model.fit(images, batch_size=32, verbose=0)
    >>> model.generate(4, seed=0).shape
    (4, 8, 8, 1)
    """

    def __init__(
        self,
        image_shape=(32, 32, 3),
        *,
        architecture="cnn",
        width=1.0,
        setting=None,
        power_iterations=1,
        generator=None,
        discriminator=None,
        objective="hinge",
        penalties=(),
        discriminator_steps=None,
        latent_size=None,
        prior=None,
        generator_batch=None,
        joint_batch=None,
        seed=None,
        name=None,
        dtype=None,
    ):
        if architecture not in ("cnn", "cnn-code", "resnet"):
            raise ValueError(f'`architecture` must be "cnn", "cnn-code" or "resnet". Received: {architecture!r}.')
        residual = architecture == "resnet"
        setting = ("resnet" if residual else "C") if setting is None else setting
        own = NUMBERS.accepts(setting) and len(setting) == len(Setting._fields)
        if not own and not (isinstance(setting, str) and setting in SETTINGS):
            raise ValueError(
                f"`setting` must be one of {sorted(SETTINGS)} or a kgan.families.sngan.Setting. Received: {setting!r}."
            )
        steps = _values(setting).discriminator_steps if discriminator_steps is None else discriminator_steps
        joint_batch = discriminator is None if joint_batch is None else joint_batch
        if generator is None:
            build = sn_resnet.generator if residual else sn_cnn.generator
            generator = build(image_shape, latent_size or 128, width)
        if discriminator is None:
            discriminator = _discriminator(image_shape, architecture, width, power_iterations)
        super().__init__(
            image_shape,
            generator=generator,
            discriminator=discriminator,
            objective=objective,
            penalties=penalties,
            discriminator_steps=steps,
            latent_size=latent_size,
            prior=prior,
            generator_batch=(2 if residual else 1) if generator_batch is None else generator_batch,
            joint_batch=joint_batch,
            seed=seed,
            name=name,
            dtype=dtype,
        )
        self.image_shape = self.data_shape
        self.architecture = architecture
        self.width = width
        self.setting = setting
        self.power_iterations = power_iterations

    def default_optimizers(self):
        rate, beta_1, beta_2, _ = _values(self.setting)
        # Chainer's and TensorFlow's Adam of the experiments add 1e-8 to the root of the second moment.
        return {move: keras.optimizers.Adam(rate, beta_1, beta_2, 1e-8) for move in ("discriminator", "generator")}


def _values(setting):
    return SETTINGS[setting] if isinstance(setting, str) else Setting(*setting)


def _discriminator(image_shape, architecture, width, power_iterations):
    def normalizer(layer):
        return SpectralNormalization(layer, power_iterations, name=f"{layer.name}_sn")

    if architecture == "resnet":
        return sn_resnet.discriminator(image_shape, width, normalizer)
    variant = "code" if architecture == "cnn-code" else "paper"
    return sn_cnn.discriminator(image_shape, width, variant, normalizer)
