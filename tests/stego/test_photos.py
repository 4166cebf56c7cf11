"""PNG files: what is read, what is refused, what is left out, and that nothing is half written."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from kgan.stego import photos
from kgan.stego.errors import StegoError
from tests.stego.standin import picture, save


def raw_png(path, depth, kind, rows, extra=b""):
    """A PNG made by hand: Pillow writes no 16-bit color."""

    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    height, width = rows.shape[:2]
    content = rows.astype(">u2" if depth == 16 else "u1")
    lines = b"".join(b"\0" + content[row].tobytes() for row in range(height))
    header = chunk(b"IHDR", struct.pack(">2I5B", width, height, depth, kind, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))
    return path


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_come_as_they_are(tmp_path, channels):
    pixels = picture(40, 50, channels)
    read, notes = photos.read_png(save(tmp_path / "a.png", pixels))
    np.testing.assert_array_equal(read, pixels)
    assert read.dtype == "uint8"
    assert notes == []


def made(path, kind):
    gray, color = picture(40, 50)[..., 0], picture(40, 50, 3)
    if kind == "palette":
        Image.fromarray(color).quantize(16).save(path)
    elif kind == "one bit":
        Image.fromarray(gray).convert("1").save(path)
    elif kind == "gray and alpha":
        Image.fromarray(np.stack([gray, gray], axis=-1)).save(path)
    elif kind == "color and alpha":
        Image.fromarray(np.concatenate([color, color[..., :1]], axis=-1)).save(path)
    elif kind == "a transparent gray":
        Image.fromarray(gray).save(path, transparency=3)
    elif kind == "16-bit gray":
        raw_png(path, 16, 0, gray.astype("int64") * 257)
    else:
        raw_png(path, 16, 2, color.astype("int64") * 257)
    return path


KINDS = ["palette", "one bit", "gray and alpha", "color and alpha", "a transparent gray", "16-bit gray", "16-bit color"]


@pytest.mark.parametrize("kind", KINDS)
def test_other_pixels_are_refused_or_converted(tmp_path, kind):
    path = made(tmp_path / "a.png", kind)
    with pytest.raises(StegoError, match=r"not plain 8-bit.*--convert"):
        photos.read_png(path)
    pixels, notes = photos.read_png(path, convert=True)
    assert notes
    assert pixels.dtype == "uint8"
    color = kind in ("palette", "color and alpha", "16-bit color")
    assert pixels.shape == (40, 50, 3 if color else 1)
    expected = picture(40, 50, 3 if color else 1).astype("int64")
    if kind in ("gray and alpha", "color and alpha"):  # the first channel is the opacity, too
        opacity = expected[..., :1]
        assert abs(pixels - (expected * opacity + 255 * (255 - opacity)) / 255).max() <= 1
    elif kind not in ("palette", "one bit"):
        np.testing.assert_array_equal(
            pixels, np.where(expected == 3, 255, expected) if kind == "a transparent gray" else expected
        )


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_cover_is_turned_as_a_viewer_turns_it(tmp_path, orientation):
    """Rows and columns by the table of the Exif standard; what is read back as a message stays as it is stored."""
    pixels = picture(40, 50, 3)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / "a.png", pixels, exif=exif)
    down, across = orientation in (3, 4, 6, 7), orientation in (2, 3, 7, 8)
    expected = pixels[:: -1 if down else 1, :: -1 if across else 1]
    expected = expected.swapaxes(0, 1) if orientation >= 5 else expected
    turned, notes = photos.read_png(path, cover=True)
    np.testing.assert_array_equal(turned, expected)
    assert notes == ["the picture is turned as its metadata say"] * (orientation != 1)
    np.testing.assert_array_equal(photos.read_png(path)[0], pixels)


def test_16_bits_are_rounded(tmp_path):
    path = raw_png(tmp_path / "a.png", 16, 0, np.asarray([[0, 128, 129, 385, 386, 65535]] * 2))
    assert photos.read_png(path, convert=True)[0][0, :, 0].tolist() == [0, 0, 1, 1, 2, 255]


def test_what_is_no_such_picture(tmp_path):
    frames = [Image.fromarray(picture(40, 50, seed=s)[..., 0]) for s in range(2)]
    frames[0].save(tmp_path / "animation.png", save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / "photo.jpg")
    frames[0].save(tmp_path / "named.png", format="JPEG")
    frames[0].convert("CMYK").save(tmp_path / "cmyk.tif")
    frames[0].save(tmp_path / "picture.webp", lossless=True)
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    whole = save(tmp_path / "whole.png", picture(40, 50)).read_bytes()
    (tmp_path / "truncated.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "header.png").write_bytes(whole[:20])
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 255
    (tmp_path / "damaged.png").write_bytes(damaged)
    cases = {
        "animation.png": "animation",
        "photo.jpg": "JPEG, whose compression destroys",
        "named.png": "JPEG, whose compression destroys",
        "cmyk.tif": "TIFF",
        "picture.webp": "WebP",
        "text.png": "no PNG",
        "empty.png": "no PNG",
        "truncated.png": "damaged",
        "header.png": "damaged",
        "damaged.png": "damaged",
        ".": "folder",
    }
    for name, message in cases.items():
        with pytest.raises(StegoError, match=message):
            photos.read_png(tmp_path / name, convert=True)
    with pytest.raises(FileNotFoundError, match="no picture"):
        photos.read_png(tmp_path / "none.png")


def test_a_bomb(tmp_path, monkeypatch):
    path = save(tmp_path / "a.png", picture(40, 50))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(StegoError, match="more than 1,000 pixels"):
        photos.read_png(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1500)
    with pytest.raises(StegoError, match="more than 1,500 pixels"):
        photos.read_png(path)


def test_only_pixels_are_written(tmp_path):
    info = PngInfo()
    info.add_text("Comment", "taken at home")
    exif = Image.Exif()
    exif[0x010E] = "a description"
    source = save(tmp_path / "a.png", picture(40, 50, 3), pnginfo=info, exif=exif, dpi=(300, 300), icc_profile=b"p" * 200)
    pixels, notes = photos.read_png(source)
    assert notes == ["the color profile is left out"]
    photos.write_png(tmp_path / "b.png", pixels, False, lambda path: None)
    content = (tmp_path / "b.png").read_bytes()
    chunks, start = [], 8
    while start < len(content):
        (length,) = struct.unpack(">I", content[start : start + 4])
        chunks.append(content[start + 4 : start + 8])
        start += 12 + length
    assert set(chunks) == {b"IHDR", b"IDAT", b"IEND"}
    with Image.open(tmp_path / "b.png") as image:
        assert image.info == {}
        np.testing.assert_array_equal(np.asarray(image), pixels)


def test_names_that_are_refused(tmp_path, monkeypatch):
    cover = save(tmp_path / "cover.png", picture(40, 50))
    (tmp_path / "link.png").symlink_to(cover)
    (tmp_path / "hard.png").hardlink_to(cover)
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "dangling.png").symlink_to(tmp_path / "nowhere")
    other = save(tmp_path / "other.png", picture(40, 50))
    monkeypatch.chdir(tmp_path)

    def refused(name, message, overwrite=True):
        with pytest.raises(StegoError, match=message):
            photos.check_output(name, overwrite, [cover, None])

    for name in ("out.jpg", "out.JPEG", "out.webp"):
        refused(tmp_path / name, "lossy")
    refused(tmp_path / "out", "ending")
    refused(tmp_path / "out.bmp", "not .png")
    for name in (cover, "cover.png", "./folder.png/../cover.png", "link.png", tmp_path / "hard.png"):
        refused(name, "never overwritten")
        refused(name, "never overwritten", overwrite=False)
    refused("folder.png", "is a folder")
    refused(tmp_path / "none" / "out.png", "no folder")
    refused(other, "exists", overwrite=False)
    refused("dangling.png", "exists", overwrite=False)
    assert photos.check_output(other, True, [cover]) == other
    assert photos.check_output("OUT.PNG", False, [cover]).name == "OUT.PNG"


def fails(error):
    def check(path):
        raise error

    return check


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), RuntimeError("killed")])
def test_nothing_half_written(tmp_path, error):
    """A full disk, an interruption, anything, after the temporary file was begun."""
    old = save(tmp_path / "out.png", picture(40, 50, seed=1)).read_bytes()
    for name in ("out.png", "new.png"):
        with pytest.raises((StegoError, KeyboardInterrupt, RuntimeError)) as caught:
            photos.write_png(tmp_path / name, picture(40, 50), True, fails(error))
        assert "No space" in str(caught.value) or not isinstance(error, OSError)
    assert [p.name for p in tmp_path.iterdir()] == ["out.png"]
    assert (tmp_path / "out.png").read_bytes() == old


def test_a_file_that_appears_meanwhile_stays(tmp_path):
    path = tmp_path / "out.png"
    with pytest.raises(StegoError, match="exists"):
        photos.write_png(path, picture(40, 50), False, lambda temporary: path.write_bytes(b"theirs"))
    assert path.read_bytes() == b"theirs"
    assert [p.name for p in tmp_path.iterdir()] == ["out.png"]


def test_a_file_system_without_hard_links(tmp_path, monkeypatch):
    from kgan import files

    def refuse(*args):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(files.os, "link", refuse)
    photos.write_png(tmp_path / "out.png", picture(40, 50), False, lambda path: None)
    with pytest.raises(StegoError, match="exists"):
        photos.write_png(tmp_path / "out.png", picture(40, 50), False, lambda path: None)
    assert [p.name for p in tmp_path.iterdir()] == ["out.png"]
