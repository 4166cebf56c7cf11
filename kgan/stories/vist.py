"""VIST, the data of visual storytelling: Huang et al. 2016, 1604.03968, from its own files and precomputed photo features."""

import functools
import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kgan.arguments import shown
from kgan.files import atomic_write, read_array, read_json
from kgan.stories.sentences import PHOTOS, Stories, Vocabulary
from kgan.types import Array

_SPLITS = {"train": "train", "validation": "val", "test": "test"}
_KEYS = ("story_id", "album_id", "photo_flickr_id", "worker_arranged_photo_order", "text")
_RESNET_SIDE = 224
_Told = tuple[str, str, list[str], tuple[str, ...]]  # story, album, photos, sentences
_NAMED = 10


def vist(root: str | Path, split: str = "train", features: str | Path | None = None, limit: int | None = None) -> Stories:
    """Stories of VIST with the features of their photos.

    Stories one of whose photos has no feature file are left out, as the paper does; of files that cannot be read, the features
    are zeros. Both are counted in `notes` and warned of.

    Args:
        root: folder with `sis/train.story-in-sequence.json` and those of `val` and `test`, as they are distributed.
        split: "train" (default), "validation" or "test".
        features: folder with a file `<photo_flickr_id>.npy` for every photo, or `<split>/<photo_flickr_id>.npy` with `val` for
            validation: a vector, in the paper the 2048 numbers of ResNet-152's last pooling. None (default): `features` in
            `root`. `photo_features` writes them.
        limit: int or None (default): only as many stories, the first of the file.

    Returns:
        `Stories`. `text` is taken as it stands in the file, already tokenized and lower case, names as [male], [location] and so on.
        `notes` has `stories_without_photo`, `photos_missing` and `photos_unreadable`.

    Raises:
        FileNotFoundError: no such folder or file. ValueError: a file that breaks the format, a story that has not five photos,
            features of different sizes, no story with all photos.
    """
    stories = _read_stories(root, split)[:limit]
    folder = Path(features) if features is not None else Path(root) / "features"
    if not folder.is_dir():
        raise FileNotFoundError(
            f"There is no folder of features {str(folder)!r}. It holds <photo_flickr_id>.npy files; photo_features() writes them "
            "from pictures."
        )
    wanted = list(dict.fromkeys(photo for _, _, photos, _ in stories for photo in photos))
    paths = {photo: _find(folder, split, photo) for photo in wanted}
    kept = [story for story in stories if all(paths[photo] is not None for photo in story[2])]
    if not kept:
        raise ValueError(
            f"None of {len(stories)} stories has all its photos in {str(folder)!r}. {wanted[0]:.40}.npy, say, is missing."
        )
    used = list(dict.fromkeys(photo for _, _, photos, _ in kept for photo in photos))
    vectors, unreadable = _read_features([path for photo in used if (path := paths[photo]) is not None])
    row = {photo: index for index, photo in enumerate(used)}
    rows, texts = [[row[photo] for photo in photos] for _, _, photos, _ in kept], [text for *_, text in kept]
    found = Stories(vectors, rows, texts, [album for _, album, _, _ in kept])
    missing = sum(path is None for path in paths.values())
    found.notes = {
        "stories_without_photo": len(stories) - len(kept),
        "photos_missing": missing,
        "photos_unreadable": len(unreadable),
    }
    if missing or unreadable:
        warnings.warn(
            f"{found.notes['stories_without_photo']} of {len(stories)} stories are left out for {missing} missing photos; the features of "
            f"{len(unreadable)} photos could not be read and are zeros" + (f": {unreadable[:_NAMED]}." if unreadable else "."),
            stacklevel=2,
        )
    return found


def vist_vocabulary(root: str | Path, more_than: int = 5, splits: Sequence[str] = ("train", "validation", "test")) -> Vocabulary:
    """`Vocabulary` of VIST's stories.

    Args:
        root: as in `vist`. more_than: default 5: words seen more often.
        splits: which stories are counted. Default all three, as the release does, 9,837 ids with the paper's files; the words of
            the test stories are among them.
    """
    return Vocabulary.of((s for split in splits for *_, text in _read_stories(root, split) for s in text), more_than)


def _read_stories(root: str | Path, split: str) -> list[_Told]:
    """`(story, album, photos, sentences)` in the order of the file, photos as strings."""
    if split not in _SPLITS:
        raise ValueError(f"`split` must be one of {', '.join(_SPLITS)}. Received: {split!r}.")
    root = Path(root)
    if not root.is_dir():
        raise FileNotFoundError(f"There is no folder {str(root)!r}.")
    path = root / "sis" / f"{_SPLITS[split]}.story-in-sequence.json"
    if not path.is_file():
        raise FileNotFoundError(f"VIST's stories are missing: there is no {str(path)!r}.")
    what = f"a story-in-sequence file, an object with `annotations`, a list of lists of one object with {', '.join(_KEYS)}"
    told, albums = read_json(path, what, _parse)
    found = []
    for story, parts in told.items():
        parts.sort()
        orders = [order for order, _, _ in parts]
        if len(parts) != PHOTOS or len(set(orders)) != PHOTOS:
            raise ValueError(
                f"{str(path)!r}: story {story:.40} must have photos at {PHOTOS} places. It has them at {shown(orders)}."
            )
        found.append((story, albums[story], [photo for _, photo, _ in parts], tuple(text for *_, text in parts)))
    if not found:
        raise ValueError(f"{str(path)!r} holds no story.")
    return found


def _parse(content: Any) -> tuple[dict[str, list[tuple[int, str, str]]], dict[str, str]]:
    """Dicts of story to its parts, `(place, photo, text)`, and to its album."""
    told: dict[str, list[tuple[int, str, str]]] = {}
    albums: dict[str, str] = {}
    for (entry,) in content["annotations"]:
        story, album, photo, order, text = (entry[key] for key in _KEYS)
        if not isinstance(text, str) or not all(isinstance(name, (str, int)) for name in (story, album, photo)):
            raise TypeError(f"a text that is no string, or a name that is no string or integer, in story {story!r:.50}")
        told.setdefault(str(story), []).append((int(order), str(photo), text))
        albums[str(story)] = str(album)
    return told, albums


def _find(folder: Path, split: str, photo: str, suffixes: Sequence[str] = (".npy",)) -> Path | None:
    places = (folder / part / f"{photo}{suffix}" for part in ("", _SPLITS[split]) for suffix in suffixes)
    return next((path for path in places if os.path.isfile(path)), None)  # False too for names that no file can have


def _read_features(paths: Sequence[Path]) -> tuple[Array, list[str]]:
    """Vectors, zeros where a file cannot be read, and the names of those."""
    vectors: list[Array | None] = []
    unreadable: list[str] = []
    for path in paths:
        try:
            vector = read_array(path, "a vector of numbers").ravel()
            vector = vector.astype("float32") if np.issubdtype(vector.dtype, np.number) else vector[:0]
            vectors.append(vector if vector.size and np.isfinite(vector).all() else None)
        except (OSError, ValueError, TypeError):
            vectors.append(None)
        if vectors[-1] is None:
            unreadable.append(path.name)
    sizes: dict[int, str] = {}
    for path, found in zip(paths, vectors, strict=True):
        if found is not None:
            sizes.setdefault(found.size, path.name)
    if len(sizes) != 1:
        named = ", ".join(f"{name} has {size}" for size, name in list(sizes.items())[:_NAMED])
        named = named or f"None of the files can be read, such as {paths[0].name}"
        raise ValueError(f"Features must have one size, vectors of finite numbers. {named}.")
    nothing = np.zeros(next(iter(sizes)), "float32")
    return np.stack([nothing if vector is None else vector for vector in vectors]), unreadable


def photo_features(
    root: str | Path,
    images: str | Path,
    output: str | Path | None = None,
    weights: str | Path | None = None,
    splits: Sequence[str] = tuple(_SPLITS),
    network: Callable[[Array], Any] | None = None,
    batch_size: int = 32,
) -> dict[str, int]:
    """Write the features of VIST's photos, a .npy file each. What is there already stays, so that an interrupted run goes on.

    Photos that cannot be read get zeros; for those that are missing nothing is written.

    Args:
        root: as in `vist`. images: folder with `<split>/<photo_flickr_id>.jpg` (or .png), as VIST is distributed.
        output: folder, default `features` in `root`.
        weights: file with the weights of `keras.applications.ResNet152`, `..._notop.h5` or with the classifier. Nothing is downloaded.
        splits: which stories' photos. batch_size: default 32.
        network: None (default), or another callable from float pixels `(batch, 224, 224, 3)` in [0, 255], RGB, to features.

    Returns:
        dict of `written`, `unreadable` and `missing` photos.

    Raises:
        FileNotFoundError: no such folder or weights. ValueError: neither weights nor network.
    """
    images, output = Path(images), Path(output) if output is not None else Path(root) / "features"
    if not images.is_dir():
        raise FileNotFoundError(f"There is no folder of photos {str(images)!r}.")
    network = network or resnet(weights)
    counts = {"written": 0, "unreadable": 0, "missing": 0}
    batch: list[tuple[Path, Array | None]] = []
    for split in splits:
        folder = output / _SPLITS[split]
        folder.mkdir(parents=True, exist_ok=True)
        for photo in dict.fromkeys(photo for _, _, photos, _ in _read_stories(root, split) for photo in photos):
            if _find(output, split, photo) is not None:
                continue
            path = _find(images, split, photo, (".jpg", ".png"))
            pixels = None if path is None else read_photo(path)
            counts["missing"] += path is None
            counts["unreadable"] += path is not None and pixels is None
            if path is not None:
                batch.append((folder / f"{photo}.npy", pixels))
            if len(batch) == batch_size:
                counts["written"] += _write(batch, network)
                batch = []
    counts["written"] += _write(batch, network)
    return counts


def resnet(weights: str | Path | None) -> Callable[[Array], Array]:
    """ResNet-152 up to its last pooling, 2048 numbers, with weights from a file: callable from pixels in [0, 255], RGB, to an array.

    Pixels are prepared as its Keras weights want them, BGR less the means of ImageNet; the paper used weights of torch and their scaling.
    """
    import keras

    if weights is None:
        raise ValueError(
            "Photos need `weights`, the file of keras.applications.ResNet152 on your disk, or features made elsewhere."
        )
    if not Path(weights).is_file():
        raise FileNotFoundError(f"There are no weights {str(weights)!r}. Nothing is downloaded: copy Keras' file there.")
    top = "notop" not in Path(weights).name
    built = keras.applications.ResNet152(weights=str(weights), include_top=top, pooling=None if top else "avg")
    model = keras.Model(built.inputs, built.get_layer("avg_pool").output)
    return lambda pixels: model.predict(keras.applications.resnet.preprocess_input(pixels), verbose=0)


def read_photo(path: Path) -> Array | None:
    """Pixels of a photo for `resnet`: float32 (224, 224, 3) in [0, 255], its central square resized; None if it cannot be read."""
    from kgan.images import read_image

    try:
        return read_image(path, _RESNET_SIDE, 3).astype("float32")
    except (OSError, ValueError):
        return None


def _save(vector: Array, temporary: Path | str) -> None:
    np.save(temporary, vector)


def _write(batch: Sequence[tuple[Path, Array | None]], network: Callable[[Array], Any]) -> int:
    """Write the features of `(path, pixels)`."""
    if not batch:
        return 0
    blank = np.zeros((_RESNET_SIDE, _RESNET_SIDE, 3), "float32")
    vectors = np.array(network(np.stack([blank if pixels is None else pixels for _, pixels in batch])), "float32")
    for (path, pixels), vector in zip(batch, vectors, strict=True):
        vector = np.zeros_like(vector) if pixels is None else vector
        atomic_write(path, functools.partial(_save, vector))
    return len(batch)
