"""The table of "No Metrics Are Perfect" (Wang et al. 2018, 1804.09160): every system under every metric, beside the paper's figures.

The default trains all seven systems on drawn albums, from one warm start. What is trained already stays.

    python applications/arel/table.py --run runs/arel
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import train
import typer
from sources import figures, of_run, told

import kgan
from kgan import pictures, runs
from kgan.files import atomic_write, write_json

COLUMNS = ("bleu-1", "bleu-2", "bleu-3", "bleu-4", "meteor", "rouge-l", "cider")
HEADS = ("B-1", "B-2", "B-3", "B-4", "M", "R", "C")

# Title, and the paper's figures on VIST's 1,010 test albums, times 100. The GAN's are published for B-2 and B-4; the rest is as remembered.
ROWS = {
    "xe": ("XE-ss", (62.3, 38.2, 22.5, 13.7, 34.8, 29.7, 8.7)),
    "bleu-rl": ("BLEU-RL", (62.1, 38.0, 22.6, 13.9, 34.6, 29.0, 8.9)),
    "meteor-rl": ("METEOR-RL", (68.1, 35.0, 15.4, 6.8, 40.2, 30.0, 1.2)),
    "rouge-rl": ("ROUGE-RL", (58.1, 18.5, 1.6, 0.0, 27.0, 33.8, 0.0)),
    "cider-rl": ("CIDEr-RL", (61.9, 37.8, 22.5, 13.8, 34.9, 29.7, 8.1)),
    "gan": ("GAN", (62.8, 38.8, 23.0, 14.0, 35.0, 29.5, 9.0)),
    "arel": ("AREL", (63.7, 39.0, 23.1, 14.0, 35.0, 29.6, 9.5)),
}
_EXTRA = {
    "judged_relevance": "relevance", "judged_expressiveness": "expressiveness", "judged_concreteness": "concreteness",
    "distinct-2": "distinct-2", "self_bleu-4": "self-BLEU", "repeated_4-grams": "repeated 4-grams", "words": "words",
}  # fmt: skip


def main(
    run: Annotated[str, typer.Option(help="folder of train.py's runs; what is missing in it is trained")] = "runs/arel",
    data: Annotated[str, typer.Option(help="albums (drawn), or vist:FOLDER")] = "albums",
    features: Annotated[str | None, typer.Option(help="VIST's folder of .npy files")] = None,
    systems: Annotated[str, typer.Option(help="separated by commas; default all of the table")] = ",".join(ROWS),
    setting: Annotated[str, typer.Option(help="small or paper, as in train.py")] = "small",
    epochs: Annotated[int | None, typer.Option(min=1, help="as in train.py")] = None,
    xe_epochs: Annotated[int | None, typer.Option(min=1, help="as in train.py")] = None,
    units: Annotated[int | None, typer.Option(min=1, help="as in train.py")] = None,
    rl_weight: Annotated[float, typer.Option(min=0, max=1, help="as in train.py")] = 0.5,
    split: Annotated[str, typer.Option(help="validation or test")] = "test",
    original_meteor: Annotated[
        bool | None, typer.Option(help="METEOR by the authors' program; default where Java and its jar are there")
    ] = None,
    seed: Annotated[int, typer.Option(help="as in train.py")] = 0,
    smoke: Annotated[bool, typer.Option("--smoke", help="a few steps of every system, to see that everything runs")] = False,
):
    """Train what is missing, let every system tell the albums of a split, and write `table.md`, `table.json` and `table.png`."""

    def work():
        chosen = [name.strip() for name in systems.split(",") if name.strip()]
        if unknown := [name for name in chosen if name not in ROWS]:
            raise ValueError(f"--systems has no {unknown}. Known: {', '.join(ROWS)}.")
        if not chosen:
            raise ValueError(f"--systems names none. Known: {', '.join(ROWS)}.")
        folder = Path(run)
        for name in chosen:
            if (folder / name / "metrics.json").exists():
                train.check_same(folder / name, seed, setting)
            else:
                train.main(
                    output=run, data=data, features=features, system=name, setting=setting, epochs=epochs, xe_epochs=xe_epochs,
                    units=units, rl_weight=rl_weight, seed=seed, picture_every=10, resume=True, smoke=smoke,
                )  # fmt: skip
        given, about = of_run(folder / chosen[0])
        stories = {name: told(folder / name, split, given) for name in chosen}
        rows = {name: figures(stories[name], given, split, original_meteor) for name in chosen}
        rows["human"] = human_row(given, split, original_meteor)
        pairs = against(stories, given, split)
        report(folder, rows, pairs, split, given, about["setting"])

    runs.guarded(work)


def human_row(given, split, original_meteor):
    """The first human story of every album that has more, against the others: what a person would get, with one reference less."""
    _, _, human = given.stories(split).by_album()
    many = [k for k, told_by in enumerate(human) if len(told_by) > 1]
    found = kgan.stories.story_report([human[k][0] for k in many], [human[k][1:] for k in many], original_meteor)
    if (scenes := given.scenes(split)) is not None:
        judged = kgan.stories.judge_stories([human[k][0] for k in many], [scenes[k] for k in many])
        found |= {f"judged_{name}": float(values.mean()) for name, values in judged.items()}
    return found


def against(stories, given, split):
    """AREL against every other system, by the judge where it can: dict of system to tallies."""
    scenes = given.scenes(split)
    if scenes is None or "arel" not in stories:
        return {}
    names, _, human = given.stories(split).by_album(1)
    others = {name: list(map(found.get, names)) for name, found in stories.items()}
    mine = others.pop("arel")
    others["human"] = [told_by[0] for told_by in human]
    return {
        name: {kind: kgan.stories.tally(found) for kind, found in kgan.stories.compare_stories(mine, other, scenes).items()}
        for name, other in others.items()
    }


def report(folder, rows, pairs, split, given, setting):
    """table.md, printed, table.json and table.png."""
    meteor = next(name for name in rows["human"] if name.startswith("meteor"))
    keys = [meteor if column == "meteor" else column for column in COLUMNS]
    albums = len(given.stories(split).by_album()[0])
    lines = [f"# {given.name}, {albums} {split} albums: times 100, in brackets the paper's on VIST", ""]
    lines += [f"| method | {' | '.join(HEADS)} |", "| --- " * (len(HEADS) + 1) + "|"]
    for name, found in rows.items():
        title, published = ROWS.get(name, ("one person, against the other four", None))
        cells = [f"{100 * found[key]:.1f}" + (f" ({published[i]})" if published else "") for i, key in enumerate(keys)]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    extra = {key: head for key, head in _EXTRA.items() if key in rows["human"]}
    lines += ["", "Judged and counted:", "", f"| method | {' | '.join(extra.values())} |", "| --- " * (len(extra) + 1) + "|"]
    for name, found in rows.items():
        cells = [f"{found[key]:.1f}" if key == "words" else f"{found[key]:.3f}" for key in extra]
        lines.append(f"| {ROWS[name][0] if name in ROWS else 'one person'} | {' | '.join(cells)} |")
    if pairs:
        kinds = list(next(iter(pairs.values())))
        lines += ["", "AREL better / worse / tie, % of albums, by the automatic judge (p of the sign test):", ""]
        lines += [f"| against | {' | '.join(kinds)} |", "| --- " * (len(kinds) + 1) + "|"]
        for name, found in pairs.items():
            cells = [
                f"{100 * t['win']:.0f} / {100 * t['lose']:.0f} / {100 * t['tie']:.0f} ({t['p']:.1g})" for t in found.values()
            ]
            lines.append(f"| {ROWS[name][0] if name in ROWS else 'one person'} | {' | '.join(cells)} |")
    if setting == "small":
        lines += [
            "",
            "The small setting: XE-ss is the warm start, without the further training that the others have.",
        ]
    versions = kgan.stories.metric_versions(rows["human"])
    lines += ["", "Metrics:", "", *dict.fromkeys(f"- {text}" for text in versions.values())]
    text = "\n".join(lines) + "\n"
    atomic_write(folder / "table.md", lambda temporary: Path(temporary).write_text(text, encoding="utf-8"))
    published = {name: dict(zip(COLUMNS, row[1], strict=True)) for name, row in ROWS.items()}
    write_json(
        folder / "table.json", {"split": split, "rows": rows, "against": pairs, "paper": published, "metric_versions": versions}
    )
    draw(folder / "table.png", rows, keys)
    print("\n" + text)
    print(f"Table in {folder / 'table.md'}, figures in {folder / 'table.json'}, picture in {folder / 'table.png'}")


def draw(path, rows, keys):
    """Every metric as bars, this run's above, the paper's beside."""
    drawn, axes = pictures.figure(2.2 * len(keys), 0.35 * len(rows) + 1.4, columns=len(keys))
    for axis, key, head, column in zip(axes[0], keys, HEADS, range(len(keys)), strict=True):
        places = np.arange(len(rows))
        axis.barh(places - 0.2, [100 * found[key] for found in rows.values()], 0.4, label="here")
        paper = [ROWS[name][1][column] if name in ROWS else np.nan for name in rows]
        axis.barh(places + 0.2, paper, 0.4, label="paper, VIST")
        axis.set_yticks(
            places, [ROWS[name][0] if name in ROWS else "one person" for name in rows] if column == 0 else [""] * len(rows)
        )
        axis.invert_yaxis()
        axis.set_title(head)
    axes[0, -1].legend(fontsize="x-small")
    pictures.save_figure(path, drawn)


if __name__ == "__main__":
    typer.run(main)
