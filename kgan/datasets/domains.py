"""Domains for coupled systems: changed images, USPS, attributes of faces, color and depth."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from kgan.arguments import shown
from kgan.datasets.attribute_lists import read_attributes
from kgan.datasets.loading import arrays
from kgan.datasets.pipeline import from_files
from kgan.files import read_arrays
from kgan.images import list_images, open_image, read_image, resize
from kgan.types import Array, FilePath

# Changes of images ---------------------------------------------------------------------------------------------------------


def _dilate(images: Array, reach: tuple[int, int]) -> Array:
    """The largest value of a window of pixels, from `reach[0]` before to `reach[1]` after in both directions."""
    size = 1 + sum(reach)
    padded = np.pad(images, ((0, 0), reach, reach, (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(1, 2))
    return windows.max(axis=(-2, -1))


def edges(images: Array) -> Array:
    """Outlines: 3x3 dilation minus the image, as CoGAN (1606.07536) makes its edge maps.

    Args:
        images: float array (count, height, width, channels) in [-1, 1], bright on dark.

    Returns:
        Array of the same shape and range: -1 where all is flat.
    """
    return (_dilate(images, (1, 1)) - images - 1.0).astype(images.dtype)


def negatives(images: Array) -> Array:
    """Bright for dark: `-x` of images in [-1, 1]."""
    return -images


def thicken(images: Array) -> Array:
    """A bolder pen: the largest value of every 2x2 window.

    Args: images: float array (count, height, width, channels), bright on dark.

    Returns:
        Array of the same shape and range.
    """
    return _dilate(images, (1, 0))


CHANGES = {"edges": edges, "negatives": negatives, "thick": thicken}
"""Changes by name: functions from images of one domain to corresponding ones of another."""


def halves(*arrays: Array, seed: int = 0) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """Two halves of a shuffled set, with no example in both: domains that are changes of one another must not show the same examples.

    Args:
        *arrays: arrays of one length, such as images and labels.
        seed: default 0, of the order.

    Returns:
        `(first, second)`: tuples with a part of every array; the first is the smaller by one where the length is odd.

    Example:
    >>> import kgan
    >>> images, _ = kgan.datasets.arrays("digits", "all")
    >>> (first,), (second,) = kgan.datasets.halves(images)
    >>> data = kgan.datasets.unpaired({"digits": first, "edges": kgan.datasets.edges(second)})
    """
    lengths = {len(array) for array in arrays}
    if len(lengths) != 1 or min(lengths) < 2:
        raise ValueError(f"`halves` takes arrays of one length, at least 2. Received lengths {sorted(lengths)}.")
    order = np.random.default_rng(seed).permutation(lengths.pop())
    half = len(order) // 2
    return tuple(a[order[:half]] for a in arrays), tuple(a[order[half:]] for a in arrays)


# Files ---------------------------------------------------------------------------------------------------------------------


def usps(path: FilePath, split: str = "train", image_size: int = 28) -> tuple[Array, Array]:
    """USPS digits from an .npz file, brought to MNIST's size as CoGAN's authors do: 3 dark pixels on every side, then resized.

    Args:
        path: file with the arrays x_train, y_train, x_test, y_test: images (count, 16, 16) or (count, 256), bright digits on dark, either
            integers in [0, 255] or floats in [0, 1] or [-1, 1]; labels 0-9.
        split: "train", "test" or "all".
        image_size: default 28; bilinear.

    Returns:
        `(images, labels)`: float32 (count, image_size, image_size, 1) in [-1, 1]; int64.

    Raises:
        FileNotFoundError: no such file. ValueError: arrays that are missing or of another shape or range.
    """
    if split == "all":
        digits, classes = zip(*(usps(path, part, image_size) for part in ("train", "test")), strict=True)
        return np.concatenate(digits), np.concatenate(classes)
    if split not in ("train", "test"):
        raise ValueError(f'`split` must be "train", "test" or "all". Received: {split!r}.')
    if not Path(path).is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r}. It should be an .npz of x_train, y_train, x_test and y_test.")
    stored = read_arrays(path, (f"x_{split}", f"y_{split}"), "an .npz of x_train, y_train, x_test and y_test")
    images, labels = stored[f"x_{split}"], stored[f"y_{split}"].ravel()
    if not all(np.issubdtype(part.dtype, np.number) for part in (images, labels)) or not np.isin(labels, range(10)).all():
        raise ValueError(f"{path}: expected images of numbers and labels 0 to 9. Received {images.dtype} and {labels.dtype}.")
    labels = labels.astype("int64")
    if images.shape[1:] not in ((16, 16), (256,), (16, 16, 1)) or len(images) != len(labels) or not len(images):
        raise ValueError(
            f"{path}: expected images (count, 16, 16) and as many labels. Received {images.shape} and {len(labels)} labels."
        )
    whole = np.issubdtype(images.dtype, np.integer)
    images = images.reshape(-1, 16, 16, 1).astype("float32")
    low, high = float(images.min()), float(images.max())
    if not np.isfinite(images).all() or low < -1.001 or high > (255 if whole else 1.001):
        raise ValueError(f"{path}: expected integers in [0, 255], or floats in [0, 1] or [-1, 1]. Received [{low:g}, {high:g}].")
    images = images / 127.5 - 1.0 if whole else images if low < -0.001 else 2.0 * images - 1.0
    return resize(np.pad(images, ((0, 0), (3, 3), (3, 3), (0, 0)), constant_values=-1.0), image_size), labels


def attribute_domains(
    root: FilePath, attribute: str, batch_size: int = 64, image_size: int = 128, seed: int = 0
) -> dict[str, Any]:
    """Faces with an attribute and faces without it, read as they are needed.

    Args:
        root: CelebA's folder, with `list_attr_celeba.txt` and `img_align_celeba/`.
        attribute: a name in that list, such as "Smiling", "Blond_Hair" or "Eyeglasses".
        batch_size: default 64.
        image_size: default 128 (CoGAN's). The central square is resized to 33/32 of it, of which a random window is
            taken, anew in every epoch (132 and 128: CoGAN's).
        seed: default 0, of order and windows.

    Returns:
        dict of `attribute` and `"not_" + attribute` to `tf.data.Dataset` of minibatches (batch_size, image_size, image_size, 3) in [-1, 1],
        for `unpaired`.

    Raises:
        FileNotFoundError: the list or images are missing. ValueError: an unknown attribute, or too few images on one side.
    """
    root = Path(root)
    table = root / "list_attr_celeba.txt"
    files, names, values = read_attributes(table)
    if attribute not in names:
        raise ValueError(f"There is no attribute {attribute!r}. {table} has {shown(names)}.")
    paths = [root / "img_align_celeba" / file for file in files]
    missing = [path.name for path in paths if not os.path.isfile(path)]
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} of {len(paths)} images that {table} lists are not in {paths[0].parent}, such as {shown(missing)}."
        )
    has = values[:, names.index(attribute)]
    return {
        name: from_files(
            [path for path, present in zip(paths, has, strict=True) if present == wanted],
            batch_size,
            image_size * 33 // 32,
            window=image_size,
            seed=seed + wanted,
        )
        for name, wanted in ((attribute, 1), (f"not_{attribute}", 0))
    }


def rgbd_folder(path: FilePath, image_size: int = 64, seed: int = 0) -> dict[str, Array]:
    """Color images and depth maps of different scenes, from a folder of both.

    Depth files are those whose name ends in `depth` or `depthcrop` (the RGB-D object set of Lai et al. 2011; frames exported from NYU v2),
    one channel of numbers, 0 where nothing was measured; the color file has the same name without `depth`, of whatever kind. What counts as
    a picture, and that colors are those that a viewer shows, says the head of `kgan.images`. Half of the scenes, drawn
    at random, give color, the other half depth. A depth map is stretched to [-1, 1] from its nearest to its farthest measured pixel;
    pixels without measurement count as farthest.

    Args:
        path: folder; subfolders are searched.
        image_size: default 64 (CoGAN's).
        seed: default 0: which scenes give what.

    Returns:
        dict: "color" (n, size, size, 3) and "depth" (m, size, size, 1), float32 in [-1, 1], for `unpaired`.

    Raises:
        FileNotFoundError: no such folder. ValueError: fewer than two scenes with both files.
    """
    files, _ = list_images(path)
    named = {file.with_suffix(""): file for file in files}
    scenes = []
    for depth in (file for file in files if file.stem.endswith(("depth", "depthcrop"))):
        before, _, after = depth.stem.rpartition("depth")
        color = named.get(depth.parent / f"{before}{after}", named.get(depth.parent / f"{before.rstrip('_')}{after}"))
        if color is not None:
            scenes.append((color, depth))
    if len(scenes) < 2:
        raise ValueError(
            f"{path} has {len(scenes)} scenes with NAME_depth.png beside NAME.png (or NAME_depthcrop.png, NAME_crop.png)."
        )
    order = np.random.default_rng(seed).permutation(len(scenes))
    half = len(order) // 2
    colors = [read_image(scenes[i][0], image_size, 3) for i in order[:half]]
    depths = [_read_depth(scenes[i][1], image_size) for i in order[half:]]
    return {"color": np.stack(colors).astype("float32") / 127.5 - 1.0, "depth": np.stack(depths)}


def _read_depth(path: FilePath, size: int) -> Array:
    stored = open_image(path)
    depth = np.asarray(stored).astype("float32")
    if stored.mode in ("1", "P") or depth.ndim != 2 or not np.isfinite(depth).all():
        raise ValueError(f"{path}: a depth map has one channel of finite numbers. Received {stored.size} of mode {stored.mode}.")
    measured = depth > 0
    nearest, farthest = (depth[measured].min(), depth[measured].max()) if measured.any() else (0.0, 1.0)
    depth = np.where(measured, (depth - nearest) / max(farthest - nearest, 1e-6), 1.0) * 2.0 - 1.0
    side = min(depth.shape)
    top, left = (depth.shape[0] - side) // 2, (depth.shape[1] - side) // 2
    square = depth[top : top + side, left : left + side].astype("float32")
    return resize(square[None, ..., None], size)[0]


# By name -------------------------------------------------------------------------------------------------------------------


def load_domains(
    pair: str, source: str = "digits", image_size: int | None = None, batch_size: int = 64, seed: int = 0
) -> tuple[dict[str, Any], dict[str, Array]]:
    """Two domains by name, as the command lines of CoGAN's applications take them.

    Args:
        pair: "edges", "negatives" or "thick": one half of `source`, and the other half changed. "usps:FILE.npz": `source`, and USPS at its
            size. "attribute:NAME:FOLDER": CelebA's faces with and without an attribute. "rgbd:FOLDER": color and depth.
        source: images with labels for `kgan.datasets.arrays`, default "digits"; CoGAN's is "tfds:mnist".
        image_size: default the source's own, 128 for faces, 64 for color and depth.
        batch_size, seed: of faces, which are read as they are needed; and of the halves.

    Returns:
        `(domains, labels)`: dict of two names to arrays or data sets, for `unpaired`; dict of the same names to labels, empty where there
        are none.

    Raises:
        ValueError: for another pair; what the readers raise.
    """
    kind, _, rest = pair.partition(":")
    if kind == "attribute" and rest.partition(":")[2]:
        attribute, _, root = rest.partition(":")
        return attribute_domains(root, attribute, batch_size, image_size or 128, seed), {}
    if kind == "rgbd" and rest:
        return rgbd_folder(rest, image_size or 64, seed), {}
    name = source.removeprefix("tfds:")
    if kind in CHANGES and not rest:
        (first, own), (second, other) = halves(*arrays(source, "all" if source == "digits" else "train", image_size), seed=seed)
        return {name: first, kind: CHANGES[kind](second)}, {name: own, kind: other}
    if kind == "usps" and rest:
        images, own = arrays(source, "train", image_size)
        changed, other = usps(rest, "train", images.shape[1])
        return {name: images, "usps": changed}, {name: own, "usps": other}
    raise ValueError(
        f"Pairs of domains: {', '.join(CHANGES)}, usps:FILE.npz, attribute:NAME:FOLDER, rgbd:FOLDER. Received: {pair!r}."
    )
