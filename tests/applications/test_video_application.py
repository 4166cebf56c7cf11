"""The command lines of applications/video, from training to the predicted GIF, and what they refuse."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.applications.programs import Application

pytestmark = [pytest.mark.only("tensorflow"), pytest.mark.slow]  # whole programs
application = Application("video")


def test_train_on_a_video_and_predict(tmp_path, capsys, rng):
    film = np.zeros((40, 24, 32, 1), "uint8")
    texture = rng.integers(0, 256, (6, 8, 1)).astype("uint8").repeat(4, axis=0).repeat(4, axis=1)
    for t in range(40):
        film[t] = np.roll(texture, t, axis=1)
    np.save(tmp_path / "film.npy", film)
    run, given = str(tmp_path / "run"), str(tmp_path / "film.npy")
    application("train")(output=run, video=given, frame_size=16, clips=16, smoke=True)
    figures = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert {"psnr_1", "psnr_2", "copy_psnr_1", "score_1", "sharpness_2", "generator/correlation"} <= set(figures)
    assert (tmp_path / "run" / "samples.png").is_file()
    application("predict")(run=run, video=given, frames=3, start=2)
    assert "decibels frame by frame" in capsys.readouterr().out
    with Image.open(tmp_path / "run" / "predicted.gif") as gif:
        assert gif.n_frames == 7
    assert "has 0 of" in application.refused(capsys, "predict", run=run, video=given, start=100)
    assert "leave the frame" in application.refused(capsys, "predict", run=run, video=given, top=20)
    np.save(tmp_path / "still.npy", np.zeros((40, 24, 32, 1), "uint8"))
    message = application.refused(
        capsys, "train", output=str(tmp_path / "none"), video=str(tmp_path / "still.npy"), frame_size=16
    )
    assert "Too little moves" in message


def test_train_on_pans_over_photos(tmp_path):
    run = str(tmp_path / "run")
    application("train")(output=run, frame_size=16, clips=16, channels=3, smoke=True)
    application("predict")(run=run, frames=3)
    assert (tmp_path / "run" / "predicted.png").is_file()
