"""What the README prints, run as printed, gives what the README shows: digits, of all ten classes."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import kgan

pytestmark = [pytest.mark.only("tensorflow"), pytest.mark.slow]

README = (Path(__file__).parents[1] / "README.md").read_text()
FAR = 8.0
"""The largest distance that counts as the digits shown: gray squares have 150, real digits 0.6, the examples some 2 to 4."""


def classes_in(images):
    judge = kgan.metrics.DigitClassifier()
    found = keras.ops.convert_to_numpy(judge.classify(judge.features(images))).argmax(1)
    return (np.bincount(found, minlength=10) >= 0.01 * len(images)).sum()


def distance_of(images):
    real, _ = kgan.datasets.arrays("digits", "test")
    report = kgan.metrics.digit_report(real, images)
    return next(value for name, value in report.items() if name.startswith("frechet_distance"))


def test_the_eight_lines(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(import kgan\n.*?)```", README, re.S)
    assert len([line for line in code.splitlines() if line.strip()]) <= 8
    names = {}
    exec(code.replace("epochs=200", "epochs=200, verbose=0"), names)
    images = names["model"].generate(898, seed=1)
    assert distance_of(images) < FAR
    assert classes_in(images) == 10
    assert (tmp_path / "digits.png").stat().st_size > 1000
    assert keras.saving.load_model(tmp_path / "digits.keras").generate(2, seed=0).shape == (2, 8, 8, 1)


def test_the_commands(tmp_path):
    lines = [line.split(" #")[0] for line in README.splitlines() if re.match(r"kgan (list|train|generate|evaluate)", line)]
    assert [line.split()[1] for line in lines] == ["list", "train", "generate", "evaluate"]
    for line in lines:
        done = subprocess.run(
            [sys.executable, "-m", "kgan.cli", *shlex.split(line)[1:]], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, line + done.stdout[-2000:] + done.stderr[-2000:]
    figures = json.loads((tmp_path / "runs/sngan/metrics.json").read_text())
    (distance,) = [value for name, value in figures.items() if name.startswith("frechet_distance")]
    assert distance < FAR
    assert (tmp_path / "samples.png").stat().st_size > 1000
