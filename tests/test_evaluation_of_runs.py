"""Runs that are evaluated while they train and afterwards: what is held out, whose features, what is kept, who is near."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import kgan
from kgan import runs
from kgan.evaluation import Reference, draw_neighbors, evaluate_samples, name_of
from kgan.runs import RunSettings

pytestmark = pytest.mark.only("tensorflow")
NAME = "frechet_distance[digits-mlp64,n=80]"


def train(output, epochs, **options):
    settings = RunSettings(str(output), epochs=epochs, checkpoint_every=1, picture_every=9, **options)

    def build(shape):
        model = kgan.GAN(shape, latent_size=2, seed=0)
        model.compile()
        return model

    return runs.train(build, settings, data=lambda: (digits(), (8, 8, 1)))


def digits():
    return kgan.datasets.arrays("digits", "train")[0][:64]


def history(folder):
    with open(folder / "history.csv", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "SAMPLES", 80)
        train(folder, 3, evaluate_every=2, keep="best")
        once = history(folder)
        figures = train(folder, 5, evaluate_every=2, keep="best", resume=True)
    return folder, once, figures


def test_figures_go_to_the_history(run):
    folder, once, figures = run
    assert [row[NAME] == "NA" for row in once] == [True, False, True]
    rows = history(folder)
    assert rows[:3] == once
    assert [row[NAME] == "NA" for row in rows] == [True, False, True, False, True]
    assert (folder / "tensorboard").is_dir()
    # Real images and neighbors are beside the samples, and all on one page.
    page = (folder / "report.html").read_text()
    assert all(about in page for about in ('alt="real images', 'alt="samples (left)', NAME.partition("[")[0], "at the end"))
    stored = json.loads((folder / "metrics.json").read_text())
    assert stored == figures
    assert stored["nearest_trained_on[n=80]"] > 0
    # Those at the end are of the last epoch, not of the last one in the history.
    assert figures[NAME] not in [float(row[NAME]) for row in rows if row[NAME] != "NA"]


def test_the_best_is_kept(run):
    folder, _, figures = run
    measured = {int(row["epoch"]) + 1: float(row[NAME]) for row in history(folder) if row[NAME] != "NA"}
    assert figures["best_epoch"] == min(measured, key=measured.get)
    samples = runs.generate(runs.load(folder / "best.keras"), 80, 0)
    assert evaluate_samples(samples, Reference("digits"))[NAME] == pytest.approx(min(measured.values()), rel=1e-3)


def test_evaluate_knows_the_run(run, tmp_path, capsys):
    from kgan import cli

    cli.evaluate(str(run[0]), count=80, neighbors=str(tmp_path / "near.png"), dataset=None, extractor=None, seed=0)
    found = json.loads(capsys.readouterr().out)
    assert found[NAME] == pytest.approx(run[2][NAME], rel=1e-3)
    assert found["nearest_trained_on[n=80]"] > 1
    assert kgan.datasets.read_image(tmp_path / "near.png", None, 3).shape[2] == 3
    cli.report([str(run[0])], output=str(tmp_path / "page.html"), neighbors=True, count=20, seed=0)
    assert (tmp_path / "page.html").stat().st_size > 20_000
    assert json.loads((run[0] / "metrics.json").read_text())["nearest_trained_on[n=20]"] > 0
    capsys.readouterr()
    cli.evaluate(str(run[0] / "best.keras"), count=80, neighbors=None, dataset=None, extractor="random-conv:2", seed=0)
    assert "coverage[random-conv-s2,n=80]" in capsys.readouterr().out


def test_what_is_wrong_is_said_before_the_training(tmp_path):
    for options, message in (
        ({"keep": "best"}, "needs --evaluate-every"),
        ({"keep": "worst", "evaluate_every": 1}, "--keep takes best"),
        ({"extractor": "inception"}, "inception"),
        ({"extractor": "nothing"}, "An extractor is one of"),
    ):
        with pytest.raises((ValueError, FileNotFoundError), match=message):
            train(tmp_path / "run", 1, **options)
        assert not (tmp_path / "run").exists()


def test_memorized_pictures_are_nearer_than_those_held_out(tmp_path):
    train, test = (kgan.datasets.arrays("digits", split)[0] for split in ("train", "test"))
    reference = Reference("digits")
    assert draw_neighbors(tmp_path / "a.png", train[:50], reference) < 1e-2
    assert draw_neighbors(tmp_path / "b.png", test[-50:], reference) == pytest.approx(1.0, abs=0.3)
    with Image.open(tmp_path / "a.png") as drawn:  # 12 rows of 6 images, 48 pixels each, below title and heads
        pixels = np.asarray(drawn)
    grid = pixels[-(12 * 9 + 1) * 6 :, : (6 * 9 + 1) * 6]
    np.testing.assert_array_equal(grid[:, :6], 255)
    np.testing.assert_array_equal(grid[6:54, 6:54], grid[6:54, 60:108])  # what was trained on is its own neighbor
    heads = np.argwhere(pixels[-len(grid) - 18 : -len(grid)].min(-1) < 128)[:, 1]
    assert heads.min() < 54  # "sample"
    assert ((heads > 108) & (heads < 330)).any()  # "nearest", in the middle of its columns
    noise = np.random.default_rng(0).uniform(-1, 1, (50, 8, 8, 1)).astype("float32")
    assert draw_neighbors(tmp_path / "c.png", noise, reference) > 2
    with pytest.raises(ValueError, match="images of a data set"):
        draw_neighbors(tmp_path / "d.png", noise.reshape(50, 64), reference)


def test_a_data_set_in_a_word():
    named = {
        "digits": "digits",
        "folder:some/where/photos": "photos",
        "tfds:mnist": "mnist",
        "labels/rain.csv": "rain.csv",
        "": "",
        None: "",
    }
    assert {dataset: name_of(dataset) for dataset in named} == named


def test_samples_of_other_channels_are_refused():
    with pytest.raises(ValueError, match=r"Samples are \(8, 8, 3\), images of digits \(8, 8, 1\)"):
        evaluate_samples(np.zeros((4, 8, 8, 3), "float32"), Reference("digits"))


def test_pictures_of_a_folder_are_held_against_those_held_out(tmp_path):
    rng = np.random.default_rng(0)
    for index in range(30):
        pixels = np.tile(rng.integers(0, 256, (1, 1, 3)), (12, 12, 1)).astype("uint8")
        kgan.pictures.save_image(tmp_path / f"{index}.png", pixels)
    samples = rng.uniform(-1, 1, (20, 12, 12, 3)).astype("float32")
    reference = Reference(f"folder:{tmp_path}", held_out=0.3)
    with pytest.warns(UserWarning, match="singular"):
        figures = evaluate_samples(samples, reference)
    assert {name.split("[")[0] for name in figures} == {
        *("frechet_distance", "kernel_distance", "precision", "recall", "density", "coverage")
    }
    assert all("[random-conv-s0,n=9]" in name for name in figures)
    assert draw_neighbors(tmp_path.parent / "near.png", samples, reference) > 1
    for share in (0.0, 0.01):  # none, and one that is no set
        assert set(evaluate_samples(samples, Reference(f"folder:{tmp_path}", held_out=share))) == {"sample_mean", "sample_std"}


@pytest.mark.filterwarnings("ignore:A Frechet distance")
def test_a_run_on_few_pictures_of_a_folder_says_how_near_it_is(tmp_path, monkeypatch):
    """Three that are trained on, fewer than the neighbors that are drawn else; decoded part by part."""
    monkeypatch.setattr(runs, "SAMPLES", 20)
    noise = np.random.default_rng(0).uniform(-1, 1, (6, 12, 12, 3)).astype("float32")
    kgan.pictures.save_each(tmp_path / "photos", noise)
    parts = list(kgan.datasets.folders.folder_parts(tmp_path / "photos", "all", 12, count=4))
    assert [len(part) for part in parts] == [4, 2]
    assert sorted(np.concatenate(parts).mean((1, 2, 3))) == pytest.approx(sorted((noise.mean((1, 2, 3)) + 1) * 127.5), abs=1)

    def build(shape):
        model = kgan.GAN(shape, latent_size=2, seed=0)
        model.compile()
        return model

    settings = RunSettings(str(tmp_path / "run"), f"folder:{tmp_path / 'photos'}", batch_size=1, epochs=1, held_out=0.5)
    figures = runs.train(build, settings)
    assert figures["nearest_trained_on[n=20]"] > 0
    assert (tmp_path / "run/neighbors.png").is_file()
    assert 'alt="samples (left)' in (tmp_path / "run/report.html").read_text()


@pytest.mark.filterwarnings("ignore:A Frechet distance")
def test_a_run_finds_its_folder_from_anywhere(tmp_path, monkeypatch, capsys):
    """By the name that was typed where it was started; its file holds no path of this machine, and both may be moved."""
    from kgan import cli

    noise = np.random.default_rng(0).uniform(-1, 1, (20, 12, 12, 3)).astype("float32")
    kgan.pictures.save_each(tmp_path / "home" / "photos", noise)
    monkeypatch.chdir(tmp_path / "home")

    def build(shape):
        model = kgan.GAN(shape, latent_size=2, seed=0)
        model.compile()
        return model

    runs.train(build, RunSettings("runs/own", "folder:photos", batch_size=8, smoke=True, held_out=0.4))
    text = (tmp_path / "home/runs/own/settings.json").read_text()
    assert '"dataset": "folder:photos"' in text
    assert str(tmp_path) not in text
    (tmp_path / "home").rename(tmp_path / "moved")
    capsys.readouterr()
    for folder, run, photos in (
        (tmp_path / "moved", "runs/own", "photos"),
        (tmp_path, "moved/runs/own", "moved/photos"),
        (tmp_path / "moved/runs/own", ".", "../../photos"),
    ):
        monkeypatch.chdir(folder)
        assert runs.read_settings(run)["dataset"] == f"folder:{photos}"
        cli.evaluate(run, count=8, neighbors=None, dataset=None, extractor=None, seed=0)
        assert "frechet_distance[random-conv-s0,n=8]" in json.loads(capsys.readouterr().out)
    # Of another data set what the run says of its folder does not hold.
    cli.evaluate(".", count=8, neighbors=None, dataset="photos", extractor=None, seed=0)
    assert "frechet_distance[random-conv-s0,n=8]" in json.loads(capsys.readouterr().out)
    # The same data by another name are the same settings, and those of the run that went on from there are found as well.
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "moved/runs/own"
    again = RunSettings("", "folder:moved/photos", batch_size=8, smoke=True, held_out=0.4, resume=True)
    runs._claim(folder, again, {})
    with pytest.raises(runs.RunError, match="other settings"):
        runs._claim(folder, replace(again, dataset="folder:moved/runs"), {})
    monkeypatch.chdir(tmp_path / "moved")
    assert runs.read_settings("runs/own")["dataset"] == "folder:photos"


def test_what_a_run_names_and_is_gone_stays_as_it_was_typed(tmp_path):
    for begun in ({}, {"started_in": "../nowhere"}):
        (tmp_path / "settings.json").write_text(json.dumps({"settings": {"dataset": "folder:photos"}, **begun}))
        assert runs.read_settings(tmp_path)["dataset"] == "folder:photos"
    (tmp_path / "settings.json").write_text(json.dumps({"settings": {}, "started_in": 3}))
    with pytest.raises(ValueError, match="settings of a run"):
        runs.read_settings(tmp_path)


def test_an_extractor_is_made_once():
    """What reads a large file does so once in a training that is evaluated after many epochs."""
    from kgan import evaluation

    reference = Reference("digits", extractor="random-conv:5")
    assert reference.judge((8, 8, 1)) is reference.judge((8, 8, 1))
    assert reference.judge((2,)) is None
    evaluation._extractor.cache_clear()


def test_data_of_an_application_are_not_looked_up_by_name(tmp_path):
    """Pictures that an application measures itself may be of a data set that only it knows."""

    def build(shape):
        model = kgan.GAN(shape, seed=0)
        model.compile()
        return model

    settings = runs.RunSettings(str(tmp_path / "run"), "celeba:elsewhere", epochs=1)
    figures = runs.train(build, settings, data=lambda: (digits(), (8, 8, 1)), measure=lambda model, samples: {"mean": 0.0})
    assert figures["mean"] == 0.0
    assert (tmp_path / "run" / "report.html").is_file()
    assert not (tmp_path / "run" / "real.png").exists()
