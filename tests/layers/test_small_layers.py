"""Maxout, global sum pooling, weight normalization, grouped convolutions."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from kgan.layers import (
    GlobalSumPooling2D,
    LadderModulation,
    LearnedConstant,
    Maxout,
    RandomFeatures,
    Retouch,
    UntiedBias,
    WeightNormalization,
    estimate_statistics,
    statistics_kept,
)
from kgan.networks import blocks


def test_maxout_by_hand():
    layer = Maxout(2, pieces=2)
    layer.build((None, 1))
    # Units (1, -1) and (2, 3) of the input, with biases 0.
    layer.affine.set_weights([np.asarray([[1.0, -1.0, 2.0, 3.0]]), np.zeros(4)])
    np.testing.assert_allclose(ops.convert_to_numpy(layer(np.asarray([[2.0], [-2.0]]))), [[2.0, 6.0], [2.0, -4.0]])
    with pytest.raises(ValueError, match="pieces"):
        Maxout(2, pieces=0)


def test_maxout_keeps_leading_axes_and_its_config():
    layer = Maxout(3, 4, kernel_initializer=keras.initializers.RandomUniform(-0.1, 0.1))
    assert layer(np.ones((2, 5, 6), "float32")).shape == (2, 5, 3)
    twin = Maxout.from_config(layer.get_config())
    assert (twin.units, twin.pieces, twin.affine.kernel_initializer.maxval) == (3, 4, 0.1)


def test_a_learned_constant_sees_no_input_and_learns():
    layer = LearnedConstant(2, initial=-0.5)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(np.ones((3, 4), "float32"))), np.full((3, 2), -0.5))
    layer.constant.assign([1.0, 2.0])
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(np.zeros((1, 4), "float32"))), [[1.0, 2.0]])
    assert len(layer.trainable_variables) == 1
    assert layer.get_config()["initial"] == -0.5
    with pytest.raises(ValueError, match="units"):
        LearnedConstant(0)


def test_random_features_by_hand():
    layer = RandomFeatures(2, scales=(2.0, 10.0), gain=3.0)
    layer.build((None, 1, 1))
    layer.set_weights([np.asarray([[1.0, -1.0]]), np.asarray([0.5, 0.0])])
    # relu(2 x + 1/2), relu(-10 x), 1, times 3 / sqrt(2).
    found = ops.convert_to_numpy(layer(np.asarray([[[2.0]], [[-1.0]]], "float32")))
    np.testing.assert_allclose(found, np.asarray([[4.5, 0, 1], [0, 10, 1]]) * 3 / np.sqrt(2), rtol=1e-6)
    waves = RandomFeatures(1, "fourier", scales=[0.5])
    waves.build((None, 1))
    waves.set_weights([np.asarray([[1.0]])])
    found = ops.convert_to_numpy(waves(np.asarray([[np.pi]], "float32")))
    np.testing.assert_allclose(found, [[0.0, 1.0, 1.0]], atol=1e-6)
    assert not layer.trainable_variables
    twin = RandomFeatures.from_config(layer.get_config())
    assert (twin.kind, twin.scales, twin.gain) == ("rectified", [2.0, 10.0], 3.0)


@pytest.mark.parametrize("arguments", [{"kind": "cosine"}, {"scales": []}, {"scales": [0.0]}])
def test_random_features_refuse(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        RandomFeatures(2, **arguments)


def test_random_features_are_spread_as_they_say():
    layer = RandomFeatures(4000, scales=(0.5, 2.0), bias_stddev=0.3)
    layer.build((None, 3))
    kernel = ops.convert_to_numpy(layer.kernel)
    assert kernel.std() == pytest.approx(1.0, abs=0.03)
    assert ops.convert_to_numpy(layer.bias).std() == pytest.approx(0.3, abs=0.02)


def test_global_sum_pooling():
    x = np.arange(8, dtype="float32").reshape(1, 2, 2, 2)
    np.testing.assert_array_equal(ops.convert_to_numpy(GlobalSumPooling2D()(x)), [[12.0, 16.0]])


@pytest.mark.parametrize("make", [lambda: layers.Dense(4), lambda: layers.Conv2D(4, 3), lambda: layers.Conv2DTranspose(4, 3)])
def test_weight_normalization_has_unit_rows_or_starts_as_the_layer_itself(make, rng):
    layer = make()
    x = rng.normal(size=(2, 5) if isinstance(layer, layers.Dense) else (2, 6, 6, 2)).astype("float32")
    plain = ops.convert_to_numpy(layer(x))
    scaled = WeightNormalization(layer)
    np.testing.assert_allclose(ops.convert_to_numpy(scaled(x)), plain, atol=1e-5)
    unit = WeightNormalization(make(), scale=False)
    unit(x)
    kernel = ops.convert_to_numpy(unit.normalized_kernel())
    if isinstance(layer, layers.Conv2DTranspose):
        kernel = kernel.swapaxes(-1, -2)
    norms = np.linalg.norm(kernel.reshape(-1, 4), axis=0)
    np.testing.assert_allclose(norms, np.ones(4), rtol=1e-5)
    # The paper's reading: the squared singular values sum to the number of outputs.
    assert (np.linalg.svd(kernel.reshape(-1, 4), compute_uv=False) ** 2).sum() == pytest.approx(4.0, rel=1e-5)


def test_weight_normalization_learns_direction_and_length_apart(rng):
    model = keras.Sequential([keras.Input((3,)), WeightNormalization(layers.Dense(2, name="dense"), name="wn")])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    names = {v.path.split("/")[-1] for v in model.trainable_variables}
    assert names == {"kernel", "bias", "g"}
    before = [ops.convert_to_numpy(v).copy() for v in model.trainable_variables]
    model.fit(rng.normal(size=(8, 3)).astype("float32"), rng.normal(size=(8, 2)).astype("float32"), verbose=0)
    assert all(np.abs(ops.convert_to_numpy(v) - b).max() > 0 for v, b in zip(model.trainable_variables, before, strict=True))


def test_convolutional_maxout_is_the_largest_of_its_convolutions(rng):
    layer = Maxout(3, 2, kernel_size=2, strides=2, use_bias=False)
    x = rng.normal(size=(2, 5, 5, 4)).astype("float32")
    assert layer(x).shape == layer.compute_output_shape(x.shape) == (2, 2, 2, 3)
    patch = x[1, 2:4, 0:2].reshape(-1)
    affine = patch @ ops.convert_to_numpy(layer.affine.kernel).reshape(-1, 6)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x))[1, 1, 0], affine.reshape(3, 2).max(1), rtol=1e-4, atol=1e-5)
    twin = Maxout.from_config(layer.get_config())
    assert (twin.kernel_size, twin.strides, twin.use_bias, len(layer.weights)) == (2, 2, False, 1)


def test_untied_bias_has_a_number_for_every_entry():
    layer = UntiedBias()
    layer.build((None, 2, 1, 2))
    layer.bias.assign(np.arange(4.0).reshape(2, 1, 2))
    x = np.ones((3, 2, 1, 2), "float32")
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(x)), x + np.arange(4.0).reshape(2, 1, 2))


def test_statistics_need_a_batch():
    with pytest.raises(ValueError, match="No batch"):
        estimate_statistics(keras.Sequential([keras.Input((1,)), layers.BatchNormalization()]), [])


def test_statistics_are_kept_inside_and_move_outside():
    network = keras.Sequential([keras.Input((1,)), layers.BatchNormalization(momentum=0.5)])
    with statistics_kept(network):
        normalized = network(keras.ops.convert_to_tensor([[1.0], [3.0]]), training=True)
    assert abs(float(keras.ops.mean(normalized))) < 1e-6  # by the minibatch as ever
    assert float(network.layers[0].moving_mean[0]) == 0.0
    network(keras.ops.ones((2, 1)), training=True)
    assert float(network.layers[0].moving_mean[0]) == 0.5


def test_a_ladder_s_modulation_by_hand():
    layer = LadderModulation()
    layer.build((None, 1))
    for name, value in zip(("a1", "a2", "a3", "a4", "a5"), (2.0, 1.0, 3.0, 0.5, -1.0), strict=True):
        getattr(layer, name).assign([value])
    # 2 s(-3 + 3) + 0.5 * -3 - 1
    assert abs(float(layer(keras.ops.convert_to_tensor([[-3.0]]))[0, 0]) + 1.5) < 1e-6


def test_a_grouped_convolution_is_that_of_keras(rng):
    layer = blocks.conv(4, 3, "grouped", strides=2, groups=2)
    theirs = layers.Conv2D(4, 3, 2, "same", groups=2, data_format="channels_last")
    x = rng.normal(size=(2, 5, 5, 6)).astype("float32")
    layer(x), theirs(x)
    theirs.set_weights(layer.get_weights())
    assert layer.kernel.shape == (3, 3, 3, 4)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x)), ops.convert_to_numpy(theirs(x)), rtol=1e-4, atol=1e-5)


def test_retouch_by_hand():
    pictures = np.asarray([-1.0, 0.0, 0.5, 1.0], "float32").reshape(1, 2, 2, 1)
    changes = np.asarray([0.0, 1.0, -2.0, 50.0], "float32").reshape(1, 2, 2, 1)
    made = ops.convert_to_numpy(Retouch(0.9)([pictures, changes])).ravel()
    np.testing.assert_allclose(made, [-0.9, np.tanh(1.0), np.tanh(np.arctanh(0.45) - 2.0), 1.0], rtol=1e-5)
    with pytest.raises(ValueError, match="one shape"):
        Retouch()([pictures, changes[:, :1]])
