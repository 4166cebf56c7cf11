"""Dual agents: rounds of the game by hand, the factor and what it follows, default networks, labels of two domains, what is refused."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import kgan
from kgan.engine.game import minibatches_per_round
from kgan.networks import autoencoders, mlp, refiner
from tests.families.causal_models import EAGER, numpy_of, slope
from tests.families.pairs import linear, softplus

JUDGE, REFINER = np.array([1.5, 0.5, 0.4, -0.3]), np.array([1.2])
DATA = {"simulated": [[1.0], [-2.0], [3.0], [0.5]], "real": [[2.0], [-1.0], [4.0], [1.0]]}
LABELS = {"simulated": [0, 1, 1, 0], "real": [1, 0, 0, 1]}


def judge():
    """From a number x to `[r c x, c x (v, w)]`, a code c x in between."""
    x = keras.Input((1,))
    code = layers.Dense(1, use_bias=False, name="code")(x)
    outputs = [layers.Dense(1, use_bias=False, name="restored")(code), layers.Dense(2, use_bias=False, name="logits")(code)]
    network = keras.Model(x, outputs, name="discriminator")
    network.set_weights([JUDGE[:1, None], JUDGE[1:2, None], JUDGE[None, 2:]])
    return network


def small(factor=0.0, rate=0.1, **kwargs):
    networks = {"generator": linear([1], [REFINER], "generator"), "discriminator": judge()}
    model = kgan.DualAgentGAN(classes=2, seed=0, **{**networks, "factor_rate": 0.5, **kwargs})
    model._factors.assign([factor])
    model.compile({move: keras.optimizers.SGD(rate) for move in ("discriminator", "generator")}, run_eagerly=EAGER)
    return model


def rows(start, stop):
    return (
        {domain: np.asarray(values, "float32")[start:stop] for domain, values in DATA.items()},
        {domain: np.asarray(values)[start:stop] for domain, values in LABELS.items()},
    )


def cross_entropy(logits, labels):
    return np.mean(np.log(np.exp(logits).sum(-1)) - logits[np.arange(len(labels)), labels])


def one_against_rest(logits, labels):
    return np.mean(np.sum(softplus(logits) - np.eye(2)[labels] * logits, axis=-1))


def losses(w, g, k, data, labels, label_loss=cross_entropy, real_labels=True):
    """Errors of real and refined pictures, the discriminator's loss and the refiner's."""
    simulated, real = data["simulated"].astype("float64"), data["real"].astype("float64")
    refined = g[0] * simulated

    def error(x):
        return np.mean(np.abs(x - w[0] * w[1] * x))

    def agent(x, y):
        return 0.3 * label_loss(w[0] * x * w[None, 2:], y)

    fake = agent(refined, labels["simulated"])
    first = error(real) - k * error(refined) + fake + (agent(real, labels["real"]) if real_labels else 0.0)
    return error(real), error(refined), first, 2.0 * error(refined) + fake + 0.7 * np.mean(np.abs(refined - simulated))


@pytest.mark.parametrize(
    ("kwargs", "how"),
    [
        ({}, {}),
        ({"label_loss": kgan.objectives.one_against_rest}, {"label_loss": one_against_rest}),
        ({"real_labels": False}, {"real_labels": False}),
    ],
)
def test_two_rounds_by_hand(kwargs, how):
    """The discriminator steps, then the refiner; the factor follows the errors of before, and losses have that of before."""
    k = 0.2
    model = small(k, classification_weight=0.3, pose_weight=0.7, adversarial_weight=2.0, diversity_ratio=0.8, **kwargs)
    w, g = JUDGE.copy(), REFINER.copy()
    for start in (0, 2):
        data, labels = rows(start, start + 2)
        real, fake, value, _ = losses(w, g, k, data, labels, **how)
        logs = model.fit(data, labels, batch_size=2, shuffle=False, verbose=0).history
        assert logs["discriminator/fake_error"] == [pytest.approx(-k * fake, rel=1e-4)]
        assert logs["discriminator/factor"] == [pytest.approx(k, rel=1e-4)]
        assert logs["discriminator/ratio"] == [pytest.approx(fake / real, rel=1e-4)]
        margin = 0.8 * real - fake
        assert logs["discriminator/convergence"] == [pytest.approx(real + abs(margin), rel=1e-4)]
        w = w - 0.1 * slope(lambda w: losses(w, g, k, data, labels, **how)[2], w)  # noqa: B023 - called at once
        both = value + losses(w, g, k, data, labels, **how)[3]
        assert logs["loss"] == [pytest.approx(both, rel=1e-4)]
        g = g - 0.1 * slope(lambda g: losses(w, g, k, data, labels, **how)[3], g)  # noqa: B023
        k = np.clip(k + 0.5 * margin, 0, 1)
        np.testing.assert_allclose(
            np.concatenate([numpy_of(v).ravel() for v in model.discriminator.weights]), w, rtol=1e-3, atol=1e-5
        )
        np.testing.assert_allclose(numpy_of(model.generator.weights[0])[0], g, rtol=1e-3)
        np.testing.assert_allclose(numpy_of(model._factors), [k], atol=1e-5)
    assert 0 < k < 1


def test_the_refiner_moves_while_the_factor_is_zero():
    model = small(classification_weight=0.0, pose_weight=0.0, factor_rate=0.0)
    logs = model.fit(*rows(0, 4), batch_size=4, verbose=0).history
    assert {"discriminator/real_error", "discriminator/fake_error", "generator/error"} == {
        name for name in logs if name.count("/") and name.split("/")[1] not in ("factor", "ratio", "convergence", "accuracy")
    } - {"discriminator/loss", "generator/loss"}
    # e(x) = 0.25 g mean |s| before the discriminator's step.
    assert numpy_of(model.generator.weights[0])[0, 0] < REFINER[0] - 0.01
    assert float(numpy_of(model._factors)[0]) == 0.0


@pytest.mark.parametrize(("refined", "factor"), [(0.0, 1.0), (100.0, 0.0)])
def test_the_factor_stays_between_0_and_1(refined, factor):
    model = small(0.5, rate=0.0, factor_rate=100.0)
    model.generator.set_weights([np.asarray([[refined]])])
    model.evaluate(*rows(0, 4), batch_size=4, verbose=0)
    assert float(numpy_of(model._factors)[0]) == 0.5  # looking on changes nothing
    model.fit(*rows(0, 4), batch_size=4, verbose=0)
    assert float(numpy_of(model._factors)[0]) == factor


def test_each_weight_leaves_its_terms_out():
    for name, left_out in (
        ("classification_weight", {"discriminator/real_classes", "discriminator/fake_classes", "generator/classes"}),
        ("pose_weight", {"generator/pose"}),
        ("adversarial_weight", {"generator/error"}),
    ):
        whole, without = (set(small(**change).fit(*rows(0, 2), batch_size=2, verbose=0).history) for change in ({}, {name: 0.0}))
        assert {term for term in whole - without if not term.endswith("/loss")} == left_out
    assert minibatches_per_round(small().turns()) == 1
    assert minibatches_per_round(small(fresh_batch=True).turns()) == 2


def test_refine_keeps_the_order_and_classify_reads_any_picture():
    model, (data, _) = small(), rows(0, 4)
    np.testing.assert_allclose(model.refine(data["simulated"], batch_size=3), 1.2 * data["simulated"], rtol=1e-6)
    np.testing.assert_allclose(model.generate(2, condition=data["simulated"]), 1.2 * data["simulated"][:2], rtol=1e-6)
    logits = 1.5 * data["real"] * JUDGE[None, 2:]
    expected = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    np.testing.assert_allclose(model.classify(data["real"]), expected, rtol=1e-5)
    with pytest.raises(ValueError, match="pictures of the domain 'simulated'"):
        model.generate(2)


@pytest.mark.only("tensorflow")
def test_default_networks():
    model = kgan.DualAgentGAN((16, 16, 1), classes=4, filters=3, blocks=2, discriminator_filters=2, code_size=5, seed=0)
    kernels = [(layer.filters, layer.kernel_size[0]) for layer in model.generator.layers if isinstance(layer, layers.Conv2D)]
    assert kernels == [(3, 7), *[(3, 3)] * 4, (1, 1)]
    assert model.discriminator.get_layer("code").units == 5
    assert model.discriminator.get_layer("logits").input.shape == (None, 5)  # of the code, not of what is restored
    assert [tuple(shape) for shape in model.discriminator.output_shape] == [(None, 16, 16, 1), (None, 4)]
    # A change of nothing leaves 0.95 of a picture.
    x = np.linspace(-1, 1, 512, dtype="float32").reshape(2, 16, 16, 1)
    for network in (model.generator, refiner.perceptron((16, 16, 1), (3,))):
        network.get_layer("change").kernel.assign(ops.zeros_like(network.get_layer("change").kernel))
        np.testing.assert_allclose(numpy_of(network(x)), 0.95 * x, atol=1e-6)


def test_defaults_follow_the_size():
    small, large = (
        kgan.DualAgentGAN((size, size, 1), classes=2, filters=2, blocks=1, discriminator_filters=2, code_size=2, seed=0)
        for size in (32, 64)
    )
    assert (small.diversity_ratio, small.factor_rate) == (0.8, 0.01)
    assert (large.diversity_ratio, large.factor_rate) == (0.5, 0.001)
    assert (large.classification_weight, large.pose_weight) == (0.1, 0.1)


def test_refusals():
    model, (data, labels) = small(), rows(0, 4)
    for match, x, y in (
        ("domains \\['simulated', 'real'\\], and the labels of simulated and real", data["real"], labels),
        ("labels of simulated and real beside it", data, None),
        ("labels of simulated and real beside it", data, labels["simulated"]),
        ("Domain 'real': Labels must be integers in \\[0, 2\\)", data, {**labels, "real": labels["real"] + 1}),
        ("Domain 'simulated': Examples must have the shape", {**data, "simulated": np.zeros((4, 2), "float32")}, labels),
    ):
        with pytest.raises(ValueError, match=match):
            model.fit(x, y, batch_size=4, verbose=0)
    small(real_labels=False).fit(data, labels["simulated"], batch_size=4, verbose=0)
    for match, kwargs in (
        ("diversity_ratio", {"diversity_ratio": 0.0}),
        ("diversity_ratio", {"diversity_ratio": 1.1}),
        ("pose_weight", {"pose_weight": -1.0}),
        ("restored", {"discriminator": mlp.discriminator((1,), (2,), outputs=2)}),
        ("restored", {"discriminator": autoencoders.perceptron((1,), (2,), classes=3)}),
        ("refined", {"generator": mlp.generator((2,), 1, ())}),
    ):
        with pytest.raises(ValueError, match=match):
            small(**kwargs)
    with pytest.raises(ValueError, match="8 times a power of two"):
        kgan.DualAgentGAN((24, 24, 1), classes=2)
    with pytest.raises(ValueError, match="limit"):
        kgan.layers.Retouch(1.0)
