"""What a test run costs: CPU seconds by file, by row of the conformance table and by test of rows, and the largest memory of a worker.

CPU seconds depend less than seconds on the wall on what else the machine does, but on a busy one they are half as many again: compare runs
side by side. Budgets are of CONTRIBUTING.md; nothing here holds a test to one. Those of processes
that a test starts and waits for (notebooks, scripts) count. What a worker does between two tests counts for the second.
"""

import collections
import os
import sys

import pytest

from tests.groups import group_of

SHOWN = 1.0  # files that took less are summed up in one line


elsewhere = 0.0  # of processes that are no children


def cpu_seconds():
    times = os.times()
    return sum(times[:4]) + elsewhere  # user and system, own and of children


def peak_mebibytes():
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def resident_mebibytes():
    """Memory held now; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except OSError:
        return 0.0


class Costs:
    """Measures where tests run, adds up where reports arrive: two processes with xdist, one without."""

    def __init__(self):
        self.last = cpu_seconds()
        self.files, self.rows, self.tests = (collections.Counter() for _ in range(3))
        self.peak, self.where = 0.0, "nowhere"
        self.before, self.rises = peak_mebibytes(), collections.Counter()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item):
        report = yield
        now, peak = cpu_seconds(), peak_mebibytes()
        report.user_properties.append(("costs", (now - self.last, peak, peak - self.before)))
        self.last, self.before = now, peak
        return report

    def pytest_runtest_logreport(self, report):
        group = group_of(report.nodeid)
        for seconds, peak, rise in (value for name, value in report.user_properties if name == "costs"):
            self.files[report.nodeid.split("::")[0]] += seconds
            self.rises[report.nodeid] += rise
            if peak > self.peak:
                self.peak, self.where = peak, report.nodeid
            if group.startswith("row: "):
                self.rows[group.removeprefix("row: ")] += seconds
                self.tests[report.nodeid.split("::")[1].split("[")[0]] += seconds

    def pytest_terminal_summary(self, terminalreporter):
        write = terminalreporter.write_line
        terminalreporter.section("costs")
        for path, seconds in self.files.most_common():
            if seconds >= SHOWN:
                write(f"{seconds:7.1f} s  {path}")
        write(f"{sum(s for s in self.files.values() if s < SHOWN):7.1f} s  files below {SHOWN:g} s")
        if self.rows:
            write(
                f"{len(self.rows)} rows of {sum(self.rows.values()) / len(self.rows):.1f} s; the dearest, and the shares of the tests:"
            )
            for costs, count in ((self.rows, 1), (self.tests, len(self.rows))):
                write("  " + ", ".join(f"{name} {seconds / count:.1f}" for name, seconds in costs.most_common(6)))
        write(f"{sum(self.files.values()):.0f} CPU seconds; largest memory of a worker: {self.peak:.0f} MiB, after {self.where}")
        for where, rise in self.rises.most_common(5):
            if rise >= 1:
                write(f"  it rose by {rise:.0f} MiB in {where}")
