"""Precision, recall, density, coverage: by hand, their expectations, chunks."""

import numpy as np
import pytest

from kgan import metrics


def test_by_hand():
    # k = 1. Real 0, 1, 3 with radii 1, 1, 2; generated 2, 6, 9 with radii 4, 3, 3.
    real, fake = np.asarray([[0.0], [1.0], [3.0]]), np.asarray([[2.0], [6.0], [9.0]])
    # 2 lies in the balls of 1 (at the rim) and 3; 6 and 9 in none. All real points lie in the ball of 2.
    assert metrics.precision_recall(real, fake, k=1) == (pytest.approx(1 / 3), 1.0)
    # Balls that hold the generated points: 2, 0, 0. The balls of 1 and 3 hold a generated point, that of 0 none.
    assert metrics.density_coverage(real, fake, k=1) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    # k = 2. Radii of real points: 3, 2, 3; 2 lies in all three balls, 6 in that of 3. Radii of generated ones: 7, 4, 7.
    assert metrics.precision_recall(real, fake, k=2) == (pytest.approx(2 / 3), 1.0)
    assert metrics.density_coverage(real, fake, k=2) == (pytest.approx(4 / 6), 1.0)


def test_expectations_for_equal_distributions(rng):
    real, fake = rng.normal(size=(1500, 8)), rng.normal(size=(1500, 8))
    density, coverage = metrics.density_coverage(real, fake)
    assert density == pytest.approx(1.0, abs=0.06)
    assert coverage == pytest.approx(1 - 2.0**-5, abs=0.02)
    precision, recall = metrics.precision_recall(real, fake)
    assert precision == pytest.approx(recall, abs=0.06)


def test_what_they_tell_apart(rng):
    real = rng.normal(size=(600, 4))
    mode_dropping, noise = real * [0.2, 1, 1, 1], rng.normal(size=(600, 4)) * 8
    precision, recall = metrics.precision_recall(real, mode_dropping + rng.normal(size=(600, 4)) * 0.05)
    assert precision > recall + 0.2
    assert metrics.precision_recall(real, noise)[0] < 0.1
    # An outlier among the generated points inflates recall, not coverage.
    point = np.tile(real[:1], (600, 1)) + rng.normal(size=(600, 4)) * 1e-3
    assert metrics.precision_recall(real, np.concatenate([point[:-4], noise[:4] * 10]))[1] > 0.9
    assert metrics.density_coverage(real, np.concatenate([point[:-4], noise[:4] * 10]))[1] < 0.05


@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_chunks_change_nothing(rng, chunk):
    real, fake = rng.normal(size=(50, 3)), rng.normal(size=(41, 3))
    assert metrics.precision_recall(real, fake, chunk=chunk) == metrics.precision_recall(real, fake)
    assert metrics.density_coverage(real, fake, chunk=chunk) == metrics.density_coverage(real, fake)


@pytest.mark.parametrize("measure", [metrics.precision_recall, metrics.density_coverage])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"k": 5}, "more than 5"), ({"k": 0}, "`k`"), ({"chunk": 0}, "`chunk`"), ({"fake": np.zeros((5, 3))}, "feature size")],
)
def test_what_is_refused(measure, arguments, message):
    with pytest.raises(ValueError, match=message):
        measure(**{"real": np.zeros((5, 2)), "fake": np.zeros((5, 2)), "k": 1, **arguments})


def test_nearest_neighbors_do_not_depend_on_the_parts(rng):
    points, features = rng.normal(size=(7, 3)), rng.normal(size=(20, 3))
    examples = np.arange(40.0).reshape(20, 2)
    expected = np.linalg.norm(points[:, None] - features, axis=2)
    order = np.argsort(expected, axis=1)[:, :4]
    for borders in ([20], [1, 2, 3, 20], [13, 20], [19, 20]):
        starts = [0, *borders[:-1]]
        parts = [(features[a:b], examples[a:b]) for a, b in zip(starts, borders, strict=True)]
        found, distances = metrics.nearest_neighbors(points, iter(parts), 4)
        np.testing.assert_array_equal(found, examples[order])
        np.testing.assert_allclose(distances, np.take_along_axis(expected, order, 1))
    for parts, message in (([], "4 neighbors need as many"), ([(features[:, :2], examples)], "Features must be finite")):
        with pytest.raises(ValueError, match=message):
            metrics.nearest_neighbors(points, parts, 4)
