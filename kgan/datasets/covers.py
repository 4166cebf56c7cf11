"""Photos as steganography wants them: gray, not resized, cut into patches. Resizing removes the noise that hides a message."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kgan.arguments import COUNT, require
from kgan.datasets.packages import need
from kgan.images import list_images, nothing_left, read_pixels, readable, refuse_or_warn
from kgan.types import Array, FilePath

# Gray or color, all made gray; those of scikit-image that come with its package.
GRAY_PHOTOS = (
    "camera",
    "coins",
    "moon",
    "page",
    "astronaut",
    "coffee",
    "chelsea",
    "rocket",
    "brick",
    "grass",
    "gravel",
    "text",
    "hubble_deep_field",
    "immunohistochemistry",
    "retina",
    "stereo_motorcycle",
)
_PATCHED = GRAY_PHOTOS[:8]


def gray_photo(name: str) -> Array:
    """One of `GRAY_PHOTOS` (scikit-image) at its own size: uint8 (height, width). Colors by ITU-R 601."""
    from PIL import Image

    if name not in GRAY_PHOTOS:
        raise ValueError(f"Unknown photo {name!r}. There are {list(GRAY_PHOTOS)}.")
    photo = getattr(need("skimage.data", "data"), name)()
    photo = photo[0] if isinstance(photo, tuple) else photo
    return photo if photo.ndim == 2 else np.asarray(Image.fromarray(photo).convert("L"))


def cut(photo: Array, size: int, stride: int) -> Array:
    """All patches of an image (height, width, ...), `stride` apart, row by row: array (count, size, size, ...)."""
    height, width = photo.shape[:2]
    if height < size or width < size:
        raise ValueError(f"An image of {width}x{height} pixels has no patch of {size}x{size}. Use a smaller size.")
    places = [(i, j) for i in range(0, height - size + 1, stride) for j in range(0, width - size + 1, stride)]
    return np.stack([photo[i : i + size, j : j + size] for i, j in places])


def gray_patches(names: Sequence[str], size: int = 16, stride: int | None = None) -> tuple[Array, Array]:
    """Patches of gray photos.

    Args:
        names: of `GRAY_PHOTOS`. size: default 16. stride: default None, half the size.

    Returns:
        `(patches, labels)`: uint8 (count, size, size, 1); int64, the index of the photo in `names`.

    Example:
    >>> from kgan.datasets.covers import gray_patches
    >>> gray_patches(["page"], 32, 32)[0].shape
    (60, 32, 32, 1)
    """
    parts = [cut(gray_photo(name), size, stride or max(1, size // 2)) for name in names]
    return np.concatenate(parts)[..., None], np.repeat(np.arange(len(parts)), [len(part) for part in parts])


def photo_patches(split: str, size: int = 16) -> tuple[Array, Array]:
    """Gray 8-bit patches of eight photos with half overlap; label = index of the photo.

    The right quarter of every photo is the test split, with no pixel in both.
    """
    parts = []
    for name in _PATCHED:
        photo = gray_photo(name)
        border = photo.shape[1] * 3 // 4
        parts.append(cut(photo[:, :border] if split == "train" else photo[:, border:], size, max(1, size // 2)))
    return np.concatenate(parts)[..., None], np.repeat(np.arange(len(parts)), [len(part) for part in parts])


def cover_variants(patches: Array, count: int, seed: int = 0) -> Array:
    """Patches for a hider that must not fail where photos are unusual: four tenths as they are, the rest changed.

    Three tenths have another contrast (0.3 to 1.6 times) and brightness, two tenths are driven into black and white (3 to 8 times), one
    tenth is flat or nearly so: one gray level, half of them black or white, with steps of one level here and there.

    Args:
        patches: uint8 (number, height, width, channels). count: patches to draw. seed: default 0.

    Returns:
        uint8 array (count, height, width, channels).
    """
    rng = np.random.default_rng(seed)
    made = patches[rng.integers(len(patches), size=count)].astype("float32")
    kind, shape = rng.random(count), (count, 1, 1, 1)
    mean = made.mean(axis=(1, 2, 3), keepdims=True)
    milder = (made - mean) * rng.uniform(0.3, 1.6, shape) + mean + rng.uniform(-60, 60, shape)
    harder = (made - 128) * rng.uniform(3, 8, shape) + 128 + rng.uniform(-100, 100, shape)
    level = np.where(rng.random(shape) < 0.5, rng.choice([0, 255], shape), rng.integers(0, 256, shape))
    steps = rng.choice([-1, 0, 1], made.shape) * (rng.random(made.shape) < rng.choice([0.0, 0.05, 0.5], shape))
    for low, high, changed in ((0.4, 0.7, milder), (0.7, 0.9, harder), (0.9, 1.0, level + steps)):
        chosen = (kind >= low) & (kind < high)
        made[chosen] = changed[chosen]
    return np.clip(np.rint(made), 0, 255).astype("uint8")


# BOSSBase ------------------------------------------------------------------------------------------------------------


def read_pgm(path: FilePath) -> Array:
    """A binary gray picture, PGM "P5", with 8 bits: uint8 (height, width).

    The header is `P5`, width, height and largest value, set apart by white space, with comments from `#` to the end of a line; one white
    space, then the bytes. Largest values below 255 are refused: gray levels would have to be stretched.

    Raises:
        FileNotFoundError: no such file. ValueError: another format, a broken header, too few or too many bytes.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    data = path.read_bytes()
    if data[:2] != b"P5":
        raise ValueError(f"{path} is no binary PGM: it begins with {data[:2]!r}, not b'P5'.")
    numbers: list[int] = []
    position = 2
    while len(numbers) < 3:
        while position < len(data) and (data[position : position + 1].isspace() or data[position : position + 1] == b"#"):
            if data[position : position + 1] == b"#":
                end = data.find(b"\n", position)
                position = len(data) if end < 0 else end
            position += 1
        start = position
        while position < len(data) and data[position : position + 1].isdigit():
            position += 1
        if start == position or position - start > 6:
            raise ValueError(f"{path}: the header must hold width, height and largest value. Received {data[2:40]!r}.")
        numbers.append(int(data[start:position]))
    width, height, largest = numbers
    if largest != 255 or not width or not height:
        raise ValueError(
            f"{path}: expected 8-bit pixels with the largest value 255. Received {width}x{height}, largest {largest}."
        )
    if not data[position : position + 1].isspace() or len(data) != position + 1 + width * height:
        raise ValueError(
            f"{path}: {width}x{height} pixels need {width * height} bytes behind the header; there are {len(data) - position - 1}."
        )
    return np.frombuffer(data, "uint8", offset=position + 1).reshape(height, width).copy()


def bossbase(
    root: FilePath, size: int = 32, tiles: int | None = None, limit: int | None = None, split: str = "all", seed: int = 0
) -> tuple[Array, Array]:
    """Tiles of BOSSBase 1.01 (Bas, Filler, Pevný 2011): 10,000 gray photos of 512x512 pixels, `1.pgm` to `10000.pgm`.

    As in 1703.00371 one half is for the game, the other for those who judge it: photos with even numbers train, odd ones test.

    Args:
        root: folder of the `.pgm` files, named by numbers. size: default 32: of a tile, cut without resizing or overlap.
        tiles: default None, all: random tiles of each photo. limit: default None: only as many photos of the split, the first.
        split: "all" (default), "train" or "test". seed: default 0, of the choice of tiles.

    Returns:
        `(tiles, labels)`: uint8 (count, size, size, 1); int64, the numbers of their photos. All 256 tiles of 32x32 of all photos take
        2.6 GB.

    Raises:
        FileNotFoundError: no such folder. ValueError: no numbered `.pgm` in it, photos that are broken or too small, arguments.
    """
    if split not in ("all", "train", "test"):
        raise ValueError(f'`split` must be "all", "train" or "test". Received: {split!r}.')
    require(COUNT, size=size)
    require(COUNT.or_none(), tiles=tiles, limit=limit)
    root = Path(root)
    if not root.is_dir():
        raise FileNotFoundError(f"There is no folder {str(root)!r}.")
    files = {int(path.stem): path for path in root.glob("*.pgm") if path.stem.isdecimal()}
    rest = {"all": (0, 1), "train": (0,), "test": (1,)}[split]
    numbers = [number for number in sorted(files) if number % 2 in rest][:limit]
    if not numbers:
        raise ValueError(f"{str(root)!r} holds no photos 1.pgm, 2.pgm, ... of the split {split!r}; {len(files)} are numbered.")
    rng, parts = np.random.default_rng(seed), []
    for number in numbers:
        made = _tiles_of(read_pgm(files[number]), size, files[number])
        parts.append(made if tiles is None else made[rng.permutation(len(made))[:tiles]])
    return np.concatenate(parts)[..., None], np.repeat(np.asarray(numbers), [len(part) for part in parts])


def cover_folder(
    path: FilePath,
    size: int = 32,
    channels: int = 1,
    tiles: int | None = None,
    limit: int | None = None,
    seed: int = 0,
    corrupt: str = "skip",
    background: str = "white",
) -> tuple[Array, Array]:
    """Tiles of the images in a folder, cut without resizing. Arguments and result as `bossbase`; labels are the index of the file.

    What counts as a picture, and that pixels are those that a viewer shows, says the head of `kgan.images`.

    Args:
        path: folder; subfolders are searched. channels: 1 (default) or 3. corrupt: "skip" (default) leaves unreadable files out, "error"
            refuses them. Images smaller than a tile are left out. A warning counts what is left out.
        background: default "white": what transparent pixels are laid on, a name of HTML's or "#rrggbb".
    """
    if channels not in (1, 3):
        raise ValueError(f"`channels` must be 1 or 3. Received: {channels!r}.")
    candidates, left_out = list_images(path)
    files, bad = readable(candidates[:limit])
    rng, parts, labels = np.random.default_rng(seed), [], []
    for index, file in enumerate(files):
        pixels = read_pixels(file, channels, background)
        if min(pixels.shape[:2]) < size:
            left_out.setdefault("smaller than a tile", []).append(file)
            continue
        made = cut(pixels, size, size)
        made = made if tiles is None else made[rng.permutation(len(made))[:tiles]]
        parts.append(made)
        labels.append(np.full(len(made), index))
    if parts or (bad and corrupt == "error"):
        refuse_or_warn(bad, len(candidates[:limit]), path, corrupt, left_out)
    else:
        raise ValueError(nothing_left(path, bad, left_out, f" of at least {size}x{size} pixels"))
    return np.concatenate(parts), np.concatenate(labels)


def _tiles_of(photo: Array, size: int, path: FilePath) -> Array:
    try:
        return cut(photo, size, size)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
