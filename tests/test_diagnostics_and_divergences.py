"""Gradients behind a discriminator trained anew; restricted classes of discriminators against closed forms."""

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan import diagnostics, divergences
from kgan.divergences import OBJECTIVES, fourier, measure, moment_gap, polynomial, supremum


def small_gan(**kwargs):
    size = {"generator": kgan.networks.mlp.generator((2,), 2, (4,)), "discriminator": kgan.networks.mlp.discriminator((2,), (6,))}
    return kgan.GAN(**size, seed=0, **kwargs)


def test_nothing_of_the_model_changes_and_a_run_repeats(rng):
    model, points = small_gan(), rng.normal(3.0, 0.1, (64, 2)).astype("float32")
    before = [ops.convert_to_numpy(v).copy() for v in model.variables]
    runs = [diagnostics.generator_gradients(model, points, steps=150, batches=3, batch_size=16, learning_rate=0.1) for _ in "ab"]
    assert runs[0] == runs[1]
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(variable), value)
    first, last = runs[0][0], runs[0][-1]
    assert (first.step, last.step) == (1, 150)
    assert last.accuracy == 1.0 > first.accuracy - 0.01
    assert last.loss < first.loss
    assert last.saturating < first.saturating  # the examples lie apart
    noisy = diagnostics.generator_gradients(
        model, points, steps=150, batches=3, batch_size=16, learning_rate=0.1, instance_noise=4.0, record_at=[150]
    )
    assert noisy[0].accuracy < 1.0
    assert noisy[0].saturating > last.saturating


def test_the_recorded_norms_by_hand():
    """G(z) = theta = 1, D(x) = -a x with a = log 3 at rest: l = -log 3, d/dtheta of -sp(l) is a sigmoid(l) = a / 4, of sp(-l) 3 a / 4."""
    z, x, a = keras.Input((1,)), keras.Input((1,)), float(np.log(3.0))
    place = keras.layers.Dense(1, kernel_initializer="zeros", bias_initializer="ones")
    generator = keras.Model(z, place(z))
    generator.layers[-1].kernel.trainable = False
    slope = keras.layers.Dense(1, use_bias=False, kernel_initializer=keras.initializers.Constant(-a))
    model = kgan.GAN(generator=generator, discriminator=keras.Model(x, slope(x)), seed=0)
    model.prior = lambda shape, seed=None: ops.zeros(shape)
    found = diagnostics.generator_gradients(
        model, -np.ones((8, 1), "float32"), steps=1, batches=2, batch_size=4, learning_rate=1e-12
    )[0]
    assert found.saturating == pytest.approx(a / 4, rel=1e-4)
    assert found.alternative == pytest.approx(3 * a / 4, rel=1e-4)
    assert found.loss == pytest.approx(2 * np.log(4.0 / 3.0), rel=1e-4)
    assert (found.accuracy, found.alternative_spread) == (1.0, 0.0)


@pytest.mark.parametrize(
    "bad", [{"steps": 0}, {"record_at": [5]}, {"record_at": [2, 1]}, {"instance_noise": -1.0}, {"batches": 0}]
)
def test_what_cannot_be_recorded_is_refused(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        diagnostics.generator_gradients(small_gan(), np.zeros((8, 2), "float32"), **{"steps": 3, **bad})


# Divergences ------------------------------------------------------------------------------------------------------------


def laws():
    """Uniform(-sqrt 3, sqrt 3) and N(0, 1) by Gauss-Legendre quadrature: equal moments up to the third."""
    nodes, weights = np.polynomial.legendre.leggauss(400)
    flat, wide = 3**0.5 * nodes[:, None], 10.0 * nodes[:, None]
    return flat, wide, weights, weights * np.exp(-0.5 * wide[:, 0] ** 2)


@pytest.mark.parametrize(
    ("degree", "kl", "gan"), [(1, 0.0, 0.0), (2, 0.0, 0.0), (3, 0.0, 0.0), (4, 0.11235, 0.06291), (6, 0.14307, 0.08052)]
)
def test_polynomials_see_the_moments_that_they_can_express(degree, kl, gan):
    flat, normal, wx, wy = laws()
    for name, value in (("kl", kl), ("gan", gan)):
        assert supremum(name, polynomial(degree), flat, normal, wx, wy) == pytest.approx(value, abs=1e-6 if degree < 4 else 1e-4)
    if degree == 1:  # a shift by 0.3 costs 0.3^2 / 2
        assert supremum("kl", polynomial(1), flat, normal + 0.3, wx, wy) == pytest.approx(0.045, abs=1e-3)


@pytest.mark.parametrize("name", [n for n in OBJECTIVES if n != "wgan"])
def test_equal_moments_are_the_minimum_of_every_row_and_others_are_not(name, rng):
    x = rng.normal(size=(50, 2))
    assert supremum(name, polynomial(2), x, np.concatenate([x, x])) == pytest.approx(0.0, abs=1e-9)
    assert supremum(name, polynomial(1), x, x + 0.5) > 0.01


@pytest.mark.parametrize("name", OBJECTIVES)
def test_rows_split_into_moments_and_a_remainder_above_its_minimum(name):
    row = OBJECTIVES[name]
    edge = {"reverse_kl": -1e-2, "neyman": 0.99, "squared_hellinger": 0.99, "jensen_shannon": 0.69}.get(name, 3.0)
    v = np.linspace(-3.0, edge, 101)
    moment, rest = row.split(v[::-1], v)
    np.testing.assert_allclose(moment - rest, row.f(v[::-1], v), atol=1e-9)
    assert rest.min() >= -row.minimum - 1e-9
    at = np.array([row.reference])
    assert row.f(at, at)[0] == pytest.approx(row.minimum, abs=1e-12)
    for function in (row.moment, row.conjugate):  # derivatives by differences
        inside = v[3:-3] if name != "pearson" else v[(np.abs(v + 2.0) > 0.1)][3:-3]
        value = lambda t, which: function(t)[which]  # noqa: E731, B023
        for order in (0, 1):
            slope = (value(inside + 1e-6, order) - value(inside - 1e-6, order)) / 2e-6
            np.testing.assert_allclose(slope, value(inside, order + 1), rtol=1e-4, atol=1e-5)


def test_conjugates_are_those_of_the_losses(rng):
    v = rng.normal(size=(9, 1)).astype("float32")
    for name in set(OBJECTIVES) - {"gan", "wgan"}:
        loss = kgan.objectives.FDivergence(name)
        t = ops.convert_to_numpy(loss.variational(v)).astype("float64")
        np.testing.assert_allclose(
            OBJECTIVES[name].conjugate(t)[0], ops.convert_to_numpy(loss.conjugate(v)), rtol=1e-4, atol=1e-4
        )
        assert OBJECTIVES[name].reference == pytest.approx(float(loss.optimum(0.0)), abs=1e-6)


def test_features_and_their_gap(rng):
    x = rng.normal(size=(7, 3))
    assert polynomial(2)(x).shape == (7, 10)
    assert fourier(5)(x).shape == (7, 6)
    np.testing.assert_array_equal(fourier(5, seed=1)(x), fourier(5, seed=1)(x))
    assert moment_gap(polynomial(1), x, x + [[0.0, 3.0, 4.0]]) == pytest.approx(5.0)
    with pytest.warns(UserWarning, match="constant"):
        supremum("gan", lambda e: np.asarray(e, "float64"), x, x + 1.0)


def test_networks_are_measured_on_examples_held_out(rng):
    points = rng.normal(size=(400, 1)).astype("float32")
    network = kgan.networks.mlp.discriminator((1,), (64,))
    before = ops.convert_to_numpy(network.trainable_variables[0]).copy()
    few = {"steps": 400, "batch_size": 64, "restarts": 1}
    same = measure("gan", network, points, rng.normal(size=(400, 1)), **few)
    assert abs(same.value) < 5 * same.error + 0.03
    apart = measure("gan", network, points, points + 6.0, **few)
    assert apart.value > 0.5
    assert measure("kl", network, points, points + 1.0, **few).value > 0.2
    # A critic that starts in the wrong direction is held there by the penalty for a while.
    short = measure("wgan", network, points, points + 6.0, **{**few, "steps": 100})
    assert measure("wgan", network, points, points + 6.0, **few).value > short.value
    np.testing.assert_array_equal(ops.convert_to_numpy(network.trainable_variables[0]), before)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: measure("gam", polynomial(1), x, x), "Unknown objective"),
        (lambda x: measure("gan", polynomial(1), x[:2], x), "Four examples"),
        (lambda x: measure("gan", polynomial(1), x, x, held_out=1.0), "held_out"),
        (lambda x: measure("gan", polynomial(1), x * np.nan, x), "finite"),
        (lambda x: supremum("wgan", polynomial(1), x, x), "no scale"),
        (lambda x: divergences.polynomial(0), "degree"),
    ],
)
def test_what_cannot_be_measured_is_refused(call, words, rng):
    with pytest.raises(ValueError, match=words):
        call(rng.normal(size=(20, 1)))
