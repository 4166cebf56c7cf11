"""Every notebook runs from top to bottom, at smoke size, and is committed with its pictures."""

import json
import multiprocessing
import os
import traceback
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pytest
from nbclient import NotebookClient

from tests import costs

pytestmark = pytest.mark.only("tensorflow")
NOTEBOOKS = sorted((Path(__file__).parents[1] / "tutorials").glob("*.ipynb"))


each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)


@pytest.fixture
def smoke(monkeypatch):
    monkeypatch.setenv("KGAN_SMOKE", "1")
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    monkeypatch.setenv("MPLBACKEND", "agg")


def titled(*args, **kwargs):
    """In place of `plt.show`: a figure says what it shows."""
    for number in plt.get_fignums():
        figure = plt.figure(number)
        assert figure.get_suptitle() or any(axis.get_title() for axis in figure.axes), "a figure without a title"
    plt.close("all")


def run(path, environment, result):
    """Run the cells of a notebook; the result is the CPU seconds they took, or how one failed."""
    os.environ.update(environment)
    plt.show = titled
    names = {"__name__": "__main__"}
    try:
        for index, cell in enumerate(json.loads(path.read_text())["cells"]):
            if cell["cell_type"] == "code":
                exec(compile("".join(cell["source"]), f"{path.name}, cell {index}", "exec"), names)
    except Exception:
        result.send(traceback.format_exc())
    else:
        result.send(costs.cpu_seconds())


@pytest.mark.slow
@each
def test_notebook_runs(path, smoke):
    """In a process of its own, forked from one that has imported what all need."""
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["kgan", "matplotlib.pyplot"])
    received, sent = processes.Pipe(duplex=False)
    process = processes.Process(target=run, args=(path, dict(os.environ), sent))
    process.start()
    process.join(300)
    process.kill()  # which has no effect on one that has ended
    assert received.poll(), f"no result within 300 seconds, or the process died; its exit code: {process.exitcode}"
    result = received.recv()
    assert isinstance(result, float), result
    costs.elsewhere += result


@pytest.mark.slow
def test_a_kernel_runs_a_notebook(smoke):
    notebook = nbformat.read(NOTEBOOKS[0], as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": os.getcwd()}}).execute()


@each
def test_notebook_is_committed_with_its_pictures(path):
    cells = json.loads(path.read_text())["cells"]  # nbformat would check every picture
    outputs = [output for cell in cells if cell["cell_type"] == "code" for output in cell["outputs"]]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 3
    assert not any(output["output_type"] == "error" for output in outputs)
    assert not any("site-packages" in str(output) for output in outputs), "a warning or path of some machine"


def test_there_are_notebooks():
    assert NOTEBOOKS
