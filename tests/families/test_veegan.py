"""VEEGAN: its three losses, its options, what it refuses."""

import numpy as np
import pytest
from keras import ops

import kgan
from kgan.networks import bidirectional
from tests.families import pairs
from tests.families.pairs import E, X, Z, evaluate, sigmoid, softplus

pytestmark = pytest.mark.only("tensorflow")


def test_losses_and_gradients_by_hand(monkeypatch):
    # F(2) + 1 = 2: pairs (2, 2) and (-3, 3), logits 6 and 3. F(G(3)) = -1.5, 4.5 away from 3.
    model = kgan.VEEGAN(**pairs.networks(), prior=pairs.Always())
    terms, gradient = evaluate(model, "discriminator", monkeypatch=monkeypatch)
    assert terms["adversarial"] == pytest.approx(softplus(-6) + softplus(3), rel=1e-5)
    np.testing.assert_allclose(gradient, -sigmoid(-6) * np.array([2, 2]) + sigmoid(3) * np.array([-3, 3]), rtol=1e-4)
    terms, (generator, reconstructor) = evaluate(model, "generator")
    assert set(terms) == {"adversarial", "reconstruction"}
    assert terms["adversarial"] == pytest.approx(-3.0)  # linear in the logit
    assert terms["reconstruction"] == pytest.approx(0.5 * 4.5**2)
    assert generator == pytest.approx(-Z - 4.5 * E * Z)
    assert reconstructor == pytest.approx(-4.5 * -3)  # nothing from the discriminator


def test_adversarial_reconstructor_is_an_option(monkeypatch):
    model = kgan.VEEGAN(**pairs.networks(), prior=pairs.Always(), adversarial_reconstructor=True)
    terms, (generator, reconstructor) = evaluate(model, "generator", monkeypatch=monkeypatch)
    assert terms["inference"] == pytest.approx(6.0)
    assert generator == pytest.approx(-Z - 4.5 * E * Z)
    assert reconstructor == pytest.approx(4.5 * 3 + 2 * X)  # towards a smaller logit of its own pair


def test_deterministic_and_weight(monkeypatch):
    model = kgan.VEEGAN(**pairs.networks(), prior=pairs.Always(), deterministic=True, reconstruction_weight=0.5)
    assert evaluate(model, "discriminator", monkeypatch=monkeypatch)[0]["real_logit"] == pytest.approx(2 + 2 * 1)
    assert evaluate(model, "generator")[0]["reconstruction"] == pytest.approx(0.25 * 4.5**2)


def test_distance_is_a_sum_over_coordinates_and_a_mean_over_the_batch():
    z, other = np.zeros((2, 3), "float32"), np.array([[1, 2, 3], [0, 0, 2]], "float32")
    assert float(kgan.objectives.latent_reconstruction(z, other)) == pytest.approx(0.5 * (14 + 4) / 2)
    with pytest.raises(ValueError, match="equal shapes"):
        kgan.objectives.latent_reconstruction(z, other[:, :2])


def test_reverse_kl_numbers():
    real, fake = ops.convert_to_tensor([[1.0]]), ops.convert_to_tensor([[2.0], [4.0]])
    assert float(kgan.objectives.reverse_kl.generator(fake)) == -3.0
    assert float(kgan.objectives.reverse_kl.discriminator(real, fake)) == pytest.approx(
        softplus(-1) + (softplus(2) + softplus(4)) / 2, rel=1e-5
    )


def test_extra_noise_is_not_reconstructed(rng):
    model = kgan.VEEGAN((2,), latent_size=6, seed=0)
    assert (model.extra_noise, model.code_size, model.noise_size) == (1, 5, 5)
    assert model.generator.input_shape == (None, 6)
    assert model.encoder.output_shape == (None, 5)
    x = rng.normal(size=(7, 2)).astype("float32")
    codes = model.encode(x)
    made = np.asarray(model.generator(np.concatenate([codes, np.zeros((7, 1), "float32")], axis=1)))
    np.testing.assert_allclose(model.reconstruct(x), made, rtol=1e-4, atol=1e-6)
    twin = kgan.VEEGAN.from_config(model.get_config())
    assert (twin.extra_noise, twin.latent_size, twin.objective) == (1, 6, kgan.objectives.reverse_kl)


def test_default_networks():
    point = bidirectional.veegan_perceptrons((2,))
    assert [tuple(v.shape) for v in point[1].trainable_variables if len(v.shape) == 2] == [(255, 128), (128, 128), (128, 2)]
    assert [tuple(v.shape) for v in point[2].trainable_variables if len(v.shape) == 2] == [(256, 128), (128, 1)]
    digits = kgan.VEEGAN((8, 8, 1))
    assert (digits.latent_size, digits.extra_noise) == (32, 0)
    assert digits.discriminator.get_layer("dropout_0").rate == 0.5
    encoder, generator, discriminator = bidirectional.veegan_convolutional((32, 32, 3), 10, 2, 6)
    assert (encoder.output_shape, generator.output_shape) == ((None, 10), (None, 32, 32, 3))
    assert discriminator.output_shape == (None, 1)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="reconstruction_weight"):
        kgan.VEEGAN((2,), latent_size=3, reconstruction_weight=-1.0)
    with pytest.raises(ValueError, match="must return 1 numbers"):
        kgan.VEEGAN(**{**pairs.networks(), "encoder": pairs.linear([1], [[1.0, 1.0]], "encoder")})
