"""METEOR 1.5 (Denkowski and Lavie 2014): the original where Java and its jar are there, otherwise its modules that need no data."""

import functools
import importlib.util
import math
import operator
import shutil
import subprocess
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kgan.stories.captions import Text, Words, check
from kgan.types import Array

# The English parameters of version 1.5, tuned by its authors for ranking.
_ALPHA, _BETA, _GAMMA, _DELTA = 0.85, 0.2, 0.6, 0.75
_WEIGHTS = (1.0, 0.6)  # of the modules "exact" and "stem"
_BEAM_WIDTH = 40
# The rank of a partial alignment, in one number: most exact matches, then fewest closed chunks, then least distance.
_CHUNK = 1 << 32
_MATCH = 1 << 48
_rank = operator.itemgetter(0)

# Tokens that METEOR counts as function words of English: those more frequent than one in a thousand in its authors' news texts.
_FUNCTION_WORDS = """
the , . to of and a in that for " is on 's it with was as said at he by be from have has are his but an this not i will
’ they ) -rrb- ( -lrb- who their had we which were been more or s its would about new one after you : also up when there
than $ all out her people she year two - can if last first “ over other ” into some what so -- no time years could ? 't
— '
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())

_Match = tuple[int, int, int]  # place in the reference, place in the text, module

TITLE = "meteor[exact+stem]"
ORIGINAL = "meteor"
VERSIONS = {
    TITLE: "METEOR 1.5, English parameters, modules exact and stem (Snowball) alone: no synonyms, no paraphrases; words as they are",
    ORIGINAL: "METEOR 1.5, the authors' jar: -l en -norm",
}


@functools.lru_cache(maxsize=200_000)
def _stem(word: Any) -> Any:
    return _stemmer().stemWord(word) if isinstance(word, str) else word


@functools.cache
def _stemmer() -> Any:
    try:
        import snowballstemmer
    except ImportError as error:
        raise ImportError("METEOR needs a stemmer: pip install 'kgan[arel]' (snowballstemmer).") from error
    return snowballstemmer.stemmer("english")


def stems(words: Iterable[Any]) -> Words:
    """Snowball stems of words; what is no string stays as it is."""
    return tuple(_stem(word) for word in words)


def align(
    text: Sequence[Any],
    reference: Sequence[Any],
    text_stems: Sequence[Any],
    reference_stems: Sequence[Any],
    beam_width: int = _BEAM_WIDTH,
) -> list[_Match]:
    """The alignment of METEOR: as many exact matches as can be, in as few chunks, with as little crossing.

    The search goes through the reference from left to right and keeps the best `beam_width` partial alignments, as the authors' does,
    their rounding included: a match by stem does not count towards a partial alignment's rank.

    Args:
        text, reference: sequences of words. text_stems, reference_stems: their stems. beam_width: default 40, theirs.

    Returns:
        list of `(place in reference, place in text, module)`, module 0 exact and 1 stem.
    """
    exact: dict[Any, list[int]] = {}
    by_stem: dict[Any, list[int]] = {}
    for i, (word, stem) in enumerate(zip(text, text_stems, strict=True)):
        exact.setdefault(word, []).append(i)
        by_stem.setdefault(stem, []).append(i)
    identical = text == reference
    options: list[list[tuple[int, int]]] = []
    taken = [0] * len(text)
    for word, stem in zip(reference, reference_stems, strict=True):
        found = [(i, 0) for i in exact.get(word, ())]
        if not identical:
            found += [(i, 1) for i in by_stem.get(stem, ()) if text[i] != word]
        for i, _ in found:
            taken[i] += 1
        options.append(found)
    fixed = {j: found[0] for j, found in enumerate(options) if len(found) == 1 and taken[found[0][0]] == 1}
    if beam_width == 1:
        return _greedy(options, fixed)
    # A partial alignment: its rank, end of the last match or -1, words used, its last match and those before it.
    paths: list[tuple[Any, ...]] = [(0, -1, 0, None)]
    for j, found in enumerate(options):
        following: list[tuple[Any, ...]] = []
        if j in fixed:
            i, module = fixed[j]
            gain = abs(j - i) - (module == 0) * _MATCH
            for rank, end, used, trace in paths:
                closed = (end != -1 and i != end) * _CHUNK
                following.append((rank + gain + closed, i + 1, used, (trace, (j, i, module))))
        else:
            worst = math.inf  # of those that are kept
            for rank, end, used, trace in paths:
                closed = (end != -1) * _CHUNK
                for i, module in found:
                    if used >> i & 1:
                        continue
                    following_rank = rank + (closed if i != end else 0) - (module == 0) * _MATCH
                    if following_rank < worst:
                        following.append((following_rank, i + 1, used | 1 << i, (trace, (j, i, module))))
                    rank += abs(j - i)  # as theirs: it burdens the alternatives that come after
                following.append((rank + closed, -1, used, trace))
                if len(following) > 2 * beam_width:
                    following.sort(key=_rank)
                    del following[beam_width:]
                    worst = following[-1][0]
        if len(following) > 1:
            following.sort(key=_rank)
        paths = following[:beam_width]
    finished = [(rank + (end != -1) * _CHUNK, trace) for rank, end, _, trace in paths]
    matched: list[_Match] = []
    trace = min(finished, key=_rank)[1]
    while trace is not None:
        trace, match = trace
        matched.append(match)
    return matched[::-1]


def _greedy(options: list[list[tuple[int, int]]], fixed: dict[int, tuple[int, int]]) -> list[_Match]:
    """What a search with one partial alignment finds: exact before stem, the run of the last match before the first free place."""
    matched: list[_Match] = []
    used, end = {i for i, _ in fixed.values()}, -1
    for j, found in enumerate(options):
        chosen = fixed.get(j)
        if chosen is None:
            free = [match for match in found if match[0] not in used]
            module = free[0][1] if free else 0
            chosen = (end, module) if (end, module) in free else free[0] if free else None
        end = -1
        if chosen is not None:
            matched.append((j, *chosen))
            used.add(chosen[0])
            end = chosen[0] + 1
    return matched


def statistics(
    text: Sequence[Any],
    reference: Sequence[Any],
    text_stems: Sequence[Any] | None = None,
    reference_stems: Sequence[Any] | None = None,
    function_words: Collection[Any] = FUNCTION_WORDS,
    beam_width: int = _BEAM_WIDTH,
) -> Array:
    """What METEOR counts, for sums over texts: an array of lengths, function words, weighted matches, matches and chunks."""
    text_stems = stems(text) if text_stems is None else text_stems
    reference_stems = stems(reference) if reference_stems is None else reference_stems
    own = other = 0.0
    matched = align(text, reference, text_stems, reference_stems, beam_width)
    chunks, last = 0, (-2, -2)
    for j, i, module in matched:
        own += _WEIGHTS[module] * (1.0 - _DELTA if text[i] in function_words else _DELTA)
        other += _WEIGHTS[module] * (1.0 - _DELTA if reference[j] in function_words else _DELTA)
        chunks += (j, i) != (last[0] + 1, last[1] + 1)
        last = (j, i)
    if len(matched) == len(text) == len(reference) and chunks == 1:
        chunks = 0  # the whole text in one piece is not fragmented, nor does it add to a sum
    functions = [sum(word in function_words for word in words) for words in (text, reference)]
    return np.asarray([len(text), len(reference), *functions, own, other, len(matched), chunks], "float64")


def score(counted: Array) -> float:
    """The score from (sums of) `statistics`."""
    length, other_length, functions, other_functions, own, other, matches, chunks = counted.tolist()
    if not matches:
        return 0.0
    precision = own / (_DELTA * (length - functions) + (1.0 - _DELTA) * functions)
    recall = other / (_DELTA * (other_length - other_functions) + (1.0 - _DELTA) * other_functions)
    mean = 1.0 / ((1.0 - _ALPHA) / precision + _ALPHA / recall)
    return mean * (1.0 - _GAMMA * (chunks / matches) ** _BETA)


def meteor(texts: Sequence[Text], references: Sequence[Sequence[Text]], beam_width: int = _BEAM_WIDTH) -> tuple[float, Array]:
    """METEOR 1.5 with the modules that need no data: `meteor[exact+stem]`.

    Words match exactly or by their Snowball stem; matches of content words weigh 0.75, of function words 0.25; the weighted
    harmonic mean of precision and recall (0.15, 0.85) is lowered by up to 60 % for fragmentation. Agrees with the authors' jar
    run as `-m "exact stem"` on words that its normalization leaves alone. Without synonyms and paraphrases figures are lower
    than published ones.

    Args:
        texts, references: see `kgan.stories.captions`; strings or sequences of words. beam_width: >= 1, default 40, the
            authors'.

    Returns:
        `(system, each)`: float, of the summed statistics of every text with its best reference; float array `(texts,)`, the best
        over references.

    Raises:
        ImportError: there is no snowballstemmer.

    Example:
    >>> import kgan
    >>> system, each = kgan.stories.meteor(["the dogs ran"], [["the dog ran"]])
    >>> round(system, 4)
    0.8286
    """
    texts, references = check(texts, references)
    best = []
    for text, given in zip(texts, references, strict=True):
        counted = [statistics(text, r, beam_width=beam_width) for r in given]
        best.append(max(((score(c), index, c) for index, c in enumerate(counted)), key=lambda entry: (entry[0], -entry[1])))
    return score(np.sum([c for _, _, c in best], axis=0)), np.asarray([value for value, _, _ in best])


def find_jar() -> Path | None:
    """The jar of METEOR 1.5 that comes with pycocoevalcap, or None where that or Java is missing."""
    found = importlib.util.find_spec("pycocoevalcap") if shutil.which("java") else None
    places = found.submodule_search_locations if found else None
    jar = Path(next(iter(places))) / "meteor" / "meteor-1.5.jar" if places else None
    return jar if jar is not None and jar.is_file() else None


def original_meteor(
    texts: Sequence[Text],
    references: Sequence[Sequence[Text]],
    options: Sequence[str] = ("-norm",),
    jar: str | Path | None = None,
) -> tuple[float, Array]:
    """METEOR 1.5 by the authors' program, with synonyms and paraphrases.

    Args:
        texts, references: see `kgan.stories.captions`, strings.
        options: arguments of the program beside `-l en`; default `-norm`, coco-caption's.
        jar: its path, or None (default): that of the installed pycocoevalcap.

    Returns:
        `(system, each)` as `meteor`.

    Raises:
        RuntimeError: Java or the jar is missing, or the program failed.
    """
    texts, references = check(texts, references)
    jar = jar or find_jar()
    if jar is None:
        raise RuntimeError(
            "The original METEOR needs Java and its jar (pip install pycocoevalcap). Without them use kgan.stories.meteor, "
            f"whose figures are named {TITLE!r}."
        )
    clean = [
        [" ".join(words).replace("|||", " ") for words in (*given, text)] for text, given in zip(texts, references, strict=True)
    ]
    command = ["java", "-Xmx2G", "-jar", str(jar), "-", "-", "-stdio", "-l", "en", *options]
    process: Any = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8"
    )
    try:
        counted = [_ask(process, " ||| ".join(["SCORE", *parts])) for parts in clean]
        first = _ask(process, " ||| ".join(["EVAL", *counted]))
        each = [float(first), *(float(process.stdout.readline()) for _ in counted[1:])]
        return float(process.stdout.readline()), np.asarray(each)
    except (OSError, ValueError) as error:
        raise RuntimeError(f"METEOR's program failed ({type(error).__name__}): {error}") from error
    finally:
        process.stdin.close()
        process.kill()
        process.wait()
        process.stdout.close()


def _ask(process: Any, line: str) -> str:
    process.stdin.write(line + "\n")
    process.stdin.flush()
    return str(process.stdout.readline()).strip()
