"""Hand-worked numbers of the losses of Fisher GAN and D2GAN."""

import math

import numpy as np
import pytest
from keras import ops

from kgan import backend, objectives


def column(*numbers):
    return ops.convert_to_tensor(np.float32(numbers)[:, None])


def test_the_second_moment_is_of_the_scores_themselves():
    # 1/2 (1 + 9) / 2 + 1/2 (4 + 0 + 1) / 3; variances about the means would be 1/2 + 1/3.
    assert float(objectives.second_moment(column(1, -3), column(2, 0, 1))) == pytest.approx(2.5 + 5 / 6)


def test_fisher_distance_and_constraint():
    # E = 2 - (-1) = 3, Omega = (4 + 1) / 2.
    assert float(objectives.fisher_distance(column(2, 2), column(-1, -1))) == pytest.approx(3 / math.sqrt(2.5))
    # -lambda (1 - Omega) + rho / 2 (Omega - 1)^2 with lambda 0.5 and rho 0.2.
    found = [float(objectives.fisher_constraint(ops.convert_to_tensor(m), 0.5, 0.2)) for m in (3.0, 0.0, 1.0)]
    assert found == pytest.approx([1.0 + 0.4, -0.5 + 0.1, 0.0])


@pytest.mark.parametrize("scale", [1e-3, 1.0, 50.0])
def test_fisher_distance_has_no_scale(scale):
    real, fake = column(2 * scale, scale), column(-scale, 0.5 * scale)
    assert float(objectives.fisher_distance(real, fake)) == pytest.approx(1.75 / math.sqrt(1.25 + 0.3125), rel=1e-4)


def test_class_critic():
    # Scores log 3 and 0: p = 3/4, 1/4.
    found = objectives.class_critic(ops.convert_to_tensor(np.float32([[math.log(3), 0.0, 2.0]])))
    assert float(found[0, 0]) == pytest.approx(0.75 * math.log(3) - 2.0)


def test_log_softplus_everywhere():
    logits = np.array([-1e4, -110.0, -20.0, -15.001, -14.999, -1.0, 0.0, 3.0, 1e4], "float32")
    expected = [t if t < -30 else math.log(math.log1p(math.exp(t)) if t < 100 else t) for t in logits.astype("float64")]
    np.testing.assert_allclose(ops.convert_to_numpy(objectives.log_softplus(logits)), expected, rtol=1e-5)
    _, (slope,) = backend.value_and_gradients(lambda t: (ops.sum(objectives.log_softplus(t[0])), None), [logits])
    assert np.isfinite(ops.convert_to_numpy(slope)).all()
    np.testing.assert_allclose(ops.convert_to_numpy(slope)[:3], 1.0, atol=1e-5)


def test_ratio_loss_and_generator():
    def sp(t):
        return math.log1p(math.exp(t))

    high, low = column(1.0, -2.0), column(0.5)
    expected = sp(0.5) - 0.3 * (math.log(sp(1)) + math.log(sp(-2))) / 2
    assert float(objectives.ratio_loss(high, low, 0.3)) == pytest.approx(expected, abs=1e-6)
    expected = -(sp(1) + sp(-2)) / 2 + 0.1 * math.log(sp(0.5))
    assert float(objectives.dual_generator(high, low, 0.1)) == pytest.approx(expected, abs=1e-6)


def test_the_ratio_is_the_optimum():
    """At D = weight p / q over two points with p = (0.8, 0.2) and q = (0.3, 0.7) the slope of the loss is 0."""
    p, q, weight = (4, 1), (3, 7), 0.2
    scores = [weight * (a / 5) / (b / 10) for a, b in zip(p, q, strict=True)]
    logits = np.log(np.expm1(np.float32(scores)))

    def loss(tensors):
        high, low = (ops.stack([tensors[0][i] for i, n in enumerate(counts) for _ in range(n)])[:, None] for counts in (p, q))
        return objectives.ratio_loss(high, low, weight), None

    _, (slope,) = backend.value_and_gradients(loss, [logits])
    np.testing.assert_allclose(ops.convert_to_numpy(slope), 0.0, atol=1e-6)
