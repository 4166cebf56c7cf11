"""Rank pictures by the energy that train.py has learned: the strangest and the most ordinary.

python applications/anomaly/detect.py runs/anomaly
"""

from typing import Annotated

import numpy as np
import typer

import kgan
from kgan import runs
from kgan.files import write_csv


def main(
    run: Annotated[
        str,
        typer.Argument(help="folder of a finished run of train.py; default runs/anomaly, or the preset where that is not there"),
    ] = "",
    images: Annotated[str, typer.Option(help="a folder of pictures; default the data set's held-out ones")] = "",
    output: Annotated[str, typer.Option(help="the table, .csv; default energies.csv in the folder of the run")] = "",
    quantile: Annotated[
        float, typer.Option(min=0, max=1, help="energies above this quantile of the ordinary examples held out are reported")
    ] = 0.95,
    count: Annotated[int, typer.Option(min=1, help="pictures in either row of the drawing")] = 10,
):
    """Write the energy of every picture, from the strangest down, and draw both ends of the list."""

    def work():
        folder = runs.folder_of(run, "runs/anomaly", "anomaly-eights")
        model = runs.load(folder, kgan.CalibratedEBGAN)
        path = runs.file_beside_picture(output, folder / "energies.csv", ".csv")
        about = runs.read_settings(folder)
        names, examples = given(model, about)
        energies = model.energy(examples)
        order = np.argsort(-energies)
        # Of ordinary examples that were held out: those trained on have less energy than any other, few as they are.
        known, labels = kgan.datasets.arrays(about["dataset"], "test", about["image_size"])
        limit = float(np.quantile(model.energy(known[np.isin(labels, about.get("ordinary") or [8])]), quantile))

        table = [[names[i], f"{energies[i]:.6g}", int(energies[i] > limit)] for i in order]
        write_csv(path, [["picture", "energy", "anomaly"], *table])
        print(f"{int((energies > limit).sum())} of {len(energies)} are above {limit:.4g}; table in {path}")
        if examples.ndim == 4:
            shown = min(count, len(order))
            rows = {"strangest": examples[order[:shown]], "most ordinary": examples[order[::-1][:shown]]}
            title = f"Energies above {limit:.3g}: {int((energies > limit).sum())} of {len(energies)}"
            kgan.pictures.save_rows(path.with_suffix(".png"), rows, title, clip=True)
            print(f"strangest above, most ordinary below: {path.with_suffix('.png')}")

    def given(model, about):
        if images:
            files, _ = kgan.images.find_images(images)
            size, _, channels = model.data_shape
            pixels = [kgan.datasets.read_image(file, size, channels) for file in files]
            return [str(file) for file in files], np.stack(pixels).astype("float32") / 127.5 - 1.0
        examples, labels = kgan.datasets.arrays(about["dataset"], "test", about["image_size"])
        return [f"{index} of class {label}" for index, label in enumerate(labels)], examples

    runs.guarded(work)


if __name__ == "__main__":
    typer.run(main)
