"""The only part of kgan that knows TensorFlow, JAX and torch apart."""

from kgan.backend.autodiff import input_gradient, value_and_gradients
from kgan.backend.execution import (
    conditional,
    constant,
    distributed,
    dry_run,
    enable_determinism,
    full_precision,
    host_call,
    mean_over_replicas,
    name,
    no_gradient,
    reducible_logs,
    replica_count,
    replica_offset,
    snapshot,
    strategy_scope,
    write_image_summary,
)
from kgan.backend.frozen_graph import frozen_graph
from kgan.backend.scope import Overlay, advances, training

__all__ = [
    "Overlay",
    "advances",
    "conditional",
    "constant",
    "distributed",
    "dry_run",
    "enable_determinism",
    "frozen_graph",
    "full_precision",
    "host_call",
    "input_gradient",
    "mean_over_replicas",
    "name",
    "no_gradient",
    "reducible_logs",
    "replica_count",
    "replica_offset",
    "snapshot",
    "strategy_scope",
    "training",
    "value_and_gradients",
    "write_image_summary",
]
