"""What is particular to the systems whose discriminator is an energy."""

import warnings

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan.networks import autoencoders, mlp


def still(model):
    """Compiled so that nobody moves: losses are those of the start."""
    model.compile(optimizers={move: keras.optimizers.SGD(0.0) for move in model.default_optimizers()}, run_eagerly=True)
    return model


def points(count=16, size=4, seed=0):
    return np.random.default_rng(seed).normal(size=(count, size)).astype("float32")


# EBGAN ----------------------------------------------------------------------------------------------------------------


def ebgan(**kwargs):
    networks = {"generator": mlp.generator((4,), 3, (5,)), "discriminator": autoencoders.perceptron((4,), (6, 3), (5,))}
    return kgan.EBGAN(**{**networks, "margin": 2.0, "seed": 0, **kwargs})


def test_energies_are_those_of_the_autoencoder():
    model, x = ebgan(), points()
    expected = np.linalg.norm(ops.convert_to_numpy(model.discriminator(x)) - x, axis=1)
    np.testing.assert_allclose(model.energy(x), expected, rtol=1e-5)
    np.testing.assert_allclose(model.reconstruct(x), ops.convert_to_numpy(model.discriminator(x)), rtol=1e-5)
    model = ebgan(energy_kind="mean_squares")
    expected = np.square(ops.convert_to_numpy(model.discriminator(x)) - x).mean(1)
    np.testing.assert_allclose(model.energy(x), expected, rtol=1e-5)
    with pytest.raises(ValueError, match="shape"):
        model.energy(points(size=3))


def test_the_loss_adds_up():
    model, x = still(ebgan()), points()
    logs = model.fit(x, batch_size=16, shuffle=False, verbose=0).history
    assert logs["discriminator/real_energy"][0] == pytest.approx(model.energy(x).mean(), rel=1e-5)
    assert logs["discriminator/adversarial"][0] >= max(
        logs["discriminator/real_energy"][0], 2.0 - logs["discriminator/fake_energy"][0]
    )
    assert 0 < logs["generator/pulling_away"][0] <= 0.1


def test_without_the_repelling_term_no_layer_of_codes_is_needed():
    network = mlp.generator((4,), 4, (5,), name="discriminator")
    logs = still(ebgan(discriminator=network, pulling_away_weight=0.0)).fit(points(), batch_size=16, verbose=0).history
    assert "generator/pulling_away" not in logs
    with pytest.raises(ValueError, match="code"):
        ebgan(discriminator=network)


def test_without_the_repelling_term_one_example_can_be_evaluated():
    logs = still(ebgan(pulling_away_weight=0.0)).evaluate(points(1), verbose=0, return_dict=True)
    assert logs["generator/adversarial"] > 0


def test_a_falling_margin_ends_as_the_ladder_network_alone():
    network = autoencoders.ladder((4,), 3, (6, 5))
    model = still(
        ebgan(
            discriminator=network,
            classes=3,
            margin=keras.optimizers.schedules.PolynomialDecay(50.0, 2, 0.0),
            pulling_away_weight=0.0,
        )
    )
    x = points(48)
    data = {"unlabeled": x, "labeled": x}
    kept = []
    watch = keras.callbacks.LambdaCallback(on_train_batch_end=lambda _, logs: kept.append(dict(logs)))
    model.fit(data, np.arange(48) % 3, batch_size=16, epochs=2, shuffle=False, callbacks=[watch], verbose=0)
    assert [k["discriminator/margin"] for k in kept[:1]] == [50.0]
    last = kept[3]  # the first round of the second epoch: logs are means over an epoch
    assert last["discriminator/margin"] == 0.0
    assert last["discriminator/adversarial"] == pytest.approx(last["discriminator/real_energy"], rel=1e-6)
    assert model.classify(x).shape == (48, 3)


def test_the_ladder_restores_from_noise_in_training_alone():
    network, x = autoencoders.ladder((4,), 3, (6, 5), noise=1.0), points()
    restored, logits = network(x, training=False)
    # At the start nothing is taken from above: an example passes as it is.
    np.testing.assert_allclose(ops.convert_to_numpy(restored), x, atol=1e-6)
    assert tuple(logits.shape) == (16, 3)
    assert np.abs(ops.convert_to_numpy(network(x, training=True)[0]) - x).mean() > 0.3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"margin": 0.0}, "must be > 0"),
        ({"margin": -1.0}, "margin"),
        ({"margin": keras.optimizers.schedules.PolynomialDecay(0.0, 5, 3.0)}, "not rise"),
        ({"pulling_away_weight": -0.1}, "pulling_away_weight"),
        ({"energy_kind": "squares"}, "energy_kind"),
        ({"code_layer": "codes"}, "codes"),
        ({"discriminator": mlp.discriminator((4,))}, "autoencoder"),
        ({"classes": 3}, "autoencoder"),
        ({"objective": "hinge"}, "sets `objective` itself"),
    ],
)
def test_ebgan_refuses(changes, words):
    with pytest.raises((ValueError, TypeError), match=words):
        ebgan(**changes)


def test_an_autoencoder_of_vectors_may_end_in_a_sigmoid():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ebgan(discriminator=autoencoders.perceptron((4,), (6, 3), (), output_activation="sigmoid"))


def test_images_of_32_pixels_get_convolutions():
    model = kgan.EBGAN((32, 32, 1), filters=2, latent_size=4, seed=0)
    assert model.discriminator.get_layer("code").output.shape[1:] == (4, 4, 8)
    assert model.energy(np.zeros((2, 32, 32, 1), "float32")).shape == (2,)


# CalibratedEBGAN --------------------------------------------------------------------------------------------------------


def calibrated(**kwargs):
    networks = {"generator": mlp.generator((2,), 3, (5,)), "discriminator": mlp.discriminator((2,), (6,), "tanh")}
    return kgan.CalibratedEBGAN(**{**networks, "neighbors": 3, "seed": 0, **kwargs})


def test_cost_is_the_score_with_the_other_sign():
    model, x = calibrated(), points(size=2)
    np.testing.assert_allclose(model.energy(x), -ops.convert_to_numpy(model.discriminator(x))[:, 0], rtol=1e-5)
    logs = still(model).fit(x, batch_size=16, verbose=0).history
    real, fake = logs["discriminator/real_energy"][0], logs["discriminator/fake_energy"][0]
    assert real == pytest.approx(model.energy(x).mean(), rel=1e-5)
    assert logs["discriminator/gap"][0] == pytest.approx(real - fake, abs=1e-5)
    assert logs["discriminator/adversarial"][0] == pytest.approx(real - fake, abs=1e-5)
    assert logs["generator/adversarial"][0] == pytest.approx(fake, abs=2.0)  # other noise


@pytest.mark.parametrize(
    ("bounds", "discriminator", "generator"),
    [((-1e3, 1e3), 4, 4), (None, 4, 4), ((1e3, 2e3), 0, 4), ((-2e3, -1e3), 4, 0)],
)
def test_who_is_ahead_waits(bounds, discriminator, generator):
    model = calibrated(gap_bounds=bounds)
    model.compile(run_eagerly=True)
    model.fit(points(64, 2), batch_size=16, verbose=0)
    counts = [int(model.optimizer[move].iterations) for move in ("discriminator", "generator")]
    assert counts == [discriminator, generator]
    if bounds is not None:
        assert float(ops.convert_to_tensor(model._gap)) != 0.0  # whoever moves measures


def test_the_margin_is_of_every_sample():
    model = calibrated(cost_margin=1.0)
    real, fake = ops.convert_to_tensor([[-1.0], [-3.0]]), ops.convert_to_tensor([[0.0], [-9.0]])
    assert float(model.gap(real, fake)) == pytest.approx((max(2.0 - 0.0, -1.0) + max(2.0 - 9.0, -1.0)) / 2)


def linear(scale, sigma):
    """x = scale z, the posterior that is right for x with noise of deviation sigma, and the slope of the bound in `scale`."""
    z = keras.Input((1,))
    generator = keras.Model(z, keras.layers.Dense(1, use_bias=False, kernel_initializer=keras.initializers.Constant(scale))(z))
    x = keras.Input((1,))
    q = keras.layers.Dense(2)
    posterior = keras.Model(x, q(x))
    total = scale**2 + sigma**2
    q.kernel.assign([[scale / total, 0.0]])
    q.bias.assign([0.0, 0.5 * np.log(max(sigma**2 / total, np.exp(-10.0)))])
    model = kgan.CalibratedEBGAN(
        generator=generator, discriminator=mlp.discriminator((1,), (3,)), posterior=posterior, entropy="variational",
        posterior_noise=sigma, seed=0,
    )  # fmt: skip
    latents = keras.random.normal((4000, 1), seed=1)
    variable = generator.trainable_variables[0]

    def bound(tensors):
        with kgan.backend.Overlay([(variable, tensors[0])], training=True):
            return model.latent_surprise(generator(latents), latents), None

    _, (gradient,) = kgan.backend.value_and_gradients(bound, [kgan.backend.constant(variable)])
    return float(ops.convert_to_numpy(gradient)[0, 0])


def test_the_bound_knows_the_scale_of_samples_by_their_noise_alone():
    """H(a z + noise) has the slope a / (a^2 + s^2), nearly 1 / a. Without noise the best posterior hides the scale."""
    assert linear(2.0, 0.5) == pytest.approx(-2.0 / (4.0 + 0.25), abs=0.05)
    assert abs(linear(2.0, 0.0)) < 1e-3


def test_the_posterior_moves_with_the_generator():
    model = calibrated(entropy="variational")
    move = model.turns()[1].moves[0]
    assert move.players == ("generator", "posterior")
    assert calibrated(entropy="none").posterior is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"entropy": "histogram"}, "variational"),
        ({"neighbor_form": "square"}, "variance"),
        ({"gap_bounds": (1.0, 0.0)}, "lower one first"),
        ({"gap_bounds": (1.0,)}, "two numbers"),
        ({"entropy_weight": -1.0}, "entropy_weight"),
        ({"cost_margin": 0.0}, "cost_margin"),
        ({"posterior": mlp.discriminator((2,), (3,), outputs=6)}, "variational"),
        ({"entropy": "variational", "posterior": mlp.discriminator((2,), (3,))}, "posterior must turn"),
    ],
)
def test_calibrated_refuses(changes, words):
    with pytest.raises((ValueError, TypeError), match=words):
        calibrated(**changes)


def test_neighbors_of_large_images_are_warned_of():
    with pytest.warns(UserWarning, match="Nearest neighbors"):
        kgan.CalibratedEBGAN((48, 48, 3), seed=0)
    with pytest.raises(ValueError, match="none has 3 others"):
        still(calibrated()).fit(points(3, 2), batch_size=3, verbose=0)
