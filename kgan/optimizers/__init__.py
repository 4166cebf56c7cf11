"""Optimisers and learning-rate schedules of papers, as Keras objects."""

from kgan.optimizers.schedules import ClippedExponentialDecay
from kgan.optimizers.sghmc import SGHMC

__all__ = ["SGHMC", "ClippedExponentialDecay"]
