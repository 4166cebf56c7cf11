"""Clips: what is read from files and folders, which crops move, pans at one speed; figures of predictions."""

import numpy as np
import pytest
from PIL import Image

import kgan
from kgan.datasets import moving_clips, panning_clips, read_video


@pytest.fixture
def pixels(rng):
    return rng.integers(0, 256, (5, 12, 10, 3)).astype("uint8")


def test_a_folder_and_an_array_are_one_video(tmp_path, pixels):
    for index, frame in enumerate(pixels):
        Image.fromarray(frame).save(tmp_path / f"{index:03d}.png")
    np.save(tmp_path / "video.npy", pixels)
    expected = pixels.astype("float32") / 127.5 - 1.0
    with pytest.warns(UserWarning, match="no picture"):
        np.testing.assert_allclose(read_video(tmp_path, channels=3), expected, atol=1e-6)
    np.testing.assert_allclose(read_video(tmp_path / "video.npy", channels=3), expected, atol=1e-6)
    assert len(read_video(tmp_path / "video.npy", most=2)) == 2
    gray = read_video(tmp_path / "video.npy")
    assert gray.shape == (5, 12, 10, 1)
    np.testing.assert_allclose(gray, (expected @ [0.299, 0.587, 0.114])[..., None], atol=0.006)
    shrunk = read_video(tmp_path / "video.npy", channels=3, shrink=4)
    np.testing.assert_allclose(shrunk[:, 0, 0], expected[:, :4, :4].mean(axis=(1, 2)), atol=1e-5)
    assert shrunk.shape == (5, 3, 2, 3)


def test_a_film_is_decoded(tmp_path):
    av = pytest.importorskip("av")
    path = tmp_path / "film.mp4"
    frames = np.stack([np.full((32, 48, 3), 40 * t, "uint8") for t in range(6)])
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    found = read_video(path)
    assert found.shape == (6, 32, 48, 1)
    assert np.diff(found.mean(axis=(1, 2, 3))).min() > 0.2
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match="not a video"):
        read_video(path)


def test_files_that_are_no_video_are_refused(tmp_path, pixels):
    np.save(tmp_path / "flat.npy", pixels[0])
    with pytest.raises(ValueError, match="must be uint8"):
        read_video(tmp_path / "flat.npy")
    (tmp_path / "odd.npy").write_bytes(b"\x93NUMPY\x01")
    with pytest.raises(ValueError, match="a video"):
        read_video(tmp_path / "odd.npy")
    with pytest.raises(FileNotFoundError):
        read_video(tmp_path / "none.npy")
    folder = tmp_path / "frames"
    folder.mkdir()
    for name, frame in (("a", pixels[0]), ("b", pixels[1, :6])):
        Image.fromarray(frame).save(folder / f"{name}.png")
    with pytest.raises(ValueError, match="differ in size"):
        read_video(folder)
    np.save(tmp_path / "video.npy", pixels)
    with pytest.raises(ValueError, match="cannot be averaged"):
        read_video(tmp_path / "video.npy", shrink=20)
    with pytest.raises(ValueError, match="1 or 3"):
        read_video(tmp_path / "video.npy", channels=2)


def test_crops_move_in_every_step_and_hold_no_cut(rng):
    video = np.zeros((20, 16, 24, 1), "float32")
    for t in range(20):  # a square that moves in the left half; a cut in the middle
        video[t, 4:8, t % 8 : t % 8 + 4] = 1.0
    video[10:] *= -1.0
    video[10:, ..., 12:, :] = 1.0
    clips = moving_clips(video, 10, frames=4, size=8, least=0.01, most=0.3)
    steps = np.square(np.diff(clips, axis=1)).mean(axis=(2, 3, 4))
    assert clips.shape == (10, 4, 8, 8, 1)
    assert (steps > 0.01).all()
    assert (steps < 0.3).all()
    np.testing.assert_array_equal(clips, moving_clips(video, 10, frames=4, size=8, least=0.01, most=0.3))
    with pytest.raises(ValueError, match="Too little moves"):
        moving_clips(np.zeros_like(video), 1, frames=4, size=8)
    with pytest.raises(ValueError, match="longer or larger"):
        moving_clips(video, 1, frames=30, size=8)


def test_pans_go_at_one_speed_over_photos_apart():
    clips = panning_clips(4, frames=4, size=16, seed=3, speed=(2.0, 2.0))
    assert clips.shape == (4, 4, 16, 16, 1)
    assert np.abs(clips).max() <= 1.0
    assert (np.square(np.diff(clips, axis=1)).mean(axis=(2, 3, 4)) > 0).all()
    np.testing.assert_array_equal(clips, panning_clips(4, frames=4, size=16, seed=3, speed=(2.0, 2.0)))
    assert not np.array_equal(clips, panning_clips(4, frames=4, size=16, seed=3, speed=(2.0, 2.0), split="test"))
    with pytest.raises(ValueError, match="leave the photo"):
        panning_clips(1, frames=200)
    with pytest.raises(ValueError, match="one of"):
        panning_clips(1, split="validation")


def test_figures_of_predictions_beside_the_copy():
    clips = panning_clips(6, frames=6, size=16)
    past, future = clips[:, :4], clips[:, 4:]
    perfect = kgan.metrics.prediction_report(past, future, future)
    still = kgan.metrics.prediction_report(past, future, past[:, -1:].repeat(2, axis=1))
    assert perfect["psnr"] == [100.0, 100.0]
    assert perfect["sharpness"] == [1.0, 1.0]
    assert still["psnr"] == still["copy_psnr"] == perfect["copy_psnr"]
    assert still["score"][0] == pytest.approx(1.0, abs=1e-3)  # the copy of the frame before is found everywhere
    assert perfect["score"][0] < 0.97
    with pytest.raises(ValueError, match="do not fit"):
        kgan.metrics.prediction_report(past, future, future[:, :1])
