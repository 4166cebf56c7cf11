"""Interventions and conditions on labels: what may be asked for, and conditioning by rejection."""

from collections.abc import Callable

import numpy as np

from kgan.arguments import COUNT, require
from kgan.causal.graphs import Assignment, CausalGraph
from kgan.types import Array

_AT_ONCE = 1_000_000
_PER_SAMPLE = 100


class LabelSamples(dict[str, Array]):
    """Samples of labels: a dict of label name to int64 array `(count,)` of zeros and ones.

    Attributes:
        acceptance_rate: in (0, 1], the share of draws that satisfied the condition; 1.0 where there was none.
    """

    def __init__(self, graph: CausalGraph, rows: Array, acceptance_rate: float = 1.0) -> None:
        super().__init__((node, rows[:, i].astype("int64")) for i, node in enumerate(graph.nodes))
        self.acceptance_rate = acceptance_rate

    def matrix(self) -> Array:
        """The same as a float32 array `(count, labels)`, in the order of the graph's nodes."""
        return np.stack(list(self.values()), axis=-1).astype("float32")


def sample(
    graph: CausalGraph,
    draw: Callable[[int, dict[str, int]], Array],
    count: int,
    do: Assignment | None = None,
    condition: Assignment | None = None,
    max_draws: int = 1_000_000,
) -> LabelSamples:
    """Samples under an intervention, a condition, or both: among the interventional samples those that satisfy the condition.

    Args:
        graph: `CausalGraph`.
        draw: callable `(count, do) -> array (count, labels)` of fresh samples of zeros and ones.
        count: >= 1.
        do: dict of label to 0 or 1, or None: those labels are set, whatever causes them.
        condition: dict of label to 0 or 1, or None: draws that differ from it are rejected.
        max_draws: how many draws rejection may cost; 100 for every sample asked for are allowed in any case.

    Returns:
        `LabelSamples`.

    Raises:
        ValueError: for unknown labels, values other than 0 and 1, a condition against the intervention, one that is (nearly) never
            met, with the number of draws.
    """
    require(COUNT, count=count)
    do, condition = graph.assignment(do, "do"), graph.assignment(condition, "condition")
    against = sorted(node for node in condition if do.get(node, condition[node]) != condition[node])
    if against:
        raise ValueError(f"The condition contradicts the intervention in {against}: do={do}, condition={condition}.")
    if not condition:
        return LabelSamples(graph, draw(count, do))
    columns, values = [graph.index(node) for node in condition], list(condition.values())
    kept, accepted, drawn, allowed = [], 0, 0, max(max_draws, _PER_SAMPLE * count)
    while accepted < count:
        if drawn >= allowed:
            raise ValueError(
                f"Of {drawn:,} draws{f' under do={do}' if do else ''} {accepted:,} met the condition {condition}; {count:,} were asked "
                "for. It is (nearly) impossible here: condition on less, set the label with `do`, or raise `max_draws`."
            )
        size = min(max(1024, 2 * count, drawn), _AT_ONCE, allowed - drawn)  # twice as many each time, for rare conditions
        rows = draw(size, do)
        kept.append(rows[(rows[:, columns] == values).all(axis=1)])
        accepted, drawn = accepted + len(kept[-1]), drawn + size
    return LabelSamples(graph, np.concatenate(kept)[:count], accepted / drawn)
