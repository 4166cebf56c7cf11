"""Pixel agreement: counted by hand."""

import numpy as np
import pytest

from kgan.metrics import pixel_agreement


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
