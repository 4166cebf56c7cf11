"""Codes against misread bits: Reed-Solomon over bytes, and for the few bytes that open the rest, each coded bit three times.

Bits lie in the picture in a keyed order, so that misread places, which come in groups, meet every codeword alike.
"""

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kgan.stego.errors import need
from kgan.types import Array

CODEWORD = 255
COPIES = 3
STRONGEST = 96
REFUSED_ABOVE = 0.03
_FAILURE = 1e-4
_DEVIATIONS = 3.0


class UnrepairableError(Exception):
    """More errors than the code corrects."""


def to_bits(data: bytes) -> Array:
    """Bytes to an array of 0 and 1, highest bit first."""
    return np.unpackbits(np.frombuffer(bytes(data), "uint8"))


def to_bytes(bits: ArrayLike) -> bytes:
    """The inverse of `to_bits`."""
    return np.packbits(np.asarray(bits, "uint8")).tobytes()


@functools.lru_cache(maxsize=8)
def _codec(correctable: int) -> Any:
    return need("reedsolo").RSCodec(2 * correctable)


def _lengths(length: int, correctable: int) -> list[int]:
    """Data bytes of each codeword, as even as can be: `CODEWORD - 2 correctable` at most."""
    words = max(1, -(-length // (CODEWORD - 2 * correctable)))
    return [length // words + (word < length % words) for word in range(words)]


def coded_length(length: int, correctable: int) -> int:
    """Bytes that `length` bytes become."""
    return length + 2 * correctable * len(_lengths(length, correctable))


def largest(space: int, correctable: int) -> int:
    """The most bytes that fit coded into `space` bytes; 0 or less where none do."""
    words = -(-space // CODEWORD)
    return max(space - 2 * correctable * words, (words - 1) * (CODEWORD - 2 * correctable))


def encode(data: bytes, correctable: int) -> bytes:
    """Codewords of the data, shortened evenly, one after another.

    Args:
        data: bytes, at least one. correctable: in [1, 96], wrong bytes that each codeword survives, for twice as many of
            parity.
    """
    parts, start = [], 0
    for length in _lengths(len(data), correctable):
        parts.append(bytes(_codec(correctable).encode(data[start : start + length])))
        start += length
    return b"".join(parts)


def decode(scores: ArrayLike, length: int, correctable: int, thorough: bool = True) -> tuple[bytes, int, int]:
    """The data behind soft bits.

    Args:
        scores: array of `8 coded_length(length, correctable)` soft bits, > 0 for 1, surer the farther from 0.
        length: bytes of data. correctable: as in `encode`.
        thorough: default True. Where plain decoding fails, give up the bytes of the least sure bits, more and more of them
            (generalized minimum distance, Forney 1966): lost bytes cost half of wrong ones.

    Returns:
        `(data, wrong bytes corrected, bits that were wrong)`.

    Raises:
        UnrepairableError: too many errors.
    """
    error = need("reedsolo").ReedSolomonError
    scores = np.asarray(scores, "float32").reshape(-1, 8)
    read, surest = np.packbits(scores > 0, axis=1)[:, 0], np.abs(scores).min(axis=1)
    parts, wrong, bits, start = [], 0, 0, 0
    for size in _lengths(length, correctable):
        stop = start + size + 2 * correctable
        word, unsure = read[start:stop], np.argsort(surest[start:stop], kind="stable")
        for given_up in (0, correctable // 2, correctable, 3 * correctable // 2) if thorough else (0,):
            try:
                data, whole, _ = _codec(correctable).decode(word.tobytes(), erase_pos=unsure[:given_up].tolist())
                break
            except error:
                continue
        else:
            raise UnrepairableError
        difference = np.frombuffer(bytes(whole), "uint8") ^ word
        parts.append(bytes(data))
        wrong += int((difference > 0).sum())
        bits += int(np.unpackbits(difference).sum())
        start = stop
    return b"".join(parts), wrong, bits


def strong_length(length: int) -> int:
    """Bits that `length` bytes become by `strong`."""
    return COPIES * 8 * coded_length(length, length // 2)


def strong(data: bytes) -> Array:
    """A few bytes as bits that survive one misread bit in twenty: as many bytes of parity as of data, three copies of each bit."""
    return np.tile(to_bits(encode(data, len(data) // 2)), COPIES)


def read_strong(scores: ArrayLike, length: int) -> bytes:
    """The inverse of `strong`, from soft bits: copies are added up. Raises UnrepairableError."""
    scores = np.asarray(scores, "float32").reshape(COPIES, -1)
    scale = np.median(np.abs(scores)) or 1.0
    return decode(np.clip(scores / scale, -2.0, 2.0).sum(axis=0), length, length // 2)[0]


def upper_rate(errors: int, bits: int) -> float:
    """The error rate that lies three standard deviations above the counted one (the upper end of Wilson's interval)."""
    z2 = _DEVIATIONS**2
    share = errors / bits
    spread = _DEVIATIONS * math.sqrt(share * (1 - share) / bits + z2 / (4 * bits**2))
    return (share + z2 / (2 * bits) + spread) / (1 + z2 / bits)


def strength(bit_error_rate: float, space: int) -> int:
    """The weakest code by which `space` bytes of codewords are all read with probability 0.9999 at this rate of misread bits.

    Errors of bytes are binomial, `1 - (1 - p)^8` each, as the keyed order makes them; never below mean plus three standard deviations.

    Returns:
        int, the wrong bytes that a codeword of 255 must survive. Raises UnrepairableError where 96 are too few.
    """
    q = 1.0 - (1.0 - bit_error_rate) ** 8
    words = max(1, -(-space // CODEWORD))
    least = math.ceil(CODEWORD * q + _DEVIATIONS * math.sqrt(CODEWORD * q * (1 - q)))
    counts = np.arange(CODEWORD + 1)
    ways = np.asarray([math.lgamma(CODEWORD + 1) - math.lgamma(k + 1) - math.lgamma(CODEWORD - k + 1) for k in counts])
    mass = np.exp(ways + counts * math.log(max(q, 1e-12)) + (CODEWORD - counts) * math.log1p(-q))
    beyond = 1.0 - np.cumsum(mass)  # probability of more than k wrong bytes
    for correctable in range(max(1, least), STRONGEST + 1):
        if words * beyond[correctable] < _FAILURE:
            return correctable
    raise UnrepairableError
