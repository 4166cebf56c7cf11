"""Pictures of the scenes of `kgan.stories.albums`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from kgan.stories.grammar import Scene
from kgan.types import Array

_Color = tuple[int, ...]

_FINE = 3  # drawn so many times larger, then averaged
_SKY = {"sunny": (120, 190, 250), "cloudy": (170, 178, 190), "rainy": (110, 122, 140), "snowy": (215, 222, 235)}
_NIGHT = {"fireworks": (25, 25, 60), "stars": (20, 22, 48), "campfire": (45, 42, 80), "sunset": (250, 150, 80)}
_GROUND = {
    "beach": (238, 214, 150), "forest": (58, 92, 50), "city": (120, 120, 125), "park": (105, 190, 90), "mountain": (140, 120, 100),
    "lake": (60, 120, 180), "farm": (200, 170, 70), "fair": (190, 110, 160),
}  # fmt: skip
COLORS = {"red": (220, 35, 40), "blue": (40, 70, 220), "yellow": (250, 220, 40), "green": (30, 160, 60)}
_PEOPLE = ((150, 40, 120), (30, 30, 30), (240, 240, 240), (200, 100, 30))
_PALETTE = {
    **COLORS, "black": (20, 20, 20), "white": (250, 250, 250), "brown": (120, 72, 35), "gray": (150, 150, 155), "orange": (245, 130, 30),
    "pink": (245, 150, 180), "tan": (225, 180, 110), "dark": (80, 45, 20), "night": _NIGHT["stars"], "pale": (255, 250, 200),
    "low_sun": (255, 80, 40), "haze": (250, 170, 90), "mist": (150, 160, 175),
}  # fmt: skip

# Things in a unit square: shape, numbers x y x y ..., color; o ellipse in a box, r box, p polygon, l line, u and d the upper and lower
# half of an ellipse. The color * is that of the thing.
_ICONS = {
    "car": (
        "r 0 .45 1 .75 *; p .2 .45 .32 .2 .72 .2 .85 .45 *; r .37 .26 .66 .42 white; o .1 .62 .35 .9 black; o .65 .62 .9 .9 black"
    ),
    "bus": (
        "r 0 .1 1 .8 *; r .08 .2 .28 .42 white; r .36 .2 .58 .42 white; r .66 .2 .9 .42 white; o .1 .7 .3 .95 black; o "
        ".7 .7 .9 .95 black"
    ),
    "train": (
        "r 0 .35 .6 .8 black; r .6 .1 1 .8 gray; r .1 .05 .25 .35 black; o .05 .7 .3 1 brown; o .4 .7 .65 1 brown; o .7 "
        ".7 .95 1 brown; l 0 .98 1 .98 black"
    ),
    "boat": "p 0 .65 1 .65 .8 .95 .2 .95 brown; l .5 .65 .5 0 black; p .53 0 .95 .58 .53 .58 *; p .47 .1 .1 .58 .47 .58 *",
    "bike": (
        "o 0 .5 .42 .92 black; o .08 .58 .34 .84 white; o .58 .5 1 .92 black; o .66 .58 .92 .84 white; l .2 .7 .4 .35 "
        ".7 .35 .5 .7 .2 .7 *; l .7 .25 .8 .7 *"
    ),
    "kite": "p .5 0 .9 .35 .5 .75 .1 .35 *; l .5 .75 .4 .85 .55 .92 .45 1 black; l .5 0 .5 .75 black",
    "ball": "o .15 .15 .85 .85 *; l .15 .5 .85 .5 white; l .5 .15 .5 .85 white",
    "rod": "l 0 1 .75 0 brown; l .75 0 .8 .7 black; o .68 .68 .98 .88 orange",
    "guitar": "o 0 .5 .5 1 orange; o .25 .38 .62 .75 orange; o .17 .62 .35 .8 black; l .45 .55 .95 .05 brown",
    "horse": (
        "o .1 .3 .75 .65 brown; p .6 .45 .8 0 1 .2 .85 .25 .75 .55 brown; r .15 .55 .24 1 brown; r .58 .55 .67 1 brown; "
        "l .1 .4 0 .75 black"
    ),
    "ducks": (
        "o 0 .45 .5 .8 yellow; o .33 .22 .6 .5 yellow; p .58 .32 .72 .38 .58 .44 orange; o .5 .68 .85 .95 yellow; o .72 "
        ".52 .95 .74 yellow"
    ),
    "castle": (
        "r .1 .5 .9 1 tan; r .1 .2 .32 .6 tan; r .68 .2 .9 .6 tan; p .05 .2 .21 0 .37 .2 brown; p .63 .2 .79 0 .95 .2 "
        "brown; r .42 .65 .58 1 black"
    ),
    "snowman": "o .2 .5 .8 1 white; o .3 .15 .7 .58 white; r .35 0 .65 .2 black; p .5 .35 .8 .4 .5 .45 orange",
    "ferris": (
        "o 0 0 1 .9 pink; o .12 .12 .88 .78 white; l .5 .0 .5 .9 red; l 0 .45 1 .45 red; l .15 .1 .85 .8 blue; l .85 .1 "
        ".15 .8 blue; p .5 .45 .3 1 .7 1 gray"
    ),
    "statue": "r .2 .75 .8 1 gray; o .38 0 .62 .25 gray; p .3 .25 .7 .25 .62 .75 .38 .75 gray; l .65 .3 .95 .05 gray",
    "flowers": (
        "l .25 .4 .3 1 green; l .75 .4 .7 1 green; l .5 .3 .5 1 green; o .05 .2 .4 .5 pink; o .6 .2 .95 .5 pink; o .32 "
        "0 .68 .3 red"
    ),
    "tent": "p .5 .05 1 .95 0 .95 *; p .5 .35 .68 .95 .32 .95 black",
    "hat": (
        "o 0 .6 1 .85 *; p .25 .7 .3 .25 .7 .25 .75 .7 *; l .26 .62 .74 .62 black; l 0 .1 .3 .05 white; l .1 .22 .4 .17 white"
    ),
    "tire": "o .05 .05 .95 .95 black; o .3 .3 .7 .7 gray; r 0 .85 1 1 black",
    "dog": (
        "r .1 .45 .7 .72 tan; o .55 .15 .95 .5 tan; p .6 .05 .7 .3 .55 .35 brown; r .12 .7 .22 1 tan; r .55 .7 .66 1 "
        "tan; l .1 .5 0 .2 tan; o .88 .3 .98 .4 black"
    ),
    "gull": (
        "p 0 .2 .5 .55 .42 .65 white; p 1 .2 .5 .55 .58 .65 white; o .38 .4 .62 .85 white; p .45 .82 .55 .82 .5 1 "
        "orange; l 0 .2 .15 .22 black; l 1 .2 .85 .22 black"
    ),
    "mud": "o 0 .4 1 1 brown; o .3 .55 .7 .85 dark; o .1 .15 .25 .3 brown; o .7 .1 .85 .25 brown",
    "map": (
        "p 0 .15 .33 0 .66 .15 1 0 1 .85 .66 1 .33 .85 0 1 white; l .33 0 .33 .85 gray; l .66 .15 .66 1 gray; l .1 .7 "
        ".3 .4 .6 .6 .85 .25 red"
    ),
    "bee": (
        "o .2 .4 .9 .85 yellow; r .4 .42 .5 .84 black; r .62 .42 .72 .84 black; o .3 .05 .55 .45 white; o .55 .05 .8 "
        ".45 white; l .05 .62 .2 .62 black"
    ),
    "umbrella": "u 0 0 1 1 *; l .5 .5 .5 .95 .62 .95 black",
    "cake": (
        "r .05 .5 .95 .95 brown; r .05 .4 .95 .58 pink; r .28 .12 .35 .42 blue; r .64 .12 .71 .42 blue; o .26 0 .37 .14 "
        "yellow; o .62 0 .73 .14 yellow"
    ),
    "pizza": ("p 0 .15 1 .15 .5 1 yellow; r 0 .05 1 .2 brown; o .25 .28 .45 .48 red; o .55 .28 .75 .48 red; o .4 .55 .6 .75 red"),
    "sandwich": "p 0 .45 .5 .1 1 .45 tan; r 0 .45 1 .55 green; r 0 .55 1 .62 red; r 0 .62 1 .82 tan",
    "icecream": "p .25 .5 .75 .5 .5 1 tan; o .2 .25 .8 .65 pink; o .3 0 .7 .4 white",
    "corn": "o .3 0 .7 .8 yellow; p .15 .35 .45 .95 .3 1 green; p .85 .35 .55 .95 .7 1 green; l .5 .1 .5 .7 orange",
    "soup": "d 0 0 1 1 blue; o .0 .4 1 .6 orange; l .35 .3 .3 .1 white; l .65 .3 .7 .1 white",
    "apple": "o .1 .25 .6 .95 red; o .4 .25 .9 .95 red; l .5 .3 .55 0 brown; o .55 .02 .85 .2 green",
    "burger": "u 0 .05 1 .8 orange; r 0 .4 1 .5 green; r 0 .5 1 .68 brown; r .03 .68 .97 .88 orange",
    "fireworks": (
        "l .5 .5 .5 0 yellow; l .5 .5 1 .5 pink; l .5 .5 .5 1 yellow; l .5 .5 0 .5 pink; l .5 .5 .85 .15 red; l .5 .5 "
        ".15 .15 green; l .5 .5 .85 .85 green; l .5 .5 .15 .85 red"
    ),
    "sunset": "o .1 .15 .9 .95 low_sun; r 0 .6 1 .68 haze; r 0 .78 1 .86 haze",
    "campfire": "p .5 0 .85 .8 .15 .8 orange; p .5 .35 .68 .8 .32 .8 yellow; l .05 .95 .95 .8 brown; l .05 .8 .95 .95 brown",
    "camera": "r 0 .25 1 .9 black; r .3 .1 .7 .3 black; o .25 .35 .75 .85 gray; o .37 .47 .63 .73 blue",
    "stars": (
        "o .3 .1 .95 .75 pale; o .15 .02 .75 .62 night; o .05 .6 .17 .72 white; o .3 .8 .42 .92 white; o .0 .1 .12 .22 white"
    ),
    "rainbow": (
        "u -.3 .1 1.3 1.7 red; u -.17 .23 1.17 1.57 yellow; u -.04 .36 1.04 1.44 green; u .09 .49 .91 1.31 blue; u .22 "
        ".62 .78 1.18 mist"
    ),
}


def draw_scenes(scenes: Sequence[Scene], size: int = 32, seed: int = 0) -> Array:
    """Draw scenes.

    The sky shows the weather, the ground and the skyline the place, figures in front how many people there are, the middle the thing.
    Places and sizes of all of it and the light vary, given by `seed`.

    Args:
        scenes: sequence of `kgan.stories.Scene`. size: >= 16, default 32: pixels per side. seed: default 0.

    Returns:
        uint8 array (count, size, size, 3).
    """
    from PIL import Image, ImageDraw

    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 16:
        raise ValueError(f"`size` must be an integer >= 16, below which things cannot be seen. Received: {size!r}.")
    rng = np.random.default_rng(seed)
    pictures = np.empty((len(scenes), size, size, 3), "uint8")
    for index, scene in enumerate(scenes):
        image = Image.new("RGB", (size * _FINE, size * _FINE))
        _draw(ImageDraw.Draw(image), scene, size * _FINE, rng.uniform(-1.0, 1.0, 24))
        pixels = np.asarray(image.reduce(_FINE), "float32") * (1.0 + 0.08 * rng.uniform(-1, 1)) + 4.0 * rng.standard_normal(
            (1, 1, 3)
        )
        pictures[index] = pixels.round().clip(0, 255)
    return pictures


def _draw(pen: Any, scene: Scene, side: int, chance: Array) -> None:
    horizon = int(side * (0.5 + 0.04 * chance[0]))
    sky = _NIGHT.get(scene.thing, _SKY[scene.weather])
    dim = 0.6 if scene.thing in ("fireworks", "stars", "campfire") else 1.0
    pen.rectangle((0, 0, side, horizon), sky)
    _skyline(pen, scene.place, side, horizon, dim, chance[1:4])
    pen.rectangle((0, horizon, side, side), tuple(int(dim * c) for c in _GROUND[scene.place]))
    if scene.place in ("beach", "lake"):
        band = (horizon, horizon + side // 9) if scene.place == "beach" else (side - side // 9, side)
        pen.rectangle((0, band[0], side, band[1]), (40, 110, 200) if scene.place == "beach" else (70, 130, 60))
    _weather(pen, scene.weather, side, chance[4:16])
    scale = side * (0.46 + 0.04 * chance[16])
    x, y = side * (0.52 + 0.08 * chance[17]) - scale * 0.4, side * (0.5 + 0.05 * chance[18]) - scale * 0.5
    for part in _ICONS[scene.thing].split("; "):
        shape, *numbers, color = part.split()
        points = np.asarray(numbers, float).reshape(-1, 2) * scale + (x, y)
        _shape(pen, shape, points, COLORS[scene.color] if color == "*" else _PALETTE[color], side)
    for person in range(scene.people):
        _person(pen, side * (0.08 + 0.13 * person + 0.02 * chance[19]), side * (0.97 + 0.02 * chance[20]), side, _PEOPLE[person])


def _shape(pen: Any, shape: str, points: Array, color: _Color, side: int) -> None:
    flat = [tuple(p) for p in points]
    if shape == "o":
        pen.ellipse(flat, color)
    elif shape == "r":
        pen.rectangle(flat, color)
    elif shape == "p":
        pen.polygon(flat, color)
    elif shape == "l":
        pen.line(flat, color, width=max(2, side // 24))
    else:
        pen.pieslice(flat, *((180, 360) if shape == "u" else (0, 180)), fill=color)


def _person(pen: Any, x: float, foot: float, side: int, color: _Color) -> None:
    head = side * 0.035
    pen.ellipse((x - head, foot - side * 0.26, x + head, foot - side * 0.26 + 2 * head), _PALETTE["tan"])
    pen.rectangle((x - head, foot - side * 0.19, x + head, foot), color)


def _skyline(pen: Any, place: str, side: int, horizon: int, dim: float, chance: Array) -> None:
    def shade(*color: int) -> tuple[int, ...]:
        return tuple(int(dim * c) for c in color)

    shift = side * 0.06 * chance[0]
    if place == "forest":
        for i in range(7):
            x, height = side * i / 6 + shift, side * (0.3 + 0.06 * ((i * 5) % 3))
            pen.polygon(
                [(x - side * 0.11, horizon), (x, horizon - height), (x + side * 0.11, horizon)], shade(25, 75 + 12 * (i % 2), 35)
            )
    elif place == "city":
        for i in range(6):
            x, height = side * i / 5.5 + shift, side * (0.2 + 0.08 * ((i * 7) % 4))
            pen.rectangle((x, horizon - height, x + side * 0.14, horizon), shade(85 + 15 * (i % 3), 85, 100))
    elif place == "mountain":
        for x, height in ((0.15, 0.4), (0.85, 0.42), (0.5, 0.3)):
            x, height = side * x + shift, side * height
            pen.polygon([(x - height * 0.9, horizon), (x, horizon - height), (x + height * 0.9, horizon)], shade(110, 100, 105))
            pen.polygon(
                [
                    (x - height * 0.25, horizon - height * 0.72),
                    (x, horizon - height),
                    (x + height * 0.25, horizon - height * 0.72),
                ],
                shade(250, 250, 255),
            )
    elif place == "park":
        for x in (0.08, 0.9):
            x = side * x + shift
            pen.rectangle((x - side * 0.02, horizon - side * 0.15, x + side * 0.02, horizon), shade(*_PALETTE["brown"]))
            pen.ellipse((x - side * 0.13, horizon - side * 0.36, x + side * 0.13, horizon - side * 0.1), shade(60, 150, 60))
    elif place == "farm":
        x = side * 0.82 + shift
        pen.rectangle((x - side * 0.14, horizon - side * 0.18, x + side * 0.14, horizon), shade(170, 40, 35))
        pen.polygon(
            [(x - side * 0.18, horizon - side * 0.18), (x, horizon - side * 0.34), (x + side * 0.18, horizon - side * 0.18)],
            shade(90, 30, 30),
        )
    elif place == "fair":
        for x, stripe in ((0.12, (230, 60, 60)), (0.86, (250, 190, 50))):
            x = side * x + shift
            pen.polygon([(x - side * 0.17, horizon), (x, horizon - side * 0.36), (x + side * 0.17, horizon)], shade(*stripe))
            pen.polygon(
                [(x - side * 0.05, horizon), (x, horizon - side * 0.36), (x + side * 0.05, horizon)], shade(250, 250, 250)
            )
    elif place == "lake":
        pen.rectangle((0, horizon - side * 0.07, side, horizon), shade(60, 110, 60))


def _weather(pen: Any, weather: str, side: int, chance: Array) -> None:
    places = chance.reshape(-1, 2)
    if weather == "sunny":
        x, y = side * (0.12 + 0.04 * places[0, 0]), side * (0.12 + 0.03 * places[0, 1])
        pen.ellipse((x - side * 0.09, y - side * 0.09, x + side * 0.09, y + side * 0.09), (255, 240, 60))
        return
    if weather in ("cloudy", "rainy"):
        color = (235, 238, 242) if weather == "cloudy" else (75, 82, 98)
        for i in range(3):
            x, y = side * (0.18 + 0.32 * i + 0.05 * places[i, 0]), side * (0.1 + 0.03 * places[i, 1])
            pen.ellipse((x - side * 0.17, y - side * 0.07, x + side * 0.17, y + side * 0.07), color)
    if weather == "cloudy":
        return
    for i in range(18):  # drops or flakes all over the picture
        x = (side * (0.06 + 0.37 * i + 0.1 * places[i % 6, 0])) % side
        y = (side * (0.05 + 0.23 * i + 0.1 * places[i % 6, 1])) % side
        if weather == "rainy":
            pen.line((x, y, x - side * 0.03, y + side * 0.09), (180, 205, 250), width=max(1, side // 64))
        else:
            pen.ellipse((x, y, x + side * 0.05, y + side * 0.05), _PALETTE["white"])
