"""Figures of generated text against references, by the protocol of coco-caption, and of its variety.

A text is a string, its words parted by blanks and taken as they are, or a sequence of words or ids. References are a list of
texts for every text. Corpus figures come first, then those of every text; all as fractions (CIDEr between 0 and 10), which
papers print times 100. A story of five sentences is one text: `join_stories`.
"""

import collections
import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from kgan.types import Array

Text = str | Sequence[Any]
"""A text: a string, or its words or their ids."""
Words = tuple[Any, ...]
"""The words of a text, or of a run in it."""
_Vectors = tuple[list[dict[Words, float]], list[float], int]  # tf-idf, see `DocumentFrequencies.vectors`

_TINY, _SMALL = (
    1e-15,
    1e-9,
)  # of coco-caption: no correct n-gram counts as hardly any, no n-gram at all divides by hardly anything
_ROUGE_BETA = 1.2
_CIDER_SIGMA = 6.0
CIDER_N = 4

VERSIONS = {
    "bleu": "BLEU (corpus, closest length; coco-caption's formula)",
    "rouge-l": "ROUGE-L (beta 1.2, best precision and recall over references; coco-caption's formula)",
    "cider": "CIDEr (n-gram clipping, length penalty of sigma 6, idf of the references given; coco-caption's formula)",
}
"""What exactly a figure of this module is: to be kept beside it."""


def join_stories(stories: Iterable[Sequence[str]]) -> list[str]:
    """Stories of several sentences as one text each: a list of strings."""
    return [" ".join(story) for story in stories]


def tokens(text: Text) -> Words:
    """The words of a text, a tuple."""
    return tuple(text.split()) if isinstance(text, str) else tuple(text)


def check(texts: Sequence[Text], references: Sequence[Sequence[Text]]) -> tuple[list[Words], list[list[Words]]]:
    """Texts and references as tuples of words, or a ValueError."""
    if len(texts) != len(references) or not len(texts):
        raise ValueError(f"Every text needs its references. Received {len(texts)} texts and references of {len(references)}.")
    for index, given in enumerate(references):
        if isinstance(given, str) or not len(given):
            raise ValueError(
                f"References are a list of texts, at least one, for every text. Received at index {index}: {given!r:.100}"
            )
    return [tokens(t) for t in texts], [[tokens(r) for r in given] for given in references]


def ngrams(words: Sequence[Any], n: int) -> collections.Counter[Words]:
    """How often every run of up to `n` words occurs: a Counter of tuples."""
    return collections.Counter(
        itertools.chain.from_iterable(zip(*(words[i:] for i in range(k + 1)), strict=False) for k in range(n))
    )


def bleu(texts: Sequence[Text], references: Sequence[Sequence[Text]], n: int = 4) -> tuple[Array, Array]:
    r"""BLEU-1 to BLEU-n of Papineni et al. 2002.

    `BLEU-n = min(1, exp(1 - r / c)) (p_1 ... p_n)^(1/n)` with clipped precisions `p_k` and lengths c of the texts and r of the
    references closest in length (the shorter of two as close), all summed over the texts.

    Args:
        texts, references: see `kgan.stories.captions`. n: >= 1, default 4.

    Returns:
        `(corpus, each)`: float arrays `(n,)` and `(texts, n)`, the second with every text as a corpus of its own.

    Example:
    >>> import kgan
    >>> corpus, each = kgan.stories.bleu(["the cat sat"], [["the cat sat down"]], n=2)
    >>> corpus.round(4).tolist()
    [0.7165, 0.7165]
    """
    texts, references = check(texts, references)
    counts = np.asarray([_bleu_counts(text, given, n) for text, given in zip(texts, references, strict=True)], "float64")
    return _bleu_of(counts.sum(axis=0, keepdims=True), n)[0], _bleu_of(counts, n)


def _bleu_counts(text: Sequence[Any], references: Sequence[Sequence[Any]], n: int) -> list[int]:
    """Clipped matches of every order, n-grams of every order, own length, reference length."""
    most = ngrams(references[0], n)
    for reference in references[1:]:
        most |= ngrams(reference, n)
    correct = [0] * n
    for gram, count in ngrams(text, n).items():
        correct[len(gram) - 1] += min(count, most[gram])
    closest = min((abs(len(r) - len(text)), len(r)) for r in references)[1]
    return [*correct, *(max(0, len(text) - k) for k in range(n)), len(text), closest]


def _bleu_of(counts: Array, n: int) -> Array:
    precisions = (counts[:, :n] + _TINY) / (counts[:, n : 2 * n] + _SMALL)
    ratio = (counts[:, -2] + _TINY) / (counts[:, -1] + _SMALL)
    brevity = np.where(ratio < 1.0, np.exp(np.minimum(0.0, 1.0 - 1.0 / ratio)), 1.0)
    return brevity[:, None] * np.cumprod(precisions, axis=1) ** (1.0 / np.arange(1, n + 1))


def common_subsequence(a: Sequence[Any], b: Sequence[Any]) -> int:
    """Length of the longest common subsequence of two sequences: a row of the table as the bits of one integer (Hyyrö 2004)."""
    places: dict[Any, int] = {}
    full = (1 << len(a)) - 1
    for index, word in enumerate(a):
        places[word] = places.get(word, 0) | (1 << index)
    row = full
    for word in b:
        hit = row & places.get(word, 0)
        row = ((row + hit) | (row - hit)) & full
    return len(a) - row.bit_count()


def rouge_l(texts: Sequence[Text], references: Sequence[Sequence[Text]]) -> tuple[float, Array]:
    """ROUGE-L of Lin 2004: `(1 + b^2) P R / (R + b^2 P)`, b = 1.2, with P and R the best shares of the longest common
    subsequence in text and reference, each over all references.

    Args:
        texts, references: see `kgan.stories.captions`.

    Returns:
        `(mean, each)`: float and float array `(texts,)`.
    """
    texts, references = check(texts, references)
    each = []
    for text, given in zip(texts, references, strict=True):
        common = [common_subsequence(text, r) for r in given]
        precision = max(common) / max(1, len(text))
        recall = max(c / max(1, len(r)) for c, r in zip(common, given, strict=True))
        weight = _ROUGE_BETA**2
        each.append((1 + weight) * precision * recall / (recall + weight * precision) if precision and recall else 0.0)
    return float(np.mean(each)), np.asarray(each)


class DocumentFrequencies:
    """In how many documents, each the references of one text, every n-gram of up to four words occurs: the idf of CIDEr.

    Args:
        references: list of lists of texts.

    Attributes:
        documents: int.
        counts: dict of n-gram to count; those of one document only are left out, which weigh as those of none.
    """

    def __init__(self, references: Sequence[Sequence[Text]] = ()) -> None:
        found: collections.Counter[Words] = collections.Counter()
        for given in references:
            found.update(set().union(*(ngrams(tokens(r), CIDER_N) for r in given)))
        self.documents = len(references)
        self._logs: dict[Words, float] | None = None
        self.counts = {gram: count for gram, count in found.items() if count > 1}

    def vectors(self, words: Sequence[Any]) -> _Vectors:
        """tf-idf of a text: for every order a dict of n-gram to weight and its norm; the number of bigrams."""
        top, log = math.log(max(1, self.documents)), self._logarithms()
        weights: list[dict[Words, float]] = []
        norms: list[float] = []
        for n in range(1, CIDER_N + 1):
            counts = collections.Counter(zip(*(words[i:] for i in range(n)), strict=False))
            weights.append({gram: count * (top - log.get(gram, 0.0)) for gram, count in counts.items()})
            norms.append(math.sqrt(sum(weight * weight for weight in weights[-1].values())))
        return weights, norms, max(0, len(words) - 1)

    def _logarithms(self) -> dict[Words, float]:
        if self._logs is None:
            self._logs = {gram: math.log(count) for gram, count in self.counts.items()}
        return self._logs


def cider(
    texts: Sequence[Text], references: Sequence[Sequence[Text]], frequencies: DocumentFrequencies | None = None
) -> tuple[float, Array]:
    """CIDEr as coco-caption computes it (there and in the paper of AREL; CIDEr-D of Vedantam et al. 2015).

    For n-grams of 1 to 4 words the cosine of tf-idf vectors, the text's clipped to the reference's, times a Gaussian of the
    difference of lengths (in bigrams, sigma 6); mean over n and references, times 10.

    Args:
        texts, references: see `kgan.stories.captions`.
        frequencies: `DocumentFrequencies` or None (default): of the references given, as in an evaluation. Rewards use those of
            the training data.

    Returns:
        `(mean, each)`: float and float array `(texts,)`. With None and a single text all weights are log 1 = 0, and so is the
        figure.
    """
    texts, references = check(texts, references)
    frequencies = DocumentFrequencies(references) if frequencies is None else frequencies
    each = []
    for text, given in zip(texts, references, strict=True):
        own = frequencies.vectors(text)
        each.append(10.0 * sum(_cosines(own, frequencies.vectors(r)) for r in given) / (CIDER_N * len(given)))
    return float(np.mean(each)), np.asarray(each)


def _cosines(own: _Vectors, other: _Vectors) -> float:
    """Sum over the orders of n-grams."""
    total = 0.0
    for mine, theirs, norm, their_norm in zip(own[0], other[0], own[1], other[1], strict=True):
        product = sum(min(mine[gram], theirs[gram]) * theirs[gram] for gram in mine.keys() & theirs.keys())
        total += product / (norm * their_norm) if product else 0.0
    return total * math.exp(-((own[2] - other[2]) ** 2) / (2.0 * _CIDER_SIGMA**2))


def distinct_n(texts: Sequence[Text], n: int = 2) -> float:
    """Share of different n-grams among all n-grams of all texts: 1 where none comes twice. It falls with the number of texts; state it."""
    found = [gram for text in texts for gram in zip(*(tokens(text)[i:] for i in range(n)), strict=False)]
    return len(set(found)) / len(found) if found else 0.0


def repetition(stories: Sequence[Sequence[Text]], n: int = 4) -> dict[str, float]:
    """How much stories repeat themselves, as a flat dict.

    `repeated_sentences`: share of sentences that stand in the same story before. `repeated_<n>-grams`: share of the n-grams of a
    story, within its sentences, that came in it before; mean over stories with any.

    Args:
        stories: list of stories, each a sequence of sentences. n: >= 1, default 4.
    """
    sentences, again, shares = 0, 0, []
    for story in stories:
        words = [tokens(s) for s in story]
        sentences += len(words)
        again += len(words) - len(set(words))
        grams = [gram for s in words for gram in zip(*(s[i:] for i in range(n)), strict=False)]
        if grams:
            shares.append(1.0 - len(set(grams)) / len(grams))
    return {"repeated_sentences": again / max(1, sentences), f"repeated_{n}-grams": float(np.mean(shares)) if shares else 0.0}


def self_bleu(texts: Sequence[Text], n: int = 4) -> float:
    """Mean BLEU-n of every text with all others as its references: near 1 where all are alike.

    Args:
        texts: at least two, see `kgan.stories.captions`. n: >= 1, default 4.
    """
    if len(texts) < 2:
        raise ValueError(f"Self-BLEU needs at least two texts. Received: {len(texts)}.")
    texts = [tokens(text) for text in texts]
    counted = [ngrams(text, n) for text in texts]
    first: collections.Counter[Words] = collections.Counter()
    second: collections.Counter[Words] = collections.Counter()
    owner: dict[Words, int] = {}
    for index, counts in enumerate(counted):
        for gram, count in counts.items():
            if count > first[gram]:
                second[gram], first[gram], owner[gram] = first[gram], count, index
            elif count > second[gram]:
                second[gram] = count
    lengths = np.asarray([len(text) for text in texts])
    rows = []
    for index, (text, counts) in enumerate(zip(texts, counted, strict=True)):
        correct = [0] * n
        for gram, count in counts.items():
            correct[len(gram) - 1] += min(count, second[gram] if owner[gram] == index else first[gram])
        others = np.delete(lengths, index)
        closest = min((abs(length - len(text)), length) for length in others.tolist())[1]
        rows.append([*correct, *(max(0, len(text) - k) for k in range(n)), len(text), closest])
    return float(_bleu_of(np.asarray(rows, "float64"), n)[:, -1].mean())
