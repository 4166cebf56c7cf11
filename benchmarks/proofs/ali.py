"""Proof of ALI: on a ring of eight, codes are drawn from the prior and lead back to where they came from."""

import keras
import numpy as np

import kgan
from benchmarks.proofs.harness import run
from kgan.networks import mlp
from kgan.networks.bidirectional import stochastic_perceptrons

BATCH, SCALE = 100, 2.0
RING = kgan.datasets.ring(8, radius=2.0, stddev=0.1)
HIDDEN = {"encoder_hidden": (128, 128), "generator_hidden": (128,) * 3, "discriminator_hidden": (128, 128), "pieces": 3}


def points(rounds, seed):
    return RING.sample(rounds * BATCH, seed) / SCALE


def adam(steps):
    """Rates that fall to a hundredth over the second half: at a constant one a seed of three still had codes of wrong modes at its end."""
    rates = {move: kgan.optimizers.HoldThenDecay(5e-4, steps) for move in ("discriminator", "generator")}
    return {move: keras.optimizers.Adam(rate, beta_1=0.5) for move, rate in rates.items()}


def coverage(samples):
    """Modes with at least 20 of 10,000 samples within 0.3, and the share of samples within 0.3 of a mode."""
    distances = np.linalg.norm(samples[:, None] * SCALE - RING.centers[None], axis=-1)
    near = distances.min(1) < 0.3
    counts = np.bincount(distances.argmin(1)[near], minlength=8)
    return int((counts >= 20).sum()), float(near.mean())


def errors(x, made):
    """Mean squared distance of x from its reconstruction, over that from the reconstruction of another x."""
    own, other = (float((((a - made) * SCALE) ** 2).sum(1).mean()) for a in (x, x[np.random.default_rng(0).permutation(len(x))]))
    return own, other


def inference(report, seed, steps):
    """Part A: the change-of-variables encoder."""
    keras.utils.set_random_seed(seed)
    encoder, generator, discriminator = stochastic_perceptrons((2,), **HIDDEN)
    model = kgan.ALI(encoder=encoder, generator=generator, discriminator=discriminator, seed=seed)
    model.compile(adam(steps), steps_per_execution=min(100, steps // 10))
    path, x = [], points(100, 10_000 + seed)
    for part in range(5):
        model.fit(points(steps // 5, 100 * seed + part), batch_size=BATCH, shuffle=False, verbose=0)
        modes, share = coverage(model.generate(10_000, seed=seed))
        codes, (own, other) = model.encode(x, seed=seed), errors(x, model.reconstruct(x, seed=seed))
        path.append([modes, round(share, 2), round(own / other, 3)])
    mean, deviation = np.abs(codes.mean(0)).max(), codes.std(0)
    report.figure(f"A modes, share, rec / base every {steps // 5} iterations", path, seed=seed)
    report.figure("A modes of 8", modes, "8", modes == 8, seed)
    report.figure("A share within 0.3", share, seed=seed)
    report.figure("A rec / base", own / other, "<= 0.10", own / other <= 0.10, seed)
    report.figure("A largest |mean| of codes", float(mean), "<= 0.2", mean <= 0.2, seed)
    within = bool(((deviation >= 0.75) & (deviation <= 1.25)).all())
    report.figure("A standard deviations of codes", [float(d) for d in deviation], "in [0.75, 1.25]", within, seed)


def untrained(report, seed, steps):
    """Part B: a GAN with the same generator and discriminator, and an encoder that nobody trains."""
    keras.utils.set_random_seed(seed)
    encoder, generator, _ = stochastic_perceptrons((2,), **HIDDEN)
    discriminator = mlp.maxout_discriminator((2,), (128, 128), 3, (0.0, 0.0, 0.0))
    for layer in discriminator.layers:
        for variable in layer.trainable_variables:
            if len(variable.shape) > 1:
                variable.assign(keras.random.normal(variable.shape, 0.0, 0.02))
    model = kgan.GAN((2,), generator=generator, discriminator=discriminator, simultaneous=True, seed=seed)
    model.compile(adam(steps), steps_per_execution=min(100, steps))
    model.fit(points(steps, 100 * seed), batch_size=BATCH, shuffle=False, verbose=0)
    modes, share = coverage(model.generate(10_000, seed=seed))
    x = points(100, 10_000 + seed)
    noise = np.random.default_rng(seed).normal(size=x.shape).astype("float32")
    made = generator.predict(encoder.predict([x, noise], verbose=0), verbose=0)
    own, other = errors(x, made)
    report.figure("B GAN: modes, share within 0.3", [modes, share], seed=seed)
    report.figure("B GAN and untrained encoder: rec / base", own / other, ">= 0.9", own / other >= 0.9, seed)


PARTS = {"A": (inference, 10_000), "B": (untrained, 8000)}


if __name__ == "__main__":
    run("ali", __doc__, PARTS)
