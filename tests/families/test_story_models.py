"""What all story models share: cross-entropy with scheduled sampling, told stories, warm starts, what is refused."""

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan import backend
from kgan.families.bases import story_model as stories
from tests.conformance.specs import STORIES, albums
from tests.stories.story_reference import Reference

PHOTOS, TOLD = albums(np.random.default_rng(0), 12)


def compiled(family=kgan.StoryXE, policy=1.0, **kwargs):
    keras.utils.set_random_seed(1)
    model = family(9, **{**STORIES, **kwargs})
    rng = np.random.default_rng(2)
    for weight in model.policy.trainable_weights:
        weight.assign(rng.normal(0.0, policy * 0.8, weight.shape).astype("float32"))
    model.compile()
    return model


@pytest.fixture(scope="module")
def model():
    return compiled()


def test_public_log_probabilities_against_numpy(model):
    reference = Reference(model.policy)
    rows = zip(*reference.encode(PHOTOS.astype("float64")), strict=True)
    sentences = TOLD.reshape(-1, 7)
    expected = np.stack([reference.log_probabilities(words, *row) for words, row in zip(sentences, rows, strict=True)])
    mask = np.concatenate([np.ones((60, 1)), (sentences != 0).cumprod(1)[:, :-1]], 1)
    found = model.log_probabilities(PHOTOS, TOLD)
    assert found.shape == TOLD.shape
    np.testing.assert_allclose(found.reshape(-1, 7), expected * mask, atol=1e-3)
    # The loss in evaluation is their mean over words, ends included.
    loss = model.evaluate(PHOTOS, TOLD, batch_size=12, verbose=0, return_dict=True)["policy/cross_entropy"]
    assert loss == pytest.approx(-(expected * mask).sum() / mask.sum(), abs=1e-4)


def test_told_stories_are_those_of_the_reference(model):
    reference = Reference(model.policy)
    rows = list(zip(*reference.encode(PHOTOS.astype("float64")), strict=True))
    greedy = np.array([reference.unroll(*row) for row in rows]).reshape(TOLD.shape)
    beam = np.array([reference.beam(*row, 3) for row in rows]).reshape(TOLD.shape)
    np.testing.assert_array_equal(model.tell(PHOTOS, "greedy"), greedy)
    told = model.tell(PHOTOS, batch_size=5)
    np.testing.assert_array_equal(told, beam)
    assert told.dtype == np.int32


def test_samples_follow_the_seed_and_not_the_training_noise(model):
    state = ops.convert_to_numpy(model.seed_generator.state)
    first, again, other = (model.tell(PHOTOS, "sample", seed=s) for s in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert (model.tell(PHOTOS, "sample") != model.tell(PHOTOS, "sample")).any()
    np.testing.assert_array_equal(first, model.generate(12, condition=PHOTOS, seed=3))
    np.testing.assert_array_equal(first, model.tell(PHOTOS, "sample", seed=3, batch_size=12))
    np.testing.assert_array_equal(ops.convert_to_numpy(model.seed_generator.state), state)


@pytest.mark.only("tensorflow", "jax")
def test_equal_shapes_are_compiled_once(model):
    calls, step = [], model.policy.step
    fresh = compiled()
    fresh.policy.step = lambda *args: calls.append(1) or step(*args)
    for decode in ("beam", "greedy"):
        fresh.tell(PHOTOS, decode)
        before = len(calls)
        assert before
        fresh.tell(PHOTOS[::-1], decode)
        assert len(calls) == before, decode


def test_stories_follow_the_weights_after_a_compiled_call():
    model = compiled()
    before = model.tell(PHOTOS, "greedy")
    for weight in model.policy.trainable_weights:
        weight.assign(-ops.convert_to_numpy(weight))
    assert (model.tell(PHOTOS, "greedy") != before).any()


def test_averaged_weights_tell():
    model = compiled()
    model.compile(averages={"generator": 0.5})
    plain = model.tell(PHOTOS, "greedy")
    for weight in model.policy.trainable_weights:
        weight.assign(-ops.convert_to_numpy(weight))
    np.testing.assert_array_equal(model.tell(PHOTOS, "greedy"), plain)


def test_a_warm_start_copies_and_shares_nothing():
    xe = compiled()
    other = kgan.AREL(9, filters=2, **{**STORIES, "seed": 5})
    assert other.start_from(xe) is other
    np.testing.assert_array_equal(other.tell(PHOTOS), xe.tell(PHOTOS))
    assert not {id(v) for v in other.variables} & {id(v) for v in xe.variables}
    xe.policy.logit.bias.assign(np.arange(9.0))
    assert not ops.convert_to_numpy(other.policy.logit.bias).any() or (other.tell(PHOTOS) != xe.tell(PHOTOS)).any()
    with pytest.raises(ValueError, match="other sizes"):
        kgan.StoryXE(10, **STORIES).start_from(xe)


def test_a_policy_of_ones_own_is_taken_as_it_is():
    policy = kgan.stories.StoryPolicy(9, 4, 3, 5, units=4, min_length=2)
    model = kgan.StoryXE(policy=policy)
    assert model.policy is policy
    assert (model.photo_size, model.num_photos, model.sentence_length, model.units) == (4, 3, 5, 4)
    with pytest.raises(ValueError, match="vocabulary_size"):
        kgan.StoryXE(10, policy=policy)
    with pytest.raises(TypeError, match="StoryPolicy"):
        kgan.StoryXE(policy=keras.Sequential())
    with pytest.raises(ValueError, match="vocabulary_size"):
        kgan.StoryXE()


def test_the_schedule_of_scheduled_sampling():
    model = kgan.StoryXE(9, **STORIES)
    assert model.scheduled_sampling == (5, 0.05, 0.25)
    schedule = stories._Schedule()
    schedule.set_model(model)
    expected = {0: 0.0, 4: 0.0, 5: 0.05, 9: 0.05, 10: 0.1, 24: 0.2, 25: 0.25, 80: 0.25}
    for epoch, probability in expected.items():
        model.epochs_played = epoch
        schedule.on_epoch_begin(0)
        assert float(ops.convert_to_numpy(model.sampling_probability)) == pytest.approx(probability)
    for bad in ((0, 0.1, 0.2), (1, 2.0, 0.2), (1, 0.1), (1.0, 0.1, 0.2)):
        with pytest.raises(ValueError, match="scheduled_sampling"):
            kgan.StoryXE(9, scheduled_sampling=bad, **STORIES)


def test_fit_sets_the_schedule():
    model = compiled(scheduled_sampling=(2, 0.3, 0.5))
    model.compile(run_eagerly=True)
    for _ in range(3):
        model.fit(PHOTOS[:2], TOLD[:2], batch_size=2, verbose=0)
    assert float(ops.convert_to_numpy(model.sampling_probability)) == pytest.approx(0.3)


def test_scheduled_sampling_feeds_the_given_share_of_drawn_words():
    model = compiled()
    words = np.full((600, 7), 1, "int32")  # few policies would draw this always
    photos = np.random.default_rng(0).normal(size=(120, 5, 4)).astype("float32")
    encoded = model.policy.encode(photos)
    for probability, low, high in ((0.0, 0.0, 0.0), (0.25, 0.1, 0.25), (1.0, 0.5, 1.0)):
        model.sampling_probability.assign(probability)
        with backend.Overlay(training=True):
            fed = ops.convert_to_numpy(model.fed_words(words, encoded, None))
        assert low <= (fed != 1).mean() <= high


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p, s: (p[:, :4], s), "5 photos for every story"),
        (lambda p, s: (p[..., :3], s), r"\(stories, 5, 4\)"),
        (lambda p, s: (p, s[:, :4]), "5 sentences"),
        (lambda p, s: (p, s[..., :6]), "cut or padded"),
        (lambda p, s: (p.astype("int32"), s), "floating"),
        (lambda p, s: (np.where(p > 0, np.nan, p), s), "finite"),
        (lambda p, s: (p, s.astype("float32")), "integer"),
        (lambda p, s: (p, s + 5), "vocabulary|ids from|lie in"),
        (lambda p, s: (p, s - 1), "lie in"),
        (lambda p, s: (p, s * 0), "without words"),
        (lambda p, s: (p, s[..., ::-1].copy()), "without words|behind its end"),
        (lambda p, s: (p, np.concatenate([s[..., :3], s[..., :1] * 0, s[..., :3]], -1)), "behind its end"),
    ],
)
def test_bad_data_are_refused(model, change, message):
    with pytest.raises(ValueError, match=message):
        model.fit(*change(PHOTOS, TOLD), batch_size=6, verbose=0)


def test_bad_calls_are_refused(model):
    with pytest.raises(ValueError, match="pairs"):
        model.fit(PHOTOS, batch_size=6, verbose=0)
    with pytest.raises(ValueError, match="decode"):
        model.tell(PHOTOS, "bream")
    with pytest.raises(ValueError, match="beam_width"):
        model.tell(PHOTOS, beam_width=0)
    with pytest.raises(ValueError, match="5 photos"):
        model.tell(PHOTOS[:, :3])
    with pytest.raises(ValueError, match="condition=photos"):
        model.generate(3)
    with pytest.raises(ValueError, match="photos of 3 stories"):
        model.generate(3, condition=PHOTOS)
