"""The command lines of applications/flow, from training to the flow of two pictures, and what they refuse."""

import json

import numpy as np
import pytest
from PIL import Image

import kgan
from tests.applications.programs import Application

pytestmark = [pytest.mark.only("tensorflow"), pytest.mark.slow]  # whole programs
application = Application("flow")


def test_train_and_estimate(tmp_path, capsys, rng):
    run = str(tmp_path / "run")
    application("train")(output=run, frame_size=16, labels=16, unlabeled=16, smoke=True)
    figures = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert {"warp_error", "end_point_error", "generator/end_point_error"} <= set(figures)
    assert (tmp_path / "run" / "samples.png").is_file()
    for name, size in (("a", (30, 20)), ("b", (30, 20)), ("c", (20, 20))):
        Image.fromarray(rng.integers(0, 256, (*size[::-1], 3)).astype("uint8")).save(tmp_path / f"{name}.png")
    first, second, other = (str(tmp_path / f"{name}.png") for name in "abc")
    application("estimate")(first, second, run=run, output=str(tmp_path / "out.flo"), shrink=2)
    assert "flow of 15x10 pixels" in capsys.readouterr().out
    assert kgan.datasets.read_flow(tmp_path / "out.flo")[0].shape == (10, 15, 2)
    assert (tmp_path / "out.png").is_file()
    assert "one size" in application.refused(capsys, "estimate", first, other, run=run)


def test_train_on_own_files(tmp_path, capsys, rng):
    texture = rng.integers(0, 256, (8, 8, 1)).astype("uint8").repeat(4, axis=0).repeat(4, axis=1)
    np.save(tmp_path / "film.npy", np.stack([np.roll(texture, t, axis=1) for t in range(12)]))
    chairs = tmp_path / "chairs"
    chairs.mkdir()
    assert "holds no" in application.refused(capsys, "train", output=str(tmp_path / "none"), labeled=str(chairs), frame_size=16)
    for part in ("img1", "img2"):
        Image.fromarray(texture[..., 0]).save(chairs / f"00001_{part}.ppm")
    kgan.datasets.write_flow(chairs / "00001_flow.flo", np.zeros((32, 32, 2)))
    application("train")(
        output=str(tmp_path / "run"),
        labeled=str(chairs),
        video=str(tmp_path / "film.npy"),
        labels=16,
        unlabeled=16,
        frame_size=16,
        smoke=True,
    )
    assert "warp_error" in json.loads((tmp_path / "run" / "metrics.json").read_text())
