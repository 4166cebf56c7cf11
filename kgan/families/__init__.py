"""One file a family: the networks, losses and constants of one paper, played by the engine."""

from kgan.families.gan import GAN
from kgan.families.sngan import SNGAN

__all__ = ["GAN", "SNGAN"]
