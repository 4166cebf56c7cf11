"""Examples that a generator misses, as a discriminator trained for nothing else sees them: Che et al. 2017, arXiv 1612.02136."""

from typing import Any, NamedTuple

import keras
import numpy as np

from kgan.arguments import COUNT, NETWORK, NONNEGATIVE, SEED, require
from kgan.networks import mlp
from kgan.types import Array, Sizes


class MissingModes(NamedTuple):
    """What `missing_modes` finds.

    Attributes:
        missing: how many of the held-out examples the generator misses. of: how many there are.
        probabilities: array `(of,)`, D*(x) for each, the probability that it is real if there were as many real as generated ones.
    """

    missing: int
    of: int
    probabilities: Array


def missing_modes(
    real: Array,
    generated: Array,
    held_out: Array,
    network: keras.Model | None = None,
    *,
    instance_noise: float = 0.0,
    threshold: float = 0.9,
    epochs: int = 20,
    batch_size: int = 128,
    learning_rate: float = 1e-3,
    seed: int = 0,
) -> MissingModes:
    """Count held-out examples that a third discriminator is sure are no samples.

    When a training is over, a new discriminator D* learns to tell real from generated examples, both under Gaussian noise. At its optimum
    `D*(x) = p(x) / (p(x) + q(x))`, p and q the densities of both kinds blurred by the noise: near 1 where there are data and no samples.
    The noise makes them overlap; without, a discriminator may tell any two finite sets apart, and everything is missing. Compare generators
    by the same network, noise and number of examples. A held-out example is looked at without noise.

    Args:
        real, generated: float arrays `(count, *shape)`, of equal counts: what D* learns from.
        held_out: float array `(of, *shape)`, real examples that D* has not seen.
        network: a built network of one logit, from a copy of which D* is trained; it stays as it is. Default: two layers of 256 leaky ReLU.
        instance_noise: standard deviation per coordinate, >= 0, default 0. The paper takes 3.5 and 4 for CelebA in [-1, 1], 64x64.
        threshold: in (0.5, 1), default 0.9 (ours): where D* says more, q is less than a ninth of p.
        epochs, batch_size, learning_rate: of D*'s training by Adam, whose rate falls to 0 along a cosine. Defaults 20, 128 and 1e-3, ours.
        seed: default 0: of the default network's weights, the order and the noise.

    Returns:
        `MissingModes`.

    Raises:
        ValueError, TypeError: for counts that differ or are too small, other shapes, numbers out of range.

    Example: samples on one side of the data.

    >>> import numpy as np, kgan
    >>> x = np.random.default_rng(0).normal(size=(3, 512, 1)).astype("float32")
    >>> found = kgan.metrics.missing_modes(x[0], 4.0 + x[1], x[2], epochs=10, batch_size=64, learning_rate=0.01)
    >>> found.missing > 400, found.of
    (True, 512)
    """
    require(COUNT, epochs=epochs, batch_size=batch_size)
    require(NONNEGATIVE, instance_noise=instance_noise, learning_rate=learning_rate)
    require(SEED, seed=seed)
    if not 0.5 < threshold < 1.0:
        raise ValueError(f"`threshold` must lie in (0.5, 1). Received: {threshold!r}.")
    real, generated, held_out = (
        _finite(a, what) for a, what in ((real, "real"), (generated, "generated"), (held_out, "held_out"))
    )
    if real.shape != generated.shape or real.shape[1:] != held_out.shape[1:]:
        raise ValueError(
            "`real` and `generated` need the same shape and `held_out` examples of it. Received: "
            f"{real.shape}, {generated.shape}, {held_out.shape}."
        )
    if 2 * len(real) < batch_size:
        raise ValueError(
            f"{len(real)} examples of each kind make no minibatch of {batch_size}. Give more, or a smaller `batch_size`."
        )
    rng = np.random.default_rng(seed)
    if network is None:
        network = _default_network(real.shape[1:], rng)
    require(NETWORK, network=network)
    judge = keras.models.clone_model(network)
    judge.set_weights(network.get_weights())
    steps = 2 * len(real) // batch_size
    judge.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(learning_rate, epochs * steps)),
        keras.losses.BinaryCrossentropy(from_logits=True),
    )
    examples, labels = np.concatenate([real, generated]), np.repeat([1.0, 0.0], len(real)).astype("float32")[:, None]
    for _ in range(epochs):
        chosen = rng.permutation(len(examples))[: steps * batch_size]
        noise = instance_noise * rng.standard_normal((len(chosen), *real.shape[1:]), dtype="float32")
        judge.fit(examples[chosen] + noise, labels[chosen], batch_size=batch_size, shuffle=False, verbose=0)
    logits = judge.predict(held_out, batch_size=1024, verbose=0).astype("float64").ravel()
    probabilities = 0.5 * (1.0 + np.tanh(0.5 * logits))
    return MissingModes(int((probabilities > threshold).sum()), len(held_out), probabilities)


def _finite(array: Any, what: str) -> Array:
    array = np.asarray(array)
    if array.ndim < 2 or not len(array) or not np.issubdtype(array.dtype, np.floating) or not np.isfinite(array).all():
        raise ValueError(f"`{what}` must be a finite float array (count, ...). Received: {array.dtype} {array.shape}.")
    return array.astype("float32")


def _default_network(shape: Sizes, rng: np.random.Generator) -> keras.Model:
    network = mlp.discriminator(shape, (256, 256), 0.2, name="third_discriminator")
    for kernel in network.trainable_variables:
        if len(kernel.shape) == 2:  # drawn from the seed of the call, and not from the global one
            kernel.assign(rng.normal(size=kernel.shape) * np.sqrt(2.0 / sum(kernel.shape)))
    return network
