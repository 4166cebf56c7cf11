"""Proof of GMMN and MMD GAN: the estimators against closed forms, both systems on the ring of eight."""

import keras
import numpy as np
from keras import ops

import kgan
from benchmarks.proofs.harness import run
from kgan import objectives
from kgan.networks import mlp

SIGMAS = (1.0, 2.0, 4.0, 8.0, 16.0)
RING = kgan.datasets.ring(radius=2.0, stddev=0.02)


def expected_kernel(shift):
    """`E k(a, b)` for a from N(0, 1) and b from N(shift, 1), for every bandwidth."""
    v = np.square(SIGMAS) + 2.0
    return np.sqrt(np.square(SIGMAS) / v) * np.exp(-(shift**2) / (2 * v))


def estimators(report, seed, steps, size=64):
    """Part A: the mean of each estimator over many repetitions is its expectation."""
    rng = np.random.default_rng(seed)
    kernel = objectives.GaussianKernel(SIGMAS)
    within = expected_kernel(0.0).sum()
    bias = 2 * (len(SIGMAS) - within) / size  # of the V-statistic, whose pairs of a point with itself have k = 1
    means = {"biased": bias, "unbiased": 0.0, "linear_time": 0.0}

    def estimates(pair):
        return ops.stack([getattr(objectives, f"{name}_mmd2")(*pair, kernel) for name in means])

    for shift in (0.0, 1.0):
        truth = 2 * (within - expected_kernel(shift).sum())
        report.figure(f"A shift {shift:g}: closed form", truth, seed=seed)
        x, y = (ops.convert_to_tensor(rng.normal(m, 1.0, (steps, size, 1)).astype("float32")) for m in (0.0, shift))
        for (name, extra), values in zip(
            means.items(), ops.convert_to_numpy(ops.vectorized_map(estimates, (x, y))).T, strict=True
        ):
            mean, error = float(values.mean()), float(values.std() / np.sqrt(steps))
            bar = f"{truth + extra:.4f} +- 3 standard errors, {3 * error:.4f}"
            report.figure(f"A shift {shift:g}: mean, {name}", mean, bar, abs(mean - truth - extra) < 3 * error, seed)
            report.figure(f"A shift {shift:g}: standard deviation, {name}", float(values.std()), seed=seed)


def on_the_ring(model, seed):
    """Modes of 8 with a sample within 3 standard deviations, the share of those, and the share within 0.3 of a mode."""
    samples = model.generate(2500, seed=seed)
    near = kgan.metrics.mode_statistics(samples, RING)
    return near["modes"], near["high_quality"], kgan.metrics.mode_statistics(samples, RING, sigmas=15)["high_quality"]


def train(report, model, move, seed, rounds, marks, part):
    """Fits up to each mark of generator steps and reports there. Returns the last figures."""
    done = 0
    for index, mark in enumerate(marks):
        played, done = mark - done, mark
        data = RING.sample(64 * model._play.per_round * played, 1000 * seed + index)
        history = model.fit(data, batch_size=64, verbose=0).history
        modes, quality, share = on_the_ring(model, seed)
        loss = history[f"{move}/mmd"][0]
        figures = {"modes": modes, "within 3 std": round(quality, 3), "within 0.3": round(share, 3), "loss": round(loss, 3)}
        report.figure(f"{part} after {mark} of {rounds} steps: {', '.join(figures)}", list(figures.values()), seed=seed)
    return modes, share, loss


def rmsprop(rate, *moves):
    return {move: keras.optimizers.RMSprop(rate, rho=0.99, epsilon=1e-16) for move in moves}


def gmmn(report, seed, steps):
    """Part B: fixed kernels on raw points."""
    model = kgan.GMMN((2,), kernel=(0.1, 0.2, 0.5, 1, 2, 4), latent_size=8, seed=seed)
    model.compile(optimizers=rmsprop(1e-3, "generator"), steps_per_execution=min(100, steps // 10))
    marks = [steps // 10, steps // 4, steps // 2, steps]
    modes, share, loss = train(report, model, "generator", seed, steps, marks, "B")
    report.figure("B modes of 8", modes, "8", modes == 8, seed)
    report.figure("B share within 0.3 of a mode", share, ">= 0.9", share >= 0.9, seed)
    # The mean of the root at equality: the bias of 64 points, found from fresh data against fresh data.
    pairs = [[ops.convert_to_tensor(RING.sample(64, 10_000 + 2 * i + j)) for j in (0, 1)] for i in range(200)]
    floor = float(np.mean([float(objectives.mmd(*pair, model.kernel)) for pair in pairs]))
    report.figure("B loss over its floor (data against data)", [loss, floor], seed=seed)


def mmd_gan(seed, steps, **kwargs):
    keras.utils.set_random_seed(seed)
    model = kgan.MMDGAN(
        generator=mlp.generator((2,), 8),
        encoder=mlp.discriminator((2,), nonlinearity=0.2, name="encoder", outputs=16),
        decoder=mlp.generator((2,), 16, nonlinearity=0.2, name="decoder"),
        warmup=None,
        seed=seed,
        **{"clip": 0.1, **kwargs},
    )
    model.compile(optimizers=rmsprop(5e-4, "encoder", "generator"), steps_per_execution=min(50, steps // 6))
    return model


def learned_kernel(report, seed, steps):
    """Part C: a learned kernel; then the same game without clipping."""
    marks = [steps // 6 * n for n in range(1, 7)]
    modes, share, _ = train(report, mmd_gan(seed, steps), "generator", seed, steps, marks, "C")
    report.figure("C modes of 8", modes, "8", modes == 8, seed)
    report.figure("C share within 0.3 of a mode", share, ">= 0.5", share >= 0.5, seed)
    free = mmd_gan(seed, steps, clip=1e6)
    train(report, free, "generator", seed, steps, marks[1::2], "C without clipping,")


PARTS = {"A": (estimators, 2000), "B": (gmmn, 20_000), "C": (learned_kernel, 3000)}


if __name__ == "__main__":
    run("mmd_gan", __doc__, PARTS)
