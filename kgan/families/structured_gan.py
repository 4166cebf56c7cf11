"""Structured generative adversarial networks: Deng, Zhang, Liang, Yang, Xu, Zhu, Xing, NIPS 2017, arXiv 1711.00889."""

from typing import Any

import keras
import numpy as np
from keras import ops

from kgan import backend, objectives
from kgan.arguments import Network, Several, Shape
from kgan.engine import Move, Observation, Terms, Turn
from kgan.families.bases.generative import check_network, given_or_built
from kgan.families.gan import count_of
from kgan.families.triple_gan import TripleGAN
from kgan.layers import statistics_kept
from kgan.networks import triple
from kgan.priors import Uniform
from kgan.types import Array, Tensor


@keras.saving.register_keras_serializable("kgan")
class StructuredGAN(TripleGAN):
    """A generator of what an example shows, y, and of all the rest, z, both recovered from it, so that neither hides in the other.

    Beside the classifier p(y | x) of `kgan.TripleGAN` there is an encoder I(x) of z, and beside its discriminator of pairs (x, y), with
    logit d, one of pairs (x, z), with logit e, which never sees y. With x_g = G(z, y), sp softplus and s = `pseudo_share` a round is

        classifier      E -log p(y | x_l) + R + w_g E -log p(y_g | x_g)
        discriminators  (1 - s) E sp(-d(x_l, y)) + s E sp(-d(x_u, y_c)) + E sp(d(x_g, y_g))
                        + E sp(-e(x_u, I(x_u))) + E sp(e(x_g, z))                           one optimizer
        encoder         E sp(e(x_u, I(x_u))) + E 1/2 |I(x_g) - z|^2
        generator       E sp(-d(x_g, y_g)) + E sp(-e(x_g, z)) + E 1/2 |I(x_g) - z|^2 + E -log p(y_g | x_g)

    The two adversarial games fix the joint distributions, the two collaborative ones, which encoder, classifier and generator play
    together, keep y and z apart. Encoder and classifier stand still in the generator's move.

    Args:
        data_shape: shape of one example.
        classes: K.
        pseudo_share: s, default 0.5.
        generated_weight: w_g, default 0.1 from round `generated_start` on, default 2500 (as `kgan.TripleGAN`; the code's rises, to 0.02
            for SVHN, to 1 for CIFAR-10).
        encoder: `keras.Model` from examples to `(batch, latent_size)`. latent_discriminator: from `[examples, latents]` to logits
            `(batch, 1)`. generator, discriminator, classifier: as in `kgan.TripleGAN`. Default: the code's for SVHN
            (`kgan.networks.triple`), for vectors perceptrons of two layers of 256.
        **kwargs: of `kgan.TripleGAN`: `entropy_weight`, `balance_weight`, `consistency_weight`, `weight_decay`, `pretraining_rounds`,
            `latent_size`, `prior` and so on.

    Input of `fit`, `generate`: as in `kgan.TripleGAN`. `encode(x)` returns z; `transfer(x, labels)` shows examples as of other classes.

    Logs: as `kgan.TripleGAN`, in which `discriminator/latents`, `encoder/adversarial`, `encoder/reconstruction`, and `generator/latents`,
    `.../reconstruction`, `.../classes` are new and `classifier/adversarial` is not.

    Default optimizers: those of `kgan.TripleGAN`, the encoder's like the generator's.

    Raises:
        ValueError: as `kgan.TripleGAN`.

    Departures from the paper: the classifier moves once a round, in the code for a whole epoch before the others. Shares of true pairs are
    weights that stay, where the code lets labeled ones fall from all to a fifth and adds a few generated ones. The code's weight of the
    squared difference of z is 1 for CIFAR-10, as here, and 0.1 for SVHN; rates stay here, CIFAR-10's fall from epoch 200 on. z of U(0, 1)
    has no center at 0: the default prior here is U(-1, 1), as the encoder is linear.

    Example:
    >>> import numpy as np, kgan
    >>> networks, perceptron = kgan.networks.triple, kgan.networks.mlp.discriminator
    >>> model = kgan.StructuredGAN(
    ...     (2,), classes=2, pretraining_rounds=0, generator=networks.perceptron_generator((2,), 3, 2, (8,), None),
    ...     discriminator=networks.perceptron_discriminator((2,), 2, (8,), (0.1, 0.1)),
    ...     classifier=perceptron((2,), (8,), outputs=2, name="classifier"),
    ... )
    >>> model.compile()
    >>> x = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")
    >>> data, labels = kgan.datasets.semi_supervised(x, (x[:, 0] > 0).astype("int64"), labels_per_class=3)
    >>> history = model.fit(data, labels, batch_size=16, verbose=0)
    >>> model.encode(x).shape, model.transfer(x[:4], 1).shape
    ((64, 3), (4, 2))
    """

    fixed_arguments = (*TripleGAN.fixed_arguments, "adversarial_weight", "alpha", "gradient", "saturating")
    default_prior = Uniform(-1.0, 1.0)

    def __init__(
        self,
        data_shape: Shape | None = None,
        *,
        classes: Several,
        pseudo_share: float = 0.5,
        encoder: Network | None = None,
        latent_discriminator: Network | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_shape, classes=classes, pseudo_share=pseudo_share, adversarial_weight=0.0, **kwargs)
        shape, size = self.data_shape, self.latent_size
        _, self.encoder, self.latent_discriminator = given_or_built(
            shape,
            {"encoder": encoder, "latent_discriminator": latent_discriminator},
            lambda _: {
                "encoder": lambda: triple.encoder(shape, size),
                "latent_discriminator": lambda: triple.latent_discriminator(shape, size),
            },
        )
        check_network(self.encoder, "encoder", shape, (size,), "examples into latents")
        taken = self.latent_discriminator.input_shape
        if not isinstance(taken, list) or [tuple(t[1:]) for t in taken] != [shape, (size,)]:
            raise ValueError(
                f"The latent discriminator must take [examples {shape}, latents {(size,)}]. Received one of {taken}."
            )

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        own = super().default_optimizers()
        return {**own, "encoder": type(own["generator"]).from_config(own["generator"].get_config())}

    # The game --------------------------------------------------------------------------------------------------------

    def turns(self) -> tuple[Turn, ...]:
        discriminator, generator, classifier = super().turns()
        both = Move("discriminator", ("discriminator", "latent_discriminator"), self.discriminator_loss)
        return (
            classifier._replace(fresh=True),
            discriminator._replace(moves=(both,), fresh=False),
            generator._replace(moves=(Move("encoder", ("encoder",), self.encoder_loss),)),
            generator,
        )

    def generated_with_latents(self, count: Any) -> tuple[Tensor, Tensor, Tensor]:
        """Generated examples on fresh noise, with their labels, the classes in turn, and their latents."""
        labels = self.labels_of_round(count)
        latents, asked = self.training_inputs(count, labels)
        return self.generator([latents, asked], training=self.in_training), labels, latents

    def latent_logits(self, examples: Tensor, latents: Tensor) -> Tensor:
        """The logits of pairs of an example and latents, `(batch, 1)`."""
        pair = [self.perturbed(ops.convert_to_tensor(examples)), latents]
        return backend.full_precision(self.latent_discriminator(pair, training=self.in_training))

    def encoded(self, examples: Tensor) -> Tensor:
        return backend.full_precision(self.encoder(ops.convert_to_tensor(examples), training=self.in_training))

    def discriminator_loss(self, batch: Any) -> Terms:
        unlabeled, share = batch["unlabeled"], self.pseudo_share
        made, labels, latents = self.generated_with_latents(count_of(unlabeled))
        true, fake = self.pair_logits(batch["labeled"], batch["labels"]), self.pair_logits(made, labels)
        loss = (1.0 - share) * ops.mean(ops.softplus(-true)) + ops.mean(ops.softplus(fake))
        if share:
            pseudo = self.pair_logits(unlabeled, self.labeled_by_classifier(unlabeled)[1])
            loss = loss + share * ops.mean(ops.softplus(-pseudo))
        inferred = self.latent_logits(unlabeled, self.encoded(unlabeled))
        return {
            "adversarial": loss,
            "latents": self.objective.discriminator(inferred, self.latent_logits(made, latents)),
            "real_logit": Observation(ops.mean(true)),
            "fake_logit": Observation(ops.mean(fake)),
        }

    def encoder_loss(self, batch: Any) -> Terms:
        unlabeled = batch["unlabeled"]
        made, _, latents = self.generated_with_latents(count_of(unlabeled))
        inferred = self.latent_logits(unlabeled, self.encoded(unlabeled))
        with statistics_kept(self.encoder):  # what is encoded later is real
            found = self.encoded(made)
        return {
            "adversarial": ops.mean(ops.softplus(inferred)),
            "reconstruction": objectives.latent_reconstruction(latents, found),
        }

    def generator_loss(self, batch: Any) -> Terms:
        made, labels, latents = self.generated_with_latents(count_of(batch["unlabeled"]))
        guessed = self.classifier(made, training=self.in_training)
        return {
            "adversarial": ops.mean(self.fooled(self.pair_logits(made, labels))),
            "latents": ops.mean(self.fooled(self.latent_logits(made, latents))),
            "reconstruction": objectives.latent_reconstruction(latents, self.encoded(made)),
            "classes": objectives.class_cross_entropy(guessed, labels),
        }

    # Latents ---------------------------------------------------------------------------------------------------------

    def encode(self, examples: Array, batch_size: int = 256) -> Array:
        """Z of examples, in inference mode and with averaged weights if the model keeps averages.

        Args:
            examples: array `(count, *data_shape)`. batch_size: examples computed at once.

        Returns:
            NumPy array `(count, latent_size)`.
        """
        examples = np.asarray(examples)
        self.check_examples(examples, self.data_shape)
        return self.in_inference(lambda x: self.encoder(x, training=False), examples, batch_size=batch_size)

    def transfer(self, examples: Array, labels: Any, batch_size: int = 256) -> Array:
        """`G(I(x), y)`: all but what the examples show, shown of other classes.

        Args:
            examples, batch_size: as in `encode`. labels: a class, or one for each example.

        Returns:
            NumPy array `(count, *data_shape)`.
        """
        codes = self.encode(examples, batch_size)
        _, labels = self.generator_inputs(len(codes), condition=labels, seed=0)
        return self.in_inference(
            lambda z, y: self.generator([z, ops.cast(y, "int32")], training=False),
            codes,
            ops.convert_to_numpy(labels),
            batch_size=batch_size,
        )
