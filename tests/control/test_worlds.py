"""Environments, rollouts, demonstrations and their files, behavior cloning, pictures."""

import json
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from kgan import control
from kgan.networks.control import gaussian_policy

GOALS = np.eye(2, dtype="float32")


def straight(observations, intentions, noise):
    return 0.5 * intentions + 0.1 * noise


# The point mass ------------------------------------------------------------------------------------------------------


def test_the_point_mass_moves_by_its_law_and_rewards_nearness():
    world = control.PointMass(2, horizon=2)
    first, _ = world.reset(seed=[5, 6])
    again, _ = world.reset(seed=5)
    np.testing.assert_array_equal(first, again)  # one number stands for itself and the next ones
    places, rewards, ended, cut, _ = world.step(np.asarray([[2.0, -0.5], [0.0, 0.0]]))
    np.testing.assert_allclose(places, first + 0.12 * np.asarray([[1.0, -0.5], [0.0, 0.0]]), atol=1e-6)
    np.testing.assert_allclose(
        rewards, -np.minimum(*(np.linalg.norm(places - g, axis=1) for g in ([1.5, 0], [-1.5, 0]))), rtol=1e-6
    )
    assert not ended.any()
    assert not cut.any()
    assert world.step(np.zeros((2, 2)))[3].all()
    with pytest.raises(ValueError, match="goals"):
        control.PointMass(goals=1)


@pytest.mark.parametrize("goals", [2, 5])
def test_its_expert_arrives(goals):
    world = control.PointMass(goals, goals=goals)
    played = control.rollout(world.expert, world, np.eye(goals), range(goals))
    assert world.distances(played.last)[np.arange(goals), np.arange(goals)].max() < 0.1


# Rollouts ------------------------------------------------------------------------------------------------------------


def test_an_episode_depends_on_its_seed_alone():
    policy = gaussian_policy(4, 2, hidden=(3,))
    act, seeds = control.actor(policy), [3, 1, 4, 1]
    told = GOALS[[0, 1, 0, 1]]
    together = control.rollout(act, control.PointMass(4, horizon=5), told, seeds)
    in_pairs = control.rollout(act, control.PointMass(2, horizon=5), told, seeds)
    for name in ("observations", "actions", "rewards", "alive"):
        np.testing.assert_allclose(getattr(together, name), getattr(in_pairs, name), atol=1e-6)
    np.testing.assert_array_equal(together.observations[1], together.observations[3])
    assert np.abs(together.actions[1] - together.actions[0]).max() > 0.1
    still = control.rollout(act, control.PointMass(4, horizon=5), told, seeds, noise=0.0)
    means = np.asarray(policy(np.concatenate([still.observations[:, 0], told], -1)))[:, :2]
    np.testing.assert_allclose(still.actions[:, 0], means, atol=1e-6)


class Falls:
    """A world whose episodes end: the first copy after two steps, the second never; time ends at `limit`."""

    num_envs, horizon, id = 2, 4, "Falls-v1"
    single_observation_space, single_action_space = (
        control.Box(*np.asarray([[-1.0], [1.0]])),
        control.Box(*np.asarray([[0.0, -2.0], [4.0, 2.0]])),
    )

    def __init__(self, limit=4):
        self.limit, self.received = limit, []

    def reset(self, *, seed=None, options=None):
        self.steps = 0
        return np.zeros((2, 1)), {}

    def step(self, actions):
        self.steps += 1
        self.received.append(actions)
        ended = np.asarray([self.steps >= 2, False])
        return np.full((2, 1), float(self.steps)), np.ones(2), ended, np.full(2, self.steps >= self.limit), {}


def test_what_follows_an_end_does_not_count_and_actions_are_scaled():
    world = Falls()
    played = control.rollout(lambda o, i, n: np.asarray([[0.0, -3.0], [1.0, 0.5]]), world, GOALS, [0, 1])
    np.testing.assert_array_equal(played.alive, [[1, 1, 0, 0, 0], [1, 1, 1, 1, 1]])
    np.testing.assert_array_equal(played.rewards, [[1, 1, 0, 0], [1, 1, 1, 1]])
    np.testing.assert_array_equal(played.last, [[2.0], [4.0]])  # the state that ended the first
    np.testing.assert_allclose(world.received[0], [[2.0, -2.0], [4.0, 1.0]])
    np.testing.assert_array_equal(played.actions[0, 0], [0.0, -3.0])  # as they were drawn
    units = control.to_unit(world.received[0], world.single_action_space)
    np.testing.assert_allclose(units, [[0.0, -1.0], [1.0, 0.5]])


def test_rollouts_refuse_what_they_cannot_play():
    world = control.PointMass(2)
    with pytest.raises(ValueError, match="multiple of the 2 copies"):
        control.rollout(straight, world, GOALS[:1], [0])
    with pytest.raises(ValueError, match="after 3 steps, before the horizon of 4"):
        control.rollout(straight, Falls(limit=3), GOALS, [0, 1])
    eager = Falls()
    eager.metadata = {"autoreset_mode": "AutoresetMode.SAME_STEP"}
    with pytest.raises(ValueError, match="NEXT_STEP"):
        control.rollout(straight, eager, GOALS, [0, 1])


def test_an_environment_is_described_and_others_are_refused():
    about = control.describe(control.PointMass(3))
    assert about == {"id": "kgan/PointMass-v0", "horizon": 35, "observation_size": 2, "action_size": 2, "packages": {}}
    assert control.same_world(about, about) == []
    assert control.same_world({"horizon": 35}, {"horizon": 20}) == ["horizon is 20, was 35"]
    with pytest.raises(ValueError, match="single_observation_space"):
        control.describe(object())
    unbounded = SimpleNamespace(
        single_observation_space=control.Box(np.zeros(1), np.ones(1)),
        single_action_space=control.Box(np.zeros(1), np.full(1, np.inf)),
    )
    with pytest.raises(ValueError, match="bounds"):
        control.describe(unbounded)
    unbounded.single_observation_space = SimpleNamespace(shape=(), low=None)
    with pytest.raises(ValueError, match="vector of numbers"):
        control.describe(unbounded)
    nameless = Falls()
    nameless.horizon = None
    with pytest.raises(ValueError, match="how long an episode"):
        control.describe(nameless)
    assert control.describe(nameless, 3)["horizon"] == 3


def test_networks_bring_observations_to_unit_scale_and_leave_the_rest():
    plain = gaussian_policy(3, 1, hidden=(4,), log_std=-1.0)
    scaled = gaussian_policy(3, 1, hidden=(4,), log_std=-1.0, center=[1.0, -2.0], scale=[2.0, 0.5])
    scaled.set_weights(plain.get_weights())
    inputs = np.asarray([[3.0, -1.0, 0.7]], "float32")  # the last is an intention
    expected = np.asarray(plain(np.asarray([[1.0, 2.0, 0.7]], "float32")))
    np.testing.assert_allclose(np.asarray(scaled(inputs)), expected, atol=1e-6)
    assert expected[0, 1] == -1.0


# Demonstrations ------------------------------------------------------------------------------------------------------


@pytest.fixture
def shown():
    world = control.PointMass(2, horizon=4)
    return control.Demonstrations.record(world, world.expert, GOALS, [0, 1])


def test_demonstrations_come_back_from_a_file(shown, tmp_path):
    shown.save(tmp_path / "shown.npz")
    found = control.load_demonstrations(tmp_path / "shown.npz")
    np.testing.assert_array_equal(found.observations, shown.observations)
    np.testing.assert_array_equal(found.actions, shown.actions)
    assert (found.lengths, found.environment["id"]) == ([4, 4], "kgan/PointMass-v0")
    with pytest.raises(ValueError, match=r"\.npz"):
        shown.save(tmp_path / "shown.json")
    np.savez(tmp_path / "plain.npz", observations=np.zeros((2, 3, 4)), actions=np.ones((2, 3, 1)))
    assert control.load_demonstrations(tmp_path / "plain.npz").lengths == [3, 3]


def test_pairs_statistics_and_single_episodes(shown, rng):
    seen, done = shown.pairs(50, rng)
    rows = [np.flatnonzero((shown.observations == o).all(1)) for o in seen]
    assert all((shown.actions[row] == a).all(1).any() for row, a in zip(rows, done, strict=True))
    second = shown.take([1])
    np.testing.assert_array_equal(second.observations, shown.observations[4:])
    flat = control.Demonstrations(np.ones((3, 2)), np.zeros((3, 1)))
    assert flat.statistics() == {"observation_center": [1.0, 1.0], "observation_scale": [1.0, 1.0]}
    np.testing.assert_allclose(shown.statistics()["observation_scale"], shown.observations.std(0), rtol=1e-5)


def minari(path, episodes, **extra):
    with h5py.File(path, "w") as file:
        for index, steps in enumerate(episodes):
            group = file.create_group(f"episode_{index}")
            group["observations"] = np.full((steps + 1, 3), float(index))
            group["actions"] = np.full((steps, 2), float(index))
        for name, content in extra.items():
            file.create_group(name)["actions"] = content
    return path


def test_minari_is_read_without_minari(tmp_path):
    folder = tmp_path / "D4RL" / "mine-v0" / "data"
    folder.mkdir(parents=True)
    minari(folder / "main_data.hdf5", [2] * 11)  # episode_10 comes after episode_9
    (folder / "metadata.json").write_text(json.dumps({"env_spec": json.dumps({"id": "Reacher-v5"})}))
    found = control.load_demonstrations(folder.parent)
    assert (len(found), found.lengths, found.environment) == (22, [2] * 11, {"id": "Reacher-v5"})
    np.testing.assert_array_equal(found.actions[-1], 10.0)
    assert len(control.load_demonstrations(folder / "main_data.hdf5", episodes=3)) == 6


def test_files_of_another_kind_are_refused_by_name(tmp_path):
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 no more")
    with pytest.raises(ValueError, match=r"broken\.npz' is not demonstrations"):
        control.load_demonstrations(tmp_path / "broken.npz")
    with pytest.raises(ValueError, match="no group named episode_0"):
        control.load_demonstrations(minari(tmp_path / "empty.hdf5", []))
    nested = minari(tmp_path / "nested.hdf5", [2])
    with h5py.File(nested, "a") as file:
        del file["episode_0/observations"]
        file.create_group("episode_0/observations")["achieved_goal"] = np.zeros((3, 2))
    with pytest.raises(ValueError, match="achieved_goal"):
        control.load_demonstrations(nested)
    with pytest.raises(FileNotFoundError, match="main_data"):
        control.load_demonstrations(tmp_path)
    with pytest.raises(FileNotFoundError, match="none"):
        control.load_demonstrations(tmp_path / "none.npz")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((3, 2)), np.zeros((2, 1))), "shapes"),
        ((np.zeros(3), np.zeros(3)), "shapes"),
        ((np.zeros((3, 2)), np.zeros((3, 1)), [2, 2]), "sum up to the 3 pairs"),
        ((np.full((3, 2), np.nan), np.zeros((3, 1))), "observations hold NaN or infinity in 3 of 3"),
    ],
)
def test_demonstrations_refuse(arguments, message):
    with pytest.raises(ValueError, match=message):
        control.Demonstrations(*arguments)


def test_behavior_cloning_learns_the_mean_and_leaves_no_optimizer(rng):
    states = rng.normal(size=(200, 2)).astype("float32")
    actions = np.where(rng.random((200, 1)) < 0.5, 0.5, -0.5).astype("float32")  # two experts, who part ways
    policy = gaussian_policy(4, 1, hidden=(4,), log_std=0.0)
    losses = control.clone_behavior(
        policy, control.Demonstrations(states, actions), 2, steps=150, batch_size=64, learning_rate=0.02
    )
    means, log_stds = np.split(np.asarray(policy(np.concatenate([states, GOALS[np.zeros(200, int)]], -1))), 2, -1)
    assert np.abs(means).mean() < 0.2
    assert np.exp(log_stds[0, 0]) == pytest.approx(0.5, abs=0.1)
    assert losses[-1] < losses[0]
    assert not policy.compiled


# Pictures ------------------------------------------------------------------------------------------------------------


def test_a_strip_shows_goals_body_and_way():
    world = control.PointMass(2)
    played = control.rollout(world.expert, world, GOALS, [0, 1])
    strip = control.draw_strip(world, played.observations, poses=3, size=48)
    assert (strip.shape, strip.dtype) == ((96, 144, 3), np.uint8)
    first, last = strip[:48, :48].astype(int), strip[:48, 96:].astype(int)
    dark = [np.argwhere(picture.sum(-1) < 200).mean(0) for picture in (first, last)]
    column = (played.observations[0, [0, -1], 0] / world.extent + 1) / 2 * 48
    np.testing.assert_allclose([place[1] for place in dark], column, atol=1.5)
    named = control.draw_strip(world, played.observations, poses=3, size=48, row_names=["left", "right"], title="two ways")
    assert named.shape[0] > 96
    assert named.shape[1] > 144
    np.testing.assert_array_equal(named[-96:, -144:], strip)
    with pytest.raises(ValueError, match="one for each of 2 episodes"):
        control.draw_strip(world, played.observations, row_names=["left"])
    frames = control.draw_frames(world, played.observations[:, :3], size=32)
    assert frames.shape == (3, 32, 64, 3)
    np.testing.assert_array_equal(frames[2, :, :32], control.draw_pose(world, played.observations[0, :3], 32))


# The arm -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def arm():
    pytest.importorskip("mujoco")
    world = control.TwoTargetReacher(2)
    yield world
    world.close()


def test_the_arm_hides_its_target_and_its_expert_arrives(arm):
    seen, _ = arm.reset(seed=[0, 1])
    angles = np.arctan2(seen[:, 2:4], seen[:, :2])
    elbow = 0.1 * np.stack([seen[:, 0], seen[:, 2]], -1)
    tip = elbow + 0.11 * np.stack([np.cos(angles.sum(1)), np.sin(angles.sum(1))], -1)
    np.testing.assert_allclose(seen[:, 6:], tip, atol=1e-5)
    np.testing.assert_allclose(arm.outline(seen[0])[1:], [elbow[0], tip[0]], atol=1e-5)
    played = control.rollout(arm.expert, arm, GOALS, [0, 1])
    assert arm.distances(played.last)[[0, 1], [0, 1]].max() < 0.03
    again = control.rollout(arm.expert, arm, GOALS, [0, 1])
    np.testing.assert_array_equal(again.observations, played.observations)
    about = control.describe(arm)
    assert (about["id"], about["horizon"], about["observation_size"]) == ("kgan/TwoTargetReacher-v5", 50, 8)
    assert set(about["packages"]) == {"gymnasium", "mujoco"}


def test_environments_of_gymnasium_are_taken(arm):
    import gymnasium

    world = gymnasium.make_vec("Reacher-v5", num_envs=2, vectorization_mode="sync")
    about = control.describe(world)
    assert (about["id"], about["horizon"], about["observation_size"]) == ("Reacher-v5", 50, 10)
    theirs = control.rollout(straight, world, GOALS, [0, 1], horizon=3)
    world.close()
    ours = control.GymnasiumEnvironments("Reacher-v5", 2)
    np.testing.assert_allclose(
        control.rollout(straight, ours, GOALS, [0, 1], horizon=3).observations, theirs.observations, atol=1e-6
    )
    ours.close()
    with pytest.raises(ValueError, match="at most 50"):
        control.GymnasiumEnvironments("Reacher-v5", 1, horizon=60)


def test_what_is_missing_is_named(monkeypatch):
    import importlib

    def none(name):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", none)
    with pytest.raises(ImportError, match=r"kgan\[control\]"):
        control.GymnasiumEnvironments("Reacher-v5")
