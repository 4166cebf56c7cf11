"""The zoo: who is in it, one cell at smoke size, the table, what a stopped run finds again."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import zoo
from tests.conformance.specs import IMAGE, SPECS

pytestmark = pytest.mark.only("tensorflow")
OPTIONS = {"updates": 40, "seconds": 5.0, "longest": 100.0, "image_size": 8, "smoke": False}


def line(family, seed, distance, rounds=40, timed=None):
    figures = {
        "frechet_distance": distance,
        "precision": 0.5,
        "recall": 0.25,
        "density": 0.4,
        "coverage": 0.3,
        "classes_present": 9.0,
    }
    more = {"in_seconds": {"rounds": 11, "used": 5.0, **figures, "frechet_distance": timed}} if timed else {}
    about = {"family": family, "data": "digits", "seed": seed, "judge": "digits-mlp64", "rounds": rounds, "used": 3.25}
    return {**about, "options": OPTIONS, "mebibytes": 700, **figures, **more}


def test_a_family_of_the_zoo_is_its_default_of_another_shape():
    known = zoo.families()
    rows = {
        spec.family.__name__: spec.default
        for spec in SPECS.values()
        if spec.default and spec.default[0] in ("digits", "categories")
    }
    assert {"GAN", "SNGAN", "DCGAN"} < set(known) == set(rows)
    default, own = rows["GAN"][1](0), known["GAN"](IMAGE, seed=0)
    for a, b in zip(default.get_weights(), own.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert set(zoo.CLAIMS) <= set(known)


def test_the_table_is_sorted_and_says_who_was_stopped():
    lines = [line("GAN", 0, 80.0, 10), line("SNGAN", 0, 20.0, timed=30.0), line("SNGAN", 1, 30.0, timed=50.0)]
    rows = zoo.table(lines, lambda family: "zoo/x.png" if family == "GAN" else None).split("\n")
    first, second = ([cell.strip() for cell in row.split("|")[1:-1]] for row in rows[2:4])
    assert first[:4] == ["SNGAN", "40", "25 (10)", "0.5 (0)"]
    assert first[-2] == "40 (20); 11"
    assert second[:3] == ["GAN", "10 of 40", "80"]
    assert second[-2:] == ["", zoo.CLAIMS["GAN"]]
    assert rows[-1] == "![samples of GAN](zoo/x.png)"


def test_a_training_of_three_updates_gets_no_row():
    lines = [{**line(*about), "options": {**OPTIONS, "updates": 400}} for about in (("GAN", 0, 80.0, 250), ("SNGAN", 0, 20.0, 3))]
    text = zoo.table(lines, lambda family: f"zoo/{family}.png")
    assert "| GAN | 250 of 400 |" in text
    assert "| SNGAN |" not in text
    assert "before a quarter of the updates, and therefore without figures: SNGAN (3)." in text
    assert "zoo/SNGAN.png" not in text


def test_a_table_of_stopped_trainings_is_a_trial(tmp_path, monkeypatch):
    monkeypatch.setattr(zoo, "real", lambda *_: "")
    texts = []
    for rounds in (15, 40):
        lines = [{"judge": "j", **line("GAN", 0, 80.0, rounds)}, {"judge": "j", **line("SNGAN", 0, 20.0, rounds)}]
        zoo.report(tmp_path / "zoo.md", tmp_path, lines)
        texts.append((tmp_path / "zoo.md").read_text())
    assert "A trial: 2 of 2 trainings were stopped" in texts[0]
    assert "A trial" not in texts[1]


def test_cells_run_once(tmp_path, monkeypatch, capsys):
    command = ["zoo", "GAN", "--data", "digits", "--image-size", "8", "--seeds", "0", "--updates", "3", "--seconds", "0.01"]
    command += ["--jobs", "0", "--output", str(tmp_path / "cells"), "--report", str(tmp_path / "docs" / "zoo.md")]
    monkeypatch.setattr(zoo, "COUNT", 100)
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(SystemExit) as ended:
        zoo.main()
    assert ended.value.code == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["rounds"], found["in_seconds"]["rounds"]) == (3, 1)
    assert found["frechet_distance"] > 0
    assert "mebibytes" not in found  # in this process there are others
    text = (tmp_path / "docs" / "zoo.md").read_text()
    assert "| GAN | 3 |" in text
    assert "A trial" not in text
    assert "![samples of GAN](zoo/digits_GAN.png)" in text
    assert (tmp_path / "docs" / "zoo" / "digits_GAN.png").is_file()
    monkeypatch.setattr(zoo, "cell", lambda *_: pytest.fail("a finished cell was run again"))
    with pytest.raises(SystemExit):
        zoo.main()
    assert capsys.readouterr().out == ""


def test_what_lasts_too_long_ends_after_its_first_round():
    model = zoo.families()["GAN"]((8, 8, 1), seed=0)
    model.compile(run_eagerly=True)
    images = np.zeros((64, 8, 8, 1), "float32")
    assert zoo.play(model, images, 80, 0.0).used > 0
    assert int(model.optimizer.iterations) == 1
    assert len(zoo.play(model, images, 8, 100.0).strip) == 4
    assert int(model.optimizer.iterations) == 9


def test_an_unknown_family(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["zoo", "NoGAN"])
    with pytest.raises(SystemExit) as ended:
        zoo.main()
    assert ended.value.code == 2
    assert "NoGAN" in capsys.readouterr().err


def test_strips_of_the_document_are_there():
    document = Path(zoo.__file__).parents[1] / "docs" / "zoo.md"
    for part in document.read_text().split("](")[1:]:
        assert (document.parent / part.split(")")[0]).is_file()
