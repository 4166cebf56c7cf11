"""Pictures, and a deterministic pair with the interface of the trained one: the mean of a block of 4x4 pixels, on a lattice that its
bit chooses."""

import zlib

import numpy as np
from PIL import Image

BLOCK = 4


class BlockMeans:
    """Bit 0 at means that are multiples of `step`, bit 1 halfway between; a share of blocks, chosen by the seed, gets the wrong bit.

    Args:
        error_rate: float, share of blocks written wrongly. seed: int, of these and of the weights (thus of their fingerprint).
    """

    def __init__(self, error_rate=0.0, seed=0, step=4):
        self.error_rate, self.step, self.seed, self.calls = error_rate, step, seed, 0
        self.weights = [np.full((2, 2), seed, "float32")]

    def capacity(self, height, width):
        return (height // BLOCK) * (width // BLOCK)

    def _blocks(self, images):
        count, height, width, _ = images.shape
        pixels = np.rint((images + 1.0) * 127.5).reshape(count, height // BLOCK, BLOCK, width // BLOCK, BLOCK)
        return pixels.transpose(0, 1, 3, 2, 4).reshape(count, -1, BLOCK * BLOCK)

    def hide(self, covers, bits):
        self.calls += 1
        blocks = self._blocks(covers)
        generator = np.random.default_rng([self.seed, zlib.crc32(bits.tobytes() + covers.tobytes())])
        bits = bits ^ (generator.uniform(size=bits.shape) < self.error_rate)
        total = blocks.sum(axis=-1) / self.step
        lattice, shift = BLOCK * BLOCK, bits * BLOCK * BLOCK / 2
        wanted = np.rint((total - shift) / lattice) * lattice + shift
        change = (wanted - total) * self.step
        # Whole steps for all pixels, the rest on the first ones.
        every, rest = np.divmod(change, BLOCK * BLOCK)
        blocks = blocks + every[..., None] + (np.arange(BLOCK * BLOCK) < rest[..., None])
        count, height, width, _ = covers.shape
        grid = blocks.clip(0, 255).reshape(count, height // BLOCK, width // BLOCK, BLOCK, BLOCK).transpose(0, 1, 3, 2, 4)
        return (grid.reshape(covers.shape) / 127.5 - 1.0).astype("float32")

    def reveal(self, images, scores=False):
        soft = -np.cos(2 * np.pi * self._blocks(images).mean(axis=-1) / self.step)
        return soft.astype("float32") if scores else (soft > 0).astype("uint8")


def picture(height=256, width=256, channels=1, seed=0):
    """Smooth shapes and grain, away from black and white."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width][..., None]
    waves = np.sin(x / 17 + np.arange(channels)) + np.cos(y / 23)
    return np.clip(128 + 40 * waves + generator.normal(scale=6, size=(height, width, channels)), 20, 235).astype("uint8")


def save(path, pixels, **options):
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(path, **options)
    return path
