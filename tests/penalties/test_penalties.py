"""Penalties on linear critics, whose gradients are known, and against finite differences."""

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan import backend, penalties


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


def scored(real, fake, **kwargs):
    return penalties.Scored(real, fake, kwargs.get("real_logits"), kwargs.get("fake_logits"), kwargs.get("real_features"))


def test_terms_are_weighted_means():
    points = np.ones((4, 2), "float32")
    model = Model(linear(3.0, 4.0))
    assert float(penalties.GradientPenalty(10.0)(model, scored(points, -points))) == pytest.approx(160.0)
    assert float(penalties.R1(10.0)(model, scored(points, points))) == pytest.approx(125.0)
    with pytest.raises(ValueError, match="weight"):
        penalties.R1(-1.0)
    penalty = penalties.GradientPenalty(2.0, 0.5, True, region="gaussian", variance=0.1)
    assert penalties.GradientPenalty.from_config(penalty.get_config()).get_config() == penalty.get_config()


@pytest.mark.parametrize("region", ["gaussian", "symmetric", "one_quadrant"])
def test_regions_around_real_data_never_look_at_generated_data(region):
    real = np.random.default_rng(0).normal(size=(20_000, 3)).astype("float32")
    seen = []
    model = Model(lambda x: seen.append(ops.convert_to_numpy(ops.stop_gradient(x))) or ops.sum(x, axis=1))
    variance = 0.04 if region == "gaussian" else None
    penalty = penalties.GradientPenalty(region=region, variance=variance)
    penalty(model, scored(real, np.full_like(real, np.nan)))
    noise = seen[0] - real
    scale = real.std()
    if region == "gaussian":
        assert noise.std() == pytest.approx(0.2, rel=0.02)
        assert abs(noise.mean()) < 0.01
    elif region == "symmetric":
        assert np.abs(noise).max() <= scale / 2 + 1e-5
        assert noise.std() == pytest.approx(scale / 12**0.5, rel=0.02)
    else:
        assert noise.min() >= -1e-6  # the quadrant, and one factor per example
        assert noise.max() <= scale / 2 + 1e-5
        assert noise.mean() == pytest.approx(scale / 8, rel=0.03)


def test_regions_refuse_what_makes_no_sense():
    for arguments in ({"region": "gaussian"}, {"region": "symmetric", "variance": 1.0}, {"region": "sphere"}):
        with pytest.raises(ValueError, match="region"):
            penalties.GradientPenalty(**arguments)
    with pytest.raises(ValueError, match="one shape"):
        penalties.interpolate(np.zeros((2, 3), "float32"), np.zeros((3, 3), "float32"))


def test_a_one_sided_penalty_of_a_small_norm_is_exactly_zero():
    values = penalties.gradient_penalty(linear(0.3, 0.4), ops.ones((5, 2)), one_sided=True)
    np.testing.assert_array_equal(ops.convert_to_numpy(values), np.zeros(5))


def test_gradient_penalties_refuse_batch_normalization():
    network = keras.Sequential([keras.Input((2,)), keras.layers.BatchNormalization(name="the_norm"), keras.layers.Dense(1)])
    for penalty in (penalties.GradientPenalty(), penalties.R1()):
        with pytest.raises(ValueError, match="the_norm"):
            kgan.GAN((2,), discriminator=network, penalties=[penalty])


def test_consistency_by_hand():
    # Logits differ by 2: 4. Features differ by (1, 3): mean square 5, times 0.1. Weight 2: 9; the second example agrees: 0.
    logits, others = np.asarray([[2.0], [1.0]], "float32"), np.asarray([[0.0], [1.0]], "float32")
    features, other_features = np.asarray([[1.0, 3.0], [1.0, 1.0]], "float32"), np.asarray([[0.0, 0.0], [1.0, 1.0]], "float32")
    assert float(penalties.consistency(logits, others, features, other_features)) == pytest.approx(4.5)
    assert float(penalties.consistency(logits, others, features, other_features, margin=5.0)) == pytest.approx(2.0)


def test_the_consistency_term_needs_dropout_and_vanishes_without_its_rate():
    plain = kgan.networks.mlp.discriminator((2,), (8,))
    with pytest.raises(ValueError, match="dropout"):
        kgan.GAN((2,), discriminator=plain, penalties=[penalties.Consistency()])
    for rate, alive in ((1e-9, False), (0.5, True)):
        network = kgan.networks.mlp.discriminator((2,), (8,), dropout=rate)
        model = kgan.WGANGP(discriminator=network, generator=kgan.networks.mlp.generator((2,), 3), consistency=2.0, seed=0)
        model.compile(run_eagerly=True)
        points = np.random.default_rng(0).normal(size=(40, 2)).astype("float32")
        value = model.fit(points, batch_size=8, verbose=0).history["discriminator/consistency"][0]
        assert (value > 0) is alive


def test_drift_by_hand():
    logits = np.asarray([[1.0], [3.0]], "float32")
    assert float(penalties.Drift(0.1)(None, scored(None, None, real_logits=logits))) == pytest.approx(0.5)


def test_historical_average_by_hand():
    """theta = 1, 4, 1: averages 1, 2.5, 2; penalties 0, 2.25, 1; gradient 2 w (theta - mean), the mean being a constant."""
    player = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
    player.build((None, 1))
    history = penalties.HistoricalAverage(player, 2.0)
    values = []
    for theta in (1.0, 4.0, 1.0):
        player.kernel.assign([[theta]])
        values.append(float(history.term()))
    assert values == pytest.approx([0.0, 4.5, 2.0])
    player.kernel.assign([[6.0]])  # mean of 1, 4, 1, 6: 3

    def loss(tensors):
        with backend.Overlay([(player.kernel, tensors[0])]):
            return history.term(), None

    _, (gradient,) = backend.value_and_gradients(loss, [ops.convert_to_tensor([[6.0]])])
    assert float(ops.convert_to_numpy(gradient)[0, 0]) == pytest.approx(2 * 2.0 * 3.0)
    assert [v.path for v in history.trainable_variables] == []
