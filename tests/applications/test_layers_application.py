"""The command lines of applications/layers: training, masks as files, and what they refuse."""

import csv
import json

import numpy as np
import pytest

from tests.applications.programs import Application

pytestmark = [pytest.mark.only("tensorflow"), pytest.mark.slow]  # whole programs
application = Application("layers")


def test_train_and_masks(tmp_path, capsys):
    from PIL import Image

    run, folder = tmp_path / "run", tmp_path / "masks"
    application("train")(output=str(run), count=100, filters=2, discriminator_filters=2, noise_size=3, foregrounds=2, smoke=True)
    figures = json.loads((run / "metrics.json").read_text())
    assert {"background_std", "picture_std", "mask", "iou", "generator/adversarial"} <= set(figures)
    assert (run / "samples.png").is_file()
    application("masks")(run=str(run), output=str(folder), count=3, threshold=0.5)
    assert {p.name for p in folder.iterdir()} == {"images", "backgrounds", "masks-1", "masks-2", "poses.csv", "overview.png"}
    with Image.open(folder / "masks-2" / "00002.png") as mask:
        assert (mask.size, mask.mode) == ((16, 16), "L")
        assert set(np.unique(np.asarray(mask))) <= {0, 255}
    rows = list(csv.DictReader((folder / "poses.csv").read_text().splitlines()))
    assert len(rows) == 6
    assert 1.2 <= float(rows[0]["yy"]) <= 2.4
    assert "not empty" in application.refused(capsys, "masks", run=str(run), output=str(folder))


def test_what_is_refused(tmp_path, capsys):
    assert "4 times a power of two" in application.refused(capsys, "train", output=str(tmp_path / "a"), image_size=24)
    assert "Unknown data set" in application.refused(capsys, "train", output=str(tmp_path / "b"), source="birds")


def test_tags_and_a_labeled_set(tmp_path, capsys):
    run, folder = tmp_path / "run", tmp_path / "labeled"
    application("tags")(output=str(run), image_size=16, count=100, filters=2, noise_size=3, smoke=True)
    figures = json.loads((run / "metrics.json").read_text())
    assert {"wrong_bits", "wrong_bits_of_the_bare_model", "generator/regularization"} <= set(figures)
    assert (run / "reader.keras").is_file()
    application("labeled")(run=str(run), output=str(folder), count=3)
    rows = list(csv.DictReader((folder / "labels.csv").read_text().splitlines()))
    assert [row["file"] for row in rows] == ["00000.png", "00001.png", "00002.png"]
    assert {row[f"bit_{index}"] for row in rows for index in range(12)} == {"0", "1"}
    assert all(-1 <= float(row["tilt_x"]) <= 1 for row in rows)
    assert len(list((folder / "images").glob("*.png"))) == 3
    # What was written is the training's material again: pictures without labels.
    application("tags")(
        output=str(tmp_path / "again"),
        real=str(folder / "images"),
        image_size=16,
        filters=2,
        noise_size=3,
        batch_size=2,
        smoke=True,
    )
    assert "wrong_bits" not in json.loads((tmp_path / "again" / "metrics.json").read_text())
    assert "not LRGAN" in application.refused(capsys, "masks", run=str(run), output=str(tmp_path / "masks"))
