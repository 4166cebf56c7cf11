"""Formulas of word sequences against numbers worked by hand."""

import numpy as np
import pytest
from keras import ops

from kgan import backend, objectives

# Two sentences of three places: "a b end" and "a end -".
WORDS = np.array([[5, 3, 0], [4, 0, 0]], "int32")
LOGS = np.log(np.array([[0.5, 0.25, 0.5], [0.125, 0.5, 0.01]], "float32"))
LN2 = float(np.log(2.0))


def test_the_mask_ends_with_the_first_end_included():
    np.testing.assert_array_equal(ops.convert_to_numpy(objectives.word_mask(WORDS)), [[1, 1, 1], [1, 1, 0]])
    np.testing.assert_array_equal(ops.convert_to_numpy(objectives.word_mask(np.array([7, 0, 3, 0]))), [1, 1, 0, 0])
    np.testing.assert_array_equal(ops.convert_to_numpy(objectives.word_mask(np.array([7, 7]))), [1, 1])


def test_cross_entropy_is_the_mean_over_words_not_over_sentences():
    # (1 + 2 + 1 + 3 + 1) ln 2 over five words; the sixth place is padding.
    assert float(objectives.masked_cross_entropy(LOGS, objectives.word_mask(WORDS))) == pytest.approx(8 / 5 * LN2, rel=1e-6)


def test_reinforce_by_hand_and_no_gradient_through_the_advantage():
    mask = objectives.word_mask(WORDS)
    advantages = np.array([[1.0], [-2.0]], "float32") * np.ones((1, 3), "float32")
    # -(1 * -4 ln 2 + -2 * -4 ln 2) / 5
    assert float(objectives.reinforce(LOGS, advantages, mask)) == pytest.approx(-4 / 5 * LN2, rel=1e-5)

    def loss(tensors):
        return objectives.reinforce(tensors[0], tensors[1] + tensors[0], mask), None

    _, (logs, paid) = backend.value_and_gradients(loss, [ops.convert_to_tensor(LOGS), ops.convert_to_tensor(advantages)])
    expected = -(advantages + LOGS) * ops.convert_to_numpy(mask) / 5
    np.testing.assert_allclose(ops.convert_to_numpy(logs), expected, rtol=1e-5)
    assert not ops.convert_to_numpy(paid).any()


def test_descending_reinforce_makes_what_is_paid_likelier():
    def loss(tensors):
        logs = ops.log_softmax(tensors[0])[:, :1]
        return objectives.reinforce(logs, ops.ones((1, 1)), ops.ones((1, 1))), None

    _, (gradient,) = backend.value_and_gradients(loss, [ops.zeros((1, 2))])
    np.testing.assert_allclose(ops.convert_to_numpy(gradient), [[-0.5, 0.5]], rtol=1e-6)


def test_baseline_error_by_hand_moves_the_baseline_alone():
    mask = objectives.word_mask(WORDS)
    rewards, baselines = np.array([[2.0], [1.0]], "float32"), np.array([[1, 2, 4], [1, 3, 9]], "float32")
    # (1 + 0 + 4 + 0 + 4) / 5
    assert float(objectives.baseline_error(rewards, baselines, mask)) == pytest.approx(1.8)

    def loss(tensors):
        return objectives.baseline_error(tensors[0], tensors[1], mask), None

    _, (r, b) = backend.value_and_gradients(loss, [ops.convert_to_tensor(rewards), ops.convert_to_tensor(baselines)])
    assert not ops.convert_to_numpy(r).any()
    np.testing.assert_allclose(ops.convert_to_numpy(b), [[-0.4, 0.0, 0.8], [0.0, 0.8, 0.0]], atol=1e-6)


def test_the_reward_loss_raises_human_stories_and_lowers_samples():
    human, sampled = np.array([[0.5, 0.1]], "float32"), np.array([[0.3, -0.2], [0.2, 0.1]], "float32")
    assert float(objectives.boltzmann_reward(human, sampled)) == pytest.approx(0.1 - 0.3)

    def loss(tensors):
        return objectives.boltzmann_reward(*tensors), None

    _, (up, down) = backend.value_and_gradients(loss, [ops.convert_to_tensor(human), ops.convert_to_tensor(sampled)])
    assert (ops.convert_to_numpy(up) == -0.5).all()
    assert (ops.convert_to_numpy(down) == 0.25).all()


def test_the_reward_loss_is_the_difference_of_divergences():
    """KL(p_e || p) - KL(pi || p) by enumeration: the part that depends on R."""
    rng = np.random.default_rng(0)
    p_e, pi = rng.dirichlet(np.ones(4)), rng.dirichlet(np.ones(4))

    def divergence(p, q):
        return (p * np.log(p / q)).sum()

    def difference(r):
        p = np.exp(r) / np.exp(r).sum()
        return divergence(p_e, p) - divergence(pi, p)

    r, other = rng.normal(size=4), rng.normal(size=4)
    # The means over p_e and pi, as four weighted scores each.
    found = [float(objectives.boltzmann_reward(4 * p_e * x, 4 * pi * x)) for x in (r, other)]
    assert found[0] - found[1] == pytest.approx(difference(r) - difference(other), abs=1e-6)
