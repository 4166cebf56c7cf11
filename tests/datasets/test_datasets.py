"""Embedded sets, folders, tensorflow-datasets: shapes, ranges, splits, order, and errors that say what to do."""

import importlib.util

import keras
import numpy as np
import pytest

from kgan import datasets
from kgan.backend.feeding import set_epoch

pytestmark = pytest.mark.only("tensorflow")


def save_image(path, size=(20, 16), value=128):
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, 0, 255)).save(path)


@pytest.mark.parametrize(
    ("name", "shape", "counts"),
    [
        ("digits", (8, 8, 1), (898, 899)),
        ("faces", (25, 25, 1), (80, 20)),
        ("ring", (2,), (50_000,) * 2),
        ("grid", (2,), (50_000,) * 2),
        ("gaussian1200", (1200,), (10_000,) * 2),
        ("stacked_digits", (8, 8, 3), (50_000,) * 2),
    ],
)
def test_embedded_sets(name, shape, counts):
    for split, count in zip(("train", "test"), counts, strict=True):
        examples, labels = datasets.arrays(name, split)
        assert examples.shape == (count, *shape)
        assert examples.dtype == np.float32
        assert len(labels) == count
        if len(shape) == 3:
            assert -1 <= examples.min() < -0.5
            assert 0.5 < examples.max() <= 1


def test_a_mixture_embedded_in_more_dimensions():
    mixture = datasets.gaussian1200()
    points, modes = mixture.sample(400, seed=0, labels=True)
    np.testing.assert_array_equal(points[:, 700:], mixture.centers[modes, 700:])
    np.testing.assert_allclose((points - mixture.centers[modes])[:, :700].std(), 1.0, atol=0.01)
    assert sorted(mixture.centers[:, 0]) == [-13, -5.5, -2.5, -2, -1, -0.5, 0, 0.25, 0.5, 10]
    for noisy in (0, 3, 1.5):
        with pytest.raises(ValueError, match="`noisy`"):
            datasets.Mixture(np.eye(2), 1.0, noisy=noisy)


def test_stacked_digits_carry_the_label_of_every_channel():
    images, labels = datasets.stack_digits(300, "test", seed=1)
    single, classes = datasets.arrays("digits", "test")
    for channel, part in enumerate((labels // 100, labels // 10 % 10, labels % 10)):
        nearest = ((images[:, None, :, :, channel] - single[None, ..., 0]) ** 2).sum((2, 3)).argmin(1)
        np.testing.assert_array_equal(classes[nearest], part)
    again, _ = datasets.stack_digits(300, "test", seed=1)
    np.testing.assert_array_equal(images, again)


def test_digits_of_mnist_are_stacked_at_their_size():
    images, labels = datasets.stack_digits(4, seed=2, dataset="mnist")
    single, classes = datasets.arrays("mnist", "train")
    for channel, part in enumerate((labels // 100, labels // 10 % 10, labels % 10)):
        for image, label in zip(images[..., channel], part, strict=True):
            assert label in classes[(single[..., 0] == image).all((1, 2))]
    with pytest.raises(ValueError, match="one of digits, mnist, mnist:full"):
        datasets.stack_digits(4, dataset="fashion_mnist")


def test_splits_share_no_digit_and_cover_all():
    train, test = (datasets.arrays("digits", split)[0] for split in ("train", "test"))
    together, labels = datasets.arrays("digits", "all")
    assert len(together) == len(train) + len(test) == 1797
    assert np.bincount(labels).min() > 170


def test_photos_are_patches_of_any_size():
    patches, labels = datasets.arrays("photos", image_size=64)
    assert patches.shape[1:] == (64, 64, 3)
    assert set(labels) == set(range(8))
    assert -1 <= patches.min() < patches.max() <= 1


def test_resizing_is_undone_by_averaging_where_it_repeats_pixels():
    small, _ = datasets.arrays("digits", "test")
    big = datasets.resize(small, 24)
    np.testing.assert_allclose(big.reshape(-1, 8, 3, 8, 3, 1).mean((2, 4)), small, atol=1e-6)
    assert datasets.resize(small[:2], 5).shape == (2, 5, 5, 1)
    with pytest.raises(ValueError, match="image_size"):
        datasets.resize(small, 0)


def test_load_yields_full_minibatches_in_an_order_of_seed_and_epoch():
    dataset = datasets.load("digits", batch_size=100, seed=3)
    assert int(dataset.cardinality()) == 8
    orders = {}
    for epoch in (0, 1):
        set_epoch(dataset, epoch)
        orders[epoch] = np.concatenate(list(dataset.as_numpy_iterator()))
        np.testing.assert_array_equal(orders[epoch], np.concatenate(list(dataset.as_numpy_iterator())))
    assert (orders[0] != orders[1]).any()
    plain = next(datasets.load("digits", batch_size=10, shuffle=False).as_numpy_iterator())
    np.testing.assert_array_equal(plain, datasets.arrays("digits")[0][:10])


def test_load_with_labels_and_dequantized_pixels():
    images, labels = next(datasets.load("digits", batch_size=16, labels=True).as_numpy_iterator())
    assert (images.shape, labels.shape) == ((16, 8, 8, 1), (16,))
    stored = next(datasets.load("photos", batch_size=16, shuffle=False).as_numpy_iterator())
    noisy = next(datasets.load("photos", batch_size=16, shuffle=False, dequantize=True).as_numpy_iterator())
    noise = noisy - (np.round((stored + 1) * 127.5) / 128 - 1)
    assert noise.min() >= -1e-6
    assert noise.max() <= 1 / 128 + 1e-6
    assert noise.mean() == pytest.approx(1 / 256, rel=0.05)
    with pytest.raises(ValueError, match="8-bit"):
        datasets.load("digits", dequantize=True)


def test_folder(tmp_path):
    for i in range(5):
        save_image(tmp_path / f"sub{i % 2}" / f"{i}.png", value=i * 50)
    dataset = datasets.load(f"folder:{tmp_path}", "all", batch_size=2, image_size=8, shuffle=False)
    assert int(dataset.cardinality()) == 2
    batch = next(dataset.as_numpy_iterator())
    assert batch.shape == (2, 8, 8, 3)
    np.testing.assert_allclose(batch[0, 0, 0], [-1.0, -1.0, 1.0], atol=1e-6)
    gray = datasets.image_folder(tmp_path, batch_size=5, channels=1)
    assert gray.element_spec.shape == (5, 16, 16, 1)


def test_corrupt_images_are_counted_and_named(tmp_path):
    for i in range(3):
        save_image(tmp_path / f"{i}.png")
    content = (tmp_path / "0.png").read_bytes()
    (tmp_path / "broken.png").write_bytes(content[: len(content) // 2])
    (tmp_path / "text.jpg").write_text("not an image")
    with pytest.warns(UserWarning, match=r"2 of 5 image files .*broken\.png, text\.jpg"):
        dataset = datasets.image_folder(tmp_path, batch_size=3, image_size=8)
    assert int(dataset.cardinality()) == 1
    with pytest.raises(ValueError, match=r"broken\.png"):
        datasets.image_folder(tmp_path, image_size=8, corrupt="error")


def test_folders_that_cannot_be_used(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        datasets.load(f"folder:{tmp_path / 'missing'}")
    with pytest.raises(ValueError, match="No readable image"):
        datasets.load(f"folder:{tmp_path}")
    save_image(tmp_path / "a.png", (16, 16))
    save_image(tmp_path / "b.png", (20, 20))
    with pytest.raises(ValueError, match="different sizes"):
        datasets.load(f"folder:{tmp_path}", "all", batch_size=1)
    with pytest.raises(ValueError, match="fewer than one minibatch"):
        datasets.load(f"folder:{tmp_path}", "all", batch_size=3, image_size=8)
    with pytest.raises(ValueError, match=r"2 of 2 in .* in none"):
        datasets.load(f"folder:{tmp_path}", "all", labels=True)


def test_wrong_names_and_arguments_say_what_is_allowed():
    with pytest.raises(ValueError, match="Embedded: \\['digits'"):
        datasets.load("cifar10")
    with pytest.raises(ValueError, match="split"):
        datasets.load("digits", split="validation")
    with pytest.raises(ValueError, match="points"):
        datasets.load("ring", image_size=8)
    with pytest.raises(ValueError, match="fewer than one minibatch"):
        datasets.load("digits", batch_size=5000)


@pytest.mark.skipif(not importlib.util.find_spec("tensorflow_datasets"), reason="needs the tfds extra")
@pytest.mark.filterwarnings("ignore")
def test_tensorflow_datasets():
    """On data in the set's own format, made by tensorflow-datasets itself; and the message without them."""
    import tensorflow_datasets as tfds

    with tfds.testing.mock_data(num_examples=12):
        dataset = datasets.load("tfds:cifar10", batch_size=4, labels=True)
        images, labels = next(dataset.as_numpy_iterator())
        assert images.shape == (4, 32, 32, 3)
        assert -1 <= images.min() < images.max() <= 1
        assert labels.shape == (4,)
        assert datasets.load("tfds:cifar10", batch_size=4, image_size=16).element_spec.shape == (4, 16, 16, 3)
    with pytest.raises(ValueError, match="has no set 'no_such_set_anywhere'"):
        datasets.load("tfds:no_such_set_anywhere")


@pytest.mark.skipif(not importlib.util.find_spec("tensorflow_datasets"), reason="needs the tfds extra")
def test_what_failed_is_blamed(monkeypatch):
    """A package that is missing, the network, files that are fetched by hand, a disk that is full."""
    import tensorflow_datasets as tfds

    def said(error, cause=None):
        def fails(*_, **__):
            raise error from cause

        monkeypatch.setattr(tfds, "builder", fails)
        with pytest.raises((ImportError, RuntimeError)) as found:
            datasets.load("tfds:mnist")
        return type(found.value), str(found.value)

    kind, text = said(ModuleNotFoundError("No module named 'importlib_resources'", name="importlib_resources"))
    assert (kind, "pip install importlib_resources" in text, "network" in text.lower()) == (ImportError, True, False)
    kind, text = said(RuntimeError("no such host"), ConnectionError("Name or service not known"))
    assert (kind, "network failed" in text, "copy its folder" in text) == (RuntimeError, True, True)
    kind, text = said(AssertionError("Manual directory does not exist"))
    assert (kind, "downloads/manual" in text, "network" in text) == (RuntimeError, True, False)
    kind, text = said(OSError("No space left on device"))
    assert (kind, "No space left" in text, "network" in text) == (RuntimeError, True, False)


def test_the_extra_names_what_tensorflow_datasets_forgets():
    import tomllib
    from pathlib import Path

    extras = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert "importlib_resources" in extras["tfds"]


@pytest.mark.parametrize(("dtype", "channels"), [("uint8", 4), ("uint16", 1), ("uint16", 3), ("float32", 1), ("uint8", 2)])
def test_images_of_tensorflow_datasets_of_other_types(monkeypatch, dtype, channels):
    """16 bits by their range, transparency on white, others refused."""
    import tensorflow as tf

    from kgan.datasets import pipeline

    most = 65535 if dtype == "uint16" else 255
    stored = np.random.default_rng(0).integers(0, most, (3, 6, 6, channels)).astype(dtype)
    monkeypatch.setattr(pipeline, "tfds_dataset", lambda name, split: tf.data.Dataset.from_tensor_slices({"image": stored}))
    if dtype == "float32" or channels == 2:
        with pytest.raises(ValueError, match=rf"holds images \(6, 6, {channels}\) of {dtype}"):
            datasets.arrays("tfds:odd")
        return
    shown = stored / most * 255
    if channels == 4:
        cover = stored[..., 3:] / 255
        shown = shown[..., :3] * cover + 255 * (1 - cover)
    images, _ = datasets.arrays("tfds:odd")
    assert abs((images + 1) * 127.5 - shown).max() <= 0.51
    assert datasets.arrays("tfds:odd", image_size=3)[0].max() <= 1


def test_mixtures():
    ring = datasets.ring()
    assert len(np.unique(ring.centers.round(5), axis=0)) == 8
    np.testing.assert_allclose(np.linalg.norm(ring.centers, axis=1), np.ones(8), rtol=1e-6)
    assert set(datasets.grid().centers[:, 0]) == {-4.0, -2.0, 0.0, 2.0, 4.0}
    points, modes = ring.sample(4000, 0, labels=True)
    assert np.std(points - ring.centers[modes]) == pytest.approx(0.01, rel=0.05)
    with pytest.raises(ValueError, match="distinct"):
        datasets.Mixture([[0.0, 0.0], [0.0, 0.0]], 0.1)
    with pytest.raises(ValueError, match="stddev"):
        datasets.Mixture([[0.0, 0.0]], 0.0)


def test_mixtures_of_unequal_weights():
    weights = [0.5, 0.3, 0.15, 0.05]
    ring = datasets.ring(4, weights=weights)
    _, modes = ring.sample(20_000, 0, labels=True)
    np.testing.assert_allclose(np.bincount(modes) / 20_000, weights, atol=0.01)
    np.testing.assert_allclose(datasets.ring(4).weights, 0.25)
    equal = datasets.ring(4, weights=[0.25] * 4)
    np.testing.assert_array_equal(equal.sample(50, 1), datasets.ring(4).sample(50, 1))
    for bad in ([0.5, 0.5], [0.5, 0.5, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]):
        with pytest.raises(ValueError, match="weights"):
            datasets.ring(4, weights=bad)


def test_training_on_a_loaded_set_is_the_documented_one_liner():
    import kgan

    model = kgan.SNGAN((8, 8, 1), width=0.05, seed=0)
    model.compile()
    model.fit(datasets.load("digits", batch_size=64), steps_per_epoch=1, verbose=0)
    assert isinstance(model, keras.Model)


def test_densities_of_mixtures_add_up_to_one_and_spirals_have_two_arms():
    mixture = datasets.Mixture([[-1.0, 0.0], [1.0, 0.5]], 0.3, weights=[0.2, 0.8])
    line = np.linspace(-4, 4, 161)
    points = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
    assert np.exp(mixture.log_density(points)).sum() * 0.05**2 == pytest.approx(1.0, abs=1e-6)
    assert mixture.log_density([[1.0, 0.5]])[0] == pytest.approx(np.log(0.8 / (2 * np.pi * 0.09)), abs=1e-6)
    with pytest.raises(ValueError, match="no density"):
        datasets.gaussian1200().log_density(np.zeros((1, 1200)))
    arms = datasets.spirals(modes=20)
    np.testing.assert_allclose(arms.centers[:10], -arms.centers[10:], atol=1e-6)
    assert np.linalg.norm(arms.centers, axis=1).max() == pytest.approx(10.0, rel=1e-5)
    with pytest.raises(ValueError, match="even"):
        datasets.spirals(modes=3)


def test_glyphs_are_upright_characters_with_their_labels():
    still = {"size": 8, "characters": "18", "height": 32.0, "rotation": 0.0, "shift": 0.0}
    pictures, labels = datasets.glyphs(21, stroke=1.0, **still)
    assert (pictures.shape, pictures.dtype, labels.dtype) == ((21, 8, 8, 1), np.float32, np.int64)
    assert np.bincount(labels).tolist() == [11, 10]
    ones, eights = (pictures[labels == k] for k in (0, 1))
    assert np.ptp(ones, axis=0).max() == np.ptp(eights, axis=0).max() == 0.0
    assert -1.0 == pictures.min() < 0.5 < pictures.max() <= 1.0
    assert eights.mean() > ones.mean() + 0.1  # more ink
    np.testing.assert_allclose(eights[0, :, ::-1], eights[0], atol=0.35)  # in the middle
    assert datasets.glyphs(21, **still)[0].mean() < pictures.mean() - 0.05  # thinner
    moved, again = (datasets.glyphs(21, size=8, characters="18", seed=seed)[0] for seed in (0, 1))
    assert not np.array_equal(moved, again)
    with pytest.raises(ValueError, match="different ones"):
        datasets.glyphs(3, characters="11")
