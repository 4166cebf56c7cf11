"""A disk that is full and a folder that cannot be written, while a checkpoint is written: the last good one loads."""

import subprocess
import sys
import textwrap

import keras
import pytest

import kgan
from kgan.callbacks import Checkpoint, checkpoints, restore
from tests.faults.test_model_files import gan

# The kernel refuses every byte beyond the limit, as it does on a full disk. What the first epoch writes fits.
FULL = """
import resource, signal, sys
import numpy as np
from kgan.callbacks import Checkpoint
from tests.faults.test_model_files import gan
import keras

class Fill(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

model = gan()
model.compile(run_eagerly=True)
data = np.random.default_rng(0).normal(size=(16, 2)).astype("float32")
try:
    model.fit(data, batch_size=8, epochs=3, verbose=0, callbacks=[Fill(), Checkpoint(sys.argv[1])])
except OSError as error:
    print("refused:", error)
"""


def test_a_full_disk_leaves_the_last_good_checkpoint(tmp_path):
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(FULL), tmp_path], capture_output=True, text=True, timeout=120)
    assert "refused:" in done.stdout, done.stdout + done.stderr[-2000:]
    assert str(tmp_path / "epoch-00002.keras") in done.stdout
    assert [p.name for p in tmp_path.iterdir()] == ["epoch-00001.keras"]
    model = gan()
    model.compile()
    assert restore(model, tmp_path) == 1


def test_a_folder_that_cannot_be_written_is_named_before_training(rng, tmp_path):
    (tmp_path / "file").write_text("in the way")
    model = gan()
    model.compile()
    steps = []

    class Count(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            steps.append(batch)

    with pytest.raises(OSError, match="file"):
        model.fit(
            rng.normal(size=(16, 2)).astype("float32"),
            batch_size=8,
            verbose=0,
            callbacks=[Count(), Checkpoint(tmp_path / "file" / "c")],
        )
    assert not steps


def test_a_folder_that_vanishes_names_the_checkpoint(rng, tmp_path):
    class Vanish(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                for path in [*checkpoints(tmp_path / "c")]:
                    path.rename(tmp_path / path.name)
                (tmp_path / "c").rmdir()

    model = gan()
    model.compile()
    with pytest.raises(OSError, match=r"epoch-00002\.keras"):
        model.fit(
            rng.normal(size=(16, 2)).astype("float32"),
            batch_size=8,
            epochs=2,
            verbose=0,
            callbacks=[Vanish(), Checkpoint(tmp_path / "c")],
        )
    twin = gan()
    twin.compile()
    assert kgan.callbacks.restore(twin, tmp_path) == 1
