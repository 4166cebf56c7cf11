"""Checkpoints that survive, pictures, alarms, averages."""

import os
import signal
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan import callbacks, pictures
from kgan.files import atomic_write

pytestmark = pytest.mark.only("tensorflow")


def gan(**kwargs):
    keras.utils.set_random_seed(1)
    networks = {
        "generator": kgan.networks.mlp.generator((2,), 3, (8,)),
        "discriminator": kgan.networks.mlp.discriminator((2,), (8,)),
    }
    model = kgan.GAN((2,), **networks, seed=0)
    model.compile(**kwargs)
    return model


def points(count=64):
    return np.random.default_rng(0).normal(size=(count, 2)).astype("float32")


def fit(model, *extra, epochs=2, **kwargs):
    return model.fit(points(), batch_size=16, epochs=epochs, verbose=0, callbacks=list(extra), **kwargs)


def test_checkpoints_are_kept_and_restored_exactly(tmp_path):
    whole = gan()
    fit(whole, epochs=5)
    first = gan()
    fit(first, callbacks.Checkpoint(tmp_path, keep=2), epochs=3)
    assert [p.name for p in callbacks.checkpoints(tmp_path)] == ["epoch-00002.keras", "epoch-00003.keras"]
    second = gan()
    epoch = callbacks.restore(second, tmp_path)
    assert epoch == 3
    fit(second, epochs=5, initial_epoch=epoch)
    for a, b in zip(
        [*whole.variables, *whole.optimizer.variables], [*second.variables, *second.optimizer.variables], strict=True
    ):
        np.testing.assert_array_equal(ops.convert_to_numpy(a), ops.convert_to_numpy(b), err_msg=a.path)
    assert callbacks.restore(gan(), tmp_path / "nothing") == 0


def test_another_configuration_is_refused_by_name(tmp_path):
    fit(gan(), callbacks.Checkpoint(tmp_path))
    other = kgan.GAN((2,), latent_size=3, discriminator_steps=2, seed=1)
    other.compile()
    with pytest.raises(ValueError, match=r"differ: .*discriminator_steps, .*seed"):
        callbacks.restore(other, tmp_path)
    images = kgan.SNGAN((8, 8, 1), width=0.05)
    images.compile()
    with pytest.raises(ValueError, match="holds a GAN, not a SNGAN"):
        callbacks.restore(images, tmp_path)


def test_a_damaged_checkpoint_is_named(tmp_path):
    fit(gan(), callbacks.Checkpoint(tmp_path))
    newest = callbacks.checkpoints(tmp_path)[-1]
    newest.write_bytes(newest.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"epoch-00002\.keras' is not a checkpoint that can be read"):
        callbacks.restore(gan(), tmp_path)


def test_weights_that_are_not_finite_are_never_saved(tmp_path):
    class Poison(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                self.model.generator.weights[0].assign(self.model.generator.weights[0] * np.nan)

    with pytest.raises(kgan.DivergenceError, match=r"weight .*hidden_0/kernel"):
        fit(gan(), Poison(), callbacks.Checkpoint(tmp_path), epochs=3)
    assert [p.name for p in callbacks.checkpoints(tmp_path)] == ["epoch-00001.keras"]


def test_a_failing_write_leaves_the_old_file_and_no_rubbish(tmp_path):
    path = tmp_path / "file.txt"
    atomic_write(path, lambda temporary: Path(temporary).write_text("old"))

    def fails(temporary):
        with open(temporary, "w") as file:
            file.write("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        atomic_write(path, fails)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file.txt"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 1)])
def test_a_signal_ends_the_round_and_the_run(tmp_path, number, code):
    script = f"""
    import os, signal, sys
    import keras
    from tests.callbacks.test_callbacks import callbacks, fit, gan

    class Strike(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if self.epoch == 2 and batch == 1:
                os.kill(os.getpid(), {int(number)})
        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch
    try:
        fit(gan(), callbacks.Checkpoint({str(tmp_path)!r}), Strike(), epochs=9)
    except KeyboardInterrupt:
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        sys.exit(1)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], timeout=300, check=False, stderr=subprocess.PIPE)
    assert done.returncode == code, done.stderr.decode()[-2000:]
    assert callbacks.checkpoints(tmp_path)[-1].name == "epoch-00002-round-00002.keras"


def test_sample_pictures(tmp_path):
    from PIL import Image

    model = kgan.GAN((8, 8, 1), latent_size=3, seed=0)
    model.compile()
    grid = callbacks.SampleGrid(tmp_path / "samples", count=9, every=2, tensorboard=tmp_path / "logs")
    model.fit(np.zeros((32, 8, 8, 1), "float32"), batch_size=16, epochs=2, verbose=0, callbacks=[grid])
    assert sorted(p.name for p in (tmp_path / "samples").iterdir()) == ["samples-00000.png", "samples-00002.png"]
    with Image.open(tmp_path / "samples" / "samples-00002.png") as picture:
        np.testing.assert_array_equal(
            np.asarray(picture), pictures.labeled(pictures.image_grid(model.generate(9, seed=0)), "GAN, epoch 2")
        )
    assert list((tmp_path / "logs").rglob("events*"))
    drawn = []
    own = callbacks.SampleGrid(tmp_path, draw=lambda path, samples, title: drawn.append(title), title="digits")
    fit(gan(), own, epochs=1)
    assert drawn == ["digits, epoch 0", "digits, epoch 1"]
    fit(gan(), callbacks.SampleGrid(tmp_path / "points"), epochs=1)
    assert (tmp_path / "points" / "samples-00001.png").stat().st_size > 1000


def test_picture_grid_by_pixel():
    images = np.stack([np.full((2, 2, 1), v, "float32") for v in (-1.0, 0.0, 1.0)])
    picture = pictures.image_grid(images, columns=2, scale=1)
    assert picture.shape == (7, 7, 3)
    assert [picture[1, 1, 0], picture[1, 4, 0], picture[4, 1, 0], picture[4, 4, 0]] == [0, 128, 255, 255]
    with pytest.raises(ValueError, match="1 or 3"):
        pictures.image_grid(np.zeros((2, 4, 4, 2)))


def test_collapse_is_noticed():
    model = gan()
    monitor = callbacks.CollapseMonitor(points(), threshold=0.2, stop=True)
    for weight in model.generator.weights:
        weight.assign(np.zeros(weight.shape))
    model.compile(optimizers={"generator": keras.optimizers.SGD(0.0)})
    with pytest.warns(UserWarning, match=r"may have collapsed: after epoch 1 .* 0\.00 times"):
        history = fit(model, monitor, epochs=5)
    assert len(history.epoch) == 1
    assert history.history["sample_diversity"] == [0.0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(gan(), callbacks.CollapseMonitor(points(), threshold=0.01))
    with pytest.raises(ValueError, match="all equal"):
        callbacks.CollapseMonitor(np.ones((4, 2)))


def test_mean_distance_by_hand():
    from kgan.callbacks.watching import mean_distance

    assert mean_distance([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]]) == pytest.approx(10.0 / 3)


def test_the_average_callback_is_the_compile_argument():
    by_argument, by_callback = gan(averages={"generator": 0.5}), gan()
    fit(by_argument)
    fit(by_callback, callbacks.GeneratorAverage(0.5))
    np.testing.assert_array_equal(by_argument.generate(4, seed=1), by_callback.generate(4, seed=1))


@pytest.mark.parametrize(
    "make",
    [
        lambda: callbacks.Checkpoint("x", every=0),
        lambda: callbacks.SampleGrid("x", every=0),
        lambda: callbacks.CollapseMonitor(points(), threshold=2.0),
        lambda: callbacks.DivergenceGuard(check_every=0),
    ],
)
def test_arguments_are_checked(make):
    with pytest.raises(ValueError, match="must"):
        make()
