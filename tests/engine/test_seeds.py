"""A model's seed decides everything that the model draws: its weights, its noise, the order of its data."""

import random

import keras
import numpy as np
import pytest

import kgan
from tests.conformance.specs import SPECS

# What a user types, of every family; all draw all of their weights.
DEFAULTS = {spec.family.__name__: spec.default[1] for spec in SPECS.values() if spec.default is not None}
BUILDERS = {
    "GAN": lambda **kwargs: kgan.GAN((2,), **kwargs),
    "SNGAN": lambda **kwargs: kgan.SNGAN((8, 8, 1), width=0.05, **kwargs),
    "DCGAN": lambda **kwargs: kgan.DCGAN((8, 8, 1), filters=2, **kwargs),
    "VEEGAN": lambda **kwargs: kgan.VEEGAN((2,), latent_size=4, **kwargs),
}
each = pytest.mark.parametrize("build", BUILDERS.values(), ids=BUILDERS)


def weights_of(build, outside, **kwargs):
    """The weights of a model that is built after the global generators were given another seed."""
    keras.utils.set_random_seed(outside)
    return build(**kwargs).get_weights()


def largest_difference(a, b):
    return max(float(np.abs(np.subtract(x, y, dtype="float64")).max()) for x, y in zip(a, b, strict=True) if np.size(x))


@each
def test_one_seed_one_model(build):
    assert largest_difference(weights_of(build, 1, seed=0), weights_of(build, 2, seed=0)) == 0.0
    assert largest_difference(weights_of(build, 1, seed=0), weights_of(build, 1, seed=1)) > 1e-3


@pytest.mark.only("tensorflow")  # who draws from what does not depend on the backend, and large networks take their time
@pytest.mark.slow
@pytest.mark.parametrize("family", DEFAULTS)
def test_one_seed_one_default(family):
    test_one_seed_one_model(DEFAULTS[family])


def test_every_family_has_a_default():
    assert set(DEFAULTS) == {spec.family.__name__ for spec in SPECS.values()}


@each
def test_without_a_seed_the_global_one_decides(build):
    assert largest_difference(weights_of(build, 1), weights_of(build, 1)) == 0.0
    assert largest_difference(weights_of(build, 1), weights_of(build, 2)) > 1e-3


def test_building_a_model_leaves_the_global_generator_as_it_was():
    random.seed(5)
    expected = random.random()
    random.seed(5)
    kgan.GAN((2,), seed=0)
    assert random.random() == expected
    random.seed(5)
    with pytest.raises(ValueError, match="discriminator_steps"):
        kgan.GAN((2,), seed=0, simultaneous=True, discriminator_steps=2)
    assert random.random() == expected


def test_two_trainings_from_one_seed_are_one_training():
    points = np.random.default_rng(0).normal(size=(256, 2)).astype("float32")
    states = []
    for outside in (1, 2):
        keras.utils.set_random_seed(outside)
        model = kgan.GAN((2,), seed=3)
        model.compile()
        model.fit(points, batch_size=64, epochs=2, verbose=0)
        states.append([*model.get_weights(), model.generate(4)])
    assert largest_difference(*states) == 0.0
