"""The house: no room imports, over however many others, itself; only the backend knows the framework."""

import ast
import re
from pathlib import Path

import kgan

HOME = Path(kgan.__file__).parent
FILES = {
    ".".join(("kgan", *path.relative_to(HOME).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in HOME.rglob("*.py")
}


def imported(module):
    """The modules of the house that a module names in its imports, those inside of functions included."""
    found = set()
    for node in ast.walk(ast.parse(FILES[module].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in FILES else node.module for name in whole}
    return (found & set(FILES)) - {module}


def room(module):
    return ".".join(module.split(".")[:2])


def circle(edges):
    """The members of some circle of a graph, or an empty list: what is left when nodes without a way on are taken away."""
    edges = {node: set(others) for node, others in edges.items()}
    while dead := {node for node in edges if not edges[node] & set(edges)}:
        for node in dead:
            del edges[node]
    return sorted(edges)


def test_a_circle_is_found():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["a", "b", "c"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_files_import_in_no_circle():
    # A package's __init__ only gathers what its files define; a file that names its own package would be seen as one.
    assert circle({module: imported(module) for module in FILES if module != "kgan"}) == []


def test_rooms_import_in_no_circle():
    rooms = {}
    for module in FILES:
        if module != "kgan":
            rooms.setdefault(room(module), set()).update({room(other) for other in imported(module)} - {room(module), "kgan"})
    assert circle(rooms) == []


# What reads into `tf.data`, and asks the backend for TensorFlow to do so.
READERS = {"kgan.datasets.pipeline", "kgan.datasets.unpaired", "kgan.stories.sentences"}


def test_only_the_backend_knows_the_framework():
    asking = set()
    for module, path in FILES.items():
        if room(module) == "kgan.backend":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.split(".")[0] for name in names} & {"tensorflow", "jax", "torch"}, module
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "tensorflow":
                asking.add(module)
    assert asking == READERS


def test_functions_on_the_host_are_let_go():
    """TensorFlow keeps what it calls on the host for ever; `kgan.backend.execution.numpy_function` stands between."""
    calls = re.compile(r"\btf\.(numpy_function|py_function|data\.Dataset\.from_generator)\(")
    assert [module for module, path in FILES.items() if calls.search(path.read_text())] == ["kgan.backend.execution"]
