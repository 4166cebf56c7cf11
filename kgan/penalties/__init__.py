"""Penalties: pure functions, and the weighted terms that families take in `penalties=`."""

from kgan.penalties.gradient import R1, GradientPenalty, gradient_norm, gradient_penalty, r1_penalty
from kgan.penalties.history import HistoricalAverage
from kgan.penalties.jensen_shannon import FDivergenceRegularizer, JensenShannonRegularizer
from kgan.penalties.opponent import directional_derivative, opponent_gradient
from kgan.penalties.outputs import Consistency, Drift, consistency
from kgan.penalties.penalty import Penalty, Scored
from kgan.penalties.regions import interpolate
from kgan.penalties.tangents import jacobian_vector_products, squared_slopes, tangent_directions
from kgan.penalties.variation import total_variation
from kgan.penalties.weights import Orthonormal, orthonormal_penalty, weight_decay

__all__ = [
    "R1",
    "Consistency",
    "Drift",
    "FDivergenceRegularizer",
    "GradientPenalty",
    "HistoricalAverage",
    "JensenShannonRegularizer",
    "Orthonormal",
    "Penalty",
    "Scored",
    "consistency",
    "directional_derivative",
    "gradient_norm",
    "gradient_penalty",
    "interpolate",
    "jacobian_vector_products",
    "opponent_gradient",
    "orthonormal_penalty",
    "r1_penalty",
    "squared_slopes",
    "tangent_directions",
    "total_variation",
    "weight_decay",
]
