"""A data set by its name: arrays in memory, or minibatches for `fit`."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kgan import images, shapes
from kgan.arguments import COUNT, require
from kgan.backend.feeding import from_arrays
from kgan.datasets.embedded import EMBEDDED
from kgan.datasets.folders import folder_arrays, folder_classes, folder_parts, image_folder
from kgan.datasets.idx import idx_folder
from kgan.datasets.mnist import CLOTHES
from kgan.datasets.pipeline import tfds_images, to_float
from kgan.types import Array

_CUT = ("photo_patches", "photos")
_MADE = ("furniture", "solids")
_TENTH = 0.1


def names() -> list[str]:
    """Names of the embedded data sets."""
    return sorted(EMBEDDED)


def arrays(
    name: str, split: str = "train", image_size: int | None = None, resize: str | None = None, *, held_out: float | None = None
) -> tuple[Array, Array]:
    """A data set as NumPy arrays.

    Args:
        name: one of `names()`; "tfds:<name>"; "folder:<path>" (see `image_folder`); "idx:<folder>" (see `idx_folder`);
            "modelnet:<folder>" (see `modelnet`). "solids:chair" and "furniture:chair" are one class of these sets.
        split: "train" or "test"; "all" is both.
        image_size: default None: the set's own. Photos are cut to patches of this size, other images resized, shapes made in
            a cube of so many cells.
        resize: "pad": black around images, which stay as they are; "bilinear": as `kgan.datasets.resize`. Default None: images of 28 pixels
            are padded to 32, as papers do with MNIST; else bilinear, of tensorflow-datasets and folders bicubic.
        held_out: of a folder, default 0.1: see `image_folder`.

    Returns:
        `(examples, labels)`: float32, images in [-1, 1], or int8 voxels of 0 and 1; int64, 0 where there are no classes.

    Raises:
        ValueError: unknown names; sizes and ways to resize that the set does not have. ImportError, FileNotFoundError, RuntimeError: a
            package or files that are not there; with what to do.

    Example:
    >>> import kgan
    >>> kgan.datasets.arrays("mnist", "test", image_size=32)[0].shape
    (1000, 32, 32, 1)
    """
    examples, classes = _stored(name, split, image_size, resize, held_out)
    if examples.dtype == np.uint8:
        examples = examples.astype("float32") / 127.5 - 1.0
    return examples, classes


def image_parts(
    name: str, split: str, image_size: int, resize: str | None = None, held_out: float | None = None
) -> Iterator[Array]:
    """The images of a data set, a thousand at a time, float32 in [-1, 1]; those of a folder are decoded as they are asked for.

    Args: as in `arrays`.
    """
    if name.startswith("folder:"):
        _refuse_resize(resize)
        share = _TENTH if held_out is None else held_out
        for part in folder_parts(name.removeprefix("folder:"), split, image_size, held_out=share):
            yield part.astype("float32") / 127.5 - 1.0
        return
    images, _ = arrays(name, split, image_size, resize, held_out=held_out)
    yield from (images[start : start + 1000] for start in range(0, len(images), 1000))


def _stored(name: str, split: str, image_size: int | None, how: str | None, held_out: float | None = None) -> tuple[Array, Array]:
    """As `arrays`, with 8-bit images left as they are."""
    if name.startswith("folder:"):
        _refuse_resize(how)
        return folder_arrays(name.removeprefix("folder:"), split, image_size, held_out=_TENTH if held_out is None else held_out)
    if held_out is not None:
        raise ValueError(f"`held_out` is for folders; {name!r} has splits of its own. Leave it out.")
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
            "'folder:<path>' for images in a folder, 'idx:<folder>' for files like MNIST's, 'modelnet:<folder>' for shapes."
        )
    if name in (*_CUT, *_MADE):
        size = {"size": image_size} if image_size else {}
        return EMBEDDED[name](split, **size, **({"classes": (kind,)} if kind else {}))
    examples, classes = EMBEDDED[name](split)
    if examples.ndim != 4 and (image_size, how) != (None, None):
        raise ValueError(f"{name!r} holds points, not images; leave `image_size` and `resize` out.")
    return _sized(examples, image_size, how), classes


def _refuse_resize(how: str | None) -> None:
    if how is not None:
        raise ValueError("Pictures of a folder are cut to their central square and resized; leave `resize` out.")


def _sized(examples: Array, size: int | None, how: str | None) -> Array:
    """Images of a size, of the type that they came in."""
    if size is None:
        return examples
    if how == "pad" or (how is None and (examples.shape[1], size) == (28, 32)):
        return images.pad(examples, size)
    if examples.dtype != np.uint8:
        return images.resize(examples, size)
    return images.to_uint8(images.resize(examples.astype("float32") / 127.5 - 1.0, size))


def class_names(name: str) -> list[str]:
    """Names of the classes that labels count, from 0: of digits, Fashion-MNIST and a folder's subfolders; of other sets an empty list.

    Example:
    >>> import kgan
    >>> kgan.datasets.class_names("fashion_mnist")[:3]
    ['T-shirt', 'trouser', 'pullover']
    """
    if name.startswith("folder:"):
        return folder_classes(name.removeprefix("folder:"))
    if name in ("digits", "mnist", "mnist:full"):
        return [str(digit) for digit in range(10)]
    return list(CLOTHES) if name == "fashion_mnist" else []


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
    held_out: float | None = None,
    cache: str | None = None,
) -> Any:
    """A data set, ready for `fit`.

    Args:
        name: as in `arrays`.
        split: "train" (default), "test" or "all".
        batch_size: default 64: the minibatch of one move. An incomplete last minibatch is dropped.
        image_size: default None: the set's own size.
        resize: as in `arrays`.
        labels: default False: yield `(examples, labels)`.
        shuffle: default True, anew in every epoch, in an order given by `seed` and the epoch.
        seed: default 0.
        dequantize: default False. True maps 8-bit pixels by `x / 128 - 1 + U(0, 1/128)` as the codes of spectral normalization
            and WGAN-GP do, instead of `x / 127.5 - 1`.
        passes: >= 1, default 1: passes over the data in one epoch, so that small sets give epochs of a sensible length.
        held_out, cache: of a folder, default 0.1 and "auto": see `image_folder`.

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
        _refuse_resize(resize)
        options: dict[str, Any] = {"seed": seed, "shuffle": shuffle, "dequantize": dequantize, "passes": passes}
        options |= {"labels": labels, "split": split, "held_out": _TENTH if held_out is None else held_out}
        return image_folder(name.removeprefix("folder:"), batch_size, image_size, **options, cache=cache or "auto")
    if cache is not None:
        raise ValueError(f"`cache` is for folders; {name!r} is in memory. Leave it out.")
    require(COUNT, passes=passes)
    examples, classes = _stored(name, split, image_size, resize, held_out)
    if dequantize and examples.dtype != np.uint8:
        raise ValueError(f"`dequantize` is for 8-bit images; {name!r} holds {examples.dtype} values.")
    examples, classes = (np.concatenate([part] * passes) if passes > 1 else part for part in (examples, classes))
    dataset = from_arrays((examples, classes) if labels else examples, batch_size, seed=seed, shuffle=shuffle)
    return to_float(dataset, dequantize, seed) if examples.dtype == np.uint8 else dataset
