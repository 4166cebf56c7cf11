"""A picture as tiles of 32x32 pixels of one channel, and orders of tiles and bits that both sides can make.

Tiles start at the upper left corner; the pixels right of the last whole tile and below it are not touched. Tiles are numbered channel by
channel, row by row.
"""

import hashlib

import numpy as np

from kgan.stego.errors import CapacityError
from kgan.types import Array, Sizes

TILE = 32


class Grid:
    """The tiles of pictures of one shape.

    Args:
        shape: `(height, width, channels)` of the picture.
    """

    def __init__(self, shape: Sizes) -> None:
        self.shape = tuple(int(n) for n in shape)
        self.rows, self.columns, self.channels = self.shape[0] // TILE, self.shape[1] // TILE, self.shape[2]
        self.count = self.rows * self.columns * self.channels
        if not self.count:
            raise CapacityError(
                f"The picture is too small: {self.shape[1]}x{self.shape[0]} pixels hold no tile of {TILE}x{TILE}, and a message takes many."
            )

    def _views(self, pixels: Array) -> Array:
        whole = pixels[: self.rows * TILE, : self.columns * TILE]
        return whole.reshape(self.rows, TILE, self.columns, TILE, self.channels).transpose(4, 0, 2, 1, 3)

    def cut(self, pixels: Array, tiles: Array) -> Array:
        """The tiles of these numbers: uint8 array `(count, 32, 32, 1)`."""
        return self._views(pixels)[np.unravel_index(tiles, (self.channels, self.rows, self.columns))][..., None]

    def paste(self, pixels: Array, tiles: Array, content: Array) -> Array:
        """A copy of the picture with these tiles."""
        pixels = pixels.copy()
        self._views(pixels)[np.unravel_index(tiles, (self.channels, self.rows, self.columns))] = content[..., 0]
        return pixels


def order(key: bytes, count: int) -> Array:
    """A permutation of `count` numbers that the key bytes determine, the same on every machine: by 64 bits of SHAKE-256 for each."""
    stream = hashlib.shake_256(b"kgan stego order" + len(key).to_bytes(4, "big") + key).digest(8 * count)
    return np.argsort(np.frombuffer(stream, ">u8").astype("u8"), kind="stable")
