"""What a system that acts needs of a world: gymnasium's interface of vector environments, with or without gymnasium."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple, Protocol

import numpy as np

from kgan.arguments import COUNT, require, shown
from kgan.types import Array


class Box(NamedTuple):
    """Arrays between bounds: the part of gymnasium's space of this name that is used here."""

    low: Array
    high: Array

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.low.shape)


def box(low: float, high: float, size: int) -> Box:
    """Vectors of `size` numbers between two bounds."""
    return Box(np.full(size, low, "float32"), np.full(size, high, "float32"))


class Environment(Protocol):
    """Several copies of a world that are stepped together: what `gymnasium.vector.VectorEnv` is, and what this library's own are.

    Attributes:
        num_envs: how many copies. single_observation_space, single_action_space: boxes with `shape`, `low`, `high`.
        horizon: steps of an episode, whole number. gymnasium's own have none: see `describe`.
    """

    num_envs: int
    single_observation_space: Any
    single_action_space: Any

    def reset(self, *, seed: Any = None, options: Any = None) -> tuple[Array, dict[str, Any]]:
        """Begin an episode in every copy, from one seed each: `(observations (num_envs, numbers), {})`."""

    def step(self, actions: Array) -> tuple[Array, Array, Array, Array, dict[str, Any]]:
        """Act in every copy: `(observations, rewards, terminations, truncations, {})`, each with one row a copy."""


class GymnasiumEnvironments:
    """Environments of gymnasium, stepped one after another, whose states may be chosen and observations cut by a subclass.

    Needs `pip install 'kgan[control]'`. For others' vector environments none of this is needed: they are taken as they are.

    Args:
        name: of a registered environment, such as "Pusher-v5"; or a callable `() -> gymnasium.Env`.
        num_envs: default 16: copies.
        horizon: steps of an episode, default: the environment's limit.
        **kwargs: of `gymnasium.make`.

    Raises:
        ImportError: gymnasium, or what the environment needs, is missing. ValueError: for spaces that are no vectors of numbers, actions
            without bounds, an environment that does not say how long an episode is.
    """

    def __init__(self, name: str | Callable[[], Any], num_envs: int = 16, horizon: int | None = None, **kwargs: Any) -> None:
        require(COUNT, num_envs=num_envs)
        require(COUNT.or_none(), horizon=horizon)
        gymnasium = _gymnasium()
        try:
            self.envs = [gymnasium.make(name, **kwargs) if isinstance(name, str) else name() for _ in range(num_envs)]
        except gymnasium.error.DependencyNotInstalled as error:
            raise ImportError(
                f"The environment {shown(name)} needs more: pip install 'kgan[control]'. It says: {error}"
            ) from error
        self.num_envs = num_envs
        spec = self.envs[0].spec
        self.id = spec.id if spec is not None else type(self.envs[0].unwrapped).__name__
        limit = spec.max_episode_steps if spec is not None else None
        if horizon is None and limit is None:
            raise ValueError(
                f"The environment {self.id!r} does not say how long an episode is. Give `horizon`, a number of steps."
            )
        if horizon is not None and limit is not None and horizon > limit:
            raise ValueError(f"An episode of {self.id!r} has at most {limit} steps. Received: horizon={horizon}.")
        self.horizon = limit if horizon is None else horizon
        low, high = self.envs[0].action_space.low, self.envs[0].action_space.high
        self.single_action_space = Box(np.asarray(low, "float32"), np.asarray(high, "float32"))
        sample = np.asarray(self.observed(self.envs[0], self.envs[0].observation_space.sample()))
        self.single_observation_space = box(-np.inf, np.inf, len(sample.ravel()))
        _sizes(self)
        self._over = np.zeros(num_envs, bool)

    def begun(self, env: Any, observation: Array, rng: np.random.Generator) -> Array:
        """The first observation of an episode, after a reset; a subclass may bring the environment into another state first."""
        return observation

    def observed(self, env: Any, observation: Array) -> Array:
        """What the policy sees of an observation: all of it."""
        return observation

    def reset(self, *, seed: Sequence[int] | None = None, options: Any = None) -> tuple[Array, dict[str, Any]]:
        """Begin an episode in every copy; `seed` holds one each, None draws them."""
        seeds = np.random.default_rng().integers(2**31, size=self.num_envs) if seed is None else seed
        first = []
        for env, own in zip(self.envs, seeds, strict=True):
            observation, _ = env.reset(seed=int(own), options=options)
            first.append(self.observed(env, self.begun(env, observation, np.random.default_rng((int(own), 0)))))
        self._over[:] = False
        return np.asarray(first, "float32"), {}

    def step(self, actions: Array) -> tuple[Array, Array, Array, Array, dict[str, Any]]:
        """Act in every copy; one whose episode has ended stays as it is, with the reward 0."""
        rewards, terminations = np.zeros(self.num_envs, "float32"), np.zeros(self.num_envs, bool)
        truncations, observations = np.zeros(self.num_envs, bool), []
        for index, (env, action) in enumerate(zip(self.envs, actions, strict=True)):
            if self._over[index]:
                observations.append(np.zeros(self.single_observation_space.shape, "float32"))
                terminations[index] = True
                continue
            observation, rewards[index], terminations[index], truncations[index], _ = env.step(action)
            observations.append(self.observed(env, observation))
            self._over[index] = terminations[index]
        return np.asarray(observations, "float32"), rewards, terminations, truncations, {}

    def close(self) -> None:
        """Close the environments."""
        for env in self.envs:
            env.close()


def describe(environment: Environment, horizon: int | None = None) -> dict[str, Any]:
    """What has to be known of an environment to act in it again: kept with a run, and with the model.

    Args:
        environment: as `Environment`. horizon: steps of an episode where the environment does not say.

    Returns:
        Dict: "id" (with its version), "horizon", "observation_size", "action_size", and "packages", the versions of what simulates it.

    Example:
    >>> import kgan
    >>> kgan.control.describe(kgan.control.PointMass(2))["id"]
    'kgan/PointMass-v0'
    """
    observations, actions = _sizes(environment)
    spec = getattr(environment, "spec", None)
    steps = getattr(environment, "horizon", None) or getattr(spec, "max_episode_steps", None) or horizon
    if steps is None:
        raise ValueError("The environment does not say how long an episode is. Give `horizon`, a number of steps.")
    name = str(getattr(environment, "id", None) or getattr(spec, "id", None) or type(environment).__name__)
    own = name.startswith("kgan/") and not hasattr(environment, "envs")
    found = {} if own else {package: _installed(package) for package in ("gymnasium", "mujoco") if _installed(package)}
    return {
        "id": name, "horizon": int(steps), "observation_size": observations, "action_size": actions, "packages": found
    }  # fmt: skip


def same_world(expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """How a description differs from another, as texts: an empty list where it does not."""
    return [
        f"{key} is {shown(found.get(key))}, was {shown(expected[key])}" for key in expected if found.get(key) != expected[key]
    ]


def to_unit(actions: Array, space: Any) -> Array:
    """Actions between the bounds of a space, as numbers in [-1, 1]; those out of bounds stay outside."""
    low, high = _bounds(space)
    return ((np.asarray(actions, "float64") - low) / (high - low) * 2.0 - 1.0).astype("float32")


def from_unit(actions: Array, space: Any) -> Array:
    """Actions in [-1, 1], clipped, as numbers between the bounds of a space."""
    low, high = _bounds(space)
    return (low + (np.clip(actions, -1.0, 1.0) + 1.0) / 2.0 * (high - low)).astype("float32")


def _bounds(space: Any) -> tuple[Array, Array]:
    return np.asarray(space.low, "float64"), np.asarray(space.high, "float64")


def _sizes(environment: Any) -> tuple[int, int]:
    """Numbers of an observation and of an action; what has other ones is refused."""
    sizes = []
    for kind in ("observation", "action"):
        space = getattr(environment, f"single_{kind}_space", None)
        if space is None:
            raise ValueError(
                f"An environment in gymnasium's vector interface has a `single_{kind}_space`. Received: {shown(environment)}. Several "
                "copies of one environment: kgan.control.GymnasiumEnvironments(name, num_envs)."
            )
        if getattr(space, "low", None) is None or len(space.shape) != 1:
            raise ValueError(f"Each {kind} must be a vector of numbers, a Box. Received: {shown(space)}.")
        sizes.append(int(space.shape[0]))
    low, high = _bounds(environment.single_action_space)
    if not np.isfinite([low, high]).all():
        raise ValueError("Actions need bounds, which policies are scaled to. Rescale them with a wrapper of gymnasium.")
    return sizes[0], sizes[1]


def _gymnasium() -> Any:
    try:
        return importlib.import_module("gymnasium")
    except ImportError as error:
        raise ImportError("Environments of gymnasium need it: pip install 'kgan[control]'.") from error


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
