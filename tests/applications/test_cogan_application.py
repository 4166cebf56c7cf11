"""The command lines of applications/cogan, from training to the transformed picture, and what they refuse."""

import json

import numpy as np
import pytest

from kgan import datasets
from tests.applications.programs import Application

pytestmark = [pytest.mark.only("tensorflow"), pytest.mark.slow]  # whole programs
application = Application("cogan")


def test_train_generate_and_transform(tmp_path, capsys):
    run = tmp_path / "run"
    application("train")(output=str(run), pair="edges", width=0.1, smoke=True, passes=1)
    figures = json.loads((run / "metrics.json").read_text())
    assert {"pixel_agreement", "pixel_agreement_by_chance", "digits_std", "generator/adversarial"} <= set(figures)
    assert (run / "samples.png").is_file()
    assert (run / "samples" / "samples-00001.png").is_file()
    application("transform")(run=str(run), count=3, steps=2, restarts=1)
    assert "digits to edges" in capsys.readouterr().out
    pictures = tmp_path / "pictures"
    from PIL import Image

    pictures.mkdir()
    Image.new("L", (20, 20), 200).save(pictures / "a.png")
    application("transform")(
        run=str(run), images=str(pictures), reverse=True, steps=2, restarts=1, output=str(tmp_path / "own.png")
    )
    assert (tmp_path / "own.png").is_file()
    from kgan import cli

    cli.generate(str(run), str(tmp_path / "pairs.npz"), 5, 0)
    with np.load(tmp_path / "pairs.npz") as pairs:
        assert {d: x.shape for d, x in pairs.items()} == dict.fromkeys(("digits", "edges"), (5, 8, 8, 1))
    with pytest.raises(SystemExit):
        cli.generate(str(run), str(tmp_path / "pairs.npy"), 5, 0)
    assert ".npz" in capsys.readouterr().err
    cli.evaluate(str(run), "digits", None, 5, 0, None)
    assert set(json.loads(capsys.readouterr().out)) == {f"{d}_sample_{k}" for d in ("digits", "edges") for k in ("mean", "std")}
    assert "another --output" in application.refused(capsys, "train", output=str(run))


def test_adapt(tmp_path):
    run = tmp_path / "run"
    application("adapt")(
        output=str(run), pair="thick", reverse=True, source_count=100, target_count=200, width=0.1, smoke=True, passes=1
    )
    figures = json.loads((run / "metrics.json").read_text())
    kinds = ("labeled_accuracy", *(f"{s}accuracy{t}" for s in ("", "source_only_") for t in ("", "_transductive")))
    assert all(0 <= figures[kind] <= 1 for kind in kinds)


def test_what_is_refused(tmp_path, capsys):
    assert "Pairs of domains" in application.refused(capsys, "train", output=str(tmp_path / "a"), pair="mirrored")
    assert "There is no file" in application.refused(capsys, "adapt", output=str(tmp_path / "b"), pair="usps:none.npz")
    assert "fewer than the 5000" in application.refused(capsys, "adapt", output=str(tmp_path / "c"), source_count=5000)
    assert "There is no model file" in application.refused(capsys, "transform", run=str(tmp_path))


def test_domains_by_name(tmp_path):
    domains, labels = datasets.load_domains("negatives", seed=3)
    images, classes = datasets.arrays("digits", "all")
    assert list(domains) == list(labels) == ["digits", "negatives"]
    together = np.concatenate([domains["digits"], -domains["negatives"]])
    order = np.random.default_rng(3).permutation(len(images))
    np.testing.assert_array_equal(together, images[order])
    np.testing.assert_array_equal(np.concatenate([*labels.values()]), classes[order])
    file = tmp_path / "usps.npz"
    np.savez(file, x_train=np.zeros((4, 16, 16)), y_train=np.arange(4))
    domains, labels = datasets.load_domains(f"usps:{file}", image_size=24)
    assert {d: x.shape[1:] for d, x in domains.items()} == {"digits": (24, 24, 1), "usps": (24, 24, 1)}
    assert list(labels["usps"]) == [0, 1, 2, 3]
