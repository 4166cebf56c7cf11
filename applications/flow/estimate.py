"""Estimate the optical flow between two pictures with a trained network (Lai, Huang, Yang 2017).

python applications/flow/estimate.py first.png second.png --run runs/flow
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

import kgan
from kgan import runs


def main(
    first: Annotated[str, typer.Argument(help="the first picture")],
    second: Annotated[str, typer.Argument(help="the second, of the same size")],
    run: Annotated[
        str,
        typer.Option(
            help="folder of a run of train.py, or a .keras file; default runs/flow, or the preset where that is not there"
        ),
    ] = "",
    output: Annotated[str, typer.Option(help="a .flo file; a PNG in colors is written beside it")] = "flow.flo",
    shrink: Annotated[int, typer.Option(min=1, help="average both pictures over squares of so many pixels first")] = 1,
):
    """Write the flow from the first picture to the second as .flo and as colors."""

    def work():
        home = runs.folder_of(run, "runs/flow", "flow-motorcycle")
        model, path = runs.load(home, kgan.FlowGAN), runs.file_beside_picture(output, Path("flow.flo"), ".flo")
        channels = model.frame_shape[-1]
        frames = [kgan.images.read_pixels(path, channels) for path in (first, second)]
        if frames[0].shape != frames[1].shape:
            raise ValueError(
                f"Both pictures must have one size. {first!r} is {frames[0].shape[:2]}, {second!r} {frames[1].shape[:2]}."
            )
        cut = [kgan.images.square_means(frame, shrink) for frame in frames]
        height, width = cut[0].shape[:2]
        pair = [(f[None] / 127.5 - 1.0).astype("float32") for f in cut]
        flow = model.flow(*pair)
        kgan.datasets.write_flow(path, flow[0])
        picture = path.with_suffix(".png")
        kgan.pictures.save_flow(picture, pair[0], flow, title=f"{Path(first).name} to {Path(second).name}")
        length = np.linalg.norm(flow, axis=-1)
        print(
            f"flow of {width}x{height} pixels in {path} and {picture}: mean length {length.mean():.2f}, largest {length.max():.2f} pixels"
        )

    runs.guarded(work)


if __name__ == "__main__":
    typer.run(main)
