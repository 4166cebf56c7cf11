"""Command lines that cannot run: one line that says what came and what is allowed, exit code 2, and the folder stays free."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.test_cli import kgan_

pytestmark = pytest.mark.only("tensorflow")

# Arguments of `kgan train`, and words of the error.
WRONG = {
    "a word for a number": (["sngan", "--set", "width=wide"], "`width` of SNGAN must be a finite number > 0. Received: 'wide'"),
    "a list for a number": (["gan", "--set", "latent_size=[2]"], "`latent_size`"),
    "an option set as an argument": (["gan", "--set", "seed=1"], "--set takes key=value"),
    "a resumed run of no data": (["gan", "--dataset", "nowhere", "--resume"], "Unknown data set 'nowhere'"),
    "a minibatch larger than the data": (["sngan", "--batch-size", "5000", "--set", "width=0.05"], "5000"),
    "an optimizer that is none": (["gan", "--dataset", "ring", "--optimizer", "adamant"], "--optimizer 'adamant' must be"),
    "an argument of no optimizer": (["gan", "--dataset", "ring", "--optimizer", "adam,speed=3"], "--optimizer 'adam,speed=3'"),
    "an optimizer of no move": (["gan", "--dataset", "ring", "--optimizer", "critic=adam"], "the moves discriminator, generator"),
    "a rate of no move": (["gan", "--dataset", "ring", "--learning-rate", "critic=1"], "the moves discriminator, generator"),
    "a negative rate": (["gan", "--dataset", "ring", "--learning-rate", "-1"], "--learning-rate must be a number > 0"),
    "a rate that is none": (["gan", "--dataset", "ring", "--learning-rate", "generator=fast"], "must be a number > 0"),
    "an endless rate": (["gan", "--dataset", "ring", "--learning-rate", "inf"], "must be a number > 0"),
    "a precision that is none": (["gan", "--dataset", "ring", "--precision", "float8"], "float32, mixed_float16, mixed_bfloat16"),
}


@pytest.mark.parametrize("what", WRONG)
def test_the_error_is_a_line_and_the_folder_stays_free(tmp_path, what):
    arguments, message = WRONG[what]
    done = kgan_("train", *arguments, "--output", "run", "--epochs", "1", cwd=tmp_path)
    said = " ".join(done.stderr.replace("│", " ").split())
    assert (done.returncode, "Traceback" in said) == (2, False), done.stderr[-2000:]
    assert message in said
    assert not (tmp_path / "run" / "settings.json").exists()


def test_a_folder_with_pictures_of_somebody_else_stays(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").write_text("mine")
    kgan_("train", "gan", "--dataset", "nowhere", "--output", "run", cwd=tmp_path)
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["mine.txt"]


def test_a_run_that_is_there_stays_claimed(tmp_path):
    """What fails while it is resumed has trained before."""
    (tmp_path / "run").mkdir()
    settings = {"dataset": "nowhere", "system": "gan"}
    (tmp_path / "run" / "settings.json").write_text(json.dumps({"settings": settings}))
    kgan_("train", "gan", "--dataset", "nowhere", "--output", "run", "--resume", cwd=tmp_path)
    assert (tmp_path / "run" / "settings.json").exists()


def test_generate_refuses_what_has_no_pixels(tmp_path):
    import kgan

    model = kgan.GAN((2,), latent_size=2, seed=0)
    model.save(tmp_path / "points.keras")
    done = kgan_("generate", "points.keras", "--output", "single/", cwd=tmp_path)
    assert (done.returncode, "Only images" in done.stderr) == (2, True)
    assert not (tmp_path / "single").exists()


def test_a_folder_is_passed_over_several_times(tmp_path):
    from kgan import datasets

    for index in range(3):
        Image.new("L", (8, 8), index * 60).save(tmp_path / f"{index}.png")
    dataset = datasets.load(f"folder:{tmp_path}", "all", batch_size=3, passes=4)
    assert int(dataset.cardinality()) == 4
    seen = np.concatenate(list(dataset.as_numpy_iterator()))[:, 0, 0, 0]
    assert np.unique(np.rint((seen + 1) * 127.5), return_counts=True)[1].tolist() == [4, 4, 4]
    for passes in (0, 1.5):
        with pytest.raises(ValueError, match="passes"):
            datasets.load(f"folder:{tmp_path}", "all", batch_size=3, passes=passes)
        with pytest.raises(ValueError, match="passes"):
            datasets.load("digits", passes=passes)
    assert int(datasets.load("digits", batch_size=898, passes=2).cardinality()) == 2
