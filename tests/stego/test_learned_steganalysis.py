"""A detector trained after the fact finds what can be found, and nothing where there is nothing; distances of pictures."""

import keras
import numpy as np
import pytest

import kgan
from kgan.networks import steganography


def noise(count, seed):
    pixels = np.random.default_rng(seed).integers(100, 102, (count, 16, 16, 1))
    return (pixels / 127.5 - 1).astype("float32")


def test_changes_of_two_levels_are_found_and_none_are_not():
    keras.utils.set_random_seed(0)

    def changed(covers):
        return (covers + np.random.default_rng(9).choice([-2, 2], covers.shape) / 127.5).astype("float32")

    network = steganography.analyzer(filters=4)
    found = kgan.stego.steganalyzer(noise(200, 0), changed(noise(200, 0)), network, steps=40, batch_size=32, learning_rate=3e-3)
    covers = noise(100, 1)
    accuracy, (low, high) = found.accuracy(covers, changed(covers))
    assert accuracy > 0.9
    assert 0.0 <= low <= accuracy <= high <= 1.0
    assert (found.scores(changed(covers)) > 0).mean() > 0.9  # above 0: a message
    same, interval = found.accuracy(covers, covers)
    assert same == 0.5
    assert interval == kgan.stego.wilson_interval(50, 100)


def test_pairs_stay_pairs_and_minibatches_repeat():
    from kgan.stego.learned_steganalysis import _Pairs

    covers = np.arange(10 * 4 * 4).reshape(10, 4, 4, 1).astype("float32")
    for symmetries in (False, True):
        pairs = _Pairs(covers, covers + 0.5, 5, 4, symmetries, True, seed=3)
        for images, labels in (pairs[i] for i in range(5)):
            np.testing.assert_array_equal(images[4:], images[:4] + 0.5)
            assert labels.ravel().tolist() == [1.0] * 4 + [0.0] * 4
        np.testing.assert_array_equal(pairs[2][0], pairs[2][0])
    (first, second), labels = _Pairs(covers, covers + 0.5, 5, 4, False, False, seed=3)[0]
    np.testing.assert_array_equal(second, first + 0.5)
    assert labels.tolist() == [[1.0, 0.0]] * 4


def test_covers_and_stego_images_in_two_passes():
    """Of batches that differ in their mean alone, batch norm shows nothing where each passes on its own."""
    dark = noise(200, 0) - 0.3
    network = [steganography.reader((16, 16, 1), filters=2, stages=2) for _ in range(2)]
    for joint, one in zip((True, False), network, strict=True):
        one.get_layer("down_0").set_weights([np.ones((5, 5, 1, 2)) / 25, np.full(2, 5.0)])
        found = kgan.stego.steganalyzer(noise(200, 0), dark, one, steps=40, batch_size=32, learning_rate=1e-2, joint_batch=joint)
        if joint:
            assert found.accuracy(noise(50, 1), noise(50, 1) - 0.3)[0] > 0.9
        assert np.isfinite(found.scores(dark)).all()


def test_what_is_refused():
    with pytest.raises(ValueError, match="one shape"):
        kgan.stego.steganalyzer(noise(4, 0), noise(5, 0))
    with pytest.raises(ValueError, match="Stego images must be finite floats"):
        kgan.stego.steganalyzer(noise(4, 0), noise(4, 0).astype("int32"))
    with pytest.raises(ValueError, match="`steps`"):
        kgan.stego.steganalyzer(noise(4, 0), noise(4, 0), steps=0)


def test_psnr_and_ssim_against_scikit_image():
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    photo = kgan.datasets.gray_photo("page")[:40, :50]
    other = np.clip(photo + np.random.default_rng(0).normal(0, 8, photo.shape), 0, 255).round().astype("uint8")
    first, second = ((x[None, ..., None] / 127.5 - 1).astype("float32") for x in (photo, other))
    assert kgan.metrics.psnr(first, second)[0] == pytest.approx(peak_signal_noise_ratio(photo, other))
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    assert kgan.metrics.ssim(first, second)[0] == pytest.approx(structural_similarity(photo, other, **options), abs=1e-4)
    assert kgan.metrics.psnr(first, first)[0] == np.inf
    with pytest.raises(ValueError, match="one shape"):
        kgan.metrics.psnr(first, second[:, :20])
