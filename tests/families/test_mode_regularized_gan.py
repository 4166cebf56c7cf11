"""What is particular to mode regularized GANs: every move by hand, the sign of the mode term, encoders and what they end in."""

import keras
import numpy as np
import pytest

import kgan
from kgan.networks import mlp
from tests.families import pairs
from tests.families.pairs import evaluate, linear, sigmoid, softplus

pytestmark = pytest.mark.only("tensorflow")

# E(x) = x / 2, G(z) = -z, l(x) = x at x = 2, z = 3: samples at -3, the reconstruction at -1, 3 off.


def players(**kwargs):
    return {
        "encoder": linear([1], [[0.5]], "encoder"),
        "generator": linear([1], [[-1.0]], "generator"),
        "discriminator": linear([1], [[1.0]], "discriminator"),
        "prior": pairs.Always(),
        **kwargs,
    }


def test_both_moves_by_hand():
    model = kgan.ModeRegularizedGAN(**players(), reconstruction_weight=0.1, mode_weight=0.4)
    terms, gradient = evaluate(model, "discriminator")
    assert terms == pytest.approx({"adversarial": softplus(-2) + softplus(-3), "real_logit": 2.0, "fake_logit": -3.0}, rel=1e-5)
    assert gradient == pytest.approx([-2 * sigmoid(-2) - 3 * sigmoid(-3)], rel=1e-4)
    terms, (generator, encoder) = evaluate(model, "generator")
    expected = {"adversarial": softplus(3), "reconstruction": 0.1 * 9, "mode": 0.4 * softplus(1), "reconstructed_logit": -1.0}
    assert terms == pytest.approx(expected, rel=1e-5)
    assert generator == pytest.approx(-3 * sigmoid(3) - 0.1 * 6 - 0.4 * sigmoid(1), rel=1e-4)
    assert encoder == pytest.approx(0.1 * 12 + 0.4 * 2 * sigmoid(1), rel=1e-4)


def test_a_step_of_the_encoder_makes_reconstructions_more_real():
    """The sign that is printed otherwise: for the mode term alone, D(G(E(x))) rises."""
    model = kgan.ModeRegularizedGAN(**players(), reconstruction_weight=0.0, mode_weight=1.0)
    _, (_, slope) = evaluate(model, "generator")
    before = -1.0 * 0.5 * 2
    assert -1.0 * (0.5 - 0.1 * slope) * 2 > before


def test_the_moves_of_both_steps_by_hand():
    model = kgan.MDGAN(**players(), manifold_discriminator=linear([1], [[2.0]], "manifold_discriminator"))
    assert [(m.name, m.players) for turn in model.turns() for m in turn.moves] == [
        ("manifold_discriminator", ("manifold_discriminator",)),
        ("manifold", ("generator", "encoder")),
        ("discriminator", ("discriminator",)),
        ("generator", ("generator",)),
    ]
    assert [turn.fresh for turn in model.turns()] == [True, False, True, False]
    terms, gradient = evaluate(model, "manifold_discriminator")
    assert terms["adversarial"] == pytest.approx(softplus(-4) + softplus(-2), rel=1e-5)
    assert gradient == pytest.approx([-2 * sigmoid(-4) - sigmoid(-2)], rel=1e-4)
    terms, (generator, encoder) = evaluate(model, "manifold")
    assert terms == pytest.approx({"reconstruction": 9.0, "mode": 0.01 * softplus(2), "reconstructed_logit": -2.0}, rel=1e-5)
    assert generator == pytest.approx(-6 - 0.01 * 2 * sigmoid(2), rel=1e-4)
    assert encoder == pytest.approx(12 + 0.01 * 4 * sigmoid(2), rel=1e-4)
    terms, gradient = evaluate(model, "discriminator")  # the reconstruction is what is real, not x
    assert (terms["real_logit"], terms["fake_logit"]) == (-1.0, -3.0)
    assert terms["adversarial"] == pytest.approx(softplus(1) + softplus(-3), rel=1e-5)
    assert gradient == pytest.approx([sigmoid(1) - 3 * sigmoid(-3)], rel=1e-4)
    terms, gradient = evaluate(model, "generator")
    assert terms == pytest.approx({"adversarial": softplus(3)}, rel=1e-5)
    assert gradient == pytest.approx([-3 * sigmoid(3)], rel=1e-4)


def test_the_default_encoder_ends_where_the_prior_does(rng):
    points = 50 * rng.normal(size=(64, 2)).astype("float32")
    codes = kgan.ModeRegularizedGAN((2,), seed=0).encode(points)
    assert codes.shape == (64, 3)
    assert 0.0 <= codes.min() < codes.max() <= 1.0
    codes = kgan.MDGAN((2,), prior=kgan.priors.Uniform(-2.0, -1.0), seed=0).encode(points)
    assert -2.0 <= codes.min() < codes.max() <= -1.0
    assert np.abs(kgan.MDGAN((2,), prior=kgan.priors.Normal(), seed=0).encode(points)).max() > 2.0


def test_an_encoder_without_bounds_is_warned_of():
    encoder = mlp.discriminator((2,), (4,), outputs=3, name="encoder")
    with pytest.warns(UserWarning, match="linear layer"):
        kgan.ModeRegularizedGAN((2,), encoder=encoder)


SHARED = mlp.discriminator((2,), (3,))


@pytest.mark.parametrize(
    ("family", "arguments", "message"),
    [
        (kgan.ModeRegularizedGAN, {"mode_weight": -0.1}, "mode_weight"),
        (kgan.ModeRegularizedGAN, {"reconstruction_weight": -0.1}, "reconstruction_weight"),
        (kgan.ModeRegularizedGAN, {"encoder": mlp.generator((2,), 2, (3,))}, "must return 3 numbers"),
        (kgan.ModeRegularizedGAN, {"encoder": mlp.generator((3,), 5, (3,))}, "takes examples of shape"),
        (kgan.MDGAN, {"discriminator": SHARED, "manifold_discriminator": SHARED}, "share"),
        (kgan.MDGAN, {"manifold_discriminator": mlp.discriminator((3,), (3,))}, "manifold discriminator must turn"),
        (kgan.MDGAN, {"simultaneous": True}, "simultaneous"),
        (kgan.ModeRegularizedGAN, {"classes": 3}, "sets `classes` itself"),
        (kgan.MDGAN, {"classes": 3}, "sets `classes` itself"),
    ],
)
def test_what_cannot_be_is_refused(family, arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        family((2,), **arguments)


def test_weights_follow_from_the_data():
    points, images = (kgan.ModeRegularizedGAN(shape, filters=2) for shape in ((2,), (8, 8, 1)))
    assert (points.reconstruction_weight, images.reconstruction_weight) == (0.2, 0.02)
    assert (points.latent_size, images.latent_size) == (3, 100)
    assert (points.prior.low, images.prior.low) == (0.0, -1.0)
    assert [layer.name for layer in images.discriminator.layers if layer.name.startswith("extra")][:1] == ["extra_0"]
    assert isinstance(images.encoder.layers[-1], keras.layers.Rescaling)
