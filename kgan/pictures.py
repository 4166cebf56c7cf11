"""Pictures of samples: grids of images, clouds of points, bars, curves."""

import numpy as np

from kgan.datasets.images import to_uint8
from kgan.files import atomic_write


def image_grid(images, columns=None, scale=None, gap=1):
    """One picture from many.

    Args:
        images: array (count, height, width, channels) in [-1, 1], 1 or 3 channels.
        columns: int or None: as square as it gets.
        scale: int or None: pixels repeated, by default so that an image is at least 32 high.
        gap: int, white pixels between images, before scaling.

    Returns:
        uint8 array (height, width, 3).
    """
    images = to_uint8(images)
    if images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise ValueError(f"Images must be (count, height, width, 1 or 3). Received shape {images.shape}.")
    count, height, width, channels = images.shape
    columns = columns or int(np.ceil(np.sqrt(count)))
    rows = -(-count // columns)
    canvas = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, 3), 255, "uint8")
    for index, image in enumerate(images):
        top, left = (gap + (index // columns) * (height + gap)), (gap + (index % columns) * (width + gap))
        canvas[top : top + height, left : left + width] = image if channels == 3 else image.repeat(3, axis=-1)
    scale = scale or max(1, -(-32 // height))
    return canvas.repeat(scale, axis=0).repeat(scale, axis=1)


def side_by_side(samples):
    """One image from the corresponding images of several domains, next to each other.

    Args:
        samples: dict of domain to images (count, height, width, 1 or 3), equal in count and height.

    Returns:
        Array (count, height, widths together, channels); grey images among coloured ones become coloured.
    """
    parts = [np.asarray(images) for images in samples.values()]
    if {part.ndim for part in parts} != {4} or len({part.shape[:2] for part in parts}) > 1:
        raise ValueError(
            f"Images of one count and height are drawn together. Received: { {d: x.shape for d, x in samples.items()} }."
        )
    channels = max(part.shape[-1] for part in parts)
    return np.concatenate([part.repeat(channels // part.shape[-1], axis=-1) for part in parts], axis=2)


def save_image(path, pixels):
    """Write a uint8 picture as PNG, atomically."""
    from PIL import Image

    atomic_write(path, lambda temporary: Image.fromarray(pixels).save(temporary, format="PNG"))


def figure(width=6.0, height=4.0, columns=1, rows=1):
    """A matplotlib figure and its axes, drawn without a display."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(width, height), dpi=120, layout="constrained")
    FigureCanvasAgg(drawn)
    return drawn, drawn.subplots(rows, columns, squeeze=False)


def save_figure(path, drawn):
    """Write a matplotlib figure as PNG, atomically."""
    atomic_write(path, lambda temporary: drawn.savefig(temporary, format="png"))


def save_samples(path, samples, real=None):
    """The picture that fits the samples: a grid of images, or a cloud of 2-D points over real ones.

    Args:
        path: PNG file.
        samples: array, images (count, height, width, channels) or points (count, 2); or a dict of domain to images, drawn side by side.
        real: points to draw underneath, or None.
    """
    samples = side_by_side(samples) if isinstance(samples, dict) else samples
    if samples.ndim == 4:
        save_image(path, image_grid(samples))
        return
    if samples.ndim != 2 or samples.shape[1] < 2:
        raise ValueError(f"Only images and points can be drawn. Received samples of shape {samples.shape}.")
    drawn, axes = figure(5.0, 5.0)
    axis = axes[0, 0]
    if real is not None:
        axis.scatter(real[:, 0], real[:, 1], s=4, color="0.75", label="data")
    axis.scatter(samples[:, 0], samples[:, 1], s=4, color="tab:red", alpha=0.5, label="samples")
    axis.set_aspect("equal")
    axis.legend(loc="upper right")
    save_figure(path, drawn)
