"""Builders of the networks that families share; each returns a `keras.Model` with stable layer names."""

from kgan.networks import dcgan, mlp, sn_cnn, sn_resnet

__all__ = ["dcgan", "mlp", "sn_cnn", "sn_resnet"]
