"""Which tests run on one worker, one after another, so that what they share is made once: those of a row, of a notebook, of a file."""

from xdist.scheduler import LoadScopeScheduling

from tests.conformance.specs import SPECS

LONGEST_FIRST = sorted(SPECS, key=len, reverse=True)
DEAR = (
    "tests/test_readme.py",
    "tests/engine/test_workers.py",
    "tests/test_new_family.py",
    "tests/test_watching.py",
    "tests/benchmarks/",
    "tests/faults/",
    "tests/applications/",
)
"""Files and folders of few tests that take a minute or more: they go first, so that no worker is left alone with one at the end."""


def group_of(nodeid):
    """The group of a test, from its name alone, which is all that the process which shares tests out knows of it.

    Not by xdist's own markers: from pytest 9.2 on xdist 3.8 shares out singly what is marked, and nothing says so.
    """
    path, _, rest = nodeid.partition("::")
    case = rest.partition("[")[2].removesuffix("]")
    if "/conformance/" in path and case and "across_backends" not in path:
        for row in LONGEST_FIRST:
            if f"-{row}-" in f"-{case}-":
                return f"row: {row}"
    if path.endswith("/test_tutorials.py") and case:
        return f"notebook: {case}"
    return nodeid if path.endswith("/test_readme.py") else path  # whose tests share nothing


def turn_of(nodeid):
    """Which groups go before others."""
    return next((turn for turn, path in enumerate(DEAR) if nodeid.startswith(path)), len(DEAR))


class Groups(LoadScopeScheduling):
    """Gives a worker a group at a time."""

    def _split_scope(self, nodeid):
        return group_of(nodeid)
