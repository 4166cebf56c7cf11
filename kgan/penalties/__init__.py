"""Penalties: pure functions, and the weighted terms that families take in `penalties=`."""

from kgan.penalties.gradient import (
    R1,
    GradientPenalty,
    Penalty,
    gradient_norm,
    gradient_penalty,
    interpolate,
    r1_penalty,
)

__all__ = [
    "R1",
    "GradientPenalty",
    "Penalty",
    "gradient_norm",
    "gradient_penalty",
    "interpolate",
    "r1_penalty",
]
