"""Builders of the networks that families share; each returns a `keras.Model` with stable layer names."""

from kgan.networks import (
    ali,
    autoencoders,
    bayesian,
    bidirectional,
    categorical,
    causal,
    coupled,
    dcgan,
    improved,
    infogan,
    layered,
    mlp,
    pixelcnn,
    progressive,
    rendered,
    sn_cnn,
    sn_resnet,
    steganography,
    transfer,
    triple,
    unrolled,
    volumetric,
    wgan_gp,
)
from kgan.networks.blocks import with_features
from kgan.networks.causal import CausalNetwork
from kgan.networks.ensemble import Ensemble
from kgan.networks.kernel_density import KernelDensity
from kgan.networks.pixelcnn import PixelCNN, PixelCNNPlusPlus

__all__ = [
    "CausalNetwork",
    "Ensemble",
    "KernelDensity",
    "PixelCNN",
    "PixelCNNPlusPlus",
    "ali",
    "autoencoders",
    "bayesian",
    "bidirectional",
    "categorical",
    "causal",
    "coupled",
    "dcgan",
    "improved",
    "infogan",
    "layered",
    "mlp",
    "pixelcnn",
    "progressive",
    "rendered",
    "sn_cnn",
    "sn_resnet",
    "steganography",
    "transfer",
    "triple",
    "unrolled",
    "volumetric",
    "wgan_gp",
    "with_features",
]
