"""Presets with further files: written and summed with the model, refused where they were exchanged."""

from pathlib import Path

import keras
import pytest

from kgan import presets


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


@pytest.mark.parametrize("name", ["config.json", "SHA256SUMS", "a/b.txt", "", "..", "-x"])
def test_names_of_further_files(name, tmp_path):
    with pytest.raises(ValueError, match="plain names"):
        presets.save(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]), tmp_path, {name: lambda path: None})
    assert not list(tmp_path.iterdir())
