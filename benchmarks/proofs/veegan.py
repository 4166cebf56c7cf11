"""Proof of VEEGAN: it keeps the eight modes that the same game without a reconstructor loses."""

import keras

import kgan
from benchmarks.proofs.harness import run
from kgan.networks import bidirectional, mlp

BATCH, CODES = 200, 64
RING = kgan.datasets.ring(8, radius=1.0, stddev=0.05)


def adam():
    return {move: keras.optimizers.Adam(1e-3, beta_1=0.5) for move in ("discriminator", "generator")}


def train(model, seed, steps):
    """Modes, shares within 3 and 9 standard deviations at ten checks; the last history."""
    model.compile(adam(), steps_per_execution=min(100, steps // 10))
    path = []
    for part in range(10):
        data = RING.sample(steps // 10 * BATCH, 100 * seed + part)
        history = model.fit(data, batch_size=BATCH, shuffle=False, verbose=0).history
        samples = model.generate(2500, seed=seed)
        near, wide = (kgan.metrics.mode_statistics(samples, RING, sigmas) for sigmas in (3.0, 9.0))
        path.append((near["modes"], near["high_quality"], wide["high_quality"]))
    return path, {key: values[-1] for key, values in history.items()}


def veegan(report, seed, steps):
    """Part A: 64 coordinates of code and one of noise."""
    keras.utils.set_random_seed(seed)
    model = kgan.VEEGAN((2,), latent_size=CODES + 1, seed=seed)
    path, history = train(model, seed, steps)
    modes, within_3, within_9 = zip(*path, strict=True)
    report.figure("A modes of 8, smallest of ten checks", min(modes), "8", min(modes) == 8, seed)
    report.figure("A modes at ten checks", list(modes), seed=seed)
    report.figure("A share within 3 standard deviations", within_3[-1], seed=seed)
    report.figure("A share within 9 standard deviations", within_9[-1], ">= 0.8", within_9[-1] >= 0.8, seed)
    report.figure("A loss of D (about 1.1)", history["discriminator/adversarial"], seed=seed)
    per_code = 2 * history["generator/reconstruction"] / CODES
    report.figure("A E||z - F(G(z))||^2 / K (about 0.95)", per_code, seed=seed)


def baseline(report, seed, steps):
    """Part B: the same without reconstructor, the discriminator on examples alone."""
    keras.utils.set_random_seed(seed)
    _, generator, _ = bidirectional.veegan_perceptrons((2,), CODES, 1)
    model = kgan.GAN(
        (2,),
        generator=generator,
        discriminator=mlp.discriminator((2,), (128,)),
        objective="reverse_kl",
        simultaneous=True,
        seed=seed,
    )
    path, _ = train(model, seed, steps)
    report.figure("B GAN: modes at ten checks", [modes for modes, *_ in path], seed=seed)
    report.figure("B GAN: modes of 8 at the end", path[-1][0], "<= 3", path[-1][0] <= 3, seed)
    report.figure("B GAN: share within 3 standard deviations", path[-1][1], seed=seed)


PARTS = {"A": (veegan, 10_000), "B": (baseline, 10_000)}


if __name__ == "__main__":
    run("veegan", __doc__, PARTS)
