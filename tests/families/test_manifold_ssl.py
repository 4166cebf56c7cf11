"""Augmented BiGAN and manifold invariance: losses by hand, tangents of a known decoder, the order of the games, what is refused."""

import warnings

import keras
import numpy as np
import pytest
from keras import layers, ops

import kgan
from kgan.networks import bidirectional, mlp
from tests.families import pairs
from tests.families.pairs import evaluate, linear, sigmoid, softplus

PLANE = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 3.0]], "float32")
"""A decoder's kernel: two numbers into a plane in space."""
LOGITS = np.array([[1.0, -1.0], [2.0, 0.0], [0.5, 1.5]], "float32")


# Augmented BiGAN ---------------------------------------------------------------------------------------------------------
# Pairs (2, 1) from the data, (-3, 3) from the prior and the reconstruction's (-1, 1): logits 4, 3 and 1.


def augmented(**kwargs):
    return kgan.AugmentedBiGAN(**pairs.networks(), prior=pairs.Always(), **{"instance_noise": 0.0, **kwargs})


def test_the_discriminator_s_loss_and_gradient_by_hand():
    terms, gradient = evaluate(augmented(), "discriminator")
    assert terms["adversarial"] == pytest.approx(softplus(-4) + 0.5 * softplus(3) + 0.5 * softplus(1), rel=1e-5)
    assert [terms[f"{kind}_logit"] for kind in ("real", "fake", "reconstructed")] == pytest.approx([4.0, 3.0, 1.0])
    expected = -sigmoid(-4) * np.array([2, 1]) + 0.5 * sigmoid(3) * np.array([-3, 3]) + 0.5 * sigmoid(1) * np.array([-1, 1])
    np.testing.assert_allclose(gradient, expected, rtol=1e-4)


def test_features_are_matched_through_every_place_of_the_encoder():
    """The features are the pairs, so that the loss is `(2 - 3 g)^2 + (2 e - 3)^2 + (2 - 2 e g)^2`."""
    terms, (generator, encoder) = evaluate(augmented(), "generator")
    assert terms["feature_matching"] == pytest.approx(29.0 + 9.0)
    assert generator == pytest.approx(-6 * 5 + 2 * 3 * (-1), rel=1e-4)
    assert encoder == pytest.approx(4 * (1 - 3) + 2 * 3 * 2, rel=1e-4)


def test_standard_losses_exchange_the_labels():
    terms, (generator, encoder) = evaluate(augmented(feature_matching=False), "generator")
    assert terms["adversarial"] == pytest.approx(softplus(4) + 0.5 * softplus(-3) + 0.5 * softplus(-1), rel=1e-5)
    # Logits 2 + 4 e, 3 g + 6 and 2 e g + 4 e.
    assert generator == pytest.approx(-0.5 * sigmoid(-3) * 3 - 0.5 * sigmoid(-1) * 1, rel=1e-4)
    assert encoder == pytest.approx(sigmoid(4) * 4 - 0.5 * sigmoid(-1) * 2, rel=1e-4)


def test_without_the_third_pair_and_matching_it_is_a_bigan_of_whole_weights():
    model = augmented(third_pair=False, feature_matching=False)
    assert evaluate(model, "discriminator")[0]["adversarial"] == pytest.approx(softplus(-4) + softplus(3), rel=1e-5)
    assert evaluate(model, "generator")[0]["adversarial"] == pytest.approx(softplus(4) + softplus(-3), rel=1e-5)


def test_images_and_vectors_have_networks_of_their_own():
    vectors, images = kgan.AugmentedBiGAN((6,)), kgan.AugmentedBiGAN((8, 8, 1), latent_size=5)
    assert (vectors.latent_size, images.latent_size) == (16, 5)
    assert np.abs(images.generate(50, seed=0)).max() <= 1.0
    assert kgan.AugmentedBiGAN((32, 32, 1)).latent_size == 100
    for name in ("extra_noise", "joint_batch", "size"):
        with pytest.raises(TypeError, match=f"sets `{name}` itself"):
            kgan.AugmentedBiGAN((6,), **{name: 1})


@pytest.mark.parametrize("family", [kgan.BiGAN, kgan.ALI, kgan.VEEGAN])
def test_every_family_with_an_encoder_has_tangents(family, rng):
    """VEEGAN's generator takes noise of its own, which is no coordinate of the manifold."""
    model = family((3,), latent_size=3, seed=0)
    found = model.tangents_at(rng.normal(size=(4, 3)).astype("float32"), count=2)
    np.testing.assert_allclose(found @ found.transpose(0, 2, 1), np.tile(np.eye(2), (4, 1, 1)), atol=1e-4)
    assert model.tangents_at(np.ones((1, 3), "float32")).shape == (1, model.code_size, 3)
    with pytest.raises(ValueError, match="directions"):
        model.tangents_at(np.ones((1, 3), "float32"), count=4)


# Manifold invariance -----------------------------------------------------------------------------------------------------


def small(**kwargs):
    """A decoder of a plane in space, known, and a linear classifier."""
    given = {
        "encoder": linear([3], np.linalg.pinv(PLANE), "encoder"),
        "generator": linear([2], PLANE, "generator"),
        "discriminator": linear([3, 2], np.ones((5, 1)), "discriminator"),
        "classifier": linear([3], LOGITS, "classifier"),
        "matcher": linear([2], PLANE, "matcher"),
        "inference_rounds": 0,
        "seed": 0,
    }
    return kgan.ManifoldSSL(classes=2, **{**given, **kwargs})


def batch(count=4):
    x = np.random.default_rng(0).normal(size=(2, count, 3)).astype("float32")
    return {"unlabeled": ops.convert_to_tensor(x[0]), "labeled": ops.convert_to_tensor(x[1]), "labels": np.arange(count) % 2}


def test_both_penalties_by_hand(monkeypatch):
    """A linear classifier has one Jacobian; the plane's projection leaves of it what lies along the plane. All noise is 1."""
    terms, _ = evaluate(small(tangent_weight=0.5, jacobian_weight=0.1), "classifier", batch(), monkeypatch)
    basis = np.linalg.qr(PLANE.T)[0]
    assert terms["tangents"] == pytest.approx(0.5 * ((LOGITS.T @ basis) ** 2).sum(), rel=1e-4)
    assert terms["jacobian"] == pytest.approx(0.1 * (LOGITS.sum(0) ** 2).sum(), rel=1e-4)


def test_a_classifier_constant_along_the_plane_pays_nothing_for_tangents(monkeypatch):
    normal = np.cross(*PLANE).astype("float32")
    constant = linear([3], np.outer(normal, [1.0, -2.0]), "classifier")
    terms, _ = evaluate(small(classifier=constant), "classifier", batch(), monkeypatch)
    assert terms["tangents"] < 1e-6
    assert terms["jacobian"] > 1e-3


def test_drawn_tangents_have_the_mean_of_all(monkeypatch):
    whole, _ = evaluate(small(), "classifier", batch())
    parts = []
    for first in range(2):
        with monkeypatch.context() as patch:
            patch.setattr(
                keras.random, "uniform", lambda shape, n=first, **kwargs: ops.convert_to_tensor([[0.1, 0.9], [0.9, 0.1]][n])
            )
            parts.append(evaluate(small(drawn_tangents=1), "classifier", batch())[0]["tangents"])
    assert parts[0] != pytest.approx(parts[1])
    assert np.mean(parts) == pytest.approx(whole["tangents"], rel=1e-4)


def test_given_tangents_stand_for_the_model_s_own(rng):
    model = small(tangent_weight=1.0, drawn_tangents=None)
    directions = rng.normal(size=(4, 3, 3)).astype("float32")
    terms, _ = evaluate(model, "classifier", {**batch(), "tangents": ops.convert_to_tensor(directions)})
    assert terms["tangents"] == pytest.approx(((directions @ LOGITS) ** 2).sum() / 4, rel=1e-4)
    own = model.tangents_at(ops.convert_to_numpy(batch()["unlabeled"]))
    again, _ = evaluate(model, "classifier", {**batch(), "tangents": ops.convert_to_tensor(own)})
    assert again["tangents"] == pytest.approx(evaluate(small(tangent_weight=1.0), "classifier", batch())[0]["tangents"], rel=1e-4)


def test_the_unsupervised_term_is_the_paper_s():
    """Eq. 5, and its gradient, eq. 6: in a logit i of a generated example p(i), in one of a real example -p(i | i <= K) p(K + 1)."""
    model, data = small(tangent_weight=0.0, jacobian_weight=0.0, unlabeled_weight=3.0), batch()
    terms, _ = evaluate(model, "classifier", data)
    assert set(terms) == {"supervised", "adversarial", "accuracy", "real_logit", "fake_logit"}
    rng = np.random.default_rng(1)
    real, fake = rng.normal(size=(2, 1, 3)).astype("float32")

    def loss(tensors):
        return 2.0 * kgan.objectives.unsupervised(*tensors), None

    _, gradients = kgan.backend.value_and_gradients(loss, [ops.convert_to_tensor(real), ops.convert_to_tensor(fake)])
    exponentials = [np.exp(logits) for logits in (real, fake)]
    b = exponentials[0] / exponentials[0].sum() / (1 + exponentials[0].sum())
    a = exponentials[1] / (1 + exponentials[1].sum())
    np.testing.assert_allclose(ops.convert_to_numpy(gradients[0]), -b, rtol=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(gradients[1]), a, rtol=1e-5)


def test_one_game_comes_after_the_other_and_leaves_the_tangents_as_they_are(rng):
    model = small(
        inference_rounds=2, matcher=mlp.generator((3,), 2, (4,)), classifier=mlp.discriminator((3,), (4,), "tanh", outputs=2)
    )
    model.compile(run_eagerly=True)
    x = rng.normal(size=(24, 3)).astype("float32")
    first, second = ("encoder", "generator", "discriminator"), ("classifier", "matcher")

    def play(start):
        before = {name: getattr(model, name).get_weights() for name in (*first, *second)}
        part = x[start : start + 12]
        model.fit({"unlabeled": part, "labeled": part}, np.arange(12) % 2, batch_size=6, verbose=0)
        return {
            name
            for name, old in before.items()
            if any((a != b).any() for a, b in zip(old, getattr(model, name).get_weights(), strict=True))
        }

    with warnings.catch_warnings(record=True) as caught:  # pytest.warns would raise what the configuration ignores
        warnings.simplefilter("always")
        assert play(0) == set(first)
    assert any("2 rounds are played, and in the first 2, `inference_rounds`" in str(told.message) for told in caught)
    tangents = model.tangents_at(x)
    assert play(12) == set(second)
    np.testing.assert_array_equal(model.tangents_at(x), tangents)
    assert model.minibatches_per_round == 1


def test_a_classifier_is_differentiated_as_it_is_in_inference(rng):
    """Batch norm mixes no examples then, and noise is none: the penalty of a minibatch is the mean of those of its examples."""
    norm = layers.BatchNormalization(name="norm_0")
    noisy = mlp.discriminator((3,), (4,), "tanh", norm=lambda name: norm, dropout=0.5, outputs=2)
    model = small(classifier=noisy, jacobian_weight=0.0)
    model.compile()
    x = rng.normal(size=(4, 3)).astype("float32")
    with model._play.point(training=True):
        together, *alone = (float(model.invariance(part)["tangents"]) for part in (x, *x[:, None]))
    assert together == pytest.approx(np.mean(alone), rel=1e-4)
    assert np.std(alone) > 1e-6


def test_a_penalty_may_rise_over_the_rounds_and_may_be_one_of_differences():
    rising = keras.optimizers.schedules.PolynomialDecay(0.0, 10, 1.0)
    assert evaluate(small(tangent_weight=rising), "classifier", batch())[0]["tangents"] == 0.0
    exact, near = (evaluate(small(difference=e), "classifier", batch())[0]["tangents"] for e in (None, 0.01))
    assert near == pytest.approx(exact, rel=1e-2)  # of a linear classifier


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"tangents": 3}, "at most as many tangents"),
        ({"drawn_tangents": 0}, "drawn_tangents"),
        ({"classifier": mlp.discriminator((3,), (4,), outputs=3)}, "classifier must turn"),
        ({"matcher": mlp.generator((3,), 3, (4,))}, "matcher must turn"),
        ({"difference": 0.0}, "difference"),
    ],
)
def test_bad_arguments(arguments, words):
    with pytest.raises(ValueError, match=words):
        small(**arguments)


def test_tangents_of_untrained_networks_are_refused_and_so_are_strange_ones():
    with pytest.raises(ValueError, match="pass a trained encoder"):
        kgan.ManifoldSSL((3,), classes=2, inference_rounds=0)
    model = small()
    model.compile()
    x = np.ones((6, 3), "float32")
    data = {"unlabeled": x, "labeled": x}
    for tangents, words in (
        (np.ones((6, 2, 4), "float32"), "must be floating point"),
        (np.ones((6, 3), "float32"), "must be floating point"),
        (np.full((6, 1, 3), np.nan, "float32"), "NaN"),
    ):
        with pytest.raises(ValueError, match=words):
            model.fit({**data, "tangents": tangents}, np.zeros(6, "int64"), batch_size=3, verbose=0)
    with pytest.raises(ValueError, match="semi_supervised"):
        model.fit({**data, "directions": x}, np.zeros(6, "int64"), batch_size=3, verbose=0)
    with pytest.raises(ValueError, match="shape"):
        model.tangents_at(np.ones((2, 4), "float32"))


def test_trained_networks_of_another_family_of_pairs_serve_as_well(rng):
    networks = dict(zip(("encoder", "generator", "discriminator"), bidirectional.perceptrons((3,), 2, 4), strict=True))
    model = kgan.ManifoldSSL(
        classes=2, inference_rounds=0, matcher=mlp.generator((3,), 2, (4,)), classifier=mlp.discriminator((3,), (4,), outputs=2), **networks
    )  # fmt: skip
    model.compile(run_eagerly=True)
    x = rng.normal(size=(12, 3)).astype("float32")
    history = model.fit({"unlabeled": x, "labeled": x}, np.arange(12) % 2, batch_size=6, verbose=0).history
    assert np.isfinite(history["classifier/tangents"]).all()
