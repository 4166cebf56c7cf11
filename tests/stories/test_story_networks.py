"""The networks of stories against NumPy: probabilities, sampling, greedy and beam decoding, the reward's convolutions."""

import keras
import numpy as np
import pytest
from keras import ops

from kgan.stories import StoryPolicy
from kgan.stories import networks as stories
from tests.stories.story_reference import Reference, log_softmax, weights_of


@pytest.fixture(scope="module")
def policy():
    keras.utils.set_random_seed(3)
    policy = StoryPolicy(9, photo_size=4, num_photos=2, sentence_length=6, units=8, min_length=2)
    rng = np.random.default_rng(4)
    for weight in policy.weights:  # wide enough that decodings differ from row to row, and sentences end
        if weight.name != "moving_variance" and "seed" not in weight.name:
            weight.assign(rng.normal(0.0, 0.9, weight.shape).astype("float32"))
    return policy


@pytest.fixture(scope="module")
def photos():
    return np.random.default_rng(5).normal(size=(6, 2, 4)).astype("float32")


def rows_of(reference, photos):
    return list(zip(*reference.encode(photos.astype("float64")), strict=True))


def test_encoder_and_word_probabilities(policy, photos):
    reference = Reference(policy)
    encoded = policy.encode(photos)
    for mine, theirs in zip(encoded, reference.encode(photos.astype("float64")), strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(mine), theirs, atol=1e-4)
    words = np.random.default_rng(0).integers(0, 9, (12, 6)).astype("int32")
    logits = policy.logits(policy.decode(stories.shifted(words), encoded))
    for ruled in (False, True):
        found = ops.convert_to_numpy(policy.log_probabilities(logits, words, ruled))
        expected = np.stack(
            [reference.log_probabilities(w, *row, ruled=ruled) for w, row in zip(words, rows_of(reference, photos), strict=True)]
        )
        likely = expected > -50  # a forbidden word: -inf here, -1e9 there
        assert ruled is not likely.all()
        np.testing.assert_allclose(found[likely], expected[likely], atol=2e-3)
        assert (found[~likely] < -50).all()


def test_probabilities_are_normalized_after_the_rules(policy, photos):
    """Masks without a new normalization lose what the forbidden words had."""
    encoded = tuple(x[:1] for x in policy.encode(photos))
    fed = np.tile(np.array([[3, 5, 5, 2, 2, 2]], "int32"), (9, 1))
    logits = policy.logits(policy.decode(stories.shifted(fed), tuple(ops.repeat(x, 9, axis=0) for x in encoded)))
    for place in range(6):
        every = fed.copy()
        every[:, place] = np.arange(9)
        found = ops.convert_to_numpy(policy.log_probabilities(logits[:, : place + 1], every[:, : place + 1], ruled=True))[
            :, place
        ]
        assert np.exp(found).sum() == pytest.approx(1.0, abs=1e-5)
        assert (np.exp(found[0]) > 0.0) == (place >= 2)  # no end within two words
        if place:
            assert np.exp(found[fed[0, place - 1]]) < 1e-30  # no word twice at once


def test_samples_invert_the_distribution_function(policy, photos):
    reference = Reference(policy)
    noise = np.random.default_rng(6).random((6, 2, 6)).astype("float32")
    found = ops.convert_to_numpy(policy({"photos": photos, "noise": noise})).reshape(-1, 6)
    expected = [reference.unroll(*row, noise=n) for row, n in zip(rows_of(reference, photos), noise.reshape(-1, 6), strict=True)]
    np.testing.assert_array_equal(found, expected)
    ends = (found == 0).argmax(1)
    assert ends.any()
    assert len(np.unique(ends)) > 2
    assert all(not row[end:].any() for row, end in zip(found, ends, strict=True) if end)
    assert (ends[(found == 0).any(1)] >= 2).all()
    assert ((found[:, 1:] != found[:, :-1]) | (found[:, 1:] == 0)).all()


def test_frequencies_of_samples_are_the_probabilities(policy, photos):
    count = 4000
    encoded = tuple(ops.repeat(x[:1], count, axis=0) for x in policy.encode(photos))
    noise = np.random.default_rng(7).random((count, 6)).astype("float32")
    first = ops.convert_to_numpy(policy.unroll(encoded, noise=noise))[:, 0]
    logits, _ = policy.step(np.zeros(1, "int32"), encoded[1][:1], encoded[0][:1])
    p = ops.convert_to_numpy(ops.softmax(logits + policy.rules(np.zeros(1, "int32"), np.zeros(1, "int32"))))[0]
    np.testing.assert_allclose(np.bincount(first, minlength=9) / count, p, atol=0.03)


def test_greedy_decoding(policy, photos):
    reference = Reference(policy)
    found = ops.convert_to_numpy(policy.unroll(policy.encode(photos)))
    np.testing.assert_array_equal(found, [reference.unroll(*row) for row in rows_of(reference, photos)])


@pytest.mark.parametrize("width", [1, 2, 3, 9])
def test_beam_search(policy, photos, width):
    reference = Reference(policy)
    found = ops.convert_to_numpy(policy.beam(policy.encode(photos), width))
    expected = np.array([reference.beam(*row, width) for row in rows_of(reference, photos)])
    np.testing.assert_array_equal(found, expected)
    assert not (found == stories.UNKNOWN).any()
    if width == 3:
        assert (found == 0).argmax(1).min() <= 1  # short sentences are allowed


def test_scheduled_words_are_the_humans_where_kept_and_fed_on(policy, photos):
    reference = Reference(policy)
    rng = np.random.default_rng(8)
    story = rng.integers(0, 9, (12, 6)).astype("int32")
    noise, keep = rng.random((12, 6)).astype("float32"), rng.random((12, 6)) < 0.5
    found = ops.convert_to_numpy(policy.unroll(policy.encode(photos), noise=noise, story=story, keep=keep))
    np.testing.assert_array_equal(found[keep], story[keep])
    for row, (context, state) in enumerate(rows_of(reference, photos)):
        previous = 0
        for place in range(6):
            logits, state = reference.step(previous, state, context)
            total = np.exp(log_softmax(logits)).cumsum()
            drawn = np.searchsorted(total, noise[row, place], side="right")  # without the rules of sampling
            previous = int(story[row, place] if keep[row, place] else drawn)
            assert found[row, place] == previous


def test_dropout_of_drawing_and_of_probabilities_is_the_same(policy, photos):
    """A word drawn greedily with dropout is the likeliest under the same dropout."""
    drops = policy.drops(12, training=True)
    assert set(np.unique(ops.convert_to_numpy(drops))) == {0.0, 2.0}
    encoded = policy.encode(photos)
    words = policy.unroll(encoded, drops)
    logits = policy.logits(policy.decode(stories.shifted(words), encoded), drops)
    logits = logits + policy.rules(stories.shifted(words), ops.arange(6))
    best, words = ops.convert_to_numpy(ops.argmax(logits, -1)), ops.convert_to_numpy(words)
    open_places = np.concatenate([np.ones((12, 1), bool), (words != 0).cumprod(1)[:, :-1] > 0], 1)
    np.testing.assert_array_equal(best[open_places], words[open_places])


def test_batch_norm_runs_over_all_photos_of_the_batch():
    policy = StoryPolicy(5, photo_size=3, num_photos=2, sentence_length=3, units=2, min_length=0)
    policy.photo_in.kernel.assign(np.eye(3, 2))
    photos = np.random.default_rng(0).normal(size=(4, 2, 3)).astype("float32")
    policy.encode(photos, training=True)
    mean = ops.convert_to_numpy(policy.photo_norm.moving_mean)
    np.testing.assert_allclose(mean, 0.1 * photos.reshape(-1, 3).mean(0)[:2], rtol=1e-4)


def test_initial_weights():
    policy = StoryPolicy(50, photo_size=7, units=16)
    for name in ("photo_in", "residual", "first_state", "word_in", "context_in", "hidden", "logit", "words"):
        kernel, *bias = weights_of(getattr(policy, name))
        assert 0.05 < np.abs(kernel).max() <= 0.1
        assert not any(b.any() for b in bias)
    assert np.abs(weights_of(policy.decoder)[0]).max() <= 0.25


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vocabulary_size": 2}, "integer >= 3"),
        ({"units": 7}, "even"),
        ({"num_photos": 0}, "num_photos"),
        ({"min_length": 31}, "min_length"),
        ({"repeat_penalty": -1.0}, "repeat_penalty"),
    ],
)
def test_bad_sizes_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        StoryPolicy(**{"vocabulary_size": 9, **arguments})


# The reward --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fusion", ["add", "product"])
@pytest.mark.parametrize("squash", ["softsign", "tanh", "linear"])
def test_the_reward_by_hand(fusion, squash):
    network = stories.reward(9, 4, 6, embedding_size=5, filters=3, widths=(2, 4), fusion=fusion, squash=squash)
    rng = np.random.default_rng(1)
    photos, words = rng.normal(size=(7, 4)).astype("float32"), rng.integers(0, 9, (7, 6)).astype("int32")
    w = {layer.name: weights_of(layer) for layer in network.layers}
    embedded = w["word_vectors"][0][words]
    text = []
    for width in (2, 4):
        kernel, bias = w[f"conv_{width}"]
        maps = [np.einsum("nij,ijk->nk", embedded[:, t : t + width], kernel) + bias for t in range(7 - width)]
        text.append(np.maximum(0, maps).max(0))
    text, photo = np.concatenate(text, 1), photos @ w["photo"][0] + w["photo"][1]
    both = np.concatenate([text, photo], 1) if fusion == "add" else (text @ w["text_in"][0] + w["text_in"][1]) * photo
    score = both @ w["score"][0] + w["score"][1]
    expected = {"softsign": score / (1 + np.abs(score)), "tanh": np.tanh(score), "linear": score}[squash]
    np.testing.assert_allclose(ops.convert_to_numpy(network([photos, words])), expected, atol=1e-5)


def test_the_convolutions_are_trained_and_the_embedding_may_be_frozen():
    for frozen in (False, True):
        network = stories.reward(9, 4, 6, embedding_size=5, filters=3, frozen_embedding=frozen)
        paths = " ".join(v.path for v in network.trainable_variables)
        assert all(f"conv_{width}" in paths for width in (2, 3, 4, 5))
        assert ("word_vectors" in paths) is not frozen
    vectors = np.arange(45.0).reshape(9, 5)
    stories.set_word_vectors(network, vectors)
    np.testing.assert_array_equal(ops.convert_to_numpy(network.get_layer("word_vectors").embeddings), vectors)
    with pytest.raises(ValueError, match=r"shape \(9, 5\)"):
        stories.set_word_vectors(network, vectors.T)


def test_bad_rewards_are_refused():
    for arguments, message in (
        ({"fusion": "mean"}, "fusion"),
        ({"squash": "tahn"}, "squash"),
        ({"sentence_length": 4}, "widths"),
    ):
        with pytest.raises(ValueError, match=message):
            stories.reward(9, **arguments)


def test_short_sentences_need_no_other_argument():
    assert [StoryPolicy(9, photo_size=4, num_photos=2, sentence_length=n, units=4).min_length for n in (4, 6, 30)] == [4, 6, 6]
