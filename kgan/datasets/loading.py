"""A data set by its name: arrays in memory, or minibatches for `fit`."""

from typing import Any

import numpy as np

from kgan import images, shapes
from kgan.arguments import COUNT, require
from kgan.backend.feeding import from_arrays
from kgan.datasets.embedded import EMBEDDED
from kgan.datasets.idx import idx_folder
from kgan.datasets.pipeline import image_folder, tfds_images, to_float
from kgan.types import Array

_CUT = ("photo_patches", "photos")
_MADE = ("furniture", "solids")


def names() -> list[str]:
    """Names of the embedded data sets."""
    return sorted(EMBEDDED)


def arrays(name: str, split: str = "train", image_size: int | None = None, resize: str | None = None) -> tuple[Array, Array]:
    """An embedded or tensorflow-datasets set as NumPy arrays.

    Args:
        name: one of `names()`; "tfds:<name>"; "idx:<folder>" (see `idx_folder`); "modelnet:<folder>" (see `modelnet`). "solids:chair" and
            "furniture:chair" are one class of these sets.
        split: "train" or "test"; "all" is both.
        image_size: default None: the set's own. Photos are cut to patches of this size, other images resized, shapes made in
            a cube of so many cells.
        resize: "pad": black around images, which stay as they are; "bilinear": as `kgan.datasets.resize`. Default None: images of 28 pixels
            are padded to 32, as papers do with MNIST; else bilinear, of tensorflow-datasets bicubic.

    Returns:
        `(examples, labels)`: float32, images in [-1, 1], or int8 voxels of 0 and 1; int64.

    Raises:
        ValueError: unknown names; sizes and ways to resize that the set does not have. ImportError, FileNotFoundError, RuntimeError: a
            package or files that are not there; with what to do.

    Example:
    >>> import kgan
    >>> kgan.datasets.arrays("mnist", "test", image_size=32)[0].shape
    (1000, 32, 32, 1)
    """
    examples, classes = _stored(name, split, image_size, resize)
    if examples.dtype == np.uint8:
        examples = examples.astype("float32") / 127.5 - 1.0
    return examples, classes


def _stored(name: str, split: str, image_size: int | None, how: str | None) -> tuple[Array, Array]:
    """As `arrays`, with 8-bit images left as they are."""
    if split == "all":
        both, labels = zip(*(_stored(name, part, image_size, how) for part in ("train", "test")), strict=True)
        return np.concatenate(both), np.concatenate(labels)
    if split not in ("train", "test"):
        raise ValueError(f'`split` must be "train", "test" or "all". Received: {split!r}.')
    if how not in (None, "pad", "bilinear"):
        raise ValueError(f'`resize` must be "pad" or "bilinear". Received: {how!r}.')
    if name.startswith("tfds:"):
        if how is None:
            return tfds_images(name.removeprefix("tfds:"), split, image_size)
        examples, classes = tfds_images(name.removeprefix("tfds:"), split)
        return _sized(examples, image_size, how), classes
    if name.startswith("idx:"):
        examples, classes = idx_folder(name.removeprefix("idx:"), split)
        return _sized(examples, image_size, how), classes
    whole, (name, _, kind) = name, name.partition(":") if name.startswith(("solids:", "furniture:")) else (name, "", "")
    if how is not None and (name in (*_CUT, *_MADE) or name.startswith("modelnet:")):
        raise ValueError(
            f"{whole!r} is {'cut' if name in _CUT else 'made'} at the size that `image_size` says; leave `resize` out."
        )
    if name.startswith("modelnet:"):
        return shapes.modelnet(name.removeprefix("modelnet:"), split, image_size or 64)
    if name not in EMBEDDED:
        raise ValueError(
            f"Unknown data set {name!r}. Embedded: {names()}. Also 'tfds:<name>' for tensorflow-datasets (such as tfds:cifar10), "
            "'idx:<folder>' for files like MNIST's, 'modelnet:<folder>' for shapes, and 'folder:<path>' in kgan.datasets.load for images "
            "in a folder."
        )
    if name in (*_CUT, *_MADE):
        size = {"size": image_size} if image_size else {}
        return EMBEDDED[name](split, **size, **({"classes": (kind,)} if kind else {}))
    examples, classes = EMBEDDED[name](split)
    if examples.ndim != 4 and (image_size, how) != (None, None):
        raise ValueError(f"{name!r} holds points, not images; leave `image_size` and `resize` out.")
    return _sized(examples, image_size, how), classes


def _sized(examples: Array, size: int | None, how: str | None) -> Array:
    """Images of a size, of the type that they came in."""
    if size is None:
        return examples
    if how == "pad" or (how is None and (examples.shape[1], size) == (28, 32)):
        return images.pad(examples, size)
    if examples.dtype != np.uint8:
        return images.resize(examples, size)
    return images.to_uint8(images.resize(examples.astype("float32") / 127.5 - 1.0, size))


def load(
    name: str,
    split: str = "train",
    batch_size: int = 64,
    image_size: int | None = None,
    *,
    resize: str | None = None,
    labels: bool = False,
    shuffle: bool = True,
    seed: int = 0,
    dequantize: bool = False,
    passes: int = 1,
) -> Any:
    """A data set, ready for `fit`.

    Args:
        name: as in `arrays`; or "folder:<path>" (see `image_folder`; `split` must stay "train").
        split: "train" (default), "test" or "all".
        batch_size: default 64: the minibatch of one move. An incomplete last minibatch is dropped.
        image_size: default None: the set's own size.
        resize: as in `arrays`; pictures of a folder have one way, see `image_folder`.
        labels: default False: yield `(examples, labels)`.
        shuffle: default True, anew in every epoch, in an order given by `seed` and the epoch.
        seed: default 0.
        dequantize: default False. True maps 8-bit pixels by `x / 128 - 1 + U(0, 1/128)` as the codes of spectral normalization
            and WGAN-GP do, instead of `x / 127.5 - 1`.
        passes: >= 1, default 1: passes over the data in one epoch, so that small sets give epochs of a sensible length.

    Returns:
        `tf.data.Dataset` of float32 minibatches (int8 of voxels) of known cardinality.

    Raises:
        ValueError, ImportError, FileNotFoundError, RuntimeError: with what to do.

    Example:
    >>> import kgan
    >>> kgan.datasets.load("digits", batch_size=64).element_spec.shape
    TensorShape([64, 8, 8, 1])
    """
    if name.startswith("folder:"):
        if labels or split != "train":
            raise ValueError("'folder:<path>' has neither labels nor splits; load a folder for each split.")
        if resize is not None:
            raise ValueError("Pictures of a folder are cut to their central square and resized; leave `resize` out.")
        path = name.removeprefix("folder:")
        options: dict[str, Any] = {"seed": seed, "shuffle": shuffle, "dequantize": dequantize, "passes": passes}
        return image_folder(path, batch_size, image_size, **options)
    require(COUNT, passes=passes)
    examples, classes = _stored(name, split, image_size, resize)
    if dequantize and examples.dtype != np.uint8:
        raise ValueError(f"`dequantize` is for 8-bit images; {name!r} holds {examples.dtype} values.")
    examples, classes = (np.concatenate([part] * passes) if passes > 1 else part for part in (examples, classes))
    dataset = from_arrays((examples, classes) if labels else examples, batch_size, seed=seed, shuffle=shuffle)
    return to_float(dataset, dequantize, seed) if examples.dtype == np.uint8 else dataset
