"""The command line and the application as a user runs them: outputs, resume, errors in one line, exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.only("tensorflow")
ROOT = Path(__file__).parents[1]
SMALL = ["--width", "0.05", "--passes", "1"]


def run(*arguments, cwd=ROOT, **kwargs):
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        **kwargs,
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    done = run(ROOT / "applications/sngan/train.py", "--output", folder, "--smoke", *SMALL)
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


def test_the_application_writes_what_it_promises(finished):
    names = {p.name for p in finished.iterdir()}
    assert {
        "settings.json",
        "metrics.json",
        "history.csv",
        "samples.png",
        "losses.png",
        "model.keras",
        "checkpoints",
        "samples",
        "tensorboard",
    } <= names
    settings = json.loads((finished / "settings.json").read_text())
    assert settings["settings"]["width"] == 0.05
    assert settings["backend"] == "tensorflow"
    figures = json.loads((finished / "metrics.json").read_text())
    assert all(isinstance(v, (int, float)) for v in figures.values())
    assert any(k.startswith("frechet_distance[digits-mlp64") for k in figures)


def test_a_second_run_in_the_folder_is_refused_and_resuming_checks_the_settings(finished):
    again = run(ROOT / "applications/sngan/train.py", "--output", finished, "--smoke", *SMALL)
    assert (again.returncode, "Traceback" in again.stderr) == (2, False)
    assert "--resume" in again.stderr
    other = run(
        ROOT / "applications/sngan/train.py", "--output", finished, "--smoke", "--resume", "--width", "0.1", "--passes", "1"
    )
    assert other.returncode == 2
    assert "width: 0.05 there, 0.1 here" in other.stderr
    resumed = run(ROOT / "applications/sngan/train.py", "--output", finished, "--smoke", "--resume", *SMALL)
    assert resumed.returncode == 0, resumed.stderr[-2000:]


def test_generate_and_evaluate_from_a_run(finished, tmp_path):
    done = run("-m", "kgan.cli", "generate", finished, "--output", tmp_path / "s.npy", "--count", "5", "--seed", "3")
    assert done.returncode == 0, done.stderr[-2000:]
    samples = np.load(tmp_path / "s.npy")
    assert samples.shape == (5, 8, 8, 1)
    done = run("-m", "kgan.cli", "evaluate", finished, "--count", "100")
    assert "frechet_distance" in done.stdout
    for arguments, message in (
        (["generate", tmp_path / "missing"], "no model file"),
        (["generate", finished, "--output", "x.gif"], ".png or .npy"),
        (["generate", finished / "settings.json"], "not a model"),
    ):
        failed = run("-m", "kgan.cli", *arguments, cwd=tmp_path)
        assert (failed.returncode, "Traceback" in failed.stderr) == (2, False), failed.stderr[-1000:]
        assert message in failed.stderr


def test_train_any_system_by_name(tmp_path):
    done = run(
        "-m",
        "kgan.cli",
        "train",
        "gan",
        "--dataset",
        "ring",
        "--smoke",
        "--set",
        "latent_size=2",
        "--set",
        "objective=minimax",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "modes[n=32]" in json.loads((tmp_path / "runs/gan-ring/metrics.json").read_text())


def test_help_lists_and_mistakes():
    shown = run(ROOT / "applications/sngan/train.py", "--help")
    for option in ("--dataset", "--setting", "--resume", "--smoke", "--average", "--no-normalize"):
        assert option in shown.stdout
    listed = run("-m", "kgan.cli", "list").stdout
    assert "sngan" in listed
    assert "digits" in listed
    for arguments in (["train", "nogan"], ["train", "sngan", "--set", "widht=1"], ["train", "sngan", "--epochs", "0"]):
        assert run("-m", "kgan.cli", *arguments).returncode == 2


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    done = run(ROOT / "applications/sngan/train.py", "--output", tmp_path / "file" / "run", "--smoke", *SMALL)
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
