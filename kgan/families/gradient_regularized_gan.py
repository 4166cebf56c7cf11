"""Gradient-regularized GAN: Nagarajan, Kolter, "Gradient descent GAN optimization is locally stable", NIPS 2017, arXiv 1706.04156."""

from typing import Any

import keras
from keras import ops

from kgan import objectives
from kgan.arguments import Level, Shape
from kgan.engine import Terms, Turn
from kgan.families.bases.generative import Makers
from kgan.families.gan import GAN, count_of
from kgan.networks import mlp
from kgan.optimizers import checked_level, level_at
from kgan.penalties import opponent_gradient
from kgan.penalties.gradient import refuse_batch_norm
from kgan.types import Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class GradientRegularizedGAN(GAN):
    """The generator also minimizes the squared norm of the discriminator's gradient in the discriminator's weights.

    With `V = E f(D(x)) + E f(-D(G(z)))`, `f(t) = -log(1 + e^-t)`, or `f(t) = t` for "wasserstein": `L_D = -V` and
    `L_G = V + weight ||grad_D V||^2`. The generator descends the value itself, the saturating loss; the gradient of the norm goes through
    generated and real examples, over all trainable weights of the discriminator. At an equilibrium `grad_D V = 0`, so it stays one, and
    the eigenvalues of the game's field move to the left: the Wasserstein game, which cycles, converges for every weight > 0.

    The discriminator moves first; then the generator, on a fresh minibatch and fresh noise, against the discriminator that has moved. The
    term does not cure saturation: where the discriminator is sure of itself, both parts of the generator's loss vanish.

    Args:
        data_shape: shape of one example, may be left out when `discriminator` is given.
        weight: the paper's eta, default 0.5 (the code's), a number or a schedule over rounds. Adam rescales the sum of both terms: the
            weight means something else under another optimizer.
        objective: "minimax" (default) or "wasserstein", the paper's two. Without a bound on the critic, as the paper has it.
        generator, discriminator: default the code's networks for the ring: two layers of 128 ReLU; one layer of 128 ReLU on the input
            over 4; orthogonal kernels of gain 0.8. No batch norm in the discriminator.
        latent_size: default 256 (the code's).
        simultaneous: default False. True: both moves at one point on one minibatch and noise, as in the paper's theory.
        **kwargs: of `kgan.GAN`.

    Logs, beside those of `kgan.GAN`: `generator/opponent_gradient`, the weighted norm. `generator/adversarial` is V.

    Raises:
        ValueError: for another objective, batch norm in the discriminator (V then depends on the mixture of the batch), a negative weight.

    Default optimizers: Adam(1e-4, beta_1 0.5), epsilon 1e-8 (the code's), for both.

    Departures from the paper: for images the same perceptrons, with tanh at the generator's output; the convolutional network for stacked
    MNIST is not here.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.GradientRegularizedGAN((2,), latent_size=4, seed=0)
    >>> model.compile()
    >>> points = np.random.default_rng(0).normal(size=(128, 2)).astype("float32")
    >>> history = model.fit(points, batch_size=64, verbose=0)
    >>> "generator/opponent_gradient" in history.history
    True
    """

    default_latent_size = points_latent_size = 256

    fixed_arguments = (*GAN.fixed_arguments, *GAN.unconditional)

    def __init__(
        self,
        data_shape: Shape | None = None,
        *,
        weight: Level = 0.5,
        objective: objectives.ObjectiveLike = "minimax",
        **kwargs: Any,
    ) -> None:
        chosen = objectives.get(objective)
        if chosen.name not in ("minimax", "wasserstein"):
            raise ValueError(f'`objective` must be "minimax" or "wasserstein". Received: {chosen.name!r}.')
        super().__init__(data_shape, own_networks=_networks, objective=chosen, **kwargs)
        self.weight = checked_level("weight", weight)
        refuse_batch_norm(self, self.discriminator)

    def turns(self) -> tuple[Turn, ...]:
        # The norm is made of real examples too, and the generator has its own.
        return tuple(turn._replace(fresh=True) for turn in super().turns())

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {move: keras.optimizers.Adam(1e-4, beta_1=0.5, epsilon=1e-8) for move in ("discriminator", "generator")}

    def generator_loss(self, real: Any) -> Terms:
        fake = self.generated(count_of(real) * self.generator_batch)

        def value() -> Tensor:
            scored = self.score_both(real, fake)
            return -self.objective.discriminator(scored.real_logits, scored.fake_logits)

        adversarial, gradients = opponent_gradient(value, self.discriminator.trainable_variables)
        norm = sum(ops.sum(ops.square(gradient)) for gradient in gradients)
        return {"adversarial": adversarial, "opponent_gradient": level_at(self.weight, self.rounds) * norm}


def _networks(shape: Sizes, latents: int) -> Makers:
    orthogonal, output = keras.initializers.Orthogonal(0.8), "tanh" if len(shape) == 3 else None
    return {
        "generator": lambda: mlp.generator(shape, latents, (128, 128), output_activation=output, initializer=orthogonal),
        "discriminator": lambda: mlp.discriminator(shape, (128,), scale=0.25, initializer=orthogonal),
    }
