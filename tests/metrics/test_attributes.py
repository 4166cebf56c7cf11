"""Attribute classifier, agreement and conditional diversity, against what is known of made-up and drawn images."""

import keras
import numpy as np
import pytest

from kgan import metrics
from kgan.datasets import FACE_ATTRIBUTES, draw_faces


def squares(labels, noise=0.2, seed=0):
    """Images 8x8 whose quarters are bright where a label is 1."""
    images = -0.5 * np.ones((len(labels), 8, 8, 1), "float32")
    for column, (top, left) in zip(labels.T, ((0, 0), (0, 4), (4, 0)), strict=False):
        images[:, top : top + 4, left : left + 4, 0] += column[:, None, None]
    return (images + np.random.default_rng(seed).normal(scale=noise, size=images.shape)).clip(-1, 1).astype("float32")


@pytest.fixture(scope="module")
def judged():
    labels = np.random.default_rng(1).integers(0, 2, (900, 3))
    return metrics.attribute_classifier(squares(labels), labels, ["a", "b", "c"], held_out=1 / 3, batch_size=32, epochs=4), labels


def test_the_classifier_learns_and_says_how_well(judged):
    classifier, labels = judged
    assert set(classifier.accuracies) == set(classifier.balanced_accuracies) == {"a", "b", "c"}
    assert min(classifier.accuracies.values()) > 0.97
    fresh = squares(labels, seed=2)
    assert min(metrics.attribute_agreement(classifier, fresh, labels).values()) > 0.97
    wrong = labels * [1, 1, 0] + (1 - labels) * [0, 0, 1]
    assert metrics.attribute_agreement(classifier, fresh, wrong)["c"] < 0.03


def test_held_out_images_are_not_trained_on():
    """Labels that nothing shows: what was trained on could be remembered, what was held out cannot."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 2, (1200, 1))
    images = generator.uniform(-1, 1, (1200, 8, 8, 1)).astype("float32")
    classifier = metrics.attribute_classifier(images, labels, held_out=0.5, batch_size=30, epochs=12)
    assert classifier.accuracies["0"] == pytest.approx(0.5, abs=0.08)
    assert metrics.attribute_agreement(classifier, images, labels)["0"] > 0.65


def test_the_classifier_is_an_extractor(judged):
    classifier, labels = judged
    images = squares(labels[:100])
    features = classifier.features(images)
    assert features.shape == (100, classifier.feature_size) == (100, 64)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(classifier(images)), features, rtol=1e-3, atol=1e-4)
    assert classifier.probabilities(images).shape == (100, 3)
    metric = metrics.FrechetDistance(classifier)
    metric.update_state(images, images)
    assert metric.name == f"frechet_distance[{classifier.name}]"
    assert abs(metric.result()) < 1e-3
    with pytest.raises(NotImplementedError, match="Train it again"):
        classifier.get_config()


def test_a_seed_repeats_the_training(judged):
    labels = np.random.default_rng(3).integers(0, 2, (60, 3))
    one, same = (metrics.attribute_classifier(squares(labels), labels, epochs=1, batch_size=20, seed=5) for _ in range(2))
    images = squares(labels, seed=9)
    np.testing.assert_allclose(one.probabilities(images), same.probabilities(images), rtol=1e-4)
    assert one.name != judged[0].name


def test_drawn_faces_are_told_apart():
    """A small training on few attributes at the least size; the nine at 32x32 take 16 seconds and reach 99.9 %."""
    labels = np.random.default_rng(0).integers(0, 2, (1000, 9))
    faces = draw_faces(dict(zip(FACE_ATTRIBUTES, labels.T, strict=True)), size=16)
    classifier = metrics.attribute_classifier(faces, labels, FACE_ATTRIBUTES, epochs=8, batch_size=25)
    for name in ("Young", "Male", "Eyeglasses", "Bald"):
        assert classifier.balanced_accuracies[name] > 0.93


class Columns:
    """Sees exactly the labels that are written into the first pixels."""

    attributes = ("a", "b")

    def probabilities(self, images):
        return np.asarray(images)[:, 0, :2, 0]


def test_agreement_by_hand():
    seen = np.asarray([[1, 0], [1, 0], [0, 0], [0, 1]])
    images = np.zeros((4, 4, 4, 1))
    images[:, 0, :2, 0] = seen
    labels = np.asarray([[1, 0], [1, 0], [1, 0], [0, 0]])
    assert metrics.attribute_agreement(Columns(), images, labels) == {"a": 0.75, "b": 0.75}
    balanced = metrics.attribute_agreement(Columns(), images, labels, balanced=True)
    assert balanced == {"a": pytest.approx((2 / 3 + 1) / 2), "b": 0.75}


def constants(values):
    return np.asarray(values, "float64").reshape(-1, 1, 1, 1) * np.ones((1, 8, 8, 3))


def test_diversity_by_hand():
    # Label vector (0, 1): 3 images, distances 0.2, 0.6, 0.4; (1, 1): 2 images, distance 1; (1, 0): one image, left out.
    images = constants([0.0, 0.2, 0.6, -0.5, 0.5, 0.9])
    labels = [[0, 1]] * 3 + [[1, 1]] * 2 + [[1, 0]]
    assert metrics.conditional_diversity(images, labels) == pytest.approx((3 * 0.4 + 2 * 1.0) / 5)

    class Doubled:
        name, feature_size = "doubled", 1

        def __call__(self, images):
            return keras.ops.convert_to_tensor(2 * images[:, :1, 0, 0].astype("float32"))

    assert metrics.conditional_diversity(images, labels, Doubled()) == pytest.approx(2 * (3 * 0.4 + 2 * 1.0) / 5, rel=1e-5)


def test_diversity_of_many_pairs_is_estimated():
    generator = np.random.default_rng(0)
    values = generator.uniform(-1, 1, 400)
    labels = np.zeros((400, 1), int)
    exact = np.abs(values[:, None] - values).sum() / (400 * 399)
    assert metrics.conditional_diversity(constants(values), labels, pairs=10**6) == pytest.approx(exact)
    assert metrics.conditional_diversity(constants(values), labels, pairs=4000) == pytest.approx(exact, rel=0.05)


def test_diversity_sees_collapse_within_labels_alone():
    labels = np.repeat([[0, 0], [0, 1], [1, 0], [1, 1]], 10, axis=0)
    spread = draw_faces({"Male": labels[:, 0], "Smiling": labels[:, 1]})
    collapsed = spread[[0] * 10 + [10] * 10 + [20] * 10 + [30] * 10]
    for arguments in ({}, {"similarity": True, "pairs": 10}):
        assert metrics.conditional_diversity(collapsed, labels, **arguments) == pytest.approx(0, abs=1e-6)
        assert metrics.conditional_diversity(spread, labels, **arguments) > 0.2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": np.zeros((50, 1))}, "100 images need labels"),
        ({"labels": np.full((100, 1), 2)}, "0 or 1.*row 0, column 0"),
        ({"labels": np.zeros((100, 1))}, r"same value of \['0'\]"),
        ({"attributes": ["a", "b"]}, "1 different names"),
        ({"held_out": 1.0}, "held_out"),
        ({"batch_size": 90}, "fewer than one minibatch"),
        ({"epochs": 0}, "epochs"),
        ({"images": np.full((100, 8, 8, 1), 200.0)}, r"\[-1, 1\]"),
    ],
)
def test_trainings_that_are_refused(arguments, message):
    labels = np.arange(100).reshape(-1, 1) % 2
    with pytest.raises(ValueError, match=message):
        metrics.attribute_classifier(**{"images": squares(labels), "labels": labels, **arguments})


def test_what_the_figures_refuse(judged):
    classifier, labels = judged
    with pytest.raises(ValueError, match=r"trained on images \(8, 8, 1\)"):
        metrics.attribute_agreement(classifier, np.zeros((2, 16, 16, 1)), labels[:2])
    with pytest.raises(ValueError, match="labels have 2 columns"):
        metrics.attribute_agreement(classifier, squares(labels[:2]), labels[:2, :2])
    with pytest.raises(ValueError, match="None of 2 label vectors has two"):
        metrics.conditional_diversity(constants([0, 0]), [[0], [1]])
    with pytest.raises(ValueError, match="one of them"):
        metrics.conditional_diversity(constants([0, 0]), [[0], [0]], classifier, similarity=True)
    with pytest.raises(TypeError, match="extractor"):
        metrics.conditional_diversity(constants([0, 0]), [[0], [0]], "classifier")
