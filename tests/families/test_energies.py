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
