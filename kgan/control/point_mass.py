"""A point that walks to one of several goals: a world without a simulator, in which mixed demonstrations have as many modes as goals."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from kgan.arguments import COUNT, POSITIVE, SEVERAL, require
from kgan.control.environments import box
from kgan.types import Array

_SPEED, _SLOWER = 0.12, 0.12


class PointMass:
    """Several points in the plane, in gymnasium's vector interface; goals lie on a circle, and no observation tells which one is meant.

    An observation is the place `(x, y)`, an action a direction, clipped to the box [-1, 1]; the next place is `s + 0.12 a`. Episodes begin
    at N(0, start^2 I) and have a fixed length. The reward is minus the distance to the nearest goal.

    Args:
        num_envs: default 64: points. goals: default 2, on a circle of radius 1.5, the first on the right.
        start: default 1.0: spread of the first places. Narrow ones need no intention: from one point only it can break the tie.
        horizon: default 35: steps of an episode.

    Example:
    >>> import kgan
    >>> world = kgan.control.PointMass(3)
    >>> places, _ = world.reset(seed=[0, 1, 2])
    >>> places.shape, bool(world.step(places)[2].any())
    ((3, 2), False)
    """

    id = "kgan/PointMass-v0"
    extent = 3.0
    """Half the side of the square that pictures show."""

    def __init__(self, num_envs: int = 64, goals: int = 2, start: float = 1.0, horizon: int = 35) -> None:
        require(COUNT, num_envs=num_envs, horizon=horizon)
        require(SEVERAL, goals=goals)
        require(POSITIVE, start=start)
        self.num_envs, self.start, self.horizon = num_envs, start, horizon
        angles = 2.0 * np.pi * np.arange(goals) / goals
        self.goals = 1.5 * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
        self.single_observation_space, self.single_action_space = box(-np.inf, np.inf, 2), box(-1.0, 1.0, 2)
        self._places = np.zeros((num_envs, 2))
        self._steps = 0

    def reset(self, *, seed: int | Sequence[int] | None = None, options: Any = None) -> tuple[Array, dict[str, Any]]:
        """Begin an episode of every point, from one seed each; of a single whole number s they are s, s + 1, ..."""
        if seed is None or isinstance(seed, int):
            first = np.random.default_rng().integers(2**31) if seed is None else seed
            seed = [int(first) + index for index in range(self.num_envs)]
        rngs = [np.random.default_rng((int(own), 0)) for own in seed]
        self._places = np.stack([rng.normal(0.0, self.start, 2) for rng in rngs])
        self._steps = 0
        return self._places.astype("float32"), {}

    def step(self, actions: Array) -> tuple[Array, Array, Array, Array, dict[str, Any]]:
        """Move every point."""
        self._places = self._places + _SPEED * np.clip(np.asarray(actions, "float64"), -1.0, 1.0)
        self._steps += 1
        rewards = -self.distances(self._places).min(-1)
        over = np.full(self.num_envs, self._steps >= self.horizon)
        return self._places.astype("float32"), rewards.astype("float32"), np.zeros(self.num_envs, bool), over, {}

    def close(self) -> None:
        """There is nothing to close."""

    def distances(self, observations: Array) -> Array:
        """Distances from places `(..., 2)` to every goal, `(..., goals)`."""
        return np.linalg.norm(np.asarray(observations)[..., None, :] - self.goals, axis=-1)

    def expert(self, observations: Array, goals: Array, noise: Array) -> Array:
        """Walk straight to a goal, at full speed until the last step.

        Args:
            observations: places `(points, 2)`. goals: one-hot, `(points, goals)`. noise: unit normal `(points, 2)`; its deviation is 0.1.

        Returns:
            Actions `(points, 2)`.
        """
        way = goals @ self.goals - observations
        length = np.linalg.norm(way, axis=-1, keepdims=True)
        return way / np.maximum(length, _SLOWER) + 0.1 * noise

    def outline(self, observation: Array) -> Array:
        """The points of a drawing of a state, one behind the other, `(points, 2)`: the place alone."""
        return np.asarray(observation, "float64")[None]
