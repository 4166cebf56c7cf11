"""Progressive growing: the fades, the phases, and going on in the middle of one."""

import warnings

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan.networks.progressive import downsample, upsample
from kgan.penalties import Scored

IMAGES = np.random.default_rng(0).uniform(-1, 1, (32, 16, 16, 1)).astype("float32")


def build(size=16, **kwargs):
    keras.utils.set_random_seed(3)
    kwargs = {"images_per_phase": 48, "base_maps": 32, "max_maps": 8, "latent_size": 6, "seed": 0, **kwargs}
    return kgan.ProGAN((size, size, 1), **kwargs)


def told_by(model, epochs):
    with warnings.catch_warnings(record=True) as caught:  # pytest.warns would raise what the configuration ignores
        warnings.simplefilter("always")
        model.fit(IMAGES, batch_size=16, epochs=epochs, verbose=0)
    return " ".join(str(warning.message) for warning in caught)


@pytest.mark.only("tensorflow")
def test_a_first_fit_that_ends_before_the_last_resolution_says_so():
    model = build(images_per_phase=None)
    model.compile(run_eagerly=True)
    said = "This fit ends before the last resolution: growing from 4 to 16 pixels takes 5 phases, of one epoch at least, and it has 1"
    assert said in told_by(model, 1)
    assert model.resolution == 4
    assert "ends before" not in told_by(model, 2)  # told once
    other = build(8, images_per_phase=None)
    other.compile(run_eagerly=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        other.fit(IMAGES[:, ::2, ::2], batch_size=16, epochs=3, verbose=0)
    assert not any("ends before" in str(warning.message) for warning in caught)
    assert other.resolution == 8


def numpy_of(x):
    return ops.convert_to_numpy(x)


def test_a_new_block_of_weight_zero_changes_nothing(rng):
    model = build()
    z = rng.normal(size=(3, 6)).astype("float32")
    small, large = model.generator(z, resolution=8), model.generator(z, resolution=16, alpha=0.0)
    np.testing.assert_allclose(numpy_of(large), numpy_of(upsample(small)), atol=1e-6)
    x = ops.convert_to_tensor(IMAGES[:4])
    np.testing.assert_allclose(
        numpy_of(model.discriminator(x, resolution=16, alpha=0.0)),
        numpy_of(model.discriminator(downsample(x), resolution=8)),
        atol=1e-5,
    )


def test_a_new_block_of_weight_one_is_the_network_without_fading(rng):
    model = build()
    z = rng.normal(size=(3, 6)).astype("float32")
    a, b = model.generator(z, resolution=16, alpha=1.0), model.generator(z, resolution=16)
    np.testing.assert_allclose(numpy_of(a), numpy_of(b), atol=1e-6)
    # And the old way to pixels has no gradient left.
    old = model.generator.to_pixels[1].trainable_variables

    def loss(tensors):
        with kgan.backend.Overlay(zip(old, tensors, strict=True)):
            return ops.sum(ops.square(model.generator(z, resolution=16, alpha=1.0))), None

    _, gradients = kgan.backend.value_and_gradients(loss, [kgan.backend.constant(v) for v in old])
    assert max(np.abs(numpy_of(g)).max() for g in gradients) == 0


def test_maps_and_constants_are_the_published_ones():
    model = build(8, base_maps=8192, max_maps=512, latent_size=512)
    big = kgan.networks.progressive.ProgressiveGenerator((8, 8, 3))
    assert [big.maps(r) for r in (2, 4, 8, 32, 64, 256, 1024)] == [512, 512, 512, 512, 256, 64, 16]
    project = next(layer for layer in model.generator.blocks[0].layers if layer.name == "project_equalized")
    assert project.scale == pytest.approx(2**0.5 / 4 / 512**0.5)  # gain sqrt(2)/4 over the latent's fan-in
    assert model.generator.to_pixels[0].layers[0].scale == pytest.approx(512**-0.5)
    assert model.discriminator.blocks[0].layers[-1].scale == pytest.approx(512**-0.5)
    assert model.discriminator.blocks[0].get_layer("conv_equalized").kernel.shape == (3, 3, 513, 512)


def test_the_drift_term_is_the_mean_square_of_real_scores():
    model = build(start_resolution=16)
    model.compile(optimizers={m: keras.optimizers.SGD(0.0) for m in ("discriminator", "generator")}, run_eagerly=True)
    history = model.fit(IMAGES, batch_size=32, shuffle=False, verbose=0).history
    scores = numpy_of(model.discriminator(IMAGES))
    assert history["discriminator/drift"][0] == pytest.approx(0.001 * float((scores**2).mean()), rel=1e-4)


def test_gamma_scales_the_penalty():
    """lambda (|g| - gamma)^2 / gamma^2; here the slope is 0 everywhere, which leaves lambda."""
    model = build(gamma=750.0, penalty_weight=3.0)
    scored = Scored(*(ops.zeros((2, *IMAGES.shape[1:])),) * 2, None, None)

    class Flat:
        seed_generator, rounds = model.seed_generator, 0

        def score(self, examples):
            return 0.0 * ops.sum(examples, axis=(1, 2, 3))[:, None]

    assert float(model.all_penalties[0](Flat(), scored)) == pytest.approx(3.0)


def test_real_images_are_blended_as_the_networks_are():
    model = build()
    model.grow_to(3)

    def detail(x):
        return float(ops.mean(ops.abs(x - upsample(downsample(x)))))

    whole = detail(ops.convert_to_tensor(IMAGES))
    for shown, alpha in ((0, 0.0), (12, 0.25), (48, 1.0), (60, 1.0)):
        model._shown.assign(shown)
        assert detail(model.blend(ops.convert_to_tensor(IMAGES))) == pytest.approx(alpha * whole, abs=1e-6)


@pytest.mark.only("tensorflow")
def test_fit_goes_through_all_phases():
    """48 images a phase, 32 an epoch: two epochs each; the moments start anew, the batch size follows the resolution."""
    model = build(8, minibatches={8: 8})
    model.compile(run_eagerly=True)
    images = IMAGES[:, ::2, ::2]
    seen = []

    class Watch(keras.callbacks.Callback):
        began = ended = batches = 0

        def on_train_begin(self, logs=None):
            self.began += 1

        def on_train_end(self, logs=None):
            self.ended += 1

        def on_epoch_begin(self, epoch, logs=None):
            first = self.model.optimizer["discriminator"]
            seen.append((epoch, self.model.phase, self.model.resolution, int(first.iterations)))

        def on_train_batch_end(self, batch, logs=None):
            self.batches += 1

    watch = Watch()
    history = model.fit(images, batch_size=16, epochs=6, verbose=0, callbacks=[watch])
    assert [phase for _, phase, _, _ in seen] == [0, 0, 1, 1, 2, 2]
    assert [resolution for _, _, resolution, _ in seen] == [4, 4, 8, 8, 8, 8]
    assert [steps for *_, steps in seen] == [0, 2, 0, 4, 0, 4]
    assert (watch.began, watch.ended, watch.batches) == (1, 1, 2 * 2 + 4 * 4)
    assert len(history.history["generator/adversarial"]) == 6
    assert model.generate(2, seed=0).shape == (2, 8, 8, 1)
    model.fit(images[:8], epochs=1, verbose=0)  # the last phase goes on for ever
    assert model.phase == 2


@pytest.mark.only("tensorflow")
def test_a_run_resumed_in_the_middle_of_a_fade_equals_the_uninterrupted_one(tmp_path):
    images = IMAGES[:, ::2, ::2]

    def model():
        model = build(8, images_per_phase=64)
        model.compile(run_eagerly=True)
        return model

    whole, first, second = model(), model(), model()
    whole.fit(images, batch_size=16, epochs=5, verbose=0)
    first.fit(images, batch_size=16, epochs=3, verbose=0, callbacks=[kgan.callbacks.Checkpoint(tmp_path)])
    assert (first.phase, int(first._shown)) == (1, 32)
    done = kgan.callbacks.restore(second, tmp_path)
    assert (done, second.phase) == (3, 1)
    second.fit(images, batch_size=16, epochs=5, initial_epoch=done, verbose=0)
    for a, b in zip(whole.weights, second.weights, strict=True):
        np.testing.assert_array_equal(numpy_of(a), numpy_of(b), err_msg=a.path)
    path = tmp_path / "model.keras"
    whole.save(path)
    loaded = keras.saving.load_model(path)
    assert loaded.resolution == whole.resolution
    np.testing.assert_array_equal(loaded.generate(2, seed=1), whole.generate(2, seed=1))


@pytest.mark.only("tensorflow")
def test_other_forms_of_data_and_stock_callbacks():
    model = build(images_per_phase=32)
    model.compile(run_eagerly=True)
    asked = []

    def stored(resolution, batch_size):
        asked.append((resolution, batch_size))
        return numpy_of(downsample(ops.convert_to_tensor(IMAGES), 16 // resolution))

    model.fit(stored, epochs=2, verbose=0, callbacks=[keras.callbacks.TerminateOnNaN()])
    assert asked == [(4, 16), (8, 16)]
    stop = keras.callbacks.EarlyStopping(monitor="loss", patience=0, baseline=-1e9, mode="min")
    history = model.fit(kgan.datasets.from_arrays(IMAGES, 16), epochs=9, verbose=0, callbacks=[stop])
    assert len(history.history["loss"]) == 2
    with pytest.raises(ValueError, match=r"must have the shape \(16, 16, 1\)"):
        model.fit(IMAGES[:, :12, :12], verbose=0)
    for phase in (-1, 5, "1"):
        with pytest.raises(ValueError, match="phase"):
            model.grow_to(phase)
