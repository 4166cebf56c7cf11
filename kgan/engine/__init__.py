"""The engine: one class plays any game that a family describes as data."""

from kgan.engine.adversarial import AdversarialModel
from kgan.engine.divergence import DivergenceError, DivergenceGuard
from kgan.engine.game import Move, Observation, Terms, Turn
from kgan.engine.optimizers import MoveOptimizers
from kgan.engine.rules import Consensus, Descent, Rule
from kgan.engine.unrolling import unrolled

__all__ = [
    "AdversarialModel",
    "Consensus",
    "Descent",
    "DivergenceError",
    "DivergenceGuard",
    "Move",
    "MoveOptimizers",
    "Observation",
    "Rule",
    "Terms",
    "Turn",
    "unrolled",
]
