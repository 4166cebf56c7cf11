"""The published networks of CoGAN as tables, from which `kgan.networks.coupled` builds: Liu, Tuzel, NIPS 2016, arXiv 1606.07536."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import keras

from kgan.types import Sizes


class Up(NamedTuple):
    """A transposed convolution of the generator; `crop` pixels are cut from every side (a torch padding)."""

    filters: int
    kernel: int
    stride: int = 2
    crop: int = 1


class Down(NamedTuple):
    """A convolution of the discriminator: `padding` zeros on every side, perhaps max pooling by 2 and dropout behind it."""

    filters: int
    kernel: int
    stride: int = 1
    padding: int = 0
    pool: bool = False
    dropout: float = 0.0


class Architecture(NamedTuple):
    """Both networks of one task.

    Attributes:
        ups, output: the generator's hidden layers, and its last (whose `filters` are the domain's channels).
        downs, units: the discriminator's convolutions and the width of its hidden dense layer.
        dropout: rate behind the hidden dense layer.
        normalized: whether the discriminator has batch norm and PReLU behind its convolutions; else they are linear.
        unit: whether the networks work in [0, 1], as the authors' digits do, and images in [-1, 1] are converted at their borders.
        private: layers at the end of the generator, and at the start of the discriminator, that a domain has for itself.
        initializer: of all kernels.
    """

    ups: tuple[Up, ...]
    output: Up
    downs: tuple[Down, ...]
    units: int
    dropout: float
    normalized: bool
    unit: bool
    private: tuple[int, int]
    initializer: Any


def _mnist(size: int) -> Architecture:
    if size != 28:
        raise ValueError(f"The MNIST networks make images of 28x28. Received a size of {size}.")
    return Architecture(
        (Up(1024, 4, 1, 0), Up(512, 3), Up(256, 3), Up(128, 3)), Up(0, 6, 1, 1),
        (Down(20, 5, pool=True), Down(50, 5, pool=True)), 500,
        dropout=0.5, normalized=False, unit=True, private=(1, 1), initializer="he_normal",
    )  # fmt: skip


def _small(size: int) -> Architecture:
    levels = _doublings(size, 2, 8, "small")
    return Architecture(
        (Up(2 ** (levels + 4), 2, 1, 0), *(Up(2 ** (level + 3), 4) for level in range(levels, 0, -1))), Up(0, 3, 1, 1),
        (Down(12, 3, padding=1, pool=True), *(Down(32, 3, padding=1, pool=True) for _ in range(levels - 1))), 128,
        dropout=0.5, normalized=False, unit=True, private=(1, 1), initializer="glorot_uniform",
    )  # fmt: skip


def _faces(size: int) -> Architecture:
    levels = _doublings(size, 4, 16, "faces")
    if levels > 5:
        raise ValueError(f"The face networks make images of at most 128x128. Received a size of {size}.")
    downs = (
        Down(32, 5, 2, 2), Down(64, 5, 2, 2), Down(128, 5, 2, 2, dropout=0.1), Down(256, 3, 2, 1, dropout=0.3),
        Down(512, 3, 2, 1, dropout=0.3), Down(1024, 3, 2, 1, dropout=0.5),
    )  # fmt: skip
    return Architecture(
        (Up(1024, 4, 1, 0), *(Up(2 ** (9 - level), 4) for level in range(levels))), Up(0, 3, 1, 1),
        downs[-levels - 1 :], 2048,
        dropout=0.5, normalized=True, unit=False, private=(2, 2), initializer=keras.initializers.RandomNormal(0.0, 0.02),
    )  # fmt: skip


def _doublings(size: int, base: int, smallest: int, name: str) -> int:
    levels = (size // base).bit_length() - 1
    if size < smallest or size != base * 2**levels:
        raise ValueError(f"The networks {name!r} make images of {base} times a power of two, from {smallest}. Received {size}.")
    return levels


ARCHITECTURES = {"faces": _faces, "mnist": _mnist, "small": _small}


def architecture_for(shapes: Mapping[str, Sizes], name: str | None = None) -> str:
    """The name of the networks for images of these shapes: the given one, or by their size."""
    size = image_size_of(shapes)
    if name is None:
        name = "mnist" if size == 28 else "faces" if size in (64, 128) else "small"
    if name not in ARCHITECTURES:
        raise ValueError(f"`architecture` must be one of {sorted(ARCHITECTURES)}. Received: {name!r}.")
    return name


def image_size_of(shapes: Mapping[str, Sizes]) -> int:
    """The one size of the images of all domains; their channels may differ."""
    sizes = {tuple(shape[:2]) if len(shape) == 3 else tuple(shape) for shape in shapes.values()}
    (size, *more) = sizes
    if more or len(size) != 2 or size[0] != size[1]:
        raise ValueError(
            "The built-in coupled networks are for square images of one size, (size, size, channels), whose channels alone may "
            f"differ between domains. Received: {dict(shapes)}. For other data give networks of your own."
        )
    return size[0]
