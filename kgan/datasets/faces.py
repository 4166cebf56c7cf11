"""Drawn faces with nine binary attributes of CelebA: pictures for any label vector, offline.

They stand in for CelebA where a method of labeled or causal generation (1709.02023) is proved without a download. Every attribute
shows for every combination of the others, those that photos never have included, and what the labels leave open (complexion, colors,
place and size) varies independently of them, so that both fidelity to labels and diversity within a label vector can be measured.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from kgan.types import Array

FACE_ATTRIBUTES = (
    "Young",
    "Male",
    "Eyeglasses",
    "Bald",
    "Mustache",
    "Smiling",
    "Wearing_Lipstick",
    "Mouth_Slightly_Open",
    "Narrow_Eyes",
)

_Planes = Mapping[str, Array]  # an array with a row a face, by name
_AT_ONCE = 64  # images drawn together: their planes stay in the processor's cache
_LEAST_SIZE = 16

# Ends and stations of the palettes, red-green-blue in [0, 1].
_SKIN = np.asarray([[0.56, 0.37, 0.26], [0.80, 0.60, 0.46], [0.98, 0.83, 0.72]], "float32")
_HAIR = np.asarray([[0.07, 0.06, 0.08], [0.28, 0.15, 0.07], [0.52, 0.20, 0.07], [0.86, 0.64, 0.18]], "float32")
_GRAY = np.asarray([[0.68, 0.69, 0.72], [0.88, 0.89, 0.91]], "float32")
_LIPSTICK = np.asarray([[0.72, 0.02, 0.14], [0.90, 0.05, 0.30]], "float32")
_IRIS = np.asarray([[0.10, 0.07, 0.05], [0.10, 0.20, 0.15], [0.10, 0.22, 0.45]], "float32")


def draw_faces(labels: Mapping[str, Any], size: int = 32, seed: int = 0) -> Array:
    """Draw faces for given attributes.

    What shows an attribute: `Young` colored hair and brows, smooth skin; otherwise gray, with lines on the forehead, under the eyes and
    beside the mouth. `Male` a broad square jaw, thick brows, short hair, a shirt collar with a tie; otherwise a narrow chin, thin arched
    brows, hair beside the cheeks, a bare neckline. `Eyeglasses` dark rims. `Bald` no hair, a shining skull. `Mustache` under the nose.
    `Smiling` a wide mouth with raised corners and round cheeks. `Wearing_Lipstick` full red lips. `Mouth_Slightly_Open` a dark gap with
    teeth. `Narrow_Eyes` slits.

    Free of the labels, and drawn from `seed` alone: complexion, colors of hair, eyes, lipstick, clothes and background, place, size and
    the direction of the light. Calls with one seed and count draw the same persons: what differs is what the labels change.

    Args:
        labels: dict of attribute name, of `FACE_ATTRIBUTES`, to array (count,) with values in {0, 1}; names left out are 0.
        size: >= 16, default 32: pixels per side.
        seed: default 0.

    Returns:
        float32 array (count, size, size, 3) in [-1, 1].

    Raises:
        ValueError: unknown names, values outside {0, 1}, counts that differ, no label at all, a size below 16.

    Example:
    >>> import numpy as np
    >>> from kgan.datasets.faces import draw_faces
    >>> draw_faces({"Male": np.array([0, 1]), "Smiling": np.array([1, 1])}).shape
    (2, 32, 32, 3)
    """
    values = _check(labels)
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < _LEAST_SIZE:
        raise ValueError(
            f"`size` must be an integer >= {_LEAST_SIZE}, below which attributes cannot be seen. Received: {size!r}."
        )
    persons = _persons(len(values), np.random.default_rng(seed))
    images = np.empty((len(values), size, size, 3), "float32")
    for start in range(0, len(values), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        is_ = dict(zip(FACE_ATTRIBUTES, values[part].T, strict=True))
        images[part] = _draw(is_, {name: value[part] for name, value in persons.items()}, size)
    return images


def _check(labels: Mapping[str, Any]) -> Array:
    """The labels as bool (count, attributes)."""
    unknown = sorted(set(labels) - set(FACE_ATTRIBUTES))
    if unknown:
        raise ValueError(f"Unknown attributes {unknown}. Faces have {list(FACE_ATTRIBUTES)}.")
    if not labels:
        raise ValueError("`labels` is empty: the number of faces is the length of its arrays. Give at least one attribute.")
    arrays = {name: np.asarray(values) for name, values in labels.items()}
    shapes = {name: array.shape for name, array in arrays.items()}
    if len(set(shapes.values())) > 1 or len(next(iter(shapes.values()))) != 1:
        raise ValueError(f"Every attribute needs an array (count,) of one length. Received shapes {shapes}.")
    for name, array in arrays.items():
        outside = ~np.isin(array, (0, 1))
        if outside.any():
            raise ValueError(
                f"Attribute {name!r} must be 0 or 1. Received {array[outside][0]!r} at index {int(outside.argmax())}."
            )
    count = len(next(iter(arrays.values())))
    return np.stack([arrays.get(name, np.zeros(count)).astype(bool) for name in FACE_ATTRIBUTES], axis=1)


def _persons(count: int, generator: np.random.Generator) -> _Planes:
    """What the labels leave open, one row a face."""

    def uniform(low: float, high: float, *shape: int) -> Array:
        return generator.uniform(low, high, (count, *shape)).astype("float32")

    return {
        "skin": _palette(_SKIN, uniform(0, 1)) + uniform(-0.02, 0.02, 3),
        "hair": _palette(_HAIR, uniform(0, 1)),
        "gray": _palette(_GRAY, uniform(0, 1)),
        "lipstick": _palette(_LIPSTICK, uniform(0, 1)),
        "iris": _palette(_IRIS, uniform(0, 1)),
        "background": uniform(0.15, 0.85, 3),
        "clothes": uniform(0.1, 0.8, 3),
        "light": uniform(-0.12, 0.12),
        "x": uniform(-0.08, 0.08),
        "y": uniform(-0.06, 0.04),
        "scale": uniform(0.84, 0.94),
    }


def _palette(stations: Array, where: Array) -> Array:
    """Colors (count, 3) along a line of colors, `where` in [0, 1]."""
    places = np.linspace(0.0, 1.0, len(stations))
    return np.stack([np.interp(where, places, channel) for channel in stations.T], axis=1).astype("float32")


class _Canvas:
    """Planes (count, 3, size, size) with the coordinates of every face: x from its middle, y downwards, chin near 0.8."""

    def __init__(self, person: _Planes, size: int) -> None:
        self.count = len(person["x"])
        centers = ((np.arange(size) + 0.5) / size * 2.0 - 1.0).astype("float32")
        self.pixel = self.column(2.0 / size / person["scale"])
        self.x = (centers[None, None, :] - self.column(person["x"])) / self.column(person["scale"])
        self.y = (centers[None, :, None] - self.column(person["y"])) / self.column(person["scale"])
        self.side = np.abs(self.x)
        self.planes = np.zeros((self.count, 3, size, size), "float32")

    @staticmethod
    def column(values: Any) -> Array:
        """Per-face numbers, to be broadcast over pixels."""
        return np.asarray(values, "float32").reshape(-1, 1, 1)

    def choose(self, condition: Array, yes: float, no: float) -> Array:
        return self.column(np.where(condition, yes, no))

    def soft(self, distance: Array) -> Array:
        """Coverage of pixels from a signed distance, negative inside: edges one pixel wide."""
        return np.clip(0.5 - distance / self.pixel, 0.0, 1.0)

    def ellipse(self, x: float, y: float, across: Array | float, down: Array | float) -> Array:
        """Distance, nearly, to an ellipse; both of a pair where x is not 0."""
        u, v = (self.side - x) / across, (self.y - y) / down
        return (np.sqrt(u * u + v * v) - 1.0) * np.minimum(across, down)

    def paint(self, coverage: Array, color: Any, where: Array | None = None) -> None:
        """Lay a color (3,) or (count, 3) over the planes; `where` chooses faces (count,)."""
        if where is not None:
            coverage = coverage * self.column(where)
        color = np.asarray(color, "float32").reshape(-1, 3, 1, 1)
        self.planes += coverage[:, None] * (color - self.planes)


def _draw(is_: _Planes, person: _Planes, size: int) -> Array:
    """Faces (count, size, size, 3) in [-1, 1] of bool labels and persons."""
    c = _Canvas(person, size)
    male, old = is_["Male"], ~is_["Young"]
    haired, smiling = ~is_["Bald"], is_["Smiling"]
    skin = person["skin"]
    shade, dark = skin * np.asarray([0.72, 0.66, 0.64], "float32"), skin * np.asarray([0.45, 0.36, 0.36], "float32")
    hair = np.where(old[:, None], person["gray"], person["hair"])

    c.paint(np.ones_like(c.x + c.y), person["background"])
    _draw_hair_behind(c, hair, haired & ~male)
    _draw_shoulders(c, person, shade, male)
    _draw_head(c, skin, shade, male)
    _draw_age(c, dark, old)
    c.paint(c.soft(c.ellipse(0.42, 0.26, 0.13, 0.11)), skin * np.asarray([0.98, 0.62, 0.60], "float32"), smiling)  # cheeks
    c.paint(c.soft(c.ellipse(0.0, 0.10, 0.10, 0.07)), shade)  # nose
    _draw_eyes(c, person, dark, is_["Narrow_Eyes"])
    _draw_brows(c, np.where(old[:, None], hair, hair * np.float32(0.6)), dark, male)
    _draw_scalp(c, hair, skin, haired, male)
    _draw_glasses(c, is_["Eyeglasses"])
    _draw_mustache(c, hair, dark, is_["Mustache"])
    _draw_mouth(c, person, dark, smiling, is_["Wearing_Lipstick"], is_["Mouth_Slightly_Open"])

    lit = c.planes * (1.0 + np.clip(c.x, -1.0, 1.0) * c.column(person["light"]))[:, None]
    return np.moveaxis(np.clip(lit, 0.0, 1.0), 1, -1) * 2.0 - 1.0


def _draw_hair_behind(c: _Canvas, hair: Array, long: Array) -> None:
    """Hair that falls beside the cheeks to the shoulders."""
    top = c.ellipse(0.0, -0.22, 0.76, 0.72)
    fall = np.maximum(c.side - 0.76 - 0.06 * c.y, np.abs(c.y - 0.32) - 0.54)
    c.paint(c.soft(np.minimum(top, fall)), hair * np.float32(0.85), long)


def _draw_shoulders(c: _Canvas, person: _Planes, shade: Array, male: Array) -> None:
    c.paint(c.soft(c.ellipse(0.0, 1.28, 1.0, 0.46)), person["clothes"])
    c.paint(c.soft(np.maximum(c.side - c.choose(male, 0.36, 0.19), np.abs(c.y - 0.7) - 0.3)), shade)  # neck
    c.paint(c.soft(c.ellipse(0.0, 0.86, 0.42, 0.2)), shade, ~male)  # neckline
    c.paint(c.soft(np.maximum(c.side - 0.5 + 0.25 * (c.y - 0.84), 0.84 - c.y)), (0.97, 0.97, 0.97), male)  # collar
    c.paint(c.soft(np.maximum(c.side - 0.11, 0.84 - c.y)), (0.1, 0.1, 0.25), male)  # tie


def _draw_head(c: _Canvas, skin: Array, shade: Array, male: Array) -> None:
    c.paint(c.soft(c.ellipse(0.64, 0.0, 0.10, 0.16)), shade)  # ears
    # Half an ellipse above, below a superellipse: exponent 3.4 is a square jaw, 1.55 a pointed chin.
    power, across = c.choose(male, 3.4, 1.55), c.choose(male, 0.64, 0.61)
    power = np.where(c.y > -0.05, power, 2.0)
    down = np.where(c.y > -0.05, c.choose(male, 0.88, 0.82), 0.80)
    radius = ((c.side / across) ** power + (np.abs(c.y + 0.05) / down) ** power) ** (1.0 / power)
    head = (radius - 1.0) * 0.62
    c.paint(c.soft(head - 0.03), shade)
    c.paint(c.soft(head + 0.02), skin)


def _draw_age(c: _Canvas, dark: Array, old: Array) -> None:
    """Lines on the forehead, under the eyes, from the nose to the corners of the mouth."""
    for height in (-0.54, -0.42):
        c.paint(c.soft(np.maximum(np.abs(c.y - height) - 0.025, c.side - 0.34)) * 0.75, dark, old)
    bags = np.maximum(np.abs(c.y - 0.10 + 3.0 * (c.side - 0.27) ** 2) - 0.025, np.abs(c.side - 0.27) - 0.15)
    c.paint(c.soft(bags) * 0.75, dark, old)
    folds = np.maximum(np.abs(c.side - 0.22 - 0.55 * (c.y - 0.16)) - 0.03, np.abs(c.y - 0.36) - 0.2)
    c.paint(c.soft(folds) * 0.75, dark, old)


def _draw_eyes(c: _Canvas, person: _Planes, dark: Array, narrow: Array) -> None:
    eye = c.ellipse(0.27, -0.10, 0.16, c.choose(narrow, 0.035, 0.115))
    c.paint(c.soft(eye - 0.035), dark)
    c.paint(c.soft(eye), (0.97, 0.97, 0.97))
    c.paint(c.soft(np.maximum(c.ellipse(0.27, -0.10, 0.08, 0.09), eye)), person["iris"])


def _draw_brows(c: _Canvas, color: Array, dark: Array, male: Array) -> None:
    arch = c.choose(male, 0.2, 1.6)
    thick = c.choose(male, 0.065, 0.03)
    line = np.abs(c.y + c.choose(male, 0.29, 0.32) - arch * (c.side - 0.27) ** 2) - thick
    brow = np.maximum(line, np.abs(c.side - 0.27) - 0.19)
    c.paint(c.soft(brow - 0.015) * 0.5, dark)
    c.paint(c.soft(brow), color)


def _draw_scalp(c: _Canvas, hair: Array, skin: Array, haired: Array, male: Array) -> None:
    """Hair on the skull, and locks over the cheeks' edges for women; or the gleam of a bald one."""
    cap = c.ellipse(0.0, -0.18, c.choose(male, 0.70, 0.74), c.choose(male, 0.74, 0.78))
    line = c.y + c.choose(male, 0.62, 0.66) - c.choose(male, 0.55, 1.1) * c.side**2
    c.paint(c.soft(np.maximum(cap, line)), hair, haired)
    locks = np.maximum(np.abs(c.side - 0.64) - 0.11, np.abs(c.y - 0.15) - 0.55)
    c.paint(c.soft(locks), hair, haired & ~male)
    gleam = np.minimum(skin + np.float32(0.35), 1.0)
    c.paint(c.soft(c.ellipse(0.0, -0.70, 0.2, 0.07)), gleam, ~haired)


def _draw_glasses(c: _Canvas, worn: Array) -> None:
    rim = np.abs(c.ellipse(0.28, -0.09, 0.235, 0.20)) - 0.035
    bridge = np.maximum(np.abs(c.y + 0.12) - 0.035, c.side - 0.08)
    arms = np.maximum(np.abs(c.y + 0.12) - 0.035, np.abs(c.side - 0.57) - 0.07)
    c.paint(c.soft(np.minimum(np.minimum(rim, bridge), arms)), (0.03, 0.03, 0.05), worn)


def _draw_mustache(c: _Canvas, hair: Array, dark: Array, worn: Array) -> None:
    # A dark edge keeps gray on pale and brown on brown visible.
    shape = np.maximum(np.abs(c.y - 0.25 - 0.5 * c.side**2) - 0.075 + 0.10 * c.side, c.side - 0.36)
    c.paint(c.soft(shape - 0.03), dark, worn)
    c.paint(c.soft(shape), hair, worn)


def _draw_mouth(c: _Canvas, person: _Planes, dark: Array, smiling: Array, lipstick: Array, opened: Array) -> None:
    wide = c.choose(smiling, 0.33, 0.20)
    middle = c.choose(smiling, 0.56, 0.49) - c.choose(smiling, 1.6, -0.5) * c.side**2
    gap = c.choose(opened, 0.095, 0.0)
    lips = c.choose(lipstick, 0.075, 0.03)
    round_ = np.sqrt(np.clip(1.0 - (c.side / (wide + lips)) ** 2, 0.0, 1.0))
    outer = np.maximum(np.abs(c.y - middle) - (gap + lips) * round_, c.side - wide - lips)
    c.paint(c.soft(outer), np.where(lipstick[:, None], person["lipstick"], dark))
    round_ = np.sqrt(np.clip(1.0 - (c.side / wide) ** 2, 0.0, 1.0))
    inner = np.maximum(np.abs(c.y - middle) - gap * round_, c.side - wide)
    c.paint(c.soft(inner), (0.10, 0.01, 0.03), opened)
    c.paint(c.soft(np.maximum(inner, c.y - middle + 0.01)), (0.96, 0.95, 0.92), opened)
