"""The sets of the arena of mode collapse, each with the networks that all families share on it and the judge of their samples."""

from dataclasses import dataclass

import keras
import numpy as np
from keras import layers

from kgan import datasets, metrics, networks, pictures
from kgan.networks import blocks, mlp

SURE = 0.9
"""Probability of its class from which a channel of an image is told for sure."""
LEAST_SHARE = 0.1
"""Of a mode's own share, what samples must reach for it to count as filled; by the papers' rule one stray sample covers a mode."""


@dataclass
class Task:
    """A set of the arena.

    Attributes:
        shape: of one example. latent_size: of the generator. batch_size: examples of one move.
        steps: generator updates. rate: of Adam, beta_1 0.5, for both players.
        count: generated examples that are judged, the papers' number.
        modes: how many there are.
    """

    shape: tuple
    latent_size: int
    batch_size: int
    steps: int
    rate: float
    count: int
    modes: int
    kept: int = 600
    """How many generated examples a picture shows."""

    def optimizer(self):
        return keras.optimizers.Adam(self.rate, beta_1=0.5)


@dataclass
class Points(Task):
    """A Gaussian mixture, with the networks of VEEGAN (1705.07761) and of the ring of Unrolled GAN (1611.02163): two hidden layers of 128
    ReLU against one. Fewer latents than theirs (255, 256): the more, the longer VEEGAN takes."""

    mixture: object = None
    sigmas: tuple = (3.0,)
    """Radius of high quality in standard deviations; figures at further radii carry theirs in the name."""
    units: int = 128
    scale: float = 1.0

    def sample(self, count, seed):
        return self.mixture.sample(count, seed)

    def judge(self, points):
        figures = metrics.mode_statistics(points, self.mixture, self.sigmas[0])
        figures["filled"] = metrics.mode_statistics(points, self.mixture, self.sigmas[0], LEAST_SHARE)["modes"]
        for sigmas in self.sigmas[1:]:
            figures |= {f"{k}@{sigmas:g}": v for k, v in metrics.mode_statistics(points, self.mixture, sigmas).items()}
        return figures

    def generator(self, latent_size=None):
        start = keras.initializers.Orthogonal(0.8)
        return mlp.generator(self.shape, latent_size or self.latent_size, (self.units,) * 2, initializer=start)

    def discriminator(self, normalizer=None):
        start = keras.initializers.Orthogonal(0.8)
        return mlp.discriminator(self.shape, (self.units,), normalizer=normalizer, initializer=start, scale=self.scale)

    def critic(self):
        """The discriminator, without what mixes the examples of a minibatch."""
        return self.discriminator()

    def encoder(self, outputs):
        start = keras.initializers.Orthogonal(0.8)
        network = mlp.discriminator(self.shape, (self.units,) * 2, initializer=start, scale=self.scale, name="encoder")
        return with_outputs(network, outputs, "encoder")

    def pair_discriminator(self, code_size):
        """The discriminator with a code beside the example."""
        examples, code = keras.Input(self.shape, name="examples"), keras.Input((code_size,), name="code")
        x = layers.Rescaling(self.scale, name="scale")(examples)
        judge = mlp.discriminator((self.shape[0] + code_size,), (self.units,), initializer=keras.initializers.Orthogonal(0.8))
        return keras.Model([examples, code], judge(layers.Concatenate(name="pair")([x, code])), name="discriminator")

    def decoder(self, inputs):
        return mlp.generator(self.shape, inputs, (self.units,), name="decoder")

    def view(self, points):
        """What a picture shows of them: the plane; of many dimensions the mean over coordinates, and the first coordinate against it."""
        points = points[: self.kept]
        if points.shape[1] == 2:
            return points
        mean = points.mean(axis=1)
        return np.stack([mean, points[:, 0] - mean], axis=1)

    def draw(self, axis, view):
        real = self.view(self.mixture.sample(self.kept, 0))
        axis.scatter(real[:, 0], real[:, 1], s=1, color="0.8", linewidths=0)
        axis.scatter(view[:, 0], view[:, 1], s=1.5, color="tab:red", alpha=0.6, linewidths=0)
        low, high = real.min(axis=0), real.max(axis=0)
        margin = 0.25 * (high - low)
        axis.set_xlim(low[0] - margin[0], high[0] + margin[0])
        axis.set_ylim(low[1] - margin[1], high[1] + margin[1])


@dataclass
class Stacks(Task):
    """Stacked digits, with Unrolled GAN's networks for stacked MNIST, and their discriminator of half the channels."""

    kept: int = 36
    filters: int = 32
    dataset: str = "digits"

    def sample(self, count, seed):
        return datasets.stack_digits(count, "train", seed, self.dataset)[0]

    def judge(self, images):
        judge = metrics.extractor(metrics.extractor_name_of(self.dataset, (*self.shape[:2], 1)))
        probabilities = metrics.channel_probabilities(images, judge)
        labels, sure = probabilities.argmax(-1), (probabilities.max(-1) >= SURE).all(-1)
        figures = metrics.stacked_mode_statistics(labels)
        filled = metrics.stacked_mode_statistics(labels, least_share=LEAST_SHARE)["modes"]
        confident = metrics.stacked_mode_statistics(labels[sure])["modes"] if sure.any() else 0
        return {
            "modes": figures["modes"],
            "filled": filled,
            "confident": confident,
            "sure": float(sure.mean()),
            "kl": figures["kl"],
        }

    def generator(self, latent_size=None):
        return networks.unrolled.generator(self.shape, latent_size or self.latent_size, self.filters)

    def discriminator(self, normalizer=None):
        return networks.unrolled.discriminator(self.shape, self.filters // 2, normalizer=normalizer)

    def critic(self):
        return networks.unrolled.discriminator(self.shape, self.filters // 2, batch_norm=False)

    def encoder(self, outputs):
        return with_outputs(networks.unrolled.discriminator(self.shape, self.filters, name="encoder"), outputs, "encoder")

    def pair_discriminator(self, code_size):
        """The discriminator with a code beside its features, joined by a dense layer."""
        network, code = self.discriminator(), keras.Input((code_size,), name="code")
        x = layers.Concatenate(name="pair")([network.layers[-1].input, code])
        x = blocks.activation(0.3, "joint_activation")(blocks.dense(128, "joint")(x))
        return keras.Model([network.input, code], blocks.dense(1, "logit")(x), name="discriminator")

    def decoder(self, inputs):
        return networks.unrolled.generator(self.shape, inputs, self.filters, name="decoder")

    def view(self, images):
        return datasets.to_uint8(images[: self.kept])

    def draw(self, axis, view):
        axis.imshow(pictures.image_grid(view / 127.5 - 1.0, scale=1))


def with_outputs(network, outputs, name):
    """The network with another last layer."""
    return keras.Model(network.input, blocks.dense(outputs, "output")(network.layers[-1].input), name=name)


def tasks():
    """The sets by name."""
    plane = {"shape": (2,), "latent_size": 64, "batch_size": 128, "rate": 1e-3, "count": 2500}
    return {
        "ring": Points(**plane, steps=8000, modes=8, mixture=datasets.ring(radius=2.0, stddev=0.02)),
        "grid": Points(**plane, steps=8000, modes=25, mixture=datasets.grid()),
        "gaussian1200": Points(
            (1200,), 256, 128, 4000, 1e-3, 2500, 10, mixture=datasets.gaussian1200(), sigmas=(10.0, 30.0), units=256, scale=0.1
        ),
        "stacked": Stacks((8, 8, 3), 256, 128, 4000, 1e-3, 26_000, 1000),
        # The papers' size: 64 maps at 4x4 down to 8 in the generator, 4, 8 and 16 in the discriminator.
        "stacked_mnist": Stacks((28, 28, 3), 256, 128, 4000, 1e-3, 26_000, 1000, filters=8, dataset="mnist"),
    }
