"""The command line and the application as a user runs them: outputs, resume, errors in one line, exit codes."""

import contextlib
import io
import json
import os
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
from PIL import Image

from kgan import pictures

pytestmark = pytest.mark.only("tensorflow")
ROOT = Path(__file__).parents[1]
SMALL = ["--dataset", "digits", "--image-size", "8", "--width", "0.05"]


def shown(*warning, **_):
    sys.stderr.write(warnings.formatwarning(*warning[:4]))


def run(*arguments, cwd=ROOT):
    """A script, or a module after "-m", as its process would run it, but in this one, which has TensorFlow already."""
    first, *rest = map(str, arguments)
    runner, name, rest = (runpy.run_module, *rest[:1], rest[1:]) if first == "-m" else (runpy.run_path, first, rest)
    code, out, err = 0, io.StringIO(), io.StringIO()
    with contextlib.chdir(cwd), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
        warnings.simplefilter("default")
        for unseen in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
            warnings.simplefilter("ignore", unseen)
        warnings.showwarning = shown  # a process prints them and goes on
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
    """A mistake is said in words of ours, and before them there are none of TensorFlow's."""
    command = [sys.executable, "-m", "kgan.cli", "train", "nogan"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TF_")}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False, env=environment)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert done.stderr.startswith("Usage:"), done.stderr[:500]
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


def test_a_setting_of_ones_own():
    read = runpy.run_path(str(ROOT / "applications/sngan/train.py"))["setting_of"]
    assert (read("D"), read("3e-4,0.5,0.9,2")) == ("D", (3e-4, 0.5, 0.9, 2))
    for text in ("1e-4,0.5,0.9", "1e-4,0.5,0.9,one"):
        with pytest.raises(ValueError, match=text):
            read(text)


def test_a_second_run_in_the_folder_is_refused_and_resuming_checks_the_settings(finished):
    again = run(ROOT / "applications/sngan/train.py", "--output", finished, "--smoke", *SMALL)
    assert (again.returncode, "Traceback" in again.stderr) == (2, False)
    assert "--resume" in again.stderr
    other = run(ROOT / "applications/sngan/train.py", "--output", finished, "--smoke", "--resume", *SMALL[:-1], "0.1")
    assert other.returncode == 2
    assert "width: 0.05 there, 0.1 here" in other.stderr
    resumed = run(ROOT / "applications/sngan/train.py", "--output", finished, "--smoke", "--resume", *SMALL)
    assert resumed.returncode == 0, resumed.stderr[-2000:]


def test_generate_and_evaluate_from_a_run(finished, tmp_path):
    done = run("-m", "kgan.cli", "generate", finished, "--output", tmp_path / "s.npy", "--count", "5", "--seed", "3")
    assert done.returncode == 0, done.stderr[-2000:]
    samples = np.load(tmp_path / "s.npy")
    assert samples.shape == (5, 8, 8, 1)
    done = run("-m", "kgan.cli", "generate", finished, "--output", tmp_path / "s.png", "--count", "5", "--seed", "3")
    assert done.returncode == 0, done.stderr[-2000:]
    drawn = pictures.labeled(pictures.image_grid(samples), "SNGAN on digits")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "s.png")), drawn)
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


def test_the_table_on_mnist_is_judged_by_its_judge(table, tmp_path, capsys):
    about = {"output": str(tmp_path / "table"), "settings": "B", "seeds": 1, "jobs": 1, "smoke": True, "width": 0.02}
    table.main(dataset="mnist", rows="SN/weight norm", image_size=None, inception="", updates=None, **about)
    text = capsys.readouterr().out
    assert "Frechet distance (mnist-cnn, n=1000; lower is better)" in text
    assert len(list((tmp_path / "table" / "cells").glob("*.json"))) == 2
    assert json.loads((tmp_path / "table" / "settings.json").read_text())["image_size"] == 32


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


# Options -------------------------------------------------------------------------------------------------------------------


def kgan_(*arguments, cwd=ROOT):
    return run("-m", "kgan.cli", *arguments, cwd=cwd)


def small(*arguments, cwd):
    return kgan_("train", "gan", "--dataset", "ring", "--smoke", "--set", "latent_size=2", "--output", "run", *arguments, cwd=cwd)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A run with a checkpoint, from which nothing was made yet."""
    folder = tmp_path_factory.mktemp("stopped")
    options = ["--learning-rate", "generator=1e-3", "--optimizer", "discriminator=sgd,momentum=0.5", "--deterministic"]
    done = small(*options, cwd=folder)
    assert done.returncode == 0, done.stderr[-2000:]
    (folder / "run" / "model.keras").unlink()
    return folder / "run"


def test_versions():
    assert kgan_("--version").stdout.startswith("kgan 0.")


def test_only_the_notices_of_a_start_are_held_back(monkeypatch, capfd):
    from kgan.startup import without_notices

    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    with pytest.raises(ImportError), without_notices():  # noqa: PT012
        os.write(2, b"I0000 port.cc:153] oneDNN custom operations are on. You may see\nE0000 no CUDA device\n")
        raise ImportError
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "E0000 no CUDA device\nafterwards\n"
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    with without_notices():
        os.write(2, b"oneDNN custom operations are on.\n")
    assert "oneDNN" in capfd.readouterr().err


def test_a_stopped_run_gives_its_checkpoint(stopped, tmp_path):
    done = kgan_("generate", stopped, "--output", tmp_path / "s.npy", "--count", "5")
    assert done.returncode == 0, done.stderr[-2000:]
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("warning: ")]
    assert line.endswith("is not finished; this is its newest checkpoint, epoch-00001.keras.")
    assert np.load(tmp_path / "s.npy").shape == (5, 2)
    (tmp_path / "empty").mkdir()
    done = kgan_("generate", tmp_path / "empty")
    assert (done.returncode, "has checkpoints" in done.stderr) == (2, True)


def test_evaluate_takes_the_data_set_of_the_run(stopped, tmp_path):
    for model in (stopped, stopped / "checkpoints" / "epoch-00001.keras"):
        done = kgan_("evaluate", model, "--count", "20")
        assert next(iter(json.loads(done.stdout))).startswith("modes"), done.stderr[-2000:]
    alone = tmp_path / "a" / "b" / "alone.keras"
    alone.parent.mkdir(parents=True)
    alone.write_bytes((stopped / "checkpoints" / "epoch-00001.keras").read_bytes())
    done = kgan_("evaluate", alone)
    assert (done.returncode, "Give --dataset" in done.stderr) == (2, True)
    assert kgan_("evaluate", alone, "--dataset", "ring", "--count", "20").returncode == 0


def test_the_settings_of_another_run_are_defaults(stopped, tmp_path):
    done = kgan_("train", "--settings", stopped, "--output", "again", "--learning-rate", "generator=2e-3", cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    theirs, ours = (json.loads((folder / "settings.json").read_text())["settings"] for folder in (stopped, tmp_path / "again"))
    assert theirs["optimizer"] == ["discriminator=sgd,momentum=0.5"]
    assert theirs["deterministic"] is True
    assert ours == {**theirs, "learning_rate": ["generator=2e-3"]}
    for settings, message in ((tmp_path, "There are no settings"), (stopped / "history.csv", "settings of a run")):
        done = kgan_("train", "--settings", settings, cwd=tmp_path)
        assert (done.returncode, message in " ".join(done.stderr.replace("│", " ").split())) == (2, True), done.stderr
    wrong = run(ROOT / "applications/sngan/train.py", "--settings", stopped, cwd=tmp_path)
    assert (wrong.returncode, "of another command" in " ".join(wrong.stderr.replace("│", " ").split())) == (2, True)


def test_samples_of_their_own_files(finished, tmp_path):
    for output in ("single/", "samples.npy"):
        done = kgan_("generate", finished, "--output", output, "--count", "3", "--seed", "4", cwd=tmp_path)
        assert done.returncode == 0, done.stderr[-2000:]
    names = sorted(p.name for p in (tmp_path / "single").iterdir())
    assert names == ["00000.png", "00001.png", "00002.png"]
    pixels = np.rint((np.load(tmp_path / "samples.npy") + 1) * 127.5)
    for name, expected in zip(names, pixels, strict=True):
        with Image.open(tmp_path / "single" / name) as image:
            assert image.mode == "L"
            np.testing.assert_array_equal(np.asarray(image), expected[..., 0])
    done = kgan_("generate", finished, "--output", "single", cwd=tmp_path)
    assert (done.returncode, "not empty" in done.stderr) == (2, True)


def test_the_history_has_no_empty_columns(finished):
    header, *rows = (finished / "history.csv").read_text().splitlines()
    assert "val_" not in header
    assert all("NA" not in row for row in rows)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_a_run_in_half_precision_ends_in_figures_and_samples(tmp_path, precision):
    small = ["train", "gan", "--set", "latent_size=2", "--smoke", "--precision", precision, "--output", "run"]
    done = kgan_(*small, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads((tmp_path / "run" / "settings.json").read_text())["settings"]["precision"] == precision
    done = kgan_("generate", "run", "--output", "s.npy", "--count", "3", cwd=tmp_path)
    assert np.load(tmp_path / "s.npy").dtype == "float32", done.stderr[-2000:]
    done = kgan_("evaluate", "run", "--count", "40", cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]


def test_classes_from_the_data_to_the_picture(tmp_path):
    """Labels of a data set train a conditional system, whose classes can be asked for by number and by name."""

    def grid(path, rows):
        """A row is 8 pixels and a gap of one, enlarged 4 times; below the title."""
        with Image.open(path) as picture:
            height = picture.size[1] - (rows * 9 + 1) * 4
        return 0 < height < 36

    folder = tmp_path / "run"
    train = ["-m", "kgan.cli", "train", "gan", "--dataset", "digits", "--smoke", "--output", folder]
    done = run(*train, "--classes", "--set", "conditioning=projection")
    assert done.returncode == 0, done.stderr[-2000:]
    figures = json.loads((folder / "metrics.json").read_text())
    assert {"class_agreement", "intra_class_frechet_distance"} <= {name.split("[")[0] for name in figures}
    assert grid(folder / "samples.png", 10)
    picture = tmp_path / "two.png"
    done = run("-m", "kgan.cli", "generate", folder, "--count", "20", "--output", picture, "--condition", "1, 3")
    assert done.returncode == 0, done.stderr[-2000:]
    assert grid(picture, 2)
    evens, sevens = tmp_path / "all.npy", tmp_path / "7.npy"
    for path, asked in ((evens, []), (sevens, ["--condition", "7"])):
        assert run("-m", "kgan.cli", "generate", folder, "--count", "10", "--output", path, *asked).returncode == 0
    np.testing.assert_allclose(np.load(evens)[7], np.load(sevens)[7], atol=1e-5)
    assert np.abs(np.load(evens)[6] - np.load(sevens)[6]).max() > 1e-6
    assert "class_agreement" in run("-m", "kgan.cli", "evaluate", folder, "--count", "50").stdout
    done = run("-m", "kgan.cli", "generate", folder, "--condition", "ten", "--output", tmp_path / "x.png")
    assert (done.returncode, "`condition` names classes" in done.stderr) == (2, True)
    done = run("-m", "kgan.cli", "train", "infogan", "--classes", "--output", tmp_path / "other")
    assert (done.returncode, "no conditional form" in done.stderr.replace("\n", " ")) == (2, True)
    Image.new("L", (8, 8)).save(tmp_path / "one.png")
    done = run(*train[:-1], tmp_path / "third", "--classes", "--dataset", f"folder:{tmp_path}")
    assert (done.returncode, "subfolder" in done.stderr) == (2, True)


def test_a_model_without_classes_is_asked_for_none(finished, tmp_path):
    done = run("-m", "kgan.cli", "generate", finished, "--condition", "1", "--output", tmp_path / "x.png")
    assert (done.returncode, "leave --condition out" in done.stderr) == (2, True)
