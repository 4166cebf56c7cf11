"""Norms of shapes and the divergence of a latent's distribution: hand-worked numbers, gradients."""

import numpy as np
import pytest
from keras import ops

import kgan
from kgan.objectives import normal_divergence, shape_distance, summed_square


def test_the_distance_is_a_norm_and_the_mean_over_shapes():
    a = np.zeros((2, 2, 2, 2, 1), "float32")
    b = a.copy()
    b[0, 0, 0, 0], b[0, 1, 1, 1], b[1] = 3.0, 4.0, 1.0
    # 5 and the root of 8.
    assert float(shape_distance(ops.convert_to_tensor(a), ops.convert_to_tensor(b))) == pytest.approx((5 + 8**0.5) / 2)


def test_equal_shapes_have_distance_0_and_a_finite_gradient():
    x = np.ones((3, 4), "float32")
    (value, _), gradients = kgan.backend.value_and_gradients(
        lambda tensors: (shape_distance(ops.convert_to_tensor(x), tensors[0]), None), [ops.convert_to_tensor(x)]
    )
    assert float(value) == 0.0
    np.testing.assert_array_equal(ops.convert_to_numpy(gradients[0]), 0.0)


def test_the_divergence_by_hand_and_against_sampling(rng):
    mean, log_variance = np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([[0.0, np.log(4.0)], [0.0, 0.0]])
    # First: 1/2 from the mean, (4 - 1 - log 4) / 2 from the variance. Second: 0.
    expected = (0.5 + 0.5 * (3 - np.log(4.0)) + 0.0) / 2
    found = normal_divergence(*(ops.convert_to_tensor(t.astype("float32")) for t in (mean, log_variance)))
    assert float(found) == pytest.approx(expected, rel=1e-5)
    z = 1.0 + 0.5 * rng.normal(size=200_000)
    sampled = (-0.5 * ((z - 1.0) / 0.5) ** 2 - np.log(0.5) + 0.5 * z**2).mean()
    one = [ops.convert_to_tensor(np.array([[v]], "float32")) for v in (1.0, np.log(0.25))]
    assert float(normal_divergence(*one)) == pytest.approx(sampled, abs=0.01)


def test_shapes_of_other_sizes_are_refused():
    with pytest.raises(ValueError, match="reconstructions"):
        shape_distance(ops.zeros((2, 3)), ops.zeros((2, 4)))


def test_squares_are_summed_over_an_example_and_their_gradient_is_twice_the_difference(rng):
    a, b = (rng.normal(size=(3, 2, 2)).astype("float32") for _ in range(2))
    (value, _), (gradient,) = kgan.backend.value_and_gradients(
        lambda tensors: (summed_square(tensors[0], ops.convert_to_tensor(b)), None), [ops.convert_to_tensor(a)]
    )
    assert float(value) == pytest.approx(((a - b) ** 2).sum() / 3, rel=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(gradient), 2 * (a - b) / 3, rtol=1e-5)
    with pytest.raises(ValueError, match="equal shapes"):
        summed_square(ops.zeros((2, 3)), ops.zeros((2, 4)))
