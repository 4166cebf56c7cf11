"""Pages that show code: it runs as printed, and what they name is there."""

import re
from pathlib import Path

import pytest

import kgan

pytestmark = pytest.mark.only("tensorflow")
DOCS = Path(__file__).parents[1] / "docs"
PAGES = ("parts.md", "own_data.md")


def text(page):
    return (DOCS / page).read_text(encoding="utf-8")


def examples(page):
    return enumerate(re.findall(r"```python\n(.*?)```", text(page), re.S))


@pytest.mark.slow
@pytest.mark.parametrize("code", [pytest.param(code, id=f"{page}-{i}") for page in PAGES for i, code in examples(page)])
def test_code_runs_as_printed(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(code, {"__name__": "page"})


def is_there(name):
    """Whether a dotted name such as `kgan.layers.Maxout` can be had."""
    thing = kgan
    for part in name.split(".")[1:]:
        if not hasattr(thing, part):
            return False
        thing = getattr(thing, part)
    return True


@pytest.mark.parametrize("page", sorted(path.name for path in DOCS.glob("*.md")))
def test_names_are_there(page):
    named = set(re.findall(r"\bkgan(?:\.\w+)+", text(page)))
    assert not {name for name in named if not is_there(name)}
    assert named or page not in ("parts.md", "own_data.md", "coming_from.md")
