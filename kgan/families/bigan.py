"""Bidirectional GANs: Donahue, Krähenbühl, Darrell, "Adversarial Feature Learning", ICLR 2017, arXiv 1605.09782."""

import keras
import numpy as np
from keras import ops

from kgan.engine import Move, Observation, Turn
from kgan.families.gan import GAN, count_of
from kgan.layers import estimate_statistics
from kgan.networks import bidirectional
from kgan.penalties import weight_decay as decay
from kgan.priors import Uniform


@keras.saving.register_keras_serializable("kgan")
class BiGAN(GAN):
    """A generator and an encoder against a discriminator of pairs: `(x, E(x))` from the data, `(G(z), z)` from the prior.

    With l the logit of a pair and sp softplus, the discriminator minimizes (Eq. 3)
    `1/2 {E_x sp(-l(x, E(x))) + E_z sp(l(G(z), z))}`,
    and generator and encoder, one player, the same with the labels exchanged (section 3.4): the encoder learns from the first half, the
    generator from the second. All move at one point, from the same minibatch of x and z. At the optimum the encoder inverts the generator
    almost everywhere, though neither ever sees what the other makes; no loss asks for reconstruction.

    Args:
        data_shape: tuple, shape of one example. May be left out when `discriminator` is given.
        encoder: `keras.Model` from examples to codes `(batch, latent_size)`.
        generator: `keras.Model` from latents to examples.
        discriminator: functional `keras.Model` from `[examples, codes]` to logits `(batch, 1)`, higher = more likely from the data. Pass
            all three networks or none. Default: the paper's convolutional ones for images whose size is a multiple of 16, its
            permutation-invariant ones for everything else; their encoder ends where a uniform prior does.
        size: int, default 64 (the paper's): base width of the default networks, 16 times as many units in the permutation-invariant.
        latent_size: int, default 50 (the paper's MNIST) or 200 for the convolutional networks.
        prior: default `Uniform(-1, 1)` (the paper's).
        weight_decay: float >= 0, default 2.5e-5 (the authors'), added to the gradient of all kernels; not of gains and biases.
        extra_noise: int >= 0, default 0: the last so many coordinates of a latent are noise for the generator alone, not part of the code.
        joint_batch: bool, default False (BiGAN's): both pairs pass the discriminator apart, so that batch norm sees one kind at a time.
        seed, name, dtype: as in `kgan.AdversarialModel`.

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

    pair_weight = 0.5
    """Factor of both halves of the cross-entropy (the authors' code)."""
    noise_size = 0
    """Length of the noise that makes codes random; a family with stochastic codes sets it."""

    def __init__(
        self,
        data_shape=None,
        *,
        encoder=None,
        generator=None,
        discriminator=None,
        size=64,
        latent_size=None,
        prior=None,
        weight_decay=2.5e-5,
        extra_noise=0,
        joint_batch=False,
        seed=None,
        name=None,
        dtype=None,
    ):
        prior = Uniform(-1.0, 1.0) if prior is None else prior
        encoder, generator, discriminator = three(
            (encoder, generator, discriminator), data_shape, lambda shape: _networks(shape, size, latent_size, prior)
        )
        super().__init__(
            _shape_of_pairs(discriminator, data_shape),
            generator=generator,
            discriminator=discriminator,
            latent_size=latent_size,
            prior=prior,
            simultaneous=True,
            seed=seed,
            name=name,
            dtype=dtype,
        )
        if extra_noise >= self.latent_size:
            raise ValueError(f"`extra_noise` must be an integer in [0, latent_size). Received: {extra_noise!r}.")
        self.encoder = encoder
        self.size = size
        self.weight_decay = weight_decay
        self.extra_noise = extra_noise
        self.joint_batch = joint_batch
        self.code_size = self.latent_size - extra_noise
        self._check_codes()

    def default_optimizers(self):
        return {move: keras.optimizers.Adam(2e-4, beta_1=0.5, epsilon=1e-8) for move in ("discriminator", "generator")}

    def _logits_shape(self):
        return tuple(self.discriminator.compute_output_shape([(None, *s[1:]) for s in self.discriminator.input_shape]))

    def _check_codes(self):
        """Refuse an encoder, a discriminator or a prior whose codes differ."""
        judged, made = self.discriminator.input_shape[1][1:], tuple(self.encoder.output_shape[1:])
        if judged != (self.code_size,):
            raise ValueError(
                f"The discriminator takes codes of shape {judged}, the generator makes them of {self.code_size} numbers."
            )
        if made != (self.code_outputs(),):
            raise ValueError(
                f"The encoder must return {self.code_outputs()} numbers per example for codes of {self.code_size}. Received: {made}."
            )
        taken = self.encoder.inputs[0].shape[1:]
        if tuple(taken) != self.data_shape:
            raise ValueError(f"The encoder takes examples of shape {tuple(taken)}, the data have {self.data_shape}.")
        drawn = self.prior((1, self.latent_size), seed=0)
        if not keras.backend.is_float_dtype(keras.backend.standardize_dtype(drawn.dtype)):
            raise ValueError(f"Gradients do not pass through codes of {drawn.dtype}: the prior must draw real numbers.")

    # The game --------------------------------------------------------------------------------------------------------

    def turns(self):
        discriminator = Move("discriminator", ("discriminator",), self.discriminator_loss)
        return (Turn((discriminator, Move("generator", ("generator", "encoder"), self.generator_loss))),)

    def code_outputs(self):
        """How many numbers the encoder returns for an example."""
        return self.code_size

    def code(self, examples, noise, training):
        """The codes of examples. `noise` is standard normal `(batch, noise_size)`; an encoder that is a function has none."""
        return self.encoder(examples, training=training)

    def pairs(self, real):
        """`(x, z)` from the data and from the prior, on fresh noise."""
        latents = self.generator_inputs(count_of(real), seed=self.seed_generator)
        return self.data_pair(real), (self.generator(latents, training=self.in_training), latents[:, : self.code_size])

    def data_pair(self, examples):
        """Examples, and their codes on fresh noise."""
        # Outside of compiled steps JAX is handed NumPy arrays, and Keras mixes no inputs.
        examples = ops.convert_to_tensor(examples)
        return examples, self.code(examples, self._noise(count_of(examples), self.seed_generator), self.in_training)

    def score_pairs(self, real_pair, fake_pair):
        """The discriminator's logits for both pairs, in one pass or in two."""
        if not self.joint_batch:
            return self.score(list(real_pair)), self.score(list(fake_pair))
        both = [
            ops.concatenate([ops.cast(r, "float32"), ops.cast(f, "float32")]) for r, f in zip(real_pair, fake_pair, strict=True)
        ]
        logits = self.score(both)
        return logits[: count_of(real_pair[0])], logits[count_of(real_pair[0]) :]

    def discriminator_loss(self, real):
        real_pair, fake_pair = self.pairs(real)
        real_logits, fake_logits = self.score_pairs(real_pair, fake_pair)
        return {
            "adversarial": self.pair_weight * self.objective.discriminator(real_logits, fake_logits),
            **self.decay(self.discriminator),
            "real_logit": Observation(ops.mean(real_logits)),
            "fake_logit": Observation(ops.mean(fake_logits)),
        }

    def generator_loss(self, real):
        real_logits, fake_logits = self.score_pairs(*self.pairs(real))
        # The discriminator's own loss with the labels exchanged: "real" stands for the generator's pairs, "fake" for the encoder's.
        adversarial = self.pair_weight * self.objective.discriminator(fake_logits, real_logits)
        return {"adversarial": adversarial, **self.decay(self.generator, self.encoder)}

    def decay(self, *players):
        if not self.weight_decay:
            return {}
        kernels = [v for player in players for v in player.trainable_variables if len(v.shape) > 1 and v.name != "bias"]
        return {"weight_decay": decay(kernels, self.weight_decay)}

    # Codes -----------------------------------------------------------------------------------------------------------

    def _noise(self, count, seed):
        return keras.random.normal((count, self.noise_size), dtype="float32", seed=seed) if self.noise_size else None

    def encode(self, examples, seed=None, batch_size=256):
        """Codes of examples, in inference mode and with averaged weights if the model keeps averages.

        Args:
            examples: array `(count, *data_shape)`.
            seed: int or None. Where codes are random: a draw with this seed; None (default): the code at noise 0.
            batch_size: int, default 256: examples computed at once.

        Returns:
            NumPy array `(count, latent_size - extra_noise)`.
        """
        return self.in_inference(*self._encoding(examples, seed), batch_size=batch_size)

    def reconstruct(self, examples, seed=None, batch_size=256):
        """`G(E(x))`; arguments as in `encode`, `extra_noise` at 0. Semantic rather than exact: no loss asks for it."""
        code, *arrays = self._encoding(examples, seed)

        def there_and_back(*parts):
            codes = ops.cast(code(*parts), "float32")
            return self.generator(ops.pad(codes, ((0, 0), (0, self.extra_noise))), training=False)

        return self.in_inference(there_and_back, *arrays, batch_size=batch_size)

    def _encoding(self, examples, seed):
        examples = np.asarray(examples)
        GAN.check_data(self, examples)
        noise = np.zeros((len(examples), self.noise_size), "float32")
        if seed is not None and self.noise_size:
            noise = ops.convert_to_numpy(self._noise(len(examples), seed))
        return (lambda x, e: self.code(x, e, training=False)), examples, noise

    def estimate_statistics(self, examples, passes=100, batch_size=128):
        """Estimate the batch-norm statistics of encoder and generator anew, see `kgan.layers.estimate_statistics`.

        Args:
            examples: array `(count, *data_shape)`. passes: int, default 100 minibatches (the authors: 1000). batch_size: int.
        """
        rng, seed = np.random.default_rng(self.seed), self.generation_noise
        chosen = (examples[rng.integers(len(examples), size=batch_size)] for _ in range(passes))
        estimate_statistics(self.encoder, chosen, lambda x: self.code(x, self._noise(batch_size, seed), training=True))
        estimate_statistics(self.generator, (self.generator_inputs(batch_size, seed=seed) for _ in range(passes)))


def three(networks, data_shape, build):
    """Encoder, generator and discriminator: those given, or those that `build(shape)` makes."""
    given = [network is not None for network in networks]
    if all(given):
        return networks
    if any(given):
        raise ValueError("Pass encoder, generator and discriminator, which have to fit together, or none of them.")
    if data_shape is None:
        raise ValueError("Give `data_shape`, the shape of one example, a tuple of positive integers, or the networks.")
    return build(tuple(data_shape))


def _networks(shape, size, latent_size, prior):
    interval = (float(prior.low), float(prior.high)) if isinstance(prior, Uniform) else None
    if len(shape) == 3 and shape[0] % 16 == 0:
        return bidirectional.convolutional(shape, latent_size or 200, size, interval)
    return bidirectional.perceptrons(shape, latent_size or 50, 16 * size, interval)


def _shape_of_pairs(discriminator, data_shape):
    shapes = getattr(discriminator, "input_shape", None)
    if not isinstance(shapes, list) or len(shapes) != 2:
        raise ValueError(
            f"The discriminator must be a functional model of two inputs, [examples, codes]. Its inputs are: {shapes}."
        )
    if data_shape is not None and tuple(data_shape) != tuple(shapes[0][1:]):
        raise ValueError(f"The discriminator takes examples of shape {tuple(shapes[0][1:])}, the data have {tuple(data_shape)}.")
    return tuple(shapes[0][1:])
