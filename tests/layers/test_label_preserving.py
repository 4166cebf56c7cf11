"""RenderGAN's augmentations: identities, formulas, what has no gradient, clip penalties, and the tags themselves."""

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan import backend
from kgan.layers import ClipWithPenalty, GaussianBlur, LearnedBackground, LearnedBlur, LearnedDetail, Lighting, TagRenderer
from kgan.layers.gaussian_blur import blur_matrix


def numpy_of(x):
    return ops.convert_to_numpy(x)


def pictures(rng, *shape):
    return rng.uniform(-1, 1, shape or (2, 8, 8, 1)).astype("float32")


def gradient_of(function, value):
    (gradient,) = backend.value_and_gradients(lambda t: (function(t[0]), None), [ops.convert_to_tensor(value)])[1]
    return numpy_of(gradient)


def test_blur_is_its_formula_and_keeps_constants(rng):
    x, sigma = pictures(rng, 1, 9, 7, 2), 1.2
    rows, columns = blur_matrix(9, sigma), blur_matrix(7, sigma)
    np.testing.assert_allclose(rows.sum(1), 1.0, rtol=1e-6)
    assert not rows[0, 5:].any()
    expected = np.stack([rows @ x[0, ..., c] @ columns.T for c in range(2)], axis=-1)
    np.testing.assert_allclose(numpy_of(GaussianBlur(sigma)(x))[0], expected, atol=1e-5)
    np.testing.assert_allclose(numpy_of(GaussianBlur(3.0)(np.full((1, 8, 8, 1), 0.7, "float32"))), 0.7, atol=1e-6)
    once = x - numpy_of(GaussianBlur(sigma)(x))
    np.testing.assert_allclose(
        numpy_of(GaussianBlur(sigma, highpass=2)(x)), once - numpy_of(GaussianBlur(sigma)(once)), atol=1e-5
    )
    with pytest.raises(ValueError, match="sigma"):
        GaussianBlur(0.0)


def test_settings_that_change_nothing(rng):
    x = pictures(rng)
    ones, zeros = np.ones_like(x), np.zeros_like(x)
    for layer, inputs in (
        (LearnedBlur(), [x, np.zeros((2, 1), "float32")]),
        (Lighting(), [x, ones, ones, zeros]),
        (LearnedBackground(), [x, ones, zeros]),
        (LearnedDetail(), [x, 0.5 * ones]),
    ):
        np.testing.assert_allclose(numpy_of(layer(inputs)), x, atol=1e-5, err_msg=type(layer).__name__)


def test_each_at_its_other_end(rng):
    x, d = pictures(rng), pictures(rng)
    np.testing.assert_allclose(
        numpy_of(LearnedBlur(1.5)([x, np.ones((2, 1), "float32")])), numpy_of(GaussianBlur(1.5)(x)), atol=1e-5
    )
    np.testing.assert_allclose(numpy_of(LearnedBackground(0.0)([x, d, np.ones_like(x)])), d, atol=1e-6)
    constant = [np.full_like(x, value) for value in (0.5, 0.25, -0.1)]
    lit = numpy_of(Lighting()([x, *constant]))
    np.testing.assert_allclose(lit, np.where(x > 0, 0.5 * x, 0.25 * x) - 0.1, atol=1e-5)
    detail = numpy_of(LearnedDetail(1.0)([np.zeros_like(d), d]))
    np.testing.assert_allclose(detail, numpy_of(GaussianBlur(1.0, highpass=3)(d)), atol=1e-5)


def test_which_side_is_white_has_no_gradient(rng):
    x = pictures(rng)
    fields = [ops.full(x.shape, value) for value in (0.5, 0.25, 0.0)]
    gradient = gradient_of(lambda t: ops.sum(Lighting()([t, *fields])), x)
    np.testing.assert_allclose(gradient, np.where(x > 0, 0.5, 0.25), atol=1e-5)


@pytest.mark.parametrize("name", ["LearnedBlur", "Lighting", "LearnedBackground", "LearnedDetail"])
def test_gradients_are_those_of_finite_differences(name, rng):
    layer = getattr(kgan.layers, name)()
    kinds = {"amounts": (2, 1)}
    inputs = [pictures(rng, *kinds.get(kind, (2, 8, 8, 1))) for kind in layer.takes]
    inputs[0] += 0.2 * np.sign(inputs[0])  # away from 0, where white becomes black
    weights = pictures(rng)

    def total(values):
        return ops.sum(ops.convert_to_tensor(weights) * layer([ops.convert_to_tensor(v) for v in values]))

    for place, value in enumerate(inputs):
        gradient = gradient_of(lambda t, place=place: total([*inputs[:place], t, *inputs[place + 1 :]]), value)
        for index in list(np.ndindex(*value.shape))[:5]:
            step = np.zeros_like(value)
            step[index] = 0.05  # they are linear in each input
            high, low = (float(total([*inputs[:place], value + s, *inputs[place + 1 :]])) for s in (step, -step))
            assert gradient[index] == pytest.approx((high - low) / 0.1, abs=2e-3), (place, index)


def test_clip_has_a_penalty_outside_and_a_gradient_inside():
    layer, x = ClipWithPenalty(-1.0, 0.5, weight=4.0), np.asarray([[-3.0, -0.5, 0.2, 2.0]], "float32")
    assert numpy_of(layer(x)).tolist() == [[-1.0, -0.5, np.float32(0.2), 0.5]]
    assert float(layer.losses[0]) == pytest.approx(4.0 * (2.0 + 1.5) / 4)
    assert gradient_of(lambda t: ops.sum(layer(t)), x).tolist() == [[0, 1, 1, 0]]

    def penalty(t):
        with backend.Overlay(moving=frozenset()) as overlay:
            layer(t)
        return overlay.added_losses[0][1]

    np.testing.assert_allclose(gradient_of(penalty, x), [[-1.0, 0.0, 0.0, 1.0]])
    with pytest.raises(ValueError, match="below `high`"):
        ClipWithPenalty(1.0, 1.0)


def test_wrong_inputs_are_refused(rng):
    x = pictures(rng)
    with pytest.raises(ValueError, match=r"takes \[pictures, background, mask\]"):
        LearnedBackground()([x, x])
    with pytest.raises(ValueError, match="of one size"):
        LearnedDetail()([x, pictures(rng, 2, 4, 4, 1)])
    with pytest.raises(ValueError, match=r"amounts \(batch, 1\)"):
        LearnedBlur()([x, np.ones((2, 3), "float32")])


@pytest.mark.parametrize("name", ["LearnedBlur", "Lighting", "LearnedBackground", "LearnedDetail"])
def test_layers_in_a_model_save_in_half_precision(name, tmp_path, rng):
    keras.config.set_dtype_policy("mixed_bfloat16")
    make = getattr(kgan.layers, name)
    inputs = [keras.Input((1,) if kind == "amounts" else (8, 8, 1)) for kind in make.takes]
    word = "soften" if name == "LearnedBackground" else "sigma"
    model = keras.Model(inputs, make(**{word: 1.5})(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    given = [pictures(rng, 2, *tensor.shape[1:]) for tensor in inputs]
    assert getattr(loaded.layers[-1], word) == 1.5
    for own, other in zip(loaded(given), model(given), strict=True):
        np.testing.assert_array_equal(numpy_of(ops.cast(own, "float32")), numpy_of(ops.cast(other, "float32")))


# Tags ----------------------------------------------------------------------------------------------------------------------


def label(bits, **pose):
    return np.asarray([[*bits, *(pose.get(name, 0.0) for name in kgan.layers.tags.POSE)]], "float32")


def test_a_straight_tag_by_hand():
    bits = [1, -1, 1, 1, -1, -1, 1, -1, 1, -1, -1, 1]
    tag, mask, _ = (numpy_of(part)[0, ..., 0] for part in TagRenderer(size=64, radii=(24.0, 24.0))(label(bits)))
    center = 31.5

    def at(radius, degrees):
        y, x = center + 24 * radius * np.sin(np.radians(degrees)), center + 24 * radius * np.cos(np.radians(degrees))
        return round(y), round(x)

    assert [round(float(tag[at(0.62, 15 + 30 * k)]), 1) for k in range(12)] == [pytest.approx(b, abs=0.1) for b in bits]
    assert tag[at(0.25, 90)] == pytest.approx(1.0, abs=0.05)
    assert tag[at(0.25, -90)] == pytest.approx(-1.0, abs=0.05)
    assert tag[at(0.9, 40)] == pytest.approx(1.0, abs=0.1)
    assert mask[at(0.9, 40)] < 0.1
    assert mask[at(1.15, 40)] > 0.95
    assert mask.sum() == pytest.approx(64**2 - np.pi * 24**2, rel=0.02)


def test_a_pose_moves_turns_and_tilts(rng):
    render, bits = TagRenderer(size=64, radii=(20.0, 24.0), rotation=90.0, shift=6.0), [1] * 6 + [-1] * 6
    straight, turned, moved, tilted, small = (
        [numpy_of(part)[0, ..., 0] for part in render(label(bits, **pose))]
        for pose in ({}, {"rotation": 1.0}, {"y": 1.0, "x": -0.5}, {"tilt_y": 1.0}, {"radius": -1.0})
    )
    np.testing.assert_allclose(turned[0], np.rot90(straight[0], -1), atol=1e-3)
    np.testing.assert_allclose(moved[0][6:, :-3], straight[0][:-6, 3:], atol=1e-3)
    assert (tilted[1] < 0.5).sum() == pytest.approx((straight[1] < 0.5).sum() * np.cos(0.5), rel=0.03)
    assert np.abs(straight[2]).max() < 1e-6 < np.abs(tilted[2]).max()
    assert (small[1] < 0.5).sum() == pytest.approx(np.pi * 400, rel=0.03)


def test_gradients_reach_the_pose(rng):
    labels = label([1, -1] * 6, rotation=0.2, y=0.1, x=-0.3, radius=0.4, tilt_y=0.3, tilt_x=-0.2)
    weights = pictures(rng, 1, 32, 32, 1)
    render = TagRenderer()

    def total(t):
        return ops.sum(ops.convert_to_tensor(weights) * render(t)[0])

    gradient = gradient_of(total, labels)
    for place in range(18):
        step = np.zeros_like(labels)
        step[0, place] = 2e-3
        high, low = (float(total(ops.convert_to_tensor(labels + s))) for s in (step, -step))
        assert gradient[0, place] == pytest.approx((high - low) / 4e-3, abs=0.05, rel=0.02), place


def test_tags_refuse():
    for wrong in ({"size": 30}, {"radii": (3.0, 2.0)}, {"bits": 2}, {"tilt": 1.6}):
        with pytest.raises(ValueError):
            TagRenderer(**wrong)
    with pytest.raises(ValueError, match="18"):
        TagRenderer()(np.zeros((1, 12), "float32"))
