"""Classify shapes by a linear machine on the features of a discriminator that saw no labels (Wu et al. 2016, 1610.07584, section 4.2).

python applications/threed_gan/classify.py runs/threed_gan
"""

from typing import Annotated

import kgan  # isort: skip - ahead of Keras: kgan holds TensorFlow's notices of its start back
import keras
import numpy as np
import typer

from kgan import runs
from kgan.files import write_json
from kgan.layers import estimate_statistics


def main(
    model: Annotated[
        str,
        typer.Argument(help="folder of a run, or a .keras file; default runs/threed_gan, or the preset where that is not there"),
    ] = "",
    dataset: Annotated[str, typer.Option(help="labeled shapes, such as furniture, solids or modelnet:<folder>")] = "furniture",
    per_class: Annotated[list[int] | None, typer.Option(help="labeled examples of a class; may be repeated; 0 is all")] = None,
    draws: Annotated[int, typer.Option(min=1, help="draws of so many examples, averaged")] = 5,
    regularization: Annotated[float, typer.Option(help="C of the support vector machine")] = 0.01,
    untrained: Annotated[bool, typer.Option(help="compare with the same discriminator before training")] = True,
    seed: Annotated[int, typer.Option(help="of the draws, and of the untrained weights")] = 0,
    smoke: Annotated[bool, typer.Option("--smoke", help="few shapes, to see that everything runs")] = False,
):
    """Print accuracies on held-out shapes, and keep them in the run's folder."""

    def work():
        home = runs.folder_of(model, "runs/threed_gan", "threed-gan-furniture")
        trained = runs.load(home, kgan.ThreeDGAN)
        sets = [kgan.datasets.arrays(dataset, split, trained.voxel_shape[0]) for split in ("train", "test")]
        if smoke:
            sets = [(x[:80], y[:80]) for x, y in sets]
        (train, labels), (test, test_labels) = sets
        features = {"raw voxels": (train, test), "discriminator": _features(trained, train, test)}
        if untrained:
            keras.utils.set_random_seed(seed)
            fresh = keras.models.clone_model(trained.discriminator)
            trained.discriminator.set_weights(fresh.get_weights())
            features["untrained discriminator"] = _features(trained, train, test)
        found = {}
        for name, (known, asked) in features.items():
            for count in per_class or ([2] if smoke else [5, 20, 0]):
                accuracy = kgan.shapes.linear_accuracy(
                    known, labels, asked, test_labels, count or None, draws, regularization, seed
                )
                found[f"accuracy[{name}, {count or 'all'} a class]"] = accuracy
                print(f"{name:24} {count or 'all':>4} labels a class: {accuracy:.3f}")
        print(f"chance: {np.bincount(test_labels).max() / len(test_labels):.3f}")
        folder = home if home.is_dir() else home.parent
        write_json(folder / "classification.json", found)

    runs.guarded(work)


def _features(model, train, test):
    """Features of both sets, with statistics of batch norm of the training shapes alone."""
    batches = [train[start : start + 64].astype("float32") for start in range(0, len(train), 64)]
    estimate_statistics(model.discriminator, batches)
    return model.features(train), model.features(test)


if __name__ == "__main__":
    typer.run(main)
