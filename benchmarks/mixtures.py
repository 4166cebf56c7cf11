"""The arena of mode collapse: families side by side on the synthetic sets of the papers, with one pair of networks per set.

Tasks: `ring` (8 modes) and `grid` (25) in the plane, `gaussian1200` (10 modes in 1200 dimensions), `stacked` (three random digits as the
channels of an image, 1,000 modes, a digit classifier as judge), `stacked_mnist` (the same of MNIST's digits, at the papers' 28x28 with
their convolutional networks). On a task all families get the same generator, the same discriminator,
minibatches of one size and equally many generator updates; what a family's paper adds (encoder, kernels, unrolling, components) is
added. Prints one JSON line per run and writes to the output folder

- `<task>/<family>-<seed>.json` and `.npz`: figures and samples of a run; a run that has its figures is not trained again,
- `<task>.png`: samples over time, a row per family,
- `table.md`: modes, share of high quality and KL, beside the figures that the papers print.

    python -m benchmarks.mixtures --task ring grid --families GAN UnrolledGAN VEEGAN MMDGAN --seeds 0 1 2 --output runs/arena
    python -m benchmarks.mixtures --task stacked_mnist --families GAN UnrolledGAN VEEGAN ALI WGANGP SNGAN --output runs/arena
"""

import argparse
import json
import math
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import keras
import numpy as np

import kgan
from benchmarks.arena_sets import tasks, with_outputs
from kgan import pictures
from kgan.engine.game import minibatches_per_round
from kgan.files import atomic_write, write_json

DEFAULT_FAMILIES = ("GAN", "UnrolledGAN", "VEEGAN", "MMDGAN")
TIMES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1)
"""When samples are looked at, in parts of the whole training."""
PARTS = round(1 / min(TIMES))
VALUES_AT_ONCE = 2**25
"""Numbers of training data drawn at once: 128 MB."""
SMOKE_STEPS = 16


# The families ------------------------------------------------------------------------------------------------------------


class UnknownFamilyError(Exception):
    """A family that kgan does not have."""


def family(name):
    """The class of that name."""
    found = getattr(kgan, name, None)
    if not (isinstance(found, type) and issubclass(found, keras.Model)):
        known = sorted(n for n in kgan.__all__ if isinstance(f := getattr(kgan, n), type) and issubclass(f, keras.Model))
        raise UnknownFamilyError(f"kgan has no family {name!r}. It has {', '.join(known)}.")
    return found


def _plain(name, task, seed, **kwargs):
    """Most families: their game, played by the networks of the task."""
    made = {"generator": task.generator(), "discriminator": task.discriminator(), "seed": seed, **kwargs}
    return family(name)(task.shape, **{name: value for name, value in made.items() if value is not None})


def _spectral(name, task, seed):
    def normalizer(layer):
        return kgan.layers.SpectralNormalization(layer, name=f"{layer.name}_sn")

    return _plain(name, task, seed, discriminator=task.discriminator(normalizer))


def _pairs(name, task, seed, extra_noise=0, outputs=1, **kwargs):
    """Families with an encoder: a discriminator of examples and codes."""
    code_size = task.latent_size - extra_noise
    made = {"encoder": task.encoder(outputs * code_size), "discriminator": task.pair_discriminator(code_size)}
    return _plain(name, task, seed, extra_noise=extra_noise, **made, **kwargs)


def _kernels(name, task, seed):
    """The discriminator with 16 outputs as the encoder, clipped at 0.1; no long phases."""
    encoder = with_outputs(task.discriminator(), 16, "encoder")
    made = {"encoder": encoder, "decoder": task.decoder(16), "discriminator": None}
    return _plain(name, task, seed, clip=0.1, warmup=None, **made)


def _ensemble(name, task, seed):
    """Five generators against one discriminator."""
    made = {"generator": [task.generator() for _ in range(5)], "discriminator": [task.discriminator()]}
    return _plain(name, task, seed, prior=kgan.priors.Normal(), data_size=100_000, **made)


BUILD = {
    "ALI": lambda *row: _pairs(*row, outputs=2),
    "BayesianGAN": _ensemble,
    "BiGAN": lambda *row: _pairs(*row, prior=kgan.priors.Normal()),
    "MMDGAN": _kernels,
    "SNGAN": _spectral,
    "UnrolledGAN": lambda *row: _plain(*row, steps=5),
    "VEEGAN": lambda *row: _pairs(*row, extra_noise=1),
    "WGANGP": lambda name, task, seed: _plain(name, task, seed, discriminator=task.critic()),
}
"""How a family is built where `_plain` does not do: `(name, task, seed) -> model`."""

OWN_OPTIMIZERS = {
    "BayesianGAN": None,
    "ConsensusGAN": None,
    # At 5e-4, the rate of its proof on a ring, the generator runs off the grid within 1,000 steps.
    "MMDGAN": lambda: keras.optimizers.RMSprop(1e-4, rho=0.99, epsilon=1e-16),
    "WGAN": None,
}
"""Families whose games need other optimizers than the task's Adam: a function that makes one, or None for the paper's."""


def build(name, task, seed, steps_per_execution=1):
    """A family with the networks and the optimizers of a task, compiled."""
    keras.utils.set_random_seed(seed)
    model = BUILD.get(name, _plain)(name, task, seed)
    make = OWN_OPTIMIZERS.get(name, task.optimizer)
    optimizers = {move: make() for move in model.default_optimizers()} if make else None
    model.compile(optimizers, steps_per_execution=steps_per_execution)
    return model


def _finite(figures):
    """Figures as JSON knows them: no share of high quality gives an infinite divergence, here None."""
    return {name: None if value == math.inf else value for name, value in figures.items()}


# One run -----------------------------------------------------------------------------------------------------------------


def snapshots(steps):
    """The rounds after which samples are looked at."""
    return [round(steps * part) for part in TIMES]


def train(name, task, seed, steps, observe):
    """Train a family on fresh examples; `observe(step, samples)` sees the samples of every moment."""
    moments = snapshots(steps)
    at_once = next(n for n in range(min(100, moments[0]), 0, -1) if moments[0] % n == 0)
    model = build(name, task, seed, at_once)
    per_round = task.batch_size * minibatches_per_round(model.turns())
    longest = max(at_once, VALUES_AT_ONCE // (per_round * math.prod(task.shape)) // at_once * at_once)
    done = 0
    for moment in moments:
        while done < moment:
            rounds = min(longest, moment - done)
            examples = task.sample(rounds * per_round, np.random.SeedSequence([seed, done]))
            model.fit(examples, batch_size=task.batch_size, verbose=0)
            done += rounds
        observe(moment, model.generate(task.count, seed=seed))


def run(task_name, name, seed, steps, folder):
    """Train, judge and keep one family on one task. A finished run is read, not repeated.

    Returns:
        its JSON line.

    Raises:
        ValueError: the folder holds this run with another number of steps.
    """
    place = Path(folder) / task_name
    path = place / f"{name}-{seed}.json"
    if path.exists():
        line = json.loads(path.read_text())
        if line["steps"] != steps:
            raise ValueError(f"{path} holds a run of {line['steps']} steps, not {steps}. Choose another --output, or delete it.")
        return line
    place.mkdir(parents=True, exist_ok=True)
    task, began, course, views = tasks()[task_name], time.time(), [], {}

    def observe(step, samples):
        course.append({"step": step, **_finite(task.judge(samples))})
        views[str(step)] = task.view(samples)

    line = {"benchmark": "mixtures", "task": task_name, "family": name, "seed": seed, "steps": steps}
    try:
        train(name, task, seed, steps, observe)
    except kgan.DivergenceError as error:
        line["diverged"] = str(error).splitlines()[0]
    figures = {"modes": 0, "filled": 0, "high_quality": 0.0, "kl": None} if "diverged" in line else course[-1]
    line |= {k: v for k, v in figures.items() if k != "step"}
    line |= {"of": task.modes, "seconds": round(time.time() - began), "course": course}
    atomic_write(path.with_suffix(".npz"), lambda temporary: np.savez_compressed(temporary, **views))
    write_json(path, line)  # last: a run with figures is finished
    return line


# Table and pictures ------------------------------------------------------------------------------------------------------

PUBLISHED = {
    "ring": {"GAN": "1, 99.3 %", "ALI": "2.8, 0.13 %", "UnrolledGAN": "7.6, 35.6 %", "VEEGAN": "8, 52.9 %"},
    "grid": {"GAN": "3.3, 0.5 %", "ALI": "15.8, 1.6 %", "UnrolledGAN": "23.6, 16 %", "VEEGAN": "24.6, 40 %"},
    "gaussian1200": {"GAN": "1.6, 2.0 %", "ALI": "3, 5.4 %", "UnrolledGAN": "0, 0.0 %", "VEEGAN": "5.5, 28.3 %"},
    "stacked": {"GAN": "99, KL 3.4", "ALI": "16, KL 5.4", "UnrolledGAN": "48.7, KL 4.32", "VEEGAN": "150, KL 2.95"},
}
"""Modes and share of high quality, or KL, of VEEGAN's paper (1705.07761, Tables 1 and 2): other networks, many more steps, and for the
stacks 28x28 digits of all of MNIST and convolutional networks (its GAN there is a DCGAN)."""
PUBLISHED["stacked_mnist"] = PUBLISHED["stacked"]


def _mean(values, text):
    values = [v for v in values if v is not None]
    return text.format(sum(values) / len(values)) if values else "-"


def table(lines):
    """The Markdown table of each task: modes per seed (by the papers' rule, and filled), means of the rest, what VEEGAN's paper prints."""
    for task in dict.fromkeys(line["task"] for line in lines):
        here = [line for line in lines if line["task"] == task]
        further = sorted(k for k in here[0] if ("@" in k and not k.startswith("kl")) or k in ("confident", "sure"))
        seeds = ", ".join(str(s) for s in dict.fromkeys(line["seed"] for line in here))
        yield f"### {task}: {here[0]['of']} modes, {here[0]['steps']} steps, seeds {seeds}"
        yield ""
        yield (
            "| family | modes per seed | filled | high quality | KL | "
            + "".join(f"{k} | " for k in further)
            + "seconds | in VEEGAN's paper, other settings |"
        )
        yield "| --- " * (7 + len(further)) + "|"
        for name in dict.fromkeys(line["family"] for line in here):
            rows = [line for line in here if line["family"] == name]
            modes = ", ".join("diverged" if "diverged" in row else str(row["modes"]) for row in rows)
            shares = _mean([100 * row["high_quality"] if "high_quality" in row else None for row in rows], "{:.1f} %")
            filled = ", ".join(str(row["filled"]) for row in rows)
            cells = [name, modes, filled, shares, _mean([row["kl"] for row in rows], "{:.2f}")]
            cells += [", ".join(f"{row[k]:.3g}" if k in row else "-" for row in rows) for k in further]
            cells += [_mean([row["seconds"] for row in rows], "{:.0f}"), PUBLISHED.get(task, {}).get(name, "-")]
            yield "| " + " | ".join(cells) + " |"
        yield ""


def verdicts(lines):
    """Whether each family fills more modes than the plain GAN, as lines of a proof."""
    for task in dict.fromkeys(line["task"] for line in lines):
        modes = {(line["family"], line["seed"]): line["filled"] for line in lines if line["task"] == task}
        for (name, seed), covered in modes.items():
            if name != "GAN" and ("GAN", seed) in modes:
                plain = modes["GAN", seed]
                figure = f"{task}: modes filled by {name}"
                yield {
                    "proof": "mixtures",
                    "figure": figure,
                    "value": covered,
                    "bar": f"> {plain} (GAN)",
                    "ok": covered > plain,
                    "seed": seed,
                }


def picture(path, task_name, names, seed, folder):
    """Samples over time: a row per family, a column per moment."""
    task, courses = tasks()[task_name], {}
    for name in names:
        stem = Path(folder) / task_name / f"{name}-{seed}"
        with np.load(stem.with_suffix(".npz")) as file:
            courses[name] = {int(step): file[step] for step in file}
    moments = sorted({step for views in courses.values() for step in views})
    drawn, axes = pictures.figure(1.5 * len(moments) + 0.4, 1.5 * len(names) + 0.3, len(moments), len(names))
    for row, (name, views) in zip(axes, courses.items(), strict=True):
        for axis, moment in zip(row, moments, strict=True):
            axis.set_xticks([])
            axis.set_yticks([])
            if moment in views:
                task.draw(axis, views[moment])
        row[0].set_ylabel(name, fontsize=9)
    for axis, moment in zip(axes[0], moments, strict=True):
        axis.set_title(f"{moment} steps", fontsize=9)
    pictures.save_figure(path, drawn)


# Command line ------------------------------------------------------------------------------------------------------------


def arguments(given=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mixtures", description=__doc__.split("\n")[0])
    parser.add_argument("--task", nargs="+", choices=list(tasks()), default=["ring", "grid"])
    parser.add_argument("--families", nargs="+", default=list(DEFAULT_FAMILIES), help="class names of kgan")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, help="generator updates (default: the task's)")
    parser.add_argument("--output", default="runs/arena", help="folder; what is finished there is not run again")
    parser.add_argument("--jobs", type=int, default=2, help="processes, one thread each if more than one")
    parser.add_argument("--smoke", action="store_true", help="a few steps, to see that everything runs; figures mean nothing")
    return parser.parse_args(given)


def main(given=None):
    args = arguments(given)
    for name in args.families:
        family(name)  # before hours of others
    sets = tasks()
    steps = {task: SMOKE_STEPS if args.smoke else args.steps or sets[task].steps for task in args.task}
    if args.steps and args.steps % PARTS:
        raise ValueError(f"--steps must be a multiple of {PARTS}, into which a training is divided. Received: {args.steps}.")
    work = [(task, name, seed, steps[task], args.output) for task in args.task for seed in args.seeds for name in args.families]
    lines = {}
    for line in _all(work, args.jobs):
        lines[line["task"], line["family"], line["seed"]] = line
        print(json.dumps({k: v for k, v in line.items() if k != "course"} | {"smoke": args.smoke}), flush=True)
    lines = [lines[task, name, seed] for task in args.task for name in args.families for seed in args.seeds]
    for task in args.task:
        picture(Path(args.output) / f"{task}.png", task, args.families, args.seeds[0], args.output)
    text = "\n".join(table(lines))
    atomic_write(Path(args.output) / "table.md", lambda temporary: Path(temporary).write_text(text + "\n"))
    for line in verdicts(lines):
        print(json.dumps(line | {"smoke": args.smoke}), flush=True)
    print(text)
    return lines


def _all(work, jobs):
    """The lines of all runs, as they finish."""
    if jobs <= 1:
        yield from (run(*one) for one in work)
        return
    for variable in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(variable, "1")
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"), max_tasks_per_child=8) as pool:
        futures = [pool.submit(run, *one) for one in work]
        try:
            yield from (future.result() for future in as_completed(futures))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


if __name__ == "__main__":
    try:
        main()
    except (UnknownFamilyError, ValueError) as error:
        sys.exit(str(error))
