"""Long phases of the critic, in which the generator waits: the code of WGAN (1701.07875), taken over by that of MMD GAN (1705.08584)."""

import math
from collections.abc import Callable
from typing import Any

from keras import ops

from kgan.arguments import COUNTS
from kgan.types import Sizes, Tensor


def checked(warmup: Any) -> tuple[int, int, int] | None:
    """`(iterations, every, steps)` as a tuple, or None; refuses anything else."""
    if warmup is None:
        return None
    if not COUNTS.accepts(warmup) or len(warmup) != 3 or warmup[0] > warmup[1]:
        raise ValueError(
            "`warmup` must be positive integers (iterations, every, steps) with iterations <= every, or None. "
            f"Received: {warmup!r}."
        )
    iterations, every, steps = warmup
    return iterations, every, steps


def gate(model: Any, warmup: Sizes | None, steps_per_round: int) -> Callable[[], Tensor] | None:
    """When the generator of a model moves, as `kgan.Turn` takes it; arguments as in `generator_due`."""
    return None if warmup is None else lambda: generator_due(model.optimizer.iterations, warmup, steps_per_round)


def generator_due(played: Tensor, warmup: Sizes, steps_per_round: int) -> Tensor:
    """Whether the generator moves in this round: a long phase of the critic is several rounds in which it waits.

    A function of the number of rounds played, so that there is no counter to save: a long phase before each of the first moves; one
    round each up to move `every`; then periods of `every` moves, the first of which is long again.

    Args:
        played: integer scalar, rounds played before this one.
        warmup: `(iterations, every, steps)`: `steps` critic moves, rounded up to whole rounds, before each of the generator's first
            `iterations` moves and before every `every`-th one.
        steps_per_round: critic moves in one round.

    Returns:
        Boolean scalar.

    Example: phases of 4 moves, 2 in a round, before the first move and then before every third.

    >>> from kgan.families.bases import long_phases
    >>> [int(long_phases.generator_due(played, (1, 3, 4), 2)) for played in range(8)]
    [0, 1, 1, 1, 0, 1, 1, 1]
    """
    first, every, steps = warmup
    long = math.ceil(steps / steps_per_round)
    played = ops.cast(ops.convert_to_tensor(played), "int32")
    end_of_first = first * long
    end_of_period = end_of_first + every - first
    phase = ops.mod(played - end_of_period, every - 1 + long)
    later = ops.logical_or(played < end_of_period, phase >= long - 1)
    return ops.where(played < end_of_first, ops.equal(ops.mod(played + 1, long), 0), later)
