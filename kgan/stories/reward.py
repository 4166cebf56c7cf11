"""Text metrics as rewards of a storytelling policy: BLEU-RL, METEOR-RL, ROUGE-RL, CIDEr-RL of 1804.09160."""

import base64
import zlib
from collections.abc import Iterable
from typing import Any, Self

import keras
import numpy as np

from kgan.stories import captions, meteor_score
from kgan.stories.sentences import END, PHOTOS, UNKNOWN, Stories, Vocabulary
from kgan.types import Array, Config

REWARDS = ("bleu-1", "bleu-2", "bleu-3", "bleu-4", "meteor", "rouge-l", "cider-d")


@keras.saving.register_keras_serializable("kgan")
class StoryReward:
    """A metric of sampled stories, each against the one human story of its photos: a float for every story.

    The five sentences are one text. Words are compared as ids; an unknown word matches nothing, itself included. Runs on the
    host.

    Args:
        metric: "bleu-1" to "bleu-4" (of one story: nearly 0 without a match of the longest n-gram), "meteor"
            (`meteor[exact+stem]` with a greedy alignment, whose scores correlate at 0.99 with those of the full search),
            "rouge-l" or "cider-d". In [0, 1]; CIDEr-D in [0, 10].
        words: sequence of words by id from 2 on, such as `Vocabulary.words`: needed by "meteor", for stems and function words.
            None (default) elsewhere.
        frequencies: `kgan.stories.DocumentFrequencies` over ids, see `of_training`: needed by "cider-d". Or what its
            configuration holds.

    Raises:
        ValueError: an unknown metric, or one without what it needs.

    Example:
    >>> import numpy as np, kgan
    >>> reward = kgan.stories.StoryReward("bleu-2")
    >>> stories = np.tile([5, 6, 7, 0], (2, 5, 1))
    >>> others = np.stack([stories[0], stories[1] + (stories[1] > 0)])
    >>> [round(float(value), 3) for value in reward(stories, others)]
    [1.0, 0.488]
    """

    def __init__(self, metric: str = "bleu-4", words: Iterable[str] | None = None, frequencies: Any = None) -> None:
        if metric not in REWARDS:
            raise ValueError(f"`metric` must be one of {', '.join(REWARDS)}. Received: {metric!r}.")
        if metric == "meteor" and words is None:
            raise ValueError('The reward "meteor" needs `words`, those of the vocabulary, for their stems.')
        if metric == "cider-d" and frequencies is None:
            raise ValueError('The reward "cider-d" needs `frequencies` of the training data. Use StoryReward.of_training().')
        self.metric = metric
        self.words = None if words is None else tuple(words)
        self.frequencies = _unpacked(frequencies) if isinstance(frequencies, dict) else frequencies
        if metric == "meteor" and self.words is not None:
            ids = range(UNKNOWN + 1, UNKNOWN + 1 + len(self.words))
            by_stem: dict[Any, int] = {}
            self._stems = {i: by_stem.setdefault(stem, i) for i, stem in zip(ids, meteor_score.stems(self.words), strict=True)}
            self._functions = {i for i, word in zip(ids, self.words, strict=True) if word in meteor_score.FUNCTION_WORDS}

    @classmethod
    def of_training(cls, metric: str, vocabulary: Vocabulary, stories: Stories) -> Self:
        """The reward with what it needs from the training data.

        Args:
            metric: as above. vocabulary: `kgan.stories.Vocabulary`. stories: `kgan.stories.Stories` to train on; for "cider-d"
                the stories of an album are one document.
        """
        frequencies = None
        if metric == "cider-d":
            albums: dict[str, list[captions.Words]] = {}
            for album, text in zip(stories.albums, vocabulary.encode_stories(stories.texts, 30), strict=True):
                albums.setdefault(album, []).append(flat(text, -2))
            frequencies = captions.DocumentFrequencies(list(albums.values()))
        return cls(metric, vocabulary.words if metric == "meteor" else None, frequencies)

    def __call__(self, samples: Array, references: Array) -> Array:
        """Rewards of stories.

        Args:
            samples, references: integer arrays `(count, 5, length)`, each with a length of its own; a sentence ends at its first
                0.

        Returns:
            float32 array `(count,)`.
        """
        samples, references = np.asarray(samples), np.asarray(references)
        for name, given in (("samples", samples), ("references", references)):
            if given.ndim != 3 or given.shape[1] != PHOTOS or given.dtype.kind not in "iu" or len(given) != len(samples):
                raise ValueError(
                    f"`{name}` must be integers (count, {PHOTOS}, length), as many samples as references. "
                    f"Received: {given.shape} of {given.dtype}."
                )
        texts = [flat(story, -1) for story in samples]
        others = [flat(story, -2) for story in references]
        empty = [index for index, other in enumerate(others) if not other]
        if empty:
            raise ValueError(f"References must not be empty. There is no word in that of index {empty[0]}.")
        return np.asarray(self._each(texts, others), "float32")

    def _each(self, texts: list[tuple[int, ...]], others: list[tuple[int, ...]]) -> Array | list[float]:
        given = [[other] for other in others]
        if self.metric.startswith("bleu-"):
            return captions.bleu(texts, given, int(self.metric[-1]))[1][:, -1]
        if self.metric == "rouge-l":
            return captions.rouge_l(texts, given)[1]
        if self.metric == "cider-d":
            return captions.cider(texts, given, self.frequencies)[1]
        return [meteor_score.score(self._meteor(text, other)) for text, other in zip(texts, others, strict=True)]

    def _meteor(self, text: tuple[int, ...], other: tuple[int, ...]) -> Array:
        own, others = ([self._stems.get(i, i) for i in words] for words in (text, other))
        return meteor_score.statistics(text, other, own, others, self._functions, beam_width=1)

    def get_config(self) -> Config:
        return {"metric": self.metric, "words": self.words, "frequencies": _packed(self.frequencies)}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        return cls(**config)


def flat(story: Array, unknown: int) -> tuple[int, ...]:
    """The words of a story's ids `(5, length)` up to each sentence's end, as one tuple; unknown ones become `unknown`."""
    found: list[int] = []
    for sentence in story.tolist():
        found += sentence[: sentence.index(END)] if END in sentence else sentence
    return tuple(unknown if i == UNKNOWN else i for i in found)


def _packed(frequencies: captions.DocumentFrequencies | None) -> Config | None:
    """As JSON holds it: rows of four ids, filled with 0, and a count, compressed."""
    if frequencies is None:
        return None
    rows = [[*gram, *[0] * (captions.CIDER_N - len(gram)), count] for gram, count in sorted(frequencies.counts.items())]
    content = np.asarray(rows, "<i4").reshape(-1, captions.CIDER_N + 1).tobytes()
    return {"documents": frequencies.documents, "counts": base64.b64encode(zlib.compress(content)).decode("ascii")}


def _unpacked(content: Config) -> captions.DocumentFrequencies:
    rows = np.frombuffer(zlib.decompress(base64.b64decode(content["counts"])), "<i4").reshape(-1, captions.CIDER_N + 1)
    found = captions.DocumentFrequencies()
    found.documents = int(content["documents"])
    found.counts = {tuple(i for i in gram if i): count for *gram, count in rows.tolist()}
    return found
