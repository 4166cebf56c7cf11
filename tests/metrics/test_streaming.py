"""Streaming metrics against the definitions; in evaluate; their configurations."""

import warnings

import keras
import numpy as np
import pytest

import kgan
from kgan import datasets, metrics
from tests.games import strategy


@pytest.fixture(scope="module")
def halves():
    return datasets.arrays("digits", "train")[0], datasets.arrays("digits", "test")[0]


def test_agreement_with_the_definitions(halves):
    train, test = halves
    classifier = metrics.DigitClassifier()
    frechet, kernel, score = (m(classifier) for m in (metrics.FrechetDistance, metrics.KernelDistance, metrics.ClassScore))
    for start in range(0, 800, 200):
        for metric in (frechet, kernel, score):
            metric.update_state(test[start : start + 200], train[start : start + 200])
    real, fake = classifier.features(test[:800]), classifier.features(train[:800])
    assert frechet.result() == pytest.approx(metrics.frechet_distance(real, fake), rel=1e-3)
    assert float(kernel.result()) == pytest.approx(metrics.kernel_mmd2(real, fake), abs=2e-3)
    assert float(score.result()) == pytest.approx(metrics.class_score(classifier.probabilities(train[:800]))[0], rel=1e-4)
    assert frechet.samples == 800
    for metric in (frechet, kernel, score):
        metric.reset_state()
    assert frechet.samples == 0
    assert np.isnan(frechet.result())
    mixture = datasets.grid()
    points = mixture.sample(500, 0)
    covered, share = metrics.ModesCovered(mixture), metrics.HighQualityShare(mixture)
    for metric in (covered, share):
        metric.update_state(None, points[:250])
        metric.update_state(None, points[250:])
    expected = metrics.mode_statistics(points, mixture)
    assert float(covered.result()) == expected["modes"]
    assert float(share.result()) == pytest.approx(expected["high_quality"], abs=1e-6)


CUTS = ([66], [1] * 66, [64, 1, 1], [30, 36], [7] * 9 + [3])


@pytest.mark.parametrize("size", [7, 20, 33, 65, 1000])
def test_kernel_distance_is_the_same_however_the_set_is_cut(rng, size):
    real, fake = rng.normal(size=(66, 4)).astype("float32"), rng.normal(0.5, 1, (66, 4)).astype("float32")
    parts = [slice(start, start + size) for start in range(0, 66, size)]
    estimates = [(len(real[p]), metrics.kernel_mmd2(real[p], fake[p])) for p in parts if len(real[p]) > 1]
    expected = sum(n * value for n, value in estimates) / sum(n for n, _ in estimates)
    for cut in CUTS:
        metric, start = metrics.KernelDistance(Same(), subset_size=size), 0
        for n in cut:
            metric.update_state(real[start : start + n], fake[start : start + n])
            start += n
        assert float(metric.result()) == pytest.approx(expected, abs=1e-4), cut


class Same:
    name, feature_size = "same", 4

    def __call__(self, x):
        return x

    def classify(self, x):
        return keras.ops.softmax(x)


def test_every_streamed_metric_is_the_same_however_the_set_is_cut(rng):
    real, fake = rng.normal(size=(66, 4)).astype("float32"), rng.normal(0.5, 1, (66, 4)).astype("float32")
    mixture = datasets.Mixture(real[:5].tolist(), 0.5)
    made = {
        "frechet": lambda: metrics.FrechetDistance(Same()),
        "class score": lambda: metrics.ClassScore(Same()),
        "modes": lambda: metrics.ModesCovered(mixture),
        "share": lambda: metrics.HighQualityShare(mixture),
        "information": lambda: metrics.MutualInformation(kgan.codes.Categorical(4)),
    }
    for name, make in made.items():
        found = []
        for cut in CUTS:
            metric, start = make(), 0
            for n in cut:
                metric.update_state(real[start : start + n], fake[start : start + n])
                start += n
            found.append(float(metric.result()))
        np.testing.assert_allclose(found, found[0], rtol=1e-4, err_msg=name)


def test_reference_moments_take_the_place_of_the_real_examples(halves, tmp_path):
    train, test = halves
    classifier = metrics.DigitClassifier()
    reference = metrics.reference_moments("digits-test", classifier, [test[:450], test[450:]], cache=tmp_path)
    metric = metrics.FrechetDistance(classifier, reference=reference)
    metric.update_state(test[:3], train[:500])
    metric.update_state(None, train[500:])
    expected = metrics.frechet_distance(classifier.features(test), classifier.features(train))
    assert metric.result() == pytest.approx(expected, rel=1e-3)
    assert metric.samples == len(train)
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    np.testing.assert_array_equal(twin.reference.covariance, reference.covariance)
    with pytest.raises(ValueError, match="moments are of other"):
        metrics.FrechetDistance(classifier, reference=metrics.Moments(np.zeros(64), np.eye(64), 99, "other"))
    with pytest.raises(ValueError, match=r"unnamed features \(3\)"):
        metrics.FrechetDistance(classifier, reference=metrics.Moments(np.zeros(3), np.eye(3), 99))


def test_too_few_samples_warn(halves):
    metric = metrics.FrechetDistance(metrics.DigitClassifier())
    metric.update_state(halves[1][:64], halves[0][:64])
    with warnings.catch_warnings(record=True) as caught:  # pytest.warns would raise what the configuration ignores
        warnings.simplefilter("always")
        metric.result()
    assert any("64 and 64 samples with 64 features" in str(w.message) for w in caught)


def test_metrics_in_evaluate_and_their_configs(halves, tmp_path):
    model = kgan.GAN((8, 8, 1), latent_size=8, seed=0)
    classifier = metrics.DigitClassifier()
    reference = metrics.Moments.of(classifier.features(halves[1]), classifier.name)
    chosen = [
        metrics.FrechetDistance(classifier),
        metrics.FrechetDistance(classifier, reference, name="to_all"),
        metrics.KernelDistance(classifier),
        metrics.ClassScore(classifier),
    ]
    model.compile(metrics=chosen)
    result = model.evaluate(halves[1][:192], batch_size=64, verbose=0, return_dict=True)
    assert result["frechet_distance[digits-mlp64]"] > 5
    assert result["to_all"] > 5
    assert 1 <= result["class_score[digits-mlp64]"] < 10
    assert "kernel_distance[digits-mlp64]" in result
    for metric in (*chosen, metrics.ModesCovered(datasets.ring(), 2.0)):
        twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
        assert (type(twin), twin.name) == (type(metric), metric.name)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.evaluate(halves[1][:192], batch_size=64, verbose=0, return_dict=True) == pytest.approx(result, rel=1e-4)


def test_what_is_refused():
    class Features:
        name, feature_size = "features", 2

        def __call__(self, x):
            return x

    with pytest.raises(ValueError, match="as many real as generated"):
        metrics.KernelDistance(Features()).update_state(np.zeros((4, 2)), np.ones((3, 2)))

    with pytest.raises(TypeError, match="extractor"):
        metrics.FrechetDistance(lambda x: x)
    with pytest.raises(TypeError, match="classify"):
        metrics.ClassScore(Features())
    metrics.FrechetDistance(Features()).update_state(np.zeros((4, 2)), np.ones((4, 2)))


@pytest.mark.only("tensorflow")
def test_replicas_measure_one_kernel_distance(rng):
    import tensorflow as tf

    real, fake = rng.normal(size=(24, 4)).astype("float32"), rng.normal(0.5, 1, (24, 4)).astype("float32")
    alone = metrics.KernelDistance(Same(), subset_size=7)
    alone.update_state(real, fake)
    replicas = strategy()
    with replicas.scope():
        shared = metrics.KernelDistance(Same(), subset_size=7)
    for pair in replicas.experimental_distribute_dataset(tf.data.Dataset.from_tensor_slices((real, fake)).batch(8)):
        replicas.run(tf.function(lambda r, f: shared.update_state(r, f)), pair)
    assert float(shared.result()) == pytest.approx(float(alone.result()), abs=1e-5)
