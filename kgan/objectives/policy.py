"""Policies: Gaussian actions, generalized advantages, and the rewards of imitation."""

import math

from keras import ops

from kgan.backend import full_precision
from kgan.types import Tensor


def gaussian_log_density(actions: Tensor, means: Tensor, log_stds: Tensor) -> Tensor:
    """`log N(a; mu, sigma^2)` of independent numbers, summed over the last axis, in nats.

    Args:
        actions, means, log_stds: tensors `(..., numbers)`; the last holds logarithms of standard deviations.

    Returns:
        Tensor `(...)`.

    Example: at the mean of a unit normal.

    >>> from keras import ops
    >>> import kgan
    >>> round(float(kgan.objectives.gaussian_log_density(ops.zeros((1,)), ops.zeros((1,)), ops.zeros((1,)))), 4)
    -0.9189
    """
    actions, means, log_stds = full_precision(actions, means, log_stds)
    scaled = (actions - means) * ops.exp(-log_stds)
    return ops.sum(-0.5 * ops.square(scaled) - log_stds - 0.5 * math.log(2.0 * math.pi), axis=-1)


def gaussian_entropy(log_stds: Tensor) -> Tensor:
    """Entropy of independent normal numbers, summed over the last axis, in nats: `sum log sigma + log(2 pi e) / 2`."""
    return ops.sum(full_precision(log_stds) + 0.5 * math.log(2.0 * math.pi * math.e), axis=-1)


def gaussian_divergence(means: Tensor, log_stds: Tensor, other_means: Tensor, other_log_stds: Tensor) -> Tensor:
    """`KL(N(mu, sigma^2) || N(mu', sigma'^2))` of independent numbers, summed over the last axis, in nats.

    Its second derivative in (mu', log sigma') at (mu, log sigma) is the Fisher information of the normal distribution.

    Args:
        means, log_stds: of the first distribution, tensors `(..., numbers)`. other_means, other_log_stds: of the second.

    Returns:
        Tensor `(...)`, >= 0.

    Example: one standard deviation apart.

    >>> from keras import ops
    >>> import kgan
    >>> zero = ops.zeros((1,))
    >>> float(kgan.objectives.gaussian_divergence(zero, zero, zero + 1.0, zero))
    0.5
    """
    means, log_stds, other_means, other_log_stds = full_precision(means, log_stds, other_means, other_log_stds)
    change = other_log_stds - log_stds
    apart = ops.square((means - other_means) * ops.exp(-other_log_stds))
    # expm1 keeps what is left of two nearly equal deviations.
    return ops.sum(0.5 * (ops.expm1(-2.0 * change) + apart) + change, axis=-1)


def generalized_advantages(rewards: Tensor, values: Tensor, alive: Tensor, discount: float, trace_decay: float) -> Tensor:
    """Generalized advantage estimation (Schulman et al., ICLR 2016, arXiv 1506.02438, Eq. 16).

    `A_t = sum_s (discount trace_decay)^s delta_(t+s)`, `delta_t = r_t + discount V(s_(t+1)) - V(s_t)`: the value of a state that was
    not reached, as the episode ended, is 0; that of the last one, where it was only cut off, stands for the rewards to come.

    Args:
        rewards: tensor `(episodes, steps)`. values: tensor `(episodes, steps + 1)`, of every state and the one after the last step.
        alive: tensor like `values`: 1 where an episode has reached the state, 0 behind its end.
        discount, trace_decay: in [0, 1]. With `trace_decay` 1 the advantages are discounted returns minus V, with 0 the deltas.

    Returns:
        Tensor `(episodes, steps)`, 0 for steps behind the end. Advantages plus values are the lambda-returns.

    Example: the second step ends the first episode, time the second.

    >>> import numpy as np, kgan
    >>> alive = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
    >>> found = kgan.objectives.generalized_advantages(np.ones((2, 2)), np.ones((2, 3)), alive, 0.5, 1.0)
    >>> [[float(a) for a in row] for row in found]
    [[0.5, 0.0], [0.75, 0.5]]
    """
    rewards, values, alive = full_precision(rewards, values, alive)
    deltas = alive[:, :-1] * (rewards + discount * alive[:, 1:] * values[:, 1:] - values[:, :-1])
    steps = deltas.shape[1]
    # Nothing follows the end of an episode, so the recursion is one product with a triangle of powers.
    ahead = [[(discount * trace_decay) ** (s - t) if s >= t else 0.0 for t in range(steps)] for s in range(steps)]
    return deltas @ ops.convert_to_tensor(ahead, dtype=deltas.dtype)


IMITATION_REWARDS = ("non_saturating", "minimax")


def imitation_reward(logits: Tensor, form: str = "non_saturating") -> Tensor:
    """What a discriminator's belief in an expert is worth to a policy, with D = sigmoid(logit) the probability of an expert.

    Args:
        logits: tensor `(...)`, high for experts.
        form: "non_saturating" (default): `log D`, never positive, so that a policy whose episodes can end would rather end them;
            "minimax": `-log(1 - D)`, never negative, so that it would rather live. Named after the two losses of a generator.

    Returns:
        Tensor like `logits`.

    Example:
    >>> from keras import ops
    >>> import kgan
    >>> [round(float(kgan.objectives.imitation_reward(ops.zeros(()), form)), 4) for form in ("non_saturating", "minimax")]
    [-0.6931, 0.6931]
    """
    logits = full_precision(logits)
    if form not in IMITATION_REWARDS:
        raise ValueError(f"`form` must be one of {IMITATION_REWARDS}. Received: {form!r}.")
    return -ops.softplus(-logits) if form == "non_saturating" else ops.softplus(logits)
