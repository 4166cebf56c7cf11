"""Builders of the networks that families share; each returns a `keras.Model` with stable layer names."""

from kgan.networks import dcgan, improved, infogan, mlp, progressive, sn_cnn, sn_resnet, unrolled
from kgan.networks.blocks import with_features

__all__ = ["dcgan", "improved", "infogan", "mlp", "progressive", "sn_cnn", "sn_resnet", "unrolled", "with_features"]
