"""Readers of shape files: OFF meshes and ModelNet's folders, binvox, the .mat voxels of 3D ShapeNets."""

import hashlib
import os
from pathlib import Path
from typing import NoReturn

import numpy as np

from kgan import cache
from kgan.arguments import as_int, shown
from kgan.files import reading
from kgan.shapes import meshes
from kgan.types import Array

_FORMAT = 1  # of the cached voxels; a change of the voxelizer counts it up


def read_off(path: str | Path) -> tuple[Array, Array]:
    """A mesh from an OFF file.

    Comments and blank lines are skipped, and counts that follow `OFF` on the same line (ModelNet40's `OFF490 518 0`) are understood.
    Polygons are cut into triangles fanwise. Colors behind a face are ignored.

    Returns:
        `(vertices, faces)`: float64 `(n, 3)`, int64 `(m, 3)`.

    Raises:
        ValueError: naming file and line, for another format, wrong counts, numbers that are none, indices out of range, an empty mesh.
    """
    split = [
        (number, line.split("#")[0].split())
        for number, line in enumerate(Path(path).read_text(encoding="utf-8", errors="replace").splitlines(), 1)
    ]
    lines = iter([(number, words) for number, words in split if words])

    def refuse(number: int, what: str) -> NoReturn:
        raise ValueError(f"{str(path)!r}, line {number}: {what}")

    def after(section: str) -> tuple[int, list[str]]:
        try:
            return next(lines)
        except StopIteration:
            raise ValueError(f"{str(path)!r} ends among its {section}: the counts in its head promise more.") from None

    number, words = after("header")
    if not words[0].startswith("OFF"):
        refuse(number, f"an OFF file starts with 'OFF', not {words[0][:20]!r}.")
    words = [w for w in (words[0][3:], *words[1:]) if w]
    if not words:
        number, words = after("header")
    try:
        vertex_count, face_count = (int(w) for w in words[:2])
    except ValueError:
        refuse(number, f"expected the counts of vertices, faces and edges, found {' '.join(words)[:40]!r}.")
    if vertex_count < 1 or face_count < 1:
        refuse(number, f"the mesh is empty: {vertex_count} vertices, {face_count} faces.")
    vertices = []
    for _ in range(vertex_count):
        number, words = after("vertices")
        try:
            x, y, z = (float(w) for w in words[:3])
            vertices.append((x, y, z))
        except ValueError:
            refuse(number, f"a vertex is three numbers, found {' '.join(words)[:40]!r}.")
    triangles = []
    for _ in range(face_count):
        number, words = after("faces")
        try:
            corners = [int(w) for w in words[1 : 1 + int(words[0])]]
        except ValueError:
            refuse(number, f"a face is a count and so many indices, found {' '.join(words)[:40]!r}.")
        if len(corners) != int(words[0]) or len(corners) < 3:
            refuse(number, f"a face of {words[0]} corners has {len(corners)} indices, and needs at least 3.")
        if min(corners) < 0 or max(corners) >= vertex_count:
            refuse(number, f"the face {corners} names a vertex outside 0 to {vertex_count - 1}.")
        triangles += [(corners[0], corners[k], corners[k + 1]) for k in range(1, len(corners) - 1)]
    if (extra := next(lines, None)) is not None:
        refuse(extra[0], f"more lines than the counts in its head, {vertex_count} vertices and {face_count} faces, allow.")
    with reading(path, "a mesh"):
        return meshes.check_mesh(vertices, np.asarray(triangles))


def read_binvox(path: str | Path) -> Array:
    """Voxels from a binvox file.

    Returns:
        int8 array `(size, size, size)` of 0 and 1, indexed `[x, y, z]` (the file stores x, z, y). binvox files of ShapeNet have y upwards:
        `np.rot90(voxels, axes=(1, 2))` stands them up.

    Raises:
        ValueError: naming the file, for another format, a box that is no cube, or data that do not fill it.
    """
    content = Path(path).read_bytes()
    header, found, data = content.partition(b"data\n")
    words = [line.split() for line in header.decode("ascii", errors="replace").splitlines()]
    if not found or not words or words[0][:1] != ["#binvox"]:
        raise ValueError(f"{str(path)!r} is not a binvox file: it must start with '#binvox 1' and have a line 'data'.")
    fields = {line[0]: line[1:] for line in words[1:] if line}
    try:
        sizes = [int(n) for n in fields["dim"]]
    except (KeyError, ValueError):
        sizes = []
    if len(sizes) != 3 or len(set(sizes)) != 1 or sizes[0] < 1:
        raise ValueError(f"{str(path)!r} must have a line 'dim n n n' of a cube. Received: {shown(fields.get('dim'))}.")
    pairs = np.frombuffer(data, "uint8")
    if len(pairs) % 2 or int(pairs[1::2].sum(dtype="int64")) != sizes[0] ** 3 or pairs[::2].max(initial=0) > 1:
        raise ValueError(
            f"{str(path)!r}: its runs of (0 or 1, length) hold {int(pairs[1::2].sum(dtype='int64'))} cells, and {sizes[0]}^3 are "
            f"{sizes[0] ** 3}. The file is damaged."
        )
    voxels = np.repeat(pairs[::2], pairs[1::2]).reshape(sizes).astype("int8")
    return np.ascontiguousarray(voxels.transpose(0, 2, 1))


def read_mat(path: str | Path, size: int = 32) -> Array:
    """Voxels from a .mat file of 3D ShapeNets (30^3, key `instance`), padded by one cell to 32^3, doubled to 64^3 by repetition.

    Args:
        size: 32 (default) or 64.

    Returns:
        int8 array `(size, size, size)`. Needs `pip install 'kgan[shapes]'`.
    """
    if size not in (32, 64):
        raise ValueError(f"`size` must be 32 or 64 for the 30^3 voxels of a .mat file. Received: {size!r}.")
    loadmat = meshes.need("scipy.io").loadmat
    with reading(path, "a .mat file with an array 'instance', as those of 3D ShapeNets"):
        try:
            voxels = loadmat(path, variable_names=["instance"])["instance"]
        except NotImplementedError as error:
            raise ValueError(f"{str(path)!r} is of MATLAB 7.3, which cannot be read; write it anew with `save -v7`.") from error
    if getattr(voxels, "shape", None) != (30, 30, 30) or not np.isin(voxels, (0, 1)).all():
        raise ValueError(f"{str(path)!r}: 'instance' must be 30^3 cells of 0 and 1. Received the shape {np.shape(voxels)}.")
    voxels = np.pad(voxels.astype("int8"), 1)
    return voxels if size == 32 else voxels.repeat(2, axis=0).repeat(2, axis=1).repeat(2, axis=2)


_READERS = {
    ".off": lambda path, size: meshes.voxelize(*read_off(path), size=size),
    ".binvox": lambda path, size: _fitted(path, read_binvox(path), size),
    ".mat": lambda path, size: read_mat(path, size),
}


def _fitted(path: Path, voxels: Array, size: int) -> Array:
    if len(voxels) == size:
        return voxels
    if len(voxels) % size:
        raise ValueError(f"{str(path)!r} holds {len(voxels)}^3 cells, which cannot be pooled to {size}^3.")
    step = len(voxels) // size
    return voxels.reshape(size, step, size, step, size, step).max(axis=(1, 3, 5))


def modelnet(path: str | Path, split: str = "train", size: int = 64) -> tuple[Array, Array]:
    """Voxels of a folder laid out as ModelNet10 and 40 are: `<class>/train/*.off`, `<class>/test/*.off`.

    Files may also be .binvox or .mat (`read_mat`). Each is voxelized once, filled, and kept, packed, in `$KGAN_CACHE` (default
    `~/.cache/kgan`), found again by name, length, time of change, and size of the cube; a damaged entry is made anew. The folder of one
    class, with `train` and `test` in it, is read too.

    Args:
        path: the folder. split: "train" (default) or "test". size: default 64 (the paper's).

    Returns:
        `(voxels, labels)`: int8 `(count, size, size, size, 1)`; int64, indices of the classes in alphabetical order. Needs
        `pip install 'kgan[shapes]'`.

    Raises:
        FileNotFoundError: no such folder. ValueError: nothing to read in it, or a file that cannot be read, named.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"There is no folder {str(path)!r}. ModelNet is at https://modelnet.cs.princeton.edu; unpack it there."
        )
    if split not in ("train", "test"):
        raise ValueError(f'`split` must be "train" or "test". Received: {split!r}.')
    size = as_int(size)
    if not isinstance(size, int) or size < 8:
        raise ValueError(f"`size` must be an integer >= 8. Received: {size!r}.")
    kinds = [folder] if (folder / split).is_dir() else sorted(p for p in folder.iterdir() if (p / split).is_dir())
    found = [
        (file, label)
        for label, kind in enumerate(kinds)
        for file in sorted((kind / split).iterdir())
        if file.suffix.lower() in _READERS
    ]
    if not found:
        raise ValueError(
            f"Nothing to read in {str(path)!r}: expected <class>/{split}/ with files {', '.join(sorted(_READERS))} in it."
        )
    voxels = np.zeros((len(found), size, size, size, 1), "int8")
    for index, (file, _) in enumerate(found):
        voxels[index, ..., 0] = _cached(file, size)
    return voxels, np.asarray([label for _, label in found], "int64")


def _cached(file: Path, size: int) -> Array:
    state = os.stat(file)
    key = f"{_FORMAT}|{file.resolve()}|{state.st_size}|{state.st_mtime_ns}|{size}"
    path = cache.folder() / "voxels" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"
    kept = cache.load(path, ("packed", "digest"))
    if kept is not None:
        packed, digest = kept
        whole = packed.dtype == np.uint8 and packed.shape == (-(-(size**3) // 8),)
        if whole and hashlib.sha256(packed.tobytes()).hexdigest() == str(digest):
            return np.unpackbits(packed, count=size**3).reshape(size, size, size).astype("int8")
    voxels = _READERS[file.suffix.lower()](file, size)
    packed = np.packbits(voxels.astype(bool))
    cache.store(path, {"packed": packed, "digest": np.asarray(hashlib.sha256(packed.tobytes()).hexdigest())})
    return voxels
