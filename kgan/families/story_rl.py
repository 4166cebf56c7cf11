"""Stories rewarded by a metric, the RL baselines of "No Metrics Are Perfect" (Wang et al., ACL 2018, arXiv 1804.09160)."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from kgan import backend
from kgan.engine import Turn
from kgan.families.bases.reinforced_stories import ReinforcedStories
from kgan.types import Array, Tensor


@keras.saving.register_keras_serializable("kgan")
class StoryRL(ReinforcedStories):
    """A policy rewarded by a metric of its samples: BLEU-RL, METEOR-RL, ROUGE-RL, CIDEr-RL. It learns to please the metric.

    The metric of a sampled story, its sentences together, against the human story of the same photos is the reward of all its words;
    REINFORCE with a learned baseline, mixed with cross-entropy, as in `kgan.AREL`.

    Args:
        *args, **kwargs: of `kgan.StoryXE`, and `rl_weight`, `baseline` of `kgan.AREL`; `scheduled_sampling` defaults to None.
        metric: callable `(samples, references) -> scores` of NumPy arrays: ids `(stories, num_photos, sentence_length)` twice, numbers
            `(stories,)`. It runs on the host, in the middle of the compiled step. An object of a class registered with
            `keras.saving.register_keras_serializable` that has `get_config` and `from_config` is saved with the model.

    Logs: `policy/action`, `policy/value`, `policy/cross_entropy`, weighted; `policy/reward`, `policy/length`, `policy/log_probability`.

    Default optimizer: as in `kgan.AREL`.

    Departures from the paper: none known; a warm start is the user's to make, with `start_from`.

    Example: a metric that counts words.

    >>> import numpy as np, keras, kgan
    >>> @keras.saving.register_keras_serializable("doc")
    ... class Words:
    ...     def __call__(self, samples, references):
    ...         return (samples > 0).mean((1, 2))
    ...     def get_config(self):
    ...         return {}
    >>> rng = np.random.default_rng(0)
    >>> photos = rng.normal(size=(16, 5, 4)).astype("float32")
    >>> stories = rng.integers(2, 9, (16, 5, 8))
    >>> model = kgan.StoryRL(9, photo_size=4, sentence_length=8, units=8, metric=Words(), seed=0)
    >>> model.compile()
    >>> history = model.fit(photos, stories, batch_size=8, verbose=0)
    >>> 0.7 < history.history["policy/reward"][0] <= 1
    True
    """

    def __init__(self, *args: Any, metric: Callable[[Array, Array], Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not callable(metric):
            raise TypeError(f"`metric` must be a callable (samples, references) -> scores. Received: {metric!r}.")
        self.metric = metric
        # TensorFlow's XLA cannot leave the step for the host.
        self.supports_jit = backend.name() != "tensorflow"

    def turns(self) -> tuple[Turn, ...]:
        return (Turn((self.policy_move(),)),)

    def rewards(self, photos: Tensor, words: Tensor, likelihoods: Tensor, stories: Tensor) -> Tensor:
        count = words.shape[0] if backend.name() != "tensorflow" else None
        scores = backend.host_call(self.metric, [words, stories], (count,), "float32")
        return ops.broadcast_to(scores[:, None], ops.shape(likelihoods))
