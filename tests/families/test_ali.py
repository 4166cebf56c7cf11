"""ALI: random codes, labels, its networks."""

import numpy as np
import pytest
from keras import ops

import kgan
from kgan.networks import ali, bidirectional
from tests.families import pairs
from tests.families.pairs import X, Z, evaluate, sigmoid, softplus

pytestmark = pytest.mark.only("tensorflow")
GAUSSIAN = ((0.5, 0.0),)  # mean x / 2, log sigma 0


@pytest.mark.parametrize("joint", [True, False])
def test_losses_and_gradients_by_hand(joint, monkeypatch):
    # z^ = 1 + 1 * 1: pairs (2, 2) and (-3, 3), logits 6 and 3.
    model = kgan.ALI(**pairs.networks(GAUSSIAN), prior=pairs.Always(), joint_batch=joint)
    terms, gradient = evaluate(model, "discriminator", monkeypatch=monkeypatch)
    assert terms["adversarial"] == pytest.approx(softplus(-6) + softplus(3), rel=1e-5)
    np.testing.assert_allclose(gradient, -sigmoid(-6) * np.array([2, 2]) + sigmoid(3) * np.array([-3, 3]), rtol=1e-4)
    terms, (generator, mean, log_sigma) = evaluate(model, "generator")
    assert terms["adversarial"] == pytest.approx(softplus(6) + softplus(-3), rel=1e-5)
    assert generator == pytest.approx(-sigmoid(-3) * Z, rel=1e-4)
    assert mean == pytest.approx(sigmoid(6) * 2 * X, rel=1e-4)
    assert log_sigma == pytest.approx(sigmoid(6) * 2 * 1.0 * X, rel=1e-4)  # through sigma e


def test_change_of_variables_passes_noise_to_the_encoder(monkeypatch):
    networks = pairs.networks() | {"encoder": pairs.linear([1, 1], [[0.5], [4.0]], "encoder")}
    model = kgan.ALI(**networks, prior=pairs.Always())
    assert evaluate(model, "discriminator", monkeypatch=monkeypatch)[0]["real_logit"] == pytest.approx(2 + 2 * (1 + 4))
    x = np.ones((3, 1), "float32")
    np.testing.assert_allclose(model.encode(x), 0.5 * x)
    np.testing.assert_allclose(model.encode(x, seed=0), 4.5 * x)


def test_codes_are_drawn_with_a_seed_and_the_mean_without(rng):
    model = kgan.ALI(**pairs.networks(GAUSSIAN))
    x = np.full((4000, 1), X, "float32")
    np.testing.assert_allclose(model.encode(x), 1.0 + 0 * x)
    drawn = model.encode(x, seed=3)
    np.testing.assert_array_equal(drawn, model.encode(x, seed=3, batch_size=1000))
    assert (drawn.mean(), drawn.std()) == (pytest.approx(1.0, abs=0.1), pytest.approx(1.0, abs=0.1))
    np.testing.assert_allclose(model.reconstruct(x, seed=3), -drawn, rtol=1e-5)


def test_sigma_is_bounded():
    model = kgan.ALI(**pairs.networks(((0.0, 1000.0),)))
    x = np.array([[1.0], [-1.0]], "float32")
    spread = ops.convert_to_numpy(model.code(x, np.ones((2, 1), "float32"), training=False))[:, 0]
    np.testing.assert_allclose(spread, np.exp([3.0, -10.0]), rtol=1e-5)


def test_semi_supervised_losses_by_hand(monkeypatch):
    # Logits of two classes are x and z: (2, 2) for the data's pair, (-3, 3) for the generator's.
    model = kgan.ALI(**pairs.networks(GAUSSIAN, np.eye(2)), classes=2, prior=pairs.Always())
    x = ops.convert_to_tensor([[X]])
    batch = {"unlabeled": x, "labeled": 2 * x, "labels": ops.convert_to_tensor([0])}
    terms, _ = evaluate(model, "discriminator", batch, monkeypatch)
    real, fake = np.log(2 * np.exp(2)), np.log(np.exp(-3) + np.exp(3))
    assert terms["adversarial"] == pytest.approx(softplus(-real) + softplus(fake), rel=1e-5)
    assert terms["supervised"] == pytest.approx(softplus(3.0 - 4.0), rel=1e-5)  # the labeled pair is (4, 3)
    assert terms["accuracy"] == 1.0
    terms, (_, mean, _) = evaluate(model, "generator", batch)
    assert terms["adversarial"] == pytest.approx(softplus(real) + softplus(-fake), rel=1e-5)
    assert mean == pytest.approx(sigmoid(real) * 0.5 * X, rel=1e-4)
    np.testing.assert_allclose(model.classify(np.array([[X]], "float32")), [[sigmoid(1.0), sigmoid(-1.0)]], rtol=1e-5)


def test_classes_and_labels_are_checked():
    with pytest.raises(ValueError, match="returns 1 logits"):
        kgan.ALI(**pairs.networks(GAUSSIAN), classes=2)
    with pytest.raises(ValueError, match="integer >= 2"):
        kgan.ALI(**pairs.networks(GAUSSIAN), classes=1)
    with pytest.raises(ValueError, match="without `classes`"):
        kgan.ALI(**pairs.networks(GAUSSIAN)).classify(np.ones((1, 1), "float32"))
    with pytest.raises(ValueError, match="must return 2 numbers"):
        kgan.ALI(**pairs.networks())
    model = kgan.ALI(**pairs.networks(GAUSSIAN, np.eye(2)), classes=2)
    with pytest.raises(ValueError, match="unlabeled"):
        model.check_data(np.ones((2, 1), "float32"))


@pytest.mark.parametrize(("size", "channels", "table"), [(32, 3, "cifar10"), (32, 3, "svhn"), (64, 3, "celeba"), (8, 1, None)])
def test_tables(size, channels, table):
    encoder, generator, discriminator = ali.convolutional((size, size, channels), table, width=0.02)
    latent = generator.input_shape[1]
    assert latent == {"cifar10": 64, "svhn": 256, "celeba": 256, None: 32}[table]
    assert encoder.output_shape == (None, 2 * latent)
    assert encoder.get_layer("flatten").input.shape[1:3] == (1, 1)
    assert generator.output_shape == (None, size, size, channels)
    assert discriminator.output_shape == (None, 1)


def test_cifar_table_is_the_paper_s():
    encoder, generator, discriminator = ali.convolutional()
    assert [encoder.get_layer(f"conv_{i}").filters for i in range(6)] == [32, 64, 128, 256, 512, 512]
    assert [generator.get_layer(f"deconv_{i}").filters for i in range(6)] == [256, 128, 64, 32, 32, 32]
    # 512 convolutions leave 256 maps after maxout of two pieces.
    assert tuple(discriminator.get_layer("image_4").affine.kernel.shape) == (4, 4, 128, 512)
    assert discriminator.get_layer("pairs").output.shape == (None, 512)
    rates = [discriminator.get_layer(f"image_{i}_dropout").rate for i in range(5)]
    assert rates == [0.2, 0.5, 0.5, 0.5, 0.5]
    biased = [
        layer.name for net in (encoder, generator, discriminator) for layer in net.layers if getattr(layer, "use_bias", False)
    ]
    assert biased == ["output"]  # the encoder's; the decoder's is untied
    assert tuple(generator.get_layer("output_bias").bias.shape) == (32, 32, 3)
    assert not [layer for net in (encoder, generator) for layer in net.layers if "dropout" in layer.name]


def test_decoder_starts_at_the_mean_image(rng):
    _, generator, _ = ali.convolutional((8, 8, 1), width=0.05)
    images = np.clip(rng.normal(0.3, 0.5, (50, 8, 8, 1)), -1, 1)
    ali.start_at_mean(generator, images)
    made = np.asarray(generator(np.zeros((1, 32), "float32")))[0]
    np.testing.assert_allclose(made, images.mean(0), atol=1e-3)


def test_point_networks_are_the_authors():
    encoder, generator, discriminator = bidirectional.stochastic_perceptrons((2,))
    assert [tuple(v.shape) for v in encoder.trainable_variables if len(v.shape) == 2] == [(4, 400), (400, 400), (400, 2)]
    assert len([v for v in generator.trainable_variables if len(v.shape) == 2]) == 5
    assert tuple(discriminator.get_layer("maxout_0").affine.kernel.shape) == (4, 1000)


def test_images_without_a_table_are_refused():
    with pytest.raises(ValueError, match="tables for square images"):
        kgan.ALI((12, 12, 1))
    with pytest.raises(ValueError, match="32x32"):
        ali.convolutional((64, 64, 3), "svhn")
