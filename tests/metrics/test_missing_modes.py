"""The estimator of missing modes: its optimum in closed form, what it counts, what it leaves alone."""

import numpy as np
import pytest

from kgan import metrics
from kgan.networks import mlp

CENTERS = np.array([[-4.0], [0.0], [4.0]])


def line(counts, seed):
    """Points of deviation 0.5 around -4, 0 and 4, so many of each."""
    rng = np.random.default_rng(seed)
    return np.concatenate([c + 0.5 * rng.normal(size=(n, 1)) for c, n in zip(CENTERS, counts, strict=True)]).astype("float32")


def test_what_is_said_of_a_mode_is_the_share_of_the_data_in_it():
    """Data have thirds; samples have none of the first, 1/3 of the second and 2/3 of the third: D* is 1, 1/2 and 1/3."""
    real, held_out = line((800, 800, 800), 0), line((50, 50, 50), 1)
    found = metrics.missing_modes(real, line((0, 800, 1600), 2), held_out, epochs=4, batch_size=64, learning_rate=3e-3)
    assert found.of == 150
    assert found.missing == int((found.probabilities > 0.9).sum())
    assert 48 <= found.missing <= 52
    means = found.probabilities.reshape(3, 50).mean(1)
    np.testing.assert_allclose(means, [1.0, 1 / 2, 1 / 3], atol=0.1)


def test_noise_blurs_what_is_missed():
    """Samples 4 beside the data: without noise told apart, with a noise of 8 hardly: then D* is 0.53 at most."""
    rng = np.random.default_rng(0)
    x = 0.05 * rng.normal(size=(3, 512, 1)).astype("float32")
    network = mlp.discriminator((1,), (32,), "tanh")
    shares = []
    for noise in (0.0, 8.0):
        found = metrics.missing_modes(
            x[0] - 2.0, x[1] + 2.0, x[2] - 2.0, network, instance_noise=noise, epochs=8, learning_rate=0.01
        )
        shares.append(found.missing / found.of)
    assert shares == [1.0, 0.0]


def test_a_network_is_copied_and_a_seed_repeats(rng):
    network = mlp.discriminator((2,), (8,))
    before = network.get_weights()
    x = rng.normal(size=(3, 64, 2)).astype("float32")
    first, again = (metrics.missing_modes(*x, network, epochs=1, batch_size=32, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.probabilities, again.probabilities)
    for a, b in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    defaults = [metrics.missing_modes(*x, epochs=1, batch_size=128, seed=seed).probabilities for seed in (3, 3)]
    np.testing.assert_array_equal(*defaults)


X = np.zeros((10, 2), "float32")


@pytest.mark.parametrize(
    ("data", "batch", "message"),
    [
        ((X, X[:5], X), 4, "same shape"),
        ((X, X, X[:, :1]), 4, "same shape"),
        ((X, X * np.nan, X), 4, "generated"),
        ((X.astype("int32"), X, X), 4, "real"),
        ((X, X, X), 100, "minibatch"),
    ],
)
def test_what_cannot_be_counted_is_refused(data, batch, message):
    with pytest.raises(ValueError, match=message):
        metrics.missing_modes(*data, batch_size=batch)


def test_a_threshold_below_one_half_is_refused():
    with pytest.raises(ValueError, match="threshold"):
        metrics.missing_modes(X, X, X, threshold=0.4, batch_size=4)
