"""What a folder costs a training: the table has every place, and figures that can be."""

import sys

import pytest

from benchmarks import loading

pytestmark = [pytest.mark.only("tensorflow"), pytest.mark.slow]


def test_the_table(monkeypatch, capsys):
    pytest.importorskip("skimage")
    small = ["--count", "12", "--pixels", "16", "--size", "8", "--filters", "2", "--batch", "4", "--rounds", "2"]
    monkeypatch.setattr(sys, "argv", ["loading", *small])
    loading.main()
    rows = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines()[2:]]
    assert [row[0] for row in rows] == list(loading.CACHES)
    for row in rows:
        assert float(row[2]) > 0
        assert 0 <= float(row[4].rstrip("%")) < 100
