"""The trained pair as a channel for bits: tiles in, tiles out, a fixed number at a time, so that nothing is traced twice."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kgan.stego.errors import StegoError
from kgan.stego.tiles import TILE
from kgan.types import Array

_AT_ONCE = 64
_loaded: dict[None, "Channel"] = {}


class Channel:
    """Hides bits in tiles and reads them.

    Args:
        model: has `capacity(height, width)`, `hide(covers, bits)` and `reveal(images, scores=True)`, as a residual
            `kgan.SteganographyGAN` does.

    Attributes:
        bits: those of a tile. fingerprint: SHA-256 of the weights, 32 bytes, over their values, in order, as float32.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        try:
            self.bits = int(model.capacity(TILE, TILE))
        except AttributeError:
            raise StegoError(
                f"A {type(model).__name__} hides nothing in pictures. Use a SteganographyGAN with residual=True."
            ) from None
        channels = getattr(model, "image_shape", (TILE, TILE, 1))[-1]
        if self.bits < 1 or channels != 1:
            raise StegoError(
                f"The model must hide in gray tiles of {TILE}x{TILE} pixels; channels of color come one by one. This one takes {channels} "
                f"channels and {self.bits} bits."
            )
        self.fingerprint = fingerprint(model)

    def embed(self, tiles: Array, bits: ArrayLike) -> Array:
        """Tiles, uint8 `(count, 32, 32, 1)`, that carry bits `(count, self.bits)`; uint8."""
        bits = np.asarray(bits, "uint8")
        return np.concatenate([to_pixels(self.model.hide(to_floats(t), b))[:n] for n, t, b in _batches(tiles, bits)])

    def scores(self, tiles: Array) -> Array:
        """Soft bits `(count, self.bits)` of tiles: > 0 for 1."""
        read = (np.asarray(self.model.reveal(to_floats(t), scores=True), "float32")[:n] for n, t in _batches(tiles))
        return np.concatenate(list(read))


def _batches(*arrays: Array) -> Iterator[tuple[Any, ...]]:
    """Minibatches of one size, the last filled up with zeros, and how many of each count."""
    for start in range(0, len(arrays[0]), _AT_ONCE):
        parts = [array[start : start + _AT_ONCE] for array in arrays]
        count = len(parts[0])
        parts = [
            np.concatenate([p, np.zeros((_AT_ONCE - count, *p.shape[1:]), p.dtype)]) if count < _AT_ONCE else p for p in parts
        ]
        yield (count, *parts)


def to_floats(pixels: Array) -> Array:
    """Pixels 0-255 in [-1, 1]. The same on both sides: nothing else may normalize."""
    return pixels.astype("float32") / 127.5 - 1.0


def to_pixels(images: ArrayLike) -> Array:
    """Images in [-1, 1] as pixels: rounded, never cut off."""
    return np.clip(np.rint((np.asarray(images, "float32") + 1.0) * 127.5), 0, 255).astype("uint8")


def fingerprint(model: Any) -> bytes:
    """SHA-256 of the weights that hide and read, 32 bytes: of their shapes and float32 values in order, whatever file they came from."""
    from keras import ops

    digest = hashlib.sha256(b"kgan stego weights")
    networks = [getattr(model, name) for name in ("alice", "bob") if hasattr(model, name)] or [model]
    for weight in (weight for network in networks for weight in network.weights):
        values = np.ascontiguousarray(ops.convert_to_numpy(weight), dtype="<f4")
        digest.update(repr(values.shape).encode() + values.tobytes())
    return digest.digest()


def channel_of(model: Any = None) -> Channel:
    """The channel of a model: the preset that comes with kgan (None), the preset in a folder, or a model at hand.

    Raises:
        StegoError: a folder without a preset, or with weights that do not belong to it.
    """
    if model is not None and not isinstance(model, (str, Path)):
        return Channel(model)
    if model is None:
        if None not in _loaded:
            _loaded[None] = Channel(_preset())
        return _loaded[None]
    if not Path(model).is_dir():
        raise StegoError(f"There is no folder {str(model)!r} with a trained model. Give the folder of a preset.")
    try:
        return Channel(_preset(str(model)))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise StegoError(f"{str(model)!r} holds no model to hide with: {str(error).splitlines()[0]}") from None


def _preset(*folder: str) -> Any:
    import kgan

    return kgan.SteganographyGAN.from_preset(*folder)
