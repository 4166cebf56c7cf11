"""The default runs: what is in the table, what counts as learned, what a stopped run finds again; every default at smoke size."""

import json

import numpy as np
import pytest

from benchmarks import defaults
from tests.conformance.specs import SPECS

pytestmark = pytest.mark.only("tensorflow")


def line(family, seed, figure, learned, seconds=120.0):
    return {
        "family": family, "data": "digits", "seed": seed, "seconds": seconds, "rounds": 7, "untrained": 150.0, "figure": figure,
        "learned": learned,
    }  # fmt: skip


def test_every_family_has_one_default_of_a_known_kind():
    named = [spec.family.__name__ for spec in SPECS.values() if spec.default is not None]
    assert sorted(named) == sorted({spec.family.__name__ for spec in SPECS.values()})
    assert {kind for kind, _ in defaults.defaults().values()} == set(defaults.KINDS)


def test_the_table_marks_what_has_not_learned():
    rows = defaults.table([line("GAN", 0, 5.0, True), line("GAN", 1, 50.0, False), line("GAN", 0, 80.0, False, 480.0)]).split(
        "\n"
    )
    assert rows[2] == "| GAN | digits | 120 | 7 | 150 | 5 | **50** | 1 of 2 |"
    assert rows[3] == "| GAN | digits | 480 | 7 | 150 | **80** |  | 0 of 1 |"


def test_digits_are_learned_with_all_classes_at_a_tenth_of_the_distance():
    real, _ = defaults.kgan.datasets.arrays("digits", "train")
    found = defaults._digit_figures(real)
    gray = defaults._digit_figures(np.random.default_rng(0).uniform(-0.1, 0.1, real.shape).astype("float32"))
    assert defaults.DIGITS.learned(found, gray)
    assert not defaults.DIGITS.learned(gray, gray)
    assert not defaults.DIGITS.learned({**found, "classes": 9}, gray)


def test_finished_cells_stay(tmp_path, monkeypatch, capsys):
    (tmp_path / "results.jsonl").write_text(json.dumps(line("GAN", 0, 5.0, True, 0.0)) + "\n")
    monkeypatch.setattr("sys.argv", ["defaults", "GAN", "--smoke", "--output", str(tmp_path)])
    monkeypatch.setattr(defaults, "cells", lambda *_: pytest.fail("a finished cell was run again"))
    defaults.main()
    assert capsys.readouterr().out == ""


def test_a_longer_training_goes_on_from_the_shorter_one(tmp_path):
    lines = list(defaults.cells("GMMN", 0, {1.0: 1, 2.0: 2}, tmp_path))
    (alone,) = defaults.cells("GMMN", 0, {2.0: 2}, tmp_path)
    assert lines[1]["rounds"] == 2 * lines[0]["rounds"]
    assert {**lines[1], "used": 0} == {**alone, "used": 0}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:This fit end")  # two rounds are too few for all phases, or a kept sample
@pytest.mark.parametrize("name", sorted(defaults.defaults()))
def test_a_default_runs(name, tmp_path, monkeypatch):
    monkeypatch.setattr(defaults, "EXAMPLES", 1000)
    (found,) = defaults.cells(name, 0, {0.0: 1}, tmp_path)
    assert np.isfinite(found["figure"])
    assert list(tmp_path.glob(f"{name}_*"))
