"""Proof of AdaGAN: the exact weights of a worked example, and an unbalanced ring whose rare modes only boosting finds."""

import keras
import numpy as np

import kgan
from benchmarks.proofs.harness import adam, run
from kgan.networks import mlp
from kgan.programs import boosting

WEIGHTS = (0.30, 0.22, 0.16, 0.12, 0.10, 0.07, 0.02, 0.01)


def jensen_shannon(p, q):
    """In nats, weighted half and half."""

    def kl(a, b):
        return float((a[a > 0] * np.log(a[a > 0] / b[a > 0])).sum())

    return 0.5 * kl(p, (p + q) / 2) + 0.5 * kl(q, (p + q) / 2)


def exact(report, seed, steps):
    """Part A: eight equally likely points, a model on three of them, beta = 1/2."""
    data, model, beta = np.full(8, 1 / 8), np.asarray([0.5, 0.3, 0.2, 0, 0, 0, 0, 0]), 0.5
    weights, multiplier = boosting.optimal(model / data, beta)
    report.figure("A lambda*", multiplier, "0.8", abs(multiplier - 0.8) < 1e-12, seed)
    error = float(np.abs(weights - np.repeat([0.0, 0.2], [3, 5])).max())
    report.figure("A largest error of W = (0, 0, 0, 0.2 x5)", error, "< 1e-12", error < 1e-12, seed)
    mixture = (1 - beta) * model + beta * weights
    before, after = jensen_shannon(model, data), jensen_shannon(mixture, data)
    distance = kgan.metrics.total_variation(mixture, data)
    start = kgan.metrics.total_variation(model, data)
    report.figure("A TV before", start, "0.625", abs(start - 0.625) < 1e-12, seed)
    report.figure("A TV after one step", distance, "0.15", abs(distance - 0.15) < 1e-12, seed)
    report.figure("A JS before", before, "0.2998", abs(before - 0.2998) < 5e-5, seed)
    report.figure("A JS after one step", after, "0.0154, <= 0.1499", abs(after - 0.0154) < 5e-5 and after <= 0.5 * before, seed)
    second = 0.5 * mixture + 0.5 * boosting.optimal(mixture / data, 0.5)[0]
    distance = kgan.metrics.total_variation(second, data)
    report.figure("A TV after two steps", distance, "0", distance < 1e-12, seed)
    try:
        boosting.dagger(model / data, beta)
        refused = False
    except ValueError:
        refused = True
    report.figure("A Theorem 2 is refused", refused, "True", refused, seed)


def mode_shares(samples, mixture):
    """Share of the samples within three standard deviations of every center."""
    distances = np.linalg.norm(samples[:, None] - mixture.centers[None], axis=-1)
    return (distances < 3 * mixture.stddev).mean(axis=0)


def covered_and_distance(samples, mixture):
    """Modes with more than 0.3 of their weight, and the total variation over the eight shares."""
    shares = mode_shares(samples, mixture)
    return int((shares > 0.3 * mixture.weights).sum()), float(0.5 * np.abs(shares - mixture.weights).sum())


def unbalanced_ring(report, seed, steps):
    """Part B: boosting and bagging on eight modes of weights from 0.30 to 0.01; 8000 points, each stored eight times."""
    mixture = kgan.datasets.ring(8, radius=4.0, stddev=0.1, weights=WEIGHTS)
    points = np.concatenate([mixture.sample(8000, seed)] * 8)
    found = {}
    for name, weighting in (("AdaGAN", "optimal"), ("bagging", "uniform")):
        keras.utils.set_random_seed(seed)
        component = kgan.GAN(
            (2,), generator=mlp.generator((2,), 5, (32, 32)), discriminator=mlp.discriminator((2,), (32, 32)), seed=seed
        )
        model = kgan.AdaGAN(
            component=component,
            components=8,
            weighting=weighting,
            epochs_per_component=max(1, steps // 500),
            classifier=mlp.discriminator((2,), (64, 64), name="classifier"),
            classifier_epochs=4 if steps > 500 else 1,
            seed=seed,
        )
        model.compile(optimizers=adam(1e-3, 1e-3), steps_per_execution=100 if steps > 500 else 1)
        data = points if steps > 500 else points[: 128 * steps]
        model.fit(data, batch_size=128, epochs=model.total_epochs, verbose=0)
        for count in (1, 3, 8):
            # 1/t: the mixture of the first components gives all of them one share.
            chosen = (np.arange(8) < count) / count
            modes, distance = covered_and_distance(model.generate(10_000, chosen, seed), mixture)
            found[name, count] = modes, distance
            report.figure(f"B {name}, T = {count}: modes of 8", modes, seed=seed)
            report.figure(f"B {name}, T = {count}: TV", distance, seed=seed)
        outside = 1 - float(mode_shares(model.generate(10_000, seed=seed), mixture).sum())
        report.figure(f"B {name}: share of samples without mode", outside, seed=seed)
        coverage = kgan.metrics.kde_coverage(mixture.sample(500, seed + 100), model.generate(2500, seed=seed))
        report.figure(f"B {name}: coverage C", coverage, seed=seed)
        if name == "AdaGAN":
            report.figure("B AdaGAN: examples without weight at T = 8", model.records[-1]["zero_share"], seed=seed)
        else:
            alone = [covered_and_distance(model.generate(10_000, index, seed), mixture) for index in range(8)]
            report.figure("B best of 8: TV", min(distance for _, distance in alone), seed=seed)
    (many, boosted), (few, bagged) = found["AdaGAN", 8], found["bagging", 8]
    report.figure("B AdaGAN, T = 8: TV over the 8 shares", boosted, "< 0.15", boosted < 0.15, seed)
    report.figure("B TV, AdaGAN / bagging", boosted / bagged, "< 0.5", boosted < 0.5 * bagged, seed)
    report.figure("B modes, AdaGAN - bagging", many - few, ">= 2", many - few >= 2, seed)


PARTS = {"A": (exact, 1), "B": (unbalanced_ring, 3000)}


if __name__ == "__main__":
    run("adagan", __doc__, PARTS)
