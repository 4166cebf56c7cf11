"""The package as a whole: imports, docstrings, forbidden things."""

import ast
import doctest
import importlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import kgan
from kgan import startup

ROOT = Path(__file__).parents[1]
MODULES = sorted(m.name for m in pkgutil.walk_packages(kgan.__path__, "kgan.") if m.name != "kgan.cli")
SOURCES = [p for folder in ("kgan", "applications", "benchmarks") for p in sorted((ROOT / folder).rglob("*.py"))]


# Those of systems train: their rows show the same, and these the second time.
EXAMPLES = [pytest.param(n, marks=pytest.mark.slow) if n.startswith(("kgan.families.", "kgan.programs.")) else n for n in MODULES]


@pytest.mark.only("tensorflow")
@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_in_docstrings_run(name):
    module = importlib.import_module(name)
    failures, _ = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert failures == 0


def test_public_names_are_documented():
    for module in (kgan, kgan.layers, kgan.penalties, kgan.metrics, kgan.callbacks, kgan.datasets, kgan.stego):
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                assert (inspect.getdoc(thing) or "").strip(), f"{module.__name__}.{name}"


def test_no_two_classes_are_registered_under_one_name():
    """The later one would be loaded where a file holds the earlier."""
    names = []
    for path in (ROOT / "kgan").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and any("register_keras_serializable" in ast.dump(d) for d in node.decorator_list):
                names.append(node.name)
    assert len(names) > 100
    assert {name for name in names if names.count(name) > 1} == set()


def test_importing_kgan_is_light():
    heavy = (
        "sklearn",
        "skimage",
        "tensorflow_datasets",
        "matplotlib",
        "typer",
        "gymnasium",
        "trimesh",
        "cryptography",
        "reedsolo",
        "conseal",
    )
    # Keras itself may bring matplotlib or scikit-learn wrappers in; only what kgan adds counts.
    code = f"import sys, keras; before = set(sys.modules); import kgan; print([m for m in {heavy} if m in sys.modules and m not in before])"
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "[]\n"


def test_a_missing_backend_names_the_extra():
    code = "import sys; sys.modules['tensorflow'] = None\nimport kgan"
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert "pip install 'kgan[cpu]'" in done.stderr


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_sources_keep_the_house_rules(path):
    tree = ast.parse(path.read_text())
    inside = path.relative_to(ROOT).parts
    for node in ast.walk(tree):
        names = (
            [a.name for a in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
        for name in names:
            root = name.split(".")[0]
            assert not name.startswith("keras.src"), "private Keras modules break on every release"
            assert root not in ("pickle", "cPickle", "dill"), "pickle runs code"
            if inside[0] == "kgan" and inside[1] not in ("backend", "datasets"):
                assert root not in ("tensorflow", "jax", "torch"), "only kgan/backend knows the framework"
        if isinstance(node, ast.Attribute):
            assert node.attr != "Lambda", "Lambda layers cannot be loaded safely"
        assert not isinstance(node, ast.Assert), "errors for users are raised, not asserted"


# Of words that Keras spells the American way.
BRITISH = re.compile(
    r"\b\w*(?:judgement|metres?\b|moustache|colour|behaviour|neighbour|favour|centred?\b|labell|(?:normal|initial|optim|general)is)\w*",
    re.IGNORECASE,
)


def test_names_and_texts_are_spelled_as_in_keras():
    files = [*SOURCES, *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "applications").rglob("*.md")]
    assert len(files) > 300
    found = {str(path.relative_to(ROOT)): BRITISH.findall(path.read_text(encoding="utf-8")) for path in files}
    assert not {path: words for path, words in found.items() if words}


def test_the_version_is_one_everywhere():
    """Of the package, of what is cited, of the changes that are written down first."""
    (cited,) = re.findall(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[1]
    assert cited == newest == kgan.__version__


def test_the_engine_knows_no_family():
    for path in (ROOT / "kgan/engine").glob("*.py"):
        assert "kgan.families" not in path.read_text()


@pytest.mark.parametrize(
    ("machine", "before", "loaded", "after"),
    [
        ("x86_64", None, False, "1"),
        ("AMD64", None, False, "1"),
        ("x86_64", "0", False, "0"),
        ("x86_64", None, True, None),
        ("arm64", None, False, None),
    ],
)
def test_tensorflow_computes_with_onednn_unless_told_otherwise(monkeypatch, machine, before, loaded, after):
    """TensorFlow leaves it out on some processors, where voxels take a hundred times as long."""
    modules = {"tensorflow": None} if loaded else {}
    monkeypatch.setattr(startup, "sys", SimpleNamespace(modules=modules))
    monkeypatch.setattr(startup.platform, "machine", lambda: machine)
    environment = {} if before is None else {"TF_ENABLE_ONEDNN_OPTS": before}
    monkeypatch.setattr(startup.os, "environ", environment)
    startup.with_onednn()
    assert environment.get("TF_ENABLE_ONEDNN_OPTS") == after
