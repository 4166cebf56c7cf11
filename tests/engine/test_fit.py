"""What a Keras user expects of fit, evaluate, predict and the stock callbacks."""

import csv
import gc
import weakref

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan import Turn
from kgan.backend import feeding
from kgan.backend.feeding import epoch_order
from kgan.datasets import pipeline
from kgan.engine.rounds import split_round, to_rounds
from tests.games import Bilinear, ones


def gan(seed=0, **kwargs):
    keras.utils.set_random_seed(1)
    networks = {
        "generator": kgan.networks.mlp.generator((2,), 3, (8,)),
        "discriminator": kgan.networks.mlp.discriminator((2,), (8,)),
    }
    return kgan.GAN((2,), **networks, seed=seed, **kwargs)


def points(count=96):
    return np.random.default_rng(0).normal(size=(count, 2)).astype("float32")


class Batches(keras.utils.PyDataset):
    def __init__(self, size=8, count=6):
        super().__init__()
        self.size, self.count = size, count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        size = self.size if index < self.count - 1 or self.size == 8 else 3
        return (points(200)[index * self.size : index * self.size + size],)


def rounds_seen(model, *args, **kwargs):
    seen = []
    callback = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    model.fit(*args, callbacks=[callback], verbose=0, **kwargs)
    return len(seen)


def test_rounds_of_every_kind_of_data():
    model = gan(discriminator_steps=3)
    model.compile()
    assert rounds_seen(model, points(100), batch_size=8) == 4
    assert rounds_seen(model, Batches()) == 2


@pytest.mark.only("tensorflow")
def test_rounds_of_tf_datasets():
    import tensorflow as tf

    model = gan(discriminator_steps=3)
    model.compile()
    dataset = tf.data.Dataset.from_tensor_slices(points(100))
    assert rounds_seen(model, dataset.batch(8, drop_remainder=True)) == 4
    assert rounds_seen(model, dataset.batch(8)) == 4
    assert rounds_seen(model, dataset.batch(8).filter(lambda x: True)) == 4
    assert rounds_seen(model, dataset.repeat().batch(8), steps_per_epoch=5) == 5
    assert rounds_seen(model, tf.data.Dataset.zip(dataset, dataset).batch(8)) == 4
    with pytest.raises(ValueError, match="empty"):
        model.fit(dataset.take(0).batch(8))
    with pytest.raises(ValueError, match="the data hold 16"):
        model.fit(dataset.take(16).batch(8))
    with pytest.raises(ValueError, match="batched"):
        model.fit(tf.data.Dataset.from_tensors(1.0))
    with pytest.raises(ValueError, match="arrays"):
        model.fit(dataset.batch(8), batch_size=4)


def test_data_that_cannot_be_regrouped_are_refused():
    model = gan(discriminator_steps=2)
    model.compile()
    with pytest.raises(ValueError, match="sizes \\[3, 4\\]"):
        model.fit(Batches(size=4, count=2), verbose=0)
    with pytest.raises(ValueError, match="the data hold 5"):
        model.fit(points(5), batch_size=8)
    with pytest.raises(ValueError, match="lengths"):
        model.fit(points(32), np.zeros(31), batch_size=4)
    with pytest.raises(ValueError, match="batch_size"):
        model.fit(points(32), batch_size=0)
    with pytest.raises(ValueError, match="generator"):
        model.fit(iter([points(8)]))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros((64, 8, 8, 1), "uint8"), "127.5"),
        (np.full((64, 8, 8, 1), 255.0, "float32"), "must lie in \\[-1, 1\\]"),
        (np.zeros((64, 9, 9, 1), "float32"), "shape \\(8, 8, 1\\)"),
        (np.full((64, 8, 8, 1), np.nan, "float32"), "NaN"),
    ],
)
def test_images_of_other_types_ranges_and_shapes_are_refused(data, message):
    model = kgan.GAN((8, 8, 1), latent_size=4)
    model.compile()
    with pytest.raises(ValueError, match=message):
        model.fit(data, batch_size=16, verbose=0)


def test_order_depends_on_seed_and_epoch_alone():
    orders = [epoch_order(50, 7, epoch) for epoch in (0, 1)]
    np.testing.assert_array_equal(epoch_order(50, 7, 0), orders[0])
    assert (orders[0] != orders[1]).any()
    np.testing.assert_array_equal(np.sort(orders[1]), np.arange(50))


def test_sampling_weights_draw_with_replacement():
    weights = np.asarray([0.0, 3.0, 1.0, 0.0])
    points = np.repeat(np.arange(4.0, dtype="float32")[:, None], 2, axis=1)
    rounds, first = to_rounds(np.repeat(points, 500, axis=0), None, 10, 1, 0, True, weights=np.repeat(weights, 500))
    assert first.shape == (10, 2)
    drawn = np.concatenate([np.asarray(rounds[i]) if hasattr(rounds, "arrays") else i.numpy() for i in _items(rounds)])[:, 0]
    assert len(drawn) == 2000
    np.testing.assert_allclose([(drawn == v).mean() for v in range(4)], weights / 4, atol=0.04)
    order = epoch_order(4, 0, 0, True, weights / 4)
    np.testing.assert_array_equal(order, epoch_order(4, 0, 0, True, weights / 4))
    assert set(order) <= {1, 2}
    for bad in (np.ones(3), np.zeros(4), -np.ones(4), np.full(4, np.nan)):
        with pytest.raises(ValueError, match="4 finite numbers"):
            to_rounds(points, None, 1, 1, 0, True, weights=bad)
    with pytest.raises(ValueError, match="sampling_weights"):
        to_rounds(keras.utils.PyDataset(), None, None, 1, 0, True, weights=weights)


def _items(rounds):
    return range(len(rounds)) if hasattr(rounds, "arrays") else rounds


def test_split_round():
    a, b = split_round((np.arange(6), np.arange(6) * 2), 2)
    np.testing.assert_array_equal(a[0], [0, 1, 2])
    np.testing.assert_array_equal(b[1], [6, 8, 10])
    with pytest.raises(ValueError, match="divided by 4"):
        split_round(np.arange(6), 4)


def test_history_holds_epoch_means():
    model = Bilinear(turns_of=lambda m: (Turn((m.d_move(),)), Turn((m.g_move(),), fresh=False)))
    model.compile()
    logs = model.fit(ones(8), batch_size=4, shuffle=False, verbose=0).history
    # Values before each step: D: 1 * 1, then 0.9 * 1.09; G: -0.9, then -0.791 * 1.09.
    assert logs["discriminator/loss"][0] == pytest.approx((1.0 + 0.9 * 1.09) / 2, abs=1e-6)
    assert logs["generator/loss"][0] == pytest.approx(-(0.9 + 0.791 * 1.09) / 2, abs=1e-6)


def test_no_retrace_after_the_first_round():
    traced = []

    class Counting(Bilinear):
        def value(self, x):
            traced.append(1)
            return super().value(x)

    model = Counting()
    model.compile()
    model.fit(ones(8), batch_size=4, verbose=0)
    first = len(traced)
    model.fit(ones(32), batch_size=4, epochs=2, verbose=0)
    if keras.backend.backend() != "torch":  # which runs eagerly, by design
        assert len(traced) == first


@pytest.mark.only("tensorflow")
def test_repeated_turns_are_traced_once():
    def traces(repeats):
        calls = []

        class Counting(Bilinear):
            def value(self, x):
                calls.append(1)
                return super().value(x)

        model = Counting(turns_of=lambda m: (Turn((m.d_move(),), repeats=repeats), Turn((m.g_move(),), fresh=False)))
        model.compile()
        model.fit(ones(4 * repeats), batch_size=4, verbose=0)
        assert int(model.optimizer["discriminator"].iterations) == repeats
        return len(calls)

    assert traces(5) == traces(2)


def test_eager_equals_compiled():
    def trained(**kwargs):
        model = gan(penalties=[kgan.penalties.GradientPenalty()])
        model.compile(**kwargs)
        model.fit(points(32), batch_size=8, verbose=0)
        return [ops.convert_to_numpy(v) for v in model.weights]

    for a, b in zip(trained(), trained(run_eagerly=True), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.only("tensorflow", "jax")
def test_jit_and_several_steps_per_execution():
    def trained(**kwargs):
        model = gan()
        model.compile(**kwargs)
        model.fit(points(64), batch_size=8, verbose=0)
        return [ops.convert_to_numpy(v) for v in model.weights]

    for a, b in zip(trained(), trained(steps_per_execution=4), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    # XLA on TensorFlow draws other random numbers from the same seeds.
    assert all(np.isfinite(v).all() for v in trained(jit_compile=True))


def test_stock_callbacks(tmp_path):
    model = gan()
    model.compile(metrics=[kgan.metrics.HighQualityShare(kgan.datasets.ring())])
    rates = []
    callbacks = [
        keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="val_loss", save_best_only=True),
        keras.callbacks.EarlyStopping(monitor="val_high_quality", mode="max", patience=10),
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5),
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
        keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: rates.append(float(model.optimizer["generator"].learning_rate))
        ),
        keras.callbacks.ReduceLROnPlateau(monitor="loss", patience=50),
        keras.callbacks.TerminateOnNaN(),
    ]
    history = model.fit(points(), batch_size=16, epochs=3, verbose=0, validation_data=points(32), callbacks=callbacks)
    assert rates == pytest.approx([5e-4, 2.5e-4, 1.25e-4])
    with open(tmp_path / "log.csv") as file:
        rows = list(csv.DictReader(file))
    assert [float(r["generator/adversarial"]) for r in rows] == pytest.approx(history.history["generator/adversarial"])
    assert keras.saving.load_model(tmp_path / "best.keras").generate(2, seed=0).shape == (2, 2)


@pytest.mark.only("tensorflow")
def test_tensorboard_and_early_stopping(tmp_path):
    model = gan()
    model.compile()
    model.fit(points(), batch_size=16, verbose=0, callbacks=[keras.callbacks.TensorBoard(tmp_path)])
    assert list(tmp_path.rglob("events*"))
    stop = keras.callbacks.EarlyStopping(monitor="loss", min_delta=1e9, mode="min", patience=0)
    history = model.fit(points(), batch_size=16, epochs=9, verbose=0, callbacks=[stop])
    assert len(history.epoch) == 2


def test_generate_predict_and_seeds():
    model = gan()
    np.testing.assert_array_equal(model.generate(300, seed=1, batch_size=128), model.generate(300, seed=1))
    assert np.abs(model.generate(4) - model.generate(4)).max() > 0
    latents = np.zeros((5, 3), "float32")
    assert model.predict(latents, verbose=0).shape == (5, 2)
    with pytest.raises(ValueError, match="count"):
        model.generate(0)
    with pytest.raises(ValueError, match="conditional"):
        model.generate(2, condition=np.zeros(2))


def test_evaluate_reports_losses_and_metrics_before_any_fit():
    model = gan()
    model.compile(metrics=[kgan.metrics.ModesCovered(kgan.datasets.ring(radius=1.0, stddev=1.0))])
    result = model.evaluate(points(64), batch_size=16, verbose=0, return_dict=True)
    assert {"loss", "discriminator/adversarial", "generator/adversarial", "modes"} <= set(result)
    assert result["modes"] > 0
    assert result["loss"] == pytest.approx(result["discriminator/adversarial"] + result["generator/adversarial"], rel=1e-5)


@pytest.mark.only("tensorflow", "torch")  # JAX traces even eagerly
def test_evaluation_noise_differs_between_minibatches():
    drawn = []

    class Recording(kgan.GAN):
        def generator_loss(self, real):
            terms = super().generator_loss(real)
            drawn.append(float(terms["adversarial"]))
            return terms

    model = Recording((2,), latent_size=3, seed=0)
    model.compile(run_eagerly=True)
    model.evaluate(points(32), batch_size=8, verbose=0)
    assert len(set(drawn[-4:])) == 4


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains_and_keeps_float32_losses(policy):
    keras.config.set_dtype_policy(policy)
    model = gan(penalties=[kgan.penalties.R1(1.0)])
    model.compile()
    assert model.optimizer.loss_scaling == (policy == "mixed_float16")
    history = model.fit(points(64), batch_size=8, epochs=2, verbose=0).history
    assert np.isfinite([v for values in history.values() for v in values]).all()
    assert {v.dtype for v in model.trainable_variables} == {"float32"}
    moved = ops.convert_to_numpy(model.generator.trainable_variables[0])
    keras.config.set_dtype_policy("float32")
    assert np.abs(moved - ops.convert_to_numpy(gan().generator.trainable_variables[0])).max() > 1e-4


def test_an_overflow_skips_the_step_and_halves_the_scale_of_its_move_alone():
    keras.config.set_dtype_policy("mixed_float16")

    class Overflow(Bilinear):
        def turns(self):
            # 1e-4 / (psi - 1) is infinite at psi = 1, for the discriminator alone.
            from kgan import Move

            def infinite(x):
                return ops.sum(ops.sqrt(ops.abs(self.discriminator() - 1.0))) * 1.0

            return (Turn((Move("discriminator", ("discriminator",), infinite),)), Turn((self.g_move(),), fresh=False))

    model = Overflow()
    model.compile()
    model.fit(ones(4), batch_size=4, verbose=0, callbacks=[kgan.callbacks.DivergenceGuard(check_every=10**6)])
    scales = {move: float(model.optimizer.loss_scale(move)) for move in ("discriminator", "generator")}
    assert model.point()[0] == 1.0
    assert scales == {"discriminator": 2.0**14, "generator": 2.0**15}
    assert int(model.optimizer["discriminator"].iterations) == 0


def test_divergence_is_named_at_once_and_the_last_checkpoint_kept(tmp_path):
    model = gan()
    model.compile(optimizers={"generator": keras.optimizers.SGD(1e20)})
    with pytest.raises(kgan.DivergenceError) as caught:
        model.fit(points(), batch_size=16, epochs=5, verbose=0, callbacks=[kgan.callbacks.Checkpoint(tmp_path)])
    assert caught.value.terms
    assert all("/" in term for term in caught.value.terms)
    assert not kgan.callbacks.checkpoints(tmp_path)


def test_nan_in_the_data_is_named():
    data = points()
    data[40:] = np.nan
    model = gan()
    model.compile()
    # ReLU may turn NaN into 0, so that no loss shows it: the engine looks at the data themselves.
    with pytest.raises(kgan.DivergenceError, match="the data"):
        model.fit(data, batch_size=16, epochs=2, verbose=0, shuffle=False)


@pytest.mark.only("tensorflow")
def test_data_are_let_go_after_a_training(tmp_path):
    """Large arrays and memory maps, which are read where they are: TensorFlow keeps what functions on the host read, if it is let."""
    images = np.zeros((feeding.COPIED // 256 + 64, 8, 8, 1), "float32")
    np.save(tmp_path / "images.npy", np.zeros((128, 8, 8, 1), "uint8"))
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    model = kgan.GAN((8, 8, 1), seed=0)
    model.compile()
    model.fit(images, batch_size=1024, verbose=0)
    places = feeding.tensorflow().data.Dataset.from_tensor_slices(np.arange(128)).batch(32, drop_remainder=True)
    dataset = pipeline.to_float(pipeline.gathered(places, mapped))
    model.fit(dataset, verbose=0)
    held = [weakref.ref(images), weakref.ref(mapped)]
    del images, mapped, dataset, places
    gc.collect()
    assert [reference() is None for reference in held] == [True, True]
