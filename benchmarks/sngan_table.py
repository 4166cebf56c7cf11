"""The table of spectral normalization (Miyato et al. 2018, 1802.05957, Table 2): every row under every setting.

The residual rows run under the same settings at constant rates; the paper's own run of theirs, with its falling rate, is
`applications/sngan/train.py --architecture resnet --setting resnet`. The default trains dense networks on scikit-learn's digits,
and small residual ones for the rows of those, on two cores. On MNIST and Fashion-MNIST the networks are the paper's convolutional ones at a
fraction of their width, and the judges that come with kgan give the figures, where there is something to convolve:

    python -m benchmarks.sngan_table --dataset fashion_mnist --output runs/table-fashion

The paper's own protocol (CIFAR-10, 100,000 generator updates, 50,000
samples), with the original Inception network for scores:

    python -m benchmarks.sngan_table --dataset tfds:cifar10 --inception classify_image_graph_def.pb --output runs/table-cifar10
"""

import itertools
import json
import math
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

# Sizes: (generator updates of the standard rows, of the residual rows, width of convolutional networks).
_SMALL = (1300, 400, 0.0625)
_JUDGED = (2000, 1000, 0.125)
_PAPER = (100_000, 50_000, 1.0)
_COUNT = 1000  # samples that a judge sees


def main(
    output: Annotated[str, typer.Option(help="folder of the table; finished cells in it are kept")] = "runs/sngan-table",
    dataset: Annotated[str, typer.Option(help="digits, mnist, fashion_mnist; or tfds:<name>, with --inception")] = "digits",
    image_size: Annotated[int | None, typer.Option(min=8, help="resize images to this many pixels")] = None,
    inception: Annotated[str, typer.Option(help="the original Inception graph, classify_image_graph_def.pb")] = "",
    rows: Annotated[str, typer.Option(help="separated by /, such as 'SN/weight norm'; default all")] = "",
    settings: Annotated[str, typer.Option(help="some of ABCDEF")] = "ABCDEF",
    seeds: Annotated[int, typer.Option(min=1, help="runs per cell")] = 2,
    updates: Annotated[
        int | None,
        typer.Option(min=1, help="generator updates; default 1300 (residual rows 400), 2000 (1000) of 28 pixels, or the paper's"),
    ] = None,
    width: Annotated[
        float | None, typer.Option(help="factor of channel counts; default 1/16 on digits, 1/8 of 28 pixels, else 1")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="processes")] = 2,
    smoke: Annotated[bool, typer.Option("--smoke", help="a few updates of every row, to see that everything runs")] = False,
):
    """Train every row of the table and print it, mean and spread over seeds, as Markdown and as a picture."""
    from benchmarks.sngan_rows import ROWS
    from kgan import runs
    from kgan.families.sngan import SETTINGS

    def work():
        chosen = [r.strip() for r in rows.split("/")] if rows else list(ROWS)
        for kind, given, known in (("--rows", chosen, list(ROWS)), ("--settings", settings, "ABCDEF")):
            if unknown := [g for g in given if g not in known]:
                raise ValueError(f"{kind} has no {unknown}; known: {', '.join(known)}")
        judged = _judge(dataset) is not None
        standard, residual, default_width = _SMALL if dataset == "digits" else _JUDGED if judged else _PAPER
        if not judged and not inception:
            raise ValueError(
                "Data without a judge of their own are scored with --inception, the file of the original Inception network."
            )
        plan = {
            "dataset": dataset,
            "image_size": image_size or (32 if judged and dataset != "digits" else None),
            "inception": inception,
            "updates": {"standard": updates or standard, "residual": updates or residual},
            "width": width or default_width,
            "smoke": smoke,
        }
        if smoke:
            plan["updates"] = {"standard": 2, "residual": 2}
        folder = Path(output)
        _claim(folder, plan)
        # Settings that share betas and steps share one traced step: they are the work of one process, one after the other.
        ordered = sorted(settings, key=lambda s: SETTINGS[s][1:])
        groups = ["".join(g) for _, g in itertools.groupby(ordered, key=lambda s: SETTINGS[s][1:])]
        tasks = [(row, group, seeds, plan, str(folder)) for row in chosen for group in groups]
        _run(tasks, jobs, folder, len(chosen) * len(settings) * seeds)
        _report(folder, chosen, settings, seeds, plan)

    runs.guarded(work)


def _judge(dataset):
    """The name of the judge that comes with kgan for a data set; None where there is none."""
    from kgan import metrics

    name = metrics.extractor_name_of(dataset, (32, 32, 1))
    return None if name == "random-conv" else name


def _claim(folder, plan):
    """Take the folder, new or holding the same table."""
    from kgan.files import write_json
    from kgan.runs import RunError

    path = folder / "settings.json"
    if path.exists() and json.loads(path.read_text()) != plan:
        raise RunError(f"{folder} holds a table with other settings. Use them to go on, or choose another --output.")
    (folder / "cells").mkdir(parents=True, exist_ok=True)
    write_json(path, plan)


def _cell(folder, row, setting, seed):
    return Path(folder) / "cells" / f"{row.replace(',', '').replace(' ', '-')}_{setting}_{seed}.json"


def _run(tasks, jobs, folder, total):
    began, before = time.time(), len(list((folder / "cells").glob("*.json")))
    threads = str(max(1, (os.cpu_count() or 1) // jobs))
    for variable in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(variable, threads)

    def report(row, group):
        done = len(list((folder / "cells").glob("*.json")))
        rate = (time.time() - began) / max(1, done - before)
        print(f"[{done}/{total}] {row}, {'/'.join(group)}; about {(total - done) * rate / 60:.0f} min to go", flush=True)

    if jobs == 1:
        for task in tasks:
            report(*_train_group(*task))
        return
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = [pool.submit(_train_group, *task) for task in tasks]
        try:
            for future in as_completed(futures):
                report(*future.result())
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _train_group(row, group, seeds, plan, folder):
    """Train one row under settings that differ in their rate alone. Runs in a process of its own."""
    import keras

    import kgan
    from benchmarks import sngan_rows
    from kgan.families.sngan import SETTINGS
    from kgan.files import write_json

    cells = [(s, seed) for s in group for seed in range(seeds) if not _cell(folder, row, s, seed).exists()]
    if not cells:
        return row, group
    residual = sngan_rows.ROWS[row].residual
    vectors = plan["dataset"] == "digits" and not residual
    architecture = "dense" if vectors else "cnn"
    data, shape = _data(plan, vectors)
    model = None
    for setting, seed in cells:
        keras.utils.set_random_seed(seed)
        fresh = sngan_rows.build(row, setting, shape, architecture, plan["width"], seed=seed)
        model = fresh if model is None else reset(model, fresh)
        for move in ("discriminator", "generator"):
            model.optimizer[move].learning_rate = SETTINGS[setting].learning_rate
        updates = plan["updates"]["residual" if residual else "standard"]
        try:
            _fit(model, data, updates)
            figures = {**_score(model, plan, vectors, seed), "lag": sngan_rows.lag(model)}
        except kgan.DivergenceError as error:
            figures = {"diverged": str(error).splitlines()[0]}
        write_json(_cell(folder, row, setting, seed), {"row": row, "setting": setting, "seed": seed, **figures})
    return row, group


def reset(model, fresh):
    """Put a trained model into the state of a fresh one of the same form, so that its traced step serves again."""
    model.set_weights(fresh.get_weights())
    for old, new in zip(model.optimizer.variables, fresh.optimizer.variables, strict=True):
        old.assign(new)
    for stream in ("seed_generator", "evaluation_noise", "generation_noise"):
        getattr(model, stream).state.assign(getattr(fresh, stream).state)
    model.seed, model.epochs_played = fresh.seed, fresh.epochs_played
    return model


def _data(plan, vectors):
    """Training data: an array or a data set, and the shape of one example."""
    import kgan

    if plan["dataset"] == "digits":
        images, _ = kgan.datasets.arrays("digits", "train", plan["image_size"])
        data = (images.reshape(len(images), -1) + 1) / 2 if vectors else images
        return data, data.shape[1:]
    dataset = kgan.datasets.load(plan["dataset"], "train", 64, plan["image_size"], dequantize=True)
    return dataset, tuple(dataset.element_spec.shape[1:])


def _fit(model, data, updates):
    if hasattr(data, "element_spec"):
        rounds = int(data.cardinality()) // model.discriminator_steps
        limit = {"steps_per_epoch": updates} if updates < rounds else {}
        model.fit(data, epochs=math.ceil(updates / rounds), verbose=0, **limit)
        return
    # Few long epochs: a small set passed over hundreds of times would spend its time between epochs.
    examples = updates * 64 * model.discriminator_steps
    epochs = min(updates, 10)
    passes = math.ceil(examples / epochs / len(data))
    model.fit(
        np.concatenate([data] * passes), batch_size=64, epochs=epochs, steps_per_epoch=math.ceil(updates / epochs), verbose=0
    )


def _score(model, plan, vectors, seed):
    import kgan

    if (judge := _judge(plan["dataset"])) is not None and not plan["inception"]:
        real, _ = kgan.datasets.arrays(plan["dataset"], "test", plan["image_size"])
        real = real if plan["dataset"] == "digits" else real[:_COUNT]
        samples = model.generate(len(real), seed=seed)
        samples = 2 * samples.reshape(-1, *real.shape[1:]) - 1 if vectors else samples
        figures = kgan.metrics.sample_report(real, samples, kgan.metrics.extractor(judge))
        kinds = {"distance": "frechet_distance", "score": "class_score"}
        return {k: next(v for n, v in figures.items() if n.startswith(f"{kind}[")) for k, kind in kinds.items()}
    # The paper's protocol: 50,000 samples in ten splits; 10,000 real images against 5,000 generated ones.
    extractor = kgan.metrics.InceptionFeatures(plan["inception"])
    samples = model.generate(100 if plan["smoke"] else 50_000, seed=seed)
    real, _ = kgan.datasets.arrays(plan["dataset"], "train", plan["image_size"])
    score, spread = kgan.metrics.class_score(extractor.probabilities(samples), splits=10)
    distance = kgan.metrics.frechet_distance(extractor.features(real[:10_000]), extractor.features(samples[:5000]))
    return {"distance": distance, "score": score, "score_spread": spread, "extractor": extractor.name}


def _report(folder, rows, settings, seeds, plan):
    """table.md, printed, and table.png."""
    from benchmarks.sngan_rows import ROWS
    from kgan.files import atomic_write

    cells = {}
    for row in rows:
        for setting in settings:
            found = [_cell(folder, row, setting, seed) for seed in range(seeds)]
            cells[row, setting] = [json.loads(path.read_text()) for path in found if path.exists()]
    titles = {"distance": "Frechet digit distance (n=899; lower is better)", "score": "Digit score (10 is the most)"}
    if plan["dataset"] != "digits":
        judge = _judge(plan["dataset"])
        titles = {
            "distance": f"Frechet distance ({judge}, n={_COUNT}; lower is better)",
            "score": f"Class score ({judge}, n={_COUNT})",
        }
    if plan["inception"]:
        titles = {"distance": "FID (10,000 real, 5,000 generated)", "score": "Inception Score"}
    lines = [f"# {plan['dataset']}: {plan['updates']['standard']} generator updates, residual rows {plan['updates']['residual']}"]
    for kind, title in titles.items():
        column = 2 if kind == "distance" else 0
        paper = "FID, CIFAR-10 (paper)" if kind == "distance" else "IS, CIFAR-10 (paper)"
        lines += ["", f"## {title}: mean (spread over {seeds} seeds)", ""]
        lines += [f"| row | {' | '.join(settings)} | {paper} |", "| --- " * (len(settings) + 2) + "|"]
        for row in rows:
            texts = [_text([c.get(kind) for c in cells[row, s]]) for s in settings]
            lines.append(f"| {row} | {' | '.join(texts)} | {ROWS[row].published[column] or '-'} |")
    lines += _lags(cells, rows, settings)
    text = "\n".join(lines) + "\n"
    atomic_write(folder / "table.md", lambda temporary: Path(temporary).write_text(text))
    print("\n" + text)
    means = np.asarray([[_mean([c.get("distance") for c in cells[r, s]]) for s in settings] for r in rows])
    published = np.asarray([ROWS[r].published[2] or np.nan for r in rows], float)
    _draw(folder / "table.png", rows, settings, means, published, titles["distance"])
    print(f"Table in {folder / 'table.md'}, picture in {folder / 'table.png'}, cells in {folder / 'cells'}")


def _lags(cells, rows, settings):
    """How far the estimates of the spectral norms lie behind, layer by layer, where a row normalizes them; means over seeds."""
    lines = []
    for row in rows:
        found = [[cell["lag"] for cell in cells[row, s] if cell.get("lag")] for s in settings]
        if any(found):
            texts = [" ".join(f"{100 * lag:.1f}" for lag in np.mean(of, axis=0)) if of else "-" for of in found]
            lines.append(f"| {row} | {' | '.join(texts)} |")
    if not lines:
        return []
    title = "## Lag of the power iteration at the end, % of the norm, layer by layer: mean"
    return ["", title, "", f"| row | {' | '.join(settings)} |", "| --- " * (len(settings) + 1) + "|", *lines]


def _mean(values):
    values = [math.inf if v is None else v for v in values]
    return sum(values) / len(values) if values else math.nan


def _text(values):
    if not values:
        return "-"
    good = [v for v in values if v is not None]
    if len(good) < len(values):
        return "diverged"
    spread = max(good) - min(good)
    return f"{_mean(good):.2f} ({spread:.2f})" if len(good) > 1 else f"{good[0]:.2f}"


def _draw(path, rows, settings, means, published, title):
    """Rows by settings as a map in logarithmic colors, the paper's own figures as bars beside it."""
    from kgan import pictures

    figure, axes = pictures.figure(10.0, 0.45 * len(rows) + 1.5, columns=2)
    left, right = axes[0]
    shown = np.log10(np.where(np.isfinite(means), means, np.nan))
    left.imshow(shown, aspect="auto", cmap="viridis_r")
    for (i, j), value in np.ndenumerate(means):
        left.text(j, i, f"{value:.3g}" if np.isfinite(value) else "-", ha="center", va="center", color="white", fontsize="small")
    left.set_xticks(range(len(settings)), list(settings))
    left.set_yticks(range(len(rows)), rows)
    left.set_title(title, fontsize="small")
    right.barh(range(len(rows)), np.nan_to_num(published))
    right.set_yticks(range(len(rows)), [""] * len(rows))
    right.set_ylim(len(rows) - 0.5, -0.5)
    right.set_title("FID on CIFAR-10 in the paper, best setting", fontsize="small")
    pictures.save_figure(path, figure)


if __name__ == "__main__":
    typer.run(main)
