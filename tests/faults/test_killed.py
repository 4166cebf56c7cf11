"""Kill -9 at random instants, twenty times: the run that is resumed at last ends as the one that was left alone."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from kgan.callbacks import checkpoints

EPOCHS = 40


class Forks:
    """Runs in processes of their own, one after another."""

    def __enter__(self):
        command = [sys.executable, "-m", "tests.faults.forked"]
        root = Path(__file__).parents[2]
        self.parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root)
        return self

    def __exit__(self, *_):
        self.parent.kill()
        self.parent.communicate()

    def start(self, folder):
        print(folder, EPOCHS, file=self.parent.stdin, flush=True)
        return int(self.parent.stdout.readline())

    def status(self):
        """How the last run ended, once it has."""
        print("wait", file=self.parent.stdin, flush=True)
        return int(self.parent.stdout.readline())


def reached(folder):
    """Epochs in the newest checkpoint."""
    found = checkpoints(folder)
    return int(found[-1].stem.split("-")[1]) if found else 0


def wait_for(folder, epoch):
    began = time.time()
    while reached(folder) < epoch and time.time() - began < 60:
        time.sleep(0.005)
    return time.time() - began


@pytest.mark.slow
@pytest.mark.only("tensorflow")
def test_twenty_kills_change_nothing(tmp_path):
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    for folder in (alone, killed):
        folder.mkdir()
    draw = random.Random(0)
    history = []
    with Forks() as forks:
        forks.start(alone)
        first, rest = wait_for(alone, 1), wait_for(alone, EPOCHS)
        assert forks.status() == 0
        epoch = rest / (EPOCHS - 1)
        for kill in range(20):
            process = forks.start(killed)
            if kill % 4:  # around an epoch that is trained and written, else while the run starts
                wait_for(killed, reached(killed) + 1)
            time.sleep(draw.uniform(0, 1.5 * epoch if kill % 4 else first))
            os.kill(process, signal.SIGKILL)
            assert forks.status() == signal.SIGKILL
            history.append(reached(killed))
        forks.start(killed)
        assert forks.status() == 0
    assert history == sorted(history)
    assert len(set(history)) >= 10, f"the kills missed the training: {history}"
    assert history[-1] < EPOCHS
    with np.load(alone / "final.npz") as a, np.load(killed / "final.npz") as b:
        assert a.files == b.files
        for key in a.files:
            np.testing.assert_array_equal(a[key], b[key])
