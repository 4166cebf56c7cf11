"""Weights that follow schedules, the regularizers of 1705.09367 by hand, the gradient of an opponent's loss."""

import types

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan import penalties
from kgan.objectives import FDivergence
from kgan.objectives.f_divergences import DIVERGENCES
from kgan.optimizers import HoldThenDecay, level_at
from tests.penalties.test_penalties import linear, scored

LINEAR = keras.optimizers.schedules.PolynomialDecay
PLANE = kgan.networks.mlp.discriminator((2,), (4,), "tanh")


def model_at(rounds, score=None, **kwargs):
    seeds = keras.random.SeedGenerator(0)
    score = score or linear(3.0, 4.0)
    both = lambda x: (score(x), x)  # noqa: E731
    return types.SimpleNamespace(
        score=score, score_with_features=both, seed_generator=seeds, rounds=rounds, discriminator=PLANE, **kwargs
    )


@pytest.mark.parametrize(
    "make",
    [
        penalties.GradientPenalty,
        penalties.R1,
        penalties.Drift,
        penalties.Orthonormal,
        penalties.Consistency,
        penalties.JensenShannonRegularizer,
        penalties.FDivergenceRegularizer,
    ],
)
def test_every_penalty_follows_a_schedule_and_keeps_it(make):
    penalty = make(LINEAR(2.0, 10, 0.0))
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(penalty))
    points = np.array([[1.0, 0.5], [0.2, 0.3]], "float32")
    look = scored(points, -points, real_logits=ops.ones((2, 1)), fake_logits=ops.ones((2, 1)), real_features=2.0 * points)
    values = [float(again(model_at(n, objective=FDivergence("gan")), look)) for n in (0, 5, 10, 20)]
    full = float(make(2.0)(model_at(0, objective=FDivergence("gan")), look))
    assert full > 0.0
    np.testing.assert_allclose(values, [full, full / 2, 0.0, 0.0], rtol=1e-5)


def test_historical_average_follows_a_schedule():
    player = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
    player.build((None, 1))
    history = penalties.HistoricalAverage(player, LINEAR(2.0, 10, 0.0))
    history.term()
    player.kernel.assign(ops.ones((1, 1)) * 3.0)
    assert float(history.term(5)) == pytest.approx(2.25)  # mean 1.5, at weight 1


@pytest.mark.parametrize("bad", [-1.0, "x", LINEAR(1.0, 10, -1.0), True])
def test_weights_that_are_none_are_refused(bad):
    with pytest.raises((TypeError, ValueError), match="weight"):
        penalties.R1(bad)


def test_noise_that_rises_is_refused():
    with pytest.raises(ValueError, match="not rise"):
        kgan.GAN((2,), instance_noise=LINEAR(0.1, 10, 0.5))


def test_a_round_of_the_model_is_the_argument_of_its_schedules(tmp_path, rng):
    """Logs of rounds 0 to 3, evaluation included, which JAX compiles once; after a file too."""
    model = kgan.GAN((2,), discriminator=PLANE, latent_size=2, penalties=[penalties.Drift(LINEAR(1.0, 4, 0.0))], seed=0)
    still = {move: keras.optimizers.SGD(0.0) for move in ("discriminator", "generator")}
    model.compile(optimizers=still)
    points = rng.normal(size=(8, 2)).astype("float32")
    term = "discriminator/drift"

    def of_evaluation(m):
        return m.evaluate(points, batch_size=8, verbose=0, return_dict=True)[term]

    seen, evaluated = [], [of_evaluation(model)]
    for _ in range(3):
        seen += model.fit(points, batch_size=8, verbose=0).history[term]
        evaluated.append(of_evaluation(model))
    np.testing.assert_allclose(np.array(seen) / seen[0], [1.0, 0.75, 0.5], rtol=1e-5)
    np.testing.assert_allclose(np.array(evaluated) / evaluated[0], [1.0, 0.75, 0.5, 0.25], rtol=1e-5)
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    assert of_evaluation(loaded) == pytest.approx(evaluated[-1])
    assert loaded.penalties[0].weight.get_config() == model.penalties[0].weight.get_config()
    assert loaded.fit(points, batch_size=8, verbose=0).history[term] == pytest.approx([0.25 * seen[0]], rel=1e-5)


def test_evaluation_is_compiled_once_where_nothing_follows_the_rounds(rng):
    model = kgan.GAN((2,), discriminator=PLANE, latent_size=2, seed=0)
    model.compile()
    points = rng.normal(size=(8, 2)).astype("float32")
    model.evaluate(points, batch_size=8, verbose=0)
    assert not model._evaluation.dated


@pytest.mark.parametrize("level", [0.5, LINEAR(0.5, 100, 0.0), HoldThenDecay(0.5, 10, hold=0.0)])
def test_instance_noise_has_its_level_in_training_and_is_drawn_anew(level):
    model = kgan.GAN((2,), latent_size=2, instance_noise=level, seed=0)
    points = ops.zeros((20000, 2))
    with kgan.backend.Overlay(training=True):
        first, second = (ops.convert_to_numpy(model.perturbed(points)) for _ in range(2))
    assert first.std() == pytest.approx(0.5, abs=0.01)
    assert abs(np.corrcoef(first[:, 0], second[:, 0])[0, 1]) < 0.05
    assert abs(np.corrcoef(first[:, 0], first[:, 1])[0, 1]) < 0.05
    with kgan.backend.Overlay(training=False):
        assert float(ops.max(ops.abs(model.perturbed(points)))) == 0.0
    pair = kgan.GAN((2,), latent_size=2, instance_noise=0.1, seed=0)
    with kgan.backend.Overlay(training=True):
        x, z = pair.perturbed([points, points])
    assert 0.09 < float(ops.std(x)) < 0.11
    assert float(ops.max(ops.abs(x - z))) > 0.1


# Roth et al. ------------------------------------------------------------------------------------------------------------

ORIGIN, UP = np.zeros((2, 2), "float32"), np.array([[np.log(3.0) / 3.0, 0.0]], "float32")  # logits 0, log 3 of (3, 4)


def test_the_regularizer_by_hand():
    """||grad l||^2 = 25; phi = 1/2 at logit 0, 3/4 at log 3: 25 (1/4)^2 for real, 25 (3/4)^2 for generated examples."""
    penalty, model = penalties.JensenShannonRegularizer(2.0), model_at(0)
    assert float(penalty(model, scored(ORIGIN, ORIGIN))) == pytest.approx(12.5, rel=1e-5)
    assert float(penalty(model, scored(UP, ORIGIN))) == pytest.approx(1.5625 + 6.25, rel=1e-5)
    # Halves of different sizes are averaged separately.
    assert float(penalty(model, scored(ORIGIN, UP))) == pytest.approx(6.25 + 14.0625, rel=1e-5)


def test_the_form_for_f_divergences_by_hand():
    def value(divergence, look, link="nowozin"):
        return float(penalties.FDivergenceRegularizer(2.0)(model_at(0, objective=FDivergence(divergence, link)), look))

    assert value("gan", scored(ORIGIN, UP)) == pytest.approx(25 * 0.75, rel=1e-5)
    assert value("pearson", scored(ORIGIN, UP)) == pytest.approx(12.5, rel=1e-5)  # f*'' = 1/2
    assert value("kl", scored(ORIGIN, UP)) == pytest.approx(25 * 3 / np.e, rel=1e-5)  # exp(T - 1)
    assert value("kl", scored(ORIGIN, UP), "logistic") == pytest.approx(75.0, rel=1e-5)
    for wrong in (FDivergence("total_variation"), kgan.objectives.get("hinge")):
        with pytest.raises(ValueError, match="JensenShannonRegularizer"):
            penalties.FDivergenceRegularizer()(model_at(0, objective=wrong), scored(ORIGIN, UP))


EXTRA = {"alpha": [{"alpha": 0.5}, {"alpha": 1.5}, {"alpha": 3.0}], "weighted_jensen_shannon": [{"pi": 0.3}]}
CASES = [
    FDivergence(name, link, **extra)
    for name in DIVERGENCES
    for link in ("nowozin", "logistic", "matsushita")
    for extra in EXTRA.get(name, [{}])
    if link == "nowozin" or name != "total_variation"
]


@pytest.mark.parametrize("objective", CASES, ids=lambda o: o.name)
def test_curvature_is_that_of_the_conjugate(objective):
    """`f*''(T) T'^2 = T' d(f*'(T))/dV`, and `f*'(T) = d f*(T)/dV / T'`, by automatic differentiation."""

    def slope(function):
        return lambda at: kgan.backend.input_gradient(function, at)

    t, v = slope(objective.variational), ops.convert_to_tensor(np.linspace(-0.3, 1.2, 7, dtype="float32")[:, None] + 0.01)
    expected = t(v) * slope(lambda at: slope(objective.conjugate)(at) / t(at))(v)
    found = ops.convert_to_numpy(objective.curvature(v))
    np.testing.assert_allclose(found, ops.convert_to_numpy(expected), rtol=2e-3, atol=1e-5)
    assert (found >= 0).all()


@pytest.mark.parametrize("objective", CASES, ids=lambda o: o.name)
def test_curvature_is_finite_far_out(objective):
    far = ops.convert_to_tensor([[-200.0], [-30.0], [0.0], [30.0], [200.0]], "float32")
    assert np.isfinite(ops.convert_to_numpy(objective.curvature(far))).all()


def test_batch_norm_is_refused():
    network = kgan.networks.dcgan.discriminator((16, 16, 1), 4)
    for penalty in (penalties.JensenShannonRegularizer(), penalties.FDivergenceRegularizer()):
        with pytest.raises(ValueError, match="BatchNormalization"):
            penalty.check(network)
    with pytest.raises(ValueError, match="BatchNormalization"):
        kgan.GradientRegularizedGAN(discriminator=network)


# The opponent's gradient ------------------------------------------------------------------------------------------------


def test_the_opponents_gradient_is_differentiable_in_what_the_player_owns():
    """V = psi theta + psi^2 real: grad_psi V = theta + 2 psi real, whose square has the slope 2 (theta + 2 psi real) in theta."""
    psi, theta = keras.Variable([2.0]), keras.Variable([3.0])

    def loss(tensors):
        with kgan.backend.Overlay([(theta, tensors[0])]):
            value, (gradient,) = penalties.opponent_gradient(lambda: ops.sum(psi * theta + 5.0 * psi * psi), [psi])
            return ops.sum(ops.square(gradient)), value

    (norm, value), (slope,) = kgan.backend.value_and_gradients(loss, [ops.convert_to_tensor([3.0])])
    assert (float(value), float(norm), float(slope[0])) == pytest.approx((26.0, 529.0, 46.0))
    with pytest.raises(ValueError, match="no trainable variables"):
        penalties.opponent_gradient(lambda: 0.0, [])


@pytest.mark.parametrize(("objective", "adversarial", "norm"), [("wasserstein", -6.0, 9.0), ("minimax", None, None)])
def test_the_generators_loss_by_hand(objective, adversarial, norm):
    """Data at 0, samples at theta = 3, D(x) = 2 x: V = -psi theta, grad V = -theta."""
    z, x = keras.Input((1,)), keras.Input((1,))
    constant = keras.layers.Dense(1, kernel_initializer="zeros", bias_initializer=keras.initializers.Constant(3.0))
    slope = keras.layers.Dense(1, use_bias=False, kernel_initializer=keras.initializers.Constant(2.0))
    model = kgan.GradientRegularizedGAN(
        generator=keras.Model(z, constant(z)), discriminator=keras.Model(x, slope(x)), objective=objective, weight=0.5, seed=0
    )
    terms = model.generator_loss(ops.zeros((4, 1)))
    if adversarial is None:  # V = -log 2 - sp(6); grad V = -3 sigmoid(6)
        adversarial, norm = -np.log(2.0) - np.log1p(np.exp(6.0)), 9.0 / (1.0 + np.exp(-6.0)) ** 2
    assert float(terms["adversarial"]) == pytest.approx(adversarial, rel=1e-5)
    assert float(terms["opponent_gradient"]) == pytest.approx(0.5 * norm, rel=1e-5)
    assert [turn.fresh for turn in model.turns()] == [True, True]
    with pytest.raises(ValueError, match="wasserstein"):
        kgan.GradientRegularizedGAN((2,), objective="non_saturating")


def test_level_at_takes_numbers_as_they_are():
    assert level_at(0.5, 7) == 0.5


def test_directional_derivatives_against_finite_differences(rng):
    """Of every example alone, and in what the player owns: here the examples."""
    network = kgan.networks.mlp.discriminator((3,), (4,), "tanh")
    x = ops.convert_to_tensor(rng.normal(size=(5, 3)).astype("float32"))
    variables = network.trainable_variables
    direction = [ops.convert_to_tensor(rng.normal(size=v.shape).astype("float32")) for v in variables]

    def scores(examples=x):
        return ops.reshape(network(examples), (-1,))

    def along(examples):
        return penalties.directional_derivative(lambda: scores(examples), variables, direction)

    found = ops.convert_to_numpy(along(x))
    starts = [ops.convert_to_numpy(v).copy() for v in variables]
    ends = []
    for sign in (1e-2, -1e-2):
        for v, start, d in zip(variables, starts, direction, strict=True):
            v.assign(start + sign * ops.convert_to_numpy(d))
        ends.append(ops.convert_to_numpy(scores()))
    for v, start in zip(variables, starts, strict=True):
        v.assign(start)
    np.testing.assert_allclose(found, (ends[0] - ends[1]) / 2e-2, atol=2e-3)
    _, (slope,) = kgan.backend.value_and_gradients(lambda t: (ops.sum(along(t[0])), None), [x])
    shift = np.zeros((5, 3), "float32")
    shift[2, 1] = 1e-2
    shift = ops.convert_to_tensor(shift)
    difference = ops.convert_to_numpy(along(x + shift) - along(x - shift)).sum() / 2e-2
    assert ops.convert_to_numpy(slope)[2, 1] == pytest.approx(difference, abs=5e-3)
