"""Domain transfer: f stays what it was, classes are in order, each weight belongs to its term; what does not fit is refused."""

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan.networks import mlp, transfer
from kgan.penalties import total_variation
from tests.conformance.specs import fixed_features, two_domains

SHAPE = (8, 8, 1)


def small(features=None, **kwargs):
    return kgan.DomainTransferNetwork(features or fixed_features(), SHAPE, **{"filters": 2, "seed": 0, **kwargs})


def data(count=8):
    return two_domains(np.random.default_rng(0), count)[0]


def test_features_keep_all_they_are():
    model = small()
    before = [ops.convert_to_numpy(v).copy() for v in model.feature_network.weights]
    assert len(before) == 6
    model.compile(run_eagerly=True)
    model.fit(data(), batch_size=4, verbose=0)
    for old, variable in zip(before, model.feature_network.weights, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(variable), old)
    # In training dropout would make two answers of one question, batch norm would look at the batch.
    with kgan.backend.Overlay(training=True):
        one, two = (ops.convert_to_numpy(model.represent(ops.convert_to_tensor(data()["source"]))) for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_transfer_generate_and_gray_pictures_go_the_same_way():
    model, pictures = small(), data()
    made = model.transfer(pictures["source"], batch_size=3)
    np.testing.assert_allclose(model.generate(8, condition=pictures["source"]), made, atol=1e-6)
    gray = model.transfer(pictures["target"])
    np.testing.assert_allclose(gray, model.transfer(pictures["target"].repeat(3, axis=-1)), atol=1e-6)
    with pytest.raises(ValueError, match="pictures of the domain 'source'"):
        model.generate(3)


def test_each_weight_leaves_its_term_out():
    for name, term in (("constancy_weight", "constancy"), ("identity_weight", "identity")):
        model = small(**{name: 0.0})
        model.compile(run_eagerly=True)
        logs = set(model.fit(data(), batch_size=8, verbose=0).history)
        others = {"constancy", "identity"} - {term}
        assert logs == {"loss", "discriminator/adversarial", "discriminator/accuracy", "generator/adversarial"} | {
            f"generator/{other}" for other in others
        }


def test_features_see_every_picture_once_in_the_generators_move(monkeypatch):
    model, batch, seen = small(), {domain: ops.convert_to_tensor(images) for domain, images in data().items()}, []
    represent = model.represent
    monkeypatch.setattr(model, "represent", lambda images: seen.append(images) or represent(images))
    model.generator_loss(batch)
    assert len(seen) == 3  # of the source, of the target, of what became of the source


def test_terms_by_hand():
    """A generator of one picture, a ramp: what each term is, the discriminator's too."""
    ramp = np.linspace(-0.5, 0.5, 64).astype("float32")
    codes = keras.Input((5,))
    constant = keras.layers.Dense(64, kernel_initializer="zeros", bias_initializer=keras.initializers.Constant(ramp))(codes)
    generator = keras.Model(codes, keras.layers.Reshape(SHAPE)(constant), name="generator")
    model = small(generator=generator, constancy_weight=2.0, identity_weight=3.0, variation_weight=0.7)
    batch = {domain: ops.convert_to_tensor(images) for domain, images in data().items()}
    made = np.repeat(ramp.reshape(1, *SHAPE), 8, axis=0)
    terms = {name: float(value) for name, value in model.generator_loss(batch).items()}
    assert terms["identity"] == pytest.approx(3.0 * np.mean((data()["target"] - made) ** 2), rel=1e-5)
    assert terms["variation"] == pytest.approx(0.7 * 2 * float(total_variation(made)), rel=1e-5)
    f = ops.convert_to_numpy(model.feature_network(batch["source"], training=False))
    g = ops.convert_to_numpy(model.feature_network(np.repeat(made, 3, axis=-1), training=False))
    assert terms["constancy"] == pytest.approx(2.0 * np.mean((f - g) ** 2), rel=1e-4)

    def minus_log(images, label):
        logits = ops.convert_to_numpy(model.discriminator(images, training=False)).astype("float64")
        return np.mean(np.log(np.exp(logits).sum(1)) - logits[:, label])

    assert terms["adversarial"] == pytest.approx(2 * minus_log(made, 2), rel=1e-4)
    found = float(model.discriminator_loss(batch)["adversarial"])
    assert found == pytest.approx(minus_log(made, 0) + minus_log(made, 1) + minus_log(data()["target"], 2), rel=1e-4)


def test_pictures_to_be_changed_are_checked():
    model = small()
    for wrong in (data()["source"] * 100, (data()["source"] * 127 + 127).astype("uint8"), data()["source"] * np.nan):
        for use in (lambda x: model.generate(2, condition=x), model.transfer):
            with pytest.raises(ValueError, match=r"Images must lie|floating point|NaN"):
                use(wrong)
    assert model.generate(2, condition=data()["target"]).shape == (2, *SHAPE)
    np.testing.assert_allclose(model.generate(2, condition=data()["source"]), model.transfer(data()["source"][:2]), atol=1e-6)


def test_trained_features_have_size_one_and_the_paper_s_layers():
    images, labels = kgan.datasets.arrays("digits", "train")
    f = transfer.trained_features(images[:128], labels[:128], width=0.05, epochs=1)
    assert np.sqrt(np.mean(f.predict(images[:128], verbose=0) ** 2)) == pytest.approx(1.0, rel=1e-3)
    whole = transfer.classifier((32, 32, 3), 10)
    assert [layer.filters for layer in whole.layers if isinstance(layer, keras.layers.Conv2D)] == [64, 128, 256, 128]
    assert whole.get_layer("representation").output.shape == (None, 128)
    with pytest.raises(ValueError, match="integers from 0"):
        transfer.trained_features(images[:4], labels[:3])


def test_refusals():
    with pytest.raises(ValueError, match="three logits"):
        small(discriminator=mlp.discriminator(SHAPE, (4,)))
    with pytest.raises(ValueError, match="must take those of the target too"):
        kgan.DomainTransferNetwork(fixed_features(), (16, 16, 1), filters=2)
    with pytest.raises(ValueError, match="into vectors"):
        kgan.DomainTransferNetwork(mlp.generator((2,), 3, ()), SHAPE)
    with pytest.raises(ValueError, match="constancy_weight"):
        small(constancy_weight=-1.0)
    model = small()
    model.compile()
    with pytest.raises(ValueError, match="dict of examples of the domains"):
        model.fit(data()["source"], batch_size=4)
    with pytest.raises(ValueError, match=r"Domain 'target': Images must lie in \[-1, 1\]"):
        model.fit({**data(), "target": 3.0 * data()["target"]}, batch_size=4)
