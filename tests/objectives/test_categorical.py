"""The entropies of categorical GANs, worked out by hand."""

import math

import numpy as np
import pytest
from keras import ops

from kgan import backend, objectives


def both(logits):
    logits = ops.convert_to_tensor(np.asarray(logits, "float32"))
    return float(objectives.conditional_entropy(logits)), float(objectives.marginal_entropy(logits))


@pytest.mark.parametrize("count", [1, 7])
def test_uniform_probabilities_have_both_entropies_log_k(count):
    assert both(np.full((count, 5), 3.0)) == pytest.approx((math.log(5), math.log(5)), abs=1e-5)


def test_certain_and_spread_is_the_discriminators_optimum_on_real_examples():
    assert both(100.0 * np.eye(4)) == pytest.approx((0.0, math.log(4)), abs=1e-5)
    assert both(100.0 * np.eye(4)[[1, 1, 1]]) == pytest.approx((0.0, 0.0), abs=1e-5)


def test_the_mean_of_probabilities_comes_first():
    """p = (1/4, 3/4) and (3/4, 1/4): both certain alike, together uniform. The mean of logarithms would give no log 2."""
    log3 = math.log(3.0)
    inner = 0.25 * math.log(4) + 0.75 * math.log(4 / 3)
    assert both([[0.0, log3], [log3, 0.0]]) == pytest.approx((inner, math.log(2)), abs=1e-5)
    assert both([[0.0, log3], [0.0, log3]]) == pytest.approx((inner, inner), abs=1e-5)


@pytest.mark.parametrize("entropy", [objectives.conditional_entropy, objectives.marginal_entropy])
def test_gradients_are_those_of_differences_and_finite_where_certain(entropy):
    logits = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    _, (found,) = backend.value_and_gradients(lambda t: (entropy(t[0]), None), [ops.convert_to_tensor(logits)])
    for place in ((0, 1), (2, 3)):
        step = np.zeros_like(logits)
        step[place] = 1e-2
        difference = (
            float(entropy(ops.convert_to_tensor(logits + step))) - float(entropy(ops.convert_to_tensor(logits - step)))
        ) / 2e-2
        assert float(ops.convert_to_numpy(found)[place]) == pytest.approx(difference, abs=1e-4)
    _, (sure,) = backend.value_and_gradients(lambda t: (entropy(t[0]), None), [1000.0 * ops.eye(4)])
    assert np.isfinite(ops.convert_to_numpy(sure)).all()
