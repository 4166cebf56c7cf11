"""Proof of domain transfer networks: the losses at their start; real digits on photographs become plain digits, and keep what they are."""

import keras
import numpy as np
from keras import layers, ops

import kgan
from benchmarks.proofs.harness import run
from kgan.networks import transfer

SIZE, BATCH = 16, 32


def exact(report, seed, steps):
    """Part A: what the losses are for a discriminator that knows nothing, and for pictures worked out by hand."""
    zeros = ops.zeros((8, 3))
    value = float(kgan.objectives.ternary_discriminator(zeros, zeros, zeros))
    report.figure("A L_D of zero logits (3 log 3 = 3.2958)", value, "+- 1e-4", abs(value - 3 * np.log(3)) < 1e-4, seed)
    value = float(kgan.objectives.ternary_generator(zeros, zeros))
    report.figure("A L_GANG of zero logits (2 log 3 = 2.1972)", value, "+- 1e-4", abs(value - 2 * np.log(3)) < 1e-4, seed)
    edge = np.zeros((1, SIZE, SIZE, 1), "float32")
    flat = float(kgan.penalties.total_variation(edge))
    edge[:, :, 7:] = 1.0
    value = float(kgan.penalties.total_variation(edge))
    report.figure(
        "A total variation of a flat picture and of one edge (0, 16)", [flat, value], "exact", [flat, value] == [0, 16], seed
    )


def domains(seed):
    """Digits on photos with labels, other digits, and held-out digits of both: 2,000, 2,000 and 1,000."""
    images, labels = kgan.datasets.arrays("mnist", "train", SIZE, "bilinear")
    held, truth = kgan.datasets.arrays("mnist", "test", SIZE, "bilinear")
    order = np.random.default_rng(seed).permutation(len(images))
    source, target = order[:2000], order[2000:4000]
    return {
        "source": (kgan.datasets.on_photos(images[source], seed=seed), labels[source]),
        "target": (images[target], labels[target]),
        "held": (kgan.datasets.on_photos(held, seed=seed + 1), held, truth),
    }


def judge(images, labels):
    """A small CNN on plain digits, which tells what a picture shows."""
    parts = [keras.Input((SIZE, SIZE, 1))]
    for maps in (16, 32):
        parts += [layers.Conv2D(maps, 3, 2, "same", activation="relu"), layers.BatchNormalization(momentum=0.9)]
    network = keras.Sequential([*parts, layers.Flatten(), layers.Dropout(0.3), layers.Dense(10)])
    network.compile(keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    network.fit(images, labels, batch_size=64, epochs=15, verbose=0)
    return lambda pictures, truth: share(network.predict(pictures, batch_size=500, verbose=0), truth)


def share(logits, truth):
    return float((logits.argmax(-1) == truth).mean())


def play(data, features, seed, steps, **kwargs):
    keras.utils.set_random_seed(seed)
    model = kgan.DomainTransferNetwork(features, (SIZE, SIZE, 1), filters=16, seed=seed, **kwargs)
    optimizers = {move: keras.optimizers.Adam(5e-4, 0.5, epsilon=1e-8) for move in ("discriminator", "generator")}
    model.compile(optimizers=optimizers, steps_per_execution=min(20, steps))
    both = {domain: data[domain][0] for domain in ("source", "target")}
    passes = -(-steps * BATCH // 2000)
    model.fit(kgan.datasets.unpaired(both, BATCH, passes=passes, seed=seed), steps_per_epoch=steps, verbose=0)
    return model


def digits(report, seed, steps):
    """Part B: photo digits to digits: the accuracy of a judge trained on real digits alone, with and without transfer.

    Of held-out digits; f is trained on the labeled source. Without constancy and identity nothing says which digit is to become which.
    """
    data = domains(seed)
    source, target, truth = data["held"]
    right = judge(*data["target"])
    features = transfer.trained_features(*data["source"], width=0.25, epochs=8 if steps > 100 else 1, seed=seed)
    report.figure("B judge on held-out plain digits", right(target, truth), seed=seed)
    gray = right(source.mean(axis=-1, keepdims=True), truth)
    report.figure("B judge on gray photo digits, no transfer", gray, seed=seed)
    model = play(data, features, seed, steps, constancy_weight=1.0)
    found = right(model.transfer(source), truth)
    report.over_seeds("B accuracy of photo digits transferred", found, seed, ">= 0.70", lambda mean: mean >= 0.70)
    report.over_seeds("B accuracy gained by transfer", found - gray, seed, ">= 0.25", lambda mean: mean >= 0.25)
    report.figure("B accuracy of plain digits through G", right(model.transfer(target), truth), seed=seed)
    bare = play(data, features, seed, steps, constancy_weight=0.0, identity_weight=0.0)
    found = right(bare.transfer(source), truth)
    report.over_seeds("B without both terms: accuracy", found, seed, "<= 0.25", lambda mean: mean <= 0.25)


PARTS = {"A": (exact, 1), "B": (digits, 500)}


if __name__ == "__main__":
    run("dtn", __doc__, PARTS)
