"""Proof of WGAN-GP and CT-GAN: two point masses in closed form, eight Gaussians, digits, the consistency term."""

import keras
import numpy as np
from keras import layers, ops

import kgan
from benchmarks.proofs.harness import DIGIT, Shift, adam, digit_figures, generator_of, run
from benchmarks.proofs.sngan import SHAPE, WIDTH
from kgan.backend import value_and_gradients
from kgan.networks import mlp

CASES = ((2.0, 10.0), (2.0, 1.0), (4.0, 1.0))


def point_masses(report, seed, steps):
    """Part A: real at 0, fake at (d, 0). The penalized critic has slope 1 + d / (2 lambda) and the gap d times that."""
    for d, weight in CASES:
        keras.utils.set_random_seed(seed)
        model = kgan.WGANGP(
            generator=generator_of(Shift([d, 0.0], 0.0, name="shift"), 2),
            discriminator=mlp.discriminator((2,), (64, 64)),
            penalty_weight=weight,
            discriminator_steps=1,
            seed=seed,
        )
        model.compile(optimizers=adam(1e-3, beta_1=0.0, beta_2=0.9))
        model.fit(np.zeros((64 * steps, 2), "float32"), batch_size=64, verbose=0)
        line = ops.convert_to_tensor(np.stack([np.linspace(0.02, d - 0.02, 100), np.zeros(100)], 1).astype("float32"))
        slope = float(ops.mean(kgan.penalties.gradient_norm(model.discriminator, line)))
        ends = ops.convert_to_numpy(model.discriminator(np.asarray([[0.0, 0.0], [d, 0.0]], "float32")))[:, 0]
        theory = 1 + d / (2 * weight)
        bar = (f"{theory:g} within 3 %", abs(slope / theory - 1) < 0.03) if weight == 1 else (None, None)
        report.figure(f"A d={d:g} lambda={weight:g}: slope, theory {theory:g}", slope, *bar, seed)
        report.figure(f"A d={d:g} lambda={weight:g}: gap, theory {d * theory:g}", float(ends[0] - ends[1]), seed=seed)


def gaussians(report, seed, steps):
    """Part C: eight Gaussians, lambda 0.1."""
    mixture = kgan.datasets.ring(radius=2.0, stddev=0.02)
    model = kgan.WGANGP(
        generator=mlp.generator((2,), 2, (128,) * 3, initializer="he_uniform"),
        discriminator=mlp.discriminator((2,), (128,) * 3, initializer="he_uniform"),
        penalty_weight=0.1,
        seed=seed,
    )
    model.compile(optimizers=adam(1e-3, 1e-3, 0.5, 0.9))
    epochs, modes = 10, []
    for epoch in range(epochs):
        data = mixture.sample(128 * 5 * max(1, steps // epochs), 100 * seed + epoch)
        model.fit(data, batch_size=128, verbose=0)
        statistics = kgan.metrics.mode_statistics(model.generate(2500, seed=seed), mixture)
        modes.append(statistics["modes"])
    late = min(modes[epochs // 2 :])
    report.figure("C ring: fewest modes of 8 in the second half", late, "8", late == 8, seed)
    report.figure("C ring: share of high quality", statistics["high_quality"], seed=seed)


class Summed(kgan.penalties.GradientPenalty):
    """A common mistake: the penalty summed over the batch."""

    def __call__(self, model, scored):
        return super().__call__(model, scored) * scored.real.shape[0]


class Unchecked(kgan.penalties.GradientPenalty):
    """The penalty in spite of batch normalization."""

    def check(self, discriminator):
        """Refuse nothing: the mistake is what is measured."""


def normalized(name):
    return layers.BatchNormalization(momentum=0.9, name=name)


def digits(report, seed, steps):
    """Part C on digits: the harness of the spectral normalization proof, setting D; and two mistakes beside it."""
    images, _ = kgan.datasets.arrays("digits", "train")
    pixels = (images.reshape(-1, 64) + 1) / 2
    variants = {
        "WGAN-GP": (kgan.penalties.GradientPenalty, lambda: mlp.discriminator(SHAPE, (WIDTH,) * 3, 0.1)),
        "with batch norm in the critic": (Unchecked, lambda: mlp.discriminator(SHAPE, (WIDTH,) * 3, 0.1, norm=normalized)),
        "penalty summed over the batch": (Summed, lambda: mlp.discriminator(SHAPE, (WIDTH,) * 3, 0.1)),
    }
    for name, (penalty, critic) in variants.items():
        keras.utils.set_random_seed(seed)
        model = kgan.GAN(
            SHAPE,
            generator=mlp.generator(SHAPE, 32, (WIDTH, WIDTH), batch_norm=True, output_activation="sigmoid"),
            discriminator=critic(),
            objective="wasserstein",
            penalties=[penalty(10.0)],
            discriminator_steps=5,
            seed=seed,
        )
        model.compile(optimizers=adam(1e-3, 1e-3, 0.5, 0.9))
        rounds = len(pixels) // (64 * 5)
        model.fit(pixels, batch_size=64, epochs=-(-steps // rounds), verbose=0)
        figures = digit_figures(2 * model.generate(899, seed=seed).reshape(-1, *DIGIT) - 1)
        distance, score = figures["frechet_distance"], figures["class_score"]
        mine = name == "WGAN-GP"
        report.figure(f"C digits, {name}: Frechet digit distance", distance, *(("< 3", distance < 3) if mine else ()), seed=seed)
        report.figure(f"C digits, {name}: digit score", score, *(("> 7", score > 7) if mine else ()), seed=seed)


def consistency(report, seed, steps):
    """Part D: a critic with dropout on 200 digits; the mean disagreement of two passes, with and without the term."""
    images, _ = kgan.datasets.arrays("digits", "train")
    pixels = (images[:200].reshape(-1, 64) + 1) / 2
    gaps = {}
    for weight in (0.0, 2.0):
        keras.utils.set_random_seed(seed)
        model = kgan.WGANGP(
            generator=mlp.generator(SHAPE, 32, (WIDTH,), output_activation="sigmoid"),
            discriminator=mlp.discriminator(SHAPE, (WIDTH, WIDTH), dropout=0.5),
            consistency=weight,
            discriminator_steps=1,
            seed=seed,
        )
        model.compile(optimizers=adam(1e-3, 1e-4, 0.0, 0.9))
        model.fit(pixels[:192], batch_size=64, epochs=-(-steps // 3), verbose=0)
        passes = [ops.convert_to_numpy(model.discriminator(pixels, training=True)) for _ in range(2)]
        gaps[weight] = float(np.abs(passes[0] - passes[1]).mean())
        report.figure(f"D mean |D(x') - D(x'')|, weight {weight:g}", gaps[weight], seed=seed)
    ratio = gaps[2.0] / gaps[0.0]
    report.figure("D ratio of the two", ratio, "< 0.5", ratio < 0.5, seed)


def linear(report, seed, steps):
    """A linear critic of norm 5 is penalized by exactly 16 at every point."""
    values = [
        float(p) for p in kgan.penalties.gradient_penalty(lambda x: x @ ops.convert_to_tensor([[3.0], [4.0]]), ops.ones((2, 2)))
    ]
    report.figure("B penalty of a linear critic of norm 5", values, "16", values == [16.0, 16.0], seed)
    # And its gradient in the weights: d/dw (|w| - 1)^2 = 2 (|w| - 1) w / |w| = 8 (0.6, 0.8).
    point = ops.ones((1, 2))
    _, (gradient,) = value_and_gradients(
        lambda t: (ops.sum(kgan.penalties.gradient_penalty(lambda x: x @ t[0], point)), None),
        [ops.convert_to_tensor([[3.0], [4.0]])],
    )
    error = float(np.abs(ops.convert_to_numpy(gradient)[:, 0] - [4.8, 6.4]).max())
    report.figure("B error of its gradient", error, "< 1e-5", error < 1e-5, seed)


PARTS = {
    "A": (point_masses, 3000),
    "B": (linear, 1),
    "C": (gaussians, 10_000),
    "digits": (digits, 1300),
    "D": (consistency, 1000),
}


if __name__ == "__main__":
    run("wgan_gp", __doc__, PARTS)
