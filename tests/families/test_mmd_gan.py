"""What is particular to GMMN and MMD GAN: losses by hand, who is clipped, networks, arguments."""

import math

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan import objectives
from kgan.networks import mlp


def linear(inputs, outputs, kernel, name):
    """A layer as a network, without bias."""
    network = keras.Sequential([keras.Input((inputs,)), keras.layers.Dense(outputs, use_bias=False, name="dense")], name=name)
    network.get_layer("dense").kernel.assign(np.asarray(kernel, "float32").reshape(inputs, outputs))
    return network


def points_game(**kwargs):
    return kgan.MMDGAN(
        generator=mlp.generator((2,), 3, (4,)),
        encoder=mlp.discriminator((2,), (4,), 0.2, name="encoder", outputs=5),
        decoder=mlp.generator((2,), 5, (4,), name="decoder"),
        **{"warmup": None, "seed": 0, **kwargs},
    )


def played(model, loss, minibatch):
    """The terms of a loss, as numbers."""
    minibatch = ops.convert_to_tensor(np.asarray(minibatch, "float32"))
    model._play.discover(minibatch)
    model._play.bind(model.optimizer, [])
    with kgan.backend.no_gradient(), model._play.point(training=True):
        return {key: float(value) for key, value in loss(minibatch).items()}


def by_hand():
    """f(x) = (2x, -x), g(a, b) = a, and a generator that says 1: everything can be written down."""
    one = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros", bias_initializer="ones")])
    model = kgan.MMDGAN(
        generator=one,
        encoder=linear(1, 2, [2, -1], "encoder"),
        decoder=linear(2, 1, [1, 0], "decoder"),
        kernel=math.sqrt(0.5),
        clip=10.0,
        warmup=None,
        seed=0,
    )
    model.compile()
    return model


def test_the_losses_by_hand():
    # x in {0, 3}, y = 1. Features (0, 0), (6, -3) and twice (2, -1); k = exp(-distance^2), distances^2 are 45, 5 and 20.
    model = by_hand()
    e = math.exp
    m = math.sqrt((1 + e(-45)) / 2 + 1 - (e(-5) + e(-20)))
    # Means (3, -1.5) and (2, -1): differences (1, -0.5).
    r = -0.5 / 2
    # g(f(x)) = 2x: errors x^2, mean 4.5 of the real and 1 of the generated examples.
    encoder = played(model, model.encoder_loss, [[0.0], [3.0]])
    assert encoder == pytest.approx({"mmd": -m, "feasible_set": -16 * r, "reconstruction": 8 * 5.5}, abs=1e-5)
    assert played(model, model.generator_loss, [[0.0], [3.0]]) == pytest.approx({"mmd": m, "feasible_set": 16 * r}, abs=1e-5)


def test_one_move_of_each_player_by_hand():
    model = by_hand()
    rate = 0.01
    model.encoder_steps = 1
    model.compile(optimizers={m: keras.optimizers.SGD(rate) for m in ("encoder", "generator")})
    x = np.asarray([[0.0], [3.0]], "float32")
    gradients = numerical(lambda w: hand_encoder_loss(w, x), np.array([2.0, -1.0, 1.0, 0.0]))
    after = np.array([2.0, -1.0, 1.0, 0.0]) - rate * gradients
    model.fit(np.concatenate([x, x]), batch_size=2, shuffle=False, verbose=0)
    weights = np.concatenate([ops.convert_to_numpy(v).ravel() for v in (*model.encoder.weights, *model.decoder.weights)])
    np.testing.assert_allclose(weights, after, atol=1e-4)
    bias = ops.convert_to_numpy(model.generator.weights[1])[0]
    slope = numerical(lambda y: hand_generator_loss(after, x, y[0]), np.array([1.0]))[0]
    assert bias == pytest.approx(1.0 - rate * slope, abs=1e-4)


def hand_discrepancy(w, x, y):
    a, b = x * w[:2], np.full((2, 1), y) * w[:2]

    def k(p, q):
        return np.exp(-((p[:, None] - q[None]) ** 2).sum(-1)).mean()

    return math.sqrt(k(a, a) + k(b, b) - 2 * k(a, b)) + 16 * np.minimum(a.mean(0) - b.mean(0), 0).mean()


def hand_encoder_loss(w, x):
    errors = sum(((p - (p * w[:2]) @ w[2:, None]) ** 2).mean() for p in (x.astype("float64"), np.ones((2, 1))))
    return 8 * errors - hand_discrepancy(w, x, 1.0)


def hand_generator_loss(w, x, y):
    return hand_discrepancy(w, x, y)


def numerical(f, at, step=1e-5):
    return np.array([(f(at + step * e) - f(at - step * e)) / (2 * step) for e in np.eye(len(at))])


def test_the_moves_and_who_takes_which_minibatch():
    encoder, generator = points_game().turns()
    assert encoder.moves[0].players == ("encoder", "decoder")
    assert encoder.repeats == 5
    assert generator.fresh  # a fresh real minibatch, not one the encoder has seen
    assert [set(t.moves[0].project or {}) for t in (encoder, generator)] == [{"encoder"}, set()]


@pytest.mark.parametrize("scope", ["all", "kernels"])
def test_the_encoder_alone_is_clipped(scope):
    model = kgan.MMDGAN((16, 16, 1), filters=2, latent_size=3, clip_scope=scope, encoder_steps=1, warmup=None, seed=0)
    model.compile(optimizers={"encoder": keras.optimizers.SGD(1.0)}, run_eagerly=True)
    images = np.random.default_rng(0).uniform(-1, 1, (8, *model.data_shape)).astype("float32")
    model.fit(images, batch_size=4, verbose=0)

    def largest(variables):
        return max(np.abs(ops.convert_to_numpy(v)).max() for v in variables)

    scales = [v for v in model.encoder.trainable_variables if len(v.shape) < 2]
    assert largest(v for v in model.encoder.trainable_variables if len(v.shape) > 1) <= 0.01 * 1.000001
    assert (largest(scales) <= 0.01 * 1.000001) == (scope == "all")
    assert largest(model.decoder.trainable_variables) > 0.01
    assert largest(model.generator.trainable_variables) > 0.01


def test_the_generator_waits_in_long_phases_of_the_encoder():
    model = points_game(encoder_steps=2, warmup=(2, 3, 4))
    model.compile()
    due = []
    for rounds in range(10):
        model.optimizer.iterations.assign(rounds)
        due.append(bool(model.generator_due()))
    # 4 moves are 2 rounds: long before moves 0, 1 and then 3, 6; one round before 2, 4, 5.
    assert due == [False, True, False, True, True, False, True, True, True, False]


def test_terms_of_weight_0_are_left_out():
    model = points_game(reconstruction_weight=0.0, feasible_set_weight=0.0, encoder_steps=1)
    model.compile(run_eagerly=True)
    history = model.fit(np.ones((8, 2), "float32"), batch_size=4, verbose=0).history
    assert set(history) == {"loss", "encoder/mmd", "generator/mmd"}


def test_the_published_networks():
    model = kgan.MMDGAN((32, 32, 3), filters=64)
    encoder, decoder = model.encoder, model.decoder
    assert [encoder.get_layer(f"down_{i}").filters for i in range(3)] == [64, 128, 256]
    assert decoder.get_layer("project").units == 4 * 4 * 256
    assert [decoder.get_layer(f"up_{i}").filters for i in (1, 2)] == [128, 64]
    assert encoder.output_shape == (None, 128) == (None, model.latent_size)
    layers = [*encoder.layers, *decoder.layers, *model.generator.layers]
    assert not any(getattr(layer, "use_bias", False) for layer in layers)
    assert decoder.count_params() == model.generator.count_params()
    assert decoder is not model.generator


def test_gmmn_by_hand():
    one = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros", bias_initializer="ones")])
    m2 = (1 + math.exp(-9)) / 2 + 1 - (math.exp(-1) + math.exp(-4))
    for squared, expected in ((False, math.sqrt(m2)), (True, m2)):
        model = kgan.GMMN(generator=one, kernel=math.sqrt(0.5), squared=squared, loss_weight=3.0, seed=0)
        model.compile()
        assert played(model, model.generator_loss, [[0.0], [3.0]]) == pytest.approx({"mmd": 3 * expected}, abs=1e-5)


def test_the_default_kernels_of_gmmn():
    # exp(-d^2 / (2 s)) with s = 2 at a distance of 2; the same kernel sees pixel differences twice as large.
    for shape, scale in (((4,), 1.0), ((2, 2, 1), 2.0)):
        kernel = kgan.GMMN(shape).kernel
        assert kernel.sigmas == pytest.approx([scale * math.sqrt(s) for s in (2, 5, 10, 20, 40, 80)])
    model = kgan.GMMN((8, 8, 1))
    assert [layer.units for layer in model.generator.layers if isinstance(layer, keras.layers.Dense)] == [64, 256, 256, 1024, 64]
    z = ops.convert_to_numpy(model.generator_inputs(200, seed=1))
    assert z.shape == (200, 10)
    assert -1 <= z.min() < -0.95


def test_gmmn_in_code_space_matches_codes_and_generates_examples():
    encoder, decoder = linear(1, 2, [2, -1], "encoder"), linear(2, 1, [1, 0], "decoder")
    model = kgan.GMMN(
        encoder=encoder, decoder=decoder, generator=linear(1, 2, [5, 7], "generator"), kernel=math.sqrt(0.5), seed=0
    )
    model.compile()
    codes = ops.convert_to_numpy(model.generator(model.generator_inputs(4, seed=3)))
    np.testing.assert_allclose(model.generate(4, seed=3)[:, 0], codes[:, 0], rtol=1e-5)
    before = [ops.convert_to_numpy(v).copy() for v in (*encoder.weights, *decoder.weights)]
    model.fit(np.ones((8, 1), "float32"), batch_size=4, verbose=0)
    for old, variable in zip(before, (*encoder.weights, *decoder.weights), strict=True):
        np.testing.assert_array_equal(old, ops.convert_to_numpy(variable))


def test_a_kernel_of_ones_own():
    def dot(a, b):
        return ops.matmul(a, ops.swapaxes(b, -1, -2))

    model = points_game(kernel=dot, encoder_steps=1)
    model.compile(run_eagerly=True)
    assert model.kernel is dot
    assert objectives.get_kernel((1, 2)).sigmas == [1.0, 2.0]
    history = model.fit(np.random.default_rng(0).normal(size=(8, 2)).astype("float32"), batch_size=4, verbose=0).history
    assert np.isfinite(history["generator/mmd"][0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: points_game(clip=0.0), "clip"),
        (lambda: points_game(clip_scope="biases"), "clip_scope"),
        (lambda: points_game(encoder_steps=0), "encoder_steps"),
        (lambda: points_game(reconstruction_weight=-1.0), "reconstruction_weight"),
        (lambda: points_game(warmup=(5, 3, 100)), "warmup"),
        (lambda: points_game(kernel=()), "at least one bandwidth"),
        (lambda: points_game(code_size=4), "the features"),
        (lambda: points_game(latent_size=9), "takes latents"),
        (lambda: kgan.MMDGAN((24, 24, 1)), "power of two"),
        (lambda: kgan.MMDGAN((2,), decoder=mlp.generator((3,), 16)), "an example"),
        (lambda: kgan.GMMN(), "tuple of positive integers"),
        (lambda: kgan.GMMN((2,), encoder=mlp.discriminator((2,), outputs=3)), "both"),
        (lambda: kgan.GMMN((2,), loss_weight=0.0), "loss_weight"),
        (lambda: kgan.GMMN((3,), generator=mlp.generator((2,), 4)), "generator must turn"),
        (lambda: kgan.GMMN((2,), latent_size=0), "latent_size"),
        (lambda: kgan.MMDGAN((2,), code_size=0), "code_size"),
    ],
)
def test_contradictory_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_minibatch_of_one_is_refused():
    model = points_game(encoder_steps=1)
    model.compile()
    with pytest.raises(ValueError, match="at least 2"):
        model.fit(np.ones((2, 2), "float32"), batch_size=1, verbose=0)
