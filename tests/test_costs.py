"""The tests' own machinery: groups reach the workers, and costs are added up."""

import os
from types import SimpleNamespace

import numpy as np
import pytest

from tests.costs import Costs, cpu_seconds, peak_mebibytes, resident_mebibytes
from tests.groups import group_of


@pytest.mark.parametrize(
    ("nodeid", "group"),
    [
        ("tests/engine/test_fit.py::test_a[x]", "tests/engine/test_fit.py"),
        ("tests/conformance/test_conformance.py::test_a[mixed_float16-ImprovedGAN, semi-supervised]", "row: ImprovedGAN, semi-supervised"),
        ("tests/conformance/test_conformance_replicas.py::test_a[ALI-True]", "row: ALI"),
        ("tests/conformance/test_conformance.py::test_every_family_has_a_row", "tests/conformance/test_conformance.py"),
        ("tests/conformance/test_across_backends.py::test_a[jax-ALI]", "tests/conformance/test_across_backends.py"),
        ("tests/test_tutorials.py::test_a[01_x]", "notebook: 01_x"),
    ],
)  # fmt: skip
def test_groups(nodeid, group):
    assert group_of(nodeid) == group


PROCESSES = {"a": set(), "b": set()}


@pytest.mark.parametrize("case", ["a", "b"])
def test_one_worker_runs_a_group_and_in_the_order_of_the_file(case):
    PROCESSES[case].add(os.getpid())
    assert case == "a" or PROCESSES["a"] == PROCESSES["b"]


def test_costs_are_added_up_by_file_and_row():
    costs, lines = Costs(), []
    for nodeid, *measured in (
        ("tests/a.py::test_x", 2.0, 700.0, 20.0),
        ("tests/a.py::test_x", 0.5, 900.0, 200.0),
        ("tests/conformance/b.py::test_y[GAN]", 4.0, 800.0, 80.0),
        ("tests/conformance/b.py::test_y[ALI]", 2.0, 800.0, 0.0),
        ("tests/c.py::test_z", 0.25, 800.0, 0.0),
    ):
        costs.pytest_runtest_logreport(SimpleNamespace(nodeid=nodeid, user_properties=[("costs", measured)]))
    costs.pytest_terminal_summary(SimpleNamespace(write_line=lines.append, section=lambda title: None))
    assert lines == [
        "    6.0 s  tests/conformance/b.py",
        "    2.5 s  tests/a.py",
        "    0.2 s  files below 1 s",
        "2 rows of 3.0 s; the dearest, and the shares of the tests:",
        "  GAN 4.0, ALI 2.0",
        "  test_y 3.0",
        "9 CPU seconds; largest memory of a worker: 900 MiB, after tests/a.py::test_x",
        "  it rose by 220 MiB in tests/a.py::test_x",
        "  it rose by 80 MiB in tests/conformance/b.py::test_y[GAN]",
    ]


def test_measures_grow_with_what_they_measure():
    start = cpu_seconds()
    while cpu_seconds() < start + 0.05:
        np.ones(10_000).sum()
    assert peak_mebibytes() > 50
    assert resident_mebibytes() == 0.0 or 50 < resident_mebibytes() <= peak_mebibytes() + 1
