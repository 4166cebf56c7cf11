"""Proof of bad GANs: on two moons, a generator of the gaps teaches what one of the data cannot; few labels on handwritten digits."""

import functools

import keras
import numpy as np
from keras import layers, ops
from sklearn.datasets import make_moons

import kgan
from benchmarks.proofs.harness import generator_of, run
from kgan.networks import KernelDensity, improved, mlp

LABELS, UNITS, BOX = 4, 64, 2.6


@functools.cache
def moons(seed):
    """1,000 points to learn from, 1,000 to test with, standardized; labels; a density and its second percentile."""
    points, labels = make_moons(2000, noise=0.07, random_state=seed)
    points = ((points - points.mean(0)) / points.std(0)).astype("float32")
    density = KernelDensity.of(points[:1000], bandwidth=0.1)
    likelihoods = ops.convert_to_numpy(density.log_likelihood(points[:1000]))
    return points, labels.astype("int64"), density, float(np.percentile(likelihoods, 2.0))


class Pool(layers.Layer):
    """A generator that draws from points given to it."""

    def __init__(self, points, **kwargs):
        super().__init__(**kwargs)
        self.points = points
        self.dummy = self.add_weight(shape=(), initializer="zeros", name="dummy")

    def call(self, z):
        index = ops.cast(ops.floor(z[:, 0] * len(self.points)), "int32")
        return ops.take(ops.convert_to_tensor(self.points), ops.minimum(index, len(self.points) - 1), axis=0) + 0.0 * self.dummy

    def compute_output_shape(self, shape):
        return (shape[0], 2)


def pool(kind, seed, density, threshold):
    """Samples of the data themselves ("good"), or of the box around them where they are unlikely ("complement")."""
    if kind == "good":
        points, _ = make_moons(20_000, noise=0.07, random_state=seed + 100)
        return ((points - points.mean(0)) / points.std(0)).astype("float32")
    points = np.random.default_rng(seed).uniform(-BOX, BOX, (30_000, 2)).astype("float32")
    likelihoods = [ops.convert_to_numpy(density.log_likelihood(part)) for part in np.array_split(points, 60)]
    return points[np.concatenate(likelihoods) < threshold]


def on_moons(kind, seed, steps):
    """Error on points held out, the share of unlabeled points of which a logit is positive, and that of samples below the threshold."""
    points, labels, density, threshold = moons(seed)
    keras.utils.set_random_seed(seed)
    learned = kind == "learned"
    made = (
        mlp.generator((2,), 8, (64, 64))
        if learned
        else generator_of(Pool(pool(kind, seed, density, threshold)), 1)
        if kind
        else None
    )
    model = kgan.BadGAN(
        (2,),
        classes=2,
        generator=made or mlp.generator((2,), 8, (4,)),
        discriminator=mlp.discriminator((2,), (UNITS,) * 3, 0.1, outputs=2),
        feature_layer="activation_2",
        density=density if learned else None,
        density_weight=0.2 / UNITS,  # as large beside the mean over features as 0.2 beside their sum
        pull_away_weight=0.5 / UNITS if learned else 0.0,
        matching_power=2,
        unlabeled_weight=1.0 if kind else 0.0,
        prior=kgan.priors.Uniform(0.0, 1.0),
        seed=seed,
    )
    still = keras.optimizers.SGD(0.0)
    optimizers = {"discriminator": keras.optimizers.Adam(1e-3, beta_1=0.5)}
    optimizers["generator"] = keras.optimizers.Adam(1e-3, beta_1=0.0) if learned else still
    model.compile(optimizers=optimizers, averages={"discriminator": 0.999}, steps_per_execution=min(50, steps))
    if learned:
        model.threshold.assign(threshold)
    fit(model, points[:1000], labels[:1000], LABELS, seed, steps)
    wrong = model.classify(points[1000:]).argmax(1) != labels[1000:]
    logits = model.in_inference(model.class_logits, points[:1000])
    below = 0.0
    if learned:
        below = float((ops.convert_to_numpy(density.log_likelihood(model.generate(1000, seed=seed))) < threshold).mean())
    return float(wrong.mean()), float((logits.max(1) > 0).mean()), below


def fit(model, examples, labels, labels_per_class, seed, steps, batch=100):
    """So many rounds on the examples, of which a few have labels."""
    data, kept = kgan.datasets.semi_supervised(examples, labels, labels_per_class, seed)
    rounds = len(kept) // (model.minibatches_per_round * batch)
    passes = max(1, min(20, steps // rounds))
    repeated = {part: np.tile(x, (passes, *[1] * (x.ndim - 1))) for part, x in data.items()}
    epochs = max(1, round(steps / (rounds * passes)))
    model.fit(repeated, np.tile(kept, passes), batch_size=batch, epochs=epochs, verbose=0)


def two_moons(report, seed, steps):
    """Part A: four labels of each moon; densities known."""
    kinds = {"": "labels alone", "good": "samples of the data", "complement": "samples of the gaps", "learned": "the generator"}
    found = {kind: on_moons(kind, seed, steps) for kind in kinds}
    for kind, words in kinds.items():
        report.figure(f"A error, {words}", found[kind][0], seed=seed)
        report.figure(f"A share of unlabeled points believed true, {words}", found[kind][1], seed=seed)
    alone, good, complement, learned = (found[kind][0] for kind in kinds)
    report.over_seeds(
        "A points of error that gaps save beside labels", alone - complement, seed, "mean >= 0.08", lambda v: v >= 0.08
    )
    report.over_seeds("A points of error that gaps save beside data", good - complement, seed, "mean > 0.04", lambda v: v > 0.04)
    report.over_seeds("A points of error that the generator saves", alone - learned, seed, "mean >= 0.08", lambda v: v >= 0.08)
    report.over_seeds("A error that the generator leaves", learned, seed, "mean <= 0.06", lambda v: v <= 0.06)
    report.over_seeds("A share of its samples below the threshold", found["learned"][2], seed, "mean >= 0.4", lambda v: v >= 0.4)


def on_digits(family, seed, steps, **kwargs):
    """Error on 1,000 digits held out, from ten labels a class among 4,000."""
    (train, labels), (test, truth) = (
        ((images.reshape(len(images), -1) + 1.0) / 2.0, y)
        for images, y in (kgan.datasets.arrays("mnist", s) for s in ("train", "test"))
    )
    keras.utils.set_random_seed(seed)
    model = family(
        (784,),
        classes=10,
        generator=improved.perceptron_generator((784,), 100, (256, 256)),
        discriminator=improved.perceptron_classifier((784,), 10, (256, 256, 256), (0.3, 0.5, 0.5, 0.5)),
        feature_layer="activation_2",
        seed=seed,
        **kwargs,
    )
    model.compile(averages={"discriminator": 0.995}, steps_per_execution=min(20, steps))
    fit(model, train, labels, 10, seed, steps)
    return float((model.classify(test).argmax(1) != truth).mean())


def digits(report, seed, steps):
    """Part B: labels alone, feature matching, and feature matching with the pull-away term (with SVHN's weight; without a density)."""
    alone = on_digits(kgan.ImprovedGAN, seed, steps, unlabeled_weight=0.0)
    matching = on_digits(kgan.ImprovedGAN, seed, steps)
    whole = on_digits(kgan.BadGAN, seed, steps)
    for name, value in (("labels alone", alone), ("feature matching", matching), ("feature matching and pull-away", whole)):
        report.figure(f"B error, {name}", value, seed=seed)
    report.over_seeds("B points of error saved beside labels alone", alone - whole, seed, "mean >= 0.06", lambda v: v >= 0.06)
    report.over_seeds("B points of error above feature matching", whole - matching, seed, "mean <= 0.01", lambda v: v <= 0.01)


PARTS = {"A": (two_moons, 3000), "B": (digits, 2000)}


if __name__ == "__main__":
    run("bad_gan", __doc__, PARTS)
