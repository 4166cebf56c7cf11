"""The weights of boosting, worked by hand."""

import keras
import numpy as np
import pytest

from kgan.programs import boosting

# Eight equally likely points, a model on the first three.
RATIOS = 8 * np.asarray([0.5, 0.3, 0.2, 0, 0, 0, 0, 0])


def test_the_optimal_weights_of_the_worked_example():
    weights, multiplier = boosting.optimal(RATIOS, 0.5)
    assert multiplier == pytest.approx(0.8)
    np.testing.assert_allclose(weights, [0, 0, 0, 0.2, 0.2, 0.2, 0.2, 0.2], atol=1e-15)
    # A second step with the exact ratios of the new mixture reaches the data.
    mixture = 0.5 * RATIOS / 8 + 0.5 * weights
    again, _ = boosting.optimal(8 * mixture, 0.5)
    np.testing.assert_allclose(0.5 * mixture + 0.5 * again, 1 / 8, atol=1e-15)


@pytest.mark.parametrize(
    ("ratios", "beta", "multiplier", "weights"),
    [
        ([0.0, 2.0], 0.5, 1.0, [1.0, 0.0]),
        ([1.0, 1.0, 1.0], 0.25, 1.0, [1 / 3] * 3),
        ([3.0, 3.0], 0.5, 2.0, [0.5, 0.5]),  # estimated ratios need not have the mean 1: the multiplier may exceed 1
        ([np.inf, 0.0], 0.5, 1.0, [0.0, 1.0]),
        ([0.0, 0.0, 0.0], 0.5, 0.5, [1 / 3] * 3),
    ],
)
def test_optimal_weights_by_hand(ratios, beta, multiplier, weights):
    found, factor = boosting.optimal(ratios, beta)
    assert factor == pytest.approx(multiplier)
    np.testing.assert_allclose(found, weights, atol=1e-15)


def test_every_step_keeps_the_promise_of_theorem_1(rng):
    """D_f of the new mixture is at most (1 - beta) times the old one, here for total variation and Kullback-Leibler."""
    for _ in range(50):
        model, data, beta = rng.dirichlet(np.full(20, 0.3)), np.full(20, 1 / 20), rng.uniform(0.05, 0.95)
        weights, multiplier = boosting.optimal(model / data, beta)
        assert weights.sum() == pytest.approx(1.0)
        assert beta - 1e-9 <= multiplier <= 1 + 1e-9
        new = (1 - beta) * model + beta * weights
        assert np.abs(new - data).sum() <= (1 - beta) * np.abs(model - data).sum() + 1e-9
        # No other component does better, among them the data themselves.
        assert np.abs(new - data).sum() <= np.abs((1 - beta) * model + beta * data - data).sum() + 1e-9


@pytest.mark.parametrize(
    ("ratios", "multiplier", "weights"),
    [([1.0, 1.0], 1.0, [0.5, 0.5]), ([0.5, 1.5], 1.0, [0.75, 0.25]), ([0.1, 2.8, 0.1], 5.0, [0.5, 0.0, 0.5])],
)
def test_dagger_weights_by_hand(ratios, multiplier, weights):
    found, factor = boosting.dagger(ratios, 0.5)
    assert factor == pytest.approx(multiplier)
    np.testing.assert_allclose(found, weights, atol=1e-12)


def test_dagger_is_refused_where_the_model_misses_too_much():
    with pytest.raises(ValueError, match=r"0.625 .* beta = 0.5"):
        boosting.dagger(RATIOS, 0.5)
    assert boosting.dagger(RATIOS, 0.7)[0].sum() == pytest.approx(1.0)


def test_heuristics():
    weights, largest = boosting.top_share([3.0, 1.0, 2.0, 0.0], 0.5)
    assert (weights.tolist(), largest) == ([0.0, 0.5, 0.0, 0.5], 1.0)
    assert boosting.top_share([3.0, 1.0, 2.0, 0.0], 0.5, share=0.25)[0].tolist() == [0.0, 0.0, 0.0, 1.0]
    assert boosting.uniform(RATIOS, 0.5)[0].tolist() == [0.125] * 8


def test_beta_for_a_share_of_weighted_examples(rng):
    assert boosting.beta_for_share([0.0, 1.0, 0.0, 3.0], 0.5) == pytest.approx(1 / 3)
    assert boosting.beta_for_share([0.0, 1.0, 0.0, 3.0], 0.75) == pytest.approx(2 / 3)
    assert boosting.beta_for_share([0.0, 1.0, 0.0, 3.0], 0.25) == pytest.approx(1 / 3)  # the two zeros are not told apart
    ratios = rng.exponential(size=200)
    beta = boosting.beta_for_share(ratios, 0.3)
    assert (boosting.optimal(ratios, beta)[0] > 1e-12).sum() == 60
    assert boosting.WeightedShare(0.3, largest=0.01)(2, ratios) == 0.01
    schedule = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(boosting.WeightedShare(0.3)))
    assert (schedule.share, schedule.largest) == (0.3, 0.5)


def test_shares_are_running_products():
    shares = [1.0]
    for t in range(2, 6):
        shares = boosting.append_share(shares, 1 / t)
    np.testing.assert_allclose(shares, 0.2)
    np.testing.assert_allclose(boosting.append_share([0.5, 0.5], 0.2), [0.4, 0.4, 0.2])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: boosting.optimal([1.0, np.nan], 0.5), "NaN"),
        (lambda: boosting.optimal([1.0, -1.0], 0.5), "negative"),
        (lambda: boosting.optimal([], 0.5), "one for each"),
        (lambda: boosting.optimal([np.inf, np.inf], 0.5), "infinite"),
        (lambda: boosting.optimal([1.0], 1.0), "vanish"),
        (lambda: boosting.optimal([1.0], 0.0), "no part"),
        (lambda: boosting.beta_for_share([1.0, 1.0], 0.5), "all equal"),
        (lambda: boosting.beta_for_share([1.0, 1.0], 1.0), "share"),
        (lambda: boosting.WeightedShare(1.5), "share"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
