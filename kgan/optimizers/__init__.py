"""Optimizers and learning-rate schedules of papers, as Keras objects."""

from kgan.optimizers.schedules import HoldThenDecay, checked_level, level_at
from kgan.optimizers.sghmc import SGHMC

__all__ = ["SGHMC", "HoldThenDecay", "checked_level", "level_at"]
