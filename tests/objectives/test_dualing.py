"""The dual of the linear discriminator: strong duality, the general solver, gradients, by hand."""

import math

import keras
import numpy as np
import pytest
from keras import ops
from scipy.optimize import minimize

from kgan import backend, objectives

C = 0.01
DOUBLE = keras.backend.backend() == "tensorflow"  # the others take double precision only where asked to for the whole process
TINY = 1e-10 if DOUBLE else 1e-6


def problem(n=50, size=6):
    rng = np.random.RandomState(0)
    pair = 0.7 + rng.randn(n, size), 1.3 * rng.randn(n, size)
    return [part.astype("float64" if DOUBLE else "float32") for part in pair]


def zeros(size):
    return np.zeros(size, "float64" if DOUBLE else "float32")


def softplus(t):
    return np.logaddexp(0, t)


def cost(w, real, fake):
    return 0.5 * C * w @ w + 0.5 * softplus(-real @ w).mean() + 0.5 * softplus(fake @ w).mean()


def number(tensor):
    return float(ops.convert_to_numpy(tensor))


def test_one_feature_by_hand():
    w, real, fake = np.array([2.0]), np.array([[1.0]]), np.array([[3.0]])
    # f = 0.1/2 4 + (sp(-2) + sp(6)) / 2; shares sigmoid(-2) and sigmoid(6).
    expected = 0.05 * 4 + 0.5 * (math.log1p(math.exp(-2)) + math.log1p(math.exp(6)))
    assert number(objectives.dualing_primal(w, real, fake, 0.1)) == pytest.approx(expected)
    shares = [number(s[0]) for s in objectives.dualing_shares(w, real, fake)]
    assert shares == pytest.approx([1 / (1 + math.exp(2)), 1 / (1 + math.exp(-6))])
    # g at shares 1/2 and 1/4: lambda = 1/4 and 1/8.
    entropies = math.log(2), -0.25 * math.log(0.25) - 0.75 * math.log(0.75)
    expected = -((1 / 4 - 3 / 8) ** 2) / 0.2 + sum(entropies) / 2
    assert number(objectives.dualing_dual(np.array([0.5]), np.array([0.25]), real, fake, 0.1)) == pytest.approx(expected)


def test_the_optimum_is_that_of_a_general_solver_and_closes_the_gap():
    real, fake = problem()
    w = objectives.dualing_optimum(zeros(6), real, fake, C, steps=8)
    theirs = minimize(cost, np.zeros(6), (real, fake), method="BFGS", options={"gtol": 1e-10})
    np.testing.assert_allclose(ops.convert_to_numpy(w), theirs.x, atol=1e-5 if DOUBLE else 1e-3)
    primal = number(objectives.dualing_primal(w, real, fake, C))
    dual = number(objectives.dualing_dual(*objectives.dualing_shares(w, real, fake), real, fake, C))
    assert primal == pytest.approx(0.44369, abs=1e-5)
    assert primal == pytest.approx(cost(theirs.x, real, fake), abs=TINY)
    assert abs(primal - dual) < TINY
    # Weak duality off the optimum.
    other = w + 0.1
    dual = objectives.dualing_dual(*objectives.dualing_shares(other, real, fake), real, fake, C)
    assert number(dual) < primal < number(objectives.dualing_primal(other, real, fake, C))


def test_the_envelope():
    """With the dual variables fixed, the gradient of g at examples is that of the cost at the optimal w."""
    real, fake = problem(20, 3)
    w = objectives.dualing_optimum(zeros(3), real, fake, C, steps=8)
    shares = objectives.dualing_shares(w, real, fake)
    _, (dual,) = backend.value_and_gradients(lambda t: (objectives.dualing_dual(*shares, real, t[0], C), None), [fake])
    _, (primal,) = backend.value_and_gradients(lambda t: (objectives.dualing_primal(w, real, t[0], C), None), [fake])
    np.testing.assert_allclose(ops.convert_to_numpy(dual), ops.convert_to_numpy(primal), atol=1e-7 if DOUBLE else 1e-5)
    assert np.abs(ops.convert_to_numpy(dual)).max() > 1e-3


@pytest.mark.parametrize("scale", [0.01, 30.0])
def test_a_step_never_rises_the_cost(scale):
    """From a bad start, where a whole Newton step overshoots."""
    real, fake = problem()
    w, values = zeros(6) + real.dtype.type(scale), []
    for _ in range(12):
        values.append(cost(ops.convert_to_numpy(w), real, fake))
        w = objectives.dualing_optimum(w, real, fake, C, steps=1)
    assert np.diff(values).max() <= (1e-12 if DOUBLE else 1e-6)
    assert values[-1] == pytest.approx(0.44369, abs=1e-4)


def test_equal_features_leave_nothing_to_say():
    real, _ = problem()
    w = objectives.dualing_optimum(zeros(6) + 1, real, real, C, steps=10)
    np.testing.assert_allclose(ops.convert_to_numpy(w), 0.0, atol=1e-6 if DOUBLE else 1e-3)
    dual = objectives.dualing_dual(*objectives.dualing_shares(w, real, real), real, real, C)
    assert number(dual) == pytest.approx(math.log(2), abs=TINY)


# Discriminators that are networks, made linear in a step ----------------------------------------------------------------


def linear_model(n=20, size=5):
    """Gradients of scores as matrices, scores and weights, of a point that is not 0."""
    rng = np.random.RandomState(1)
    kind = "float64" if DOUBLE else "float32"
    return [
        array.astype(kind)
        for array in (rng.randn(n, size), rng.randn(n, size) - 0.5, rng.randn(n), rng.randn(n), rng.randn(size))
    ]


def step_of(radius, steps, model=None):
    real, fake, f_x, f_z, w = model or linear_model()
    return objectives.local_step(
        lambda s: (ops.matmul(real, s), ops.matmul(fake, s)),
        lambda u, v: ops.matmul(u, real) + ops.matmul(v, fake),
        w, f_x, f_z, C, radius, steps,
    )  # fmt: skip


def model_cost(s, real, fake, f_x, f_z, w):
    return 0.5 * C * (w + s) @ (w + s) + 0.5 * softplus(-f_x - real @ s).mean() + 0.5 * softplus(f_z + fake @ s).mean()


@pytest.mark.parametrize(("radius", "steps", "tolerance"), [(0.05, 20, 1e-6), (0.5, 30, 1e-5)])
def test_the_step_within_the_ball_is_that_of_a_general_solver(radius, steps, tolerance):
    real, fake, f_x, f_z, w = linear_model()
    s = step_of(radius, steps)
    ball = {"type": "ineq", "fun": lambda s: radius - 0.5 * s @ s, "jac": lambda s: -s}
    theirs = minimize(
        model_cost,
        np.full(5, 1e-3),
        (real, fake, f_x, f_z, w),
        "SLSQP",
        constraints=[ball],
        options={"ftol": 1e-14, "maxiter": 500},
    )
    found = ops.convert_to_numpy(s)
    assert 0.5 * found @ found == pytest.approx(radius, rel=1e-4)  # the region binds
    assert model_cost(found, real, fake, f_x, f_z, w) == pytest.approx(theirs.fun, abs=tolerance if DOUBLE else 1e-5)
    # Its dual, at the shares that belong to the step.
    shares = [1 / (1 + np.exp(f_x + real @ found)), 1 / (1 + np.exp(-f_z - fake @ found))]
    pull = 0.5 * (shares[0] @ real - shares[1] @ fake) / len(real)
    dual = number(objectives.local_dual(*shares, pull, w, f_x, f_z, C, radius))
    assert dual <= theirs.fun + 1e-6
    assert dual == pytest.approx(theirs.fun, abs=20 * tolerance if DOUBLE else 1e-3)


@pytest.mark.parametrize(("regularization", "radius"), [(C, 0.0), (0.0, 0.05), (0.0, 0.0), (2.0, 50.0)])
def test_the_dual_is_the_largest_over_multipliers(regularization, radius):
    real, fake, f_x, f_z, w = linear_model()
    u, v = 1 / (1 + np.exp(f_x)), 1 / (1 + np.exp(-f_z))
    pull = 0.5 * (u @ real - v @ fake) / len(real)
    found = number(objectives.local_dual(u, v, pull, w, f_x, f_z, regularization, radius))
    rest = number(objectives.local_dual(u, v, regularization * w, w, f_x, f_z, regularization, radius))  # without the square
    t = np.concatenate([[0.0], np.logspace(-6, 6, 20_001)]) + (1e-12 if regularization == 0.0 else 0.0)
    length = ((regularization * w - pull) ** 2).sum()
    assert found - rest == pytest.approx((-length / (2 * (regularization + t)) - t * radius).max(), rel=1e-4, abs=1e-5)


def test_a_ball_that_does_not_bind_leaves_the_optimum_inside():
    real, fake, f_x, f_z, w = linear_model()
    theirs = minimize(model_cost, np.zeros(5), (real, fake, f_x, f_z, w), method="BFGS")
    radius = float(theirs.x @ theirs.x)
    found = ops.convert_to_numpy(step_of(radius, 30))
    assert model_cost(found, real, fake, f_x, f_z, w) == pytest.approx(theirs.fun, abs=5e-3)
    assert found @ found < 2 * radius


def test_the_first_step_is_that_of_the_cost_made_linear_and_none_rises():
    real, fake, f_x, f_z, w = linear_model()
    slope = C * w + 0.5 * (-(1 / (1 + np.exp(f_x))) @ real + (1 / (1 + np.exp(-f_z))) @ fake) / len(real)
    found = ops.convert_to_numpy(step_of(1e-4, 1))
    np.testing.assert_allclose(found, -np.sqrt(2e-4) * slope / np.linalg.norm(slope), rtol=1e-3, atol=1e-7)
    costs = [model_cost(ops.convert_to_numpy(step_of(0.5, k)), real, fake, f_x, f_z, w) for k in (1, 2, 4, 8)]
    assert np.diff([model_cost(np.zeros(5), real, fake, f_x, f_z, w), *costs]).max() <= 1e-6


def test_the_cost_from_scores_by_hand():
    value = objectives.local_cost(np.array([2.0, 1.0]), np.array([1.0, -1.0]), np.array([0.0]), 0.1)
    expected = 0.05 * 5 + 0.25 * (math.log1p(math.exp(-1)) + math.log1p(math.exp(1))) + 0.5 * math.log(2)
    assert number(value) == pytest.approx(expected)
