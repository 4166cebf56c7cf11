"""The trust-region step: its products beside an exact Fisher matrix, its solver beside NumPy's, its limit."""

import keras
import numpy as np
import pytest
from keras import ops

from kgan import backend, control, objectives
from kgan.networks.control import gaussian_policy


@pytest.fixture
def tiny(rng):
    """A policy of ten weights and two spreads, and what it sees."""
    policy = gaussian_policy(2, 2, hidden=(2,), log_std=-0.3)
    for v in policy.trainable_variables:
        v.assign(rng.normal(0.0, 0.5, v.shape).astype("float32"))
    states = rng.normal(size=(4, 2)).astype("float32")
    return policy, states


def parts(policy, states):
    return ops.split(policy(states), 2, axis=-1)


def scores(policy, states, actions):
    """The gradients of the log-density of every state's action: `(states, weights)`."""
    rows = []
    for state, action in zip(states, actions, strict=True):

        def density(values, state=state, action=action):
            with backend.Overlay(zip(policy.trainable_variables, values, strict=True)):
                return ops.sum(objectives.gaussian_log_density(action[None], *parts(policy, state[None]))), None

        _, found = backend.value_and_gradients(density, [backend.constant(v) for v in policy.trainable_variables])
        rows.append(ops.convert_to_numpy(backend.flat(found)))
    return np.stack(rows)


def exact_fisher(policy, states):
    """E of the outer products of scores over actions, by Gauss-Hermite quadrature, which is exact for these polynomials."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)
    weights = weights / weights.sum()
    means, log_stds = (ops.convert_to_numpy(p) for p in parts(policy, states))
    total = 0.0
    for x, p in zip(nodes, weights, strict=True):
        for y, q in zip(nodes, weights, strict=True):
            actions = means + np.exp(log_stds) * np.asarray([x, y], "float32")
            found = scores(policy, states, actions.astype("float32"))
            total = total + p * q * found.T @ found / len(states)
    return total


def divergence_from_here(policy, states):
    fixed = [ops.stop_gradient(p) for p in parts(policy, states)]
    return lambda: ops.mean(objectives.gaussian_divergence(*fixed, *parts(policy, states)))


def test_products_are_those_of_the_exact_fisher_matrix(tiny):
    policy, states = tiny
    fisher = exact_fisher(policy, states)
    variables, divergence = policy.trainable_variables, divergence_from_here(policy, states)
    products = [
        ops.convert_to_numpy(control.fisher_vector_product(divergence, variables, ops.convert_to_tensor(unit), damping=0.1))
        for unit in np.eye(len(fisher), dtype="float32")
    ]
    np.testing.assert_allclose(np.stack(products), fisher + 0.1 * np.eye(len(fisher)), atol=2e-5)


def test_conjugate_gradients_solve(rng):
    root = rng.normal(size=(6, 6))
    matrix, target = root @ root.T + np.eye(6), rng.normal(size=6)
    product = ops.convert_to_tensor(matrix.astype("float32"))
    found = control.conjugate_gradients(
        lambda v: ops.reshape(product @ v[:, None], (-1,)), ops.convert_to_tensor(target.astype("float32")), 12
    )
    np.testing.assert_allclose(ops.convert_to_numpy(found), np.linalg.solve(matrix, target), rtol=1e-3, atol=1e-4)
    nothing = control.conjugate_gradients(lambda v: 2.0 * v, ops.zeros(3), 3)
    np.testing.assert_array_equal(ops.convert_to_numpy(nothing), 0.0)


@pytest.mark.parametrize("limit", [1e-3, 0.3])
def test_the_step_is_natural_grows_the_gain_and_keeps_the_limit(tiny, rng, limit):
    policy, states = tiny
    actions, advantages = rng.normal(size=(4, 2)).astype("float32"), rng.normal(size=4).astype("float32")
    before = ops.stop_gradient(objectives.gaussian_log_density(actions, *parts(policy, states)))
    divergence = divergence_from_here(policy, states)

    def evaluate():
        density = objectives.gaussian_log_density(actions, *parts(policy, states))
        return ops.mean(ops.exp(density - before) * ops.convert_to_tensor(advantages)), divergence()

    variables, start = policy.trainable_variables, [ops.convert_to_numpy(v).copy() for v in policy.trainable_variables]
    step = control.trust_region_step(evaluate, variables, limit, damping=0.1, iterations=12)
    for v, value in zip(variables, start, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(v), value)  # nothing has moved
    slope = scores(policy, states, actions).T @ advantages / 4
    matrix = exact_fisher(policy, states) + 0.1 * np.eye(len(slope))
    natural = np.linalg.solve(matrix, slope)
    full = natural * np.sqrt(2 * limit / (natural @ matrix @ natural))
    fraction = float(step.fraction)
    assert fraction in [0.5**k for k in range(10)]
    np.testing.assert_allclose(ops.convert_to_numpy(step.direction), fraction * full, rtol=5e-3, atol=1e-4)
    at_start = float(evaluate()[0])
    for v, part in zip(variables, backend.split_like(step.direction, variables), strict=True):
        v.assign(v + part)
    gain, apart = map(float, evaluate())
    assert apart == pytest.approx(float(step.divergence), rel=1e-3, abs=1e-6)
    assert apart <= limit
    assert gain - at_start == pytest.approx(float(step.gain), rel=1e-2, abs=1e-6)
    assert gain > at_start
    if limit < 0.01:
        assert apart > 0.5 * limit * fraction**2  # the limit is used, as far as the damping lets it


def test_where_no_step_is_good_nothing_moves():
    weight = keras.Variable([0.0])

    def evaluate():  # far steeper a wall than its Hessian at 0 says, which the damping stands for
        return ops.sum(weight), ops.sum(1e6 * ops.abs(weight))

    step = control.trust_region_step(evaluate, [weight], 0.01, damping=1.0, backtracks=2)
    assert [float(part) for part in (step.direction[0], step.gain, step.fraction)] == [0.0, 0.0, 0.0]
