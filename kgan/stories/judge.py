"""An automatic judge of stories about drawn albums: it knows what the pictures show, and neither references nor any learned
reward.

It stands in for the human raters of 1804.09160, who compared pairs of stories by relevance, expressiveness and concreteness. It
can be trusted as far as its definitions go: words that name what is seen, sentences of the albums' language, nothing said twice.
It has no taste.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kgan.stories.captions import Words, ngrams, tokens
from kgan.stories.grammar import Fact, Scene, is_grammatical, mentions
from kgan.stories.sentences import PHOTOS, check_stories
from kgan.types import Array

CRITERIA = ("relevance", "expressiveness", "concreteness")
_RUN = 4


def judge_stories(stories: Sequence[Sequence[str]], scenes: Iterable[Sequence[Scene]]) -> dict[str, Array]:
    """Judge stories one by one.

    - `relevance`: mean over sentences of 1 if the sentence names what its picture is about, 1/2 if it only names place, weather
      or the number of people, 0 if it names none of these, and 0 if it claims anything that is not so. What other pictures of
      the album show neither helps nor harms.
    - `expressiveness`: mean over sentences of the share of its runs of four words that did not stand in the story before; 0 for
      a sentence that is not in the language of the albums (`kgan.stories.grammar`).
    - `concreteness`: different true details that the story names (things, their colors, place, weather, number of people) less
      wrong ones, as a share of those there are to name; at least 0.

    Args:
        stories: list of stories, each five sentences, strings.
        scenes: for every story the five `kgan.stories.Scene` of its album: values of `Albums.scenes`.

    Returns:
        dict of criterion to float array `(count,)` in [0, 1].

    Raises:
        ValueError: stories of another form, counts that differ.

    Example:
    >>> import kgan
    >>> scene = kgan.stories.Scene("activity", "park", "sunny", 2, "kite", "red")
    >>> story = ["we flew the red kite at the park and everyone had so much fun ."] * 5
    >>> {name: values.round(3).tolist() for name, values in kgan.stories.judge_stories([story], [[scene] * 5]).items()}
    {'relevance': [1.0], 'expressiveness': [0.2], 'concreteness': [0.846]}
    """
    check_stories(stories)
    scenes = [tuple(album) for album in scenes]
    if len(scenes) != len(stories) or any(len(album) != PHOTOS for album in scenes):
        raise ValueError(
            f"Every story needs the {PHOTOS} scenes of its album. Received: {len(stories)} stories, {len(scenes)} albums."
        )
    rows = [(_relevance(*pair), _expressiveness(pair[0]), _concreteness(*pair)) for pair in zip(stories, scenes, strict=True)]
    return dict(zip(CRITERIA, np.asarray(rows, "float64").T, strict=True))


def _claims(sentence: str, scene: Scene, album: Sequence[Scene]) -> tuple[set[Fact], set[Fact]]:
    """What a sentence says that is true of its picture, and what is true of none."""
    said, true = mentions(sentence), scene.facts()
    return said & true, said - set().union(*(other.facts() for other in album))


def _relevance(story: Sequence[str], album: Sequence[Scene]) -> float:
    points = 0.0
    for sentence, scene in zip(story, album, strict=True):
        right, wrong = _claims(sentence, scene, album)
        if right and not wrong:
            points += 1.0 if ("thing", scene.thing) in right else 0.5
    return points / PHOTOS


def _expressiveness(story: Sequence[str]) -> float:
    before: set[Words] = set()
    points = 0.0
    for sentence in story:
        words = tokens(sentence)
        runs = {run for run in ngrams(words, _RUN) if len(run) == min(_RUN, len(words))}
        if runs and is_grammatical(sentence):
            points += len(runs - before) / len(runs)
        before |= runs
    return points / PHOTOS


def _concreteness(story: Sequence[str], album: Sequence[Scene]) -> float:
    right: set[tuple[str | int, ...]] = set()
    there: set[tuple[str | int, ...]] = set()
    wrong = 0
    for index, (sentence, scene) in enumerate(zip(story, album, strict=True)):
        true, false = _claims(sentence, scene, album)
        right |= {_detail(fact, index) for fact in true}
        there |= {_detail(fact, index) for fact in scene.facts()}
        wrong += len(false)
    return max(0.0, (len(right) - wrong) / len(there))


def _detail(fact: Fact, index: int) -> tuple[str | int, ...]:
    """Things and colors belong to a picture, the rest to the album."""
    return (*fact, index) if fact[0] in ("thing", "color") else fact


def compare_stories(
    stories: Sequence[Sequence[str]], others: Sequence[Sequence[str]], scenes: Sequence[Sequence[Scene]], margin: float = 0.05
) -> dict[str, Array]:
    """Which of two stories of each album the judge prefers.

    Args:
        stories, others, scenes: as in `judge_stories`.
        margin: >= 0, default 0.05: differences of a criterion up to it are a tie.

    Returns:
        dict of criterion, and "overall" (the mean of the three), to an integer array `(count,)`: 1 where `stories` win, -1 where
        `others` do, 0 for a tie.
    """
    first, second = judge_stories(stories, scenes), judge_stories(others, scenes)
    for judged in (first, second):
        judged["overall"] = np.mean([judged[name] for name in CRITERIA], axis=0)
    gaps = {name: first[name] - second[name] for name in first}
    return {name: np.where(np.abs(gap) <= margin + 1e-12, 0, np.sign(gap)).astype(int) for name, gap in gaps.items()}


def tally(decisions: ArrayLike) -> dict[str, Any]:
    """Shares of wins, losses and ties of paired decisions, with intervals and a sign test.

    Args:
        decisions: integers `(count,)`: 1 a win, -1 a loss, 0 a tie.

    Returns:
        dict of `count`; `win`, `lose`, `tie` (shares); `win_interval` and `lose_interval` (95 %, Wilson); `p`: two-sided
        probability of so uneven wins and losses if both were equally likely (exact sign test without ties; 1 without any
        decision).

    Example:
    >>> import kgan
    >>> found = kgan.stories.tally([1] * 9 + [-1] + [0] * 10)
    >>> found["win"], found["lose"], round(found["p"], 4)
    (0.45, 0.05, 0.0215)
    """
    decisions = np.asarray(decisions)
    if decisions.ndim != 1 or not len(decisions) or not np.isin(decisions, (-1, 0, 1)).all():
        raise ValueError(f"Decisions are a list of 1, -1 and 0, at least one. Received: {decisions!r:.200}")
    count = len(decisions)
    wins, losses = int((decisions == 1).sum()), int((decisions == -1).sum())
    decided, fewer = wins + losses, min(wins, losses)
    tail = sum(math.comb(decided, k) for k in range(fewer + 1))
    return {
        "count": count,
        "win": wins / count,
        "lose": losses / count,
        "tie": (count - decided) / count,
        "win_interval": _wilson(wins, count),
        "lose_interval": _wilson(losses, count),
        "p": min(1.0, 2 * tail / 2**decided),
    }


def _wilson(successes: int, count: int, z: float = 1.959964) -> tuple[float, float]:
    share, square = successes / count, z * z
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = z / (1 + square / count) * math.sqrt(share * (1 - share) / count + square / (4 * count * count))
    return max(0.0, middle - half), min(1.0, middle + half)
