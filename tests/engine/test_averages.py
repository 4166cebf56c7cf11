"""What an average of a player holds: means of weights and statistics, other state as it is, singular vectors of the averaged kernel."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import kgan
from kgan import backend
from kgan.engine.averages import FollowsWeights
from kgan.layers import DropReference, PrependReference, SpectralNormalization, VirtualBatchNormalization


def circle(rounds, batch_size=16):
    angles = np.random.default_rng(0).uniform(0.0, 2 * np.pi, rounds * batch_size)
    return np.stack([np.cos(angles), np.sin(angles)], 1).astype("float32")


def compiled(*hidden, decay):
    network = keras.Sequential([keras.Input((8,)), *hidden, layers.Dense(2)], name="generator")
    model = kgan.GAN((2,), generator=network, seed=0)
    model.compile(averages={"generator": decay})
    return model


def largest_singular_values(model):
    """Of the kernels that the averaged generator calls its layers with, by SVD."""
    wrapped = [layer for layer in model.generator.layers if isinstance(layer, SpectralNormalization)]
    with backend.Overlay(model._averages.values()):
        return [float(ops.convert_to_numpy(layer.exact_sigma() / layer.sigma())) for layer in wrapped]


@pytest.mark.parametrize("decay", [0.99, 0.999])
def test_averaged_kernels_are_normalized_by_their_own_singular_values(decay):
    keras.utils.set_random_seed(0)
    hidden = [SpectralNormalization(layers.Dense(32)), layers.BatchNormalization(), layers.ReLU()]
    model = compiled(*hidden, SpectralNormalization(layers.Dense(32)), layers.ReLU(), decay=decay)
    for epoch in range(4):
        model.fit(circle(280), batch_size=16, initial_epoch=epoch, epochs=epoch + 1, verbose=0)
        if epoch in (0, 3):  # 280 and 1,120 rounds
            assert largest_singular_values(model) == pytest.approx([1.0, 1.0], abs=0.05)


def test_kernels_of_convolutions_and_embeddings_follow_too():
    for layer, shape in ((layers.Conv2DTranspose(3, 2), (None, 4, 4, 2)), (layers.Embedding(5, 3), (None,))):
        wrapped = SpectralNormalization(layer)
        wrapped.build(shape)
        assert isinstance(wrapped, FollowsWeights)
        kernel = ops.convert_to_numpy(wrapped.kernel)
        turned = keras.random.normal(kernel.shape, seed=1)
        with backend.Overlay([(wrapped.kernel, turned)]):
            for _ in range(100):
                wrapped.follow_weights()
            assert float(wrapped.sigma()) == pytest.approx(float(wrapped.exact_sigma()), rel=1e-3)
        np.testing.assert_array_equal(ops.convert_to_numpy(wrapped.kernel), kernel)


def averages_by_path(model):
    return {v.path: (ops.convert_to_numpy(v), ops.convert_to_numpy(average)) for v, average in model._averages.values()}


def test_state_that_is_no_mean_is_taken_as_it_is():
    reference = PrependReference(4)
    counted = layers.Dense(8, name="frozen")
    counted.trainable = False
    rest = [counted, layers.ReLU(), layers.BatchNormalization()]
    model = compiled(reference, VirtualBatchNormalization(4), DropReference(4), *rest, decay=0.9)
    reference.reference.assign(ops.ones((4, 8)) / 3)  # real examples, given after compile
    counted.kernel.assign(ops.ones((8, 8)) / 3)
    model.fit(circle(8), batch_size=16, verbose=0)
    for path, (present, average) in averages_by_path(model).items():
        same = any(name in path for name in ("reference", "frozen"))
        if same:
            np.testing.assert_array_equal(average, present, err_msg=path)
        else:
            assert np.abs(average - present).max() > 0.0, path


def test_restarted_averages_are_the_present_values():
    model = compiled(SpectralNormalization(layers.Dense(8)), layers.ReLU(), decay=0.9)
    model.fit(circle(8), batch_size=16, verbose=0)
    model._averages.restart()
    for path, (present, average) in averages_by_path(model).items():
        np.testing.assert_array_equal(average, present, err_msg=path)
