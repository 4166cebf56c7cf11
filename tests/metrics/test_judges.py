"""The digit classifier and the orderings that say what the figures measure."""

import warnings

import numpy as np
import pytest

from kgan import datasets, metrics


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


def test_the_classifier_is_deterministic_and_survives_a_broken_cache(tmp_path, monkeypatch, halves):
    from kgan.metrics import digits

    features = metrics.DigitClassifier().features(halves[1][:5])
    monkeypatch.setenv("KGAN_CACHE", str(tmp_path))
    (tmp_path / "digits_mlp64_v1.npz").write_bytes(b"PK\x03\x04broken")
    digits._weights.cache_clear()
    np.testing.assert_allclose(metrics.DigitClassifier().features(halves[1][:5]), features, rtol=1e-4)
    with np.load(tmp_path / "digits_mlp64_v1.npz") as repaired:
        assert len(repaired.files) == 6
    upscaled = metrics.DigitClassifier().features(datasets.resize(halves[1][:5], 24))
    np.testing.assert_allclose(upscaled, features, rtol=1e-3, atol=1e-4)


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
        (lambda c: c.features(np.full((2, 8, 8, 1), 16.0)), r"\[-1, 1\]"),
        (lambda c: c.features(np.full((2, 8, 8, 1), np.nan)), "finite"),
        (lambda c: c.features(np.zeros((0, 8, 8, 1))), "count"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(metrics.DigitClassifier())
