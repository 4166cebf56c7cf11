"""The spatial transformer by hand, against finite differences in pictures and maps, and with the gradient that Keras' own layer lacks."""

import keras
import numpy as np
import pytest
from keras import ops

from kgan import backend
from kgan.layers import SpatialTransformer
from kgan.layers.spatial_transformer import affine_grid, sample_pixels
from kgan.networks import layered

IDENTITY = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]


def placed(images, *transforms):
    return ops.convert_to_numpy(
        SpatialTransformer()([ops.convert_to_tensor(images), ops.convert_to_tensor(transforms, "float32")])
    )


def numbers(*shape):
    return np.arange(np.prod(shape), dtype="float32").reshape(shape)


def test_the_grid_by_hand():
    grid = ops.convert_to_numpy(affine_grid(ops.convert_to_tensor([[2.0, 0.0, 0.5, 1.0, 1.0, 0.0]]), 3, 2))
    # y of the source is 2 y + 0.5, x is y + x, at the rows -1, 0, 1 and the columns -1, 1.
    np.testing.assert_allclose(grid[0, :, :, 0], [[-1.5, -1.5], [0.5, 0.5], [2.5, 2.5]])
    np.testing.assert_allclose(grid[0, :, :, 1], [[-2, 0], [-1, 1], [0, 2]])


def test_identity_shift_and_outside():
    images = numbers(2, 3, 3, 2)
    np.testing.assert_allclose(placed(images, IDENTITY, IDENTITY), images)
    # By one pixel, a distance of 1: what is looked up lies to the right, the last column outside is 0.
    moved = placed(images, [1, 0, 0, 0, 1, 1], [1, 0, 1, 0, 1, 0])
    np.testing.assert_allclose(moved[0], np.concatenate([images[0, :, 1:], np.zeros((3, 1, 2))], axis=1))
    np.testing.assert_allclose(moved[1], np.concatenate([images[1, 1:], np.zeros((1, 3, 2))], axis=0))
    # Half a pixel out at the left: the border fades to 0.
    np.testing.assert_allclose(placed(images[:1], [1, 0, 0, 0, 1, -0.5])[0, :, 0], images[0, :, 0] / 2)
    assert not placed(images, [1, 0, 9e9, 0, 1, 0], [1, 0, 0, 0, 1, -50]).any()


def test_each_picture_has_its_own_map_and_y_comes_first():
    images = numbers(2, 4, 4, 1)
    transposed = placed(images, [0, 1, 0, 1, 0, 0], IDENTITY)
    np.testing.assert_allclose(transposed[0, ..., 0], images[0, ..., 0].T, atol=1e-5)
    np.testing.assert_allclose(transposed[1], images[1])


def test_a_scale_of_two_makes_things_half_as_large():
    size = 16
    inside = placed(np.ones((1, size, size, 1), "float32"), [2, 0, 0, 0, 2, 0])[0, ..., 0] > 0.5
    rows, columns = np.nonzero(inside)
    assert abs(inside.sum() - size**2 / 4) <= size
    assert rows.mean() == columns.mean() == pytest.approx((size - 1) / 2)


@pytest.mark.parametrize("moved", ["images", "transforms"])
def test_gradients_are_those_of_finite_differences(moved, rng):
    shapes = {"images": (2, 4, 5, 2), "transforms": (2, 6)}
    start = rng.normal(0.0, 0.15, (2, 6)) + np.asarray(IDENTITY)
    values = {"images": rng.normal(size=shapes["images"]), "transforms": start}
    weights = ops.convert_to_tensor(rng.normal(size=shapes["images"]).astype("float32"))

    def total(given):
        tensors = {name: ops.convert_to_tensor(value, "float32") for name, value in values.items()} | {moved: given}
        return ops.sum(weights * SpatialTransformer()([tensors["images"], tensors["transforms"]]))

    point = ops.convert_to_tensor(values[moved], "float32")
    (gradient,) = backend.value_and_gradients(lambda t: (total(t[0]), None), [point])[1]
    gradient, eps = ops.convert_to_numpy(gradient), 1e-3
    assert np.abs(gradient).max() > 0.1
    for index in list(np.ndindex(*shapes[moved]))[:12]:
        step = np.zeros(shapes[moved])
        step[index] = eps
        high, low = (float(total(ops.convert_to_tensor(values[moved] + s, "float32"))) for s in (step, -step))
        assert gradient[index] == pytest.approx((high - low) / (2 * eps), abs=0.02), index


@pytest.mark.only("tensorflow")
def test_keras_own_transform_has_no_gradient_for_the_map():
    """Why the layer is built otherwise. Where this fails, Keras has mended it."""
    import tensorflow as tf

    transform = tf.constant([[1.0, 0.1, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]])
    with tf.GradientTape() as tape:
        tape.watch(transform)
        moved = ops.image.affine_transform(tf.ones((1, 4, 4, 1)) * tf.range(4.0)[:, None], transform)
    assert tape.gradient(moved, transform) is None


def test_layer_in_a_model_saves_and_keeps_half_precision(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    inputs = keras.Input((4, 4, 1)), keras.Input((6,))
    model = keras.Model(inputs, SpatialTransformer()(list(inputs)))
    given = [numbers(1, 4, 4, 1), np.asarray([IDENTITY], "float32")]
    model.save(tmp_path / "model.keras")
    made = keras.saving.load_model(tmp_path / "model.keras")(given)
    assert keras.backend.standardize_dtype(made.dtype) == "bfloat16"
    np.testing.assert_allclose(ops.convert_to_numpy(ops.cast(made, "float32")), given[0])
    with pytest.raises(ValueError, match="takes \\[images"):
        SpatialTransformer()([ops.ones((1, 4, 4)), ops.ones((1, 6))])


def test_samples_anywhere():
    image = numbers(1, 2, 2, 1)
    grid = ops.convert_to_tensor([[[[0.0, 0.0], [-1.0, 1.0], [1.0, -3.0]]]])
    np.testing.assert_allclose(
        ops.convert_to_numpy(sample_pixels(ops.convert_to_tensor(image), grid))[0, 0, :, 0], [1.5, 1.0, 0.0]
    )


# LR-GAN's composition ------------------------------------------------------------------------------------------------------


@keras.saving.register_keras_serializable("tests")
class Painter(keras.layers.Layer):
    """Hands on constant pictures of given values, whatever the code."""

    def __init__(self, values, size, **kwargs):
        super().__init__(**kwargs)
        self.values, self.size = list(values), size

    def call(self, code):
        one = ops.ones((ops.shape(code)[0], self.size, self.size, 1), code.dtype)
        return [value * one for value in self.values]


def generator(mask, appearance=1.0, canvas=0.25, size=16, **kwargs):
    code = keras.Input((3,))
    return layered.LayeredGenerator(
        keras.Model(code, Painter([0.0, canvas], size)(code)),
        keras.Model(code, Painter([0.0, appearance, mask], size)(code)),
        keras.layers.LSTMCell(3),
        keras.Model(code, keras.layers.Dense(6, kernel_initializer="zeros")(code)),
        **kwargs,
    )


@pytest.mark.parametrize(
    ("mask", "kwargs", "expected"),
    [(0.0, {}, 0.25), (1.0, {"scale": 1.0, "start_scale": 1.0}, 1.0), (0.5, {"scale": 1.0, "start_scale": 1.0}, 0.625)],
)
def test_masks_blend_the_foreground_over_the_canvas(mask, kwargs, expected):
    painting = generator(mask, **kwargs).paint(ops.zeros((2, 6)))
    np.testing.assert_allclose(ops.convert_to_numpy(painting.canvases[0]), 0.25)
    np.testing.assert_allclose(ops.convert_to_numpy(painting.canvases[1]), expected, atol=1e-6)


def test_a_full_mask_of_scale_two_is_a_square_in_the_middle():
    (_, picture), _, (mask,), _ = generator(1.0, canvas=0.0, scale=2.0, start_scale=2.0).paint(ops.zeros((1, 6)))
    assert abs(int(ops.sum(mask > 0.5)) - 64) <= 16
    np.testing.assert_allclose(ops.convert_to_numpy(picture), ops.convert_to_numpy(mask), atol=1e-6)


def test_poses_stay_in_their_limits(rng):
    model = layered.generator((8, 8, 1), 4, filters=2, scale=1.2, rotation=0.1)
    kernel = model.pose.weights[0]
    kernel.assign(rng.normal(0.0, 50.0, kernel.shape))
    pose = ops.convert_to_numpy(model.paint(ops.convert_to_tensor(rng.normal(size=(64, 8)), "float32")).poses[0])
    low, high = pose.min(axis=0), pose.max(axis=0)
    np.testing.assert_allclose(low, [1.2, -0.1, -1, -0.1, 1.2, -1], atol=1e-6)
    np.testing.assert_allclose(high, [2.4, 0.1, 1, 0.1, 2.4, 1], atol=1e-6)
