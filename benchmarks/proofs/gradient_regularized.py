"""Proof of gradient-regularized GANs: eigenvalues in closed form, the ring of eight, a projection of Fashion-MNIST."""

import keras
import numpy as np
from keras import ops

import kgan
from benchmarks.proofs.harness import Shift, adam, float64, generator_of, run
from kgan.networks import mlp

# Equal weights, and the moments 1/3 and 1/5 of U[-1, 1]: Chebyshev's quadrature.
UNIFORM = np.array([-0.7946544722917661, -0.1875924740850799, 0.1875924740850799, 0.7946544722917661])[:, None]


class Power(keras.layers.Layer):
    """`psi x^k`, a discriminator of one weight."""

    def __init__(self, power, start, **kwargs):
        super().__init__(**kwargs)
        self.power = power
        self.psi = self.add_weight(shape=(), initializer=keras.initializers.Constant(start), name="psi")

    def call(self, x):
        return self.psi * x**self.power

    def compute_output_shape(self, shape):
        return shape


class Place(keras.layers.Layer):
    """A generator that makes its one weight of every latent."""

    def __init__(self, start, **kwargs):
        super().__init__(**kwargs)
        self.theta = self.add_weight(shape=(), initializer=keras.initializers.Constant(start), name="theta")

    def call(self, z):
        return ops.zeros_like(z) + self.theta

    def compute_output_shape(self, shape):
        return shape


@float64()
def jacobian(objective, eta, power=2, maker=None, data=UNIFORM, point=(0.0, 1.0), h=1e-5):
    """The Jacobian in (psi, theta) of one simultaneous step of plain descent with rate 1, by central differences of the library's step."""
    x = keras.Input((1,))
    model = kgan.GradientRegularizedGAN(
        generator=generator_of((maker or (lambda: Shift([0.0], name="scaled")))(), 1),
        discriminator=keras.Model(x, Power(power, point[0], name="power")(x), name="discriminator"),
        prior=lambda shape, seed=None: ops.convert_to_tensor(UNIFORM, "float64"),
        weight=eta,
        objective=objective,
        simultaneous=True,
        dtype="float64",
        seed=0,
    )
    model.compile(optimizers={m: keras.optimizers.SGD(1.0) for m in ("discriminator", "generator")}, run_eagerly=True)
    weights = [model.discriminator.trainable_variables[0], model.generator.trainable_variables[0]]

    def field(at):
        for variable, value in zip(weights, at, strict=True):
            variable.assign(value)
        model.fit(data, batch_size=len(data), verbose=0)
        return np.array([float(ops.convert_to_numpy(v)) for v in weights]) - at

    axes = np.eye(2) * h
    return np.stack([(field(np.array(point) + e) - field(np.array(point) - e)) / (2 * h) for e in axes], axis=1)


def linear_quadratic(report, seed, steps):
    """Part A: the LQ game D = psi x^2, G = theta z at (0, 1): Jacobians of the library's own step against the closed forms."""
    for eta in (0.0, 0.25, 0.5, 1.0, 2.0):
        expected = {
            "wasserstein": [[0.0, -2 / 3], [2 / 3, -8 * eta / 9]],
            "minimax": [[-0.1, -1 / 3], [1 / 3 - eta / 15, -2 * eta / 9]],
        }
        for objective, matrix in expected.items():
            found = jacobian(objective, eta)
            error = float(np.abs(found - matrix).max())
            report.figure(f"A {objective}, eta {eta:g}: error of the Jacobian", error, "< 1e-4", error < 1e-4, seed)
            first = max(np.linalg.eigvals(found), key=lambda e: (e.real, e.imag))
            report.figure(f"A {objective}, eta {eta:g}: eigenvalue", [float(first.real), float(first.imag)], seed=seed)


def dirac(report, seed, steps):
    """Part B: D = psi x, data at 0, G = theta: [[0, -1], [1, -2 eta]]."""
    for eta in (0.0, 0.5, 1.0):
        found = jacobian("wasserstein", eta, 1, lambda: Place(-0.2, name="place"), np.zeros((4, 1)), (0.3, -0.2))
        error = float(np.abs(found - [[0.0, -1.0], [1.0, -2.0 * eta]]).max())
        report.figure(f"B Dirac game, eta {eta:g}: error of the Jacobian", error, "< 1e-4", error < 1e-4, seed)


def trained(data, weight, seed, steps, batch=256):
    """The paper's networks for points in the plane, latents of 32, Adam 5e-4, from data that hold two minibatches a round."""
    keras.utils.set_random_seed(seed)
    orthogonal = keras.initializers.Orthogonal(0.8, seed=seed)
    model = kgan.GradientRegularizedGAN(
        generator=mlp.generator((2,), 32, (128, 128), initializer=orthogonal),
        discriminator=mlp.discriminator((2,), (128,), scale=0.25, initializer=orthogonal),
        weight=weight,
        seed=seed,
    )
    model.compile(optimizers=adam(5e-4, 5e-4), steps_per_execution=min(100, steps))
    history = model.fit(data(2 * batch * steps), batch_size=batch, shuffle=False, verbose=0).history
    return model, history


def ring(report, seed, steps):
    """Part C: eight modes, radius 2, standard deviation 0.02."""
    mixture = kgan.datasets.ring(modes=8, radius=2.0, stddev=0.02)
    for weight in (0.5, 0.0):
        model, history = trained(lambda count: mixture.sample(count, seed), weight, seed, steps)
        points = model.generate(2500, seed=seed)
        found = kgan.metrics.mode_statistics(points, mixture)
        modes, high, name = found["modes"], found["high_quality"], f"C eta {weight:g}"
        if weight:
            report.figure(f"{name}: modes of 8", modes, "8", modes == 8, seed)
            report.figure(f"{name}: share within 3 standard deviations", high, ">= 0.8", high >= 0.8, seed)
        else:
            report.figure(f"{name}: modes of 8", modes, "<= 3", modes <= 3, seed)
            report.figure(f"{name}: share within 3 standard deviations", high, seed=seed)
        wide = kgan.metrics.mode_statistics(points, mixture, sigmas=15.0)["high_quality"]
        report.figure(f"{name}: share within 0.3; L_D, mean", [wide, history["discriminator/adversarial"][-1]], seed=seed)


def energy_distance(a, b, count=2000):
    """`2 E|a - b| - E|a - a'| - E|b - b'|` of so many points of each."""
    a, b = a[:count].astype("float64"), b[:count].astype("float64")

    def mean(x, y, same=False):
        total = np.sqrt(((x[:, None] - y[None]) ** 2).sum(-1)).sum()
        return total / (len(x) * (len(y) - same))

    return float(2 * mean(a, b) - mean(a, a, True) - mean(b, b, True))


def variation(a, b):
    """Total variation of two histograms of 18 by 18 cells of [-4.5, 4.5]^2; what is outside counts as one more cell."""
    shares = []
    for points in (a, b):
        cells = np.histogram2d(*points.T, bins=18, range=[[-4.5, 4.5]] * 2)[0].ravel() / len(points)
        shares.append(np.append(cells, 1.0 - cells.sum()))
    return float(0.5 * np.abs(shares[0] - shares[1]).sum())


def projected(steps):
    """Fashion-MNIST (tfds) on its first two principal components, each scaled to a standard deviation of 1.4."""
    train, test = (kgan.datasets.arrays("fashion_mnist", s)[0].reshape(-1, 784) for s in ("train", "test"))
    mean = train.mean(0)
    axes = np.linalg.svd(train[:10_000] - mean, full_matrices=False)[2][:2].T
    train, test = (train - mean) @ axes, (test - mean) @ axes
    scale = 1.4 / train.std(0)
    return train * scale, test * scale


def fashion(report, seed, steps):
    """Part D: real images, two dimensions of them."""
    train, test = projected(steps)
    rng = np.random.default_rng(seed)
    own = energy_distance(train, test), variation(train[:10_000], test)
    report.figure("D training images: energy distance, total variation", list(own), seed=seed)
    distances = {}
    for weight in (0.5, 0.0):
        model, _ = trained(lambda count: train[rng.integers(0, len(train), count)], weight, seed, steps)
        points = model.generate(10_000, seed=seed)
        distance, tv = energy_distance(points, test), variation(points, test)
        distances[weight] = distance
        if weight:
            report.figure(f"D eta {weight:g}: energy distance", distance, "< 0.03", distance < 0.03, seed)
            report.figure(f"D eta {weight:g}: total variation", tv, "< 0.25", tv < 0.25, seed)
        else:
            ratio = distance / max(distances[0.5], 1e-4)
            report.figure("D energy distance, eta 0 / eta 0.5", ratio, "> 10", ratio > 10, seed)
            report.figure(f"D eta {weight:g}: energy distance, total variation", [distance, tv], seed=seed)


PARTS = {"A": (linear_quadratic, 1), "B": (dirac, 1), "C": (ring, 10_000), "D": (fashion, 6000)}


if __name__ == "__main__":
    run("gradient_regularized", __doc__, PARTS, asked_for=("D",))
