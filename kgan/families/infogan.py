"""InfoGAN: Chen, Duan, Houthooft, Schulman, Sutskever, Abbeel, NIPS 2016, arXiv 1606.03657."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan import objectives
from kgan.arguments import NONNEGATIVE, Count, Listed, Network, Shape
from kgan.codes import Categorical, Code, Continuous
from kgan.engine import Observation, Terms
from kgan.families.bases.generative import Makers, given_or_built
from kgan.families.gan import GAN
from kgan.metrics import MutualInformation
from kgan.networks import infogan, mlp, with_features
from kgan.penalties import Scored
from kgan.priors import Uniform
from kgan.types import Array, SeedLike, Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class InfoGAN(GAN):
    """The two-player game, with a generator that must not ignore a structured code c among its latents.

    The generator receives noise z and codes c. A recognizer Q, a small head on the discriminator's trunk, guesses the codes from generated
    examples, and both sides maximize the lower bound of the mutual information that follows from it (Eq. 5, 6):

        L_I = H(c) + E log Q(c | G(z, c)) <= I(c; G(z, c))
        discriminator and Q:  E sp(-l(x)) + E sp(l(G(z, c))) - lambda L_I
        generator:            E sp(-l(G(z, c)))              - lambda L_I

    With several codes L_I is the sum of theirs. Q sees generated examples alone: the codes of real ones are not known.

    Args:
        data_shape: shape of one example.
        codes: sequence of `kgan.codes.Code`, default `[Categorical(10), Continuous(2)]` (the paper's, MNIST).
        noise_size: default 62 (the paper's), or what `generator` leaves to it.
        information_weight: lambda, a number >= 0, or one for each code; default 1.0 (the authors' MNIST code). The paper has it
            smaller for continuous codes, so that the term is on the scale of the adversarial losses.
        info_updates_trunk: default True (the authors' code): the discriminator's trunk maximizes L_I too. False: Q alone does in
            that move, which is the game as Eq. 6 states it.
        generator: network from `(batch, noise_size + width of the codes)`; the codes come last, in their order.
        discriminator: network with one logit. Its trunk is everything before its last layer.
        recognizer: network from what the discriminator's last layer receives to the parameters of all codes, in their order.
            Defaults: the paper's MNIST networks for images (`kgan.networks.infogan`); for vectors two layers of 128, and 64 in Q.
        prior: of the noise, default `Uniform(-1, 1)` (the authors' code).
        **kwargs: of `kgan.GAN`.

    Input of `fit`: examples. `generate(count, condition=codes)` takes codes `(count, code_size)` of the user's choice, also outside the
    range of their prior; `sample_codes` draws some to start from. `encode` infers the codes of examples.

    Logs: as `kgan.GAN`, `*/information` (-lambda L_I), and `discriminator/mutual_information_<k>`: L_I of the k-th code in nats,
    H(c) included.

    Raises:
        ValueError: for negative weights, networks or codes of another width. TypeError: for codes of another kind, `joint_batch`: the
            trunk normalizes real and generated examples separately.

    Departures from the paper: images in [-1, 1] and a tanh output instead of [0, 1] and a sigmoid. Q has no outputs for variances that are
    fixed. H(c) of a uniform code is log 2 per number where the authors' code reports 1.0856, the cross-entropy with a normal: no gradient
    depends on it. Batch norm uses moving averages outside training, which mix real and generated batches in the trunk.

    Example:
    >>> import numpy as np, kgan
    >>> codes = [kgan.codes.Categorical(3), kgan.codes.Continuous(1)]
    >>> model = kgan.InfoGAN((2,), codes=codes, noise_size=2, seed=0)
    >>> model.compile()
    >>> points = np.random.default_rng(0).normal(size=(256, 2)).astype("float32")
    >>> history = model.fit(points, batch_size=64, verbose=0)
    >>> model.generate(2, condition=np.array([[1, 0, 0, 0.5], [0, 1, 0, 0.5]]), seed=1).shape
    (2, 2)
    >>> model.encode(points).shape, model.mutual_information(100).shape
    ((256, 4), (2,))
    """

    fixed_arguments = (*GAN.fixed_arguments, *GAN.unconditional, "joint_batch", "latent_size")
    default_prior = Uniform(-1.0, 1.0)
    discriminator_players = ("discriminator", "recognizer")

    def __init__(
        self,
        data_shape: Shape | None = None,
        *,
        codes: Listed | None = None,
        noise_size: Count | None = None,
        information_weight: float | Sequence[float] = 1.0,
        info_updates_trunk: bool = True,
        generator: Network | None = None,
        recognizer: Network | None = None,
        **kwargs: Any,
    ) -> None:
        codes = _checked([Categorical(10), Continuous(2)] if codes is None else codes)
        code_size = sum(code.size for code in codes)
        if noise_size is None:
            noise_size = 62 if generator is None else generator.input_shape[-1] - code_size
        if noise_size < 1:
            raise ValueError(f"`noise_size` must be >= 1, beside codes of width {code_size}. Received: {noise_size!r}.")
        super().__init__(data_shape, own_networks=_networks, generator=generator, latent_size=noise_size + code_size, **kwargs)
        self.codes, self.noise_size, self.code_size = codes, noise_size, code_size
        self.information_weight, self._lambdas = information_weight, _lambdas(information_weight, len(codes))
        self.info_updates_trunk = info_updates_trunk
        tapped = with_features(self.discriminator)
        self._tapped = tapped.__call__  # a method, so that Keras does not list the trunk a second time
        self.recognizer = self._fitting_recognizer(recognizer, tuple(tapped.output[0].shape[1:]))

    def _fitting_recognizer(self, given: keras.Model | None, features: Sizes) -> keras.Model:
        outputs = sum(code.parameters for code in self.codes)
        images = len(self.data_shape) == 3
        plain: dict[str, Any] = {} if images else {"units": 64, "batch_norm": False, "initializer": "he_normal"}
        makers = {"recognizer": lambda: infogan.recognizer(features, outputs, **plain)}
        _, recognizer = given_or_built(features, {"recognizer": given}, lambda _: makers)
        taken = tuple(recognizer.input_shape[1:])
        if taken != features:
            raise ValueError(
                f"The recognizer takes features of shape {taken}, the last layer of the discriminator has {features}."
            )
        judged = tuple(recognizer.compute_output_shape((None, *features)))
        if judged[1:] != (outputs,):
            raise ValueError(f"The recognizer must return {outputs} parameters per example for these codes. It returns {judged}.")
        return recognizer

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        rates = {"discriminator": 2e-4, "generator": 1e-3}
        return {move: keras.optimizers.Adam(rate, beta_1=0.5, epsilon=1e-8) for move, rate in rates.items()}

    # The game --------------------------------------------------------------------------------------------------------

    def discriminator_loss(self, real: Any) -> Terms:
        fake, codes = self.sample_with_codes(ops.shape(real)[0])
        real_logits, real_features = self.score_with_features(real)
        fake_logits, features = self.score_with_features(fake)
        terms = self.discriminator_terms(Scored(real, fake, real_logits, fake_logits, real_features))
        bounds = self.information(features if self.info_updates_trunk else ops.stop_gradient(features), codes)
        seen = {f"mutual_information_{index}": Observation(bound) for index, bound in enumerate(bounds)}
        return {**terms, "information": self._weighted(bounds), **seen}

    def generator_loss(self, real: Any) -> Terms:
        fake, codes = self.sample_with_codes(ops.shape(real)[0] * self.generator_batch)
        logits, features = self.score_with_features(fake)
        return {
            "adversarial": self.objective.generator(logits),
            "information": self._weighted(self.information(features, codes)),
        }

    def sample_with_codes(self, count: Any) -> tuple[Tensor, Tensor]:
        """`count` generated examples on fresh training noise, and the codes that went into them."""
        inputs = self.generator_inputs(count, seed=self.seed_generator)
        return self.generator(inputs, training=self.in_training), inputs[:, self.noise_size :]

    def information(self, features: Tensor, codes: Tensor) -> list[Tensor]:
        """L_I of every code: a list of scalars, from the trunk's features of generated examples and their codes."""
        parameters = self.recognizer(features, training=self.in_training)
        parts = zip(self.codes, self._parameters_of_each(parameters), self._values_of_each(codes), strict=True)
        return [objectives.mutual_information(*part) for part in parts]

    def _parameters_of_each(self, parameters: Tensor) -> list[Tensor]:
        return _split(parameters, [code.parameters for code in self.codes])

    def _values_of_each(self, codes: Tensor) -> list[Tensor]:
        return _split(codes, [code.size for code in self.codes])

    def _weighted(self, bounds: list[Tensor]) -> Tensor:
        return -sum(weight * bound for weight, bound in zip(self._lambdas, bounds, strict=True))

    # Codes -----------------------------------------------------------------------------------------------------------

    def generator_inputs(self, count: int, condition: Any = None, seed: SeedLike = None) -> Tensor:
        # One stream for all draws: an integer would start every one of them at the same numbers.
        seed = keras.random.SeedGenerator(seed) if isinstance(seed, int) else seed
        codes = ops.concatenate([code.sample(count, seed) for code in self.codes], axis=-1)
        # The codes are drawn even where others are given: the noise then depends on the seed alone.
        noise = self.prior((count, self.noise_size), seed)
        if condition is not None:
            condition = np.asarray(condition, "float32")
            if condition.shape != (count, self.code_size) or not np.isfinite(condition).all():
                raise ValueError(
                    f"`condition` must be finite codes {(count, self.code_size)}: widths {[code.size for code in self.codes]} side by "
                    f"side. Received the shape {condition.shape}."
                )
            codes = ops.convert_to_tensor(condition)
        return ops.concatenate([noise, codes], axis=-1)

    def sample_codes(self, count: int, seed: SeedLike = None) -> Array:
        """Codes from their priors, an array `(count, code_size)`; with an integer `seed` those that `generate` draws from it."""
        inputs = self.generator_inputs(count, seed=self.generation_noise if seed is None else seed)
        return ops.convert_to_numpy(inputs)[:, self.noise_size :]

    def encode(self, examples: Array, batch_size: int = 256) -> Array:
        """The means of Q(c | x), in inference mode and with averaged weights if the model keeps them.

        Args:
            examples: array `(count, *data_shape)`, generated or real. batch_size: examples computed at once.

        Returns:
            NumPy array `(count, code_size)`: class probabilities of categorical codes, means of continuous ones.
        """
        examples = np.asarray(examples)
        self.check_data(examples)

        def means(batch: Tensor) -> Tensor:
            parts = zip(self.codes, self._parameters_of_each(self._recognized(batch)), strict=True)
            return ops.concatenate([code.mean(parameters) for code, parameters in parts], axis=-1)

        return self.in_inference(means, examples, batch_size=batch_size)

    def mutual_information(self, count: int = 5000, seed: SeedLike = None, batch_size: int = 256) -> Array:
        """L_I of every code over fresh samples, in inference mode: a NumPy array `(codes,)` in nats, H(c) included.

        Args:
            count: samples. seed: as in `generate`. batch_size: samples computed at once.
        """
        inputs = self.generator_inputs(count, seed=self.generation_noise if seed is None else seed)
        examples = self.predict(inputs, batch_size=min(count, batch_size), verbose=0)
        codes = inputs[:, self.noise_size :]
        parameters = self.in_inference(self._recognized, examples, batch_size=batch_size)
        bounds = []
        for code, *pair in zip(self.codes, self._values_of_each(codes), self._parameters_of_each(parameters), strict=True):
            metric = MutualInformation(code)
            metric.update_state(*pair)
            bounds.append(float(metric.result()))
        return np.array(bounds)

    def _recognized(self, examples: Tensor) -> Tensor:
        """The recognizer's outputs in inference."""
        features, _ = self._tapped(examples, training=False)
        return self.recognizer(features, training=False)


def _checked(codes: Sequence[Any]) -> list[Code]:
    if not codes or not all(isinstance(code, Code) for code in codes):
        raise TypeError(f"`codes` must be a sequence of kgan.codes.Categorical or Continuous. Received: {codes!r}.")
    return list(codes)


def _split(tensor: Tensor, widths: Sizes) -> list[Tensor]:
    ends = np.cumsum(widths)
    return [tensor[:, end - width : end] for width, end in zip(widths, ends, strict=True)]


def _networks(shape: Sizes, latents: int) -> Makers:
    if len(shape) == 3:
        return {
            "generator": lambda: infogan.generator(shape, latents),
            "discriminator": lambda: infogan.discriminator(shape),
        }
    settings: dict[str, Any] = {"nonlinearity": 0.1, "initializer": "he_normal"}
    return {
        "generator": lambda: mlp.generator(shape, latents, **settings),
        "discriminator": lambda: mlp.discriminator(shape, **settings),
    }


def _lambdas(information_weight: float | Sequence[float], codes: int) -> list[float]:
    weights = list(information_weight) if isinstance(information_weight, Sequence) else [information_weight] * codes
    if len(weights) != codes or not all(NONNEGATIVE.accepts(w) for w in weights):
        raise ValueError(
            f"`information_weight` must be a number >= 0, or one for each of the {codes} codes. Received: {information_weight!r}."
        )
    return weights
