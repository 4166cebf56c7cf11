"""Simulators: pictures that are drawn, with labels, of what others have photographed."""

import math

import numpy as np

from kgan.arguments import COUNT, NONNEGATIVE, POSITIVE, TEXT, require
from kgan.types import Array


def glyphs(
    count: int,
    size: int = 28,
    characters: str = "0123456789",
    height: float = 20.0,
    stroke: float = 0.0,
    rotation: float = 25.0,
    shift: float = 1.5,
    seed: int = 0,
) -> tuple[Array, Array]:
    """Printed characters, turned and shifted: what a program draws where digits of many hands are wanted.

    White on black in Pillow's own font, drawn at a multiple of the size, of 56 pixels or more, and averaged. Lengths are given in 28ths of
    the picture's side, which are MNIST's pixels.

    Args:
        count: pictures, with as many of every character as `count` allows. size: default 28, their side.
        characters: default the ten digits; the place of one is its label.
        height: default 20, of the font; its digits are 7 tenths of that. stroke: default 0: by how much lines are thicker on every side.
        rotation: default 25, degrees: angles are uniform in [-rotation, rotation].
        shift: default 1.5: shifts are uniform in [-shift, shift] in both directions.
        seed: default 0.

    Returns:
        `(pictures, labels)`: float32 (count, size, size, 1) in [-1, 1]; int64 (count,).

    Example:
    >>> import kgan
    >>> pictures, labels = kgan.datasets.glyphs(20, size=8)
    >>> pictures.shape, sorted(set(labels.tolist())) == list(range(10))
    ((20, 8, 8, 1), True)
    """
    from PIL import Image, ImageDraw, ImageFont

    require(COUNT, count=count, size=size)
    require(POSITIVE, height=height)
    require(NONNEGATIVE, stroke=stroke, rotation=rotation, shift=shift)
    require(TEXT, characters=characters)
    if not characters or len(set(characters)) != len(characters):
        raise ValueError(f"`characters` are different ones, at least one. Received: {characters!r}.")
    times = math.ceil(56 / size)
    side, unit = size * times, size * times / 28
    font, middle = ImageFont.load_default(size=height * unit), side / 2
    sheets = []
    for character in characters:
        sheet = Image.new("L", (side, side))
        ImageDraw.Draw(sheet).text((middle, middle), character, 255, font, anchor="mm", stroke_width=round(stroke * unit))
        sheets.append(sheet)
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(count) % len(characters)).astype("int64")
    angles = rng.uniform(-rotation, rotation, count)
    moves = rng.uniform(-shift, shift, (count, 2)) * unit
    pictures = np.empty((count, size, size, 1), "float32")
    for row, (label, angle, move) in enumerate(zip(labels, angles, moves, strict=True)):
        turned = sheets[label].rotate(angle, Image.Resampling.BILINEAR, translate=tuple(np.round(move).astype(int).tolist()))
        pixels = np.asarray(turned, "float32").reshape(size, times, size, times)
        pictures[row, ..., 0] = pixels.mean((1, 3)) / 127.5 - 1.0
    return pictures, labels
