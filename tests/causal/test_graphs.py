"""Causal graphs: what they hold, the named ones, files, and everything that is refused."""

import types

import keras
import numpy as np
import pytest

import kgan
from kgan.causal import CausalGraph, graph
from tests.causal.tables import ODD, Frame


def networkx_like(edges, nodes=(), directed=True):
    return types.SimpleNamespace(edges=list(edges), nodes=list(nodes), is_directed=lambda: directed)


def test_nodes_parents_and_order():
    made = CausalGraph([("B", "C"), ("A", "C"), ("C", "D")], nodes=["D", "C", "B", "A", "alone"])
    assert made.nodes == ("D", "C", "B", "A", "alone")
    assert made.parents == {"D": ("C",), "C": ("B", "A"), "B": (), "A": (), "alone": ()}  # in the order of the nodes
    for cause, effect in made.edges:
        assert made.order.index(cause) < made.order.index(effect)
    assert sorted(made.order) == sorted(made.nodes)
    assert (len(made), made.index("alone")) == (5, 4)


def test_equal_where_columns_and_edges_are():
    edges = [("A", "B"), ("B", "C")]
    assert CausalGraph(edges) == CausalGraph(edges[::-1], ["A", "B", "C"])
    assert hash(CausalGraph(edges)) == hash(CausalGraph(edges[::-1], ["A", "B", "C"]))
    assert CausalGraph(edges) != CausalGraph(edges, ["C", "B", "A"])
    assert CausalGraph(edges) != CausalGraph(edges[:1], ["A", "B", "C"])
    assert CausalGraph(edges) != edges


def test_configuration_of_odd_names():
    made = CausalGraph([("aa", "a"), ("a/b", "a"), ("node_0", "ключ ключа")], ODD)
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(made))
    assert (twin.nodes, twin.edges) == (made.nodes, made.edges)


def test_a_networkx_graph():
    made = CausalGraph(networkx_like([("A", "B")], ["C", "A", "B"]))
    assert made.nodes == ("C", "A", "B")
    assert graph(networkx_like([("A", "B")], ["A", "B"])).nodes == ("A", "B")
    with pytest.raises(ValueError, match="undirected"):
        CausalGraph(networkx_like([("A", "B")], directed=False))


@pytest.mark.parametrize(
    ("edges", "nodes", "message"),
    [
        ([("A", "B"), ("B", "C"), ("C", "A")], None, "no cycles.* -> "),
        ([("A", "A")], None, "A -> A"),
        ([("A", "B")], ["A"], r"\['B'\], which are no nodes"),
        ([("A", "B")], ["A", "B", "A"], r"listed twice: \['A'\]"),
        ([("A", "B"), ("A", "B")], None, "given twice"),
        ([], None, "at least one node"),
        ([("A", "B", "C")], None, "pair"),
        (["AB"], None, "pair"),
        ([("A", 3)], None, "named by strings"),
        ([("A", ["B"])], None, "named by strings"),
        ([], ["A", ""], "named by strings"),
        ([], "Male", "list of names"),
    ],
)
def test_what_is_no_graph(edges, nodes, message):
    with pytest.raises(ValueError, match=message):
        CausalGraph(edges, nodes)


def test_the_cycle_is_named_and_nothing_else():
    with pytest.raises(ValueError, match="cycles") as raised:
        CausalGraph([("root", "A"), ("A", "B"), ("B", "A"), ("B", "leaf")])
    assert {"A -> B -> A", "B -> A -> B"} & {str(raised.value).split("with ")[1].rstrip(".")}


def test_the_paper_s_graphs():
    assert graph("line").edges == (("X1", "X2"), ("X2", "X3"))
    assert graph("collider").parents == {"X1": (), "X2": ("X1", "X3"), "X3": ()}
    assert graph("complete").parents == {"X1": (), "X2": ("X1",), "X3": ("X1", "X2")}
    celeba = graph("celeba")
    assert celeba.nodes == (
        "Young", "Male", "Eyeglasses", "Bald", "Mustache", "Smiling", "Wearing_Lipstick", "Mouth_Slightly_Open", "Narrow_Eyes",
    )  # fmt: skip
    both = ("Young", "Male")
    assert celeba.parents == {
        "Young": (), "Male": (), "Eyeglasses": ("Young",), "Bald": both, "Mustache": both, "Smiling": both, "Wearing_Lipstick": both,
        "Mouth_Slightly_Open": ("Young", "Smiling"), "Narrow_Eyes": ("Young", "Male", "Smiling"),
    }  # fmt: skip
    complete = graph("celeba_complete")
    assert complete.nodes == celeba.nodes
    assert all(complete.parents[node] == complete.nodes[:i] for i, node in enumerate(complete.nodes))
    assert graph(celeba) is celeba


def test_files(tmp_path):
    lines = tmp_path / "graph.txt"
    lines.write_text("# causes\nYoung -> Bald   # a comment\nMale -> Bald -> Hat\n\nMale -> Bald\nAlone\n")
    made = graph(lines)
    assert made.nodes == ("Young", "Bald", "Male", "Hat", "Alone")
    assert set(made.edges) == {("Young", "Bald"), ("Male", "Bald"), ("Bald", "Hat")}
    written = tmp_path / "graph.json"
    written.write_text('{"edges": [["Male", "Bald"]], "nodes": ["Bald", "Male", "Hat"]}')
    assert graph(str(written)).nodes == ("Bald", "Male", "Hat")
    written.write_text('{"nodes": ["Bald"], "edges": null}')
    assert graph(written).nodes == ("Bald",)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("graph.txt", "A -> B\nB ->\n", "line 2.*'B ->'"),
        ("graph.txt", "A -> B\nB -> A\n", "cycles"),
        ("graph.json", "{", "not a causal graph"),
        ("graph.json", "[]", '"edges" and "nodes"'),
        ("graph.json", '{"edge": []}', '"edges" and "nodes"'),
        ("graph.json", '{"edges": [["A", "B"]], "nodes": ["A"]}', "no nodes"),
    ],
)
def test_malformed_files(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=message):
        graph(tmp_path / name)


def test_names_that_are_neither_graph_nor_file(tmp_path):
    with pytest.raises(ValueError, match=r"Named graphs.*celeba"):
        graph("celebs")
    with pytest.raises(FileNotFoundError, match=r"missing\.json"):
        graph(tmp_path / "missing.json")


# Tables --------------------------------------------------------------------------------------------------------------

PAIR = CausalGraph([("A", "B")])


def test_a_table_is_read_by_name():
    for kind in (dict, Frame):
        np.testing.assert_array_equal(PAIR.matrix(kind({"B": np.array([1, 1]), "A": np.array([0, 1])})), [[0, 1], [1, 1]])
    made = PAIR.matrix([[True, False]])
    assert (made.dtype, made.tolist()) == (np.float32, [[1.0, 0.0]])
    assert PAIR.checked(None) is None
    stream = iter(())
    assert PAIR.checked(stream) is stream


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"A": [0]}, r"Missing: \['B'\]"),
        ({"A": [0], "B": [1], "C": [1]}, r"not in the graph: \['C'\]"),
        ({"a": [0], "B": [1]}, r"Missing: \['A'\]; not in the graph: \['a'\]"),
        ({"A": [0, 1], "B": [1]}, "one length"),
        ({"A": [[0]], "B": [[1]]}, "one length"),
        ([0, 1], r"\(count, 2\)"),
        ([[0, 1, 1]], r"\(count, 2\)"),
        ([[0, 1], [0, -1]], "'B' is -1 in example 1.*labels \\+ 1"),
        ([[0, 0.5]], "'B' is 0.5"),
        ([[np.nan, 0]], "'A' is nan"),
        ([["0", "yes"]], "'A' is '0'"),  # a column that was read as text
        ([[None, 1]], "'A' is None"),
    ],
)
def test_tables_that_do_not_match(table, message):
    with pytest.raises(ValueError, match=message):
        PAIR.matrix(table)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"C": 1}, "'C' is no label.*'A', 'B'"),
        ({"A": 2}, "A=2"),
        ({"A": -1}, "0 or 1"),
        ({"A": 0.5}, "0 or 1"),
        ({"A": "1"}, "0 or 1"),
        ({"A": float("nan")}, "0 or 1"),
        ({"A": np.array([0, 1])}, "one number"),
        ({"A": None}, "0 or 1"),
        ("A", "dict of label"),
        ([("A", 1)], "dict of label"),
    ],
)
def test_interventions_and_conditions_that_are_none(values, message):
    with pytest.raises(ValueError, match=message):
        PAIR.assignment(values, "do")


def test_assignments_are_plain_integers():
    assert PAIR.assignment({"B": np.float32(1.0), "A": False}, "do") == {"B": 1, "A": 0}
    assert PAIR.assignment(None, "do") == {} == PAIR.assignment({}, "do")


def test_a_value_that_never_occurs_is_warned_of():
    women, men = np.tile([[0, 0]], (150, 1)), np.tile([[1, 0], [1, 1]], (150, 1))
    named = CausalGraph([("Male", "Bald")])
    with pytest.warns(UserWarning, match=r"labels Bald is never 1 where Male=0\. Interventions"):
        named.warn_of_gaps(np.concatenate([women, men]))
    with pytest.warns(UserWarning, match="Male is never 0; Bald is never 0 where Male=1"):
        named.warn_of_gaps(np.ones((100, 2)))
    named.warn_of_gaps(np.concatenate([women[:99], men]))  # too few of them to tell
    named.warn_of_gaps(np.concatenate([women, men, [[0, 1]]]))


def test_the_combination_of_several_causes_is_named():
    labels = np.repeat(
        np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1) if (a, b, c) != (1, 0, 1)]), 200, axis=0
    )
    with pytest.warns(UserWarning, match=r"labels X2 is never 1 where X1=1, X3=0\. "):
        kgan.causal.graph("collider").warn_of_gaps(labels[:, [0, 2, 1]])
