"""The networks of CausalGAN and CausalBEGAN: Kocaoglu et al., ICLR 2018, arXiv 1709.02023, and of their authors' code."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Self

import keras
import numpy as np
from keras import layers, ops

from kgan import backend
from kgan.causal import graphs
from kgan.causal.graphs import Assignment, GraphLike
from kgan.causal.sampling import LabelSamples, sample
from kgan.layers import MinibatchDiscrimination
from kgan.networks import autoencoders, dcgan, mlp
from kgan.networks.blocks import Nonlinearity, activation, conv
from kgan.priors import Uniform
from kgan.types import Array, Config, SeedLike, Sizes, Tensor

_AT_ONCE = 65_536


@keras.saving.register_keras_serializable("kgan")
class CausalNetwork(keras.Model):
    """A generator of labels wired along a causal graph: one small network a node, `l_i = s(f_i([z_i, l_parents]))`.

    Children see the outputs of their parents as they are, not rounded.

    Args:
        graph: `kgan.causal.CausalGraph`, or what `kgan.causal.graph` takes.
        noise_size: default 10 (the paper's): numbers of exogenous noise for every node.
        hidden: default five layers of 10 (the paper's), of every node's network.
        nonlinearity: default 0.2 (the authors' code): slope of a leaky ReLU, or a Keras activation.
        initializer: of all kernels, default "glorot_uniform"; the paper's synthetic experiments use N(0, 0.7).
        prior: of the noise, default `kgan.priors.Uniform(-1, 1)` (the authors'; U[0, 1] in the synthetic experiments).

    Input shape: `(batch, nodes * noise_size)`. Output shape: `(batch, nodes)`, in (0, 1), columns in the order of `graph.nodes`.

    Example:
    >>> import keras, kgan
    >>> network = kgan.networks.CausalNetwork("collider", noise_size=2, hidden=(4,))
    >>> z = kgan.priors.Uniform()((3, 6), seed=0)
    >>> [float(x) for x in network(z, do={"X2": 1})[:, 1]]
    [1.0, 1.0, 1.0]
    """

    def __init__(
        self,
        graph: GraphLike,
        noise_size: int = 10,
        hidden: Sizes = (10,) * 5,
        nonlinearity: Nonlinearity = 0.2,
        initializer: Any = "glorot_uniform",
        prior: Any = None,
        name: str = "generator",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        if not isinstance(noise_size, int) or noise_size < 1:
            raise ValueError(f"`noise_size` must be an integer >= 1. Received: {noise_size!r}.")
        self.graph = graphs.graph(graph)
        self.noise_size = noise_size
        self.hidden = tuple(hidden)
        self.nonlinearity = nonlinearity
        self.initializer = keras.initializers.get(initializer)
        self.prior = Uniform(-1.0, 1.0) if prior is None else prior
        # By place, not by name: names may hold anything, and one may be part of another.
        self.nodes = [
            mlp.discriminator(
                (noise_size + len(self.graph.parents[node]),),
                self.hidden,
                nonlinearity,
                initializer=self.initializer,
                name=f"node_{place}",
            )
            for place, node in enumerate(self.graph.nodes)
        ]
        self.built = True

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        return (None, len(self.graph) * self.noise_size)

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        return (None, len(self.graph))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return (input_shape[0], len(self.graph))

    def call(self, latents: Tensor, training: bool | None = None, do: Mapping[str, Any] | None = None) -> Tensor:
        """Labels from noise. `do`: dict of node to a number; those nodes' networks are skipped, and all that follows sees the number."""
        do, outputs = do or {}, {}
        for node in do:
            self.graph.index(node)  # refuses what is no node
        latents = ops.convert_to_tensor(latents)
        for node in self.graph.order:
            place = self.graph.index(node)
            if node in do:
                outputs[node] = ops.full((ops.shape(latents)[0], 1), float(do[node]), dtype=latents.dtype)
                continue
            noise = latents[:, place * self.noise_size : (place + 1) * self.noise_size]
            causes = [ops.cast(outputs[parent], noise.dtype) for parent in self.graph.parents[node]]
            logit = self.nodes[place](ops.concatenate([noise, *causes], axis=-1), training=training)
            outputs[node] = ops.sigmoid(logit)
        return ops.concatenate([ops.cast(outputs[node], "float32") for node in self.graph.nodes], axis=-1)

    def noise(self, count: Any, seed: SeedLike) -> Tensor:
        """Noise for `count` samples, from an int or a `keras.random.SeedGenerator`."""
        return self.prior((count, self.input_shape[-1]), seed)

    def draw(self, count: Any, seed: SeedLike) -> Tensor:
        """Labels for a training step, rounded to 0 and 1: a float32 tensor `(count, nodes)`."""
        return ops.round(self(self.noise(count, seed), training=False))

    def sample(
        self,
        count: int,
        do: Assignment | None = None,
        condition: Assignment | None = None,
        seed: SeedLike = None,
        max_draws: int = 1_000_000,
    ) -> LabelSamples:
        """Labels of 0 and 1; arguments, result and errors as in `kgan.CausalController.sample`. `seed` may be a seed generator."""
        noise = seed if isinstance(seed, keras.random.SeedGenerator) else keras.random.SeedGenerator(seed)

        def rows(size: int, do: dict[str, int]) -> Array:
            parts = [min(_AT_ONCE, size - start) for start in range(0, size, _AT_ONCE)]
            with backend.no_gradient():
                soft = [self(self.noise(part, noise), training=False, do=do) for part in parts]
                return np.concatenate([ops.convert_to_numpy(ops.round(labels)) for labels in soft])

        return sample(self.graph, rows, count, do, condition, max_draws)

    def copy(self, name: str, values: Iterable[tuple[Any, Any]] = ()) -> "CausalNetwork":
        """A network apart with the weights of this one; `values`: pairs of a weight and what counts in its place, such as an average."""
        copy = CausalNetwork.from_config({**self.get_config(), "name": name})
        with backend.Overlay(values):
            arrays = [ops.convert_to_numpy(ops.convert_to_tensor(v)) for v in self.variables]
        for variable, array in zip(copy.variables, arrays, strict=True):
            variable.assign(array)
        return copy

    def get_config(self) -> Config:
        return {
            "graph": keras.saving.serialize_keras_object(self.graph),
            "noise_size": self.noise_size,
            "hidden": list(self.hidden),
            "nonlinearity": self.nonlinearity,
            "initializer": keras.initializers.serialize(self.initializer),
            "prior": keras.saving.serialize_keras_object(self.prior),
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: Config, custom_objects: Mapping[str, Any] | None = None) -> Self:
        objects = {
            key: keras.saving.deserialize_keras_object(config[key], custom_objects=custom_objects) for key in ("graph", "prior")
        }
        return cls(**{**config, **objects})


def minibatch_features(maps: Tensor, kernels: int = 300, kernel_size: int = 50, filters: int = 64) -> Tensor:
    """How close the other examples of the minibatch are, as further maps.

    Two convolutions of stride 2, a dense layer to `kernels` rows of `kernel_size` numbers, and per kernel the mean over the minibatch of
    `exp(-L1 distance)`, laid over all positions.

    Args:
        maps: tensor `(batch, height, width, channels)` of a functional network.
        kernels, kernel_size, filters: defaults 300, 50, 64 (the authors').

    Returns:
        Tensor `(batch, height, width, channels + kernels)`.
    """
    initializer = keras.initializers.TruncatedNormal(0.0, 0.02)
    x = activation(0.2, "minibatch_0_leaky")(conv(filters, 5, "minibatch_0", 2, initializer)(maps))
    x = layers.Flatten(name="minibatch_flatten", data_format="channels_last")(conv(filters, 5, "minibatch_1", 2, initializer)(x))
    normal = keras.initializers.RandomNormal(0.0, 0.02)
    similarities = MinibatchDiscrimination(
        kernels,
        kernel_size,
        normalize=False,
        average=True,
        append=False,
        kernel_initializer=normal,
        name="minibatch_similarities",
    )(x)
    laid = layers.RepeatVector(maps.shape[1] * maps.shape[2], name="minibatch_repeat")(similarities)
    laid = layers.Reshape((*maps.shape[1:3], kernels), name="minibatch_lay")(laid)
    return layers.Concatenate(name="minibatch_join")([maps, laid])


def image_networks(
    image_shape: Sizes,
    labels: int,
    latent_size: int = 100,
    filters: int = 64,
    kernels: int = 300,
    kernel_size: int = 50,
    epsilon: float = 1e-5,
) -> tuple[keras.Model, ...]:
    """Generator, discriminator, labeler and anti-labeler of CausalGAN: DCGAN's networks, minibatch features in the discriminator.

    Batch norm is per map everywhere, behind the generator's dense layer too (the authors' code; DCGAN's is per unit there).

    Args:
        image_shape: `(size, size, channels)`, size 4 times a power of two, at least 8.
        labels: number of labels; the generator's input is `[z, labels]`, the labelers return a logit for each.
        latent_size: default 100 (the paper's), of z.
        filters: default 64 (the paper's), maps at half the image's size.
        kernels, kernel_size: of `minibatch_features`, behind the second convolution (8x8 images: the only one); `kernels=0` leaves them
            out.
        epsilon: default 1e-5 (the authors'), of batch norm; narrow networks want 1e-3.

    Returns:
        Four `keras.Model`s.

    Departures from the code: convolutions are padded alike on all sides, as in DCGAN.
    """
    # The authors' framework cuts off the normal distribution at two deviations for convolutions alone.
    normal = keras.initializers.RandomNormal(0.0, 0.02)
    size = {"filters": filters, "epsilon": epsilon, "biases": True, "gamma": "ones", "dense_initializer": normal}
    place = min(1, int(math.log2(max(8, image_shape[0]) // 4)) - 1)

    def tap(maps: Tensor, level: int) -> Tensor:
        return minibatch_features(maps, kernels, kernel_size, filters) if kernels and level == place else maps

    truncated = keras.initializers.TruncatedNormal(0.0, 0.02)
    generator = dcgan.generator(image_shape, latent_size + labels, first_norm_per_map=True, **size)
    discriminator = dcgan.discriminator(image_shape, initializer=truncated, tap=tap, **size)
    labelers = (
        dcgan.discriminator(image_shape, initializer=truncated, outputs=labels, name=name, **size)
        for name in ("labeler", "anti_labeler")
    )
    return generator, discriminator, *labelers


def boundary_networks(
    image_shape: Sizes, labels: int, latent_size: int = 64, filters: int = 128
) -> tuple[keras.Model, keras.Model, keras.Model]:
    """Generator, auto-encoder and labeler of CausalBEGAN: 3x3 convolutions with ELU, nearest-neighbor doubling, no normalization.

    Args:
        image_shape: `(size, size, channels)`, size 8 times a power of two.
        labels: number of labels; the generator's input is `[z, labels]`.
        latent_size: default 64 (the paper's), of z and of the auto-encoder's code.
        filters: default 128 (the paper's n); the encoder's scale k has k times as many.

    Returns:
        Three `keras.Model`s: to images (no bounds), from images to images, from images to logits.
    """
    image_shape = autoencoders.check_boundary_shape(image_shape)
    latents = keras.Input((latent_size + labels,), name="latent")
    labeled = keras.Input(image_shape, name="images")
    return (
        keras.Model(latents, autoencoders.boundary_decoder(latents, image_shape, filters), name="generator"),
        autoencoders.boundary(image_shape, latent_size, filters),
        keras.Model(labeled, autoencoders.boundary_encoder(labeled, filters, labels), name="labeler"),
    )
