"""The tables of f-GAN by hand and by brute force."""

import math

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan import backend
from kgan.objectives import FDivergence
from kgan.objectives.f_divergences import DIVERGENCES

EXTRA = {"alpha": {"alpha": 0.5}, "weighted_jensen_shannon": {"pi": 0.3}}
V = np.linspace(-1.5, 1.0, 6).astype("float32")[:, None]
U = np.exp(np.linspace(-14, 14, 200_001))


def numpy_f(name, u, alpha=0.5, pi=0.3):
    """The published generating functions, written out a second time."""
    m = 1 - pi + pi * u
    return {
        "total_variation": abs(u - 1) / 2,
        "kl": u * np.log(u),
        "reverse_kl": -np.log(u),
        "pearson": (u - 1) ** 2,
        "neyman": (1 - u) ** 2 / u,
        "squared_hellinger": (np.sqrt(u) - 1) ** 2,
        "jeffrey": (u - 1) * np.log(u),
        "jensen_shannon": -(u + 1) * np.log((1 + u) / 2) + u * np.log(u),
        "weighted_jensen_shannon": pi * u * np.log(u) - m * np.log(m),
        "gan": u * np.log(u) - (u + 1) * np.log(u + 1),
        "alpha": (u**alpha - 1 - alpha * (u - 1)) / (alpha * (alpha - 1)),
    }[name]


def cases():
    for name in DIVERGENCES:
        for link in ("nowozin", "logistic", "matsushita"):
            if link == "nowozin" or name != "total_variation":
                yield pytest.param(name, FDivergence(name, link, **EXTRA.get(name, {})), id=f"{name}-{link}")


@pytest.mark.parametrize(("name", "objective"), list(cases()))
def test_the_conjugate_is_the_supremum_over_density_ratios(name, objective):
    f = numpy_f(name, U)
    t = ops.convert_to_numpy(objective.variational(V))[:, 0].astype("float64")
    supremum = [(value * U - f).max() for value in t]
    np.testing.assert_allclose(ops.convert_to_numpy(objective.conjugate(V))[:, 0], supremum, atol=2e-3)
    assert (np.diff(t) > 0).all(), "large V must mean real"


@pytest.mark.parametrize("name", DIVERGENCES)
def test_f_its_threshold_and_the_optimum(name):
    objective = FDivergence(name, **EXTRA.get(name, {}))
    u = np.array([0.2, 0.9, 1.0, 3.0])
    np.testing.assert_allclose(ops.convert_to_numpy(objective.f(u)), numpy_f(name, u), rtol=1e-5, atol=1e-6)
    h = 1e-4
    slope = (numpy_f(name, u[[0, 1, 3]] + h) - numpy_f(name, u[[0, 1, 3]] - h)) / (2 * h)
    np.testing.assert_allclose(ops.convert_to_numpy(objective.optimum(np.log(u[[0, 1, 3]]))), slope, rtol=1e-3)
    threshold = {"kl": 1.0, "reverse_kl": -1.0, "gan": -math.log(2)}.get(name, 0.0)
    assert float(objective.optimum(np.zeros(1))[0]) == pytest.approx(threshold, abs=1e-6)


def test_alpha_above_one():
    objective = FDivergence("alpha", alpha=3.0)
    f = numpy_f("alpha", U, alpha=3.0)
    v = np.array([[-2.0], [-0.2], [0.5]], "float32")
    supremum = [(value * U - f).max() for value in v[:, 0]]
    np.testing.assert_allclose(ops.convert_to_numpy(objective.conjugate(v))[:, 0], supremum, atol=2e-3)


def test_the_gan_row_is_the_minimax_game_and_its_trick_the_non_saturating_loss():
    real, fake = (ops.convert_to_tensor(np.array([[0.3], [-1.0]], "float32")), ops.convert_to_tensor([[2.0], [-0.5]]))
    for trick, twin in ((False, kgan.objectives.minimax), (True, kgan.objectives.non_saturating)):
        objective = FDivergence("gan", trick=trick)
        assert float(objective.discriminator(real, fake)) == pytest.approx(float(twin.discriminator(real, fake)), abs=1e-6)
        assert float(objective.generator(fake)) == pytest.approx(float(twin.generator(fake)), abs=1e-6)


def test_jeffrey_has_the_derivative_one_over_w():
    # f*'(t) = 1/w, w = W(e^(1-t)); at t = 0: w + log w = 1, so w = 1. Its second derivative is 1 / (w (1 + w)).
    objective = FDivergence("jeffrey")

    def slope(t):
        def value(tensors):
            return ops.sum(objective.conjugate(tensors[0])), None

        return backend.value_and_gradients(value, [t], differentiable=True)[1][0]

    assert float(slope(ops.zeros((1,)))[0]) == pytest.approx(1.0, abs=1e-5)
    second = backend.value_and_gradients(lambda t: (ops.sum(slope(t[0])), None), [ops.zeros((1,))])[1][0]
    assert float(second[0]) == pytest.approx(0.5, abs=1e-4)


@pytest.mark.parametrize("name", DIVERGENCES)
def test_extreme_outputs_stay_finite(name):
    objective = FDivergence(name, **EXTRA.get(name, {}))
    v = ops.convert_to_tensor(np.array([[-200.0], [-40.0], [0.0], [40.0], [200.0]], "float32"))

    def value(tensors):
        return objective.discriminator(tensors[0], tensors[0]) * 1e-30, None

    (loss, _), (gradient,) = backend.value_and_gradients(value, [v])
    assert np.isfinite(float(ops.convert_to_numpy(loss)))
    assert np.isfinite(ops.convert_to_numpy(gradient)).all()


@pytest.mark.parametrize("alpha", [0.9, 0.95, -1.0])
def test_alpha_near_one_stays_finite(alpha):
    v = ops.convert_to_tensor(np.array([[-8.0], [2.0], [8.0]], "float32"))
    assert np.isfinite(ops.convert_to_numpy(FDivergence("alpha", alpha=alpha).conjugate(v))).all()


def test_half_precision_is_widened():
    v = ops.convert_to_tensor(np.array([[9.0]], "float16"))
    assert keras.backend.standardize_dtype(FDivergence("kl").conjugate(v).dtype) == "float32"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"divergence": "js"}, "Unknown divergence"),
        ({"link": "probit"}, "link"),
        ({"divergence": "alpha"}, "alpha"),
        ({"divergence": "alpha", "alpha": 1}, "kl"),
        ({"divergence": "alpha", "alpha": 0.0}, "reverse_kl"),
        ({"divergence": "weighted_jensen_shannon"}, "pi"),
        ({"divergence": "weighted_jensen_shannon", "pi": 3.14159}, "prior weight"),
        ({"divergence": "kl", "pi": 0.5}, "argument of"),
        ({"divergence": "total_variation", "link": "logistic"}, "step"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        FDivergence(**arguments)


def test_config():
    objective = FDivergence("alpha", "logistic", True, alpha=0.3)
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(objective))
    assert twin.get_config() == objective.get_config()
    assert twin.name == "f_divergence[alpha,logistic,trick=True,alpha=0.3]"
