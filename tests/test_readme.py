"""What the README prints, run as printed, gives what the README shows: digits, of all ten classes; and takes a user's own pictures."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from benchmarks.proofs.real_pictures import nearest_digits

pytestmark = [pytest.mark.only("tensorflow"), pytest.mark.slow]

README = (Path(__file__).parents[1] / "README.md").read_text()
NEAR = 1.4
"""Of `nearest_digits`: real ones have 1, the examples some 1.2."""
FAR = 8.0
"""The largest distance that counts as the digits shown: gray squares have 150, real digits 0.6, the examples some 2 to 4."""


def test_the_eight_lines(tmp_path, monkeypatch):
    """As printed: samples lie nearly as close to real digits as digits do that were held out, and are of all classes."""
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(import kgan\n.*?)```", README, re.S)
    assert len([line for line in code.splitlines() if line.strip()]) <= 8
    names = {}
    exec(code.replace("epochs=20", "epochs=20, verbose=0"), names)
    distance, share = nearest_digits(names["model"].generate(500, seed=1))
    assert distance < NEAR
    assert share >= 0.01
    assert (tmp_path / "digits.png").stat().st_size > 1000
    assert keras.saving.load_model(tmp_path / "digits.keras").generate(2, seed=0).shape == (2, 32, 32, 1)


def commands(section):
    """The lines of a section that call kgan, without their comments."""
    text = README.split(f"{section}\n")[1].split("\n## ")[0]
    return [line.split(" #")[0] for line in text.splitlines() if line.startswith("kgan ")]


def kgan_(line, folder):
    done = subprocess.run(
        [sys.executable, "-m", "kgan.cli", *shlex.split(line)[1:]], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, line + done.stdout[-2000:] + done.stderr[-2000:]
    return done


def test_the_commands(tmp_path):
    lines = [line for line in commands("## Command line") if "stego" not in line]
    assert [line.split()[1] for line in lines] == ["list", "train", "generate", "evaluate", "report", "list", "preset", "export"]
    for line in lines:
        kgan_(line, tmp_path)
    figures = json.loads((tmp_path / "runs/sngan/metrics.json").read_text())
    (distance,) = [value for name, value in figures.items() if name.startswith("frechet_distance")]
    assert distance < FAR
    for made in ("samples.png", "sngan.onnx", "runs/sngan/report.html"):
        assert (tmp_path / made).stat().st_size > 1000


def test_your_own_pictures(tmp_path):
    """The four commands on a folder of odd JPEGs: of any size, turned, CMYK, gray, one damaged, one a PNG by content."""
    rng = np.random.default_rng(0)
    for i in range(60):
        (tmp_path / "photos" / f"day {i % 2}").mkdir(parents=True, exist_ok=True)
        height, width = rng.integers(40, 200, 2)
        pixels = (rng.integers(0, 256, 3) * np.linspace(0, 1, height)[:, None, None] * np.ones((1, width, 1))).astype("uint8")
        exif = Image.Exif()
        exif[0x0112] = 1 + i % 8
        kind = "PNG" if i == 0 else "JPEG"
        picture = Image.fromarray(pixels).convert(("RGB", "L", "CMYK")[i % 3] if i else "RGB")
        picture.save(tmp_path / "photos" / f"day {i % 2}" / f"Photo {i}.JPG", kind, exif=exif)
    (tmp_path / "photos" / "half.jpg").write_bytes((tmp_path / "photos" / "day 1" / "Photo 1.JPG").read_bytes()[:300])
    train, resume, evaluate, generate = commands("## Your own pictures")
    small = train.replace("width=0.25", "width=0.05").replace("--passes 25", "--epochs 2 --smoke --batch-size 16")
    assert small.count("--smoke") == 1
    assert small.count("width=0.05") == 1
    assert "half.jpg" in kgan_(small, tmp_path).stderr
    kgan_(resume, tmp_path)
    assert json.loads(kgan_(evaluate, tmp_path).stdout)
    kgan_(generate, tmp_path)
    with Image.open(tmp_path / "photos.png") as picture:
        assert min(picture.size) >= 640
