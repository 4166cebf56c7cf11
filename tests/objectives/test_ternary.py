"""The three-way discriminator by hand, and total variation against its formula and finite differences."""

import math

import numpy as np
import pytest
from keras import ops

from kgan import backend
from kgan.objectives import ternary_discriminator, ternary_generator
from kgan.penalties import total_variation


def test_a_discriminator_that_knows_nothing():
    zeros = ops.zeros((4, 3))
    assert float(ternary_discriminator(zeros, zeros, zeros)) == pytest.approx(3 * math.log(3))
    assert float(ternary_generator(zeros, zeros)) == pytest.approx(2 * math.log(3))


def test_classes_by_hand(rng):
    logits = [rng.normal(size=(5, 3)).astype("float32") for _ in range(3)]
    logs = [own - np.log(np.exp(own).sum(-1, keepdims=True)) for own in logits]
    d = -sum(own[:, label].mean() for label, own in enumerate(logs))
    assert float(ternary_discriminator(*map(ops.convert_to_tensor, logits))) == pytest.approx(d, rel=1e-5)
    g = -(logs[0][:, 2].mean() + logs[1][:, 2].mean())
    assert float(ternary_generator(*map(ops.convert_to_tensor, logits[:2]))) == pytest.approx(g, rel=1e-5)


def test_the_generator_is_pulled_to_the_third_class():
    (gradient,) = backend.value_and_gradients(lambda t: (ternary_generator(t[0], t[0]), None), [ops.zeros((1, 3))])[1]
    np.testing.assert_allclose(ops.convert_to_numpy(gradient), [[2 / 3, 2 / 3, -4 / 3]], rtol=1e-5)


def naive(images, exponent):
    batch, height, width, channels = images.shape
    total = 0.0
    for b, i, j, c in np.ndindex(batch, height, width, channels):
        across = images[b, i, j + 1, c] - images[b, i, j, c] if j + 1 < width else 0.0
        down = images[b, i + 1, j, c] - images[b, i, j, c] if i + 1 < height else 0.0
        total += (across**2 + down**2) ** (exponent / 2)
    return total / batch


@pytest.mark.parametrize("exponent", [1.0, 2.0])
def test_total_variation_is_its_formula_and_its_gradient_that_of_differences(exponent, rng):
    images = rng.normal(size=(2, 3, 4, 2))
    point = ops.convert_to_tensor(images, "float32")
    assert float(total_variation(point, exponent)) == pytest.approx(naive(images, exponent), rel=1e-5)
    (gradient,) = backend.value_and_gradients(lambda t: (total_variation(t[0], exponent), None), [point])[1]
    gradient = ops.convert_to_numpy(gradient)
    for index in list(np.ndindex(*images.shape))[:8]:
        step = np.zeros_like(images)
        step[index] = 1e-5
        expected = (naive(images + step, exponent) - naive(images - step, exponent)) / 2e-5
        assert gradient[index] == pytest.approx(expected, abs=1e-3)


def test_flat_pictures_have_none_and_a_finite_gradient():
    value, (gradient,) = backend.value_and_gradients(lambda t: (total_variation(t[0]), None), [ops.ones((1, 4, 4, 1))])
    assert float(value[0]) == 0.0
    assert not ops.convert_to_numpy(gradient).any()
    with pytest.raises(ValueError, match="Pictures are"):
        total_variation(ops.ones((4, 4)))
