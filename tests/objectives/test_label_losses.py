"""The cross-entropies and differences of several binary labels, by hand."""

import math

import keras
import numpy as np
import pytest
from keras import ops

from kgan import backend, objectives

LOGITS, LABELS = np.array([[0.0, math.log(3)], [-math.log(4), 2.0]]), np.array([[1.0, 0.0], [0.25, 1.0]])
CHANCE = np.array([[0.5, 0.75], [0.2, 1 / (1 + math.exp(-2))]])


def value(loss, logits, labels):
    return float(loss(ops.convert_to_tensor(logits, "float32"), ops.convert_to_tensor(labels, "float32")))


def test_cross_entropy_by_hand():
    # -log .5; -log .25; -(.25 log .2 + .75 log .8); log(1 + exp(-2)): the mean over labels and examples.
    terms = (math.log(2), math.log(4), -(0.25 * math.log(0.2) + 0.75 * math.log(0.8)), math.log1p(math.exp(-2)))
    assert value(objectives.label_cross_entropy, LOGITS, LABELS) == pytest.approx(sum(terms) / 4, rel=1e-5)


def test_swapped_cross_entropy_by_hand():
    soft = np.array([[0.8, 0.2], [0.3, 0.9]])
    expected = -np.mean(CHANCE * np.log(soft) + (1 - CHANCE) * np.log(1 - soft))
    assert value(objectives.swapped_label_cross_entropy, LOGITS, soft) == pytest.approx(expected, rel=1e-5)
    # Linear in the labeler's probability: it pays to be certain, whatever the soft label's value on its side.
    half = [value(objectives.swapped_label_cross_entropy, [[t]], [[0.9]]) for t in (-50.0, 0.0, 50.0)]
    assert half == pytest.approx([-math.log(0.1), 0.5 * (-math.log(0.1) - math.log(0.9)), -math.log(0.9)], rel=1e-5)


def test_swapped_cross_entropy_of_hard_labels_is_infinite():
    assert not math.isfinite(value(objectives.swapped_label_cross_entropy, [[0.0]], [[1.0]]))


def test_differences_by_hand():
    assert value(objectives.squared_label_difference, LOGITS, LABELS) == pytest.approx(np.mean((CHANCE - LABELS) ** 2), rel=1e-5)
    assert value(objectives.absolute_label_difference, LOGITS, LABELS) == pytest.approx(np.mean(abs(CHANCE - LABELS)), rel=1e-5)


def test_certain_and_wrong_logits_stay_finite_with_a_slope():
    def loss(tensors):
        return objectives.label_cross_entropy(tensors[0], ops.convert_to_tensor([[1.0, 0.0]])), None

    (found, _), (gradient,) = backend.value_and_gradients(loss, [ops.convert_to_tensor([[-1000.0, 1000.0]])])
    assert float(found) == pytest.approx(1000.0)
    np.testing.assert_allclose(ops.convert_to_numpy(gradient), [[-0.5, 0.5]], atol=1e-6)


@pytest.mark.parametrize("name", ["label_cross_entropy", "squared_label_difference", "absolute_label_difference"])
def test_losses_that_a_configuration_may_name(name):
    loss = getattr(objectives, name)
    assert keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss)) is loss
