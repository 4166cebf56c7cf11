"""Picture files as a viewer shows them, in every reader: what is drawn here is computed here, by the standards of the formats."""

import io
import os
import struct
import warnings
import zlib
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image, ImageCms, TiffImagePlugin

from kgan import datasets, images
from kgan.stories.vist import read_photo

HEIGHT, WIDTH = 6, 9
BACKGROUND = {"white": (255, 255, 255), "#204080": (0x20, 0x40, 0x80)}


class Drawn(NamedTuple):
    """A file and what a viewer shows: red, green and blue (height, width, 3) in [0, 255], the share of it (height, width) that covers."""

    content: bytes
    suffixes: tuple
    color: np.ndarray
    cover: np.ndarray | None = None
    near: float = 0.5  # how far 8 bits may be from it


def values(rng, channels, below=256):
    return rng.integers(0, below, (HEIGHT, WIDTH, channels))


def spread(gray):
    return np.repeat(np.asarray(gray, "float64").reshape(HEIGHT, WIDTH, 1), 3, axis=-1)


def saved(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def exif_of(orientation):
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    return exif


def chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(samples, depth, kind, orientation, *extra):
    """Any PNG: Pillow writes neither 16-bit colors nor fewer than 8 bits of gray with a transparent one."""
    rows = samples.reshape(len(samples), -1)
    bits = ((rows[..., None] >> np.arange(depth - 1, -1, -1)) & 1).reshape(len(rows), -1).astype("uint8")
    lines = b"".join(b"\0" + row.tobytes() for row in np.packbits(bits, axis=1))
    head = chunk(b"IHDR", struct.pack(">2I5B", WIDTH, HEIGHT, depth, kind, 0, 0, 0))
    exif = b"" if orientation is None else chunk(b"eXIf", exif_of(orientation).tobytes().removeprefix(b"Exif\0\0"))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(extra) + exif + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def key(*numbers):
    return chunk(b"tRNS", struct.pack(f">{len(numbers)}H", *map(int, numbers)))


def tiff(array, orientation, **tags):
    info = TiffImagePlugin.ImageFileDirectory_v2()
    for number, value in {274: orientation, **{int(k[1:]): v for k, v in tags.items()}}.items():
        if value is not None:
            info[number] = value
    return saved(Image.fromarray(array), "TIFF", tiffinfo=info)


# Kinds of files: `(rng, orientation) -> Drawn` -----------------------------------------------------------------------------


def png_gray(rng, orientation):
    depth = int(rng.choice([1, 2, 4, 8, 16]))
    gray, most = values(rng, 1, 2**depth), 2**depth - 1
    transparent = gray[tuple(rng.integers(0, (HEIGHT, WIDTH)))][0] if rng.random() < 0.5 else None
    extra = [] if transparent is None else [key(transparent)]
    cover = None if transparent is None else (gray[..., 0] != transparent) * 1.0
    return Drawn(png(gray, depth, 0, orientation, *extra), (".png", ".PNG", ".apng"), spread(gray * (255 / most)), cover)


def png_color(rng, orientation):
    depth = int(rng.choice([8, 16]))
    color, most = values(rng, 3, 2**depth), 2**depth - 1
    transparent = color[tuple(rng.integers(0, (HEIGHT, WIDTH)))] if rng.random() < 0.5 else None
    extra = [] if transparent is None else [key(*transparent)]
    cover = None if transparent is None else (color != transparent).any(axis=-1) * 1.0
    # Pillow reads the high byte of 16.
    return Drawn(
        png(color, depth, 2, orientation, *extra), (".png",), color * (255 / most), cover, near=1.0 if depth == 16 else 0.5
    )


def png_alpha(rng, orientation):
    channels = int(rng.choice([1, 3]))
    whole = values(rng, channels + 1)
    color = spread(whole[..., 0]) if channels == 1 else whole[..., :3].astype("float64")
    return Drawn(png(whole, 8, 4 if channels == 1 else 6, orientation), (".png",), color, whole[..., -1] / 255)


def png_palette(rng, orientation):
    depth = int(rng.choice([1, 2, 4, 8]))
    count = min(2**depth, 40)
    palette, index = rng.integers(0, 256, (count, 3)), values(rng, 1, count)
    opacity = rng.integers(0, 256, count) if rng.random() < 0.5 else None
    extra = [chunk(b"PLTE", palette.astype("uint8").tobytes())]
    extra += [] if opacity is None else [chunk(b"tRNS", opacity.astype("uint8").tobytes())]
    cover = None if opacity is None else opacity[index[..., 0]] / 255
    return Drawn(png(index, depth, 3, orientation, *extra), (".png",), palette[index[..., 0]].astype("float64"), cover)


def tiff_numbers(rng, orientation):
    kind = str(rng.choice(["uint16", ">u2", "int32", "float32"]))
    white = kind in ("uint16", "float32") and bool(rng.random() < 0.3)  # WhiteIsZero; Pillow refuses it elsewhere
    if kind == "float32":
        share = rng.random((HEIGHT, WIDTH)).astype(kind)
        stored = share
    else:
        most = 2**31 - 1 if kind == "int32" else 2**16 - 1
        stored = rng.integers(0, most, (HEIGHT, WIDTH)).astype(kind)
        share = stored / most
    content = tiff(stored, orientation, t262=0 if white else None)
    return Drawn(content, (".tif", ".tiff", ".TIF"), spread(255 * (1 - share if white else share)))


def tiff_cmyk(rng, orientation):
    cyan, magenta, yellow, black = np.moveaxis(values(rng, 4), -1, 0) / 255
    ink = np.stack([cyan, magenta, yellow], axis=-1)
    array = np.rint(np.stack([cyan, magenta, yellow, black], axis=-1) * 255).astype("uint8")
    info = TiffImagePlugin.ImageFileDirectory_v2()
    if orientation is not None:
        info[274] = orientation
    content = saved(Image.fromarray(array, "CMYK"), "TIFF", tiffinfo=info)
    return Drawn(content, (".tif",), 255 * (1 - ink) * (1 - black[..., None]), near=1.0)


def jpeg(rng, orientation):
    """Of one color, whose left half is another one, so that little is lost: what turns it shows all the same."""
    color = np.repeat(rng.integers(0, 256, (1, 2, 1)), 3, axis=-1)
    color = color.repeat(HEIGHT, axis=0).repeat([4, WIDTH - 4], axis=1)
    color = np.where(np.arange(WIDTH)[None, :, None] < 4, color, 255 - color)
    content = saved(Image.fromarray(color.astype("uint8")), "JPEG", quality=100, subsampling=0, exif=exif_of(orientation))
    return Drawn(content, (".jpg", ".jpeg", ".jfif", ".jpe", ".JPG"), color.astype("float64"), near=6.0)


def with_profile(rng, orientation):
    """A profile whose red is blue and whose blue is red, or a damaged one."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    if rng.random() < 0.3:
        profile, turned = b"nothing" * 30, slice(None)
    else:
        profile = profile.replace(b"rXYZ", b"----").replace(b"bXYZ", b"rXYZ").replace(b"----", b"bXYZ")
        turned = slice(None, None, -1)
    color = values(rng, 3)
    content = saved(Image.fromarray(color.astype("uint8")), "PNG", icc_profile=profile, exif=exif_of(orientation))
    return Drawn(content, (".png",), color[..., turned].astype("float64"), near=1.0)


def webp(rng, orientation):
    whole = values(rng, 4).astype("uint8")
    options = {"lossless": True, "exact": True, "exif": exif_of(orientation)}
    if rng.random() < 0.3:  # an animation
        options |= {"save_all": True, "append_images": [Image.fromarray(255 - whole)]}
    return Drawn(
        saved(Image.fromarray(whole), "WEBP", **options), (".webp",), whole[..., :3].astype("float64"), whole[..., 3] / 255
    )


def gif(rng, orientation):
    """An animation, or a still, with a transparent color or without; the format knows no orientation."""
    palette, index = rng.integers(0, 256, (16, 3)), values(rng, 1, 16).astype("uint8")[..., 0]
    image = Image.fromarray(index, "P")
    image.putpalette(palette.astype("uint8").tobytes())
    hidden = int(index[0, 0]) if rng.random() < 0.5 else None
    options = {} if hidden is None else {"transparency": hidden}
    if rng.random() < 0.5:
        second = Image.fromarray(15 - index, "P")
        second.putpalette(palette.astype("uint8").tobytes())
        options |= {"save_all": True, "append_images": [second]}
    cover = None if hidden is None else (index != hidden) * 1.0
    return Drawn(saved(image, "GIF", optimize=False, **options), (".gif",), palette[index].astype("float64"), cover)


def plain(rng, orientation):
    """Formats without metadata or transparency."""
    kind, suffixes = (("BMP", (".bmp", ".dib")), ("TGA", (".tga", ".icb")), ("PPM", (".ppm", ".pnm")), ("PCX", (".pcx",)))[
        rng.integers(4)
    ]
    color = values(rng, 3)
    return Drawn(saved(Image.fromarray(color.astype("uint8")), kind), suffixes, color.astype("float64"))


def pgm(rng, orientation):
    most = int(rng.choice([255, 1023, 65535]))
    gray = values(rng, 1, most + 1)
    content = b"P5 %d %d %d\n" % (WIDTH, HEIGHT, most) + gray.astype("u1" if most < 256 else ">u2").tobytes()
    return Drawn(content, (".pgm",), spread(gray * (255 / most)))


TURNABLE = (png_gray, png_color, png_alpha, png_palette, tiff_numbers, tiff_cmyk, jpeg, with_profile, webp)
KINDS = (*TURNABLE, gif, plain, pgm)


def viewed(drawn, orientation, background):
    """What a viewer shows, as floats: the drawn colors over the background, turned."""
    color = drawn.color
    if drawn.cover is not None:
        cover = drawn.cover[..., None]
        color = color * cover + np.asarray(BACKGROUND[background], "float64") * (1 - cover)
    turn = {
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, -1),
        7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
        8: np.rot90,
    }
    return turn.get(orientation, lambda a: a)(color)


def square(pixels):
    top, left = ((n - HEIGHT) // 2 for n in pixels.shape[:2])
    return pixels[top : top + HEIGHT, left : left + HEIGHT]


def gray_of(color):
    return (color @ [0.299, 0.587, 0.114])[..., None]


def close(read, expected, drawn):
    """As 8 bits are: rounded once, and once more where something is laid on a background or made gray."""
    assert read.dtype == "uint8"
    assert read.shape == expected.shape
    again = 0.0 if drawn.cover is None else 1.0
    assert abs(read - expected).max() <= drawn.near + again + (1.0 if expected.shape[-1] == 1 else 0.0) + 1e-6


def draw(rng):
    """A file, how its metadata turn it, and a name."""
    kind = KINDS[rng.integers(len(KINDS))]
    orientation = int(rng.integers(1, 9)) if kind in TURNABLE and rng.random() < 0.7 else None
    drawn = kind(rng, orientation)
    return kind, drawn, orientation, str(rng.choice(drawn.suffixes))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("seed", range(8))
def test_every_kind_is_read_as_a_viewer_shows_it(tmp_path, kind, seed):
    rng = np.random.default_rng(seed)
    orientation = seed + 1 if kind in TURNABLE else None
    drawn = kind(rng, orientation)
    background = list(BACKGROUND)[seed % 2]
    path = tmp_path / f"a{drawn.suffixes[seed % len(drawn.suffixes)]}"
    path.write_bytes(drawn.content)
    expected = viewed(drawn, orientation, background)
    close(images.read_pixels(path, 3, background), expected, drawn)
    close(images.read_pixels(path, 1, background), gray_of(expected), drawn)
    close(images.read_image(path, None, 3, background=background), square(expected), drawn)


@pytest.mark.only("tensorflow")
@pytest.mark.parametrize("seed", range(6))
def test_all_readers_agree_with_a_viewer_on_a_folder_of_odd_files(tmp_path, seed):
    """Files of any kind, some behind links, class folders that are links, hidden ones beside them, a link in a circle."""
    rng = np.random.default_rng(100 + seed)
    top, store = tmp_path / "photos", tmp_path / "store"
    (top / "class").mkdir(parents=True)
    (store / "linked").mkdir(parents=True)
    (top / "link").symlink_to(store / "linked", target_is_directory=True)
    (top / "class" / "circle").symlink_to(top, target_is_directory=True)
    (top / ".ipynb_checkpoints").mkdir()
    shown = {}
    for index in range(12):
        _, drawn, orientation, suffix = draw(rng)
        place = (top / "class", top / "link", top)[rng.integers(3)]
        path = place / f"{index:02d}{suffix}"
        if rng.random() < 0.3:
            (store / f"{index}.bin").write_bytes(drawn.content)
            path.symlink_to(store / f"{index}.bin")
        else:
            path.write_bytes(drawn.content)
        shown[path] = (drawn, viewed(drawn, orientation, "white"))
    for hidden in (top / ".ipynb_checkpoints" / "a.png", top / "class" / "._00.png"):
        hidden.write_bytes(drawn.content)
    (top / "lost.png").symlink_to(tmp_path / "nowhere.png")
    (top / "notes.txt").write_text("these are no pictures")
    left_out = (
        r"Left out of .*: (?=.*2 hidden \()(?=.*1 link that leads nowhere \(lost\.png\))(?=.*1 no picture \(\.txt\))"
        r"(?=.*1 folder reached already \(class/circle\))"
    )
    names = sorted(shown)
    with pytest.warns(UserWarning, match=left_out):
        assert images.find_images(top) == (names, [])
    with pytest.warns(UserWarning, match=left_out):
        batches = datasets.image_folder(top, 1, HEIGHT, shuffle=False)
    for path, batch in zip(names, batches.as_numpy_iterator(), strict=True):
        drawn, expected = shown[path]
        close(np.rint((batch[0] + 1) * 127.5).astype("uint8"), square(expected), drawn)
    with pytest.warns(UserWarning, match=left_out):
        tiles, owners = datasets.cover_folder(top, HEIGHT, 3)
    assert owners.tolist() == list(range(12))
    for path, tile in zip(names, tiles, strict=True):
        drawn, expected = shown[path]
        close(tile, expected[:HEIGHT, :HEIGHT], drawn)
    table = tmp_path / "labels.csv"
    table.write_text("file,odd\n" + "".join(f"{path.relative_to(top)},{index % 2}\n" for index, path in enumerate(names)))
    pixels, _ = datasets.labeled_images(table, top, image_size=HEIGHT)
    for path, image in zip(names, pixels, strict=True):
        drawn, expected = shown[path]
        close(np.rint((image + 1) * 127.5).astype("uint8"), square(expected), drawn)


def turned_photo(path, orientation=6, size=(178, 218)):
    """Bright above, dark below, as a viewer shows it; stored turned."""
    pixels = np.zeros((size[1], size[0], 3), "uint8")
    pixels[: size[1] // 2] = 200
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.rot90(pixels) if orientation == 6 else pixels).save(path, exif=exif_of(orientation), quality=100)


@pytest.mark.only("tensorflow")
def test_readers_of_lists_turn_pictures(tmp_path):
    folder = tmp_path / "img_align_celeba"
    for index in range(1, 5):
        turned_photo(folder / f"{index:06d}.jpg")
    lines = [f"{index:06d}.jpg  {1 if index % 2 else -1}" for index in range(1, 5)]
    (tmp_path / "list_attr_celeba.txt").write_text("\n".join(["4", "Smiling", *lines]) + "\n")
    faces, _ = datasets.celeba(tmp_path, ["Smiling"], 16, batch_size=None, mirror=False)
    domains = datasets.attribute_domains(tmp_path, "Smiling", batch_size=2, image_size=16)
    for batch in (faces, *(next(data.as_numpy_iterator()) for data in domains.values())):
        assert (batch[:, :6].mean() > 0.4, batch[:, -6:].mean() < -0.9) == (True, True)
    photo = read_photo(folder / "000001.jpg")
    assert (photo[:90].mean() > 180, photo[-90:].mean() < 10) == (True, True)


def test_colors_and_depth_of_any_kind_and_behind_links(tmp_path):
    stored, top = tmp_path / "stored", tmp_path / "scenes"
    top.mkdir()
    for index in range(4):
        turned_photo(stored / f"room_{index}.jpg", size=(24, 24))
        depth = (np.arange(24)[:, None] * 100 + 1000).repeat(24, axis=1).astype("uint16")
        Image.fromarray(np.ascontiguousarray(np.rot90(depth))).save(stored / f"room_{index}_depth.png", exif=exif_of(6))
    (top / "rooms").symlink_to(stored, target_is_directory=True)
    (top / ".hidden_depth.png").write_bytes((stored / "room_0_depth.png").read_bytes())
    found = datasets.rgbd_folder(top, 24)
    assert found["color"].shape == (2, 24, 24, 3)
    assert (found["color"][:, :8].mean() > 0.4, found["color"][:, -8:].mean() < -0.9) == (True, True)
    np.testing.assert_allclose(
        found["depth"][..., 0], np.linspace(-1, 1, 24)[None, :, None].repeat(24, 2).repeat(2, 0), atol=1e-5
    )
    for index in range(4):
        Image.fromarray(np.zeros((8, 8), "uint8")).convert("P").save(stored / f"room_{index}_depth.png")
    with pytest.raises(ValueError, match="one channel of finite numbers"):
        datasets.rgbd_folder(top, 8)


def test_folders_that_link_to_one_another_end(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        Image.new("L", (8, 8)).save(tmp_path / name / "1.png")
    (tmp_path / "a" / "to_b").symlink_to(tmp_path / "b", target_is_directory=True)
    (tmp_path / "b" / "to_a").symlink_to(tmp_path / "a", target_is_directory=True)
    files, left_out = images.list_images(tmp_path)
    assert files == [tmp_path / "a" / "1.png", tmp_path / "b" / "1.png"]
    assert {why: len(paths) for why, paths in left_out.items()} == {"folder reached already": 2}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert len(datasets.cover_folder(tmp_path, 8)[0]) == 2
    assert os.path.islink(tmp_path / "a" / "to_b")
