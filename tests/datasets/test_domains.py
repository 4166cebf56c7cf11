"""Domains for coupled systems: changes of images, unpaired minibatches, files that the tests write."""

import numpy as np
import pytest

from kgan import datasets
from kgan.backend.feeding import set_epoch

pytestmark = pytest.mark.only("tensorflow")


def image_file(path, pixels):
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


# Changes -------------------------------------------------------------------------------------------------------------------


def test_changes_of_a_dot():
    dot = -np.ones((1, 5, 5, 1), "float32")
    dot[0, 2, 2] = 1.0
    edges = datasets.edges(dot)[0, ..., 0]
    ring = np.zeros((5, 5), bool)
    ring[1:4, 1:4] = True
    ring[2, 2] = False
    np.testing.assert_array_equal(edges, np.where(ring, 1.0, -1.0))
    bold = datasets.thicken(dot)[0, ..., 0]
    assert (bold[2:4, 2:4] == 1).all()
    assert bold.sum() == -25 + 2 * 4
    np.testing.assert_array_equal(datasets.negatives(dot), -dot)
    assert edges.dtype == bold.dtype == np.float32


def test_changes_stay_in_range():
    images, _ = datasets.arrays("digits")
    for change in (datasets.edges, datasets.negatives, datasets.thicken):
        changed = change(images)
        assert changed.shape == images.shape
        assert -1 <= changed.min() < -0.5 < 0.5 < changed.max() <= 1


def test_halves_share_nothing():
    (a, la), (b, lb) = datasets.halves(np.arange(11), np.arange(11) * 2, seed=1)
    assert (len(a), len(b)) == (5, 6)
    assert sorted([*a, *b]) == list(range(11))
    np.testing.assert_array_equal(np.concatenate([la, lb]), 2 * np.concatenate([a, b]))
    for arrays in ((np.arange(3), np.arange(4)), (np.arange(1),)):
        with pytest.raises(ValueError, match="one length"):
            datasets.halves(*arrays)


# Unpaired ------------------------------------------------------------------------------------------------------------------


def epoch(data, number):
    set_epoch(data, number)
    batches = [data[i] for i in range(len(data))]
    return {domain: np.concatenate([batch[domain] for batch in batches]) for domain in batches[0]}


def test_every_domain_cycles_on_its_own():
    data = datasets.unpaired({"few": np.arange(3), "some": np.arange(5), "many": np.arange(10)}, batch_size=4, seed=0)
    assert len(data) == 2
    epochs = [epoch(data, n) for n in range(15)]
    for domain, count in (("few", 3), ("some", 5), ("many", 10)):
        stream = np.concatenate([e[domain] for e in epochs])
        assert len(stream) == 120
        # One permutation after another, without regard to minibatches and epochs.
        turns = stream[: 120 // count * count].reshape(-1, count)
        np.testing.assert_array_equal(np.sort(turns), np.tile(np.arange(count), (len(turns), 1)))
        assert len({tuple(turn) for turn in turns}) > 2
    # A function of seed, epoch and index.
    again = epoch(datasets.unpaired({"few": np.arange(3), "some": np.arange(5), "many": np.arange(10)}, batch_size=4, seed=0), 7)
    for domain, examples in again.items():
        np.testing.assert_array_equal(examples, epochs[7][domain])
    other = epoch(datasets.unpaired({"some": np.arange(5), "many": np.arange(10)}, batch_size=4, seed=1), 0)
    assert not np.array_equal(other["many"], epochs[0]["many"])


def test_examples_of_one_index_do_not_meet():
    data = datasets.unpaired({"a": np.arange(1000), "b": np.arange(1000)}, batch_size=100)
    one = epoch(data, 0)
    assert (one["a"] == one["b"]).mean() < 0.02


def test_labels_go_with_their_domain():
    data = datasets.unpaired({"a": np.arange(8), "b": np.arange(3)}, 4, labels={"b": 10 * np.arange(3)}, passes=3)
    assert len(data) == 6
    for i in range(6):
        batch, labels = data[i]
        np.testing.assert_array_equal(labels, 10 * batch["b"])
    several = {"a": 2 * np.arange(8), "b": 10 * np.arange(3)}
    batch, labels = datasets.unpaired({"a": np.arange(8), "b": np.arange(3)}, 4, labels=several)[1]
    np.testing.assert_array_equal(labels["a"], 2 * batch["a"])
    np.testing.assert_array_equal(labels["b"], 10 * batch["b"])


def test_labels_of_several_data_sets_go_with_their_domains():
    streams = {name: datasets.from_arrays((np.arange(4), by * np.arange(4)), 2) for name, by in (("a", 2), ("b", 10))}
    for batch, labels in datasets.unpaired({**streams, "c": np.arange(4)}, 2, labels={"c": 3 * np.arange(4)}).as_numpy_iterator():
        for domain, by in (("a", 2), ("b", 10), ("c", 3)):
            np.testing.assert_array_equal(labels[domain], by * batch[domain])


def test_data_sets_are_zipped():
    few = datasets.from_arrays(np.arange(5), 2, seed=3)
    labeled = datasets.from_arrays((np.arange(10), 10 * np.arange(10)), 2, seed=4)
    both = datasets.unpaired({"few": few, "many": labeled, "array": np.arange(4)}, 2)
    assert int(both.cardinality()) == 5
    batches = list(both.as_numpy_iterator())
    many = np.concatenate([batch["many"] for batch, _ in batches])
    assert sorted(many) == list(range(10))
    np.testing.assert_array_equal(np.concatenate([labels for _, labels in batches]), 10 * many)
    few = np.concatenate([batch["few"] for batch, _ in batches])
    assert len(few) == 10
    assert len(set(few[:4])) == 4


def test_unpaired_refuses():
    array, stream = np.arange(8), datasets.from_arrays(np.arange(8), 2)
    for match, domains, kwargs in (
        ("At least two", {"a": array}, {}),
        ("'b' is empty", {"a": array, "b": array[:0]}, {}),
        ("fewer than one minibatch", {"a": array, "b": array}, {"batch_size": 9}),
        ("`batch_size`", {"a": array, "b": array}, {"batch_size": 0}),
        ("`labels` must name", {"a": array, "b": array}, {"labels": {"c": array}}),
        ("3 labels", {"a": array, "b": array}, {"labels": {"b": array[:3]}}),
        ("`passes`", {"a": array, "b": array}, {"passes": 0}),
        ("`passes` goes with arrays", {"a": array, "b": stream}, {"passes": 2}),
        ("bring its labels itself", {"a": array, "b": stream}, {"labels": {"b": array}}),
        ("known, positive length", {"a": array, "b": stream.filter(lambda x: True)}, {"batch_size": 2}),
        ("minibatches of 2", {"a": array, "b": stream}, {"batch_size": 4}),
    ):
        with pytest.raises(ValueError, match=match):
            datasets.unpaired(domains, **kwargs)


# Files ---------------------------------------------------------------------------------------------------------------------


def attribute_file(folder, rows="a.jpg 1 -1\nb.jpg -1 -1\nc.jpg 1 1\nd.jpg -1 1\n", head="4\nSmiling Young\n"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "list_attr_celeba.txt").write_text(head + rows)
    return folder / "list_attr_celeba.txt"


def test_attributes(tmp_path):
    files, names, values = datasets.read_attributes(attribute_file(tmp_path))
    assert (files, names) == (["a.jpg", "b.jpg", "c.jpg", "d.jpg"], ["Smiling", "Young"])
    np.testing.assert_array_equal(values, [[1, 0], [0, 0], [1, 1], [0, 1]])
    for rows, head, match in (
        ("a 1 1\n", "x\nA B\n", r"list_attr_celeba.txt, line 1: expected the number"),
        ("", "", "line 1: expected the number"),
        ("a 1 1\n", "1\n\n", "line 2: expected the names"),
        ("a 1 1\n", "1\nA A\n", "line 2: every attribute needs a name of its own"),
        ("a 1 1\n", "2\nA B\n", "announces 2 images, and 1 lines"),
        ("a 1 1\nb 1\n", "2\nA B\n", "line 4: expected a file name and 2 values"),
        ("a 1 0\n", "1\nA B\n", "line 3: expected a file name and 2 values, each 1 or -1"),
    ):
        with pytest.raises(ValueError, match=match):
            datasets.read_attributes(attribute_file(tmp_path, rows, head))
    (tmp_path / "picture").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="not a text file"):
        datasets.read_attributes(tmp_path / "picture")
    with pytest.raises(FileNotFoundError, match="list_attr_celeba"):
        datasets.read_attributes(tmp_path / "nothing")


def test_domains_by_an_attribute(tmp_path):
    attribute_file(tmp_path)
    for index, name in enumerate("abcd"):
        # Brightness says which it is; a gradient shows the window.
        pixels = np.full((70, 66, 3), 60 * index, "uint8") + np.arange(66, dtype="uint8")[None, :, None] // 2
        image_file(tmp_path / "img_align_celeba" / f"{name}.jpg", pixels)
    domains = datasets.attribute_domains(tmp_path, "Smiling", batch_size=2, image_size=64, seed=1)
    assert list(domains) == ["Smiling", "not_Smiling"]
    epochs = []
    for epoch in (0, 0, 1):
        data = datasets.unpaired(domains, 2)
        set_epoch(data, epoch)
        batch = next(data.as_numpy_iterator())
        assert batch["Smiling"].shape == (2, 64, 64, 3)
        levels = {d: sorted(np.round((x[:, 0, 0, 0] + 1) * 127.5 / 60 - 0.2).astype(int)) for d, x in batch.items()}
        assert levels == {"Smiling": [0, 2], "not_Smiling": [1, 3]}
        epochs.append(batch["Smiling"])
    np.testing.assert_array_equal(epochs[0], epochs[1])
    assert not np.array_equal(epochs[0], epochs[2])
    with pytest.raises(ValueError, match="has \\['Smiling', 'Young'\\]"):
        datasets.attribute_domains(tmp_path, "Old")
    (tmp_path / "img_align_celeba" / "b.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=r"1 of 4 images .*'b\.jpg'"):
        datasets.attribute_domains(tmp_path, "Young", batch_size=2)
    with pytest.raises(ValueError, match="window"):
        datasets.from_files(["x"], 1, 8, window=9)


def test_usps(tmp_path):
    images = np.zeros((3, 16, 16))
    images[:, 4:12, 6:10] = 1.0
    file = tmp_path / "usps.npz"
    stored = {
        "x_train": images,
        "y_train": np.array([1, 2, 3]),
        "x_test": images[:2].reshape(2, 256),
        "y_test": np.array([[4], [5]]),
    }
    results = []
    for scale in (lambda x: x, lambda x: 2 * x - 1, lambda x: (255 * x).astype("uint8")):
        np.savez(file, **{key: scale(value) if key[0] == "x" else value for key, value in stored.items()})
        results.append(datasets.usps(file))
        x, y = datasets.usps(file, "all")
        assert (x.shape, list(y)) == ((5, 28, 28, 1), [1, 2, 3, 4, 5])
    for x, y in results:
        np.testing.assert_allclose(x, results[0][0], atol=1e-6)
        assert (x.dtype, list(y)) == (np.float32, [1, 2, 3])
    x = results[0][0][0, ..., 0]
    # 22 pixels became 28: rows 7 to 14 of 22, columns 9 to 12.
    assert x[:7].max() == x[:, :9].max() == -1
    assert x[12:16, 13:15].min() == 1
    for broken, match in (
        ({"x_train": images}, r"has no \['y_train'\]"),
        ({**stored, "x_train": np.zeros((3, 8, 8))}, "expected images"),
        ({**stored, "y_train": np.zeros(2)}, "2 labels"),
        ({**stored, "x_train": images * 7}, "expected integers"),
    ):
        np.savez(file, **broken)
        with pytest.raises(ValueError, match=match):
            datasets.usps(file)
    with pytest.raises(ValueError, match="`split`"):
        datasets.usps(file, "valid")
    with pytest.raises(FileNotFoundError, match=r"\.npz"):
        datasets.usps(tmp_path / "none.npz")


def test_color_and_depth(tmp_path):
    ramp = np.linspace(500, 1500, 20).astype("uint16")
    for index in range(5):
        image_file(tmp_path / f"set_{index % 2}" / f"cup_{index}_crop.png", np.full((20, 24, 3), 50 * index, "uint8"))
        depth = np.tile(ramp[:, None], (1, 24))
        depth[0] = 0  # not measured
        image_file(tmp_path / f"set_{index % 2}" / f"cup_{index}_depthcrop.png", depth)
    image_file(tmp_path / "room.png", np.full((20, 20, 3), 250, "uint8"))
    image_file(tmp_path / "room_depth.png", np.tile(ramp[:, None], (1, 20)))
    image_file(tmp_path / "alone_depth.png", np.tile(ramp[:, None], (1, 20)))
    data = datasets.rgbd_folder(tmp_path, image_size=20)
    assert {d: x.shape for d, x in data.items()} == {"color": (3, 20, 20, 3), "depth": (3, 20, 20, 1)}
    assert len(np.unique(data["color"])) == 3
    cups = [x for x in data["depth"] if x[0, 0, 0] == 1.0]
    assert cups
    for depth in cups:
        assert depth[1].max() == -1  # the nearest that was measured
        assert depth[-1].min() == 1
        assert (np.diff(depth[1:, 5, 0]) > 0).all()
    image_file(tmp_path / "room_depth.png", np.zeros((20, 20, 3), "uint8"))
    with pytest.raises(ValueError, match="one channel"):
        [datasets.rgbd_folder(tmp_path, 20, seed=s) for s in range(8)]
    image_file(tmp_path / "empty" / "x.png", np.zeros((4, 4), "uint8"))
    with pytest.raises(ValueError, match="0 scenes"):
        datasets.rgbd_folder(tmp_path / "empty")
    with pytest.raises(FileNotFoundError):
        datasets.rgbd_folder(tmp_path / "nothing")
