"""Metrics against closed forms, and the orderings that say what they measure."""

import keras
import numpy as np
import pytest

import kgan
from kgan import datasets, metrics


def test_frechet_distance_of_known_gaussians():
    # |e_1|^2 + tr(I) + tr(diag(4, 1, 1/4)) - 2 tr diag(2, 1, 1/2) = 1 + 3 + 5.25 - 7.
    args = np.zeros(3), np.eye(3), np.eye(3)[0], np.diag([4.0, 1.0, 0.25])
    assert metrics.frechet_distance_from_moments(*args) == pytest.approx(2.25, abs=1e-12)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(200_000, 3)), rng.normal(size=(200_000, 3)) * [2.0, 1.0, 0.5] + [1.0, 0.0, 0.0]
    assert metrics.frechet_distance(x, y) == pytest.approx(2.25, abs=0.03)
    assert metrics.frechet_distance(x, x) == pytest.approx(0.0, abs=1e-9)


def test_frechet_distance_of_rotated_covariances_and_singular_ones():
    # Commuting covariances in a rotated frame, one of rank 1: (sqrt(4) - sqrt(1))^2 + (0 - 1)^2.
    c, s = np.cos(0.7), np.sin(0.7)
    r = np.asarray([[c, -s], [s, c]])
    value = metrics.frechet_distance_from_moments(np.zeros(2), r @ np.diag([4.0, 0.0]) @ r.T, np.zeros(2), r @ np.eye(2) @ r.T)
    assert value == pytest.approx(2.0, abs=1e-6)


def test_kernel_distance_by_hand_and_its_expectation():
    # One feature, k(a, b) = (ab + 1)^3. X = {0, 1}: off-diagonal k = 1. Y = {1, 2}: k = 27. Cross: 1, 1, 8, 27.
    value = metrics.kernel_mmd2(np.asarray([[0.0], [1.0]]), np.asarray([[1.0], [2.0]]))
    assert value == pytest.approx(1.0 + 27.0 - 2 * (1 + 1 + 8 + 27) / 4)
    rng = np.random.default_rng(0)
    values = [metrics.kernel_mmd2(rng.normal(size=(50, 4)), rng.normal(size=(50, 4))) for _ in range(300)]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(300)
    mean, std = metrics.kernel_distance(rng.normal(size=(200, 4)), rng.normal(size=(200, 4)) + 1.0, subset_size=100)
    assert mean > 0.5
    assert std > 0


def test_class_score():
    assert metrics.class_score(np.eye(10)[np.arange(100) % 10]) == pytest.approx(10.0, rel=1e-6)
    assert metrics.class_score(np.full((20, 4), 0.25)) == pytest.approx(1.0)


def test_modes_of_real_data_and_of_one_point():
    for mixture, modes in ((datasets.ring(), 8), (datasets.grid(), 25)):
        real = metrics.mode_statistics(mixture.sample(2500, 0), mixture)
        assert real["modes"] == modes
        assert real["high_quality"] == pytest.approx(0.9889, abs=0.006)
        assert real["kl"] < 0.02
    one = metrics.mode_statistics(np.tile(datasets.ring().centres[:1], (100, 1)), datasets.ring())
    assert one == {"modes": 1, "high_quality": 1.0, "kl": pytest.approx(np.log(8))}
    far = metrics.mode_statistics(np.full((10, 2), 9.0), datasets.ring())
    assert (far["modes"], far["high_quality"], far["kl"]) == (0, 0.0, float("inf"))


def test_total_variation():
    assert metrics.total_variation([0.5, 0.5], [0.9, 0.1]) == pytest.approx(0.4)
    with pytest.raises(ValueError, match="distribution"):
        metrics.total_variation([0.5, 0.4], [0.5, 0.5])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.frechet_distance(np.zeros((1, 2)), np.zeros((5, 2))), "at least 2"),
        (lambda: metrics.frechet_distance(np.full((5, 2), np.nan), np.zeros((5, 2))), "NaN"),
        (lambda: metrics.frechet_distance(np.zeros((5, 2)), np.zeros((5, 3))), "feature size"),
        (lambda: metrics.kernel_distance(np.zeros((5, 2)), np.zeros((5, 2))), "subset_size"),
        (lambda: metrics.class_score(np.ones((4, 3))), "sum to 1"),
        (lambda: metrics.mode_statistics(np.zeros((4, 2)), datasets.ring(), sigmas=0), "sigmas"),
        (lambda: metrics.FrechetDistance(lambda x: x), "extractor"),
        (lambda: metrics.DigitClassifier()(np.zeros((2, 9, 9, 1))), "multiple of 8"),
    ],
)
def test_what_cannot_be_measured_is_refused(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()


def test_too_few_samples_warn():
    with pytest.warns(UserWarning, match="singular"):
        metrics.frechet_distance(np.random.default_rng(0).normal(size=(5, 8)), np.random.default_rng(1).normal(size=(5, 8)))


@pytest.fixture(scope="module")
def halves():
    return datasets.arrays("digits", "train")[0], datasets.arrays("digits", "test")[0]


def test_orderings_on_digits(halves):
    """What evaluation on memorised, missing or noisy digits must show."""
    train, test = halves
    labels = datasets.arrays("digits", "train")[1]

    def figures(samples):
        return {k.split("[")[0]: v for k, v in metrics.digit_report(test, samples).items()}

    real, five = figures(train), figures(np.concatenate([train[labels < 5]] * 2)[: len(train)])
    noise = figures(np.random.default_rng(0).uniform(-1, 1, train.shape).astype("float32"))
    ten = figures(np.concatenate([train[[list(labels).index(c) for c in range(10)]]] * 90)[: len(train)])
    assert real["frechet_distance"] < 1.3
    assert real["class_score"] > 9
    assert five["class_score"] == pytest.approx(5.0, abs=0.3)
    assert five["frechet_distance"] > 10 * real["frechet_distance"]
    assert noise["frechet_distance"] > 40
    # Ten memorised images score like held-out real data and lose on the distance.
    assert ten["class_score"] > 0.95 * figures(test)["class_score"]
    assert ten["frechet_distance"] > 5 * real["frechet_distance"]
    assert (real["classes_present"], five["classes_present"]) == (10, 5)


def test_the_classifier_is_deterministic_and_survives_a_broken_cache(tmp_path, monkeypatch, halves):
    from kgan.metrics import digits

    features = metrics.DigitClassifier().features(halves[1][:5])
    monkeypatch.setenv("KGAN_CACHE", str(tmp_path))
    (tmp_path / "digits_mlp64_v1.npz").write_bytes(b"broken")
    digits._weights.cache_clear()
    np.testing.assert_allclose(metrics.DigitClassifier().features(halves[1][:5]), features, rtol=1e-4)
    with np.load(tmp_path / "digits_mlp64_v1.npz") as repaired:
        assert len(repaired.files) == 6
    upscaled = metrics.DigitClassifier().features(datasets.resize(halves[1][:5], 24))
    np.testing.assert_allclose(upscaled, features, rtol=1e-3, atol=1e-4)


def test_streaming_forms_agree_with_the_definitions(halves):
    train, test = halves
    classifier = metrics.DigitClassifier()
    frechet, kernel = metrics.FrechetDistance(classifier), metrics.KernelDistance(classifier)
    for start in range(0, 800, 200):
        frechet.update_state(test[start : start + 200], train[start : start + 200])
        kernel.update_state(test[start : start + 200], train[start : start + 200])
    real, fake = classifier.features(test[:800]), classifier.features(train[:800])
    assert frechet.result() == pytest.approx(metrics.frechet_distance(real, fake), rel=1e-3)
    blocks = [metrics.kernel_mmd2(real[s : s + 200], fake[s : s + 200]) for s in range(0, 800, 200)]
    assert float(kernel.result()) == pytest.approx(np.mean(blocks), abs=2e-3)
    assert frechet.samples == 800
    mixture = datasets.grid()
    points = mixture.sample(500, 0)
    covered, share = metrics.ModesCovered(mixture), metrics.HighQualityShare(mixture)
    for metric in (covered, share):
        metric.update_state(None, points[:250])
        metric.update_state(None, points[250:])
    expected = metrics.mode_statistics(points, mixture)
    assert float(covered.result()) == expected["modes"]
    assert float(share.result()) == pytest.approx(expected["high_quality"], abs=1e-6)


def test_metrics_in_evaluate_and_their_configs(halves):
    model = kgan.SNGAN((8, 8, 1), width=0.05, seed=0)
    classifier = metrics.DigitClassifier()
    model.compile(metrics=[metrics.FrechetDistance(classifier), metrics.KernelDistance(classifier)])
    result = model.evaluate(halves[1][:192], batch_size=64, verbose=0, return_dict=True)
    assert result["frechet_distance[digits-mlp64]"] > 5
    assert "kernel_distance[digits-mlp64]" in result
    for metric in (metrics.FrechetDistance(classifier), metrics.ModesCovered(datasets.ring(), 2.0)):
        twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
        assert twin.name == metric.name
