"""Sequences of words: their mask, cross-entropy, REINFORCE with a baseline, and the learned reward of 1804.09160.

Words are integers `(..., length)`; 0 ends a sequence. The mask covers the words up to and including the first 0.
"""

from keras import ops

from kgan.backend import full_precision
from kgan.types import Tensor


def word_mask(words: Tensor) -> Tensor:
    """1.0 for every word up to and including the first 0, 0.0 behind it; float32, of the shape of `words`.

    Example:
    >>> import numpy as np, kgan
    >>> [float(m) for m in kgan.objectives.word_mask(np.array([5, 3, 0, 0]))]
    [1.0, 1.0, 1.0, 0.0]
    """
    ended = ops.cast(ops.equal(words, 0), "float32")
    return ops.cast(ops.equal(ops.cumsum(ended, axis=-1) - ended, 0.0), "float32")


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """`sum mask values / sum mask`, a scalar."""
    values = full_precision(values)
    return ops.sum(mask * values) / ops.sum(mask)


def masked_cross_entropy(log_probabilities: Tensor, mask: Tensor) -> Tensor:
    """`-sum mask log pi(w) / sum mask`: the mean over words, so that long sentences weigh more.

    Args:
        log_probabilities: tensor `(..., length)`, of the words that were there. mask: as of `word_mask`.

    Returns:
        Scalar.
    """
    return -masked_mean(log_probabilities, mask)


def reinforce(log_probabilities: Tensor, advantages: Tensor, mask: Tensor) -> Tensor:
    """`-sum mask A log pi(w) / sum mask`, whose gradient is REINFORCE's: descending it makes words of positive advantage likelier.

    No gradient flows through the advantages, neither to the baseline nor to a reward that contains `log pi`.

    Args:
        log_probabilities: tensor `(..., length)`, of words drawn from the policy.
        advantages: tensor `(..., length)`: reward minus baseline.
        mask: as of `word_mask`.

    Returns:
        Scalar.
    """
    return -masked_mean(ops.stop_gradient(full_precision(advantages)) * full_precision(log_probabilities), mask)


def baseline_error(rewards: Tensor, baselines: Tensor, mask: Tensor) -> Tensor:
    """`sum mask (r - b)^2 / sum mask`; no gradient flows to the rewards.

    Args:
        rewards, baselines: tensors that broadcast to `(..., length)`. mask: as of `word_mask`.

    Returns:
        Scalar.
    """
    return masked_mean(ops.square(ops.stop_gradient(full_precision(rewards)) - full_precision(baselines)), mask)


def boltzmann_reward(human_rewards: Tensor, sampled_rewards: Tensor) -> Tensor:
    """`E_pi R - E_pe R`, minimized by the reward of `p(W) = exp R(W) / Z` (1804.09160, section 3.3).

    It is `KL(p_e || p) - KL(pi || p)` up to a constant: Z cancels. Descending it raises R on human stories; the policy that is drawn to p
    maximizes `R - log pi`.

    Args:
        human_rewards, sampled_rewards: tensors of any shape.

    Returns:
        Scalar.
    """
    return ops.mean(full_precision(sampled_rewards)) - ops.mean(full_precision(human_rewards))
