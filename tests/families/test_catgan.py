"""What is particular to the categorical GAN."""

import math

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan import objectives
from kgan.networks import categorical, mlp


def made(**kwargs):
    generator, discriminator = mlp.generator((4,), 3, (5,)), categorical.classifier((4,), 3, (6,), 0.0)
    return kgan.CatGAN((4,), **{"classes": 3, "generator": generator, "discriminator": discriminator, "seed": 0, **kwargs})


def logs_of(model, *data):
    model.compile(optimizers={move: keras.optimizers.SGD(0.0) for move in ("discriminator", "generator")}, run_eagerly=True)
    return model.fit(*data, batch_size=12, shuffle=False, verbose=0).history


def points(seed=0):
    return np.random.default_rng(seed).uniform(size=(12, 4)).astype("float32")


def test_the_discriminator_s_terms_are_the_entropies_of_real_examples():
    model, x = made(weight_decay=0.0), points()
    logits = model.discriminator(x, training=True)
    logs = logs_of(model, x)
    assert logs["discriminator/conditional"][0] == pytest.approx(float(objectives.conditional_entropy(logits)), abs=1e-5)
    assert logs["discriminator/marginal"][0] == pytest.approx(-float(objectives.marginal_entropy(logits)), abs=1e-5)
    assert logs["discriminator/generated"][0] == pytest.approx(-logs["discriminator/generated_entropy"][0], abs=1e-6)
    assert not any("weight_decay" in name for name in logs)


def test_labels_are_learned_and_not_unlearned():
    model, x = made(semi_supervised=True, supervised_weight=2.0), points()
    labels = np.arange(12) % 3
    logits = model.discriminator(x, training=True)
    logs = logs_of(model, {"unlabeled": points(1), "labeled": x}, labels)
    assert logs["discriminator/supervised"][0] == pytest.approx(
        2 * float(objectives.class_cross_entropy(logits, labels)), abs=1e-4
    )
    assert model.classify(x).sum(1) == pytest.approx(1.0, abs=1e-5)


def test_without_the_generator_s_term_it_is_rim():
    logs = logs_of(made(generated_weight=0.0), points())
    assert "discriminator/generated" not in logs
    assert "discriminator/generated_entropy" in logs


@pytest.mark.parametrize("family", ["catgan", "fisher"])
def test_moving_averages_are_those_of_real_examples(family):
    """What classifies real examples later must not be normalized by generated ones."""
    x = points() + 5.0
    if family == "catgan":
        model, data = made(), (x,)
    else:
        judge = categorical.classifier((4,), 4, (6,), 0.0)
        model = kgan.FisherGAN(
            classes=3, generator=mlp.generator((4,), 3, (5,)), discriminator=judge, discriminator_steps=1, seed=0
        )
        data = {"unlabeled": x, "labeled": x}, np.arange(12) % 3
    logs_of(model, *data)
    hidden, norm = (model.discriminator.get_layer(name) for name in ("hidden_0", "norm_0"))
    seen = len(data)  # batches that entered the averages: unlabeled, and labeled
    mean = ops.convert_to_numpy(hidden(x)).mean(0)
    np.testing.assert_allclose(ops.convert_to_numpy(norm.moving_mean), (1 - 0.9**seen) * mean, rtol=1e-3)


def test_a_small_minibatch_is_warned_of():
    with pytest.warns(UserWarning, match="at most log 2"):
        made().check_data(points()[:2])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"classes": 1}, "classes"),
        ({"classes": 4}, "needs 4"),
        ({"generated_weight": -1.0}, "generated_weight"),
        ({"joint_batch": True}, "sets `joint_batch` itself"),
    ],
)
def test_refused(changes, words):
    with pytest.raises((ValueError, TypeError), match=words):
        made(**changes)


def test_clusters_are_named_by_training_examples_alone():
    names, empty = kgan.metrics.name_clusters([0, 0, 1, 3, 3], [5, 5, 2, 2, 2], 4)
    assert names.tolist() == [5, 2, 2, 2]  # the empty third gets the most frequent label
    assert empty == 1
    for clusters, labels in (([0, 4], [1, 1]), ([0, -1], [1, 1]), ([0], [1, 2]), ([], [])):
        with pytest.raises(ValueError, match="Clusters"):
            kgan.metrics.name_clusters(clusters, labels, 4)


def test_two_groups_are_told_apart_without_labels():
    """A short game on two far groups of points: every cluster holds one, and H[E p] is near log 2."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 640)
    x = (rng.normal(0.0, 0.1, (640, 2)) + np.where(truth, 1.0, -1.0)[:, None]).astype("float32")
    model = kgan.CatGAN(
        classes=2, generator=mlp.generator((2,), 3, (8,)), discriminator=categorical.classifier((2,), 2, (16,), 0.1), seed=0
    )
    model.compile(
        optimizers={move: keras.optimizers.Adam(1e-2, 0.5) for move in ("discriminator", "generator")}, jit_compile=False
    )
    logs = model.fit(x, batch_size=64, epochs=10, verbose=0).history
    found = model.classify(x).argmax(1)
    assert max((found == truth).mean(), (found != truth).mean()) > 0.97
    assert -logs["discriminator/marginal"][-1] > 0.9 * math.log(2)
    assert np.isfinite(ops.convert_to_numpy(model.generate(4, seed=0))).all()
