"""The recipes of docs/watching.md, as printed: each leaves on the disk what it promises, without an account or a network."""

import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.only("tensorflow"), pytest.mark.slow]

RECIPES = dict(
    zip(
        ("tensorboard", "wandb", "mlflow", "afterwards"),
        re.findall(r"```python\n(.*?)```", (Path(__file__).parents[1] / "docs/watching.md").read_text(), re.S),
        strict=True,
    )
)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe(name, tmp_path):
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    nowhere = {f"{scheme}_proxy": "http://127.0.0.1:9" for scheme in ("http", "https")}  # nothing answers there
    done = subprocess.run(
        [sys.executable, "-c", RECIPES[name]],
        cwd=tmp_path,
        env={**os.environ, **nowhere, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    if name == "tensorboard":
        (logs,) = (tmp_path / "logs/train").glob("events*")
        assert b"epoch_frechet_distance" in logs.read_bytes()
        assert any(b"samples" in events.read_bytes() for events in (tmp_path / "logs").glob("events*"))
    elif name == "wandb":
        (run,) = (tmp_path / "wandb").glob("offline-run-*")
        (log,) = run.glob("*.wandb")
        assert b"discriminator/adversarial" in log.read_bytes()
        assert list(run.glob("files/media/images/samples*.png"))
    else:
        with sqlite3.connect(tmp_path / "mlflow.db") as base:
            kept = set(base.execute("select key, step from metrics"))
        assert {("discriminator/adversarial", step) for step in range(3)} <= kept
        wanted = ("samples.png", "model.keras") if name == "mlflow" else ("history.csv", "report.html")
        assert all(list((tmp_path / "mlruns").rglob(file)) for file in wanted)
