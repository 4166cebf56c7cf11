"""Proof of DRAGAN and GAN-GP: two point masses in closed form, locality, parallel segments, the ring of eight."""

import keras
import numpy as np
from keras import ops

import kgan
from benchmarks.proofs.harness import Segment, Shift, adam, generator_of, run, segment
from kgan.networks import mlp


def two_points(region, weight, variance, seed, steps):
    """A discriminator between a point mass at 0 and one at (2, 0)."""
    keras.utils.set_random_seed(seed)
    model = kgan.DRAGAN(
        generator=generator_of(Shift([2.0, 0.0], 0.0, name="shift"), 2),
        discriminator=mlp.discriminator((2,), (64, 64)),
        region=region,
        variance=variance,
        penalty_weight=weight,
        seed=seed,
    )
    model.compile(optimizers=adam(1e-3))
    data = np.zeros((64 * steps, 2), "float32")
    cut = len(data) * 9 // 10 // 64 * 64
    model.fit(data[:cut], batch_size=64, verbose=0)
    history = model.fit(data[cut:], batch_size=64, verbose=0).history
    return model, history["discriminator/adversarial"][0] + history["discriminator/gradient_penalty"][0]


def mean_norm(model, points):
    return float(ops.mean(kgan.penalties.gradient_norm(model.discriminator, ops.convert_to_tensor(points.astype("float32")))))


def point_masses(report, seed, steps):
    """Part A: region "interpolate", lambda = 1: slope 1.2268, gap 2.4535, loss 0.5657."""
    model, loss = two_points("interpolate", 1.0, None, seed, steps)
    slope = mean_norm(model, np.stack([np.linspace(0.02, 1.98, 100), np.zeros(100)], 1))
    ends = ops.convert_to_numpy(model.discriminator(np.asarray([[0.0, 0.0], [2.0, 0.0]], "float32")))[:, 0]
    report.figure("A slope of the logit", slope, "1.2268 +- 0.02", abs(slope - 1.2268) < 0.02, seed)
    report.figure("A gap of the logits, theory 2.4535", float(ends[0] - ends[1]), seed=seed)
    report.figure("A loss", loss, "0.5657 +- 0.005", abs(loss - 0.5657) < 0.005, seed)


def locality(report, seed, steps):
    """Part B: region "gaussian" of variance 0.01 around the real point, lambda = 10."""
    model, _ = two_points("gaussian", 10.0, 0.01, seed, steps)
    around = np.random.default_rng(seed).normal(0, 0.1, (1000, 2))
    near = mean_norm(model, around)
    report.figure("B mean gradient norm around real data", near, "1 +- 0.1", abs(near - 1) < 0.1, seed)
    report.figure("B mean gradient norm around generated data", mean_norm(model, around + [2.0, 0.0]), seed=seed)


def segments(report, seed, steps):
    """Part C: the generator (theta, z) from theta = 1, with and without penalty."""
    for region in ("symmetric", "interpolate", None):
        keras.utils.set_random_seed(seed)
        networks = {
            "generator": generator_of(Segment(1.0, name="segment"), 1),
            "discriminator": mlp.discriminator((2,), (64, 64)),
            "prior": kgan.priors.Uniform(0.0, 1.0),
            "seed": seed,
        }
        model = kgan.GAN((2,), **networks) if region is None else kgan.DRAGAN(region=region, **networks)
        model.compile(
            optimizers={"discriminator": keras.optimizers.Adam(1e-3, 0.5), "generator": keras.optimizers.Adam(5e-3, 0.5)}
        )
        model.fit(segment(64 * steps, seed), batch_size=64, verbose=0)
        theta = abs(float(ops.convert_to_numpy(model.generator.layers[-1].theta)[0]))
        bar = (None, None) if region is None else ("< 0.1", theta < 0.1)
        report.figure(f"C |theta|, {region or 'no penalty'}", theta, *bar, seed)


def ring(report, seed, steps):
    """Part D: the ring of radius 2: all modes and a loss near log 4 with either penalty."""
    mixture = kgan.datasets.ring(radius=2.0, stddev=0.02)
    for region in (None, "interpolate", "symmetric"):
        keras.utils.set_random_seed(seed)
        penalties = [] if region is None else [kgan.penalties.GradientPenalty(1.0, region=region)]
        model = kgan.GAN(
            (2,),
            generator=mlp.generator((2,), 2, (96, 96), initializer="he_uniform"),
            discriminator=mlp.discriminator((2,), (96, 96), initializer="he_uniform"),
            penalties=penalties,
            seed=seed,
        )
        model.compile(optimizers=adam(1e-3, 1e-3, 0.5, 0.9))
        for part in range(10):
            data = mixture.sample(128 * max(1, steps // 10), 100 * seed + part)
            history = model.fit(data, batch_size=128, verbose=0).history
        statistics = kgan.metrics.mode_statistics(model.generate(2500, seed=seed), mixture)
        loss = history["discriminator/adversarial"][0] + history.get("discriminator/gradient_penalty", [0.0])[0]
        name = region or "no penalty"
        modes = statistics["modes"]
        report.figure(f"D {name}: modes of 8", modes, *((None, None) if region is None else ("8", modes == 8)), seed)
        bar = ("< 1.30", loss < 1.30) if region is None else ("[1.35, 1.40]", 1.35 <= loss <= 1.40)
        report.figure(f"D {name}: discriminator loss", loss, *bar, seed)
        report.figure(f"D {name}: share of high quality", statistics["high_quality"], seed=seed)
        report.figure(f"D {name}: KL over modes", statistics["kl"], seed=seed)


PARTS = {"A": (point_masses, 3000), "B": (locality, 3000), "C": (segments, 1500), "D": (ring, 20_000)}


if __name__ == "__main__":
    run("dragan", __doc__, PARTS)
