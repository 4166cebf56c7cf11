"""Layers that adversarial systems need and Keras lacks; each works alone in any Keras model."""

from kgan.layers.global_sum_pooling import GlobalSumPooling2D
from kgan.layers.maxout import Maxout
from kgan.layers.spectral_normalization import SpectralNormalization
from kgan.layers.weight_normalization import WeightNormalization

__all__ = ["GlobalSumPooling2D", "Maxout", "SpectralNormalization", "WeightNormalization"]
