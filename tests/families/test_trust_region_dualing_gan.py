"""What is particular to dualing GANs of networks: a move of each player by hand in both models, arguments."""

import keras
import numpy as np
import pytest
from keras import layers

import kgan
from kgan.networks import mlp
from tests.families import pairs
from tests.families.pairs import evaluate, linear, sigmoid, softplus

pytestmark = pytest.mark.only("tensorflow")
C, RADIUS = 0.1, 0.02


def line(**kwargs):
    """F(x) = 2 x, G(z) = -z at x = 2, z = 3: scores 4 and -6."""
    return kgan.TrustRegionDualingGAN(
        generator=linear([1], [[-1.0]], "generator"),
        discriminator=linear([1], [[2.0]], "discriminator"),
        **{"regularization": C, "trust_region": RADIUS, "prior": pairs.Always(), **kwargs},
    )


def cost(w, g=-1.0):
    return 0.5 * C * w**2 + 0.5 * softplus(-2 * w) + 0.5 * softplus(3 * w * g)


def slope(w, g=-1.0):
    return C * w - sigmoid(-2 * w) + 1.5 * g * sigmoid(3 * w * g)


def test_the_discriminator_makes_the_step_of_the_cost_s_model():
    terms, gradient = evaluate(line(), "discriminator")
    assert terms["cost"] == pytest.approx(cost(2.0), rel=1e-5)
    assert (terms["real_logit"], terms["fake_logit"]) == (4.0, -6.0)
    assert slope(2.0) > 0  # so that the step is down
    assert gradient == pytest.approx([np.sqrt(2 * RADIUS)], rel=1e-4)
    assert terms["step_length"] == pytest.approx(np.sqrt(2 * RADIUS), rel=1e-4)


def test_the_generator_climbs_what_the_step_leaves():
    terms, (gradient,) = evaluate(line(), "generator")
    longest = np.sqrt(2 * RADIUS)
    assert terms == pytest.approx({"adversarial": -cost(2.0), "opponent_gradient": longest * abs(slope(2.0))}, rel=1e-4)

    def loss(g):
        return -cost(2.0, g) + longest * abs(slope(2.0, g))

    assert gradient == pytest.approx((loss(-1 + 1e-4) - loss(-1 - 1e-4)) / 2e-4, rel=1e-3)


def test_the_model_of_scores_of_a_linear_discriminator_is_the_cost_itself():
    model = line(linearization="scores", inner_steps=12)
    terms, (gradient,) = evaluate(model, "discriminator")
    grid = np.linspace(-np.sqrt(2 * RADIUS), np.sqrt(2 * RADIUS), 20_001)
    best = grid[cost(2.0 + grid).argmin()]
    assert gradient == pytest.approx(-best, abs=1e-4)
    assert terms["duality_gap"] == pytest.approx(0.0, abs=1e-5)
    terms, (gradient,) = evaluate(model, "generator")
    assert terms["adversarial"] == pytest.approx(-cost(2.0 + best), rel=1e-5)
    assert gradient == pytest.approx(-1.5 * (2 + best) * sigmoid(-3 * (2 + best)), rel=1e-3)


@pytest.mark.parametrize("linearization", ["cost", "scores"])
def test_a_move_sees_noise_once(linearization):
    """Of a linear discriminator the model is exact, so the step is the best one for the cost that is logged; not across two draws."""
    model = line(linearization=linearization, inner_steps=12, instance_noise=1.0)
    terms, (gradient,) = evaluate(model, "discriminator")
    x, g = terms["real_logit"] / 2, terms["fake_logit"] / 2

    def noised(w):
        return 0.5 * C * w**2 + 0.5 * softplus(-w * x) + 0.5 * softplus(w * g)

    assert terms["cost"] == pytest.approx(noised(2.0), rel=1e-5)
    if linearization == "cost":
        assert gradient == pytest.approx(np.sqrt(2 * RADIUS) * np.sign(noised(2.001) - noised(1.999)), rel=1e-4)
        return
    grid = np.linspace(-np.sqrt(2 * RADIUS), np.sqrt(2 * RADIUS), 20_001)
    assert gradient == pytest.approx(-grid[noised(2.0 + grid).argmin()], abs=1e-3)
    assert terms["duality_gap"] == pytest.approx(0.0, abs=1e-5)


def test_a_ball_may_shrink_to_nothing():
    nothing = keras.optimizers.schedules.PiecewiseConstantDecay([-1], [1.0, 0.0])
    terms, gradient = evaluate(line(linearization="scores", inner_steps=1, trust_region=nothing), "discriminator")
    assert gradient == pytest.approx([0.0])
    assert terms["duality_gap"] == pytest.approx(0.0, abs=1e-5)


def test_both_models_move_a_network_alike_within_a_small_ball(rng):
    data = rng.normal(size=(32, 2)).astype("float32")
    steps = []
    for linearization in ("cost", "scores"):
        keras.utils.set_random_seed(0)
        model = kgan.TrustRegionDualingGAN((2,), linearization=linearization, trust_region=1e-6, inner_steps=2, seed=0)
        before = [keras.ops.convert_to_numpy(v).copy() for v in model.discriminator.trainable_variables]
        model.compile(run_eagerly=True)
        model.fit(data, batch_size=32, shuffle=False, verbose=0)
        after = [keras.ops.convert_to_numpy(v) for v in model.discriminator.trainable_variables]
        steps.append(np.concatenate([(a - b).ravel() for a, b in zip(after, before, strict=True)]))
    assert np.linalg.norm(steps[0]) == pytest.approx(np.sqrt(2e-6), rel=1e-3)
    np.testing.assert_allclose(steps[0], steps[1], atol=2e-5)


def normed():
    x = keras.Input((2,))
    return keras.Model(x, layers.Dense(1)(layers.BatchNormalization()(x)), name="discriminator")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"linearization": "both"}, "linearization"),
        ({"trust_region": 0.0}, "radius 0"),
        ({"trust_region": keras.optimizers.schedules.PolynomialDecay(0.1, 10, -1.0)}, ">= 0"),
        ({"regularization": -1.0}, "regularization"),
        ({"discriminator": normed()}, "BatchNormalization"),
        ({"discriminator": mlp.discriminator((2,), (3,), outputs=2)}, "one logit"),
        ({"linearization": "scores", "discriminator": mlp.discriminator((2,), (3,), dropout=0.5)}, "draws noise"),
    ],
)
def test_what_cannot_be_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        kgan.TrustRegionDualingGAN((2,), **arguments)
