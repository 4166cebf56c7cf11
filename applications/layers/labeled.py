"""Write labeled pictures of a trained RenderGAN: a data set that nobody labeled, for any program that reads PNG files and a table.

    python applications/layers/labeled.py runs/tags --count 10000 --output labeled

`labels.csv` has a line a picture: its file in `images/`, its bits, and the other numbers of its label in [-1, 1].
`kgan.datasets.labeled_images` reads it.
"""

from pathlib import Path
from typing import Annotated

import typer

import kgan
from kgan import pictures, runs
from kgan.files import write_csv
from kgan.layers.tags import POSE


def main(
    run: Annotated[
        str,
        typer.Argument(
            help="folder of a finished run of tags.py, or a .keras file; default runs/tags, or the preset where that is not there"
        ),
    ] = "",
    output: Annotated[str, typer.Option(help="folder, made if missing")] = "labeled",
    count: Annotated[int, typer.Option(min=1, help="pictures")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="of the latents")] = 0,
):
    """Write pictures and labels, and an overview of the first."""

    def work():
        home = runs.folder_of(run, "runs/tags", "rendergan-tags")
        model, folder = runs.load(home, kgan.RenderGAN), Path(output)
        if folder.exists() and any(folder.iterdir()):
            raise FileExistsError(f"{output!r} is not empty; give another --output.")
        made, bits, pose = model.labeled(count, seed=seed)
        pictures.save_each(folder / "images", made, clip=True)
        names = POSE if pose.shape[1] == len(POSE) else [f"number_{index}" for index in range(pose.shape[1])]
        rows = [["file", *(f"bit_{index}" for index in range(bits.shape[1])), *names]]
        for index, (own, numbers) in enumerate(zip(bits, pose, strict=True)):
            rows.append([f"{index:05d}.png", *own.tolist(), *map("{:.5f}".format, numbers)])
        write_csv(folder / "labels.csv", rows)
        title = f"{type(model).__name__}: the first {len(made[:36])} of {count}"
        pictures.save_samples(folder / "overview.png", made[:36], clip=True, title=title)
        print(f"{count} pictures in {folder / 'images'}/, their labels in {folder / 'labels.csv'}")

    runs.guarded(work)


if __name__ == "__main__":
    typer.run(main)
