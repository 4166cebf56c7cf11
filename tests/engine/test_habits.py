"""Habits of Keras users, and what they hand in by mistake: what works, and what is answered with the right word."""

import warnings

import keras
import numpy as np
import pytest
from keras import layers, ops

import kgan
from kgan.callbacks import DivergenceGuard
from tests.conformance.specs import SPECS

tensorflow_only = pytest.mark.only("tensorflow")


def gan(kind=kgan.GAN, compiled=True, averages=None, metrics=None, **kwargs):
    keras.utils.set_random_seed(1)
    networks = {
        "generator": kgan.networks.mlp.generator((2,), 3, (4,), batch_norm=True),
        "discriminator": kgan.networks.mlp.discriminator((2,), (4,)),
    }
    model = kind((2,), **{**networks, **kwargs}, seed=0)
    if compiled:
        model.compile(run_eagerly=True, averages=averages, metrics=metrics)
    return model


def points(count=32):
    return np.random.default_rng(0).normal(size=(count, 2)).astype("float32")


def fit(model, data=None, **kwargs):
    data = points() if data is None else data
    return model.fit(data, verbose=0, **{**({"batch_size": 8} if hasattr(data, "shape") else {}), **kwargs})


def state(model):
    return [ops.convert_to_numpy(v).copy() for v in [*model.variables, *model.optimizer.variables]]


# By hand -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("eager", [True, False])
def test_a_round_by_hand_is_a_round_of_fit(eager):
    def made():
        model = gan(discriminator_steps=2)
        model.compile(run_eagerly=eager, averages={"generator": 0.5})
        return model

    by_hand, fitted = made(), made()
    logs = [by_hand.train_on_batch(points()[start : start + 16], return_dict=True) for start in (0, 16)]
    history = fitted.fit(points(), batch_size=8, verbose=0, shuffle=False).history
    for a, b in zip(state(by_hand), state(fitted), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    assert set(logs[0]) == set(history)
    assert history["loss"][0] == pytest.approx((logs[0]["loss"] + logs[1]["loss"]) / 2, rel=1e-5)
    assert int(by_hand.optimizer.iterations) == 2
    assert by_hand.minibatches_per_round == 2
    np.testing.assert_array_equal(by_hand.generate(3, seed=1), fitted.generate(3, seed=1))
    assert by_hand.train_on_batch(points(16))[0] == pytest.approx(by_hand.metrics[0].result())
    fit(by_hand, batch_size=8)


@pytest.mark.parametrize("eager", [True, False])
def test_rounds_made_when_they_are_asked_for_are_those_of_fit(eager):
    def made():
        model = gan(discriminator_steps=2)
        model.compile(run_eagerly=eager, averages={"generator": 0.5})
        return model

    asked, told, fitted = [], [], made()
    model = made()

    def make_round(epoch, step):
        asked.append((epoch, step, int(model.optimizer.iterations)))
        return points()[16 * step : 16 * step + 16]

    class Told(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            told.append(float(logs["loss"]))

    history = model.fit_from(make_round, epochs=2, steps_per_epoch=2, verbose=0, callbacks=[Told()]).history
    expected = fitted.fit(points(), batch_size=8, epochs=2, verbose=0, shuffle=False).history
    for a, b in zip(state(model), state(fitted), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    assert set(history) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-5)
    assert told[1::2] == pytest.approx(history["loss"])  # what callbacks see within an epoch is the mean so far
    assert asked == [(0, 0, 0), (0, 1, 1), (1, 0, 2), (1, 1, 3)]  # by the model as it then stands, none ahead
    assert model.epochs_played == 2
    model.fit_from(make_round, verbose=0)
    assert asked[-1][:2] == (2, 0)  # epochs count over all fits


def test_what_makes_no_rounds_is_refused():
    model = gan()
    with pytest.raises(TypeError, match="callable"):
        model.fit_from(points())
    with pytest.raises(ValueError, match="steps_per_epoch"):
        model.fit_from(lambda epoch, step: points(8), steps_per_epoch=0)
    with pytest.raises(ValueError, match="One round"):
        model.fit_from(lambda epoch, step: points(0), verbose=0)
    with pytest.raises(kgan.DivergenceError):
        model.fit_from(lambda epoch, step: points(8) * (np.inf if step else 1.0), steps_per_epoch=2, verbose=0)


def test_testing_by_hand_is_evaluation():
    metric = kgan.metrics.HighQualityShare(kgan.datasets.ring())
    asked, evaluated = (gan(metrics=[metric]) for _ in range(2))
    before = [ops.convert_to_numpy(w).copy() for w in asked.weights]
    found = asked.test_on_batch(points(16), return_dict=True)
    assert found == evaluated.evaluate(points(16), batch_size=16, verbose=0, return_dict=True)
    assert found == asked.test_on_batch(points(16), return_dict=True)
    assert "high_quality" in found
    for a, b in zip(before, asked.weights, strict=True):
        np.testing.assert_array_equal(a, ops.convert_to_numpy(b))


def test_labels_go_by_hand_too():
    model = kgan.ImprovedGAN((2,), classes=4, latent_size=3, seed=0)
    model.compile(run_eagerly=True)
    labeled = {"unlabeled": points(8), "labeled": points(8)}
    assert np.isfinite(model.train_on_batch(labeled, np.arange(8) % 4)).all()
    with pytest.raises(ValueError, match=r"in \[0, 4\)"):
        model.train_on_batch(labeled, np.arange(8))


@pytest.mark.parametrize("data", [points(7), points(0), "digits", iter([points()])])
def test_what_is_no_round_is_refused(data):
    model = gan(discriminator_steps=2)
    with pytest.raises(ValueError, match="One round"):
        model.train_on_batch(data)


# Weights that leave the house ----------------------------------------------------------------------------------------------


def test_the_averaged_network_has_a_name(tmp_path):
    model = gan(averages={"generator": 0.5})
    fit(model)
    averaged = model.averaged("generator")
    latents = np.random.default_rng(1).normal(size=(5, 3)).astype("float32")
    found = averaged.predict(latents, verbose=0)
    np.testing.assert_allclose(found, model.predict(latents, verbose=0), atol=1e-6)
    assert np.abs(found - model.generator.predict(latents, verbose=0)).max() > 1e-3
    averaged.save(tmp_path / "generator.keras")
    again = keras.saving.load_model(tmp_path / "generator.keras").predict(latents, verbose=0)
    np.testing.assert_allclose(again, found, atol=1e-6)
    before = [ops.convert_to_numpy(w) for w in averaged.weights]
    fit(model)
    for a, b in zip(before, averaged.weights, strict=True):
        np.testing.assert_array_equal(a, ops.convert_to_numpy(b))  # shares nothing
    plain = model.averaged("discriminator")  # without an average: as it is
    np.testing.assert_array_equal(*(n.predict(points(), verbose=0) for n in (plain, model.discriminator)))
    for wrong in ("critic", "latent_size", 3):
        with pytest.raises(ValueError, match="has no network"):
            model.averaged(wrong)


@tensorflow_only
def test_an_exported_model_makes_what_generate_does(tmp_path, capsys):
    import tensorflow as tf

    model = gan(averages={"generator": 0.5})
    fit(model)
    model.export(tmp_path / "model")
    assert "serve" in capsys.readouterr().out  # Keras prints the signature
    loaded = tf.saved_model.load(tmp_path / "model")
    latents = model.generator_inputs(7, seed=3)
    np.testing.assert_allclose(loaded.serve(latents), model.generate(7, seed=3), atol=1e-6)
    story = kgan.StoryXE(9, photo_size=4, sentence_length=8, units=8, seed=0)
    with pytest.raises(ValueError, match="give `input_signature`"):
        story.export(tmp_path / "story")


@pytest.mark.parametrize("name", ["model.h5", "model", "model.hdf5", "model.pkl"])
def test_a_model_is_saved_in_its_own_format_alone(tmp_path, name):
    model = gan()
    with pytest.raises(ValueError, match=r"saved in a \.keras file"):
        model.save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_averages_on_one_side_are_told(tmp_path):
    averaged, plain, both = gan(averages={"generator": 0.5}), gan(), gan(averages={"generator": 0.5, "discriminator": 0.5})
    models = {"averaged": averaged, "plain": plain, "both": both}
    for name, model in models.items():
        model.save_weights(tmp_path / f"{name}.weights.h5")
    for name, model in models.items():
        for other in models:
            if name == other:
                model.load_weights(tmp_path / f"{other}.weights.h5")
            else:
                with pytest.raises(ValueError, match="differ in the averages that they keep"):
                    model.load_weights(tmp_path / f"{other}.weights.h5")


# Words ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        {"optimizers": keras.optimizers.Adam},
        {"optimizers": "adam"},
        {"d_optimizer": "adam", "g_optimizer": "adam"},
        {"optimizer": "adam"},
        {"loss": "mse"},
        {"loss_weights": [1.0]},
    ],
)
def test_optimizers_by_other_names_are_answered_with_the_moves(arguments):
    model = gan(compiled=False)
    if callable(arguments.get("optimizers")):
        arguments = {"optimizers": arguments["optimizers"]()}
    with pytest.raises(TypeError, match=r'moves \[.discriminator., .generator.\]: compile\(optimizers=\{"discriminator": keras'):
        model.compile(**arguments)


@pytest.mark.parametrize(
    "metrics", [["accuracy"], "accuracy", [keras.metrics.MeanSquaredError], [lambda real, fake: 0.0], {"generator": "accuracy"}]
)
def test_metrics_of_labels_are_refused(metrics):
    with pytest.raises(TypeError, match="compare real with generated examples"):
        gan(metrics=metrics)
    with pytest.raises(TypeError, match="compare real with generated examples"):
        gan(metrics=[keras.metrics.BinaryAccuracy()])
    gan(metrics=[keras.metrics.MeanMetricWrapper(lambda real, fake: ops.mean(fake), name="mean")]).evaluate(points(), verbose=0)


def test_weights_of_examples_are_answered_with_sampling_weights():
    for name in ("sample_weight", "class_weight"):
        with pytest.raises(TypeError, match="`sampling_weights="):
            fit(gan(), **{name: np.ones(32)})


def test_a_part_of_arrays_for_validation():
    split, given = gan(), gan()
    a = fit(split, points(40), validation_split=0.2, epochs=2).history
    b = fit(given, points(40)[:32], validation_data=points(40)[32:], epochs=2).history
    assert a == b
    assert "val_loss" in a
    labeled = kgan.ImprovedGAN((2,), classes=2, latent_size=3, seed=0)
    labeled.compile(run_eagerly=True)
    pairs = {"unlabeled": points(20), "labeled": points(20)}
    assert "val_loss" in fit(labeled, pairs, y=np.arange(20) % 2, batch_size=4, validation_split=0.25).history
    for share in (1.0, -0.1, 0.001, "half"):
        with pytest.raises(ValueError, match="between 0 and 1"):
            fit(gan(), validation_split=share)
    with pytest.raises(ValueError, match="goes with arrays"):
        fit(gan(), Minibatches(), validation_split=0.5)
    # the weights of the part that is left
    weights = np.r_[np.ones(8), np.zeros(24), np.ones(8)]
    fit(split, points(40), validation_split=0.2, sampling_weights=weights)


@keras.saving.register_keras_serializable("tests")
class Same:
    name, feature_size = "same", 2

    def __call__(self, x):
        return x

    def get_config(self):
        return {}


def test_early_stopping_and_checkpoints_by_figures(tmp_path):
    model = gan(metrics=[kgan.metrics.FrechetDistance(Same()), kgan.metrics.FrechetDistance(Same(), name="fd")])
    watching = [
        keras.callbacks.EarlyStopping("val_frechet_distance[same]", mode="min", patience=5),
        keras.callbacks.EarlyStopping("val_fd", mode="min", min_delta=1e9, patience=1),
        keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="val_fd", mode="min", save_best_only=True),
    ]
    history = fit(model, validation_data=points(16), epochs=6, callbacks=watching).history
    assert len(history["val_fd"]) == 2
    assert (tmp_path / "best.keras").exists()


# Data ----------------------------------------------------------------------------------------------------------------------


def test_a_list_of_examples_and_a_name_are_answered():
    model = gan()
    with pytest.raises(ValueError, match=r"A list of 256 arrays of shape \(2,\) .*np\.stack"):
        model.fit(list(points(256)))
    with pytest.raises(ValueError, match=r"kgan\.datasets\.arrays\('digits'\)"):
        model.fit("digits")


def test_numbers_of_numpy_are_taken():
    model, n = gan(), np.int64
    fit(model, batch_size=n(8), epochs=n(1), validation_data=points(), validation_batch_size=n(16), steps_per_epoch=n(2))
    assert model.generate(n(3), seed=n(1), batch_size=n(2)).shape == (3, 2)
    assert model.evaluate(points(), batch_size=n(8), verbose=0)
    corner = np.eye(4)[:, 1:], np.array([[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]])
    assert kgan.shapes.meshes.voxelize(*corner, n(8)).shape == (8, 8, 8)
    assert kgan.latents.interpolation([0.0], [1.0], n(3)).shape == (3, 1)
    for wrong in (n(0), 2.0, True):
        with pytest.raises(ValueError, match="count"):
            model.generate(wrong)


class Minibatches(keras.utils.PyDataset):
    """Minibatches that note who asks for them, and when."""

    def __init__(self, count=4, **kwargs):
        super().__init__(**kwargs)
        self.count, self.events = count, []

    @property
    def num_batches(self):
        return self.count

    def __getitem__(self, index):
        self.events.append(index)
        return points(200)[8 * (index % 4) : 8 * (index % 4) + 8]

    def on_epoch_begin(self):
        self.events.append("begin")

    def on_epoch_end(self):
        self.events.append("end")


def test_data_sets_of_keras_are_told_when_an_epoch_begins():
    model, data = gan(), Minibatches()
    fit(model, data, epochs=2)
    assert data.events.count("begin") == 2
    first = data.events.index("begin")
    assert [e for e in data.events[first:] if e != "end"][:5] == ["begin", 0, 1, 2, 3]
    assert data.events[-1] == "end"


def test_data_sets_of_keras_have_their_workers():
    import threading

    class Threads(Minibatches):
        def __getitem__(self, index):
            self.events.append(threading.current_thread().name)
            return super().__getitem__(index)

    alone, shared = gan(), gan()
    fit(alone, Minibatches(), epochs=2)
    data = Threads(workers=3, max_queue_size=5)
    fit(shared, data, epochs=2)
    assert len({e for e in data.events if isinstance(e, str)} - {"begin", "end"}) > 1
    for a, b in zip(state(alone), state(shared), strict=True):
        np.testing.assert_array_equal(a, b)


def test_endless_data_need_a_length(monkeypatch):
    model = gan()
    history = fit(model, Minibatches(None), steps_per_epoch=5, epochs=2).history
    assert int(model.optimizer.iterations) == 10
    assert len(history["loss"]) == 2
    with pytest.raises(ValueError, match="`steps_per_epoch="):
        fit(model, Minibatches(None))
    with pytest.raises(ValueError, match="`validation_steps="):
        fit(model, validation_data=Minibatches(None))
    with pytest.raises(ValueError, match="`steps="):
        model.evaluate(Minibatches(None), verbose=0)


@tensorflow_only
def test_endless_data_of_tensorflow_need_a_length():
    import tensorflow as tf

    model, data = gan(), tf.data.Dataset.from_tensor_slices(points()).batch(8).repeat()
    with pytest.raises(ValueError, match="`steps_per_epoch="):
        fit(model, data)
    with pytest.raises(ValueError, match="`validation_steps="):
        fit(model, validation_data=data)
    fit(model, data, steps_per_epoch=3, validation_data=data, validation_steps=1)


def test_a_loader_of_torch():
    torch = pytest.importorskip("torch")
    whole = torch.utils.data.TensorDataset(torch.from_numpy(points(40)))
    loader = torch.utils.data.DataLoader(whole, batch_size=8, drop_last=True, shuffle=True)
    model = gan(discriminator_steps=2)
    fit(model, loader, epochs=2)
    assert int(model.optimizer.iterations) == 4
    fit(model, loader, validation_data=torch.utils.data.DataLoader(whole, batch_size=8))

    class Rows(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter(points())

    with pytest.raises(ValueError, match="known length"):
        fit(model, torch.utils.data.DataLoader(Rows(), batch_size=8))


# Evaluation however it is cut ----------------------------------------------------------------------------------------------


def test_losses_of_evaluate_are_means_over_examples():
    class Counting(kgan.GAN):
        """Losses that are the first number of the first example: the mean over minibatches by hand."""

        def discriminator_loss(self, real):
            return {"adversarial": ops.mean(real[:, 0]) + 0.0 * super().discriminator_loss(real)["adversarial"]}

    model = gan(Counting)
    data = points(65)
    for size in (64, 33, 7):
        found = model.evaluate(data, batch_size=size, verbose=0, return_dict=True)
        assert found["discriminator/adversarial"] == pytest.approx(data[:, 0].mean(), abs=1e-6)


@pytest.mark.parametrize("eager", [True, False])
def test_a_rest_that_is_too_small_for_an_estimate_is_left_out(eager):
    model = kgan.GMMN((2,), latent_size=3, seed=0)
    metric = kgan.metrics.HighQualityShare(kgan.datasets.ring())
    model.compile(run_eagerly=eager, metrics=[metric])
    with_rest, without = (model.evaluate(points(n), batch_size=16, verbose=0, return_dict=True)["loss"] for n in (33, 32))
    assert with_rest == pytest.approx(without, rel=1e-6)


# Warnings ------------------------------------------------------------------------------------------------------------------


def test_images_from_0_to_1_are_noticed():
    model = kgan.GAN((8, 8, 1), latent_size=4, seed=0)
    model.compile(run_eagerly=True)
    images = np.random.default_rng(0).uniform(0, 1, (16, 8, 8, 1)).astype("float32")
    with warnings.catch_warnings(record=True) as caught:  # what torch says beside it is not for us
        warnings.simplefilter("always")
        model.fit(images, batch_size=16, verbose=0)
    assert any("where [-1, 1] is expected" in str(w.message) and "`2 * x - 1`" in str(w.message) for w in caught)
    model.fit(2 * images - 1, batch_size=16, verbose=0)  # without a word
    model.check_data(0.5 + 0.2 * images)  # bright pictures, too


@pytest.mark.parametrize("last", ["sigmoid", "softmax", "layer"])
def test_a_discriminator_that_returns_probabilities_is_noticed(last):
    end = [layers.Dense(1), layers.Activation("sigmoid")] if last == "layer" else [layers.Dense(1, activation=last)]
    judge = keras.Sequential([keras.Input((2,)), *end])
    with pytest.warns(UserWarning, match="discriminator ends in a s.*logits are expected"):
        kgan.GAN((2,), discriminator=judge, latent_size=3)
    nested = keras.Sequential([keras.Input((2,)), judge])
    with pytest.warns(UserWarning, match="ends in a s"):
        kgan.WGAN((2,), discriminator=nested, latent_size=3)


# Labels that come late -----------------------------------------------------------------------------------------------------


class Late(keras.utils.PyDataset):
    """Good minibatches, then a bad one."""

    def __init__(self, good, bad):
        super().__init__()
        self.parts = [good, good, bad, bad]

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return self.parts[index]


def controller():
    model = kgan.CausalController([("Rain", "Wet")], discriminator_steps=1, seed=0)
    good = np.random.default_rng(0).integers(0, 2, (8, 2)).astype("float32")
    return model, good, 2 * good - 1


def semi_supervised():
    model = kgan.ImprovedGAN((2,), classes=4, latent_size=3, seed=0)
    data = {"unlabeled": points(8), "labeled": points(8)}
    return model, (data, np.zeros(8, "int64")), (data, np.full(8, 4))


def stories():
    model = kgan.StoryXE(9, photo_size=4, sentence_length=8, units=8, seed=0)
    photos, words = np.zeros((4, 5, 4), "float32"), np.ones((4, 5, 8), "int32")
    return model, (photos, words), (photos, 12 * words)


# Where the framework does not refuse such labels itself, as it does where a layer looks something up by them.
@pytest.mark.parametrize("made", [controller, pytest.param(semi_supervised, marks=pytest.mark.only("tensorflow", "jax"))])
def test_labels_out_of_range_in_a_late_minibatch_stop_the_training(made):
    model, good, bad = made()
    model.compile(run_eagerly=True)
    with pytest.raises(kgan.DivergenceError, match="labels out of range"):
        model.fit(Late(good, bad), verbose=0)
    model, good, _ = made()
    model.compile(run_eagerly=True)
    model.fit(Late(good, good), verbose=0, callbacks=[DivergenceGuard()])


def test_every_family_with_labels_knows_their_range():
    for made in (controller, semi_supervised, stories):
        model, good, bad = made()
        assert bool(model.labels_in_range(model.unpack(good)))
        assert not bool(model.labels_in_range(model.unpack(bad)))
    domains = SPECS["CoGAN, adaptation"].build()
    for label, known in ((domains.classes - 1, True), (domains.classes, False), (-1, False)):
        assert bool(domains.labels_in_range({"labels": np.full(4, label)})) is known
    assert gan().labels_in_range(points()) is True


@tensorflow_only
def test_late_labels_of_a_data_set_of_tensorflow_stop_the_training():
    import tensorflow as tf

    model, good, bad = controller()
    model.compile()
    data = tf.data.Dataset.from_tensor_slices(np.concatenate([good, good, bad])).batch(8, drop_remainder=True)
    with pytest.raises(kgan.DivergenceError, match="labels out of range"):
        model.fit(data, verbose=0)
