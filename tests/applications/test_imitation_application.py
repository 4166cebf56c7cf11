"""The command lines of applications/imitation, from demonstrations to the watched policy, and what they refuse."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.applications.programs import Application

pytestmark = [pytest.mark.only("tensorflow"), pytest.mark.slow]  # whole programs
application = Application("imitation")


@pytest.fixture(autouse=True)
def beside(monkeypatch):
    monkeypatch.syspath_prepend(str(application.folder))


def test_train_and_watch(tmp_path, capsys):
    run = str(tmp_path / "run")
    application("train")(output=run, shown=4, batch_size=8, horizon=6, smoke=True)
    figures = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert {"reached", "information", "smallest_share", "policy/kl"} <= set(figures)
    assert (tmp_path / "run" / "samples.png").is_file()
    application("watch")(run=run, switch=3)
    assert "intention 1: ends" in capsys.readouterr().out
    with Image.open(tmp_path / "run" / "watched.gif") as gif:
        assert gif.n_frames > 2
    assert "--world must be one of" in application.refused(capsys, "train", output=str(tmp_path / "none"), world="moon")
    np.savez(tmp_path / "other.npz", observations=np.zeros((5, 3)), actions=np.zeros((5, 2)))
    given = {"demonstrations": str(tmp_path / "other.npz"), "smoke": True}
    assert "needs 2 numbers" in application.refused(capsys, "train", output=str(tmp_path / "other"), **given)


def test_train_on_the_arm(tmp_path):
    pytest.importorskip("mujoco")
    run = str(tmp_path / "run")
    application("train")(output=run, world="arm", shown=2, batch_size=4, smoke=True)
    application("watch")(run=run, output=str(tmp_path / "seen.gif"))
    assert (tmp_path / "seen.png").is_file()
