"""Stories from cross-entropy, the baseline XE-ss of "No Metrics Are Perfect" (Wang et al., ACL 2018, arXiv 1804.09160)."""

from collections.abc import Sequence
from typing import Any

import keras

from kgan.arguments import Count, Several
from kgan.engine import Move, Turn
from kgan.families.bases.story_model import StoryModel, story_optimizer


@keras.saving.register_keras_serializable("kgan")
class StoryXE(StoryModel):
    """A policy that imitates human stories word by word, and the warm start of all others.

    It minimizes `-sum mask log pi(w_t | w_1 ... w_{t-1}, photos) / sum mask` over human words, a sentence's end included. With scheduled
    sampling, some of the words that condition are drawn from the policy.

    Args:
        vocabulary_size: at least 3: 0 (begin, end, padding), 1 (unknown), and the words. May be left out when `policy` is given.
        photo_size: default 2048 (ResNet-152's pool5, the paper's), numbers of a photo.
        num_photos: default 5 (the paper's). sentence_length: default 30 (the authors'), the end included.
        units: default 512 (the paper's), of the policy.
        policy: `kgan.stories.StoryPolicy` of your own, taken as it is; the sizes are then its.
        scheduled_sampling: `(epochs, step, largest)` or None, default (5, 0.05, 0.25) (the authors'): the probability of a drawn word is
            `min(0.05 floor(epoch / 5), 0.25)`.
        seed, name, dtype: as in `kgan.AdversarialModel`.

    Input of `fit`: `photos` float32 `(stories, num_photos, photo_size)` and `stories` integers `(stories, num_photos, sentence_length)`, or
    a data set of such pairs; a sentence is words, then 0s. Output of `tell(photos)`: stories; of `log_probabilities(photos, stories)`: a
    number for every word.

    Logs: `policy/cross_entropy`.

    Default optimizer: Adam(4e-4, beta_1 0.8, beta_2 0.999, epsilon 1e-8), gradients clipped to a norm of 10 over all weights together
    (the authors'); `kgan.callbacks.BestOnPlateau` halves the rate.

    Raises:
        ValueError: for stories of another number of photos, words out of the vocabulary or behind the end of a sentence, sentences
            without words, features that are not finite.

    Departures from the paper: those of `kgan.stories.StoryPolicy`. The code stops at the batch's longest sentence, which changes nothing.

    Example:
    >>> import numpy as np, kgan
    >>> rng = np.random.default_rng(0)
    >>> photos = rng.normal(size=(16, 5, 4)).astype("float32")
    >>> stories = rng.integers(2, 9, (16, 5, 8))
    >>> model = kgan.StoryXE(9, photo_size=4, sentence_length=8, units=8, seed=0)
    >>> model.compile()
    >>> history = model.fit(photos, stories, batch_size=8, verbose=0)
    >>> model.tell(photos[:2]).shape
    (2, 5, 8)
    """

    def __init__(
        self,
        vocabulary_size: Several | None = None,
        photo_size: Count = 2048,
        num_photos: Count = 5,
        sentence_length: Count = 30,
        *,
        scheduled_sampling: Sequence[float] | None = (5, 0.05, 0.25),
        **kwargs: Any,
    ) -> None:
        super().__init__(
            vocabulary_size, photo_size, num_photos, sentence_length, scheduled_sampling=scheduled_sampling, **kwargs
        )

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {"policy": story_optimizer(4e-4)}

    def turns(self) -> tuple[Turn, ...]:
        return (Turn((Move("policy", ("policy",), self.cross_entropy_loss),)),)
