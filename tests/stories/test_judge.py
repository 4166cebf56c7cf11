"""The automatic judge of stories: cases whose answer is known."""

import random

import numpy as np
import pytest

import kgan
from kgan.stories import Scene
from kgan.stories import grammar as album_grammar
from kgan.stories.albums import draw_album

ALBUM = (
    Scene("arrival", "park", "sunny", 2, "bus", "blue"),
    Scene("activity", "park", "sunny", 2, "kite", "red"),
    Scene("mishap", "park", "sunny", 2, "dog", "green"),
    Scene("food", "park", "sunny", 2, "pizza", "green"),
    Scene("farewell", "park", "sunny", 2, "stars", "red"),
)
STORY = (
    "the two of us took the blue bus to the park .",
    "first we flew the red kite at the park .",
    "then a dog stole our lunch .",
    "the pizza was delicious .",
    "we looked up at the stars and went home tired .",
)
GENERAL = ("it was a great day for everyone .", "it was a day to remember .", "we had a great time together .",
           "everyone had a lot of fun .", "we had a good time .")  # fmt: skip


def judged(story):
    return {name: float(values[0]) for name, values in kgan.stories.judge_stories([story], [ALBUM]).items()}


def test_a_good_story_by_hand():
    # Named: five things, blue, red, park, two people; not the weather: 9 of 10.
    assert judged(STORY) == {"relevance": 1.0, "expressiveness": 1.0, "concreteness": 0.9}


def change(index, sentence):
    return (*STORY[:index], sentence, *STORY[index + 1 :])


def test_wrong_claims():
    for sentence in (
        "first we flew the yellow kite at the park .",
        "first we flew the red kite at the lake .",
        "first we built a sandcastle .",
    ):
        found = judged(change(1, sentence))
        assert found["relevance"] == 0.8, sentence
        assert found["concreteness"] < 0.9
        assert found["expressiveness"] == 1.0
    # Another picture's thing is no claim about this one that could be wrong; the place alone is half.
    assert judged(change(3, "first we flew the red kite at the park ."))["relevance"] == 0.9
    assert judged(change(3, "first we flew the red kite ."))["relevance"] == 0.8


def test_language_and_repetition():
    assert judged(change(1, "first we flew the the red kite at park ."))["expressiveness"] == 0.8
    assert judged(change(1, STORY[0]))["expressiveness"] == 0.8
    assert judged((STORY[1],) * 5)["expressiveness"] == 0.2
    assert judged(change(1, ""))["expressiveness"] == 0.8
    assert judged(GENERAL)["relevance"] == judged(GENERAL)["concreteness"] == 0.0


def test_humans_beat_what_is_worse_than_human():
    rng = random.Random(3)
    albums = [draw_album(rng) for _ in range(60)]
    human = [album_grammar.tell(album, rng) for album in albums]
    other_human = [album_grammar.tell(album, rng) for album in albums]

    def corrupted(sentence):
        words = sentence.split()
        i = rng.randrange(len(words) - 1)
        words[i], words[i + 1] = words[i + 1], words[i]
        return " ".join(words)

    def result(others):
        return kgan.stories.tally(kgan.stories.compare_stories(human, others, albums)["overall"])

    for others in (
        [tuple(corrupted(s) for s in story) for story in human],
        human[1:] + human[:1],  # stories of other albums
        [story[::-1] for story in human],
        [(story[0],) * 5 for story in human],
        [GENERAL] * len(human),
    ):
        found = result(others)
        assert found["win"] > 0.9
        assert found["lose"] < 0.05
        assert found["p"] < 1e-6
    assert result(human)["tie"] == 1.0
    assert result(other_human)["p"] > 0.01
    np.testing.assert_array_equal(
        kgan.stories.compare_stories(human, other_human, albums)["relevance"],
        -kgan.stories.compare_stories(other_human, human, albums)["relevance"],
    )


def test_tally():
    found = kgan.stories.tally([1, 1, 1, -1, 0, 0])
    assert (found["win"], found["lose"], found["tie"]) == (0.5, 1 / 6, 1 / 3)
    assert found["p"] == pytest.approx(2 * (1 + 4) / 16)
    low, high = found["win_interval"]
    assert low == pytest.approx(0.1876, abs=1e-4)  # Wilson's interval of 3 in 6
    assert low + high == pytest.approx(1.0)
    assert kgan.stories.tally([0])["p"] == 1.0
    with pytest.raises(ValueError, match="1, -1 and 0"):
        kgan.stories.tally([2])


def test_refusals():
    with pytest.raises(ValueError, match="5 sentences"):
        kgan.stories.judge_stories([STORY[:4]], [ALBUM])
    with pytest.raises(ValueError, match="1 stories, 2 albums"):
        kgan.stories.judge_stories([STORY], [ALBUM, ALBUM])
