"""IntentionGAIL: formulas, the limit of the policy's step, training by rollouts and its resumption, playing again."""

import os
import signal
import warnings

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan import control
from kgan.families import intention_gail
from tests.conformance.specs import rollouts

SKILLS = np.eye(2, dtype="float32")


def small(**kwargs):
    sizes = {} if "environment" in kwargs else {"observation_size": 3, "action_size": 2}
    settings = {"hidden": (4,), "conjugate_steps": 3, "discriminator_steps": 1, "posterior_steps": 1, "value_steps": 1, "seed": 0}
    return kgan.IntentionGAIL(**{**sizes, **settings, **kwargs})


def compiled(**kwargs):
    model = small(**kwargs)
    model.compile(run_eagerly=True)
    return model


@pytest.fixture
def batch(rng):
    return rollouts(rng, 3)[0]


def tensors(batch):
    return {name: ops.convert_to_tensor(part) for name, part in batch.items()}


def numpy(tensor):
    return ops.convert_to_numpy(tensor)


def softplus(x):
    return np.logaddexp(0.0, x)


# Formulas ------------------------------------------------------------------------------------------------------------


def test_rewards_and_losses_are_those_of_the_paper(batch):
    model = small(information_weight=0.7)
    mask = batch["alive"][:, :-1]
    pairs = np.concatenate([batch["observations"][:, :-1], np.clip(batch["actions"], -1, 1)], -1)
    d = np.asarray(model.discriminator.predict(pairs.reshape(-1, 5), verbose=0)).reshape(3, 4)
    guesses = np.asarray(model.posterior.predict(pairs.reshape(-1, 5), verbose=0)).reshape(3, 4, 2)
    guesses = guesses - np.log(np.exp(guesses).sum(-1, keepdims=True))
    log_p = (guesses * batch["intentions"][:, None]).sum(-1)
    rewards, imitating = model.rewards(tensors(batch))
    np.testing.assert_allclose(numpy(imitating), -softplus(-d), rtol=1e-5)
    np.testing.assert_allclose(numpy(rewards), -softplus(-d) + 0.7 * log_p, rtol=1e-5)
    expert = np.concatenate([batch["expert_observations"], np.clip(batch["expert_actions"], -1, 1)], -1).reshape(-1, 5)
    expert = np.asarray(model.discriminator.predict(expert, verbose=0))
    terms = model.discriminator_loss(tensors(batch))
    expected = softplus(-expert).mean() + (mask * softplus(d)).sum() / mask.sum()
    assert float(terms["adversarial"]) == pytest.approx(expected, rel=1e-5)
    assert float(model.posterior_loss(tensors(batch))["cross_entropy"]) == pytest.approx(
        -(mask * log_p).sum() / mask.sum(), rel=1e-5
    )
    np.testing.assert_allclose(numpy(small(reward_form="minimax").rewards(tensors(batch))[1]), softplus(d), rtol=1e-5)


def test_the_discriminator_is_not_told_the_intention_and_value_and_policy_are(batch):
    model = small()
    swapped = {**batch, "intentions": batch["intentions"][:, ::-1].copy()}
    mine, theirs = (float(model.discriminator_loss(tensors(b))["adversarial"]) for b in (batch, swapped))
    assert mine == theirs
    for part in (lambda b: model.values_of(b), lambda b: model.distribution(b["observations"], b["intentions"])[0]):
        assert np.abs(numpy(part(tensors(batch))) - numpy(part(tensors(swapped)))).max() > 1e-3


def test_what_lies_behind_an_end_changes_nothing(batch):
    other = {name: part.copy() for name, part in batch.items()}
    other["observations"][-1, 4:], other["actions"][-1, 3:] = 9.0, 0.5  # the last episode ended in its third step
    models = compiled(), compiled()
    for model, data in zip(models, (batch, other), strict=True):
        model.train_on_batch(data)
    for a, b in zip(models[0].weights, models[1].weights, strict=True):
        np.testing.assert_allclose(numpy(a), numpy(b), atol=1e-6)


@pytest.mark.parametrize("kl_limit", [1e-3, 0.1])
def test_a_round_keeps_the_limit_as_it_is_measured_afterwards(batch, kl_limit):
    model = compiled(kl_limit=kl_limit, damping=0.01, conjugate_steps=10)
    seen, told = (ops.convert_to_tensor(part) for part in (batch["observations"][:, :-1], batch["intentions"]))
    before = [numpy(part) for part in model.distribution(seen, told)]
    logs = model.train_on_batch(batch, return_dict=True)  # before any fit
    after = [numpy(part) for part in model.distribution(seen, told)]
    apart = numpy(kgan.objectives.gaussian_divergence(*before, *after))
    mask = batch["alive"][:, :-1]
    found = (mask * apart).sum() / mask.sum()
    assert 0 < found <= kl_limit * (1 + 1e-4)
    assert logs["policy/kl"] == pytest.approx(found, rel=2e-3)
    assert logs["policy/surrogate"] < 0


@pytest.mark.parametrize(("entropy_weight", "sign"), [(1e3, 1), (0.0, 0)])
def test_entropy_is_rewarded(batch, entropy_weight, sign):
    """With a weight that drowns the advantages the policy spreads as far as the limit lets it."""
    model = compiled(entropy_weight=entropy_weight)
    before = numpy(model.policy.get_layer("log_std").weights[0]).copy()
    model.train_on_batch(batch)
    after = numpy(model.policy.get_layer("log_std").weights[0])
    assert ((after - before).min() > 1e-3) == bool(sign)


def test_advantages_are_brought_to_mean_0_and_deviation_1_where_episodes_live(batch):
    model, mask = small(), batch["alive"][:, :-1]
    raw = model.advantages(tensors(batch))[0]
    found = numpy(intention_gail._normalized(raw, tensors(batch)))
    alive = numpy(raw)[mask > 0]
    np.testing.assert_allclose(found[mask > 0], (alive - alive.mean()) / alive.std(), rtol=1e-3, atol=1e-4)


def test_observations_without_steps_are_refused():
    with pytest.raises(ValueError, match=r"\(3, steps, 3\)"):
        small().generate(3, condition=np.zeros((3, 3), "float32"))


# Training ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def world():
    return control.PointMass(4, horizon=3)


@pytest.fixture
def shown(world):
    return control.Demonstrations.record(world, world.expert, SKILLS[[0, 1, 0, 1]], range(4))


class Strike(keras.callbacks.Callback):
    """Asks for an end within an epoch, as a signal does."""

    def on_train_batch_end(self, batch, logs=None):
        if self.model.epochs_played == 1 and batch == 0:
            os.kill(os.getpid(), signal.SIGTERM)


def test_a_training_that_was_stopped_goes_on_bit_for_bit(world, shown, tmp_path):
    def made():
        return compiled(environment=control.describe(world), **shown.statistics())

    arguments = {"epochs": 3, "steps_per_epoch": 2, "episodes": 8, "verbose": 0}
    alone, stopped, resumed = made(), made(), made()
    expected = alone.imitate(world, shown, **arguments).history
    with pytest.raises(SystemExit):
        stopped.imitate(world, shown, **arguments, callbacks=[Strike(), kgan.callbacks.Checkpoint(tmp_path)])
    start = kgan.callbacks.restore(resumed, tmp_path)
    history = resumed.imitate(world, shown, **arguments, initial_epoch=start).history
    assert start == 1
    for a, b in zip(
        [*alone.variables, *alone.optimizer.variables], [*resumed.variables, *resumed.optimizer.variables], strict=True
    ):
        np.testing.assert_allclose(numpy(a), numpy(b), rtol=0, atol=2e-5 if keras.backend.backend() == "torch" else 0)
    for name, values in history.items():
        np.testing.assert_allclose(values, expected[name][1:], rtol=1e-4, err_msg=name)
    assert resumed.epochs_played == 3


def test_callbacks_of_keras_see_what_they_see_in_fit(world, shown, tmp_path):
    model = compiled(environment=control.describe(world))
    seen = []
    count = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append((batch, float(logs["loss"]))))
    patient = keras.callbacks.EarlyStopping("policy/kl", mode="min", min_delta=10.0, patience=2)
    history = model.imitate(
        world, shown, epochs=9, steps_per_epoch=2, verbose=0,
        callbacks=[count, patient, keras.callbacks.CSVLogger(tmp_path / "log.csv")],
    ).history  # fmt: skip
    assert len(history["loss"]) == 3  # the first is the best, then it waits for two
    assert [batch for batch, _ in seen] == [0, 1] * 3
    assert history["loss"] == [loss for batch, loss in seen if batch == 1]  # means over the epoch
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 4


def test_a_policy_is_saved_and_played_again(world, shown, tmp_path):
    model = compiled(environment=control.describe(world))
    model.imitate(world, shown, epochs=1, verbose=0)
    played = model.play(world, [0, 1, 0, 1], [7, 7, 8, 8])
    np.testing.assert_array_equal(played.observations[0, 0], played.observations[1, 0])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.environment == control.describe(world)
    again = loaded.play(world, SKILLS[[0, 1, 0, 1]], [7, 7, 8, 8])
    np.testing.assert_array_equal(again.observations, played.observations)
    loaded.averaged("policy").save(tmp_path / "policy.keras")
    policy = keras.saving.load_model(tmp_path / "policy.keras")
    alone = control.rollout(control.actor(policy), world, SKILLS[[0, 1, 0, 1]], [7, 7, 8, 8])
    np.testing.assert_array_equal(alone.observations, played.observations)


def test_actions_for_observations(batch):
    model = small()
    made = model.generate(3, condition=batch["observations"], seed=1)
    assert made.shape == (3, 5, 2)
    one = model.generate(3, condition={"observations": batch["observations"][:, :1], "intentions": SKILLS[[0, 1, 0]]}, seed=1)
    assert one.shape == (3, 1, 2)
    with pytest.raises(ValueError, match="condition"):
        model.generate(3)
    with pytest.raises(ValueError, match=r"finite, \(3, steps, 3\)"):
        model.generate(3, condition=np.zeros((3, 4)))
    with pytest.raises(ValueError, match="one-hot"):
        model.generate(3, condition={"observations": batch["observations"], "intentions": np.zeros((3, 5))})


# Refusals ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"intentions": 1}, "intentions"),
        ({"observation_size": None}, "observation_size"),
        ({"discount": 1.5}, "discount"),
        ({"reward_form": "log_d"}, "reward_form"),
        ({"observation_center": [0.0]}, "3 numbers"),
        ({"observation_scale": [1.0, 0.0, 1.0]}, "> 0"),
        ({"posterior": kgan.networks.control.perceptron(5, 3, (2,), name="posterior")}, "posterior"),
    ],
)
def test_a_model_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        small(**arguments)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"actions": np.zeros((3, 4, 3), "float32")}, r"actions.*4, 2"),
        ({"alive": np.ones((3, 4), "float32")}, r"alive.*episodes, 5"),
        ({"expert_actions": np.full((3, 4, 2), np.nan, "float32")}, "expert_actions.*NaN"),
        ({"other": np.zeros(3)}, "a dict of"),
    ],
)
def test_a_batch_of_another_kind_is_refused(batch, changes, message):
    with pytest.raises(ValueError, match=message):
        compiled().train_on_batch({**batch, **changes})


def test_another_world_is_refused_and_another_version_warned_of(world, shown):
    about = {**control.describe(world), "packages": {"mujoco": "0.1"}}
    model = compiled(environment=about)
    with pytest.raises(ValueError, match="horizon is 5, was 3"):
        model.imitate(control.PointMass(4, horizon=5), shown)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        model.imitate(world, shown, verbose=0)
    assert "mujoco is None, was '0.1'" in " ".join(str(warning.message) for warning in heard)
    plain = compiled(environment=control.describe(world))
    with pytest.raises(ValueError, match="observations of 2"):
        plain.imitate(world, control.Demonstrations(np.zeros((4, 3)), np.zeros((4, 2))))
    with pytest.raises(ValueError, match="Pusher-v5"):
        plain.imitate(world, control.Demonstrations(np.zeros((4, 2)), np.zeros((4, 2)), environment={"id": "Pusher-v5"}))
    with pytest.raises(ValueError, match="from 0 to 1"):
        plain.play(world, [0, 1, 2, 1], range(4))
