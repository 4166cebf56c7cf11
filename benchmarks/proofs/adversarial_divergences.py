"""Proof of restricted adversarial divergences (1705.08991): closed forms, minima, weak convergence, training, Fashion-MNIST."""

import keras
import numpy as np
from keras import ops

import kgan
from benchmarks.proofs.harness import run
from kgan.divergences import OBJECTIVES, fourier, measure, polynomial, supremum
from kgan.networks import mlp

RESTRICTED = {1: (0.0, 0.0), 2: (0.0, 0.0), 3: (0.0, 0.0), 4: (0.11235, 0.06291), 6: (0.14307, 0.08052)}


def restricted(report, seed, steps):
    """Part A: U(-sqrt 3, sqrt 3) against N(0, 1), whose moments agree up to the third, over polynomials; by quadrature."""
    nodes, weights = np.polynomial.legendre.leggauss(400)
    flat, wide = 3**0.5 * nodes[:, None], 10.0 * nodes[:, None]
    bell = weights * np.exp(-0.5 * wide[:, 0] ** 2)
    for degree, values in RESTRICTED.items():
        for name, value in zip(("kl", "gan"), values, strict=True):
            found, bar = supremum(name, polynomial(degree), flat, wide, weights, bell), 1e-3 if value else 1e-6
            error = abs(found - value)
            report.figure(f"A {name}, degree {degree}: {found:.5f}, error", error, f"< {bar:g}", error < bar, seed)
    found = supremum("kl", polynomial(1), flat, wide + 0.3, weights, bell)
    report.figure("A kl, degree 1, shifted by 0.3 (0.045)", found, "0.044 to 0.046", 0.044 < found < 0.046, seed)


def minima(report, seed, steps):
    """Part B: equal laws, held-out values."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(steps, 1)), rng.normal(size=(steps, 1))
    for name in OBJECTIVES:
        if name != "wgan":
            found = measure(name, polynomial(2), x, y, seed=seed).value
            report.figure(f"B {name}, quadratic: value of equal laws", found, "+- 1e-3", abs(found) < 1e-3, seed)
    network = measure("wgan", mlp.discriminator((1,), (16,), "tanh"), x, y, steps=300, restarts=1, seed=seed)
    report.figure(
        "B wgan with gradient penalty, network: value of equal laws", network.value, "+- 0.02", abs(network.value) < 0.02, seed
    )


def weak(report, seed, steps):
    """Part C: mass at 0 against mass at 1/n: what converges, and what does not."""
    kernel = kgan.objectives.GaussianKernel(1.0)
    for n, expected in ((1, 0.8871), (10, 0.0999), (100, 0.0100)):
        x, y = np.zeros((4, 1)), np.full((4, 1), 1.0 / n)
        both = (ops.convert_to_tensor(p.astype("float32")) for p in (x, y))
        mmd = float(ops.sqrt(kgan.objectives.biased_mmd2(*both, kernel)))
        report.figure(f"C n {n}: MMD", mmd, f"{expected:g} +- 1e-3", abs(mmd - expected) < 1e-3, seed)
        found = supremum("gan", polynomial(1), x, y)
        report.figure(f"C n {n}: GAN above its minimum (2 log 2)", found, "> 1.38", 1.38 < found < 1.3864, seed)
        report.figure(f"C n {n}: W1", float(np.abs(np.sort(x, 0) - np.sort(y, 0)).mean()), seed=seed)


class Powers(keras.layers.Layer):
    """x, x^2, ..., x^k."""

    def __init__(self, degree, **kwargs):
        super().__init__(**kwargs)
        self.degree = degree

    def call(self, x):
        return ops.concatenate([x**k for k in range(1, self.degree + 1)], axis=-1)

    def compute_output_shape(self, shape):
        return (shape[0], self.degree)


def matched(report, seed, steps):
    """Part D: data U(-sqrt 3, sqrt 3), G(z) = a + b z, the f-GAN of KL whose discriminator is linear in x, or in x and x^2."""
    rng = np.random.default_rng(seed)
    data = rng.uniform(-(3**0.5), 3**0.5, (1024 * steps, 1)).astype("float32")
    for degree in (2, 1):
        z, x = keras.Input((1,)), keras.Input((1,))
        start = keras.initializers.Constant
        generator = keras.layers.Dense(1, kernel_initializer=start(0.6), bias_initializer=start(0.5), name="affine")
        linear = keras.layers.Dense(1, kernel_initializer="zeros", bias_initializer="ones", name="linear")
        model = kgan.FGAN(
            generator=keras.Model(z, generator(z)),
            discriminator=keras.Model(x, linear(Powers(degree, name="powers")(x))),
            divergence="kl",
            prior=kgan.priors.Normal(),
            seed=seed,
        )
        model.compile(optimizers={m: keras.optimizers.SGD(0.01) for m in ("discriminator", "generator")})
        cut, seen = len(data) // 4, []
        model.fit(data[: 3 * cut], batch_size=1024, shuffle=False, verbose=0)
        for part in np.array_split(data[3 * cut :], max(1, min(20, cut // 1024))):
            model.fit(part, batch_size=1024, shuffle=False, verbose=0)
            seen.append([float(ops.convert_to_numpy(v).ravel()[0]) for v in (generator.bias, generator.kernel)])
        a, b = np.mean(seen, axis=0)
        name = f"D psi to degree {degree}"
        report.figure(f"{name}: mean", float(a), "+- 0.05", abs(a) < 0.05, seed)
        if degree == 2:
            report.figure(f"{name}: scale", float(b), "1 +- 0.05", abs(b - 1.0) < 0.05, seed)
        else:
            report.figure(f"{name}: scale stays where it was (0.6)", float(b), "0.6 +- 0.1", abs(b - 0.6) < 0.1, seed)


def components(seed):
    """Fashion-MNIST (tfds) on its first ten principal components, each of variance 1: the 60,000 images, shuffled."""
    train = kgan.datasets.arrays("fashion_mnist", "train")[0].reshape(-1, 784)
    train = train[np.random.default_rng(seed).permutation(len(train))]
    mean = train[:20_000].mean(0)
    axes = np.linalg.svd(train[:10_000] - mean, full_matrices=False)[2][:10].T
    scale = ((train[:20_000] - mean) @ axes).std(0)
    return (train - mean) @ axes / scale


def fashion(report, seed, steps):
    """Part E: what linear, quadratic functions and networks see of laws beside real images."""
    points, rng = components(seed), np.random.default_rng(seed)
    mu, other = points[:20_000], points[20_000:40_000]
    normal = rng.multivariate_normal(mu.mean(0), np.cov(mu.T), 20_000)
    shift = np.zeros(10)
    shift[0] = 0.3
    laws = {
        "other real images": (other, (-0.01, 0.005), (-0.01, 0.005), (-0.05, 0.01)),
        "Gaussian of their mean and covariance": (normal, (-0.01, 0.005), (-0.01, 0.005), (1.0, 1.39)),
        "the same, shifted by 0.3 in one": (normal + shift, (0.014, 0.03), None, (1.0, 1.39)),
        "the same, deviations times 1.2": (mu.mean(0) + 1.2 * (normal - mu.mean(0)), (-0.01, 0.005), (0.12, 0.18), (1.0, 1.39)),
    }
    network = mlp.discriminator((10,), (64, 64))
    for name, (nu, *bars) in laws.items():
        for kind, family, bar in zip(
            ("linear", "quadratic", "network"), (polynomial(1), polynomial(2), network), bars, strict=True
        ):
            size = {"steps": steps, "batch_size": 200, "restarts": 1} if kind == "network" else {}
            found = measure("gan", family, mu, nu, seed=seed, **size)
            ok = None if bar is None else bar[0] <= found.value <= bar[1]
            text = None if bar is None else f"{bar[0]:g} to {bar[1]:g}"
            report.figure(f"E {name}, {kind}", found.value, text, ok, seed)
            if kind == "network" and "real" in name:
                report.figure(f"E {name}, {kind}: on its training examples", found.training, seed=seed)
    value = measure("gan", fourier(200, 3.0), mu, normal, seed=seed).value
    report.figure("E Gaussian of their mean and covariance, 200 random Fourier features", value, seed=seed)


PARTS = {"A": (restricted, 1), "B": (minima, 40_000), "C": (weak, 1), "D": (matched, 6000), "E": (fashion, 600)}


if __name__ == "__main__":
    run("adversarial_divergences", __doc__, PARTS, asked_for=("E",))
