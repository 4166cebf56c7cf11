"""SteganographyGAN on networks of a few numbers: losses and gradients by hand, shared messages, rounding, what is refused."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import kgan
from kgan.networks import steganography

C, M, A1, A2, B, E = 0.4, 0.5, 0.8, 0.6, 0.5, 1.5
S = A1 * C + A2 * M  # 0.62, what Alice makes
READ = B * S


def softplus(t):
    return np.log1p(np.exp(t))


def sigmoid(t):
    return 1 / (1 + np.exp(-t))


def tiny(**kwargs):
    """C' = A1 C + A2 M, B(x) = B x, e(x) = E x on images of one pixel and messages of one bit."""

    def linear(inputs, weights, name, image=False):
        flat = [layers.Flatten()(x) for x in inputs]
        x = flat[0] if len(flat) == 1 else layers.Concatenate()(flat)
        x = layers.Dense(1, use_bias=False)(x)
        network = keras.Model(inputs if len(inputs) > 1 else inputs[0], layers.Reshape((1, 1, 1))(x) if image else x, name=name)
        network.set_weights([np.asarray(weights, "float32").reshape(-1, 1)])
        return network

    def picture():
        return keras.Input((1, 1, 1))

    model = kgan.SteganographyGAN(
        (1, 1, 1),
        1,
        alice=linear([picture(), keras.Input((1,))], [A1, A2], "alice", image=True),
        bob=linear([picture()], [B], "bob"),
        eve=linear([picture()], [E], "eve"),
        seed=0,
        **kwargs,
    )
    model.compile()
    return model


def evaluated(model, move, monkeypatch):
    """Terms and gradients of a move where the bit drawn is 1."""
    monkeypatch.setattr(keras.random, "uniform", lambda shape, *a, **k: 0.7 * ops.ones(shape))
    batch = ops.full((1, 1, 1, 1), C)
    with kgan.backend.no_gradient(), model._play.point(training=True):
        found = model._play.evaluate(model._play.moves[move], batch)
    terms = {key: float(ops.convert_to_numpy(value)) for key, value in found.terms.items()}
    return terms, np.concatenate([ops.convert_to_numpy(g).ravel() for g in found.gradients])


def test_eve_by_hand(monkeypatch):
    terms, gradient = evaluated(tiny(), "eve", monkeypatch)
    assert terms["adversarial"] == pytest.approx(softplus(-E * C) + softplus(E * S), rel=1e-5)
    assert terms["accuracy"] == 0.5  # both look like covers to her
    np.testing.assert_allclose(gradient, [-sigmoid(-E * C) * C + sigmoid(E * S) * S], rtol=1e-5)


def test_alice_and_bob_by_hand(monkeypatch):
    """The signs: Alice is pushed towards what Eve takes for a cover; Bob reads C', not C; gradients pass from Bob to Alice."""
    terms, gradient = evaluated(tiny(), "alice_bob", monkeypatch)
    assert terms["image"] == pytest.approx(0.3 * abs(C - S), rel=1e-5)
    assert terms["message"] == pytest.approx(0.6 * (M - READ) ** 2, rel=1e-5)
    assert terms["adversarial"] == pytest.approx(0.1 * softplus(-E * S), rel=1e-5)
    assert terms["bit_accuracy"] == 1.0
    to_stego = 0.3 * np.sign(S - C) + 0.6 * 2 * (READ - M) * B - 0.1 * sigmoid(-E * S) * E
    np.testing.assert_allclose(gradient, [to_stego * C, to_stego * M, 0.6 * 2 * (READ - M) * S], rtol=1e-5)


@pytest.mark.parametrize(
    ("kind", "image", "message"),
    [
        ("l1", abs(C - S), abs(M - READ)),
        ("l2", (C - S) ** 2, (M - READ) ** 2),
        ("euclidean", abs(C - S), abs(M - READ)),
        ("cross_entropy", None, softplus(-READ)),
    ],
)
def test_distances(kind, image, message, monkeypatch):
    weights = {"image_weight": 2.0, "message_weight": 1.0, "eve_weight": 0.0}
    known = {"image_distance": kind} if image is not None else {}
    terms, _ = evaluated(tiny(message_distance=kind, **known, **weights), "alice_bob", monkeypatch)
    assert set(terms) == {"image", "message", "bit_accuracy"}  # a weight of 0 leaves its term out
    assert terms["message"] == pytest.approx(message, rel=1e-5)
    if image is not None:
        assert terms["image"] == pytest.approx(2.0 * image, rel=1e-5)


def test_the_euclidean_distance_is_a_norm_of_each_image():
    first, second = ops.zeros((2, 1, 2, 1)), ops.convert_to_tensor([[[[3.0], [4.0]]], [[[0.0], [1.0]]]])
    distances = kgan.families.steganography_gan.DISTANCES
    assert {kind: float(distances[kind](first, second)) for kind in distances} == {"l1": 2.0, "l2": 6.5, "euclidean": 3.0}


class Recording(kgan.SteganographyGAN):
    def draw_messages(self, covers, seed):
        messages = super().draw_messages(covers, seed)
        self.drawn.append(ops.convert_to_numpy(messages))
        return messages


def small(family=kgan.SteganographyGAN, **kwargs):
    shape = (8, 8, 1)
    networks = {
        "alice": steganography.hider(shape, 12, 4, epsilon=1e-3),
        "bob": steganography.reader(shape, 12, 4, epsilon=1e-3, output_activation="tanh", name="bob"),
        "eve": steganography.reader(shape, 1, 4, epsilon=1e-3),
    }
    return family(shape, 12, seed=0, **{**networks, **kwargs})


def covers(count, shape=(8, 8, 1), seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (count, *shape))
    return (pixels / 127.5 - 1.0).astype("float32")


@pytest.mark.only("tensorflow", "torch")  # what is drawn while JAX traces are no numbers
def test_a_round_has_one_set_of_messages_and_every_round_another():
    model = small(Recording)
    model.drawn = []
    model.compile(run_eagerly=True)
    model.fit(covers(24), batch_size=8, verbose=0)
    eve, alice_bob = model.drawn[-6::2], model.drawn[-5::2]
    for first, second in zip(eve, alice_bob, strict=True):
        np.testing.assert_array_equal(first, second)
    assert len({m.tobytes() for m in eve}) == 3
    # One message an image, not one a minibatch: Bob would learn a constant.
    assert all(len(np.unique(m, axis=0)) == 8 for m in eve)


def test_messages_are_fair_and_independent():
    drawn = small().draw_messages(ops.zeros((500, 8, 8, 1)), keras.random.SeedGenerator(3))
    drawn = ops.convert_to_numpy(drawn)
    assert set(np.unique(drawn)) == {-0.5, 0.5}
    assert np.abs(drawn.mean(axis=0)).max() < 0.1
    assert np.abs(np.corrcoef(drawn.T) - np.eye(12)).max() < 0.2


def test_inference_does_not_depend_on_the_batch():
    model = small()
    for network in (model.alice, model.bob):  # at their starting values all images look alike to them
        network.set_weights([20.0 * w if w.ndim > 1 else w for w in network.get_weights()])
    x, bits = covers(32), np.random.default_rng(1).integers(0, 2, (32, 12))
    together, alone = model.hide(x, bits), model.hide(x[:1], bits[:1])
    np.testing.assert_allclose(together[:1], alone, atol=1.1 / 127.5)  # a value on the edge may be rounded either way
    scores = model.reveal(together, scores=True)
    np.testing.assert_allclose(scores[:1], model.reveal(together[:1], scores=True), atol=1e-4)
    # With the statistics of the batch they would differ.
    assert np.abs(ops.convert_to_numpy(model.bob(together, training=True)) - scores).max() > 0.1


def test_what_hide_returns_survives_a_file():
    model = small()
    stego = model.hide(covers(3), np.zeros((3, 12), bool))
    assert stego.dtype == np.float32
    np.testing.assert_array_equal(kgan.datasets.to_uint8(stego).astype("float32") / 127.5 - 1.0, stego)
    assert set(np.unique(model.reveal(stego))) <= {0, 1}
    np.testing.assert_array_equal(model.reveal(stego), (model.reveal(stego, scores=True) > 0).astype("uint8"))


def test_rounding_passes_gradients_and_clipping_stops_them():
    points = [ops.convert_to_tensor([0.0031, -1.2, 0.5])]
    with kgan.backend.no_gradient():
        (_, values), (gradient,) = kgan.backend.value_and_gradients(
            lambda x: (
                ops.sum(kgan.layers.quantize_8bit(x[0]) * ops.convert_to_tensor([1.0, 2.0, 3.0])),
                kgan.layers.quantize_8bit(x[0]),
            ),
            points,
        )
    np.testing.assert_allclose((ops.convert_to_numpy(values) + 1) * 127.5, [128, 0, 191], atol=1e-4)
    np.testing.assert_array_equal(ops.convert_to_numpy(gradient), [1.0, 0.0, 3.0])


def test_the_papers_networks():
    for size, base, start in ((32, 2, 256), (48, 3, 384), (16, 1, 128), (8, 1, 32)):
        alice = steganography.hider((size, size, 3), 100)
        assert alice.get_layer("reshape").output.shape[1:] == (base, base, start)
        assert alice.get_layer("cover_and_message").output.shape[1:] == (size * size * 3 + 100,)
        bob = steganography.reader((size, size, 3), 100, output_activation="tanh", name="bob")
        assert bob.output_shape == (None, 100)
        stages = 3 if size == 8 else 4
        assert [bob.get_layer(f"down_{k}").filters for k in range(stages)] == [size * 2**k for k in range(stages)]
    eve = steganography.reader((32, 32, 3))
    x = ops.convert_to_tensor(covers(2, (32, 32, 3)))
    # Every layer of Eve's chain counts (in the authors' release three do not).
    before = ops.convert_to_numpy(eve(x))
    for stage in range(4):
        kernel = eve.get_layer(f"down_{stage}").kernel
        value = ops.convert_to_numpy(kernel)
        kernel.assign(1.5 * value)
        assert np.abs(ops.convert_to_numpy(eve(x)) - before).max() > 0
        kernel.assign(value)


# Residual networks ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def residual():
    keras.utils.set_random_seed(0)
    return kgan.SteganographyGAN((16, 16, 1), residual=True, seed=0)


def test_changes_are_bounded_whatever_the_networks_do(residual):
    alice = residual.alice
    kept = alice.get_weights()
    alice.set_weights([20.0 * w for w in kept])
    x = covers(2, (32, 24, 1))
    x[0] = np.where(x[0] > 0, 1.0, -1.0)  # saturated
    stego = residual.hide(x, np.random.default_rng(0).integers(0, 2, (2, residual.capacity(32, 24))))
    alice.set_weights(kept)
    change = np.abs(stego - x) * 127.5
    assert 3.5 < change.max() < 4.001
    assert kgan.metrics.psnr(x, stego).min() >= 36.0
    assert np.abs(stego).max() <= 1.0


def test_capacity_and_places_of_bits(residual):
    assert residual.message_length == residual.capacity(16, 16) == 32
    assert residual.capacity(512, 384) == 512 * 384 // 16 * 2
    assert residual.message_shape_for(8, 12) == (2, 3, 2)
    x = covers(1, (24, 24, 1))
    bits = np.zeros((1, 72), int)
    base = residual.hide(x, bits)
    bits[0, (2 * 6 + 4) * 2] = 1  # the first bit of the block in row 2, column 4
    changed = np.argwhere(residual.hide(x, bits)[0, ..., 0] != base[0, ..., 0])
    assert len(changed)
    assert (changed >= (2 * 4 - 2, 4 * 4 - 2)).all()
    assert (changed < (3 * 4 + 2, 5 * 4 + 2)).all()


def test_blocks_are_read_one_by_one(residual):
    x = covers(1, (16, 16, 1))
    whole = residual.reveal(x, scores=True).reshape(4, 4, 2)
    np.testing.assert_allclose(residual.reveal(x[:, 4:8, 8:12], scores=True).ravel(), whole[1, 2], atol=1e-4)


def test_cosine_patterns_are_orthonormal_and_fine():
    patterns = steganography.cosine_patterns(4, 3, 10).reshape(48, 10)
    np.testing.assert_allclose(patterns.T @ patterns, np.eye(10), atol=1e-6)
    np.testing.assert_allclose(patterns.sum(axis=0), 0.0, atol=1e-6)
    with pytest.raises(ValueError, match="no 17 patterns"):
        steganography.cosine_patterns(4, 1, 17)


def test_phases_are_measured_in_periods():
    """A step of one period on a pattern is seen nowhere, a step of half a period turns the phase around."""
    bob = steganography.residual_reader(1, period=8.0)
    pattern = steganography.cosine_patterns(4, 1, 1)[..., 0]
    phases = keras.Model(bob.input, bob.get_layer("waves").output)

    def of(step):
        return ops.convert_to_numpy(phases(ops.convert_to_tensor((pattern * step / 127.5)[None]))).ravel()

    np.testing.assert_allclose(of(8.0), of(0.0), atol=1e-5)
    np.testing.assert_allclose(of(4.0), -of(0.0), atol=1e-5)
    np.testing.assert_allclose(of(2.0), [1.0, 0.0], atol=1e-5)


def test_sawtooth_is_a_remainder():
    x = np.linspace(-20, 20, 101).astype("float32")[:, None]
    found = ops.convert_to_numpy(kgan.layers.Sawtooth(3)(x))
    expected = np.concatenate([(x / np.pi + 2 * k / 3 + 1) % 2 - 1 for k in range(3)], axis=1)
    apart = np.abs(found - expected)
    np.testing.assert_allclose(np.minimum(apart, 2 - apart), 0.0, atol=1e-5)  # at the jump 1 and -1 are one place


def test_the_analyzer_predicts_pixels_and_takes_any_size():
    analyzer = steganography.analyzer(channels=3)
    errors = keras.Model(analyzer.input, analyzer.get_layer("errors").output)
    flat = ops.convert_to_numpy(errors(ops.full((1, 12, 16, 3), 0.3)))[:, 2:-2, 2:-2]
    np.testing.assert_allclose(flat, 0.0, atol=1e-4)
    kernel = ops.convert_to_numpy(analyzer.get_layer("errors").kernel)
    assert [(np.abs(kernel[..., k]).sum((0, 1)) > 0).tolist() for k in (0, 8, 23)] == np.eye(3, dtype=bool).tolist()
    assert analyzer(ops.zeros((2, 40, 24, 3))).shape == (2, 1)


def test_it_learns_to_hide():
    """A few seconds of training: bits come back from patches that were not trained on."""
    model = kgan.SteganographyGAN((16, 16, 1), residual=True, eve_weight=0.0, image_weight=0.0, seed=0)
    model.compile(optimizers={"eve": keras.optimizers.SGD(0.0)}, steps_per_execution=25)
    smooth = np.cumsum(np.random.default_rng(0).normal(0, 0.05, (900, 16, 16, 1)), axis=1).clip(-1, 1)
    x = kgan.layers.quantize_8bit(smooth.astype("float32"))
    x = ops.convert_to_numpy(x)
    model.fit(x[:800], batch_size=16, epochs=3, verbose=0)
    bits = np.random.default_rng(5).integers(0, 2, (100, 32))
    assert (model.reveal(model.hide(x[800:], bits)) == bits).mean() > 0.9
    # What Bob finds in the covers themselves is chance.
    assert 0.4 < (model.reveal(x[800:]) == bits).mean() < 0.6


# Refusals ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image_shape": (16, 8, 1)}, "size, size, channels"),
        ({"image_shape": (20, 20, 1)}, "multiple of 16"),
        ({"message_length": 0}, "message_length"),
        ({"image_distance": "l3"}, "image_distance"),
        ({"image_distance": "cross_entropy"}, "image_distance"),
        ({"message_weight": -1.0}, "message_weight"),
        ({"residual": True, "block": 5}, "multiples of the block"),
        ({"residual": True, "message_length": 7}, "messages of 32"),
        ({"residual": True, "amplitude": 0.0}, "amplitude"),
        ({"bob": steganography.reader((16, 16, 1), 9, 2, name="bob")}, "'bob' must turn"),
        ({"alice": steganography.hider((16, 16, 1), 9, 2)}, "'alice' does not take"),
        ({"eve": steganography.reader((16, 16, 1), 2, 2)}, "'eve' must turn"),
        ({"eve": keras.Sequential([layers.Flatten(), layers.Dense(1)])}, "must be a built Keras model"),
    ],
)
def test_what_is_refused_at_construction(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        kgan.SteganographyGAN(**{"image_shape": (16, 16, 1), "message_length": None, **arguments})


def test_what_hide_and_reveal_refuse(residual):
    x, bits = covers(2, (16, 16, 1)), np.zeros((2, 32), int)
    for images, given, message in (
        (x, bits[:, :31], r"take bits of shape \(2, 32\)"),
        (x, bits[:, :0], "take bits of shape"),
        (x, bits + 2, "must be 0 or 1"),
        (x, np.full((2, 32), "1"), "must be 0 or 1"),
        (x, bits + 0.5, "must be 0 or 1"),
        (2 * x, bits, r"in \[-1, 1\]"),
        (((x + 1) * 127.5).astype("uint8"), bits, "floating point"),
        (x[:, :15], bits, "multiples of the block"),
        (x[..., 0], bits, "count, height, width, 1"),
        (x.repeat(3, axis=-1), bits, "count, height, width, 1"),
        (x[:0], bits[:0], "at least one"),
    ):
        with pytest.raises(ValueError, match=message):
            residual.hide(images, given)
    with pytest.raises(ValueError, match="multiples of the block"):
        residual.reveal(x[:, :, :6])
    with pytest.raises(ValueError, match="exactly 8x8"):
        small().capacity(16, 16)
    with pytest.raises(ValueError, match="holds 2 covers"):
        residual.generate(3, condition=x)


def test_random_messages_in_covers(residual):
    x = covers(3, (16, 16, 1))
    first, again = (residual.generate(3, condition=x, seed=4) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert 0 < np.abs(first - x).max() <= 4.001 / 127.5


# Presets -------------------------------------------------------------------------------------------------------------


def test_presets_come_back_and_are_checked(residual, tmp_path):
    fingerprint = residual.save_to_preset(tmp_path / "mine")
    assert kgan.presets.fingerprint(tmp_path / "mine") == fingerprint
    loaded = kgan.SteganographyGAN.from_preset(tmp_path / "mine")
    x, bits = covers(1, (16, 16, 1)), np.ones((1, 32), int)
    np.testing.assert_array_equal(loaded.hide(x, bits), residual.hide(x, bits))
    weights = tmp_path / "mine" / "model.weights.h5"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ValueError, match="differs from its SHA-256"):
        kgan.SteganographyGAN.from_preset(tmp_path / "mine")
    weights.unlink()
    with pytest.raises(ValueError, match=r"lacks model\.weights\.h5"):
        kgan.SteganographyGAN.from_preset(tmp_path / "mine")
    (tmp_path / "mine" / "SHA256SUMS").write_text("0" * 64 + "  ../elsewhere\n")
    with pytest.raises(ValueError, match="must list"):
        kgan.presets.load(tmp_path / "mine")
    with pytest.raises(ValueError, match="no preset"):
        kgan.SteganographyGAN.from_preset("nothing-of-that-name")
    kgan.presets.save(kgan.GAN((2,), seed=0), tmp_path / "other")
    with pytest.raises(ValueError, match="holds a GAN"):
        kgan.SteganographyGAN.from_preset(tmp_path / "other")
