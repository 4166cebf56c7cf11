"""Wasserstein GANs: Arjovsky, Chintala, Bottou, ICML 2017, arXiv 1701.07875."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from kgan.arguments import Count, Positive, Shape
from kgan.families.bases import long_phases
from kgan.families.bases.generative import Makers
from kgan.families.gan import GAN
from kgan.networks import dcgan, mlp
from kgan.types import Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class WGAN(GAN):
    """A generator against a critic that estimates the Wasserstein-1 distance, kept Lipschitz by clipping its weights.

    Algorithm 1: the critic moves `discriminator_steps` times per round, each time on a fresh minibatch and fresh noise, minimizing
    `L_C = E f(g(z)) - E f(x)`; after each step every weight of it is clipped to `[-clip, clip]`, biases and batch-norm scales
    included. The generator minimizes `-E f(g(z))`. `-L_C` estimates the distance up to an unknown factor, so it compares only within
    one architecture and clip.

    Args:
        image_shape: `(size, size, channels)`, default (64, 64, 3) (the paper's LSUN); size = 4 times a power of two. Taken from
            `discriminator` if that is given. For points, `(features,)`, the networks are `kgan.networks.mlp.toy_networks`.
        filters: maps next to the image, default 64 (the authors' code).
        clip: default 0.01 (the paper's c).
        discriminator_steps: default 5 (the paper's).
        warmup: `(iterations, every, steps)` or None, default (25, 500, 100), the authors' code: `steps` critic moves, rounded up to whole
            rounds, before each of the generator's first `iterations` moves and before every `every`-th one. None: Algorithm 1 as printed.
        generator, discriminator: networks of your own; the critic returns an unbounded number.
        latent_size: default 100 (the authors'), for points as `kgan.GAN`.
        **kwargs: of `kgan.GAN`.

    Raises:
        ValueError: for `clip <= 0`, a malformed warm-up, or data the networks cannot take.

    Default optimizers: RMSProp(5e-5), the paper's, with rho 0.99 and epsilon 1e-16. The authors' code relies on PyTorch, which adds 1e-8 to
    the root of the mean square; Keras adds epsilon under the root, where 1e-8 would shorten the small steps that clipped weights make to
    a third and less.

    Departures from the paper: the long phases of `warmup`, on by default, are the authors' code's alone, and whole rounds here. Samples are
    drawn with the moving statistics of batch norm; the code has those of the minibatch always. It clips before each step of the critic
    instead of after it, so that its generator sees weights one step outside of the box; here, as in Algorithm 1, never. The networks for
    points are those of 1704.00028.

    Example:
    >>> import numpy as np, kgan
    >>> from kgan.networks import mlp
    >>> model = kgan.WGAN(generator=mlp.generator((2,), 2), discriminator=mlp.discriminator((2,)), clip=0.1, warmup=None, seed=0)
    >>> model.compile()
    >>> points = np.random.default_rng(0).normal(size=(640, 2)).astype("float32")
    >>> history = model.fit(points, batch_size=64, verbose=0)
    >>> max(float(abs(v.numpy()).max()) for v in model.discriminator.trainable_variables) <= 0.1000001
    True
    """

    fixed_arguments = (*GAN.fixed_arguments, "data_shape", "objective", "simultaneous")
    default_latent_size = 100

    def __init__(
        self,
        image_shape: Shape | None = (64, 64, 3),
        *,
        filters: Count = 64,
        clip: Positive = 0.01,
        discriminator_steps: Count = 5,
        warmup: Sequence[int] | None = (25, 500, 100),
        **kwargs: Any,
    ) -> None:
        super().__init__(
            image_shape,
            own_networks=lambda shape, latents: _networks(shape, latents, filters),
            objective="wasserstein",
            discriminator_steps=discriminator_steps,
            **kwargs,
        )
        self.image_shape = self.data_shape
        self.filters = filters
        self.clip = clip
        self.warmup = long_phases.checked(warmup)

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {m: keras.optimizers.RMSprop(5e-5, rho=0.99, epsilon=1e-16) for m in ("discriminator", "generator")}

    def project(self, value: Tensor) -> Tensor:
        return ops.clip(value, -self.clip, self.clip)

    @property
    def generator_due(self) -> Callable[[], Tensor] | None:
        return long_phases.gate(self, self.warmup, self.discriminator_steps)


def _networks(shape: Sizes, latents: int, filters: int) -> Makers:
    if len(shape) != 3:
        return mlp.toy_networks(shape, latents)
    # 1e-5 is PyTorch's epsilon of batch norm.
    return {
        "generator": lambda: dcgan.generator(shape, latents, filters, variant="torch", epsilon=1e-5),
        "discriminator": lambda: dcgan.discriminator(shape, filters, variant="torch", epsilon=1e-5),
    }
