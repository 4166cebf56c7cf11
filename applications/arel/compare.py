"""Compare storytellers pair by pair, as the paper does with human raters (1804.09160, Table 5): automatically, or by people.

python applications/arel/compare.py judge runs/arel/arel runs/arel/xe          # the judge that knows drawn pictures
python applications/arel/compare.py export runs/arel/arel runs/arel/xe         # blinded sheets for people
python applications/arel/compare.py read runs/arel-sheets/sheet.csv --key runs/arel-sheets-key.json

A system is the folder of a trained stage, a JSON file of stories, or "human": the first human story of every album.
"""

import csv
import html
import io
import json
import random
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from pages import album_html, write_page
from sources import of_run, source, told

import kgan
from kgan import runs
from kgan.files import atomic_write, read_json, write_json
from kgan.pictures import save_image
from kgan.stories.judge import CRITERIA

app = typer.Typer(add_completion=False, help=__doc__)
_ANSWERS = {"a": 1, "b": -1, "tie": 0}


def stories_of(system, split, given):
    """Stories of a system: album to five sentences."""
    if system == "human":
        names, _, human = given.stories(split).by_album(1)
        return {name: list(story) for name, (story,) in zip(names, human, strict=True)}
    path = Path(system)
    if path.suffix != ".json":
        return told(path, split, given)
    try:
        return json.loads(path.read_text(encoding="utf-8"))["stories"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{system!r} holds no stories, an object `stories` of album to sentences: {error}") from error


def paired(first, second, split, data):
    """`(source, albums, stories, stories)` of the albums that both systems tell of."""
    for system in (first, second):
        if system != "human" and not Path(system).exists():
            raise FileNotFoundError(
                f"There is no system {system!r}: the folder of a trained stage, a JSON file of stories, or human."
            )
    run = next((s for s in (first, second) if (Path(s) / "settings.json").is_file()), None)
    given = of_run(run)[0] if data is None and run is not None else source(data or "albums")
    one, other = (stories_of(s, split, given) for s in (first, second))
    names = [name for name in given.stories(split).by_album()[0] if name in one and name in other]
    if not names:
        raise ValueError(f"{first!r} and {second!r} tell of no common album of the split {split!r}.")
    return given, names, [one[n] for n in names], [other[n] for n in names]


def as_rows(found, first, second):
    """Lines of a Markdown table of tallies."""
    lines = [f"| criterion | {first} better | {second} better | tie | n | p (sign test) |", "| --- " * 6 + "|"]
    for name, t in found.items():
        shares = [
            f"{100 * t[k]:.1f} % ({100 * low:.1f}-{100 * high:.1f})"
            for k in ("win", "lose")
            for low, high in [t[f"{k}_interval"]]
        ]
        lines.append(f"| {name} | {' | '.join(shares)} | {100 * t['tie']:.1f} % | {t['count']} | {t['p']:.2g} |")
    return lines


@app.command()
def judge(
    first: Annotated[str, typer.Argument(help="a system")],
    second: Annotated[str, typer.Argument(help="the other")],
    split: Annotated[str, typer.Option(help="validation or test")] = "test",
    data: Annotated[str | None, typer.Option(help="albums or vist:FOLDER; default that of the runs")] = None,
    margin: Annotated[float, typer.Option(min=0, help="differences of a criterion up to this are ties")] = 0.05,
    output: Annotated[str | None, typer.Option(help="a JSON file for the figures")] = None,
):
    """Let the automatic judge decide, album by album: shares, 95 % intervals, sign test."""

    def work():
        given, names, one, other = paired(first, second, split, data)
        scenes = given.scenes(split)
        if scenes is None:
            raise ValueError("The automatic judge knows drawn albums alone. Use export for people.")
        places = {name: i for i, name in enumerate(given.stories(split).by_album()[0])}
        decided = kgan.stories.compare_stories(one, other, [scenes[places[n]] for n in names], margin)
        found = {name: kgan.stories.tally(values) for name, values in decided.items()}
        print("\n".join(as_rows(found, first, second)))
        if output:
            write_json(output, {"first": first, "second": second, "split": split, "margin": margin, "tallies": found})

    runs.guarded(work)


@app.command()
def export(
    first: Annotated[str, typer.Argument(help="a system")],
    second: Annotated[str, typer.Argument(help="the other")],
    output: Annotated[str, typer.Option(help="folder of the sheet; give raters this, and not the key")] = "runs/arel-sheets",
    key: Annotated[str | None, typer.Option(help="file that tells who is A and who is B; default beside the folder")] = None,
    split: Annotated[str, typer.Option(help="validation or test")] = "test",
    data: Annotated[str | None, typer.Option(help="albums or vist:FOLDER; default that of the runs")] = None,
    count: Annotated[int, typer.Option(min=1, help="albums, drawn at random; the paper's raters saw 150")] = 150,
    seed: Annotated[int, typer.Option(help="of the choice, the order and the sides")] = 0,
):
    """Write `sheet.csv`, to be filled in with A, B or tie, and `index.html` with pictures and both stories, in random order."""

    def work():
        given, names, one, other = paired(first, second, split, data)
        folder = Path(output)
        secret = Path(key) if key else folder.parent / f"{folder.name}-key.json"
        if secret.resolve().is_relative_to(folder.resolve()):
            raise ValueError("The key must not lie in the folder that raters get.")
        if (folder / "sheet.csv").exists():
            raise ValueError(f"{folder / 'sheet.csv'} is there already. Choose another --output.")
        rng = random.Random(seed)
        chosen = rng.sample(range(len(names)), min(count, len(names)))
        folder.mkdir(parents=True, exist_ok=True)
        pixels, sides, rows, parts = given.pictures(split), {}, [], []
        places = {name: i for i, name in enumerate(given.stories(split).by_album()[0])}
        for number, index in enumerate(chosen, start=1):
            item, swapped = f"{number:04d}", rng.random() < 0.5
            sides[item] = {"album": names[index], "a": second if swapped else first, "b": first if swapped else second}
            a, b = (other[index], one[index]) if swapped else (one[index], other[index])
            files = [None] * len(a)
            if pixels is not None:
                (folder / "pictures").mkdir(exist_ok=True)
                files = [f"pictures/{item}-{k + 1}.png" for k in range(len(a))]
                for file, picture in zip(files, pixels[places[names[index]]], strict=True):
                    save_image(folder / file, picture)
            rows.append([item, " ".join(a), " ".join(b), *[""] * len(CRITERIA)])
            album = "" if pixels is not None else f"<p>Album {html.escape(str(names[index]))}</p>"
            stories = "".join(f"<p><b>{side}</b> {html.escape(' '.join(s))}</p>" for side, s in (("A", a), ("B", b)))
            parts.append(f"<h2>{item}</h2>{album}{album_html(files, [''] * len(files)) if pixels is not None else ''}{stories}")
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(["item", "story_a", "story_b", *CRITERIA])
        writer.writerows(rows)
        atomic_write(folder / "sheet.csv", lambda temporary: Path(temporary).write_text(text.getvalue(), encoding="utf-8"))
        write_page(folder / "index.html", "Which story is better?", _INSTRUCTIONS + "\n".join(parts))
        write_json(secret, {"first": first, "second": second, "split": split, "items": sides})
        print(
            f"{len(rows)} albums: {folder / 'index.html'} and {folder / 'sheet.csv'} for raters; the key, not for them, in {secret}"
        )

    runs.guarded(work)


_INSTRUCTIONS = """<p>For each album write A, B or tie into the columns of sheet.csv.</p><ul>
<li>relevance: which story tells better what is in the pictures?</li>
<li>expressiveness: which story is better told: coherent, grammatical, without repetition?</li>
<li>concreteness: which story is about these pictures in particular, not about any?</li></ul>"""


def read_sheet(path, items):
    """Decisions of one filled sheet: dict of criterion to dict of item to 1 (A), -1 (B) or 0; cells left empty are left out."""
    path, found = Path(path), {name: {} for name in CRITERIA}
    if not path.is_file():
        raise FileNotFoundError(f"There is no sheet {str(path)!r}.")
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        missing = [name for name in ("item", *CRITERIA) if name not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f"{path} lacks the columns {missing}. It must be a filled sheet.csv of `export`.")
        for row in reader:
            item = (row["item"] or "").strip()
            item = item.zfill(4) if item.isdigit() else item  # spreadsheets drop leading zeros
            if item not in items:
                raise ValueError(
                    f"{path}, line {reader.line_num}: the key knows no item {item!r}. Do sheet and key belong together?"
                )
            for name in CRITERIA:
                answer = (row[name] or "").strip().lower()
                if answer and answer not in _ANSWERS:
                    raise ValueError(f"{path}, line {reader.line_num}: {name} must be A, B or tie. Received: {row[name]!r:.60}.")
                if answer:
                    found[name][item] = _ANSWERS[answer]
    return found


@app.command()
def read(
    sheets: Annotated[list[str], typer.Argument(help="filled sheets, one of each rater")],
    key: Annotated[str, typer.Option(help="the key that export wrote")] = "runs/arel-sheets-key.json",
    output: Annotated[str | None, typer.Option(help="a JSON file for the figures")] = None,
):
    """Read filled sheets: of several raters the majority decides on each album. Shares, 95 % intervals, sign test."""

    def work():
        items, first, second = read_json(
            key, "a key that export wrote", lambda content: [content[k] for k in ("items", "first", "second")]
        )
        filled = [read_sheet(sheet, items) for sheet in sheets]
        found = {}
        for name in CRITERIA:
            answers = {item: [sheet[name][item] for sheet in filled if item in sheet[name]] for item in items}
            decided = [np.sign(sum(a)) * (1 if items[item]["a"] == first else -1) for item, a in answers.items() if a]
            if decided:
                found[name] = kgan.stories.tally(np.asarray(decided, int))
        if not found:
            raise ValueError("The sheets are empty: nobody has written A, B or tie.")
        print("\n".join(as_rows(found, first, second)))
        if output:
            write_json(output, {"first": first, "second": second, "raters": len(sheets), "tallies": found})

    runs.guarded(work)


if __name__ == "__main__":
    app()
