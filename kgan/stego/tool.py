"""Hide a message in a PNG picture, read it again, say what fits.

The networks are those of `kgan.SteganographyGAN` (Hayes and Danezis, NIPS 2017, 1703.00371) with a bounded change;
`kgan.stego.protocol` says what lies where, `docs/steganography.md` what is promised and what is not. Needs `pip install 'kgan[stego]'`.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kgan.stego import coding, photos
from kgan.stego.channel import Channel, channel_of, to_floats
from kgan.stego.errors import AuthenticationError, CapacityError, StegoError
from kgan.stego.keys import TAG, Secret, secret_of
from kgan.stego.protocol import VARIANTS, Envelope, Layout, unseal
from kgan.types import Array

_ATTEMPTS = 8
_MEASURED, _TRIALS = 4096, 512
# Salt and header survive one misread bit in twenty.
_STRONG_UP_TO = 0.05
_STRIP = 512


@dataclass(frozen=True)
class Capacity:
    """What a picture holds.

    Attributes:
        bytes: the longest message. bit_error_rate: share of misread bits, measured in this very picture.
        correctable: wrong bytes that a codeword of 255 survives at this rate. tiles: of 32x32 pixels.
        bits_per_pixel: of the longest message, over all values of all channels.
    """

    bytes: int
    bit_error_rate: float
    correctable: int
    tiles: int
    bits_per_pixel: float


@dataclass(frozen=True)
class Hidden:
    """What hiding did.

    Attributes:
        output: the file. message_bytes, capacity_bytes: int.
        psnr: dB, over the whole picture. ssim: mean similarity (window 11, sigma 1.5), in [-1, 1].
        bit_error_rate: share of the body's bits that are misread. corrected_symbols: the bytes they made wrong, all
        corrected. correctable: wrong bytes that a codeword of 255 survives. tiles_changed, tiles: int. attempts: orders tried.
        weights: start of the fingerprint of the weights; both sides must have these.
        notes: tuple of str, what was left out or converted.
    """

    output: str
    message_bytes: int
    capacity_bytes: int
    psnr: float
    ssim: float
    bit_error_rate: float
    corrected_symbols: int
    correctable: int
    tiles_changed: int
    tiles: int
    attempts: int
    weights: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Revealed:
    """What was read. The message is no part of its text.

    Attributes:
        message: bytes. bit_error_rate, corrected_symbols, correctable: as of `Hidden`; more than there means damage since, all repaired.
        tiles_read: int. weights: str.
    """

    message: bytes = field(repr=False)
    bit_error_rate: float
    corrected_symbols: int
    correctable: int
    tiles_read: int
    weights: str


def hide(
    cover: str | Path,
    message: bytes,
    output: str | Path,
    *,
    key: str | Path | bytes | None = None,
    passphrase: str | None = None,
    model: Any = None,
    overwrite: bool = False,
    convert: bool = False,
) -> Hidden:
    """Hide bytes in a picture and write it as PNG.

    The message is encrypted and authenticated, coded against the errors that this very picture shows, laid into tiles in an order that
    the key gives, and revealed from the file written, before the file gets its name. The cover is never overwritten, and nobody else
    should ever have it: the difference of the two shows where the message lies.

    Args:
        cover: path of a PNG file of 8 bits, gray or RGB, any size. Where its metadata say that it is to be turned, what is written is
            turned, as a viewer shows the cover, and a note says so.
        message: bytes, 1 to the capacity; a str is refused, encode it.
        output: path ending in .png.
        key, passphrase: exactly one: the path of a key file (or bytes), or a str.
        model: None (the preset of kgan), the folder of a preset, or a `kgan.SteganographyGAN` with residual networks.
        overwrite: default False: whether a file of the output's name may be replaced.
        convert: default False: convert palettes, 16 bits and transparency (laid on white) instead of refusing them.

    Returns:
        `Hidden`.

    Raises:
        CapacityError: the message is longer than the capacity, which is said, or the picture too small, or misread too often (above 3 %).
        StegoError: a file or name that will not do; no order was read back. No file is then written.
    """
    if not isinstance(message, (bytes, bytearray, memoryview)):
        raise TypeError(f"The message must be bytes; encode text. Received: a {type(message).__name__}.")
    message = bytes(message)
    if not message:
        raise StegoError("The message is empty.")
    secret = secret_of(key, passphrase)
    sources = [cover, key if not isinstance(key, (bytes, bytearray)) else None]
    output = photos.check_output(output, overwrite, sources)
    pixels, notes = photos.read_png(cover, convert, cover=True)
    channel = channel_of(model)
    layout, errors, room = _measured(pixels, channel)
    if len(message) > room.bytes:
        raise CapacityError(
            f"The message has {len(message):,} bytes, and this picture holds {room.bytes:,}. Use a larger picture."
        )
    variants = sorted(range(VARIANTS), key=lambda v: (_rate(errors, layout.places(v)[0][0], channel) > _STRONG_UP_TO / 2, v))
    for attempt in range(_ATTEMPTS):
        envelope = Envelope(layout, secret, variants[attempt % VARIANTS])
        correctable = _strength_here(envelope, len(message), errors, room, channel)
        if correctable is None:
            continue
        tiles, bits = envelope.fill(message, correctable)
        stego = layout.grid.paste(pixels, tiles, channel.embed(layout.grid.cut(pixels, tiles), bits))
        found: list[Revealed] = []

        def check(path: Path, found: list[Revealed] = found) -> None:
            found.append(_read(photos.read_png(path)[0], secret, channel, thorough=False))
            if found[0].message != message:
                raise AuthenticationError

        try:
            photos.write_png(output, stego, overwrite, check)
        except AuthenticationError:
            continue
        changed = (layout.grid.cut(pixels, tiles) != layout.grid.cut(stego, tiles)).any(axis=(1, 2, 3))
        return Hidden(
            output=str(output),
            message_bytes=len(message),
            capacity_bytes=room.bytes,
            psnr=psnr(pixels, stego),
            ssim=ssim(pixels, stego),
            bit_error_rate=found[0].bit_error_rate,
            corrected_symbols=found[0].corrected_symbols,
            correctable=correctable,
            tiles_changed=int(changed.sum()),
            tiles=layout.grid.count,
            attempts=attempt + 1,
            weights=found[0].weights,
            notes=tuple(notes),
        )
    raise StegoError(
        f"Nothing was written: in {_ATTEMPTS} orders the message could not be read back from this picture. Use another one, with fewer "
        "black or white areas, or a shorter message."
    )


def reveal(
    image: str | Path, *, key: str | Path | bytes | None = None, passphrase: str | None = None, model: Any = None
) -> Revealed:
    """Read the message from a picture that `hide` wrote.

    Args:
        image: path of the PNG file. key, passphrase, model: as in `hide`.

    Returns:
        `Revealed`.

    Raises:
        AuthenticationError: the key is wrong, the weights are others, the picture was changed beyond repair, or it holds nothing.
            Nothing tells which.
        StegoError: no such picture as `hide` writes, such as a JPEG.
    """
    secret = secret_of(key, passphrase)
    pixels, _ = photos.read_png(image)
    return _read(pixels, secret, channel_of(model))


def capacity(cover: str | Path, *, model: Any = None, convert: bool = False) -> Capacity:
    """How many bytes a picture holds: of its own bits that are misread, a trial with random bits tells how strong the code must be.

    Args:
        cover, model, convert: as in `hide`.

    Returns:
        `Capacity`. `hide` takes messages up to its `bytes`.

    Raises:
        CapacityError: too small, or above 3 % of bits are misread. StegoError: as `hide`.
    """
    pixels, _ = photos.read_png(cover, convert, cover=True)
    return _measured(pixels, channel_of(model))[2]


def _read(pixels: Array, secret: Secret, channel: Channel, thorough: bool = True) -> Revealed:
    layout = Layout(pixels.shape, channel.bits, channel.fingerprint)

    def scores_of(tiles: Array) -> Array:
        return channel.scores(layout.grid.cut(pixels, tiles))

    message, correctable, wrong, bits, size, used = unseal(layout, secret, scores_of, thorough)
    return Revealed(message, bits / size, wrong, correctable, used, channel.fingerprint.hex()[:16])


def _measured(pixels: Array, channel: Channel) -> tuple[Layout, Array, Capacity]:
    """Layout, mean number of misread bits of each tile (-1 where not tried), and capacity, from a trial with random bits."""
    layout = Layout(pixels.shape, channel.bits, channel.fingerprint)
    rng = np.random.default_rng(0)  # not secret; fixed, so that `capacity` and `hide` say the same
    tried = np.sort(rng.permutation(layout.grid.count)[:_MEASURED])
    tried = np.tile(tried, -(-_TRIALS // len(tried)))  # a small picture several times, for a sure figure
    bits = rng.integers(0, 2, (len(tried), channel.bits), dtype="uint8")
    wrong = (channel.scores(channel.embed(layout.grid.cut(pixels, tried), bits)) > 0) != bits
    counts = np.bincount(tried, minlength=layout.grid.count)
    errors = np.where(counts > 0, np.bincount(tried, wrong.sum(axis=1), layout.grid.count) / np.maximum(counts, 1), -1.0)
    rate, upper = float(wrong.mean()), coding.upper_rate(int(wrong.sum()), wrong.size)
    if rate > coding.REFUSED_ABOVE:
        raise CapacityError(
            f"This picture will not do: {rate:.1%} of its bits are misread, and {coding.REFUSED_ABOVE:.0%} is the most. Use one with "
            "fewer black or white areas."
        )
    correctable = coding.strength(upper, layout.space())
    room = coding.largest(layout.space(), correctable) - TAG
    if room < 1:
        raise CapacityError(f"The picture is too small: its {layout.grid.count} tiles hold no message of one byte.")
    return layout, errors, Capacity(room, rate, correctable, layout.grid.count, 8 * room / pixels.size)


def _rate(errors: Array, tiles: Array, channel: Channel) -> float:
    """Share of misread bits over the tried ones among these tiles; 0 where none was tried."""
    known = errors[tiles][errors[tiles] >= 0]
    return float(known.mean()) / channel.bits if len(known) else 0.0


def _strength_here(envelope: Envelope, length: int, errors: Array, room: Capacity, channel: Channel) -> int | None:
    """The code for exactly the tiles that this order takes, or None where they will not do."""
    correctable = room.correctable
    while True:
        salt, header, body = (_rate(errors, places[0], channel) for places in envelope.places(length, correctable))
        if max(salt, header) > _STRONG_UP_TO:
            return None
        try:
            needed = coding.strength(body, coding.coded_length(length + TAG, correctable))
        except coding.UnrepairableError:
            return None
        # What the picture as a whole asks for always fits; more, where there is room.
        while needed > correctable and coding.largest(envelope.layout.space(), needed) < length + TAG:
            needed -= 1
        if needed <= correctable:
            return correctable
        correctable = needed


def psnr(cover: Array, stego: Array) -> float:
    """Peak signal to noise ratio in dB of two uint8 pictures; infinite where they are equal."""
    from kgan import metrics

    return float(metrics.psnr(to_floats(cover)[None], to_floats(stego)[None])[0])


def ssim(cover: Array, stego: Array) -> float:
    """Mean structural similarity of two uint8 pictures, `kgan.metrics.ssim`, in strips of rows, for memory."""
    from kgan import metrics

    overlap, total, rows = 10, 0.0, len(cover) - 10
    for top in range(0, rows, _STRIP):
        strip = slice(top, min(top + _STRIP, rows) + overlap)
        size = strip.stop - strip.start - overlap
        total += size * float(metrics.ssim(to_floats(cover[strip])[None], to_floats(stego[strip])[None])[0])
    return total / rows
