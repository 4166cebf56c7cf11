"""Modes of mixtures and of stacked digits."""

import numpy as np
import pytest

from kgan import datasets, metrics


def test_modes_of_real_data_and_of_one_point():
    for mixture, modes in ((datasets.ring(), 8), (datasets.grid(), 25)):
        real = metrics.mode_statistics(mixture.sample(2500, 0), mixture)
        assert real["modes"] == modes
        assert real["high_quality"] == pytest.approx(0.9889, abs=0.006)
        assert real["kl"] < 0.02
    one = metrics.mode_statistics(np.tile(datasets.ring().centers[:1], (100, 1)), datasets.ring())
    assert one == {"modes": 1, "high_quality": 1.0, "kl": pytest.approx(np.log(8))}
    weights = np.asarray([0.5, 0.3, 0.15, 0.05])
    unequal = datasets.ring(4, weights=weights)
    assert metrics.mode_statistics(unequal.sample(5000, 0), unequal)["kl"] < 0.005
    equal = datasets.ring(4).sample(50_000, 0)
    kl = metrics.mode_statistics(equal, unequal)["kl"]
    assert kl == pytest.approx(float((0.25 * np.log(0.25 / weights)).sum()), abs=0.02)
    far = metrics.mode_statistics(np.full((10, 2), 9.0), datasets.ring())
    assert (far["modes"], far["high_quality"], far["kl"]) == (0, 0.0, float("inf"))


def test_stacked_modes_by_hand():
    labels = np.asarray([[0, 0, 1], [0, 0, 1], [9, 9, 9], [1, 0, 0]])
    found = metrics.stacked_mode_statistics(labels)
    # Shares 1/2, 1/4, 1/4 of 1000.
    assert (found["modes"], found["of"]) == (3, 1000)
    assert found["kl"] == pytest.approx(np.log(1000) - 1.5 * np.log(2))
    training = np.zeros(8)
    training[[0b001, 0b100]] = 0.5
    seen = metrics.stacked_mode_statistics([[0, 0, 1], [1, 0, 0]], classes=2, reference=training)
    assert seen == {"modes": 2, "of": 8, "kl": 0.0}
    assert metrics.stacked_mode_statistics([[1, 1, 1]], classes=2, reference=training)["kl"] == float("inf")


def test_bias_of_perfect_stacked_samples(rng):
    found = metrics.stacked_mode_statistics(rng.integers(10, size=(26_000, 3)))
    assert found["modes"] == 1000
    assert found["kl"] == pytest.approx(999 / 52_000, abs=0.003)


def test_total_variation():
    assert metrics.total_variation([0.5, 0.5], [0.9, 0.1]) == pytest.approx(0.4)
    assert metrics.total_variation([1.0, 0.0], [0.0, 1.0]) == 1.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.mode_statistics(np.zeros((4, 2)), datasets.ring(), sigmas=0), "sigmas"),
        (lambda: metrics.mode_statistics(np.zeros((4, 3)), datasets.ring()), "dimensions"),
        (lambda: metrics.mode_statistics(np.full((4, 2), np.nan), datasets.ring()), "NaN"),
        (lambda: metrics.stacked_mode_statistics(np.zeros((4, 3))), "integers"),
        (lambda: metrics.stacked_mode_statistics(np.zeros(4, int)), "integers"),
        (lambda: metrics.stacked_mode_statistics(np.full((4, 3), 10)), r"\[0, 9\]"),
        (lambda: metrics.stacked_mode_statistics(np.zeros((4, 3), int), reference=np.ones(1000)), "not a distribution"),
        (lambda: metrics.stacked_mode_statistics(np.zeros((4, 3), int), reference=np.full(10, 0.1)), "entries"),
        (lambda: metrics.total_variation([0.5, 0.4], [0.5, 0.5]), "distribution"),
        (lambda: metrics.total_variation([0.5, 0.5], [0.5, 0.25, 0.25]), "same outcomes"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_stray_points_do_not_count_where_a_least_share_is_asked_for():
    ring = datasets.ring()
    points = np.concatenate([np.tile(ring.centers[:1], (90, 1)), ring.centers[1:3], np.full((8, 2), 9.0)])
    assert [metrics.mode_statistics(points, ring, least_share=s)["modes"] for s in (0.0, 0.08, 0.1)] == [3, 3, 1]
    labels = np.asarray([[0]] * 97 + [[1]] * 3)
    assert [metrics.stacked_mode_statistics(labels, 2, least_share=s)["modes"] for s in (0.0, 0.06, 0.1)] == [2, 2, 1]
    with pytest.raises(ValueError, match="least_share"):
        metrics.mode_statistics(points, ring, least_share=2)
