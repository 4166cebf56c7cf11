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


def test_samples_teach_the_classifier_from_the_later_of_two_rounds_on(rng):
    """An untrained generator teaches nothing: not before the game, whatever `generated_start` says."""
    model = small(pretraining_rounds=2, generated_start=1)
    assert model.opening == "pretraining_rounds"
    assert small(pretraining_rounds=2, generated_start=3).opening == "generated_start"
    assert small(pretraining_rounds=2, generated_start=3, generated_weight=0.0).opening == "pretraining_rounds"
    model.compile(run_eagerly=True)
    x = rng.normal(size=(6, 5)).astype("float32")
    found = []
    for _ in range(3):
        found.append(values(model, model.classifier_loss, batch(rng))["generated"])
        model.fit({"unlabeled": x, "labeled": x}, np.arange(6) % 3, batch_size=6, verbose=0)
    assert found[:2] == [0.0, 0.0]
    assert found[2] > 0.0


def test_a_small_minibatch_meets_every_class_in_time(rng, monkeypatch):
    model = small()
    model.compile(run_eagerly=True)
    pairs, seen = model.generated_pairs, []

    def watched(count):
        made, labels = pairs(count)
        seen.append(ops.convert_to_numpy(labels).tolist())
        return made, labels

    monkeypatch.setattr(model, "generated_pairs", watched)
    x = rng.normal(size=(6, 5)).astype("float32")
    model.fit({"unlabeled": x, "labeled": x}, np.arange(6) % 3, batch_size=2, verbose=0)
    assert seen[-9:] == [[0, 1]] * 3 + [[2, 0]] * 3 + [[1, 2]] * 3  # of three moves a round


LOGITS = {"labeled": 0.3, "unlabeled": -0.7, "made": 1.1}


def with_logits(model, monkeypatch, data):
    """Pairs whose logits are known, whatever their labels."""
    made = ops.convert_to_tensor(np.ones((6, 5), "float32"))
    known = {id(data["labeled"]): "labeled", id(data["unlabeled"]): "unlabeled", id(made): "made"}
    monkeypatch.setattr(model, "pair_logits", lambda x, y: ops.full((6,), LOGITS[known[id(x)]]))
    return made, ops.convert_to_tensor(np.arange(6) % 3)


def softplus(t):
    return np.log1p(np.exp(t))


@pytest.mark.parametrize("gradient", ["argmax", "integrate", "reinforce"])
def test_the_losses_by_hand(gradient, rng, monkeypatch):
    model, data = small(alpha=0.3, pseudo_share=0.2, gradient=gradient, adversarial_weight=0.5), batch(rng)
    model.compile(run_eagerly=True)
    pairs = with_logits(model, monkeypatch, data)
    monkeypatch.setattr(model, "generated_pairs", lambda count: pairs)
    loss = 0.8 * softplus(-0.3) + 0.2 * softplus(0.7) + 0.3 * softplus(-0.7) + 0.7 * softplus(1.1)
    found = values(model, model.discriminator_loss, data)
    assert found["adversarial"] == pytest.approx(loss, rel=1e-5)
    assert (found["real_logit"], found["fake_logit"], found["classified_logit"]) == pytest.approx((0.3, 1.1, -0.7))
    assert values(model, model.generator_loss, data)["adversarial"] == pytest.approx(0.7 * softplus(-1.1), rel=1e-5)
    model.saturating = True
    assert values(model, model.generator_loss, data)["adversarial"] == pytest.approx(-0.7 * softplus(1.1), rel=1e-5)
    if gradient == "integrate":  # all labels have one logit here
        assert values(model, model.classifier_loss, data)["adversarial"] == pytest.approx(-0.15 * softplus(-0.7), rel=1e-4)


def test_structured_losses_by_hand(rng, monkeypatch):
    """The two games, their order of true and false pairs, and the two collaborations."""
    model = kgan.StructuredGAN(
        (5,), classes=3, pretraining_rounds=0, generated_start=0, pseudo_share=0.2, seed=0, **triple_networks(),
        encoder=kgan.networks.mlp.discriminator((5,), (6,), outputs=4, name="encoder"),
    )  # fmt: skip
    data = batch(rng)
    model.compile(run_eagerly=True)
    made, labels = with_logits(model, monkeypatch, data)
    latents = ops.convert_to_tensor(rng.normal(size=(6, 4)).astype("float32"))
    monkeypatch.setattr(model, "generated_with_latents", lambda count: (made, labels, latents))
    real = id(data["unlabeled"])
    monkeypatch.setattr(model, "latent_logits", lambda x, z: ops.full((6, 1), 0.4 if id(x) == real else -0.9))
    monkeypatch.setattr(model, "encoded", lambda x: latents + (0.0 if id(x) == real else 0.5))
    squares = 0.5 * 4 * 0.25
    found = values(model, model.discriminator_loss, data)
    assert found["adversarial"] == pytest.approx(0.8 * softplus(-0.3) + 0.2 * softplus(0.7) + softplus(1.1), rel=1e-5)
    assert found["latents"] == pytest.approx(softplus(-0.4) + softplus(-0.9), rel=1e-5)
    found = values(model, model.encoder_loss, data)
    assert (found["adversarial"], found["reconstruction"]) == pytest.approx((softplus(0.4), squares), rel=1e-5)
    found = values(model, model.generator_loss, data)
    guessed = ops.convert_to_numpy(ops.log_softmax(model.classifier(made)))
    expected = (softplus(-1.1), softplus(0.9), squares, -guessed[np.arange(6), np.arange(6) % 3].mean())
    assert (found["adversarial"], found["latents"], found["reconstruction"], found["classes"]) == pytest.approx(
        expected, rel=1e-5
    )


def test_what_is_generated_leaves_the_encoder_s_averages(rng):
    """Of batch norm: `encode` is asked about real examples."""
    encoder = keras.Sequential(
        [keras.Input((5,)), keras.layers.BatchNormalization(momentum=0.0), keras.layers.Dense(4)], name="encoder"
    )
    model = kgan.StructuredGAN((5,), classes=3, pretraining_rounds=0, seed=0, **triple_networks(), encoder=encoder)
    model.compile(run_eagerly=True)
    x = rng.normal(size=(6, 5)).astype("float32")
    model.fit({"unlabeled": x, "labeled": x}, np.arange(6) % 3, batch_size=6, verbose=0)
    np.testing.assert_allclose(encoder.layers[0].moving_mean, x.mean(0), atol=1e-5)


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
