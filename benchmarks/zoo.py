"""Every family that makes pictures, with its defaults, on the same pictures: one table a data set.

    python -m benchmarks.zoo --data mnist fashion_mnist            # a night on two cores: ten hours at most
    python -m benchmarks.zoo SNGAN GAN --data mnist --seeds 0      # some
    python -m benchmarks.zoo --data folder:photos --image-size 64  # your own pictures
    python -m benchmarks.zoo --report docs/zoo.md --output runs/zoo

A cell is one family, data set and seed, trained with minibatches of 64 in two ways: over `--updates` updates of the generator, and over
`--seconds` of one core. A cell that would take longer than `--longest` seconds of a core ends there, and the table says how far it came.
With the limits' defaults (300 and 120 seconds), 27 families, two data sets and three seeds are 162 cells of seven minutes at most.
Every cell is a process of its own, which tells its memory; what is finished in the output folder stays, so that a stopped table goes on.
Figures are of 1,000 samples against as many held-out pictures, by the judge of the data set, or random-conv.
Families join by the `default` of their row in `tests/conformance/specs.py`, where it is one of digits.
"""

import argparse
import json
import multiprocessing
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import keras
import numpy as np

import kgan
from kgan import pictures
from kgan.engine.game import minibatches_per_round
from kgan.evaluation import Reference, name_of
from kgan.files import atomic_write

BATCH = 64
COUNT = 1000
STAGES = 8
"""Parts of a training, behind some of which the strip of samples is drawn."""
STRIP = (1, 2, 4, 8)
SHOWN = 10
LATENTS = 0
"""Seed of the latents of all samples."""

CLAIMS = {
    "ALI": "1606.00704: smooth between modes; stacked MNIST 16 of 1,000 (VEEGAN's table)",
    "AdaGAN": "1701.02386: covers the modes that one GAN misses",
    "AugmentedBiGAN": "1705.08850: reconstructions keep their class more often than BiGAN's",
    "BayesianGAN": "1705.09558: no collapse; wins with few labels",
    "BiGAN": "1605.09782: 97.4 % 1-NN on MNIST features",
    "CatGAN": "1511.06390: 4.27 % error on MNIST without labels",
    "ConsensusGAN": "1705.10461: converges where simultaneous gradients do not",
    "D2GAN": "1709.03831: more modes than GAN on stacked MNIST",
    "DCGAN": "1511.06434: trains stably across data sets",
    "DFMGAN": "Warde-Farley and Bengio 2017: IS 7.72 on CIFAR-10, 8.51 on STL-10",
    "DRAGAN": "1705.07215: fewer collapses across architectures than GAN",
    "DualingGAN": "1706.06216: stable ascent for linear discriminators",
    "EBGAN": "1609.03126: higher scores than GAN over a grid of settings, MNIST",
    "FGAN": "1606.00709: divergences differ little in samples",
    "FisherGAN": "1705.09675: stable without batch norm",
    "GAN": "1406.2661: Parzen 225 on MNIST",
    "GMMN": "1502.02761: Parzen 147 on MNIST, 282 with an autoencoder",
    "ImprovedGAN": "1606.03498: 52.4 % of people's answers right on MNIST",
    "InfoGAN": "1606.03657: codes that are digits, MNIST",
    "MDGAN": "1612.02136: fewer missing modes than GAN",
    "MMDGAN": "1705.08584: better than GMMN, on a par with WGAN",
    "ModeRegularizedGAN": "1612.02136: fewer missing modes than GAN",
    "ProGAN": "1710.10196: IS 8.80 on CIFAR-10",
    "SNGAN": "1802.05957: IS 7.58, FID 25.5 on CIFAR-10, standard networks",
    "TrustRegionDualingGAN": "1706.06216: stable ascent, networks by linearization",
    "UnrolledGAN": "1611.02163: more modes than GAN on stacked MNIST",
    "WGAN": "1701.07875: no collapse seen; distance follows quality",
    "WGANGP": "1704.00028: trains many architectures where WGAN does not",
}
"""What the papers say, in a few words; none has this table's figures."""


def families():
    """Name to class of every family whose default run is one of digits: it makes pictures of any shape."""
    from tests.conformance.specs import SPECS

    rows = (spec for spec in SPECS.values() if spec.default is not None and spec.default[0] in ("digits", "categories"))
    return {spec.family.__name__: spec.family for spec in rows}


class _Stages(keras.callbacks.Callback):
    """Samples of the same latents at some stages, rounds and seconds of a core; the end of what lasts too long."""

    def __init__(self, longest, size, rounds):
        super().__init__()
        self.longest, self.size, self.rounds, self.start, self.strip = longest, size, rounds, time.process_time(), {}

    def on_train_batch_end(self, batch, logs=None):
        if self.used >= self.longest:
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 in STRIP and not self.model.stop_training:
            self.strip[f"{(epoch + 1) * self.rounds} updates"] = pictures_of(self.model, SHOWN, self.size)

    @property
    def used(self):
        return time.process_time() - self.start


def pictures_of(model, count, size):
    """Samples in [-1, 1] of the size of the data; those of a model that has not grown yet are enlarged."""
    images = np.clip(model.generate(count, seed=LATENTS), -1.0, 1.0).astype("float32")
    return images if images.shape[1] == size else kgan.datasets.resize(images, size)


def play(model, images, updates, longest):
    """Train over so many rounds, in stages, or until it has lasted too long. Returns the stages."""
    stages = min(STAGES, updates)
    rounds = -(-updates // stages)
    needed = rounds * BATCH * minibatches_per_round(model.turns())
    watch = _Stages(longest, images.shape[1], rounds)
    passes = -(-needed // len(images))
    data = np.concatenate([images] * passes) if passes > 1 else images
    model.fit(data, batch_size=BATCH, epochs=stages, steps_per_epoch=rounds, verbose=0, callbacks=[watch])
    return watch


def _images(reference, size):
    """Those to train on, and those held out."""
    return np.concatenate(list(reference.trained_on(size))), reference.images(size)


def cell(family, data, seed, options, folder):
    """One family on one data set: a line of the results.

    Args:
        family: name. data: as in `kgan.datasets.arrays`. seed: int.
        options: dict of `updates`, `seconds`, `longest`, `image_size`, `smoke`.
    """
    keras.utils.set_random_seed(seed)
    reference = Reference(data)
    images, held_out = _images(reference, options["image_size"])
    judge = reference.judge(images.shape[1:])
    count = 20 if options["smoke"] else COUNT

    def trained(updates, longest):
        model = families()[family](images.shape[1:], seed=seed)
        model.compile()
        before = int(model.optimizer.iterations)
        watch = play(model, images, updates, longest)
        return model, watch, int(model.optimizer.iterations) - before

    def figures(model):
        found = kgan.metrics.sample_report(held_out[:COUNT], pictures_of(model, count, images.shape[1]), judge)
        return {name.split("[")[0]: round(float(value), 4) for name, value in found.items()}

    model, watch, rounds = trained(options["updates"], options["longest"])
    line = {"family": family, "data": data, "seed": seed, "judge": judge.name, "used": round(watch.used, 1), "rounds": rounds}
    line |= {"options": options, **figures(model)}
    name = f"{data.partition(':')[0]}_{family}"
    if seed == 0:
        strip = watch.strip
        if len(strip) < len(STRIP):
            strip |= {f"{rounds} updates": pictures_of(model, SHOWN, images.shape[1])}
        pictures.save_rows(folder / f"{name}.png", strip, f"{family} on {name_of(data)}")
    if options["seconds"]:
        # At the pace of the first training, and not beyond the second's time.
        updates = max(1, round(options["seconds"] * rounds / max(watch.used, 1e-3)))
        model, watch, rounds = trained(updates, options["seconds"])
        line["in_seconds"] = {"used": round(watch.used, 1), "rounds": rounds, **figures(model)}
    line["mebibytes"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return line


# The table -----------------------------------------------------------------------------------------------------------------

_LEAST = 0.25  # of the updates asked for: less says nothing about a family
_COLUMNS = ("frechet_distance", "precision", "recall", "density", "coverage", "classes_present")


def _mean(lines, *path):
    """The mean of a figure over seeds, with the spread where there are several; "" where none has it."""
    values = []
    for line in lines:
        for key in path:
            line = (line or {}).get(key)
        if line is not None:
            values.append(float(line))
    if not values:
        return ""
    mean = np.mean(values)
    shown = f"{mean:.0f}" if mean >= 1000 else f"{mean:.3g}"
    return f"{shown} ({max(values) - min(values):.2g})" if len(values) > 1 and path[-1] in _COLUMNS else shown


def table(lines, strips):
    """Markdown of one data set: families by their mean distance, the best first; those without a training to speak of are only named.

    Args:
        lines: results of cells. strips: callable `(family) -> path of its strip, or None`.
    """
    by_family = {name: [line for line in lines if line["family"] == name] for name in dict.fromkeys(x["family"] for x in lines)}
    reached = {name: np.mean([line["rounds"] for line in own]) for name, own in by_family.items()}
    cut = {name: rounds for name, rounds in reached.items() if rounds < _LEAST * by_family[name][0]["options"]["updates"]}
    order = sorted({*by_family} - {*cut}, key=lambda name: np.mean([line["frechet_distance"] for line in by_family[name]]))
    head = [
        "family",
        "updates",
        "Frechet distance",
        *_COLUMNS[1:-1],
        "classes",
        "seconds",
        "MiB",
        "distance in equal time (updates)",
        "paper",
    ]
    rows = [head, ["---"] * len(head)]
    for name in order:
        own = by_family[name]
        asked = own[0]["options"]["updates"]
        rounds = _mean(own, "rounds")
        rounds = f"{rounds} of {asked}" if reached[name] < 0.99 * asked else rounds
        timed = _mean(own, "in_seconds", "frechet_distance")
        timed = f"{timed}; {_mean(own, 'in_seconds', 'rounds')}" if timed else ""
        figures = [_mean(own, column) for column in _COLUMNS]
        rows.append([name, rounds, *figures, _mean(own, "used"), _mean(own, "mebibytes"), timed, CLAIMS.get(name, "")])
    text = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    if cut:
        named = ", ".join(f"{name} ({rounds:.3g})" for name, rounds in sorted(cut.items()))
        text += f"\n\nStopped by the limit on time before a quarter of the updates, and therefore without figures: {named}."
    pairs = [(name, strips(name)) for name in order]
    return text + "\n\n" + "\n\n".join(f"{name}:\n\n![samples of {name}]({path})" for name, path in pairs if path)


def report(path, folder, lines):
    """Write the document of all data sets, and the strips into a folder of its name beside it."""
    path, parts = Path(path), []
    beside = path.with_suffix("")
    for data in dict.fromkeys(line["data"] for line in lines):
        own = [line for line in lines if line["data"] == data]

        def strip(family, data=data):
            name = f"{data.partition(':')[0]}_{family}.png"
            if not (folder / name).is_file():
                return None
            beside.mkdir(parents=True, exist_ok=True)
            (beside / name).write_bytes((folder / name).read_bytes())
            return f"{beside.name}/{name}"

        options, seeds = own[0]["options"], ", ".join(map(str, sorted({line["seed"] for line in own})))
        title = data if ":" not in data else "your own pictures"
        stopped = sum(line["rounds"] < 0.99 * options["updates"] for line in own)
        trial = (
            f"**A trial: {stopped} of {len(own)} trainings were stopped by the limit of {options['longest']:g} seconds: the order says "
            "which defaults are cheap, not which are good.**\n\n"
            if 2 * stopped > len(own)
            else ""
        )
        parts.append(
            f"## {title}, {options['image_size']} pixels\n\n{trial}"
            f"{len({line['family'] for line in own})} families, {options['updates']} updates asked for, seeds {seeds}; "
            f"{options['seconds']:g} seconds of a core in the column of equal time; none longer than {options['longest']:g}. Judge: "
            f"`{own[0]['judge']}`, {COUNT} samples against as many held-out pictures. Real pictures: {real(data, options)}.\n\n"
            f"{table(own, strip)}\n"
        )
    text = _HEAD + "\n".join(parts)
    atomic_write(path, lambda temporary: Path(temporary).write_text(text))


_HEAD = """# The zoo

Every family that makes pictures, with its defaults, on the same pictures, minibatches of 64, over the same number of rounds (updates of the
generator): written by `python -m benchmarks.zoo`, whose head says how. Defaults are their papers' networks where these fit the size, and
small dense ones elsewhere; an update of one costs a hundred times one of another, hence the column of equal time. Where `updates` reads
"250 of 400", the family was stopped by the limit on time. Strips: samples of the same latents at an eighth, a quarter, a half of the
training and at its end.

The whole, a night on two cores, is `python -m benchmarks.zoo --data mnist fashion_mnist --report docs/zoo.md`; what was run is said below.

"""


def real(data, options):
    """The figures of as many pictures that were trained on, in words."""
    reference = Reference(data)
    train, test = (part[:COUNT] for part in _images(reference, options["image_size"]))
    found = kgan.metrics.sample_report(test, train, reference.judge(test.shape[1:]))
    return ", ".join(f"{name.split('[')[0].replace('_', ' ')} {value:.3g}" for name, value in found.items())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("families", nargs="*", help="names of families; default all that make pictures")
    parser.add_argument("--data", nargs="+", default=["mnist", "fashion_mnist"], help="data sets, or folder:PATH")
    parser.add_argument("--image-size", type=int, default=32, help="pixels (default: 32)")
    parser.add_argument("--updates", type=int, default=2000, help="of the generator (default: 2000)")
    parser.add_argument(
        "--seconds", type=float, default=120.0, help="of one core, for the column of equal time; 0 for none (default: 120)"
    )
    parser.add_argument(
        "--longest", type=float, default=300.0, help="seconds of one core that a training may take (default: 300)"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--jobs", type=int, default=2, help="processes; 0: this one, in which the memory of a cell is not known (default: 2)"
    )
    parser.add_argument("--output", default="runs/zoo", help="folder of results.jsonl and the strips")
    parser.add_argument("--report", help="the document to write; default zoo.md in the output folder")
    parser.add_argument("--smoke", action="store_true", help="two updates of every family; figures mean nothing")
    args = parser.parse_args()
    known = families()
    if unknown := sorted(set(args.families) - set(known)):
        parser.error(f"no family {unknown} that makes pictures; known: {', '.join(sorted(known))}")
    folder = Path(args.output)
    folder.mkdir(parents=True, exist_ok=True)
    results = folder / "results.jsonl"
    lines = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    options = {key: getattr(args, key) for key in ("updates", "seconds", "longest", "image_size", "smoke")}
    if args.smoke:
        options |= {"updates": 2, "seconds": 0.0}
    done = {(line["family"], line["data"], line["seed"]) for line in lines if line["options"] == options}
    # Seed by seed, so that a table that is stopped early has every family.
    tasks = [
        (family, data, seed, options, folder)
        for data in args.data
        for seed in (args.seeds[:1] if args.smoke else args.seeds)
        for family in args.families or sorted(known)
        if (family, data, seed) not in done
    ]

    def keep(line):
        with results.open("a") as file:
            file.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)
        lines.append(line)

    failed = []
    if args.jobs:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(args.jobs, mp_context=context, max_tasks_per_child=1) as pool:
            futures = {pool.submit(cell, *task): task for task in tasks}
            for future in as_completed(futures):
                if error := future.exception():
                    failed.append(f"{futures[future][:3]}: {error}")
                    print(failed[-1], file=sys.stderr, flush=True)
                else:
                    keep(future.result())
    else:
        for task in tasks:
            keep({key: value for key, value in cell(*task).items() if key != "mebibytes"})
            keras.backend.clear_session()
    own = [line for line in lines if line["options"] == options]
    if own:
        report(args.report or folder / "zoo.md", folder, own)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
