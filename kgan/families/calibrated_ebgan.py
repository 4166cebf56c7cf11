"""Energy-based GANs with a calibrated energy: Dai, Almahairi, Bachman, Hovy, Courville, ICLR 2017, arXiv 1702.01691."""

import math
import warnings
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from kgan import backend, objectives
from kgan.arguments import Count, Network, NonNegative, Numbers, Positive, Shape
from kgan.codes import Continuous
from kgan.engine import Move, Observation, Terms, Turn
from kgan.families.bases.energy_based import EnergyBased
from kgan.families.bases.generative import Makers, check_network
from kgan.families.gan import GAN, count_of
from kgan.networks import mlp
from kgan.penalties import Scored
from kgan.types import Sizes, Tensor

ENTROPIES = ("neighbors", "variational", "none")


@keras.saving.register_keras_serializable("kgan")
class CalibratedEBGAN(EnergyBased):
    """A discriminator that ends as an energy: at the optimum `c(x) = -w log p(x)` up to a constant, where a GAN's ends flat.

    With the cost c, the energy of an example, and H the entropy of the generator's distribution, the game is (Eq. 1)

    - discriminator: `E_x c(x) - E_z c(G(z))`;
    - generator: `E_z c(G(z)) - w H`.

    The gradient of H is estimated in one of two ways (section 4):

    - "neighbors" (EGAN-Ent-NN): samples are pushed away from their nearest ones in the minibatch, `kgan.objectives.neighbor_entropy`;
    - "variational" (EGAN-Ent-VI): `H(x) = H(z) - H(z | x) + const`, and a posterior q(z | x), a Gaussian, bounds H(z | x) from above. It
      moves with the generator, and both minimize `-w E log q(z | G(z))`.

    With "none" it is EGAN-Const, whose optimal energy is flat on the data.

    Of two distributions that are in balance the one that learns faster must wait: with the gap `E_x c(x) - E_z c(G(z))` as it was measured
    last, the discriminator moves where it is above the first of `gap_bounds`, the generator where it is below the second.

    Args:
        data_shape: shape of one example.
        entropy: "neighbors" (default), "variational" or "none".
        entropy_weight: w >= 0, default 0.3; in "neighbors" with unit directions the paper's alpha. Larger ones blow samples up. The
            authors' code has effectively 0.5 for four Gaussians (form "variance"), 0.15 for two, 0.1 for CIFAR-10 ("variational").
        neighbors: k, default 20 (the paper's); minibatches must be larger.
        neighbor_form: "unit" (default, the paper's) or "variance" (the authors' code for points).
        posterior: for "variational", a network from examples to `2 * latent_size` numbers, means and logarithms of deviations, which are
            clipped to [-5, 2]. Default: two layers of 128 ReLU, apart from the discriminator (as for CIFAR-10).
        posterior_noise: default 0.0 (the paper's): standard deviation of noise on what the posterior sees of samples. Above 0 the bound is
            one of the entropy of `G(z) + noise`; see the departures.
        gap_bounds: default (-10.0, 0.1) (the authors' four Gaussians and spirals; digits of NIST have (-1.2, 0.1)). None: everybody moves
            in every round (CIFAR-10, CelebA).
        cost_margin: default None. A number m: the loss is `E_z max(E_x c(x) - c(G(z)), -m)`, with m 10 in the authors' code for points
            but for four Gaussians; the gap is then this loss.
        smoothness: default 0.0; the authors add `0.01 (E c(x)^2 + E c(G(z))^2)` for images.
        generator, discriminator: networks of your own; the discriminator returns the score `-c(x)`, as everywhere higher for real. Default:
            the authors' for points, 128-128 ReLU (with batch norm in the generator), 256 units for images.
        latent_size: default 4 for points (the authors'), 10 for images (NIST). prior: default `Normal()` (the authors').
        **kwargs: of `kgan.GAN`.

    Input of `fit`: examples. `model.energy(x)`: c, `(count,)`, lower for more probable examples, comparable within one model.

    Logs: as `kgan.GAN`, with `discriminator/real_energy`, `discriminator/fake_energy` in place of logits, `discriminator/gap`,
    `discriminator/smoothness`, `generator/entropy` (of "neighbors" its value means nothing, of "variational" it is `-w E log q`).

    Default optimizers: Adam(2e-4, beta_1 0) for the discriminator, 2e-3 for the generator (the authors', for points), 1e-3 (ours) for
    images. Let both rates fall, as they do: without, the order of energies comes and goes.

    Raises:
        ValueError: for contradictory arguments, minibatches of `neighbors` examples or fewer, networks that do not fit.

    Departures from the paper: discriminator and generator move one after the other, each on noise of its own, where the authors take all
    gradients from one pass. For CIFAR-10 they bound the cost by a softplus; here it is free. Kernels start Glorot-uniform, where the
    authors' for points start from normals of small deviations.

    The identity behind "variational" needs noise on samples: of a deterministic generator `log q(z | G(z))` does not change when all
    samples are scaled, for the posterior scales with them, while their entropy does. With `posterior_noise` s it is exact for the entropy
    of samples with that noise, and the energy follows the density at scales above s.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.CalibratedEBGAN((2,), neighbors=5, seed=0)
    >>> model.compile()
    >>> x = np.random.default_rng(0).normal(size=(128, 2)).astype("float32")
    >>> history = model.fit(x, batch_size=32, verbose=0)
    >>> model.energy(x).shape
    (128,)
    """

    fixed_arguments = (*GAN.fixed_arguments, *GAN.unconditional, "joint_batch", "objective", "simultaneous")

    def __init__(
        self,
        data_shape: Shape | None = None,
        *,
        entropy: str = "neighbors",
        entropy_weight: NonNegative = 0.3,
        neighbors: Count = 20,
        neighbor_form: str = "unit",
        posterior: Network | None = None,
        posterior_noise: NonNegative = 0.0,
        gap_bounds: Numbers | None = (-10.0, 0.1),
        cost_margin: Positive | None = None,
        smoothness: NonNegative = 0.0,
        latent_size: Count | None = None,
        **kwargs: Any,
    ) -> None:
        for name, value, known in (("entropy", entropy, ENTROPIES), ("neighbor_form", neighbor_form, objectives.NEIGHBOR_FORMS)):
            if value not in known:
                raise ValueError(f"`{name}` must be one of {', '.join(known)}. Received: {value!r}.")
        if gap_bounds is not None and (len(gap_bounds) != 2 or gap_bounds[0] >= gap_bounds[1]):
            raise ValueError(f"`gap_bounds` must be two numbers, the lower one first, or None. Received: {gap_bounds!r}.")
        if latent_size is None and kwargs.get("generator") is None:
            latent_size = 10 if data_shape is not None and len(data_shape) == 3 else 4
        super().__init__(data_shape, own_networks=_networks, objective="wasserstein", latent_size=latent_size, **kwargs)
        if posterior is not None and entropy != "variational":
            raise ValueError('A `posterior` is for entropy="variational" alone.')
        self.entropy, self.entropy_weight = entropy, entropy_weight
        self.neighbors, self.neighbor_form = neighbors, neighbor_form
        self.posterior_noise = posterior_noise
        self.gap_bounds = gap_bounds if gap_bounds is None else tuple(float(bound) for bound in gap_bounds)
        self.cost_margin, self.smoothness = cost_margin, smoothness
        self.posterior: Any = posterior
        if entropy == "variational":
            outputs = 2 * self.latent_size
            self.posterior = posterior or mlp.discriminator(self.data_shape, outputs=outputs, name="posterior")
            check_network(
                self.posterior, "posterior", self.data_shape, (outputs,), "means and logarithms of deviations of a latent"
            )
        elif entropy == "neighbors":
            self.smallest_batch = neighbors + 1
            if math.prod(self.data_shape) > 4096:
                warnings.warn(
                    f"Nearest neighbors of examples of {math.prod(self.data_shape)} numbers say little about their density. Consider "
                    'entropy="variational".',
                    stacklevel=2,
                )
        self._gap = self.add_weight((), "zeros", "float32", trainable=False, name="gap")

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        rates = {"discriminator": 2e-4, "generator": 1e-3 if len(self.data_shape) == 3 else 2e-3}
        return {move: keras.optimizers.Adam(rate, beta_1=0.0, epsilon=1e-8) for move, rate in rates.items()}

    # The game --------------------------------------------------------------------------------------------------------

    def turns(self) -> tuple[Turn, ...]:
        discriminator, generator = super().turns()
        if self.entropy == "variational":
            generator = generator._replace(moves=(Move("generator", ("generator", "posterior"), self.generator_loss),))
        if self.gap_bounds is not None:
            lower = self.gap_bounds[0]
            discriminator = discriminator._replace(when=lambda: ops.convert_to_tensor(self._gap) > lower)
        return discriminator, generator

    @property
    def generator_due(self) -> Callable[[], Tensor] | None:
        """Whether the generator moves: the discriminator is not behind."""
        if self.gap_bounds is None:
            return None
        upper = self.gap_bounds[1]
        return lambda: ops.convert_to_tensor(self._gap) < upper

    def gap(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """What the discriminator minimizes: how much more real examples cost than samples."""
        if self.cost_margin is None:
            return self.objective.discriminator(real_logits, fake_logits)
        real, fake = backend.full_precision(real_logits, fake_logits)
        return ops.mean(ops.maximum(fake - ops.mean(real), -self.cost_margin))

    def discriminator_terms(self, scored: Scored) -> Terms:
        logits = scored.real_logits, scored.fake_logits
        gap = self.gap(*logits)
        terms = {**super().discriminator_terms(scored), "adversarial": gap, "gap": Observation(self._measured(gap))}
        if self.smoothness:
            squares = (ops.mean(ops.square(backend.full_precision(part))) for part in logits)
            terms["smoothness"] = self.smoothness * sum(squares)
        return terms

    def generator_loss(self, real: Any) -> Terms:
        latents = self.generator_inputs(count_of(real) * self.generator_batch, seed=self.seed_generator)
        fake = self.generator(latents, training=self.in_training)
        logits = self.score(fake)
        if self.gap_bounds is not None:
            # The discriminator may be waiting: whoever moves measures.
            with backend.Overlay(moving=frozenset()):
                real_logits = self.score(real)
            self._measured(self.gap(real_logits, logits))
        return {"adversarial": self.objective.generator(logits), **self._entropy_term(fake, latents)}

    def _measured(self, gap: Tensor) -> Tensor:
        gap = backend.mean_over_replicas(ops.stop_gradient(gap))
        self._gap.assign(gap)
        return gap

    def _entropy_term(self, fake: Tensor, latents: Tensor) -> Terms:
        if self.entropy == "none":
            return {}
        if self.entropy == "neighbors":
            value = objectives.neighbor_entropy(fake, self.neighbors, self.neighbor_form)
        else:
            value = self.latent_surprise(fake, latents)
        return {"entropy": self.entropy_weight * value}

    def latent_surprise(self, fake: Tensor, latents: Tensor) -> Tensor:
        """`-E log q(z | x)`, which bounds H(z | x) from above (Eq. 14), with `posterior_noise` on the samples x."""
        if self.posterior_noise:
            noise = keras.random.normal(ops.shape(fake), dtype="float32", seed=self.seed_generator)
            fake = ops.cast(fake, "float32") + self.posterior_noise * noise
        parameters = self.posterior(fake, training=self.in_training)
        return -ops.mean(Continuous(self.latent_size, learn_variance=True).log_likelihood(parameters, latents))


def _networks(shape: Sizes, latents: int) -> Makers:
    images = len(shape) == 3
    output: dict[str, Any] = {"hidden": (256, 256), "output_activation": "tanh"} if images else {}
    return {
        "generator": lambda: mlp.generator(shape, latents, batch_norm=True, **output),
        "discriminator": lambda: mlp.discriminator(shape, (256, 128), 0.2) if images else mlp.discriminator(shape),
    }
