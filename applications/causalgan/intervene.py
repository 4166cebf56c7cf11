"""Pictures of interventions above pictures of conditions, from a trained run of train.py, and what both do to the labels."""

from pathlib import Path
from typing import Annotated

import typer

import kgan
from kgan import pictures, runs
from kgan.files import write_json

LABELS = 100_000


def intervene(model, node, value, columns, seed):
    """Images under `do` and under the condition, a dict of rows, and the shares of all labels under both."""
    asked = {node: value}
    rows = {f"do {node}={value}": model.sample(columns, do=asked, seed=seed)[0]}
    shares = {"do": _shares(model.controller.sample(LABELS, do=asked, seed=seed))}
    try:
        accepted = model.controller.sample(LABELS // 10, condition=asked, seed=seed)
    except ValueError as error:
        # A label that never occurs can be set, not observed.
        print(f"{node}={value} cannot be conditioned on: {error}")
        return rows, {**shares, "condition": None}
    rows[f"given {node}={value}"], _ = model.sample(columns, condition=asked, seed=seed)
    shares |= {"condition": _shares(accepted), "acceptance_rate": accepted.acceptance_rate}
    return rows, shares


def _shares(samples):
    return {node: float(values.mean()) for node, values in samples.items()}


def main(
    run: Annotated[
        str, typer.Argument(help="folder of a run of train.py; default runs/causalgan, or the preset where that is not there")
    ] = "",
    label: Annotated[
        list[str] | None, typer.Option(help="Label=0 or =1; may be repeated. Default: =1 for all that have causes")
    ] = None,
    output: Annotated[str | None, typer.Option(help="folder; default: interventions/ in the run")] = None,
    columns: Annotated[int, typer.Option(min=1, help="images in a row")] = 10,
    seed: Annotated[int, typer.Option(help="of noise and labels")] = 0,
):
    """Write `<label>=<value>.png` (two rows of images: do above, condition below) and `metrics.json` with the shares of all labels."""

    def act():
        home = runs.folder_of(run, "runs/causalgan", "causalgan-faces", part="images")
        model = runs.load(home / "images", kgan.CausalGAN, kgan.CausalBEGAN)
        graph = model.graph
        wanted = [_assignment(text, graph) for text in label or []] or [(n, 1) for n in graph.nodes if graph.parents[n]]
        folder = Path(output) if output else home / "interventions"
        folder.mkdir(parents=True, exist_ok=True)
        title = f"{type(model).__name__}: what is set above what is observed"
        figures = {"observed": _shares(model.controller.sample(LABELS, seed=seed))}
        for node, value in wanted:
            rows, shares = intervene(model, node, value, columns, seed)
            pictures.save_rows(folder / f"{node}={value}.png", rows, title, clip=True)
            figures[f"{node}={value}"] = shares
            print(f"{node}={value}: {folder / f'{node}={value}.png'}")
            for name, share in shares["do"].items():
                beside = "" if shares["condition"] is None else f", {shares['condition'][name]:.3f} conditioned"
                print(f"  P({name}) {figures['observed'][name]:.3f} observed, {share:.3f} under do{beside}")
        write_json(folder / "metrics.json", figures)

    runs.guarded(act)


def _assignment(text, graph):
    name, equals, value = text.rpartition("=")
    if not equals or value not in ("0", "1"):
        raise ValueError(f"--label takes Label=0 or Label=1. Received: {text!r}.")
    graph.index(name)
    return name, int(value)


if __name__ == "__main__":
    typer.run(main)
