"""The command lines of applications/transfer: two folders of pictures, the transfer of a third, and what they refuse."""

import json

import numpy as np
import pytest

import kgan
from tests.applications.programs import Application

pytestmark = [pytest.mark.only("tensorflow"), pytest.mark.slow]  # whole programs
application = Application("transfer")
SMALL = {"image_size": 8, "feature_width": 0.05, "filters": 2, "smoke": True}


@pytest.fixture
def folders(tmp_path, rng):
    from PIL import Image

    for domain, mode in (("photos", "RGB"), ("drawings", "L")):
        for name in ("cats", "dogs"):
            place = tmp_path / domain / name
            place.mkdir(parents=True)
            for index in range(40):
                pixels = rng.integers(0, 256, (12, 10, 3) if mode == "RGB" else (12, 10)).astype("uint8")
                Image.fromarray(pixels, mode).save(place / f"{index}.png")
    return tmp_path


def test_train_on_two_folders_and_transfer_a_third(folders, capsys):
    run, made = folders / "run", folders / "made"
    application("train")(output=str(run), source=str(folders / "photos"), target=str(folders / "drawings"), gray=True, **SMALL)
    figures = json.loads((run / "metrics.json").read_text())
    assert {"accuracy", "accuracy_without_transfer", "transferred_std", "generator/constancy"} <= set(figures)
    assert (run / "samples.png").is_file()
    application("transfer")(run=str(run), photos=str(folders / "photos"), output=str(made))
    assert len(list(made.glob("*/*.png"))) == 80  # in the subfolders of cats and dogs
    assert kgan.images.read_image(made / "cats" / "0.png", None, 1).shape == (8, 8, 1)
    assert "80 pictures" in capsys.readouterr().out


def test_refine_a_folder_into_a_labeled_one(folders):
    run, made = folders / "run", folders / "made"
    small = {"image_size": 8, "filters": 2, "blocks": 1, "code_size": 3, "gray": True, "smoke": True}
    application("refine")(output=str(run), simulated=str(folders / "drawings"), real=str(folders / "photos"), **small)
    figures = json.loads((run / "metrics.json").read_text())
    assert {"accuracy", "accuracy_without_refinement", "change", "discriminator/ratio", "generator/pose"} <= set(figures)
    application("transfer")(run=str(run), photos=str(folders / "drawings"), output=str(made))
    pictures, labels = kgan.datasets.folders.folder_arrays(made, channels=1)
    assert (pictures.shape, np.bincount(labels).tolist()) == ((80, 8, 8, 1), [40, 40])


def test_refine_demonstrates_on_glyphs(tmp_path):
    application("refine")(output=str(tmp_path / "run"), image_size=8, glyphs=64, dense=4, smoke=True)
    assert (tmp_path / "run" / "samples.png").is_file()


def test_what_is_refused(folders, capsys):
    cats = str(folders / "photos" / "cats")
    assert "Give both folders" in application.refused(capsys, "train", output=str(folders / "a"), source=cats, **SMALL)
    assert "no subfolder a class" in application.refused(
        capsys, "train", output=str(folders / "b"), source=cats, target=cats, **SMALL
    )


def test_what_refine_refuses(folders, capsys):
    drawings, cats = str(folders / "drawings"), str(folders / "photos" / "cats")
    assert "Give both folders" in application.refused(capsys, "refine", output=str(folders / "a"), real=drawings, smoke=True)
    assert "the same subfolders" in application.refused(
        capsys, "refine", output=str(folders / "b"), simulated=drawings, real=cats, smoke=True
    )


def test_classes_follow_subfolders(folders):
    module = application.module("train")
    images, classes, names = module.folder_of(str(folders / "drawings"), 8, 1)
    assert len(names) == 2
    assert "cats" in names
    assert (images.shape, np.bincount(classes).tolist()) == ((80, 8, 8, 1), [40, 40])
    assert module.folder_of(str(folders / "drawings" / "cats"), 8, 1)[1] is None
