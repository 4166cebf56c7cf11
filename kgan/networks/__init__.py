"""Builders of the networks that families share; each returns a `keras.Model` with stable layer names."""

from kgan.networks import (
    ali,
    bayesian,
    bidirectional,
    coupled,
    dcgan,
    improved,
    infogan,
    mlp,
    progressive,
    sn_cnn,
    sn_resnet,
    unrolled,
)
from kgan.networks.blocks import with_features
from kgan.networks.ensemble import Ensemble

__all__ = [
    "Ensemble",
    "ali",
    "bayesian",
    "bidirectional",
    "coupled",
    "dcgan",
    "improved",
    "infogan",
    "mlp",
    "progressive",
    "sn_cnn",
    "sn_resnet",
    "unrolled",
    "with_features",
]
