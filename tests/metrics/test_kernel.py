"""The kernel distance by hand, its expectation, its protocol."""

import numpy as np
import pytest

from kgan import metrics


def test_by_hand():
    # One feature, k(a, b) = (ab + 1)^3. X = {0, 1}: off-diagonal k = 1. Y = {1, 2}: k = 27. Cross: 1, 1, 8, 27.
    value = metrics.kernel_mmd2(np.asarray([[0.0], [1.0]]), np.asarray([[1.0], [2.0]]))
    assert value == pytest.approx(1.0 + 27.0 - 2 * (1 + 1 + 8 + 27) / 4)


def test_zero_in_the_mean_and_never_clipped(rng):
    values = [metrics.kernel_mmd2(rng.normal(size=(50, 4)), rng.normal(size=(50, 4))) for _ in range(300)]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(300)
    assert min(values) < 0


def test_subsets(rng):
    real, fake = rng.normal(size=(200, 4)), rng.normal(size=(300, 4)) + 1.0
    mean, std = metrics.kernel_distance(real, fake, subset_size=100)
    assert mean > 0.5
    assert std > 0
    assert metrics.kernel_distance(real, fake, subset_size=100) == (mean, std)
    # The default takes the smaller set whole, and of two whole sets there is one pair.
    assert metrics.kernel_distance(real, fake) == metrics.kernel_distance(real, fake, subset_size=200)
    assert metrics.kernel_distance(real, fake[:200]) == (metrics.kernel_mmd2(real, fake[:200]), 0.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"subset_size": 6}, "Use 2 to 5"),
        ({"subset_size": 1}, "Use 2 to 5"),
        ({"subsets": 0}, "subsets"),
        ({"fake": np.zeros((5, 3))}, "feature size"),
        ({"fake": np.zeros((1, 2))}, "at least 2"),
        ({"fake": np.full((5, 2), np.nan)}, "NaN"),
    ],
)
def test_what_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        metrics.kernel_distance(**{"real": np.zeros((5, 2)), "fake": np.zeros((5, 2)), **arguments})
