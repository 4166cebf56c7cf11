"""The command lines of applications/arel: training in stages, telling, the table, comparisons, and what they refuse."""

import csv
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

import kgan
from kgan import pictures

pytestmark = [pytest.mark.only("tensorflow"), pytest.mark.slow]  # whole programs
FOLDER = Path(__file__).parents[2] / "applications" / "arel"


@pytest.fixture(scope="module")
def application():
    sys.path.insert(0, str(FOLDER))
    others = {
        name: sys.modules.pop(name) for name in ("train", "pages", "sources", "table", "tell", "compare") if name in sys.modules
    }

    def load(name):
        spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    yield {name: load(name) for name in ("pages", "sources", "train", "tell", "compare", "table")}
    sys.path.remove(str(FOLDER))
    for name in ("train", "pages", "sources", "table", "tell", "compare"):
        sys.modules.pop(name, None)
    sys.modules.update(others)


SMOKE = {"smoke": True, "split": "test", "original_meteor": False}


@pytest.fixture(scope="module")
def run(application, tmp_path_factory):
    """The table of a smoke run: the warm start, a metric as reward, AREL."""
    folder = tmp_path_factory.mktemp("runs") / "arel"
    application["table"].main(run=str(folder), systems="xe,meteor-rl,arel", **SMOKE)
    return folder


def refused(capsys, call, **kwargs):
    with pytest.raises(SystemExit) as stopped:
        call(**kwargs)
    assert stopped.value.code == 2
    return capsys.readouterr().err


def test_stages(application, run, capsys):
    for stage in ("xe", "meteor-rl", "arel"):
        figures = json.loads((run / stage / "metrics.json").read_text())
        assert 0.0 <= figures["bleu-1"] <= 1.0
        assert 0.0 <= figures["judged_relevance"] <= 1.0
        assert "exact+stem" in (run / stage / "metric_versions.json").read_text()
        assert (run / stage / "samples.png").is_file()
        stories = json.loads((run / stage / "stories-validation.json").read_text())["stories"]
        assert len(stories) == 24
        assert all(len(story) == 5 for story in stories.values())
    assert {"reward_human", "reward_told"} <= set(json.loads((run / "arel" / "metrics.json").read_text()))
    assert len(json.loads((run / "vocabulary.json").read_text())["words"]) > 200
    train = application["train"].main
    (run / "xe" / "metrics.json").unlink()  # as if it had stopped before the end
    train(output=str(run), smoke=True, resume=True)
    assert (run / "xe" / "metrics.json").is_file()
    assert "arel/ is trained" in capsys.readouterr().out
    assert "another --output" in refused(capsys, train, output=str(run), smoke=True)


def test_the_table(application, run, capsys):
    text = (run / "table.md").read_text()
    assert "| METEOR-RL |" in text
    assert "(40.2)" in text  # the paper's
    assert "one person" in text
    content = json.loads((run / "table.json").read_text())
    assert set(content["rows"]) == {"xe", "meteor-rl", "arel", "human"}
    assert content["against"]["human"]["overall"]["lose"] > 0.9  # two steps make no storyteller
    assert "Snowball" in content["metric_versions"]["meteor[exact+stem]"]
    assert (run / "table.png").is_file()
    assert "no ['seq']" in refused(capsys, application["table"].main, run=str(run), systems="seq", **SMOKE)


def test_telling(application, run, tmp_path, capsys):
    tell = application["tell"].main
    tell(run=str(run / "arel"), folder=None, album="test-0001", output=str(tmp_path / "page"))
    printed = capsys.readouterr().out
    assert "picture 5:" in printed
    page = (tmp_path / "page" / "index.html").read_text()
    assert page.count('src="picture-') == 5
    assert str(tmp_path) not in page
    assert (tmp_path / "page" / "picture-5.png").is_file()
    folder = tmp_path / "a <b> & c"
    folder.mkdir()
    album = kgan.stories.albums("test", 24, classifier=application["sources"].Albums(smoke=True).classifier)
    for index in range(5):
        pictures.save_image(folder / f"{index}.png", album.pictures[index].repeat(2, axis=0).repeat(2, axis=1))
    tell(run=str(run / "arel"), folder=str(folder), album=None)
    page = (run / "arel" / "told" / "index.html").read_text()
    assert "a &lt;b&gt; &amp; c" in page
    assert "<b> &" not in page
    assert "0.png:" in capsys.readouterr().out
    (folder / "5.png").write_bytes(b"no picture")
    assert "An album has 5 pictures" in refused(capsys, tell, run=str(run / "arel"), folder=str(folder), album=None)
    (folder / "0.png").unlink()
    assert "cannot be read" in refused(capsys, tell, run=str(run / "arel"), folder=str(folder), album=None)
    assert "no album 'test-9999'" in refused(capsys, tell, run=str(run / "arel"), folder=None, album="test-9999")
    assert "Give --pictures" in refused(capsys, tell, run=str(run / "arel"), folder=None, album=None)


def test_pages_escape(application, tmp_path):
    pages = application["pages"]
    pages.write_page(tmp_path / "x.html", "<script>", pages.album_html(['a" onerror="x'], ["<script>alert(1)</script>"]))
    assert "<script" not in (tmp_path / "x.html").read_text()
    assert 'onerror="x' not in (tmp_path / "x.html").read_text()


def test_comparisons(application, run, tmp_path, capsys):
    compare = application["compare"]
    one, human = str(run / "arel"), "human"
    compare.judge(first=one, second=human, split="test", data=None, margin=0.05, output=str(tmp_path / "judged.json"))
    assert "relevance" in capsys.readouterr().out
    judged = json.loads((tmp_path / "judged.json").read_text())["tallies"]
    assert judged["overall"]["lose"] > 0.9
    options = {"first": one, "second": human, "split": "test", "data": None, "count": 10, "seed": 0}
    sheets, key = tmp_path / "sheets", tmp_path / "sheets-key.json"
    compare.export(output=str(sheets), key=None, **options)
    with open(sheets / "sheet.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 10
    items = json.loads(key.read_text())["items"]
    assert {side["a"] for side in items.values()} == {one, human}  # both stand left at times
    for text in ((sheets / "sheet.csv").read_text(), (sheets / "index.html").read_text()):
        assert one not in text
        assert "human" not in text
        assert "test-0" not in text
    assert len(list((sheets / "pictures").iterdir())) == 50
    # Two raters who always prefer the human story, one who prefers the other: the majority wins.
    filled = []
    for rater in range(3):
        path = tmp_path / f"rater-{rater}.csv"
        with open(path, "w", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            for row in rows:
                liked = human if rater < 2 else one
                answer = "A" if items[row["item"]]["a"] == liked else "b"
                writer.writerow(
                    {**row, "item": int(row["item"]), "relevance": answer, "expressiveness": "Tie", "concreteness": ""}
                )
        filled.append(str(path))
    compare.read(sheets=filled, key=str(key), output=str(tmp_path / "read.json"))
    found = json.loads((tmp_path / "read.json").read_text())["tallies"]
    assert found["relevance"]["lose"] == 1.0
    assert found["expressiveness"]["tie"] == 1.0
    assert "concreteness" not in found
    assert "there already" in refused(capsys, compare.export, output=str(sheets), key=None, **options)
    assert "must not lie" in refused(
        capsys, compare.export, output=str(tmp_path / "new"), key=str(tmp_path / "new" / "k.json"), **options
    )
    assert "nobody has written" in refused(capsys, compare.read, sheets=[str(sheets / "sheet.csv")], key=str(key), output=None)
    Path(filled[0]).write_text("item,relevance,expressiveness,concreteness\n1,C,,\n")
    assert "line 2: relevance must be A, B or tie" in refused(capsys, compare.read, sheets=filled, key=str(key), output=None)
    Path(filled[0]).write_text("item,relevance,expressiveness,concreteness\n99,A,,\n")
    assert "no item '0099'" in refused(capsys, compare.read, sheets=filled, key=str(key), output=None)


def test_vist(application, tmp_path, capsys):
    rng = np.random.default_rng(0)
    (tmp_path / "vist" / "sis").mkdir(parents=True)
    (tmp_path / "vist" / "features").mkdir()
    for number in range(60):
        np.save(tmp_path / "vist" / "features" / f"{number}.npy", rng.random(6))
    for offset, split in enumerate(("train", "val", "test")):
        annotations = [
            [{"story_id": f"{s}", "album_id": f"{s // 2}", "photo_flickr_id": f"{20 * offset + 5 * (s // 2) + k}",
              "worker_arranged_photo_order": k, "text": f"we saw the [male] at the lake {k} ."}]
            for s in range(8) for k in range(5)
        ]  # fmt: skip
        (tmp_path / "vist" / "sis" / f"{split}.story-in-sequence.json").write_text(json.dumps({"annotations": annotations}))
    data, output = f"vist:{tmp_path / 'vist'}", tmp_path / "run"
    application["train"].main(output=str(output), data=data, system="xe", smoke=True)
    figures = json.loads((output / "xe" / "metrics.json").read_text())
    assert "judged_relevance" not in figures
    application["tell"].main(run=str(output / "xe"), folder=None, album="3", output=str(tmp_path / "page"))
    assert "<img" not in (tmp_path / "page" / "index.html").read_text()
    compare = application["compare"]
    options = {"first": str(output / "xe"), "second": "human", "split": "test", "data": None}
    assert "drawn albums alone" in refused(capsys, compare.judge, margin=0.05, output=None, **options)
    compare.export(output=str(tmp_path / "sheets"), key=None, count=3, seed=0, **options)
    assert "Album " in (tmp_path / "sheets" / "index.html").read_text()


def test_refusals(application, tmp_path, capsys):
    train, output = application["train"].main, str(tmp_path / "run")
    assert "albums or vist:FOLDER" in refused(capsys, train, output=output, data="flickr")
    assert "--system must be" in refused(capsys, train, output=output, system="spice-rl")
    assert "--setting must be" in refused(capsys, train, output=output, setting="huge")
    assert "no folder" in refused(capsys, train, output=output, data=f"vist:{tmp_path / 'none'}")
    assert "--features belongs" in refused(capsys, train, output=output, features="f")
    assert not (tmp_path / "run").exists()
    assert "There is no system" in refused(
        capsys, application["compare"].judge, first=output, second="human", split="test", data=None, margin=0.0, output=None
    )
