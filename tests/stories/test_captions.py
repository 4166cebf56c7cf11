"""Text metrics against figures of pycocoevalcap 1.2 and METEOR 1.5 (`java -jar meteor-1.5.jar - - -stdio -l en -norm -m "exact stem"`)."""

import json

import keras
import numpy as np
import pytest

import kgan
from kgan.stories import Stories, Vocabulary, captions, meteor_score

TEXTS = [
    "the family went to the beach . the kids built a sandcastle in the sand .",
    "we had a great time and it was a great day and it was a great time",
    "the dogs were running in the park , and a dog stole our lunches .",
    "nothing here fits",
    "the bus took us to the lake . we watched the fireworks .",
]
REFERENCES = [
    [
        "we drove to the beach today . the kids built a big sandcastle .",
        "the family went to the shore . everyone was playing in the sand .",
    ],
    ["we had a great day at the fair .", "it was a great day . everyone had a great time .", "i had fun"],
    ["a dog ran in the park and stole our lunch .", "we ran to the park , and the dogs stole lunch"],
    ["we went home tired"],
    ["the bus took us to the lake . we watched the fireworks .", "they rode the bus to the lake"],
]


def test_bleu_is_that_of_coco_caption():
    corpus, each = kgan.stories.bleu(TEXTS, REFERENCES)
    np.testing.assert_allclose(
        corpus, [0.7812499999877929, 0.7186233307572206, 0.6521321648459258, 0.5800430063980682], rtol=1e-12
    )
    np.testing.assert_allclose(each[:, 0], [0.9374999999, 0.5882352941, 0.7999999999, 0.0, 0.9999999998], atol=1e-9)
    np.testing.assert_allclose(each[:, 3], [0.6562217146, 0.4281818532, 0.2961516536, 0.0, 0.9999999998], atol=1e-9)
    # A perfect copy has 100 %; of two references as close in length the shorter counts: c = 4, r = 3.
    copies = [given[0] for given in REFERENCES]
    np.testing.assert_allclose(kgan.stories.bleu(copies, REFERENCES)[0], 1.0, rtol=1e-8)
    assert kgan.stories.bleu(["a b c d"], [["a b c d e", "a b c"]], 1)[0] == pytest.approx(1.0)
    assert kgan.stories.bleu(["a b"], [["a b c d"]], 1)[0] == pytest.approx(np.exp(-1.0))


def test_rouge_and_cider_are_those_of_coco_caption():
    mean, each = kgan.stories.rouge_l(TEXTS, REFERENCES)
    np.testing.assert_allclose(each, [0.67477876, 0.56942824, 0.5538262, 0.0, 1.0], atol=1e-8)
    assert mean == pytest.approx(0.5596066397684434)
    mean, each = kgan.stories.cider(TEXTS, REFERENCES)
    np.testing.assert_allclose(each, [3.58345217, 1.24946108, 2.24372267, 0.0, 5.63442588], atol=1e-8)
    assert mean == pytest.approx(2.5422123605422837)
    # A reference against itself is at an angle of 0 for all four orders of n-grams.
    copies = [given[0] for given in REFERENCES[:3]]
    np.testing.assert_allclose(kgan.stories.cider(copies, [[copy] for copy in copies])[1], 10.0)


def test_longest_common_subsequence_against_the_table():
    rng = np.random.default_rng(0)
    for _ in range(30):
        a, b = (rng.integers(0, 5, rng.integers(0, 12)).tolist() for _ in range(2))
        table = np.zeros((len(a) + 1, len(b) + 1), int)
        for i in range(len(a)):
            for j in range(len(b)):
                table[i + 1, j + 1] = table[i, j] + 1 if a[i] == b[j] else max(table[i, j + 1], table[i + 1, j])
        assert captions.common_subsequence(a, b) == table[-1, -1]


def test_meteor_is_that_of_the_jar():
    system, each = kgan.stories.meteor(TEXTS, REFERENCES)
    np.testing.assert_allclose(each, [0.31831892, 0.40183474, 0.39367363, 0.0, 1.0], atol=1e-8)
    assert system == pytest.approx(0.39162341528455646)
    others = [["we saw the big [male] , it was nice !"], ["he ran quick to a city", "runs quickly"], ["the dog ran"]]
    system, each = kgan.stories.meteor(
        ["we saw the big [male] , it wasn't nice !", "running quickly to the cities", "the dogs ran"], others
    )
    np.testing.assert_allclose(each[1:], [0.3396762, 0.82857143], atol=1e-8)
    # By hand, the last: "dogs" by stem 0.6, the function word "the" 0.25, content words 0.75; all in one piece, so not fragmented.
    assert each[2] == pytest.approx((0.25 + 0.6 * 0.75 + 0.75) / (0.25 + 0.75 + 0.75))
    # "the dog" of "a cat and the dog": P = 1, R = 1 / (3 x 0.25 + 2 x 0.75), one chunk of two words.
    recall = 1.0 / 2.25
    expected = 1 / (0.15 + 0.85 / recall) * (1 - 0.6 * 0.5**0.2)
    assert kgan.stories.meteor(["the dog"], [["a cat and the dog"]])[0] == pytest.approx(expected)


@pytest.mark.skipif(meteor_score.find_jar() is None, reason="Java or the jar of METEOR is missing")
def test_the_jar_itself():
    system, each = kgan.stories.original_meteor(TEXTS, REFERENCES, options=("-norm", "-m", "exact stem"))
    ours, own = kgan.stories.meteor(TEXTS, REFERENCES)
    assert system == pytest.approx(ours, abs=1e-12)
    np.testing.assert_allclose(each, own, atol=1e-12)


def test_without_a_jar_it_says_what_to_do(monkeypatch):
    monkeypatch.setattr(meteor_score, "find_jar", lambda: None)
    with pytest.raises(RuntimeError, match=r"Java.*exact\+stem"):
        kgan.stories.original_meteor(TEXTS, REFERENCES)
    report = kgan.stories.story_report([[t] * 5 for t in TEXTS], [[[r] * 5 for r in given] for given in REFERENCES])
    assert "meteor[exact+stem]" in report
    assert "meteor" not in report
    assert "no synonyms" in kgan.stories.metric_versions(report)["meteor[exact+stem]"]


def ranked(text, reference, width):
    """The alignment that is found when all that follows a step is ranked: exact words alone, none of which is fixed."""
    paths = [((0, 0, 0), -1, ())]  # minus matches, chunks, distance; end of the last match; matches
    for j, word in enumerate(reference):
        following = []
        for (matches, chunks, distance), end, trace in paths:
            for i in (i for i, own in enumerate(text) if own == word and i not in [place for _, place, _ in trace]):
                following.append(((matches - 1, chunks + (end not in (-1, i)), distance), i + 1, (*trace, (j, i, 0))))
                distance += abs(j - i)
            following.append(((matches, chunks + (end != -1), distance), -1, trace))
        paths = sorted(following, key=lambda path: path[0])[:width]
    return list(min((((m, c + (end != -1), d), trace) for (m, c, d), end, trace in paths), key=lambda path: path[0])[1])


@pytest.mark.parametrize("width", [2, 3, 40])
def test_the_search_drops_nothing_that_it_would_keep(rng, width):
    for _ in range(50):
        text, reference = (rng.choice(["a", "b", "c"], size=rng.integers(6, 14)).tolist() for _ in range(2))
        text, reference = [*text, "a", "b", "c", "a", "b", "c"], [*reference, *"abcabc"]  # so that every word has several places
        assert meteor_score.align(text, reference, text, reference, width) == ranked(text, reference, width)


def test_greedy_alignment():
    rng, words = np.random.default_rng(1), ["a", "b", "c", "d", "runs", "dogs", "the", "x", "y"]
    for _ in range(40):  # no choice where no word comes twice
        text, reference = (tuple(rng.permutation(words)[: rng.integers(1, 9)].tolist()) for _ in range(2))
        assert meteor_score.align(text, reference, text, reference, 1) == meteor_score.align(text, reference, text, reference)

    def aligned(text, reference, width):
        text, reference = text.split(), reference.split()
        return meteor_score.align(text, reference, meteor_score.stems(text), meteor_score.stems(reference), width)

    # It goes on with the run it is in, takes exact words before stems, and does not look ahead.
    assert aligned("b x a b", "a b", 1) == [(0, 2, 0), (1, 3, 0)]
    assert aligned("dogs dog", "dog", 1) == [(0, 1, 0)]
    assert aligned("a x a b", "a b", 1) == [(0, 0, 0), (1, 3, 0)]
    assert aligned("a x a b", "a b", 40) == [(0, 2, 0), (1, 3, 0)]


def test_variety():
    assert kgan.stories.distinct_n(["a b a b", "a b"], 2) == 2 / 4
    assert kgan.stories.repetition([["a b c d e", "a b c d e"], ["f g h i", "x"]]) == {
        "repeated_sentences": 0.25,
        "repeated_4-grams": 0.25,
    }
    texts = [*TEXTS, TEXTS[0]]
    expected = [kgan.stories.bleu([t], [texts[:i] + texts[i + 1 :]])[1][0, -1] for i, t in enumerate(texts)]
    assert kgan.stories.self_bleu(texts) == pytest.approx(np.mean(expected))
    assert expected[0] == pytest.approx(1.0)
    with pytest.raises(ValueError, match="at least two"):
        kgan.stories.self_bleu(["a"])


def test_refusals():
    with pytest.raises(ValueError, match="every text"):
        kgan.stories.bleu(["a"], [[]])
    with pytest.raises(ValueError, match="2 texts and references of 1"):
        kgan.stories.cider(["a", "b"], [["a"]])
    with pytest.raises(ValueError, match="list of texts"):
        kgan.stories.rouge_l(["a"], ["a"])


@pytest.fixture
def told():
    """Vocabulary, stories of two albums, and their ids."""
    texts = [[s] * 5 for s in ("the dogs ran home", "the dog ran home .", "a dog sat", "we sat at home .")]
    stories = Stories(np.zeros((5, 2)), [range(5)] * 4, texts, ["x", "x", "y", "y"])
    vocabulary = stories.vocabulary(more_than=0)
    return vocabulary, stories, vocabulary.encode_stories(texts, 8)


@pytest.mark.parametrize("metric", kgan.stories.reward.REWARDS)
def test_rewards_of_ids_are_the_metrics_of_words(told, metric):
    vocabulary, stories, ids = told
    reward = kgan.stories.StoryReward.of_training(metric, vocabulary, stories)
    samples, references = ids[[0, 1, 2, 3]], ids[[1, 1, 3, 2]]
    found = reward(samples, references)
    assert found.dtype == np.float32
    texts = kgan.stories.join_stories(stories.texts)
    own, given = [texts[i] for i in (0, 1, 2, 3)], [[texts[i]] for i in (1, 1, 3, 2)]
    expected = {
        "rouge-l": lambda: kgan.stories.rouge_l(own, given)[1],
        "cider-d": lambda: kgan.stories.cider(own, given, kgan.stories.DocumentFrequencies([texts[:2], texts[2:]]))[1],
        "meteor": lambda: kgan.stories.meteor(own, given, beam_width=1)[1],
    }.get(metric, lambda: kgan.stories.bleu(own, given, int(metric[-1]))[1][:, -1])()
    np.testing.assert_allclose(found, expected, atol=1e-6)
    again = keras.saving.deserialize_keras_object(json.loads(json.dumps(keras.saving.serialize_keras_object(reward))))
    np.testing.assert_array_equal(again(samples, references), found)


def test_rewards_end_sentences_and_match_no_unknown_word(told):
    _, _, ids = told
    reward = kgan.stories.StoryReward("bleu-1")
    dirty = ids[:1].copy()
    dirty[0, :, 6:] = 5  # words after the end
    np.testing.assert_array_equal(reward(dirty, ids[:1]), reward(ids[:1], ids[:1]))
    unknown = np.where(ids[:1] > 0, 1, 0)
    assert reward(unknown, unknown)[0] < 1e-6
    assert reward(np.zeros_like(unknown), ids[:1])[0] == 0.0
    for wrong, message in (
        (np.zeros((1, 4, 8), int), "count, 5, length"),
        (ids[:1].astype("float32"), "integers"),
    ):
        with pytest.raises(ValueError, match=message):
            reward(wrong, ids[:1])
    with pytest.raises(ValueError, match="must not be empty"):
        reward(ids[:1], np.zeros((1, 5, 8), int))
    for arguments, message in (
        ({"metric": "spice"}, "one of"),
        ({"metric": "meteor"}, "words"),
        ({"metric": "cider-d"}, "of_training"),
    ):
        with pytest.raises(ValueError, match=message):
            kgan.stories.StoryReward(**arguments)


def test_vocabularies_of_rewards():
    assert kgan.stories.StoryReward("meteor", words=Vocabulary(["a", "dog"]).words).words == ("a", "dog")
