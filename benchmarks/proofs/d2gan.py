"""Proof of D2GAN: optimal scores in closed form, the ring and its identities, digits."""

import keras
import numpy as np
from keras import ops

import kgan
from benchmarks.proofs.harness import MNIST, Shift, adam, generator_of, mnist_figures, run
from kgan.networks import mlp


def scores(network, points):
    return ops.convert_to_numpy(ops.softplus(network(points)))[:, 0]


def identities(model, real, seed):
    """`E_G D1` and `E_x D2`, alpha and beta at the optimum."""
    fake = model.generate(len(real), seed=seed)
    return float(scores(model.discriminator, fake).mean()), float(scores(model.reverse_discriminator, real).mean())


def closed_form(report, seed, steps):
    """Part A: data N(0, 1), samples N(1, 1) at rest, alpha 0.2, beta 0.1: both scores against alpha p / q and beta q / p."""
    model = kgan.D2GAN(
        generator=generator_of(Shift([1.0], name="shift"), 1),
        discriminator=mlp.discriminator((1,), (64, 64), "tanh"),
        reverse_discriminator=mlp.discriminator((1,), (64, 64), "tanh"),
        alpha=0.2,
        beta=0.1,
        seed=seed,
    )
    decayed = keras.optimizers.schedules.ExponentialDecay(3e-3, max(1, steps // 4), 0.3)
    model.compile(optimizers=adam(decayed), steps_per_execution=min(200, steps))
    rng = np.random.default_rng(seed)
    model.fit(rng.normal(size=(512 * steps, 1)).astype("float32"), batch_size=512, verbose=0)
    points = np.linspace(-1.0, 2.0, 61, dtype="float32")[:, None]
    ratio = np.exp(0.5 - points[:, 0])
    for name, network, optimum in (
        ("D1", model.discriminator, 0.2 * ratio),
        ("D2", model.reverse_discriminator, 0.1 / ratio),
    ):
        error = float(np.abs(scores(network, points) / optimum - 1).mean())
        report.figure(f"A {name}: mean relative error on [-1, 2]", error, "< 0.05", error < 0.05, seed)
    found = identities(model, rng.normal(size=(20_000, 1)).astype("float32"), seed)
    for name, value, optimum in zip(("E_G D1", "E_x D2"), found, (0.2, 0.1), strict=True):
        report.figure(f"A {name} / {optimum:g}", value / optimum, "1 +- 0.05", abs(value / optimum - 1) < 0.05, seed)


def ring(report, seed, steps):
    """Part B: eight Gaussians of covariance 0.02 on a circle of radius 2; 16-64-64-2 against 2-64-1, He normal, Adam(1e-3, 0.5)."""
    mixture = kgan.datasets.ring(radius=2.0, stddev=0.02**0.5)
    for alpha, beta in ((1.0, 1.0), (0.2, 0.1)):
        keras.utils.set_random_seed(seed)
        start = {"initializer": "he_normal"}
        model = kgan.D2GAN(
            generator=mlp.generator((2,), 16, (64, 64), **start),
            discriminator=mlp.discriminator((2,), (64,), **start),
            reverse_discriminator=mlp.discriminator((2,), (64,), **start),
            alpha=alpha,
            beta=beta,
            seed=seed,
        )
        model.compile(optimizers=adam(1e-3, 1e-3), steps_per_execution=min(200, steps))
        model.fit(mixture.sample(128 * steps, seed), batch_size=128, verbose=0)
        what = f"B alpha {alpha:g}, beta {beta:g}:"
        found = kgan.metrics.mode_statistics(model.generate(20_000, seed=seed), mixture)
        first, second = identities(model, mixture.sample(20_000, seed + 1), seed)
        if alpha == 1:
            report.figure(f"{what} modes of 8", found["modes"], "8", found["modes"] == 8, seed)
            good = found["high_quality"]
            report.figure(f"{what} share within 3 standard deviations", good, "> 0.7", good > 0.7, seed)
        for name, value, optimum, width in (
            ("E_G D1", first, alpha, 0.07 if alpha == 1 else 0.15),
            ("E_x D2", second, beta, 0.07 if beta == 1 else 0.15),
        ):
            off = abs(value / optimum - 1)
            report.figure(f"{what} {name} / {optimum:g}", value / optimum, f"1 +- {width:g}", off < width, seed)


def networks(seed, batch_norm, names):
    """64-256-256-784 with tanh, and 784-256-128-1."""
    keras.utils.set_random_seed(seed)
    generator = mlp.generator(MNIST, 64, (256, 256), batch_norm=batch_norm, output_activation="tanh")
    return {"generator": generator, **{name: mlp.discriminator(MNIST, (256, 128), 0.2, name=name) for name in names}}


def digits(report, seed, steps):
    """Part C: 4,000 digits of 28 pixels, batch 64, alpha 0.2, beta 0.1, against GAN with the same networks, rates and rounds."""
    images = kgan.datasets.arrays("mnist")[0][: 64 * steps]
    for what, rate, batch_norm in (("rate 2e-4", 2e-4, True), ("rate 1e-3, no batch norm", 1e-3, False)):
        distance = {}
        for name in ("D2GAN", "GAN"):
            if name == "GAN":
                model = kgan.GAN(**networks(seed, batch_norm, ("discriminator",)), seed=seed)
            else:
                both = networks(seed, batch_norm, ("discriminator", "reverse_discriminator"))
                model = kgan.D2GAN(**both, alpha=0.2, beta=0.1, prior=kgan.priors.Normal(), seed=seed)
            model.compile(optimizers=adam(rate, rate), steps_per_execution=min(31, steps))
            history = model.fit(images, batch_size=64, epochs=max(1, round(steps / 62.5)), verbose=0).history
            found, _ = mnist_figures(model.generate(2000, seed=seed))
            distance[name] = found["distance"]
            shown = "{distance:.1f}, {score:.2f}, {classes}".format(**found)
            report.figure(f"C {what}, {name}: distance, score, classes", shown, seed=seed)
            if name == "D2GAN":
                # Of the training, over its last hundred rounds: held-out digits are scored lower than those learned from.
                first, second = (
                    float(np.mean(history[f"discriminator/{k}"][-2:])) for k in ("forward_on_samples", "reverse_on_data")
                )
                report.figure(f"C {what}: E_G D1", first, "0.2 +- 10 %", abs(first / 0.2 - 1) < 0.1, seed)
                report.figure(f"C {what}: E_x D2", second, "0.05 to 0.12", 0.05 <= second <= 0.12, seed)
        quotient = distance["D2GAN"] / distance["GAN"]
        report.figure(f"C {what}: Frechet distance, D2GAN / GAN", quotient, "<= 0.85", quotient <= 0.85, seed)


PARTS = {"A": (closed_form, 4000), "B": (ring, 10_000), "C": (digits, 3000)}


if __name__ == "__main__":
    run("d2gan", __doc__, PARTS)
