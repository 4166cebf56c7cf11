"""Pictures of samples: grids of images with their names, clouds of points, bars, curves, shapes."""

import itertools
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kgan.files import atomic_write
from kgan.images import to_uint8
from kgan.shapes.drawn import render
from kgan.shapes.meshes import sampled
from kgan.types import Array, FilePath, Nest


def image_grid(images: Any, columns: int | None = None, scale: int | None = None, gap: int = 1, clip: bool = False) -> Array:
    """One picture from many.

    Args:
        images: array (count, height, width, channels), at least one image, 1 or 3 channels: uint8, taken as it is, or floats in [-1, 1].
        columns: default None: as square as it gets.
        scale: pixels repeated, by default so that an image is at least 32 high.
        gap: white pixels between images, before scaling.
        clip: default False: floats outside [-1, 1] are refused. True clips them: for networks whose output is linear, as ProGAN's is.

    Returns:
        uint8 array (height, width, 3).

    Raises:
        ValueError: no image, another shape, type or range, values that are not finite.
    """
    images = _pixels(images, clip)
    count, height, width, channels = images.shape
    columns = columns or int(np.ceil(np.sqrt(count)))
    rows = -(-count // columns)
    canvas = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, 3), 255, "uint8")
    for index, image in enumerate(images):
        top, left = (gap + (index // columns) * (height + gap)), (gap + (index % columns) * (width + gap))
        canvas[top : top + height, left : left + width] = image if channels == 3 else image.repeat(3, axis=-1)
    scale = scale or max(1, -(-32 // height))
    return canvas.repeat(scale, axis=0).repeat(scale, axis=1)


def _pixels(images: Any, clip: bool) -> Array:
    """Images as bytes, checked as `image_grid` says."""
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or not images.size:
        raise ValueError(f"Images must be (count, height, width, 1 or 3), at least one. Received shape {images.shape}.")
    return images if images.dtype == np.uint8 else to_uint8(_floats("Images", images, (-1.0, 1.0), clip))


_SLACK = 1e-2  # what half precision and resizing leave behind


def _floats(what: str, values: Array, limits: tuple[float, float] | None, clip: bool = False) -> Array:
    """Values that can be drawn as float32; a ValueError says what came. `limits` None: any. `clip` True: those outside may be clipped."""
    wanted = f"uint8, or floats in [{limits[0]:g}, {limits[1]:g}]" if limits else "numbers"
    if values.dtype.kind in "OSUc" or (limits and values.dtype.kind in "biu"):
        raise ValueError(f"{what} must be {wanted}. Received: {values.dtype}. Convert them.")
    values = values.astype("float32")
    if not np.isfinite(values).all():
        raise ValueError(f"{what} must be finite. Received: {int((~np.isfinite(values)).sum())} of {values.size} values are not.")
    least, most = float(values.min()), float(values.max())
    if limits and not clip and not limits[0] - _SLACK <= least <= most <= limits[1] + _SLACK:
        raise ValueError(
            f"{what} must be {wanted}. Received: values in [{least:.4g}, {most:.4g}]. Scale them, or pass clip=True where a network's "
            "linear output overshoots."
        )
    return values


_TEXT = (11, 20)  # pixels of letters: of the smallest pictures, and of the largest
_LONGEST = 15  # names in front of rows, and those that stand upright above columns, in letters' heights


def labeled(picture: Array, title: str = "", row_names: Sequence[str] = (), column_names: Sequence[str] = ()) -> Array:
    """A picture with a title above it, names in front of its rows and above its columns. Its own pixels stay as they are.

    What people look at has names; files that other programs read, and what stands in a page that names it, have none.

    Args:
        picture: uint8 array (height, width, 3): cells of one size, as `image_grid`, `row_grid`, `voxel_grid` and `mesh_grid` make them.
        title: default "": none. Broken into lines where it is wider than the picture.
        row_names: from the top, as many as there are rows; default none. column_names: from the left, the same. An empty name is one with
            the name before it, which stands in the middle of both. Names of columns stand upright where one is wider than its column;
            names that are too long end in three dots.

    Returns:
        uint8 array (height, width, 3): the picture at the bottom, behind the names of its rows. Without any name, the picture.

    Raises:
        ValueError: another shape or type; more names than pixels.

    Example:
    >>> import numpy as np, kgan
    >>> grid = kgan.pictures.image_grid(np.zeros((6, 32, 32, 1)), columns=3)
    >>> named = kgan.pictures.labeled(grid, "Nothing", ["black", "also black"], ["first", "second", "third"])
    >>> grid.shape, named.shape[0] > 67, named.shape[1] > 100
    ((67, 100, 3), True, True)
    """
    from PIL import Image, ImageDraw

    picture = np.asarray(picture)
    if picture.ndim != 3 or picture.shape[-1] != 3 or picture.dtype != np.uint8 or not picture.size:
        raise ValueError(f"A picture is uint8 (height, width, 3). Received: {picture.dtype} of shape {picture.shape}.")
    height, width = picture.shape[:2]
    if len(row_names) > height or len(column_names) > width:
        raise ValueError(
            f"A picture of {height}x{width} pixels has no {len(row_names)} rows and {len(column_names)} columns to be named."
        )
    size = int(np.clip(width // 45, *_TEXT))
    large, small = _font(size + 1), _font(max(7, min(size, height // max(len(row_names), 1) - 2)))
    ahead = [(_cut(name, small, _LONGEST * size), middle) for name, middle, _ in _spans(row_names, height)]
    left = 8 + max(round(small.getlength(name)) for name, _ in ahead) if ahead else 0
    spans = list(_spans(column_names, width))
    upright = any(small.getlength(_line(name)) > room - 2 for name, _, room in spans)
    heads = [(_cut(name, small, _LONGEST * size if upright else room), middle) for name, middle, room in spans]
    tallest = max(round(small.getlength(name)) + 8 if upright else round(1.6 * small.size) for name, _ in heads) if heads else 0
    # A narrow picture gets white at its right, so that its title need not stand word by word.
    across = max(left + width, min(int(large.getlength(_line(title))) + 9, 24 * size) if title else 0)
    lines = _lines(title, large, across - 8)
    step = round(1.35 * large.size)
    top = tallest + (len(lines) * step + 4 if lines else 0)
    canvas = Image.new("RGB", (across, top + height), "white")
    canvas.paste(Image.fromarray(picture), (left, top))
    draw = ImageDraw.Draw(canvas)
    for index, line in enumerate(lines):
        draw.text((4, 3 + index * step), line, "black", large)
    for name, middle in ahead:
        draw.text((left - 4, top + round(middle)), name, "black", small, anchor="rm")
    for name, middle in heads:
        if upright:
            turned = Image.new("RGB", (tallest, round(1.4 * small.size)), "white")
            ImageDraw.Draw(turned).text((3, turned.height // 2), name, "black", small, anchor="lm")
            turned = turned.transpose(Image.Transpose.ROTATE_90)
            canvas.paste(turned, (left + round(middle - turned.width / 2), top - tallest))
        else:
            draw.text((left + round(middle), top - tallest // 2), name, "black", small, anchor="mm")
    return np.asarray(canvas)


def _font(size: int) -> Any:
    """That of matplotlib's figures, which knows more letters than Pillow's."""
    import matplotlib
    from PIL import ImageFont

    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), size)


def _spans(names: Sequence[str], length: int) -> Iterator[tuple[str, float, float]]:
    """Every name with the middle of the cells that it is for, and their length; empty names are one with those before them."""
    starts = [index for index, name in enumerate(names) if name]
    for start, end in itertools.pairwise([*starts, len(names)]):
        yield names[start], (start + end) / 2 * length / len(names), (end - start) * length / len(names)


def _line(text: str) -> str:
    return " ".join(str(text).split())


def _cut(text: str, font: Any, width: float) -> str:
    """As much of a text as fits, in one line."""
    text = _line(text)
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1].rstrip()
    return f"{text}…"


def _lines(text: str, font: Any, width: float) -> list[str]:
    """A text in lines that fit, broken between words."""
    lines: list[str] = []
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(_cut(word, font, width))
    return lines


def row_grid(
    rows: Mapping[str, Any] | Sequence[tuple[str, Any]],
    title: str = "",
    column_names: Sequence[str] = (),
    scale: int | None = None,
    clip: bool = False,
) -> Array:
    """One picture of several rows of images, each with its name in front of it; see `labeled`.

    Args:
        rows: dict of name to images as in `image_grid`, or a list of pairs where names come twice; of any number, sizes and channels: what
            is smaller has white beside it.
        title, column_names: as in `labeled`. scale, clip: as in `image_grid`.

    Returns:
        uint8 array (height, width, 3).

    Raises:
        ValueError: as `image_grid`, no rows, or names of columns of another number than the longest row has images.
    """
    pairs = list(rows.items()) if isinstance(rows, Mapping) else list(rows)
    if not pairs:
        raise ValueError("Rows of images must be one at least. Received none.")
    parts = [_pixels(images, clip) for _, images in pairs]
    count, height, width = (max(part.shape[axis] for part in parts) for axis in range(3))
    if column_names and len(column_names) != count:
        raise ValueError(
            f"`column_names` must be {count}, empty ones among them. Received {len(column_names)}: {list(column_names)}."
        )
    cells = np.full((len(parts), count, height, width, 3), 255, "uint8")
    for row, part in zip(cells, parts, strict=True):
        row[: len(part), : part.shape[1], : part.shape[2]] = part
    grid = image_grid(cells.reshape(-1, height, width, 3), count, scale)
    return labeled(grid, title, [name for name, _ in pairs], column_names)


def save_rows(
    path: FilePath,
    rows: Mapping[str, Any] | Sequence[tuple[str, Any]],
    title: str = "",
    column_names: Sequence[str] = (),
    scale: int | None = None,
    clip: bool = False,
) -> None:
    """Write what `row_grid` makes of the same arguments as PNG."""
    save_image(path, row_grid(rows, title, column_names, scale, clip))


def voxel_grid(
    voxels: Array,
    columns: int | None = None,
    image_size: int = 96,
    azimuth: float = 30.0,
    elevation: float = 25.0,
    threshold: float = 0.5,
) -> Array:
    """One picture of many shapes; a strip where `columns` is their number.

    Args:
        voxels: array (count, size, size, size, 1) in [0, 1]. columns: default None: as square as it gets.
        image_size: pixels of one shape. azimuth, elevation, threshold: as in `kgan.shapes.render`.

    Returns:
        uint8 array (height, width, 3), shapes gray on white.
    """
    seen = render(voxels, image_size, azimuth, elevation, threshold)
    return image_grid(2.0 * np.where(seen > 0, 0.85 * seen, 1.0)[..., None] - 1.0, columns, scale=1)


def mesh_grid(
    found: Sequence[Any], columns: int | None = None, image_size: int = 96, azimuth: float = 30.0, elevation: float = 25.0
) -> Array:
    """As `voxel_grid`, of triangle meshes: a list of `trimesh.Trimesh`, each brought to the same size."""
    seen = np.stack([_mesh_picture(mesh, image_size, azimuth, elevation) for mesh in found])
    return image_grid(2.0 * seen[..., None] - 1.0, columns, scale=1)


def _mesh_picture(mesh: Any, image_size: int, azimuth: float, elevation: float) -> Array:
    """Points on all triangles, finer than pixels, the nearest of each pixel lit by its triangle's direction."""
    a, e = np.deg2rad(azimuth), np.deg2rad(elevation)
    right = np.asarray([np.cos(a), np.sin(a), 0.0])
    forward = np.asarray([-np.sin(a) * np.cos(e), np.cos(a) * np.cos(e), -np.sin(e)])
    axes = np.stack([right, -np.cross(right, forward), forward], axis=1)
    low, high = mesh.bounds
    scale = 0.98 * image_size / np.linalg.norm(high - low)
    triangles = ((mesh.triangles - (low + high) / 2) @ axes) * scale + image_size / 2
    light = 0.25 + 0.6 * np.clip(mesh.face_normals @ (-forward + 0.6 * right * np.asarray([1, 1, 0]) + [0, 0, 0.8]) / 1.5, 0, 1)
    points = list(sampled(triangles, 0.5, labels=light))
    places, shades = np.concatenate([p for p, _ in points]), np.concatenate([s for _, s in points])
    column, row = (np.clip(places[:, k].astype("int64"), 0, image_size - 1) for k in (0, 1))
    picture = np.ones((image_size, image_size))
    order = np.argsort(-places[:, 2], kind="stable")  # the nearest last, which stays
    picture[row[order], column[order]] = shades[order]
    return picture


def save_image(path: FilePath, pixels: Array) -> None:
    """Write a uint8 picture as PNG, atomically."""
    from PIL import Image

    atomic_write(path, lambda temporary: Image.fromarray(pixels).save(temporary, format="PNG"))


def figure(width: float = 6.0, height: float = 4.0, columns: int = 1, rows: int = 1) -> tuple[Any, Any]:
    """A matplotlib figure and its axes, drawn without a display."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(width, height), dpi=120, layout="constrained")
    FigureCanvasAgg(drawn)
    return drawn, drawn.subplots(rows, columns, squeeze=False)


def title_figure(drawn: Any, *lines: str, size: float = 8.0) -> None:
    """Title of a matplotlib figure, with lines broken where they would be wider than the figure; none where all are empty.

    Args:
        drawn: as `figure` gives it. lines: texts, one below the other. size: default 8: of the letters, in points.
    """
    letters = max(1, int(112 * drawn.get_figwidth() / size))
    text = "\n".join(part for line in lines for part in textwrap.wrap(line, letters))
    if text:
        drawn.suptitle(text, fontsize=size, parse_math=False)


def distinct_colors(count: int) -> list[Any]:
    """As many colors as there are curves in one panel, none of them twice."""
    import matplotlib

    if count <= 10:
        return list(matplotlib.colormaps["tab10"](np.arange(count)))
    return list(matplotlib.colormaps["turbo"](np.linspace(0.0, 1.0, count)))


def save_figure(path: FilePath, drawn: Any) -> None:
    """Write a matplotlib figure as PNG, atomically."""
    atomic_write(path, lambda temporary: drawn.savefig(temporary, format="png"))


def save_classes(
    path: FilePath,
    images: Array,
    labels: ArrayLike,
    names: Sequence[str],
    columns: int = 10,
    clip: bool = False,
    title: str = "",
) -> None:
    """A picture with a row for each class, its name in front of it.

    Args:
        path: PNG file.
        images: array (count, height, width, 1 or 3), as in `image_grid`. labels: integers (count,), the class of each.
        names: of all classes, in the order of their numbers.
        columns: default 10: the first so many images of a class.
        clip: as in `image_grid`. title: as in `labeled`.

    Raises:
        ValueError: as `image_grid`; labels of another number or range.
    """
    images, labels = _all_images(images), np.asarray(labels)
    if labels.shape != (len(images),) or labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= len(names):
        raise ValueError(
            f"`labels` must be integers in [0, {len(names)}), one for each of {len(images)} images. Received {labels.dtype} of shape "
            f"{labels.shape}."
        )
    shown = list(dict.fromkeys(labels.tolist()))
    save_rows(path, [(names[label], images[labels == label][:columns]) for label in shown], title, clip=clip)


def save_each(folder: FilePath, samples: Nest, clip: bool = False) -> None:
    """A PNG of its own for every image, as other programs take them: `00000.png` and so on, pixel for pixel.

    Args:
        folder: made if missing. samples: images, or a dict of domain to images, which get folders of their own; as in `save_samples`.
        clip: as in `save_samples`.

    Raises:
        ValueError: no images, another type or range.
    """
    folders = samples if isinstance(samples, dict) else {"": samples}
    for domain, images in folders.items():
        place = Path(folder) / domain
        # Checked before the first is written.
        pixels = [image_grid(image[None], scale=1, gap=0, clip=clip) for image in _all_images(images)]
        place.mkdir(parents=True, exist_ok=True)
        for index, one in enumerate(pixels):
            save_image(place / f"{index:05d}.png", one if images.shape[-1] == 3 else one[..., 0])


def _all_images(images: Any) -> Array:
    images = np.asarray(images)
    if images.ndim != 4 or not len(images):
        raise ValueError(
            f"Only images (count, height, width, 1 or 3) have a file each, at least one. Received shape {images.shape}."
        )
    return images


def save_samples(path: FilePath, samples: Nest, real: Array | None = None, clip: bool = False, title: str = "") -> None:
    """The picture that fits the samples: a grid of images, or a cloud of 2-D points over real ones.

    Args:
        path: PNG file.
        samples: array, at least one example: images (count, height, width, 1 or 3), uint8, taken as they are, or floats in [-1, 1]; voxels
            (count, size, size, size, 1) in [0, 1]; or points (count, 2); or a dict of domain to images, equal in count, of which those that
            belong together are drawn one below the other, with the domain's name in front.
        real: points to draw underneath, or None.
        clip: default False: images outside [-1, 1] are refused. True clips them, see `image_grid`.
        title: as in `labeled`; default "": none, the bare picture where the samples have no domains.

    Raises:
        ValueError: another shape, type or range; values that are not finite; no example.
    """
    if isinstance(samples, dict):
        save_image(path, _pairs(samples, title, clip))
        return
    samples = np.asarray(samples)
    if samples.ndim not in (2, 4, 5) or samples.shape[1] < 2 or not samples.size:
        raise ValueError(f"Only images, voxels and points can be drawn, at least one. Received samples of shape {samples.shape}.")
    if samples.ndim == 4:
        save_image(path, labeled(image_grid(samples, clip=clip), title))
        return
    if samples.ndim == 5:
        # Voxels of data are whole numbers.
        voxels = samples.astype("float32") if samples.dtype.kind in "biu" else samples
        save_image(path, labeled(voxel_grid(_floats("Voxels", voxels, (0.0, 1.0))), title))
        return
    samples = _floats("Points", samples, None)
    drawn, axes = figure(5.0, 5.0)
    axis = axes[0, 0]
    if real is not None:
        axis.scatter(real[:, 0], real[:, 1], s=4, color="0.75", label="data")
    axis.scatter(samples[:, 0], samples[:, 1], s=4, color="tab:red", alpha=0.5, label="samples")
    axis.set_aspect("equal")
    axis.legend(loc="upper right")
    title_figure(drawn, title, size=10)
    save_figure(path, drawn)


def _pairs(samples: Mapping[str, Any], title: str, clip: bool) -> Array:
    """Corresponding images of several domains one below the other, in as many lines as make the whole as square as it gets."""
    parts = {domain: np.asarray(images) for domain, images in samples.items()}
    if {part.ndim for part in parts.values()} != {4} or len({len(part) for part in parts.values()}) > 1:
        raise ValueError(f"Images of one count are drawn together. Received: { {d: x.shape for d, x in parts.items()} }.")
    count = len(next(iter(parts.values())))
    wide = max(1, int(np.ceil(np.sqrt(count * len(parts)))))
    lines = [(domain, part[start : start + wide]) for start in range(0, max(count, 1), wide) for domain, part in parts.items()]
    return row_grid(lines, title, clip=clip)


def save_clips(path: FilePath, past: Array, predicted: Array, truth: Array | None = None, title: str = "") -> None:
    """Clips side by side as one PNG: a line for what was seen and what is predicted after it, below it one for what came.

    Args:
        path: PNG file.
        past: float array `(count, frames, height, width, 1 or 3)` in [-1, 1]. predicted: the same, frames that follow.
        truth: default None: the frames that did follow. title: default "": none.
    """
    futures = {"predicted": predicted} if truth is None else {"predicted": predicted, "true": truth}
    lines = [(name, [*past[i], *clips[i]]) for i in range(len(past)) for name, clips in futures.items()]
    frames, (height, width) = len(lines[0][1]), past.shape[2:4]
    drawn, axes = figure(0.9 * frames, 0.9 * height / width * len(lines) + 0.5, frames, len(lines))
    for row, (name, line) in zip(axes, lines, strict=True):
        for axis, frame in zip(row, line, strict=True):
            axis.imshow(to_uint8(frame).repeat(3 // frame.shape[-1], axis=-1), interpolation="nearest")
            axis.set(xticks=[], yticks=[])
        row[0].set_ylabel(name, fontsize=7)
    for t, axis in enumerate(axes[0]):
        axis.set_title(f"seen {t + 1}" if t < past.shape[1] else f"next {t + 1 - past.shape[1]}", fontsize=7)
    title_figure(drawn, title)
    save_figure(path, drawn)


def save_animation(path: FilePath, frames: Array, milliseconds: int = 100) -> None:
    """Write frames `(count, height, width, 1 or 3)`, floats in [-1, 1] or uint8, as an endless GIF, atomically."""
    from PIL import Image

    frames = _all_images(frames)
    pixels = frames if frames.dtype == np.uint8 else to_uint8(_floats("Frames", frames, (-1.0, 1.0), clip=True))
    first, *others = (Image.fromarray(one.repeat(3 // one.shape[-1], axis=-1)) for one in pixels)

    def write(temporary: str) -> None:
        first.save(temporary, format="GIF", save_all=True, append_images=others, duration=milliseconds, loop=0)

    atomic_write(path, write)


def flow_image(flow: Array, largest: float | None = None) -> Array:
    """Optical flow as colors: the direction is the hue, the length the saturation (white: no motion), as the usual wheel has it.

    Args:
        flow: array `(height, width, 2)`, `(u, v)`, u right, v down. What is not finite is black.
        largest: length of full saturation in pixels; default None: the largest there is.

    Returns:
        uint8 array `(height, width, 3)`. Motion to the right is red, down yellow-green, left cyan, up violet.
    """
    from matplotlib.colors import hsv_to_rgb

    flow = np.asarray(flow, "float64")
    known = np.isfinite(flow).all(axis=-1)
    u, v = np.where(known[..., None], flow, 0.0).transpose(2, 0, 1)
    length = np.hypot(u, v)
    hue = np.arctan2(v, u) / (2 * np.pi) % 1.0
    saturation = np.clip(length / (largest or max(float(length.max()), 1e-9)), 0.0, 1.0)
    colors = hsv_to_rgb(np.stack([hue, saturation, np.ones_like(hue)], axis=-1))
    return np.round(255 * colors * known[..., None]).astype("uint8")


def save_flow(path: FilePath, frames: Array, flow: Array, truth: Array | None = None, title: str = "") -> None:
    """Frames and their flow in colors, one below the other, as one PNG; truth below, in the same colors.

    Args:
        path: PNG file.
        frames: the first frames, `(count, height, width, 1 or 3)` in [-1, 1].
        flow: `(count, height, width, 2)` in pixels. truth: the same, default None.
        title: default "": none but the length of full color, which stands below it.
    """
    known = flow if truth is None else truth
    largest = float(np.linalg.norm(np.where(np.isfinite(known), known, 0.0), axis=-1).max()) or 1.0
    rows = {"frame": [to_uint8(one).repeat(3 // one.shape[-1], axis=-1) for one in frames]}
    rows["flow"] = [flow_image(one, largest) for one in flow]
    if truth is not None:
        rows["true flow"] = [flow_image(one, largest) for one in truth]
    count, (height, width) = len(frames), frames.shape[1:3]
    drawn, axes = figure(1.3 * count + 0.4, 1.3 * height / width * len(rows) + 0.4, count, len(rows))
    for row, (name, pictures) in enumerate(rows.items()):
        for axis, picture in zip(axes[row], pictures, strict=True):
            axis.imshow(picture, interpolation="nearest")
            axis.set(xticks=[], yticks=[])
        axes[row, 0].set_ylabel(name, fontsize=8)
    title_figure(drawn, title, f"full color: {largest:.1f} pixels")
    save_figure(path, drawn)
