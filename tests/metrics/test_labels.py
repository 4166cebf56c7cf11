"""Distributions of labels and of points in cells."""

import itertools

import numpy as np
import pytest

from kgan.causal import PolynomialModel, StructuralModel, structural_model
from kgan.metrics import binned_distribution, label_distribution, total_variation


def test_cells_are_those_of_the_joint():
    # 00, 01, 01, 11: the first label is the highest bit.
    assert label_distribution([[0, 0], [0, 1], [0, 1], [1, 1]]).tolist() == [0.25, 0.5, 0.0, 0.25]
    assert label_distribution({"A": [0, 0, 0, 1], "B": [0, 1, 1, 1]}).tolist() == [0.25, 0.5, 0.0, 0.25]
    model = structural_model("celeba")
    certain = {n: np.full((2,) * len(model.graph.parents[n]), float(n in ("Male", "Smiling"))) for n in model.graph.nodes}
    certain = StructuralModel(model.graph, certain)
    np.testing.assert_array_equal(certain.joint().ravel(), label_distribution(certain.sample(3, seed=0)))
    np.testing.assert_array_equal(label_distribution(certain.sample(3, seed=0).matrix()), certain.joint().ravel())


def test_all_cells_count():
    """Combinations that the data never show are not dropped, as in the published code: they are half of the distance."""
    data, made = np.tile([[0, 0], [1, 1]], (5, 1)), np.array([[0, 0], [1, 1], [0, 1], [0, 1]])
    assert total_variation(label_distribution(data), label_distribution(made)) == pytest.approx(0.5)
    assert total_variation(label_distribution(data), label_distribution([[0, 1]])) == 1.0
    combinations = list(itertools.product((0, 1), repeat=3))
    np.testing.assert_allclose(label_distribution(combinations), 1 / 8)


@pytest.mark.parametrize(
    "labels", [[0, 1], [], [[0.5, 1]], [[2, 0]], [[-1, 1]], np.zeros((2, 25)), np.zeros((2, 2, 2)), np.zeros((0, 2))]
)
def test_labels_that_are_none(labels):
    with pytest.raises(ValueError, match="0 and 1, at most 24"):
        label_distribution(labels)


def test_bins_by_hand():
    points = [[0.0, 0.0], [0.49, 0.51], [0.2, 0.9], [1.0, 1.0]]
    assert binned_distribution(points, 2).tolist() == [0.25, 0.5, 0.0, 0.25]
    shares = binned_distribution(PolynomialModel("collider", 0).sample(1000, seed=0))
    assert shares.shape == (1000,)
    assert shares.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("points", [[[0.5, 1.2]], [[-0.1, 0.5]], [[np.nan, 0.5]], [0.5], np.zeros((0, 2))])
def test_points_outside_of_the_cells_are_refused_not_dropped(points):
    with pytest.raises(ValueError, match=r"in \[0, 1\]"):
        binned_distribution(points)
