"""Unrolled GANs: Metz, Poole, Pfau, Sohl-Dickstein, ICLR 2017, arXiv 1611.02163."""

from typing import Any

import keras
from keras import ops

from kgan import objectives
from kgan.arguments import Natural, Shape
from kgan.backend import full_precision
from kgan.engine import Observation, Terms, unrolled
from kgan.families.bases.generative import Makers
from kgan.families.gan import GAN, count_of
from kgan.networks import mlp
from kgan.networks import unrolled as networks
from kgan.types import Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class UnrolledGAN(GAN):
    """A generator trained against the discriminator as it will be some optimizer steps later.

    `f(theta_G, theta_D) = E log D(x) + E log(1 - D(G(z)))`. The discriminator descends on `-f` at its present weights; the generator on
    `f(theta_G, theta_D^K)`, where theta_D^K follows from theta_D by K virtual steps of the discriminator's optimizer (Eq. 6-10).
    Gradients flow through those steps, the optimizer's recursion and the generated batch inside them (Eq. 12), so that the generator
    feels how the discriminator would answer. One minibatch and one draw of noise serve all steps and both players, which move at once.

    Args:
        data_shape: shape of one example, may be left out when `discriminator` is given.
        steps: default 10 (the ring's and the best of the paper's tables): K. 0 is the ordinary game. Time and memory of a
            round grow linearly with it.
        objective: "minimax" (default; the paper's) or "non_saturating", which replaces `E log(1 - D^K(G(z)))` by `-E log D^K(G(z))`
            (possible according to the paper, not used in it). The term `E log D^K(x)` depends on the generator through D^K and stays.
        generator, discriminator: default for points the paper's ring networks: 256 normal latents, two layers of 128 ReLU, against
            one layer of 128 ReLU on x/4, orthogonal kernels of gain 0.8; for images those of `kgan.networks.unrolled`.
        latent_size: default 256 (the paper's).
        **kwargs: of `kgan.GAN`, without `discriminator_steps`, `simultaneous` and `generator_batch`; penalties and regularizers of the
            discriminator are unrolled too.

    Raises:
        ValueError: for `steps` that are negative or no integer; another objective.
        TypeError: in `fit`, for a discriminator optimizer other than plain SGD or Adam.

    Default optimizers: Adam(1e-4, beta_1 0.5), epsilon 1e-8 (the ring's); the inner rate is the discriminator's own. Under
    `tf.distribute` a virtual step follows the mean of the replicas' gradients, the gradient of the whole minibatch, as a real step does,
    and gradients flow through that mean; only batch norm and penalties see each replica's part by itself. Under mixed_float16 the virtual
    steps' losses are not scaled.

    Departures from the paper: the LSTM generator of its appendix B is not here.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.UnrolledGAN((2,), steps=3, seed=0)
    >>> model.compile()
    >>> points = np.random.default_rng(0).normal(size=(128, 2)).astype("float32")
    >>> history = model.fit(points, batch_size=64, verbose=0)
    >>> model.generate(3, seed=0).shape
    (3, 2)
    """

    fixed_arguments = (*GAN.fixed_arguments, *GAN.unconditional, "discriminator_steps", "generator_batch", "simultaneous")
    default_latent_size = points_latent_size = 256

    def __init__(
        self,
        data_shape: Shape | None = None,
        *,
        steps: Natural = 10,
        objective: objectives.ObjectiveLike = "minimax",
        **kwargs: Any,
    ) -> None:
        chosen = objectives.get(objective)
        if chosen.name not in ("minimax", "non_saturating"):
            raise ValueError(f'`objective` must be "minimax" or "non_saturating". Received: {chosen.name!r}.')
        super().__init__(data_shape, own_networks=_networks, objective=chosen, simultaneous=True, **kwargs)
        self.steps = steps

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {move: keras.optimizers.Adam(1e-4, beta_1=0.5, epsilon=1e-8) for move in ("discriminator", "generator")}

    def generator_loss(self, real: Any) -> Any:
        fake = self.generated(count_of(real))

        def opponent() -> Tensor:
            terms = self.discriminator_terms(self.score_both(real, fake))
            return sum(term for term in terms.values() if not isinstance(term, Observation))

        def value() -> Terms:
            scored = self.score_both(real, fake)
            data = -ops.mean(ops.softplus(-full_precision(scored.real_logits)))  # E log D^K(x)
            return {"adversarial": data + self.objective.generator(scored.fake_logits)}

        weights = self.discriminator.trainable_variables
        return unrolled(value, opponent, weights, self.steps, self.optimizer["discriminator"])


def _networks(shape: Sizes, latents: int) -> Makers:
    if len(shape) == 3:
        return {
            "generator": lambda: networks.generator(shape, latents),
            "discriminator": lambda: networks.discriminator(shape),
        }
    orthogonal = keras.initializers.Orthogonal(0.8)
    return {
        "generator": lambda: mlp.generator(shape, latents, (128, 128), initializer=orthogonal),
        "discriminator": lambda: mlp.discriminator(shape, (128,), scale=0.25, initializer=orthogonal),
    }
