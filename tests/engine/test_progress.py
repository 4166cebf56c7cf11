"""Epochs count on over fits and files, nothing is shared between two trainings, and a run goes on in the middle of an epoch."""

import os
import signal
import threading

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan import callbacks
from kgan.backend import feeding

tensorflow_only = pytest.mark.only("tensorflow")
eager_frameworks = pytest.mark.only("tensorflow", "torch")  # JAX compiles every operation of an eager step by itself


class Recording(kgan.GAN):
    """Notes the first number of every example that a round is fed: a list of rounds an epoch."""

    def unpack(self, data):
        batch = super().unpack(data)
        batch = batch["many"] if isinstance(batch, dict) else batch
        if vars(self).get("recording"):
            self.seen.numbers[-1].append(ops.convert_to_numpy(batch)[:, 0].tolist())
        return batch


class Seen(keras.callbacks.Callback):
    """Tells a `Recording` when it is fed by an epoch."""

    def __init__(self):
        super().__init__()
        self.numbers = []

    def on_epoch_begin(self, epoch, logs=None):
        self.numbers.append([])
        self.model.seen, self.model.recording = self, True

    def on_epoch_end(self, epoch, logs=None):
        self.model.recording = False


def gan(**kwargs):
    keras.utils.set_random_seed(1)
    networks = {
        "generator": kgan.networks.mlp.generator((2,), 3, (4,)),
        "discriminator": kgan.networks.mlp.discriminator((2,), (4,)),
    }
    model = Recording((2,), **networks, seed=0)
    quick = {move: keras.optimizers.SGD(0.1, momentum=0.5) for move in ("discriminator", "generator")}
    model.compile(quick, run_eagerly=True, **kwargs)
    return model


def numbered(count=100):
    return np.repeat(np.arange(count, dtype="float32")[:, None] / count, 2, axis=1)


def fit(model, data=None, watching=(), **kwargs):
    """The rounds of every epoch, as numbers of their examples."""
    data = numbered() if data is None else data
    seen = Seen()
    arguments = {"batch_size": 32} if hasattr(data, "shape") else {}
    model.fit(data, verbose=0, callbacks=[seen, *watching], **{**arguments, **kwargs})
    return seen.numbers


def joined(epochs):
    return [round_ for rounds in epochs for round_ in rounds]


def assert_same(a, b):
    for x, y in zip([*a.variables, *a.optimizer.variables], [*b.variables, *b.optimizer.variables], strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(x), ops.convert_to_numpy(y), err_msg=x.path)


def minibatches(**kwargs):
    return feeding.from_arrays(numbered(), 32, seed=4, **kwargs)


def cycles():
    return kgan.datasets.unpaired({"few": numbered(20), "many": numbered()}, batch_size=32, seed=0)


@tensorflow_only
@pytest.mark.parametrize("kwargs", [{}, {"steps": 5}, {"weights": np.arange(100) / 4950}, {"shuffle": False}])
def test_large_arrays_are_fed_from_where_they_are(kwargs, monkeypatch):
    """The same minibatches as of small ones, which are copied, of the same kinds and static shapes, while nothing holds a copy."""
    rng = np.random.default_rng(0)
    arrays = {"x": rng.normal(size=(100, 3)).astype("float32"), "y": np.arange(100), "z": rng.integers(0, 9, (100, 2), "uint8")}
    copied = feeding.from_arrays(arrays, 32, seed=4, **kwargs)
    monkeypatch.setattr(feeding, "COPIED", 0)
    fed = feeding.from_arrays(arrays, 32, seed=4, **kwargs)
    assert fed.element_spec == copied.element_spec
    for a, b in zip(fed, copied, strict=True):
        keras.tree.map_structure(lambda one, other: np.testing.assert_array_equal(one, other), a, b)
    arrays["x"][:] = 7.0
    assert (next(iter(fed))["x"] == 7.0).numpy().all()


# Epochs over fits ----------------------------------------------------------------------------------------------------------


def test_epochs_count_on_over_fits_and_files(tmp_path):
    model, whole, orders = gan(), gan(), []
    for index in range(6):
        orders += fit(model, epochs=1)
        if index == 2:
            model.save(tmp_path / "model.keras")
            model = keras.saving.load_model(tmp_path / "model.keras", custom_objects={"Recording": Recording})
            model.run_eagerly = True
    assert model.epochs_played == 6
    assert len({tuple(round_) for order in orders for round_ in order}) == 6 * 3
    assert len({number for order in orders for round_ in order for number in round_}) == 100
    assert orders == fit(whole, epochs=6)
    assert_same(model, whole)


def test_epochs_of_fewer_or_more_rounds_than_a_pass_go_on_where_the_last_stopped():
    model = gan()
    epochs = fit(model, epochs=3, steps_per_epoch=2)
    assert [len(rounds) for rounds in epochs] == [2, 2, 2]
    rounds = joined(epochs)
    for part in (rounds[:3], rounds[3:]):
        assert len({number for round_ in part for number in round_}) == 96  # a pass, of different examples
    assert epochs + fit(model, epochs=1, steps_per_epoch=2) == fit(gan(), epochs=4, steps_per_epoch=2)
    assert len(fit(gan(), steps_per_epoch=7)[0]) == 7


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(minibatches, marks=tensorflow_only),
        pytest.param(lambda: minibatches().map(lambda x: x), marks=tensorflow_only),
        cycles,
    ],
)
def test_data_sets_of_kgan_follow_the_model_that_they_feed(data):
    model, shared = gan(), data()
    apart = [*fit(model, shared), *fit(model, shared)]
    assert apart[0] != apart[1]
    assert apart == fit(gan(), shared, epochs=2)
    assert [clock.epoch for clock in feeding.clocks(shared)] == [0]


@tensorflow_only
def test_the_clocks_of_whatever_a_user_makes_of_data_sets_are_found():
    import tensorflow as tf

    a, b = minibatches(), minibatches()
    made = tf.data.Dataset.zip({"a": a.map(lambda x: x + 1).repeat(), "b": b.take(2).concatenate(a).cache()})
    found = feeding.clocks(made.batch(2).prefetch(1).with_options(tf.data.Options()))
    assert {id(clock) for clock in found} == {id(clock) for part in (a, b) for clock in feeding.clocks(part)}
    assert not feeding.clocks(tf.data.Dataset.range(3))
    joined = tf.data.Dataset.sample_from_datasets([a, b])
    assert len(feeding.clocks(joined)) >= 2


# Nothing shared ------------------------------------------------------------------------------------------------------------


class Other(keras.callbacks.Callback):
    """Trains a second model in the middle of every epoch."""

    def __init__(self, data):
        super().__init__()
        self.data, self.other = data, gan()

    def on_train_batch_end(self, batch, logs=None):
        if batch == 1:
            fit(self.other, self.data, epochs=2)


@pytest.mark.parametrize(
    "data", [numbered, pytest.param(minibatches, marks=tensorflow_only), pytest.param(cycles, marks=eager_frameworks)]
)
def test_a_second_model_trained_by_a_callback_changes_nothing(data):
    shared, alone, watched = data(), gan(), gan()
    order = fit(alone, data(), epochs=3)
    assert fit(watched, shared, epochs=3, watching=[Other(shared)]) == order
    assert_same(alone, watched)


def test_a_second_model_trained_by_a_thread_changes_nothing():
    models, orders = [gan() for _ in range(3)], {}
    expected = {n: fit(gan(), epochs=n) for n in (2, 3, 4)}
    threads = [
        threading.Thread(target=lambda n=n, model=model: orders.update({n: fit(model, epochs=n)}))
        for n, model in zip((2, 3, 4), models, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert orders == expected


# In the middle of an epoch -------------------------------------------------------------------------------------------------


class Strike(keras.callbacks.Callback):
    """Sends this process a signal in a round."""

    def __init__(self, epoch, batch, number=signal.SIGTERM):
        super().__init__()
        self.at, self.number = (epoch, batch), number

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            os.kill(os.getpid(), self.number)

    def on_epoch_end(self, epoch, logs=None):
        if (epoch, "end") == self.at:
            os.kill(os.getpid(), self.number)


KINDS = {
    "arrays": (lambda: None, {}),
    "arrays by rounds": (lambda: None, {"steps_per_epoch": 2}),
    "data set": (minibatches, {}),
    "data set by rounds": (lambda: minibatches(shuffle=False).repeat(), {"steps_per_epoch": 3}),
    "stream": (cycles, {}),
}


@pytest.mark.parametrize(
    ("kind", "at"),
    [
        ("arrays", (1, 0)),
        pytest.param("arrays", (1, 2), marks=eager_frameworks),
        pytest.param("arrays", (1, "end"), marks=eager_frameworks),
        pytest.param("arrays by rounds", (1, 0), marks=eager_frameworks),
        pytest.param("stream", (1, 1), marks=eager_frameworks),
        pytest.param("data set", (1, 1), marks=tensorflow_only),
        pytest.param("data set by rounds", (0, 1), marks=tensorflow_only),
    ],
)
def test_a_signal_saves_the_round_in_progress_and_the_run_goes_on_bit_for_bit(tmp_path, kind, at):
    make, arguments = KINDS[kind]
    alone, logs = gan(averages={"generator": 0.9}), keras.callbacks.History()
    order = fit(alone, make(), epochs=3, watching=[logs], **arguments)
    stopped, before = gan(averages={"generator": 0.9}), signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as left:
        fit(stopped, make(), epochs=3, watching=[Strike(*at), callbacks.Checkpoint(tmp_path, every=5)], **arguments)
    assert left.value.code == 143
    assert signal.getsignal(signal.SIGTERM) is before
    start, skipped = (at[0] + 1, 0) if at[1] == "end" else (at[0], at[1] + 1)
    name = f"epoch-{start:05d}-round-{skipped:05d}.keras" if skipped else f"epoch-{start:05d}.keras"
    assert [path.name for path in callbacks.checkpoints(tmp_path)] == [name]
    resumed, rest, rounds = gan(averages={"generator": 0.9}), keras.callbacks.History(), []
    assert callbacks.restore(resumed, tmp_path) == start
    counted = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: rounds.append(batch))
    played = fit(resumed, make(), epochs=3, initial_epoch=start, watching=[rest, counted], **arguments)
    assert joined(played) == joined(order[start:])[skipped:]
    assert rounds == [batch for epoch in order[start:] for batch in range(len(epoch))][skipped:]
    assert rest.history == {key: values[start:] for key, values in logs.history.items()}
    assert_same(alone, resumed)
    assert resumed.epochs_played == 3


def test_an_interrupt_is_kept_and_raised(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        fit(gan(), epochs=3, watching=[callbacks.Checkpoint(tmp_path), Strike(1, 1, signal.SIGINT)])
    assert callbacks.checkpoints(tmp_path)[-1].name == "epoch-00001-round-00002.keras"


def test_an_epoch_is_resumed_by_restore_alone(tmp_path):
    with pytest.raises(SystemExit):
        fit(gan(), epochs=3, watching=[callbacks.Checkpoint(tmp_path), Strike(1, 1)])
    model = gan()
    model.load_weights(callbacks.checkpoints(tmp_path)[-1])
    (epoch,) = fit(model)  # other weights for another training: all of an epoch, none that was begun before
    assert epoch == fit(gan(), epochs=3)[2]
    twin = gan()
    callbacks.restore(twin, tmp_path)
    with pytest.raises(ValueError, match="stopped after 2 rounds of an epoch, and an epoch of these data has 1"):
        fit(twin, numbered(32))
    assert len(fit(twin, numbered(32))[0]) == 1


def test_a_fit_that_fails_counts_the_epoch_that_it_began():
    class Failing(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise OSError("disk")

    model = gan()
    with pytest.raises(OSError, match="disk"):
        fit(model, watching=[Failing()])
    assert model.epochs_played == 1
    assert fit(model) == fit(gan(), epochs=2)[1:]


def test_an_epoch_of_a_training_in_parts_is_resumed(tmp_path):
    def made():
        keras.utils.set_random_seed(1)
        model = kgan.ProGAN((8, 8, 1), base_maps=8, max_maps=4, latent_size=2, images_per_phase=4, seed=0)
        model.compile(run_eagerly=True)
        return model

    images = np.random.default_rng(0).uniform(-1, 1, (8, 8, 8, 1)).astype("float32")
    arguments = {"batch_size": 4, "epochs": 2, "verbose": 0}
    alone, stopped, resumed = made(), made(), made()
    alone.fit(images, **arguments)
    with pytest.raises(SystemExit):  # when the phase has seen its images and the epoch is not over
        stopped.fit(images, **arguments, callbacks=[Strike(0, 0), callbacks.Checkpoint(tmp_path)])
    assert stopped.part_complete
    start = callbacks.restore(resumed, tmp_path)
    resumed.fit(images, **arguments, initial_epoch=start)
    assert (start, resumed.phase) == (0, 1)
    assert_same(alone, resumed)
