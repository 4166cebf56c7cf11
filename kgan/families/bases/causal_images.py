"""What CausalGAN and CausalBEGAN share: images of labels that a frozen causal model draws. Kocaoglu et al., ICLR 2018, arXiv 1709.02023."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from kgan.arguments import Count, Network, Shape
from kgan.causal import LabelSamples, StructuralModel
from kgan.causal.graphs import Assignment
from kgan.families.bases.generative import GenerativeModel, check_network, given_or_built
from kgan.families.causal_controller import CausalController, are_binary
from kgan.networks import CausalNetwork
from kgan.priors import Uniform
from kgan.types import Array, SeedLike, Sizes, Tensor


class CausalImages(GenerativeModel):
    """A generator of `[z, labels]` whose labels come from a causal model that stays as it is.

    Args:
        controller: what `label_source` takes.
        image_shape: shape of one example. Not needed when the networks are given.
        filters: width of the default networks. noise_size: length of z.
        generator, discriminator, labeler: given all, the `further` ones too, or none.
        further: the networks that a family has beside these, by their roles: given ones, or None.
        prior: of z, default `Uniform(-1, 1)`. **kwargs: of `kgan.AdversarialModel`.
    """

    fixed_arguments = ("data_shape", "further", "latent_size")
    default_prior = Uniform(-1.0, 1.0)
    default_networks: ClassVar[Callable[..., tuple[keras.Model, ...]]]
    """`(image_shape, labels, noise_size, filters) -> networks`, a generator, a discriminator, a labeler, and the family's further ones."""

    def __init__(
        self,
        controller: Any,
        image_shape: Shape | None = None,
        *,
        filters: Count,
        noise_size: Count,
        generator: Network | None = None,
        discriminator: Network | None = None,
        labeler: Network | None = None,
        further: Mapping[str, keras.Model | None] | None = None,
        **kwargs: Any,
    ) -> None:
        controller = label_source(controller)
        labels = len(controller.graph)
        given = {"generator": generator, "discriminator": discriminator, "labeler": labeler, **(further or {})}

        def build(shape: Sizes) -> dict[str, Callable[[], keras.Model]]:
            made = self.default_networks(shape, labels, noise_size, filters)
            return {role: _made(network) for role, network in zip(given, made, strict=True)}

        shape, generator, *judges = given_or_built(image_shape, given, build, together=True)
        super().__init__(shape, generator=generator, latent_size=noise_size + labels, **kwargs)
        self.image_shape = self.data_shape
        self.filters = filters
        self.noise_size = noise_size
        # No move names it, so it stays as it is.
        self.controller = controller
        self.graph = controller.graph
        _, *roles = given
        for role, network in zip(roles, judges, strict=True):
            setattr(self, role, network)
        check_network(self.generator, "generator", (noise_size + labels,), self.data_shape, "[z, labels] into examples")
        for role in roles[1:]:
            what = f"examples into a logit for each of {list(self.graph.nodes)}"
            check_network(getattr(self, role), role, self.data_shape, (labels,), what)

    # Data ------------------------------------------------------------------------------------------------------------

    def fit(self, x: Any, y: Any = None, **kwargs: Any) -> keras.callbacks.History:
        """As in `kgan.AdversarialModel`, all labels checked first where they are in memory."""
        y = self.graph.checked(y)
        self.graph.warn_of_gaps(y)
        return super().fit(x, y, **kwargs)

    def evaluate(self, x: Any = None, y: Any = None, **kwargs: Any) -> Any:
        return super().evaluate(x, self.graph.checked(y), **kwargs)

    def unpack(self, data: Any) -> Any:
        images, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        if hasattr(labels, "keys"):
            labels = ops.stack([ops.cast(column, "float32") for column in self.graph.columns(labels)], axis=-1)
        return images, None if labels is None else ops.cast(labels, "float32")

    def check_data(self, batch: Any, shape: Sizes | None = None) -> None:
        images, labels = batch
        if labels is None:
            raise ValueError(f"Train with fit(images, labels), labels of {list(self.graph.nodes)} in {{0, 1}}.")
        super().check_data(np.asarray(images))
        self.graph.check_discrete(ops.convert_to_numpy(labels))

    def labels_in_range(self, batch: Any) -> Tensor:
        return are_binary(batch[1])

    # Labels ----------------------------------------------------------------------------------------------------------

    def coded(self, labels: Tensor, seed: SeedLike) -> Tensor:
        """What the generator is given for labels of 0 and 1."""
        return labels

    def generated_with_labels(self, count: Any) -> tuple[Tensor, Tensor, Tensor]:
        """`count` generated examples on fresh noise, with what coded their labels and the labels of 0 and 1."""
        labels = self.controller.draw(count, self.seed_generator)
        coded = self.coded(labels, self.seed_generator)
        latents = ops.concatenate([self.prior((count, self.noise_size), self.seed_generator), coded], axis=-1)
        return self.generator(latents, training=self.in_training), coded, labels

    # Generation ------------------------------------------------------------------------------------------------------

    def generator_inputs(self, count: int, condition: Any = None, seed: SeedLike = None) -> Any:
        """`[z, coded labels]`.

        Args:
            count: int.
            condition: None: labels from the observational distribution. A dict of label to 0 or 1: from the conditional one. An array
                `(count, labels)`, or a dict of label to array `(count,)`: these labels.
            seed: as in `generate`.
        """
        noise = seed if isinstance(seed, keras.random.SeedGenerator) else keras.random.SeedGenerator(seed)
        if condition is None:
            labels = self.controller.draw(count, noise)
        elif isinstance(condition, dict) and all(np.ndim(value) == 0 for value in condition.values()):
            labels = self.controller.sample(count, condition=condition, seed=_start(noise)).matrix()
        else:
            labels = self.graph.matrix(condition)
            if len(labels) != count:
                raise ValueError(f"`condition` holds the labels of {len(labels)} examples, `count` is {count}.")
        coded = self.coded(ops.convert_to_tensor(labels, "float32"), noise)
        return ops.concatenate([self.prior((count, self.noise_size), noise), coded], axis=-1)

    def sample(
        self,
        count: int,
        do: Assignment | None = None,
        condition: Assignment | None = None,
        seed: int | None = None,
        max_draws: int = 1_000_000,
    ) -> tuple[Array, LabelSamples]:
        """Images with their labels, from the observational, an interventional or a conditional distribution.

        Args:
            count: >= 1.
            do, condition, max_draws: as in `kgan.CausalController.sample`: dicts of label to 0 or 1, or None; int.
            seed: the same seed draws the same samples; None (default) draws new ones at each call.

        Returns:
            `(images, labels)`: array `(count, *data_shape)`, and the controller's `kgan.causal.LabelSamples`.
        """
        noise = self.generation_noise if seed is None else keras.random.SeedGenerator(seed)
        labels = self.controller.sample(count, do, condition, _start(noise), max_draws)
        return self.generate(count, condition=labels.matrix(), seed=noise), labels


def _made(network: keras.Model) -> Callable[[], keras.Model]:
    return lambda: network


def _start(noise: SeedLike) -> int:
    """A seed for the controller's noise drawn from that of the images. The same seed for both would make z a function of the labels'."""
    return int(keras.random.randint((), 0, 2**31 - 1, seed=noise))


def label_source(controller: Any) -> Any:
    """The causal model of the labels that a controller stands for: a copy of its network, or the structural model that it is."""
    if isinstance(controller, CausalController):
        return controller.network()
    if isinstance(controller, CausalNetwork):
        return controller.copy(controller.name)
    if isinstance(controller, StructuralModel):
        return controller
    raise TypeError(
        "`controller` must be a kgan.CausalController, trained on the labels, or a kgan.causal.StructuralModel. "
        f"Received: {type(controller).__name__}."
    )


def label_accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """Share of labels on whose side of 0 the logits are."""
    return ops.mean(ops.cast(ops.equal(logits > 0, labels > 0.5), "float32"))
