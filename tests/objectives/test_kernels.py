"""Kernel estimators by hand, against the closed form of Gaussians, and where rounding or bad input would hurt."""

import math

import numpy as np
import pytest
from keras import ops

from kgan import backend, metrics, objectives
from kgan.objectives import GaussianKernel


def tensor(values):
    return ops.convert_to_tensor(np.asarray(values, "float32"))


def dot(a, b):
    return ops.matmul(a, ops.swapaxes(b, -1, -2))


def test_the_gaussian_kernel_has_squared_bandwidths_and_a_two():
    value = GaussianKernel((1, 2, 4))(tensor([[0.0, 0.0]]), tensor([[3.0, 4.0], [0.0, 0.0]]))
    expected = sum(math.exp(-25 / (2 * s * s)) for s in (1, 2, 4))
    np.testing.assert_allclose(ops.convert_to_numpy(value), [[expected, 3.0]], rtol=1e-5)


def test_the_three_estimators_by_hand():
    # X = {0, 2}, Y = {1, 5}; sigma^2 = 1/2, so k(d) = exp(-d^2).
    x, y, kernel = tensor([[0.0], [2.0]]), tensor([[1.0], [5.0]]), GaussianKernel(math.sqrt(0.5))
    e = math.exp
    cross = (e(-1) + e(-25) + e(-1) + e(-9)) / 4
    biased = (1 + e(-4)) / 2 + (1 + e(-16)) / 2 - 2 * cross
    unbiased = e(-4) + e(-16) - 2 * cross
    linear = e(-4) + e(-16) - e(-25) - e(-1)
    assert float(objectives.biased_mmd2(x, y, kernel)) == pytest.approx(biased, abs=1e-6)
    assert float(objectives.unbiased_mmd2(x, y, kernel)) == pytest.approx(unbiased, abs=1e-6)
    assert float(objectives.linear_time_mmd2(x, y, kernel)) == pytest.approx(linear, abs=1e-6)
    assert float(objectives.mmd(x, y, kernel)) == pytest.approx(math.sqrt(biased), abs=1e-6)


def test_unequal_sizes_are_means():
    x, y = tensor([[0.0], [0.0], [3.0]]), tensor([[1.0], [1.0]])
    # With the linear kernel: the squared distance of the means, 1 and 1; without the diagonal of {0, 0, 9} and {1, 1}.
    assert float(objectives.biased_mmd2(x, y, dot)) == pytest.approx(0.0, abs=1e-6)
    assert float(objectives.unbiased_mmd2(x, y, dot)) == pytest.approx(0.0 + 1.0 - 2.0, abs=1e-6)


def test_the_linear_kernel_is_mean_matching(rng):
    x, y = rng.normal(size=(5, 3)), rng.normal(size=(7, 3))
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum()
    assert float(objectives.biased_mmd2(tensor(x), tensor(y), dot)) == pytest.approx(expected, rel=1e-4)


def test_the_metric_is_the_unbiased_estimate_with_another_kernel(rng):
    x, y = rng.normal(size=(6, 3)), rng.normal(size=(4, 3)) + 1.0

    def cubic(a, b):
        return (dot(a, b) / 3 + 1.0) ** 3

    assert float(objectives.unbiased_mmd2(tensor(x), tensor(y), cubic)) == pytest.approx(metrics.kernel_mmd2(x, y), rel=1e-4)


def test_expectations_are_those_of_the_closed_form(rng):
    """N(0, 1) against N(1, 1), five bandwidths: M2 = 0.37821."""
    sigmas = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    v = sigmas**2 + 2
    parts = 2 * np.sqrt(sigmas**2 / v) * (1 - np.exp(-1 / (2 * v)))
    np.testing.assert_allclose(parts, [0.17727, 0.13057, 0.05166, 0.01486, 0.00386], atol=1e-5)
    x, y = (tensor(rng.normal(m, 1, (300, 64, 1))) for m in (0.0, 1.0))
    kernel = GaussianKernel(sigmas.tolist())
    names = ("unbiased", "linear_time", "biased")
    of_a_pair = ops.vectorized_map(lambda p: ops.stack([getattr(objectives, f"{n}_mmd2")(*p, kernel) for n in names]), (x, y))
    unbiased, linear, biased = ops.convert_to_numpy(of_a_pair).T
    for values in (unbiased, linear):
        assert abs(values.mean() - parts.sum()) < 4 * values.std() / math.sqrt(300)
    within = np.sqrt(sigmas**2 / v).sum()
    assert (biased - unbiased).mean() == pytest.approx(2 * (5 - within) / 64, abs=2e-3)


def test_distances_are_never_negative_and_do_not_cancel_far_from_the_origin(rng):
    points = rng.normal(size=(50, 8)) * 0.01 + 1000.0
    distances = ops.convert_to_numpy(objectives.squared_distances(tensor(points), tensor(points)))
    assert distances.min() >= 0.0
    points = points.astype("float32").astype("float64")
    exact = ((points[:, None] - points[None]) ** 2).sum(-1)
    np.testing.assert_allclose(distances, exact, atol=1e-5)


def test_the_slope_at_equality_is_finite(rng):
    x = tensor(rng.normal(size=(8, 2)))
    for shift in (0.0, 1e-4):
        _, (gradient,) = backend.value_and_gradients(lambda t: (objectives.mmd(x, t[0], GaussianKernel()), None), [x + shift])
        assert np.isfinite(ops.convert_to_numpy(gradient)).all()


def test_half_precision_is_widened():
    x, y = (ops.cast(tensor(v), "float16") for v in ([[300.0], [301.0]], [[300.0], [302.0]]))
    wide = objectives.biased_mmd2(*(ops.cast(t, "float32") for t in (x, y)), GaussianKernel())
    assert float(objectives.biased_mmd2(x, y, GaussianKernel())) == pytest.approx(float(wide))


def test_the_feasible_set_takes_the_minimum_after_the_means():
    real, fake = tensor([[3.0, -4.0], [-1.0, 0.0]]), tensor([[0.0, 0.0]] * 3)
    # The means differ by (1, -2); example by example the first feature would count too.
    assert float(objectives.feasible_set(real, fake)) == pytest.approx(-1.0)
    assert float(objectives.feasible_set(fake, real)) == pytest.approx(-0.5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: GaussianKernel(()), "at least one bandwidth"),
        (lambda: GaussianKernel((1.0, 0.0)), "> 0"),
        (lambda: GaussianKernel(-1.0), "> 0"),
        (lambda: objectives.biased_mmd2(ops.ones((1, 2)), ops.ones((4, 2)), GaussianKernel()), "at least 2"),
        (lambda: objectives.unbiased_mmd2(ops.ones((4, 2)), ops.ones((4, 3)), GaussianKernel()), "same features"),
        (lambda: objectives.biased_mmd2(ops.ones((4, 2, 2)), ops.ones((4, 2, 2)), GaussianKernel()), "features"),
        (lambda: objectives.linear_time_mmd2(ops.ones((3, 2)), ops.ones((3, 2)), GaussianKernel()), "even"),
        (lambda: objectives.linear_time_mmd2(ops.ones((4, 2)), ops.ones((6, 2)), GaussianKernel()), "even"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
