"""Proof of CatGAN: its entropies by hand, real digits with ten labels a class and with none, beside RIM and beside the labels alone."""

import keras
import numpy as np
from keras import ops

import kgan
from benchmarks.proofs.harness import adam, run
from benchmarks.proofs.real_data import digits
from kgan import objectives
from kgan.networks import categorical, mlp


def exact(report, seed, steps):
    """Part A: the losses at the classifier that knows nothing, and at the one that is certain and uses all classes alike."""
    for name, logits, conditional, marginal in (
        ("uniform", np.zeros((7, 10)), np.log(10.0), np.log(10.0)),
        ("certain, spread", 100.0 * np.eye(10), 0.0, np.log(10.0)),
        ("certain of one class", 100.0 * np.eye(10)[[3] * 7], 0.0, 0.0),
    ):
        logits = ops.convert_to_tensor(logits.astype("float32"))
        found = float(objectives.conditional_entropy(logits)), float(objectives.marginal_entropy(logits))
        error = max(abs(found[0] - conditional), abs(found[1] - marginal))
        report.figure(f"A {name}: error of the two entropies", error, "< 1e-5", error < 1e-5, seed)


def model_of(seed, **kwargs):
    keras.utils.set_random_seed(seed)
    classes = kwargs.get("classes", 10)
    model = kgan.CatGAN(
        generator=mlp.generator((784,), 64, (250, 250), 0.1, batch_norm=True, output_activation="sigmoid"),
        discriminator=categorical.classifier((784,), classes, (500, 250, 250)),
        seed=seed,
        **kwargs,
    )
    model.compile(optimizers=adam(1e-3, 1e-3), steps_per_execution=20)
    return model


def data():
    train, labels, test, truth = digits()
    return (train + 1) / 2, labels, (test + 1) / 2, truth


def played(model, steps, x, labels=None):
    epochs = max(1, steps // 40)
    if steps < 40:
        x, labels = keras.tree.map_structure(lambda a: a[:2000], (x, labels))
    return model.fit(x, labels, batch_size=100, epochs=epochs, verbose=0).history


def few_labels(report, seed, steps):
    """Part B: ten labels a class beside 4,000 digits without; the same network on the hundred labels alone (600 rounds)."""
    train, labels, test, truth = data()
    parts, given = kgan.datasets.semi_supervised(train, labels, 10, seed)
    keras.utils.set_random_seed(seed)
    alone = categorical.classifier((784,), 10, (500, 250, 250))
    alone.compile(keras.optimizers.Adam(1e-3, 0.5), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    alone.fit(parts["labeled"], given, batch_size=100, epochs=max(1, min(600, steps) // 40), verbose=0)
    supervised = float((alone.predict(test, batch_size=500, verbose=0).argmax(1) != truth).mean())
    report.figure("B test error, the hundred labels alone", supervised, seed=seed)
    model = model_of(seed, semi_supervised=True)
    played(model, steps, parts, given)
    error = float((model.classify(test).argmax(1) != truth).mean())
    report.figure("B test error, CatGAN", error, "<= 0.12", error <= 0.12, seed)
    report.figure("B test error, CatGAN / labels alone", error / supervised, "<= 0.5", error <= 0.5 * supervised, seed)


def clusters(report, seed, steps):
    """Part C: no labels, twenty categories, named by the most frequent label of the training digits; RIM with the same network."""
    train, labels, test, truth = data()
    errors = {}
    for name, kwargs in (("CatGAN", {}), ("RIM", {"generated_weight": 0.0})):
        model = model_of(seed, classes=20, **kwargs)
        logs = played(model, steps, train)
        names, empty = kgan.metrics.name_clusters(model.classify(train).argmax(1), labels, 20)
        errors[name] = float((names[model.classify(test).argmax(1)] != truth).mean())
        report.figure(f"C test error, {name}", errors[name], seed=seed)
        report.figure(f"C {name}: categories without a digit", empty, seed=seed)
        conditional, marginal = logs["discriminator/conditional"][-1], -logs["discriminator/marginal"][-1]
        uncertain = logs["discriminator/generated_entropy"][-1]
        if name == "CatGAN":
            report.figure("C entropy over all categories (log 20 = 3.00)", marginal, ">= 2.5", marginal >= 2.5, seed)
            gap = uncertain - conditional
            report.figure("C uncertainty of samples above that of digits", gap, "> 0.3", gap > 0.3, seed)
    ratio = errors["CatGAN"] / errors["RIM"]
    report.figure("C test error, CatGAN / RIM", ratio, "<= 0.75", ratio <= 0.75, seed)


PARTS = {"A": (exact, 1), "B": (few_labels, 2400), "C": (clusters, 800)}


if __name__ == "__main__":
    run("catgan", __doc__, PARTS)
