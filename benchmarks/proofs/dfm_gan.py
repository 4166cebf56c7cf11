"""Proof of denoising feature matching: a denoiser of Gaussians in closed form, the target's gradient, handwritten digits."""

import keras
import numpy as np
from keras import layers, ops

import kgan
from benchmarks.proofs.harness import adam, mnist_figures, run
from kgan import backend, objectives
from kgan.networks import mlp


def closed_form(report, seed, steps):
    """Part A: data N(0, s^2) in 16 dimensions are their own features; the best denoiser is linear, of slope s^2 / (s^2 + sigma^2)."""
    for s, sigma in ((1.0, 1.0), (2.0, 1.0), (1.0, 0.5)):
        keras.utils.set_random_seed(seed)
        x = keras.Input((16,))
        seen = layers.Activation("linear", name="features")(x)
        model = kgan.DFMGAN(
            generator=mlp.generator((16,), 16, (16,)),
            discriminator=keras.Model(x, layers.Dense(1, name="logit")(seen), name="discriminator"),
            denoiser=mlp.generator((16,), 16, (128, 128), name="denoiser"),
            corruption=sigma,
            seed=seed,
        )
        decayed = keras.optimizers.Adam(keras.optimizers.schedules.PolynomialDecay(1e-3, steps, 1e-5))
        model.compile(optimizers={**adam(1e-3), "denoiser": decayed}, steps_per_execution=min(100, steps))
        rng = np.random.default_rng(seed)
        model.fit((s * rng.normal(size=(256 * steps, 16))).astype("float32"), batch_size=256, verbose=0)
        clean = s * rng.normal(size=(20_000, 16))
        noisy = clean + sigma * rng.normal(size=clean.shape)
        denoised = model.denoiser.predict(noisy.astype("float32"), batch_size=2000, verbose=0)
        slope, best = float((denoised * noisy).sum() / (noisy**2).sum()), s**2 / (s**2 + sigma**2)
        report.figure(
            f"A s {s:g}, sigma {sigma:g}: slope, {best:g} at the optimum", slope, "+- 0.02", abs(slope - best) < 0.02, seed
        )
        loss, least = float(((denoised - clean) ** 2).mean()), best * sigma**2
        ok = abs(loss / least - 1) < 0.05
        report.figure(f"A s {s:g}, sigma {sigma:g}: error, {least:g} at the optimum", loss, "+- 5 %", ok, seed)
    phi = np.random.default_rng(seed).normal(size=(64, 16)).astype("float32")

    def term(tensors):
        return objectives.feature_denoising(tensors[0], model.denoiser(tensors[0], training=False)), None

    _, (gradient,) = backend.value_and_gradients(term, [ops.convert_to_tensor(phi)])
    expected = 2 * (phi - model.denoiser.predict(phi, verbose=0)) / phi.size
    error = float(np.abs(ops.convert_to_numpy(gradient) - expected).max() / np.abs(expected).max())
    report.figure("A gradient of the feature term against 2 (phi - r) / n, relative", error, "< 1e-4", error < 1e-4, seed)


def off_target(model, examples):
    """Mean square of phi - r(phi), in inference mode."""
    features, _ = model.features(ops.convert_to_tensor(examples))
    return float(ops.convert_to_numpy(objectives.feature_denoising(features, model.denoiser(features, training=False))))


def digits(report, seed, steps):
    """Part B: 28x28 digits, batch 64, Adam(1e-3, 0.5), corruption linear from 1 to 0; the same game without the term beside it."""
    train, test = (kgan.datasets.arrays("mnist", split)[0].reshape(-1, 784) for split in ("train", "test"))
    distance = {}
    for weight in (0.0, 1.0):
        keras.utils.set_random_seed(seed)
        model = kgan.DFMGAN(
            generator=mlp.generator((784,), 64, (256, 256), batch_norm=True, output_activation="tanh"),
            discriminator=mlp.discriminator((784,), (256, 128), 0.2),
            denoiser=mlp.generator((128,), 128, (256, 256, 256), batch_norm=True, name="denoiser"),
            denoising_weight=weight,
            corruption=keras.optimizers.schedules.PolynomialDecay(1.0, steps, 0.0),
            prior=kgan.priors.Normal(),
            seed=seed,
        )
        model.compile(steps_per_execution=31)
        model.fit(train, batch_size=64, epochs=max(1, steps // 62), verbose=0)
        samples = model.generate(2000, seed=seed)
        found, _ = mnist_figures(samples)
        distance[weight] = found["distance"]
        report.figure(f"B weight {weight:g}: distance, score, classes", [round(float(v), 2) for v in found.values()], seed=seed)
        values = [float(f"{off_target(model, x):.3g}") for x in (test, samples[:1000])]
        report.figure(f"B weight {weight:g}: ||phi - r(phi)||^2 / n of held-out digits, of samples", values, seed=seed)
    quotient = distance[1.0] / distance[0.0]
    report.over_seeds("B distance, weight 1 / weight 0", quotient, seed, "mean <= 0.9", lambda v: v <= 0.9, least=3)


PARTS = {"A": (closed_form, 2000), "B": (digits, 3000)}


if __name__ == "__main__":
    run("dfm_gan", __doc__, PARTS)
