"""Differentiable augmentation: formulas by hand, what is drawn, gradients, and where a two-player family applies it."""

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan import augmentations as aug
from kgan.backend import Overlay, no_gradient, value_and_gradients
from tests.conformance.specs import SPECS
from tests.conformance.test_conformance import compiled

ALL = "color,translation,cutout"


def numbers(tensor):
    return ops.convert_to_numpy(tensor)


def pictures(count=3, size=8, channels=3):
    return np.random.default_rng(0).uniform(-1, 1, (count, size, size, channels)).astype("float32")


def column(*values):
    return ops.convert_to_tensor(np.asarray(values, "float32"))


def test_colors_by_hand():
    x, draws = pictures(), column(0.0, 0.5, 0.9)
    u = np.asarray([0.0, 0.5, 0.9]).reshape(3, 1, 1, 1)
    tensor = ops.convert_to_tensor(x)
    np.testing.assert_allclose(numbers(aug.brightness(tensor, draws)), x + u - 0.5, atol=1e-6)
    gray = x.mean(-1, keepdims=True)
    np.testing.assert_allclose(numbers(aug.saturation(tensor, draws)), gray + 2 * u * (x - gray), atol=1e-6)
    mean = x.mean((1, 2, 3), keepdims=True)
    np.testing.assert_allclose(numbers(aug.contrast(tensor, draws)), mean + (u + 0.5) * (x - mean), atol=1e-6)
    one = pictures(channels=1)
    np.testing.assert_allclose(numbers(aug.saturation(ops.convert_to_tensor(one), draws)), one, atol=1e-6)


def test_translation_by_hand():
    """At 16 pixels an eighth is 2: five shifts of each axis, zeros where nothing was."""
    x = pictures(4, 16, 2)[:, :, :12]  # 12 columns: 1.5, rounded to 2
    draws = ops.convert_to_tensor(np.asarray([[0.0, 0.5], [0.99, 0.5], [0.5, 0.21], [0.5, 1.0]], "float32"))
    moved = numbers(aug.translated(ops.convert_to_tensor(x), draws))
    expected = np.zeros_like(x)
    expected[0, :-2] = x[0, 2:]
    expected[1, 2:] = x[1, :-2]
    expected[2, :, :-1] = x[2, :, 1:]
    expected[3, :, 2:] = x[3, :, :-2]
    np.testing.assert_allclose(moved, expected, atol=1e-6)


@pytest.mark.parametrize("size", [8, 6])  # squares of 4 and of 3
def test_cutout_by_hand(size):
    x = np.ones((2, size, size, 2), "float32")
    side = size // 2
    cut = numbers(
        aug.cut_out(ops.convert_to_tensor(x), ops.convert_to_tensor(np.asarray([[0.5, 0.0], [0.999, 0.999]], "float32")))
    )
    assert (cut[..., 0] == cut[..., 1]).all()
    rows, columns = np.where(cut[0, ..., 0] == 0)
    middle = (size + 1 - side % 2) // 2  # of the centers, as many as pixels and one more where the square is even
    assert (rows.min(), rows.max()) == (middle - side // 2, middle - side // 2 + side - 1)
    assert (columns.min(), columns.max()) == (0, side - side // 2 - 1)
    rows, _ = np.where(cut[1, ..., 0] == 0)
    assert (rows.min(), rows.max()) == (size - side // 2 - side % 2, size - 1)


def test_what_is_drawn():
    """Every shift and center equally often, every picture on its own, anew at every call."""
    seed = keras.random.SeedGenerator(0)
    spot = np.zeros((4000, 8, 8, 1), "float32")
    spot[:, 4, 4] = 1.0
    places = numbers(aug.augmented(spot, "translation", seed)).reshape(4000, -1).argmax(1)
    found, counts = np.unique(places, return_counts=True)
    assert found.tolist() == [8 * r + c for r in (3, 4, 5) for c in (3, 4, 5)]
    assert counts.min() > 0.8 * 4000 / 9
    cut = 1.0 - numbers(aug.augmented(np.ones((4000, 8, 8, 1), "float32"), "cutout", seed))[..., 0]
    # Of a row, the centers at most two above or one below it of nine: the same in the middle, fewer at the borders.
    np.testing.assert_allclose(cut.max(2).mean(0), np.asarray([3, 4, 4, 4, 4, 4, 4, 3]) / 9, atol=0.03)
    x = pictures(200)
    first, second = (numbers(aug.augmented(x, "color", seed)) for _ in range(2))
    assert abs(first - second).max() > 0.1
    assert (first - x).mean((1, 2, 3)).std() == pytest.approx(12**-0.5, rel=0.15)  # of U(-1/2, 1/2)
    np.testing.assert_array_equal(numbers(aug.augmented(x, "", seed)), x)
    half = aug.augmented(ops.cast(x, "float16"), ALL, seed)
    assert keras.backend.standardize_dtype(half.dtype) == "float16"


def gan(**options):
    return kgan.GAN((8, 8, 1), latent_size=3, seed=0, **options)


def test_gradients_pass_through_every_transformation():
    """Those that a generator gets, against finite differences from equal draws."""
    model, x = gan(augment=ALL), pictures(4, 8, 1)

    def energy(points):
        model.seed_generator.state.assign([7, 0])
        with Overlay(training=True):
            return ops.sum(model.perturbed(points) ** 2)

    _, (found,) = value_and_gradients(lambda points: (energy(points[0]), None), [ops.convert_to_tensor(x)])
    direction = np.random.default_rng(1).normal(size=x.shape).astype("float32")
    with no_gradient():
        ahead, back = (float(energy(ops.convert_to_tensor(x + step * direction))) for step in (1e-2, -1e-2))
    slope = (ahead - back) / 2e-2
    assert abs(slope) > 0.1
    assert (numbers(found) * direction).sum() == pytest.approx(slope, rel=2e-2)


def test_off_by_default_and_in_evaluation():
    x = ops.convert_to_tensor(pictures(4, 8, 1))
    with Overlay(training=True):
        assert gan().perturbed(x) is x
        shown = gan(augment="color").perturbed(x)
        pair = gan(augment="color").perturbed([x, ops.ones((4, 3))])
    assert abs(numbers(shown - x)).max() > 0.05
    assert abs(numbers(pair[0] - x)).max() > 0.05
    np.testing.assert_array_equal(numbers(pair[1]), 1.0)
    with Overlay(training=False):
        assert gan(augment="color").perturbed(x) is x


def test_what_cannot_be_augmented():
    for wrong in ("colour", "color,color", "color, cutout", ","):
        with pytest.raises(ValueError, match="`augment` must be"):
            gan(augment=wrong)
    with pytest.raises(ValueError, match="is for images"):
        kgan.GAN((2,), augment="color")
    with pytest.raises(TypeError, match="augment"):
        gan(augment=None)


def test_it_is_saved(tmp_path):
    model = gan(augment="color,cutout")
    model.save(tmp_path / "a.keras")
    assert keras.saving.load_model(tmp_path / "a.keras").augment == "color,cutout"


def rows_of_images():
    rows = {}
    for name, spec in SPECS.items():
        if "augment" in spec.family.fixed_arguments or "discriminator" not in spec.schedule:
            continue
        if issubclass(spec.family, kgan.GAN) and isinstance(spec.example, tuple) and len(spec.example) == 3:
            rows.setdefault(spec.family, name)
    return rows.values()


@pytest.mark.only("tensorflow")
@pytest.mark.parametrize("name", rows_of_images())
def test_every_discriminator_sees_it_in_both_moves(name, monkeypatch):
    """Real and generated pictures pass through it, in the discriminator's move and in the generator's."""
    spec, seen = SPECS[name], []
    model = compiled(spec, run_eagerly=True)
    model.augment = "cutout"
    transform = aug.augmented
    monkeypatch.setattr("kgan.families.gan.augmented", lambda x, *how: seen.append(x) or transform(x, *how))
    data = keras.utils.pack_x_y_sample_weight(*spec.data(6))
    minibatch = model.unpack(keras.tree.map_structure(ops.convert_to_tensor, data))
    counts = []
    with no_gradient(), model._play.point(training=True), Overlay(moving=frozenset()) as overlay:
        for move in ("discriminator", "generator"):
            model._play.loss_terms(model._play.moves[move], minibatch, overlay)
            counts.append(sum(len(x) for x in seen))
            seen.clear()
    assert counts[0] >= 12  # real and generated
    assert counts[1] >= 6
