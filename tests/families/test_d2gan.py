"""What is particular to D2GAN: losses and a move of each player by hand, weights, arguments."""

import math

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan.networks import mlp
from tests.families.test_mmd_gan import linear


def sp(t):
    return math.log1p(math.exp(t))


def sigmoid(t):
    return 1 / (1 + math.exp(-t))


def line():
    """l_1(x) = x, l_2(x) = 2 x, G(z) = z with a prior that says -1; data 3."""
    model = kgan.D2GAN(
        generator=linear(1, 1, [1], "generator"),
        discriminator=linear(1, 1, [1], "discriminator"),
        reverse_discriminator=linear(1, 1, [2], "reverse"),
        alpha=0.2,
        beta=0.5,
        prior=kgan.priors.Uniform(-1.0, -0.999999),
        seed=0,
    )
    model.compile({m: keras.optimizers.SGD(1.0) for m in ("discriminator", "generator")}, run_eagerly=True)
    return model


def test_a_round_by_hand():
    model = line()
    logs = model.fit(np.full((2, 1), 3.0, "float32"), batch_size=2, verbose=0).history
    assert logs["discriminator/forward"][0] == pytest.approx(-0.2 * math.log(sp(3)) + sp(-1), abs=1e-5)
    assert logs["discriminator/reverse"][0] == pytest.approx(sp(6) - 0.5 * math.log(sp(-2)), abs=1e-5)
    seen = {"forward_on_data": sp(3), "forward_on_samples": sp(-1), "reverse_on_data": sp(6), "reverse_on_samples": sp(-2)}
    assert {name: logs[f"discriminator/{name}"][0] for name in seen} == pytest.approx(seen, abs=1e-4)
    # d/dv of -0.2 log sp(3 v) + sp(-v), and of sp(3 w) - 0.5 log sp(-w), at v = 1 and w = 2.
    v = 1 - (-0.2 * 3 * sigmoid(3) / sp(3) - sigmoid(-1))
    w = 2 - (3 * sigmoid(6) + 0.5 * sigmoid(-2) / sp(-2))
    # The generator: d/dtheta of -sp(-v theta) + 0.5 log sp(-w theta) at theta = 1.
    theta = 1 - (v * sigmoid(-v) - 0.5 * w * sigmoid(-w) / sp(-w))
    found = [ops.convert_to_numpy(n.get_layer("dense").kernel).item() for n in
             (model.discriminator, model.reverse_discriminator, model.generator)]  # fmt: skip
    assert found == pytest.approx([v, w, theta], abs=1e-4)
    loss = -sp(-v) + 0.5 * math.log(sp(-w))
    assert logs["generator/adversarial"][0] == pytest.approx(loss, abs=1e-4)


def test_weights_follow_from_the_data():
    points, images = kgan.D2GAN((2,)), kgan.D2GAN((8, 8, 1), filters=2)
    assert (points.alpha, points.beta, points.latent_size, type(points.prior).__name__) == (1.0, 1.0, 256, "Normal")
    assert (images.alpha, images.beta, images.latent_size, type(images.prior).__name__) == (0.2, 0.1, 100, "Uniform")
    with pytest.warns(UserWarning, match=r"\(0, 1\]"):
        kgan.D2GAN((2,), alpha=2.0)


SHARED = mlp.discriminator((2,), (3,))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alpha": 0.0}, "alpha"),
        ({"beta": -0.1}, "beta"),
        ({"discriminator": mlp.discriminator((2,), (3,))}, "only one"),
        ({"discriminator": SHARED, "reverse_discriminator": SHARED}, "share"),
        ({"discriminator": SHARED, "reverse_discriminator": mlp.discriminator((3,), (3,))}, "reverse discriminator must turn"),
        ({"joint_batch": True}, "joint_batch"),
    ],
)
def test_what_cannot_be_is_refused(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        kgan.D2GAN((2,), **arguments)
