"""Pictures of pairs."""

import numpy as np
import pytest

from kgan import pictures


def test_domains_side_by_side():
    samples = {"color": np.full((3, 4, 5, 3), 0.5), "depth": np.full((3, 4, 2, 1), -0.5)}
    joined = pictures.side_by_side(samples)
    assert joined.shape == (3, 4, 7, 3)
    assert (joined[:, :, :5] == 0.5).all()
    assert (joined[:, :, 5:] == -0.5).all()
    assert pictures.side_by_side(dict.fromkeys("ab", samples["depth"])).shape == (3, 4, 4, 1)
    for other in (np.zeros((2, 4, 5, 1)), np.zeros((3, 8, 5, 1)), np.zeros((3, 4))):
        with pytest.raises(ValueError, match="drawn together"):
            pictures.side_by_side({**samples, "other": other})


def test_pairs_in_a_file(tmp_path):
    from PIL import Image

    pictures.save_samples(tmp_path / "pairs.png", {"a": np.ones((4, 32, 32, 1)), "b": -np.ones((4, 32, 32, 3))})
    with Image.open(tmp_path / "pairs.png") as image:
        assert image.size == (2 * 65 + 1, 2 * 33 + 1)
        assert (image.getpixel((20, 20)), image.getpixel((50, 20))) == ((255,) * 3, (0,) * 3)
