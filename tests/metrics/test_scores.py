"""Class score and Mode Score: extremes, identities, splits."""

import numpy as np
import pytest

from kgan import metrics


def test_extremes():
    assert metrics.class_score(np.eye(10)[np.arange(100) % 10]) == (pytest.approx(10.0, abs=1e-12), 0.0)
    assert metrics.class_score(np.full((20, 4), 0.25)) == (pytest.approx(1.0, abs=1e-12), 0.0)


def test_by_hand():
    # Predictions (1, 0) and (1/2, 1/2): marginal (3/4, 1/4); divergences log 4/3 and 1/2 log 2/3 + 1/2 log 2 = 1/2 log 4/3.
    value, _ = metrics.class_score([[1.0, 0.0], [0.5, 0.5]])
    assert value == pytest.approx((4 / 3) ** 0.75)


def test_splits_are_consecutive_parts(rng):
    p = rng.dirichlet(np.ones(5), size=101)
    mean, std = metrics.class_score(p, splits=2)
    parts = [metrics.class_score(part)[0] for part in (p[:50], p[50:])]
    assert (mean, std) == (pytest.approx(np.mean(parts)), pytest.approx(np.std(parts)))
    sorted_by_class = np.eye(2)[np.arange(100) // 50]
    assert metrics.class_score(sorted_by_class, splits=2)[0] == pytest.approx(1.0)
    assert metrics.class_score(sorted_by_class, splits=2, seed=0)[0] > 1.9


def test_the_mode_score_is_the_inception_score_and_the_modified_one_is_not(rng):
    p = rng.dirichlet(np.full(10, 0.1), size=300)
    score, _ = metrics.class_score(p)
    for labels in (np.full(10, 0.1), rng.dirichlet(np.ones(10)), np.eye(10)[3]):
        assert metrics.mode_score(p, labels) == pytest.approx(score, abs=1e-9)
    assert metrics.mode_score(p, p.mean(axis=0), modified=True) == pytest.approx(score, abs=1e-9)
    assert metrics.mode_score(p, rng.dirichlet(np.ones(10)), modified=True) < score - 0.1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.class_score(np.ones((4, 3))), "sum to 1"),
        (lambda: metrics.class_score([[1.5, -0.5], [0.5, 0.5]]), "non-negative"),
        (lambda: metrics.class_score([[1.0, 0.0]]), "at least 2"),
        (lambda: metrics.class_score([[np.nan, 1.0], [0.5, 0.5]]), "NaN"),
        (lambda: metrics.class_score(np.full((5, 2), 0.5), splits=3), "at least 6"),
        (lambda: metrics.class_score(np.full((5, 2), 0.5), splits=0), "splits"),
        (lambda: metrics.mode_score(np.full((5, 2), 0.5), [0.5, 0.6]), "not a distribution"),
        (lambda: metrics.mode_score(np.full((5, 2), 0.5), [0.5, 0.25, 0.25]), "classes"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
