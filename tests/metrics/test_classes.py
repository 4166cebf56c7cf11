"""Agreement with the class asked for, and figures within classes."""

import numpy as np
import pytest

import kgan
from kgan.metrics import class_agreement, frechet_distance, precision_recall, sample_report, within_classes


def test_agreement_by_hand():
    shares = np.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.3, 0.3, 0.4], [1.0, 0.0, 0.0]])
    assert class_agreement(shares, [0, 1, 2, 1]) == 0.75
    for labels in ([0, 1, 2], [0, 1, 2, 3], [0.0, 1.0, 2.0, 1.0], [0, 1, 2, -1]):
        with pytest.raises(ValueError, match=r"classes asked for|Labels must be"):
            class_agreement(shares, labels)


def test_within_classes_is_every_class_by_itself():
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(60, 2)), rng.normal(1.0, 2.0, size=(50, 2))
    real_labels, fake_labels = rng.integers(0, 3, 60), rng.integers(0, 3, 50)
    found = within_classes(real, real_labels, fake, fake_labels)
    assert set(found) == {0, 1, 2}
    for label, figures in found.items():
        a, b = real[real_labels == label], fake[fake_labels == label]
        n = min(len(a), len(b))
        assert figures["count"] == n
        assert figures["frechet_distance"] == pytest.approx(frechet_distance(a[:n], b[:n]))
        assert (figures["precision"], figures["recall"]) == precision_recall(a[:n], b[:n], 3)
    assert within_classes(real, np.zeros(60, int), fake, np.ones(50, int)) == {}


def test_classes_that_changed_places_show_within_classes_alone():
    """The samples are the data, under other labels: the whole set agrees, no class does."""
    images, labels = kgan.datasets.arrays("digits", "test")
    order = np.argsort(labels, kind="stable")
    images, labels = images[order], labels[order]
    right = sample_report(images, images, kgan.metrics.DigitClassifier(), labels, labels)
    wrong = sample_report(images, images, kgan.metrics.DigitClassifier(), labels, (labels + 1) % 10)
    (distance,) = (name for name in right if name.startswith("intra_class_frechet_distance[digits-mlp64,n="))
    (agreement,) = (name for name in right if name.startswith("class_agreement[digits-mlp64,n="))
    assert right[agreement] > 0.95
    assert wrong[agreement] < 0.05
    assert right[distance] < 1e-6 < 1.0 < wrong[distance]
    whole = [name for name in right if name.startswith("frechet_distance")]
    assert [right[name] for name in whole] == [wrong[name] for name in whole]
    with pytest.warns(UserWarning, match="singular"):
        few = sample_report(images, images[::100], kgan.metrics.DigitClassifier(), labels, labels[::100])
    assert not [name for name in few if name.startswith("intra")]
    with pytest.raises(ValueError, match="both sets"):
        sample_report(images, images, kgan.metrics.DigitClassifier(), labels)


def test_every_image_passes_the_extractor_once(monkeypatch):
    seen = []
    features = kgan.metrics.DigitClassifier.features
    monkeypatch.setattr(kgan.metrics.DigitClassifier, "features", lambda self, x: seen.append(len(x)) or features(self, x))
    images, labels = kgan.datasets.arrays("digits", "test")
    sample_report(images[:300], images[:200], kgan.metrics.DigitClassifier(), labels[:300], labels[:200])
    assert sorted(seen) == [200, 300]
    seen.clear()
    sample_report(images[:300], images[:200], kgan.metrics.DigitClassifier())
    assert sorted(seen) == [200, 200]
