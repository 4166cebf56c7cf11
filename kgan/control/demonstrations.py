"""What experts did: states and actions, from files or recorded from an expert."""

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from kgan.arguments import COUNT, require, shown
from kgan.control.environments import Environment, describe
from kgan.control.rollouts import Act, rollout
from kgan.files import atomic_write, read_arrays, reading
from kgan.types import Array, FilePath

_NPZ = "demonstrations, an .npz file with `observations`, `actions` and `lengths`"
_MINARI = "a data set of Minari, an HDF5 file of groups episode_0, episode_1, ... with `observations` and `actions`"


class Demonstrations:
    """Pairs of states and actions of one or several experts, without a word of which skill each episode shows.

    Args:
        observations: array `(pairs, numbers)`, or `(episodes, steps, numbers)`. actions: array with the same leading axes, in the units of
            the environment.
        lengths: pairs of every episode, in their order; default: all of one length, or one episode of all pairs.
        environment: what is known of the environment, a dict as `describe` gives it; default: nothing.

    Raises:
        ValueError: for arrays of other shapes, NaN or infinity.

    Example:
    >>> import numpy as np, kgan
    >>> world = kgan.control.PointMass(2)
    >>> shown = kgan.control.Demonstrations.record(world, world.expert, np.eye(2), seeds=[0, 1])
    >>> len(shown), shown.lengths, shown.observations.shape
    (70, [35, 35], (70, 2))
    """

    def __init__(
        self,
        observations: Any,
        actions: Any,
        lengths: Sequence[int] | None = None,
        environment: Mapping[str, Any] | None = None,
    ) -> None:
        seen, done = (np.asarray(a, "float32") for a in (observations, actions))
        if seen.ndim not in (2, 3) or seen.shape[:-1] != done.shape[:-1] or not seen.size or not done.size:
            raise ValueError(
                "Demonstrations are observations and actions, one row of each for every step: (pairs, numbers) or (episodes, steps, "
                f"numbers). Received the shapes {seen.shape} and {done.shape}."
            )
        if lengths is None:
            lengths = [seen.shape[1]] * len(seen) if seen.ndim == 3 else [len(seen)]
        self.observations, self.actions = seen.reshape(-1, seen.shape[-1]), done.reshape(-1, done.shape[-1])
        self.lengths = [int(length) for length in lengths]
        if min(self.lengths) < 1 or sum(self.lengths) != len(self):
            raise ValueError(f"The lengths of all episodes must sum up to the {len(self)} pairs. Received: {shown(lengths)}.")
        for name, values in (("observations", self.observations), ("actions", self.actions)):
            if not np.isfinite(values).all():
                bad = int((~np.isfinite(values)).any(-1).sum())
                raise ValueError(f"The {name} hold NaN or infinity in {bad} of {len(self)} pairs. Leave these out.")
        self.environment = dict(environment or {})

    def __len__(self) -> int:
        """Pairs."""
        return len(self.observations)

    @classmethod
    def record(cls, environment: Environment, act: Act, goals: Array, seeds: Sequence[int]) -> Self:
        """Let an expert act, one episode for every seed; see `rollout`. Actions are kept as the environment received them.

        Args:
            environment, act, seeds: as in `rollout`; actions of the expert are in [-1, 1], clipped. goals: what the expert is told, one
                row an episode, forgotten afterwards.
        """
        played = rollout(act, environment, goals, seeds)
        space = environment.single_action_space
        low, high = np.asarray(space.low), np.asarray(space.high)
        units = low + (np.clip(played.actions, -1.0, 1.0) + 1.0) / 2.0 * (high - low)
        steps = played.alive[:, :-1] > 0
        return cls(
            played.observations[:, :-1][steps],
            units[steps],
            steps.sum(1).tolist(),
            describe(environment, played.actions.shape[1]),
        )

    def statistics(self) -> dict[str, list[float]]:
        """Means and standard deviations of the observations, as `kgan.IntentionGAIL` takes them: a dict of
        "observation_center" and "observation_scale"; numbers that never change have the scale 1.
        """
        scale = self.observations.std(0)
        return {
            "observation_center": self.observations.mean(0).tolist(),
            "observation_scale": np.where(scale > 1e-6, scale, 1.0).tolist(),
        }

    def pairs(self, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """`count` pairs, drawn with replacement: observations `(count, numbers)`, actions `(count, numbers)`."""
        chosen = rng.integers(len(self), size=count)
        return self.observations[chosen], self.actions[chosen]

    def take(self, episodes: Sequence[int]) -> Self:
        """Demonstrations of some of the episodes, by their numbers from 0."""
        starts = np.cumsum([0, *self.lengths])
        rows = np.concatenate([np.arange(starts[i], starts[i + 1]) for i in episodes])
        return type(self)(self.observations[rows], self.actions[rows], [self.lengths[i] for i in episodes], self.environment)

    def save(self, filepath: FilePath) -> None:
        """Write them to an .npz file, which `load_demonstrations` reads."""
        if not str(filepath).endswith(".npz"):
            raise ValueError(f"Demonstrations are saved in an .npz file. Received: {str(filepath)!r}.")
        about = np.frombuffer(json.dumps(self.environment).encode(), "uint8")
        lengths = np.asarray(self.lengths)

        def write(path: str) -> None:
            np.savez_compressed(path, observations=self.observations, actions=self.actions, lengths=lengths, environment=about)

        atomic_write(filepath, write)


def load_demonstrations(path: FilePath, episodes: int | None = None) -> Demonstrations:
    """Demonstrations from a file: .npz, or a data set that Minari has stored. Minari is not needed, and nothing is fetched.

    Args:
        path: an .npz file with `observations` and `actions`, `(pairs, numbers)` or `(episodes, steps, numbers)`, and, if there are,
            `lengths`; or Minari's `main_data.hdf5`, or a folder that holds it, in `data` or itself.
        episodes: read the first so many of Minari's alone; default: all.

    Returns:
        `Demonstrations`. Minari's observation after the last step of an episode, and observations and actions that are no vectors, are
        left out and refused.

    Raises:
        FileNotFoundError: there is no such file. ValueError: it is another one, or damaged.
    """
    require(COUNT.or_none(), episodes=episodes)
    path = Path(path)
    if path.is_dir():
        found = [path / name for name in ("data/main_data.hdf5", "main_data.hdf5") if (path / name).is_file()]
        if not found:
            raise FileNotFoundError(f"{str(path)!r} is no folder of a data set of Minari: it holds no data/main_data.hdf5.")
        path = found[0]
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    return _read_npz(path) if path.suffix == ".npz" else _read_minari(path, episodes)


def _read_npz(path: Path) -> Demonstrations:
    with reading(path, _NPZ):
        found = read_arrays(path, ("observations", "actions"), _NPZ)
        with zipfile.ZipFile(path) as archive:
            more = [name for name in ("lengths", "environment") if f"{name}.npy" in archive.namelist()]
        found |= read_arrays(path, more, _NPZ)
        about = json.loads(found.pop("environment").tobytes().decode()) if "environment" in found else None
        lengths = found["lengths"].tolist() if "lengths" in found else None
        return Demonstrations(found["observations"], found["actions"], lengths, about)


def _read_minari(path: Path, episodes: int | None) -> Demonstrations:
    import h5py  # of Keras' own requirements

    observations, actions = [], []
    with reading(path, _MINARI), h5py.File(path, "r") as file:
        names = sorted((n for n in file if n.startswith("episode_")), key=lambda n: int(n.split("_")[1]))
        if not names:
            raise ValueError("no group named episode_0")
        for name in names[:episodes]:
            parts = [file[name][kind] for kind in ("observations", "actions")]
            for kind, part in zip(("observations", "actions"), parts, strict=True):
                if not hasattr(part, "shape") or len(part.shape) != 2:
                    inside = f"a group of {sorted(part)}" if hasattr(part, "keys") else f"of the shape {part.shape}"
                    raise ValueError(f"the {kind} of {name} are {inside}, not vectors of numbers")
            steps = len(parts[1])
            if len(parts[0]) not in (steps, steps + 1):
                raise ValueError(f"{name} has {len(parts[0])} observations and {steps} actions")
            observations.append(parts[0][:steps])
            actions.append(parts[1][:])
        lengths = [len(part) for part in actions]
        return Demonstrations(np.concatenate(observations), np.concatenate(actions), lengths, _minari_about(path, file))


def _minari_about(path: Path, file: Any) -> dict[str, Any]:
    """What Minari says of the environment, where it says something."""
    told = path.with_name("metadata.json")
    attributes = json.loads(told.read_text()) if told.is_file() else dict(file.attrs)
    specification = attributes.get("env_spec")
    specification = json.loads(specification) if isinstance(specification, (str, bytes)) else specification
    return {"id": specification["id"]} if isinstance(specification, dict) and "id" in specification else {}
