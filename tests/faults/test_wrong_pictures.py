"""Picture files that are none, or hold numbers that no picture has: refused by name, or left out and counted."""

import numpy as np
import pytest
from PIL import Image

from kgan import datasets, images


def test_numbers_outside_of_a_picture_are_refused_by_name(tmp_path):
    Image.fromarray(np.full((8, 8), 1.5, "float32")).save(tmp_path / "bright.tif")
    Image.fromarray(np.full((8, 8), np.nan, "float32")).save(tmp_path / "nan.tif")
    Image.fromarray(np.full((8, 8), -5, "int32")).save(tmp_path / "negative.tif")
    for name, message in (
        ("bright", r"bright\.tif.*floats must lie in \[0, 1\].*\[1\.5, 1\.5\]"),
        ("nan", r"nan\.tif.*not finite"),
        ("negative", r"negative\.tif.*begins at 0, black; it holds -5"),
    ):
        with pytest.raises(ValueError, match=message):
            images.read_image(tmp_path / f"{name}.tif", 8, 1)
    Image.fromarray(np.full((8, 8), 0.5, "float32")).save(tmp_path / "right.tif")
    with pytest.warns(UserWarning, match=r"3 of 4 image files .*: bright\.tif, nan\.tif, negative\.tif\. .*\[1\.5, 1\.5\]"):
        assert images.find_images(tmp_path)[0] == [tmp_path / "right.tif"]
    with pytest.raises(ValueError, match=r"bright\.tif"):
        images.find_images(tmp_path, corrupt="error")


def test_a_background_must_be_a_color(tmp_path):
    Image.fromarray(np.zeros((8, 8, 4), "uint8")).save(tmp_path / "a.png")
    for background in ("whit", 255, None):
        with pytest.raises(ValueError, match="`background` must be a color"):
            images.read_image(tmp_path / "a.png", 8, 3, background=background)


def test_a_picture_is_never_given_to_another_program(tmp_path, monkeypatch):
    """A drawing by the name of a photo would start Ghostscript."""
    (tmp_path / "a.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n")
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *_, **__: pytest.fail("Ghostscript was started"))
    with pytest.raises(ValueError, match=r"a\.jpg"):
        images.open_image(tmp_path / "a.jpg", "RGB")
    assert not {".eps", ".pdf", ".mpg", ".h5"} & images.suffixes()


def test_broken_metadata_do_not_keep_a_picture_from_being_read(tmp_path):
    """As viewers do: an Exif block or a profile that is damaged counts for nothing."""
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3)).astype("uint8")
    for name, options in (("exif", {"exif": b"Exif\0\0nothing at all"}), ("profile", {"icc_profile": b"nothing" * 30})):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png", **options)
        np.testing.assert_array_equal(images.read_image(tmp_path / f"{name}.png", 8, 3), pixels)


def test_folders_of_nothing_say_what_was_looked_for(tmp_path):
    (tmp_path / ".hidden.png").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("no picture")
    for read in (images.find_images, lambda folder: datasets.cover_folder(folder, 8)):
        with pytest.raises(ValueError, match=r"No readable image.*\.png.*1 hidden.*1 no picture \(\.txt\)"):
            read(tmp_path)
        with pytest.raises(FileNotFoundError, match="no folder"):
            read(tmp_path / "missing")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    assert [p.name for p in images.list_images(tmp_path)[1]["link that leads nowhere"]] == ["circle"]
