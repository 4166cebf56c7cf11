"""Consensus optimization: Mescheder, Nowozin, Geiger, "The Numerics of GANs", NIPS 2017, arXiv 1705.10461."""

import warnings
from typing import Any

import keras

from kgan.arguments import Count, NonNegative, Shape
from kgan.engine import Consensus, Turn
from kgan.families.bases.generative import Makers
from kgan.families.gan import GAN
from kgan.networks import dcgan, mlp
from kgan.types import Sizes


@keras.saving.register_keras_serializable("kgan")
class ConsensusGAN(GAN):
    """Both players step at once, against the gradients of their losses and of the joint gradient's squared norm.

    With `u = (grad_phi L_D, grad_theta L_G)` the step is against `u + weight * grad(1/2 ||u||^2)`, the second gradient over all weights of
    both players (Algorithm 2): equilibria stay where they are, and the eigenvalues of the game's Jacobian move to the left. One
    minibatch and one draw of noise serve both losses. The squared norm of a minibatch's mean gradient is a biased estimate; the paper
    uses it as it is. A very large weight also stabilizes points that are no equilibria, where u is merely small: look at the
    discriminator's loss, `2 log 2` at the equilibrium.

    The rule works with every family whose players move at once: `model.compile(rule=kgan.Consensus(10.0))`.

    Args:
        data_shape: shape of one example, may be left out when `discriminator` is given.
        weight: default 10.0 (the paper's gamma); 0 is simultaneous gradient descent. It has no scale of its own: multiplying
            both losses by c multiplies its part by c^2.
        objective: default "non_saturating" (the code's `standard`); "minimax" is its `JS`, "reverse_kl" its `KL`, "wasserstein" its
            `indicator`.
        generator, discriminator: default for points the paper's toy networks, four layers of 16 ReLU; for images its convolutional
            networks without batch norm, 64 maps everywhere, 5x5 kernels of stride 2, leaky ReLU 0.2, from 2x2.
        latent_size: default 16 for points, 256 for images (the paper's).
        **kwargs: of `kgan.GAN`, without `simultaneous` and `discriminator_steps`.

    Raises:
        ValueError: for a negative weight, image sizes that are not 2 times a power of two.

    Default optimizers: RMSprop(1e-4), rho 0.9, epsilon 1e-10, equal for both players, which makes them one, as the paper has it. Unequal
    ones scale the two parts of the joint field apart; `compile` warns.

    Departures from the paper: Keras' RMSprop starts its accumulator at 0, TensorFlow 1's at 1, so the first steps are longer here.
    The networks with dense layers of 512, the ResNet for CelebA and the unbiased estimate of the squared norm are not here.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.ConsensusGAN((2,), seed=0)
    >>> model.compile()
    >>> points = np.random.default_rng(0).normal(size=(128, 2)).astype("float32")
    >>> history = model.fit(points, batch_size=64, verbose=0)
    >>> model.generate(3, seed=0).shape
    (3, 2)
    """

    fixed_arguments = (*GAN.fixed_arguments, "discriminator_steps", "simultaneous")

    def __init__(
        self, data_shape: Shape | None = None, *, weight: NonNegative = 10.0, latent_size: Count | None = None, **kwargs: Any
    ) -> None:
        super().__init__(
            data_shape,
            own_networks=lambda shape, _: _networks(shape, latent_size),
            latent_size=latent_size,
            simultaneous=True,
            **kwargs,
        )
        self.weight = weight
        self._consensus = Consensus(weight)

    def turns(self) -> tuple[Turn, ...]:
        return tuple(turn._replace(rule=self._consensus) for turn in super().turns())

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {m: keras.optimizers.RMSprop(1e-4, rho=0.9, epsilon=1e-10) for m in ("discriminator", "generator")}

    def compile(self, *args: Any, **kwargs: Any) -> None:
        super().compile(*args, **kwargs)
        settings = [{**self.optimizer[move].get_config(), "name": None} for move in ("discriminator", "generator")]
        if settings[0] != settings[1]:
            warnings.warn(
                "Consensus optimization follows one field over both players; optimizers with different settings for the players distort "
                "it. Give both moves equal optimizers.",
                stacklevel=2,
            )


def _networks(shape: Sizes, latent_size: int | None) -> Makers:
    if len(shape) != 3:
        return {
            "generator": lambda: mlp.generator(shape, latent_size or 16, (16,) * 4),
            "discriminator": lambda: mlp.discriminator(shape, (16,) * 4),
        }
    settings: dict[str, Any] = {"filters": 64, "base": 2, "batch_norm": False, "growth": 1, "initializer": "glorot_uniform"}
    return {
        "generator": lambda: dcgan.generator(shape, latent_size or 256, nonlinearity=0.2, **settings),
        "discriminator": lambda: dcgan.discriminator(shape, **settings),
    }
