"""Proof of the Frechet distance and of two time scales: closed forms, disturbed digits, the saddle, a grid of learning rates."""

import itertools
import math

import keras
import numpy as np
from keras import ops

import kgan
from benchmarks.proofs.harness import run
from kgan import AdversarialModel, Move, Turn, datasets, metrics
from kgan.networks import mlp


def closed_form(report, seed, steps):
    """Part A: Gaussians whose covariances do not commute, and the mistakes that would pass on commuting ones."""
    means = np.asarray([1.0, 0.0]), np.asarray([0.0, 2.0])
    c_1, c_2 = np.asarray([[2.0, 0.5], [0.5, 1.0]]), np.asarray([[1.0, -0.3], [-0.3, 1.5]])
    value = metrics.frechet_distance_from_moments(means[0], c_1, means[1], c_2)
    report.figure("A Frechet distance", value, "5.463471 +- 1e-6", abs(value - 5.463471) < 1e-6, seed)
    same = metrics.frechet_distance_from_moments(means[0], c_1, means[0], c_1)
    report.figure("A of identical moments", same, "0 +- 1e-6", abs(same) < 1e-6, seed)
    deviations = np.random.default_rng(seed).uniform(0.1, 3, (2, 6))
    zero, diagonal = np.zeros(6), [np.diag(s**2) for s in deviations]
    value_diagonal = metrics.frechet_distance_from_moments(zero, diagonal[0], zero, diagonal[1])
    error = abs(value_diagonal - ((deviations[0] - deviations[1]) ** 2).sum())
    report.figure("A of diagonal covariances less sum (s_1 - s_2)^2", error, "< 1e-9", error < 1e-9, seed)

    def root(c):
        values, vectors = np.linalg.eigh(c)
        return (vectors * np.sqrt(values)) @ vectors.T

    plain = ((means[0] - means[1]) ** 2).sum() + np.trace(c_1 + c_2)
    mistakes = {"elementwise root": np.sqrt(np.abs(c_1 @ c_2)), "root of each factor": root(c_1) @ root(c_2)}
    for name, wrong in mistakes.items():
        gap = abs(float(plain - 2 * np.trace(wrong)) - value)
        report.figure(f"A gap to the {name}", gap, "> 1e-5", gap > 1e-5, seed)


def _shapes(rng):
    """The six disturbances of the paper on 8x8 images in [0, 1]: name, levels, function of images and level."""
    from scipy.ndimage import gaussian_filter
    from skimage.transform import swirl

    def noise(x, alpha):
        return (1 - alpha) * x + alpha * rng.normal(size=x.shape)

    def blur(x, sigma):
        return gaussian_filter(x, (0, sigma, sigma, 0))

    def rectangle(x, alpha):
        side = round(8 * alpha)
        x = x.copy()
        for image, (top, left) in zip(x, rng.integers(9 - side, size=(len(x), 2)), strict=True):
            image[top : top + side, left : left + side] = 0.0
        return x

    def swirled(x, strength):
        return np.stack([swirl(image[..., 0], strength=strength, radius=8)[..., None] for image in x])

    def salt_and_pepper(x, share):
        dice = rng.uniform(size=x.shape)
        return np.where(dice < share / 2, 0.0, np.where(dice < share, 1.0, x))

    def contamination(x, alpha):
        x = x.copy()
        for index in rng.permutation(len(x))[: round(alpha * len(x))]:
            x[index] = rng.permutation(x[index].ravel()).reshape(x.shape[1:])
        return x

    alphas = (0.0, 0.25, 0.5, 0.75)
    return {
        "noise": (noise, alphas),
        "blur": (blur, (0.0, 0.5, 1.0, 2.0)),
        "rectangle": (rectangle, alphas),
        "swirl": (swirled, (0.0, 1.0, 2.0, 4.0)),
        "salt and pepper": (salt_and_pepper, (0.0, 0.1, 0.2, 0.3)),
        "contamination": (contamination, alphas),
    }


def disturbances(report, seed, steps):
    """Part B: the Frechet digit distance rises with each of six disturbances, and falls with the sample size."""
    classifier = metrics.DigitClassifier()
    images = (datasets.arrays("digits", "all")[0] + 1) / 2
    rng = np.random.default_rng(seed)

    def features(pixels):
        return np.asarray(classifier((2 * pixels - 1).astype("float32")))

    reference = metrics.Moments.of(features(images))
    for name, (disturb, levels) in _shapes(rng).items():
        values = [reference.distance(metrics.Moments.of(features(disturb(images, level)))) for level in levels]
        ok = all(a < b for a, b in itertools.pairwise(values))
        report.figure(f"B {name} at {levels}", [round(v, 2) for v in values], "rising", ok, seed)
    clean = features(images)
    values = []
    for n in (100, 300, 900):
        draws = [metrics.Moments.of(clean[rng.permutation(len(clean))[:n]]) for _ in range(20)]
        values.append(float(np.mean([reference.distance(m) for m in draws])))
    report.figure(
        "B random subsets of (100, 300, 900) to all",
        [round(v, 3) for v in values],
        "falling",
        values[0] > values[1] > values[2],
        seed,
    )


class Point(keras.layers.Layer):
    """One number for each of several runs."""

    def __init__(self, value, runs, **kwargs):
        super().__init__(**kwargs)
        self.position = self.add_weight(shape=(runs,), initializer=keras.initializers.Constant(value), name="position")
        self.built = True

    def call(self):
        return ops.convert_to_tensor(self.position)


class Saddle(AdversarialModel):
    """f(x, y) = (1 + x^2)(100 - y^2): x descends, then y ascends, in several runs at once. The data are the noise of their gradients."""

    def __init__(self, runs):
        super().__init__()
        self.x, self.y = Point(0.5, runs, name="x"), Point(-0.4, runs, name="y")

    def value(self):
        return (1 + self.x() ** 2) * (100 - self.y() ** 2)

    def turns(self):
        return (
            Turn((Move("x", ("x",), lambda noise: ops.sum(self.value() + noise["x"][0] * self.x())),)),
            Turn((Move("y", ("y",), lambda noise: ops.sum(-self.value() + noise["y"][0] * self.y())),), fresh=False),
        )


def saddle(report, seed, steps):
    """Part C: the saddle, played by the engine with learning rates of each player's own; noisy gradients; ten runs a seed."""
    runs = 10
    rates = {
        "one scale, fast": (0.01, 0.01),
        "one scale, slow": (0.001, 0.001),
        "two scales, x slow": (0.0001, 0.01),
        "two scales, y slow": (0.01, 0.0001),
    }
    late, first = {}, {}
    for name, (rate_x, rate_y) in rates.items():
        rng = np.random.default_rng(seed)
        noise = {player: rng.normal(size=(steps, runs)).astype("float32") for player in "xy"}
        model, norms = Saddle(runs), []
        model.compile({"x": keras.optimizers.SGD(rate_x), "y": keras.optimizers.SGD(rate_y)})
        after = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs, model=model, norms=norms: norms.append(
                np.hypot(*(ops.convert_to_numpy(player()) for player in (model.x, model.y)))
            )
        )
        model.fit(noise, batch_size=1, shuffle=False, verbose=0, callbacks=[after])
        norms = np.stack(norms)
        late[name] = float(norms[-1000:].mean())
        below = norms < 0.2
        first[name] = float(np.where(below.any(axis=0), below.argmax(axis=0), steps).mean())
        report.figure(f"C {name} {rate_x:g}, {rate_y:g}: mean norm", late[name], seed=seed)
        report.figure(f"C {name}: first below 0.2", first[name], seed=seed)
    report.figure("C two scales: mean norm", late["two scales, x slow"], "< 0.1", late["two scales, x slow"] < 0.1, seed)
    faster = first["two scales, x slow"] / first["one scale, slow"]
    report.figure("C steps to 0.2: two scales / one slow scale", faster, "< 1", faster < 1, seed)
    report.figure("C one fast scale: mean norm", late["one scale, fast"], "> 0.15", late["one scale, fast"] > 0.15, seed)


def grid(report, seed, steps):
    """Part D: a GAN of perceptrons on digits as vectors, one discriminator step a generator step. Reported, no bar."""
    train, test = (datasets.arrays("digits", split)[0] for split in ("train", "test"))
    pixels, rates = (train.reshape(-1, 64) + 1) / 2, (1e-4, 3e-4, 1e-3)
    found = {}
    for d in rates:
        for g in rates:
            keras.utils.set_random_seed(seed)
            generator = mlp.generator((64,), 32, (128, 128), batch_norm=True, output_activation="sigmoid")
            model = kgan.GAN((64,), generator=generator, discriminator=mlp.discriminator((64,), (128,) * 2, 0.1), seed=seed)
            model.compile(
                optimizers={move: keras.optimizers.Adam(rate, 0.5) for move, rate in (("discriminator", d), ("generator", g))}
            )
            model.fit(pixels, batch_size=64, epochs=math.ceil(steps / (len(pixels) // 64)), verbose=0)
            samples = 2 * model.generate(len(test), seed=seed).reshape(-1, 8, 8, 1) - 1
            classifier = metrics.DigitClassifier()
            found[d, g] = metrics.frechet_distance(classifier.features(test), classifier.features(samples))
            report.figure(f"D Frechet digit distance, n={len(test)}: lr_D {d:g}, lr_G {g:g}", found[d, g], seed=seed)
    best = {
        kind: min(v for (d, g), v in found.items() if (d == g) is same)
        for kind, same in (("one rate", True), ("two rates", False))
    }
    for kind, value in best.items():
        report.figure(f"D best cell with {kind}", value, seed=seed)


PARTS = {"A": (closed_form, 1), "B": (disturbances, 1), "C": (saddle, 5000), "D": (grid, 3000)}


if __name__ == "__main__":
    run("ttur", __doc__, PARTS)
