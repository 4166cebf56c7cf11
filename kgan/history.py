"""`history.csv` of a run: a row an epoch, a column a figure; written while it trains, read again, drawn."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from kgan import pictures
from kgan.files import atomic_write, reading
from kgan.types import Logs

FILE = "history.csv"
Rows = Sequence[Mapping[str, str]]


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a history, checked to be numbers, or NA where an epoch has none; of a file that is not there, none.

    Raises:
        ValueError: a damaged file.
    """
    if not path.exists():
        return []
    with reading(path, "the history of a run"), open(path, newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file, strict=True))
        for row in found:
            int(row["epoch"])
            numbers(row)
    return found


def numbers(row: Mapping[str, str]) -> dict[str, float]:
    """The figures that a row has."""
    # Keras writes NA for what the last epoch did not log.
    return {k: float(v) for k, v in row.items() if k != "epoch" and v != "NA"}


def last(path: Path) -> dict[str, float]:
    """The figures of the last row."""
    found = rows(path)
    return numbers(found[-1]) if found else {}


def trim(path: Path, start: int) -> None:
    """Drop the rows of epochs that will be trained again: a run killed after its last checkpoint wrote them once."""
    found = rows(path)
    kept = [row for row in found if int(row["epoch"]) < start]
    if found and len(kept) < len(found):

        def write(temporary: str) -> None:
            with open(temporary, "w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, found[0].keys())
                writer.writeheader()
                writer.writerows(kept)

        atomic_write(path, write) if kept else path.unlink()


class History(keras.callbacks.Callback):
    """Writes the file while a model trains. A figure that comes later adds its column."""

    def __init__(self, path: Path, start: int) -> None:
        super().__init__()
        self.path = path
        if not start:
            path.unlink(missing_ok=True)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        found = rows(self.path)
        row = {"epoch": str(epoch), **{name: str(value) for name, value in sorted((logs or {}).items())}}
        columns = list(dict.fromkeys([*(found[0] if found else ()), *row]))
        whole = not found or len(columns) > len(found[0])

        def write(path: str, mode: str = "w") -> None:
            with open(path, mode, newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, columns, restval="NA")
                if whole:
                    writer.writeheader()
                writer.writerows([*found, row] if whole else [row])

        atomic_write(self.path, write) if whole else write(str(self.path), "a")


def draw(histories: Mapping[str, Rows]) -> Any:
    """Curves over epochs: of one run a panel for each move, with its terms, and below them one for each other figure; of several a panel
    for each column, with a curve for each run.

    Args:
        histories: names of runs to their rows.

    Returns:
        A matplotlib figure; None where there is nothing to draw.
    """
    panels: dict[str, list[tuple[str, str]]] = {}  # titles to runs and their columns
    for run, found in histories.items():
        for key in found[0] if found else ():
            if key not in ("epoch", "loss") and not key.startswith("learning_rate") and any(row[key] != "NA" for row in found):
                move, slash, _ = key.removeprefix("val_").partition("/")
                panels.setdefault(move if slash and len(histories) == 1 else key, []).append((run, key))
    if not panels:
        return None
    # Moves first: their terms are named MOVE/TERM.
    names = sorted(panels, key=lambda name: "/" not in panels[name][0][1])
    drawn, axes = pictures.figure(8.0, 0.6 + 2.4 * len(names), rows=len(names))
    epochs = [int(row["epoch"]) + 1 for found in histories.values() for row in found]
    for axis, name in zip(axes[:, 0], names, strict=True):
        curves = panels[name]
        for (run, key), color in zip(curves, pictures.distinct_colors(len(curves)), strict=True):
            there = [(int(row["epoch"]) + 1, float(row[key])) for row in histories[run] if row[key] != "NA"]
            label = run if len(histories) > 1 else key
            axis.plot(*zip(*there, strict=True), color=color, marker="." if len(there) < 20 else None, label=label)
        of_a_move = len(histories) == 1 and "/" in curves[0][1]
        axis.set_title(f"{name}: its losses and what it reports" if of_a_move else name, loc="left", fontsize="medium")
        axis.grid(alpha=0.3)
        axis.set_xlim(min(epochs) - 0.5, max(epochs) + 0.5)
        axis.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        axis.set_ylabel("mean of the epoch")
        if of_a_move or len(histories) > 1:
            axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize="small", frameon=False)
    axes[-1, 0].set_xlabel("epoch")
    return drawn
