"""Coverage by a kernel density estimate."""

import numpy as np
import pytest

from kgan import datasets, metrics
from kgan.metrics.densities import _log_density


def test_the_density_is_that_of_the_kernels():
    """One kernel of width 2 in the plane, at distance 3: exp(-9/8) / (2 pi 4); two of them, at 1 and 3, one dimension."""
    assert _log_density(np.asarray([[9.0]]), 2.0, 2)[0] == pytest.approx(-9 / 8 - np.log(8 * np.pi))
    expected = np.log((np.exp(-0.5) + np.exp(-4.5)) / 2 / np.sqrt(2 * np.pi))
    assert _log_density(np.asarray([[1.0, 9.0]]), 1.0, 1)[0] == pytest.approx(expected)


def test_coverage_is_the_share_of_the_data_that_the_model_knows():
    weights = [0.4, 0.3, 0.2, 0.1]
    mixture = datasets.ring(4, radius=4.0, stddev=0.1, weights=weights)
    real = mixture.sample(500, seed=0)
    assert metrics.kde_coverage(real, mixture.sample(3000, seed=1)) == pytest.approx(0.95, abs=0.04)
    for modes in (1, 2, 3):
        part = datasets.Mixture(mixture.centers[:modes], mixture.stddev)
        expected = 0.95 * sum(weights[:modes])
        assert metrics.kde_coverage(real, part.sample(1000, seed=1)) == pytest.approx(expected, abs=0.06)
    assert metrics.kde_coverage(real, mixture.sample(1000, seed=1) + 100) == 0.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: metrics.kde_coverage(x, x[:, :1]), "one feature size"),
        (lambda x: metrics.kde_coverage(x, x[:5]), "At least 8"),
        (lambda x: metrics.kde_coverage(x, x, level=1.0), "level"),
        (lambda x: metrics.kde_coverage(x, np.zeros_like(x)), "equal"),
    ],
)
def test_what_is_refused(call, message, rng):
    with pytest.raises(ValueError, match=message):
        call(rng.normal(size=(20, 2)))
