"""A detector that is trained on covers and stego images after the embedder is done: what an Eve who did not play the game can tell."""

from typing import Any

import keras
import numpy as np

from kgan import checks
from kgan.networks import steganography
from kgan.stego.steganalysis import wilson_interval
from kgan.types import Array, Sizes


class Steganalyzer:
    """A trained detector, made by `steganalyzer`.

    Args:
        network: `keras.Model` from images to logits `(batch, 1)`, above 0 for a cover.
    """

    batch_size = 256

    def __init__(self, network: keras.Model) -> None:
        self.network = network

    def scores(self, images: Array) -> Array:
        """How likely images hide something: minus the logit, array (count,); above 0 for a stego image."""
        images = checks.images(images).astype("float32")
        return -self.network.predict(images, batch_size=self.batch_size, verbose=0).reshape(-1)

    def accuracy(self, covers: Array, stego: Array) -> tuple[float, tuple[float, float]]:
        """Share of right answers on as many covers as stego images, and its 95 % interval.

        Args:
            covers, stego: images (count, height, width, channels) in [-1, 1]; the i-th of one is the i-th of the other with a message.

        Returns:
            `(accuracy, (low, high))`: floats. The interval is Wilson's over pairs, since what is right about a cover is seldom wrong
            about its twin; patches of one photo are more alike than it knows.
        """
        right = np.concatenate([self.scores(covers) <= 0, self.scores(stego) > 0])
        pairs = len(right) // 2
        return float(right.mean()), wilson_interval(float(right.mean()) * pairs, pairs)


def steganalyzer(
    covers: Array,
    stego: Array,
    network: keras.Model | None = None,
    steps: int = 1000,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    symmetries: bool = True,
    joint_batch: bool = True,
    seed: int = 0,
) -> Steganalyzer:
    """Train a detector on pairs of covers and stego images: Eve's loss alone (1703.00371, the supervised steganalyzer).

    Args:
        covers, stego: images (count, height, width, channels) in [-1, 1], pair by pair; of any embedder.
        network: `keras.Model` from images to logits `(batch, 1)`, trained from the weights it has; default:
            `kgan.networks.steganography.analyzer`. Give a new Eve (`kgan.networks.steganography.reader`) for the paper's.
        steps: default 1000, minibatches. batch_size: default 64 pairs. learning_rate: default 1e-3, of Adam; falls to 0
            along a cosine.
        symmetries: default True: pairs are mirrored and turned at random, square images alone.
        joint_batch: default True: covers and stego images pass the network as one batch, so that batch norm cannot hide what tells
            them apart. False: in two, as the Eve of the paper's game sees them; often a much weaker detector.
        seed: default 0, of the order. The default network's weights follow `keras.utils.set_random_seed`.

    Returns:
        `Steganalyzer`. Its figures are for images it has not seen: `accuracy(held_out_covers, their_stego)`.

    Raises:
        ValueError: two sets of different shapes, images in another range.

    Example: a change of the mean is found.

    >>> import numpy as np
    >>> from kgan.stego.learned_steganalysis import steganalyzer
    >>> covers = np.random.default_rng(0).uniform(-0.2, 0.2, (64, 8, 8, 1)).astype("float32")
    >>> found = steganalyzer(covers, -covers.clip(0), steps=60, batch_size=32)
    >>> found.accuracy(covers, -covers.clip(0))[0] > 0.9
    True
    """
    covers, stego = (
        checks.images(images, what).astype("float32") for images, what in ((covers, "Covers"), (stego, "Stego images"))
    )
    if covers.shape != stego.shape:
        raise ValueError(f"Pairs need images of one shape. Received: {covers.shape} and {stego.shape}.")
    checks.positive_integers(steps=steps, batch_size=batch_size)
    if network is None:
        network = steganography.analyzer(covers.shape[-1])
    pairs = _Pairs(
        covers, stego, steps, min(batch_size, len(covers)), symmetries and covers.shape[1] == covers.shape[2], joint_batch, seed
    )
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    trained = network if joint_batch else _in_two(network, covers.shape[1:])
    trained.compile(keras.optimizers.Adam(schedule), keras.losses.BinaryCrossentropy(from_logits=True))
    trained.fit(pairs, epochs=1, shuffle=False, verbose=0)
    return Steganalyzer(network)


class _Pairs(keras.utils.PyDataset):
    """Minibatches of covers and their stego images, labels 1 and 0; what is in the i-th follows from the seed alone."""

    def __init__(
        self, covers: Array, stego: Array, steps: int, batch_size: int, symmetries: bool, joint: bool, seed: int
    ) -> None:
        super().__init__()
        self.pairs, self.steps, self.batch_size = (covers, stego), steps, batch_size
        self.symmetries, self.joint, self.seed = symmetries, joint, seed

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, index: int) -> tuple[Any, Array]:
        rng = np.random.default_rng((self.seed, index))
        chosen = rng.choice(len(self.pairs[0]), self.batch_size, replace=False)
        images = np.concatenate([part[chosen] for part in self.pairs])
        if self.symmetries:
            images = np.rot90(images, int(rng.integers(4)), axes=(1, 2))
            images = images[:, :, ::-1] if rng.integers(2) else images
        images, labels = np.ascontiguousarray(images), np.asarray([1.0, 0.0], "float32")
        if not self.joint:
            return tuple(np.split(images, 2)), np.tile(labels, (self.batch_size, 1))
        return images, labels.repeat(self.batch_size)[:, None]


def _in_two(network: keras.Model, shape: Sizes) -> keras.Model:
    """A model of covers and stego images that calls the network once for each: logits (batch, 2)."""
    both = [keras.Input(shape, name=name) for name in ("covers", "stego")]
    return keras.Model(both, keras.layers.Concatenate(name="logits")([network(part) for part in both]))
