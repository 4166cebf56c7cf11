"""The judges that come with kgan, and the orderings that say what the figures measure."""

import random
import warnings

import keras
import numpy as np
import pytest

from kgan import datasets, metrics, presets
from kgan import images as images_module
from kgan.metrics import judges


@pytest.fixture(scope="module")
def halves():
    return datasets.arrays("digits", "train")[0], datasets.arrays("digits", "test")[0]


def figures(real, fake):
    return {k.split("[")[0]: v for k, v in metrics.digit_report(real, fake).items()}


def test_orderings_on_digits(halves):
    """What evaluation on memorized, missing or noisy digits must show."""
    train, test = halves
    labels = datasets.arrays("digits", "train")[1]
    real, five = figures(test, train), figures(test, np.concatenate([train[labels < 5]] * 2)[: len(train)])
    noise = figures(test, np.random.default_rng(0).uniform(-1, 1, train.shape).astype("float32"))
    ten = figures(test, np.concatenate([train[[list(labels).index(c) for c in range(10)]]] * 90)[: len(train)])
    assert real["frechet_distance"] < 1.3
    assert real["class_score"] > 9
    assert five["class_score"] == pytest.approx(5.0, abs=0.3)
    assert five["frechet_distance"] > 10 * real["frechet_distance"]
    assert noise["frechet_distance"] > 40
    # Ten memorized images score like held-out real data and lose on the distance and on coverage.
    held_out, _ = metrics.class_score(metrics.DigitClassifier().probabilities(test))
    assert ten["class_score"] > 0.95 * held_out
    assert ten["frechet_distance"] > 5 * real["frechet_distance"]
    assert ten["coverage"] < 0.2 < 0.9 < real["coverage"]
    assert (real["classes_present"], five["classes_present"]) == (10, 5)
    # Half the classes: as precise as all, half the recall.
    assert five["precision"] > 0.8
    assert five["recall"] < 0.65 * real["recall"]


def test_names_say_how_it_was_measured(halves):
    train, test = halves
    names = set(metrics.digit_report(test[:100], train[:120]))
    assert names == {
        *(f"{figure}_distance[digits-mlp64,n=100]" for figure in ("frechet", "kernel")),
        *(f"{figure}[digits-mlp64,n=100]" for figure in ("precision", "recall", "density", "coverage")),
        *(f"{figure}[digits-mlp64,n=120]" for figure in ("class_score", "classes_present", "smallest_class_share")),
    }
    with warnings.catch_warnings(record=True) as caught:  # pytest.warns would raise what the configuration ignores
        warnings.simplefilter("always")
        few = metrics.digit_report(test[:4], train[:4])
    assert any("singular" in str(w.message) for w in caught)
    assert "precision[digits-mlp64,n=4]" in few
    assert "density[digits-mlp64,n=4]" not in few
    many = metrics.sample_report(test, np.tile(train[:500], (10, 1, 1, 1)), metrics.DigitClassifier())
    assert "class_score[digits-mlp64,n=5000,splits=10]" in many


JUDGES = {judge.name: judge for judge in (metrics.DigitClassifier, metrics.FashionClassifier, metrics.MNISTClassifier)}


def test_every_judge_is_a_preset_and_loading_one_draws_no_numbers():
    assert set(JUDGES) < set(presets.names())
    judges._weights.cache_clear()
    before, own = random.getstate(), np.random.get_state()[1].copy()
    for judge in JUDGES.values():
        judge()
    assert random.getstate() == before
    np.testing.assert_array_equal(np.random.get_state()[1], own)


@pytest.mark.parametrize("name", JUDGES)
def test_a_judge_computes_what_its_network_does(name):
    """On every backend: the network is Keras' own, the judge plain operations on its weights."""
    judge, network = JUDGES[name](), presets.load(name)
    images = np.random.default_rng(0).uniform(-1, 1, (5, *network.input_shape[1:])).astype("float32")
    logits = keras.ops.convert_to_numpy(network((images + 1) / 2))
    expected = np.exp(logits - logits.max(1, keepdims=True))
    np.testing.assert_allclose(judge.probabilities(images), expected / expected.sum(1, keepdims=True), rtol=1e-4, atol=1e-5)
    assert judge.reference().extractor == name
    judge.reference().check(judge)


def test_digits_may_be_larger(halves):
    features = metrics.DigitClassifier().features(halves[1][:5])
    upscaled = metrics.DigitClassifier().features(datasets.resize(halves[1][:5], 24))
    np.testing.assert_allclose(upscaled, features, rtol=1e-3, atol=1e-4)


def test_the_digits_that_the_reference_was_made_of(halves):
    judge = metrics.DigitClassifier()
    moments = metrics.Moments.of(judge.features(halves[1]), judge.name)
    assert judge.reference().count == len(halves[1])
    assert abs(judge.reference().distance(moments)) < 1e-6


def test_mnist_at_every_size():
    images, labels = datasets.arrays("mnist", "test")
    judge = metrics.MNISTClassifier()
    features = judge.features(images)
    assert (judge.probabilities(images).argmax(1) == labels).mean() >= 0.95
    assert abs(judge.reference().distance(metrics.Moments.of(features, judge.name))) < 1e-3
    np.testing.assert_allclose(judge.features(images_of(images[:20], 32)), features[:20], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(judge.features(datasets.resize(images[:20], 56)), features[:20], rtol=1e-3, atol=1e-3)
    for size in (16, 48, 64):  # interpolated there and averaged back
        assert (judge.probabilities(images_of(images[:200], size)).argmax(1) == labels[:200]).mean() > 0.8, size


def images_of(images, size):
    return images_module.pad(images, size) if size == 32 else datasets.resize(images, size)


def test_figures_of_mnist_judge_classes_too():
    images, _ = datasets.arrays("mnist", "test")
    figures = metrics.sample_report(images[:300], images[300:600], metrics.MNISTClassifier())
    assert figures["classes_present[mnist-cnn,n=300]"] == 10
    assert "frechet_distance[mnist-cnn,n=300]" in figures


def test_values_outside_are_clipped(halves):
    wide = 1.5 * halves[1][:5]
    classifier = metrics.DigitClassifier()
    for features in (classifier.features(wide), np.asarray(classifier(wide))):
        np.testing.assert_allclose(features, classifier.features(wide.clip(-1, 1)), rtol=1e-5)


def test_every_image_counts(halves):
    class InFours(metrics.DigitClassifier):
        batch_size = 4

    features = InFours().features(halves[1][:10])
    np.testing.assert_allclose(features, metrics.DigitClassifier().features(halves[1][:10]), rtol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: c(np.zeros((2, 9, 9, 1))), "multiple of 8"),
        (lambda c: c(np.zeros((2, 8, 8, 3))), "digits-mlp64 judges images"),
        (lambda c: c.features(np.full((2, 8, 8, 1), 16.0)), r"\[-1, 1\]"),
        (lambda c: c.features(np.full((2, 8, 8, 1), np.nan)), "finite"),
        (lambda c: c.features(np.zeros((0, 8, 8, 1))), "count"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(metrics.DigitClassifier())
