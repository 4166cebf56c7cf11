"""Triple-GAN: whose gradient goes where, the order and the start of the moves, classes asked for, what is refused."""

import warnings

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from tests.conformance.specs import triple_networks


def small(**kwargs):
    changes = {"pretraining_rounds": 0, "generated_start": 0, "weight_decay": 0.0, "seed": 0, **triple_networks(), **kwargs}
    return kgan.TripleGAN((5,), classes=3, **changes)


def batch(rng, count=6):
    x = {part: ops.convert_to_tensor(rng.normal(size=(count, 5)).astype("float32")) for part in ("unlabeled", "labeled")}
    return {**x, "labels": ops.convert_to_tensor(np.arange(count) % 3)}


def values(model, loss, data):
    with model._play.point(training=False):
        return {name: float(getattr(term, "value", term)) for name, term in loss(data).items()}


def gradients(model, loss, data, term, player):
    variables = player.trainable_variables

    def value(tensors):
        with kgan.backend.Overlay(zip(variables, tensors, strict=True), moving=frozenset()):
            return loss(data)[term], None

    with model._play.point(training=False):
        found = kgan.backend.value_and_gradients(value, [kgan.backend.constant(v) for v in variables])[1]
    return np.concatenate([ops.convert_to_numpy(g).ravel() for g in found])


def test_the_classifier_learns_through_its_probabilities_alone(rng):
    """The gradient of the adversarial term is that of `mean p(y* | x) c`, c what the discriminator says: a constant."""
    model, data = small(generated_weight=0.0, adversarial_weight=2.0), batch(rng)
    model.compile(run_eagerly=True)
    found = gradients(model, model.classifier_loss, data, "adversarial", model.classifier)
    logits = ops.convert_to_numpy(model.classifier(data["unlabeled"]))
    labels = ops.convert_to_tensor(logits.argmax(1).astype("int32"))
    constants = ops.softplus(-model.discriminator([data["unlabeled"], labels])[:, 0])

    def by_hand(data):
        p = ops.softmax(model.classifier(data["unlabeled"]))
        return {"x": 2.0 * 0.5 * ops.mean(ops.sum(p * ops.one_hot(labels, 3), axis=-1) * constants)}

    expected = gradients(model, by_hand, data, "x", model.classifier)
    assert np.abs(expected).max() > 1e-4
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)


def test_swapping_what_is_classified_and_generated_leaves_the_discriminator_s_loss(rng, monkeypatch):
    model, data = small(pseudo_share=0.0), batch(rng)
    model.compile(run_eagerly=True)
    made, labels = model.generated_pairs(6)
    classified = model.labeled_by_classifier(data["unlabeled"])
    monkeypatch.setattr(model, "generated_pairs", lambda count: (made, labels))
    first = values(model, model.discriminator_loss, data)["adversarial"]
    monkeypatch.setattr(model, "generated_pairs", lambda count: (data["unlabeled"], classified[1]))
    monkeypatch.setattr(model, "labeled_by_classifier", lambda examples: (classified[0], labels))
    swapped = values(model, model.discriminator_loss, {**data, "unlabeled": made})["adversarial"]
    assert swapped == pytest.approx(first, rel=1e-5)


def test_true_pairs_are_labeled_and_pseudo_labeled_ones_by_their_share(rng):
    """The loss is linear in the share."""
    model, data = small(), batch(rng)
    model.compile(run_eagerly=True)
    losses = []
    for share in (0.2, 0.5, 0.8):
        model.pseudo_share = share
        model.seed_generator.state.assign([1, 0])
        losses.append(values(model, model.discriminator_loss, data)["adversarial"])
    assert losses[1] == pytest.approx((losses[0] + losses[2]) / 2, rel=1e-5)
    assert losses[0] != losses[1]


def test_the_classifier_is_alone_at_first_and_moves_last(rng):
    model = small(pretraining_rounds=2, generated_start=3)
    model.compile(run_eagerly=True)
    x = rng.normal(size=(30, 5)).astype("float32")
    with warnings.catch_warnings(record=True) as caught:  # pytest.warns would raise what the configuration ignores
        warnings.simplefilter("always")
        model.fit({"unlabeled": x, "labeled": x}, np.arange(30) % 3, batch_size=6, verbose=0)
    assert not any("opening" in str(told.message) for told in caught)
    assert [int(model.optimizer[m].iterations) for m in ("discriminator", "generator", "classifier")] == [3, 3, 5]
    assert list(model._play.moves) == ["discriminator", "generator", "classifier"]
    fresh = small(pretraining_rounds=2, generated_start=3)
    fresh.compile(run_eagerly=True)
    terms = values(fresh, fresh.classifier_loss, batch(rng))
    assert terms["adversarial"] == 0.0
    assert terms["generated"] == 0.0


@pytest.mark.parametrize("gradient", ["argmax", "integrate", "reinforce"])
def test_every_gradient_teaches(rng, gradient):
    model = small(gradient=gradient, pseudo_share=0.5)
    model.compile(optimizers={"classifier": keras.optimizers.Adam(0.05)})
    x = rng.normal(size=(60, 5)).astype("float32")
    labels = np.digitize(x[:, 0], [-0.4, 0.4])
    model.fit({"unlabeled": x, "labeled": x}, labels, batch_size=20, epochs=7, verbose=0)
    assert (model.classify(x).argmax(1) == labels).mean() > 0.6


def test_classes_are_asked_for(rng):
    model = small()
    inputs = model.generator_inputs(7, seed=0)
    assert ops.convert_to_numpy(inputs[1]).tolist() == [0, 1, 2, 0, 1, 2, 0]
    one, other = (model.generate(4, condition=k, seed=3) for k in (0, 2))
    assert np.abs(one - other).max() > 0
    np.testing.assert_array_equal(model.generate(2, condition=[2, 2], seed=3), model.generate(2, condition=2, seed=3))
    np.testing.assert_array_equal(model.generate(2, condition=np.asarray([1, 1]), seed=3), model.generate(2, condition=1, seed=3))
    for condition in ([0, 1], 3, [0, 1, 2, -1], [0.5, 1, 1, 1]):
        with pytest.raises(ValueError, match=r"`condition` (names classes by numbers in|holds the classes of 2 examples)"):
            model.generate(4, condition=condition)


def test_networks_are_those_of_the_code_for_svhn():
    networks = kgan.networks.triple
    discriminator, classifier, generator = (
        networks.discriminator(filters=2),
        networks.classifier(filters=2),
        networks.generator(filters=2),
    )
    # Three convolutions without padding, as in the scripts: 8 to 6 to 4, and 8 to 6.
    assert [discriminator.get_layer(f"conv_{n}_wn").output.shape[1] for n in (3, 4, 5)] == [8, 6, 4]
    assert [classifier.get_layer(f"conv_2_{n}_norm").output.shape[1] for n in range(3)] == [6, 6, 6]
    assert classifier.layers[-1].name == "logits_norm"
    learned = [layer.name for layer in discriminator.layers if getattr(layer, "scale", False)]
    assert learned == ["logit_wn"]
    norms = [layer for layer in generator.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(norms) == 3
    assert not any(layer.scale for layer in norms)
    assert networks.discriminator((8, 8, 1), 3, 2).output_shape == (None, 1)
    assert networks.classifier((16, 16, 1), 3, 2).output_shape == (None, 3)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"alpha": 1.0}, "alpha"),
        ({"pseudo_share": 1.0}, "pseudo_share"),
        ({"gradient": "gumbel"}, "gradient"),
        ({"classifier": kgan.networks.mlp.discriminator((5,), (4,), outputs=2)}, "classifier must turn"),
        ({"discriminator": kgan.networks.mlp.discriminator((5,), (4,))}, "discriminator must turn"),
        ({"generator": kgan.networks.mlp.generator((5,), 4, (4,))}, "generator must turn"),
    ],
)
def test_bad_arguments(arguments, words):
    with pytest.raises(ValueError, match=words):
        small(**arguments)


def test_labels_out_of_range_are_refused(rng):
    model = small()
    model.compile()
    x = rng.normal(size=(12, 5)).astype("float32")
    with pytest.raises(ValueError, match="Labels must be integers"):
        model.fit({"unlabeled": x, "labeled": x}, np.full(12, 3), batch_size=6, verbose=0)
    with pytest.raises(ValueError, match="semi_supervised"):
        model.fit(x, batch_size=6, verbose=0)
