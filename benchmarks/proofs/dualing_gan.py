"""Proof of dualing GANs: duality and the envelope in double precision, five Gaussians, digits beside the primal game; networks."""

import keras
import numpy as np
from keras import layers, ops
from scipy.optimize import minimize

import kgan
from benchmarks.proofs.harness import DIGIT, MNIST, adam, digit_figures, mnist_figures, run
from kgan import backend, objectives

LOG_2 = float(np.log(2.0))


def exact(report, seed, steps):
    """Part A: n = 50, six features, C = 0.01: Newton's method on the primal and bounded ascent on the dual, by a general solver."""
    rng = np.random.RandomState(seed)
    real, fake, c = 0.7 + rng.randn(50, 6), 1.3 * rng.randn(50, 6), 0.01

    def number(tensor):
        return float(ops.convert_to_numpy(tensor))

    def minus_dual(shares):
        """-g and its slope, as functions of the 100 shares."""

        def value(tensors):
            return -objectives.dualing_dual(tensors[0][:50], tensors[0][50:], real, fake, c), None

        (found, _), (slope,) = backend.value_and_gradients(value, [shares])
        return number(found), ops.convert_to_numpy(slope).astype("float64")

    weights = objectives.dualing_optimum(np.zeros(6), real, fake, c, steps=10)
    primal = number(objectives.dualing_primal(weights, real, fake, c))
    ascent = minimize(
        minus_dual,
        np.full(100, 0.5),
        jac=True,
        method="L-BFGS-B",
        bounds=[(1e-6, 1 - 1e-6)] * 100,
        options={"maxiter": 5000, "maxfun": 10_000, "ftol": 1e-16, "gtol": 1e-12},
    )
    gap = primal + ascent.fun
    report.figure("A primal optimum minus dual optimum", gap, "+- 1e-6", abs(gap) < 1e-6, seed)
    shares = np.concatenate([ops.convert_to_numpy(s) for s in objectives.dualing_shares(weights, real, fake)])
    error = float(np.abs(shares - ascent.x).max())
    report.figure("A largest difference of 2n lambda", error, "< 1e-3", error < 1e-3, seed)
    recovered = (ascent.x[:50] @ real - ascent.x[50:] @ fake) / (100 * c)
    error = float(np.abs(recovered - ops.convert_to_numpy(weights)).max())
    report.figure("A largest difference of w from that of the dual", error, "< 1e-3", error < 1e-3, seed)
    fixed = objectives.dualing_shares(weights, real, fake)
    slopes = [
        ops.convert_to_numpy(backend.value_and_gradients(lambda t, f=f: (f(t[0]), None), [fake])[1][0])
        for f in (
            lambda z: objectives.dualing_dual(*fixed, real, z, c),
            lambda z: objectives.dualing_primal(weights, real, z, c),
        )
    ]
    error = float(np.abs(slopes[0] - slopes[1]).max() / np.abs(slopes[1]).max())
    report.figure("A envelope: relative difference of the generator's gradients", error, "< 1e-5", error < 1e-5, seed)


class Rounds(keras.callbacks.Callback):
    """A term of every round, from the running means of an epoch."""

    def __init__(self, name):
        super().__init__()
        self.name, self.values = name, []

    def on_epoch_begin(self, epoch, logs=None):
        self.total = 0.0

    def on_train_batch_end(self, batch, logs=None):
        total = (batch + 1) * float(sum(logs[name] for name in self.name))
        self.values.append(total - self.total)
        self.total = total


def blocks(values, count):
    """Means and standard deviations of equal blocks."""
    parts = np.array_split(np.asarray(values), count)
    return np.asarray([p.mean() for p in parts]), np.asarray([p.std() for p in parts])


def gaussians(report, seed, steps):
    """Part B: five Gaussians of standard deviation 0.1, the default features (60 waves), n = 256, C = 0.1, Adam(5e-3, 0.5, 0.9).

    With beta_2 of 0.999 a gradient that is suddenly large moves G by several times the rate: g falls by 0.04 within a few rounds and takes
    hundreds to come back.
    """
    centers = np.array([(0, 0), (2, 2), (2, -2), (-2, 2), (-2, -2)], "float32")
    mixture = kgan.datasets.mixtures.Mixture(centers, 0.1)
    model = kgan.DualingGAN((2,), regularization=0.1, seed=seed)
    model.compile(optimizers={"generator": keras.optimizers.Adam(5e-3, 0.5, 0.9)})
    trace = Rounds(["generator/dual"])
    epochs = max(1, steps // 20)
    history = model.fit(mixture.sample(256 * 20, seed), batch_size=256, epochs=epochs, verbose=0, callbacks=[trace]).history
    means, deviations = blocks(-np.asarray(trace.values), min(12, len(trace.values)))
    report.figure("B blocks of 250 steps: mean g", [round(float(m), 4) for m in means], seed=seed)
    fall = float(-np.diff(means[1:]).min())
    report.figure("B largest fall of a block's mean", fall, "<= 0.001", fall <= 0.001, seed)
    report.figure("B mean g of the last block (log 2 = 0.6931)", float(means[-1]), ">= 0.69", means[-1] >= 0.69, seed)
    report.figure("B largest standard deviation inside a block, from the fourth on", float(deviations[3:].max()), seed=seed)
    gap = history["generator/duality_gap"][-1]
    report.figure("B duality gap over the last twenty rounds", gap, "< 1e-4", gap < 1e-4, seed)
    found = kgan.metrics.mode_statistics(model.generate(2500, seed=seed), mixture)
    report.figure("B modes of 5", found["modes"], "5", found["modes"] == 5, seed)
    report.figure("B share within 3 standard deviations", found["high_quality"], seed=seed)


def digits(report, seed, steps):
    """Part C: 4,000 digits of 28 pixels, the default features (300 rectified), n = 256, C = 0.01; beside it w by one Adam step for each of
    G's.
    """
    images = kgan.datasets.arrays("mnist")[0][: 256 * steps]
    epochs = max(1, steps // (len(images) // 256))
    found = {}

    def train(name, model, terms, scale, **kwargs):
        model.compile(**kwargs)
        trace = Rounds(terms)
        model.fit(images, batch_size=256, epochs=epochs, verbose=0, callbacks=[trace])
        found[name] = blocks(scale * np.asarray(trace.values), min(6, len(trace.values)))
        for what, values in zip(("mean", "standard deviation"), found[name], strict=True):
            report.figure(f"C {name}, six blocks: {what}", [round(float(v), 4) for v in values], seed=seed)
        return model

    model = train("dual", kgan.DualingGAN(MNIST, seed=seed), ["generator/dual"], -1.0)
    # f is half of the usual cost, so that C/2 ||w||^2 becomes C ||w||^2.
    linear = layers.Dense(1, use_bias=False, kernel_initializer="zeros", kernel_regularizer=keras.regularizers.L2(0.01))
    keras.utils.set_random_seed(seed)
    twin = kgan.DualingGAN(MNIST, seed=seed)
    primal = kgan.GAN(
        generator=twin.generator,
        discriminator=keras.Sequential([keras.Input(MNIST), twin.features, linear], name="discriminator"),
        objective="minimax",
        seed=seed,
    )
    cost = ["discriminator/adversarial", "discriminator/regularization"]
    train("primal", primal, cost, 0.5, optimizers=adam(1e-2, 1e-3))
    (means, deviations), (costs, spreads) = found["dual"], found["primal"]
    fall = float(-np.diff(means).min())
    report.figure("C dual: largest fall of a block's mean", fall, "<= 0.001", fall <= 0.001, seed)
    report.figure("C dual: largest block mean", float(means.max()), "< log 2", means.max() < LOG_2, seed)
    report.figure(
        "C dual: largest deviation from block 2 on", float(deviations[1:].max()), "< 0.02", deviations[1:].max() < 0.02, seed
    )
    quotient = float((deviations[1:] / spreads[1:]).max())
    report.figure("C largest quotient of the deviations, dual / primal", quotient, "<= 0.2", quotient <= 0.2, seed)
    report.figure("C primal: largest block mean of the cost", float(costs.max()), "> log 2", costs.max() > LOG_2, seed)
    for name, player in (("dual", model), ("primal", primal)):
        shown = "{distance:.1f}, {score:.2f}, {classes}".format(**mnist_figures(player.generate(2000, seed=seed))[0])
        report.figure(f"C {name}: distance, score, classes", shown, seed=seed)


def picture(report, seed, steps):
    """Part D, only where asked for: digits as in C, for long; the figures of samples."""
    images = kgan.datasets.arrays("mnist")[0][: 256 * steps]
    model = kgan.DualingGAN(MNIST, seed=seed)
    model.compile(steps_per_execution=min(15, steps))
    history = model.fit(images, batch_size=256, epochs=max(1, steps // 15), verbose=0).history
    judged, _ = mnist_figures(model.generate(2000, seed=seed))
    report.figure("D g at the end", -history["generator/dual"][-1], seed=seed)
    report.figure("D distance, score, classes", "{distance:.1f}, {score:.2f}, {classes}".format(**judged), seed=seed)


def local(report, seed, steps):
    """Part E: the model of linear scores around a random point, 1/2 ||s||^2 <= 0.05: the step, its dual, and the generator's gradient."""
    rng = np.random.RandomState(seed)
    real, fake, start = 0.7 + rng.randn(50, 6), 1.3 * rng.randn(50, 6), 0.3 * rng.randn(6)
    c, radius = 0.01, 0.05

    def number(tensor):
        return float(ops.convert_to_numpy(tensor))

    def step(fake):
        """The best step for these samples, by conditional gradients, and the value of the model there."""
        s = objectives.local_step(
            lambda s: (ops.matmul(real, s), ops.matmul(fake, s)),
            lambda u, v: ops.matmul(u, real) + ops.matmul(v, fake),
            start, real @ start, fake @ start, c, radius, steps,
        )  # fmt: skip
        s = ops.convert_to_numpy(s)
        return s, number(value(s, fake))

    def value(s, fake):
        ends = ops.matmul(real, start + s), ops.matmul(fake, start + s)
        return objectives.local_cost(start + s, *ends, c)

    s, found = step(fake)
    ball = {"type": "ineq", "fun": lambda s: radius - 0.5 * s @ s, "jac": lambda s: -s}
    theirs = minimize(
        lambda s: number(value(s, fake)),
        0.01 * np.ones(6),
        method="SLSQP",
        constraints=[ball],
        options={"ftol": 1e-15, "maxiter": 500},
    )
    gap = found - theirs.fun
    report.figure("E optimum in the ball minus a general solver's", gap, "+- 1e-6", abs(gap) < 1e-6, seed)
    length = float(0.5 * s @ s)
    report.figure("E 1/2 ||s||^2 where the ball binds (0.05)", length, "+- 1e-6", abs(length - radius) < 1e-6, seed)

    def minus_dual(shares):
        def at(tensors):
            u, v = tensors[0][:50], tensors[0][50:]
            pull = (ops.matmul(u, real) - ops.matmul(v, fake)) / 100
            return -objectives.local_dual(u, v, pull, start, real @ start, fake @ start, c, radius), None

        (at_shares, _), (slope,) = backend.value_and_gradients(at, [shares])
        return number(at_shares), ops.convert_to_numpy(slope).astype("float64")

    ascent = minimize(
        minus_dual, np.full(100, 0.5), jac=True, method="L-BFGS-B", bounds=[(1e-6, 1 - 1e-6)] * 100,
        options={"maxiter": 5000, "maxfun": 10_000, "ftol": 1e-16, "gtol": 1e-12},
    )  # fmt: skip
    gap = found + ascent.fun
    report.figure("E optimum in the ball minus dual optimum", gap, "+- 1e-6", abs(gap) < 1e-6, seed)
    _, (slope,) = backend.value_and_gradients(lambda t: (value(s, t[0]), None), [fake])
    direction, h = rng.randn(50, 6), 1e-4
    total = (step(fake + h * direction)[1] - step(fake - h * direction)[1]) / (2 * h)
    error = abs(float((ops.convert_to_numpy(slope) * direction).sum()) / total - 1)
    report.figure("E envelope: slope at the fixed step / of the optimum - 1", error, "< 1e-4", error < 1e-4, seed)


def networks(report, seed, steps):
    """Part F: 8x8 digits, discriminators 64-256-128-1 with plain steps of fixed length, both models, beside the minimax GAN."""
    images, _ = kgan.datasets.arrays("digits", "train")
    for name in ("cost", "scores", "GAN"):
        keras.utils.set_random_seed(seed)
        if name == "GAN":
            twin = kgan.TrustRegionDualingGAN(DIGIT, seed=seed)
            model = kgan.GAN(generator=twin.generator, discriminator=twin.discriminator, objective="minimax", seed=seed)
            model.compile(optimizers=adam(1e-3, 1e-3), steps_per_execution=7)
        else:
            model = kgan.TrustRegionDualingGAN(DIGIT, linearization=name, seed=seed)
            model.compile(steps_per_execution=7)
        before = digit_figures(model.generate(898, seed=seed))["frechet_distance"]
        history = model.fit(images, batch_size=64, epochs=max(1, steps // 14), verbose=0).history
        judged = digit_figures(model.generate(898, seed=seed))
        distance = judged["frechet_distance"]
        report.figure(f"F {name}: Frechet distance, score", [distance, judged["class_score"]], seed=seed)
        if name == "GAN":
            continue
        report.figure(f"F {name}: distance / before training", distance / before, "<= 0.1", distance / before <= 0.1, seed)
        report.figure(f"F {name}: cost at the end (log 2 = 0.6931)", history["discriminator/cost"][-1], seed=seed)
        if name == "scores":
            gap = history["discriminator/duality_gap"][-1]
            report.figure("F scores: duality gap of the last epoch", gap, seed=seed)


PARTS = {
    "A": (exact, 1),
    "B": (gaussians, 3000),
    "C": (digits, 600),
    "D": (picture, 10_000),
    "E": (local, 60),
    "F": (networks, 2100),
}


if __name__ == "__main__":
    run("dualing_gan", __doc__, PARTS, asked_for=("D",))
