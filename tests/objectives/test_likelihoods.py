"""Likelihoods of pixels: numbers by hand, masses that sum to 1, gradients, draws."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan.objectives import Bernoulli, LogisticMixture


def tensor(array):
    return ops.convert_to_tensor(np.asarray(array, "float32"))


def sigmoid(t):
    return 1 / (1 + np.exp(-t))


def test_bernoulli_by_hand_and_its_draws():
    logits, images = tensor([[[[0.0], [2.0]]], [[[-1.0], [0.5]]]]), tensor([[[[1.0], [-1.0]]], [[[1.0], [1.0]]]])
    expected = [np.log(0.5) + np.log(1 - sigmoid(2.0)), np.log(sigmoid(-1.0)) + np.log(sigmoid(0.5))]
    np.testing.assert_allclose(ops.convert_to_numpy(Bernoulli().log_likelihood(logits, images)), expected, rtol=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(Bernoulli()(images, logits)), [-e for e in expected], rtol=1e-5)
    drawn = Bernoulli().draw(tensor([[0.0, 0.0]]), tensor([[0.49, 0.51]]))
    assert ops.convert_to_numpy(drawn).tolist() == [[1.0, -1.0]]
    assert Bernoulli().takes(np.ones(3))
    assert not Bernoulli().takes(np.zeros(3))


def test_a_mixture_by_hand():
    # Shares 1/4 and 3/4, means 0.2 and -0.4, scales 1/2 and 1/4, at x = 0 of five levels, so that h = 1/4.
    outputs = tensor(np.reshape([np.log(1.0), np.log(3.0), 0.2, -0.4, np.log(0.5), np.log(0.25)], (1, 1, 1, 6)))
    masses = [sigmoid((0.25 - m) / s) - sigmoid((-0.25 - m) / s) for m, s in ((0.2, 0.5), (-0.4, 0.25))]
    found = LogisticMixture(2, levels=5).log_likelihood(outputs, tensor(np.zeros((1, 1, 1, 1))))
    assert float(found[0]) == pytest.approx(np.log(0.25 * masses[0] + 0.75 * masses[1]), rel=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_all_values_of_a_pixel_have_a_mass_of_one(channels, rng):
    likelihood = LogisticMixture(3, levels=4)
    values = np.asarray(list(itertools.product(np.linspace(-1, 1, 4), repeat=channels)), "float32").reshape(-1, 1, 1, channels)
    outputs = np.tile(rng.normal(size=(1, 1, 1, likelihood.outputs(channels))), (len(values), 1, 1, 1))
    assert likelihood.outputs(3) == 3 * 10  # the paper's 100 for 10 components
    masses = np.exp(ops.convert_to_numpy(likelihood.log_likelihood(tensor(outputs), tensor(values))))
    assert masses.sum() == pytest.approx(1.0, abs=1e-5)
    # Draws have these masses: of a grid of noise, each value gets its share.
    if channels == 1:
        grid = np.stack(np.meshgrid(*[(np.arange(300) + 0.5) / 300] * 2, indexing="ij"), -1).reshape(-1, 2)
        drawn = ops.convert_to_numpy(likelihood.draw(tensor(np.tile(outputs[0, 0, 0], (len(grid), 1))), tensor(grid)))
        shares = [np.isclose(drawn, v, atol=1e-4).mean() for v in values[:, 0, 0, 0]]
        np.testing.assert_allclose(shares, masses, atol=0.01)


def test_a_level_far_from_every_component_has_a_finite_gradient(rng):
    outputs = tensor([[[[0.0, 0.9, -9.0]]]])  # a mean of 0.9, a log scale that is cut at -7
    (value, _), (gradient,) = kgan.backend.value_and_gradients(
        lambda t: (ops.sum(LogisticMixture(1).log_likelihood(t[0], tensor([[[[-0.5]]]]))), None), [outputs]
    )
    # About -1.4 / exp(-7) + 7 + log(2 / 255).
    assert float(value) == pytest.approx(-1.4 * np.exp(7) + 7 + np.log(2 / 255), rel=1e-4)
    assert np.isfinite(ops.convert_to_numpy(gradient)).all()


@pytest.mark.parametrize("likelihood", [Bernoulli(), LogisticMixture(2)], ids=["bernoulli", "mixture"])
def test_gradients_by_finite_differences(likelihood, rng):
    outputs = rng.normal(size=(2, 1, 2, likelihood.outputs(2))).astype("float32")
    images = np.asarray(rng.integers(0, 256, (2, 1, 2, 2)) / 127.5 - 1, "float32")
    images = np.sign(images) if isinstance(likelihood, Bernoulli) else images

    def value(t):
        return float(ops.sum(likelihood.log_likelihood(tensor(t), tensor(images))))

    _, (gradient,) = kgan.backend.value_and_gradients(
        lambda t: (ops.sum(likelihood.log_likelihood(t[0], tensor(images))), None), [tensor(outputs)]
    )
    gradient = ops.convert_to_numpy(gradient).ravel()
    for index in range(0, outputs.size, 3):
        shift = np.zeros(outputs.size, "float32")
        shift[index] = 0.05
        slope = (value(outputs + shift.reshape(outputs.shape)) - value(outputs - shift.reshape(outputs.shape))) / 0.1
        assert gradient[index] == pytest.approx(slope, abs=5e-3), index


def test_likelihoods_are_kept_by_files():
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(LogisticMixture(3, 16)))
    assert (twin.mixtures, twin.levels) == (3, 16)
    with pytest.raises(ValueError, match="levels"):
        LogisticMixture(levels=1)
