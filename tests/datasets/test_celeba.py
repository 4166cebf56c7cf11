"""CelebA from files in its own format and from tensorflow-datasets; own images with own labels; all the ways they may not fit."""

import importlib.util

import numpy as np
import pytest

from kgan import datasets, pictures
from kgan.backend.feeding import set_epoch
from kgan.images import crop_and_average

pytestmark = pytest.mark.only("tensorflow")

NAMES = ["5_o_Clock_Shadow", "Male", "Smiling", "Young"]
VALUES = np.asarray([[0, 1, 0, 1], [1, 1, 1, 0], [0, 0, 1, 1], [0, 0, 0, 0], [0, 1, 1, 1]])


def write(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures.save_image(path, pixels)


@pytest.fixture
def root(tmp_path, rng):
    """Five pictures in CelebA's layout; the level of the middle square is 40 times the place in the list."""
    rows = []
    for index, values in enumerate(VALUES, start=1):
        pixels = rng.integers(0, 256, (218, 178, 3)).astype("uint8")
        pixels[55:163, 35:143] = 40 * index
        write(tmp_path / "img_align_celeba" / f"{index:06}.png", pixels)
        rows.append(f"{index:06}.png  " + " ".join(f"{2 * v - 1:2d}" for v in values))
    (tmp_path / "list_attr_celeba.txt").write_text("5\n" + " ".join(NAMES) + " \n" + "\n".join(rows) + "\n")
    partition = [f"{index:06}.png {part}" for index, part in enumerate((0, 0, 1, 2, 0), start=1)]
    (tmp_path / "list_eval_partition.txt").write_text("\n".join(partition) + "\n")
    return tmp_path


def test_areas_are_averaged(rng):
    pixels = rng.integers(0, 256, (218, 178, 3)).astype("uint8")
    square = pixels[55:163, 35:143].astype("float64")
    np.testing.assert_array_equal(crop_and_average(pixels, 108, 108), square.astype("uint8"))
    halves = square.reshape(54, 2, 54, 2, 3).mean((1, 3))
    np.testing.assert_allclose(crop_and_average(pixels, 108, 54), halves, atol=0.5001)
    import tensorflow as tf

    areas = tf.image.resize(square[None], (64, 64), "area")[0].numpy()
    np.testing.assert_allclose(crop_and_average(pixels, 108, 64), areas, atol=0.502)


def test_arrays_of_celeba(root):
    images, labels = datasets.celeba(root, ["Young", "Male"], batch_size=None, mirror=False)
    assert images.shape == (5, 64, 64, 3)
    assert images.dtype == labels.dtype == np.float32
    # Nothing of the noise around the square is left.
    np.testing.assert_allclose(
        images, np.broadcast_to((np.arange(1, 6) * 40 / 127.5 - 1).reshape(5, 1, 1, 1), images.shape), atol=1e-6
    )
    np.testing.assert_array_equal(labels, VALUES[:, [3, 1]])


def test_minibatches_keep_images_and_labels_together(root):
    dataset = datasets.celeba(root, NAMES, image_size=8, batch_size=2)
    assert int(dataset.cardinality()) == 2
    orders = []
    for epoch in range(6):
        set_epoch(dataset, epoch)
        for images, labels in dataset.as_numpy_iterator():
            assert images.shape == (2, 8, 8, 3)
            index = np.rint((images[:, 0, 0, 0] + 1) * 127.5 / 40).astype(int) - 1
            np.testing.assert_array_equal(labels, VALUES[index])
            orders.append(tuple(index))
    assert len(set(orders)) > 3


def test_layout_as_distributed_and_splits(root):
    for below, name in (("Anno", "list_attr_celeba.txt"), ("Eval", "list_eval_partition.txt"), ("Img", "img_align_celeba")):
        (root / below).mkdir()
        (root / name).rename(root / below / name)
    options = {"image_size": 4, "batch_size": None, "mirror": False}
    counts = {s: len(datasets.celeba(root, NAMES, split=s, **options)[0]) for s in ("all", "train", "validation", "test")}
    assert counts == {"all": 5, "train": 3, "validation": 1, "test": 1}
    images, labels = datasets.celeba(root, NAMES, split="train", limit=2, **options)
    np.testing.assert_array_equal(labels, VALUES[:2])
    assert len(images) == 2


def test_mirrored_images(tmp_path):
    """Half of the images, other ones in another epoch, and the same ones again in the same."""
    pixels = np.zeros((8, 8, 3), "uint8")
    pixels[:, :4] = 255
    lines = []
    for index in range(40):
        write(tmp_path / f"{index}.png", pixels)
        lines.append(f"{index}.png,{index % 2}")
    (tmp_path / "labels.csv").write_text("file,odd\n" + "\n".join(lines) + "\n")
    dataset = datasets.labeled_images(tmp_path / "labels.csv", tmp_path, batch_size=20, mirror=True, shuffle=False)

    def sides():
        batches = list(dataset.as_numpy_iterator())
        np.testing.assert_array_equal(np.concatenate([labels for _, labels in batches])[:, 0], np.arange(40) % 2)
        images = np.concatenate([images for images, _ in batches])
        np.testing.assert_array_equal(images[:, :, 0], -images[:, :, -1])
        return images[:, 0, 0, 0] > 0

    first = sides()
    np.testing.assert_array_equal(first, sides())
    set_epoch(dataset, 1)
    assert (sides() != first).any()
    assert 8 < first.sum() < 32
    assert (first[:20] != first[20:]).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"attributes": ["Beard"]}, r"Unknown attributes \['Beard'\].*Smiling"),
        ({"attributes": "Male"}, "list of different names"),
        ({"attributes": ["Male", "Male"]}, "different names"),
        ({"split": "valid"}, "split"),
        ({"crop": 200}, r"000001\.png: an image of 178x218 pixels has no square of 200"),
        ({"crop": 0}, "crop"),
        ({"limit": 0}, "limit"),
        ({"mirror": True}, "mirror=False"),
        ({"corrupt": "maybe"}, "corrupt"),
    ],
)
def test_celeba_refuses(root, arguments, message):
    with pytest.raises(ValueError, match=message):
        datasets.celeba(root, **{"attributes": NAMES, "batch_size": None, "mirror": False, **arguments})


def test_celeba_that_is_incomplete(root):
    options = {"attributes": NAMES, "batch_size": None, "mirror": False}
    (root / "img_align_celeba" / "000004.png").unlink()
    with pytest.raises(ValueError, match=r"1 of 5 images .* not in .*000004\.png \(line 6\)"):
        datasets.celeba(root, **options)
    assert len(datasets.celeba(root, limit=3, **options)[0]) == 3
    with open(root / "list_eval_partition.txt", "a") as file:
        file.write("000006.png train\n")
    with pytest.raises(ValueError, match=r"list_eval_partition\.txt, line 6: .*0, 1 or 2"):
        datasets.celeba(root, split="train", **options)
    (root / "list_attr_celeba.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"list_attr_celeba\.txt is missing.*Anno"):
        datasets.celeba(root, **options)
    with pytest.raises(FileNotFoundError, match="no folder"):
        datasets.celeba(root / "elsewhere", **options)


@pytest.mark.skipif(not importlib.util.find_spec("tensorflow_datasets"), reason="needs the tfds extra")
@pytest.mark.filterwarnings("ignore")
def test_celeba_of_tensorflow_datasets():
    """On data in the set's own format, made by tensorflow-datasets itself."""
    import tensorflow_datasets as tfds

    with tfds.testing.mock_data(num_examples=6):
        stored = list(tfds.load("celeb_a", split="train").as_numpy_iterator())
        options = {"image_size": 16, "split": "train"}
        images, labels = datasets.celeba("tfds:celeb_a", ["Young", "Male"], batch_size=None, mirror=False, **options)
        assert images.shape == (6, 16, 16, 3)
        for image, label, example in zip(images, labels, stored, strict=True):
            np.testing.assert_allclose(image, crop_and_average(example["image"], 108, 16) / 127.5 - 1, atol=1e-5)
            assert label.tolist() == [example["attributes"]["Young"], example["attributes"]["Male"]]
        dataset = datasets.celeba("tfds:celeb_a", ["Young"], batch_size=2, limit=5, **options)
        assert int(dataset.cardinality()) == 2
        batch, label = next(dataset.as_numpy_iterator())
        assert (batch.shape, label.shape) == ((2, 16, 16, 3), (2, 1))
        with pytest.raises(ValueError, match="Unknown attributes"):
            datasets.celeba("tfds:celeb_a", ["Beard"])
        with pytest.raises(ValueError, match="no features 'image' and 'attributes'"):
            datasets.celeba("tfds:cifar10", ["Young"], split="train")


@pytest.fixture
def own(tmp_path, rng):
    """A table and the images that it names, one of them in a subfolder."""
    for name in ("a.png", "b.png", "below/c.png"):
        write(tmp_path / "images" / name, rng.integers(0, 256, (12, 16, 3)).astype("uint8"))
    table = tmp_path / "labels.csv"
    table.write_text("file,round,red\na.png,1,0\nb.png, 0 ,1\n\nbelow/c.png,1,1\n")
    return table, tmp_path / "images"


def test_own_images(own):
    images, labels = datasets.labeled_images(*own, columns=["red", "round"])
    assert images.shape == (3, 12, 12, 3)
    np.testing.assert_array_equal(labels, [[0, 1], [1, 0], [1, 1]])
    pixels = datasets.read_image(own[1] / "b.png", None, 3)
    np.testing.assert_allclose(images[1], pixels / 127.5 - 1, atol=1e-6)
    one, _ = datasets.labeled_images(*own, columns=["red"], extra="ignore", image_size=4, channels=1)
    assert one.shape == (3, 4, 4, 1)
    dataset = datasets.labeled_images(*own, batch_size=3, shuffle=False)
    streamed, streamed_labels = next(dataset.as_numpy_iterator())
    np.testing.assert_allclose(streamed, images, atol=1e-6)
    np.testing.assert_array_equal(streamed_labels, labels[:, ::-1])


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        ("file,round,rod\na.png,1,0\n", ["round", "red"], r"lacks the columns \['red'\] and has the columns \['rod'\]"),
        ("file,round,red\na.png,1,0\n", ["round"], r"has the columns \['red'\].*extra=\"ignore\""),
        ("file,round,red\na.png,1,0\n", ["round", "red", "red"], "different names"),
        ("file,round\na.png,1\nb.png,2\n", None, r"labels\.csv, line 3: 'round' must be 0 or 1. Received: '2'"),
        ("file,round\na.png,1\n\nb.png,-1\n", None, r"line 4: .*read_attributes"),
        ("file,round\na.png,\n", None, "line 2: 'round' must be 0 or 1. Received: ''"),
        ("file,round\na.png,1,0\n", None, "line 2: expected 1 values"),
        ("file,round\na.png\n", None, "line 2: expected 1 values"),
        ("file,round\n,1\n", None, "line 2: the file name is empty"),
        ("file,round\na.png,1\nb.png,0\na.png,0\n", None, "line 4: 'a.png' has labels already, in line 2"),
        ("file;round\na.png;1\n", None, "line 1: expected column names"),
        ("file,round,round\na.png,1,1\n", None, "line 1: .*different"),
        ("file,round\n", None, "no line with labels"),
        ("\n", None, "empty"),
        ('file,round\n"a.png,1\n', None, "not a table"),
        (b"file,round\n\xff.png,1\n", None, "not a table"),
    ],
)
def test_tables_that_are_refused(own, text, columns, message):
    own[0].write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=message):
        datasets.read_labels(own[0], columns)


def test_tables_and_folders_that_do_not_fit(own):
    table, folder = own
    write(folder / "d.png", np.zeros((12, 12, 3), "uint8"))
    with pytest.raises(ValueError, match=r"labels of 3 images, the last in line 5, and .* holds 4\. 1 have no line: d\.png"):
        datasets.labeled_images(table, folder)
    (folder / "d.png").unlink()
    (folder / "b.png").unlink()
    with pytest.raises(ValueError, match=r"1 of 3 images .* not in .*'b\.png' \(line 3\)"):
        datasets.labeled_images(table, folder)
    with pytest.raises(FileNotFoundError, match="no folder"):
        datasets.labeled_images(table, folder / "elsewhere")
    with pytest.raises(FileNotFoundError, match="no file"):
        datasets.labeled_images(folder / "no.csv", folder)


def test_unreadable_images_are_left_out_with_their_labels(own):
    table, folder = own
    (folder / "b.png").write_bytes((folder / "b.png").read_bytes()[:100])
    with pytest.warns(UserWarning, match=r"1 of 3 image files .*cannot be read: b\.png\. They are left out"):
        images, labels = datasets.labeled_images(table, folder)
    assert len(images) == 2
    np.testing.assert_array_equal(labels, [[1, 0], [1, 1]])
    with pytest.raises(ValueError, match=r"b\.png"):
        datasets.labeled_images(table, folder, corrupt="error")
    for name in ("a.png", "below/c.png"):
        (folder / name).write_text("no image")
    with pytest.warns(UserWarning, match="3 of 3"), pytest.raises(ValueError, match="None of 3 images"):
        datasets.labeled_images(table, folder)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"channels": 4}, "channels"),
        ({"image_size": 0}, "image_size"),
        ({"mirror": True}, "mirror"),
        ({"extra": "drop"}, "extra"),
    ],
)
def test_arguments_that_are_refused(own, arguments, message):
    with pytest.raises(ValueError, match=message):
        datasets.labeled_images(*own, **arguments)


def test_images_of_different_sizes_need_a_size(own):
    write(own[1] / "a.png", np.zeros((20, 20, 3), "uint8"))
    with pytest.raises(ValueError, match="different sizes"):
        datasets.labeled_images(*own)
    assert datasets.labeled_images(*own, image_size=6)[0].shape == (3, 6, 6, 3)
