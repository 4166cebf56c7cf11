"""Proof of the 2014 GAN: the optimal discriminator, the saturation identity, the ring of eight."""

import keras
import numpy as np
from keras import ops

import kgan
from benchmarks.proofs.harness import Shift, generator_of, run
from kgan.networks import mlp

# Divergences of N(0, 1) and N(m, 1) by quadrature: (m, JSD, bar on the error of the logit).
DENSITY_RATIO = [(1.0, 0.1114, 0.15), (2.0, 0.3368, 0.5)]


def density_ratio(report, seed, steps):
    """Part A: against a frozen generator N(m, 1), the logit becomes the log density ratio and the loss log 4 - 2 JSD."""
    for m, jsd, bar in DENSITY_RATIO:
        keras.utils.set_random_seed(seed)
        model = kgan.GAN(
            (1,), generator=generator_of(Shift(m, name="shift"), 1), discriminator=mlp.discriminator((1,), (64, 64)), seed=seed
        )
        model.compile(
            optimizers={"discriminator": keras.optimizers.Adam(1e-3), "generator": keras.optimizers.SGD(0.0)},
        )
        data = np.random.default_rng(seed).normal(size=(512 * steps, 1)).astype("float32")
        for part in np.array_split(data, 15):
            loss = model.fit(part, batch_size=512, verbose=0).history["discriminator/adversarial"][0]
        x = np.linspace(-2, m + 2, 401, dtype="float32")[:, None]
        logit = ops.convert_to_numpy(model.discriminator(x))[:, 0]
        error = float(np.sqrt(np.mean((logit - (m * m / 2 - m * x[:, 0])) ** 2)))
        target = float(np.log(4) - 2 * jsd)
        report.figure(f"A m={m:g} loss", loss, f"{target:.4f} +- 0.02", abs(loss - target) < 0.02, seed)
        report.figure(f"A m={m:g} RMSE of the logit", error, f"< {bar}", error < bar, seed)


def saturation(report, seed, steps):
    """Part B: per example the two generator gradients differ by exp(-l); a sure discriminator starves the minimax one."""
    logits = ops.convert_to_tensor(np.linspace(-8, 8, 33, dtype="float32"))

    def gradient(objective):
        return ops.convert_to_numpy(kgan.backend.value_and_gradients(lambda t: (objective.generator(t[0]), None), [logits])[1][0])

    ratio = gradient(kgan.objectives.non_saturating) / gradient(kgan.objectives.minimax)
    error = float(np.abs(ratio / np.exp(-ops.convert_to_numpy(logits)) - 1).max())
    report.figure("B largest relative error of the identity", error, "< 1e-4", error < 1e-4, seed)

    norms = {}
    for name in ("non_saturating", "minimax"):
        keras.utils.set_random_seed(seed)
        model = kgan.GAN((2,), latent_size=2, objective=name, seed=seed)
        model.compile(
            optimizers={"discriminator": keras.optimizers.Adam(1e-3), "generator": keras.optimizers.SGD(0.0)},
        )
        data = kgan.datasets.ring(radius=2.0, stddev=0.02).sample(256 * steps, seed)
        model.fit(data, batch_size=256, verbose=0)
        fake = model.generate(1024, seed=seed)
        mean_logit = float(ops.mean(model.discriminator(fake)))
        before = [ops.convert_to_numpy(v) for v in model.generator.trainable_variables]
        model.compile(optimizers={m: keras.optimizers.SGD(r) for m, r in (("discriminator", 0.0), ("generator", 1.0))})
        model.fit(data[:256], batch_size=256, verbose=0)
        after = [ops.convert_to_numpy(v) for v in model.generator.trainable_variables]
        norms[name] = float(np.sqrt(sum(((a - b) ** 2).sum() for a, b in zip(after, before, strict=True))))
        report.figure(f"B mean logit of samples ({name})", mean_logit, "< -6", mean_logit < -6, seed)
    quotient = norms["non_saturating"] / max(norms["minimax"], 1e-30)
    report.figure("B ratio of the generator's step", quotient, "> 100", quotient > 100, seed)


def ring(report, seed, steps):
    """Part C: the ring of radius 2, standard deviation 0.02."""
    mixture = kgan.datasets.ring(radius=2.0, stddev=0.02)
    keras.utils.set_random_seed(seed)
    model = kgan.GAN(
        (2,),
        generator=mlp.generator((2,), 2, (96, 96)),
        discriminator=mlp.discriminator((2,), (96, 96)),
        seed=seed,
    )
    model.compile(optimizers={m: keras.optimizers.Adam(1e-3, 0.5, 0.9) for m in ("discriminator", "generator")})
    epochs = 10
    for epoch in range(epochs):
        data = mixture.sample(128 * (steps // epochs), 1000 * seed + epoch)
        history = model.fit(data, batch_size=128, verbose=0)
    statistics = kgan.metrics.mode_statistics(model.generate(2500, seed=seed), mixture)
    report.figure("C modes of 8", statistics["modes"], ">= 6", statistics["modes"] >= 6, seed)
    report.figure("C share of high quality", statistics["high_quality"], seed=seed)
    report.figure("C KL of modes", statistics["kl"], seed=seed)
    report.figure("C discriminator loss", history.history["discriminator/adversarial"][0], seed=seed)


def default_on_points(report, seed, steps):
    """Part D: the same ring with nothing said but the shape."""
    mixture = kgan.datasets.ring(radius=2.0, stddev=0.02)
    keras.utils.set_random_seed(seed)
    model = kgan.GAN((2,), seed=seed)
    model.compile()
    for part in range(4):
        model.fit(mixture.sample(64 * (steps // 4), 1000 * seed + part), batch_size=64, verbose=0)
        statistics = kgan.metrics.mode_statistics(model.generate(2500, seed=seed), mixture)
        reached = None if part < 3 else statistics["modes"] >= 6
        report.figure(f"D default: modes of 8 after {steps // 4 * (part + 1)} steps", statistics["modes"], ">= 6", reached, seed)
    report.figure("D default: share of high quality", statistics["high_quality"], seed=seed)


PARTS = {"A": (density_ratio, 3000), "B": (saturation, 3000), "C": (ring, 20000), "D": (default_on_points, 12000)}


if __name__ == "__main__":
    run("gan", __doc__, PARTS)
