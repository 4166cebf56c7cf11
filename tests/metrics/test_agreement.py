"""Pixel agreement: counted by hand."""

import numpy as np
import pytest

from kgan.metrics import pixel_agreement, shared_information


def test_pixels_on_the_same_side():
    expected = np.array([[[0.5], [-0.5]], [[1.0], [-1.0]]])
    made = np.array([[[0.1], [0.3]], [[-0.2], [-1.0]]])
    ratio, difference = pixel_agreement(expected, made)
    assert ratio == 0.5
    assert difference == pytest.approx((0.4 + 0.8 + 1.2 + 0.0) / 4 / 2)
    assert pixel_agreement(expected, made, threshold=0.2)[0] == 0.25
    assert pixel_agreement(expected, expected) == (1.0, 0.0)
    for other in (made[:1], made[..., 0]):
        with pytest.raises(ValueError, match="arrays of one shape"):
            pixel_agreement(expected, other)
    with pytest.raises(ValueError, match="arrays of one shape"):
        pixel_agreement(expected[:0], made[:0])


def test_shared_information_by_hand(rng):
    # Three of four pairs agree: entropies log 2 and that of (3/8, 5/8), joint (3/8, 1/8, 0, 1/2).
    first, second = [0, 0, 0, 0, 1, 1, 1, 1], [7, 7, 7, 3, 3, 3, 3, 3]
    entropy = -sum(p * np.log(p) for p in (3 / 8, 5 / 8))
    joint = -sum(p * np.log(p) for p in (3 / 8, 1 / 8, 1 / 2))
    assert shared_information(first, second) == pytest.approx(np.log(2) + entropy - joint)
    assert shared_information(second, first) == pytest.approx(shared_information(first, second))
    assert shared_information(rng.integers(0, 2, 4000), rng.integers(0, 3, 4000)) < 0.002
    assert shared_information([1, 1], [0, 1]) == 0.0
    for wrong in (([], []), ([0, 1], [0])):
        with pytest.raises(ValueError, match="one length"):
            shared_information(*wrong)
