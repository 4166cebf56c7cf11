"""Rank correlation and the area under the curve, by hand and against scipy and scikit-learn."""

import numpy as np
import pytest

from kgan.metrics import rank_correlation, ranking_auc


def test_by_hand():
    assert rank_correlation([1, 2, 3, 4], [10, 20, 30, 25]) == pytest.approx(0.8)
    assert rank_correlation([1, 2, 3], [3, 2, 1]) == -1.0
    assert ranking_auc([2, 4], [1, 3]) == 0.75
    assert ranking_auc([1, 1], [1]) == 0.5
    assert ranking_auc([0.0], [5.0, 6.0]) == 0.0


def test_against_others_with_ties(rng):
    stats, metrics = pytest.importorskip("scipy.stats"), pytest.importorskip("sklearn.metrics")
    a, b = rng.integers(0, 6, 80), rng.integers(0, 6, 80) + rng.integers(0, 3, 80)
    assert rank_correlation(a, b) == pytest.approx(stats.spearmanr(a, b)[0])
    truth = np.r_[np.ones(80), np.zeros(80)]
    assert ranking_auc(a, b) == pytest.approx(metrics.roc_auc_score(truth, np.r_[a, b]))


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [([1, 2], [1, 2, 3], "same examples"), ([1, 1], [1, 2], "no order"), ([], [], "count"), ([np.nan, 1], [1, 2], "count")],
)
def test_refused(first, second, words):
    with pytest.raises(ValueError, match=words):
        rank_correlation(first, second)
