"""Derivatives along directions: worked by hand, against differences in float64, and the span of a decoder's tangents."""

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan import penalties
from tests.differences import check_gradients, float64, needs_float64  # noqa: F401 - a fixture


def curved(x):
    """(x y, x^2) at every point: the Jacobian is ((y, x), (2 x, 0))."""
    return ops.stack([x[:, 0] * x[:, 1], x[:, 0] ** 2], axis=-1)


def test_products_by_hand_at_two_points_along_two_directions():
    points = ops.convert_to_tensor([[2.0, 3.0], [-1.0, 5.0]])
    directions = ops.convert_to_tensor([[[1.0, 0.0], [0.0, 2.0]], [[1.0, 1.0], [-1.0, 0.0]]])
    found = penalties.jacobian_vector_products(curved, points, directions)
    expected = [[[3.0, 4.0], [4.0, 0.0]], [[4.0, -2.0], [-5.0, 2.0]]]
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, rtol=1e-6)
    slopes = penalties.squared_slopes(curved, points, directions)
    np.testing.assert_allclose(ops.convert_to_numpy(slopes), [[25.0, 16.0], [20.0, 29.0]], rtol=1e-6)


def test_differences_come_near_and_are_not_it():
    points, directions = ops.convert_to_tensor([[2.0, 3.0]]), ops.convert_to_tensor([[[1.0, 0.0]]])
    # ((x + e) y - x y) / e = y; ((x + e)^2 - x^2) / e = 2 x + e.
    found = penalties.jacobian_vector_products(curved, points, directions, step=0.25)
    np.testing.assert_allclose(ops.convert_to_numpy(found)[0, 0], [3.0, 4.25], rtol=1e-6)


def test_points_outputs_and_directions_may_have_any_shape(rng):
    image = rng.normal(size=(3, 2, 2, 1)).astype("float32")
    directions = rng.normal(size=(3, 4, 2, 2, 1)).astype("float32")
    found = penalties.jacobian_vector_products(lambda x: ops.concatenate([x**2, 3.0 * x], axis=-1), image, directions)
    expected = np.concatenate([2.0 * image[:, None] * directions, 3.0 * directions], axis=-1)
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, rtol=1e-5, atol=1e-6)
    assert penalties.squared_slopes(lambda x: x, image, directions).shape == (3, 4)


def small_network(rng):
    """Two layers and their kernels, without `ops.matmul`, which has the precision of float32 on torch whatever it is given."""
    kernels = [keras.Variable(rng.normal(size=size)) for size in ((3, 5), (5, 2))]

    def through(x, kernel):
        return ops.sum(x[..., None] * kernel, axis=1)

    return lambda x: through(ops.tanh(through(ops.convert_to_tensor(x), kernels[0])), kernels[1]), kernels


@needs_float64
def test_the_gradient_of_the_penalty_in_weights_and_directions(float64, rng):  # noqa: F811
    network, kernels = small_network(rng)
    points, directions = ops.convert_to_tensor(rng.normal(size=(4, 3))), rng.normal(size=(4, 2, 3))
    check_gradients(lambda along: ops.sum(penalties.squared_slopes(network, points, along)), kernels, directions)


@needs_float64
def test_products_are_those_of_differences_in_float64(float64, rng):  # noqa: F811
    network, _ = small_network(rng)
    points, directions = rng.normal(size=(4, 3)), rng.normal(size=(4, 2, 3))
    found = penalties.jacobian_vector_products(network, points, directions)
    near = penalties.jacobian_vector_products(network, points, directions, step=1e-6)
    assert keras.backend.standardize_dtype(found.dtype) == "float64"
    np.testing.assert_allclose(ops.convert_to_numpy(found), ops.convert_to_numpy(near), atol=1e-5)


def test_a_random_direction_has_the_frobenius_norm_in_the_mean(rng):
    weights = rng.normal(size=(3, 2)).astype("float32")
    directions = rng.normal(size=(1, 20000, 3)).astype("float32")
    slopes = penalties.squared_slopes(lambda x: ops.matmul(x, weights), np.ones((1, 3), "float32"), directions)
    assert float(ops.mean(slopes)) == pytest.approx((weights**2).sum(), rel=0.05)


def test_tangents_span_the_leading_singular_vectors(rng):
    network = kgan.networks.mlp.generator((2, 3, 1), 4, (9,), "tanh")
    codes = rng.normal(size=(5, 4)).astype("float32")
    found = ops.convert_to_numpy(penalties.tangent_directions(network, codes, 2)).reshape(5, 2, 6)
    np.testing.assert_allclose(found @ found.transpose(0, 2, 1), np.tile(np.eye(2), (5, 1, 1)), atol=1e-5)
    for code, own in zip(codes, found, strict=True):
        steps = [ops.convert_to_numpy(network(np.stack([code + 1e-2 * e, code - 1e-2 * e]))) for e in np.eye(4, dtype="float32")]
        jacobian = np.stack([(up - down).ravel() / 2e-2 for up, down in steps], axis=1)
        leading = np.linalg.svd(jacobian)[0][:, :2]
        # Cosines of the angles between the planes, and the first vector by itself.
        np.testing.assert_allclose(np.linalg.svd(own @ leading)[1], 1.0, atol=2e-3)
        assert abs(own[0] @ leading[:, 0]) > 0.99


def test_where_a_decoder_does_not_move_an_example_there_is_no_tangent():
    flat = ops.convert_to_tensor([[0.0, 0.0, 2.0], [0.0, 0.0, 0.0]])
    found = ops.convert_to_numpy(penalties.tangent_directions(lambda z: ops.matmul(z, flat), ops.ones((3, 2)), 2))
    np.testing.assert_allclose(np.abs(found), np.tile([[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]], (3, 1, 1)), atol=1e-6)
    nothing = penalties.tangent_directions(lambda z: ops.zeros_like(z), ops.ones((3, 2)), 1)
    np.testing.assert_array_equal(ops.convert_to_numpy(nothing), np.zeros((3, 1, 2)))


@pytest.mark.parametrize("count", [0, 3])
def test_no_more_tangents_than_a_code_has_numbers(count):
    with pytest.raises(ValueError, match="1 to 2 directions"):
        penalties.tangent_directions(lambda z: z, ops.ones((1, 2)), count)
