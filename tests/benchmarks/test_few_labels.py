"""Few labels: what is finished stays, and a run of another length is another one."""

import json

import pytest

from benchmarks import few_labels

pytestmark = pytest.mark.only("tensorflow")


def test_a_smoke_run_does_not_stand_for_a_whole_one(tmp_path, monkeypatch):
    played = []

    def cell(system, labels, seed, rounds):
        played.append(rounds)
        return {"system": system, "labels": labels, "seed": seed, "rounds": rounds, "error": 0.9 if rounds == 2 else 0.1}

    monkeypatch.setattr(few_labels, "cell", cell)
    for length in (["--smoke"], [], []):
        monkeypatch.setattr(
            "sys.argv", ["few_labels", "BadGAN", "--labels", "10", "--seeds", "0", "--output", str(tmp_path), *length]
        )
        few_labels.main()
    assert played == [2, 2000]
    assert len([json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]) == 2
    table = (tmp_path / "table.md").read_text()
    assert "10.0" in table
    assert "90.0" not in table


@pytest.mark.parametrize("system", few_labels.SYSTEMS)
def test_every_system_is_built(system):
    model = few_labels.SYSTEMS[system][0](0, 20)
    assert model.uses_labels
