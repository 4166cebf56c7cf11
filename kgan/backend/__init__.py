"""The only part of kgan that knows TensorFlow, JAX and torch apart."""

from kgan.backend.autodiff import input_gradient, value_and_gradients
from kgan.backend.execution import (
    STRATEGIES,
    conditional,
    constant,
    distributed,
    dry_run,
    enable_determinism,
    full_precision,
    is_chief,
    mean_over_replicas,
    name,
    no_gradient,
    reducible_logs,
    replica_count,
    replica_offset,
    snapshot,
    strategy,
    strategy_scope,
    worker_count,
    write_image_summary,
)
from kgan.backend.frozen_graph import frozen_graph
from kgan.backend.scope import Overlay, advances, training

__all__ = [
    "STRATEGIES",
    "Overlay",
    "advances",
    "conditional",
    "constant",
    "distributed",
    "dry_run",
    "enable_determinism",
    "frozen_graph",
    "full_precision",
    "input_gradient",
    "is_chief",
    "mean_over_replicas",
    "name",
    "no_gradient",
    "reducible_logs",
    "replica_count",
    "replica_offset",
    "snapshot",
    "strategy",
    "strategy_scope",
    "training",
    "value_and_gradients",
    "worker_count",
    "write_image_summary",
]
