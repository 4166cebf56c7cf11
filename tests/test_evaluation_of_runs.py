"""Runs that are evaluated while they train and afterwards: what is held out, whose features, what is kept, who is near."""

import csv
import json

import numpy as np
import pytest

import kgan
from kgan import runs
from kgan.runs import Reference, RunSettings, evaluate_samples

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
    assert runs.draw_neighbors(tmp_path / "a.png", train[:50], reference) < 1e-2
    assert runs.draw_neighbors(tmp_path / "b.png", test[-50:], reference) == pytest.approx(1.0, abs=0.3)
    noise = np.random.default_rng(0).uniform(-1, 1, (50, 8, 8, 1)).astype("float32")
    assert runs.draw_neighbors(tmp_path / "c.png", noise, reference) > 2
    with pytest.raises(ValueError, match="images of a data set"):
        runs.draw_neighbors(tmp_path / "d.png", noise.reshape(50, 64), reference)


def test_samples_of_other_channels_are_refused():
    with pytest.raises(ValueError, match=r"Samples are \(8, 8, 3\), images of digits \(8, 8, 1\)"):
        evaluate_samples(np.zeros((4, 8, 8, 3), "float32"), Reference("digits"))


def test_a_figure_that_comes_later_gets_a_column(tmp_path):
    writer = runs._History(tmp_path / "history.csv", 0)
    writer.on_epoch_end(0, {"b": 1.0, "a": 2.0})
    writer.on_epoch_end(1, {"b": 1.5, "a": 2.5, "c": 3.0})
    runs._History(tmp_path / "history.csv", 2).on_epoch_end(2, {"a": 4.0})
    assert (tmp_path / "history.csv").read_text().split() == ["epoch,a,b,c", "0,2.0,1.0,NA", "1,2.5,1.5,3.0", "2,4.0,NA,NA"]
    runs._History(tmp_path / "history.csv", 0)
    assert not (tmp_path / "history.csv").exists()


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
    assert runs.draw_neighbors(tmp_path.parent / "near.png", samples, reference) > 1
    for share in (0.0, 0.01):  # none, and one that is no set
        assert set(evaluate_samples(samples, Reference(f"folder:{tmp_path}", held_out=share))) == {"sample_mean", "sample_std"}
