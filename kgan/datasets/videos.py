"""Clips of videos: files, folders of frames, crops of what moves, and pans over photos. Frames are `(height, width, channels)`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from kgan.arguments import COUNT, NATURAL, require
from kgan.datasets.covers import gray_photo
from kgan.files import read_array, reading
from kgan.images import bilinear, find_images, read_pixels, square_means
from kgan.types import Array, FilePath

_PANNED = {"train": ("astronaut", "camera", "coffee", "brick"), "test": ("chelsea", "rocket")}
_MOST_BYTES = 2**31


def read_video(path: FilePath, channels: int = 1, shrink: int = 1, most: int | None = None) -> Array:
    """The frames of a video.

    Args:
        path: a `.npy` file of uint8 `(frames, height, width, channels)`; a folder of frames, pictures in the order of their names; or a
            video file in any format of PyAV (`pip install 'kgan[video]'`).
        channels: 1 (default, gray by ITU-R 601) or 3.
        shrink: default 1: frames are averaged over squares of so many pixels; what is left over at the lower and right border is cut off.
        most: default None, all: read no more frames.

    Returns:
        float32 array `(frames, height, width, channels)` in [-1, 1].

    Raises:
        ValueError: for a file that is no video, frames of several sizes, an array of another shape or type, more than 2 GiB of pixels.
        ImportError: a video file without PyAV.
    """
    require(COUNT, shrink=shrink)
    require(COUNT.or_none(), most=most)
    if channels not in (1, 3):
        raise ValueError(f"`channels` must be 1 or 3. Received: {channels!r}.")
    path = Path(path)
    kept: list[Array] = []
    for frame in _frames(path, channels):
        if kept and frame.shape != kept[0].shape:
            raise ValueError(
                f"The frames of {path} differ in size: {kept[0].shape[:2]} and, at frame {len(kept)}, {frame.shape[:2]}."
            )
        kept.append(frame)
        if len(kept) == most:
            break
        if len(kept) * frame.nbytes > _MOST_BYTES:
            raise ValueError(f"{path} holds more than {_MOST_BYTES // 2**30} GiB of pixels. Read a part, with `most`.")
    if not kept:
        raise ValueError(f"{path} holds no frames.")
    return _shrunk(np.stack(kept), shrink)


def _frames(path: Path, channels: int) -> Iterator[Array]:
    """Frames as uint8."""
    if path.is_dir():
        files, _ = find_images(path, corrupt="error")
        return (read_pixels(file, channels) for file in sorted(files))
    if path.suffix == ".npy":
        return iter(_stored(path, channels))
    return _decoded(path, channels)


def _stored(path: Path, channels: int) -> Array:
    video = read_array(path, "a video")
    if video.ndim != 4 or video.dtype != np.uint8 or video.shape[-1] not in (1, 3):
        raise ValueError(f"A video in {path} must be uint8 (frames, height, width, 1 or 3). It is {video.dtype} {video.shape}.")
    if video.shape[-1] == channels:
        return video
    if channels == 3:
        return video.repeat(3, axis=-1)
    return np.round(video @ np.array([0.299, 0.587, 0.114]))[..., None].astype("uint8")


def _decoded(path: Path, channels: int) -> Iterator[Array]:
    try:
        import av
    except ImportError as error:
        raise ImportError(
            f"{path.name} is read by PyAV. Install it: pip install 'kgan[video]'. Without it: a folder of frames, or a .npy file."
        ) from error
    path.stat()  # a missing file is the system's error, not the decoder's
    with reading(path, "a video"):
        try:
            with av.open(str(path)) as container:
                if not container.streams.video:
                    raise ValueError(f"{path} has no video stream.")
                for frame in container.decode(video=0):
                    pixels = frame.to_ndarray(format="gray" if channels == 1 else "rgb24")
                    yield pixels[..., None] if channels == 1 else pixels
        except av.error.FFmpegError as error:
            raise RuntimeError(error.strerror) from error


def _shrunk(frames: Array, shrink: int) -> Array:
    return (square_means(frames.astype("float32"), shrink) / 127.5 - 1.0).astype("float32")


def moving_clips(
    video: Array, count: int, frames: int = 6, size: int = 32, least: float = 0.002, most: float = 0.3, seed: int = 0
) -> Array:
    """Square crops of a video in which something moves in every step and no cut falls.

    Args:
        video: float array `(frames, height, width, channels)` in [-1, 1].
        count: crops; places and times are drawn uniformly, and kept where they move.
        frames: default 6: of a crop. size: default 32: pixels of its side.
        least, most: default 0.002 and 0.3: mean square difference of consecutive frames, in every step.
        seed: default 0.

    Returns:
        float32 array `(count, frames, size, size, channels)`.

    Raises:
        ValueError: for a video that is too short or small, or one in which too little moves (fewer than one draw in a thousand).
    """
    require(COUNT, count=count, frames=frames, size=size)
    require(NATURAL, seed=seed)
    video = np.asarray(video)
    if video.ndim != 4 or len(video) < frames or min(video.shape[1:3]) < size:
        raise ValueError(
            f"Crops of {frames} frames of {size}x{size} pixels need a longer or larger video. Received: {video.shape}."
        )
    rng, kept = np.random.default_rng(seed), []
    for draw in range(1000 * count):
        start, top, left = (
            int(rng.integers(0, whole - part + 1)) for whole, part in zip(video.shape, (frames, size, size), strict=False)
        )
        clip = video[start : start + frames, top : top + size, left : left + size]
        steps = np.square(np.diff(clip, axis=0)).mean(axis=(1, 2, 3))
        if (steps > least).all() and (steps < most).all():
            kept.append(clip)
        if len(kept) == count:
            return np.stack(kept).astype("float32")
        if draw >= 10_000 and len(kept) < draw / 1000:
            break
    raise ValueError(
        f"Too little moves: {len(kept)} of {draw + 1} drawn crops had steps of mean square {least:g} to {most:g}. Lower `least`, or take "
        "another video."
    )


def panning_clips(
    count: int, frames: int = 6, size: int = 32, split: str = "train", seed: int = 0, speed: tuple[float, float] = (1.0, 2.5)
) -> Array:
    """A window that moves over a photo of scikit-image at a constant velocity in a random direction; photos at a third of their size.

    Args:
        count: clips. frames: default 6. size: default 32: pixels of the window.
        split: "train" (default: astronaut, camera, coffee, brick) or "test" (chelsea, rocket).
        seed: default 0.
        speed: default (1, 2.5): pixels a frame, least and most.

    Returns:
        float32 array `(count, frames, size, size, 1)` in [-1, 1], bilinear between pixels.
    """
    require(COUNT, count=count, frames=frames, size=size)
    if split not in _PANNED:
        raise ValueError(f"`split` must be one of {sorted(_PANNED)}. Received: {split!r}.")
    photos = [_shrunk(gray_photo(name)[None, ..., None], 3)[0, ..., 0] for name in _PANNED[split]]
    rng = np.random.default_rng(seed)
    return np.stack([_pan(photos[int(rng.integers(len(photos)))], frames, size, speed, rng) for _ in range(count)])[..., None]


def _pan(photo: Array, frames: int, size: int, speed: tuple[float, float], rng: Any) -> Array:
    angle, pace = rng.uniform(0, 2 * np.pi), rng.uniform(*speed)
    way = pace * np.array([np.sin(angle), np.cos(angle)]) * (frames - 1)
    room = np.array(photo.shape) - size - 1
    if (np.abs(way) > room).any():
        raise ValueError(
            f"{frames} frames at {speed[1]:g} pixels a frame leave the photo, {photo.shape[1]}x{photo.shape[0]} pixels."
        )
    start = np.array([rng.uniform(max(0, -w), min(r, r - w)) for w, r in zip(way, room, strict=True)])
    grid = np.mgrid[:size, :size]
    places = [start + way * t / max(1, frames - 1) for t in range(frames)]
    return np.stack([bilinear(photo, *(grid + place[:, None, None])) for place in places]).astype("float32")
