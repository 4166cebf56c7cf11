"""Episodes as pictures, drawn here: no display, and no renderer of a simulator."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from PIL import Image, ImageDraw

from kgan.arguments import COUNT, SEVERAL, require
from kgan.pictures import labeled
from kgan.types import Array

_GOALS = ((214, 69, 65), (58, 110, 165), (82, 148, 70), (180, 120, 40))
_BODY, _TRAIL, _FRAME = (40, 40, 40), (170, 170, 170), (210, 210, 210)


class Drawn(Protocol):
    """An environment that can be drawn.

    Attributes:
        goals: places `(goals, 2)`. extent: half the side of the square that is shown, in their units.
    """

    goals: Array
    extent: float

    def outline(self, observation: Array) -> Array:
        """The points of a body in one state, one behind the other, `(points, 2)`; the last is what reaches for the goals."""


def draw_pose(environment: Drawn, observations: Array, size: int = 96) -> Array:
    """A picture of the last of some states, with the goals, and the way that the end of the body has come.

    Args:
        environment: as `Drawn`. observations: `(states, numbers)`, one behind the other. size: default 96: pixels of a side.

    Returns:
        uint8 array `(size, size, 3)`.
    """
    require(SEVERAL, size=size)
    large = 4 * size  # drawn larger and made smaller, for smooth edges
    image = Image.new("RGB", (large, large), "white")
    draw = ImageDraw.Draw(image)

    def placed(points: Array) -> list[tuple[float, float]]:
        unit = (np.asarray(points, "float64") / environment.extent * [1.0, -1.0] + 1.0) / 2.0
        return [tuple(p) for p in np.clip(unit, -1.0, 2.0) * large]

    def disk(place: tuple[float, float], radius: float, color: Any) -> None:
        r = radius * large
        draw.ellipse([place[0] - r, place[1] - r, place[0] + r, place[1] + r], fill=color)

    for index, place in enumerate(placed(environment.goals)):
        disk(place, 0.045, _GOALS[index % len(_GOALS)])
    bodies = [environment.outline(observation) for observation in observations]
    trail = placed(np.stack([body[-1] for body in bodies]))
    if len(trail) > 1:
        draw.line(trail, fill=_TRAIL, width=max(1, large // 90), joint="curve")
    body = placed(bodies[-1])
    if len(body) > 1:
        draw.line(body, fill=_BODY, width=max(1, large // 32), joint="curve")
    for place in body:
        disk(place, 0.025, _BODY)
    draw.rectangle([0, 0, large - 1, large - 1], outline=_FRAME, width=4)
    return np.asarray(image.resize((size, size), Image.Resampling.LANCZOS))


def draw_strip(
    environment: Drawn, episodes: Array, poses: int = 8, size: int = 96, row_names: Sequence[str] = (), title: str = ""
) -> Array:
    """Episodes as rows of poses, from the first state to the last.

    Args:
        environment: as `Drawn`. episodes: observations `(episodes, states, numbers)`. poses: default 8, in a row. size: of one, in pixels.
        row_names: of the episodes, default none. title: default none. With either, steps stand above the poses;
            see `kgan.pictures.labeled`.

    Returns:
        uint8 array `(episodes * size, poses * size, 3)`, larger with names or a title.

    Raises:
        ValueError: names of another number than the episodes.

    Example:
    >>> import numpy as np, kgan
    >>> world = kgan.control.PointMass(2)
    >>> played = kgan.control.rollout(world.expert, world, np.eye(2), [0, 1])
    >>> kgan.control.draw_strip(world, played.observations, poses=4, size=32).shape
    (64, 128, 3)
    """
    require(COUNT, poses=poses)
    moments = np.linspace(0, len(episodes[0]) - 1, poses).round().astype(int)
    if row_names and len(row_names) != len(episodes):
        raise ValueError(
            f"`row_names` must be one for each of {len(episodes)} episodes. Received {len(row_names)}: {list(row_names)}."
        )
    rows = [[draw_pose(environment, episode[: m + 1], size) for m in moments] for episode in np.asarray(episodes)]
    strip = np.concatenate([np.concatenate(row, axis=1) for row in rows])
    return labeled(strip, title, row_names, [f"step {m}" for m in moments]) if row_names or title else strip


def draw_frames(environment: Drawn, episodes: Array, size: int = 160) -> Array:
    """Episodes side by side, frame by frame, for an animation: uint8 array `(states, size, episodes * size, 3)`."""
    episodes = np.asarray(episodes)
    return np.stack(
        [
            np.concatenate([draw_pose(environment, episode[: t + 1], size) for episode in episodes], axis=1)
            for t in range(episodes.shape[1])
        ]
    )
