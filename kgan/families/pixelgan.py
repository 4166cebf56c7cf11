"""PixelGAN autoencoders: Makhzani, Frey, NIPS 2017, arXiv 1706.00531."""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kgan import objectives
from kgan.arguments import Count, Level, Natural, Network, Several, Shape
from kgan.backend import full_precision
from kgan.engine import Move, Terms, Turn
from kgan.families.bases.generative import check_network, given_or_built
from kgan.families.bases.semi_supervised import SemiSupervised
from kgan.families.gan import GAN, count_of
from kgan.networks import PixelCNN, mlp
from kgan.networks.pixelcnn import Autoregressive
from kgan.priors import OneHot
from kgan.types import Array, Nest, SeedLike, Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class PixelGANAutoencoder(SemiSupervised):
    """An autoencoder whose decoder is a PixelCNN, and whose codes a discriminator cannot tell from draws of a prior.

    The bound `E log p(x) >= E log p(x | z) - KL(q(z) || p(z)) - I(z; x)` loses its last term, which lets a decoder do without the code;
    the divergence of all codes from the prior is left to a GAN. A round, on one minibatch, with d the discriminator's logit, sp softplus,
    n noise that is drawn anew (`instance_noise`):

        autoencoder    E -log p(x | z(x))                            encoder and decoder
        discriminator  E_prior sp(-d(z + n)) + E sp(d(z(x) + n))
        encoder        E sp(-d(z(x) + n))
        supervised     E -log q(y | x)                               encoder, with `classes`

    The prior decides what the code tells: one-hot vectors (the default), to which the encoder's softmax is driven, classes; a normal one,
    the place and shape of things.

    Args:
        image_shape: `(rows, columns, channels)`.
        classes: default None. A number K: semi-supervised; a one-hot code of K values, of which the j-th stands for class j.
        latent_size: default 30 values of a one-hot code, 2 numbers else (the paper's, from memory).
        prior: default `kgan.priors.OneHot()`; `kgan.priors.Normal()` for continuous codes.
        stochastic: default False: the code is a function of the image. True: the encoder returns means and log standard deviations, and
            codes are drawn; not for one-hot codes. An encoder of two inputs, `[images, noise]`, makes any distribution without.
        encoder: `keras.Model` from images to codes; of one-hot ones to their logits. Default: two layers of 256, leaky ReLU 0.1, on pixels
            brought to [0, 1]: with a background of -1 all images look alike to a layer, and all get one code.
        generator: the decoder, a `kgan.networks.PixelCNN` with codes of `latent_size`.
        discriminator: `keras.Model` from codes to logits `(batch, 1)`. Default: two layers of 64, leaky ReLU 0.1.
        filters, depth: default 32 and 4, of the default PixelCNN, in which one-hot codes are a bias of every map (location-invariant),
            others a bias of every place (location-dependent), as the paper prefers.
        likelihood: of the default PixelCNN, default `kgan.objectives.Bernoulli()`: images of -1 and 1. `LogisticMixture()` for others.
        pretraining_rounds: default 300: rounds of the autoencoder alone, with `classes` beside the labels.
        instance_noise: default 0.2: standard deviation of the noise on all that the discriminator sees. Without, it tells a softmax from a
            one-hot vector at once.
        **kwargs: of `kgan.GAN`: `objective`, `penalties` of the discriminator, `seed`, `name`, `dtype`.

    Input of `fit`: images in [-1, 1], float32 `(batch, *image_shape)`; with `classes`, `fit({"unlabeled": x, "labeled": x_l}, labels)` as
    in `kgan.ImprovedGAN`. `generate(count, condition=codes)` draws from codes of the user's choice, `(count, latent_size)`.

    Logs: `autoencoder/reconstruction` (nats of an image), `discriminator/adversarial`, `discriminator/real_logit`, `.../fake_logit`,
    `encoder/adversarial`; with `classes` `supervised/supervised`, `supervised/accuracy`.

    Default optimizers: Adam, 1e-3 for autoencoder (beta_1 0.9) and encoder, 3e-3 for the discriminator (beta_1 0.5), 1e-3 for labels (0.9).
    These rates are ours, and decisive: with a weaker discriminator codes stay soft, with a weaker noise all images get one code. Look at
    `encode(x).mean(0)`: of the values of a one-hot code most should be in use.

    Raises:
        ValueError: codes of another width, images that the likelihood does not know, a one-hot code of less than two values, arguments
            that contradict each other.

    Departures from the paper: its layer sizes and rates are not known to us; noise on codes and the rounds before the game are ours.

    Example:
    >>> import numpy as np, kgan
    >>> model = kgan.PixelGANAutoencoder((4, 4, 1), latent_size=3, filters=4, depth=1, pretraining_rounds=0, seed=0)
    >>> model.compile()
    >>> x = np.sign(np.random.default_rng(0).normal(size=(32, 4, 4, 1))).astype("float32")
    >>> history = model.fit(x, batch_size=16, verbose=0)
    >>> model.encode(x).shape, model.log_likelihood(x).shape, model.generate(2, seed=0).shape
    ((32, 3), (32,), (2, 4, 4, 1))
    """

    fixed_arguments = (
        *GAN.fixed_arguments, "conditioning", "data_shape", "discriminator_steps", "generator_batch", "joint_batch", "simultaneous",
        "augment",  # its discriminator sees codes
    )  # fmt: skip
    classifier_role = "encoder"
    default_prior = OneHot()
    opening = "pretraining_rounds"

    def __init__(
        self,
        image_shape: Shape | None = None,
        *,
        classes: Several | None = None,
        latent_size: Count | None = None,
        stochastic: bool = False,
        encoder: Network | None = None,
        generator: Network | None = None,
        discriminator: Network | None = None,
        filters: Count = 32,
        depth: Natural = 4,
        likelihood: objectives.PixelLikelihood | None = None,
        pretraining_rounds: Natural = 300,
        instance_noise: Level = 0.2,
        **kwargs: Any,
    ) -> None:
        if not isinstance(generator, (Autoregressive, type(None))):
            raise TypeError(f"`generator` must be a kgan.networks.PixelCNN. Received: {type(generator).__name__}.")
        one_hot = isinstance(kwargs.get("prior") or self.default_prior, OneHot)
        size = self.latents_of(generator, latent_size or classes or (None if generator else 30 if one_hot else 2))
        if one_hot and (size < 2 or stochastic):
            raise ValueError("A one-hot code has two or more values, and no normal distribution: leave `stochastic` at False.")
        if classes and (not one_hot or size != classes):
            raise ValueError(
                f"With `classes` the code is one-hot and of as many values. Received latents of {size}, classes={classes}."
            )
        shape, encoder, generator = given_or_built(
            image_shape,
            {"encoder": encoder, "generator": generator},
            lambda shape: {
                "encoder": lambda: _encoder(shape, 2 * size if stochastic else size),
                "generator": lambda: PixelCNN(
                    shape, size, filters=filters, depth=depth, location_dependent=not one_hot, likelihood=likelihood
                ),
            },
        )
        discriminator = discriminator or mlp.discriminator((size,), (64, 64), 0.1)
        super().__init__(shape, generator=generator, discriminator=discriminator, instance_noise=instance_noise, **kwargs)
        self.data_shape = self.image_shape = shape  # the discriminator judges codes
        self.encoder, self.stochastic = encoder, stochastic
        self._check_codes()
        self.filters, self.depth, self.likelihood = filters, depth, likelihood
        self.pretraining_rounds = pretraining_rounds
        self.set_classes(classes)

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        rates = {"autoencoder": (1e-3, 0.9), "discriminator": (3e-3, 0.5), "encoder": (1e-3, 0.5)}
        rates |= {"supervised": (1e-3, 0.9)} if self.uses_labels else {}
        return {move: keras.optimizers.Adam(rate, beta_1=beta_1, epsilon=1e-8) for move, (rate, beta_1) in rates.items()}

    def _check_networks(self) -> None:
        check_network(self.discriminator, "discriminator", (self.latent_size,), (1,), "codes into logits")

    def _check_codes(self) -> None:
        """Refuse an encoder and a decoder of other images or codes."""
        images, size = tuple(self.encoder.inputs[0].shape[1:]), self.latent_size
        outputs = 2 * size if self.stochastic else size
        if images != self.image_shape or tuple(self.encoder.output_shape[1:]) != (outputs,):
            raise ValueError(
                f"The encoder must turn {self.image_shape} into {outputs} numbers. Received one from {images} to "
                f"{tuple(self.encoder.output_shape[1:])}."
            )
        if self.stochastic and len(self.encoder.inputs) > 1:
            raise ValueError("An encoder that takes noise makes codes random by itself: leave `stochastic` at False.")
        if self.generator.image_shape != self.image_shape:
            raise ValueError(
                f"The decoder makes images of shape {self.generator.image_shape}, the encoder takes {self.image_shape}."
            )

    # The game --------------------------------------------------------------------------------------------------------

    def turns(self) -> tuple[Turn, ...]:
        start = self.pretraining_rounds
        due = (lambda: self.rounds >= start) if start else None
        game = (
            Turn((Move("autoencoder", ("encoder", "generator"), self.autoencoder_loss),)),
            Turn((Move("discriminator", ("discriminator",), self.discriminator_loss),), fresh=False, when=due),
            Turn((Move("encoder", ("encoder",), self.encoder_loss),), fresh=False, when=due),
        )
        supervised = Move("supervised", ("encoder",), self.supervised_loss)
        return (*game, Turn((supervised,), fresh=False)) if self.uses_labels else game

    def autoencoder_loss(self, batch: Any) -> Terms:
        images = self.unlabeled(batch)
        codes = self.code(images, self._noise(images), self.in_training)
        return {"reconstruction": -ops.mean(self.generator.log_likelihood(images, codes, self.in_training))}

    def discriminator_loss(self, batch: Any) -> Terms:
        images = self.unlabeled(batch)
        drawn = self.prior((count_of(images), self.latent_size), self.seed_generator)
        return self.discriminator_terms(self.score_both(drawn, self.code(images, self._noise(images), self.in_training)))

    def encoder_loss(self, batch: Any) -> Terms:
        images = self.unlabeled(batch)
        return {"adversarial": self.objective.generator(self.score(self.code(images, self._noise(images), self.in_training)))}

    def supervised_loss(self, batch: Any) -> Terms:
        logits = self._encoded(batch["labeled"], self._noise(batch["labeled"]), self.in_training)
        return self.supervised_terms(logits, batch["labels"])

    # Codes -----------------------------------------------------------------------------------------------------------

    @property
    def noise_size(self) -> int:
        """Length of the noise that makes codes random: the encoder's second input, or a number for each of a Gaussian code."""
        if len(self.encoder.inputs) == 2:
            return self.encoder.inputs[1].shape[-1]
        return self.latent_size if self.stochastic else 0

    def _noise(self, images: Tensor) -> Tensor | None:
        shape = (count_of(images), self.noise_size)
        return keras.random.normal(shape, dtype="float32", seed=self.seed_generator) if self.noise_size else None

    def _encoded(self, images: Tensor, noise: Tensor | None, training: bool) -> Tensor:
        images = ops.convert_to_tensor(images)
        return self.encoder([images, noise] if len(self.encoder.inputs) == 2 else images, training=training)

    def code(self, images: Tensor, noise: Tensor | None, training: bool) -> Tensor:
        """Codes of images. `noise` is standard normal `(batch, noise_size)`; a deterministic encoder has none."""
        outputs = full_precision(self._encoded(images, noise, training))
        if isinstance(self.prior, OneHot):
            return ops.softmax(outputs, axis=-1)
        if not self.stochastic:
            return outputs
        mean, log_sigma = ops.split(outputs, 2, axis=-1)
        return mean + ops.exp(ops.clip(log_sigma, -10.0, 3.0)) * noise

    def _quiet_code(self, images: Tensor) -> Tensor:
        return self.code(images, ops.zeros((images.shape[0], self.noise_size)), training=False)

    def class_logits(self, examples: Tensor) -> Tensor:
        return self._encoded(examples, ops.zeros((examples.shape[0], self.noise_size)), training=False)

    def encode(self, examples: Array, batch_size: int = 256) -> Array:
        """Codes of images at noise 0, in inference mode and with averaged weights if the model keeps averages.

        Args:
            examples: array `(count, *image_shape)`. batch_size: images computed at once.

        Returns:
            NumPy array `(count, latent_size)`; rows of one-hot codes sum to 1.
        """
        examples = np.asarray(examples)
        self.check_examples(examples, self.image_shape)
        return self.in_inference(self._quiet_code, examples, batch_size=batch_size)

    def log_likelihood(self, examples: Array, codes: Array | None = None, batch_size: int = 256) -> Array:
        """`log p(x | z)` of images in nats, `(count,)`, given their own codes, or `codes` `(count, latent_size)`; see `encode`."""
        examples = np.asarray(examples)
        self.check_examples(examples, self.image_shape)
        codes = self.encode(examples, batch_size) if codes is None else np.asarray(codes)
        if codes.shape != (len(examples), self.latent_size):
            raise ValueError(f"`codes` must have the shape {(len(examples), self.latent_size)}. Received: {codes.shape}.")
        return self.in_inference(lambda x, z: self.generator.log_likelihood(x, z), examples, codes, batch_size=batch_size)

    # Data ------------------------------------------------------------------------------------------------------------

    def check_examples(self, batch: Any, shape: Sizes) -> None:
        super().check_examples(batch, shape)
        if not self.generator.likelihood.takes(batch):
            raise ValueError(
                f"{type(self.generator.likelihood).__name__} is a likelihood of pixels that are -1 or 1. Use `np.where(x > 0, 1.0, -1.0)`, "
                "or build the model with `likelihood=kgan.objectives.LogisticMixture()`."
            )

    def generator_inputs(self, count: int, condition: Any = None, seed: SeedLike = None) -> Nest:
        # One stream for both draws: an integer would start both at the same numbers.
        seed = keras.random.SeedGenerator(seed) if isinstance(seed, int) else seed
        codes = self.prior((count, self.latent_size), seed)
        if condition is not None:
            condition = np.asarray(condition, "float32")
            if condition.shape != (count, self.latent_size) or not np.isfinite(condition).all():
                raise ValueError(
                    f"`condition` must be finite codes {(count, self.latent_size)}. Received the shape {condition.shape}."
                )
            codes = ops.convert_to_tensor(condition)
        return {"codes": codes, "noise": self.generator.draw_noise(count, seed)}


def _encoder(shape: Sizes, outputs: int) -> keras.Model:
    images = keras.Input(shape, name="images")
    body = mlp.discriminator(shape, (256, 256), 0.1, outputs=outputs, name="body")
    return keras.Model(images, body(layers.Rescaling(0.5, 0.5, name="from_zero_to_one")(images)), name="encoder")
