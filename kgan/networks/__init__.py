"""Builders of the networks that families share; each returns a `keras.Model` with stable layer names."""

from kgan.networks import (
    ali,
    bayesian,
    bidirectional,
    causal,
    coupled,
    dcgan,
    improved,
    infogan,
    layered,
    mlp,
    optical_flow,
    progressive,
    sn_cnn,
    sn_resnet,
    steganography,
    transfer,
    unrolled,
    video,
    volumetric,
    wgan_gp,
)
from kgan.networks.blocks import with_features
from kgan.networks.causal import CausalNetwork
from kgan.networks.ensemble import Ensemble

__all__ = [
    "CausalNetwork",
    "Ensemble",
    "ali",
    "bayesian",
    "bidirectional",
    "causal",
    "coupled",
    "dcgan",
    "improved",
    "infogan",
    "layered",
    "mlp",
    "optical_flow",
    "progressive",
    "sn_cnn",
    "sn_resnet",
    "steganography",
    "transfer",
    "unrolled",
    "video",
    "volumetric",
    "wgan_gp",
    "with_features",
]
