"""Bidirectional GANs: Donahue, Krähenbühl, Darrell, "Adversarial Feature Learning", ICLR 2017, arXiv 1605.09782."""

from collections.abc import Callable
from typing import Any, ClassVar

import keras
from keras import ops

from kgan.arguments import Count, Function, Natural, Network, NonNegative, Positive, Shape
from kgan.engine import Observation, Terms
from kgan.families.bases.encoding import Encoding
from kgan.families.bases.generative import given_or_built
from kgan.families.gan import GAN, count_of
from kgan.networks import bidirectional
from kgan.penalties import weight_decay as decay
from kgan.priors import Uniform
from kgan.types import Sizes, Tensor

Pair = tuple[Tensor, Tensor]
"""An example and a code."""


@keras.saving.register_keras_serializable("kgan")
class BiGAN(Encoding):
    """A generator and an encoder against a discriminator of pairs: `(x, E(x))` from the data, `(G(z), z)` from the prior.

    With l the logit of a pair and sp softplus, the discriminator minimizes (Eq. 3)
    `1/2 {E_x sp(-l(x, E(x))) + E_z sp(l(G(z), z))}`,
    and generator and encoder, one player, the same with the labels exchanged (section 3.4): the encoder learns from the first half, the
    generator from the second. All move at one point, from the same minibatch of x and z. At the optimum the encoder inverts the generator
    almost everywhere, though neither ever sees what the other makes; no loss asks for reconstruction.

    Args:
        data_shape: shape of one example. May be left out when `discriminator` is given.
        encoder: `keras.Model` from examples to codes `(batch, latent_size)`.
        generator: `keras.Model` from latents to examples.
        discriminator: functional `keras.Model` from `[examples, codes]` to logits `(batch, 1)`, higher = more likely from the data. Pass
            all three networks or none. Default: the paper's convolutional ones for images whose size is a multiple of 16, its
            permutation-invariant ones for everything else; their encoder ends where a uniform prior does.
        size: default 64 (the paper's): base width of the default networks, 16 times as many units in the permutation-invariant.
        epsilon: default 1e-8 (the authors' code), of batch norm in the default networks.
        latent_size: default 50 (the paper's MNIST) or 200 for the convolutional networks.
        prior: default `Uniform(-1, 1)` (the paper's).
        weight_decay: default 2.5e-5 (the authors'), added to the gradient of all kernels; not of gains and biases.
        extra_noise: default 0: the last so many coordinates of a latent are noise for the generator alone, not part of the code.
        joint_batch: default False (BiGAN's): both pairs pass the discriminator apart, so that batch norm sees one kind at a time.
        seed, name, dtype: as in `kgan.AdversarialModel`.

    A family with other networks hands on `own_networks`, `(shape, latent_size or None) -> encoder, generator, discriminator`.

    Input of `fit`: examples `(batch, *data_shape)`, float32. Output of `generate`: `(count, *data_shape)`; of `encode`:
    `(count, latent_size)`; of `reconstruct`: as the examples.

    Logs: `discriminator/adversarial`, `discriminator/real_logit`, `discriminator/fake_logit` (means), `generator/adversarial`,
    `*/weight_decay`.

    Default optimizers: Adam(2e-4, beta_1 0.5) (the paper's). The paper lowers the rate over the second half of training:
    `kgan.optimizers.HoldThenDecay`. It estimates the statistics of batch norm anew before it evaluates: `estimate_statistics`.

    Raises:
        ValueError: for networks that do not fit together, a prior of other than real numbers, data of another shape or range.

    Departures from the paper: none in the game. Its baselines (latent regressor, auto-encoders) and the encoder that sees a larger image
    than the discriminator are not here.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.BiGAN((5,), size=1, latent_size=2, seed=0)
    >>> model.compile()
    >>> x = np.random.default_rng(0).uniform(-1, 1, (64, 5)).astype("float32")
    >>> history = model.fit(x, batch_size=16, verbose=0)
    >>> model.encode(x).shape, model.reconstruct(x).shape
    ((64, 2), (64, 5))
    """

    fixed_arguments = (
        *GAN.fixed_arguments,
        *GAN.unconditional,
        "discriminator_steps",
        "generator_batch",
        "objective",
        "penalties",
        "simultaneous",
    )
    default_prior: ClassVar[Callable[..., Any]] = Uniform(-1.0, 1.0)
    generator_players = ("generator", "encoder")
    pair_weight = 0.5
    """Factor of both halves of the cross-entropy (the authors' code)."""

    def __init__(
        self,
        data_shape: Shape | None = None,
        *,
        encoder: Network | None = None,
        generator: Network | None = None,
        discriminator: Network | None = None,
        own_networks: Function | None = None,
        size: Count = 64,
        epsilon: Positive = 1e-8,
        latent_size: Count | None = None,
        weight_decay: NonNegative = 2.5e-5,
        extra_noise: Natural = 0,
        joint_batch: bool = False,
        **kwargs: Any,
    ) -> None:
        prior = kwargs.get("prior") or self.default_prior
        build = own_networks or (lambda shape, latents: _networks(shape, latents, size, prior, epsilon))
        _, encoder, generator, discriminator = given_or_built(
            data_shape,
            {"encoder": encoder, "generator": generator, "discriminator": discriminator},
            lambda shape: build(shape, latent_size),
            together=True,
        )
        both = {"generator": generator, "discriminator": discriminator}
        super().__init__(data_shape, **both, latent_size=latent_size, simultaneous=True, **kwargs)
        self.size, self.epsilon = size, epsilon
        self.weight_decay = weight_decay
        self.joint_batch = joint_batch
        self.set_encoder(encoder, extra_noise)
        self._check_codes()

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {move: keras.optimizers.Adam(2e-4, beta_1=0.5, epsilon=1e-8) for move in ("discriminator", "generator")}

    def _logits_shape(self) -> tuple[int | None, ...]:
        shapes = getattr(self.discriminator, "input_shape", None)
        if not isinstance(shapes, list) or len(shapes) != 2:
            raise ValueError(
                f"The discriminator must be a functional model of two inputs, [examples, codes]. Its inputs are: {shapes}."
            )
        return tuple(self.discriminator.compute_output_shape([(None, *s[1:]) for s in shapes]))

    def _check_codes(self) -> None:
        """Refuse a discriminator or a prior whose codes are not the generator's."""
        judged = self.discriminator.input_shape[1][1:]
        if judged != (self.code_size,):
            raise ValueError(
                f"The discriminator takes codes of shape {judged}, the generator makes them of {self.code_size} numbers."
            )
        drawn = self.prior((1, self.latent_size), seed=0)
        if not keras.backend.is_float_dtype(keras.backend.standardize_dtype(drawn.dtype)):
            raise ValueError(f"Gradients do not pass through codes of {drawn.dtype}: the prior must draw real numbers.")

    # The game --------------------------------------------------------------------------------------------------------

    def pairs(self, real: Tensor) -> tuple[Pair, Pair]:
        """`(x, z)` from the data and from the prior, on fresh noise."""
        latents = self.generator_inputs(count_of(real), seed=self.seed_generator)
        return self.data_pair(real), (self.generator(latents, training=self.in_training), latents[:, : self.code_size])

    def data_pair(self, examples: Tensor) -> Pair:
        """Examples, and their codes on fresh noise."""
        # Outside of compiled steps JAX is handed NumPy arrays, and Keras mixes no inputs.
        examples = ops.convert_to_tensor(examples)
        return examples, self.code(examples, self.draw_noise(count_of(examples), self.seed_generator), self.in_training)

    def score_pairs(self, real_pair: Pair, fake_pair: Pair) -> tuple[Tensor, Tensor]:
        """The discriminator's logits for both pairs, in one pass or in two."""
        if not self.joint_batch:
            return self.score(list(real_pair)), self.score(list(fake_pair))
        both = [
            ops.concatenate([ops.cast(r, "float32"), ops.cast(f, "float32")]) for r, f in zip(real_pair, fake_pair, strict=True)
        ]
        logits = self.score(both)
        return logits[: count_of(real_pair[0])], logits[count_of(real_pair[0]) :]

    def discriminator_loss(self, real: Any) -> Terms:
        real_pair, fake_pair = self.pairs(real)
        real_logits, fake_logits = self.score_pairs(real_pair, fake_pair)
        return {
            "adversarial": self.pair_weight * self.objective.discriminator(real_logits, fake_logits),
            **self.decay(self.discriminator),
            "real_logit": Observation(ops.mean(real_logits)),
            "fake_logit": Observation(ops.mean(fake_logits)),
        }

    def generator_loss(self, real: Any) -> Terms:
        real_logits, fake_logits = self.score_pairs(*self.pairs(real))
        # The discriminator's own loss with the labels exchanged: "real" stands for the generator's pairs, "fake" for the encoder's.
        adversarial = self.pair_weight * self.objective.discriminator(fake_logits, real_logits)
        return {"adversarial": adversarial, **self.decay(self.generator, self.encoder)}

    def decay(self, *players: keras.Model) -> Terms:
        if not self.weight_decay:
            return {}
        kernels = [v for player in players for v in player.trainable_variables if len(v.shape) > 1 and v.name != "bias"]
        return {"weight_decay": decay(kernels, self.weight_decay)}


def _networks(
    shape: Sizes, latent_size: int | None, size: int, prior: Any, epsilon: float
) -> tuple[keras.Model, keras.Model, keras.Model]:
    interval = (float(prior.low), float(prior.high)) if isinstance(prior, Uniform) else None
    if len(shape) == 3 and shape[0] % 16 == 0:
        return bidirectional.convolutional(shape, latent_size or 200, size, interval, epsilon)
    return bidirectional.perceptrons(shape, latent_size or 50, 16 * size, interval, epsilon=epsilon)
