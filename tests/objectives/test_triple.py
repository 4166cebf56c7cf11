"""What a classifier learns from judged labels: the sum over labels, its estimates, and what each form does to confidence."""

import numpy as np
import pytest
from keras import ops

import kgan
from kgan.objectives import label_argmax, label_balance, label_expectation, label_reinforce


def tensor(array, dtype="float32"):
    return ops.convert_to_tensor(np.asarray(array, dtype))


def gradient(function, logits):
    (slope,) = kgan.backend.value_and_gradients(lambda t: (function(t[0]), None), [tensor(logits)])[1]
    return ops.convert_to_numpy(slope)


LOGITS = np.asarray([[0.5, -1.0, 0.2], [2.0, 0.0, 0.3]], "float32")
LOSSES = np.asarray([[0.3, 1.5, 0.7], [2.0, 0.1, 0.4]], "float32")


def softmax(t):
    e = np.exp(t - t.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def test_the_expectation_by_hand_and_its_gradient():
    p = softmax(LOGITS)
    assert float(label_expectation(tensor(LOGITS), tensor(LOSSES))) == pytest.approx((p * LOSSES).sum(1).mean(), rel=1e-5)
    # d/dl_k sum p loss = p_k (loss_k - sum p loss).
    expected = p * (LOSSES - (p * LOSSES).sum(1, keepdims=True)) / 2
    np.testing.assert_allclose(gradient(lambda t: label_expectation(t, tensor(LOSSES)), LOGITS), expected, atol=1e-6)


def test_reinforce_has_the_gradient_of_the_expectation_in_the_mean():
    """Exactly: its gradients for all pairs of labels, weighted by how likely they are drawn."""
    p, mean = softmax(LOGITS), np.zeros_like(LOGITS)
    for first in range(3):
        for second in range(3):
            labels, losses = tensor([first, second], "int32"), tensor([LOSSES[0, first], LOSSES[1, second]])
            mean += p[0, first] * p[1, second] * gradient(lambda t, y=labels, c=losses: label_reinforce(t, y, c), LOGITS)
    np.testing.assert_allclose(mean, gradient(lambda t: label_expectation(t, tensor(LOSSES)), LOGITS), atol=1e-6)


def test_argmax_is_one_term_and_moves_confidence_one_way():
    labels = tensor([0, 0], "int32")
    p = softmax(LOGITS)
    value = float(label_argmax(tensor(LOGITS), labels, tensor([0.3, 2.0])))
    assert value == pytest.approx((p[0, 0] * 0.3 + p[1, 0] * 2.0) / 2, rel=1e-5)
    slope = gradient(lambda t: label_argmax(t, labels, tensor([0.3, 2.0])), LOGITS)
    assert (slope[:, 0] > 0).all()  # descended: less confident in either
    assert (gradient(lambda t: label_argmax(t, labels, tensor([-0.3, -2.0])), LOGITS)[:, 0] < 0).all()


def test_balance_is_least_where_classes_are_used_alike():
    assert float(label_balance(tensor(np.zeros((2, 4))))) == pytest.approx(np.log(4.0), rel=1e-5)
    p = softmax(LOGITS).mean(0)
    assert float(label_balance(tensor(LOGITS))) == pytest.approx(-np.log(p).mean(), rel=1e-5)
