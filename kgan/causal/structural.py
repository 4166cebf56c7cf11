"""Structural causal models whose observational and interventional distributions are known exactly."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from kgan.causal import graphs
from kgan.causal.graphs import Assignment, CausalGraph, GraphLike
from kgan.causal.sampling import LabelSamples, sample
from kgan.types import Array, Config, SeedLike, Tensor


@keras.saving.register_keras_serializable("kgan")
class StructuralModel:
    """Binary labels, each drawn with a probability that depends on its causes.

    Args:
        graph: `CausalGraph`, or what `kgan.causal.graph` takes.
        probabilities: dict of node to P(node = 1 | its parents): an array of shape `(2,) * parents`, axes in the order of
            `graph.parents[node]`; a number for a node without parents.

    The model stands in wherever a `kgan.CausalController` draws labels, and for the truth where one is judged.

    Raises:
        ValueError: for nodes left out, unknown ones, tables of another shape, values outside [0, 1].

    Example: conditioning tells about causes, intervening does not.

    >>> import kgan
    >>> model = kgan.causal.StructuralModel([("Male", "Mustache")], {"Male": 0.4, "Mustache": [0.0, 0.3]})
    >>> model.marginals(condition={"Mustache": 1})["Male"], model.marginals(do={"Mustache": 1})["Male"]
    (1.0, 0.4)
    """

    def __init__(self, graph: GraphLike, probabilities: Mapping[str, ArrayLike]) -> None:
        self.graph = graphs.graph(graph)
        missing, unknown = set(self.graph.nodes) - set(probabilities), set(probabilities) - set(self.graph.nodes)
        if missing or unknown:
            raise ValueError(f"One table per node. Without one: {sorted(missing)}; not in the graph: {sorted(unknown)}.")
        self.probabilities = {n: np.asarray(probabilities[n], "float64") for n in self.graph.nodes}
        for node, table in self.probabilities.items():
            parents = self.graph.parents[node]
            if table.shape != (2,) * len(parents) or not ((table >= 0) & (table <= 1)).all():
                raise ValueError(
                    f"The table of {node!r} must have the shape {(2,) * len(parents)}, an axis for each of its causes {list(parents)}, "
                    f"and values in [0, 1]. Received the shape {table.shape} with values in [{table.min():g}, {table.max():g}]."
                )

    def get_config(self) -> Config:
        tables = {node: table.tolist() for node, table in self.probabilities.items()}
        return {"graph": self.graph.get_config(), "probabilities": tables}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        return cls(CausalGraph(**config["graph"]), config["probabilities"])

    def joint(self, do: Assignment | None = None) -> Array:
        """The exact joint distribution, an array of shape `(2,) * labels`, axes in the order of the nodes; under `do` if given."""
        do = self.graph.assignment(do, "do")
        result = np.ones((2,) * len(self.graph))
        for node, table in self.probabilities.items():
            axes = [self.graph.index(n) for n in (*self.graph.parents[node], node)]
            if node in do:
                both, axes = np.eye(2)[do[node]], axes[-1:]
            else:
                both = np.stack([1 - table, table], axis=-1)
            shape = [2 if i in axes else 1 for i in range(len(self.graph))]
            result = result * both.transpose(np.argsort(axes)).reshape(shape)
        return result

    def marginals(self, do: Assignment | None = None, condition: Assignment | None = None) -> dict[str, float]:
        """P(label = 1) of every label, exactly: a dict of floats.

        Raises:
            ValueError: for a condition of probability 0.
        """
        joint = self.joint(do)
        for node, value in self.graph.assignment(condition, "condition").items():
            kept = np.zeros(2)
            kept[value] = 1
            joint = joint * kept.reshape([2 if i == self.graph.index(node) else 1 for i in range(len(self.graph))])
        total = joint.sum()
        if not total > 0:
            raise ValueError(f"The condition {condition} has probability 0.")
        return {node: float(np.take(joint, 1, axis=i).sum() / total) for i, node in enumerate(self.graph.nodes)}

    def sample(
        self,
        count: int,
        do: Assignment | None = None,
        condition: Assignment | None = None,
        seed: int | None = None,
        max_draws: int = 1_000_000,
    ) -> LabelSamples:
        """Samples; arguments, result and errors as in `kgan.CausalController.sample`."""
        rng = np.random.default_rng(seed)

        def draw(size: int, do: dict[str, int]) -> Array:
            rows = np.zeros((size, len(self.graph)), "int64")
            for node in self.graph.order:
                column = self.graph.index(node)
                if node in do:
                    rows[:, column] = do[node]
                else:
                    causes = tuple(rows[:, self.graph.index(p)] for p in self.graph.parents[node])
                    rows[:, column] = rng.uniform(size=size) < self.probabilities[node][causes]
            return rows

        return sample(self.graph, draw, count, do, condition, max_draws)

    def draw(self, count: int, seed: SeedLike) -> Tensor:
        """Labels for a training step: a float32 tensor `(count, labels)`, noise from a `keras.random.SeedGenerator`."""
        uniform = keras.random.uniform((count, len(self.graph)), dtype="float32", seed=seed)
        columns: dict[str, Tensor] = {}
        for node in self.graph.order:
            cell = ops.zeros((count,), "int32")
            for parent in self.graph.parents[node]:
                cell = 2 * cell + ops.cast(columns[parent], "int32")
            chance = ops.take(ops.convert_to_tensor(self.probabilities[node].reshape(-1), "float32"), cell)
            columns[node] = ops.cast(uniform[:, self.graph.index(node)] < chance, "float32")
        return ops.stack([columns[n] for n in self.graph.nodes], axis=-1)


class PolynomialModel:
    """The paper's synthetic data: each node a random cubic polynomial of its causes and of noise of its own.

    `x = sum over a, b, c of C_abc v_a v_b v_c`, where v is 1, the exogenous u ~ U[0, 1] and the causes, and C has coefficients from
    U[-1, 1]; rescaled to [0, 1] over a grid of its inputs. Effects see their causes like that; all samples together are squeezed to
    [0.05, 0.95] at the end, as in the authors' code.

    Args:
        graph: `CausalGraph`, or what `kgan.causal.graph` takes.
        seed: of the coefficients.

    Departures from the authors' code: their nodes of two causes forget the second one; here the polynomial has all its inputs.
    """

    def __init__(self, graph: GraphLike, seed: int = 0) -> None:
        self.graph = graphs.graph(graph)
        rng = np.random.default_rng(seed)
        self._nodes = {}
        for node in self.graph.nodes:
            inputs = 1 + len(self.graph.parents[node])
            coefficients = rng.uniform(-1, 1, (1 + inputs,) * 3)
            # Causes lie in [0, 1], as the noise. Many causes: a coarser grid, which fits into memory.
            points = max(2, min(21, int(200_000 ** (1 / inputs))))
            axes = [np.linspace(0, 1, points)] * inputs
            values = _polynomial(coefficients, [a.ravel() for a in np.meshgrid(*axes, indexing="ij")])
            self._nodes[node] = coefficients, values.min(), values.max()

    def sample(self, count: int, seed: int | None = None) -> Array:
        """Array `(count, nodes)`, float32, values in [0.05, 0.95]."""
        rng = np.random.default_rng(seed)
        columns: dict[str, Array] = {}
        for node in self.graph.order:
            coefficients, low, high = self._nodes[node]
            inputs = [rng.uniform(size=count), *(columns[p] for p in self.graph.parents[node])]
            columns[node] = np.clip((_polynomial(coefficients, inputs) - low) / (high - low), 0, 1)
        return (0.05 + 0.9 * np.stack([columns[n] for n in self.graph.nodes], axis=-1)).astype("float32")


def _polynomial(coefficients: Array, inputs: Sequence[Array]) -> Array:
    """The cubic form of the inputs and of a constant 1."""
    terms = np.stack([np.ones_like(inputs[0]), *inputs])
    return np.einsum("abc,an,bn,cn->n", coefficients, terms, terms, terms, optimize=True)


def structural_model(name: str) -> StructuralModel:
    """A structural model by name: "celeba", figures of CelebA on Causal Graph 1; "faces", that of the embedded faces.

    Both hold P(label = 1 | causes). "celeba" has no bald or mustached women, as the data have hardly any; "faces" gives every
    combination a probability from which an image model can learn it.
    """
    if name not in _TABLES:
        raise ValueError(f"Unknown structural model {name!r}. Named ones: {sorted(_TABLES)}.")
    return StructuralModel(name, _TABLES[name])


# Axes in the order of the parents, which is that of the nodes: Young before Male.
_TABLES: dict[str, dict[str, Any]] = {
    "celeba": {
        "Young": 0.77,
        "Male": 0.42,
        "Eyeglasses": [0.16, 0.04],
        "Bald": [[0.0, 0.15], [0.0, 0.02]],
        "Mustache": [[0.0, 0.14], [0.0, 0.08]],
        "Smiling": [[0.55, 0.42], [0.54, 0.39]],
        "Wearing_Lipstick": [[0.60, 0.01], [0.84, 0.01]],
        "Mouth_Slightly_Open": [[0.28, 0.73], [0.24, 0.77]],
        # (Male, Young, Smiling) in the source; here (Young, Male, Smiling).
        "Narrow_Eyes": [[[0.09, 0.17], [0.11, 0.20]], [[0.06, 0.13], [0.09, 0.18]]],
    },
    "faces": {
        "Young": 0.6,
        "Male": 0.5,
        "Mustache": [[0.10, 0.65], [0.08, 0.45]],
        "Wearing_Lipstick": [[0.45, 0.08], [0.80, 0.10]],
        "Eyeglasses": [0.60, 0.15],
    },
}
