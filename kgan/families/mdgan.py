"""Manifold-diffusion GAN: Che, Li, Jacob, Bengio, Li, ICLR 2017, arXiv 1612.02136, section 3.3 and the algorithm of its appendix."""

from typing import Any, ClassVar

import keras
from keras import ops

from kgan.arguments import Count, Network, NonNegative, Shape
from kgan.engine import Move, Observation, Terms, Turn
from kgan.families.bases.generative import check_network, given_or_built
from kgan.families.gan import count_of
from kgan.families.mode_regularized_gan import ModeRegularizedGAN, judge
from kgan.types import Tensor


@keras.saving.register_keras_serializable("kgan")
class MDGAN(ModeRegularizedGAN):
    """Mode regularization in two steps, with a discriminator each: first onto the manifold of the data, then along it.

    With l1 and l2 the logits of the two discriminators, sp softplus, and `r = G(E(x))`, a round is four moves, in this order:

    - manifold step, on a minibatch x: the manifold discriminator minimizes `E sp(-l1(x)) + E sp(l1(r))`; then generator and encoder
      together `E[reconstruction_weight d(x, r) + mode_weight sp(-l1(r))]`, d the squared error summed over the numbers of an example;
    - diffusion step, on a fresh minibatch: the discriminator minimizes `E sp(-l2(r)) + E sp(l2(G(z)))`: the reconstructions are what is
      real to it, and the data it never sees; then the generator `E sp(-l2(G(z)))`.

    Reconstructions lie on the manifold of the generator, as samples do, so that the two kinds of the diffusion step overlap and its
    discriminator says where samples are too few.

    Args:
        data_shape: as in `kgan.ModeRegularizedGAN`.
        reconstruction_weight: default 1.0 (the paper's), factor of d.
        mode_weight: the paper's lambda, default 0.01 (the paper's).
        manifold_discriminator: l1, from examples to logits `(batch, 1)`; `discriminator`: l2. They share no weights. Default: two of those
            that `kgan.ModeRegularizedGAN` has.
        filters, encoder, generator, discriminator, latent_size, prior, **kwargs: as in `kgan.ModeRegularizedGAN`. `penalties`,
            `instance_noise` and `augment` concern l2.

    Input of `fit`, output of `generate`, `encode` and `reconstruct`: as in `kgan.ModeRegularizedGAN`. A round takes two minibatches.

    Logs: `manifold_discriminator/adversarial`, `manifold_discriminator/real_logit`, `manifold_discriminator/fake_logit`;
    `manifold/reconstruction`, `manifold/mode`, `manifold/reconstructed_logit`; of the diffusion step those of `kgan.GAN`.

    Default optimizers: as in `kgan.ModeRegularizedGAN`; the generator has one in each step.

    Raises:
        ValueError: as `kgan.ModeRegularizedGAN`, and for discriminators with common weights.

    Departures from the paper: its algorithm moves the generator of the diffusion step on the noise that its discriminator has seen; here
    noise is fresh in every move.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.MDGAN((2,), seed=0)
    >>> model.compile()
    >>> points = kgan.datasets.ring(6, 5.0, 0.1).sample(256, seed=0)
    >>> history = model.fit(points, batch_size=64, verbose=0)
    >>> sorted(name for name in history.history if name.startswith("manifold/"))
    ['manifold/mode', 'manifold/reconstructed_logit', 'manifold/reconstruction']
    """

    fixed_arguments = (*ModeRegularizedGAN.fixed_arguments, "simultaneous")
    generator_players: ClassVar[tuple[str, ...]] = ("generator",)

    def __init__(
        self,
        data_shape: Shape | None = None,
        *,
        reconstruction_weight: NonNegative = 1.0,
        mode_weight: NonNegative = 0.01,
        filters: Count = 64,
        manifold_discriminator: Network | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            data_shape, reconstruction_weight=reconstruction_weight, mode_weight=mode_weight, filters=filters, **kwargs
        )
        _, self.manifold_discriminator = given_or_built(
            self.data_shape,
            {"manifold_discriminator": manifold_discriminator},
            lambda shape: {"manifold_discriminator": lambda: judge(shape, filters, "manifold_discriminator")},
        )
        check_network(self.manifold_discriminator, "manifold discriminator", self.data_shape, (1,), "a logit")
        if {id(v) for v in self.discriminator.variables} & {id(v) for v in self.manifold_discriminator.variables}:
            raise ValueError("The discriminators share weights, but each has a game of its own. Build two networks.")

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        rule = next(iter(super().default_optimizers().values())).get_config()
        moves = ("manifold_discriminator", "manifold", "discriminator", "generator")
        return {move: keras.optimizers.Adam.from_config(rule) for move in moves}

    # The game --------------------------------------------------------------------------------------------------------

    def turns(self) -> tuple[Turn, ...]:
        manifold = Move("manifold", ("generator", "encoder"), self.regularizers)
        return (
            Turn((Move("manifold_discriminator", ("manifold_discriminator",), self.manifold_discriminator_loss),)),
            Turn((manifold,), fresh=False),
            *super().turns(),
        )

    def manifold_score(self, examples: Tensor) -> Tensor:
        return self.manifold_discriminator(examples, training=self.in_training)

    def manifold_discriminator_loss(self, real: Any) -> Terms:
        real = ops.convert_to_tensor(real)
        real_logits, fake_logits = (self.manifold_score(x) for x in (real, self.reconstructed(real)))
        return {
            "adversarial": self.objective.discriminator(real_logits, fake_logits),
            "real_logit": Observation(ops.mean(real_logits)),
            "fake_logit": Observation(ops.mean(fake_logits)),
        }

    def discriminator_loss(self, real: Any) -> Terms:
        real = ops.convert_to_tensor(real)
        return self.discriminator_terms(self.score_both(self.reconstructed(real), self.generated(count_of(real))))

    def generator_loss(self, real: Any) -> Terms:
        return super(ModeRegularizedGAN, self).generator_loss(real)
