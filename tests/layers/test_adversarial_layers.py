"""Layers of improved GAN training and of progressive growing, against formulas and their own promises."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import kgan
from kgan.layers import (
    DropReference,
    EqualizedLearningRate,
    InstanceNormalization,
    MinibatchDiscrimination,
    MinibatchStdDev,
    PixelNormalization,
    PrependReference,
    VirtualBatchNormalization,
    WeightNormalization,
    initialize_from_data,
)


def numpy_of(x):
    return ops.convert_to_numpy(x)


# Minibatch discrimination -------------------------------------------------------------------------------------------


def test_minibatch_discrimination_is_its_formula(rng):
    layer = MinibatchDiscrimination(3, 2, normalize=False)
    x = rng.normal(size=(5, 4)).astype("float32")
    out = numpy_of(layer(x))
    rows = np.einsum("na,abc->nbc", x, numpy_of(layer.kernel))
    expected = np.zeros((5, 3))
    for i in range(5):
        for j in range(5):
            if i != j:
                expected[i] += np.exp(-np.abs(rows[i] - rows[j]).sum(axis=-1))
    np.testing.assert_array_equal(out[:, :4], x)
    np.testing.assert_allclose(out[:, 4:], expected, atol=1e-5)


def test_minibatch_discrimination_averaged_and_alone(rng):
    x = rng.normal(size=(5, 4)).astype("float32")
    kernel = rng.normal(size=(4, 3, 2)).astype("float32")
    rows = np.einsum("na,abc->nbc", x, kernel)
    near = np.exp(-np.abs(rows[:, None] - rows[None]).sum(-1)).sum(1) - 1  # itself left out
    for average, append in ((True, False), (True, True), (False, False)):
        layer = MinibatchDiscrimination(3, 2, normalize=False, average=average, append=append)
        layer.build((None, 4))
        layer.kernel.assign(kernel)
        expected = near / 5 if average else near  # of all five, itself included: as in CausalGAN's code
        out = numpy_of(layer(x))
        assert out.shape == layer.compute_output_shape(x.shape)
        np.testing.assert_allclose(out[:, -3:], expected, atol=1e-5)
        np.testing.assert_array_equal(out[:, :-3], x if append else np.zeros((5, 0)))
        twin = MinibatchDiscrimination.from_config(layer.get_config())
        assert (twin.average, twin.append) == (average, append)


def test_minibatch_discrimination_normalized_has_unit_columns_and_a_bias_of_minus_one(rng):
    layer = MinibatchDiscrimination(3, 2)
    x = rng.normal(size=(5, 4)).astype("float32")
    out = numpy_of(layer(x))
    plain = MinibatchDiscrimination(3, 2, normalize=False)
    plain.build((None, 4))
    kernel = numpy_of(layer.kernel)
    plain.kernel.assign(kernel / np.sqrt((kernel**2).sum(axis=0)))
    np.testing.assert_allclose(out[:, 4:], numpy_of(plain(x))[:, 4:] - 1.0, atol=1e-5)
    initialize_from_data(keras.Sequential([keras.Input((4,)), layer]), rng.normal(size=(200, 4)).astype("float32"))


def test_minibatch_discrimination_data_dependent_start(rng):
    layer = MinibatchDiscrimination(3, 2)
    network = keras.Sequential([keras.Input((4,)), layer])
    x = rng.normal(size=(100, 4)).astype("float32") * 10
    initialize_from_data(network, x)
    nearest = numpy_of(ops.min(layer._distances(ops.convert_to_tensor(x)), axis=1)).mean(axis=0)
    np.testing.assert_allclose(nearest, 2.0, rtol=1e-4)
    np.testing.assert_allclose(numpy_of(network(x))[:, 4:].mean(axis=0), 0.0, atol=1e-4)


def test_minibatch_discrimination_refuses_and_warns():
    with pytest.raises(ValueError, match="num_kernels"):
        MinibatchDiscrimination(0)
    with pytest.raises(ValueError, match="flatten"):
        MinibatchDiscrimination(2)(np.zeros((2, 3, 3), "float32"))
    layer = MinibatchDiscrimination(2)
    layer.build((None, 3))
    with pytest.warns(UserWarning, match="one example"):
        layer(np.zeros((1, 3), "float32"))


# Minibatch standard deviation ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("group", [4, 2, None])
def test_minibatch_stddev_is_its_formula(group, rng):
    x = rng.normal(size=(8, 3, 3, 5)).astype("float32")
    out = numpy_of(MinibatchStdDev(group)(x))
    size = group or 8
    grouped = x.reshape(size, 8 // size, 3, 3, 5)  # members of a group lie 8 / size apart
    expected = np.sqrt(grouped.var(axis=0) + 1e-8).mean(axis=(1, 2, 3))
    np.testing.assert_array_equal(out[..., :5], x)
    for n in range(8):
        np.testing.assert_allclose(out[n, :, :, 5], expected[n % (8 // size)], rtol=1e-5)


def test_minibatch_stddev_of_equal_rows_and_odd_batches():
    same = numpy_of(MinibatchStdDev()(np.ones((4, 2, 2, 3), "float32")))
    np.testing.assert_allclose(same[..., 3], 1e-4, rtol=1e-3)
    assert MinibatchStdDev(4)(np.ones((3, 2, 2, 3), "float32")).shape == (3, 2, 2, 4)
    rng = np.random.default_rng(0)
    for batch, group in ((6, 3), (5, 5), (10, 2), (7, 7), (9, 3)):  # a rest that is no multiple
        rest = rng.normal(size=(batch, 2, 2, 3)).astype("float32")
        expected = numpy_of(MinibatchStdDev(group)(rest))
        np.testing.assert_array_equal(numpy_of(MinibatchStdDev(4)(rest)), expected)
        unknown = keras.Sequential([keras.Input((2, 2, 3)), MinibatchStdDev(4)])  # of a size that is not known when it is built
        np.testing.assert_allclose(unknown.predict(rest, batch_size=batch, verbose=0), expected, atol=1e-6)


# Pixel and instance normalization, equalized learning rate ----------------------------------------------------------


def test_pixel_normalization_has_mean_square_one(rng):
    out = numpy_of(PixelNormalization()(rng.normal(size=(2, 4, 4, 6)).astype("float32") * 7))
    np.testing.assert_allclose((out**2).mean(axis=-1), 1.0, atol=1e-4)
    assert np.isfinite(numpy_of(PixelNormalization()(np.zeros((1, 3), "float32")))).all()


def test_instance_normalization_normalizes_each_channel_of_each_example(rng):
    out = numpy_of(InstanceNormalization()(rng.normal(3, 5, size=(2, 8, 8, 3)).astype("float32")))
    np.testing.assert_allclose(out.mean(axis=(1, 2)), 0.0, atol=1e-5)
    np.testing.assert_allclose(out.std(axis=(1, 2)), 1.0, atol=1e-3)


@pytest.mark.parametrize(
    ("make", "shape", "fan_in"),
    [
        (lambda: layers.Dense(64), (2, 100), 100),
        (lambda: layers.Conv2D(32, 3), (2, 8, 8, 16), 144),
        (lambda: layers.Conv2DTranspose(32, 4), (2, 1, 1, 64), 1024),
    ],
)
def test_equalized_learning_rate_stores_unit_normals_and_uses_them_scaled(make, shape, fan_in, rng):
    layer = EqualizedLearningRate(make())
    x = rng.normal(size=shape).astype("float32")
    out = layer(x)
    assert numpy_of(layer.kernel).std() == pytest.approx(1.0, rel=0.05)
    used = numpy_of(layer.normalized_kernel())
    assert used.std() == pytest.approx((2 / fan_in) ** 0.5, rel=0.05)
    plain = make()
    plain.build(shape)
    plain.kernel.assign(used)
    layer.layer.bias.assign(np.arange(out.shape[-1]))  # the bias is not scaled
    plain.bias.assign(np.arange(out.shape[-1]))
    np.testing.assert_allclose(numpy_of(layer(x)), numpy_of(plain(x)), atol=1e-4)


@pytest.mark.only("tensorflow")
def test_one_adam_step_moves_no_stored_weight_by_more_than_the_rate(rng):
    network = keras.Sequential([keras.Input((5,)), EqualizedLearningRate(layers.Dense(4)), layers.Dense(1)])
    before = numpy_of(network.layers[0].kernel).copy()
    network.compile(keras.optimizers.Adam(1e-3, 0.0, 0.99), "mse")
    network.fit(rng.normal(size=(16, 5)), rng.normal(size=(16, 1)) * 100, verbose=0)
    moved = np.abs(numpy_of(network.layers[0].kernel) - before)
    assert 0 < moved.max() <= 1e-3 * 1.001


# Virtual batch normalization ----------------------------------------------------------------------------------------


def virtual(reference=6):
    return keras.Sequential(
        [
            keras.Input((3,)),
            PrependReference(reference),
            layers.Dense(16),
            layers.Reshape((2, 2, 4)),
            VirtualBatchNormalization(reference, name="norm"),
            layers.Flatten(),
            DropReference(reference),
        ]
    )


def test_virtual_batch_norm_does_not_look_at_the_rest_of_the_batch(rng):
    network = virtual()
    x = rng.normal(size=(4, 3)).astype("float32")
    alone = numpy_of(network(x[:1]))
    y = x.copy()
    y[1:] += 10
    np.testing.assert_allclose(numpy_of(network(x))[:1], alone, atol=1e-6)
    np.testing.assert_allclose(numpy_of(network(y))[:1], alone, atol=1e-6)
    plain = keras.Sequential([keras.Input((3,)), layers.BatchNormalization()])
    assert np.abs(numpy_of(plain(x, training=True))[:1] - numpy_of(plain(y, training=True))[:1]).max() > 1e-2


def test_virtual_batch_norm_is_its_formula(rng):
    layer = VirtualBatchNormalization(5, gamma_initializer="ones")
    x = rng.normal(2, 3, size=(7, 4, 4, 2)).astype("float32")
    out = numpy_of(layer(x))
    reference = x[:5]
    mean, var = reference.mean(axis=(0, 1, 2)), reference.var(axis=(0, 1, 2))
    np.testing.assert_allclose(out[:5], (reference - mean) / np.sqrt(var + 1e-5), atol=1e-4)
    for n in (5, 6):
        mu = (5 * mean + x[n].mean(axis=(0, 1))) / 6
        square = (5 * (reference**2).mean(axis=(0, 1, 2)) + (x[n] ** 2).mean(axis=(0, 1))) / 6
        np.testing.assert_allclose(out[n], (x[n] - mu) / np.sqrt(square - mu**2 + 1e-5), atol=1e-4)


def test_gradients_flow_through_the_reference(rng):
    """Scaling the layer before it changes nothing, so the gradient in its kernel is orthogonal to the kernel."""
    network = virtual()
    network.layers[-1].built = True
    kernel = next(
        v for v in network.trainable_variables if v.path.endswith("dense/kernel") or ("dense" in v.path and "kernel" in v.path)
    )
    bias = next(v for v in network.trainable_variables if "dense" in v.path and "bias" in v.path)
    x = rng.normal(size=(2, 3)).astype("float32")

    def loss(tensors):
        with kgan.backend.Overlay([(kernel, tensors[0]), (bias, tensors[1])]):
            return ops.sum(ops.sin(network(x))), None

    start = [ops.convert_to_tensor(numpy_of(v).copy()) for v in (kernel, bias)]
    _, gradients = kgan.backend.value_and_gradients(loss, start)
    inner = sum(float((numpy_of(g) * numpy_of(v)).sum()) for g, v in zip(gradients, start, strict=True))
    size = sum(float(np.abs(numpy_of(g) * numpy_of(v)).sum()) for g, v in zip(gradients, start, strict=True))
    assert abs(inner) < 1e-3 * size


def test_the_reference_is_saved_and_does_not_train(tmp_path, rng):
    network = virtual()
    assert any(v.name == "reference" for v in network.non_trainable_variables)
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    x = rng.normal(size=(2, 3)).astype("float32")
    np.testing.assert_array_equal(numpy_of(loaded(x)), numpy_of(network(x)))
    with pytest.raises(ValueError, match="reference_size"):
        PrependReference(1)


# Data-dependent weight normalization --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make", [lambda: layers.Dense(4, activation="relu"), lambda: layers.Conv2D(4, 3), lambda: layers.Conv2DTranspose(4, 3)]
)
def test_data_dependent_start_normalizes_pre_activations(make, rng):
    layer = make()
    shape = (200, 5) if isinstance(layer, layers.Dense) else (40, 6, 6, 2)
    x = rng.normal(2, 3, size=shape).astype("float32")
    wrapped = WeightNormalization(layer)
    network = keras.Sequential([keras.Input(shape[1:]), wrapped])
    initialize_from_data(network, x)
    assert layer.activation is not keras.activations.linear or not isinstance(layer, layers.Dense)
    layer.activation = keras.activations.linear
    out = numpy_of(network(x))
    axes = tuple(range(out.ndim - 1))
    np.testing.assert_allclose(out.mean(axis=axes), 0.0, atol=1e-3)
    np.testing.assert_allclose(out.std(axis=axes), 1.0, atol=1e-3)


def test_lengths_from_data_stay_where_they_are_put_and_what_does_not_vary_keeps_its_own(rng):
    wrapped = WeightNormalization(layers.Dense(3), scale=False, data_init=True)
    network = keras.Sequential([keras.Input((4,)), wrapped])
    assert wrapped.waits()
    assert [v.name for v in network.trainable_variables] == ["kernel", "bias"]
    initialize_from_data(network, rng.normal(2, 3, size=(200, 4)).astype("float32"))
    assert not wrapped.waits()
    assert np.all(numpy_of(wrapped.g) < 0.5)
    assert WeightNormalization.from_config(wrapped.get_config()).data_init
    initialize_from_data(network, np.ones((1, 4), "float32"))
    assert np.all(np.isfinite(numpy_of(wrapped.g)))
    with pytest.raises(ValueError, match="Embedding"):
        WeightNormalization(layers.Embedding(3, 2), data_init=True)


def test_minibatch_discrimination_starts_on_examples_that_have_no_distances():
    layer = MinibatchDiscrimination(3, 2, data_init=True)
    network = keras.Sequential([keras.Input((4,)), layer])
    initialize_from_data(network, np.ones((5, 4), "float32"))
    assert not layer.waits()
    assert np.all(np.isfinite(numpy_of(layer.log_scale)))
    with pytest.raises(ValueError, match="normalize"):
        MinibatchDiscrimination(3, 2, normalize=False, data_init=True)


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: MinibatchDiscrimination(3, 2), (4, 5)),
        (lambda: MinibatchStdDev(2), (4, 3, 3, 2)),
        (lambda: PixelNormalization(), (4, 3, 3, 2)),
        (lambda: EqualizedLearningRate(layers.Conv2D(3, 3)), (4, 5, 5, 2)),
        (lambda: InstanceNormalization(), (4, 3, 3, 2)),
        (lambda: VirtualBatchNormalization(2), (4, 3, 3, 2)),
    ],
)
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_every_layer_stands_alone_in_a_model_that_saves(make, shape, policy, tmp_path, rng):
    keras.config.set_dtype_policy(policy)
    inputs = keras.Input(shape[1:])
    model = keras.Model(inputs, make()(inputs))
    x = rng.normal(size=shape).astype("float32")
    out = numpy_of(ops.cast(model(x), "float32"))
    assert out.shape == (shape[0], *model.output_shape[1:])
    assert np.isfinite(out).all()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(numpy_of(ops.cast(loaded(x), "float32")), out)
