"""Penalties: pure functions, and the weighted terms that families take in `penalties=`."""

from kgan.penalties.gradient import R1, GradientPenalty, gradient_norm, gradient_penalty, interpolate, r1_penalty
from kgan.penalties.penalty import Penalty
from kgan.penalties.weights import Orthonormal, orthonormal_penalty

__all__ = [
    "R1",
    "GradientPenalty",
    "Orthonormal",
    "Penalty",
    "gradient_norm",
    "gradient_penalty",
    "interpolate",
    "orthonormal_penalty",
    "r1_penalty",
]
