"""Hand-worked numbers, gradients and registry of the two-player objectives."""

import math

import numpy as np
import pytest
from keras import ops

import kgan
from kgan import backend, objectives

SP = {t: math.log1p(math.exp(t)) for t in (-2.0, -1.0, 0.0, 1.0, 2.0)}
REAL, FAKE = [2.0, 0.0], [1.0, -1.0]

# discriminator(REAL, FAKE) and generator(FAKE), worked out by hand.
NUMBERS = {
    # E sp(-l(x)) + E sp(l(G)): (sp(-2) + sp(0)) / 2 + (sp(1) + sp(-1)) / 2; minimax: -(sp(1) + sp(-1)) / 2.
    "minimax": ((SP[-2.0] + SP[0.0] + SP[1.0] + SP[-1.0]) / 2, -(SP[1.0] + SP[-1.0]) / 2),
    "non_saturating": ((SP[-2.0] + SP[0.0] + SP[1.0] + SP[-1.0]) / 2, (SP[-1.0] + SP[1.0]) / 2),
    # relu(1 - 2) = 0, relu(1 - 0) = 1; relu(1 + 1) = 2, relu(1 - 1) = 0.
    "hinge": (0.5 + 1.0, 0.0),
    "wasserstein": (0.0 - 1.0, 0.0),
    # 1/2 ((1 + 1) / 2) + 1/2 ((1 + 1) / 2); generator 1/2 (0 + 4) / 2.
    "least_squares": (0.5 + 0.5, 1.0),
}


@pytest.mark.parametrize("name", sorted(NUMBERS))
def test_hand_worked_numbers(name):
    objective = objectives.get(name)
    shape = (2, 1)
    real, fake = (ops.reshape(ops.convert_to_tensor(v), shape) for v in (REAL, FAKE))
    discriminator, generator = NUMBERS[name]
    assert float(objective.discriminator(real, fake)) == pytest.approx(discriminator, abs=1e-6)
    assert float(objective.generator(fake)) == pytest.approx(generator, abs=1e-6)


def test_the_table_names_every_objective():
    assert set(NUMBERS) <= set(objectives.names())


@pytest.mark.parametrize("name", sorted(NUMBERS))
def test_a_second_number_off_the_symmetric_point(name):
    """The discriminator at REAL = 3, FAKE = 0.5, from the definitions in plain Python."""

    def sp(t):
        return math.log1p(math.exp(t))

    x, g = 3.0, 0.5
    expected = {
        "minimax": (sp(-x) + sp(g), -sp(g)),
        "non_saturating": (sp(-x) + sp(g), sp(-g)),
        "hinge": (max(0, 1 - x) + max(0, 1 + g), -g),
        "wasserstein": (g - x, -g),
        "least_squares": (0.5 * (x - 1) ** 2 + 0.5 * g**2, 0.5 * (g - 1) ** 2),
    }[name]
    objective = objectives.get(name)
    real, fake = ops.convert_to_tensor([[x]]), ops.convert_to_tensor([[g]])
    got = float(objective.discriminator(real, fake)), float(objective.generator(fake))
    assert got == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", sorted(NUMBERS))
def test_gradients_against_finite_differences(name):
    objective = objectives.get(name)
    points = np.asarray([-2.3, -0.4, 0.3, 1.7], "float32")
    _, (gradient,) = backend.value_and_gradients(lambda t: (objective.generator(t[0]), None), [points])
    for i in range(4):
        step = np.zeros(4, "float64")
        step[i] = 1e-2
        up, down = (float(objective.generator(ops.convert_to_tensor((points + s).astype("float32")))) for s in (step, -step))
        assert float(gradient[i]) == pytest.approx((up - down) / 2e-2, abs=2e-4)


def test_saturation_identity():
    """Per example, non-saturating and minimax gradients differ by exp(-l): 403 at l = -6."""
    logits = np.asarray([-6.0, 0.0, 3.0], "float32")

    def gradient(objective):
        return ops.convert_to_numpy(backend.value_and_gradients(lambda t: (objective.generator(t[0]), None), [logits])[1][0])

    ratio = gradient(objectives.non_saturating) / gradient(objectives.minimax)
    np.testing.assert_allclose(ratio, np.exp(-logits), rtol=1e-4)
    assert ratio[0] == pytest.approx(403.43, rel=1e-4)


def test_large_logits_stay_finite_and_half_precision_is_widened():
    big = ops.convert_to_tensor([[300.0], [-300.0]])
    for name in NUMBERS:
        objective = objectives.get(name)
        assert math.isfinite(float(objective.discriminator(big, big)))
        half = ops.cast(big, "float16")
        assert "float32" in str(objective.generator(half).dtype)


def test_registry():
    assert kgan.objectives.get(objectives.hinge) is objectives.hinge
    with pytest.raises(ValueError, match="Unknown objective 'hing'"):
        objectives.get("hing")
    with pytest.raises(TypeError, match="Objective"):
        objectives.register(lambda real, fake: 0.0)
    with pytest.raises(ValueError, match="already registered"):
        objectives.register(objectives.Objective("hinge", objectives.hinge.generator, objectives.hinge.generator))
