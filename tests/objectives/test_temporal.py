"""Coherence in time: the exact properties of the losses, hand-worked numbers, gradients."""

import numpy as np
import pytest
from keras import ops

import kgan
from kgan.objectives import (
    contrastive,
    correlation,
    correlation_loss,
    correlation_score,
    frame_coherence,
    smooth_correlation_loss,
)


def tensor(array):
    return ops.convert_to_tensor(np.asarray(array, "float32"))


def shifted(clip, down, right):
    return np.roll(clip, (down, right), axis=(2, 3))


@pytest.fixture
def clip(rng):
    return rng.uniform(-1, 1, (2, 1, 24, 24, 2)).astype("float32")


def test_correlation_does_not_see_contrast_and_brightness(rng):
    patch = rng.normal(size=(3, 16)).astype("float32")
    for factor, expected in ((2.0, 1.0), (0.1, 1.0), (-3.0, -1.0)):
        np.testing.assert_allclose(correlation(tensor(patch), tensor(factor * patch + 0.7)), expected, atol=2e-4)
    assert float(correlation(tensor([1.0, 1.0]), tensor([1.0, 2.0]))) == 0.0


def test_correlation_by_hand():
    # Centered: (-1, 0, 1) and (-1, 1, 0): 1 / (sqrt 2 sqrt 2).
    assert float(correlation(tensor([0.0, 1.0, 2.0]), tensor([0.0, 2.0, 1.0]))) == pytest.approx(0.5, abs=1e-5)


def test_a_patch_is_found_where_it_was_up_to_two_pixels_away(clip):
    inner = np.s_[:, :, 8:16, 8:16]  # the frame's border has no past
    for down, right, found in ((0, 0, True), (2, -2, True), (-1, 2, True), (3, 0, False), (0, -4, False)):
        moved = np.zeros_like(clip)
        moved[inner] = shifted(clip, down, right)[inner]
        score = float(correlation_score(tensor(moved), tensor(clip))) * 9  # of nine patches, eight are constant
        assert (score > 0.999) == found, (down, right)
        assert -0.5 <= float(correlation_loss(tensor(moved), tensor(clip))) <= 0.0


def test_a_patch_has_not_been_outside_the_frame(clip):
    """The same patch at the border, its past partly outside: what lies beyond is no place to be found."""
    brightness = np.zeros((1, 1, 8, 8, 1), "float32")
    brightness[..., 4:, :] = 1.0  # an edge, which a frame's border of zeros would repeat
    assert float(correlation_score(tensor(brightness), tensor(np.ones_like(brightness)))) == 0.0


def test_the_negative_has_no_score(clip):
    # Not -1: a shift other than none may resemble it by chance.
    still = float(correlation_score(tensor(-clip), tensor(clip), reach=0))
    assert still == 0.0
    assert float(correlation_score(tensor(clip), tensor(clip), reach=0)) == pytest.approx(1.0, abs=1e-4)


def test_the_smooth_loss_finds_what_moved(clip):
    same, far = (float(smooth_correlation_loss(tensor(shifted(clip, *by)), tensor(clip))) for by in ((1, -2), (7, 9)))
    assert -0.5 <= same < -0.4 < -0.25 < far <= 0.0  # a band at the border has come round
    flat = tensor(np.full_like(clip, 0.3))
    assert float(smooth_correlation_loss(flat, tensor(clip))) == pytest.approx(0.0, abs=1e-3)


def test_contrastive_by_hand():
    distance, belief = tensor([0.3, 0.05, 0.05]), tensor([1.0, 0.0, 0.5])
    assert float(contrastive(distance, belief)) == pytest.approx((0.3 + 0.05 + 0.05) / 3)


def test_coherence_by_hand():
    # Directions at 0, 90 and 180 degrees: first differences of length sqrt 2, the second one (-1, -1) - (-1, 1) of length 2.
    features = tensor([[[2.0, 0.0], [0.0, 5.0], [-1.0, 0.0]]])
    beliefs = tensor([[1.0, 0.5, 0.5]])
    first = (0.5 * 2**0.5 + 0.25 * 2**0.5) / 2  # nothing is nearer than the margin
    assert float(frame_coherence(features, beliefs, 1)) == pytest.approx(first, rel=1e-5)
    assert float(frame_coherence(features, beliefs, 2)) == pytest.approx(0.25 * 2.0, rel=1e-5)
    still = tensor(np.ones((1, 3, 4)))
    assert float(frame_coherence(still, beliefs, 1, margin=0.2)) == pytest.approx(0.2 * (0.5 + 0.75) / 2, rel=1e-5)
    with pytest.raises(ValueError, match="at least 3 frames"):
        frame_coherence(features[:, :2], beliefs[:, :2], 2)


def test_gradients_are_finite_and_spare_the_beliefs(clip):
    flat = np.zeros_like(clip)
    for made, before in ((clip, clip), (flat, clip), (clip, flat), (flat, flat)):
        for loss in (correlation_loss, smooth_correlation_loss):
            (_, _), (gradient,) = kgan.backend.value_and_gradients(
                lambda t, loss=loss, before=before: (loss(t[0], tensor(before)), None), [tensor(made)]
            )
            assert np.isfinite(ops.convert_to_numpy(gradient)).all()
    features, beliefs = tensor(np.ones((1, 3, 4))), tensor(np.full((1, 3), 0.5))
    (_, _), (of_features, of_beliefs) = kgan.backend.value_and_gradients(
        lambda t: (frame_coherence(t[0], t[1]) + 0.0 * ops.sum(t[1]), None), [features, beliefs]
    )
    assert np.isfinite(ops.convert_to_numpy(of_features)).all()
    np.testing.assert_array_equal(ops.convert_to_numpy(of_beliefs), 0.0)


def test_the_gradient_agrees_with_finite_differences(clip):
    step, made = 1e-2, 0.7 * shifted(clip, 1, 0) + 0.1
    direction = np.random.default_rng(1).normal(size=made.shape).astype("float32")
    for loss in (correlation_loss, smooth_correlation_loss):
        (_, _), (gradient,) = kgan.backend.value_and_gradients(
            lambda t, loss=loss: (loss(t[0], tensor(clip)), None), [tensor(made)]
        )
        along = float((ops.convert_to_numpy(gradient) * direction).sum())
        ahead, behind = (float(loss(tensor(made + sign * step * direction), tensor(clip))) for sign in (1, -1))
        assert along == pytest.approx((ahead - behind) / (2 * step), rel=0.1, abs=2e-3)


def test_sizes_that_do_not_fit_are_refused(clip):
    with pytest.raises(ValueError, match="multiples of the patch"):
        correlation_score(tensor(clip[:, :, :20]), tensor(clip[:, :, :20]))
    with pytest.raises(ValueError, match="one shape"):
        correlation_score(tensor(clip), tensor(clip[:, :, :16]))
