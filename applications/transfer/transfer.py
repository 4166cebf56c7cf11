"""Transfer a folder of pictures with a trained domain transfer network, or refine it with a trained dual-agent GAN: a PNG of each.

python applications/transfer/transfer.py runs/transfer PHOTOS --output drawings
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

import kgan
from kgan import images, pictures, runs


def main(
    run: Annotated[str, typer.Argument(help="folder of a finished run of train.py or refine.py, or a .keras file")],
    photos: Annotated[str, typer.Argument(help="folder of pictures of the source or the simulator, or one picture")],
    output: Annotated[str, typer.Option(help="folder of the results, made if missing")] = "transferred",
):
    """Write `NAME.png` for every picture, at the model's size, in its subfolder, and an overview beside the folder."""

    def work():
        model = runs.load(run)
        if not isinstance(model, (kgan.DomainTransferNetwork, kgan.DualAgentGAN)):
            raise ValueError(f"{run!r} holds a {type(model).__name__}, not a DomainTransferNetwork or a DualAgentGAN.")
        refines = isinstance(model, kgan.DualAgentGAN)
        single, folder = Path(photos).is_file(), Path(output)
        files = [Path(photos)] if single else images.find_images(photos)[0]
        size, _, channels = model.image_shape if refines else model.source_shape
        given = np.stack([images.read_image(file, size, channels) for file in files]).astype("float32") / 127.5 - 1.0
        made = model.refine(given) if refines else model.transfer(given)
        # In the subfolders they came from, so that classes stay what they were.
        places = [Path(file.name if single else file.relative_to(photos)).with_suffix("") for file in files]
        for index, (place, one) in enumerate(zip(places, made, strict=True)):
            # Two files of one name and two kinds keep both: the place in the list tells them apart.
            name = place.name if places.count(place) == 1 else f"{place.name}-{index}"
            (folder / place.parent).mkdir(parents=True, exist_ok=True)
            pixels = pictures.image_grid(one[None], scale=1, gap=0, clip=True)
            pictures.save_image(folder / place.parent / f"{name}.png", pixels if one.shape[-1] == 3 else pixels[..., 0])
        rows = {"simulated" if refines else "source": given[:12], "refined" if refines else "transferred": made[:12]}
        overview = folder.with_name(f"{folder.name}-overview.png")  # beside: inside it would be a picture without a class
        title = f"{type(model).__name__}: the first {len(given[:12])} of {len(given)}"
        pictures.save_rows(overview, rows, title, clip=True)
        print(f"{len(made)} pictures in {folder}/, the first of them in {overview}")

    runs.guarded(work)


if __name__ == "__main__":
    typer.run(main)
