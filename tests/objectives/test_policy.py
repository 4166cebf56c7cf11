"""Gaussian policies, generalized advantages and rewards of imitation, beside numbers worked by hand."""

import numpy as np
import pytest
from keras import ops

from kgan import objectives


def numpy(tensor):
    return ops.convert_to_numpy(tensor)


def test_density_entropy_and_divergence_of_a_normal(rng):
    means, other = rng.normal(size=(2, 5, 3)).astype("float32")
    stds, other_stds = np.exp(rng.normal(0.0, 0.3, (2, 5, 3))).astype("float32")
    actions = rng.normal(size=(5, 3)).astype("float32")
    expected = (-0.5 * ((actions - means) / stds) ** 2 - np.log(stds * np.sqrt(2 * np.pi))).sum(-1)
    np.testing.assert_allclose(numpy(objectives.gaussian_log_density(actions, means, np.log(stds))), expected, rtol=1e-5)
    np.testing.assert_allclose(
        numpy(objectives.gaussian_entropy(np.log(stds))), np.log(stds * np.sqrt(2 * np.pi * np.e)).sum(-1), rtol=1e-5
    )
    expected = (np.log(other_stds / stds) + (stds**2 + (means - other) ** 2) / (2 * other_stds**2) - 0.5).sum(-1)
    found = objectives.gaussian_divergence(means, np.log(stds), other, np.log(other_stds))
    np.testing.assert_allclose(numpy(found), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(numpy(objectives.gaussian_divergence(means, np.log(stds), means, np.log(stds))), 0.0)


def test_advantages_are_those_of_the_recursion(rng):
    rewards, values = rng.normal(size=(3, 6)), rng.normal(size=(3, 7))
    alive = np.ones((3, 7))
    alive[1, 3:] = 0.0  # the third step ended it
    alive[2, 6] = 0.0  # the last step ended it, where time ended the first
    expected = np.zeros((3, 6))
    for episode in range(3):
        following = 0.0
        for t in reversed(range(6)):
            if alive[episode, t]:
                delta = rewards[episode, t] + 0.9 * alive[episode, t + 1] * values[episode, t + 1] - values[episode, t]
                following = delta + 0.9 * 0.8 * alive[episode, t + 1] * following
                expected[episode, t] = following
    found = objectives.generalized_advantages(*(a.astype("float32") for a in (rewards, values, alive)), 0.9, 0.8)
    np.testing.assert_allclose(numpy(found), expected, atol=1e-5)


def test_rewards_of_imitation():
    logits = np.log(np.asarray([1.0, 3.0], "float32"))  # D is 1/2, 3/4
    np.testing.assert_allclose(numpy(objectives.imitation_reward(logits)), np.log([0.5, 0.75]), rtol=1e-5)
    np.testing.assert_allclose(numpy(objectives.imitation_reward(logits, "minimax")), -np.log([0.5, 0.25]), rtol=1e-5)
    with pytest.raises(ValueError, match="non_saturating"):
        objectives.imitation_reward(logits, "log_d")
