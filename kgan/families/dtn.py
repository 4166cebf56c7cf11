"""Domain transfer networks: Taigman, Polyak, Wolf, "Unsupervised Cross-Domain Image Generation", ICLR 2017, arXiv 1611.02200."""

from typing import Any

import keras
from keras import ops

from kgan.arguments import BuiltNetwork, Count, Network, NonNegative, Shape
from kgan.engine import Move, Observation, Terms, Turn
from kgan.families.bases.domains import ImageToImage
from kgan.families.bases.generative import check_network, given_or_built
from kgan.networks import dcgan
from kgan.objectives import mean_square, ternary_discriminator, ternary_generator
from kgan.penalties import total_variation
from kgan.types import Array, SeedLike, Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class DomainTransferNetwork(ImageToImage):
    """Pictures of one domain in the manner of another, from both apart, by features that must stay what they were.

    `G(x) = g(f(x))` with features f that nobody moves: only g learns. It is to make pictures of the target of those of the source, to
    leave the target as it is, and to keep what f sees. With s of the source, t of the target, and D the softmax of three logits:

    - discriminator: `-E log D_1(G(s)) - E log D_2(G(t)) - E log D_3(t)` (Eq. 3);
    - generator: `-E log D_3(G(s)) - E log D_3(G(t)) + constancy_weight E |f(s) - f(G(s))|^2 + identity_weight E |t - G(t)|^2 +
      variation_weight (TV(G(s)) + TV(G(t)))` (Eq. 4 to 6), squares as means over numbers.

    Args:
        feature_network: f, a built `keras.Model` from pictures of the source to vectors, such as the inner layer of a classifier
            (`kgan.networks.transfer.trained_features`). It is kept as it is, statistics included, called in inference mode, and saved with
            the model. Pictures of the target go through it as well: of the same height and width; gray ones are repeated for its channels.
        target_shape: `(size, size, channels)` of the target, default: the source's, or what `generator` makes.
        filters: default 128 (the paper's digits: 512, 256, 128 maps from 4x4 up), width of the default networks.
        generator: g, `keras.Model` from features to pictures of the target. Default: DCGAN's, size 8, 16, 32 ...
        discriminator: `keras.Model` from pictures of the target to three logits. Default: DCGAN's.
        constancy_weight: default 15 (the paper's alpha for digits, 100 for faces). It counts in units of f: where features are of size
            one, 1 and less may serve better.
        identity_weight: default 15 (the paper's beta for digits, 1 for faces).
        variation_weight: default 0 (the paper's gamma for digits, 0.05 for faces).
        seed, name, dtype: as in `kgan.AdversarialModel`.

    Input of `fit`: a dict `{"source": images, "target": images}`, float32 in [-1, 1], which need not correspond:
    `kgan.datasets.unpaired` makes minibatches. Output of `transfer`: pictures of the target for pictures of the source;
    `generate(count, condition=images)` does the same. Metrics given to `compile` have no condition; compute them from `transfer`.

    Logs: `discriminator/adversarial`, `discriminator/accuracy` (of three), `generator/adversarial`, `generator/constancy`,
    `generator/identity`, `generator/variation`.

    Default optimizers: Adam(3e-4, beta_1=0.5), the best known port's rate and DCGAN's beta_1; the paper names none. With the port's beta_1
    of 0.9 it takes four times as long: of digits on photographs 0.27, 0.43, 0.72 are read right after 496, 868, 1,984 rounds of 64, with
    0.5 0.74, 0.79, 0.79 (one seed; as they are 0.35).

    Raises:
        ValueError: features that take other pictures than both domains', a discriminator without three logits, data of another kind.

    Departures from the paper: discriminator and generator are DCGAN's, whose moving averages, with which `transfer` works, are those of
    both domains' passes. Classes are numbered from 0 inside. Total variation is the printed
    formula, the isotropic one, which the text calls anisotropic.

    Example:
    >>> import numpy as np, kgan
    >>> rng = np.random.default_rng(0)
    >>> f = kgan.networks.mlp.discriminator((8, 8, 3), (8,), outputs=4, name="features")  # of a classifier, in earnest
    >>> model = kgan.DomainTransferNetwork(f, (8, 8, 1), filters=4, seed=0)
    >>> model.compile()
    >>> source, target = (rng.uniform(-1, 1, (32, 8, 8, channels)).astype("float32") for channels in (3, 1))
    >>> history = model.fit(kgan.datasets.unpaired({"source": source, "target": target}, 16), verbose=0)
    >>> model.transfer(source[:2]).shape
    (2, 8, 8, 1)
    """

    def __init__(
        self,
        feature_network: BuiltNetwork,
        target_shape: Shape | None = None,
        *,
        filters: Count = 128,
        generator: Network | None = None,
        discriminator: Network | None = None,
        constancy_weight: NonNegative = 15.0,
        identity_weight: NonNegative = 15.0,
        variation_weight: NonNegative = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.feature_network = feature_network
        self.source_shape, codes = tuple(feature_network.input_shape[1:]), tuple(feature_network.output_shape[1:])
        if generator is None and discriminator is None and target_shape is None:
            target_shape = self.source_shape
        shape, self.generator, self.discriminator = given_or_built(
            target_shape,
            {"generator": generator, "discriminator": discriminator},
            lambda shape: {
                "generator": lambda: dcgan.generator(shape, codes[0], filters, variant="torch", epsilon=1e-5),
                "discriminator": lambda: dcgan.discriminator(shape, filters, variant="torch", epsilon=1e-5, outputs=3),
            },
        )
        self.target_shape, self.filters = shape, filters
        self.constancy_weight, self.identity_weight = constancy_weight, identity_weight
        self.variation_weight = variation_weight
        if len(self.source_shape) != 3 or len(codes) != 1:
            raise ValueError(
                "`feature_network` must turn pictures (height, width, channels) into vectors. Received a network from "
                f"{self.source_shape} to {codes}."
            )
        if shape[:2] != self.source_shape[:2] or shape[2] not in (1, self.source_shape[2]):
            raise ValueError(
                f"`feature_network` takes pictures {self.source_shape}, and must take those of the target too, of the same height and "
                f"width, gray or of as many channels. The target's are {shape}."
            )
        check_network(self.generator, "generator", codes, shape, "features into pictures of the target")
        check_network(self.discriminator, "discriminator", shape, (3,), "pictures of the target into three logits")

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {move: keras.optimizers.Adam(3e-4, beta_1=0.5, epsilon=1e-8) for move in ("discriminator", "generator")}

    # The game --------------------------------------------------------------------------------------------------------

    def turns(self) -> tuple[Turn, ...]:
        return (
            Turn((Move("discriminator", ("discriminator",), self.discriminator_loss),)),
            Turn((Move("generator", ("generator",), self.generator_loss),), fresh=False),
        )

    def represent(self, images: Tensor) -> Tensor:
        """What f sees in pictures of either domain."""
        times = self.source_shape[-1] // images.shape[-1]
        return self.feature_network(ops.repeat(images, times, axis=-1) if times > 1 else images, training=False)

    def transferred(self, images: Tensor) -> Tensor:
        """G of pictures of either domain, in training or inference as the move is."""
        return self.generator(self.represent(images), training=self.in_training)

    def score(self, images: Tensor) -> Tensor:
        """Three logits `(batch, 3)`."""
        return self.discriminator(images, training=self.in_training)

    def discriminator_loss(self, batch: Any) -> Terms:
        # One pass each: batch norm must not mix what is to be told apart.
        seen = self.transferred(batch["source"]), self.transferred(batch["target"]), batch["target"]
        logits = [self.score(images) for images in seen]
        right = [ops.mean(ops.cast(ops.equal(ops.argmax(own, axis=-1), label), "float32")) for label, own in enumerate(logits)]
        return {"adversarial": ternary_discriminator(*logits), "accuracy": Observation(sum(right) / 3.0)}

    def generator_loss(self, batch: Any) -> Terms:
        source, target = batch["source"], batch["target"]
        seen = self.represent(source)
        changed, kept = self.generator(seen, training=self.in_training), self.transferred(target)
        terms = {"adversarial": ternary_generator(self.score(changed), self.score(kept))}
        if self.constancy_weight:
            terms["constancy"] = self.constancy_weight * mean_square(seen, self.represent(changed))
        if self.identity_weight:
            terms["identity"] = self.identity_weight * mean_square(target, kept)
        if self.variation_weight:
            terms["variation"] = self.variation_weight * (total_variation(changed) + total_variation(kept))
        return terms

    # Data and use ----------------------------------------------------------------------------------------------------

    @property
    def domains(self) -> dict[str, Sizes]:
        return {"source": self.source_shape, "target": self.target_shape}

    def generator_inputs(self, count: int, condition: Any = None, seed: SeedLike = None) -> Tensor:
        """As `ImageToImage`, of either domain, gray pictures with the channels of the source: one compiled function serves both."""
        images = super().generator_inputs(count, condition, seed)
        return ops.repeat(images, self.source_shape[-1] // images.shape[-1], axis=-1)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        return super().call(self.represent(inputs), training=training)

    def transfer(self, images: Array, batch_size: Count = 256) -> Array:
        """Pictures of the source in the manner of the target, with averaged weights if the model keeps averages.

        Args:
            images: array `(count, *source_shape)` in [-1, 1], or `(count, *target_shape)`, which should come back nearly unchanged.
            batch_size: default 256, pictures computed at once.

        Returns:
            NumPy array `(count, *target_shape)` in [-1, 1].
        """
        shape = self.target_shape if tuple(images.shape[1:]) == self.target_shape else self.source_shape
        self.check_examples(images, shape)
        return self.in_inference(self.transferred, images, batch_size=batch_size)
