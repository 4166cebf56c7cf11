"""One file a family: the networks, losses and constants of one paper, played by the engine."""

from kgan.families.ali import ALI
from kgan.families.bigan import BiGAN
from kgan.families.dcgan import DCGAN
from kgan.families.dragan import DRAGAN
from kgan.families.gan import GAN
from kgan.families.improved_gan import ImprovedGAN
from kgan.families.progan import ProGAN
from kgan.families.sngan import SNGAN
from kgan.families.veegan import VEEGAN
from kgan.families.wgan import WGAN
from kgan.families.wgan_gp import WGANGP

__all__ = ["ALI", "DCGAN", "DRAGAN", "GAN", "SNGAN", "VEEGAN", "WGAN", "WGANGP", "BiGAN", "ImprovedGAN", "ProGAN"]
