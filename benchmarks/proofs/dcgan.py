"""Proof of DCGAN: digits at 16x16, the collapse that one joint batch causes, features of the discriminator."""

import keras
import numpy as np
from keras import ops

import kgan
from benchmarks.proofs.harness import digit_figures, run
from kgan.networks import with_features

SHAPE = (16, 16, 1)
EARLY = 400


def digits():
    """The training half, every pixel repeated to 16x16."""
    images, _ = kgan.datasets.arrays("digits", "train")
    return images.repeat(2, axis=1).repeat(2, axis=2)


def build(seed, joint_batch=False, epsilon=1e-3):
    keras.utils.set_random_seed(seed)
    model = kgan.DCGAN(SHAPE, filters=32, latent_size=32, epsilon=epsilon, joint_batch=joint_batch, seed=seed)
    model.compile()
    return model


def train(model, steps, first=0):
    rounds = len(digits()) // 64
    model.fit(digits(), batch_size=64, initial_epoch=first // rounds, epochs=-(-steps // rounds), verbose=0)


def quality(report, seed, steps):
    """Parts A and B: 3000 steps; and 400 steps with separate and with joint batches."""
    early = min(EARLY, steps)
    model = build(seed)
    train(model, early)
    separate = digit_figures(model.generate(899, seed=seed))["frechet_distance"]
    train(model, steps, early)
    figures = digit_figures(model.generate(899, seed=seed))
    distance, score = figures["frechet_distance"], figures["class_score"]
    report.figure("A Frechet digit distance, n=899", distance, "< 4", distance < 4, seed)
    report.figure("A digit score", score, "> 7.5", score > 7.5, seed)
    others = {"joint": build(seed, joint_batch=True), "epsilon": build(seed, epsilon=1e-8)}
    for other in others.values():
        train(other, early)
    collapsed, sharp = (digit_figures(m.generate(899, seed=seed))["frechet_distance"] for m in others.values())
    report.figure(f"distance after {early} steps with the epsilon of the authors' wide networks, 1e-8", sharp, seed=seed)
    report.figure(f"B distance after {early} steps, separate batches", separate, seed=seed)
    report.figure(f"B distance after {early} steps, joint batch", collapsed, seed=seed)
    report.figure("B joint / separate", collapsed / separate, "> 10", collapsed / separate > 10, seed)
    features(report, seed, model)


def features(report, seed, model):
    """Part C: a linear classifier on pooled features of all convolutions, 5 and 10 labels per class, tested on half B."""
    from sklearn.svm import LinearSVC

    images, labels = kgan.datasets.arrays("digits", "test")
    images = images.repeat(2, axis=1).repeat(2, axis=2)

    def extract(network):
        parts = []
        for level in range(2):
            maps, _ = with_features(network, f"down_{level}_leaky")(images)
            parts.append(ops.max_pool(maps, maps.shape[1] // 4, strides=maps.shape[1] // 4))
        return np.concatenate([ops.convert_to_numpy(p).reshape(len(images), -1) for p in parts], axis=1)

    sets = {"trained": extract(model.discriminator), "random": extract(build(seed).discriminator)}
    sets["pixels"] = images.reshape(len(images), -1)
    for count in (5, 10):
        rng = np.random.default_rng(seed)
        chosen = np.concatenate([rng.choice(np.flatnonzero(labels == c), count, replace=False) for c in range(10)])
        rest = np.setdiff1d(np.arange(len(labels)), chosen)
        for name, values in sets.items():
            classifier = LinearSVC(C=0.01, max_iter=20_000).fit(values[chosen], labels[chosen])
            accuracy = float(classifier.score(values[rest], labels[rest]))
            report.figure(f"C accuracy with {count} labels per class, {name}", accuracy, seed=seed)


PARTS = {"A": (quality, 3000)}


if __name__ == "__main__":
    run("dcgan", __doc__, PARTS)
