"""Folders of pictures: classes, what is held out, and three places for decoded pixels that feed the same minibatches."""

import os

import numpy as np
import pytest
from PIL import Image

from kgan import datasets, images, runs
from kgan.backend.feeding import set_epoch
from kgan.datasets import folders

pytestmark = pytest.mark.only("tensorflow")


def picture(path, value=0, size=(10, 8)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, 255 - value, 7)).save(path)


@pytest.fixture
def pets(tmp_path):
    """30 pictures of two classes; the red of each is its number, the classes take turns."""
    for i in range(30):
        picture(tmp_path / "pets" / ("dog", "cat")[i % 2] / f"{i:02}.png", i)
    return tmp_path / "pets"


def reds(pixels):
    return np.rint((np.asarray(pixels)[:, 0, 0, 0] + 1) * 127.5).astype(int)


def minibatches(dataset, epochs=2):
    """`(reds, labels)` of every minibatch of some epochs."""
    found = []
    for epoch in range(epochs):
        set_epoch(dataset, epoch)
        found += [(reds(pixels).tolist(), labels.tolist()) for pixels, labels in dataset.as_numpy_iterator()]
    return found


def test_subfolders_are_classes(pets):
    assert datasets.class_names(f"folder:{pets}") == ["cat", "dog"]
    pixels, labels = datasets.arrays(f"folder:{pets}", "all", 8)
    assert (pixels.dtype, pixels.shape, pixels.min()) == (np.float32, (30, 8, 8, 3), -1.0)
    np.testing.assert_array_equal(labels, reds(pixels) % 2 == 0)
    picture(pets / "stray.png")
    with pytest.raises(ValueError, match=r"1 of 31 in .* are in none: stray\.png"):
        datasets.load(f"folder:{pets}", "all", image_size=8, labels=True)
    assert datasets.arrays(f"folder:{pets}", "all", 8)[1].tolist() == [0] * 31


def test_a_share_is_held_out(pets):
    name = f"folder:{pets}"
    (train, _), (test, _) = (datasets.arrays(name, split, 8) for split in ("train", "test"))
    assert (len(train), len(test)) == (27, 3)
    assert sorted([*reds(train), *reds(test)]) == list(range(30))
    assert len(datasets.arrays(name, "test", 8, held_out=0.5)[0]) == 15
    dataset = datasets.load(name, "train", 27, 8)
    assert sorted(reds(next(dataset.as_numpy_iterator()))) == sorted(reds(train))
    for i in range(30, 40):  # a third more: of those held out, few change
        picture(pets / "dog" / f"{i}.png", i)
    assert len(set(reds(test)) & set(reds(datasets.arrays(name, "test", 8)[0]))) >= 2
    with pytest.raises(ValueError, match=r"No picture is left for the split 'test'.* holds 40"):
        datasets.arrays(name, "test", 8, held_out=0.0)
    assert len(datasets.arrays(name, "train", 8, held_out=0.0)[0]) == 40
    for wrong in (1.0, -0.1):
        with pytest.raises(ValueError, match="held_out"):
            datasets.load(name, image_size=8, held_out=wrong)
    with pytest.raises(ValueError, match="split"):
        datasets.load(name, "validation", image_size=8)
    with pytest.raises(ValueError, match=r"`cache` must be .* There is a file"):
        datasets.load(name, image_size=8, cache=str(pets / "dog" / "00.png"))
    for options in ({"held_out": 0.2}, {"cache": "memory"}):
        with pytest.raises(ValueError, match="for folders"):
            datasets.load("digits", **options)


def test_folders_named_train_and_test_are_the_splits(tmp_path):
    for part, count in (("train", 4), ("test", 3)):
        for i in range(count):
            picture(tmp_path / part / ("a", "b")[i % 2] / f"{i}.png", 10 * count + i)
    picture(tmp_path / "test" / "c" / "x.png", 99)
    assert datasets.class_names(f"folder:{tmp_path}") == ["a", "b", "c"]
    pixels, labels = datasets.arrays(f"folder:{tmp_path}", "test")
    assert reds(pixels).tolist() == [30, 32, 31, 99]
    assert labels.tolist() == [0, 0, 1, 2]
    assert len(datasets.arrays(f"folder:{tmp_path}", "train", held_out=0.9)[0]) == 4
    assert len(datasets.arrays(f"folder:{tmp_path}", "all")[0]) == 8
    alone, classes = datasets.arrays(f"folder:{tmp_path / 'train'}", "all")
    assert (len(alone), classes.tolist()) == (4, [0, 0, 1, 1])


def test_every_cache_feeds_the_same(pets, tmp_path, monkeypatch):
    (pets / "cat" / "31.png").write_text("no picture")
    decoded = []
    read = folders.read_image
    monkeypatch.setattr(folders, "read_image", lambda path, *how: decoded.append(path) or read(path, *how))

    def load(cache, **options):
        with pytest.warns(UserWarning, match=r"1 of 31 image files .*31\.png"):
            return datasets.load(f"folder:{pets}", "all", 4, 8, labels=True, passes=2, seed=3, cache=cache, **options)

    expected = minibatches(load("none"))
    assert len(expected) == 2 * (30 * 2 // 4)
    assert all(label == (red % 2 == 0) for batch in expected for red, label in zip(*batch, strict=True))
    assert max(np.bincount([red for batch in expected[:15] for red in batch[0]])) == 2
    assert minibatches(load("memory")) == expected
    assert minibatches(load(None)) == expected  # what is taken when nothing is said
    decoded.clear()
    kept = str(tmp_path / "cache" / "deep")
    assert minibatches(load(kept)) == expected
    assert len(decoded) == 31
    assert minibatches(load(kept)) == expected
    assert len(decoded) == 31  # found again
    dequantized = next(load(kept, dequantize=True).as_numpy_iterator())[0]
    assert 0 <= (dequantized - np.floor((dequantized + 1) * 128) / 128 + 1).min() <= 1 / 128


def test_a_cache_is_of_the_pictures_as_they_are(pets, tmp_path, monkeypatch):
    kept = tmp_path / "cache"

    def load(**options):
        return minibatches(datasets.load(f"folder:{pets}", "all", 30, cache=str(kept), labels=True, shuffle=False, **options), 1)[
            0
        ][0]

    assert load(image_size=8)[0] == 1
    picture(pets / "cat" / "01.png", 200)
    os.utime(pets / "cat" / "01.png", ns=(1, 1))
    assert load(image_size=8)[0] == 200
    assert load(image_size=4)[0] == 200  # another size
    assert len(list(kept.glob("*.pixels"))) == 3
    for damage in (lambda p: p.write_bytes(p.read_bytes()[:-1]), lambda p: p.with_suffix(".json").write_text("{"), os.remove):
        for path in kept.glob("*.pixels"):
            damage(path)
        assert load(image_size=8)[0] == 200
    # One that cannot be written whole is not there at all.
    picture(pets / "cat" / "01.png", 201)

    def fails(path, *how):
        raise MemoryError("no room")

    before = sorted(kept.iterdir())
    monkeypatch.setattr(folders, "read_image", fails)
    with pytest.raises(MemoryError):
        load(image_size=8)
    assert sorted(kept.iterdir()) == before


def test_what_is_too_much_for_memory_is_streamed(pets, monkeypatch):
    asked = []
    monkeypatch.setattr(folders, "_IN_MEMORY", 30 * 8 * 8 * 3 - 1)
    monkeypatch.setattr(folders, "_pixels", lambda *how: asked.append(how))
    assert len(minibatches(datasets.image_folder(pets, 10, 8, labels=True), 1)) == 3
    assert not asked


def test_threads_keep_the_order_and_name_what_fails(tmp_path):
    for i in range(40):
        picture(tmp_path / f"{i:02}.png", i, size=(4 + 60 * (i % 2),) * 2)  # some take longer
    (tmp_path / "07.png").write_text("no picture")
    files, _ = images.list_images(tmp_path)
    read = list(images.in_threads(lambda path: images.read_pixels(path, 3)[0, 0, 0], files))
    assert [file for file, _, _ in read] == files
    assert [value for _, value, _ in read] == [None if i == 7 else i for i in range(40)]
    with pytest.raises(KeyError):  # what is no fault of a file
        list(images.in_threads(lambda path: {}[path], files))


def test_large_jpegs_are_decoded_smaller(tmp_path):
    """Several times faster, and as the whole picture is resized: to within a gray level on average."""
    skimage = pytest.importorskip("skimage.data")
    photo = Image.fromarray(skimage.chelsea()[:, :401]).resize((1604, 1200), Image.Resampling.BICUBIC)
    photo.save(tmp_path / "a.jpg", quality=95)
    photo.save(tmp_path / "a.bmp")
    assert images.open_image(tmp_path / "a.jpg", "RGB", least=96).size == (201, 150)
    assert images.open_image(tmp_path / "a.bmp", "RGB", least=96).size == (1604, 1200)
    small, whole = (images.read_image(tmp_path / name, 32, 3).astype(int) for name in ("a.jpg", "a.bmp"))
    assert abs(small - whole).mean() < 1.0
    whole = np.asarray(images.open_image(tmp_path / "a.jpg", "L"))
    np.testing.assert_array_equal(images.read_image(tmp_path / "a.jpg", 1200, 1)[..., 0], whole[:, 202:1402])


def test_a_run_on_a_folder_keeps_its_settings(pets, tmp_path):
    settings = runs.RunSettings("out", f"folder:{pets}", image_size=8, batch_size=15, held_out=0.5, cache=str(tmp_path / "kept"))
    data, shape = runs.training_data(settings)
    assert (int(data.cardinality()), shape) == (1, (8, 8, 3))
    assert len(list((tmp_path / "kept").glob("*.pixels"))) == 1
