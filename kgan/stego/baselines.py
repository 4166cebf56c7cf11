"""Embedders of other people to compare with, at a payload one states: LSB replacement and matching, and adaptive ones.

They change images as a message would; what the message says does not matter to a detector, so they draw it. None of them hides
anything one could read: `kgan.stego.hide` does.
"""

import numpy as np

from kgan.stego.errors import need
from kgan.types import Array

ADAPTIVE = ("hill", "suniward", "wow")


def _checked(image: Array, payload: float) -> Array:
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim not in (2, 3):
        raise ValueError(f"An image must be uint8 (height, width[, channels]). Received: {image.dtype} of shape {image.shape}.")
    if not 0.0 <= payload <= 1.0:
        raise ValueError(f"`payload` must lie in [0, 1] bits per value. Received: {payload!r}.")
    return image


def _carriers(image: Array, payload: float, generator: np.random.Generator) -> tuple[Array, Array]:
    """Places of as many values as bits, and the bits."""
    count = round(payload * image.size)
    return generator.permutation(image.size)[:count], generator.integers(0, 2, count, dtype="uint8")


def lsb_replacement(image: Array, payload: float, seed: int = 0) -> Array:
    """Lowest bits replaced by random ones in random places: half of them change.

    Args:
        image: uint8 array (height, width[, channels]). payload: in [0, 1], bits per value. seed: default 0.

    Returns:
        uint8 array of the same shape.
    """
    image = _checked(image, payload)
    places, bits = _carriers(image, payload, np.random.default_rng(seed))
    out = image.flatten()
    out[places] = (out[places] & 0xFE) | bits
    return out.reshape(image.shape)


def lsb_matching(image: Array, payload: float, seed: int = 0) -> Array:
    """As `lsb_replacement`, but a value whose bit is wrong goes up or down by one, by chance (Sharp, Information Hiding 2001).

    0 goes up and 255 down.
    """
    image = _checked(image, payload)
    generator = np.random.default_rng(seed)
    places, bits = _carriers(image, payload, generator)
    out = image.flatten().astype("int16")
    wrong = places[(out[places] & 1) != bits]
    step = generator.choice([-1, 1], len(wrong)).astype("int16")
    step[out[wrong] == 0], step[out[wrong] == 255] = 1, -1
    out[wrong] += step
    return out.astype("uint8").reshape(image.shape)


def adaptive(image: Array, payload: float, method: str = "hill", seed: int = 0) -> Array:
    """Changes of +-1 where a cost says they show least, simulated at the payload's bound (`conseal`, `pip install 'kgan[steganalysis]'`).

    Args:
        image, payload, seed: as of `lsb_replacement`; channels are embedded into one by one, each at the payload.
        method: "hill" (Li et al., ICIP 2014, default), "suniward" (Holub, Fridrich, Denemark 2014) or "wow" (Holub and Fridrich, WIFS
        2012).

    Returns:
        uint8 array of the same shape.
    """
    image = _checked(image, payload)
    if method not in ADAPTIVE:
        raise ValueError(f"`method` must be one of {ADAPTIVE}. Received: {method!r}.")
    simulate = getattr(need("conseal", "steganalysis"), method).simulate_single_channel
    if payload == 0:
        return image.copy()
    planes = image[..., None] if image.ndim == 2 else image
    # conseal draws from 32-bit seeds.
    seeds = np.random.default_rng(seed).integers(0, 2**31, (planes.shape[-1],)).tolist()
    out = [simulate(np.ascontiguousarray(planes[..., c]), payload, seed=s) for c, s in enumerate(seeds)]
    return np.stack(out, axis=-1).astype("uint8").reshape(image.shape)
