"""f-GAN: Nowozin, Cseke, Tomioka, NIPS 2016, arXiv 1606.00709; with the links of Nock et al., NIPS 2017, arXiv 1707.04385."""

from typing import Any

import keras

from kgan.arguments import Shape
from kgan.families.bases.generative import Makers
from kgan.families.gan import GAN
from kgan.networks import mlp
from kgan.objectives import FDivergence
from kgan.priors import Uniform
from kgan.types import Sizes


@keras.saving.register_keras_serializable("kgan")
class FGAN(GAN):
    """A generator that minimizes any f-divergence from the data, estimated by a variational function.

    The network V, one unbounded output, estimates `D_f(P || Q) = E_Q f(p/q)` from below by `F = E_P T - E_Q f*(T)`, `T = g(V)`, P the
    data and Q the generator (Eq. 4, 6). V minimizes `-F`; the generator `F`, that is `-E_Q f*(T)`, or with the "trick" of section 3.2
    `-E_Q T`. Both move at one point, on one minibatch and one draw of noise, once per round: the single-step method, Algorithm 1.
    `-discriminator/adversarial` is the estimate of the divergence.

    Args:
        data_shape: shape of one example, may be left out when `discriminator` is given.
        divergence, link, alpha, pi: which divergence and how, as in `kgan.objectives.FDivergence`; default "jensen_shannon", "nowozin".
        trick: default None: True where `data_shape` is of pictures, else False, Algorithm 1 as it stands. On MNIST at 32 pixels V is sure
            of itself within some hundred rounds, and `-E_Q f*(T)` then has no gradient: the samples stay noise.
        generator: default the MNIST network: two layers of 1200 ReLU under batch norm; tanh output for images. Other
            activations, `kgan.layers.MuReLU`, `LSU`, `BinarySoftplus`, are arguments of `kgan.networks.mlp.generator`.
        discriminator: default V of the MNIST experiment: two layers of 240 ELU.
        latent_size: default 100, for points as `kgan.GAN`. prior: default `Uniform(-1, 1)`. Both the paper's.
        simultaneous: default True (Algorithm 1). False: the discriminator first, on a minibatch and noise of its own.
        **kwargs: of `kgan.GAN`.

    Raises:
        ValueError: for an unknown divergence or link, `alpha` in {0, 1}, `pi` outside (0, 1), data of another shape or range.

    Departures from the paper: images in [-1, 1] behind tanh instead of [0, 1] behind a sigmoid; exponents clipped to [-30, 30]. The
    width of V is recalled, not verified. The LSUN networks are DCGAN's: pass `kgan.networks.dcgan`'s.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.FGAN((2,), divergence="squared_hellinger", link="logistic", seed=0)
    >>> model.compile()
    >>> points = np.random.default_rng(0).normal(size=(256, 2)).astype("float32")
    >>> history = model.fit(points, batch_size=64, verbose=0)
    >>> model.generate(3, seed=0).shape
    (3, 2)
    """

    fixed_arguments = (*GAN.fixed_arguments, "objective")
    default_latent_size = 100
    default_prior = Uniform(-1.0, 1.0)

    def __init__(
        self,
        data_shape: Shape | None = None,
        *,
        divergence: str = "jensen_shannon",
        link: str = "nowozin",
        trick: bool | None = None,
        alpha: float | None = None,
        pi: float | None = None,
        simultaneous: bool = True,
        **kwargs: Any,
    ) -> None:
        if trick is None:
            trick = data_shape is not None and len(data_shape) == 3
        objective = FDivergence(divergence, link, trick, alpha, pi)
        super().__init__(data_shape, own_networks=_networks, objective=objective, simultaneous=simultaneous, **kwargs)
        self.divergence = divergence
        self.link = link
        self.trick = trick
        self.alpha = alpha
        self.pi = pi

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {move: keras.optimizers.Adam(2e-4, beta_1=0.5, epsilon=1e-8) for move in ("discriminator", "generator")}


def _networks(shape: Sizes, latents: int) -> Makers:
    output = "tanh" if len(shape) == 3 else None
    return {
        "generator": lambda: mlp.generator(shape, latents, (1200, 1200), batch_norm=True, output_activation=output, epsilon=2e-5),
        "discriminator": lambda: mlp.discriminator(shape, (240, 240), "elu"),
    }
