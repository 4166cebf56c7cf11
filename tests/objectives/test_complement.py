"""Bad GANs' terms of the generator by hand, their gradients; a kernel density against its formula."""

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan.networks import KernelDensity
from kgan.objectives import low_density, variational_entropy


def tensor(array):
    return ops.convert_to_tensor(np.asarray(array, "float32"))


def gradient(function, *arrays):
    return [
        ops.convert_to_numpy(g)
        for g in kgan.backend.value_and_gradients(lambda t: (function(*t), None), [*map(tensor, arrays)])[1]
    ]


def test_only_likely_samples_are_pushed_and_all_of_them_alike():
    assert float(low_density(tensor([-1.0, -2.5, -7.0]), -3.0)) == pytest.approx((2.0 + 0.5) / 2)
    (slope,) = gradient(lambda t: low_density(t, -3.0), [-1.0, -2.5, -7.0])
    np.testing.assert_allclose(slope, [0.5, 0.5, 0.0])


def test_where_no_sample_is_likely_there_is_no_term():
    assert float(low_density(tensor([-5.0, -9.0]), -3.0)) == 0.0
    (slope,) = gradient(lambda t: low_density(t, -3.0), [-5.0, -9.0])
    np.testing.assert_array_equal(slope, 0.0)
    assert float(low_density(tensor([-5.0]), np.inf)) == 0.0


def test_the_variational_entropy_by_hand_and_least_at_the_true_deviation():
    z, mean, log_sigma = tensor([[1.0, 0.0]]), tensor([[0.0, 2.0]]), tensor([[0.0, np.log(2.0)]])
    assert float(variational_entropy(z, mean, log_sigma)) == pytest.approx(0.5 + np.log(2.0) + 0.5)
    # An error of 3 in each coordinate: the slope in log s is 1 - 9 / s^2, 0 at s = 3.
    (slope,) = gradient(lambda t: variational_entropy(tensor([[3.0, 3.0]]), tensor([[0.0, 0.0]]), t), [[np.log(3.0), 0.0]])
    np.testing.assert_allclose(slope, [[0.0, 1.0 - 9.0]], atol=1e-5)


def test_a_kernel_density_by_its_formula_and_from_its_file(rng, tmp_path):
    points, x = rng.normal(size=(5, 3)).astype("float32"), rng.normal(size=(4, 3)).astype("float32")
    density = KernelDensity.of(points, bandwidth=0.5)
    squares = ((x[:, None] - points[None]) ** 2).sum(-1)
    expected = np.log((np.exp(-squares / 0.5) / (2 * np.pi * 0.25) ** 1.5).mean(1))
    np.testing.assert_allclose(ops.convert_to_numpy(density.log_likelihood(x)), expected, rtol=1e-4)
    assert not density.trainable_variables
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(density))
    assert (twin.count, twin.size, twin.bandwidth) == (5, 3, 0.5)
    with pytest.raises(ValueError, match="count, size"):
        KernelDensity.of(points[0], bandwidth=0.5)
