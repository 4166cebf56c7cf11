"""Multi-scale similarity against TensorFlow's, and what it says of sets."""

import keras
import numpy as np
import pytest

from kgan import datasets, metrics


def pictures(rng, count, size, channels=1):
    """Smooth random images and noisy copies."""
    coarse = rng.uniform(-1, 1, (count, size // 8 + 1, size // 8 + 1, channels)).repeat(8, axis=1).repeat(8, axis=2)
    first = coarse[:, :size, :size].astype("float32")
    return first, np.clip(first + rng.normal(size=first.shape) * 0.2, -1, 1).astype("float32")


@pytest.mark.only("tensorflow")
@pytest.mark.parametrize("size", [161, 176])
def test_tensorflow_agrees(rng, size):
    import tensorflow as tf

    first, second = pictures(rng, 3, size)
    a, b = (tf.constant(datasets.to_uint8(x), "float32") for x in (first, second))
    expected = tf.image.ssim_multiscale(a, b, 255.0).numpy()
    np.testing.assert_allclose(metrics.ms_ssim(first, second), expected, atol=2e-4)
    fine = tf.image.ssim(a, b, 255.0).numpy()
    np.testing.assert_allclose(metrics.ms_ssim(first, second, weights=(1.0,)), fine, atol=2e-4)


def test_constants_by_hand():
    # Without structure the only factor is (2 m n + c) / (m^2 + n^2 + c) at the coarsest scale, c = 2.55^2, pixels 255 and 0.
    white, black = np.ones((1, 161, 161, 3), "float32"), -np.ones((1, 161, 161, 3), "float32")
    c = 2.55**2
    assert metrics.ms_ssim(white, black)[0] == pytest.approx((c / (255**2 + c)) ** 0.1333, rel=1e-4)
    assert metrics.ms_ssim(white, white)[0] == pytest.approx(1.0)


def test_a_collapsed_set_is_more_similar(rng):
    diverse, _ = pictures(rng, 6, 32)
    collapsed = np.tile(diverse[:1], (6, 1, 1, 1))
    assert metrics.mean_ms_ssim(collapsed, pairs=10, shrink=True) == pytest.approx(1.0)
    value = metrics.mean_ms_ssim(diverse, pairs=40, shrink=True)
    assert value < 0.7
    assert metrics.mean_ms_ssim(diverse, pairs=40, shrink=True) == value
    # Two different images have one pair, whatever the order.
    first, second = diverse[:1], diverse[1:2]
    expected = metrics.ms_ssim(first, second, weights=(0.5, 0.5))[0]
    assert metrics.mean_ms_ssim(diverse[:2], pairs=5, weights=(0.5, 0.5)) == pytest.approx(expected)


def test_a_pair_that_is_drawn_many_times_is_compared_once(monkeypatch):
    from kgan.metrics import similarity

    compared, compare = [], similarity._ms_ssim
    monkeypatch.setattr(similarity, "_ms_ssim", lambda a, b, w: (compared.append(len(a)), compare(a, b, w))[1])
    constant = np.linspace(-1, 1, 4, dtype="float32")[:, None, None, None] * np.ones((1, 17, 17, 1), "float32")
    value = metrics.mean_ms_ssim(constant, shrink=True)  # of 10,000 pairs
    assert sum(compared) == 6
    pairs = np.array(
        [metrics.ms_ssim(constant[i : i + 1], constant[j : j + 1], shrink=True)[0] for i in range(4) for j in range(i)]
    )
    assert value == pytest.approx(pairs.mean(), abs=0.01)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.mean_ms_ssim(np.zeros((2, 160, 170, 1))), "at least 161x161"),
        (lambda: metrics.ms_ssim(np.zeros((2, 16, 16, 1)), np.zeros((2, 16, 16, 1)), shrink=True), "at least 17x17"),
        (lambda: metrics.ms_ssim(np.zeros((2, 32, 32, 1)), np.zeros((1, 32, 32, 1))), "one shape"),
        (lambda: metrics.mean_ms_ssim(np.zeros((1, 161, 161, 1))), "at least 2"),
        (lambda: metrics.mean_ms_ssim(np.zeros((2, 161, 161))), "height, width"),
        (lambda: metrics.mean_ms_ssim(np.full((2, 161, 161, 1), 255.0)), r"\[-1, 1\]"),
        (lambda: metrics.mean_ms_ssim(np.full((2, 161, 161, 1), np.nan)), "finite"),
        (lambda: metrics.mean_ms_ssim(np.zeros((2, 161, 161, 1)), pairs=0), "pairs"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_nothing_depends_on_the_backend():
    assert keras.backend.backend() in ("tensorflow", "jax", "torch")
    assert metrics.ms_ssim(np.zeros((1, 161, 161, 1)), np.zeros((1, 161, 161, 1))).dtype == "float64"
