"""The 3D-GAN application from training to a printable file, in one process."""

import json

import numpy as np
import pytest

from kgan import pictures, runs
from tests.applications.programs import Application

pytestmark = [pytest.mark.only("tensorflow"), pytest.mark.slow]  # whole programs
application = Application("threed_gan")
SMALL = {"dataset": "solids", "size": 8, "filters": 4, "latent_size": 6, "batch_size": 16, "smoke": True}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("threed") / "run"
    application("train")(output=str(folder), **SMALL)
    return folder


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    folder = tmp_path_factory.mktemp("threed") / "views"
    application("train")(output=str(folder), views=True, view_size=16, **SMALL)
    return folder


def test_training_writes_what_it_promises(run):
    assert {"settings.json", "metrics.json", "history.csv", "samples.png", "losses.png", "model.keras"} <= {
        path.name for path in run.iterdir()
    }
    figures = json.loads((run / "metrics.json").read_text())
    assert 0 < figures["occupancy[n=32]"] < 1
    assert 0 <= figures["generator/accuracy"] <= 1
    settings = json.loads((run / "settings.json").read_text())["settings"]
    assert (settings["filters"], settings["discriminator_rate"], settings["views"]) == (4, 2.5e-4, False)


def test_classification_compares_three_descriptors(run, capsys):
    application("classify")(str(run), "solids", smoke=True, draws=2)
    kept = json.loads((run / "classification.json").read_text())
    assert [name.split("[")[1].split(",")[0] for name in kept] == ["raw voxels", "discriminator", "untrained discriminator"]
    assert all(0 <= value <= 1 for value in kept.values())
    assert "chance" in capsys.readouterr().out


def test_export_writes_files_that_can_be_printed(run, tmp_path, capsys):
    trimesh = pytest.importorskip("trimesh")
    application("export")(str(run), str(tmp_path / "out"), count=2, length=80.0, threshold=0.3)
    out = capsys.readouterr().out
    assert "(x, y, z)" in out
    mesh = trimesh.load(tmp_path / "out/shape-000.stl")
    mesh.merge_vertices()
    assert mesh.is_watertight
    assert mesh.extents.max() <= 90.0
    assert (tmp_path / "out/meshes.png").exists()
    with pytest.raises(SystemExit) as stop:
        application("export")(str(run), str(tmp_path / "out"), format_="step")
    assert stop.value.code == 2


def test_reconstruction_of_held_out_shapes_and_of_a_picture(views, run, tmp_path, capsys):
    application("reconstruct")(str(views), str(tmp_path / "r.png"), dataset="solids", count=20)
    out = capsys.readouterr().out
    assert "IoU at 0.4" in out
    assert "mean training shape" in out
    picture = tmp_path / "picture.png"
    pictures.save_image(picture, np.full((40, 50, 3), 90, "uint8"))
    application("reconstruct")(str(views), str(tmp_path / "shape.npy"), picture=str(picture))
    assert np.load(tmp_path / "shape.npy").shape == (8, 8, 8, 1)
    with pytest.raises(SystemExit):
        application("reconstruct")(str(run), str(tmp_path / "r.png"))
    assert "not ThreeDVAEGAN" in capsys.readouterr().err


def test_a_run_that_would_not_fit_stops_before_it_starts(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(runs.memory, "available_bytes", lambda: 10**5)
    with pytest.raises(SystemExit) as stop:
        application("train")(output=str(tmp_path / "run"), **SMALL)
    assert stop.value.code == 2
    assert "Training ThreeDGAN in minibatches of 16 would take about" in capsys.readouterr().err
    assert not (tmp_path / "run/settings.json").exists()
