"""What all applications share: settings of a run are defaults of its own command; what follows a training takes runs of its own alone."""

import json
import sys

import pytest
import typer
from typer.testing import CliRunner

import kgan
from kgan import presets, runs
from tests.applications.programs import Application

pytestmark = pytest.mark.only("tensorflow")
TRAININGS = {
    "anomaly-eights": ("anomaly", "train"),
    "arel-albums": ("arel", "train"),
    "causalgan-faces": ("causalgan", "train"),
    "cogan-digits": ("cogan", "train"),
    "dagan-glyphs": ("transfer", "refine"),
    "dtn-digits": ("transfer", "train"),
    "flow-motorcycle": ("flow", "train"),
    "imitation-plane": ("imitation", "train"),
    "lrgan-digits": ("layers", "train"),
    "rendergan-tags": ("layers", "tags"),
    "sngan-fashion": ("sngan", "train"),
    "sngan-mnist": ("sngan", "train"),
    "threed-gan-furniture": ("threed_gan", "train"),
    "threed-vae-furniture": ("threed_gan", "train"),
    "video-pans": ("video", "train"),
}


@pytest.fixture
def scripts(monkeypatch):
    """`Application`s whose scripts find their neighbors."""

    def application(folder):
        found = Application(folder)
        monkeypatch.syspath_prepend(str(found.folder))
        for name in ("sources", "pages", "worlds"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        return found

    return application


def test_every_preset_of_a_training_is_here():
    assert {name for name in presets.names() if (presets.find(name) / "settings.json").is_file()} == set(TRAININGS)


@pytest.mark.parametrize("name", TRAININGS)
def test_settings_of_a_run_are_defaults_of_its_command(name, scripts, monkeypatch):
    folder, script = TRAININGS[name]
    stored = json.loads((presets.find(name) / "settings.json").read_text())
    monkeypatch.setattr("sys.argv", stored["program"].split()[1:])
    app = typer.Typer()
    app.command()(scripts(folder)(script))
    done = CliRunner().invoke(app, ["--settings", str(presets.find(name)), "--help"])
    assert done.exit_code == 0, done.output
    monkeypatch.setattr("sys.argv", ["applications/other/train.py"])
    wrong = CliRunner().invoke(
        app, ["--settings", str(presets.find("sngan-mnist" if folder != "sngan" else "video-pans")), "--help"]
    )
    assert wrong.exit_code == 2


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    """A run of a system that no application trains."""
    run = tmp_path_factory.mktemp("foreign")
    kgan.GAN((2,), seed=0).save(run / "model.keras")
    (run / "settings.json").write_text(json.dumps({"settings": {"dataset": "ring", "image_size": None}}))
    (run / "images").mkdir()
    kgan.GAN((2,), seed=0).save(run / "images" / "model.keras")
    return str(run)


FOLLOWUPS = [
    ("anomaly", "detect", {}),
    ("causalgan", "intervene", {}),
    ("cogan", "transform", {}),
    ("flow", "estimate", {"first": "a.png", "second": "b.png"}),
    ("imitation", "watch", {}),
    ("layers", "labeled", {}),
    ("layers", "masks", {}),
    ("threed_gan", "classify", {"model": None}),
    ("threed_gan", "export", {"model": None}),
    ("threed_gan", "reconstruct", {"model": None}),
    ("video", "predict", {}),
]


@pytest.mark.parametrize(("folder", "script", "given"), FOLLOWUPS, ids=[f"{a}/{b}" for a, b, _ in FOLLOWUPS])
def test_a_run_of_another_system_is_refused(folder, script, given, foreign, scripts, capsys):
    given = {k: v for k, v in given.items() if k != "model"} | {"model" if "model" in given else "run": foreign}
    assert "holds" in scripts(folder).refused(capsys, script, **given)


@pytest.mark.parametrize(("suffix", "output"), [(".flo", "flow.png"), (".csv", "x/energies.PNG"), (".gif", "film")])
def test_a_picture_does_not_take_the_place_of_a_file(suffix, output, tmp_path):
    with pytest.raises(ValueError, match=rf"--output must end in \{suffix}"):
        runs.file_beside_picture(output, tmp_path / "usual", suffix)
    assert runs.file_beside_picture("", tmp_path / f"usual{suffix}", suffix) == tmp_path / f"usual{suffix}"


def test_stories_of_another_seed_do_not_stand_for_those_asked_for(scripts, tmp_path):
    (tmp_path / "settings.json").write_text(json.dumps({"settings": {"seed": 0, "setting": "small"}}))
    check = scripts("arel").module("train").check_same
    check(tmp_path, 0, "small")
    for seed, setting in ((1, "small"), (0, "paper")):
        with pytest.raises(ValueError, match="Choose another folder"):
            check(tmp_path, seed, setting)


def test_what_is_refused_at_the_start_of_a_training_is_no_traceback(scripts, tmp_path, capsys):
    said = scripts("layers").refused(capsys, "tags", output=str(tmp_path / "run"), image_size=18)
    assert "multiple of 4" in said
