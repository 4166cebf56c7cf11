"""Time of a round: kgan on its three backends beside other ways to train the same networks. `make bench`.

Every contender is a process of its own that stays alive; the parent asks them in turn, in alternating order, for some rounds, so that a
busy moment of the machine hits all. A figure is the median over the repetitions. Fits of Keras models include what `fit` costs.

    python -m benchmarks.peers.speed --output runs/speed
    python -m benchmarks.peers.speed --systems sngan-5 --contenders kgan-tensorflow pytorch

torch-mimicry and torchgan are no dependencies; `--peers-python` names the Python of an environment that has them:

    python3 -m venv .peers && .peers/bin/pip install torch numpy scipy scikit-image tensorflow tensorboard requests wget
    .peers/bin/pip install --no-deps torch-mimicry torchgan

Writes `speed.jsonl` (a line a system and contender), `speed.md` and `speed.png`. "Ceiling" is the rate of floating-point operations of the
best bare loop: forward and backward passes of the same networks, as many as the update rule needs, without optimizer, normalized kernels
and logs; a contender's share is the bare loop's time over its own. The bare loops compute in float32, so that bfloat16 may pass them.
"""

import argparse
import importlib.util
import json
import os
import platform
import select
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from benchmarks.peers.systems import SYSTEMS, environment


class Contender(NamedTuple):
    """A way to train: the name that `module` knows it by, its Keras backend, and the packages it needs."""

    module: str
    name: str
    backend: str = ""
    needs: tuple = ()
    old: bool = False


KERAS, TORCH = "benchmarks.peers.keras_contenders", "benchmarks.peers.torch_contenders"
CONTENDERS = {
    "kgan-tensorflow": Contender(KERAS, "kgan", "tensorflow", ("tensorflow",)),
    "kgan-tensorflow, bfloat16": Contender(KERAS, "kgan-bfloat16", "tensorflow", ("tensorflow",)),
    "kgan-jax": Contender(KERAS, "kgan", "jax", ("jax",)),
    "kgan-torch": Contender(KERAS, "kgan", "torch", ("torch",)),
    "keras.io": Contender(KERAS, "naive", "tensorflow", ("tensorflow",)),
    "pytorch": Contender(TORCH, "plain", "torch", ("torch",)),
    "pytorch, bfloat16": Contender(TORCH, "plain-bfloat16", "torch", ("torch",)),
    "torch-mimicry": Contender(TORCH, "mimicry", "torch", ("torch", "torch_mimicry"), old=True),
    "torchgan": Contender(TORCH, "torchgan", "torch", ("torch", "torchgan"), old=True),
    "bare-tensorflow": Contender(KERAS, "bare", "tensorflow", ("tensorflow",)),
    "bare-jax": Contender(KERAS, "bare", "jax", ("jax",)),
    "bare-torch": Contender(TORCH, "bare", "torch", ("torch",)),
}


class Worker:
    """The process of a contender. What it answers is a dict, or None once it has failed; then `failure` says how.

    One that does not answer for `patience` seconds has failed: JAX takes minutes for three-dimensional convolutions on some processors.
    """

    def __init__(self, contender, system, threads, python, patience):
        self.patience = patience
        command = [python, "-W", "ignore", "-m", contender.module, contender.name, json.dumps(system), str(threads)]
        # A pipe that nobody reads would fill up and stop the worker.
        self.complaints = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.complaints,
            text=True,
            env=environment(threads, contender.backend),
        )
        self.failure = None
        self.about = self.read()

    def read(self):
        if not select.select([self.process.stdout], [], [], self.patience)[0]:
            self.failure = f"no answer in {self.patience:g} s"
            self.process.kill()
            self.end()
            return None
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.complaints.seek(0)
            complaint = self.complaints.read().strip().splitlines()
            self.failure = complaint[-1] if complaint else f"exit code {self.process.returncode}"
            self.end()
            return None
        return json.loads(line)

    def ask(self, rounds):
        self.process.stdin.write(f"{rounds}\n")
        self.process.stdin.flush()
        return self.read()

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()
        self.complaints.close()


def missing(contender, python):
    """The packages that a contender needs and its Python has not."""
    if python == sys.executable:
        return [name for name in contender.needs if importlib.util.find_spec(name) is None]
    code = f"import importlib.util as u; print(*[n for n in {contender.needs!r} if u.find_spec(n) is None])"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def measure(system, names, args):
    """One figure a contender: a dict of name to what is known about it."""
    workers, figures = {}, {}
    for name in names:
        contender = CONTENDERS[name]
        python = args.peers_python if contender.old else sys.executable
        absent = missing(contender, python)
        if absent:
            figures[name] = {"failure": f"not installed: {', '.join(absent)}"}
            continue
        worker = Worker(contender, system, args.threads, python, args.patience)
        if worker.failure:
            figures[name] = {"failure": worker.failure}
            continue
        workers[name] = worker
        figures[name] = dict(worker.about, times=[])
    try:
        # As many rounds at once as fill `seconds`: short fits would time the start of fit.
        rounds = dict.fromkeys(workers, args.rounds or 1)
        for name in list(workers):
            trial = workers[name].ask(2)
            if trial is None:
                figures[name] = {"failure": workers.pop(name).failure}
            elif not args.rounds:
                rounds[name] = max(2, round(args.seconds / (trial["seconds"] / 2)))
        for repetition in range(args.repetitions):
            for name in sorted(workers, reverse=repetition % 2 == 1):
                answer = workers[name].ask(rounds[name])
                if answer is None:
                    figures[name] = {"failure": workers.pop(name).failure}
                    break
                figures[name]["times"].append(answer["seconds"] / rounds[name])
                figures[name]["peak_megabytes"] = answer["peak_megabytes"]
    finally:
        for worker in workers.values():
            worker.end()
    return figures


def lines(key, system, figures, args):
    """The figures as flat dicts, with ratios and shares of the ceiling."""
    known = {name: f for name, f in figures.items() if f.get("times")}
    medians = {name: statistics.median(f["times"]) for name, f in known.items()}
    work = next((f["operations"] for f in known.values() if "operations" in f), None)
    ceiling = min((seconds for name, seconds in medians.items() if name.startswith("bare-")), default=None)
    counts = {tuple(f["parameters"]) for f in known.values()}
    for name, figure in figures.items():
        line = {"benchmark": "speed", "system": key, "title": system.title, "contender": name, "threads": args.threads}
        if name in medians:
            seconds = medians[name]
            line |= {
                "rounds_per_second": 1 / seconds,
                "steps_per_second": (system.steps + 1) / seconds,
                "fastest_and_slowest": [min(figure["times"]), max(figure["times"])],
                "build_seconds": figure["build_seconds"],
                "first_step_seconds": figure["first_step_seconds"],
                "peak_megabytes": figure["peak_megabytes"],
                "parameters": figure["parameters"],
                "same_networks": len(counts) == 1,
                "gigaflops": work / seconds / 1e9 if work else None,
                "of_ceiling": ceiling / seconds if ceiling else None,
                "slower_than_kgan": seconds / medians["kgan-tensorflow"] if "kgan-tensorflow" in medians else None,
            }
        else:
            line["failure"] = figure["failure"]
        yield line


def table(all_lines):
    """Markdown, a block a system."""
    for key in dict.fromkeys(line["system"] for line in all_lines):
        rows = [line for line in all_lines if line["system"] == key]
        yield f"### {rows[0]['title']}\n"
        counts = {tuple(row["parameters"]) for row in rows if "parameters" in row}
        yield "Trainable parameters: " + "; ".join(f"generator {g}, discriminator {d}" for g, d in counts) + ".\n"
        yield "| contender | rounds/s | steps/s | time over kgan's | first step, s | peak MB | GFLOP/s | of the ceiling |"
        yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
        for row in rows:
            if "failure" in row:
                yield f"| {row['contender']} | failed: {row['failure'].replace('|', '/')} | | | | | | |"
                continue
            share = "" if row["of_ceiling"] is None else f"{100 * row['of_ceiling']:.0f} %"
            ratio = "" if row["slower_than_kgan"] is None else f"{row['slower_than_kgan']:.2f}"
            speed = "" if row["gigaflops"] is None else f"{row['gigaflops']:.1f}"
            yield (
                f"| {row['contender']} | {row['rounds_per_second']:.3g} | {row['steps_per_second']:.3g} | {ratio} | "
                f"{row['first_step_seconds']:.1f} | {row['peak_megabytes']:.0f} | {speed} | {share} |"
            )
        yield ""


def draw(all_lines, path):
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    keys = list(dict.fromkeys(line["system"] for line in all_lines))
    names = list(dict.fromkeys(line["contender"] for line in all_lines))
    figure, axes = plt.subplots(1, len(keys), figsize=(3.2 * len(keys) + 1.5, 0.3 * len(names) + 1.4), sharey=True, squeeze=False)
    for axis, key in zip(axes[0], keys, strict=True):
        values = {line["contender"]: line.get("steps_per_second", 0.0) for line in all_lines if line["system"] == key}
        colors = ["tab:red" if n.startswith("kgan") else "tab:gray" if n.startswith("bare") else "tab:blue" for n in names]
        axis.barh(names, [values.get(n, 0.0) for n in names], color=colors)
        axis.set(title=key, xlabel="steps per second")
    axes[0][0].invert_yaxis()
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=3.0, help="of work between two looks at the clock")
    parser.add_argument("--rounds", type=int, help="a fixed number of rounds instead")
    parser.add_argument(
        "--patience", type=float, default=120.0, help="seconds to wait for an answer before a contender is left out"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peers-python", default=sys.executable, help="for torch-mimicry and torchgan")
    parser.add_argument("--output", type=Path, default=Path("runs/speed"))
    parser.add_argument("--smoke", action="store_true", help="tiny networks, two repetitions of two rounds: for tests")
    args = parser.parse_args(argv)
    if args.smoke:
        args.repetitions, args.rounds = 2, 2
    args.output.mkdir(parents=True, exist_ok=True)
    print(json.dumps({"machine": platform.platform(), "cpus": os.cpu_count(), "load": os.getloadavg()}), flush=True)
    all_lines = []
    with open(args.output / "speed.jsonl", "w") as file:
        for key in args.systems:
            system = SYSTEMS[key].small() if args.smoke else SYSTEMS[key]
            for line in lines(key, system, measure(system, args.contenders, args), args):
                all_lines.append(line | {"load": os.getloadavg()[0]})
                print(json.dumps(all_lines[-1]), flush=True)
                print(json.dumps(all_lines[-1]), file=file, flush=True)
    text = "\n".join(table(all_lines))
    (args.output / "speed.md").write_text(text + "\n")
    print(text)
    draw(all_lines, args.output / "speed.png")
    return all_lines


if __name__ == "__main__":
    main()
