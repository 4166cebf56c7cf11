"""Vocabularies, minibatches of photos and stories, and the drawn albums."""

import random

import numpy as np
import pytest

import kgan
from kgan.stories import Scene, Stories, Vocabulary
from kgan.stories import grammar as album_grammar
from kgan.stories.album_pictures import draw_scenes
from kgan.stories.albums import any_scene, draw_album


class Means:
    """Photo features that need no training: the mean colors of the quarters."""

    def features(self, images):
        return np.stack([images[:, i : i + 16, j : j + 16].mean((1, 2)) for i in (0, 16) for j in (0, 16)], 1).reshape(
            len(images), -1
        )


MEANS = Means()


def test_vocabulary(tmp_path):
    sentences = ["b b b c c", "c a a a d"]
    vocabulary = Vocabulary.of(sentences, more_than=2)
    assert vocabulary.words == ("a", "b", "c")  # equally frequent ones by the alphabet
    assert len(vocabulary) == 5
    ids = vocabulary.encode("c d a", 5)
    assert ids.dtype == np.int32
    assert ids.tolist() == [4, 1, 2, 0, 0]
    assert vocabulary.encode("a a a a a", 4).tolist() == [2, 2, 2, 0]  # cut to leave room for the end
    assert vocabulary.decode([4, 1, 2, 0, 3]) == "c <unk> a"
    assert vocabulary.decode([0, 2]) == ""
    vocabulary.save(tmp_path / "words.json")
    assert Vocabulary.load(tmp_path / "words.json").words == vocabulary.words
    stories = [["a", "b b", "", "c", "a"]]
    assert vocabulary.decode_stories(vocabulary.encode_stories(stories, 4)) == stories


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Vocabulary(["a", "a"]), ValueError, "once"),
        (lambda: Vocabulary(["a b"]), ValueError, "without blanks"),
        (lambda: Vocabulary.of(["a b"], more_than=1), ValueError, "Lower `more_than`"),
        (lambda: Vocabulary(["a"]).decode([3]), ValueError, "between 0 and 2"),
        (lambda: Vocabulary(["a"]).encode("a", 1), ValueError, "at least 2"),
        (lambda: Vocabulary(["a"]).encode_stories([["a"] * 4]), ValueError, "5 sentences"),
        (lambda: Vocabulary.load("nowhere.json"), FileNotFoundError, "nowhere"),
        (lambda: Stories(np.eye(5), [[0, 1, 2, 3, 5]], [["a"] * 5], ["x"]), ValueError, "rows of 5"),
        (lambda: Stories(np.eye(5), [range(4)], [["a"] * 5], ["x"]), ValueError, "5 photos"),
        (lambda: Stories(np.full((5, 2), np.nan), [range(5)], [["a"] * 5], ["x"]), ValueError, "finite"),
        (lambda: kgan.stories.albums("all"), ValueError, "train, validation, test"),
        (lambda: kgan.stories.albums(count=0), ValueError, "`count`"),
        (lambda: draw_scenes([], 8), ValueError, "`size`"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_broken_vocabulary_file(tmp_path):
    (tmp_path / "words.json").write_text('{"words": 3}')
    with pytest.raises(ValueError, match="not a vocabulary"):
        Vocabulary.load(tmp_path / "words.json")


@pytest.mark.only("tensorflow")
def test_minibatches_and_albums():
    texts = [[f"w{i} x"] * 5 for i in range(6)]
    photos = [[(i + k) % 7 for k in range(5)] for i in range(6)]
    stories = Stories(np.arange(14).reshape(7, 2), photos, texts, ["a", "a", "b", "a", "c", "b"])
    vocabulary = stories.vocabulary(more_than=0)
    dataset = stories.load(vocabulary, batch_size=4, length=5, shuffle=False)
    assert int(dataset.cardinality()) == 1
    batch = [part.numpy() for part in next(iter(dataset))]
    assert [(part.shape, part.dtype) for part in batch] == [((4, 5, 2), np.float32), ((4, 5, 5), np.int32)]
    for part, whole in zip(batch, stories.arrays(vocabulary, 5), strict=True):
        np.testing.assert_array_equal(part, whole[:4])
    seen = np.concatenate([b[1].numpy() for b in stories.load(vocabulary, 3, passes=2)])
    assert len(seen) == 12
    assert {tuple(story[0]) for story in seen} == {tuple(story[0]) for story in stories.arrays(vocabulary)[1]}
    names, firsts, human = stories.by_album(references=2)
    assert names == ["a", "b", "c"]
    np.testing.assert_array_equal(firsts[1], stories.features[photos[2]])
    assert human[0] == [tuple(texts[0]), tuple(texts[1])]


def test_every_human_sentence_is_true_and_in_the_language():
    rng = random.Random(0)
    lengths, again = [], set()
    for _ in range(150):
        album = draw_album(rng)
        assert [scene.stage for scene in album] == list(album_grammar.STAGES)
        assert len({(scene.place, scene.weather, scene.people) for scene in album}) == 1
        for story in (album_grammar.tell(album, rng) for _ in range(2)):
            again.add(story)
            lengths.append(sum(len(s.split()) for s in story))
            for scene, sentence in zip(album, story, strict=True):
                assert album_grammar.is_grammatical(sentence), sentence
                assert album_grammar.mentions(sentence) <= scene.facts(), sentence
                assert len(sentence.split()) < 30
    assert len(again) == 300
    assert 45 < np.mean(lengths) < 65


def test_the_language_is_no_other():
    for sentence in ("we went", "we flew a kite", "the kite flew we .", "", "first first we flew the kite ."):
        assert not album_grammar.is_grammatical(sentence)
    assert album_grammar.is_grammatical("first we flew the red kite high in the air at the park .")


def test_albums():
    some = kgan.stories.albums("test", count=3, writers=2, classifier=MEANS)
    assert kgan.stories.albums("test", count=3, writers=2, classifier=MEANS) is some
    assert some.pictures.shape == (15, 32, 32, 3)
    assert len(some) == 6
    assert len(some.by_album()[2][0]) == 2
    assert [len(album) for album in some.scenes.values()] == [5, 5, 5]
    # A longer set begins with the same albums; splits and seeds differ.
    assert list(kgan.stories.albums("test", count=4, writers=2, classifier=MEANS).scenes.values())[:3] == list(
        some.scenes.values()
    )
    for other in (kgan.stories.albums("train", 3, 2, 0, MEANS), kgan.stories.albums("test", 3, 2, 1, MEANS)):
        assert other.texts != some.texts
    vocabulary = kgan.stories.album_vocabulary()
    assert 200 < len(vocabulary) < 400
    assert set(vocabulary.words[:2]) == {".", "the"}
    rare = [i for story in vocabulary.encode_stories(some.texts).ravel() for i in [story] if i == 1]
    assert len(rare) < 0.005 * (vocabulary.encode_stories(some.texts) > 0).sum()


def test_every_fact_shows_in_the_picture():
    rng = random.Random(1)
    base = [any_scene(rng) for _ in range(40)]
    pictures = draw_scenes(base).astype(int)
    np.testing.assert_array_equal(pictures, draw_scenes(base))

    def changed(**values):
        return [Scene(**{**vars(scene), **{k: v(scene) for k, v in values.items()}}) for scene in base]

    def other(options):
        return lambda scene_value: next(o for o in options if o != scene_value)

    cases = {
        "place": changed(place=lambda s: other(album_grammar.PLACES)(s.place)),
        "weather": changed(weather=lambda s: other(("rainy", "sunny"))(s.weather)),
        "people": changed(people=lambda s: s.people % 4 + 1),
        "thing": changed(thing=lambda s: other(album_grammar.THINGS[s.stage])(s.thing)),
    }
    for name, scenes in cases.items():
        difference = np.abs(draw_scenes(scenes).astype(int) - pictures).max(axis=-1)
        assert (difference > 40).sum(axis=(1, 2)).min() >= 5, name
    colored = [s for s in base if s.thing in album_grammar.COLORED]
    other_color = [Scene(**{**vars(s), "color": other(album_grammar.COLORS)(s.color)}) for s in colored]
    difference = np.abs(draw_scenes(colored).astype(int) - draw_scenes(other_color)).max(axis=-1)
    assert len(colored) > 5
    assert (difference > 40).sum(axis=(1, 2)).min() >= 5


def test_a_small_classifier_learns_and_is_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("KGAN_CACHE", str(tmp_path))
    make = kgan.stories.picture_classifier.__wrapped__
    classifier = make(scenes=640, epochs=3)
    rng = random.Random(9)
    scenes = [any_scene(rng) for _ in range(100)]
    images = draw_scenes(scenes, seed=5) / 127.5 - 1.0
    seen = classifier.see(images)
    assert np.mean([s["weather"] == scene.weather for s, scene in zip(seen, scenes, strict=True)]) > 0.5
    assert np.mean([s["place"] == scene.place for s, scene in zip(seen, scenes, strict=True)]) > 0.5
    found = classifier.features(images)
    assert found.shape == (100, 64)
    np.testing.assert_allclose(make(scenes=640, epochs=3).features(images), found, atol=1e-5)
    assert len(list(tmp_path.iterdir())) == 1
