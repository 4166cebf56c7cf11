"""Proof of CoGAN: pairs agree where the generators share layers, and only there; a classifier crosses to the domain without labels."""

import keras
import numpy as np

import kgan
from benchmarks.proofs.harness import run
from kgan.datasets import halves, negatives, thicken

BATCH, LATENT = 64, 32


def domains(change, seed):
    """One half of the digits with their labels, the other half changed, with theirs."""
    first, second = halves(*kgan.datasets.arrays("digits", "all"), seed=seed)
    return first, (change(second[0]), second[1])


def play(change, seed, steps, **kwargs):
    """A coupled system on digits and changed digits at 8x8 after some rounds, without weight decay."""
    (digits, _), (changed, _) = domains(change, seed)
    keras.utils.set_random_seed(seed)
    shapes = {"digits": digits.shape[1:], "changed": changed.shape[1:]}
    model = kgan.CoGAN(shapes, latent_size=LATENT, weight_decay=0.0, seed=seed, **kwargs)
    fit(model, {"digits": digits, "changed": changed}, steps, seed)
    return model


def fit(model, data, steps, seed, labels=None):
    model.compile(steps_per_execution=min(50, steps))
    passes = -(-steps * BATCH // max(map(len, data.values())))
    data = kgan.datasets.unpaired(data, BATCH, labels=labels, passes=passes, seed=seed)
    model.fit(data, steps_per_epoch=steps, verbose=0)


def agreement(model, change, count=2000):
    """R, the same by chance (pairs drawn apart), and the mean absolute difference of a pixel in [0, 1]."""
    made = model.generate(count, seed=1)
    expected = change(made["digits"])
    ratio, error = kgan.metrics.pixel_agreement(expected, made["changed"])
    chance, _ = kgan.metrics.pixel_agreement(expected, made["changed"][np.random.default_rng(0).permutation(count)])
    return ratio, chance, error


def pairs(report, seed, steps):
    """Part A: digits and negatives, the generators' first three of four layers shared, against none."""
    model = play(negatives, seed, steps)
    ratio, chance, error = agreement(model, negatives)
    report.figure("A agreement R of pairs", ratio, ">= 0.88", ratio >= 0.88, seed)
    report.figure("A R - R of pairs drawn apart", ratio - chance, ">= 0.10", ratio - chance >= 0.1, seed)
    report.figure("A mean absolute difference of a pixel", error, seed=seed)
    report.figure("A std of pixels (data 0.46)", float(model.generate(2000, seed=1)["digits"].std(axis=0).mean()), seed=seed)
    (digits, _), _ = domains(negatives, seed)
    moved, errors = model.transform(digits[:100], "digits", "changed", seed=seed)
    kept, _ = kgan.metrics.pixel_agreement(negatives(digits[:100]), moved)
    report.figure("A transform of 100 digits: R, squared error of the search", [kept, float(errors.mean())], seed=seed)

    ratio, chance, error = agreement(play(negatives, seed, steps, shared_generator_layers=0), negatives)
    report.figure("A generators apart: R", ratio, seed=seed)
    gap = abs(ratio - chance)
    report.figure("A generators apart: |R - R of pairs drawn apart|", gap, "<= 0.03", gap <= 0.03, seed)


def layers(report, seed, steps):
    """Part B: the paper's plot, R against the number of shared layers of the generators, and of the discriminators."""
    all_but_one = marks(play(negatives, seed, steps))
    for name in ("generator", "discriminator"):
        path = [marks(play(negatives, seed, steps, **{f"shared_{name}_layers": shared})) for shared in range(3)]
        report.figure(f"B [R, R - chance] with 0 to 3 of 4 {name} layers shared", [*path, all_but_one], seed=seed)


def marks(model):
    ratio, chance, _ = agreement(model, negatives)
    return [round(ratio, 3), round(ratio - chance, 3)]


def styles(report, seed, steps):
    """Part C: digits and digits of a bolder pen."""
    ratio, chance, error = agreement(play(thicken, seed, steps), thicken)
    report.figure("C digits and bold digits: R, R of pairs drawn apart, difference of a pixel", [ratio, chance, error], seed=seed)


def adaptation(report, seed, steps):
    """Part D: labels for digits, none for their negatives: accuracy there, against the same classifier trained on digits alone.

    600 negatives are trained on without labels (the transductive figure, as in the authors' code), the other 299 are new. Weights 1 and 0.1
    and dropout 0.5: 10 and 0.01, half of the authors', without dropout leave the classifier of these small networks near chance (0.16,
    seed 0).
    """
    (digits, labels), (changed, truth) = domains(negatives, seed)

    weights = {"classification_weight": 1.0, "feature_weight": 0.1}

    def build():
        keras.utils.set_random_seed(seed)
        shapes = {"digits": digits.shape[1:], "changed": changed.shape[1:]}
        return kgan.CoGAN(shapes, latent_size=LATENT, weight_decay=0.0, classes=10, dropout=0.5, seed=seed, **weights)

    # The digits' classifier without the game: it sees the other domain through the digits' own first layer.
    alone = build().classifier_of("digits")
    alone.compile(keras.optimizers.Adam(2e-4, 0.5), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    alone.fit(digits, labels, batch_size=BATCH, epochs=max(1, steps * BATCH // len(digits)), verbose=0)
    before = float((alone.predict(changed, verbose=0).argmax(-1) == truth).mean())
    model = build()
    fit(model, {"digits": digits, "changed": changed[:600]}, steps, seed, labels={"digits": labels})
    found = model.classify(changed, "changed").argmax(-1) == truth
    seen, fresh = float(found[:600].mean()), float(found[600:].mean())
    own = float((model.classify(digits, "digits").argmax(-1) == labels).mean())
    at_home = float((alone.predict(digits, verbose=0).argmax(-1) == labels).mean())
    report.figure("D source only: accuracy on negatives, on the labeled digits", [before, at_home], seed=seed)
    report.figure("D accuracy on the negatives trained on without labels", seen, seed=seed)
    report.figure("D accuracy on new negatives", fresh, seed=seed)
    report.figure("D points gained on new negatives", 100 * (fresh - before), ">= 10", fresh - before >= 0.1, seed)
    report.figure("D accuracy on the labeled digits", own, seed=seed)
    report.figure("D agreement R of pairs", agreement(model, negatives)[0], seed=seed)


PARTS = {"A": (pairs, 2500), "B": (layers, 1500), "C": (styles, 2500), "D": (adaptation, 2500)}


if __name__ == "__main__":
    run("cogan", __doc__, PARTS)
