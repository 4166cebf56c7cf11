"""Optical flow: files of flow, pairs of frames with known flow. Flow is `(u, v)` in pixels on the first frame's grid, u right, v down."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kgan.arguments import COUNT, require
from kgan.datasets.covers import gray_photo
from kgan.files import atomic_write, reading
from kgan.images import bilinear, square_means
from kgan.types import Array, FilePath

_MAGIC = b"PIEH"
_UNKNOWN = 1e9
_PHOTOS = ("astronaut", "camera", "coffee", "chelsea", "rocket", "brick")


def read_flow(path: FilePath) -> tuple[Array, Array]:
    """A file of flow: `.flo` (Middlebury, FlyingChairs, Sintel), or a 16-bit `.png` (KITTI, through PyAV: `pip install 'kgan[video]'`).

    Args:
        path: the file.

    Returns:
        `(flow, valid)`: float32 `(height, width, 2)`, 0 where unknown; float32 `(height, width)` of 0 and 1.

    Raises:
        ValueError: for a file that is none of these, or is cut short.
    """
    path = Path(path)
    if path.suffix.lower() == ".png":
        return _read_kitti(path)
    with reading(path, "a .flo file of optical flow"):
        content = path.read_bytes()
        if content[:4] != _MAGIC or len(content) < 12:
            raise ValueError(f"it does not begin with {_MAGIC!r}")
        width, height = (int(n) for n in np.frombuffer(content, "<i4", 2, 4))
        if min(width, height) < 1 or len(content) != 12 + 8 * width * height:
            raise ValueError(f"{width}x{height} pixels take {12 + 8 * width * height:,} bytes, the file has {len(content):,}")
        flow = np.frombuffer(content, "<f4", offset=12).reshape(height, width, 2)
    return _known(flow)


def _read_kitti(path: Path) -> tuple[Array, Array]:
    try:
        import av
    except ImportError as error:
        raise ImportError(f"{path.name}, 16 bits a color, is read by PyAV. Install it: pip install 'kgan[video]'.") from error
    path.stat()
    with reading(path, "a 16-bit PNG of flow as KITTI's"):
        try:
            with av.open(str(path)) as container:
                frame = next(container.decode(video=0))
        except av.error.FFmpegError as error:
            raise RuntimeError(error.strerror) from error
        if not frame.format.name.startswith("rgb48"):
            raise ValueError(f"its pixels are {frame.format.name}, not three colors of 16 bits")
        pixels = frame.to_ndarray(format="rgb48le").astype("float32")
    valid = (pixels[..., 2] > 0).astype("float32")
    return (pixels[..., :2] - 2**15) / 64.0 * valid[..., None], valid


def _known(flow: Array) -> tuple[Array, Array]:
    with np.errstate(invalid="ignore"):
        valid = np.all(np.isfinite(flow) & (np.abs(flow) <= _UNKNOWN), axis=-1)
    return np.where(np.asarray(valid)[..., None], flow, 0.0).astype("float32"), np.asarray(valid, "float32")


def write_flow(path: FilePath, flow: Array) -> None:
    """Write `(height, width, 2)` as a `.flo` file, atomically; what is not finite is written as unknown."""
    flow = np.asarray(flow, "<f4")
    if flow.ndim != 3 or flow.shape[-1] != 2:
        raise ValueError(f"Flow must be (height, width, 2). Received: {flow.shape}.")
    head = _MAGIC + np.array([flow.shape[1], flow.shape[0]], "<i4").tobytes()
    body = np.where(np.isfinite(flow), flow, np.float32(1e10)).astype("<f4").tobytes()
    atomic_write(path, lambda temporary: Path(temporary).write_bytes(head + body))


def flow_examples(pairs: Array, flow: Array, valid: Array | None = None) -> Array:
    """What `kgan.FlowGAN` takes as labeled: two frames, the flow, and where it is known, in one array.

    Args:
        pairs: `(count, height, width, 2 channels)` in [-1, 1].
        flow: `(count, height, width, 2)`; what is infinite, NaN or beyond 1e9 is unknown.
        valid: `(count, height, width)` of 0 and 1, default None: all that is known.

    Returns:
        float32 array `(count, height, width, 2 channels + 3)`.
    """
    pairs, flow = np.asarray(pairs), np.asarray(flow)
    if pairs.ndim != 4 or flow.shape != (*pairs.shape[:3], 2):
        raise ValueError(f"Pairs and flow do not fit: {pairs.shape} and {flow.shape}.")
    flow, known = _known(flow)
    if valid is not None:
        known = known * np.asarray(valid, "float32").reshape(known.shape)
    return np.concatenate([pairs, flow, known[..., None]], axis=-1).astype("float32")


def warped_pairs(
    count: int,
    size: int = 32,
    photos: Sequence[str] = _PHOTOS,
    shrink: int = 2,
    shift: tuple[float, float] = (2.0, 2.0),
    bend: float = 0.04,
    noise: float = 0.01,
    seed: int = 0,
) -> tuple[Array, Array]:
    """Pairs of frames with known flow: windows of gray photos of scikit-image, moved, turned and scaled.

    `I1(x) = I2(x + f(x))` by construction: the first frame is the second seen through the flow, bilinear; then both get noise.

    Args:
        count: pairs. size: default 32: pixels of a window.
        photos: names of photos in scikit-image.
        shrink: default 2: photos are averaged over squares of so many pixels.
        shift: default (2, 2): largest translation in pixels, to the sides and up and down, uniform.
        bend: default 0.04: largest angle (radians) and largest change of scale, around the window's middle, uniform.
        noise: default 0.01: standard deviation of noise, for frames in [0, 1].
        seed: default 0.

    Returns:
        `(pairs, flow)`: float32 `(count, size, size, 2)` in [-1, 1] and `(count, size, size, 2)` in pixels.
    """
    require(COUNT, count=count, size=size, shrink=shrink)
    rng = np.random.default_rng(seed)
    pictures = [square_means(gray_photo(name)[..., None] / 255.0, shrink)[..., 0] for name in photos]
    margin = int(np.ceil(max(shift) + bend * size)) + 2
    pairs, flows = [], []
    for _ in range(count):
        photo = pictures[int(rng.integers(len(pictures)))]
        room = [whole - size - 2 * margin for whole in photo.shape]
        if min(room) < 1:
            raise ValueError(f"Windows of {size} pixels that move do not fit into a photo of {photo.shape[1]}x{photo.shape[0]}.")
        top, left = (int(rng.integers(margin, margin + r)) for r in room)
        flow = _affine_flow(size, rng.uniform(-1, 1, 2) * np.array(shift), *rng.uniform(-bend, bend, 2))
        y, x = np.mgrid[top : top + size, left : left + size]
        second = photo[top : top + size, left : left + size]
        first = bilinear(photo, y + flow[..., 1], x + flow[..., 0])
        frames = np.stack([first, second], axis=-1) + noise * rng.normal(size=(size, size, 2))
        pairs.append(np.clip(2.0 * frames - 1.0, -1.0, 1.0))
        flows.append(flow)
    return np.stack(pairs).astype("float32"), np.stack(flows).astype("float32")


def _affine_flow(size: int, shift: Array, angle: float, scale: float) -> Array:
    middle = (size - 1) / 2
    y, x = np.mgrid[:size, :size] - middle
    cos, sin = (1 + scale) * np.cos(angle), (1 + scale) * np.sin(angle)
    return np.stack([cos * x - sin * y - x + shift[0], sin * x + cos * y - y + shift[1]], axis=-1)


def motorcycle(shrink: int = 12) -> tuple[Array, Array]:
    """A real scene with its true flow: scikit-image's stereo pair, the left picture first, `f = (-disparity, 0)`.

    Args:
        shrink: default 12: pictures are averaged over squares of so many pixels; the disparity is the median of what is known there.

    Returns:
        `(pair, flow)`: float32 `(1, height, width, 2)`, gray in [-1, 1]; float32 `(1, height, width, 2)` in pixels, infinite where unknown
        (7.3 % of the original).
    """
    require(COUNT, shrink=shrink)
    import skimage.data
    from PIL import Image

    *pictures, disparity = skimage.data.stereo_motorcycle()
    gray = [
        square_means(np.asarray(Image.fromarray(picture).convert("L"))[..., None] / 255.0, shrink)[..., 0] for picture in pictures
    ]
    height, width = gray[0].shape
    blocks = disparity[: height * shrink, : width * shrink].reshape(height, shrink, width, shrink).swapaxes(1, 2)
    blocks = np.where(np.isfinite(blocks), blocks, np.nan).reshape(height, width, -1)
    known = np.isfinite(blocks).any(axis=-1)
    middle = np.full((height, width), np.inf)
    middle[known] = np.nanmedian(blocks[known], axis=-1) / shrink
    pair = 2.0 * np.stack(gray, axis=-1) - 1.0
    return pair[None].astype("float32"), np.stack([-middle, np.where(known, 0.0, np.inf)], axis=-1)[None].astype("float32")
