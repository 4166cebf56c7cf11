"""Presets with further files: written and summed with the model, refused where they were exchanged."""

import json
import re
from pathlib import Path

import keras
import numpy as np
import pytest

import kgan
from kgan import cli, presets, runs


@pytest.fixture
def folder(tmp_path):
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="one")])
    presets.save(network, tmp_path / "mine", {"about.txt": lambda path: Path(path).write_text("seven")})
    return tmp_path / "mine"


def test_a_further_file_comes_back(folder):
    assert presets.further_file(folder, "about.txt").read_text() == "seven"
    assert presets.load(folder).input_shape == (None, 2)
    for name in ("other.txt", "config.json"):
        with pytest.raises(ValueError, match=f"has no {name}"):
            presets.further_file(folder, name)


def test_an_exchanged_or_missing_one_is_refused(folder):
    (folder / "about.txt").write_text("eight")
    for call in (presets.load, presets.fingerprint, lambda f: presets.further_file(f, "about.txt")):
        with pytest.raises(ValueError, match=r"about\.txt differs from its SHA-256"):
            call(folder)
    (folder / "about.txt").unlink()
    with pytest.raises(ValueError, match=r"lacks about\.txt"):
        presets.load(folder)


def test_sums_name_no_files_elsewhere(folder):
    sums = folder / "SHA256SUMS"
    sums.write_text(sums.read_text().replace("about.txt", "../about.txt"))
    with pytest.raises(ValueError, match="must list config"):
        presets.fingerprint(folder)


def test_half_precision_halves_the_file_and_nothing_else(tmp_path):
    model = kgan.SNGAN((8, 8, 1), width=0.05, seed=0)
    model.compile(averages={"generator": 0.5})
    model.fit(np.random.default_rng(0).uniform(-1, 1, (64, 8, 8, 1)).astype("float32"), batch_size=32, verbose=0)
    sizes = {}
    for half in (False, True):
        model.save_to_preset(tmp_path / "mine", half=half)
        sizes[half] = (tmp_path / "mine" / "model.weights.h5").stat().st_size
        loaded = presets.load(tmp_path / "mine")
        changed = 0
        for kept, value in zip(model.get_weights(), loaded.get_weights(), strict=True):
            assert value.dtype == kept.dtype
            if half and kept.ndim >= 2:
                np.testing.assert_allclose(value, kept, rtol=2**-11, atol=2**-25)
                changed += int((value != kept).any())
            else:  # counters and statistics too
                np.testing.assert_array_equal(value, kept)
        assert (changed > 0) == half
        np.testing.assert_allclose(loaded.generate(5, seed=1), model.generate(5, seed=1), atol=0.01 if half else 1e-6)
    assert sizes[True] < 0.75 * sizes[False]
    largest = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="one")])
    largest.layers[0].kernel.assign([[7e4], [0.0]])
    with pytest.raises(ValueError, match="Half precision holds values up to"):
        presets.save(largest, tmp_path / "large", half=True)
    assert not (tmp_path / "large").exists()


@pytest.mark.parametrize("name", ["config.json", "SHA256SUMS", "a/b.txt", "", "..", "-x"])
def test_names_of_further_files(name, tmp_path):
    with pytest.raises(ValueError, match="plain names"):
        presets.save(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]), tmp_path, {name: lambda path: None})
    assert not list(tmp_path.iterdir())


def test_every_one_that_comes_with_kgan_has_a_card(capsys):
    from kgan import cli

    cli.list_(presets=True)
    listed = capsys.readouterr().out
    for name in presets.names():
        card = (presets.find(name) / "README.md").read_text()
        assert all(f"- {part}: " in card for part in ("Data", "Made by", "Figures", "Limits")), name
        assert name in listed
        assert presets.about(name) in listed
    assert sum(file.stat().st_size for file in Path(presets.__file__).parent.rglob("*") if file.is_file()) < 20e6


def test_a_class_knows_its_presets():
    assert "sngan-mnist" in kgan.SNGAN.presets
    assert kgan.SNGAN.presets["sngan-mnist"] == presets.about("sngan-mnist")
    assert kgan.WGAN.presets == {}
    systems = kgan.AdversarialModel.presets
    assert {"sngan-mnist", "stego-small"} <= set(systems) < set(presets.names())  # judges are no systems
    for name in kgan.SNGAN.presets:
        assert type(kgan.SNGAN.from_preset(name)) is kgan.SNGAN
    with pytest.raises(AttributeError, match=r"GAN\.presets"):
        _ = kgan.GAN((2,), seed=0).presets


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5", "about.txt", "SHA256SUMS"])
def test_what_is_too_large_is_refused_before_anything_is_built(folder, name, monkeypatch):
    monkeypatch.setattr(presets, "_LARGEST", {"config.json": 8, "SHA256SUMS": 8} if name in ("config.json", "SHA256SUMS") else {})
    monkeypatch.setattr(presets, "_LARGEST_OTHER", {"model.weights.h5": 8, "about.txt": 4}.get(name, 2**32))
    monkeypatch.setattr(keras.saving, "deserialize_keras_object", lambda *_: pytest.fail("something was built"))
    if name == "config.json":
        monkeypatch.setitem(presets._LARGEST, "SHA256SUMS", 2**20)
    with pytest.raises(ValueError, match="too large for a file of a preset"):
        presets.load(folder)


def resummed(folder, change):
    """A preset whose author wrote another configuration, with true sums."""
    config = json.loads((folder / "config.json").read_text())
    change(config)
    before = presets._sha256(folder / "config.json")
    (folder / "config.json").write_text(json.dumps(config))
    sums = folder / "SHA256SUMS"
    sums.write_text(sums.read_text().replace(before, presets._sha256(folder / "config.json")))
    return folder


def test_no_code_of_a_preset_runs(folder, tmp_path, monkeypatch):
    mark = tmp_path / "pwned"
    (tmp_path / "foreign.py").write_text(f"open({str(mark)!r}, 'w')\nclass Foreign:\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    process = {
        "module": "subprocess",
        "class_name": "Popen",
        "config": {"args": ["touch", str(mark)]},
        "registered_name": "Popen",
    }
    foreign = {"module": "foreign", "class_name": "Foreign", "config": {}, "registered_name": "mine>Foreign"}
    code = keras.saving.serialize_keras_object(keras.layers.Lambda(lambda x: x, name="code"))
    for bad, named in ((process, "Popen"), (foreign, "Foreign"), (code, "Lambda")):
        with pytest.raises(ValueError, match=r"config\.json' is not a model"):
            presets.load(resummed(folder, lambda config, bad=bad: config["config"]["layers"].append(bad)))
        resummed(folder, lambda config: config["config"]["layers"].pop())
        with pytest.raises(ValueError, match=named):
            presets.load(resummed(folder, lambda config, bad=bad: (config.update(was={**config}), config.update(bad))))
        resummed(folder, lambda config: config.update(config.pop("was")))
    assert not mark.exists()
    assert presets.load(folder).input_shape == (None, 2)


def test_any_family_is_kept_as_generate_uses_it(tmp_path):
    from kgan import runs

    model = kgan.GAN((2,), seed=0)
    model.compile(averages={"generator": 0.5})
    model.fit(np.random.default_rng(0).normal(size=(64, 2)).astype("float32"), batch_size=32, verbose=0)
    samples = model.generate(5, seed=1)
    model.save_to_preset(tmp_path / "mine")
    for loaded in (kgan.GAN.from_preset(tmp_path / "mine"), runs.load(f"preset:{tmp_path / 'mine'}")):
        np.testing.assert_allclose(loaded.generate(5, seed=1), samples, atol=1e-6)
    plain = kgan.GAN((2,), seed=0)
    plain.generator.set_weights(model.generator.get_weights())
    assert np.abs(plain.generate(5, seed=1) - samples).max() > 1e-6  # averages came along
    assert presets.about(tmp_path / "mine") == "GAN"
    with pytest.raises(ValueError, match="holds a GAN, not a SNGAN"):
        kgan.SNGAN.from_preset(tmp_path / "mine")


@pytest.mark.filterwarnings("ignore:A Frechet distance of")
def test_a_run_becomes_a_preset_and_a_run_again(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    settings = runs.RunSettings("runs/first", smoke=True)

    def build(shape):
        model = kgan.GAN(shape, seed=0)
        model.compile()
        return model

    runs.train(build, settings, {"system": "gan"})
    cli.preset("runs/first", "mine")
    card = (tmp_path / "mine/README.md").read_text()
    assert card.startswith("# GAN of digits")
    assert "frechet_distance" in card
    assert "started_in" not in (tmp_path / "mine/settings.json").read_text()
    (tmp_path / "mine/README.md").write_text("# What I wrote\n")
    cli.preset("runs/first", "mine")
    assert (tmp_path / "mine/README.md").read_text() == "# What I wrote\n"
    # The usual run, if it is there; a named one; else the preset, as a run.
    assert runs.folder_of("", "runs/first", "mine") == Path("runs/first")
    assert runs.folder_of("elsewhere", "runs/first", "mine") == Path("elsewhere")
    found = runs.folder_of("", "runs/second", "mine", part="images")
    assert found == Path("runs/presets/mine")
    assert "There is no run runs/second" in capsys.readouterr().out
    assert runs.read_settings(found / "images")["dataset"] == "digits"
    expected = runs.load("runs/first").generate(3, seed=1)
    np.testing.assert_array_equal(runs.load(found / "images").generate(3, seed=1), expected)
    # Another preset of the same name takes its place.
    other = kgan.GAN((8, 8, 1), seed=5)
    presets.save(other, "elsewhere/mine")
    assert runs.folder_of("preset:elsewhere/mine", "runs/second", part="images") == found
    np.testing.assert_array_equal(runs.load(found / "images").generate(3, seed=1), other.generate(3, seed=1))
    with pytest.raises(ValueError, match="no preset 'nobody'"):
        runs.folder_of("preset:nobody", "runs/second", "mine")
    with pytest.raises(FileNotFoundError, match="no run runs/second, and no preset"):
        runs.folder_of("", "runs/second")
    cli.evaluate("preset:mine", count=32)
    assert "frechet_distance" in capsys.readouterr().out


def test_follow_ups_of_applications_name_presets_that_come_along():
    applications = Path(__file__).parents[1] / "applications"
    named = {
        name
        for path in applications.rglob("*.py")
        for name in re.findall(r'folder_of\(\w+, "[^"]+", "([^"]+)"', path.read_text())
    }
    assert len(named) >= 7
    assert named <= set(presets.names())
    for name in named:
        assert presets.further_file(name, "settings.json").is_file()
