"""Images with binary labels from files: a table, a folder, and every way in which the two may fail to fit."""

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kgan.arguments import COUNT, require, shown
from kgan.datasets.pipeline import common_size, from_files, mirrored
from kgan.files import reading
from kgan.images import list_images, read_image, readable, refuse_or_warn
from kgan.types import Array, FilePath

_NAMED = 10  # how many names an error lists


def read_labels(path: FilePath, columns: Sequence[str] | None = None, extra: str = "error") -> tuple[list[str], list[str], Array]:
    r"""Read a table of labels: comma-separated, a line of column names, then a line an image; the file name comes first.

    Args:
        path: the file, UTF-8.
        columns: names of the labels wanted, in the order wanted, such as the nodes of a causal graph; or None (default): all of the table.
        extra: "error" (default) refuses columns of the table that `columns` does not name, which may be misspelled; "ignore" drops them.

    Returns:
        `(files, names, values)`: list of file names, list of label names, int64 array (files, labels) of 0 and 1, as
        `kgan.datasets.attribute_lists.read_attributes` of CelebA's list.

    Raises:
        FileNotFoundError: no such file. ValueError: columns missing or not wanted; a line with a value other than 0 and 1, too many or too
            few values, no file name or one for the second time: with the number of the line.

    Example:
    >>> import pathlib, tempfile
    >>> from kgan.datasets.labeled_images import read_labels
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "labels.csv"
    ...     _ = path.write_text("file,round,red\na.png,1,0\nb.png,0,1\n")
    ...     files, names, values = read_labels(path, columns=["red", "round"])
    >>> files, names, values.tolist()
    (['a.png', 'b.png'], ['red', 'round'], [[0, 1], [1, 0]])
    """
    lines, names, values = _read_table(path, columns, extra)
    return list(lines), names, values


def _read_table(path: FilePath, columns: Sequence[str] | None, extra: str) -> tuple[dict[str, int], list[str], Array]:
    """As `read_labels`, with a dict of file name to number of its line."""
    path = Path(path)
    if extra not in ("error", "ignore"):
        raise ValueError(f'`extra` must be "error" or "ignore". Received: {extra!r}.')
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    with reading(path, "a table of comma-separated UTF-8 text"), open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file, strict=True)
        lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(cell.strip() for cell in row)]
    if not lines:
        raise ValueError(f"{path} is empty. Expected a line of column names: the file name's, then the labels'.")
    line, (_, *names) = lines[0]
    if not names or "" in names or len(set(names)) < len(names):
        raise ValueError(
            f"{path}, line {line}: expected column names, the file name's, then different ones of the labels, separated by commas. "
            f"Received: {_shown(lines[0][1])}."
        )
    wanted = names if columns is None else list(columns)
    missing, unknown = [n for n in wanted if n not in names], [n for n in names if n not in wanted]
    if missing or (unknown and extra == "error"):
        parts = [f"lacks the columns {shown(missing)}"] * bool(missing) + [f"has the columns {shown(unknown)}"] * bool(unknown)
        hint = "" if missing else ' Pass extra="ignore" to drop them.'
        raise ValueError(f"{path} {' and '.join(parts)}, where {shown(wanted)} are wanted.{hint}")
    if not wanted or len(set(wanted)) < len(wanted):
        raise ValueError(f"`columns` must be different names, at least one. Received: {wanted!r}.")
    chosen = [names.index(name) for name in wanted]
    seen: dict[str, int] = {}
    values = np.empty((len(lines) - 1, len(wanted)), "int64")
    for index, (line, row) in enumerate(lines[1:]):
        name, *cells = row
        if len(cells) != len(names):
            raise ValueError(f"{path}, line {line}: expected {len(names)} values after the file name. Received: {_shown(row)}.")
        if not name:
            raise ValueError(f"{path}, line {line}: the file name is empty.")
        if name in seen:
            raise ValueError(f"{path}, line {line}: {name[:40]!r} has labels already, in line {seen[name]}.")
        seen[name] = line
        for place, column in enumerate(chosen):
            if cells[column] not in ("0", "1"):
                hint = (
                    " Lists with 1 and -1 are read by kgan.datasets.attribute_lists.read_attributes."
                    if cells[column] == "-1"
                    else ""
                )
                raise ValueError(
                    f"{path}, line {line}: {names[column][:40]!r} must be 0 or 1. Received: {cells[column][:40]!r}.{hint}"
                )
            values[index, place] = int(cells[column])
    if not seen:
        raise ValueError(f"{path} has column names, but no line with labels.")
    return seen, wanted, values


def _shown(row: Sequence[str]) -> str:
    return repr(",".join(row)[:80])


def labeled_images(
    table: FilePath,
    folder: FilePath,
    columns: Sequence[str] | None = None,
    image_size: int | None = None,
    *,
    batch_size: int | None = None,
    extra: str = "error",
    channels: int = 3,
    crop: int | None = None,
    mirror: bool = False,
    corrupt: str = "skip",
    shuffle: bool = True,
    seed: int = 0,
    background: str = "white",
) -> Any:
    r"""Your own images with your own binary labels.

    Args:
        table: comma-separated file, as for `read_labels`.
        folder: folder that the table's file names are in. What counts as a picture, and that pixels are those that a viewer shows, says the
            head of `kgan.images`.
        columns: as in `read_labels`: the labels wanted, in that order.
        image_size: default None, which needs files of one size.
        batch_size: int or None. None (default): arrays in memory. int: a `tf.data.Dataset` that reads minibatches as they are needed, for
            more images than fit.
        extra: as in `read_labels`.
        channels: 1 (gray) or 3 (color), default 3.
        crop: default None: side of a central square to cut out, resized by areas; None takes the largest square.
        mirror: default False: mirror images at random, left for right, anew in every epoch. Needs `batch_size`.
        corrupt: "skip" (default) leaves unreadable images out with a warning that counts and names them, "error" refuses them.
        shuffle, seed: as in `kgan.datasets.from_arrays`; of minibatches. Arrays are in the order of the table.
        background: default "white": what transparent pixels are laid on, a name of HTML's or "#rrggbb".

    Returns:
        `(images, labels)`, float32 (count, size, size, channels) in [-1, 1] and float32 (count, labels) of 0 and 1; or a
        `tf.data.Dataset` of minibatches of both.

    Raises:
        FileNotFoundError: no such table or folder. ValueError: as `read_labels`; lines whose image is missing; images without a line; no
            readable image; different sizes without `image_size`.

    Example:
    >>> import pathlib, tempfile, numpy as np
    >>> import kgan
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     kgan.pictures.save_image(pathlib.Path(folder) / "a.png", np.zeros((8, 8, 3), "uint8"))
    ...     _ = (pathlib.Path(folder) / "labels.csv").write_text("file,dark\na.png,1\n")
    ...     images, labels = labeled_images(pathlib.Path(folder) / "labels.csv", folder)
    >>> images.shape, labels.tolist()
    ((1, 8, 8, 3), [[1.0]])
    """
    lines, _, values = _read_table(table, columns, extra)
    paths = match(lines, folder, table)
    options: dict[str, Any] = {
        "channels": channels,
        "crop": crop,
        "mirror": mirror,
        "corrupt": corrupt,
        "shuffle": shuffle,
        "seed": seed,
        "background": background,
    }
    return load_labeled(paths, values, folder, image_size, batch_size, **options)


def match(lines: Mapping[str, int], folder: FilePath, table: FilePath) -> list[Path]:
    """Paths of the images of a table, all of which must be there, and no other.

    Args:
        lines: dict of file name to number of its line in the table.
        folder: folder that the names are in. table: path of the table, for messages.

    Returns:
        list of `pathlib.Path`, in the order of `lines`.
    """
    folder = Path(folder)
    there = {*list_images(folder)[0]}
    paths = [folder / name for name in lines]
    absent = [
        (name, line)
        for (name, line), path in zip(lines.items(), paths, strict=True)
        if path not in there and not os.path.isfile(path)
    ]
    if absent:
        named = ", ".join(f"{name[:40]!r} (line {line})" for name, line in absent[:_NAMED]) + (
            ", ..." if len(absent) > _NAMED else ""
        )
        raise ValueError(f"{len(absent)} of {len(paths)} images that {table} labels are not in {str(folder)!r}: {named}.")
    bare = sorted(str(p.relative_to(folder)) for p in there.difference(paths))
    if bare:
        named = ", ".join(bare[:_NAMED]) + (", ..." if len(bare) > _NAMED else "")
        raise ValueError(
            f"{table} has labels of {len(paths)} images, the last in line {max(lines.values())}, and {str(folder)!r} holds {len(there)}. "
            f"{len(bare)} have no line: {named}. Add their lines, or move them elsewhere."
        )
    return paths


def load_labeled(
    paths: Sequence[Path],
    values: Array,
    folder: FilePath,
    image_size: int | None,
    batch_size: int | None,
    *,
    channels: int,
    crop: int | None,
    mirror: bool,
    corrupt: str,
    shuffle: bool,
    seed: int,
    background: str = "white",
) -> Any:
    """Arrays, or a `tf.data.Dataset`, of images and labels: see `labeled_images`. `corrupt` "unchecked" opens no file beforehand."""
    if channels not in (1, 3):
        raise ValueError(f"`channels` must be 1 or 3. Received: {channels!r}.")
    if corrupt not in ("skip", "error", "unchecked"):
        raise ValueError(f'`corrupt` must be "skip", "error" or "unchecked". Received: {corrupt!r}.')
    require(COUNT.or_none(), image_size=image_size, crop=crop)
    check_mirror(mirror, batch_size)
    if corrupt != "unchecked":
        good, bad = readable(paths)
        refuse_or_warn(bad, len(paths), Path(folder), corrupt)
        if not good:
            raise ValueError(f"None of {len(paths)} images in {str(folder)!r} can be read.")
        kept = set(good)
        values = values[[path in kept for path in paths]]
        paths = good
    size = image_size or crop or common_size(paths)
    labels = values.astype("float32")
    if batch_size is not None:
        options: dict[str, Any] = {"seed": seed, "shuffle": shuffle, "labels": labels, "crop": crop, "background": background}
        dataset = from_files(paths, batch_size, size, channels, **options)
        return mirrored(dataset, seed) if mirror else dataset
    images = np.empty((len(paths), size, size, channels), "float32")
    for index, path in enumerate(paths):
        images[index] = read_image(path, size, channels, crop, background)
    return images / 127.5 - 1.0, labels


def check_mirror(mirror: bool, batch_size: int | None) -> None:
    if mirror and batch_size is None:
        raise ValueError("`mirror` is drawn anew in every epoch, which arrays cannot be. Pass mirror=False, or a `batch_size`.")
