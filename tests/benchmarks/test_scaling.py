"""Growth of cost: exponents and lines by hand, marks, one point measured in a process of its own, the table and the picture of a sweep."""

import math

import pytest

from benchmarks import scaling


def test_exponents_by_hand():
    assert scaling.exponents([1, 2, 4], [3.0, 6.0, 24.0]) == pytest.approx([1.0, 2.0])
    assert math.isnan(scaling.exponents([1, 2], [0.0, 1.0])[0])


def test_a_line_is_found_where_there_is_one():
    assert scaling.line([1, 2, 4, 8], [7.0, 9.0, 13.0, 21.0]) == pytest.approx((5.0, 2.0))


def points(seconds):
    costs = {"built_megabytes": 700.0, "parameters": 5}
    return [
        {**scaling.BASE, "batch": 8 * 2**k, "seconds": s, "fastest": s, "megabytes": 100.0 + k, **costs}
        for k, s in enumerate(seconds)
    ]


def test_what_grows_out_of_proportion_is_marked(tmp_path):
    sweeps = {"batch": points([1.0, 2.0, 2.5])}
    found = scaling.judged(sweeps["batch"], "batch", 0.15)
    assert found["seconds"]["left"] == ["16 to 32"]
    assert found["megabytes"]["left"] == ["8 to 16", "16 to 32"]  # they hardly grow
    lines = list(scaling.table(sweeps, 0.15))
    assert "| 2 | 1.00 | 2 | 1.00 | 101 | **0.01** |" in lines[3]
    assert "| 2.5 | **0.32** | 2.5 |" in lines[4]
    scaling.draw(tmp_path / "scaling.png", sweeps, 0.15)
    assert (tmp_path / "scaling.png").stat().st_size > 1000


@pytest.mark.slow
@pytest.mark.only("tensorflow")
def test_a_point_is_measured_in_a_process_of_its_own():
    point = scaling.in_a_process({**scaling.SMOKE_BASE, "n_dis": 2, "rounds": 2, "warm_up": 1})
    assert (point["rounds"], point["replicas"], point["backend"]) == (2, 1, "tensorflow")
    assert 0 < point["fastest"] <= point["seconds"] < point["first_round_seconds"]
    assert point["megabytes"] > 0


def test_a_point_that_fails_is_told():
    with pytest.raises(RuntimeError, match=r"(?s)could not be measured.*KeyError"):
        scaling.in_a_process({"batch": 1})


def test_torch_has_no_replicas(capsys):
    assert list(scaling.sweep({"replicas": (1, 2)}, scaling.BASE, 1, "torch")) == []
    assert "not applicable" in capsys.readouterr().out
