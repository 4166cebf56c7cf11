"""The worlds that this application's scripts know by name."""

import numpy as np

import kgan
from kgan import control

NAMES = ("points", "arm")
NEAR = {"points": 0.4, "arm": 0.04}
"""How near the end of an episode has to be to a goal, to have reached it."""


def world_of(name, copies, goals=2, horizon=None):
    """An environment by its name.

    Args:
        name: "points", a point mass in the plane, or "arm", MuJoCo's two-link arm with two hidden targets.
        copies: stepped together. goals: of the plane; the arm has two.
    """
    if name not in NAMES:
        raise ValueError(f"--world must be one of {', '.join(NAMES)}. Received: {name!r}.")
    if name == "points":
        return control.PointMass(copies, goals=goals, **({} if horizon is None else {"horizon": horizon}))
    if goals != 2:
        raise ValueError(f"The arm has two targets. Received: --goals {goals}.")
    return control.TwoTargetReacher(copies, horizon)


def experts_of(world, count, near, seed):
    """Demonstrations of an expert, as many for every goal, mixed; those that do not arrive are drawn again."""
    goals = np.eye(len(world.goals), dtype="float32")
    kept, lists = [], [[], [], []]
    for attempt in range(20):
        told = goals[(np.arange(world.num_envs) + attempt * world.num_envs) % len(goals)]
        seeds = np.random.default_rng((seed, attempt)).integers(2**31, size=world.num_envs).tolist()
        shown = control.Demonstrations.record(world, world.expert, told, seeds)
        ends = shown.observations[np.cumsum(shown.lengths) - 1]
        arrived = world.distances(ends)[np.arange(len(ends)), told.argmax(1)] < near
        for index in np.flatnonzero(arrived):
            if len(kept) < count and sum(g == told[index].argmax() for g in kept) < -(-count // len(goals)):
                kept.append(told[index].argmax())
                one = shown.take([index])
                for part, own in zip(lists, (one.observations, one.actions, one.lengths), strict=True):
                    part.append(own)
        if len(kept) == count:
            return control.Demonstrations(*map(np.concatenate, lists), shown.environment)
    raise ValueError(f"Only {len(kept)} of {count} demonstrations arrived.")


def figures_of(world, intentions, episodes, near):
    """Of episodes, observations `(episodes, states, numbers)`: the share that reached a goal, what the intention says about which, in nats,
    and the share of the goal that was reached least.
    """
    distances = world.distances(episodes[:, -1])
    reached = distances.min(-1) < near
    goals = np.where(reached, distances.argmin(-1), distances.shape[-1])
    shares = np.bincount(goals, minlength=distances.shape[-1])[: distances.shape[-1]] / len(goals)
    return {
        "reached": float(reached.mean()),
        "information": kgan.metrics.shared_information(intentions, goals),
        "smallest_share": float(shares.min()),
    }
