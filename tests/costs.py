"""What a test run costs: CPU seconds by file and by row of the conformance table, and the largest memory of a worker, at its end.

CPU seconds, unlike seconds on the wall, are the same on a busy machine and however many workers share the tests. Those of processes
that a test starts and waits for (notebooks, scripts) count. What a worker does between two tests counts for the second.
"""

import collections
import os
import sys

import pytest

SHOWN = 1.0  # files that took less are summed up in one line


def cpu_seconds():
    times = os.times()
    return sum(times[:4])  # user and system, own and of children


def peak_mebibytes():
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


class Costs:
    """Measures where tests run, adds up where reports arrive: two processes with xdist, one without."""

    def __init__(self):
        self.last = cpu_seconds()
        self.files, self.rows = collections.Counter(), collections.Counter()
        self.peak = 0.0

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item):
        report = yield
        now = cpu_seconds()
        group = item.get_closest_marker("xdist_group")
        row = group.args[0].removeprefix("row: ") if group and group.args[0].startswith("row: ") else None
        report.user_properties.append(("costs", (now - self.last, peak_mebibytes(), row)))
        self.last = now
        return report

    def pytest_runtest_logreport(self, report):
        for seconds, peak, row in (value for name, value in report.user_properties if name == "costs"):
            self.files[report.nodeid.split("::")[0]] += seconds
            self.peak = max(self.peak, peak)
            if row:
                self.rows[row] += seconds

    def pytest_terminal_summary(self, terminalreporter):
        write = terminalreporter.write_line
        terminalreporter.section("costs")
        for path, seconds in self.files.most_common():
            if seconds >= SHOWN:
                write(f"{seconds:7.1f} s  {path}")
        write(f"{sum(s for s in self.files.values() if s < SHOWN):7.1f} s  files below {SHOWN:g} s")
        if self.rows:
            dearest = ", ".join(f"{row} {seconds:.1f}" for row, seconds in self.rows.most_common(5))
            write(f"{len(self.rows)} rows of {sum(self.rows.values()) / len(self.rows):.1f} s; dearest: {dearest}")
        write(f"{sum(self.files.values()):.0f} CPU seconds; largest memory of a worker: {self.peak:.0f} MiB")
