"""Proof of the regularizer of 1705.09367: its value in closed form, seven Gaussians on a plane in space, cross-testing, digits."""

import functools
import types

import keras
import numpy as np
from keras import ops

import kgan
from benchmarks.proofs.harness import adam, mnist_figures, run
from kgan.networks import mlp
from kgan.objectives import FDivergence
from kgan.penalties import FDivergenceRegularizer, JensenShannonRegularizer, Scored


def identity(report, seed, steps):
    """Part A: P = N(0, 1), Q = N(1.5, 0.8^2), the exact logit: both forms are 0.978757 (by quadrature), each of a million samples."""

    def logit(x):
        return 0.5 * (ops.square((x - 1.5) / 0.8) - ops.square(x)) + float(np.log(0.8))

    rng = np.random.default_rng(seed)
    real = rng.normal(size=(steps, 1)).astype("float32")
    fake = (1.5 + 0.8 * rng.normal(size=(steps, 1))).astype("float32")
    model = types.SimpleNamespace(score=logit, objective=FDivergence("gan"))
    for penalty in (JensenShannonRegularizer(2.0), FDivergenceRegularizer(2.0)):
        value = float(penalty(model, Scored(real, fake, None, None)))
        off = abs(value / 0.978757 - 1.0)
        report.figure(f"A {penalty.name} / (gamma / 2), relative error", off, "< 0.01", off < 0.01, seed)


TURN = np.sqrt(0.5)


def in_space(points):
    """The plane of the paper: turned by 45 degrees about (1, -1, 0) / sqrt 2, moved by (1, 1, 1) / sqrt 3."""
    axis, flat = np.array([TURN, -TURN, 0.0]), np.concatenate([points, np.zeros((len(points), 1))], axis=1)
    turned = flat * TURN + np.cross(axis, flat) * TURN + np.outer(flat @ axis, axis) * (1.0 - TURN)
    return (turned + 1.0 / np.sqrt(3.0)).astype("float32")


@functools.lru_cache(maxsize=4)
def pair(weight, seed, steps):
    """One game on the seven Gaussians: nets 128-128 tanh, Glorot times 1.5, Adam 1e-3, batch 128."""
    keras.utils.set_random_seed(seed)
    wide = keras.initializers.VarianceScaling(2.25, "fan_avg", "uniform", seed=seed)
    model = kgan.GAN(
        generator=mlp.generator((3,), 2, (128, 128), "tanh", initializer=wide),
        discriminator=mlp.discriminator((3,), (128, 128), "tanh", initializer=wide),
        penalties=[JensenShannonRegularizer(weight)] if weight else [],
        seed=seed,
    )
    model.compile(optimizers=adam(1e-3, 1e-3), steps_per_execution=min(100, steps))
    ring = kgan.datasets.ring(modes=7, radius=1.0, stddev=0.01)
    history = model.fit(in_space(ring.sample(128 * steps, seed)), batch_size=128, shuffle=False, verbose=0).history
    return model, history["discriminator/adversarial"][-1], in_space(ring.centers), in_space(ring.sample(2500, seed + 100))


def space(report, seed, steps):
    """Part B: the paper's 3-D experiment."""
    for weight in (0.1, 0.0):
        model, loss, centers, _ = pair(weight, seed, steps)
        distances = np.linalg.norm(model.generate(2500, seed=seed)[:, None] - centers[None], axis=-1)
        near = distances.min(1) < 0.1
        shares = np.bincount(distances.argmin(1)[near], minlength=7) / max(1, near.sum())
        modes, share, tv = int((shares > 0).sum()), float(near.mean()), float(0.5 * np.abs(shares - 1 / 7).sum())
        name = f"B gamma {weight:g}"
        if weight:
            report.figure(f"{name}: modes of 7", modes, "7", modes == 7, seed)
            report.figure(f"{name}: share within 0.1", share, ">= 0.75", share >= 0.75, seed)
            report.figure(f"{name}: total variation of the shares", tv, "<= 0.1", tv <= 0.1, seed)
            report.figure(f"{name}: L_D without penalty, mean", loss, "1.3 to 1.3863", 1.3 < loss < 1.3863, seed)
        else:
            report.figure(f"{name}: modes, total variation", [modes, tv], "<= 6 or >= 0.12", modes <= 6 or tv >= 0.12, seed)
            report.figure(f"{name}: share within 0.1", share, seed=seed)
            report.figure(f"{name}: L_D, mean", loss, "< 1.1", loss < 1.1, seed)


def taken_for_real(model, examples):
    """The share of examples that a discriminator takes for real, phi > 1/2."""
    return float(np.mean(model.in_inference(lambda x: model.discriminator(x, training=False), examples) > 0.0))


def crossed(report, part, names, models, real, count, seed):
    """Each discriminator on real examples, on its own generator's and on the other's. Returns the two rates of the last."""
    samples = [m.generate(count, seed=seed + 50) for m in models]
    rates = []
    for index, (name, model) in enumerate(zip(names, models, strict=True)):
        true, own, other = (taken_for_real(model, x) for x in (real, samples[index], samples[1 - index]))
        report.figure(f"{part} {name}: taken for real of real, own, the other's", [true, own, other], seed=seed)
        rates.append(other)
    return rates


def cross_test(report, seed, steps):
    """Part C: cross-testing of B's pairs; reported, no bar."""
    models = [pair(weight, seed, steps)[0] for weight in (0.0, 0.1)]
    crossed(report, "C", ("gamma 0", "gamma 0.1"), models, pair(0.1, seed, steps)[3], 2500, seed)


def digits(report, seed, steps):
    """Part D: 4,000 digits of 28 pixels, five moves of the discriminator a round, gamma 2 and none."""
    images, _ = kgan.datasets.arrays("mnist")
    held_out, _ = kgan.datasets.arrays("mnist", "test")
    models, distances = [], []
    for weight in (0.0, 2.0):
        keras.utils.set_random_seed(seed)
        model = kgan.GAN(
            generator=mlp.generator(images.shape[1:], 64, (256, 256), batch_norm=True, output_activation="tanh"),
            discriminator=mlp.discriminator(images.shape[1:], (256, 128), 0.2),
            penalties=[JensenShannonRegularizer(weight)] if weight else [],
            discriminator_steps=5,
            seed=seed,
        )
        model.compile(optimizers=adam(1e-3, 1e-3), steps_per_execution=min(20, steps))
        order = np.random.default_rng(seed).integers(0, len(images), 5 * 64 * steps)
        model.fit(images[order], batch_size=64, shuffle=False, verbose=0)
        found, _ = mnist_figures(model.generate(2000, seed=seed))
        distances.append(found["distance"])
        shown = "{distance:.1f}, {score:.2f}, {classes}".format(**found)
        report.figure(f"D gamma {weight:g}: distance, score, classes", shown, seed=seed)
        models.append(model)
    rates = crossed(report, "D", ("gamma 0", "gamma 2"), models, held_out, 1000, seed)
    gap, ratio = rates[0] - rates[1], distances[1] / distances[0]
    report.figure("D false positives on the other's samples, gamma 0 - gamma 2", gap, ">= 0.15", gap >= 0.15, seed)
    report.figure("D Frechet distance, gamma 2 / gamma 0", ratio, "<= 0.9", ratio <= 0.9, seed)


PARTS = {"A": (identity, 1_000_000), "B": (space, 7000), "C": (cross_test, 7000), "D": (digits, 600)}


if __name__ == "__main__":
    run("roth", __doc__, PARTS)
