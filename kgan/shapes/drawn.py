"""Shapes made by rule: solids and furniture as voxels, furniture as meshes, and pictures of voxels. No download.

Voxels are int8 arrays `(count, size, size, size, 1)` of 0 and 1, indexed `[x, y, z]`, z upwards.
"""

from collections.abc import Callable, Sequence

import numpy as np

from kgan.arguments import as_int
from kgan.shapes.meshes import voxelize
from kgan.types import Array

SOLIDS = ("box", "ellipsoid", "cylinder", "cone", "torus", "table", "chair")
FURNITURE = ("bed", "chair", "desk", "lamp", "shelf", "sofa", "stool", "table")

_Part = tuple[float, ...]  # four numbers of a frustum, six of a box
_Draw = Callable[[float, float], float]


def solids(count: int, size: int = 16, seed: int = 0, classes: Sequence[str] = SOLIDS) -> tuple[Array, Array]:
    """Seven classes of solids by implicit functions: random size, position and rotation about z.

    Args:
        count: shapes, of all classes alike, in random order.
        size: >= 8, default 16. Slabs and legs are at least one cell thick.
        seed: default 0.
        classes: names among `SOLIDS`, default all; labels count in their order.

    Returns:
        `(voxels, labels)`: int8 `(count, size, size, size, 1)`, int64 `(count,)`.

    Example:
    >>> import kgan
    >>> voxels, labels = kgan.shapes.solids(70, seed=1)
    >>> voxels.shape, sorted(set(labels.tolist()))
    ((70, 16, 16, 16, 1), [0, 1, 2, 3, 4, 5, 6])
    """
    labels, rng = _labels(count, size, seed, classes, SOLIDS)
    axis = (2 * np.arange(size) + 1) / size - 1
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij")).reshape(3, 1, -1).astype("float32")
    voxels = np.zeros((count, size**3), "int8")
    for label, name in enumerate(classes):
        for chosen in _parts(np.flatnonzero(labels == label)):
            voxels[chosen] = _solid(name, grid, len(chosen), 2 / size, rng)
    return voxels.reshape(count, size, size, size, 1), labels


def _labels(count: int, size: int, seed: int, classes: Sequence[str], known: Sequence[str]) -> tuple[Array, np.random.Generator]:
    count, size = as_int(count), as_int(size)
    if not isinstance(count, int) or count < 1 or not isinstance(size, int) or size < 8:
        raise ValueError(f"`count` must be an integer >= 1, `size` an integer >= 8. Received: {count!r} and {size!r}.")
    unknown = [name for name in classes if name not in known]
    if unknown or not len(classes):
        raise ValueError(f"`classes` must be some of {known}. Received: {classes!r}.")
    rng = np.random.default_rng(seed)
    return rng.permutation(np.arange(count) % len(classes)).astype("int64"), rng


def _parts(indices: Array, most: int = 256) -> list[Array]:
    return [indices[start : start + most] for start in range(0, len(indices), most)]


def _solid(name: str, grid: Array, count: int, cell: float, rng: np.random.Generator) -> Array:
    """`count` solids of a class over the cells: booleans `(count, cells)`. The cube is [-1, 1]^3."""

    def draw(low: float, high: float) -> Array:
        return rng.uniform(low, high, (count, 1)).astype("float32")

    angle = draw(0, 2 * np.pi)
    x, y, z = (axis - draw(-0.1, 0.1) for axis in grid)
    x, y = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    a, b, c = draw(0.38, 0.7), draw(0.38, 0.7), draw(0.45, 0.85)
    radius = np.hypot(x, y)
    slab, leg = max(0.1, 1.1 * cell), max(0.1, 1.5 * cell)

    def box(left: Array, front: Array, bottom: Array, right: Array, back: Array, top: Array) -> Array:
        return (x > left) & (x < right) & (y > front) & (y < back) & (z > bottom) & (z < top)

    def legs(bottom: Array, top: Array) -> Array:
        corner = (abs(x) < a) & (abs(x) > a - leg) & (abs(y) < b) & (abs(y) > b - leg)
        return corner & (z > bottom) & (z < top)

    if name == "box":
        return box(-a, -b, -c, a, b, c)
    if name == "ellipsoid":
        return (x / a) ** 2 + (y / b) ** 2 + (z / c) ** 2 < 1
    if name == "cylinder":
        return (radius < a) & (abs(z) < c)
    if name == "cone":
        return (radius < a * (c - z) / (1.6 * c)) & (abs(z) < c)
    if name == "torus":
        return (radius - draw(0.42, 0.66)) ** 2 + z**2 < draw(0.14, 0.24) ** 2
    if name == "table":
        return box(-a, -b, c - slab, a, b, c) | legs(-c, c)
    seat = draw(-0.3, 0.1) * c
    return box(-a, -b, seat, a, b, seat + slab) | legs(-c, seat) | box(-a, b - slab, seat, a, b, c)


def solid_set(split: str, size: int = 16, classes: Sequence[str] = SOLIDS) -> tuple[Array, Array]:
    """The embedded set "solids": 2,500 shapes to train and 1,000 to test."""
    return solids(2500, size, 100, classes) if split == "train" else solids(1000, size, 101, classes)


# Furniture -----------------------------------------------------------------------------------------------------------


def furniture(count: int, size: int = 32, seed: int = 0, classes: Sequence[str] = FURNITURE) -> tuple[Array, Array]:
    """Furniture as voxels: the meshes of `furniture_mesh`, each voxelized so that its longest side fills the cube.

    Args:
        count, seed: as in `solids`. size: default 32. classes: names among `FURNITURE`, default all; labels count in their order.

    Returns:
        As `solids`. Needs `pip install 'kgan[shapes]'`.
    """
    labels, rng = _labels(count, size, seed, classes, FURNITURE)
    voxels = np.zeros((count, size, size, size, 1), "int8")
    for index, label in enumerate(labels):
        voxels[index, ..., 0] = voxelize(*furniture_mesh(classes[label], rng), size=size)
    return voxels, labels


def furniture_set(split: str, size: int = 32, classes: Sequence[str] = FURNITURE) -> tuple[Array, Array]:
    """The embedded set "furniture": 1,600 shapes to train and 400 to test."""
    return furniture(1600, size, 100, classes) if split == "train" else furniture(400, size, 101, classes)


def furniture_mesh(kind: str, seed: int | np.random.Generator | None = None) -> tuple[Array, Array]:
    """One piece of furniture of random proportions as a mesh, in meters, z upwards, its front towards -y.

    Args:
        kind: one of `FURNITURE`.
        seed: int, `numpy.random.Generator` or None (default: another piece at each call).

    Returns:
        `(vertices, faces)`: arrays `(n, 3)` and `(m, 3)`. Closed parts that touch or overlap.

    Example:
    >>> import kgan
    >>> vertices, faces = kgan.shapes.furniture_mesh("table", seed=0)
    >>> vertices.shape, faces.shape
    ((40, 3), (60, 3))
    """
    if kind not in FURNITURE:
        raise ValueError(f"`kind` must be one of {FURNITURE}. Received: {kind!r}.")
    rng = np.random.default_rng(seed)
    vertices, faces, start = [], [], 0
    for part in _PLANS[kind](lambda low, high: float(rng.uniform(low, high)), rng):
        points, triangles = _cylinder(*part) if len(part) == 4 else _box(*part)
        vertices.append(points)
        faces.append(triangles + start)
        start += len(points)
    return np.concatenate(vertices), np.concatenate(faces)


_CORNERS = np.asarray([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], "float64")
_SIDES = np.asarray(
    [
        [0, 1, 3],
        [0, 3, 2],
        [4, 6, 7],
        [4, 7, 5],
        [0, 4, 5],
        [0, 5, 1],
        [2, 3, 7],
        [2, 7, 6],
        [0, 2, 6],
        [0, 6, 4],
        [1, 5, 7],
        [1, 7, 3],
    ]
)


def _box(left: float, front: float, bottom: float, right: float, back: float, top: float) -> tuple[Array, Array]:
    low, high = np.asarray([left, front, bottom]), np.asarray([right, back, top])
    return low + _CORNERS * (high - low), _SIDES


def _cylinder(bottom: float, top: float, low_radius: float, high_radius: float, sides: int = 16) -> tuple[Array, Array]:
    """A frustum around the z axis."""
    angle = 2 * np.pi * np.arange(sides) / sides
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    rings = [np.column_stack([r * circle, np.full(sides, z)]) for r, z in ((low_radius, bottom), (high_radius, top))]
    here, after = np.arange(sides), (np.arange(sides) + 1) % sides
    low, high = np.full(sides, 2 * sides), np.full(sides, 2 * sides + 1)
    faces = [
        [here, after, after + sides],
        [here, after + sides, here + sides],
        [after, here, low],
        [here + sides, after + sides, high],
    ]
    points = np.concatenate([*rings, [[0, 0, bottom], [0, 0, top]]])
    return points, np.concatenate([np.stack(face, axis=1) for face in faces])


def _legs(width: float, depth: float, height: float, thick: float) -> list[_Part]:
    """Four legs below a rectangle around the z axis."""
    return [
        (x, y, 0.0, x + thick, y + thick, height)
        for x in (-width / 2, width / 2 - thick)
        for y in (-depth / 2, depth / 2 - thick)
    ]


def _slab(width: float, depth: float, bottom: float, thick: float) -> _Part:
    return (-width / 2, -depth / 2, bottom, width / 2, depth / 2, bottom + thick)


def _table(draw: _Draw, rng: np.random.Generator) -> list[_Part]:
    width, depth, height = draw(0.9, 1.7), draw(0.6, 1.0), draw(0.55, 0.85)
    return [*_legs(width, depth, height, draw(0.06, 0.12)), _slab(width, depth, height, draw(0.05, 0.1))]


def _desk(draw: _Draw, rng: np.random.Generator) -> list[_Part]:
    width, depth, height, panel = draw(1.1, 1.6), draw(0.55, 0.8), draw(0.68, 0.8), draw(0.05, 0.08)
    drawers = draw(0.3, 0.45)
    parts = [
        _slab(width, depth, height, panel),
        (-width / 2, -depth / 2, 0.0, -width / 2 + drawers, depth / 2, height),
        (width / 2 - panel, -depth / 2, 0.0, width / 2, depth / 2, height),
    ]
    if rng.random() < 0.5:
        parts.append((-width / 2, depth / 2 - panel, height / 2, width / 2, depth / 2, height))
    return parts


def _chair(draw: _Draw, rng: np.random.Generator) -> list[_Part]:
    width, depth, height, thick = draw(0.4, 0.55), draw(0.4, 0.55), draw(0.38, 0.5), draw(0.05, 0.08)
    back = draw(0.35, 0.65)
    parts = [*_legs(width, depth, height, thick), _slab(width, depth, height, thick)]
    parts.append((-width / 2, depth / 2 - thick, height, width / 2, depth / 2, height + back))
    if rng.random() < 0.4:
        rest = height + draw(0.15, 0.25)
        for x in (-width / 2, width / 2 - thick):
            parts += [
                (x, -depth / 2, rest, x + thick, depth / 2, rest + thick),
                (x, -depth / 2, height, x + thick, -depth / 2 + thick, rest),
            ]
    return parts


def _stool(draw: _Draw, rng: np.random.Generator) -> list[_Part]:
    height, radius = draw(0.4, 0.8), draw(0.15, 0.25)
    seat = (height, height + draw(0.05, 0.09), radius, radius)
    if rng.random() < 0.5:
        return [seat, *_legs(1.4 * radius, 1.4 * radius, height, draw(0.05, 0.07))]
    foot = draw(0.05, 0.08)
    return [seat, (0.0, height, 0.05, 0.05), (0.0, foot, radius * draw(0.7, 1.1), radius * 0.6)]


def _sofa(draw: _Draw, rng: np.random.Generator) -> list[_Part]:
    width, depth, seat, back, arm = draw(1.4, 2.3), draw(0.75, 1.0), draw(0.35, 0.48), draw(0.3, 0.5), draw(0.15, 0.28)
    parts = [_slab(width, depth, 0.0, seat), (-width / 2, depth / 2 - arm, seat, width / 2, depth / 2, seat + back)]
    top = seat + draw(0.12, 0.28)
    return parts + [(x, -depth / 2, seat, x + arm, depth / 2, top) for x in (-width / 2, width / 2 - arm)]


def _bed(draw: _Draw, rng: np.random.Generator) -> list[_Part]:
    width, length, low, thick = draw(0.9, 1.8), draw(1.9, 2.1), draw(0.12, 0.3), draw(0.18, 0.3)
    head, board = draw(0.3, 0.6), draw(0.08, 0.12)
    parts = [*_legs(width, length, low, 0.12), _slab(width, length, low, thick)]
    parts.append((-width / 2, length / 2 - board, low, width / 2, length / 2, low + thick + head))
    if rng.random() < 0.5:
        parts.append((-width / 2, -length / 2, low, width / 2, -length / 2 + board, low + thick + head * 0.5))
    return parts


def _shelf(draw: _Draw, rng: np.random.Generator) -> list[_Part]:
    width, depth, height, thick = draw(0.6, 1.1), draw(0.25, 0.4), draw(1.2, 2.0), draw(0.06, 0.08)
    boards = int(rng.integers(3, 6))
    parts: list[_Part] = [(x, -depth / 2, 0.0, x + thick, depth / 2, height) for x in (-width / 2, width / 2 - thick)]
    parts += [_slab(width, depth, z, thick) for z in np.linspace(0.0, height - thick, boards)]
    if rng.random() < 0.5:
        parts.append((-width / 2, depth / 2 - 0.06, 0.0, width / 2, depth / 2, height))
    return parts


def _lamp(draw: _Draw, rng: np.random.Generator) -> list[_Part]:
    height, radius, shade = draw(1.2, 1.7), draw(0.16, 0.26), draw(0.2, 0.35)
    return [
        (0.0, draw(0.05, 0.08), radius * 0.8, radius * 0.7),
        (0.0, height, 0.04, 0.04),
        (height - shade / 2, height + shade / 2, radius, radius * draw(0.5, 0.8)),
    ]


_PLANS = {
    "bed": _bed, "chair": _chair, "desk": _desk, "lamp": _lamp, "shelf": _shelf, "sofa": _sofa, "stool": _stool, "table": _table,
}  # fmt: skip


# Pictures of shapes --------------------------------------------------------------------------------------------------


def views(
    voxels: Array, image_size: int = 32, azimuth: float | Array = 30.0, elevation: float = 25.0, style: str = "shaded"
) -> Array:
    """One picture of each shape, for `kgan.ThreeDVAEGAN`: `render` in [-1, 1], the background at -1.

    Args:
        voxels: array `(count, size, size, size, 1)` in [0, 1]. The others: as in `render`.

    Returns:
        float32 array `(count, image_size, image_size, 1)`.
    """
    return 2.0 * render(voxels, image_size, azimuth, elevation, style=style)[..., None] - 1.0


def render(
    voxels: Array,
    image_size: int = 64,
    azimuth: float | Array = 30.0,
    elevation: float = 25.0,
    threshold: float = 0.5,
    style: str = "shaded",
) -> Array:
    """Orthographic pictures of voxels, as seen from a direction.

    Args:
        voxels: array `(count, size, size, size)`, with or without an axis of one channel.
        image_size: pixels; the cube just fits whatever the direction.
        azimuth: degrees, or an array of one for each shape. 0 looks along +y (at the front of furniture); positive turns the viewer to
            the right.
        elevation: degrees, default 25: how far from above; 90 is from the top.
        threshold: default 0.5: what counts as full.
        style: "shaded" (default): a gray for each direction a face looks to, darker with depth; "depth": nearest is 1;
            "silhouette": 0 and 1.

    Returns:
        float32 array `(count, image_size, image_size)` in [0, 1], 0 where there is nothing.
    """
    voxels = np.asarray(voxels)
    voxels = voxels[..., 0] if voxels.ndim == 5 and voxels.shape[-1] == 1 else voxels
    if voxels.ndim != 4 or len(set(voxels.shape[1:])) != 1:
        raise ValueError(f"Shapes must be (count, size, size, size), with or without one channel. Received: {voxels.shape}.")
    if style not in ("shaded", "depth", "silhouette"):
        raise ValueError(f'`style` must be "shaded", "depth" or "silhouette". Received: {style!r}.')
    full, azimuths = voxels >= threshold, np.broadcast_to(np.asarray(azimuth, "float64"), (len(voxels),))
    pictures = np.zeros((len(voxels), image_size, image_size), "float32")
    for angle in np.unique(azimuths):
        rays = _rays(voxels.shape[1], image_size, angle, elevation)
        for chosen in _parts(np.flatnonzero(azimuths == angle), 64):
            pictures[chosen] = _look(full[chosen], *rays, style).reshape(-1, image_size, image_size)
    return pictures


def _rays(size: int, image_size: int, azimuth: float, elevation: float) -> tuple[Array, Array]:
    """For every pixel and step along its ray: the flat index of the cell there (the last one, empty, outside), and the axis of the face
    by which the ray entered it.
    """
    a, e = np.deg2rad(azimuth), np.deg2rad(elevation)
    forward = np.asarray([-np.sin(a) * np.cos(e), np.cos(a) * np.cos(e), -np.sin(e)])
    right = np.asarray([np.cos(a), np.sin(a), 0.0])
    up = np.cross(right, forward)
    # The half width of the view: half the cube's diagonal would always do, but its shadow is smaller.
    half = size / 2 * max(np.abs(right).sum(), np.abs(up).sum())
    depth = size / 2 * np.abs(forward).sum()
    pixel = half * ((2 * np.arange(image_size) + 1) / image_size - 1)
    steps = np.arange(-depth, depth, 0.25)
    plane = pixel[None, :, None] * right - pixel[:, None, None] * up
    points = plane.reshape(-1, 1, 3) + steps[:, None] * forward + size / 2
    cells = np.floor(points).astype("int32")
    inside = ((cells >= 0) & (cells < size)).all(axis=-1)
    flat = np.where(inside, (cells[..., 0] * size + cells[..., 1]) * size + cells[..., 2], size**3)
    # A ray has entered its cell by that of the three planes facing it which it met last.
    behind = np.where(forward > 0, points - cells, cells + 1 - points)
    with np.errstate(divide="ignore", invalid="ignore"):
        since = np.where(np.abs(forward) > 1e-9, behind / np.abs(forward), np.inf)
    return flat, since.argmin(axis=-1).astype("int8")


_LIGHT = np.asarray([0.62, 0.8, 1.0])  # of faces across x, y and z


def _look(full: Array, flat: Array, entered: Array, style: str) -> Array:
    cells = np.concatenate([full.reshape(len(full), -1), np.zeros((len(full), 1), bool)], axis=1)
    hits = cells[:, flat]
    first, met = hits.argmax(axis=-1), np.asarray(hits.any(axis=-1))
    if style == "silhouette":
        return met
    nearness = 1.0 - first / flat.shape[1]
    if style == "depth":
        return np.where(met, nearness, 0.0)
    light = _LIGHT[entered[np.arange(len(flat)), first]]
    return np.where(met, light * (0.55 + 0.45 * nearness), 0.0)
