"""Story models that learn from a reward of their own samples: REINFORCE with a baseline, and the game with a learned reward.

Wang, Chen, Wang, Wang, "No Metrics Are Perfect", ACL 2018, arXiv 1804.09160, and its authors' code.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import keras
from keras import ops

from kgan import backend, objectives
from kgan.arguments import Count, LayerLike, Network, NonNegative
from kgan.engine import Move, Observation, Terms, Turn
from kgan.families.bases.story_model import StoryModel, ended, story_optimizer
from kgan.stories import networks
from kgan.stories.networks import shifted
from kgan.types import Array, Tensor


class ReinforcedStories(StoryModel):
    """A policy that also learns from a reward of its samples, by REINFORCE. Subclasses write `rewards` and the game.

    The policy minimizes `rl_weight * (action + value) + (1 - rl_weight) * cross_entropy` with, on one story sampled for each album,

        action = -sum mask (r - b) log pi(w) / sum mask,  value = sum mask (r - b)^2 / sum mask

    where the baseline `b_t = w^T s_t + c` reads the decoder's states and moves nothing but w and c.
    """

    def __init__(self, *args: Any, rl_weight: NonNegative = 0.5, baseline: LayerLike | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if rl_weight > 1.0:
            raise ValueError(f"`rl_weight` must lie in [0, 1]. Received: {rl_weight!r}.")
        self.rl_weight = rl_weight
        # From 0, not at random: a baseline far off the rewards pushes a warm start over before it has learned.
        self.baseline = baseline or keras.layers.Dense(1, kernel_initializer="zeros", name="baseline")
        if not self.baseline.built:
            self.baseline.build((None, self.units))

    def rewards(self, photos: Tensor, words: Tensor, likelihoods: Tensor, stories: Tensor) -> Tensor:
        """The rewards of samples.

        Args:
            photos: tensor `(batch, num_photos, photo_size)`.
            words: samples `(batch, num_photos, sentence_length)`, 0 behind their end.
            likelihoods: log pi of every sentence `(batch, num_photos)`, in the sum over its words; no gradient flows back through it.
            stories: human stories of the same photos, as `words`.

        Returns:
            Tensor `(batch, num_photos)`.
        """
        raise NotImplementedError(f"{type(self).__name__} must define rewards(photos, words, likelihoods, stories).")

    def policy_move(self) -> Move:
        players = ("policy", "baseline") if self.rl_weight > 0 else ("policy",)
        return Move("policy", players, self.policy_loss)

    def policy_loss(self, batch: Any) -> Terms:
        if self.rl_weight == 0:
            return self.cross_entropy_loss(batch)
        photos, stories = batch
        human, policy = self.rows(stories), self.policy
        count, mixed = ops.shape(human)[0], self.rl_weight < 1
        encoded = policy.encode(photos, self.in_training)
        drops = policy.drops(count, self.in_training)
        words = self.drawn_words(encoded, drops, count)
        fed = shifted(words)
        if mixed:  # one pass of the decoder over samples and human sentences
            human_drops = policy.drops(count, self.in_training)
            fed = ops.concatenate([fed, shifted(self.fed_words(human, encoded, human_drops))])
            encoded = tuple(ops.concatenate([x, x]) for x in encoded)
            drops = None if drops is None else ops.concatenate([drops, human_drops])
        states = policy.decode(fed, encoded)
        logits = policy.logits(states, drops)
        likelihoods = policy.log_probabilities(logits[:count], words, ruled=True)
        mask = objectives.word_mask(words)
        per_sentence = policy.by_photo(ops.stop_gradient(ops.sum(mask * likelihoods, axis=-1)))
        rewards = self.rewards(photos, policy.by_photo(words), per_sentence, policy.by_photo(human))
        rewards = ops.stop_gradient(ops.reshape(backend.full_precision(rewards), (-1, 1)))
        baselines = backend.full_precision(self.baseline(ops.stop_gradient(states[:count])))[..., 0]
        terms = {
            "action": self.rl_weight * objectives.reinforce(likelihoods, rewards - baselines, mask),
            "value": self.rl_weight * objectives.baseline_error(rewards, baselines, mask),
            "reward": Observation(ops.mean(rewards)),
            "length": Observation(ops.mean(ops.sum(mask, axis=-1)) - 1.0),
            "log_probability": Observation(ops.mean(per_sentence)),
        }
        if mixed:
            found = policy.log_probabilities(logits[count:], human)
            cross_entropy = objectives.masked_cross_entropy(found, objectives.word_mask(human))
            terms["cross_entropy"] = (1.0 - self.rl_weight) * cross_entropy
        return terms

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {"policy": story_optimizer(2e-4)}


class JudgedStories(ReinforcedStories):
    """A policy against a network that scores sentences. Subclasses say what the network minimizes (`reward_objective`), what reward a
    score is (`reward_of_score`) and, where that is not all, what rewards the policy receives (`rewards`).

    The players take turns in blocks: `reward_steps` minibatches for the reward, then `policy_steps` for the policy, each fresh, and so on.
    In a block the player at rest is in inference mode; both human and sampled stories are about the minibatch's photos.
    """

    def __init__(
        self,
        *args: Any,
        reward: Network | None = None,
        filters: Count = 512,
        fusion: str = "add",
        squash: str = "softsign",
        frozen_embedding: bool = False,
        reward_steps: Count = 50,
        policy_steps: Count = 50,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.filters = filters
        self.fusion = fusion
        self.squash = squash
        self.frozen_embedding = frozen_embedding
        self.reward_steps = reward_steps
        self.policy_steps = policy_steps
        self.reward = reward or networks.reward(
            self.vocabulary_size,
            self.photo_size,
            self.sentence_length,
            filters=filters,
            fusion=fusion,
            squash=squash,
            frozen_embedding=frozen_embedding,
        )
        taken = [tuple(tensor.shape)[1:] for tensor in self.reward.inputs]
        if taken != [(self.photo_size,), (self.sentence_length,)] or tuple(self.reward.output_shape)[1:] != (1,):
            raise ValueError(
                f"The reward must turn photos (rows, {self.photo_size}) and words (rows, {self.sentence_length}) into (rows, 1). "
                f"Received one from {taken} to {tuple(self.reward.output_shape)[1:]}."
            )

    reward_objective: ClassVar[Callable[..., Tensor]]
    """A function `(human scores, sampled scores) -> scalar`, what the network minimizes."""
    reward_of_score: ClassVar[Callable[..., Tensor]] = staticmethod(lambda scores: scores)
    """The reward that a score is."""

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {move: story_optimizer(2e-4) for move in ("reward", "policy")}

    def turns(self) -> tuple[Turn, ...]:
        return (
            Turn((Move("reward", ("reward",), self.reward_loss),), when=self.reward_due),
            Turn((self.policy_move(),), when=self.policy_due, fresh=False),
        )

    def reward_due(self) -> Tensor:
        """Whether this round is the reward's: a function of the number of rounds played, so that there is nothing to save."""
        played = ops.cast(ops.convert_to_tensor(self.optimizer.iterations), "int32")
        return ops.mod(played, self.reward_steps + self.policy_steps) < self.reward_steps

    def policy_due(self) -> Tensor:
        return ops.logical_not(self.reward_due())

    def score(self, photos: Tensor, stories: Tensor, training: bool = False) -> Tensor:
        """The reward network's output for every sentence, `(batch, num_photos)`, in at least float32."""
        words = ended(self.rows(stories))
        scores = self.reward([ops.reshape(photos, (-1, self.photo_size)), words], training=training)
        return ops.reshape(backend.full_precision(scores), (-1, self.num_photos))

    def score_both(self, batch: Any) -> tuple[Tensor, Tensor]:
        """Scores of the human stories of a batch and of samples about the same photos, each `(batch, num_photos)`."""
        photos, stories = batch
        human = self.rows(stories)
        count = ops.shape(human)[0]
        sampled = self.drawn_words(self.policy.encode(photos), None, count)
        both = self.policy.by_photo(ops.concatenate([human, sampled]))
        scores = self.score(ops.concatenate([photos, photos]), both, self.in_training)
        return ops.split(scores, 2)

    def reward_loss(self, batch: Any) -> Terms:
        human, sampled = self.score_both(batch)
        return {
            "adversarial": self.reward_objective(human, sampled),
            "human": Observation(ops.mean(self.reward_of_score(human))),
            "sampled": Observation(ops.mean(self.reward_of_score(sampled))),
        }

    def reward_of(self, photos: Array, stories: Array, batch_size: int = 64) -> Array:
        """The learned reward of every sentence, before `kappa` and entropy.

        Args:
            photos, stories: arrays as in `fit`; words behind the end of a sentence count nothing.
            batch_size: default 64, stories computed at once.

        Returns:
            float array `(stories, num_photos)`.
        """
        return self._about("reward", photos, stories, batch_size)

    def compiled_call(self, kind: str) -> Callable[[Tensor, Tensor], Tensor]:
        return self.learned_reward if kind == "reward" else super().compiled_call(kind)

    def learned_reward(self, photos: Tensor, stories: Tensor) -> Tensor:
        """The learned reward of sentences, `(batch, num_photos)`."""
        return self.reward_of_score(self.score(photos, stories))
