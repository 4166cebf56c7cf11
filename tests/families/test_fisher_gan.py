"""What is particular to Fisher GAN: a step of critic and multiplier by hand, the decays, the semi-supervised form, arguments."""

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan.networks import mlp
from tests.families.test_mmd_gan import linear


def line(**kwargs):
    """f(x) = 2 x and G(z) = z with a prior that says -1: scores of data 1 are 2, of samples -2."""
    model = kgan.FisherGAN(
        generator=linear(1, 1, [1], "generator"),
        discriminator=linear(1, 1, [2], "discriminator"),
        **{
            "prior": kgan.priors.Uniform(-1.0, -0.999999),
            "weight_decay": 0.0,
            "output_weight_decay": 0.0,
            "rho": 0.5,
            "seed": 0,
            **kwargs,
        },
    )
    model.compile({m: keras.optimizers.SGD(0.01) for m in ("discriminator", "generator")}, run_eagerly=True)
    return model


def values(model):
    networks = model.discriminator, model.generator
    return [float(ops.convert_to_numpy(n.get_layer("dense").kernel).item()) for n in networks] + [
        float(ops.convert_to_numpy(model.multiplier))
    ]


def test_two_rounds_by_hand():
    model = line(discriminator_steps=1)
    logs = model.fit(np.ones((4, 1), "float32"), batch_size=4, verbose=0).history
    # E = 4, Omega = 4, lambda 0: -4 + 0 + 1/4 (4 - 1)^2. In the weight v: E = 2 v, Omega = v^2, so the slope is
    # -2 + 2 rho (v^2 - 1) v = 4, and v = 1.96. Then the generator: -E f(G(z)) = v theta falls with theta.
    assert logs["discriminator/adversarial"][0] == pytest.approx(-4.0, abs=1e-4)
    assert logs["discriminator/constraint"][0] == pytest.approx(2.25, abs=1e-4)
    assert logs["discriminator/second_moment"][0] == pytest.approx(4.0, abs=1e-4)
    assert logs["discriminator/distance"][0] == pytest.approx(2.0, abs=1e-4)
    assert logs["discriminator/multiplier"][0] == 0.0
    assert values(model) == pytest.approx([1.96, 1 - 0.0196, 0.5 * 3], abs=1e-4)
    # The multiplier that grew because Omega was too large now pulls: with theta = 0.9804 and lambda = 1.5,
    # E = (1 + theta) v, Omega = (1 + theta^2) v^2 / 2, and the slope is -(1 + theta) + (lambda + rho (Omega - 1)) (1 + theta^2) v.
    v, theta, multiplier = values(model)
    moment = (1 + theta**2) * v**2 / 2
    slope = -(1 + theta) + (multiplier + 0.5 * (moment - 1)) * (1 + theta**2) * v
    logs = model.fit(np.ones((4, 1), "float32"), batch_size=4, verbose=0).history
    expected = v - 0.01 * slope
    assert logs["discriminator/constraint"][0] == pytest.approx(multiplier * (moment - 1) + 0.25 * (moment - 1) ** 2, rel=1e-4)
    assert values(model) == pytest.approx([expected, theta - 0.01 * expected, multiplier + 0.5 * (moment - 1)], abs=1e-4)


def test_the_multiplier_steps_once_a_critic_step_and_not_in_evaluation():
    model = line(discriminator_steps=3)
    model.compile({m: keras.optimizers.SGD(0.0) for m in ("discriminator", "generator")}, run_eagerly=True)
    model.fit(np.ones((6, 1), "float32"), batch_size=2, verbose=0)
    assert values(model)[2] == pytest.approx(3 * 0.5 * 3, abs=1e-4)
    model.evaluate(np.ones((4, 1), "float32"), batch_size=4, verbose=0)
    assert values(model)[2] == pytest.approx(4.5, abs=1e-4)


def test_the_last_layer_decays_by_a_rate_of_its_own():
    model = kgan.FisherGAN(
        (2,), discriminator=mlp.discriminator((2,), (3,), output_bias=False), weight_decay=0.1, output_weight_decay=10.0, seed=0
    )
    hidden, output = (model.discriminator.get_layer(name) for name in ("hidden_0", "logit"))
    hidden.bias.assign([1.0, 0.0, 2.0])
    squares = [sum(float(np.sum(ops.convert_to_numpy(w) ** 2)) for w in layer.weights) for layer in (hidden, output)]
    assert float(model._decay()["weight_decay"]) == pytest.approx(0.05 * squares[0] + 5.0 * squares[1], rel=1e-5)
    assert line()._decay() == {}


def test_the_semi_supervised_critic():
    model = kgan.FisherGAN(
        (2,),
        classes=2,
        generator=linear(2, 2, np.eye(2), "generator"),
        discriminator=linear(2, 3, [[1, 0, 1], [0, 1, 0]], "d"),
        seed=0,
    )
    x = np.float32([[3.0, 1.0]])
    # s = (3, 1), v = 3: p = sigmoid(2) and its complement.
    p = 1 / (1 + np.exp(-2.0))
    assert float(model.score(x)[0, 0]) == pytest.approx(3 * p + 1 - p - 3, abs=1e-5)
    np.testing.assert_allclose(model.classify(x), [[p, 1 - p]], atol=1e-5)
    batch = {"unlabeled": x, "labeled": x, "labels": np.array([1])}
    assert float(model.discriminator_loss(batch)["supervised"]) == pytest.approx(-1.5 * np.log(1 - p), abs=1e-5)


def test_the_published_networks():
    model = kgan.FisherGAN((32, 32, 3))
    shapes = {layer.name: tuple(layer.output.shape[1:]) for layer in (*model.generator.layers, *model.discriminator.layers)}
    assert shapes["up_1"] == (8, 8, 128)
    assert shapes["extra_0"] == shapes["extra_1"] == shapes["up_2"] == (16, 16, 64)
    assert shapes["down_2"] == (4, 4, 256)
    layers = [*model.generator.layers, *model.discriminator.layers]
    assert not any(getattr(layer, "use_bias", False) for layer in layers)
    large = kgan.FisherGAN((64, 64, 3), filters=2).discriminator
    assert not any("extra" in layer.name for layer in large.layers)
    bare = kgan.FisherGAN((32, 32, 3), filters=2, batch_norm=False).discriminator
    assert not any(getattr(layer, "use_bias", False) or "norm" in layer.name for layer in bare.layers)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rho": 0.0}, "rho"),
        ({"discriminator_steps": 0}, "discriminator_steps"),
        ({"discriminator": mlp.discriminator((2,), (3,), outputs=2)}, "needs 1"),
        ({"discriminator": mlp.discriminator((2,), (3,), outputs=3), "classes": 3}, "needs 4"),
        ({"simultaneous": True}, "simultaneous"),
    ],
)
def test_what_cannot_be_is_refused(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        kgan.FisherGAN((2,), **arguments)
