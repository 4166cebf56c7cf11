"""Stories of photo albums: words and their ids, minibatches for `fit`, references for metrics."""

import collections
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from kgan.backend.feeding import check_batch_size, epoch_indices, finish, tensorflow
from kgan.files import read_json, write_json
from kgan.types import Array, Tensor

Story = Sequence[str]
"""A story: five sentences, words parted by blanks."""

PHOTOS = 5
"""Photos of an album and sentences of a story, as in VIST."""

END, UNKNOWN = 0, 1
_FIRST_WORD = 2
_NAMED = 10


class Vocabulary:
    """Words and their ids: 0 is begin, end and padding, 1 any other word, words follow from 2.

    Args:
        words: sequence of different words without blanks; the first has id 2.

    Example:
    >>> from kgan.stories import Vocabulary
    >>> vocabulary = Vocabulary.of(["we saw a dog", "a dog saw us", "a bird"], more_than=1)
    >>> vocabulary.words, len(vocabulary)
    (('a', 'dog', 'saw'), 5)
    >>> vocabulary.encode("we saw a dog", 6).tolist(), vocabulary.decode([1, 4, 2, 3, 0, 0])
    ([1, 4, 2, 3, 0, 0], '<unk> saw a dog')
    """

    unknown_word = "<unk>"

    def __init__(self, words: Iterable[str]) -> None:
        if isinstance(words, (str, bytes, dict)):
            raise TypeError(f"`words` must be a sequence of words. Received: {words!r:.100}.")
        self.words = tuple(words)
        bad = [w for w in self.words if not isinstance(w, str) or not w or w.split() != [w]]
        if bad:
            raise ValueError(f"Words are strings without blanks. Received: {bad[:_NAMED]}.")
        self.ids = {word: index for index, word in enumerate(self.words, start=_FIRST_WORD)}
        if len(self.ids) < len(self.words):
            twice = [w for w, n in collections.Counter(self.words).items() if n > 1]
            raise ValueError(f"A vocabulary holds every word once. More than once: {twice[:_NAMED]}.")

    @classmethod
    def of(cls, sentences: Iterable[str], more_than: int = 5) -> Self:
        """The words seen more often than `more_than` times (default 5, the paper's), by falling frequency, equal ones by the
        alphabet.

        Args:
            sentences: iterable of strings, words parted by blanks.
            more_than: >= 0.

        Raises:
            ValueError: no word is left.
        """
        counts = collections.Counter(word for sentence in sentences for word in sentence.split())
        kept = sorted((w for w, n in counts.items() if n > more_than), key=lambda w: (-counts[w], w))
        if not kept:
            raise ValueError(
                f"No word is seen more than {more_than} times in {sum(counts.values())} words. Lower `more_than`, or give more text."
            )
        return cls(kept)

    def __len__(self) -> int:
        """Number of ids, the two special ones included: `vocabulary_size` of the models."""
        return len(self.words) + _FIRST_WORD

    def encode(self, sentence: str, length: int = 30) -> Array:
        """Ids of a sentence, int32 `(length,)`: at most `length - 1` words, then zeros."""
        if length < 2:
            raise ValueError(f"`length` must be at least 2, a word and the end. Received: {length!r}.")
        found = [self.ids.get(word, UNKNOWN) for word in sentence.split()[: length - 1]]
        return np.asarray(found + [END] * (length - len(found)), "int32")

    def decode(self, ids: ArrayLike) -> str:
        """The sentence up to the first 0, a string. Unknown words are written `<unk>`."""
        found: list[int] = np.asarray(ids).tolist()
        found = found[: found.index(END)] if END in found else found
        outside = [i for i in found if not 0 < i < len(self)]
        if outside:
            raise ValueError(f"Ids lie between 0 and {len(self) - 1} in this vocabulary. Received: {outside[:_NAMED]}.")
        return " ".join(self.unknown_word if i == UNKNOWN else self.words[i - _FIRST_WORD] for i in found)

    def encode_stories(self, stories: Sequence[Story], length: int = 30) -> Array:
        """Ids of stories, sequences of five sentences: int32 `(count, 5, length)`."""
        check_stories(stories)
        return np.stack([[self.encode(sentence, length) for sentence in story] for story in stories])

    def decode_stories(self, ids: ArrayLike) -> list[list[str]]:
        """Stories from ids `(count, 5, length)`: a list of lists of five strings."""
        return [[self.decode(sentence) for sentence in story] for story in np.asarray(ids)]

    def save(self, path: str | Path) -> None:
        """Write a JSON file, atomically."""
        write_json(path, {"words": list(self.words)})

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote.

        Raises:
            FileNotFoundError; ValueError: the file holds no vocabulary.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"There is no vocabulary {str(path)!r}.")
        return read_json(path, "a vocabulary, an object with a list of `words`", lambda content: cls(content["words"]))


def check_stories(stories: Sequence[Story]) -> None:
    """Refuse what is no list of stories of five sentences."""
    if not len(stories):
        raise ValueError("There is no story.")
    for index, story in enumerate(stories):
        if isinstance(story, str) or len(story) != PHOTOS or not all(isinstance(s, str) for s in story):
            raise ValueError(f"A story has {PHOTOS} sentences, strings. Received at index {index}: {story!r:.200}")


class Stories:
    """Photos and the stories told of them: what `kgan.stories.albums` and `kgan.stories.vist` return.

    Args:
        features: float array `(photos, photo_size)`, a row for every photo.
        photos: int array `(stories, 5)`: which photos a story tells of.
        texts: sequence of stories, each five sentences, words parted by blanks.
        albums: sequence of the album of every story.

    Attributes:
        notes: dict of what was counted while reading, such as stories that were left out.

    Example:
    >>> import numpy as np
    >>> from kgan.stories import Stories, Vocabulary
    >>> texts = [["a b", "b", "c", "a", "b"], ["c", "c", "c", "c", "a"]]
    >>> stories = Stories(np.eye(5), [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0]], texts, ["x", "x"])
    >>> photos, words = stories.arrays(stories.vocabulary(more_than=0), length=4)
    >>> photos.shape, words[0].tolist()
    ((2, 5, 5), [[3, 4, 0, 0], [4, 0, 0, 0], [2, 0, 0, 0], [3, 0, 0, 0], [4, 0, 0, 0]])
    """

    def __init__(self, features: ArrayLike, photos: ArrayLike, texts: Iterable[Story], albums: Iterable[str]) -> None:
        self.features = np.asarray(features, "float32")
        self.photos = np.asarray(photos, "int32")
        self.texts = [tuple(story) for story in texts]
        self.albums = list(albums)
        self.notes: dict[str, int] = {}
        check_stories(self.texts)
        if self.features.ndim != 2 or not np.isfinite(self.features).all():
            raise ValueError(f"Features must be finite numbers (photos, photo_size). Received shape {self.features.shape}.")
        if self.photos.shape != (len(self.texts), PHOTOS) or len(self.albums) != len(self.texts):
            raise ValueError(
                f"{len(self.texts)} stories need {PHOTOS} photos and an album each. Received: photos {self.photos.shape}, "
                f"{len(self.albums)} albums."
            )
        if not (self.photos.min() >= 0 and self.photos.max() < len(self.features)):
            raise ValueError(
                f"Photos are rows of {len(self.features)} features. Received {self.photos.min()} to {self.photos.max()}."
            )

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def photo_size(self) -> int:
        return self.features.shape[1]

    def vocabulary(self, more_than: int = 5) -> Vocabulary:
        """`Vocabulary` of these stories."""
        return Vocabulary.of((sentence for story in self.texts for sentence in story), more_than)

    def arrays(self, vocabulary: Vocabulary, length: int = 30) -> tuple[Array, Array]:
        """`(photos, story)`: float32 `(stories, 5, photo_size)`, int32 `(stories, 5, length)`."""
        return self.features[self.photos], vocabulary.encode_stories(self.texts, length)

    def load(
        self,
        vocabulary: Vocabulary,
        batch_size: int = 64,
        length: int = 30,
        *,
        shuffle: bool = True,
        seed: int = 0,
        passes: int = 1,
    ) -> Any:
        """Minibatches `(photos, story)` for `fit`.

        Args:
            vocabulary: `Vocabulary`.
            batch_size: default 64, the release's.
            length: default 30: ids of a sentence, at most `length - 1` words.
            shuffle, seed: as in `kgan.datasets.from_arrays`.
            passes: >= 1, default 1: passes over the stories in one epoch.

        Returns:
            `tf.data.Dataset` of known cardinality. Features are gathered as they are needed: a photo is held once.
        """
        tf = tensorflow()
        check_batch_size(batch_size, len(self) * passes)
        with tf.device("CPU:0"):
            features, photos = tf.constant(self.features), tf.constant(self.photos)
            words = tf.constant(vocabulary.encode_stories(self.texts, length))

        def take(chosen: Tensor) -> tuple[Tensor, Tensor]:
            chosen = chosen % len(self)
            return tf.gather(features, tf.gather(photos, chosen)), tf.gather(words, chosen)

        indices = epoch_indices(tf, len(self) * passes, seed, shuffle).batch(batch_size, drop_remainder=True)
        return finish(tf, indices.map(take), len(self) * passes // batch_size)

    def by_album(self, references: int = 5) -> tuple[list[str], Array, list[list[tuple[str, ...]]]]:
        """One row an album, as the paper evaluates: the photos of its first story, and up to so many human stories.

        Args:
            references: >= 1, default 5.

        Returns:
            `(albums, photos, references)`: list of ids in the order of their first story; float32 `(albums, 5, photo_size)`; a
            list of lists of stories, each a tuple of five sentences.
        """
        rows: dict[str, list[int]] = {}
        for index, album in enumerate(self.albums):
            rows.setdefault(album, []).append(index)
        firsts = [indices[0] for indices in rows.values()]
        told = [[self.texts[i] for i in indices[:references]] for indices in rows.values()]
        return list(rows), self.features[self.photos[firsts]], told
