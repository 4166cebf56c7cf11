"""The page about a run: what it holds, that it needs nothing else, runs side by side, what is no run."""

import ast
import html
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from kgan import pictures, report, runs

ROOT = Path(__file__).parents[1]
EMPTY = ("img", "input", "meta", "link", "br", "hr")


class Page(HTMLParser):
    """Tags in balance, and every address that the page names."""

    def __init__(self, path):
        super().__init__()
        self.open, self.addresses, self.alternatives = [], [], []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.addresses += [values[name] for name in ("src", "href", "action", "data") if name in values]
        if tag == "img":
            self.alternatives.append(values["alt"])
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def make_run(folder, epochs=3, finished=True, **settings):
    (folder / "samples").mkdir(parents=True)
    stored = {
        "settings": {"dataset": "digits", "epochs": epochs, **settings},
        "backend": "tensorflow",
        "program": "kgan train gan",
    }
    (folder / "settings.json").write_text(json.dumps({**stored, "versions": {"keras": "3"}}))
    lines = ['epoch,generator/adversarial,"frechet_distance[digits-mlp64,n=9]"']
    lines += [f"{epoch},{1 / (epoch + 1)},{'NA' if epoch % 2 else 5.0}" for epoch in range(epochs)]
    (folder / "history.csv").write_text("\n".join(lines) + "\n")
    for epoch in range(epochs):
        pictures.save_samples(folder / "samples" / f"samples-{epoch:05}.png", np.zeros((4, 8, 8, 1)))
    if finished:
        figures = {"epochs": epochs, "frechet_distance[digits-mlp64,n=9]": 5.25, "generator/adversarial": 0.125}
        (folder / "metrics.json").write_text(json.dumps(figures))
        for name in ("samples.png", "real.png"):
            pictures.save_samples(folder / name, np.ones((4, 8, 8, 1)))
    return folder


def test_a_page_needs_nothing_else(tmp_path):
    run = make_run(tmp_path / "a <b> & c", note="<script>alert(1)</script>")
    report.write(tmp_path / "report.html", [run])
    page, text = Page(tmp_path / "report.html"), (tmp_path / "report.html").read_text()
    assert page.addresses
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert not re.search(r"https?:|//[a-z]|url\(|@import", re.sub(r'src="data:[^"]*"', "", text))
    assert "alert(1)</script>" not in text
    assert html.escape("a <b> & c") in text
    assert str(tmp_path) not in text
    assert page.alternatives.count("real images, held out from the training") == 1
    assert sum(about.startswith("samples, ") for about in page.alternatives) == 4  # three epochs and the end
    assert ">5.25<" in text
    assert "lower is better" in text
    assert "generator in the" in text or "move generator" in text
    assert "kgan train gan --settings" in text


def test_samples_over_time_are_few(tmp_path):
    run = make_run(tmp_path / "long", epochs=60)
    shown = report.Run.of(run).samples()
    assert len(shown) == report.PICTURES
    assert shown[0][0] == "epoch 0"
    assert shown[-1][0] == "epoch 59"


def test_a_run_that_is_not_finished(tmp_path):
    report.write(tmp_path / "report.html", [make_run(tmp_path / "half", finished=False)])
    text = (tmp_path / "report.html").read_text()
    Page(tmp_path / "report.html")
    assert "Not finished: half" in text
    assert ">0.3333<" in text  # the loss of the last epoch


@pytest.mark.parametrize(("near", "said"), [(0.25, True), (1.0, False), (1.5, False)])
def test_a_run_that_has_memorized_says_so(tmp_path, near, said):
    folder = make_run(tmp_path / "run")
    figures = json.loads((folder / "metrics.json").read_text())
    (folder / "metrics.json").write_text(json.dumps({**figures, "nearest_trained_on[n=9]": near}))
    report.write(tmp_path / "report.html", [folder])
    assert ("samples lie nearer to the images trained on" in (tmp_path / "report.html").read_text()) == said
    if said:
        assert "at 0.25 of" in (tmp_path / "report.html").read_text()


# What `metrics.json` gets its names from: functions that return dictionaries of figures.
FIGURES = {
    "kgan/runs.py": {"train", "_figures_of"},
    "kgan/evaluation.py": {"evaluate_samples", "draw_real"},
    "kgan/metrics/reports.py": {"_agreement", "_within", "_of_classes"},
    "kgan/metrics/manifolds.py": {"_figures"},
    "kgan/metrics/modes.py": {"mode_statistics"},
    "kgan/metrics/videos.py": {"prediction_report"},
    "kgan/shapes/figures.py": {"shape_report"},
    "kgan/stories/report.py": {"story_report"},
    "kgan/stories/captions.py": {"repetition"},
    "kgan/callbacks/watching.py": {"on_epoch_end"},
    **{
        str(path.relative_to(ROOT)): {"measure", "figures", "figures_of", "agreement"}
        for path in (ROOT / "applications").glob("*/*.py")
    },
}


def keys(function):
    """Keys of the dictionaries of a function, and what it sets in one, with an x for what is known when it runs."""
    found = []
    for node in ast.walk(function):
        if isinstance(node, ast.Dict):
            found += [key for key in node.keys if key is not None]
        elif isinstance(node, ast.DictComp):
            found.append(node.key)
        elif isinstance(node, ast.Assign):
            found += [target.slice for target in node.targets if isinstance(target, ast.Subscript)]
    for key in found:
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield key.value
        elif isinstance(key, ast.JoinedStr):
            text = "".join(part.value if isinstance(part, ast.Constant) else "x" for part in key.values)
            if not text.startswith("x"):
                yield text


def test_every_figure_that_runs_write_has_a_meaning():
    named = {}
    for file, functions in FIGURES.items():
        for node in ast.walk(ast.parse((ROOT / file).read_text())):
            if isinstance(node, ast.FunctionDef) and node.name in functions:
                named.update(dict.fromkeys(keys(node), file))
    # Names that are put together when they are known; and of a file with stories.
    for name in {"intra_class_x[x]", "accuracyx", "score", "sharpness"} | {"split", "stories"}:
        del named[name]
    whole = ("intra_class_FID", "intra_class_precision", "accuracy_transductive", "score_1", "copy_score_1")
    named.update(dict.fromkeys(whole, "together"))
    assert {"auroc", "total_variation", "iou", "bit_accuracy", "precision", "kl", "occupancy", "words", "share_x"} <= set(named)
    ours = {name: file for name, file in named.items() if not report.meaning(name)[0]}
    assert ours == {}


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("agreement_Smiling[faces-cnn]", "this label"),
        ("copy_psnr_2", "copy of the last frame"),
        ("kl[n=2500]", "KL divergence"),
        ("meteor[exact+stem]", "words aligned"),
        ("eve/adversarial", "loss of the move eve"),
        ("nobody_knows", ""),
    ],
)
def test_names_of_figures_are_known_without_their_ends(name, part):
    assert part in report.meaning(name)[0]
    assert part or report.meaning(name) == ("", "")


def test_runs_side_by_side(tmp_path):
    runs = [make_run(tmp_path / name, seed=seed) for seed, name in enumerate(("first", "second"))]
    report.write(tmp_path / "both.html", runs)
    text = (tmp_path / "both.html").read_text()
    Page(tmp_path / "both.html")
    settings = text.partition("<h2>Settings")[2]
    rows = re.findall(r"<tr><th>(\w+)<small></small></th><td>(.*?)</td><td>(.*?)</td></tr>", settings)
    assert rows[0] == ("seed", "0", "1")  # what differs comes first
    assert ("dataset", "digits", "digits") in rows


def test_what_is_no_run(tmp_path):
    with pytest.raises(FileNotFoundError, match="no run in"):
        report.write(tmp_path / "x.html", [tmp_path])
    with pytest.raises(ValueError, match="needs a run"):
        report.write(tmp_path / "x.html", [])
    run = make_run(tmp_path / "damaged")
    (run / "metrics.json").write_text("{")
    with pytest.raises(ValueError, match=r"metrics\.json"):
        report.write(tmp_path / "x.html", [run])
    assert not (tmp_path / "x.html").exists()


def opened(page):
    """What chromium made of a page, its scripts run; no test where there is none."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no chromium or google-chrome on this machine")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0", "--dump-dom"]
    done = subprocess.run([*command, page.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    assert "CONSOLE" not in done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_browser_opens_it_without_complaint(tmp_path):
    report.write(tmp_path / "report.html", [make_run(tmp_path / "run")])
    # The last picture is shown; a move of the slider shows another.
    page = tmp_path / "report.html"
    moved = page.read_text().replace(
        "</body>",
        '<script>const s = document.querySelector("input"); s.value = 1; s.dispatchEvent(new Event("input"));</script></body>',
    )
    page.write_text(moved)
    shown = re.findall(r'<div data-step="(\d)"( hidden="")?>', opened(page))
    assert [step for step, hidden in shown if not hidden] == ["1"]


@pytest.mark.slow
def test_a_phone_need_not_scroll_sideways(tmp_path):
    """Three runs with long names and figures, in a window of 400 pixels: tables scroll in themselves, the page does not."""
    runs = [make_run(tmp_path / f"{name}-{'x' * 60}", note="y" * 200) for name in ("first", "second", "third")]
    report.write(tmp_path / "report.html", runs)
    page, widths = tmp_path / "report.html", "[innerWidth, document.documentElement.scrollWidth]"
    page.write_text(page.read_text().replace("</body>", f'<script>parent.postMessage({widths}, "*")</script></body>'))
    phone = tmp_path / "phone.html"
    listener = "addEventListener('message', told => document.body.dataset.widths = told.data)"
    phone.write_text(f'<body><script>{listener}</script><iframe src="report.html" width=400 height=800 style="border:0">')
    window, content = map(int, re.search(r'data-widths="(\d+),(\d+)"', opened(phone)).groups())
    assert content <= window == 400


@pytest.mark.parametrize(
    ("script", "about", "program"),
    [
        ("bin/kgan", {"system": "gan"}, "kgan train gan"),
        ("applications/sngan/train.py", {}, "python applications/sngan/train.py"),
        ("applications/transfer/refine.py", {}, "python applications/transfer/refine.py"),
        ("../elsewhere/train.py", {}, "python train.py"),  # where it lies is nobody's business
        ("notebook.py", {}, None),
    ],
)
def test_a_run_knows_the_command_that_repeats_it(script, about, program, monkeypatch):
    monkeypatch.setattr("sys.argv", [script])
    assert runs._program(about) == program
