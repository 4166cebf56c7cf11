"""The tests' own machinery: groups reach the workers, and costs are added up."""

from types import SimpleNamespace

import numpy as np
import pytest

from tests.conformance.specs import SPECS
from tests.costs import Costs, cpu_seconds, peak_mebibytes, resident_mebibytes


def test_a_file_is_a_group_and_stays_on_one_worker(request):
    assert request.node.get_closest_marker("xdist_group").args == ("test_costs.py",)
    if hasattr(request.config, "workerinput"):  # xdist reads the name from here, and shares out singly what has none
        assert request.node.nodeid.endswith("@test_costs.py")


@pytest.mark.parametrize("row", ["GAN"])
def test_a_row_is_a_group(request, row):
    assert row in SPECS
    assert request.node.get_closest_marker("xdist_group").args == (f"row: {row}",)


def test_costs_are_added_up_by_file_and_row():
    costs, lines = Costs(), []
    for nodeid, row, seconds, peak in (
        ("tests/a.py::test_x", None, 2.0, 700.0),
        ("tests/a.py::test_x", None, 0.5, 900.0),
        ("tests/b.py::test_y[A]@row: A", "A", 4.0, 800.0),
        ("tests/b.py::test_y[B]@row: B", "B", 2.0, 800.0),
        ("tests/c.py::test_z", None, 0.25, 800.0),
    ):
        costs.pytest_runtest_logreport(SimpleNamespace(nodeid=nodeid, user_properties=[("costs", (seconds, peak, row))]))
    costs.pytest_terminal_summary(SimpleNamespace(write_line=lines.append, section=lambda title: None))
    assert lines == [
        "    6.0 s  tests/b.py",
        "    2.5 s  tests/a.py",
        "    0.2 s  files below 1 s",
        "2 rows of 3.0 s; the dearest, and the shares of the tests:",
        "  A 4.0, B 2.0",
        "  test_y 3.0",
        "9 CPU seconds; largest memory of a worker: 900 MiB",
    ]


def test_measures_grow_with_what_they_measure():
    start = cpu_seconds()
    while cpu_seconds() < start + 0.05:
        np.ones(10_000).sum()
    assert peak_mebibytes() > 50
    assert resident_mebibytes() == 0.0 or 50 < resident_mebibytes() <= peak_mebibytes() + 1
