"""Where covers come from: scikit-image's photos, BOSSBase, CelebA, a folder of your own."""

import numpy as np

import kgan
from kgan.images import list_images, read_pixels, readable, refuse_or_warn

GAME = kgan.datasets.GRAY_PHOTOS[:7]
DETECTORS = ("brick", "gravel", "immunohistochemistry", "retina", "stereo_motorcycle")
JUDGED = ("rocket", "grass", "hubble_deep_field")
_HELD_OUT = 500
_ALIGNED = 178  # the shorter side of CelebA's aligned pictures


def channels_of(data):
    """1 for gray sets, 3 for CelebA and folders."""
    return 3 if data.startswith(("celeba:", "folder:")) else 1


def tiles_of(data, size, channels, tiles, limit, seed):
    """Tiles of the game and held-out tiles of other photos: two uint8 arrays (count, size, size, channels).

    Args:
        data: "photo_patches", "bossbase:FOLDER", "celeba:FOLDER" or "folder:FOLDER".
        tiles: int, random tiles of each photo of BOSSBase and of folders. limit: int or None, photos. seed: int.
    """
    kind, _, path = data.partition(":")
    if kind == "photo_patches":
        stride = max(1, size // 2)
        return kgan.datasets.gray_patches(GAME, size, stride)[0], _some(kgan.datasets.gray_patches(JUDGED[:1], size, stride)[0])
    if kind == "bossbase":
        held_out = kgan.datasets.bossbase(path, size, 1, min(limit or _HELD_OUT, _HELD_OUT), "test", seed)[0]
        return kgan.datasets.bossbase(path, size, tiles, limit, "train", seed)[0], held_out
    if kind == "folder":
        images, files = kgan.datasets.cover_folder(path, size, channels, tiles, limit, seed)
        aside = files >= np.unique(files)[-max(1, len(np.unique(files)) // 10)]
        if aside.all():
            raise ValueError(f"{path!r} needs two images or more: one is held out to measure on.")
        return images[~aside], _some(images[aside])
    if kind == "celeba":
        parts = [
            kgan.datasets.celeba(path, ["Male"], size, batch_size=None, split=split, limit=count, mirror=False)[0]
            for split, count in (("train", limit), ("test", _HELD_OUT))
        ]
        return tuple(kgan.datasets.to_uint8(part) for part in parts)
    raise ValueError(f"--data must be photo_patches, bossbase:FOLDER, celeba:FOLDER or folder:FOLDER. Received: {data!r}.")


def _some(images):
    return images[np.random.default_rng(0).permutation(len(images))[:_HELD_OUT]]


def photos_of(data, channels, limit, size=None):
    """Whole photos that no game was trained on, those for detectors and those they are judged on: two dicts of name to uint8 array.

    JPEG files are covers too, as a viewer shows them.

    Args:
        data: "photo_patches", "bossbase:FOLDER" (the odd half), "celeba:FOLDER" (the test split) or "folder:FOLDER".
        channels: 1 or 3. limit: int or None, photos.
        size: default None: pictures of CelebA as decoded, their central square; an int: averaged to so many pixels, as `tiles_of` does.
    """
    kind, _, path = data.partition(":")
    if kind == "photo_patches":
        if channels != 1:
            raise ValueError("The embedded photos are gray and the model takes colors. Give --data folder:FOLDER.")
        return tuple({name: kgan.datasets.gray_photo(name)[..., None] for name in names} for names in (DETECTORS, JUDGED))
    if kind == "celeba":
        photos = _faces(path, channels, limit, size)
    elif kind in ("bossbase", "folder"):
        photos = _files(path, channels, limit, kind == "bossbase")
    else:
        raise ValueError(f"--data must be photo_patches, bossbase:FOLDER, celeba:FOLDER or folder:FOLDER. Received: {data!r}.")
    if len(photos) < 2:
        raise ValueError(f"{path!r} needs two photos or more: one for detectors, one to judge them on (odd numbers in BOSSBase).")
    names = list(photos)
    half = len(names) // 2
    return {n: photos[n] for n in names[:half]}, {n: photos[n] for n in names[half:]}


def _faces(path, channels, limit, size):
    from PIL import Image

    options = {"image_size": size} if size else {"image_size": _ALIGNED, "crop": _ALIGNED}
    faces, _ = kgan.datasets.celeba(path, ["Male"], **options, batch_size=None, split="test", limit=limit, mirror=False)
    pixels = kgan.datasets.to_uint8(faces)
    if channels == 1:
        pixels = np.stack([np.asarray(Image.fromarray(face).convert("L"))[..., None] for face in pixels])
    return {f"face-{number}": face for number, face in enumerate(pixels, start=1)}


def _files(path, channels, limit, numbered):
    files, left_out = list_images(path, deep=not numbered)
    if numbered:
        files = sorted(
            (f for f in files if f.suffix == ".pgm" and f.stem.isdigit() and int(f.stem) % 2), key=lambda f: int(f.stem)
        )
    good, bad = readable(files[:limit])
    refuse_or_warn(bad, len(files[:limit]), path, "skip", None if numbered else left_out)
    photos = {}
    for file in good:
        # Files of one name in several folders are several photos.
        name = "-".join(file.relative_to(path).with_suffix("").parts)
        photos[f"{name}{file.suffix}" if name in photos else name] = read_pixels(file, channels)
    return photos
