"""Error of every semi-supervised system from a few labels per class, on handwritten digits, beside the labels alone.

    python -m benchmarks.few_labels                                # every system, 5, 10 and 50 labels per class, three seeds
    python -m benchmarks.few_labels BadGAN TripleGAN --labels 10 --seeds 0
    python -m benchmarks.few_labels --smoke                        # two rounds each, to see that everything runs

A cell is one system, one number of labels, one seed, which draws the labels too, one number of rounds. What is finished in the output
folder stays, so that a stopped run goes on where it was. All systems see the same 4,000 digits, of which a few have labels, for as many
rounds, and are judged on 1,000 others. Their networks are of one size, three layers of 256 for what classifies; errors can be compared with
each other, not with the papers' in the last columns, whose networks and data are larger.
"""

import argparse
import functools
import json
import sys
import time
from pathlib import Path

import keras
import numpy as np

import kgan
from kgan.files import atomic_write
from kgan.networks import bidirectional, categorical, improved, mlp, triple

SIZE, HIDDEN, NOISE, LATENTS, BATCH = (784,), (256, 256, 256), (0.3, 0.5, 0.5, 0.5), 100, 100
PAPERS = {
    "ImprovedGAN": ("0.93 +- 0.07", "8.11 +- 1.3"),
    "CatGAN": ("1.91 +- 0.10", ""),
    "ALI": ("", "7.42 +- 0.65"),
    "PixelGANAutoencoder": ("1.08 +- 0.15", "6.96 +- 0.55"),
    "BadGAN": ("0.80 +- 0.10", "4.25 +- 0.03"),
    "TripleGAN": ("0.91 +- 0.58", "5.77 +- 0.17"),
    "StructuredGAN": ("", "5.73"),
    "ManifoldSSL": ("", "4.39 +- 1.2 (not checked)"),
}
"""The papers' own errors in percent: MNIST with 100 labels, SVHN with 1,000. Empty where there is none."""


@functools.cache
def digits(split):
    """Vectors in [0, 1] and labels: 4,000 to train, 1,000 to test."""
    images, labels = kgan.datasets.arrays("mnist", split)
    return (images.reshape(len(images), -1) + 1.0) / 2.0, labels


def small_and_binary(vectors):
    """Images of 14 pixels of -1 and 1, which an autoregressive decoder can go through in time."""
    return np.where(vectors.reshape(-1, 14, 2, 14, 2, 1).mean((2, 4)) > 0.5, 1.0, -1.0).astype("float32")


def perceptron(name="discriminator"):
    return improved.perceptron_classifier(SIZE, 10, HIDDEN, NOISE, name=name)


def of_improved(family, **kwargs):
    """ImprovedGAN and what is made of it."""
    generator = improved.perceptron_generator(SIZE, LATENTS, (256, 256))
    return family(SIZE, classes=10, generator=generator, discriminator=perceptron(), feature_layer="activation_2", **kwargs)


def of_triple(family, seed, rounds, **kwargs):
    """Triple-GAN and what is made of it. Half of the rounds are played before the classifier sees samples."""
    return family(
        classes=10,
        seed=seed,
        generator=triple.perceptron_generator(SIZE, LATENTS, 10, (256, 256)),
        discriminator=triple.perceptron_discriminator(SIZE, 10, HIDDEN, NOISE),
        classifier=perceptron("classifier"),
        **{"pretraining_rounds": rounds // 10, "generated_start": rounds // 2, **kwargs},
    )


def alone(seed, rounds):
    """The classifier on its labels: a game that never begins."""
    quiet = {"generated_weight": 0.0, "adversarial_weight": 0.0, "entropy_weight": 0.0, "balance_weight": 0.0}
    return of_triple(kgan.TripleGAN, seed, rounds, pretraining_rounds=2**31 - 1, **quiet)


def cat_gan(seed, rounds):
    return kgan.CatGAN(
        SIZE,
        classes=10,
        semi_supervised=True,
        generator=improved.perceptron_generator(SIZE, LATENTS, (256, 256)),
        discriminator=categorical.classifier(SIZE, 10, HIDDEN),
        seed=seed,
    )


def bayesian_gan(seed, rounds):
    return kgan.BayesianGAN(
        classes=10,
        generator=[mlp.generator(SIZE, LATENTS, (256, 256), output_activation="sigmoid") for _ in range(2)],
        discriminator=[perceptron()],
        burn_in=rounds // 2,
        keep_every=max(1, rounds // 20),
        seed=seed,
    )


def ali(seed, rounds):
    networks = bidirectional.stochastic_perceptrons(SIZE, 32, 32, (256, 256), (256, 256), (256, 256), 2, outputs=10)
    roles = zip(("encoder", "generator", "discriminator"), networks, strict=True)
    return kgan.ALI(classes=10, seed=seed, **dict(roles))


def pixelgan(seed, rounds):
    start = min(300, rounds // 5)
    return kgan.PixelGANAutoencoder((14, 14, 1), classes=10, filters=24, instance_noise=0.3, pretraining_rounds=start, seed=seed)


def manifold(seed, rounds):
    """Half of the rounds are the first game's, which knows no labels."""
    networks = bidirectional.veegan_perceptrons(SIZE, 16, 0, (256, 256), (256, 256), data_interval=(0.0, 1.0), nonlinearity=0.1)
    return kgan.ManifoldSSL(
        classes=10,
        inference_rounds=rounds // 2,
        tangent_weight=0.01,
        classifier=perceptron("classifier"),
        matcher=improved.perceptron_generator(SIZE, 16, (256, 256), name="matcher"),
        matched_layer="activation_2",
        seed=seed,
        **dict(zip(("encoder", "generator", "discriminator"), networks, strict=True)),
    )


SYSTEMS = {
    "labels alone": (alone, "classifier"),
    "ImprovedGAN": (lambda seed, rounds: of_improved(kgan.ImprovedGAN, seed=seed), "discriminator"),
    "CatGAN": (cat_gan, "discriminator"),
    "BayesianGAN": (bayesian_gan, None),
    "ALI": (ali, "discriminator"),
    "PixelGANAutoencoder": (pixelgan, "encoder"),
    "BadGAN": (lambda seed, rounds: of_improved(kgan.BadGAN, seed=seed), "discriminator"),
    "TripleGAN": (lambda seed, rounds: of_triple(kgan.TripleGAN, seed, rounds), "classifier"),
    "StructuredGAN": (lambda seed, rounds: of_triple(kgan.StructuredGAN, seed, rounds), "classifier"),
    "ManifoldSSL": (manifold, "classifier"),
}
"""System: `(seed, rounds) -> model`, and the player of which an average is judged."""


def cell(system, labels_per_class, seed, rounds):
    """Train one system and judge it: a line of the results."""
    build, averaged = SYSTEMS[system]
    keras.utils.set_random_seed(seed)
    model = build(seed, rounds)
    kept = {} if averaged is None else {"averages": {averaged: 0.99 if rounds < 500 else 0.995}}
    model.compile(steps_per_execution=min(20, rounds), **kept)
    (train, labels), (test, truth) = digits("train"), digits("test")
    if isinstance(model, kgan.PixelGANAutoencoder):
        train, test = small_and_binary(train), small_and_binary(test)
    data, given = kgan.datasets.semi_supervised(train, labels, labels_per_class, seed)
    per_epoch = len(given) // (BATCH * model.minibatches_per_round)
    start = time.process_time()
    model.fit(
        data, given, batch_size=BATCH, epochs=max(1, rounds // per_epoch), steps_per_epoch=min(rounds, per_epoch), verbose=0
    )
    used, wrong = time.process_time() - start, model.classify(test).argmax(1) != truth
    return {
        "system": system,
        "labels": labels_per_class,
        "seed": seed,
        "rounds": rounds,
        "played": int(model.optimizer.iterations),
        "error": round(float(wrong.mean()), 4),
        "seconds": round(used, 1),
    }


def table(lines):
    """The results as Markdown: a row a system, mean and range of the seeds' errors in percent, the papers' own behind them."""
    numbers = sorted({line["labels"] for line in lines})
    head = ["system", *(f"{n} a class" for n in numbers), "paper, MNIST 100 labels", "paper, SVHN 1,000"]
    rows = [head, ["---"] * len(head)]
    for system in SYSTEMS:
        cells = []
        for number in numbers:
            errors = [100.0 * line["error"] for line in lines if (line["system"], line["labels"]) == (system, number)]
            spread = f" ({min(errors):.1f} to {max(errors):.1f}, {len(errors)} seeds)" if len(errors) > 1 else ""
            cells.append(f"{np.mean(errors):.1f}{spread}" if errors else "")
        if any(cells):
            rows.append([system, *cells, *PAPERS.get(system, ("", ""))])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("systems", nargs="*", help="default all: " + ", ".join(SYSTEMS))
    parser.add_argument("--labels", type=int, nargs="+", default=[5, 10, 50], help="labels per class")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("--output", default="runs/few_labels", help="folder of results.jsonl and table.md")
    parser.add_argument("--smoke", action="store_true", help="two rounds of every system; figures mean nothing")
    args = parser.parse_args()
    if unknown := sorted(set(args.systems) - set(SYSTEMS)):
        parser.error(f"no system {unknown}; known: {', '.join(SYSTEMS)}")
    folder = Path(args.output)
    folder.mkdir(parents=True, exist_ok=True)
    results = folder / "results.jsonl"
    lines = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    rounds = 2 if args.smoke else args.rounds
    done = {(line["system"], line["labels"], line["seed"], line["rounds"]) for line in lines}
    for number in args.labels[:1] if args.smoke else args.labels:
        for system in args.systems or SYSTEMS:
            for seed in args.seeds[:1] if args.smoke else args.seeds:
                if (system, number, seed, rounds) in done:
                    continue
                print(f"{system}, {number} labels a class, seed {seed}", file=sys.stderr, flush=True)
                lines.append(cell(system, number, seed, rounds))
                keras.backend.clear_session()
                with results.open("a") as file:
                    file.write(json.dumps(lines[-1]) + "\n")
                print(json.dumps(lines[-1]), flush=True)
                comparable = [line for line in lines if line["rounds"] == rounds]
                atomic_write(folder / "table.md", lambda path, shown=comparable: Path(path).write_text(table(shown)))


if __name__ == "__main__":
    main()
