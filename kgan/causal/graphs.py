"""Directed acyclic graphs whose nodes are labels; the graphs of Kocaoglu et al., ICLR 2018, arXiv 1709.02023."""

import graphlib
import itertools
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import keras
import numpy as np

from kgan.arguments import shown
from kgan.files import read_json, read_text, reading
from kgan.types import Array, Config

GraphLike = Any
"""What `graph` takes: a `CausalGraph`, edges, a `networkx.DiGraph`, a name, a path."""
Assignment = Mapping[str, int]
"""Labels and the value, 0 or 1, that each is set to or has to have."""

_TELLING = 100


@keras.saving.register_keras_serializable("kgan")
class CausalGraph:
    """Labels and which of them cause which.

    Args:
        edges: iterable of `(cause, effect)` pairs of names; or a `networkx.DiGraph`, whose nodes are taken too.
        nodes: names in the order in which tables hold them; default: as the edges mention them. Nodes without edges must be
            listed here. An edge to a name that is not listed is refused.

    Attributes:
        nodes: tuple of str, the columns of label arrays.
        edges: tuple of pairs.
        parents: dict of node to the tuple of its causes, in the order of `nodes`.
        order: tuple of str, the nodes with causes before effects.

    Raises:
        ValueError: for a cycle (named), a node listed twice, an unknown node, an edge given twice, an empty graph.

    Example:
    >>> import kgan
    >>> graph = kgan.causal.CausalGraph([("Male", "Mustache"), ("Young", "Mustache")])
    >>> graph.nodes, graph.parents["Mustache"]
    (('Male', 'Mustache', 'Young'), ('Male', 'Young'))
    """

    def __init__(self, edges: Any = (), nodes: Iterable[str] | None = None) -> None:
        if hasattr(edges, "is_directed"):  # networkx, which is not needed for more than this
            if not edges.is_directed():
                raise ValueError("A causal graph is directed. Received an undirected networkx graph; use networkx.DiGraph.")
            nodes, edges = list(edges.nodes) if nodes is None else nodes, list(edges.edges)
        if not isinstance(edges, Iterable) or isinstance(edges, (str, bytes)):
            raise TypeError(f"`edges` must be pairs (cause, effect) of names, or a networkx.DiGraph. Received: {shown(edges)}.")
        self.edges = tuple(_pair(edge) for edge in edges)
        mentioned = list(dict.fromkeys(name for edge in self.edges for name in edge))
        if isinstance(nodes, (str, bytes)) or not (nodes is None or isinstance(nodes, Iterable)):
            raise ValueError(f"`nodes` is a list of names. Received the one value {shown(nodes)}; write [{shown(nodes)}].")
        self.nodes = tuple(mentioned if nodes is None else nodes)
        if not self.nodes:
            raise ValueError("A causal graph needs at least one node. Give `edges`, `nodes` or both.")
        for name in self.nodes:
            _check_name(name)
        twice = sorted({n for n in self.nodes if self.nodes.count(n) > 1})
        if twice:
            raise ValueError(f"Every node has one place in the graph; listed twice: {twice}.")
        unknown = [name for name in mentioned if name not in self.nodes]
        if unknown:
            raise ValueError(f"The edges name {unknown}, which are no nodes of the graph. Its nodes are {list(self.nodes)}.")
        repeated = sorted({edge for edge in self.edges if self.edges.count(edge) > 1})
        if repeated:
            raise ValueError(f"Edges given twice: {repeated}.")
        causes = {n: [a for a, b in self.edges if b == n] for n in self.nodes}
        self.parents = {n: tuple(sorted(causes[n], key=self.nodes.index)) for n in self.nodes}
        try:
            self.order = tuple(graphlib.TopologicalSorter(self.parents).static_order())
        except graphlib.CycleError as error:
            raise ValueError(f"A causal graph has no cycles. Received one with {' -> '.join(error.args[1])}.") from None

    def __len__(self) -> int:
        return len(self.nodes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CausalGraph) and (self.nodes, set(self.edges)) == (other.nodes, set(other.edges))

    def __hash__(self) -> int:
        return hash((self.nodes, frozenset(self.edges)))

    def __repr__(self) -> str:
        return f"CausalGraph({list(self.edges)}, nodes={list(self.nodes)})"

    def get_config(self) -> Config:
        return {"edges": [list(edge) for edge in self.edges], "nodes": list(self.nodes)}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        return cls(**config)

    def index(self, node: str) -> int:
        """The column of a node. Raises ValueError for an unknown one, naming those there are."""
        if node not in self.nodes:
            raise ValueError(f"{node!r} is no label of this graph. Its labels are {list(self.nodes)}.")
        return self.nodes.index(node)

    def assignment(self, values: Assignment | None, what: str) -> dict[str, int]:
        """Values of some labels, `{name: 0 or 1}`, checked. `what` says what they are for."""
        if values is not None and not hasattr(values, "items"):
            raise ValueError(f"`{what}` is a dict of label to 0 or 1. Received: {values!r}.")
        checked: dict[str, int] = {}
        for node, value in (values or {}).items():
            self.index(node)
            if isinstance(value, (str, bytes)) or np.ndim(value) or value not in (0, 1):
                raise ValueError(f"`{what}` sets a label to one number, 0 or 1. Received {node}={value!r}.")
            checked[node] = int(value)
        return checked

    def columns(self, table: Any) -> list[Any]:
        """The values of a dict (or data frame) of node to values, in the order of the nodes.

        Raises:
            ValueError: for missing or unknown names.
        """
        missing, unknown = [n for n in self.nodes if n not in table], sorted(map(str, set(table.keys()) - set(self.nodes)))
        if missing or unknown:
            raise ValueError(f"The columns must be the labels of the graph. Missing: {missing}; not in the graph: {unknown}.")
        return [table[n] for n in self.nodes]

    def matrix(self, table: Any) -> Array:
        """Labels as a float32 array `(count, nodes)` of zeros and ones.

        Args:
            table: array `(count, nodes)`; or a dict (or data frame) of node to array `(count,)`, whose names must be the nodes.

        Raises:
            ValueError: for missing or unknown names, other shapes, values that are not 0 or 1.
        """
        if hasattr(table, "keys"):
            columns = {node: np.asarray(column) for node, column in zip(self.nodes, self.columns(table), strict=True)}
            shapes = {node: column.shape for node, column in columns.items()}
            if len(set(shapes.values())) > 1 or any(len(shape) != 1 for shape in shapes.values()):
                raise ValueError(f"The columns must be vectors of one length. Received the shapes {shapes}.")
            table = np.stack(list(columns.values()), axis=-1)
        table = np.asarray(table)
        self.check_discrete(table)
        return table.astype("float32")

    def checked(self, labels: Any) -> Any:
        """Labels that are in memory (an array, a dict, a data frame) as `matrix` makes them, every row checked; others as they are."""
        return self.matrix(labels) if hasattr(labels, "keys") or isinstance(labels, np.ndarray) else labels

    def warn_of_gaps(self, labels: Any) -> None:
        """Warn of labels that never take one of their values where their causes have some combination of values.

        The theory asks for all to occur. Only combinations of the causes that occur 100 times and more tell; what is not an array is
        not looked at.
        """
        if not isinstance(labels, np.ndarray):
            return
        gaps = []
        for node in self.nodes:
            parents = self.parents[node]
            places = [self.index(parent) for parent in parents]
            keys = labels[:, places].astype("int64") @ (1 << np.arange(len(places), dtype="int64"))
            cells, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
            ones = np.bincount(inverse.ravel(), labels[:, self.index(node)])
            for cell, count, one in zip(cells, counts, ones, strict=True):
                if count >= _TELLING and one in (0, count):
                    causes = ", ".join(f"{parent}={cell >> place & 1}" for place, parent in enumerate(parents))
                    gaps.append(f"{node} is never {int(one == 0)}{f' where {causes}' if causes else ''}")
        if gaps:
            more = f"; and {len(gaps) - 3} more such gaps" if len(gaps) > 3 else ""
            warnings.warn(
                f"In these labels {'; '.join(gaps[:3])}{more}. Interventions lead there, and nothing in the data says what follows "
                "(the paper's theory asks for labels of which every combination has some probability).",
                stacklevel=3,
            )

    def check_discrete(self, table: Array) -> None:
        """Refuse an array that is not `(count, nodes)` or holds other than zeros and ones, naming the label and the value."""
        if table.ndim != 2 or table.shape[1] != len(self):
            raise ValueError(
                f"Labels must be (count, {len(self)}), one column for each of {list(self.nodes)}. Received: {tuple(table.shape)}."
            )
        wrong = ~np.isin(table, (0, 1))
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            (value,) = table[row, column : column + 1].tolist()
            raise ValueError(
                f"Labels must be 0 or 1. The label {self.nodes[column]!r} is {value!r} in example {row}; for labels of "
                "-1 and 1 use (labels + 1) / 2, and cut continuous ones at a threshold."
            )


def graph(name: GraphLike) -> CausalGraph:
    """A graph by name, or from a file.

    Args:
        name: a `CausalGraph`, returned as it is; anything that `CausalGraph` takes as edges; or a str:
            "line" (X1 -> X2 -> X3), "collider" (X1 -> X2 <- X3), "complete" (X1 -> X2, X3; X2 -> X3), the paper's synthetic graphs;
            "celeba" (Causal Graph 1 over nine attributes), "celeba_complete" (the complete graph over them, in the paper's order);
            "faces" (five attributes, of the embedded faces); or the path of a file: `.json` with the keys "edges" and, if wanted,
            "nodes"; any other a text of lines `Cause -> Effect` or `Node`, `#` beginning a comment.

    Raises:
        ValueError: for an unknown name or a malformed file, naming the line. FileNotFoundError: no such file.
    """
    if isinstance(name, CausalGraph):
        return name
    if not isinstance(name, (str, Path)):
        return CausalGraph(name)
    if str(name) in NAMED:
        edges, nodes = NAMED[str(name)]
        return CausalGraph(edges, nodes)
    path = Path(name)
    if not path.suffix and not path.is_file():
        raise ValueError(f"Unknown graph {str(name)!r}. Named graphs: {sorted(NAMED)}; or give the path of a file.")
    if not path.is_file():
        raise FileNotFoundError(f"There is no graph file {str(path)!r}.")
    if path.suffix == ".json":
        return read_json(path, 'a causal graph, an object with the keys "edges" and "nodes"', _from_json)
    with reading(path, "a causal graph, lines of `Cause -> Effect` or `Node`"):
        return _from_lines(path, read_text(path, "a text"))


def _from_json(content: Any) -> CausalGraph:
    if not isinstance(content, dict) or not set(content) <= {"edges", "nodes"}:
        raise ValueError("other keys")
    return CausalGraph(content.get("edges") or (), content.get("nodes"))


def _from_lines(path: Path, text: str) -> CausalGraph:
    edges: list[tuple[str, str]] = []
    nodes: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        parts = [part.strip() for part in line.split("#")[0].split("->")]
        if parts == [""]:
            continue
        if not all(parts):
            raise ValueError(f"{path}, line {number}: expected `Cause -> Effect` or `Node`. Received: {line.strip()!r}.")
        nodes += parts
        edges += list(itertools.pairwise(parts))  # a chain of arrows on one line is as good
    return CausalGraph(dict.fromkeys(edges), list(dict.fromkeys(nodes)))


def _pair(edge: Any) -> tuple[str, str]:
    pair = tuple(edge) if isinstance(edge, (list, tuple)) else ()
    if len(pair) != 2:
        raise ValueError(f"An edge is a pair (cause, effect) of names. Received: {edge!r}.")
    for name in pair:
        _check_name(name)
    return pair


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or not name:
        raise ValueError(f"Nodes are named by strings. Received: {name!r}.")


def _complete(nodes: Sequence[str]) -> list[tuple[str, str]]:
    return [(a, b) for i, a in enumerate(nodes) for b in nodes[i + 1 :]]


_CELEBA = (
    "Young", "Male", "Eyeglasses", "Bald", "Mustache", "Smiling", "Wearing_Lipstick", "Mouth_Slightly_Open", "Narrow_Eyes",
)  # fmt: skip
_CELEBA_EDGES = [
    ("Young", "Eyeglasses"),
    *((cause, effect) for effect in ("Bald", "Mustache", "Smiling", "Wearing_Lipstick") for cause in ("Male", "Young")),
    ("Young", "Mouth_Slightly_Open"),
    ("Smiling", "Mouth_Slightly_Open"),
    *((cause, "Narrow_Eyes") for cause in ("Male", "Young", "Smiling")),
]
_FACES = ("Young", "Male", "Mustache", "Wearing_Lipstick", "Eyeglasses")
_FACES_EDGES = [
    *((cause, effect) for effect in ("Mustache", "Wearing_Lipstick") for cause in ("Male", "Young")),
    ("Young", "Eyeglasses"),
]
_THREE = ("X1", "X2", "X3")
NAMED = {
    "line": ([("X1", "X2"), ("X2", "X3")], _THREE),
    "collider": ([("X1", "X2"), ("X3", "X2")], _THREE),
    "complete": (_complete(_THREE), _THREE),
    "celeba": (_CELEBA_EDGES, _CELEBA),
    "celeba_complete": (_complete(_CELEBA), _CELEBA),
    "faces": (_FACES_EDGES, _FACES),
}
