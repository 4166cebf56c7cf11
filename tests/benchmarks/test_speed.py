"""The speed benchmark: networks counted alike, a line a contender, failures named."""

import json
import math
import sys

import keras
import pytest

from benchmarks.peers import keras_contenders, speed, systems

pytestmark = pytest.mark.only("tensorflow")


@pytest.mark.slow
def test_a_smoke_run_times_what_is_installed_and_names_what_is_not(tmp_path, monkeypatch):
    monkeypatch.setitem(speed.CONTENDERS, "absent", speed.Contender(speed.TORCH, "plain", "torch", ("no_such_package",)))
    monkeypatch.setitem(speed.CONTENDERS, "broken", speed.Contender(speed.TORCH, "no such contender", "torch", ("torch",)))
    names = ["kgan-tensorflow", "bare-tensorflow", "pytorch", "broken", "absent"]
    speed.main(["--smoke", "--systems", "sngan-1", "--contenders", *names, "--threads", "1", "--output", str(tmp_path)])
    lines = {line["contender"]: line for line in map(json.loads, (tmp_path / "speed.jsonl").read_text().splitlines())}
    assert list(lines) == names
    assert lines["absent"]["failure"] == "not installed: no_such_package"
    ours = lines["kgan-tensorflow"]
    assert ours["slower_than_kgan"] == 1.0
    assert ours["same_networks"] is True
    assert ours["of_ceiling"] > 0
    assert ours["peak_megabytes"] > 50
    if speed.missing(speed.CONTENDERS["pytorch"], sys.executable):
        assert lines["pytorch"]["failure"] == lines["broken"]["failure"] == "not installed: torch"
    else:
        assert lines["pytorch"]["parameters"] == ours["parameters"]
        assert "no such contender" in lines["broken"]["failure"]
    assert "| absent | failed" in (tmp_path / "speed.md").read_text()
    assert (tmp_path / "speed.png").stat().st_size > 1000


def test_a_contender_that_does_not_answer_is_left_out(tmp_path):
    arguments = [
        "--smoke",
        "--systems",
        "sngan-1",
        "--contenders",
        "bare-tensorflow",
        "--patience",
        "0.01",
        "--output",
        str(tmp_path),
    ]
    (line,) = speed.main(arguments)
    assert line["failure"] == "no answer in 0.01 s"


@pytest.mark.parametrize("key", systems.SYSTEMS)
def test_the_torch_networks_are_the_same_layer_by_layer(key):
    pytest.importorskip("torch")
    from benchmarks.peers import torch_contenders

    system = systems.SYSTEMS[key].small()
    ours = keras_contenders.networks(system, normalizer=lambda layer, name: layer)
    theirs = torch_contenders.networks(system)
    for network, other in zip(ours, theirs, strict=True):
        sizes = [math.prod(v.shape) for v in network.trainable_variables]
        assert sizes == [p.numel() for p in other.parameters()]


def test_operations_are_those_of_the_layers():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(5, 3, padding="same", name="first")(inputs)
    x = keras.layers.Conv2DTranspose(2, 4, 2, "same", name="second")(x)
    x = keras.layers.Dense(1, name="last")(keras.layers.Flatten()(x))
    first, second, last = 8 * 8 * 3 * 3 * 3 * 5, 8 * 8 * 4 * 4 * 5 * 2, 16 * 16 * 2
    assert keras_contenders.multiplications(keras.Model(inputs, x)) == (2 * (first + second + last), 2 * first)
