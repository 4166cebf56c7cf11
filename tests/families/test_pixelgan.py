"""PixelGAN autoencoders: who learns from what, codes, likelihoods, what is refused."""

import warnings

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from tests.conformance.specs import binary_images


def small(**kwargs):
    encoder = kgan.networks.mlp.discriminator((4, 4, 1), (6,), outputs=kwargs.pop("outputs", 3), name="encoder")
    return kgan.PixelGANAutoencoder((4, 4, 1), encoder=encoder, filters=3, depth=1, seed=0, **{"pretraining_rounds": 0, **kwargs})


def test_the_reconstruction_reaches_the_encoder_and_the_game_waits(rng):
    model = small(latent_size=3, pretraining_rounds=3)
    model.compile(run_eagerly=True)
    before = [player.get_weights() for player in (model.encoder, model.discriminator)]
    with warnings.catch_warnings(record=True) as caught:  # pytest.warns would raise what the configuration ignores
        warnings.simplefilter("always")
        history = model.fit(binary_images(rng, 18), batch_size=6, verbose=0).history
    assert any("3 rounds are played, and in the first 3, `pretraining_rounds`" in str(told.message) for told in caught)
    assert [int(model.optimizer[m].iterations) for m in ("autoencoder", "discriminator", "encoder")] == [3, 0, 0]
    assert all(abs(a - b).max() > 0 for a, b in zip(before[0], model.encoder.get_weights(), strict=True))
    assert all((a == b).all() for a, b in zip(before[1], model.discriminator.get_weights(), strict=True))
    # Sixteen binary pixels that are drawn from nowhere have 16 log 2 nats.
    assert history["autoencoder/reconstruction"][0] == pytest.approx(16 * np.log(2), rel=0.2)


def test_the_game_on_codes_by_hand(rng, monkeypatch):
    """d(z) = w.z without noise: the discriminator takes draws of the prior for real, the encoder wants its codes taken for real."""
    weights = np.asarray([[0.5], [-1.0], [2.0]], "float32")
    judge = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, use_bias=False)], name="discriminator")
    judge.set_weights([weights])
    model = small(latent_size=3, discriminator=judge, instance_noise=0.0)
    model.compile(run_eagerly=True)
    x, drawn = ops.convert_to_tensor(binary_images(rng, 4)), np.eye(3, dtype="float32")[[0, 2, 2, 1]]
    monkeypatch.setattr(model, "prior", lambda shape, seed=None: ops.convert_to_tensor(drawn))
    codes = ops.convert_to_numpy(model.code(x, None, False))
    with model._play.point(training=False):
        found = [float(loss(x)["adversarial"]) for loss in (model.discriminator_loss, model.encoder_loss)]
    softplus, made, real = (lambda t: np.log1p(np.exp(t)).mean()), codes @ weights, drawn @ weights
    assert found == pytest.approx([softplus(-real) + softplus(made), softplus(-made)], rel=1e-4)


def test_codes_are_of_the_prior_s_kind(rng):
    x = binary_images(rng, 5)
    one_hot = small(latent_size=3).encode(x)
    np.testing.assert_allclose(one_hot.sum(1), 1.0, rtol=1e-5)
    normal = small(outputs=4, prior=kgan.priors.Normal(), stochastic=True)
    assert normal.encode(x).shape == (5, 2)
    assert normal.noise_size == 2
    assert normal.generator.location_dependent
    drawn = ops.convert_to_numpy(kgan.priors.OneHot()((50, 3), seed=0))
    assert set(drawn.ravel()) == {0.0, 1.0}
    assert (drawn.sum(1) == 1).all()
    assert (drawn.sum(0) > 5).all()


def test_an_encoder_of_two_inputs_makes_codes_random(rng):
    images, noise = keras.Input((4, 4, 1)), keras.Input((2,))
    joined = keras.layers.Concatenate()([keras.layers.Flatten(data_format="channels_last")(images), noise])
    encoder = keras.Model([images, noise], keras.layers.Dense(3)(joined))
    model = kgan.PixelGANAutoencoder((4, 4, 1), encoder=encoder, latent_size=3, filters=3, depth=1, seed=0, pretraining_rounds=0)
    model.compile(run_eagerly=True)
    model.fit(binary_images(rng, 6), batch_size=6, verbose=0)
    x = ops.convert_to_tensor(binary_images(rng, 2))
    first, second = (ops.convert_to_numpy(model.code(x, model._noise(x), False)) for _ in range(2))
    assert np.abs(first - second).max() > 0
    assert model.encode(binary_images(rng, 2)).shape == (2, 3)


def test_likelihoods_depend_on_the_code_and_draws_on_the_condition(rng):
    model, x = small(latent_size=3), binary_images(rng, 4)
    for weight in model.generator.trainable_weights:
        weight.assign(rng.normal(0, 1.0, weight.shape))
    own = model.log_likelihood(x)
    np.testing.assert_allclose(own, model.log_likelihood(x, model.encode(x)), rtol=1e-5)
    assert np.abs(own - model.log_likelihood(x, np.eye(3)[[0, 1, 2, 0]])).max() > 1e-3
    first, second = (model.generate(6, condition=np.eye(3)[[k] * 6], seed=1) for k in (0, 1))
    assert (first != second).any()
    assert set(np.unique(first)) == {-1.0, 1.0}


def test_labels_teach_the_encoder(rng):
    model = small(classes=3, pretraining_rounds=100)
    model.compile(optimizers={"supervised": keras.optimizers.Adam(0.05)})
    x = binary_images(rng, 60)
    labels = (x[:, 0, 0, 0] > 0).astype("int64") + (x[:, 0, 1, 0] > 0)
    model.fit({"unlabeled": x, "labeled": x}, labels, batch_size=20, epochs=10, verbose=0)
    assert (model.classify(x).argmax(1) == labels).mean() > 0.9
    np.testing.assert_allclose(model.classify(x), model.encode(x), rtol=1e-5)


@pytest.mark.parametrize(("arguments", "words"), [
    ({"latent_size": 4}, "encoder must turn"),
    ({"classes": 3, "latent_size": 4}, "With `classes`"),
    ({"latent_size": 3, "stochastic": True}, "one-hot"),
    ({"latent_size": 1, "outputs": 1}, "two or more"),
    ({"latent_size": 3, "discriminator": kgan.networks.mlp.discriminator((2,), (4,))}, "discriminator must turn"),
])  # fmt: skip
def test_bad_arguments(arguments, words):
    with pytest.raises(ValueError, match=words):
        small(**arguments)


def test_noise_enters_once():
    """A normal distribution around what noise has made would be drawn from the same noise twice."""
    images, noise = keras.Input((4, 4, 1)), keras.Input((2,))
    joined = keras.layers.Concatenate()([keras.layers.Flatten(data_format="channels_last")(images), noise])
    encoder = keras.Model([images, noise], keras.layers.Dense(4)(joined))
    with pytest.raises(ValueError, match="random by itself"):
        kgan.PixelGANAutoencoder((4, 4, 1), encoder=encoder, prior=kgan.priors.Normal(), stochastic=True, filters=3, depth=1)


def test_gray_images_and_other_decoders_are_refused(rng):
    model = small(latent_size=3)
    model.compile()
    with pytest.raises(ValueError, match="LogisticMixture"):
        model.fit(rng.uniform(-1, 1, (12, 4, 4, 1)).astype("float32"), batch_size=6, verbose=0)
    with pytest.raises(TypeError, match="PixelCNN"):
        kgan.PixelGANAutoencoder((4, 4, 1), generator=kgan.networks.mlp.generator((4, 4, 1), 3))
    with pytest.raises(ValueError, match="finite codes"):
        model.generate(2, condition=np.ones((2, 4)))
