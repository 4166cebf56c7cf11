"""Stories from a discriminator, the GAN baseline of "No Metrics Are Perfect" (Wang et al., ACL 2018, arXiv 1804.09160)."""

from typing import Any

import keras
from keras import ops

from kgan import objectives
from kgan.families.bases.reinforced_stories import JudgedStories
from kgan.types import Tensor


@keras.saving.register_keras_serializable("kgan")
class StoryGAN(JudgedStories):
    """AREL's networks as a GAN: the reward is the probability D that a sentence is human.

    The discriminator, AREL's reward network with a sigmoid, minimizes `-E_pe log D - E_pi log(1 - D)`; the reward is D, or log D, by
    REINFORCE as in `kgan.AREL`, which has the other arguments.

    Args:
        *args, **kwargs: of `kgan.AREL`, without `kappa`, `alpha`, `per_token` and `squash`.
        log_reward: default False. True: the reward is log D.

    `reward_of(photos, stories)`: D of every sentence.

    Logs: as `kgan.AREL`; `reward/adversarial` is the cross-entropy, `reward/human` and `reward/sampled` are mean D.

    Departures from the paper: it names this baseline without a formula; this is the customary one.

    Example:
    >>> import numpy as np, kgan
    >>> rng = np.random.default_rng(0)
    >>> photos = rng.normal(size=(32, 5, 4)).astype("float32")
    >>> stories = rng.integers(2, 9, (32, 5, 8))
    >>> model = kgan.StoryGAN(9, photo_size=4, sentence_length=8, units=8, filters=4, reward_steps=1, policy_steps=1, seed=0)
    >>> model.compile()
    >>> history = model.fit(photos, stories, batch_size=8, verbose=0)
    >>> model.reward_of(photos[:2], stories[:2]).shape
    (2, 5)
    """

    fixed_arguments = ("squash",)
    reward_objective = staticmethod(objectives.non_saturating.discriminator)
    reward_of_score = staticmethod(ops.sigmoid)

    def __init__(self, *args: Any, log_reward: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, squash="linear", **kwargs)
        self.log_reward = log_reward

    def rewards(self, photos: Tensor, words: Tensor, likelihoods: Tensor, stories: Tensor) -> Tensor:
        return ops.log_sigmoid(self.score(photos, words)) if self.log_reward else self.learned_reward(photos, words)
