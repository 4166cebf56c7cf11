"""AREL: Wang, Chen, Wang, Wang, "No Metrics Are Perfect: Adversarial Reward Learning for Visual Storytelling", ACL 2018, 1804.09160."""

from typing import Any

import keras
from keras import ops

from kgan import objectives
from kgan.arguments import NonNegative
from kgan.families.bases.reinforced_stories import JudgedStories
from kgan.types import Tensor


@keras.saving.register_keras_serializable("kgan")
class AREL(JudgedStories):
    """A policy that tells stories against a reward that learns what tells them from human ones.

    Made for stories about several photos (VIST) and a policy that can tell them already: train a `kgan.StoryXE`, then `start_from` it.
    From a new policy a default fit tells nothing yet after an epoch of 62 rounds.

    The reward R, a number for every sentence beside its photo, defines a Boltzmann distribution `p(W) = exp(R(W)) / Z`, whose energy is -R.
    It is drawn to human stories and away from the policy's, the policy pi is drawn to it:

        L_R  = KL(p_e || p) - KL(pi || p) = E_pi R - E_pe R + constant            (Z cancels; p_e are human stories)
        L_pi = KL(pi || p) = E_pi[log pi - R] + log Z

    The policy descends `E_pi[(log pi - R + b) grad log pi]`: REINFORCE with the reward `kappa R - alpha log pi` and a learned baseline b
    for every word, mixed with cross-entropy. The players take turns in blocks, the reward first (Algorithm 1).

    Signs: the paper's Eq. 9 with descent is right for an energy -R, in both its lines; for R as a reward both signs turn, as here.

    Args:
        vocabulary_size: at least 3: 0 (begin, end, padding), 1 (unknown), and the words. May be left out when `policy` is given.
        photo_size: default 2048 (ResNet-152's pool5, the paper's), numbers of a photo.
        num_photos: default 5 (the paper's). sentence_length: default 30 (the authors'), the end included; at least the reward's
            widest convolution, 5.
        units: default 512 (the paper's), of the policy.
        policy: `kgan.stories.StoryPolicy` of your own, taken as it is, such as a trained `StoryXE`'s; to start from a copy, `start_from`.
        rl_weight: in [0, 1], default 0.5 (the authors'): `L = rl_weight (action + value) + (1 - rl_weight) cross_entropy`.
        kappa: default 1 (the authors'), factor of R in the policy's reward.
        alpha: default 0 (the authors' code), 1 in the paper's objective: factor of `-log pi`, which keeps the policy from certainty.
            R lies in (-1, 1), log pi of a sentence at -15 to -40: with 1, `kappa` must be about 10 or `per_token` set, or entropy wins.
        per_token: default False. True: log pi is the mean over the words of a sentence, not their sum.
        reward: network of your own, as `kgan.stories.networks.reward` makes them.
        filters: default 512 (the paper's), of every width of the reward's convolutions.
        fusion: "add" (default, the paper's) or "product", squash: "softsign" (default, AREL-s), "tanh" (AREL-t) or "linear",
            frozen_embedding: default False: as in `kgan.stories.networks.reward`.
        reward_steps, policy_steps: default 50 (the published checkpoint's): minibatches of a block.
        scheduled_sampling: as in `kgan.StoryXE`, for the cross-entropy; default None.
        baseline: layer of your own from states `(rows, words, units)` to `(rows, words, 1)`; default a dense one that starts at 0.
        seed, name, dtype: as in `kgan.AdversarialModel`.

    Data, `tell`, `log_probabilities`: as in `kgan.StoryXE`. `reward_of(photos, stories)`: R of every sentence.

    Logs: `reward/adversarial`, L_R; `reward/human`, `reward/sampled`, mean R; `policy/action`, `policy/value`, `policy/cross_entropy`,
    weighted; `policy/reward`, `policy/length` (words), `policy/log_probability` (of a sentence), of samples. In an epoch within the block
    of one player the other's are 0.

    Default optimizers: Adam(2e-4, beta_1 0.8, beta_2 0.999, epsilon 1e-8) for both, gradients clipped to a norm of 10 over all weights of
    a player together (the authors'); `kgan.callbacks.BestOnPlateau` halves the rate.

    Raises:
        ValueError: as `kgan.StoryXE`; for `rl_weight` outside [0, 1], blocks of less than one minibatch.

    Departures from the code: its convolutions stand in a list, where they are neither trained nor saved; here they are. Its loss of the
    reward is summed over sentences, here it is the mean. Samples are normalized after the rules of sampling; see
    `kgan.stories.StoryPolicy`. One pass of the encoder serves samples and human stories. Without vectors of words from elsewhere the
    reward's embedding learns. Algorithm 1 prints the human stories under the policy's step; the reward's needs them.

    Example:
    >>> import numpy as np, kgan
    >>> rng = np.random.default_rng(0)
    >>> photos = rng.normal(size=(32, 5, 4)).astype("float32")
    >>> stories = rng.integers(2, 9, (32, 5, 8))
    >>> model = kgan.AREL(9, photo_size=4, sentence_length=8, units=8, filters=4, reward_steps=1, policy_steps=1, seed=0)
    >>> model.compile()
    >>> history = model.fit(photos, stories, batch_size=8, verbose=0)
    >>> model.tell(photos[:2]).shape, model.reward_of(photos[:2], stories[:2]).shape
    ((2, 5, 8), (2, 5))
    """

    reward_objective = staticmethod(objectives.boltzmann_reward)

    def __init__(
        self, *args: Any, kappa: NonNegative = 1.0, alpha: NonNegative = 0.0, per_token: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.kappa = kappa
        self.alpha = alpha
        self.per_token = per_token

    def rewards(self, photos: Tensor, words: Tensor, likelihoods: Tensor, stories: Tensor) -> Tensor:
        if self.per_token:
            likelihoods = likelihoods / ops.sum(objectives.word_mask(words), axis=-1)
        return self.kappa * self.learned_reward(photos, words) - self.alpha * likelihoods
