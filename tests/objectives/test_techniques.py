"""Feature matching, label smoothing and the semi-supervised losses, worked out by hand."""

import math

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan import backend, objectives


def sp(t):
    return math.log1p(math.exp(t))


def test_feature_matching_takes_the_mean_over_the_batch_first():
    real = ops.convert_to_tensor([[0.0, 2.0], [2.0, 4.0]])  # mean (1, 3)
    fake = ops.convert_to_tensor([[4.0, 3.0], [0.0, 0.0], [2.0, 0.0]])  # mean (2, 1)
    assert float(objectives.feature_matching(real, fake, average=False)) == pytest.approx(1 + 4)
    assert float(objectives.feature_matching(real, fake)) == pytest.approx(2.5)
    assert float(objectives.feature_matching(real, fake, power=1)) == pytest.approx(1.5)
    with pytest.raises(ValueError, match="power"):
        objectives.feature_matching(real, fake, power=3)


def test_feature_matching_gives_no_gradient_to_the_real_features():
    def loss(tensors):
        return objectives.feature_matching(tensors[0], ops.ones((2, 2))), None

    _, (gradient,) = backend.value_and_gradients(loss, [ops.zeros((2, 2))])
    np.testing.assert_array_equal(ops.convert_to_numpy(gradient), np.zeros((2, 2)))


def test_feature_matching_may_move_the_real_mean_too():
    def loss(tensors):
        return objectives.feature_matching(tensors[0], ops.ones((2, 2)), average=False, through_real=True), None

    _, (gradient,) = backend.value_and_gradients(loss, [ops.zeros((2, 2))])
    np.testing.assert_allclose(ops.convert_to_numpy(gradient), np.full((2, 2), -1.0))  # -2 (1 - 0), half for each example


def test_one_sided_smoothing_by_hand():
    objective = objectives.OneSidedSmoothing(0.9)
    real, fake = ops.convert_to_tensor([[2.0]]), ops.convert_to_tensor([[1.0]])
    expected = 0.9 * sp(-2) + 0.1 * sp(2) + sp(1)
    assert float(objective.discriminator(real, fake)) == pytest.approx(expected, abs=1e-6)
    assert float(objective.generator(fake)) == pytest.approx(sp(-1), abs=1e-6)
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(objective))
    assert twin.real_target == 0.9
    assert objectives.get(twin) is twin
    for target in (0.5, 1.1):
        with pytest.raises(ValueError, match="real_target"):
            objectives.OneSidedSmoothing(target)


def test_one_sided_smoothing_has_its_optimum_where_the_paper_says():
    """p = q: D = alpha / 2. The gradient in the logit vanishes there."""

    def loss(tensors):
        return objectives.OneSidedSmoothing(0.9).discriminator(tensors[0], tensors[0]), None

    optimum = math.log(0.45 / 0.55)
    _, (gradient,) = backend.value_and_gradients(loss, [ops.convert_to_tensor([[optimum]])])
    assert abs(float(ops.convert_to_numpy(gradient)[0, 0])) < 1e-6


def test_semi_supervised_losses_by_hand():
    logits = ops.convert_to_tensor([[1.0, 2.0, 0.0], [0.0, 0.0, 0.0]])
    lse = [math.log(sum(math.exp(v) for v in row)) for row in ([1, 2, 0], [0, 0, 0])]
    np.testing.assert_allclose(ops.convert_to_numpy(objectives.realness(logits))[:, 0], lse, atol=1e-6)
    value = float(objectives.class_cross_entropy(logits, ops.convert_to_tensor([1, 2])))
    assert value == pytest.approx((lse[0] - 2 + lse[1]) / 2, abs=1e-6)
    # 1/2 {-E lse + E sp(lse) + E sp(lse)}
    unlabeled, fake = logits[:1], logits[1:]
    expected = 0.5 * (-lse[0] + sp(lse[0]) + sp(lse[1]))
    assert float(objectives.unsupervised(unlabeled, fake)) == pytest.approx(expected, abs=1e-6)
    # The fake class takes no part in the supervised loss: it is the ordinary cross-entropy.
    ordinary = keras.losses.sparse_categorical_crossentropy(ops.convert_to_tensor([1, 2]), logits, from_logits=True)
    assert value == pytest.approx(float(ops.mean(ordinary)), abs=1e-6)


def test_the_game_adds_up_the_published_terms():
    """ImprovedGAN's terms are the pure functions on its networks' logits."""
    network = kgan.networks.improved.perceptron_classifier((4,), 3, (6,), (0.0, 0.0))
    generator = kgan.networks.mlp.generator((4,), 2, (5,))
    model = kgan.ImprovedGAN((4,), classes=3, discriminator=network, generator=generator, feature_matching=False, seed=0)
    model.compile(optimizers={m: keras.optimizers.SGD(0.0) for m in ("discriminator", "generator")}, run_eagerly=True)
    rng = np.random.default_rng(0)
    x, labeled = (rng.normal(size=(8, 4)).astype("float32") for _ in range(2))
    labels = rng.integers(0, 3, 8)
    history = model.fit({"unlabeled": x, "labeled": labeled}, labels, batch_size=8, shuffle=False, verbose=0).history
    supervised = objectives.class_cross_entropy(network(labeled), labels)
    assert history["discriminator/supervised"][0] == pytest.approx(float(supervised), abs=1e-5)
    fake_logit = history["discriminator/fake_logit"][0]
    assert np.isfinite(fake_logit)
    assert history["generator/adversarial"][0] < 0  # log(1 - D), the saturating form of the code


def test_denoised_features_are_a_target(rng):
    """The gradient in phi of the distance to r(phi), where r is a linear map of phi itself."""
    phi, matrix = rng.normal(size=(3, 4)).astype("float32"), rng.normal(size=(4, 4)).astype("float32")
    (value, _), (gradient,) = kgan.backend.value_and_gradients(
        lambda t: (kgan.objectives.feature_denoising(t[0], ops.matmul(t[0], matrix)), None), [ops.convert_to_tensor(phi)]
    )
    off = phi - phi @ matrix
    assert float(value) == pytest.approx((off**2).mean(), rel=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(gradient), 2 * off / 12, rtol=1e-4, atol=1e-6)
