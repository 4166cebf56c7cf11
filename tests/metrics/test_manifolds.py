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


def exactly(real, fake, k, more):
    """All four figures from the exact distances of all pairs."""
    own, theirs, across = (((a[:, None] - b[None]) ** 2).sum(-1) for a, b in ((real, real), (fake, fake), (fake, real)))
    balls, wide = np.sort(own, axis=1)[:, [k, more]].T  # of which the first is the point itself
    inside = across <= wide
    return {
        "precision": (across <= balls).any(axis=1).mean(),
        "recall": (across <= np.sort(theirs, axis=1)[:, k, None]).any(axis=0).mean(),
        "density": inside.sum() / len(fake) / more,
        "coverage": inside.any(axis=0).mean(),
    }


NORMAL = np.random.default_rng(1).normal(size=(3, 200, 12))
SIDES = np.where(np.arange(200) % 2, 1e3, -1e3)[:, None]


@pytest.mark.parametrize(
    ("real", "fake"),
    [
        pytest.param(NORMAL[0], NORMAL[1], id="normal"),
        pytest.param(NORMAL[0] + 1e4, NORMAL[1] + 1e4, id="far from zero"),
        pytest.param(NORMAL[0] + SIDES, NORMAL[1] - SIDES, id="two clusters far apart"),  # where single precision orders nothing
        pytest.param(NORMAL[0], np.tile(NORMAL[1][:1], (200, 1)), id="one point"),
        pytest.param(NORMAL[0], NORMAL[1][:1] + 1e-6 * NORMAL[2], id="almost one point"),
        pytest.param(NORMAL[0], NORMAL[0][::-1], id="copies"),
        pytest.param(1e-12 * NORMAL[0], 1e-12 * NORMAL[1], id="tiny"),
        pytest.param(np.round(NORMAL[0][:, :5]), np.round(NORMAL[1][:, :5]), id="ties"),
        pytest.param(np.concatenate([NORMAL[0], np.full((1, 12), 1e5)]), NORMAL[1], id="an outlier"),
    ],
)
def test_figures_are_those_of_exact_distances(real, fake):
    for chunk in (64, 2048):
        assert metrics.manifold_figures(real, fake, chunk=chunk) == pytest.approx(exactly(real, fake, 3, 5), abs=1e-12)
    assert metrics.precision_recall(real, fake) == tuple(
        metrics.manifold_figures(real, fake)[name] for name in ("precision", "recall")
    )


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
