"""Penalties on linear critics, whose gradients are known, and against finite differences."""

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan import penalties


def linear(*weights):
    w = ops.reshape(ops.convert_to_tensor(weights), (-1, 1))
    return lambda x: ops.matmul(ops.reshape(x, (ops.shape(x)[0], -1)), w)


def test_a_linear_critic_of_norm_5_gives_exactly_16_at_every_point(rng):
    points = rng.normal(size=(7, 2)).astype("float32")
    values = ops.convert_to_numpy(penalties.gradient_penalty(linear(3.0, 4.0), points))
    np.testing.assert_array_equal(values, np.full(7, 16.0, "float32"))


def test_the_norm_is_over_all_axes_of_an_image(rng):
    # 4 = |(2, ..., 2)| over the four pixels of two channels would be sqrt(8) * 2; here 1x2x2 with weights 1, 2, 2, 4: norm 5.
    points = rng.normal(size=(3, 1, 2, 2)).astype("float32")
    values = penalties.gradient_penalty(linear(1.0, 2.0, 2.0, 4.0), points)
    np.testing.assert_allclose(ops.convert_to_numpy(values), np.full(3, 16.0), rtol=1e-6)


def test_one_sided_ignores_norms_below_the_target():
    points = np.ones((4, 2), "float32")
    below, above = linear(0.3, 0.4), linear(0.9, 1.2)
    assert float(ops.max(penalties.gradient_penalty(below, points, one_sided=True))) == 0.0
    assert float(ops.max(penalties.gradient_penalty(below, points))) == pytest.approx(0.25, abs=1e-6)
    assert float(ops.max(penalties.gradient_penalty(above, points, one_sided=True))) == pytest.approx(0.25, abs=1e-6)
    assert float(ops.max(penalties.gradient_penalty(above, points, target=0.5))) == pytest.approx(1.0, abs=1e-6)


def test_r1_is_the_squared_norm_without_the_half():
    values = penalties.r1_penalty(linear(3.0, 4.0), np.ones((2, 2), "float32"))
    np.testing.assert_allclose(ops.convert_to_numpy(values), [25.0, 25.0])


def test_a_zero_gradient_has_a_finite_derivative():
    layer = keras.layers.Dense(1, kernel_initializer="zeros")
    layer.build((None, 2))

    def loss(tensors):
        with kgan.backend.Overlay([(layer.kernel, tensors[0])]):
            return ops.mean(penalties.gradient_penalty(layer, np.ones((2, 2), "float32"))), None

    (value, _), (gradient,) = kgan.backend.value_and_gradients(loss, [ops.zeros((2, 1))])
    assert float(value) == pytest.approx(1.0, abs=1e-5)
    assert np.isfinite(ops.convert_to_numpy(gradient)).all()


def test_the_gradient_of_the_penalty_reaches_the_weights(rng):
    """Central differences through a small network, in the weights."""
    network = kgan.networks.mlp.discriminator((2,), (5,), "tanh")
    points = rng.normal(size=(6, 2)).astype("float32")
    variables = network.trainable_variables

    def penalty(tensors):
        with kgan.backend.Overlay(zip(variables, tensors, strict=True)):
            return ops.mean(penalties.gradient_penalty(network, points)), None

    values = [ops.convert_to_numpy(v).copy() for v in variables]
    _, gradients = kgan.backend.value_and_gradients(penalty, values)
    for index in (0, 1, 2):
        step = np.zeros_like(values[index])
        step.flat[0] = 1e-2
        shifted = ([v + s * step if i == index else v for i, v in enumerate(values)] for s in (1, -1))
        up, down = (float(ops.convert_to_numpy(penalty([ops.convert_to_tensor(v) for v in point])[0])) for point in shifted)
        assert float(ops.convert_to_numpy(gradients[index]).flat[0]) == pytest.approx((up - down) / 2e-2, abs=2e-3)


def test_interpolation_has_one_weight_per_example():
    real, fake = np.ones((5, 2, 2, 1), "float32"), np.zeros((5, 2, 2, 1), "float32")
    mixed = ops.convert_to_numpy(penalties.interpolate(real, fake, seed=3))
    weights = mixed[:, 0, 0, 0]
    np.testing.assert_array_equal(mixed, np.broadcast_to(weights[:, None, None, None], mixed.shape))
    assert len(set(weights)) == 5
    assert (weights >= 0).all()
    assert (weights <= 1).all()
    with pytest.raises(ValueError, match="one shape"):
        penalties.interpolate(real, fake[:, :1])


def test_the_mixing_weight_is_uniform():
    weights = ops.convert_to_numpy(penalties.interpolate(np.ones((20000, 1), "float32"), np.zeros((20000, 1), "float32"), seed=0))
    assert weights.mean() == pytest.approx(0.5, abs=0.01)
    assert weights.var() == pytest.approx(1 / 12, abs=0.003)


def test_orthonormal_penalty_by_hand():
    # W = diag(2, 1): W^T W - I = diag(3, 0); a wide matrix uses its rows.
    assert float(penalties.orthonormal_penalty(ops.convert_to_tensor([[2.0, 0.0], [0.0, 1.0]]))) == pytest.approx(9.0)
    assert float(penalties.orthonormal_penalty(ops.convert_to_tensor([[2.0, 0.0, 0.0]]))) == pytest.approx(9.0)
    assert float(penalties.orthonormal_penalty(ops.eye(3))) == pytest.approx(0.0)


class Model:
    """What a penalty needs of a two-player model."""

    def __init__(self, score):
        self.score, self.seed_generator = score, keras.random.SeedGenerator(0)


def test_terms_are_weighted_means():
    points = np.ones((4, 2), "float32")
    model = Model(linear(3.0, 4.0))
    assert float(penalties.GradientPenalty(10.0)(model, points, -points)) == pytest.approx(160.0)
    assert float(penalties.R1(10.0)(model, points, points)) == pytest.approx(125.0)
    with pytest.raises(ValueError, match="weight"):
        penalties.R1(-1.0)
    config = penalties.GradientPenalty(2.0, 0.5, True).get_config()
    assert config == {"weight": 2.0, "target": 0.5, "one_sided": True}
