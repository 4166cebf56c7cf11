"""Walks in latent space; the estimate of what training takes."""

import keras
import numpy as np
import pytest

import kgan
from kgan import latents, memory


def test_interpolation_is_a_line(rng):
    a, b = rng.random((2, 5))
    line = latents.interpolation(a, b, 4)
    np.testing.assert_allclose(line, [a, (2 * a + b) / 3, (a + 2 * b) / 3, b], atol=1e-6)
    with pytest.raises(ValueError, match="one length"):
        latents.interpolation(a, b[:4])


def test_arithmetic_takes_means_and_stays_in_the_prior(rng):
    a, b, c = rng.random((3, 4, 5))
    found = latents.arithmetic(a, b, c[0], 0.0, 1.0)
    np.testing.assert_allclose(found, np.clip(a.mean(0) - b.mean(0) + c[0], 0, 1), atol=1e-6)
    with pytest.raises(ValueError, match="one length"):
        latents.arithmetic(a, b[:, :4], c)


def test_a_sweep_changes_one_number(rng):
    z = rng.random(3).astype("float32")
    np.testing.assert_array_equal(latents.sweep(z, 1, [0.0, 1.0]), [[z[0], 0, z[2]], [z[0], 1, z[2]]])
    with pytest.raises(ValueError, match="index of 3"):
        latents.sweep(z, 3, [0.0])


def model():
    generator = kgan.networks.mlp.generator((2,), 3, (10,))
    return kgan.GAN(generator=generator, discriminator=kgan.networks.mlp.discriminator((2,), (7,)), seed=0)


def test_the_estimate_by_hand():
    # Generator: 10 after the dense layer, 10 after its activation, 2, 2 after the reshape. Discriminator: 2 flattened, 7, 7, 1.
    built = model()
    assert memory.activations(built.generator) == 24
    names = [layer.name for layer in built.discriminator.layers]
    assert memory.activations(built.discriminator) == 15 + 2 * ("flatten" in names)
    per_example = (memory.activations(built.generator) + memory.activations(built.discriminator)) * 2 * 2 * 4
    weights = (3 * 10 + 10 + 10 * 2 + 2) + (2 * 7 + 7 + 7 + 1)
    assert memory.training_bytes(built, 5) == 5 * per_example + 16 * weights


def test_nested_models_count_once():
    inner = kgan.networks.mlp.discriminator((2,), (7,))
    x = keras.Input((2,))
    outer = keras.Model(x, keras.layers.Dense(4)(inner(x)))
    assert memory.activations(outer) == memory.activations(inner) + 4


def test_a_run_that_would_not_fit_is_refused_with_what_would():
    built = model()
    needed = memory.require(built, 100, available=10**9)
    fixed = memory.training_bytes(built, 0)
    with pytest.raises(ValueError, match="at most 50 would fit"):
        memory.require(built, 100, available=fixed + (needed - fixed) // 2 + 1)
    with pytest.raises(ValueError, match="no batch size would fit"):
        memory.require(built, 100, available=10)


def test_the_papers_batch_is_refused_on_a_small_machine_and_told_on_a_large_one():
    built = kgan.ThreeDGAN(seed=0)
    # One 32^3 x 64 map of 100 shapes is 0.84 GB, and there are several.
    assert 5e9 < memory.training_bytes(built, 100) < 5e10
    with pytest.raises(
        ValueError, match=r"Training ThreeDGAN in minibatches of 100 would take about .* GB, and 4\.0 GB are free"
    ):
        memory.require(built, 100, available=4 * 10**9)


def test_free_memory_is_told():
    free = memory.available_bytes()
    assert free is None or 10**6 < free < 10**15
