"""Behavior cloning: maximum likelihood of an expert's actions, the baseline of imitation, and a warm start."""

import keras
import numpy as np
from keras import ops

from kgan.arguments import COUNT, POSITIVE, SEED, require
from kgan.control.demonstrations import Demonstrations
from kgan.objectives import gaussian_log_density
from kgan.types import Tensor


def clone_behavior(
    policy: keras.Model,
    demonstrations: Demonstrations,
    intentions: int = 0,
    steps: int = 2000,
    batch_size: int = 256,
    learning_rate: float = 1e-3,
    seed: int = 0,
) -> list[float]:
    """Train a Gaussian policy on `-log pi(a | s)` of demonstrations, by Adam. Of experts that part ways it learns the mean of the ways.

    Args:
        policy: as `kgan.networks.control.gaussian_policy` makes it; it is trained in place.
        demonstrations: actions in [-1, 1].
        intentions: default 0: width of the intention behind the observations; where there is one, it is drawn at random for each pair, as
            demonstrations do not tell it.
        steps: default 2000. batch_size: default 256. learning_rate: default 1e-3.
        seed: default 0: of the order of the pairs.

    Returns:
        The loss of every step, in nats a pair.

    Example:
    >>> import numpy as np, kgan
    >>> world = kgan.control.PointMass(4)
    >>> shown = kgan.control.Demonstrations.record(world, world.expert, np.eye(2)[[0, 1, 0, 1]], seeds=[0, 1, 2, 3])
    >>> policy = kgan.networks.control.gaussian_policy(2, 2, hidden=(8,))
    >>> losses = kgan.control.clone_behavior(policy, shown, steps=200)
    >>> losses[-1] < losses[0]
    True
    """
    require(COUNT, steps=steps, batch_size=batch_size)
    require(POSITIVE, learning_rate=learning_rate)
    require(SEED, seed=seed)
    # Another model of the same layers: the policy itself stays without optimizer and loss, as it is saved.
    trained = keras.Model(policy.input, policy.output)
    trained.compile(optimizer=keras.optimizers.Adam(learning_rate), loss=_negative_log_density)
    rng, losses = np.random.default_rng(seed), []
    for _ in range(steps):
        observations, actions = demonstrations.pairs(batch_size, rng)
        told = np.eye(intentions, dtype="float32")[rng.integers(intentions, size=batch_size)] if intentions else None
        inputs = observations if told is None else np.concatenate([observations, told], axis=-1)
        losses.append(float(trained.train_on_batch(inputs, actions)))
    return losses


def _negative_log_density(actions: Tensor, parameters: Tensor) -> Tensor:
    means, log_stds = ops.split(parameters, 2, axis=-1)
    return -gaussian_log_density(actions, means, log_stds)
