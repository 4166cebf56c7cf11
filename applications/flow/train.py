"""Train a network of optical flow from few labeled pairs (Lai, Huang, Yang 2017).

The defaults learn from 64 labeled pairs of warped photos and from unlabeled crops of a real scene. Your own frames, a video
or a folder of them, as the unlabeled part:

    python applications/flow/train.py --video film.mp4 --shrink 4 --output runs/film-flow
"""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

import kgan
from kgan import runs


def scene(size, count, seed):
    """Crops of the motorcycle's left half as unlabeled pairs, of its right one with the true flow."""
    pair, flow = kgan.datasets.motorcycle()
    rng, height, width = np.random.default_rng(seed), *pair.shape[1:3]
    if size > min(height, width // 2 + 2):
        raise ValueError(
            f"Crops of {size} pixels do not fit into half of the scene, {height}x{width // 2 + 2}. Choose a smaller --frame-size."
        )

    def crops(count, first, last):
        places = [(int(rng.integers(height - size + 1)), int(rng.integers(first, last - size + 1))) for _ in range(count)]
        return [np.stack([part[0, y : y + size, x : x + size] for y, x in places]) for part in (pair, flow)]

    return crops(count, 0, width // 2 + 2)[0], crops(64, width - width // 2 - 2, width)


def labeled_files(folder, size, channels, seed, count):
    """Crops of `NAME_img1`, `NAME_img2`, `NAME_flow.flo` (FlyingChairs) with their flow."""
    rng, pairs, flows, known = np.random.default_rng(seed), [], [], []
    files = sorted(Path(folder).glob("*_flow.flo"))
    if not files:
        raise ValueError(f"{folder!r} holds no NAME_flow.flo.")
    for index in range(count):
        file = files[index % len(files)]
        flow, valid = kgan.datasets.read_flow(file)
        stem = file.name.removesuffix("_flow.flo")
        frames = []
        for part in ("img1", "img2"):
            found = sorted(file.parent.glob(f"{stem}_{part}.*"))
            if not found:
                raise ValueError(f"There is no {stem}_{part} beside {file}.")
            frames.append(kgan.images.read_pixels(found[0], channels).astype("float32") / 127.5 - 1.0)
        if any(frame.shape[:2] != flow.shape[:2] for frame in frames) or min(flow.shape[:2]) < size:
            raise ValueError(
                f"{file} is {flow.shape[:2]}, its frames are {[f.shape[:2] for f in frames]}; crops have {size} pixels."
            )
        y, x = (int(rng.integers(n - size + 1)) for n in flow.shape[:2])
        cut = np.s_[y : y + size, x : x + size]
        pairs.append(np.concatenate([frame[cut] for frame in frames], axis=-1))
        flows.append(flow[cut])
        known.append(valid[cut])
    return kgan.datasets.flow_examples(np.stack(pairs), np.stack(flows), np.stack(known))


@runs.options(
    without=("average", "cache", "dataset", "extractor", "held_out", "image_size", "keep", "passes", "resize", "strategy"),
    output="runs/flow",
    epochs=48,
    batch_size=8,
    picture_every=8,
)
def main(
    settings: runs.RunSettings,
    about: dict[str, Any],
    labeled: Annotated[str, typer.Option(help="a folder as FlyingChairs' data/; default: warped photos of scikit-image")] = "",
    video: Annotated[
        str, typer.Option(help="unlabeled frames: a video, .npy or folder; default: a real scene of scikit-image")
    ] = "",
    labels: Annotated[int, typer.Option(min=8, help="labeled pairs")] = 64,
    unlabeled: Annotated[int, typer.Option(min=8, help="unlabeled pairs of an epoch")] = 256,
    frame_size: Annotated[int, typer.Option(min=8, help="pixels of the crops trained on")] = 32,
    channels: Annotated[int, typer.Option(help="1 or 3; the embedded data are gray")] = 1,
    shrink: Annotated[int, typer.Option(min=1, help="average the video's frames over squares of so many pixels")] = 1,
    architecture: Annotated[str, typer.Option(help="small or pyramid")] = "small",
    adversarial_weight: Annotated[float, typer.Option(min=0, help="0: the labels alone")] = 0.05,
):
    """Train and write flow in colors, figures, checkpoints and the model to a folder."""
    held_out = []

    def data():
        if labeled:
            examples = labeled_files(labeled, frame_size, channels, settings.seed, labels)
        else:
            pairs, flow = kgan.datasets.warped_pairs(labels, frame_size, shrink=4, shift=(5.0, 1.5), seed=settings.seed)
            examples = kgan.datasets.flow_examples(pairs.repeat(channels, axis=-1), flow)
        if video:
            clips = kgan.datasets.moving_clips(
                kgan.datasets.read_video(video, channels, shrink), unlabeled + 64, 2, frame_size, 0.0005, 0.3, settings.seed
            )
            others = np.concatenate([clips[:, 0], clips[:, 1]], axis=-1)
            # Crops of the same film: other places and times, not other scenes.
            held_out[:], others = [others[unlabeled:], None], others[:unlabeled]
        else:
            others, (test, truth) = scene(frame_size, unlabeled, settings.seed)
            others, test = (part.repeat(channels, axis=-1) for part in (others, test))
            held_out[:] = [test, truth]
        return kgan.datasets.unpaired(
            {"labeled": examples, "unlabeled": others}, settings.batch_size, seed=settings.seed
        ), others.shape[1:]

    def build(shape):
        model = kgan.FlowGAN(
            (*shape[:2], channels), architecture=architecture, adversarial_weight=adversarial_weight, seed=settings.seed
        )
        model.compile()
        return model

    def sample(model, count, _):
        pairs = held_out[0][:count]
        return model.flow(pairs[..., :channels], pairs[..., channels:])

    def measure(_, flow):
        pairs, truth = held_out
        warped = kgan.layers.warp(pairs[: len(flow), ..., channels:], flow)
        error = float(np.abs(pairs[: len(flow), ..., :channels] - np.asarray(warped)).mean() / 2)
        if truth is None:
            return {"warp_error": error}
        return {"warp_error": error, "end_point_error": kgan.metrics.mean_end_point_error(flow, truth[: len(flow)])}

    def draw(path, flow, title):
        pairs, truth = held_out
        kgan.pictures.save_flow(path, pairs[:6, ..., :channels], flow[:6], None if truth is None else truth[:6], title)

    runs.guarded(lambda: runs.train(build, settings, about, data, measure, draw, sample))


if __name__ == "__main__":
    typer.run(main)
