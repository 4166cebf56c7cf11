"""Predict the next frames of a clip with a trained predictor (Bhattacharjee and Das 2017), into a GIF.

python applications/video/predict.py runs/video --video film.mp4 --shrink 4 --frames 8
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

import kgan
from kgan import runs


def main(
    run: Annotated[
        str,
        typer.Argument(
            help="folder of a run of train.py, or a .keras file; default runs/video, or the preset where that is not there"
        ),
    ] = "",
    video: Annotated[str, typer.Option(help="a video file, a .npy file or a folder of frames; default: a pan over a photo")] = "",
    output: Annotated[
        str, typer.Option(help="the GIF; a PNG of the frames is written beside it; default predicted.gif in the run")
    ] = "",
    frames: Annotated[int, typer.Option(min=1, help="frames to predict")] = 8,
    start: Annotated[int, typer.Option(min=0, help="first frame seen")] = 0,
    top: Annotated[int | None, typer.Option(min=0, help="upper edge of the square cut out; default the middle")] = None,
    left: Annotated[int | None, typer.Option(min=0, help="its left edge")] = None,
    shrink: Annotated[int, typer.Option(min=1, help="average frames over squares of so many pixels first")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="of the pan over a photo")] = 0,
):
    """Write what was seen and what is predicted after it; and, where the video goes on, the frames that came."""

    def work():
        home = runs.folder_of(run, "runs/video", "video-pans")
        model = runs.load(home, kgan.VideoPredictor)
        path = runs.file_beside_picture(output, (home if home.is_dir() else Path()) / "predicted.gif", ".gif")
        height, width, channels = model.frame_shape
        wanted = model.past_frames + frames
        if video:
            film = kgan.datasets.read_video(video, channels, shrink, most=start + wanted)[start:]
            if len(film) < model.past_frames or film.shape[1] < height or film.shape[2] < width:
                raise ValueError(
                    f"The model sees {model.past_frames} frames of {height}x{width} pixels; {video!r} has {len(film)} of "
                    f"{film.shape[1]}x{film.shape[2]} from frame {start} on. Try a smaller --shrink or --start."
                )
            y = (film.shape[1] - height) // 2 if top is None else top
            x = (film.shape[2] - width) // 2 if left is None else left
            clip = film[:, y : y + height, x : x + width]
            if clip.shape[1:3] != (height, width):
                raise ValueError(f"--top {y} and --left {x} leave the frame, {film.shape[1]}x{film.shape[2]} pixels.")
        else:
            clip = kgan.datasets.panning_clips(1, wanted, height, "test", seed)[0].repeat(channels, axis=-1)
        past = clip[None, : model.past_frames]
        predicted = model.predict_frames(past, frames)
        shown = np.concatenate([past[0], predicted[0]]).repeat(4, axis=1).repeat(4, axis=2)
        kgan.pictures.save_animation(path, shown, 150)
        truth = clip[None, model.past_frames : wanted]
        known = truth.shape[1] == frames
        title = f"{type(model).__name__}: {frames} frames after {model.past_frames}"
        kgan.pictures.save_clips(path.with_suffix(".png"), past, predicted, truth if known else None, title)
        if known:
            psnr = kgan.metrics.prediction_report(past, truth, predicted)["psnr"]
            print("decibels frame by frame: " + ", ".join(f"{value:.1f}" for value in psnr))
        print(f"{frames} frames after {model.past_frames} in {path} and {path.with_suffix('.png')}")

    runs.guarded(work)


if __name__ == "__main__":
    typer.run(main)
