"""Photos for steganography: gray patches, BOSSBase's own format, folders, unusual variants."""

import numpy as np
import pytest
from PIL import Image

from kgan import datasets

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 7)).astype("uint8")


def pgm(path, header=b"P5\n7 5\n255\n", pixels=PIXELS, rest=b""):
    path.write_bytes(header + pixels.tobytes() + rest)
    return path


@pytest.mark.parametrize("header", [b"P5\n7 5\n255\n", b"P5 7 5 255 ", b"P5\n# by a camera\n7 # wide\n5\n#\n255\n"])
def test_pgm_as_pillow_reads_it(header, tmp_path):
    path = pgm(tmp_path / "1.pgm", header)
    np.testing.assert_array_equal(datasets.read_pgm(path), PIXELS)
    with Image.open(path) as image:
        np.testing.assert_array_equal(np.asarray(image), PIXELS)


@pytest.mark.parametrize(
    ("header", "rest", "message"),
    [
        (b"P2\n7 5\n255\n", b"", "no binary PGM"),
        (b"P5\n7\n", b"", "width, height and largest value"),
        (b"P5\n7 5\n65535\n", b"", "largest 65535"),
        (b"P5\n7 6\n255\n", b"", "need 42 bytes"),
        (b"P5\n7 5\n255\n", b"x", "there are 36"),
        (b"P5\n99999999 5\n255\n", b"", "width, height and largest value"),
        (b"P5 #", b"", "width, height and largest value"),
    ],
)
def test_broken_pgm(header, rest, message, tmp_path):
    pixels = PIXELS if header[-1:] != b"#" else np.full(5, 35, "uint8")
    with pytest.raises(ValueError, match=message):
        datasets.read_pgm(pgm(tmp_path / "1.pgm", header, pixels, rest))
    with pytest.raises(FileNotFoundError):
        datasets.read_pgm(tmp_path / "2.pgm")


def test_bossbase_in_two_halves(tmp_path):
    for number in (1, 2, 3, 10):
        pgm(tmp_path / f"{number}.pgm", b"P5\n40 32\n255\n", np.full((32, 40), number, "uint8"))
    pgm(tmp_path / "notes.pgm")
    tiles, numbers = datasets.bossbase(tmp_path, 16, split="train")
    assert tiles.shape == (8, 16, 16, 1)
    assert numbers.tolist() == [2] * 4 + [10] * 4
    assert all((tile == number).all() for tile, number in zip(tiles, numbers, strict=True))
    tiles, numbers = datasets.bossbase(tmp_path, 16, tiles=3, limit=1, split="test")
    assert (tiles.shape[0], set(numbers)) == (3, {1})
    with pytest.raises(ValueError, match="no patch of 64x64"):
        datasets.bossbase(tmp_path, 64)
    with pytest.raises(ValueError, match="`tiles`"):
        datasets.bossbase(tmp_path, 16, tiles=0)
    with pytest.raises(ValueError, match="`split`"):
        datasets.bossbase(tmp_path, 16, split="validation")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no photos"):
        datasets.bossbase(tmp_path / "empty")


def test_folders_are_cut_not_resized(tmp_path):
    picture = np.random.default_rng(1).integers(0, 256, (20, 33, 3)).astype("uint8")
    Image.fromarray(picture).save(tmp_path / "a.png")
    Image.fromarray(picture[:8]).save(tmp_path / "small.png")
    (tmp_path / "broken.png").write_bytes(b"nothing")
    with pytest.warns(UserWarning, match=r"1 smaller than a tile \(small\.png\)\. 1 of 3 .*: broken\.png"):
        tiles, files = datasets.cover_folder(tmp_path, 16, channels=3)
    np.testing.assert_array_equal(tiles, [picture[:16, :16], picture[:16, 16:32]])
    assert files.tolist() == [0, 0]
    with pytest.raises(ValueError, match="cannot be read"):
        datasets.cover_folder(tmp_path, 16, corrupt="error")
    (tmp_path / "broken.png").unlink()
    with pytest.raises(ValueError, match="at least 64x64"):
        datasets.cover_folder(tmp_path, 64)


def test_photo_patches_share_no_pixel():
    train, labels = datasets.arrays("photo_patches", "train")
    test, _ = datasets.arrays("photo_patches", "test")
    assert train.shape == (18152, 16, 16, 1)
    assert test.shape == (5762, 16, 16, 1)
    camera = datasets.gray_photo("camera")
    np.testing.assert_array_equal(datasets.to_uint8(train[1])[..., 0], camera[:16, 8:24])
    np.testing.assert_array_equal(datasets.to_uint8(train[46])[..., 0], camera[:16, 368:384])  # the last of its row
    np.testing.assert_array_equal(datasets.to_uint8(test[0])[..., 0], camera[:16, 384:400])
    assert set(labels) == set(range(8))
    with pytest.raises(ValueError, match="Unknown photo"):
        datasets.gray_photo("dog")


def test_variants_reach_black_and_white():
    patches = np.random.default_rng(0).integers(100, 150, (50, 8, 8, 1)).astype("uint8")
    made = datasets.cover_variants(patches, 1000, seed=1)
    assert made.dtype == np.uint8
    known = {p.tobytes() for p in patches}
    assert 0.35 < np.mean([p.tobytes() in known for p in made]) < 0.45
    flat = np.asarray([len(np.unique(p)) == 1 for p in made])
    assert 0.01 < flat.mean() < 0.1
    assert {0, 255} <= {int(p.flat[0]) for p in made[flat]}
    assert np.mean((made == 0) | (made == 255)) > 0.05
    np.testing.assert_array_equal(made, datasets.cover_variants(patches, 1000, seed=1))
