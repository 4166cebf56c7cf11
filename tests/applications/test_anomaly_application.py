"""The command lines of applications/anomaly: from training to the ranked pictures, and what they refuse."""

import csv
import json

import numpy as np
import pytest

from tests.applications.programs import Application

pytestmark = [pytest.mark.only("tensorflow"), pytest.mark.slow]  # whole programs
application = Application("anomaly")


def test_train_and_detect(tmp_path, capsys):
    from PIL import Image

    run = tmp_path / "run"
    application("train")(output=str(run), smoke=True, passes=2, ordinary=[0, 1])
    figures = json.loads((run / "metrics.json").read_text())
    assert 0 <= figures["auroc"] <= 1
    assert 0.5 < figures["auroc_of_distance_to_mean"] <= 1
    assert figures["held_out"] + figures["others"] == 899
    assert (run / "samples.png").is_file()
    application("detect")(run=str(run))
    assert "899 are above" in capsys.readouterr().out
    with open(run / "energies.csv") as file:
        rows = list(csv.DictReader(file))
    energies = [float(row["energy"]) for row in rows]
    assert energies == sorted(energies, reverse=True)
    assert len(rows) == 899
    marked = [int(row["anomaly"]) for row in rows]
    assert marked == sorted(marked, reverse=True)
    ordinary = [int(row["anomaly"]) for row in rows if row["picture"].endswith(("class 0", "class 1"))]
    assert np.mean(ordinary) == pytest.approx(0.05, abs=0.01)  # of examples that were not trained on
    assert (run / "energies.png").is_file()
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for index in range(3):
        Image.fromarray(np.full((8, 8), 80 * index, "uint8")).save(pictures / f"{index}.png")
    application("detect")(run=str(run), images=str(pictures), output=str(tmp_path / "own.csv"), count=2)
    assert len((tmp_path / "own.csv").read_text().splitlines()) == 4
    assert "another --output" in application.refused(capsys, "train", output=str(run))


def test_what_is_refused(tmp_path, capsys):
    assert "must be some of the classes" in application.refused(capsys, "train", output=str(tmp_path / "a"), ordinary=[11])
    assert "entropy" in application.refused(capsys, "train", output=str(tmp_path / "b"), entropy="histogram")
    assert str(tmp_path) in application.refused(capsys, "detect", run=str(tmp_path / "none"))
