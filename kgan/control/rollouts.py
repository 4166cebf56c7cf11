"""Episodes: a policy in several copies of an environment, every episode from a seed of its own."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras
import numpy as np

from kgan.arguments import COUNT, require
from kgan.control.environments import Environment, describe, from_unit
from kgan.types import Array

Act = Callable[[Array, Array, Array], Array]
"""A policy: `(observations, intentions, unit normal noise) -> actions in [-1, 1]`, arrays with a row for every copy."""


class Rollouts(NamedTuple):
    """Episodes of one length.

    Attributes:
        observations: `(episodes, steps + 1, numbers)`, those after the last step included; behind the end of an episode its last.
        actions: `(episodes, steps, numbers)` in [-1, 1], as the policy drew them, before they are clipped.
        intentions: `(episodes, intentions)`, what the policy was told.
        alive: `(episodes, steps + 1)`: 1 for states from which an episode goes on, or is cut off; 0 for one that ended it, and behind.
        rewards: `(episodes, steps)`, the environment's own, which imitation does not see; 0 behind the end.
        seeds: `(episodes,)`, from which each is played again.
    """

    observations: Array
    actions: Array
    intentions: Array
    alive: Array
    rewards: Array
    seeds: Array

    @property
    def last(self) -> Array:
        """The last observation of every episode, `(episodes, numbers)`, one that ended it included."""
        return self.observations[:, -1]


def actor(policy: keras.Model) -> Act:
    """A policy network, such as a model's `policy` or one read from a file, as what `rollout` takes.

    Args:
        policy: from observations beside intentions to means and logarithms of standard deviations, as
            `kgan.networks.control.gaussian_policy` makes it.
    """

    def act(observations: Array, intentions: Array, noise: Array) -> Array:
        inputs = np.concatenate([observations, intentions], axis=-1).astype("float32")
        means, log_stds = np.split(keras.ops.convert_to_numpy(policy.predict_on_batch(inputs)), 2, axis=-1)
        return means + np.exp(log_stds) * noise

    return act


def rollout(
    act: Act,
    environment: Environment,
    intentions: Array,
    seeds: Sequence[int],
    horizon: int | None = None,
    noise: float = 1.0,
) -> Rollouts:
    """Play episodes. The seed of each decides its first state and its noise: beside which others it is played changes nothing.

    Args:
        act: `actor(policy)`, or any function of this kind, such as an environment's `expert`.
        environment: its actions are scaled from [-1, 1] to its box.
        intentions: `(episodes, intentions)`, one for every episode. seeds: one whole number for every episode, as many episodes as the
            environment has copies, or a multiple.
        horizon: steps; default: the environment's. noise: default 1: factor of the noise; with 0 a policy takes its means.

    Returns:
        `Rollouts`, float32.

    Raises:
        ValueError: for another number of episodes; an environment that cuts episodes off before the horizon, or begins the next one in
            the step that ends one.

    Example: an expert in the plane.

    >>> import numpy as np, kgan
    >>> world = kgan.control.PointMass(2)
    >>> found = kgan.control.rollout(world.expert, world, np.eye(2), [0, 1])
    >>> found.observations.shape, world.distances(found.last).argmin(1).tolist()
    ((2, 36, 2), [0, 1])
    """
    about = describe(environment, horizon)
    steps, copies, count = horizon or about["horizon"], environment.num_envs, len(seeds)
    require(COUNT, horizon=steps)
    if len(intentions) != count or not count or count % copies:
        raise ValueError(
            f"Give as many intentions as seeds, a multiple of the {copies} copies that the environment has. Received {len(intentions)} "
            f"intentions and {count} seeds."
        )
    mode = getattr(environment, "metadata", None) or {}
    if "SAME_STEP" in str(mode.get("autoreset_mode", "")).upper():
        raise ValueError("This environment shows no last observation of an episode. Make it with AutoresetMode.NEXT_STEP.")
    parts = [
        _episodes(
            act, environment, np.asarray(intentions[s : s + copies]), seeds[s : s + copies], steps, noise, about["action_size"]
        )
        for s in range(0, count, copies)
    ]
    seen, actions, alive, rewards = (np.concatenate(arrays).astype("float32") for arrays in zip(*parts, strict=True))
    return Rollouts(seen, actions, np.asarray(intentions, "float32"), alive, rewards, np.asarray(seeds, "int64"))


def _episodes(
    act: Act, environment: Environment, intentions: Array, seeds: Sequence[int], steps: int, noise: float, size: int
) -> tuple[Array, Array, Array, Array]:
    seeds = [int(seed) for seed in seeds]
    drawn = noise * np.stack([np.random.default_rng((seed, 1)).normal(size=(steps, size)) for seed in seeds])
    observation, _ = environment.reset(seed=seeds)
    going = np.ones(len(seeds), bool)
    observations, actions, alive, rewards = [observation], [], [going], []
    for step in range(steps):
        action = act(observation, intentions, drawn[:, step])
        observation, reward, terminated, truncated, _ = environment.step(from_unit(action, environment.single_action_space))
        rewards.append(np.where(going, reward, 0.0))
        if step < steps - 1 and (going & truncated & ~terminated).any():
            raise ValueError(
                f"The environment cut an episode off after {step + 1} steps, before the horizon of {steps}. Give a shorter `horizon`."
            )
        # Behind its end an episode shows whatever the environment shows; no number of it counts, but all have to be finite.
        observation = np.where(going[:, None], observation, observations[-1])
        going = going & ~terminated
        observations.append(observation)
        actions.append(action)
        alive.append(going)
    return tuple(np.stack(arrays, axis=1) for arrays in (observations, actions, alive, rewards))  # type: ignore[return-value]
