"""`report.html`: what a run left in its folder, or several runs side by side, as one page that needs nothing else."""

import base64
import html
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from kgan import history
from kgan.files import atomic_write, read_json
from kgan.types import FilePath

PICTURES = 24  # of samples over time: as many as a slider tells apart, evenly over the run
_LOWER, _HIGHER = "lower is better", "higher is better"
# Names of figures without what they were measured by (* stands for a label, a frame, a number), what they mean, which way is better.
MEANINGS: dict[str, tuple[str, str]] = {
    "FID": ("Frechet distance of Inception features: how far samples lie from held-out real images as a whole", _LOWER),
    "KID": ("kernel distance of Inception features, unbiased for few samples", _LOWER),
    "IS": ("Inception Score: sure and varied classes, at most as many as the network has", _HIGHER),
    "intra_class_precision": ("precision within each class, mean over classes", _HIGHER),
    "intra_class_recall": ("recall within each class, mean over classes", _HIGHER),
    "intra_class_frechet_distance": ("Frechet distance within each class, mean over classes", _LOWER),
    "frechet_distance": ("Frechet distance of features: how far samples lie from held-out real images as a whole", _LOWER),
    "kernel_distance": ("kernel distance of features, unbiased for few samples", _LOWER),
    "class_score": ("sure and varied classes: the score of the Inception kind, by another network", _HIGHER),
    "classes_present": ("classes of the data that some sample is of", _HIGHER),
    "smallest_class_share": ("share of the samples in the class with the fewest", _HIGHER),
    "smallest_class_agreement": ("agreement in the class where it is least", _HIGHER),
    "class_agreement": ("share of samples that a classifier takes for the class asked for", _HIGHER),
    "intra_class_FID": ("Frechet distance within each class, mean over classes", _LOWER),
    "precision": ("share of samples that look real: inside the neighborhoods of real ones", _HIGHER),
    "recall": ("share of real images that samples come near to", _HIGHER),
    "density": ("real neighborhoods around a sample; 1 for real images", _HIGHER),
    "coverage": ("share of real images with a sample nearby", _HIGHER),
    "nearest_trained_on": ("distance to the nearest image trained on, over that of held-out ones; far below 1: memorized", ""),
    "modes": ("modes that samples reach", _HIGHER),
    "high_quality": ("share of samples near a mode", _HIGHER),
    "of": ("modes that there are", ""),
    "kl": ("KL divergence of the modes that samples fall to from their true shares, in nats", _LOWER),
    "sample_mean": ("mean of all numbers of the samples: nothing to compare them with is known", ""),
    "sample_std": ("standard deviation of all numbers of the samples", ""),
    "sample_diversity": ("mean distance between samples, over that between real examples; near 0: all alike", ""),
    # Shapes.
    "occupancy": ("share of cells that are full; compare with that of the data", ""),
    "binariness": ("how undecided cells are: 0 where all are full or empty", _LOWER),
    "single_component": ("share of shapes in one piece", _HIGHER),
    "empty": ("share of shapes without a full cell", _LOWER),
    "diversity": ("mean share of cells in which two shapes differ", ""),
    # Causes, pairs, transfer, layers.
    "share_*": ("share of examples with this label", ""),
    "total_variation": ("distance of the labels' joint distribution from the true one, in [0, 1]", _LOWER),
    "agreement_*": ("share of pictures that a classifier reads this label from as it was asked for", _HIGHER),
    "pixel_agreement": ("share of pixels alike in a sample and in what its partner should be", _HIGHER),
    "pixel_agreement_by_chance": ("the same with partners at random: what the agreement must exceed", ""),
    "pixel_difference": ("mean difference of pixels between a sample and what its partner should be", _LOWER),
    "labeled_accuracy": ("share of labeled examples that are classified right", _HIGHER),
    "accuracy": ("share of held-out examples of the other domain that are classified right", _HIGHER),
    "accuracy_transductive": ("share of the other domain's examples, seen without labels, that are classified right", _HIGHER),
    "source_only_accuracy*": ("the same by a classifier that learned from the labeled domain alone", ""),
    "accuracy_without_*": ("the same without what was learned here: what the accuracy must exceed", ""),
    "change": ("mean change of a pixel by the refinement", ""),
    "*_sample_mean": ("mean of all numbers of this domain's samples", ""),
    "*_sample_std": ("standard deviation of all numbers of this domain's samples", ""),
    "*_std": ("standard deviation of pixels, over samples or within a picture; near 0: all alike, or flat", ""),
    "mask": ("share of a picture that its mask covers", ""),
    "iou": ("intersection over union of masks and the objects that are there", _HIGHER),
    "wrong_bits": ("bits of a tag that are read wrong, on average; half of them by chance", _LOWER),
    "wrong_bits_of_the_bare_model": ("the same by a reader that knows the renderer alone", ""),
    # Messages in pictures.
    "bit_accuracy": ("share of the message's bits that arrive", _HIGHER),
    "bits_per_value": ("bits of the message for each number of a picture", ""),
    "eve_accuracy": ("share of pictures that Eve, the detector of the game, tells right; 0.5: she guesses", _LOWER),
    "psnr*": ("peak signal-to-noise ratio to the true picture, in decibels", _HIGHER),
    "ssim*": ("structural similarity to the true picture, at most 1", _HIGHER),
    # Motion.
    "sharpness_*": ("differences of neighboring pixels over the true frame's; below 1: blurred", ""),
    "score_*": ("how well patches of a frame are found again in the true one before it; a copy has 1", ""),
    "copy_*": ("the same of a copy of the last frame seen: what a prediction must exceed", ""),
    "end_point_error": ("mean distance of estimated from true motion, in pixels", _LOWER),
    "warp_error": ("mean difference of the first frame and the second, moved back; of a range of 1", _LOWER),
    # Energies.
    "auroc": ("chance that an example of another kind has more energy than an ordinary one", _HIGHER),
    "auroc_of_distance_to_mean": ("the same of the distance to the mean example, which needs no training", ""),
    "held_out": ("ordinary examples that are judged", ""),
    "others": ("examples of other kinds that are judged", ""),
    "samples_distance_to_mean": ("distance of samples to the mean example, over that of real ones; 1 for real ones", ""),
    # Skills.
    "reached": ("share of episodes that end at a goal", _HIGHER),
    "information": ("what the intention says of the goal that is reached, in nats", _HIGHER),
    "smallest_share": ("share of the episodes at the goal that is reached least", _HIGHER),
    # Stories.
    "bleu-*": ("share of n-grams that human stories have, too; a shorter text is marked down", _HIGHER),
    "meteor": ("words aligned with a human story's, by stems and meanings", _HIGHER),
    "rouge-l": ("longest common sequence of words with a human story", _HIGHER),
    "cider": ("likeness of weighted n-grams to human stories', between 0 and 10", _HIGHER),
    "distinct-*": ("share of n-grams that are not said before", _HIGHER),
    "self_bleu-*": ("likeness of stories to one another; near 1: all alike", _LOWER),
    "repeated_*": ("share of a story that was said before in it", _LOWER),
    "words": ("words of a story, on average", ""),
    "distinct_stories": ("share of stories that are told once", _HIGHER),
    "judged_*": ("judgment of the judge of drawn albums", _HIGHER),
    "reward_*": ("mean learned reward of these stories", ""),
    "epochs": ("passes of the training", ""),
    "seconds": ("wall time of the training", ""),
    "best_epoch": ("epoch of the smallest distance among those that were measured", ""),
    "loss": ("sum of the losses of all moves", ""),
}


@dataclass(frozen=True)
class Run:
    """What a run left: its folder, `settings.json`, `metrics.json` (empty before the end) and rows of `history.csv`."""

    folder: Path
    stored: Mapping[str, Any]
    figures: Mapping[str, Any]
    rows: Sequence[Mapping[str, str]]

    @classmethod
    def of(cls, folder: FilePath) -> "Run":
        """Raises:
        FileNotFoundError: the folder holds no run. ValueError: a file of it is damaged.
        """
        folder = Path(folder)
        if not (folder / "settings.json").is_file():
            raise FileNotFoundError(f"There is no run in {str(folder)!r}: no settings.json. Give the folder of a run.")
        stored = read_json(
            folder / "settings.json",
            "the settings of a run",
            lambda content: {
                **content,
                "settings": {**content["settings"]},
                "versions": {**content.get("versions", {})},
                "backend": content.get("backend"),
                "program": content.get("program"),
            },
        )
        final = folder / "metrics.json"
        figures = read_json(final, "the figures of a run", lambda content: {**content}) if final.is_file() else {}
        return cls(folder, stored, figures, history.rows(folder / history.FILE))

    @property
    def name(self) -> str:
        return self.folder.resolve().name

    @property
    def settings(self) -> Mapping[str, Any]:
        return self.stored["settings"]

    @property
    def program(self) -> str:
        return self.stored.get("program") or "a training of one's own"

    @property
    def command(self) -> str:
        """What trains the same again."""
        return f"{self.program} --settings {self.name}/settings.json --output {self.name}-again"

    def samples(self) -> list[tuple[str, Path]]:
        """Pictures of samples over the run, at most `PICTURES`, each with its title."""
        files = sorted((self.folder / "samples").glob("samples-*.png"))
        if len(files) > PICTURES:
            files = [files[round(i * (len(files) - 1) / (PICTURES - 1))] for i in range(PICTURES)]
        return [(f"epoch {int(file.stem.split('-')[-1])}", file) for file in files]


def write(output: FilePath, folders: Sequence[FilePath]) -> None:
    """Write the page of a run, or of several side by side.

    It holds figures with what they mean, losses and figures over time, samples over time, real images and nearest neighbors where the
    folder has `real.png` and `neighbors.png`, settings, versions, and the command that repeats the run. Pictures are part of the file; it
    asks for nothing from anywhere.

    Args:
        output: of the page. folders: of runs, finished or not.

    Raises:
        FileNotFoundError: a folder without a run. ValueError: damaged files; no folder.
    """
    runs = [Run.of(folder) for folder in folders]
    if not runs:
        raise ValueError("A report needs a run. Give the folder of one, or of several.")
    title = " and ".join(run.name for run in runs) if len(runs) < 4 else f"{len(runs)} runs"
    parts = [
        f"<h1>{_text(title)}</h1>",
        f"<p>{_text(', '.join(dict.fromkeys(run.program for run in runs)))}</p>",
        _unfinished(runs),
        *(_memorized(run) for run in runs),
        _section("Samples", _over_time(runs) + _beside(runs)),
        _section("Figures", _figures(runs)),
        _section("Over time", _curves(runs)),
        _section("Settings", _settings(runs)),
        _section("Again", "".join(f"<pre>{_text(run.command)}</pre>" for run in runs if run.stored["program"])),
    ]
    page = _PAGE.replace("TITLE", _text(title)).replace("BODY", "\n".join(part for part in parts if part))
    atomic_write(output, lambda path: Path(path).write_text(page, encoding="utf-8"))


def _text(value: Any) -> str:
    return html.escape(str(value))


def _section(title: str, content: str) -> str:
    return f"<section><h2>{title}</h2>\n{content}\n</section>" if content else ""


def _image(png: bytes, about: str) -> str:
    data = base64.b64encode(png).decode("ascii")
    return f'<img alt="{_text(about)}" src="data:image/png;base64,{data}">'


def _figure(picture: str, caption: str) -> str:
    return f"<figure>{picture}<figcaption>{_text(caption)}</figcaption></figure>"


def _unfinished(runs: Sequence[Run]) -> str:
    waiting = [run.name for run in runs if not run.figures]
    return f"<p class=note>Not finished: {_text(', '.join(waiting))}. Figures are of the last epoch.</p>" if waiting else ""


def _memorized(run: Run) -> str:
    """Whether samples lie nearer to what was trained on than held-out images do."""
    near = [float(value) for name, value in run.figures.items() if name.partition("[")[0] == "nearest_trained_on"]
    if not near or not near[-1] < 1.0:
        return ""
    return (
        f"<p class=note>{_text(run.name)}: samples lie nearer to the images trained on than held-out images do, at {near[-1]:.2g} of "
        "their distance. Far below 1 they are memorized: compare them with their neighbors below.</p>"
    )


def _over_time(runs: Sequence[Run]) -> str:
    """A slider for each run, with its pictures behind one another; without scripts, the last."""
    blocks = []
    for run in runs:
        shown = run.samples()
        if (run.folder / "samples.png").is_file():
            shown.append(("at the end", run.folder / "samples.png"))
        if not shown:
            continue
        last = len(shown) - 1
        images = "".join(
            f"<div data-step={i}{'' if i == last else ' hidden'}>{_image(file.read_bytes(), f'samples, {about}')}"
            f"<p>{_text(about)}</p></div>"
            for i, (about, file) in enumerate(shown)
        )
        slider = f'<input type=range min=0 max={last} value={last} aria-label="samples over time">' if last else ""
        heading = f"<h3>{_text(run.name)}</h3>" if len(runs) > 1 else ""
        blocks.append(f"<div class=film>{heading}{images}{slider}</div>")
    return f"<div class=row>{''.join(blocks)}</div>" if blocks else ""


def _beside(runs: Sequence[Run]) -> str:
    named = {
        "real.png": "real images, held out from the training",
        "neighbors.png": "samples (left) and the nearest images that were trained on",
    }
    found = [
        _figure(_image((run.folder / name).read_bytes(), about), f"{run.name}: {about}" if len(runs) > 1 else about)
        for name, about in named.items()
        for run in runs
        if (run.folder / name).is_file()
    ]
    return f"<div class=row>{''.join(found)}</div>" if found else ""


def meaning(name: str) -> tuple[str, str]:
    """What a figure of that name means, and which way is better; empty where nobody knows."""
    figure = name.partition("[")[0]
    for known in (figure, *(one for one in MEANINGS if "*" in one and fnmatchcase(figure, one))):
        if known in MEANINGS:
            return MEANINGS[known]
    move, slash, term = name.partition("/")
    return (
        (f"{term} in the loss of the move {move}, or what that move reports; mean of the last epoch", "") if slash else ("", "")
    )


def _number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "" if value is None else str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose first column are names, which may say in brackets what was measured by."""

    def named(cell: str) -> str:
        name, bracket, by = cell.partition("[")
        return f"<th>{_text(name)}<small>{_text(bracket + by)}</small></th>"

    cells = "".join(f"<th>{_text(cell)}</th>" for cell in head)
    lines = "".join(
        "<tr>" + named(first) + "".join(f"<td>{_text(cell)}</td>" for cell in rest) + "</tr>" for first, *rest in rows
    )
    return f"<div class=scroll><table><thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table></div>"


def _last(run: Run) -> Mapping[str, Any]:
    if run.figures or not run.rows:
        return run.figures
    return history.numbers(run.rows[-1])


def _figures(runs: Sequence[Run]) -> str:
    """Figures of merit first, then what losses came to."""
    values = [_last(run) for run in runs]
    names = sorted(dict.fromkeys(name for one in values for name in one), key=lambda name: ("[" not in name, "/" in name))
    rows = []
    for name in names:
        about, better = meaning(name)
        rows.append([name, *(_number(one.get(name)) for one in values), f"{about}; {better}" if better else about])
    return _table(["figure", *(run.name if len(runs) > 1 else "value" for run in runs), "meaning"], rows) if rows else ""


def _curves(runs: Sequence[Run]) -> str:
    drawn = history.draw({run.name: run.rows for run in runs})
    if drawn is None:
        return ""
    content = io.BytesIO()
    drawn.savefig(content, format="png")
    return _figure(_image(content.getvalue(), "losses and figures by epoch"), "means of each epoch")


def _settings(runs: Sequence[Run]) -> str:
    """What differs first; then what runs share."""
    values = [{**run.settings, "backend": run.stored["backend"], **run.stored["versions"]} for run in runs]
    names = list(dict.fromkeys(name for one in values for name in one))

    def shown(value: Any) -> str:
        return "" if value is None else value if isinstance(value, str) else json.dumps(value)

    rows = [[name, *(shown(one.get(name)) for one in values)] for name in names]
    rows.sort(key=lambda row: len(set(row[1:])) < 2)
    return _table(["setting", *(run.name if len(runs) > 1 else "value" for run in runs)], rows)


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>TITLE</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; }
h2 { font-size: 1.2rem; border-bottom: 1px solid #8886; padding-bottom: .2rem; margin-top: 2rem; }
h3 { font-size: 1rem; margin: 0 0 .4rem; }
.row { display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: flex-start; }
.film { flex: 1 1 18rem; min-width: 0; }
.film p, figcaption { color: #777; margin: .3rem 0; }
.film input { width: 100%; max-width: 40rem; }
figure { margin: 1rem 0; flex: 1 1 18rem; min-width: 0; }
img { max-width: 100%; height: auto; image-rendering: pixelated; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; overflow-wrap: normal; }
th, td { text-align: left; vertical-align: top; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid #8883; }
tbody th { font-weight: normal; }
small { display: block; color: #777; }
pre { background: #8882; padding: .7rem; overflow-x: auto; }
.note { background: #fc06; padding: .5rem .8rem; }
</style>
</head>
<body>
BODY
<script>
for (const film of document.querySelectorAll(".film")) {
  const slider = film.querySelector("input");
  if (slider) slider.addEventListener("input", () => {
    for (const step of film.querySelectorAll("[data-step]")) step.hidden = step.dataset.step !== slider.value;
  });
}
</script>
</body>
</html>
"""
