"""What lies where in a picture: salt, header, body.

The order of the bits hangs on the key, the key on the salt, and the salt lies in the picture. So the salt alone lies in an order that all
know; everything else lies in an order that takes the secret to compute.

====== ============================================ =================== ================================================
part   bytes                                        tiles               code
====== ============================================ =================== ================================================
salt   16 random                                    the first of the    16 bytes of parity, three copies of each bit
                                                    public order
header magic 2, version 1, strength 1, length 4,    the first of the    under a mask (they look random without the key);
       nonce 12, CRC-32 4                           keyed order         24 bytes of parity, three copies of each bit
body   AES-256-GCM of the message, with its tag     the next of the     codewords of 255 bytes at most, of which
                                                    keyed order         `strength` may be wrong
====== ============================================ =================== ================================================

Within the tiles of a part, bits lie in an order over all their places; places left over hold random bits. Tiles that are not needed
stay as they were. The public order hangs on the picture's size, the weights and one of two variants, of which the better is taken. The
master key binds all of these, and the tag covers them, the salt and the header. With other weights, another size or another key
nothing can be read.

A repetition in public places is a sign: who has the weights can see, without the key, that the salt is there. Whoever has the weights can
see it anyway, by how sure the reader is of its bits; against such an opponent keep the weights as secret as the key.
"""

import os
import struct
import zlib
from collections.abc import Callable

import numpy as np

from kgan.stego import coding
from kgan.stego.errors import AuthenticationError, CapacityError
from kgan.stego.keys import NONCE, SALT, TAG, Keys, Secret
from kgan.stego.tiles import Grid, order
from kgan.types import Array, Sizes

Places = tuple[Array, Array]
"""Tiles, and the order of the bits in them."""
Unsealed = tuple[bytes, int, int, int, int, int]
"""What `unseal` returns."""

VERSION = 1
VARIANTS = 2
_MAGIC = b"\x9ek"
_FIELDS = struct.Struct(f">2sBBI{NONCE}s")
_HEADER = _FIELDS.size + 4


class Layout:
    """The parts of pictures of one shape, for one model.

    Args:
        shape: `(height, width, channels)`. bits: those of a tile. fingerprint: bytes, of the weights.

    Raises:
        CapacityError: no room for a message of one byte, however well the bits are read.
    """

    def __init__(self, shape: Sizes, bits: int, fingerprint: bytes) -> None:
        self.grid, self.bits = Grid(shape), bits
        self._context = struct.pack(">B3I", VERSION, *self.grid.shape) + fingerprint
        self.salt_tiles = -(-coding.strong_length(SALT) // bits)
        self.header_tiles = -(-coding.strong_length(_HEADER) // bits)
        self.body_tiles = self.grid.count - self.salt_tiles - self.header_tiles
        if self.body_tiles < 1 or coding.largest(self.space(), 1) <= TAG:
            needed = self.salt_tiles + self.header_tiles + -(-8 * coding.coded_length(TAG + 1, 1) // bits)
            raise CapacityError(
                f"The picture is too small: it has {self.grid.count} tiles of 32x32 pixels, and a message of one byte takes {needed}."
            )

    def space(self) -> int:
        """Bytes of codewords that the body's tiles hold."""
        return max(self.body_tiles, 0) * self.bits // 8

    def context(self, variant: int) -> bytes:
        """All that both sides must agree on, beside the secret."""
        return bytes([variant]) + self._context

    def public(self, variant: int) -> Array:
        """The order of tiles whose first hold the salt."""
        return order(b"tiles" + self.context(variant), self.grid.count)

    def places(self, variant: int, keys: Keys | None = None, body_tiles: int = 0) -> list[Places]:
        """Tiles of the three parts and the order of bits in each: three pairs, the salt's alone without keys."""
        tiles = self.public(variant)
        salt = tiles[: self.salt_tiles]
        found = [(salt, order(b"bits" + self.context(variant), self.salt_tiles * self.bits))]
        if keys is not None:
            rest = np.sort(tiles[self.salt_tiles :])
            rest = rest[order(keys.expand(b"tiles"), len(rest))]
            header, body = rest[: self.header_tiles], rest[self.header_tiles : self.header_tiles + body_tiles]
            found.append((header, order(keys.expand(b"header bits"), len(header) * self.bits)))
            found.append((body, order(keys.expand(b"body bits"), len(body) * self.bits)))
        return found

    def body_tiles_of(self, length: int, correctable: int) -> int:
        """Tiles that the body takes whose message has `length` bytes."""
        return -(-8 * coding.coded_length(length + TAG, correctable) // self.bits)


class Envelope:
    """One message made ready: fresh salt and nonce, keys, and the tiles that will carry it.

    Args:
        layout: `Layout`. secret: `Secret`. variant: of the public order.
    """

    def __init__(self, layout: Layout, secret: Secret, variant: int) -> None:
        self.layout, self.variant = layout, variant
        self.salt, self.nonce = os.urandom(SALT), os.urandom(NONCE)
        self.keys = secret.master(self.salt, layout.context(variant))

    def __repr__(self) -> str:
        return "Envelope(not shown)"

    def places(self, length: int, correctable: int) -> list[Places]:
        """As `Layout.places`, for a message of this length and code."""
        return self.layout.places(self.variant, self.keys, self.layout.body_tiles_of(length, correctable))

    def fill(self, message: bytes, correctable: int) -> Places:
        """Tiles and their bits: arrays `(count,)` and `(count, bits)`."""
        fields = _FIELDS.pack(_MAGIC, VERSION, correctable, len(message) + TAG, self.nonce)
        header = fields + struct.pack(">I", zlib.crc32(fields))
        sealed = self.keys.seal(self.nonce, message, _associated(self.layout, self.variant, self.salt, fields))
        parts = [
            coding.strong(self.salt),
            coding.strong(_masked(header, self.keys)),
            coding.to_bits(coding.encode(sealed, correctable)),
        ]
        tiles, bits = [], []
        for (places, permutation), part in zip(self.places(len(message), correctable), parts, strict=True):
            # Random bits fill what is left, so that full and empty places look alike.
            filled = coding.to_bits(os.urandom(-(-len(permutation) // 8)))[: len(permutation)]
            filled[permutation[: len(part)]] = part
            tiles.append(places)
            bits.append(filled.reshape(-1, self.layout.bits))
        return np.concatenate(tiles), np.concatenate(bits)


def unseal(layout: Layout, secret: Secret, scores_of: Callable[[Array], Array], thorough: bool = True) -> Unsealed:
    """Read a message from soft bits.

    Args:
        layout: `Layout`. secret: `Secret`.
        scores_of: callable from tiles `(count,)` to soft bits `(count, layout.bits)`.
        thorough: as in `coding.decode`.

    Returns:
        `(message, strength, wrong bytes corrected, bits that were wrong, bits of the body, tiles used)`.

    Raises:
        AuthenticationError: for whatever reason.
    """
    for variant in range(VARIANTS):
        try:
            return _unseal(layout, secret, scores_of, thorough, variant)
        except (coding.UnrepairableError, AuthenticationError):
            continue
    raise AuthenticationError


def _unseal(layout: Layout, secret: Secret, scores_of: Callable[[Array], Array], thorough: bool, variant: int) -> Unsealed:
    def read(places: Places, length: int) -> Array:
        tiles, permutation = places
        return scores_of(tiles).reshape(-1)[permutation[:length]]

    (salt_places,) = layout.places(variant)
    salt = coding.read_strong(read(salt_places, coding.strong_length(SALT)), SALT)
    keys = secret.master(salt, layout.context(variant))
    header_places = layout.places(variant, keys)[1]
    header = _masked(coding.read_strong(read(header_places, coding.strong_length(_HEADER)), _HEADER), keys)
    fields, check = header[: _FIELDS.size], header[_FIELDS.size :]
    magic, version, correctable, length, nonce = _FIELDS.unpack(fields)
    known = check == struct.pack(">I", zlib.crc32(fields)) and magic == _MAGIC and version == VERSION
    if not known or not 1 <= correctable <= coding.STRONGEST or length <= TAG:
        raise AuthenticationError
    body_tiles = layout.body_tiles_of(length - TAG, correctable)
    if body_tiles > layout.body_tiles:
        raise AuthenticationError
    *_, places = layout.places(variant, keys, body_tiles)
    size = 8 * coding.coded_length(length, correctable)
    sealed, wrong, bits = coding.decode(read(places, size), length, correctable, thorough)
    message = keys.open(nonce, sealed, _associated(layout, variant, salt, fields))
    return message, correctable, wrong, bits, size, layout.salt_tiles + layout.header_tiles + body_tiles


def _associated(layout: Layout, variant: int, salt: bytes, fields: bytes) -> bytes:
    return layout.context(variant) + salt + fields


def _masked(header: bytes, keys: Keys) -> bytes:
    return bytes(a ^ b for a, b in zip(header, keys.expand(b"mask", len(header)), strict=True))
