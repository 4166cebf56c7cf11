"""Codes, the bound of their mutual information, and the figures made of it: hand-worked numbers."""

import math

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan.codes import Categorical, Continuous


def tensor(*values):
    return ops.convert_to_tensor(np.array(values, "float32"))


def number(value):
    return float(ops.convert_to_numpy(value))


def test_a_categorical_code():
    code = Categorical(3)
    assert (code.size, code.parameters) == (3, 3)
    assert code.entropy == pytest.approx(1.0986123)
    # Q = softmax(0, 0, log 2) = (1/4, 1/4, 1/2)
    likelihood = code.log_likelihood(tensor([0, 0, math.log(2)], [0, 0, math.log(2)]), tensor([0, 0, 1], [1, 0, 0]))
    np.testing.assert_allclose(ops.convert_to_numpy(likelihood), [-math.log(2), -math.log(4)], rtol=1e-6)
    np.testing.assert_allclose(ops.convert_to_numpy(code.mean(tensor([0, 0, math.log(2)]))), [[0.25, 0.25, 0.5]], rtol=1e-6)
    # A log-softmax has no floor: log(softmax + 1e-8) would say -18.4.
    assert number(code.log_likelihood(tensor([0, 100, 0]), tensor([1, 0, 0]))[0]) == pytest.approx(-100)
    values = ops.convert_to_numpy(code.sample(3000, seed=keras.random.SeedGenerator(0)))
    assert set(values.ravel()) == {0.0, 1.0}
    assert (values.sum(axis=1) == 1).all()
    np.testing.assert_allclose(values.mean(axis=0), 1 / 3, atol=0.04)


def test_a_continuous_code_of_fixed_variance():
    code = Continuous(2)
    assert (code.size, code.parameters) == (2, 2)
    # Two uniform numbers on an interval of length 2; the authors' code reports 2 x 1.0856.
    assert code.entropy == pytest.approx(2 * 0.6931472)
    # -1/2 (0.5^2 + 1^2) - log(2 pi)
    likelihood = code.log_likelihood(tensor([0.5, 0.0]), tensor([1.0, -1.0]))
    assert number(likelihood[0]) == pytest.approx(-0.625 - 1.8378771)
    # The best it can do: 2 (log 2 - log(2 pi) / 2)
    best = kgan.objectives.mutual_information(code, tensor([0.3, 0.1]), tensor([0.3, 0.1]))
    assert number(best) == pytest.approx(2 * -0.2257913, abs=1e-6)
    values = ops.convert_to_numpy(Continuous(1, low=2.0, high=5.0).sample(2000, seed=keras.random.SeedGenerator(0)))
    assert 2 <= values.min() < 2.1 < 4.9 < values.max() <= 5
    assert Continuous(1, low=2.0, high=5.0).entropy == pytest.approx(math.log(3))


def test_a_continuous_code_of_learned_variance():
    code = Continuous(1, learn_variance=True)
    assert code.parameters == 2
    # mu 0.5, sigma e^-1: -1/2 (0.5 e)^2 + 1 - log(2 pi) / 2
    found = number(code.log_likelihood(tensor([0.5, -1.0]), tensor([1.0]))[0])
    assert found == pytest.approx(-0.5 * (0.5 * math.e) ** 2 + 1 - 0.9189385, rel=1e-5)
    # log sigma is clipped at -5 and at 2.
    assert number(code.log_likelihood(tensor([1.0, -50.0]), tensor([1.0]))[0]) == pytest.approx(5 - 0.9189385)
    assert number(code.log_likelihood(tensor([1.0, 50.0]), tensor([1.0]))[0]) == pytest.approx(-2 - 0.9189385)
    np.testing.assert_allclose(ops.convert_to_numpy(code.mean(tensor([0.5, -1.0]))), [[0.5]])


def test_the_bound_is_at_most_the_entropy_and_what_breaks_it():
    """Of ten classes: all is known, nothing is known, the codes of other examples are asked for."""
    code, eye = Categorical(10), np.eye(10, dtype="float32")
    assert number(kgan.objectives.mutual_information(code, 60 * eye, eye)) == pytest.approx(math.log(10), abs=1e-5)
    assert number(kgan.objectives.mutual_information(code, 0 * eye, eye)) == pytest.approx(0, abs=1e-5)
    assert number(kgan.objectives.mutual_information(code, 60 * eye, np.roll(eye, 1, axis=0))) < -50


def test_half_precision_is_widened():
    code = Categorical(2)
    likelihood = code.log_likelihood(ops.cast(tensor([0.0, 12.0]), "float16"), tensor([0, 1]))
    assert keras.backend.standardize_dtype(likelihood.dtype) == "float32"
    assert number(likelihood[0]) == pytest.approx(-6.14e-6, rel=0.03)


@pytest.mark.parametrize("code", [Categorical(4), Continuous(2, -2.0, 3.0, learn_variance=True)])
def test_codes_are_serializable(code):
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(code))
    assert vars(twin) == vars(code)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Categorical(1), ">= 2"),
        (lambda: Categorical(2.0), "integer"),
        (lambda: Categorical(0), "integer"),
        (lambda: Continuous(0), ">= 1"),
        (lambda: Continuous(1, low=1.0, high=1.0), "below"),
    ],
)
def test_impossible_codes_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_the_streamed_bound_is_the_mean_over_all_examples():
    code, rng = Categorical(3), np.random.default_rng(0)
    outputs, values = rng.normal(size=(7, 3)).astype("float32"), np.eye(3, dtype="float32")[rng.integers(0, 3, 7)]
    metric = kgan.metrics.MutualInformation(code)
    assert number(metric.result()) == 0.0
    for part in (slice(0, 4), slice(4, 7)):
        metric.update_state(values[part], outputs[part])
    whole = number(kgan.objectives.mutual_information(code, outputs, values))
    assert number(metric.result()) == pytest.approx(whole, abs=1e-6)
    twin = kgan.metrics.MutualInformation.from_config(metric.get_config())
    assert (twin.code.classes, twin.name) == (3, "mutual_information")
    metric.reset_state()
    assert number(metric.result()) == 0.0
    with pytest.raises(ValueError, match="no sample weights"):
        metric.update_state(values, outputs, sample_weight=1.0)


def test_purity():
    # Cluster 0 holds {1, 1, 2}, cluster 5 holds {2, 2}: four of five are their cluster's majority.
    assert kgan.metrics.cluster_purity([0, 0, 0, 5, 5], [1, 1, 2, 2, 2]) == pytest.approx(0.8)
    assert kgan.metrics.cluster_purity([0] * 4, [0, 1, 2, 3]) == 0.25
    for clusters, labels in (([0, 1], [0]), ([], []), ([[0]], [[0]])):
        with pytest.raises(ValueError, match="one length"):
            kgan.metrics.cluster_purity(clusters, labels)
