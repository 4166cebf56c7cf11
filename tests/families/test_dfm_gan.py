"""What is particular to denoising feature matching: three moves by hand, what is constant in which, arguments."""

import keras
import numpy as np
import pytest
from keras import layers

import kgan
from kgan.networks import mlp
from tests.families import pairs
from tests.families.pairs import evaluate, linear, sigmoid, softplus

pytestmark = pytest.mark.only("tensorflow")


def model(**kwargs):
    """phi(x) = (x, 2 x), l = -x, r(h) = (h_1 / 2, h_2 / 4), G(z) = -z at x = 2, z = 3."""
    x = keras.Input((1,))
    phi = layers.Dense(2, use_bias=False, name="phi")(x)
    discriminator = keras.Model(x, layers.Dense(1, use_bias=False, name="logit")(phi), name="discriminator")
    discriminator.set_weights([np.float32([[1, 2]]), np.float32([[1], [-1]])])
    return kgan.DFMGAN(
        **{
            "generator": linear([1], [[-1.0]], "generator"),
            "discriminator": discriminator,
            "denoiser": linear([2], [[0.5, 0.0], [0.0, 0.25]], "denoiser"),
            "prior": pairs.Always(),
            **kwargs,
        }
    )


def test_the_denoiser_takes_noise_off_real_features(monkeypatch):
    # phi = (2, 4), with a noise of 1: (3, 5), denoised (1.5, 1.25).
    terms, gradient = evaluate(model(), "denoiser", monkeypatch=monkeypatch)
    assert terms == pytest.approx({"denoising": (0.5**2 + 2.75**2) / 2, "corruption": 1.0}, rel=1e-5)
    np.testing.assert_allclose(gradient.reshape(2, 2), np.outer([3, 5], [-0.5, -2.75]), rtol=1e-4)
    terms, _ = evaluate(model(corruption=0.5), "denoiser")
    assert terms["corruption"] == 0.5


def test_the_generator_s_features_move_to_a_fixed_target():
    # phi = (-3, -6), denoised (-1.5, -1.5); d phi / d g = (3, 6). With the denoiser's own derivative it would be -17.4.
    terms, gradient = evaluate(model(denoising_weight=0.4), "generator")
    assert terms == pytest.approx({"adversarial": softplus(-3), "feature_denoising": 0.4 * (1.5**2 + 4.5**2) / 2}, rel=1e-5)
    assert gradient == pytest.approx([3 * sigmoid(-3) + 0.4 * -31.5], rel=1e-4)


def test_the_discriminator_does_not_know_of_the_denoiser():
    plain = kgan.GAN(generator=model().generator, discriminator=model().discriminator, prior=pairs.Always())
    (terms, gradient), (expected, slopes) = (evaluate(m, "discriminator") for m in (model(denoising_weight=9.0), plain))
    assert terms == pytest.approx(expected)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-5)


def test_moves_at_one_point_or_in_turn():
    names = ["discriminator", "denoiser", "generator"]
    (turn,) = model().turns()
    assert [move.name for move in turn.moves] == names
    turns = model(simultaneous=False).turns()
    assert [[m.name for m in turn.moves] for turn in turns] == [[name] for name in names]
    assert [turn.fresh for turn in turns] == [True, False, False]


def test_the_denoiser_judges_samples_by_the_statistics_of_real_features():
    built = kgan.DFMGAN((2,), denoiser_layers=1, seed=0)
    built.compile(run_eagerly=True)
    norm = built.denoiser.get_layer("norm_0")
    data = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")
    before = keras.ops.convert_to_numpy(norm.moving_mean).copy()
    built.fit(data, batch_size=64, verbose=0)
    features = keras.ops.convert_to_numpy(built.denoiser.get_layer("hidden_0").kernel)
    assert features.shape == (128, 128)
    assert np.abs(keras.ops.convert_to_numpy(norm.moving_mean) - before).max() > 0
    with kgan.backend.no_gradient(), built._play.point(training=True):
        updates = built._play.evaluate(built._play.moves["generator"], keras.ops.convert_to_tensor(data)).updates
    state = [built._play._state[int(i)] for i in updates]
    assert not any(v is norm.moving_mean for v in state)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"denoising_weight": -1.0}, "denoising_weight"),
        ({"corruption": 0.0}, "identity"),
        ({"corruption": keras.optimizers.schedules.PolynomialDecay(0.1, 10, 1.0)}, "rise"),
        ({"corruption": keras.optimizers.schedules.PolynomialDecay(0.1, 10, -1.0)}, ">= 0"),
        ({"feature_layer": "nowhere"}, "nowhere"),
        ({"denoiser": mlp.generator((3,), 3, (4,))}, "denoiser must turn"),
    ],
)
def test_what_cannot_be_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        kgan.DFMGAN((2,), **arguments)


def test_maps_are_no_features():
    with pytest.raises(ValueError, match="a vector per example"):
        kgan.DFMGAN((8, 8, 1), filters=2, feature_layer="down_0")


def test_the_size_of_features():
    small, given = kgan.DFMGAN((8, 8, 1), filters=2, denoiser_layers=1), kgan.DFMGAN((8, 8, 1), filters=2, feature_size=7)
    assert small.denoiser.output_shape == (None, 128)
    assert given.denoiser.output_shape == (None, 7)
    assert len([layer for layer in given.denoiser.layers if layer.name.startswith("hidden")]) == 10
