"""Features without training: equal everywhere, and figures over them that order what they should."""

import random

import keras
import numpy as np
import pytest

from kgan import datasets, metrics


def test_the_network_is_fixed():
    """Numbers of another day and another backend: a change of the network would need another name."""
    ramp = np.linspace(-1, 1, 2 * 40 * 48 * 3, dtype="float32").reshape(2, 40, 48, 3)
    found = metrics.RandomConvolutions().features(ramp)
    assert found.shape == (2, 64)
    np.testing.assert_allclose(found[:, :4], FOUND, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.sum(1), SUMS, rtol=1e-4)
    assert np.abs(metrics.RandomConvolutions(1).features(ramp) - found).max() > 0.1


FOUND = [[0.163841, 0.869109, 0.057607, 0.0], [0.300201, 0.657162, 0.0, 0.655926]]
SUMS = [18.32301, 19.798836]


def test_orderings_on_digits():
    train, labels = datasets.arrays("digits", "train")
    test = datasets.arrays("digits", "test")[0][: len(train)]
    extractor = metrics.RandomConvolutions()

    def figures(fake):
        found = metrics.sample_report(test, fake, extractor)
        assert all("[random-conv-s0,n=" in name for name in found)
        return {name.split("[")[0]: value for name, value in found.items()}

    rows = {
        "real": figures(train),
        "noise": figures(np.random.default_rng(0).uniform(-1, 1, train.shape).astype("float32")),
        "five": figures(np.concatenate([train[labels < 5]] * 2)[: len(train)]),
        "ten": figures(np.concatenate([train[[list(labels).index(c) for c in range(10)]]] * 90)[: len(train)]),
    }
    assert set(rows["real"]) == {"frechet_distance", "kernel_distance", "precision", "recall", "density", "coverage"}
    distances = {name: row["frechet_distance"] for name, row in rows.items()}
    assert 5 * distances["real"] < min(distances[name] for name in ("five", "ten", "noise"))
    assert rows["real"]["coverage"] > 0.9 > 0.7 > rows["five"]["coverage"] > 0.2 > rows["ten"]["coverage"]
    assert rows["five"]["recall"] < 0.7 * rows["real"]["recall"]
    assert rows["five"]["precision"] > 0.8
    assert max(rows["noise"]["precision"], rows["noise"]["density"]) < 0.01


def test_gray_is_repeated_and_there_are_no_classes():
    images = np.random.default_rng(0).uniform(-1, 1, (3, 32, 32, 1)).astype("float32")
    extractor = metrics.RandomConvolutions()
    np.testing.assert_allclose(extractor.features(images), extractor.features(images.repeat(3, axis=3)), rtol=1e-5)
    with pytest.raises(TypeError, match="no classes"):
        extractor.probabilities(images)
    with pytest.raises(TypeError, match="needs an extractor with `classify"):
        metrics.ClassScore(extractor)
    with pytest.raises(ValueError, match="1 or 3"):
        extractor(np.zeros((2, 8, 8, 2)))
    with pytest.raises(ValueError, match="seed"):
        metrics.RandomConvolutions(-1)


def test_a_metric_with_it_is_stored():
    metric = metrics.FrechetDistance(metrics.RandomConvolutions(3))
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    assert again.extractor.name == "random-conv-s3"


@pytest.mark.parametrize("name", ["digits-mlp64", "mnist-cnn", "fashion-cnn", "random-conv", "random-conv:7"])
def test_extractors_by_name(name):
    assert metrics.extractor(name).name == {"random-conv": "random-conv-s0", "random-conv:7": "random-conv-s7"}.get(name, name)


@pytest.mark.parametrize("name", ["", "mnist", "random-conv:x", "random-conv:-1", "digits-mlp64:2"])
def test_other_names_are_refused(name):
    with pytest.raises(ValueError, match="An extractor is one of digits-mlp64"):
        metrics.extractor(name)


def test_the_inception_graph_by_name(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        metrics.extractor("inception:/nowhere/graph.pb")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=f"no weights '{tmp_path}.*kgan does not download"):
        metrics.extractor("keras-inception")
    (tmp_path / "other.h5").write_bytes(b"no weights")
    with pytest.raises(ValueError, match="is not weights of keras"):
        metrics.extractor(f"keras-inception:{tmp_path / 'other.h5'}")


@pytest.mark.slow
@pytest.mark.only("tensorflow")
def test_keras_inception_from_a_file(tmp_path):
    network = keras.applications.InceptionV3(weights=None)
    path = tmp_path / "inception.weights.h5"
    network.save_weights(path)
    state = random.getstate()
    extractor = metrics.extractor(f"keras-inception:{path}")
    assert random.getstate() == state
    assert extractor.name.startswith("keras-inception-v3:")
    images = np.random.default_rng(0).uniform(-1, 1, (2, 299, 299, 3)).astype("float32")
    expected = keras.ops.convert_to_numpy(network(images, training=False))
    np.testing.assert_allclose(extractor.probabilities(images), expected, rtol=1e-3, atol=1e-6)
    assert extractor.features(images[:, :40, :30, :1]).shape == (2, 2048)
    with pytest.warns(UserWarning, match="singular"):
        figures = metrics.sample_report(images, images, extractor)
    assert all("[keras-inception-v3:" in name and not name.startswith(("FID", "IS", "KID")) for name in figures)


@pytest.mark.parametrize(
    ("dataset", "shape", "name"),
    [
        ("digits", (16, 16, 1), "digits-mlp64"),
        ("digits", (12, 12, 1), "random-conv"),
        ("fashion_mnist", (28, 28, 1), "fashion-cnn"),
        ("mnist", (32, 32, 3), "random-conv"),
        ("folder:x", (64, 64, 3), "random-conv"),
        (None, (64, 64, 3), "random-conv"),
        ("photos", (8, 8, 4), None),
        ("solids", (16, 16, 16, 1), None),
    ],
)
def test_the_extractor_of_a_data_set(dataset, shape, name):
    assert metrics.extractor_name_of(dataset, shape) == name
