"""A new family is one file, one export, one row: the template of docs/new_family, added to a copy of the tree, passes its tests."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEMPLATE = ROOT / "docs/new_family"

pytestmark = [pytest.mark.only("tensorflow"), pytest.mark.slow]


def insert(path, before, text):
    content = path.read_text()
    at = content.rindex(before)
    path.write_text(content[:at] + text + content[at:])


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The tree with the template's family in it."""
    tree = tmp_path_factory.mktemp("tree")
    for folder in ("kgan", "tests", "benchmarks"):
        shutil.copytree(ROOT / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tree)
    shutil.copy(TEMPLATE / "lsgan.py", tree / "kgan/families")
    exports = tree / "kgan/families/__init__.py"
    insert(exports, "\n__all__", "from kgan.families.lsgan import LSGAN\n")
    insert(exports, "]", '    "LSGAN",\n')
    insert(tree / "tests/conformance/specs.py", "}  # fmt: skip", (TEMPLATE / "row.txt").read_text())
    shutil.copy(TEMPLATE / "proof.py", tree / "benchmarks/proofs/lsgan.py")
    return tree


def run(tree, *command):
    environment = {**os.environ, "KGAN_SMOKE": "1", "MPLBACKEND": "agg", "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(tree)}
    environment.pop("PYTEST_XDIST_WORKER", None)
    done = subprocess.run([sys.executable, *command], cwd=tree, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_the_row_brings_its_tests(copy):
    conformance = [
        f"tests/conformance/{name}" for name in ("test_conformance.py", "test_arguments.py", "test_conformance_replicas.py")
    ]
    out = run(copy, "-m", "pytest", "-p", "no:cacheprovider", "-n", "0", *conformance, "-k", "LSGAN or has_a_row")
    assert int(out.rsplit(" passed", 1)[0].split()[-1]) >= 7


def test_the_tables_of_the_house_notice_nothing(copy):
    """What asks every family for something: defaults, optimizers, files for other programs, words of signatures, docstrings, rooms."""
    tables = ["benchmarks/test_defaults.py", "benchmarks/test_zoo.py", "families/test_default_optimizers.py", "test_exports.py"]
    tables += ["test_signatures.py", "test_package.py", "test_rooms.py"]
    asked = "LSGAN or lsgan or every_family_has or known or one_word or documented or registered or rooms or import"
    out = run(
        copy, "-m", "pytest", "-p", "no:cacheprovider", "-n", "0", "-m", "", *(f"tests/{name}" for name in tables), "-k", asked
    )
    # Of optimizers, a default run, an ONNX file, the docstring, the house rules of file and proof: six that bear its name.
    assert int(out.rsplit(" passed", 1)[0].split()[-1]) >= 12


def test_its_example_and_its_proof_run(copy):
    run(copy, "-m", "doctest", "kgan/families/lsgan.py")
    assert run(copy, "-m", "benchmarks.proofs.lsgan", "--smoke").count('"proof": "lsgan"') == 2


def test_its_tutorial_runs(copy):
    run(copy, str(TEMPLATE / "tutorial.py"))
