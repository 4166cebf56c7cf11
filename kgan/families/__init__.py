"""One file a family: the networks, losses and constants of one paper, played by the engine."""

from kgan.families.ali import ALI
from kgan.families.arel import AREL
from kgan.families.augmented_bigan import AugmentedBiGAN
from kgan.families.bad_gan import BadGAN
from kgan.families.bayesian_gan import BayesianGAN
from kgan.families.bigan import BiGAN
from kgan.families.calibrated_ebgan import CalibratedEBGAN
from kgan.families.catgan import CatGAN
from kgan.families.causal_began import CausalBEGAN
from kgan.families.causal_controller import CausalController
from kgan.families.causal_gan import CausalGAN
from kgan.families.cogan import CoGAN
from kgan.families.consensus_gan import ConsensusGAN
from kgan.families.d2gan import D2GAN
from kgan.families.dagan import DualAgentGAN
from kgan.families.dcgan import DCGAN
from kgan.families.dfm_gan import DFMGAN
from kgan.families.dragan import DRAGAN
from kgan.families.dtn import DomainTransferNetwork
from kgan.families.dualing_gan import DualingGAN
from kgan.families.ebgan import EBGAN
from kgan.families.fgan import FGAN
from kgan.families.fisher_gan import FisherGAN
from kgan.families.flow_gan import FlowGAN
from kgan.families.gan import GAN
from kgan.families.gmmn import GMMN
from kgan.families.gradient_regularized_gan import GradientRegularizedGAN
from kgan.families.improved_gan import ImprovedGAN
from kgan.families.infogan import InfoGAN
from kgan.families.intention_gail import IntentionGAIL
from kgan.families.lrgan import LRGAN
from kgan.families.manifold_ssl import ManifoldSSL
from kgan.families.mdgan import MDGAN
from kgan.families.mmd_gan import MMDGAN
from kgan.families.mode_regularized_gan import ModeRegularizedGAN
from kgan.families.pixelgan import PixelGANAutoencoder
from kgan.families.progan import ProGAN
from kgan.families.rendergan import RenderGAN
from kgan.families.sngan import SNGAN
from kgan.families.steganography_gan import SteganographyGAN
from kgan.families.story_gan import StoryGAN
from kgan.families.story_rl import StoryRL
from kgan.families.story_xe import StoryXE
from kgan.families.structured_gan import StructuredGAN
from kgan.families.threed_gan import ThreeDGAN
from kgan.families.threed_vae_gan import ThreeDVAEGAN
from kgan.families.triple_gan import TripleGAN
from kgan.families.trust_region_dualing_gan import TrustRegionDualingGAN
from kgan.families.unrolled_gan import UnrolledGAN
from kgan.families.veegan import VEEGAN
from kgan.families.video_predictor import VideoPredictor
from kgan.families.wgan import WGAN
from kgan.families.wgan_gp import WGANGP

__all__ = [
    "ALI",
    "AREL",
    "D2GAN",
    "DCGAN",
    "DFMGAN",
    "DRAGAN",
    "EBGAN",
    "FGAN",
    "GAN",
    "GMMN",
    "LRGAN",
    "MDGAN",
    "MMDGAN",
    "SNGAN",
    "VEEGAN",
    "WGAN",
    "WGANGP",
    "AugmentedBiGAN",
    "BadGAN",
    "BayesianGAN",
    "BiGAN",
    "CalibratedEBGAN",
    "CatGAN",
    "CausalBEGAN",
    "CausalController",
    "CausalGAN",
    "CoGAN",
    "ConsensusGAN",
    "DomainTransferNetwork",
    "DualAgentGAN",
    "DualingGAN",
    "FisherGAN",
    "FlowGAN",
    "GradientRegularizedGAN",
    "ImprovedGAN",
    "InfoGAN",
    "IntentionGAIL",
    "ManifoldSSL",
    "ModeRegularizedGAN",
    "PixelGANAutoencoder",
    "ProGAN",
    "RenderGAN",
    "SteganographyGAN",
    "StoryGAN",
    "StoryRL",
    "StoryXE",
    "StructuredGAN",
    "ThreeDGAN",
    "ThreeDVAEGAN",
    "TripleGAN",
    "TrustRegionDualingGAN",
    "UnrolledGAN",
    "VideoPredictor",
]
