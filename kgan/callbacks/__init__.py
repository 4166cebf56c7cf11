"""Callbacks for watching and keeping adversarial training; Keras' own work too."""

from kgan.callbacks.checkpoints import Checkpoint, checkpoints, restore
from kgan.callbacks.evaluation import Evaluation
from kgan.callbacks.plateau import BestOnPlateau
from kgan.callbacks.relay import Relay, fit_in_parts
from kgan.callbacks.watching import CollapseMonitor, GeneratorAverage, SampleGrid
from kgan.engine.divergence import DivergenceError, DivergenceGuard

__all__ = [
    "BestOnPlateau",
    "Checkpoint",
    "CollapseMonitor",
    "DivergenceError",
    "DivergenceGuard",
    "Evaluation",
    "GeneratorAverage",
    "Relay",
    "SampleGrid",
    "checkpoints",
    "fit_in_parts",
    "restore",
]
