"""Files for programs without Keras: every family with one generator makes the same there, the others say so."""

import sys

import keras
import numpy as np
import pytest

import kgan
from kgan import exports
from tests.conformance.specs import SPECS

pytestmark = pytest.mark.only("tensorflow")


def gan():
    networks = {
        "generator": kgan.networks.mlp.generator((2,), 3, (4,), batch_norm=True),
        "discriminator": kgan.networks.mlp.discriminator((2,), (4,)),
    }
    return kgan.GAN((2,), seed=0, **networks)


# One row of each family.
ROWS = {spec.family: row for row, spec in reversed(SPECS.items())}.values()
ASKED = [row for row in ROWS if SPECS[row].conditional]  # by examples, whose shapes only the user knows


@pytest.mark.parametrize("format_", exports.SUFFIXES)
def test_a_file_makes_what_the_model_does(tmp_path, format_):
    path = tmp_path / "new" / f"model{exports.SUFFIXES[format_]}"
    model = gan()
    model.compile(averages={"generator": 0.5})
    for network in (model.generator, model.averaged("generator")):
        for kernel in network.trainable_variables:
            kernel.assign(kernel + 0.1)
    found = exports.export(model, path, format_)
    assert found["difference"] <= 1e-6
    assert ("opset" in found) == (format_ == "onnx")
    assert list(found["inputs"].values()) == [(None, *model.generator_inputs(1, seed=0).shape[1:])]
    assert len(found["outputs"]) == 1
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    with pytest.raises(FileExistsError, match="already"):
        exports.export(model, path, format_)


@pytest.mark.slow
# PixelGANAutoencoder draws pixels in a loop, which tf2onnx gets right by the names that layers happen to have: see `exports.export`.
@pytest.mark.parametrize("row", sorted({*ROWS} - {"PixelGANAutoencoder"}))
def test_every_family_as_onnx(row, tmp_path):
    import onnx

    keras.utils.set_random_seed(1)
    condition = SPECS[row].data(4)[0] if SPECS[row].conditional else None
    found = exports.export(SPECS[row].build(), tmp_path / "model.onnx", condition=condition)
    opsets = {one.domain: one.version for one in onnx.load(tmp_path / "model.onnx").opset_import}
    assert opsets[""] == found["opset"] == exports.OPSET


def test_the_command_takes_examples(tmp_path, monkeypatch, capsys):
    """Of a system that makes samples from examples; it says what the file takes, and the opset."""
    from kgan import cli, runs

    spec = SPECS["DomainTransferNetwork"]
    examples = spec.data(3)[0]
    np.save(tmp_path / "some.npy", examples["source"] if isinstance(examples, dict) else examples)
    monkeypatch.setattr(runs, "load", lambda _: spec.build())
    cli.export("run", str(tmp_path / "model.onnx"), "onnx", str(tmp_path / "some.npy"))
    assert f"(onnx, opset {exports.OPSET}) makes what the model makes" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        cli.export("run", str(tmp_path / "other.onnx"), "onnx", None)
    assert "--condition FILE.npy" in capsys.readouterr().err


def test_what_cannot_be_a_file(tmp_path, monkeypatch):
    for row in ASKED[:2]:
        with pytest.raises(ValueError, match="--condition FILE"):
            exports.export(SPECS[row].build(), tmp_path / "model.onnx")
        with pytest.raises(ValueError, match="give `input_signature`"):
            SPECS[row].build().export(tmp_path / "model")
    with pytest.raises(ValueError, match="`format` must be one of"):
        exports.export(gan(), tmp_path / "model.h5", "h5")
    # A file that makes something else is not handed over.
    monkeypatch.setitem(exports._RUNTIMES, "onnx", lambda: lambda path, inputs: ({}, {}, [np.ones((4, 2))]))
    with pytest.raises(ValueError, match="makes other samples"):
        exports.export(kgan.GAN((2,), seed=0), tmp_path / "model.onnx")

    def lacks(path, inputs):
        raise RuntimeError("Op (Loop) is not there")

    monkeypatch.setitem(exports._RUNTIMES, "onnx", lambda: lacks)
    with pytest.raises(ValueError, match=r"GAN cannot be had as onnx: Op \(Loop\)"):
        exports.export(gan(), tmp_path / "model.onnx")
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ImportError, match=r"kgan\[export\]"):
        exports.export(gan(), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())
