"""Pictures of pairs."""

import numpy as np
import pytest
from PIL import Image

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


def test_bytes_are_taken_as_they_are(tmp_path):
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3)).astype("uint8")
    pictures.save_samples(tmp_path / "a.png", pixels)
    with Image.open(tmp_path / "a.png") as image:
        np.testing.assert_array_equal(np.asarray(image)[1:-1, 1:-1], pixels[0])


GOOD = np.zeros((2, 8, 8, 1), "float32")
# What samples are not, and the words of the error.
NO_SAMPLES = {
    "0 to 255 as floats": (GOOD + 255.0, r"\[-1, 1\].*Received: values in \[255, 255\]"),
    "below": (GOOD - 3.0, r"Received: values in \[-3, -3\]"),
    "whole numbers": (GOOD.astype("int64") + 200, r"uint8, or floats.*Received: int64"),
    "true and false": (GOOD > 0, "Received: bool"),
    "nan": (np.where(np.arange(8) == 3, np.nan, GOOD[..., 0])[..., None], "16 of 128 values are not"),
    "infinite": (GOOD - np.inf, "must be finite"),
    "no images": (GOOD[:0], r"at least one. Received samples of shape \(0, 8, 8, 1\)"),
    "two channels": (GOOD.repeat(2, axis=-1), r"1 or 3.*\(2, 8, 8, 2\)"),
    "one image": (GOOD[0], "at least one"),
    "no points": (np.zeros((0, 2)), "at least one"),
    "points that are none": (np.full((4, 2), np.nan), "Points must be finite"),
    "voxels of bytes": (np.full((2, 8, 8, 8, 1), 255, "uint8"), r"Voxels must be .*\[0, 1\].*\[255, 255\]"),
    "a domain with none": ({"a": GOOD, "b": GOOD * np.nan}, "must be finite"),
}


@pytest.mark.parametrize("what", NO_SAMPLES)
def test_samples_that_cannot_be_drawn_are_refused(tmp_path, what):
    samples, message = NO_SAMPLES[what]
    with pytest.raises(ValueError, match=message):
        pictures.save_samples(tmp_path / "a.png", samples)
    assert not list(tmp_path.iterdir())


def test_a_linear_output_may_be_clipped():
    beyond = np.asarray([-1.5, -1.0, 1.0, 2.0], "float32").reshape(1, 2, 2, 1)
    drawn = pictures.image_grid(beyond, scale=1, gap=0, clip=True)[..., 0]
    assert drawn.tolist() == [[0, 0], [255, 255]]
    with pytest.raises(ValueError, match="clip=True"):
        pictures.image_grid(beyond)
    with pytest.raises(ValueError, match="finite"):
        pictures.image_grid(beyond * np.nan, clip=True)
    assert pictures.image_grid(beyond[:, :, :1] * 0 + 1.004).max() == 255  # half precision


def test_a_row_for_each_class(tmp_path):
    images = np.linspace(-1, 1, 5, dtype="float32")[:, None, None, None] * np.ones((5, 8, 8, 1), "float32")
    labels = np.array([2, 0, 2, 0, 2])
    pictures.save_classes(tmp_path / "rows.png", images, labels, ["east", "west", "north"], columns=2)
    pixels = np.asarray(Image.open(tmp_path / "rows.png"))
    height, width = 2 * 9 * 4 + 4, 2 * 9 * 4 + 4
    assert pixels.shape[0] == height
    grid = pixels[:, -width:, 0]
    # Rows in the order in which classes come; of north the third is left out.
    shades = [[grid[4 + 16 + 36 * row, 4 + 16 + 36 * column] for column in (0, 1)] for row in (0, 1)]
    assert shades == [[0, 128], [64, 191]]
    assert (pixels[:, : pixels.shape[1] - width].min(axis=(1, 2)) < 128).any()  # names are written
    for wrong in ([0, 1, 2, 3, 0], [0, 1], np.zeros(5)):
        with pytest.raises(ValueError, match="`labels` must be integers"):
            pictures.save_classes(tmp_path / "x.png", images, wrong, ["a", "b", "c"])
