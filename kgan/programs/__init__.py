"""Programs: systems that train several games one after another."""

from kgan.programs.adagan import AdaGAN

__all__ = ["AdaGAN"]
