"""CelebA with attributes: Liu et al. 2015, 1411.7766, from its own files or from tensorflow-datasets."""

import itertools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kgan.arguments import COUNT, require, shown
from kgan.backend.feeding import from_arrays
from kgan.datasets.attribute_lists import read_attributes
from kgan.datasets.labeled_images import check_mirror, load_labeled
from kgan.datasets.pipeline import mirrored, tfds_dataset, to_float
from kgan.files import read_text
from kgan.images import crop_and_average
from kgan.types import Array, FilePath

_SPLITS = {"train": "0", "validation": "1", "test": "2"}
_NAMED = 10


def celeba(
    root: FilePath,
    attributes: Sequence[str],
    image_size: int = 64,
    crop: int = 108,
    *,
    batch_size: int | None = 64,
    split: str = "all",
    limit: int | None = None,
    mirror: bool = True,
    corrupt: str = "unchecked",
    shuffle: bool = True,
    seed: int = 0,
) -> Any:
    r"""Aligned faces of celebrities with binary attributes, prepared as the codes of DCGAN, BEGAN and CausalGAN do.

    The central square of the aligned pictures (178 x 218), resized by areas and rounded to 8 bits, `x / 127.5 - 1`, mirrored at random.

    Args:
        root: folder with `list_attr_celeba.txt` and `img_align_celeba/`, or with them in `Anno/` and `Img/`, as they are distributed. Or
            "tfds:celeb_a", which tensorflow-datasets fetches and prepares.
        attributes: names, such as `kgan.datasets.FACE_ATTRIBUTES`: the columns of the labels, in that order.
        image_size: default 64.
        crop: default 108: side of the square, in pixels of the file.
        batch_size: default 64. None gives arrays in memory (and needs mirror=False).
        split: "all" (default), "train", "validation" or "test", by `list_eval_partition.txt` beside the attributes.
        limit: default None: only as many images, the first of the split.
        mirror: default True: left for right at a chance of one half, anew in every epoch.
        corrupt: "unchecked" (default), or "skip" or "error": open all images beforehand and leave unreadable ones out with a warning, or
            refuse them; minutes for the whole set. Files only.
        shuffle, seed: as in `kgan.datasets.from_arrays`.

    Returns:
        `tf.data.Dataset` of minibatches `(images, labels)`: float32 (batch, size, size, 3) in [-1, 1]; float32 (batch, attributes) of 0
        and 1. Files are read as they are needed; the set of tensorflow-datasets is held in memory with 8 bits, 2.5 GB at
        64x64, and twice that for a moment. With batch_size None the arrays of both.

    Raises:
        FileNotFoundError: no such folder, or without the files named above. ValueError: unknown attributes; lists that break their format
            (file and line); listed images that are not there; arguments. ImportError, RuntimeError: tensorflow-datasets, with
            what to do.

    Example:
    >>> import pathlib, tempfile, numpy as np
    >>> import kgan
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     root = pathlib.Path(folder)
    ...     (root / "img_align_celeba").mkdir()
    ...     kgan.pictures.save_image(root / "img_align_celeba" / "000001.png", np.zeros((218, 178, 3), "uint8"))
    ...     _ = (root / "list_attr_celeba.txt").write_text("1\nSmiling Young\n000001.png  1 -1\n")
    ...     images, labels = celeba(root, ["Young", "Smiling"], batch_size=None, mirror=False)
    >>> images.shape, labels.tolist()
    ((1, 64, 64, 3), [[0.0, 1.0]])
    """
    names = [] if isinstance(attributes, str) else list(attributes)
    if not names or len(set(names)) < len(names):
        raise ValueError(f"`attributes` must be a list of different names, at least one. Received: {attributes!r}.")
    if split not in ("all", *_SPLITS):
        raise ValueError(f'`split` must be "all", "train", "validation" or "test". Received: {split!r}.')
    require(COUNT, image_size=image_size, crop=crop)
    require(COUNT.or_none(), limit=limit)
    check_mirror(mirror, batch_size)
    if str(root).startswith("tfds:"):
        images, labels = _from_tfds(str(root).removeprefix("tfds:"), names, image_size, crop, split, limit)
        if batch_size is None:
            return images.astype("float32") / 127.5 - 1.0, labels
        dataset = to_float(from_arrays((images, labels), batch_size, seed, shuffle))
        return mirrored(dataset, seed) if mirror else dataset
    paths, values, folder = _from_files(Path(root), names, split, limit)
    options: dict[str, Any] = {
        "channels": 3,
        "crop": crop,
        "mirror": mirror,
        "corrupt": corrupt,
        "shuffle": shuffle,
        "seed": seed,
    }
    return load_labeled(paths, values, folder, image_size, batch_size, **options)


def _from_files(root: Path, attributes: Sequence[str], split: str, limit: int | None) -> tuple[list[Path], Array, Path]:
    if not root.is_dir():
        raise FileNotFoundError(f"There is no folder {str(root)!r}.")
    table = _find(root, "list_attr_celeba.txt", ("", "Anno"))
    folder = _find(root, "img_align_celeba", ("", "Img"))
    files, names, values = read_attributes(table)
    values = values[:, _columns(names, attributes, table)]
    kept = list(range(len(files)))
    if split != "all":
        of = _read_partition(_find(root, "list_eval_partition.txt", ("", "Anno", "Eval")))
        without = [f for f in files if f not in of]
        if without:
            raise ValueError(
                f"{len(without)} of {len(files)} images of {table} have no line in the partition: {shown(without[:_NAMED])}."
            )
        kept = [index for index, file in enumerate(files) if of[file] == _SPLITS[split]]
        if not kept:
            raise ValueError(f"No image of {table} belongs to the split {split!r}.")
    kept = kept[:limit]
    paths = [folder / files[index] for index in kept]
    absent = [(index, path) for index, path in zip(kept, paths, strict=True) if not os.path.isfile(path)]
    if absent:
        # Two lines come before the first image.
        named = ", ".join(f"{path.name:.40} (line {index + 3})" for index, path in absent[:_NAMED])
        raise ValueError(
            f"{len(absent)} of {len(paths)} images that {table} lists are not in {str(folder)!r}: {named}"
            + (", ..." if len(absent) > _NAMED else ".")
            + " `limit` takes the first images alone."
        )
    return paths, values[kept], folder


def _find(root: Path, name: str, below: Sequence[str]) -> Path:
    for part in below:
        if (root / part / name).exists():
            return root / part / name
    places = " or ".join(repr(str(root / part / name)) for part in below)
    raise FileNotFoundError(f"CelebA's {name} is missing: there is no {places}.")


def _columns(names: list[str], attributes: Sequence[str], source: object) -> list[int]:
    unknown = [name for name in attributes if name not in names]
    if unknown:
        raise ValueError(f"Unknown attributes {unknown[:_NAMED]}. {source} has {shown(list(names))}.")
    return [names.index(name) for name in attributes]


def _read_partition(path: FilePath) -> dict[str, str]:
    """Which split every image belongs to: dict of file name to "0", "1" or "2"."""
    of = {}
    for line, text in enumerate(read_text(path, "a list of file names and 0, 1 or 2").splitlines(), start=1):
        if not text.strip():
            continue
        file, *part = text.split()
        if len(part) != 1 or part[0] not in _SPLITS.values():
            raise ValueError(f"{path}, line {line}: expected a file name and 0, 1 or 2. Received: {text[:80]!r}.")
        of[file] = part[0]
    return of


def _from_tfds(
    name: str, attributes: Sequence[str], image_size: int, crop: int, split: str, limit: int | None
) -> tuple[Array, Array]:
    """8-bit images and labels in memory."""
    dataset = tfds_dataset(name, "+".join(_SPLITS) if split == "all" else split)
    spec = dataset.element_spec
    if not isinstance(spec.get("attributes"), dict) or "image" not in spec:
        raise ValueError(f"'tfds:{name}' has no features 'image' and 'attributes'; it has {sorted(spec)}. Use 'tfds:celeb_a'.")
    _columns(list(spec["attributes"]), attributes, f"'tfds:{name}'")
    count = int(dataset.cardinality()) if limit is None else min(limit, int(dataset.cardinality()))
    images = np.empty((count, image_size, image_size, 3), "uint8")
    labels = np.empty((count, len(attributes)), "float32")
    for index, example in enumerate(itertools.islice(dataset.as_numpy_iterator(), count)):
        images[index] = crop_and_average(example["image"], crop, image_size)
        labels[index] = [example["attributes"][attribute] for attribute in attributes]
    return images, labels
