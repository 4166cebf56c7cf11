"""Transfer a folder of pictures with a trained domain transfer network, a PNG of each.

python applications/transfer/transfer.py runs/transfer PHOTOS --output drawings
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

import kgan
from kgan import images, pictures, runs


def main(
    run: Annotated[str, typer.Argument(help="folder of a finished run of train.py, or a .keras file")],
    photos: Annotated[str, typer.Argument(help="folder of pictures of the source, or one picture")],
    output: Annotated[str, typer.Option(help="folder of the results, made if missing")] = "transferred",
):
    """Write `NAME.png` for every picture, at the model's size, and an overview of the first."""

    def work():
        model = runs.load(run)
        if not isinstance(model, kgan.DomainTransferNetwork):
            raise ValueError(f"{run!r} holds a {type(model).__name__}, not a DomainTransferNetwork.")
        files = [Path(photos)] if Path(photos).is_file() else images.find_images(photos)[0]
        size, _, channels = model.source_shape
        given = np.stack([images.read_image(file, size, channels) for file in files]).astype("float32") / 127.5 - 1.0
        made, folder = model.transfer(given), Path(output)
        folder.mkdir(parents=True, exist_ok=True)
        names = [file.stem for file in files]
        # Two files of one name, in two subfolders or of two kinds, keep both: the place in the list tells them apart.
        names = [name if names.count(name) == 1 else f"{name}-{index}" for index, name in enumerate(names)]
        for name, one in zip(names, made, strict=True):
            pictures.save_samples(folder / f"{name}.png", one[None], clip=True)
        some = min(len(given), 12)
        rows = [part[:some].repeat(3 // part.shape[-1], axis=-1) for part in (given, made)]
        pictures.save_image(folder / "overview.png", pictures.image_grid(np.concatenate(rows), columns=some, clip=True))
        print(f"{len(made)} pictures in {folder}/, the first of them in {folder / 'overview.png'}")

    runs.guarded(work)


if __name__ == "__main__":
    typer.run(main)
