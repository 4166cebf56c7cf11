"""Frozen TensorFlow graphs of the first years: the published Inception network is one."""

from collections.abc import Callable, Mapping
from typing import Any

import keras

from kgan.types import Tensor


def frozen_graph(content: bytes, feed: str, fetch: str, operand: tuple[str, int]) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """A function out of a serialized `GraphDef`, on TensorFlow alone.

    The one operation of the first graphs that TensorFlow no longer runs, `BatchNormWithGlobalNormalization`, is written out
    in present ones: `(x - m) * (gamma / sqrt(v + epsilon)) + beta`.

    A graph is a program, which may read and write files: run none of unknown origin.

    Args:
        content: bytes, the file.
        feed: name of the node whose output is replaced by the argument, a float32 tensor of any shape.
        fetch: name of the node whose output is returned.
        operand: `(name, index)`: the input of a node, returned too (a weight).

    Returns:
        callable `tensor -> (tensor, tensor)`, inside and outside of compiled steps.

    Raises:
        RuntimeError: on another backend. ValueError: no graph, or without these nodes.
    """
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            f"A frozen TensorFlow graph runs on the TensorFlow backend alone; this is {keras.backend.backend()}. "
            "Set KERAS_BACKEND=tensorflow before importing keras."
        )
    import tensorflow as tf
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # installed with TensorFlow, without stubs

    graph = tf.compat.v1.GraphDef()
    try:
        graph.ParseFromString(content)
    except DecodeError as error:
        raise ValueError("The content is not a serialized TensorFlow graph.") from error
    nodes = {node.name: node for node in graph.node}
    missing = sorted({feed, fetch, operand[0]} - set(nodes))
    if missing:
        raise ValueError(f"The graph of {len(nodes)} nodes has no node {', '.join(map(repr, missing))}.")
    name, index = operand
    if len(nodes[name].input) <= index:
        raise ValueError(f"The node {name!r} has no input {index}.")
    weight = nodes[name].input[index]
    part = tf.compat.v1.GraphDef(node=_needed(nodes, feed, [fetch, _node(weight)]), versions=graph.versions)
    _write_out_normalization(part)

    def run(tensor: Tensor) -> tuple[Tensor, ...]:
        outputs = [f"{fetch}:0", weight if ":" in weight else f"{weight}:0"]
        return tuple(tf.graph_util.import_graph_def(part, {f"{feed}:0": tensor}, outputs, name=""))

    try:
        return tf.compat.v1.wrap_function(run, [tf.TensorSpec(None, "float32")])
    except (ValueError, TypeError, tf.errors.OpError) as error:
        raise ValueError(f"The graph cannot be imported: {error}") from error


def _node(name: str) -> str:
    """The node that an input names: "node", "node:output" or "^node"."""
    return name.removeprefix("^").split(":")[0]


def _needed(nodes: Mapping[str, Any], feed: str, wanted: list[str]) -> list[Any]:
    """The nodes that `wanted` depend on, up to the one that is fed. What is left out (a JPEG decoder, a reshape to one image) cannot
    get in the way of batches.
    """
    found, wanted = set(), list(wanted)
    while wanted:
        name = wanted.pop()
        if name not in found and name != feed:
            if name not in nodes:
                raise ValueError(f"The graph lacks the node {name!r}, on which another depends.")
            found.add(name)
            wanted.extend(_node(source) for source in nodes[name].input)
    return [node for name, node in nodes.items() if name in found]


def _write_out_normalization(graph: Any) -> None:
    import tensorflow as tf

    for node in [n for n in graph.node if n.op == "BatchNormWithGlobalNormalization"]:
        name, (x, mean, variance, beta, gamma) = node.name, node.input[:5]
        float32, scaled = node.attr["T"].type, node.attr["scale_after_normalization"].b
        epsilon = graph.node.add(name=f"{name}/epsilon", op="Const")
        epsilon.attr["dtype"].type = float32
        epsilon.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(node.attr["variance_epsilon"].f, "float32"))

        def add(suffix: str, op: str, *inputs: str, name: str = name, float32: Any = float32) -> str:
            new = graph.node.add(name=f"{name}/{suffix}", op=op, input=inputs)
            new.attr["T"].type = float32
            return new.name

        scale = add("scale", "Rsqrt", add("shifted_variance", "Add", variance, epsilon.name))
        if scaled:
            scale = add("gamma_scale", "Mul", scale, gamma)
        normalized = add("normalized", "Mul", add("centered", "Sub", x, mean), scale)
        control = [i for i in node.input if i.startswith("^")]
        node.Clear()
        node.name, node.op = name, "Add"
        node.attr["T"].type = float32
        node.input.extend([normalized, beta, *control])
