"""Which tests run on one worker, one after another, so that what they share is made once: those of a row, of a notebook, of a file."""

from xdist.scheduler import LoadScopeScheduling

from tests.conformance.specs import SPECS

LONGEST_FIRST = sorted(SPECS, key=len, reverse=True)


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
    return path


class Groups(LoadScopeScheduling):
    """Gives a worker a group at a time."""

    def _split_scope(self, nodeid):
        return group_of(nodeid)
