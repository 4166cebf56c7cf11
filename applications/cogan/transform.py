"""Transform images of one domain to the other with trained coupled GANs (Liu and Tuzel 2016, 1606.07536), by a search for their latents.

python applications/cogan/transform.py runs/cogan
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
        typer.Argument(help="folder of a finished run of train.py; default runs/cogan, or the preset where that is not there"),
    ] = "",
    output: Annotated[str, typer.Option(help="the picture; default transform.png in the folder of the run")] = "",
    images: Annotated[
        str, typer.Option(help="a folder of images; default images of the domain that the run was trained on")
    ] = "",
    reverse: Annotated[bool, typer.Option("--reverse", help="from the second domain to the first")] = False,
    count: Annotated[int, typer.Option(min=1, help="images")] = 10,
    restarts: Annotated[int, typer.Option(min=1, help="searches for every image, of which the best counts")] = 4,
    steps: Annotated[int, typer.Option(min=1, help="steps of a search")] = 200,
    seed: Annotated[int, typer.Option(help="of the starting points and of the choice of images")] = 0,
):
    """Draw, one below the other: the images, what the generator of their domain makes of the latents found, and their transforms."""

    def work():
        folder = runs.folder_of(run, "runs/cogan", "cogan-digits")
        model = runs.load(folder, kgan.CoGAN)
        about = runs.read_settings(folder)
        first, second = reversed(model.domains) if reverse else model.domains
        given = examples(model, first, about)[:count]
        latents, errors = model.invert(given, first, restarts=restarts, steps=steps, seed=seed)
        made = model.predict(latents, verbose=0)
        path = Path(output) if output else folder / "transform.png"
        rows = {first: given, f"{first}, found": made[first], f"{second}, made": made[second]}
        kgan.pictures.save_rows(path, rows, f"{runs.title_of(model, about['dataset'])}: {first} to {second}", clip=True)
        print(
            f"{first} to {second}: mean squared error of the search {errors.mean():.4g} (from {errors.min():.4g} to {errors.max():.4g})"
        )
        change = kgan.datasets.CHANGES.get(about["pair"])
        if change is not None:
            pair = (given, made[second]) if not reverse else (made[second], given)
            print(f"pixels that agree with the true transform: {kgan.metrics.pixel_agreement(change(pair[0]), pair[1])[0]:.3f}")
        print(f"picture in {path}")

    def examples(model, domain, about):
        size, _, channels = model.data_shape[domain]
        if images:
            files, _ = kgan.images.find_images(images)
            pixels = [kgan.datasets.read_image(file, size, channels) for file in files[:count]]
            return np.stack(pixels).astype("float32") / 127.5 - 1.0
        domains, _ = kgan.datasets.load_domains(
            about["pair"], about["dataset"], about["image_size"], max(1, count), about["seed"]
        )
        data = domains[domain]
        if not isinstance(data, np.ndarray):
            return next(data.as_numpy_iterator())
        return data[np.random.default_rng(seed).permutation(len(data))]

    runs.guarded(work)


if __name__ == "__main__":
    typer.run(main)
