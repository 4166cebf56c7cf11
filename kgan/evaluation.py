"""What the samples of a run are held against: figures, and pictures of them beside what is real."""

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from kgan import datasets, metrics, pictures, shapes
from kgan.datasets.loading import image_parts
from kgan.types import Array, FilePath, Nest


@dataclass(frozen=True)
class Reference:
    """What samples are held against: the data set of a run, and whose features figures of images are of.

    Attributes:
        dataset: as in `kgan.datasets.arrays`, or None: nothing is known. resize, held_out: as there.
        extractor: as in `kgan.metrics.extractor`; default None: that of `kgan.metrics.extractor_name_of`.
    """

    dataset: str | None = None
    resize: str | None = None
    held_out: float | None = None
    extractor: str | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Reference":
        """From the settings of a run, a dict of their names to values."""
        return cls(**{f.name: settings.get(f.name) for f in fields(cls)})

    def images(self, size: int) -> Array:
        """Real images of a size that are held out."""
        return _real(self, size)[0]

    def trained_on(self, size: int) -> Iterator[Array]:
        """Real images of a size that were trained on, part by part: they need not fit into memory."""
        return image_parts(str(self.dataset), "train", size, self.resize, self.held_out)

    def labels(self, size: int) -> Array:
        """The classes of the images that are held out."""
        return _real(self, size)[1]

    def judge(self, shape: Sequence[int]) -> metrics.Extractor | None:
        """The extractor for samples of a shape; None where there are no images to compare them with."""
        name = self.extractor or metrics.extractor_name_of(self.dataset, shape)
        return _extractor(name) if self.dataset and name and len(shape) == 3 and self.held_out != 0 else None


_extractor = functools.lru_cache(maxsize=1)(metrics.extractor)  # a training that is evaluated again and again reads one file once


@functools.lru_cache(maxsize=2)
def _real(reference: Reference, size: int) -> tuple[Array, Array]:
    """As `Reference.images`, with labels; they are asked for again and again."""
    return datasets.arrays(str(reference.dataset), "test", size, reference.resize, held_out=reference.held_out)


def name_of(dataset: str | None) -> str:
    """A data set in a word, for titles of pictures: of a file or a folder its name alone; "" where nothing is known."""
    kind, _, place = (dataset or "").partition(":")
    return Path(place or kind).name


def evaluate_samples(samples: Nest, reference: Reference, classes: Array | None = None) -> dict[str, float]:
    """Figures of merit of samples: of images `kgan.metrics.sample_report` against the held-out ones, mode statistics of mixtures,
    `shape_report` of voxels, the range of anything else, and of images of which fewer than two are held out.

    Samples of several domains, a dict, get the last, domain by domain. `classes` are those that images were asked for, default None.

    Raises:
        ValueError: images with other channels than the data set's.
    """
    if isinstance(samples, dict):
        return {f"{d}_{k}": v for d, part in samples.items() for k, v in evaluate_samples(part, Reference()).items()}
    if reference.dataset in ("ring", "grid"):
        mixture = getattr(datasets, reference.dataset)()
        return {f"{k}[n={len(samples)}]": v for k, v in metrics.mode_statistics(samples, mixture).items()}
    if samples.ndim == 5:
        return {f"{k}[n={len(samples)}]": v for k, v in shapes.shape_report(samples).items()}
    judge = reference.judge(samples.shape[1:])
    real = None if judge is None else reference.images(samples.shape[1])
    if judge is None or real is None or len(real) < 2:
        return {"sample_mean": float(samples.mean()), "sample_std": float(samples.std())}
    if real.shape[1:] != samples.shape[1:]:
        raise ValueError(
            f"Samples are {samples.shape[1:]}, images of {reference.dataset} {real.shape[1:]}. Name their own data set."
        )
    if classes is None:
        return metrics.sample_report(real, samples, judge)
    return metrics.sample_report(real, samples, judge, reference.labels(samples.shape[1]), classes)


def draw_classes(
    path: FilePath, samples: Array, classes: Array, names: Sequence[str], columns: int | None = None, title: str = ""
) -> None:
    """A picture of samples: of images of several classes a row for each, with its name, else as `kgan.pictures.save_samples`.

    Args:
        path: of the picture. samples: array. classes: that the samples were asked for. names: of all classes.
        columns: how many of each class at the most; default None: all. title: default "": none; a single class is named behind it.
    """
    if samples.ndim != 4 or len(set(classes)) == 1:
        one = names[classes[0]] if len(set(classes)) == 1 else ""
        pictures.save_samples(path, samples, clip=True, title=", ".join(filter(None, (title, one))))
        return
    columns = columns or int(np.bincount(classes).max())
    pictures.save_classes(path, samples, classes, names, columns, clip=True, title=title)


def draw_real(folder: FilePath, samples: Nest, reference: Reference, neighbors: bool) -> dict[str, float]:
    """Pictures of real images beside those of samples, in a folder: `real.png`, as many that were held out as there are samples, and with
    `neighbors` `neighbors.png`, see `draw_neighbors`. Nothing for samples that are no images of the reference's data set.

    Returns:
        dict: with neighbors, `nearest_trained_on[n=...]`, what `draw_neighbors` returns; else empty.
    """
    judge = None if isinstance(samples, dict) else reference.judge(samples.shape[1:])
    real = None if judge is None else reference.images(samples.shape[1])
    if real is None or len(real) < 2 or real.shape[1:] != samples.shape[1:]:
        return {}
    title = f"{name_of(reference.dataset)}: real images, held out"
    pictures.save_samples(Path(folder) / "real.png", real[: len(samples)], clip=True, title=title)
    if not neighbors:
        return {}
    return {f"nearest_trained_on[n={len(samples)}]": draw_neighbors(Path(folder) / "neighbors.png", samples, reference)}


def draw_neighbors(path: FilePath, samples: Array, reference: Reference, rows: int = 12, k: int = 5) -> float:
    """A picture of samples, each beside its nearest neighbors among the images that were trained on: memorized, or not?

    Neighbors are the nearest by the features of the reference's judge.

    Args:
        path: of the picture. samples: images. rows: default 12: how many of them. k: default 5 neighbors each, if there are as many.

    Returns:
        float: the median distance of samples to their nearest neighbor, over that of held-out images; below 1, samples are nearer to what
        was trained on than other real images are.

    Raises:
        ValueError: samples that are no images with a data set.
    """
    judge = reference.judge(samples.shape[1:])
    if judge is None:
        raise ValueError(
            "Neighbors are for images of a data set, of which some are held out. "
            f"Received: samples {samples.shape[1:]} of {reference.dataset}, `held_out` {reference.held_out}."
        )
    held_out = reference.images(samples.shape[1])[: len(samples)]
    parts = reference.trained_on(samples.shape[1])
    first = next(parts)
    k = min(k, len(first))  # a first part of fewer than a thousand is all there is
    points = np.concatenate([judge.features(samples), judge.features(held_out)])
    found, distances = metrics.nearest_neighbors(
        points, ((judge.features(part), part) for part in itertools.chain([first], parts)), k
    )
    shown = np.concatenate([samples[:rows, None], found[: min(rows, len(samples))]], axis=1)
    grid = pictures.image_grid(shown.reshape(-1, *samples.shape[1:]), k + 1, max(1, -(-48 // samples.shape[1])), clip=True)
    title = f"Samples beside what they were trained on, {name_of(reference.dataset)}"
    pictures.save_image(path, pictures.labeled(grid, title, column_names=["sample", "nearest", *[""] * (k - 1)]))
    nearest = distances[:, 0]
    return float(np.median(nearest[: len(samples)]) / max(np.median(nearest[len(samples) :]), 1e-12))
