"""Layers whose starting values come from data have them before the first round, once, by whatever way a model is trained."""

import keras
import numpy as np
import pytest
from keras import layers

import kgan
from kgan.layers import WeightNormalization
from kgan.networks import improved, mlp

numpy_of = keras.ops.convert_to_numpy


def data(count=64):
    return np.random.default_rng(0).normal(3.0, 2.0, size=(count, 4)).astype("float32")


def still(**kwargs):
    """A game in which nothing moves but what the data start."""
    network = [WeightNormalization(layers.Dense(units), units == 1, data_init=True) for units in (6, 1)]
    model = kgan.GAN(
        generator=mlp.generator((4,), 2, (3,)),
        discriminator=keras.Sequential([keras.Input((4,)), *network], name="discriminator"),
        seed=0,
    )
    model.compile(optimizers={move: keras.optimizers.SGD(0.0) for move in ("discriminator", "generator")}, **kwargs)
    return model


def pre_activations(model, x):
    return numpy_of(model.discriminator.layers[0](x))


@pytest.mark.parametrize("way", ["fit", "train_on_batch"])
def test_the_first_minibatch_starts_layers_that_wait(way):
    model, x = still(averages={"discriminator": 0.999}), data()
    if way == "fit":
        model.fit(x, batch_size=64, verbose=0)
    else:
        model.train_on_batch(x)
    for values in (pre_activations(model, x), numpy_of(model.discriminator(x))):
        np.testing.assert_allclose(values.mean(0), 0.0, atol=1e-4)
        np.testing.assert_allclose(values.std(0), 1.0, atol=1e-4)
    # Averages start at the weights, and these have just been set.
    np.testing.assert_allclose(numpy_of(model.averaged("discriminator")(x)), numpy_of(model.discriminator(x)), atol=1e-5)


def test_they_start_once(tmp_path):
    model, x = still(), data()
    model.evaluate(x, verbose=0)
    assert all(layer.waits() for layer in model.discriminator.layers)
    model.fit(x, batch_size=32, verbose=0)
    before = [numpy_of(v) for v in model.discriminator.weights]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    model.compile(optimizers={move: keras.optimizers.SGD(0.0) for move in ("discriminator", "generator")})
    for again in (model, loaded):
        again.fit(10.0 * x, batch_size=32, verbose=0)
        for a, b in zip(before, again.discriminator.weights, strict=True):
            np.testing.assert_array_equal(a, numpy_of(b))


def test_layers_that_do_not_wait_are_left_alone():
    model = kgan.GAN(
        generator=mlp.generator((4,), 2, (3,)),
        discriminator=keras.Sequential([keras.Input((4,)), WeightNormalization(layers.Dense(1))], name="discriminator"),
        seed=0,
    )
    model.compile(optimizers={move: keras.optimizers.SGD(0.0) for move in ("discriminator", "generator")})
    before = [numpy_of(v) for v in model.discriminator.weights]
    model.fit(data(), verbose=0)
    for a, b in zip(before, model.discriminator.weights, strict=True):
        np.testing.assert_array_equal(a, numpy_of(b))


def test_the_networks_of_improved_gan_wait():
    """At lengths of 1 what the first layer sees of these images has a standard deviation of 0.3, beside a noise of 0.5."""
    x = np.random.default_rng(0).uniform(size=(100, 784)).astype("float32")
    model = kgan.ImprovedGAN(
        (784,), classes=10, seed=0, discriminator=improved.perceptron_classifier((784,), 10, (50,), (0.3, 0.5))
    )
    model.compile(optimizers={move: keras.optimizers.SGD(0.0) for move in ("discriminator", "generator")})
    examples, labels = kgan.datasets.semi_supervised(x, np.arange(100) % 10, 1)
    model.train_on_batch(
        {name: np.concatenate([part, part]) for name, part in examples.items()}, np.concatenate([labels, labels])
    )
    first = next(layer for layer in model.discriminator.layers if isinstance(layer, WeightNormalization))
    values = numpy_of(keras.ops.matmul(x, first.normalized_kernel()) + first.layer.bias)
    assert 0.5 < values.std(0).mean() < 1.1
    assert len(first.trainable_variables) == 2  # the lengths stay where the data put them
