"""Proof of f-GAN: the table of divergences, the fits of a Gaussian to a mixture, the links."""

import math

import keras
import numpy as np
from keras import ops

import kgan
from benchmarks.proofs.harness import Shift, generator_of, run
from kgan.networks import mlp
from kgan.objectives import FDivergence
from kgan.objectives.f_divergences import DIVERGENCES
from kgan.types import Array

EXTRA = {"alpha": {"alpha": 0.5}, "weighted_jensen_shannon": {"pi": 0.3}}
# 0.33 N(-1, 0.065) + 0.67 N(2, 2): weights, means, variances.
MIXTURE = ((0.33, -1.0, 0.065), (0.67, 2.0, 2.0))
# Best Gaussian and its divergence from the mixture: mu*, sigma*, D. The GAN divergence is the Jensen-Shannon one minus log 4.
OPTIMA = {
    "kl": (1.0100, 1.8308, 0.2831),
    "reverse_kl": (1.5782, 1.6319, 0.2480),
    "jensen_shannon": (1.3070, 1.7542, 0.1280),
    "jeffrey": (1.3218, 1.7034, 0.5705),
    "pearson": (0.5737, 1.9274, 0.6457),
    "squared_hellinger": (1.313, 1.733, 0.1347),
    "neyman": (1.825, 1.519, 0.4052),
    "gan": (1.3070, 1.7542, 0.1280 - math.log(4)),
}


def objectives():
    for name in DIVERGENCES:
        yield name, FDivergence(name, **EXTRA.get(name, {}))
    yield "alpha=2", FDivergence("alpha", alpha=2.0)


def table(report, seed, steps):
    """Part A: f*(g(v)) against the supremum over a fine grid; the bound at the optimal T against the divergence itself."""
    u = np.exp(np.linspace(-20, 20, 400_001))
    v = np.linspace(-1.5, 1.0, 11)
    x = np.linspace(-8, 8, 401)
    dx = x[1] - x[0]
    p, q = (np.exp(-0.5 * ((x - m) / s) ** 2) / s / math.sqrt(2 * math.pi) for m, s in ((0.0, 1.0), (0.5, 1.3)))
    for name, objective in objectives():
        f = ops.convert_to_numpy(objective.f(u))
        t = ops.convert_to_numpy(objective.variational(v))
        conjugate = ops.convert_to_numpy(objective.conjugate(v))
        supremum = np.array([(value * u - f).max() for value in t])
        if name == "total_variation":
            supremum = np.maximum(supremum, t)  # attained at u = 1, the kink
        error = float(np.abs(conjugate - supremum).max())
        report.figure(f"A {name}: error of f*(g(v))", error, "< 1e-3", error < 1e-3, seed)
        ratio = p / q
        best = ops.convert_to_numpy(objective.optimum(np.log(ratio)))
        star = np.array([(value * u[::5] - f[::5]).max() for value in best])
        bound = float((p * best - q * star).sum() * dx)
        divergence = float((q * ops.convert_to_numpy(objective.f(ratio))).sum() * dx)
        error = abs(bound - divergence)
        report.figure(f"A {name}: bound at the optimal T minus the divergence", error, "< 1e-3", error < 1e-3, seed)


def mixture(count, seed):
    rng = np.random.default_rng(seed)
    (weight, m0, v0), (_, m1, v1) = MIXTURE
    first = rng.uniform(size=count) < weight
    return np.where(first, rng.normal(m0, v0**0.5, count), rng.normal(m1, v1**0.5, count)).astype("float32")[:, None]


@keras.saving.register_keras_serializable("proofs")
class Gaussian(keras.layers.Layer):
    """A generator of two parameters: mu + sigma z."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.mu = self.add_weight(shape=(), initializer="zeros", name="mu")
        self.sigma = self.add_weight(shape=(), initializer="ones", name="sigma")

    def call(self, z):
        return self.mu + self.sigma * z

    def compute_output_shape(self, shape):
        return shape


class Averages(keras.callbacks.Callback):
    """Means of mu and sigma over the rounds of an epoch's last part, read after every execution."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.values = layer, []

    def on_train_batch_end(self, batch, logs=None):
        self.values.append([float(ops.convert_to_numpy(v)) for v in (self.layer.mu, self.layer.sigma)])


def fits(report, seed, steps):
    """Part B: Gaussian generator, V 1-64-64-1 tanh, batch 1024, SGD 0.01 for both, the bound itself; means over the last 1000 steps."""
    found = {}
    for name, (mu, sigma, divergence) in OPTIMA.items():
        keras.utils.set_random_seed(seed)
        layer = Gaussian(name="gaussian")
        model = kgan.FGAN(
            (1,),
            divergence=name,
            generator=generator_of(layer, 1),
            discriminator=mlp.discriminator((1,), (64, 64), "tanh"),
            prior=kgan.priors.Normal(),
            seed=seed,
        )
        optimizers = {m: keras.optimizers.SGD(0.01) for m in ("discriminator", "generator")}
        last = min(1000, steps // 2)
        model.compile(optimizers=optimizers, steps_per_execution=min(50, last))
        model.fit(mixture(1024 * (steps - last), 2 * seed), batch_size=1024, verbose=0)
        trace = Averages(layer)
        history = model.fit(mixture(1024 * last, 2 * seed + 1), batch_size=1024, callbacks=[trace], verbose=0).history
        learned = [*np.mean(trace.values, axis=0), -history["discriminator/adversarial"][0]]
        learned = [float(value) for value in learned]
        found[name] = learned[0]
        close = abs(learned[0] - mu) < 0.1 and abs(learned[1] - sigma) < 0.1
        size = abs(divergence + (math.log(4) if name == "gan" else 0.0))
        bar = f"({mu:.3f}, {sigma:.3f}) +- 0.1; {divergence - 0.05 * size - 0.01:.3f} to {divergence + 0.01:.3f}"
        ok = close and divergence - 0.05 * size - 0.01 < learned[2] < divergence + 0.01
        report.figure(f"B {name}: mu, sigma, F", learned, bar, ok, seed)
    order = [found[name] for name in ("pearson", "kl", "jensen_shannon", "jeffrey", "reverse_kl")]
    ok = order == sorted(order)
    report.figure("B mu rises: Pearson, KL, JS, Jeffrey, reverse KL", [round(m, 3) for m in order], "rising", ok, seed)


def curvature(objective: FDivergence, x: Array, v: Array, h: float = 1e-3) -> Array:
    """Second derivative of the loss at x in V, at v, for P = N(0, 1), Q = N(1, 1): what an error of V costs there."""
    p, q = (np.exp(-0.5 * (x - m) ** 2) / math.sqrt(2 * math.pi) for m in (0.0, 1.0))
    g, conjugate = ([ops.convert_to_numpy(f(v + k * h)).astype("float64") for k in (-1, 0, 1)]
                    for f in (objective.variational, objective.conjugate))  # fmt: skip
    return sum(w * (q * c - p * t) for w, t, c in zip((1, -2, 1), g, conjugate, strict=True)) / h**2


def links(report, seed, steps):
    """Part C: P = N(0, 1), Q = N(1, 1) fixed; with the logistic link V becomes log p/q = 1/2 - x whatever f is.

    Neyman's loss has a hundredth of its curvature at x = -1, where its largest error lies: an error there is all but free. Its bar is on
    the root mean square error weighted by the curvature.
    """
    x = np.linspace(-1, 2, 61, dtype="float32")[:, None]
    cases = [(name, "logistic") for name in DIVERGENCES if name != "total_variation"]
    cases += [(name, "nowozin") for name in ("gan", "jensen_shannon", "reverse_kl", "kl")]
    for name, link in cases:
        keras.utils.set_random_seed(seed)
        model = kgan.FGAN(
            (1,),
            divergence=name,
            link=link,
            **EXTRA.get(name, {}),
            generator=generator_of(Shift(1.0, name="shift"), 1),
            discriminator=mlp.discriminator((1,), (64, 64), "tanh"),
            prior=kgan.priors.Normal(),
            seed=seed,
        )
        decay = keras.optimizers.schedules.CosineDecay(2e-3, steps)
        model.compile(
            optimizers={"discriminator": keras.optimizers.Adam(decay), "generator": keras.optimizers.SGD(0.0)},
            steps_per_execution=min(50, steps),
        )
        data = np.random.default_rng(seed).normal(size=(1024 * steps, 1)).astype("float32")
        model.fit(data, batch_size=1024, verbose=0)
        errors = np.abs(ops.convert_to_numpy(model.discriminator(x)) - (0.5 - x))
        error = float(errors.max())
        if name == "neyman":
            weights = curvature(model.objective, x.astype("float64"), 0.5 - x.astype("float64"))
            weighted = float(np.sqrt((weights * errors**2).sum() / weights.sum()))
            report.figure(f"C {name}, {link}: error of V weighted by curvature", weighted, "< 0.1", weighted < 0.1, seed)
            report.figure(f"C {name}, {link}: largest error of V on [-1, 2]", error, seed=seed)
            continue
        off = link == "nowozin" and name == "kl"  # there V = 1 + log p/q
        bar, ok = ("> 0.8", error > 0.8) if off else ("< 0.2", error < 0.2)
        report.figure(f"C {name}, {link}: largest error of V on [-1, 2]", error, bar, ok, seed)


PARTS = {"A": (table, 1), "B": (fits, 14_000), "C": (links, 3000)}


if __name__ == "__main__":
    run("fgan", __doc__, PARTS)
