"""The command line and the application as a user runs them: outputs, resume, errors in one line, exit codes."""

import contextlib
import io
import json
import runpy
import subprocess
import sys
import traceback
import warnings
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest

pytestmark = pytest.mark.only("tensorflow")
ROOT = Path(__file__).parents[1]
SMALL = ["--width", "0.05", "--passes", "1"]


def run(*arguments, cwd=ROOT):
    """A script, or a module after "-m", as its process would run it, but in this one, which has TensorFlow already."""
    first, *rest = map(str, arguments)
    runner, name, rest = (runpy.run_module, *rest[:1], rest[1:]) if first == "-m" else (runpy.run_path, first, rest)
    code, out, err = 0, io.StringIO(), io.StringIO()
    with contextlib.chdir(cwd), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
        warnings.simplefilter("default")  # a process prints them and goes on
        warnings.filterwarnings("ignore", ".*found in sys.modules", RuntimeWarning)  # the module is imported anew
        try:
            with mock.patch.object(sys, "argv", [name, *rest]):
                runner(name, run_name="__main__")
        except SystemExit as end:
            code = end.code or 0
        except Exception:
            traceback.print_exc(file=err)
            code = 1
    return SimpleNamespace(returncode=code, stdout=out.getvalue(), stderr=err.getvalue())


def test_a_process_of_its_own():
    command = [sys.executable, "-m", "kgan.cli", "train", "nogan"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "nogan" in done.stderr


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
        (["generate", finished, "--output", "x.gif"], "npy or .npz"),
        (["generate", finished / "settings.json"], "no model file"),
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


@pytest.fixture(scope="module")
def table():
    from benchmarks import sngan_table

    return sngan_table


def test_the_table_of_spectral_normalization(table, tmp_path, capsys):
    """Every cell once, a second run trains nothing, other settings and unknown rows are refused."""

    def make(expected=0, **kwargs):
        arguments = {
            "rows": "SN",
            "settings": "B",
            "seeds": 2,
            "jobs": 1,
            "smoke": True,
            "output": str(tmp_path / "table"),
            **kwargs,
        }
        defaults = {"dataset": "digits", "image_size": None, "inception": "", "updates": None, "width": None}
        if not expected:
            table.main(**{**defaults, **arguments})
        else:
            with pytest.raises(SystemExit) as exit_:
                table.main(**{**defaults, **arguments})
            assert exit_.value.code == expected
        return capsys.readouterr()

    text = make().out
    assert "| SN | " in text
    assert "29.3" in text  # the paper's own figure beside it
    cells = sorted((tmp_path / "table" / "cells").glob("*.json"))
    assert [c.name for c in cells] == ["SN_B_0.json", "SN_B_1.json"]
    times = [c.stat().st_mtime_ns for c in cells]
    assert (tmp_path / "table" / "table.png").exists()
    make()
    assert [c.stat().st_mtime_ns for c in cells] == times
    assert "other settings" in make(2, width=0.5).err
    assert "known: weight clipping" in make(2, rows="XY").err
    assert "--inception" in make(2, dataset="faces").err


def test_a_reused_step_trains_as_a_fresh_model_does(table):
    """The table gives a trained model the state of a fresh one instead of tracing its step again."""
    import keras

    from benchmarks import sngan_rows

    pixels = np.random.default_rng(0).uniform(size=(640, 64)).astype("float32")

    def trained(seed, used=None):
        keras.utils.set_random_seed(seed)
        model = sngan_rows.build("SN", "B", (64,), "dense", seed=seed)
        model = model if used is None else table.reset(used, model)
        model.fit(pixels, batch_size=64, epochs=2, verbose=0)
        return model

    again = trained(1, used=trained(0)).get_weights()
    for a, b in zip(trained(1).get_weights(), again, strict=True):
        np.testing.assert_array_equal(a, b)
