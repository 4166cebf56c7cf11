"""Growth of cost: time and memory of a round against batch size, pixels, discriminator steps, parameters and replicas.

One quantity grows, the others stay as in BASE; each point is measured in a process of its own, so that its peak of memory is its own.
A cost that grows in proportion has the exponent 1 between any two neighbors (the slope of the logarithms); where it is further from 1
than the tolerance, the point is marked. A fitted line `fixed + rate x` says how much does not grow at all.

    python -m benchmarks.scaling --output runs/scaling

Prints a JSON line for each point and a Markdown table; writes `points.jsonl`, `table.md` and `scaling.png`. On JAX set KERAS_BACKEND=jax;
torch has no replicas, and memory is that of the processor in all cases.
"""

import argparse
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

BASE = {"batch": 32, "size": 32, "n_dis": 1, "width": 0.25, "replicas": 1}
SWEEPS = {
    "batch": (8, 16, 32, 64, 128, 256),
    "size": (16, 24, 32, 48, 64),
    "n_dis": (1, 2, 4, 8),
    "width": (0.0625, 0.125, 0.25, 0.5, 1.0),
    "replicas": (1, 2, 4),
}
SMOKE = {"batch": (2, 4, 8), "size": (8, 16), "n_dis": (1, 2), "width": (0.0625, 0.125), "replicas": (1, 2)}
SMOKE_BASE = {"batch": 4, "size": 8, "n_dis": 1, "width": 0.0625, "replicas": 1}
# What grows, of a measured point; the work of a replica stays the same when replicas grow.
QUANTITIES = {
    "batch": ("batch size", lambda p: p["batch"]),
    "size": ("pixels of an image", lambda p: p["size"] ** 2),
    "n_dis": ("n_dis", lambda p: p["n_dis"]),
    "width": ("parameters", lambda p: p["parameters"]),
    "replicas": ("replicas (batch size of each fixed)", lambda p: p["replicas"]),
}
COSTS = {"seconds": "s/round (median)", "fastest": "s/round (fastest)", "megabytes": "MB above the built model"}
DRAWN = ("seconds", "megabytes")
MEGABYTE = 2**20


# One point, in a process of its own -----------------------------------------------------------------------------------------


def resident():
    """Bytes of memory the process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def measure(point):
    """Time and memory of rounds of `kgan.SNGAN` (standard networks, Table 3).

    Returns:
        dict of the point, its parameters, seconds of the median and of the fastest round, of the first round with its compilation,
        and megabytes: of the built model, and of the peak above it.
    """
    import numpy as np

    devices(point["replicas"])
    import keras

    import kgan

    class Clock(keras.callbacks.Callback):
        rounds: list = []  # noqa: RUF012

        def on_train_batch_begin(self, batch, logs=None):
            self.began = time.perf_counter()

        def on_train_batch_end(self, batch, logs=None):
            [float(value) for value in (logs or {}).values()]  # waits for devices that work ahead
            self.rounds.append(time.perf_counter() - self.began)

    shape = (point["size"], point["size"], 3)
    batch = point["batch"] * point["replicas"]
    with kgan.backend.strategy("mirrored" if point["replicas"] > 1 else "none"):
        model = kgan.SNGAN(shape, width=point["width"], discriminator_steps=point["n_dis"], seed=0)
        model.compile()
        before = resident()
        count = point["rounds"] + point["warm_up"]
        rng = np.random.default_rng(0)
        examples = rng.uniform(-1, 1, (batch * point["n_dis"], *shape)).astype("float32")
        clock = Clock()
        model.fit(examples, batch_size=batch, epochs=count, verbose=0, callbacks=[clock])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    times = clock.rounds[point["warm_up"] :]
    return {
        **{name: point[name] for name in BASE},
        "parameters": model.count_params(),
        "seconds": statistics.median(times),
        "fastest": min(times),
        "first_round_seconds": clock.rounds[0],
        "built_megabytes": before / MEGABYTE,
        "megabytes": (peak - before) / MEGABYTE,
        "rounds": len(times),
        "backend": keras.backend.backend(),
    }


def devices(count):
    """As many logical processors as replicas, before the backend starts."""
    if count == 1:
        return
    if os.environ.get("KERAS_BACKEND", "tensorflow") == "jax":
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={count}"
        return
    import tensorflow as tf

    processor = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * count)


def in_a_process(point):
    """`measure` in a fresh child; RuntimeError with the end of its messages if it fails."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-m", "benchmarks.scaling", "--point", json.dumps(point)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise RuntimeError(f"{point} could not be measured: {done.stderr.strip()[-500:]}")
    return json.loads(lines[-1])


# Exponents ------------------------------------------------------------------------------------------------------------------


def exponents(amounts, costs):
    """Slopes of the logarithms between neighbors; NaN where a cost is not positive."""
    return [
        math.log(d / c) / math.log(b / a) if min(c, d) > 0 else math.nan
        for a, b, c, d in zip(amounts, amounts[1:], costs, costs[1:], strict=False)
    ]


def line(amounts, costs):
    """`(fixed, rate)` of the line that leaves the least squared relative residuals: small points count as much as large ones."""
    weights = [1.0 / c**2 for c in costs]
    total = sum(weights)
    x, y = (sum(w * v for w, v in zip(weights, values, strict=True)) / total for values in (amounts, costs))
    spread = sum(w * (a - x) ** 2 for w, a in zip(weights, amounts, strict=True))
    rate = sum(w * (a - x) * (c - y) for w, a, c in zip(weights, amounts, costs, strict=True)) / spread
    return y - rate * x, rate


def judged(points, name, tolerance):
    """For every cost: amounts, costs, exponents, the line, and the amounts from which on, to the next, growth is not in proportion."""
    amounts = [QUANTITIES[name][1](point) for point in points]
    found = {}
    for cost in COSTS:
        costs = [point[cost] for point in points]
        slopes = exponents(amounts, costs)
        fixed, rate = line(amounts, costs) if min(costs) > 0 else (math.nan, math.nan)
        left = [f"{a} to {b}" for a, b, e in zip(amounts, amounts[1:], slopes, strict=False) if not abs(e - 1.0) <= tolerance]
        found[cost] = {"amounts": amounts, "costs": costs, "exponents": slopes, "fixed": fixed, "rate": rate, "left": left}
    return found


def table(sweeps, tolerance):
    """Markdown lines: one row for each point, with exponents; then the lines."""
    yield f"| grows | amount | {' | exponent | '.join(COSTS.values())} | exponent | MB built |"
    yield "| --- " * (3 + 2 * len(COSTS)) + "|"

    def shown(slope):
        return "" if slope is None else f"{slope:.2f}" if abs(slope - 1.0) <= tolerance else f"**{slope:.2f}**"

    for name, points in sweeps.items():
        found = judged(points, name, tolerance)
        slopes = {cost: [None, *found[cost]["exponents"]] for cost in COSTS}
        for index, point in enumerate(points):
            cells = [f"{point[cost]:.3g} | {shown(slopes[cost][index])}" for cost in COSTS]
            amount = found["seconds"]["amounts"][index]
            yield f"| {QUANTITIES[name][0]} | {amount:,} | {' | '.join(cells)} | {point['built_megabytes']:.0f} |"
    yield ""
    yield f"Exponents are to the row above; bold: out of proportion, further than {tolerance:g} from 1."
    yield ""
    for name in sweeps:
        for cost, found in judged(sweeps[name], name, tolerance).items():
            last = found["costs"][-1]
            yield (
                f"- {QUANTITIES[name][0]}: {COSTS[cost]} = {found['fixed']:.4g} + {found['rate']:.4g} x amount; the fixed part is "
                f"{found['fixed'] / last:.0%} of the last point; out of proportion: {', '.join(found['left']) or 'nowhere'}."
            )


def draw(path, sweeps, tolerance):
    """A column for each quantity: time above, memory below, the fitted line dashed, points out of proportion hollow."""
    from kgan import pictures

    drawn, axes = pictures.figure(3.2 * len(sweeps), 5.6, len(sweeps), len(DRAWN))
    for column, (name, points) in enumerate(sweeps.items()):
        for row, cost in enumerate(DRAWN):
            found = judged(points, name, tolerance)[cost]
            axis, amounts, costs = axes[row, column], found["amounts"], found["costs"]
            off = [False, *(not abs(slope - 1.0) <= tolerance for slope in found["exponents"])]
            axis.plot(amounts, [found["fixed"] + found["rate"] * a for a in amounts], "--", color="0.6", label="line")
            for a, c, hollow in zip(amounts, costs, off, strict=True):
                axis.plot([a], [c], "o", color="tab:blue", markerfacecolor="none" if hollow else "tab:blue")
            axis.set_xscale("log", base=2)
            axis.set_yscale("log")
            axis.set_xlabel(QUANTITIES[name][0])
            axis.set_ylabel(COSTS[cost])
    pictures.save_figure(path, drawn)


# The whole ------------------------------------------------------------------------------------------------------------------


def sweep(plan, base, rounds, backend):
    """Points of every quantity, the base measured once; torch has no replicas."""
    measured = {}
    for name, values in plan.items():
        if name == "replicas" and backend == "torch":
            print("replicas: not applicable, Keras 3 has no data parallelism on torch")
            continue
        points = []
        for value in values:
            point = {**base, name: value}
            key = tuple(point.values())
            if key not in measured:
                measured[key] = in_a_process({**point, "rounds": rounds, "warm_up": 2})
            points.append(measured[key])
            print(json.dumps({"benchmark": "scaling", "grows": name, **measured[key]}), flush=True)
        yield name, points


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", default="runs/scaling")
    parser.add_argument("--rounds", type=int, default=7, help="measured rounds of a point, behind two that warm up")
    parser.add_argument("--tolerance", type=float, default=0.15, help="how far an exponent may be from 1")
    parser.add_argument("--only", choices=sorted(SWEEPS), action="append", help="this quantity alone; may be repeated")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--point", help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.point:
        print(json.dumps(measure(json.loads(args.point))))
        return
    from kgan.files import atomic_write

    plan, base = (SMOKE, SMOKE_BASE) if args.smoke else (SWEEPS, BASE)
    plan = {name: values for name, values in plan.items() if not args.only or name in args.only}
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    print(f"{backend}, {os.cpu_count()} cores, threads {os.environ.get('OMP_NUM_THREADS', 'as it likes')}; all else as in {base}")
    sweeps = dict(sweep(plan, base, 1 if args.smoke else args.rounds, backend))
    lines = list(table(sweeps, args.tolerance))
    output = Path(args.output)
    output.mkdir(parents=True, exist_ok=True)
    rows = [json.dumps({"grows": name, **point}) for name, points in sweeps.items() for point in points]
    atomic_write(output / "points.jsonl", lambda path: Path(path).write_text("\n".join(rows) + "\n"))
    atomic_write(output / "table.md", lambda path: Path(path).write_text("\n".join(lines) + "\n"))
    draw(output / "scaling.png", sweeps, args.tolerance)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
