"""Bad GANs: the threshold, what the density's gradient does to samples, the encoder, what is refused."""

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan.networks import KernelDensity, mlp

POINTS = np.random.default_rng(0).normal(size=(60, 2)).astype("float32")


def small(**kwargs):
    networks = {"generator": mlp.generator((2,), 3, (8,)), "discriminator": mlp.discriminator((2,), (8,), outputs=2)}
    return kgan.BadGAN((2,), classes=2, feature_layer="activation_0", seed=0, **{**networks, **kwargs})


def data():
    return kgan.datasets.semi_supervised(POINTS, (POINTS[:, 0] > 0).astype("int64"), labels_per_class=5)


def test_the_threshold_is_a_percentile_and_is_kept_by_files(tmp_path):
    model = small(density=KernelDensity.of(POINTS, 0.5))
    model.compile()
    with pytest.raises(ValueError, match="set_threshold"):
        model.fit(*data(), batch_size=20, verbose=0)
    held_out = POINTS[:40]
    threshold = model.set_threshold(held_out, percentile=25.0)
    likelihoods = ops.convert_to_numpy(model.density.log_likelihood(held_out))
    assert (likelihoods < threshold).mean() == 0.25
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert float(loaded.threshold) == pytest.approx(threshold)
    np.testing.assert_array_equal(ops.convert_to_numpy(loaded.density.points), POINTS)


def test_the_density_drives_samples_out_and_stays_as_it_is():
    """With the density alone, a generator that starts in the middle of the data ends where they are unlikely."""
    model = small(density=KernelDensity.of(POINTS, 0.3), density_weight=1.0, pull_away_weight=0.0)
    model.compile(optimizers={"generator": keras.optimizers.Adam(0.02, beta_1=0.0)}, run_eagerly=True)
    threshold = model.set_threshold(POINTS, 30.0)
    below = [np.mean(ops.convert_to_numpy(model.density.log_likelihood(model.generate(200, seed=1))) < threshold)]
    model._features = lambda x, training: [0.0 * x]  # nothing holds it near the data
    model.fit(*data(), batch_size=20, epochs=20, verbose=0)
    below.append(np.mean(ops.convert_to_numpy(model.density.log_likelihood(model.generate(200, seed=1))) < threshold))
    assert below[0] < 0.5
    assert below[1] > 0.8
    np.testing.assert_array_equal(ops.convert_to_numpy(model.density.points), POINTS)


def test_the_encoder_moves_with_the_generator():
    encoder = mlp.discriminator((2,), (6,), outputs=6, name="encoder")
    model = small(variational_weight=1.0, encoder=encoder, max_sigma=0.5, pull_away_weight=0.0)
    model.compile(run_eagerly=True)
    before = encoder.get_weights()
    model.fit(*data(), batch_size=20, epochs=1, verbose=0)
    assert any((a != b).any() for a, b in zip(before, encoder.get_weights(), strict=True))


@pytest.mark.parametrize("output", [-1.0, 0.0, 4.0])
def test_the_encoder_s_spread_is_bounded_and_learns_everywhere(output, monkeypatch):
    """s = theta sigmoid(output), and latents that are all 1: the term by hand, and its slope, which a cut would make 0 at 4."""
    encoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(6)], name="encoder")
    encoder.set_weights([np.zeros((2, 6)), np.asarray([0.0] * 3 + [output] * 3)])
    model = small(variational_weight=2.0, encoder=encoder, max_sigma=0.5, pull_away_weight=0.0)
    monkeypatch.setattr(model, "generator_inputs", lambda count, **kwargs: ops.ones((count, 3)))
    model.compile(run_eagerly=True)
    bias = encoder.layers[-1].bias

    def term(tensors):
        with kgan.backend.Overlay([(bias, tensors[0])], moving=frozenset()):
            return model.generator_loss({"unlabeled": ops.convert_to_tensor(POINTS[:4])})["variational"], None

    with model._play.point(training=False):
        (value, _), (slope,) = kgan.backend.value_and_gradients(term, [kgan.backend.constant(bias)])

    def by_hand(output):
        s = 0.5 / (1.0 + np.exp(-output))
        return 2.0 * 3.0 * (0.5 / s**2 + np.log(s))

    constant = float(value) - by_hand(output)  # the log of 2 pi, if it is counted
    assert constant == pytest.approx(0.0, abs=1e-4) or constant == pytest.approx(2.0 * 1.5 * np.log(2 * np.pi), rel=1e-4)
    slopes = ops.convert_to_numpy(slope)[3:]
    np.testing.assert_allclose(slopes.sum(), (by_hand(output + 1e-4) - by_hand(output - 1e-4)) / 2e-4, rtol=1e-2, atol=1e-4)
    assert np.abs(slopes).min() > 1e-3


def test_moving_averages_are_those_of_real_examples():
    """What classifies real examples later must not be normalized by generated ones."""
    x = POINTS[:20] + 5.0
    norm = keras.layers.BatchNormalization(momentum=0.9, name="norm_0")
    model = small(discriminator=mlp.discriminator((2,), (8,), outputs=2, norm=lambda name: norm))
    model.compile(optimizers={"discriminator": keras.optimizers.SGD(0.0)}, run_eagerly=True)
    both = {part: np.tile(x, (2, 1)) for part in ("unlabeled", "labeled")}
    model.fit(both, np.arange(40) % 2, batch_size=20, shuffle=False, verbose=0)
    mean = ops.convert_to_numpy(model.discriminator.get_layer("hidden_0")(x)).mean(0)
    # Two batches have entered the averages: labeled and unlabeled ones.
    np.testing.assert_allclose(ops.convert_to_numpy(norm.moving_mean), (1 - 0.9**2) * mean, rtol=1e-3)


def test_the_conditional_entropy_may_rise_over_the_rounds():
    rising = keras.optimizers.schedules.PiecewiseConstantDecay([0], [0.0, 1.0])
    model = small(conditional_entropy_weight=rising)
    model.compile(run_eagerly=True)
    history = model.fit(*data(), batch_size=10, epochs=3, verbose=0).history
    assert 0.0 < history["discriminator/conditional_entropy"][-1] <= np.log(2) + 1e-6


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"density": mlp.generator((2,), 2)}, "log_likelihood"),
        ({"encoder": mlp.discriminator((2,), (6,), outputs=6)}, "variational_weight"),
        ({"encoder": mlp.discriminator((2,), (6,), outputs=3), "variational_weight": 1.0}, "encoder must turn"),
        ({"classes": 1}, "classes"),
        ({"penalties": []}, "sets `penalties` itself"),
    ],
)
def test_bad_arguments(arguments, words):
    with pytest.raises((TypeError, ValueError), match=words):
        small(**arguments) if "classes" not in arguments else kgan.BadGAN((2,), **arguments)


def test_minibatches_of_one_and_strange_percentiles_are_refused():
    model = small(density=KernelDensity.of(POINTS, 0.5))
    with pytest.raises(ValueError, match="percentile"):
        model.set_threshold(POINTS, percentile=100.0)
    with pytest.raises(ValueError, match="without `density`"):
        small().set_threshold(POINTS)
    model = small()
    model.compile()
    with pytest.raises(ValueError, match="at least 2"):
        model.fit(*data(), batch_size=1, verbose=0)


def test_a_pixelcnn_trained_as_a_keras_model_is_a_density(rng):
    x = np.sign(rng.normal(size=(32, 8, 8, 1))).astype("float32")
    density = kgan.networks.PixelCNN((8, 8, 1), filters=2, depth=0, first_kernel_width=3)
    density.network.compile(keras.optimizers.Adam(0.02), loss=density.likelihood, run_eagerly=True)
    losses = density.network.fit(x, x, batch_size=16, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    model = kgan.BadGAN(
        (8, 8, 1), classes=2, density=density, seed=0, feature_layer="activation_0", variational_weight=0.01,
        generator=kgan.networks.improved.generator((8, 8, 1), 4, 2), discriminator=mlp.discriminator((8, 8, 1), (5,), outputs=2),
    )  # fmt: skip
    assert model.encoder.output_shape == (None, 8)
    assert np.isfinite(model.set_threshold(x))
