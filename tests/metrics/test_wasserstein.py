"""Sliced Wasserstein distances against closed forms; the pyramid."""

import math

import numpy as np
import pytest

from kgan import datasets, metrics
from kgan.metrics.wasserstein import enlarge


@pytest.mark.parametrize("d", [2, 5])
def test_a_translation(rng, d):
    points, by = rng.normal(size=(40, d)), rng.normal(size=d)
    factor = math.gamma(d / 2) / (math.sqrt(math.pi) * math.gamma((d + 1) / 2))
    value = metrics.sliced_wasserstein(points, points + by, directions=5000)
    assert value == pytest.approx(np.linalg.norm(by) * factor, rel=0.03)


def test_on_a_line():
    # Sorted: 0, 1, 5 and 1, 2, 3: (1 + 1 + 2) / 3.
    assert metrics.sliced_wasserstein([[5.0], [0.0], [1.0]], [[3.0], [1.0], [2.0]]) == pytest.approx(4 / 3)


def test_the_pyramid_restores_the_image_and_a_constant_has_no_detail(rng):
    images = rng.normal(size=(2, 32, 32, 3)).astype("float32")
    levels = metrics.laplacian_pyramid(images, 3)
    assert [level.shape for level in levels] == [(2, 32, 32, 3), (2, 16, 16, 3), (2, 8, 8, 3)]
    restored = levels[-1]
    for level in levels[-2::-1]:
        restored = enlarge(restored) + level
    np.testing.assert_allclose(restored, images, atol=1e-5)
    # Away from the last row, where every second tap falls outside, the filter keeps a constant.
    fine, coarse = metrics.laplacian_pyramid(np.ones((1, 16, 16, 1)), 2)
    np.testing.assert_allclose(coarse, 1.0, atol=1e-6)
    np.testing.assert_allclose(fine[:, :14, :14], 0.0, atol=1e-6)


def test_scipy_filters_alike(rng):
    ndimage = pytest.importorskip("scipy.ndimage")
    image = rng.normal(size=(1, 12, 12, 1)).astype("float32")
    taps = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) / 256.0
    coarse = ndimage.convolve(image[0, :, :, 0], taps, mode="mirror")[::2, ::2]
    np.testing.assert_allclose(metrics.laplacian_pyramid(image, 2)[1][0, :, :, 0], coarse, atol=1e-5)


def test_levels_and_what_they_see(rng):
    train, test = (datasets.arrays("digits", split, image_size=32)[0][:150] for split in ("train", "test"))
    same = metrics.image_sliced_wasserstein(train, test, patches=32)
    assert list(same) == [32, 16, "mean"]
    assert same["mean"] == pytest.approx((same[32] + same[16]) / 2)
    detail = np.clip(test + rng.normal(size=test.shape) * 0.2, -1, 1).astype("float32")
    noisy = metrics.image_sliced_wasserstein(train, detail, patches=32)
    assert noisy[32] > 1.5 * same[32]
    assert noisy[32] > noisy[16]
    small = datasets.arrays("digits", "train")[0][:100]
    assert list(metrics.image_sliced_wasserstein(small[:50], small[50:], patches=8)) == [8, "mean"]
    assert metrics.image_sliced_wasserstein(small, small, patches=64)["mean"] < 40


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.sliced_wasserstein(np.zeros((4, 2)), np.zeros((5, 2))), "as many samples"),
        (lambda: metrics.sliced_wasserstein(np.zeros((4, 2)), np.zeros((4, 3))), "feature size"),
        (lambda: metrics.sliced_wasserstein(np.zeros((4, 2)), np.zeros((4, 2)), directions=0), "directions"),
        (lambda: metrics.image_sliced_wasserstein(np.zeros((4, 8, 8, 1)), np.zeros((3, 8, 8, 1))), "as many square"),
        (lambda: metrics.image_sliced_wasserstein(np.zeros((4, 8, 6, 1)), np.zeros((4, 8, 6, 1))), "square"),
        (lambda: metrics.image_sliced_wasserstein(np.zeros((4, 6, 6, 1)), np.zeros((4, 6, 6, 1))), "patch_size"),
        (lambda: metrics.image_sliced_wasserstein(np.zeros((4, 8, 8, 1)), np.zeros((4, 8, 8, 1)), patch_size=4), "odd"),
        (lambda: metrics.image_sliced_wasserstein(np.zeros((4, 8, 8, 1)), np.zeros((4, 8, 8, 1))), "constant"),
        (lambda: metrics.image_sliced_wasserstein(np.full((4, 8, 8, 1), 255.0), np.zeros((4, 8, 8, 1))), r"\[-1, 1\]"),
        (lambda: metrics.laplacian_pyramid(np.zeros((1, 12, 12, 1)), 4), "divisible by 8"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
