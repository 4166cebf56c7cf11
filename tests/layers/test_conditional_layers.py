"""Conditional batch normalization and joined labels, by hand and by finite differences."""

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan.layers import ConditionalBatchNormalization, JoinLabels
from tests.differences import check_gradients, float64, needs_float64  # noqa: F401 - a fixture

LABELS = np.array([0, 1, 0, 1])


def numpy(tensor):
    return ops.convert_to_numpy(tensor)


def test_conditional_batch_normalization_by_hand():
    layer = ConditionalBatchNormalization(3, momentum=0.75, epsilon=1.0)
    x = np.array([[1.0], [3.0], [5.0], [7.0]], "float32")  # mean 4, variance 5
    layer.build([(None, 1), (None,)])
    layer.gamma.assign([[1.0], [2.0], [9.0]])
    layer.beta.assign([[0.0], [10.0], [90.0]])
    scaled = (x - 4.0) / np.sqrt(6.0)
    expected = scaled * [[1.0], [2.0], [1.0], [2.0]] + [[0.0], [10.0], [0.0], [10.0]]
    np.testing.assert_allclose(numpy(layer([x, LABELS], training=True)), expected, rtol=1e-5)
    # One pair of moving averages for all classes, from 0 and 1.
    mean, variance = map(numpy, layer.non_trainable_variables)
    np.testing.assert_allclose([mean[0], variance[0]], [1.0, 0.75 + 0.25 * 5.0], rtol=1e-5)
    after = (x - 1.0) / np.sqrt(3.0)
    expected = after * [[1.0], [2.0], [1.0], [2.0]] + [[0.0], [10.0], [0.0], [10.0]]
    np.testing.assert_allclose(numpy(layer([x, LABELS])), expected, rtol=1e-5)


def test_it_starts_as_keras_own_and_works_on_maps():
    x = np.random.default_rng(0).normal(2.0, 3.0, (4, 5, 5, 2)).astype("float32")
    plain = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)
    layer = ConditionalBatchNormalization(2)
    np.testing.assert_allclose(numpy(layer([x, LABELS], training=True)), numpy(plain(x, training=True)), atol=1e-5)
    layer.gamma.assign([[1.0, 1.0], [2.0, 3.0]])
    seen = numpy(layer([x, LABELS], training=True))
    np.testing.assert_allclose(seen[LABELS == 1], numpy(plain(x, training=True))[LABELS == 1] * [2.0, 3.0], atol=1e-4)
    np.testing.assert_allclose(seen[LABELS == 0], numpy(plain(x, training=True))[LABELS == 0], atol=1e-4)


def test_labels_are_joined_at_every_position():
    x = np.arange(8, dtype="float32").reshape(2, 2, 2, 1)
    joined = numpy(JoinLabels(3)([x, np.array([2, 0])]))
    assert joined.shape == (2, 2, 2, 4)
    np.testing.assert_array_equal(joined[..., :1], x)
    np.testing.assert_array_equal(joined[0, ..., 1:], np.broadcast_to([0, 0, 1], (2, 2, 3)))
    np.testing.assert_array_equal(joined[1, ..., 1:], np.broadcast_to([1, 0, 0], (2, 2, 3)))


def test_learned_vectors_of_labels():
    layer = JoinLabels(2, size=3)
    layer.build([(None, 1), (None,)])
    layer.embedding.set_weights([np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])])
    np.testing.assert_array_equal(numpy(layer([np.zeros((2, 1), "float32"), np.array([1, 0])]))[:, 1:], [[4, 5, 6], [1, 2, 3]])


def test_learned_vectors_are_normalized_by_the_largest_singular_value():
    layer = JoinLabels(2, size=2, power_iterations=1)
    layer.build([(None, 1), (None,)])
    layer.embedding.layer.set_weights([np.array([[4.0, 0.0], [0.0, 2.0]])])
    for _ in range(40):
        seen = numpy(layer([np.zeros((2, 1), "float32"), np.array([0, 1])], training=True))
    np.testing.assert_allclose(seen[:, 1:], [[1.0, 0.0], [0.0, 0.5]], atol=1e-5)


@needs_float64
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(
    "make",
    [
        # On torch, Keras computes batch norm and norms of float64 in float32.
        pytest.param(lambda: ConditionalBatchNormalization(2), id="norm", marks=pytest.mark.only("tensorflow", "jax")),
        pytest.param(lambda: JoinLabels(2, size=3), id="vectors"),
        pytest.param(
            lambda: JoinLabels(2, size=3, power_iterations=1),
            id="normalized vectors",
            marks=pytest.mark.only("tensorflow", "jax"),
        ),
    ],
)
def test_gradients(make):
    layer, rng = make(), np.random.default_rng(0)
    x, weights = rng.normal(size=(4, 3, 2)), rng.normal(size=(4, 3, 5))

    def loss(x):
        out = layer([x, LABELS], training=isinstance(layer, ConditionalBatchNormalization))
        return ops.sum(ops.sin(out) * ops.convert_to_tensor(weights[..., : out.shape[-1]], out.dtype))

    loss(ops.convert_to_tensor(x))
    for variable in layer.trainable_variables:
        variable.assign(ops.convert_to_numpy(variable) + rng.normal(size=variable.shape))
    check_gradients(loss, layer.trainable_variables, x)


@pytest.mark.parametrize("make", [ConditionalBatchNormalization, JoinLabels])
def test_configurations_and_other_inputs(make):
    layer = make(4, name="part")
    twin = make.from_config(layer.get_config())
    assert twin.classes == 4
    assert twin.name == "part"
    assert layer.compute_output_shape([(None, 3, 5), (None,)]) == (None, 3, 5 if make is ConditionalBatchNormalization else 9)
    with pytest.raises(ValueError, match=r"takes \[x, labels\]"):
        layer(np.zeros((3, 2), "float32"))
    with pytest.raises(ValueError, match=r"takes \[x, labels\]"):
        layer([np.zeros((3, 2), "float32"), np.zeros((3, 1), "int32")])
    with pytest.raises(ValueError, match="classes"):
        make(1)


def test_arguments_of_the_parts():
    with pytest.raises(ValueError, match="momentum"):
        ConditionalBatchNormalization(2, momentum=1.5)
    with pytest.raises(ValueError, match="power_iterations"):
        JoinLabels(2, power_iterations=1)


def test_a_penalty_on_single_gradients_finds_the_norm_inside():
    x, labels = keras.Input((3,)), keras.Input((), dtype="int32")
    critic = keras.Model([x, labels], keras.layers.Dense(1)(ConditionalBatchNormalization(2)([x, labels])))
    with pytest.raises(ValueError, match="BatchNormalization"):
        kgan.penalties.GradientPenalty().check(critic)
