"""Trained models in folders: `config.json`, `model.weights.h5`, further files that belong to the model, and the SHA-256 sums of all in
`SHA256SUMS`. Some come with kgan, each with a model card, `README.md`: data and license, command, figures, limits.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kgan.arguments import shown
from kgan.files import atomic_write, read_json, read_text, reading
from kgan.types import FilePath

_FILES = ("config.json", "model.weights.h5")
_SUMS = "SHA256SUMS"
_LARGEST = {_FILES[0]: 2**24, _SUMS: 2**20}
_LARGEST_OTHER = 2**32
_LARGEST_HALF = float(np.finfo("float16").max)
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")  # a file of the folder itself


def names() -> list[str]:
    """Names of the presets that come with kgan."""
    return sorted(path.name for path in Path(__file__).parent.iterdir() if (path / _SUMS).is_file())


def of(cls: type) -> dict[str, str]:
    """The presets that come with kgan and hold a model of a registered class or of one derived from it: names to what they are."""
    found = {}
    for name in names():
        stored = read_json(find(name) / _FILES[0], "the configuration of a model", lambda config: config.get("registered_name"))
        kind = keras.saving.get_registered_object(stored)
        if isinstance(kind, type) and issubclass(kind, cls):
            found[name] = about(name)
    return found


def about(preset: FilePath) -> str:
    """What a preset is, the first line of its model card, `README.md`; of one without a card, the class of its model."""
    folder = find(preset)
    if (folder / "README.md").is_file():
        return read_text(folder / "README.md", "a model card").lstrip("# ").splitlines()[0]
    return read_json(folder / _FILES[0], "the configuration of a model", lambda config: str(config["class_name"]))


def save(
    model: Any, folder: FilePath, further: Mapping[str, Callable[[str], object]] | None = None, *, half: bool = False
) -> str:
    """Write a model, without optimizers, to a folder.

    Args:
        model: a system of kgan, or any registered Keras model. folder: made if missing; a preset in it is replaced.
        further: default None; names of files that belong to the model, each with what writes it to a path.
        half: default False; True stores kernels and other arrays of two and more axes rounded to half precision, a relative change of at
            most 2^-11 (values below 6e-5: of 3e-8), in half the space. The model that is loaded computes in the precision it had.

    Returns:
        str, the fingerprint, as `fingerprint(folder)`.

    Raises:
        ValueError: a further name that is taken, or no plain name of a file; with `half`, a value beyond 65,504.
    """
    folder, further = Path(folder), further or {}
    if wrong := [name for name in further if name in (*_FILES, _SUMS) or not _PLAIN.fullmatch(name)]:
        raise ValueError(
            f"Further files of a preset need plain names other than {shown((*_FILES, _SUMS))}. Received: {shown(wrong)}."
        )
    weights = model.get_weights()
    if (
        half
        and (largest := max((float(np.abs(w).max()) for w in weights if _is_halved(w) and w.size), default=0.0)) > _LARGEST_HALF
    ):
        raise ValueError(
            f"Half precision holds values up to {_LARGEST_HALF:,.0f}. Received: {largest:.3g}. Save it without half=True."
        )
    folder.mkdir(parents=True, exist_ok=True)
    config = keras.saving.serialize_keras_object(model)
    config.pop("compile_config", None)
    # The sums go last: a folder that was interrupted is refused, not half loaded.
    (folder / _SUMS).unlink(missing_ok=True)
    atomic_write(folder / _FILES[0], lambda path: Path(path).write_text(json.dumps(config, indent=1) + "\n"))
    # A twin that was never compiled: optimizers would be most of the file.
    twin = keras.saving.deserialize_keras_object(config)
    twin.set_weights(weights)
    twin.save_weights(folder / _FILES[1])
    if half:
        atomic_write(folder / _FILES[1], lambda path: _halve(folder / _FILES[1], path))
    for name, write in further.items():
        atomic_write(folder / name, write)
    sums = "".join(f"{_sha256(folder / name)}  {name}\n" for name in (*_FILES, *further))
    atomic_write(folder / _SUMS, lambda path: Path(path).write_text(sums))
    return fingerprint(folder)


def load(preset: FilePath) -> Any:
    """The model of a preset, not compiled, its files checked against their sums.

    Args:
        preset: one of `names()`, or a folder that `save` wrote. Folders come from people you trust as you trust a Keras file: no code is
            run from them, and what they hide or reveal is up to their weights.

    Raises:
        ValueError: no such preset; missing files, files that differ from their sums, or that this version cannot load; what names a class
            that is neither Keras' nor registered, or a `Lambda` layer; files beyond what `fingerprint` takes. Sizes and sums are checked
            before anything is built.
    """
    folder = find(preset)
    fingerprint(folder)
    model = read_json(folder / _FILES[0], "a model that this version can load", keras.saving.deserialize_keras_object)
    if not isinstance(model, keras.Model):
        raise ValueError(
            f"{folder / _FILES[0]} describes a {type(model).__name__}, no model. Get the preset again from its source."
        )
    with reading(folder / _FILES[1], "the weights of its model"):
        model.load_weights(folder / _FILES[1])
    return model


def find(preset: FilePath) -> Path:
    """The folder of a preset, by name or itself."""
    if str(preset) in names():
        return Path(__file__).parent / str(preset)
    folder = Path(preset)
    if not (folder / _SUMS).is_file():
        raise ValueError(
            f"There is no preset {str(preset)!r}. Use one of {names()}, or a folder with {', '.join((*_FILES, _SUMS))}."
        )
    return folder


def further_file(preset: FilePath, name: str) -> Path:
    """The path of a further file of a preset, all files checked against their sums.

    Raises:
        ValueError: no such preset, or one without such a file; what `fingerprint` refuses.
    """
    folder = find(preset)
    fingerprint(folder)
    listed = read_text(folder / _SUMS, "a list of SHA-256 sums").split()[1::2]
    if name in _FILES or name not in listed:
        raise ValueError(f"The preset {str(preset)!r} has no {name}. It lists: {shown(sorted(listed))}.")
    return folder / name


def fingerprint(preset: FilePath) -> str:
    """The SHA-256 of the sums of a preset's files, after the files were checked against them: 64 hexadecimal digits.

    Raises:
        ValueError: no such preset, a missing file, a file that differs from its sum; one that is larger than a preset's may be: 4 GiB of
            weights or of a further file, 16 MiB of configuration, 1 MiB of sums.
    """
    folder = find(preset)
    _check_size(folder / _SUMS)
    text = read_text(folder / _SUMS, "a list of SHA-256 sums")
    pairs = (line.split(maxsplit=1) for line in text.splitlines() if len(line.split()) == 2)
    sums = {name: value for value, name in pairs}
    if not set(_FILES) <= set(sums) or not all(map(_PLAIN.fullmatch, sums)):
        raise ValueError(f"{folder / _SUMS} must list {' and '.join(_FILES)}. Received: {shown(sorted(sums))}.")
    for name in sums:
        if not (folder / name).is_file():
            raise ValueError(f"The preset {str(folder)!r} lacks {name}.")
        _check_size(folder / name)
        if _sha256(folder / name) != sums[name]:
            raise ValueError(
                f"{folder / name} differs from its SHA-256 sum in {_SUMS}: damaged, or exchanged. Get the preset again from its source."
            )
    return hashlib.sha256(text.encode()).hexdigest()


def _is_halved(values: Any) -> bool:
    """Whether an array is one of those that half precision is worth: counters and statistics are small, and need all their digits."""
    return bool(values.ndim >= 2 and values.dtype in (np.float32, np.float64))


def _halve(source: Path, target: str) -> None:
    """Copy a file of weights, with what `_is_halved` names in half precision. What HDF5 replaces in place keeps its room in the file."""
    import h5py  # of Keras' own requirements

    with h5py.File(source, "r") as read, h5py.File(target, "w") as written:

        def copy(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                values = item[()]
                made = written.create_dataset(name, data=values.astype("float16") if _is_halved(values) else values)
            else:
                made = written.require_group(name)
            made.attrs.update(item.attrs)

        written.attrs.update(read.attrs)
        read.visititems(copy)


def _check_size(path: Path) -> None:
    size, limit = path.stat().st_size, _LARGEST.get(path.name, _LARGEST_OTHER)
    if size > limit:
        raise ValueError(
            f"{path} is too large for a file of a preset: {size:,} bytes, at most {limit:,}. Get the preset again from its source, or load "
            "the model from a .keras file."
        )


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


__all__ = ["about", "find", "fingerprint", "further_file", "load", "names", "of", "save"]
