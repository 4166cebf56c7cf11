"""The command lines of applications/steganography, from training to the table of detectors, and what they refuse."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

import kgan

pytestmark = [pytest.mark.only("tensorflow"), pytest.mark.slow]  # whole programs
FOLDER = Path(__file__).parents[2] / "applications" / "steganography"


@pytest.fixture
def application(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))

    def load(name):
        spec = importlib.util.spec_from_file_location(f"steganography_{name}", FOLDER / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def write_pgm(path, pixels):
    path.write_bytes(b"P5\n# a comment\n%d %d\n255\n" % pixels.shape[::-1] + pixels.tobytes())


@pytest.fixture
def bossbase(tmp_path):
    folder = tmp_path / "BOSSbase"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(1, 9):
        write_pgm(folder / f"{number}.pgm", rng.integers(0, 256, (72, 64)).astype("uint8"))
    return f"bossbase:{folder}"


def test_train_write_a_preset_and_evaluate(application, bossbase, tmp_path, capsys):
    run, preset = tmp_path / "run", tmp_path / "preset"
    application("train").main(output=str(run), data=bossbase, image_size=16, tiles=8, smoke=True, preset=str(preset))
    figures = json.loads((run / "metrics.json").read_text())
    assert {"bit_accuracy", "psnr", "ssim", "eve_accuracy", "alice_bob/message", "eve/adversarial"} <= set(figures)
    assert figures["bits_per_value"] == 0.125
    assert figures["psnr"] >= 36.0
    assert (run / "samples.png").is_file()
    assert kgan.presets.fingerprint(preset) in capsys.readouterr().out
    options = {"data": bossbase, "tile": 16, "tiles": 6, "payloads": [0.4], "smoke": True}
    application("evaluate").main(str(preset), output=str(tmp_path / "found"), **options)
    found = json.loads((tmp_path / "found" / "metrics.json").read_text())
    assert 0 <= found["bit_error_rate"] <= 1
    embedders = ["LSB replacement", "LSB matching", "HILL", "WOW", "S-UNIWARD"]
    assert list(found["detection"]) == ["this model", *embedders]
    assert {payload: list(rows) for payload, rows in found["by_payload"].items()} == {"0.4": embedders}
    # 3.2 times the bits change 3.2 times the pixels by one: 5 dB, and somewhat more where few pixels are cheap.
    for method in embedders:
        assert found["detection"][method]["psnr"] - found["by_payload"]["0.4"][method]["psnr"] >= 4.5
    assert (tmp_path / "found" / "payloads.png").is_file()
    assert all(0 <= row["trained CNN"] <= 1 for row in found["detection"].values())
    assert {"Eve of the game", "Bob's sureness"} <= set(found["detection"]["this model"])
    # The file holds what was hidden: the count is of what was read back from it.
    from PIL import Image

    with Image.open(tmp_path / "found" / "stego-7.png") as image:
        assert image.mode == "L"
        assert image.size == (64, 72)
    assert (tmp_path / "found" / "evaluation.png").is_file()
    assert (tmp_path / "found" / "detection.png").is_file()


def test_photos_of_one_name_are_two_photos_and_stand_as_a_viewer_shows_them(application, tmp_path):
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = np.random.default_rng(0).integers(0, 256, (4, 20, 30, 3)).astype("uint8")
    for index, name in enumerate(("a/1.png", "b/1.png", "1.png", "1.bmp")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(pixels[index]).save(tmp_path / name, **({"exif": exif} if name == "a/1.png" else {}))
    trained, judged = application("cover_sources").photos_of(f"folder:{tmp_path}", 3, None)
    found = {**trained, **judged}
    assert set(found) == {"1", "1.png", "a-1", "b-1"}
    np.testing.assert_array_equal(found["a-1"], np.rot90(pixels[0], -1))
    np.testing.assert_array_equal(found["b-1"], pixels[1])


def test_the_papers_networks_on_colors(application, tmp_path):
    folder, run = tmp_path / "photos", tmp_path / "run"
    folder.mkdir()
    for name in "abcd":
        kgan.pictures.save_image(folder / f"{name}.png", np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype("uint8"))
    data = f"folder:{folder}"
    application("train").main(output=str(run), data=data, residual=False, image_size=8, bits=6, batch_size=8, smoke=True)
    assert json.loads((run / "metrics.json").read_text())["bits_per_value"] == 6 / 192
    evaluate = application("evaluate")
    embedder = evaluate.Embedder(evaluate.load(str(run)), 0)
    photo = np.random.default_rng(1).integers(0, 256, (19, 26, 3)).astype("uint8")
    stego, bits = embedder.hide(photo)
    assert bits.shape == (2 * 3, 6)
    np.testing.assert_array_equal(stego[16:], photo[16:])  # the border is left alone
    np.testing.assert_array_equal(stego[:, 24:], photo[:, 24:])
    assert (stego[:16, :24] != photo[:16, :24]).mean() > 0.5
    tiles, together = embedder._tiles(photo)
    np.testing.assert_array_equal(together(tiles), photo[:16, :24])
    np.testing.assert_array_equal(tiles[4], photo[8:16, 8:16])


def jpeg(path, pixels):
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, quality=90)
    with Image.open(path) as image:
        return np.asarray(image)


def test_decoded_jpeg_files_and_celeba_are_covers(application, tmp_path, rng):
    photos_of = application("cover_sources").photos_of
    decoded = [jpeg(tmp_path / "photos" / f"{n}.jpg", rng.integers(0, 256, (24, 30, 3)).astype("uint8")) for n in range(3)]
    (tmp_path / "photos" / "3.jpg").write_bytes(b"no picture")
    with pytest.warns(UserWarning, match=r"1 of 4 image files .* cannot be read: 3\.jpg"):
        fitted, judged = photos_of(f"folder:{tmp_path / 'photos'}", 3, None)
    assert (list(fitted), list(judged)) == (["0"], ["1", "2"])
    for photo, pixels in zip([*fitted.values(), *judged.values()], decoded, strict=True):
        np.testing.assert_array_equal(photo, pixels)
    root = tmp_path / "celeba"
    faces = [rng.integers(0, 256, (218, 178, 3)).astype("uint8") for _ in range(6)]
    files = [f"{number:06}.jpg" for number in range(1, 7)]
    decoded = [jpeg(root / "img_align_celeba" / file, face) for file, face in zip(files, faces, strict=True)]
    (root / "list_attr_celeba.txt").write_text("6\nMale\n" + "".join(f"{file}  1\n" for file in files))
    (root / "list_eval_partition.txt").write_text("".join(f"{file} {2 * (n > 1)}\n" for n, file in enumerate(files)))
    fitted, judged = photos_of(f"celeba:{root}", 3, None)
    assert (len(fitted), len(judged)) == (2, 2)  # of the test split, the last four
    np.testing.assert_array_equal(fitted["face-1"], decoded[2][20:198])
    small, _ = photos_of(f"celeba:{root}", 1, None, 32)
    assert small["face-1"].shape == (32, 32, 1)
    games = application("cover_sources").tiles_of(f"celeba:{root}", 32, 3, None, None, 0)[1]
    np.testing.assert_array_equal(photos_of(f"celeba:{root}", 3, None, 32)[0]["face-1"], games[0])
    with pytest.raises(ValueError, match="needs two photos or more"):
        photos_of(f"celeba:{root}", 3, 1)


def test_the_papers_networks_judged_on_faces(application, tmp_path, rng, capsys):
    root, run = tmp_path / "celeba", tmp_path / "run"
    files = [f"{number:06}.jpg" for number in range(1, 13)]
    for file in files:
        jpeg(root / "img_align_celeba" / file, rng.integers(0, 256, (218, 178, 3)).astype("uint8"))
    (root / "list_attr_celeba.txt").write_text("12\nMale\n" + "".join(f"{file} -1\n" for file in files))
    (root / "list_eval_partition.txt").write_text("".join(f"{file} {2 * (n > 3)}\n" for n, file in enumerate(files)))
    data = f"celeba:{root}"
    application("train").main(output=str(run), data=data, residual=False, image_size=16, bits=8, batch_size=2, smoke=True)
    with pytest.raises(SystemExit):
        application("evaluate").main(str(run), data=data, limit=4, smoke=True)
    assert "four tiles or more" in capsys.readouterr().err
    application("evaluate").main(str(run), data=data, smoke=True)
    found = json.loads((run / "evaluation" / "metrics.json").read_text())
    assert (found["photos"], found["tiles_judged"]) == (4, 4)
    assert {"Eve of the game", "trained CNN"} <= set(found["detection"]["this model"])


def test_what_is_refused(application, tmp_path, capsys):
    def refused(name, *args, **kwargs):
        with pytest.raises(SystemExit) as stopped:
            application(name).main(*args, **kwargs)
        assert stopped.value.code == 2
        return capsys.readouterr().err

    out = str(tmp_path / "run")
    assert "--data must be" in refused("train", output=out, data="mnist", smoke=True)
    assert "There is no folder" in refused("train", output=out, data="bossbase:none", smoke=True)
    assert "multiples of the block" in refused("train", output=out, image_size=18, smoke=True)
    assert "There is no model file" in refused("evaluate", str(tmp_path / "none"))
    assert "Give --output" in refused("evaluate", "stego-small")
    assert "not a SteganographyGAN" in refused("evaluate", _other(tmp_path), output=out)


def _other(folder):
    kgan.presets.save(kgan.GAN((2,), seed=0), folder / "gan")
    return str(folder / "gan")
