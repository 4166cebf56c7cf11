"""The command lines of applications/causalgan: both stages, interruption, interventions, a user's own labels, and what they refuse."""

import importlib.util
import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

import kgan
from kgan import datasets, pictures

pytestmark = [pytest.mark.only("tensorflow"), pytest.mark.slow]  # whole programs
FOLDER = Path(__file__).parents[2] / "applications" / "causalgan"


@pytest.fixture
def application(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))

    def load(name):
        spec = importlib.util.spec_from_file_location(f"causalgan_{name}", FOLDER / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.main

    return load


@pytest.fixture
def rain(tmp_path):
    """A table, a folder and a graph as a user writes them."""
    folder = tmp_path / "photos"
    folder.mkdir()
    rng, lines = np.random.default_rng(0), ["file,Rain,Wet"]
    for index in range(8):
        pictures.save_image(folder / f"{index}.png", rng.integers(0, 255, (10, 12, 3)).astype("uint8"))
        lines.append(f"{index}.png,{index % 2},{index // 4}")
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "graph.txt").write_text("# what wets\nRain -> Wet\n")
    return {key: str(tmp_path / name) for key, name in (("table", "labels.csv"), ("images", "photos"), ("graph", "graph.txt"))}


def refused(capsys, main, **kwargs):
    with pytest.raises(SystemExit) as stopped:
        main(**kwargs)
    assert stopped.value.code == 2
    return capsys.readouterr().err


def test_both_stages_on_own_labels_and_interventions(application, rain, tmp_path, capsys):
    train, output = application("train"), tmp_path / "run"
    small = {**rain, "output": str(output), "image_size": 8, "filters": 2, "batch_size": 4, "smoke": True, "controller_epochs": 1}
    assert "trained controller" in refused(capsys, train, stage="images", **small)
    train(stage="controller", **small)
    figures = json.loads((output / "controller" / "metrics.json").read_text())
    assert 0.0 <= figures["total_variation"] <= 1.0
    assert (output / "controller" / "samples.png").is_file()
    # The second command finds the first stage done and goes on with the images.
    train(stage="both", resume=True, **small)
    assert "is trained" in capsys.readouterr().out
    assert (output / "images" / "model.keras").is_file()
    assert "another --output" in refused(capsys, train, **small)
    intervene = application("intervene")
    intervene(run=str(output), columns=3)
    written = json.loads((output / "interventions" / "metrics.json").read_text())
    assert written["Wet=1"]["do"]["Wet"] == 1.0
    assert written["Wet=1"]["do"]["Rain"] == pytest.approx(written["observed"]["Rain"], abs=0.02)
    assert (output / "interventions" / "Wet=1.png").is_file()
    assert "no label of this graph" in refused(capsys, intervene, run=str(output), label=["Snow=1"])
    assert "Label=0 or Label=1" in refused(capsys, intervene, run=str(output), label=["Wet=2"])
    # The other system on the same controller.
    shutil.copytree(output / "controller", tmp_path / "other" / "controller")
    train(stage="images", system="causalbegan", **{**small, "output": str(tmp_path / "other")})
    assert (tmp_path / "other" / "images" / "samples.png").is_file()
    loaded = keras.saving.load_model(output / "images" / "model.keras", compile=False)
    images, labels = loaded.sample(2, do={"Rain": 1}, seed=0)
    assert images.shape == (2, 8, 8, 3)
    assert set(labels) == {"Rain", "Wet"}


def test_the_controller_is_given_other_labels_in_every_epoch(application, rain, tmp_path, monkeypatch):
    """A draw that is repeated shows CelebA's 200,000 rows of labels less than a third of them."""
    monkeypatch.syspath_prepend(str(FOLDER))
    import sources

    labels = np.arange(2000.0)[:, None]
    drawn, seen = sources.Draws(labels, 16, 40, seed=0), []
    for epoch in range(8):
        drawn.clock.epoch = epoch
        seen.append(np.concatenate([drawn[i] for i in range(len(drawn))]).ravel())
    assert len(drawn) == 40
    assert len(np.unique(seen[0])) < 640
    assert len(np.unique(seen)) > 1750  # of 2000, by 5120 draws: 1845
    drawn.clock.epoch = 3
    np.testing.assert_array_equal(drawn[7].ravel(), seen[3][7 * 16 : 8 * 16])  # a run that is resumed sees the same

    given, kgan_fit = [], kgan.CausalController.fit
    monkeypatch.setattr(kgan.CausalController, "fit", lambda self, x, **kw: (given.append(x), kgan_fit(self, x, **kw))[1])
    application("train")(stage="controller", **rain, output=str(tmp_path / "run"), smoke=True, controller_epochs=1)
    assert isinstance(given[0], keras.utils.PyDataset)


def test_drawn_faces_in_the_order_of_the_graph(application, monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    from sources import Faces

    order = ("Eyeglasses", "Male", "Young", "Wearing_Lipstick", "Mustache")
    given = Faces(kgan.causal.CausalGraph(kgan.causal.graph("faces").edges, order), seed=0, count=500)
    images, labels = given.pairs(16, 4)
    assert images.shape == (500, 16, 16, 3)
    truth = given.truth.marginals()
    np.testing.assert_allclose(labels.mean(0), [truth[node] for node in order], atol=0.08)


def test_celeba_files(application, tmp_path, monkeypatch):
    folder = tmp_path / "celeba" / "img_align_celeba"
    folder.mkdir(parents=True)
    for index in range(4):
        pictures.save_image(folder / f"{index}.png", np.full((218, 178, 3), 60 * index, "uint8"))
    names = " ".join(datasets.FACE_ATTRIBUTES)
    rows = [f"{index}.png " + " ".join(["1", "-1"][(index + k) % 2] for k in range(9)) for index in range(4)]
    (tmp_path / "celeba" / "list_attr_celeba.txt").write_text("\n".join(["4", names, *rows]) + "\n")
    monkeypatch.syspath_prepend(str(FOLDER))
    from sources import source

    given = source(f"celeba:{tmp_path / 'celeba'}", "celeba", None, None, 0)
    assert given.labels().shape == (4, 9)
    images, labels = next(iter(given.pairs(16, 2)))
    assert (images.shape, labels.shape) == ((2, 16, 16, 3), (2, 9))


def test_refusals(application, rain, tmp_path, capsys):
    train, output = application("train"), str(tmp_path / "run")
    assert "celeba:FOLDER" in refused(capsys, train, output=output, data="cats")
    assert "go together" in refused(capsys, train, output=output, table=rain["table"])
    assert "need a graph" in refused(capsys, train, output=output, table=rain["table"], images=rain["images"])
    assert "--stage must be" in refused(capsys, train, output=output, stage="third")
    (tmp_path / "cycle.txt").write_text("Rain -> Wet\nWet -> Rain\n")
    assert "cycle" in refused(capsys, train, output=output, **{**rain, "graph": str(tmp_path / "cycle.txt")})
    (tmp_path / "other.txt").write_text("Rain -> Snow\n")
    assert "Snow" in refused(capsys, train, output=output, **{**rain, "graph": str(tmp_path / "other.txt")})
    Path(rain["table"]).write_text("file,Rain,Wet\n0.png,0.5,1\n")
    assert "line 2" in refused(capsys, train, output=output, **rain)
    assert not (tmp_path / "run").exists()
