"""The two-link arm of MuJoCo, with two targets of which no observation tells: the first experiment of 1705.10479."""

from typing import Any

import numpy as np

from kgan.control.environments import GymnasiumEnvironments
from kgan.types import Array

_LINKS = (0.1, 0.11)
_SEEN = [0, 1, 2, 3, 6, 7, 8, 9]


class TwoTargetReacher(GymnasiumEnvironments):
    """gymnasium's `Reacher-v5`, whose own target is put to the origin and left out of what is seen: 8 numbers and 2 torques.

    An observation is the cosines and the sines of both angles, their speeds, and the fingertip's place in meters. Every episode of 50 steps
    begins with the arm anywhere, angles from U(-pi, pi) and U(-0.8 pi, 0.8 pi), at rest. Two targets stand at (+-0.14, 0.08) m.

    Args:
        num_envs: default 32: arms. horizon: default 50, the environment's.

    Needs `pip install 'kgan[control]'`.
    """

    extent = 0.24

    def __init__(self, num_envs: int = 32, horizon: int | None = None) -> None:
        super().__init__("Reacher-v5", num_envs, horizon)
        self.goals = np.array([[0.14, 0.08], [-0.14, 0.08]])
        self.id = f"kgan/TwoTarget{self.id}"

    def begun(self, env: Any, observation: Array, rng: np.random.Generator) -> Array:
        world = env.unwrapped
        angles = rng.uniform(-1.0, 1.0, 2) * np.pi * np.array([1.0, 0.8])
        # The environment's target at the origin: its "fingertip minus target" is the fingertip.
        world.set_state(np.concatenate([angles, np.zeros(2)]), np.zeros(4))
        tip = world.get_body_com("fingertip") - world.get_body_com("target")
        return np.concatenate([np.cos(angles), np.sin(angles), np.zeros(4), tip[:2]])

    def observed(self, env: Any, observation: Array) -> Array:
        return np.asarray(observation)[_SEEN]

    def distances(self, observations: Array) -> Array:
        """Distances in meters from the fingertips of observations `(..., 8)` to both targets, `(..., 2)`."""
        return np.linalg.norm(np.asarray(observations)[..., None, 6:8] - self.goals, axis=-1)

    def expert(self, observations: Array, goals: Array, noise: Array) -> Array:
        """Turn to the angles at which the fingertip is on a target, by a proportional-derivative law.

        Args:
            observations: `(arms, 8)`. goals: one-hot `(arms, 2)`. noise: unit normal `(arms, 2)`; its deviation is 0.02.

        Returns:
            Torques `(arms, 2)`, to be clipped to [-1, 1]. Of the two poses at a target the one on whose side the elbow bends is meant: the
            second joint cannot turn over.
        """
        cosines, sines, speeds = observations[:, :2], observations[:, 2:4], observations[:, 4:6]
        angles = np.arctan2(sines, cosines)
        x, y = (goals @ self.goals).T
        first, second = _LINKS
        bend = np.arccos(np.clip((x**2 + y**2 - first**2 - second**2) / (2.0 * first * second), -1.0, 1.0))
        bend = np.where(angles[:, 1] >= 0.0, bend, -bend)
        turn = np.arctan2(y, x) - np.arctan2(second * np.sin(bend), first + second * np.cos(bend))
        missing = np.stack([_wrapped(turn - angles[:, 0]), bend - angles[:, 1]], axis=-1)
        return missing - 0.1 * speeds + 0.02 * noise

    def outline(self, observation: Array) -> Array:
        """Shoulder, elbow and fingertip of one observation, in meters, `(3, 2)`."""
        elbow = _LINKS[0] * np.array([observation[0], observation[2]])
        return np.stack([np.zeros(2), elbow, np.asarray(observation[6:8])])


def _wrapped(angles: Array) -> Array:
    return (angles + np.pi) % (2.0 * np.pi) - np.pi
