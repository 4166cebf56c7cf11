"""What is particular to the dualing GAN: a move by hand, the warm start, features, arguments."""

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan.networks import mlp
from tests.families.test_mmd_gan import linear


def line(**kwargs):
    """phi(x) = x and G(z) = z with a prior that says 1: data 2 and samples 1."""
    model = kgan.DualingGAN(
        generator=linear(1, 1, [1], "generator"),
        features=linear(1, 1, [1], "features"),
        **{"regularization": 0.5, "newton_steps": 12, "prior": kgan.priors.Uniform(1.0, 1.000001), "seed": 0, **kwargs},
    )
    model.compile({"generator": keras.optimizers.SGD(1.0)}, run_eagerly=True)
    return model


def optimum():
    """The root of 0.5 w - sigmoid(-2 w) + sigmoid(w) / 2, the slope of the cost with data 2 and samples 1, by bisection."""
    low, high = 0.0, 4.0
    for _ in range(60):
        w = (low + high) / 2
        slope = 0.5 * w - 1 / (1 + np.exp(2 * w)) + 0.5 / (1 + np.exp(-w))
        low, high = (w, high) if slope < 0 else (low, w)
    return w


def test_a_move_by_hand():
    model = line()
    logs = model.fit(np.full((4, 1), 2.0, "float32"), batch_size=4, verbose=0).history
    w = optimum()
    cost = 0.25 * w**2 + 0.5 * (np.log1p(np.exp(-2 * w)) + np.log1p(np.exp(w)))
    assert logs["generator/dual"][0] == pytest.approx(-cost, abs=1e-5)
    assert logs["generator/duality_gap"][0] == pytest.approx(0.0, abs=1e-5)
    assert ops.convert_to_numpy(model.separator) == pytest.approx([w], abs=1e-4)
    # The generator climbs the cost: d/dtheta of sp(w theta) / 2.
    found = ops.convert_to_numpy(model.generator.get_layer("dense").kernel).item()
    assert found == pytest.approx(1 + 0.5 * w / (1 + np.exp(-w)), abs=1e-4)
    assert ops.convert_to_numpy(model.separation(np.float32([[2.0]]))) == pytest.approx([2 * w], abs=1e-4)


def test_the_next_minibatch_starts_where_the_last_ended_and_evaluation_leaves_it():
    model = line(newton_steps=1)
    data = np.full((4, 1), 2.0, "float32")
    model.compile({"generator": keras.optimizers.SGD(0.0)}, run_eagerly=True)
    model.separator.assign([5.0])
    gaps = [model.fit(data, batch_size=4, verbose=0).history["generator/duality_gap"][0] for _ in range(2)]
    assert gaps[0] > 1e-4
    assert abs(gaps[1]) < gaps[0] / 10
    before = ops.convert_to_numpy(model.separator).copy()
    model.evaluate(data + 5.0, batch_size=4, verbose=0)
    np.testing.assert_array_equal(ops.convert_to_numpy(model.separator), before)


def test_the_features_rest():
    model = kgan.DualingGAN((8, 8, 1), seed=0)
    before = [ops.convert_to_numpy(v).copy() for v in model.features.weights]
    model.compile(run_eagerly=True)
    model.fit(np.zeros((32, 8, 8, 1), "float32"), batch_size=16, verbose=0)
    for a, b in zip(model.features.weights, before, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(a), b)
    assert model.separator.shape == (301,)
    assert kgan.DualingGAN((2,)).separator.shape == (121,)


def test_more_features_than_examples_are_warned_of():
    model = kgan.DualingGAN((2,), regularization=1e-3, seed=0)
    with pytest.warns(UserWarning, match="121 features"):
        model.check_data(np.zeros((16, 2), "float32"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"regularization": 0.0}, "regularization"),
        ({"newton_steps": 0}, "newton_steps"),
        ({"features": mlp.discriminator((3,), (4,), outputs=5)}, "network of features must turn"),
        ({"generator": mlp.generator((3,), 2, (4,))}, "generator must turn"),
    ],
)
def test_what_cannot_be_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        kgan.DualingGAN((2,), **arguments)
