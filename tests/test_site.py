"""The documentation: built without a warning, every link and picture is there, nothing comes from elsewhere, every system has its page."""

import functools
import http.server
import importlib
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

import kgan
from kgan import families, programs

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
SHOWN = (
    "index.html",
    "systems/SNGAN.html",
    "reference/layers.html",
    "tutorials/23_energies.html",
    "choose.html",
    "parts.html",
    "own_data.html",
)


class Page(HTMLParser):
    """What a page links to, loads and names."""

    def __init__(self, path):
        super().__init__()
        self.links, self.loads, self.names = [], [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.names |= {values[name] for name in ("id", "name") if values.get(name)}
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        elif tag in ("img", "script", "iframe", "source") and values.get("src"):
            self.loads.append(values["src"])
        elif tag == "link" and values.get("rel") in ("stylesheet", "icon"):
            self.loads.append(values["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    quiet = {"NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **quiet}, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def test_nothing_is_missing_and_nothing_comes_from_elsewhere(site):
    pages = {path: Page(path) for path in site.rglob("*.html") if path.name != "404.html"}
    assert len(pages) > 100
    broken = []
    for path, page in pages.items():
        for target in [*page.links, *page.loads]:
            if re.match(r"(https?:|mailto:|data:)", target):
                broken += [(path.name, target)] if target in page.loads and not target.startswith("data:") else []
                continue
            file, _, anchor = unquote(target).partition("#")
            there = (path.parent / file).resolve() if file else path
            if not there.is_file() or (anchor and there in pages and anchor not in pages[there].names):
                broken.append((path.relative_to(site).as_posix(), target))
    assert not broken, broken[:10]


def test_every_system_has_its_page_and_its_menu(site):
    exported = {name for room in (families, programs) for name in room.__all__ if isinstance(getattr(room, name), type)}
    assert {path.stem for path in (site / "systems").glob("*.html")} == {*exported, "index"}
    index = (site / "systems" / "index.html").read_text(encoding="utf-8")
    for name in exported:
        page = (site / "systems" / f"{name}.html").read_text(encoding="utf-8")
        assert "Parameters:" in page, name
        assert f'href="{name}.html"' in index


def test_every_exported_name_stands_on_a_page(site):
    """On its system's, on one of the reference, or with what it belongs to: functions and classes of every room that users call."""
    anchors = {name for path in site.rglob("*.html") for name in Page(path).names}
    rooms = {path.stem: importlib.import_module(f"kgan.{path.stem}") for path in (site / "reference").glob("*.html")}
    assert {"networks", "memory", "images", "runs", "evaluation", "report", "history"} <= set(rooms)
    modules = [*rooms.values(), *(getattr(kgan.networks, name) for name in kgan.networks.__all__), kgan]
    missing = []
    for module in filter(inspect.ismodule, modules):
        room = ".".join(module.__name__.split(".")[:2])
        own = [
            n
            for n, thing in vars(module).items()
            if getattr(thing, "__module__", "") == module.__name__ and not n.startswith("_")
        ]
        for name in getattr(module, "__all__", own):
            thing = getattr(module, name)
            if inspect.isfunction(thing) or inspect.isclass(thing):
                places = {f"{module.__name__}.{name}", f"{thing.__module__}.{name}", f"{room}.{name}", f"kgan.engine.{name}"}
                missing += [] if places & anchors else [f"{module.__name__}.{name}"]
    assert not missing


def test_examples_are_code_and_formulas_are_drawn(site):
    assert re.search(r"<code>.*?import.*?kgan", (site / "reference" / "layers.html").read_text(encoding="utf-8"), flags=re.DOTALL)
    energies = (site / "tutorials" / "23_energies.html").read_text(encoding="utf-8")
    assert "<math" in energies
    assert "$$" not in re.sub(r"<(script|style|pre).*?</\1>", "", energies, flags=re.DOTALL)


# Opens pages in frames, and writes what it found: how many, and pictures that are not there.
FRAMES = """<title>pages</title><body><script>
const pages = PAGES, missing = [];
const frames = pages.map((page) => document.body.appendChild(Object.assign(document.createElement("iframe"), {src: page})));
window.onload = () => {
  for (const frame of frames)
    for (const image of frame.contentDocument.images)
      if (image.complete && !image.naturalWidth) missing.push(frame.src + ": " + image.src);
  document.body.innerHTML = `<p>opened ${frames.length}, missing: ${missing.join(", ") || "nothing"}</p>`;
};
</script></body>"""


@pytest.fixture
def browser(site):
    """Opens a page of the site in a browser without a window; what it printed, if no page complained."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no chromium or google-chrome on this machine")
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *args: None})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def open_page(name, *options):
        command = [program, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", *options]
        address = f"http://127.0.0.1:{server.server_port}/{name}"
        done = subprocess.run([*command, address], capture_output=True, text=True, timeout=300, check=True)
        complaints = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
        assert not complaints, (name, complaints[:3])
        return done.stdout

    yield open_page
    server.shutdown()
    server.server_close()


def test_a_browser_opens_every_page_without_complaint(site, browser):
    pages = sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html") if path.name != "404.html")
    together = site / "together.html"
    try:
        for first in range(0, len(pages), 20):
            some = pages[first : first + 20]
            together.write_text(FRAMES.replace("PAGES", json.dumps(some)), encoding="utf-8")
            found = browser(together.name, "--dump-dom")
            assert f"<p>opened {len(some)}, missing: nothing</p>" in found, found[-2000:]
    finally:
        together.unlink()


@pytest.mark.parametrize("name", SHOWN)
def test_a_browser_shows_a_page(browser, tmp_path, name):
    picture = tmp_path / "page.png"
    browser(name, f"--screenshot={picture}")
    assert picture.stat().st_size > 10_000
