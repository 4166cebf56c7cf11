"""Figures of shapes: hand-worked numbers, scikit-learn's average precision, refusals."""

import numpy as np
import pytest

import kgan
from kgan.shapes import largest_component


def blocks():
    """Two shapes: one block of 2 x 2 x 4 cells; two blocks of 1 and 8 cells that touch at a corner only."""
    shapes = np.zeros((2, 8, 8, 8, 1), "int8")
    shapes[0, 2:4, 2:4, 2:6] = 1
    shapes[1, 0, 0, 0] = shapes[1, 1:3, 1:3, 1:3] = 1
    return shapes


def test_iou_by_hand():
    a = blocks()
    b = np.roll(a, 1, axis=3)  # along z: 12 of 20 cells; of 1 + 8 cells none of the one and 4 of the eight
    np.testing.assert_allclose(kgan.shapes.voxel_iou(a, b), [12 / 20, 4 / 14])
    np.testing.assert_allclose(kgan.shapes.voxel_iou(0.3 * a.astype("float32"), a, 0.5), [0.0, 0.0])
    np.testing.assert_allclose(kgan.shapes.voxel_iou(0.3 * a.astype("float32"), a, 0.3 - 1e-6), [1.0, 1.0])
    np.testing.assert_allclose(kgan.shapes.voxel_iou(0 * a, 0 * a), [1.0, 1.0])


def test_the_mean_shape_is_cut_where_it_fits_best():
    # Three training shapes of four share the block, one is another: the best guess is the block, for thresholds between 1/4 and 3/4.
    block, other = blocks()[:1], np.roll(blocks()[:1], 3, axis=1)
    iou, threshold = kgan.shapes.mean_shape_iou(np.concatenate([block, block, block, other]), block)
    assert iou == 1.0
    assert 0.25 < threshold <= 0.75


def test_components_connect_through_faces():
    assert kgan.shapes.connected_components(blocks()).tolist() == [1, 2]
    assert kgan.shapes.connected_components(0 * blocks()).tolist() == [0, 0]
    largest = largest_component(blocks()[1])
    assert largest.sum() == 8
    assert not largest[0, 0, 0]


def test_the_report_by_hand():
    shapes = blocks().astype("float32")
    report = kgan.shapes.shape_report(shapes)
    assert report["occupancy"] == pytest.approx((16 + 9) / 1024)
    assert report["single_component"] == 0.5
    assert report["binariness"] == 0.0
    different = (shapes[0] != shapes[1]).mean()
    assert report["diversity"] == pytest.approx(different)
    assert kgan.shapes.shape_report(np.full((2, 4, 4, 4), 0.25))["binariness"] == pytest.approx(0.75)
    assert kgan.shapes.shape_report(np.full((2, 4, 4, 4), 0.25))["empty"] == 1.0


def test_average_precision_agrees_with_scikit_learn(rng):
    from sklearn.metrics import average_precision_score

    truth = rng.random((3, 5, 5, 5)) < 0.2
    guess = np.round(np.clip(0.4 * truth + rng.random(truth.shape) * 0.6, 0, 1), 2)  # with ties
    expected = [average_precision_score(t.ravel(), g.ravel()) for t, g in zip(truth, guess, strict=True)]
    np.testing.assert_allclose(kgan.shapes.average_precision(guess, truth), expected)


def test_linear_accuracy_tells_what_can_be_told_from_what_cannot(rng):
    labels, test_labels = np.repeat(np.arange(3), 30), np.repeat(np.arange(3), 20)
    train, test = rng.normal(size=(90, 6)), rng.normal(size=(60, 6))
    train[np.arange(90), labels] += 6
    test[np.arange(60), test_labels] += 6
    assert kgan.shapes.linear_accuracy(train, labels, test, test_labels, per_class=10) > 0.95
    assert kgan.shapes.linear_accuracy(train, rng.permutation(labels), test, test_labels) < 0.7
    first = kgan.shapes.linear_accuracy(train, labels, test, test_labels, per_class=2, seed=1)
    assert first == kgan.shapes.linear_accuracy(train, labels, test, test_labels, per_class=2, seed=1)
    with pytest.raises(ValueError, match="class 0 has 30 examples"):
        kgan.shapes.linear_accuracy(train, labels, test, test_labels, per_class=31)


@pytest.mark.parametrize("function", [kgan.shapes.voxel_iou, kgan.shapes.average_precision])
def test_what_are_no_cubes_in_0_1_is_refused(function):
    good = blocks()
    with pytest.raises(ValueError, match="one shape"):
        function(good[:, :4, :4, :4], good)
    with pytest.raises(ValueError, match=r"\(count, size, size, size\)"):
        function(good[:, :4], good[:, :4])
    with pytest.raises(ValueError, match=r"lie in \[0, 1\]"):
        function(2 * good - 1, good)
