"""The declared game is the game that is played, step by step and by hand."""

import time

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan import Move, Observation, Turn
from tests.games import Bilinear, Weight, ones, sgd


def play(model, rounds=1, minibatch=4, data=None, **kwargs):
    model.compile(**kwargs)
    data = ones(rounds * minibatch * model._play.per_round) if data is None else data
    return model.fit(data, batch_size=minibatch, shuffle=False, verbose=0)


def counters(model):
    return {name: int(model.optimizer[name].iterations) for name in model._play.moves}


def test_alternating_descent_by_hand():
    # psi <- 1 - 0.1 theta = 0.9; then theta <- 1 + 0.1 psi = 1.09 at the new psi.
    model = Bilinear()
    play(model)
    assert model.point() == pytest.approx((0.9, 1.09))


def test_simultaneous_descent_by_hand():
    # Both at the old point: psi <- 0.9, theta <- 1.1.
    model = Bilinear(turns_of=lambda m: (Turn((m.d_move(), m.g_move())),))
    play(model)
    assert model.point() == pytest.approx((0.9, 1.1))


def test_repeats_take_fresh_minibatches():
    # Minibatch means 1, 2, 3 for three discriminator steps at theta = 1; the generator sees the last one again.
    model = Bilinear(turns_of=lambda m: (Turn((m.d_move(),), repeats=3), Turn((m.g_move(),), fresh=False)))
    data = np.repeat(np.arange(1.0, 4.0, dtype="float32"), 4)[:, None]
    play(model, data=data)
    psi = 1.0 - 0.1 * (1 + 2 + 3)
    assert model.point() == pytest.approx((psi, 1.0 + 0.1 * psi * 3), abs=1e-6)
    assert counters(model) == {"discriminator": 3, "generator": 1}


def test_a_fresh_generator_turn_takes_its_own_minibatch():
    model = Bilinear(turns_of=lambda m: (Turn((m.d_move(),)), Turn((m.g_move(),))))
    assert play(model, data=np.asarray([[1.0]] * 4 + [[5.0]] * 4, "float32"))
    assert model.point() == pytest.approx((0.9, 1.0 + 0.1 * 0.9 * 5), abs=1e-6)


def test_every_skips_rounds_and_touches_nothing():
    model = Bilinear(turns_of=lambda m: (Turn((m.d_move(),), every=3), Turn((m.g_move(),), fresh=False)))
    play(model, rounds=4, optimizers={"discriminator": keras.optimizers.Adam(0.1)})
    # Rounds 0 and 3 of four.
    assert counters(model) == {"discriminator": 2, "generator": 4}
    assert float(model.discriminator.calls) == 2.0


def test_when_reads_a_variable_that_a_loss_writes():
    def turns(m):
        def generator_loss(x):
            m.memory.assign(m.memory + 1.0)
            return -m.value(x)

        gated = Turn((m.d_move(),), when=lambda: m.memory >= 2.0)
        return (gated, Turn((Move("generator", ("generator",), generator_loss),), fresh=False))

    model = Bilinear(turns_of=turns)
    play(model, rounds=5, optimizers={"discriminator": keras.optimizers.Adam(0.1)})
    # The memory is 0, 1, 2, 3, 4 when the gate looks at it.
    assert counters(model) == {"discriminator": 3, "generator": 5}
    assert float(model.memory) == 5.0


def test_a_closed_gate_leaves_weights_slots_and_state_alone():
    model = Bilinear(turns_of=lambda m: (Turn((m.d_move(),), when=lambda: m.memory > 0.5), Turn((m.g_move(),), fresh=False)))
    model.compile(optimizers={"discriminator": keras.optimizers.Adam(0.1)})
    watched = [*model.discriminator.variables, *model.optimizer["discriminator"].variables]
    before = [ops.convert_to_numpy(v).copy() for v in watched]
    history = model.fit(ones(8), batch_size=4, verbose=0)
    for variable, old in zip(watched, before, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(variable), old, err_msg=variable.path)
    assert history.history["generator/loss"][0] != 0.0


def test_project_acts_at_compile_and_after_each_step():
    class OnlyD(Bilinear):
        def default_optimizers(self):
            return sgd("discriminator")

    def game(model):
        return (Turn((model.d_move(project=lambda w: ops.clip(w, -0.5, 0.5)),)),)

    model = OnlyD(psi=3.0, turns_of=game)
    model.compile()
    assert model.point() == pytest.approx((0.5, 1.0))
    play(model)
    assert model.point() == pytest.approx((0.4, 1.0))  # one step of 0.1 from there
    model = OnlyD(psi=-0.45, turns_of=game)
    play(model)
    assert model.point() == pytest.approx((-0.5, 1.0))


def test_a_fast_step_waits_for_a_slow_one():
    """TensorFlow's graph optimizer lets the second step of psi overtake the first, whose gradient takes its time."""

    def slow(x):
        time.sleep(0.3 * (x.mean() > 0))
        return x.mean()

    class Pair(Bilinear):
        def value(self, x):
            psi, theta = self.discriminator(training=self.in_training), self.generator(training=self.in_training)
            return ops.sum(psi * kgan.backend.host_call(slow, [x], (), "float32") + psi * theta)

        def turns(self):
            bound = {"discriminator": lambda w: ops.clip(w, -0.5, 0.5)}
            return (Turn((Move("joint", ("discriminator", "generator"), lambda x: self.value(x), bound),), repeats=2),)

        def default_optimizers(self):
            return sgd("joint")

    model = Pair(psi=0.0, theta=0.0)
    play(model, data=np.repeat(np.float32([10.0, -10.0]), 4)[:, None])
    # psi <- 0 - 1, clipped to -0.5, with theta still at 0; then psi <- -0.5 + 1 and theta <- 0 + 0.05.
    assert model.point() == pytest.approx((0.5, 0.05))


def test_a_projection_may_belong_to_one_player_of_a_move():
    class Pair(Bilinear):
        def turns(self):
            bound = {"discriminator": lambda w: ops.clip(w, -0.5, 0.5)}
            return (Turn((Move("joint", ("discriminator", "generator"), lambda x: self.value(x), bound),), every=2),)

        def default_optimizers(self):
            return sgd("joint")

    model = Pair(psi=3.0, theta=-20.0)
    model.compile()
    assert model.point() == pytest.approx((0.5, -20.0))
    # Joint descent on psi theta: psi <- 0.5 + 2 and back into its set, theta <- -20 - 0.05 and left there; the second round is skipped.
    play(model, rounds=2)
    assert model.point() == pytest.approx((0.5, -20.05))


def test_several_players_move_on_one_loss_and_overlap():
    class Pair(Bilinear):
        def turns(self):
            joint = Move("joint", ("discriminator", "generator"), lambda x: self.value(x))
            again = Move("again", ("generator",), lambda x: -self.value(x))
            return (Turn((joint,)), Turn((again,), fresh=False))

        def default_optimizers(self):
            return sgd("joint", "again")

    model = Pair()
    play(model)
    # joint: psi <- 0.9, theta <- 0.9 at (1, 1); again: theta <- 0.9 + 0.1 * 0.9.
    assert model.point() == pytest.approx((0.9, 0.99))
    assert counters(model) == {"joint": 1, "again": 1}


def test_a_move_keeps_the_state_of_its_own_players_only():
    model = Bilinear()
    play(model, rounds=3)
    # Both networks are called in both moves; each keeps the calls of its own moves.
    assert (float(model.discriminator.calls), float(model.generator.calls)) == (3.0, 3.0)


def test_terms_are_summed_logged_and_observed():
    class Terms(Bilinear):
        def turns(self):
            def loss(x):
                value = self.value(x)
                return {"one": value, "two": 2.0 * value, "seen": Observation(100.0 * value)}

            return (Turn((Move("discriminator", ("discriminator",), loss),)),)

        def default_optimizers(self):
            return sgd("discriminator")

    model = Terms()
    logs = play(model).history
    assert model.point()[0] == pytest.approx(1.0 - 0.1 * 3.0)
    assert {k: v[0] for k, v in logs.items()} == pytest.approx(
        {"discriminator/one": 1.0, "discriminator/two": 2.0, "discriminator/seen": 100.0, "loss": 3.0}
    )


def test_regularizers_and_activity_losses_of_the_player_are_terms():
    class Regular(Bilinear):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.network = keras.Sequential(
                [
                    keras.Input((1,)),
                    keras.layers.Dense(1, kernel_initializer="ones", kernel_regularizer=keras.regularizers.L2(0.5), name="dense"),
                    keras.layers.ActivityRegularization(l1=0.25, name="activity"),
                ],
                name="network",
            )

        def turns(self):
            return (Turn((Move("network", ("network",), lambda x: ops.mean(self.network(x, training=self.in_training))),)),)

        def default_optimizers(self):
            return sgd("network")

    logs = play(Regular(), minibatch=4).history
    # The layers divide the activity loss by the batch size; 0.5 * 1^2 + 0.25 * 4 / 4.
    assert logs["network/regularization"][0] == pytest.approx(0.75)


class Owning(Bilinear):
    """A third network that no move names, and layers that add losses: 1, 10 and 100 times the mean of the minibatch, in every call."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        for factor, network in ((1.0, "discriminator"), (10.0, "generator"), (100.0, "frozen")):
            inner = keras.Sequential(
                [keras.Input((1,)), Adding(factor), keras.layers.BatchNormalization()], name=f"{network}_adds"
            )
            setattr(
                self, network, keras.Sequential([keras.Input((1,)), inner, keras.layers.Dense(1, name="dense")], name=network)
            )

    def value(self, x):
        # The discriminator twice, as on real and on generated examples: neither loss may be lost.
        for network in (self.discriminator, self.generator, self.frozen, self.discriminator):
            x = network(x, training=True)
        return ops.mean(x)


@keras.saving.register_keras_serializable("tests")
class Adding(keras.layers.Layer):
    """Adds a loss, and hands ones on."""

    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        self.add_loss(self.factor * ops.mean(ops.ones_like(x)))
        return x

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


def test_what_a_layer_adds_belongs_to_the_moves_that_move_it():
    class Three(Owning):
        def turns(self):
            both = Move("both", ("discriminator", "generator"), lambda x: self.value(x))
            return (Turn((self.d_move(), self.g_move())), Turn((both,), fresh=False))

        def default_optimizers(self):
            return sgd("discriminator", "generator", "both")

    logs = play(Three(seed=0)).history
    assert {name: logs[f"{name}/regularization"][0] for name in ("discriminator", "generator", "both")} == pytest.approx(
        {"discriminator": 2.0, "generator": 10.0, "both": 12.0}
    )


def test_a_move_without_such_a_layer_has_no_such_term():
    model = Owning(seed=0)
    model.discriminator = Weight((1.0,), name="discriminator")
    model.value = lambda x: ops.mean(model.generator(x, training=True)) * ops.sum(model.discriminator())
    assert {name for name in play(model).history if "regularization" in name} == {"generator/regularization"}


def test_what_a_layer_outside_of_networks_adds_belongs_to_the_moves_that_call_it():
    model = Owning(seed=0)
    model.discriminator, model.generator = Weight((1.0,), name="discriminator"), Weight((1.0,), name="generator")
    model.outside = Adding(5.0)
    model.value = lambda x: ops.mean(model.outside(x)) * ops.sum(model.discriminator()) * ops.sum(model.generator())
    logs = play(model).history
    assert [logs[f"{name}/regularization"] for name in ("discriminator", "generator")] == [[5.0], [5.0]]


def test_a_network_that_no_move_names_keeps_its_state_however_it_is_called():
    model = Owning(seed=0)

    def moving(network):
        return np.concatenate([ops.convert_to_numpy(v) for v in network.non_trainable_variables])

    before = {name: moving(getattr(model, name)) for name in ("discriminator", "generator", "frozen")}
    play(model, rounds=2)
    assert np.array_equal(moving(model.frozen), before["frozen"])
    assert not any(np.array_equal(moving(getattr(model, name)), before[name]) for name in ("discriminator", "generator"))


@pytest.mark.parametrize(
    ("turns", "message"),
    [
        (lambda m: (), "at least one Turn"),
        (lambda m: (Turn((m.d_move(), m.d_move())),), "name of its own"),
        (lambda m: (Turn((m.d_move(),), repeats=0),), "repeats"),
        (lambda m: (Turn((Move("d", ("nobody",), lambda x: 0.0),)),), "not an attribute"),
        (lambda m: (Turn((m.d_move(project={"generator": abs}),)),), "does not move"),
        (lambda m: (Turn((Move("d/d", ("generator",), lambda x: 0.0),)),), "must not contain"),
    ],
)
def test_games_that_cannot_be_played_are_refused(turns, message):
    with pytest.raises(ValueError, match=message):
        Bilinear(turns_of=turns).compile()


def test_a_frozen_player_is_refused_with_the_reason():
    model = Bilinear()
    model.discriminator.trainable = False
    with pytest.raises(ValueError, match="trainable = False"):
        model.compile()


def test_a_vector_loss_is_refused():
    class Vector(Bilinear):
        def turns(self):
            return (Turn((Move("discriminator", ("discriminator",), lambda x: x * self.value(x)),)),)

        def default_optimizers(self):
            return sgd("discriminator")

    with pytest.raises(ValueError, match="must be a scalar"):
        play(Vector())


def test_a_loss_that_reads_a_foreign_variable_is_refused():
    foreign = keras.Variable(1.0)

    class Foreign(Bilinear):
        def value(self, x):
            return super().value(x) * foreign

    with pytest.raises(RuntimeError, match="does not belong to the model"):
        play(Foreign())


def test_unseeded_noise_is_refused():
    class Unseeded(Bilinear):
        def value(self, x):
            return super().value(x) * keras.random.uniform(())

    with pytest.raises((RuntimeError, ValueError), match="seed"):
        play(Unseeded())


def test_compile_names_what_is_wrong():
    with pytest.raises(ValueError, match="unknown: \\['critic'\\]"):
        Bilinear().compile(optimizers={"critic": "sgd"})
    with pytest.raises(TypeError, match="one optimizer per move"):
        Bilinear().compile(optimizer="adam")
    one = keras.optimizers.SGD(0.1)
    with pytest.raises(ValueError, match="of its own"):
        Bilinear().compile(optimizers={"discriminator": one, "generator": one})
    with pytest.raises(ValueError, match="compile"):
        Bilinear().fit(ones(4))


def test_weight_layer_is_what_the_games_assume():
    layer = Weight((1.0, 2.0))
    layer(training=True)
    assert float(layer.calls) == 1.0
