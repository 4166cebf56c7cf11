"""Between triangle meshes and voxels: voxelization, marching cubes, files for printers and viewers.

Voxels are indexed `[x, y, z]`, z upwards; cell (i, j, k) covers [i, i + 1) x [j, j + 1) x [k, k + 1). Needs `pip install 'kgan[shapes]'`.
"""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kgan.arguments import as_int
from kgan.files import atomic_write
from kgan.types import Array

FORMATS = (".stl", ".obj", ".glb")


def need(module: str) -> Any:
    """Import a package of the extra `shapes`, or say how to get it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.split(".")[0]
        raise ImportError(f"Work with meshes and shapes needs {package}. Install it: pip install 'kgan[shapes]'.") from error


def check_mesh(vertices: ArrayLike, faces: ArrayLike) -> tuple[Array, Array]:
    """Vertices `(n, 3)` float64 and faces `(m, 3)` int64; refuses what is no mesh, an empty one, and one without extent."""
    vertices, faces = np.asarray(vertices, "float64"), np.asarray(faces)
    if vertices.ndim != 2 or vertices.shape[1:] != (3,) or faces.ndim != 2 or faces.shape[1:] != (3,):
        raise ValueError(f"A mesh has vertices (n, 3) and faces (m, 3). Received the shapes {vertices.shape} and {faces.shape}.")
    if not len(vertices) or not len(faces):
        raise ValueError(f"The mesh is empty: {len(vertices)} vertices, {len(faces)} faces.")
    if faces.dtype.kind not in "iu" or faces.min() < 0 or faces.max() >= len(vertices):
        raise ValueError(f"Faces must be integers in [0, {len(vertices)}), indices of vertices.")
    if not np.isfinite(vertices).all():
        raise ValueError("The mesh has vertices that are NaN or infinite.")
    if not np.ptp(vertices[np.unique(faces)], axis=0).max() > 0:
        raise ValueError("The mesh has no extent: all vertices of its faces are one point.")
    return vertices, faces.astype("int64")


def voxelize(vertices: ArrayLike, faces: ArrayLike, size: int = 64, margin: int | None = None, fill: bool = True) -> Array:
    """The cells of a cube that a mesh passes through, its bounding box centered and its longest side made to fit.

    Args:
        vertices, faces: arrays `(n, 3)` and `(m, 3)`; the mesh need not be watertight.
        size: >= 4, default 64 (3D-GAN's).
        margin: empty cells at the ends of the longest side; default size // 32, 2 at 64.
        fill: default True: fill what the outside does not reach. Open meshes stay shells.

    Returns:
        int8 array `(size, size, size)` of 0 and 1.

    Raises:
        ValueError: for a mesh that is empty, has faces of missing vertices, or has no extent.
    """
    vertices, faces = check_mesh(vertices, faces)
    size = as_int(size)
    margin = size // 32 if margin is None else as_int(margin)
    if not isinstance(size, int) or size < 4 or not 0 <= 2 * margin < size:
        raise ValueError(f"`size` must be an integer >= 4, `margin` in [0, size / 2). Received: {size!r} and {margin!r}.")
    used = vertices[np.unique(faces)]
    low, high = used.min(axis=0), used.max(axis=0)
    # A hair less than the whole, so that what ends at a border of cells does not fill the cells behind it.
    scale = (size - 2 * margin - 1e-3) / (high - low).max()
    triangles = ((vertices - (low + high) / 2) * scale + size / 2)[faces]
    cube = np.zeros(size**3, bool)
    for points in sampled(triangles, 0.45):
        cells = np.clip(points.astype("int64"), 0, size - 1)
        cube[(cells[:, 0] * size + cells[:, 1]) * size + cells[:, 2]] = True
    grid = cube.reshape(size, size, size)
    if fill:
        grid = need("scipy.ndimage").binary_fill_holes(grid)
    return grid.astype("int8")


def sampled(triangles: Array, spacing: float, labels: Array | None = None, most: int = 2_000_000) -> Iterator[Any]:
    """Points on triangles `(m, 3, 3)`, no two neighbors farther apart than `spacing`: an iterator over arrays `(n, 3)`.

    With `labels` `(m,)`, an iterator over pairs of points and the labels of their triangles.
    """
    edges = np.linalg.norm(triangles - np.roll(triangles, 1, axis=1), axis=-1).max(axis=1)
    parts = np.maximum(1, np.ceil(edges / spacing)).astype("int64")
    for n in np.unique(parts):
        i, j = np.nonzero(np.add.outer(np.arange(n + 1), np.arange(n + 1)) <= n)
        weights = np.stack([i, j, n - i - j], axis=1) / n
        chosen = np.flatnonzero(parts == n)
        at_once = max(1, most // len(weights))
        for start in range(0, len(chosen), at_once):
            part = chosen[start : start + at_once]
            points = (weights @ triangles[part]).reshape(-1, 3)
            yield points if labels is None else (points, np.repeat(labels[part], len(weights)))


def surface(voxels: Array, threshold: float = 0.5, length: float = 1.0, largest: bool = False) -> Any:
    """The surface of a shape by marching cubes, closed also where the shape touches the border of its cube.

    Args:
        voxels: array `(size, size, size)` or with one channel, occupancies in [0, 1].
        threshold: in (0, 1), default 0.5: what counts as full. The authors' release shows 0.1.
        length: > 0, default 1.0: the side of the whole cube in the mesh's unit; a cell is `length / size`.
        largest: default False: keep the largest connected component alone, as the paper's pictures do.

    Returns:
        `trimesh.Trimesh`, watertight, normals outwards; axes x, y, z as the array's, the corner of cell (0, 0, 0) at the origin.

    Raises:
        ValueError: where nothing is full.

    Example: a block of 2 x 2 x 4 cells.

    >>> import numpy as np
    >>> from kgan.shapes import meshes
    >>> voxels = np.zeros((8, 8, 8)); voxels[3:5, 3:5, 2:6] = 1
    >>> mesh = meshes.surface(voxels, length=8.0)
    >>> mesh.is_watertight, mesh.extents.tolist()
    (True, [2.0, 2.0, 4.0])
    """
    voxels = check_voxels(voxels)
    if not 0 < threshold < 1 or not length > 0:
        raise ValueError(f"`threshold` must lie in (0, 1), `length` above 0. Received: {threshold!r} and {length!r}.")
    full = voxels >= threshold
    if not full.any():
        raise ValueError(f"No cell reaches the threshold {threshold:g}; the fullest has {voxels.max():.3g}. Choose a lower one.")
    if largest:
        full = largest_component(voxels, threshold)
    # Occupancies at the threshold, or close to it, would draw the surface into the center of their cell, where it touches itself.
    gap = 0.1 * min(threshold, 1 - threshold)
    values = np.where(full, np.maximum(voxels, threshold + gap), np.minimum(voxels, threshold - gap))
    # Lewiner's rules, the default, let surfaces of cells that touch at an edge share it, which is not watertight.
    vertices, faces, _, _ = need("skimage.measure").marching_cubes(np.pad(values, 1), threshold, method="lorensen")
    # Sample (i, j, k) is the center of its cell, and the padding moved all of them by one.
    mesh = need("trimesh").Trimesh((vertices - 0.5) * (length / len(voxels)), faces)
    if mesh.volume < 0:
        mesh.invert()
    return mesh


def save_mesh(path: str | Path, mesh: Any) -> None:
    """Write a mesh of `surface` as STL, OBJ or GLB, by the ending of the path, atomically.

    STL (binary) and OBJ keep the array's axes, z upwards, and carry no unit: slicers take STL numbers for millimeters. GLB is in meters
    with y upwards by its standard: there the mesh is turned, (x, y, z) to (x, z, -y).

    Raises:
        ValueError: for another ending, or a mesh that is not watertight.
    """
    kind = Path(path).suffix.lower()
    if kind not in FORMATS:
        raise ValueError(f"Meshes are written as {', '.join(FORMATS)}. Received: {str(path)!r}.")
    if not mesh.is_watertight:
        raise ValueError("The mesh is not watertight, and cannot be printed. Make it with kgan.shapes.surface.")
    if kind == ".glb":
        mesh = mesh.copy()
        mesh.apply_transform([[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
    content = mesh.export(file_type=kind[1:])
    content = content.encode() if isinstance(content, str) else content
    atomic_write(path, lambda temporary: Path(temporary).write_bytes(content))


def check_voxels(voxels: Array) -> Array:
    """One shape as a float array `(size, size, size)` in [0, 1]."""
    voxels = np.asarray(voxels)
    voxels = voxels[..., 0] if voxels.ndim == 4 and voxels.shape[-1] == 1 else voxels
    if voxels.ndim != 3 or len(set(voxels.shape)) != 1 or voxels.dtype.kind not in "fiub":
        raise ValueError(f"A shape must be an array (size, size, size). Received: {voxels.shape} of {voxels.dtype}.")
    if not (voxels.min() >= 0 and voxels.max() <= 1):
        raise ValueError(f"Occupancies must lie in [0, 1]. Received values in [{voxels.min():g}, {voxels.max():g}].")
    return voxels.astype("float64")


def largest_component(voxels: Array, threshold: float = 0.5) -> Array:
    """The full cells of one shape's largest component: booleans `(size, size, size)`."""
    full = check_voxels(voxels) >= threshold
    labeled, count = need("scipy.ndimage").label(full)
    return labeled == 1 + np.bincount(labeled[full], minlength=count + 1)[1:].argmax() if count else full
