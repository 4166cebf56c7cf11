"""What training a model takes of memory, estimated before it starts: volumes fill it soon."""

import os
from pathlib import Path
from typing import Any

import keras
from keras import ops

_SLOTS = 4  # a weight, its gradient, two moments of Adam
_PASSES = 2  # real and generated examples
_DIRECTIONS = 2  # a layer's output, and the gradient with respect to it


def activations(network: Any) -> int:
    """Numbers that the layers of a network put out for one example: an int; nested models included, inputs not.

    Of a subclassed network the networks it is made of count; where there are none to be seen, its output alone.
    """
    if not hasattr(network, "operations"):
        parts = [layer for layer in getattr(network, "layers", ()) if isinstance(layer, keras.Model)]
        if parts:
            return sum(activations(part) for part in parts)
        return _numbers(getattr(network, "output_shape", None)) if getattr(network, "built", False) else 0
    total = 0
    for operation in network.operations:
        if isinstance(operation, keras.layers.InputLayer):
            continue
        if isinstance(operation, keras.Model):
            total += activations(operation)
            continue
        total += sum(_numbers(tensor.shape) for tensor in keras.tree.flatten(operation.output))
    return total


def _numbers(shape: Any) -> int:
    if not isinstance(shape, (tuple, list)) or any(isinstance(n, (tuple, list)) for n in shape):
        return 0
    total = 1
    for n in shape[1:]:
        total *= n or 1
    return total


def training_bytes(model: Any, batch_size: int) -> int:
    """Bytes that a round of a game takes at its worst, an estimate.

    All players are counted as if they took part in one move: the outputs of every layer and the gradients with respect to them, for a
    minibatch of real and one of generated examples, and four numbers for each weight (itself, its gradient, Adam's two). Frameworks
    hold less, since they free what is no longer needed, and more, for the work of convolutions; the estimate is meant to tell 2 GB
    from 20, not from 3.

    Args:
        model: a compiled `kgan.AdversarialModel`. batch_size: int, examples of one move.

    Returns:
        int.
    """
    players = {player: getattr(model, player) for turn in model.turns() for move in turn.moves for player in move.players}
    per_example = sum(activations(network) for network in players.values()) * _PASSES * _DIRECTIONS
    width = keras.backend.standardize_dtype(model.compute_dtype)
    size = 2 if "16" in width else 4
    weights = sum(int(ops.size(v)) for v in model.trainable_variables) * _SLOTS * 4
    return int(per_example * batch_size * size + weights)


def available_bytes() -> int | None:
    """Memory of the machine that is free for use, or of the container if it has less; None where it cannot be told."""
    free = []
    try:
        fields = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines() if ":" in line)
        free.append(int(fields["MemAvailable"].split()[0]) * 1024)
    except (OSError, KeyError, ValueError):
        try:
            free.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
        except (AttributeError, OSError, ValueError):
            return None
    for limit, used in (("memory.max", "memory.current"), ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes")):
        try:
            group = Path("/sys/fs/cgroup")
            free.append(int((group / limit).read_text()) - int((group / used).read_text()))
        except (OSError, ValueError):
            continue
    return max(0, min(free))


def require(model: Any, batch_size: int, available: int | None = None) -> int:
    """Refuse a run that would not fit.

    Args:
        model: a compiled `kgan.AdversarialModel`. batch_size: int, examples of one move.
        available: bytes, or None (default): `available_bytes()`; give that of an accelerator where one computes.

    Returns:
        The estimate in bytes.

    Raises:
        ValueError: with the estimate, and the batch size that would fit.

    Example:
    >>> import kgan
    >>> model = kgan.GAN((2,), latent_size=2, seed=0)
    >>> kgan.memory.require(model, 64, available=10**9) < 10**7
    True
    """
    needed = training_bytes(model, batch_size)
    available = available_bytes() if available is None else available
    if available is None or needed <= available:
        return needed
    fixed = training_bytes(model, 0)
    fitting = int(max(0, available - fixed) * batch_size // max(1, needed - fixed))
    advice = f"a batch size of at most {fitting} would fit" if fitting else "no batch size would fit"
    raise ValueError(
        f"Training {type(model).__name__} in minibatches of {batch_size} would take about {needed / 1e9:.1f} GB, and "
        f"{available / 1e9:.1f} GB are free: {advice}; smaller examples or narrower networks take less."
    )
