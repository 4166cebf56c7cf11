"""Train a predictor of video frames (Bhattacharjee and Das 2017, "Temporal coherency based criteria").

The defaults learn windows that pan over photos of scikit-image, on two CPU cores. Your own video, or a folder of them:

    python applications/video/train.py --video film.mp4 --shrink 4 --output runs/film
"""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

import kgan
from kgan import runs

LAST = 0.2
"""Share of a video's frames, its last ones, that figures are taken of."""


def clips_of(videos, count, frames, size, seed):
    """Crops of videos, as many from each, to train on and to test on."""
    parts = []
    for index, video in enumerate(videos):
        cut = int(len(video) * (1 - LAST))
        each = -(-count // len(videos))
        parts.append(
            [
                kgan.datasets.moving_clips(part, n, frames, size, seed=seed + index)
                for part, n in ((video[:cut], each), (video[cut:], max(1, each // 5)))
            ]
        )
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))


def files_of(path):
    """The video at a path, or those in a folder; a folder of pictures is one video."""
    path = Path(path)
    if not path.is_dir():
        return [path]
    inside = sorted(p for p in path.iterdir() if not p.name.startswith("."))
    films = [p for p in inside if p.is_dir() or p.suffix.lower() not in kgan.images.suffixes()]
    return films or [path]


@runs.options(
    without=("average", "cache", "dataset", "extractor", "held_out", "image_size", "keep", "passes", "resize", "strategy"),
    output="runs/video",
    epochs=10,
    batch_size=8,
    picture_every=1,
)
def main(
    settings: runs.RunSettings,
    about: dict[str, Any],
    video: Annotated[
        str, typer.Option(help="a video file, a .npy file, a folder of frames or of videos; default: pans over photos")
    ] = "",
    frame_size: Annotated[int, typer.Option(min=8, help="pixels of the squares cut out; a multiple of 8")] = 32,
    channels: Annotated[int, typer.Option(help="1 or 3")] = 1,
    shrink: Annotated[int, typer.Option(min=1, help="average frames over squares of so many pixels first")] = 1,
    clips: Annotated[int, typer.Option(min=8, help="clips of an epoch")] = 1200,
    past_frames: Annotated[int, typer.Option(min=2, help="frames seen")] = 4,
    future_frames: Annotated[int, typer.Option(min=1, help="frames predicted at once")] = 2,
    architecture: Annotated[str, typer.Option(help="small or paper")] = "small",
    smooth: Annotated[bool, typer.Option("--smooth", help="the smoothed correlation loss")] = False,
):
    """Train and write predictions beside what came, figures beside those of the copy, checkpoints and the model to a folder."""
    held_out = []

    def data():
        frames = past_frames + future_frames
        if video:
            films = [kgan.datasets.read_video(file, channels, shrink) for file in files_of(video)]
            train, test = clips_of(films, clips, frames, frame_size, settings.seed)
        else:
            train, test = (
                kgan.datasets.panning_clips(n, frames, frame_size, split, settings.seed)
                for n, split in ((clips, "train"), (200, "test"))
            )
            train, test = (part.repeat(channels, axis=-1) for part in (train, test))
        held_out[:] = [test[:, :past_frames], test[:, past_frames:]]
        return train, train.shape[1:]

    def build(shape):
        model = kgan.VideoPredictor(
            shape[1:],
            past_frames=past_frames,
            future_frames=future_frames,
            architecture=architecture,
            smooth=smooth,
            seed=settings.seed,
        )
        model.compile()
        return model

    def sample(model, count, _):
        return model.predict_frames(held_out[0][:count])

    def measure(_, predicted):
        past, future = (part[: len(predicted)] for part in held_out)
        report = kgan.metrics.prediction_report(past, future, predicted)
        return {f"{name}_{t + 1}": value for name, values in report.items() for t, value in enumerate(values)}

    def draw(path, predicted, title):
        shown = predicted[:6]
        kgan.pictures.save_clips(path, held_out[0][: len(shown)], shown, held_out[1][: len(shown)], title)

    runs.guarded(lambda: runs.train(build, settings, about, data, measure, draw, sample))


if __name__ == "__main__":
    typer.run(main)
