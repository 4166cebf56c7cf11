"""The sampler: its recursion by hand, its stationary variance, its noise, burn-in, files."""

import math

import keras
import numpy as np
import pytest
from keras import ops

from kgan.optimizers import SGHMC, HoldThenDecay


def variable(values):
    return keras.Variable(np.asarray(values, "float32"))


def step(optimizer, theta, gradient):
    with _no_gradient():
        optimizer.apply([ops.convert_to_tensor(np.asarray(gradient, "float32"))], [theta])
    return ops.convert_to_numpy(theta).copy()


def _no_gradient():
    from kgan.backend import no_gradient

    return no_gradient()


class Quiet(SGHMC):
    """Without noise, to see the recursion."""

    def noise_stddev(self, learning_rate):
        return 0.0 * learning_rate


def test_recursion_without_noise():
    """v: -0.2, then 0.9 * -0.2 - 0.1 * 1; momentum is 1 - friction."""
    theta = variable([1.0])
    optimizer = Quiet(0.1, friction=0.1, seed=0)
    assert step(optimizer, theta, [2.0]) == pytest.approx([0.8])
    assert step(optimizer, theta, [1.0]) == pytest.approx([0.8 - 0.28])


@pytest.mark.parametrize(("size", "variance"), [(1, 2 * 0.25 * 0.08), (100, 2 * 0.25 * 0.08 / 100)])
def test_variance_of_the_noise_is_two_a_eta(size, variance):
    """Not its standard deviation; with a mean loss, divided by N (the released code's noise is linear in the loss, and tiny)."""
    theta = variable(np.zeros(20_000))
    optimizer = SGHMC(0.08, friction=0.25, data_size=size, seed=1)
    first = step(optimizer, theta, np.zeros(20_000))
    assert first.std() == pytest.approx(math.sqrt(variance), rel=0.03)
    assert abs(first.mean()) < 4 * math.sqrt(variance / 20_000)
    assert abs(np.corrcoef(first, step(optimizer, theta, np.zeros(20_000)) - 1.75 * first)[0, 1]) < 0.04


def test_scaling_by_n_is_exact():
    """eta grad U and r grad(U / N) with r = eta N are one chain."""
    results = []
    for rate, size in ((1e-3, 1), (0.5, 500)):
        theta = variable([1.0, -2.0])
        optimizer = SGHMC(rate, friction=0.3, data_size=size, seed=3)
        for _ in range(5):
            step(optimizer, theta, 500 / size * ops.convert_to_numpy(theta))
        results.append(ops.convert_to_numpy(theta))
    np.testing.assert_allclose(results[0], results[1], rtol=1e-4)


def test_stationary_variance():
    """eta lambda = 0.5, friction 0.5: exactly 1 / (1 - eta lambda / (2 (2 - a))) = 1.2 by the 2x2 Lyapunov equation."""
    a, eta = 0.5, 0.5
    move = np.array([[1 - eta, 1 - a], [-eta, 1 - a]])
    exact = np.linalg.solve(np.eye(4) - np.kron(move, move), 2 * a * eta * np.ones(4))[0]
    assert exact == pytest.approx(1.2)
    theta = variable(np.zeros(10_000))
    optimizer = SGHMC(eta, friction=a, seed=0)
    seen = [step(optimizer, theta, ops.convert_to_numpy(theta)).var() for _ in range(40)]
    assert np.mean(seen[15:]) == pytest.approx(exact, rel=0.02)


def test_noise_of_variables_steps_and_seeds_differs_and_repeats():
    def draw(seed):
        thetas = [variable(np.zeros(50)), variable(np.zeros(50))]
        optimizer = SGHMC(0.1, seed=seed)
        with _no_gradient():
            optimizer.apply([ops.zeros(50), ops.zeros(50)], thetas)
        return [ops.convert_to_numpy(t) for t in thetas]

    (a, b), (c, _), (e, f) = draw(0), draw(1), draw(0)
    assert np.abs(a - b).max() > 0.1
    assert np.abs(a - c).max() > 0.1
    np.testing.assert_array_equal(a, e)
    np.testing.assert_array_equal(b, f)


def test_burn_in_is_adam_and_leaves_nothing_behind():
    theta, other = variable([1.0, 2.0]), variable([1.0, 2.0])
    optimizer = SGHMC(0.01, burn_in=3, burn_in_learning_rate=0.1, seed=5)
    adam = keras.optimizers.Adam(0.1, 0.5, 0.999, epsilon=1e-8)
    for gradient in ([1.0, -2.0], [0.5, 3.0], [-1.0, 1.0]):
        np.testing.assert_allclose(step(optimizer, theta, gradient), step(adam, other, gradient), rtol=1e-5)
    np.testing.assert_array_equal(ops.convert_to_numpy(optimizer._velocities[0]), 0.0)
    start = ops.convert_to_numpy(theta).copy()
    # The first sampling step: v = 0 before it, so only the gradient and this step's noise.
    fresh = SGHMC(0.01, seed=5)
    twin = variable(start)
    fresh.build([twin])
    fresh.iterations.assign(3)
    np.testing.assert_allclose(step(optimizer, theta, [1.0, 1.0]), step(fresh, twin, [1.0, 1.0]), rtol=1e-6)


def test_a_restored_sampler_goes_on_exactly():
    theta = variable([1.0, 2.0])
    optimizer = SGHMC(HoldThenDecay(0.1, 5, hold=0.0), friction=0.2, data_size=7, burn_in=1, seed=2)
    for _ in range(3):
        step(optimizer, theta, [1.0, 1.0])
    twin = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    other = variable(ops.convert_to_numpy(theta))
    twin.build([other])
    store = {}
    optimizer.save_own_variables(store)
    twin.load_own_variables(store)
    for _ in range(3):
        np.testing.assert_array_equal(step(optimizer, theta, [1.0, 0.0]), step(twin, other, [1.0, 0.0]))


@pytest.mark.parametrize(
    "bad",
    [
        {"friction": 0.0}, {"friction": 1.0}, {"learning_rate": 0.0}, {"learning_rate": -1e-3}, {"data_size": 0}, {"burn_in": -1},
        {"burn_in_learning_rate": 0.0},
    ],
)  # fmt: skip
def test_refuses(bad):
    with pytest.raises(ValueError):
        SGHMC(**bad)


def test_size_can_change():
    optimizer = SGHMC(data_size=10)
    optimizer.build([variable([0.0])])
    optimizer.set_data_size(40)
    assert float(optimizer.noise_stddev(1e-3)) == pytest.approx(math.sqrt(2 * 0.1 * 1e-3 / 40), rel=1e-5)
    with pytest.raises(ValueError, match="data_size"):
        optimizer.set_data_size(0)


@pytest.mark.parametrize("bad", [{"learning_rate": 0.0}, {"steps": 0}, {"hold": 1.0}, {"factor": 0.0}])
def test_schedule_refuses(bad):
    with pytest.raises(ValueError, match="must be"):
        HoldThenDecay(**{"learning_rate": 1.0, "steps": 10, **bad})
