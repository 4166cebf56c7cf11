"""Attributes of images, in the text format of CelebA's `list_attr_celeba.txt`."""

import re
from pathlib import Path

import numpy as np

from kgan.arguments import shown
from kgan.files import read_text
from kgan.types import Array, FilePath


def read_attributes(path: FilePath) -> tuple[list[str], list[str], Array]:
    r"""Read which image has which attributes.

    The file's first line is the number of images, its second the names of the attributes, each further one the name of an image file and a
    1 (present) or -1 (absent) for every attribute, all separated by white space. Empty lines at the end are ignored.

    Args:
        path: the file.

    Returns:
        `(files, names, values)`: list of file names; list of attribute names; int64 array `(files, attributes)` of 0 (absent) and 1.

    Raises:
        FileNotFoundError: no such file. ValueError: a line that breaks the format, with the file and the number of the line.

    Example:
    >>> import pathlib, tempfile
    >>> from kgan.datasets.attribute_lists import read_attributes
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "list_attr_celeba.txt"
    ...     _ = path.write_text("2\nSmiling Young\n000001.jpg  1 -1\n000002.jpg -1 -1\n")
    ...     files, names, values = read_attributes(path)
    >>> files, names, values.tolist()
    (['000001.jpg', '000002.jpg'], ['Smiling', 'Young'], [[1, 0], [0, 0]])
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r}. CelebA's list of attributes is called list_attr_celeba.txt.")

    def refuse(line: int, what: str) -> ValueError:
        return ValueError(f"{path}, line {line}: {what}")

    lines = read_text(path, "a text file").rstrip().splitlines()
    if not lines or not re.fullmatch(r"\s*[0-9]{1,12}\s*", lines[0]):
        raise refuse(1, f"expected the number of images. Received: {lines[0][:80] if lines else ''!r}.")
    names = lines[1].split() if len(lines) > 1 else []
    if not names:
        raise refuse(2, "expected the names of the attributes. Received an empty line.")
    if len(set(names)) < len(names):
        raise refuse(
            2, f"every attribute needs a name of its own; twice: {shown(sorted({n for n in names if names.count(n) > 1}))}."
        )
    count = int(lines[0])
    if len(lines) - 2 != count:
        raise refuse(1, f"announces {count} images, and {len(lines) - 2} lines follow the names.")
    files, values = [], np.empty((count, len(names)), "int64")
    for index, line in enumerate(lines[2:]):
        file, *marks = line.split() or [""]
        if len(marks) != len(names) or not set(marks) <= {"1", "-1"}:
            raise refuse(index + 3, f"expected a file name and {len(names)} values, each 1 or -1. Received: {line[:80]!r}.")
        files.append(file)
        values[index] = [mark == "1" for mark in marks]
    return files, names, values
