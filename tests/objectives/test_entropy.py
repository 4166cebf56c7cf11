"""Nearest neighbors as the slope of a density: by hand, by the truth, and what is refused."""

import math

import numpy as np
import pytest
from keras import ops

from kgan import backend, objectives


def directions(samples, *args):
    return ops.convert_to_numpy(objectives.neighbor_directions(ops.convert_to_tensor(np.asarray(samples, "float32")), *args))


def test_directions_by_hand():
    """Of 0, 1, 3 on a line with one neighbor: to the nearest other point, in the variance form over the variance of the pair."""
    line = [[0.0], [1.0], [3.0]]
    np.testing.assert_allclose(directions(line, 1), [[1.0], [-1.0], [-1.0]], atol=1e-6)
    np.testing.assert_allclose(directions(line, 1, "variance"), [[1 / 0.25], [-1 / 0.25], [-2 / 1.0]], rtol=1e-5)


def test_a_sample_is_no_neighbor_of_its_own():
    np.testing.assert_allclose(directions([[0.0, 0.0], [3.0, 4.0]], 1), [[0.6, 0.8], [-0.6, -0.8]], atol=1e-6)


@pytest.mark.parametrize("form", objectives.NEIGHBOR_FORMS)
def test_samples_on_one_place_have_no_direction_and_finite_gradients(form):
    assert np.isfinite(directions(np.ones((4, 3)), 2, form)).all()


def test_the_gradient_is_the_direction_and_a_step_spreads():
    x = np.random.default_rng(0).normal(size=(60, 2)).astype("float32")
    value = lambda t: (objectives.neighbor_entropy(t[0], 10), None)  # noqa: E731
    _, (gradient,) = backend.value_and_gradients(value, [ops.convert_to_tensor(x)])
    gradient = ops.convert_to_numpy(gradient)
    np.testing.assert_allclose(gradient, directions(x, 10) / 60, atol=1e-6)
    assert (x - 30.0 * gradient).std() > 1.1 * x.std()


@pytest.mark.parametrize("stddev", [0.5, 3.0])
def test_the_slope_of_a_normal(stddev):
    """500 points of N(0, s^2 I), k = 20: the direction of -x / s^2, and in the variance form its size within a constant factor."""
    x = stddev * np.random.default_rng(0).normal(size=(500, 2)).astype("float32")
    truth = -x / stddev**2
    found = directions(x, 20, "variance")
    cosine = (found * truth).sum() / np.linalg.norm(found) / np.linalg.norm(truth)
    slope = (found * truth).sum() / (truth**2).sum()
    assert cosine > 0.6
    assert 1.2 < slope < 1.7  # the same at every scale
    unit = directions(x, 20)
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), 1.0, atol=1e-4)
    assert (unit * truth).sum() > 0


def test_images_are_flattened():
    x = np.random.default_rng(0).normal(size=(5, 2, 2, 1)).astype("float32")
    np.testing.assert_array_equal(directions(x, 2), directions(x.reshape(5, 4), 2))


@pytest.mark.parametrize(("args", "words"), [((3,), "none has 3 others"), ((1, "square"), "variance")])
def test_refused(args, words):
    with pytest.raises(ValueError, match=words):
        directions(np.zeros((3, 2)), *args)


def test_a_posterior_of_a_gaussian_costs_what_it_should():
    """-log q of z = mu, sigma = 1 is d/2 log 2 pi; log sigma counts in full, not by half."""
    from kgan.codes import Continuous

    z = ops.convert_to_tensor(np.ones((1, 4), "float32"))
    code = Continuous(4, learn_variance=True)
    for log_sigma, difference, expected in ((0.0, 0.0, 0.0), (1.0, 0.0, 4.0), (1.0, math.e, 4.0 + 0.5 * 4)):
        parameters = ops.concatenate([z - difference, ops.full((1, 4), log_sigma)], axis=-1)
        found = -float(code.log_likelihood(parameters, z)[0]) - 2.0 * math.log(2 * math.pi)
        assert found == pytest.approx(expected, abs=1e-4)
