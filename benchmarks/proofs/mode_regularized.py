"""Proof of Reg-GAN and MDGAN: scores and the estimator of missing modes in closed form, six Gaussians, handwritten digits."""

import keras
import numpy as np

import kgan
from benchmarks.proofs.harness import mnist_figures, run
from kgan.networks import mlp


def exact(report, seed, steps):
    """Part A: Mode Score against the class score, the estimator of missing modes against its optimum."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(10, 0.2), size=2000)
    score, _ = kgan.metrics.class_score(p)
    error = max(abs(kgan.metrics.mode_score(p, q) / score - 1) for q in (np.full(10, 0.1), rng.dirichlet(np.ones(10))))
    report.figure("A Mode Score as published / class score - 1", error, "< 1e-6", error < 1e-6, seed)
    dropped = np.where(np.arange(10) == 3, 1e-9, p)
    dropped /= dropped.sum(1, keepdims=True)
    seen, uniform = dropped.mean(0), np.full(10, 0.1)
    factor = kgan.metrics.mode_score(dropped, uniform, modified=True) / kgan.metrics.class_score(dropped)[0]
    error = abs(factor / np.exp(-(seen * np.log(seen / uniform)).sum()) - 1)
    report.figure("A a class dropped: modified / class score against exp(-KL), relative", error, "< 1e-6", error < 1e-6, seed)

    # Three modes a third each; samples have none of the first, a third of the second, two thirds of the third.
    centers, sigma, blur = np.array([-4.0, 0.0, 4.0]), 0.5, 0.5

    def draw(shares, count):
        return (rng.choice(centers, p=shares, size=count) + sigma * rng.normal(size=count)).astype("float32")[:, None]

    def density(x, shares):
        wide = sigma**2 + blur**2
        return (np.asarray(shares) * np.exp(-((x - centers) ** 2) / (2 * wide))).sum(1)

    data, made = np.full(3, 1 / 3), np.array([0.0, 1 / 3, 2 / 3])
    held_out = draw(data, 3000)
    found = kgan.metrics.missing_modes(
        draw(data, 4000), draw(made, 4000), held_out, instance_noise=blur, epochs=max(1, steps // 62), seed=seed
    )
    optimum = density(held_out, data) / (density(held_out, data) + density(held_out, made))
    error = float(np.abs(found.probabilities - optimum).mean())
    report.figure("A D* against p / (p + q): mean difference on held-out points", error, "< 0.03", error < 0.03, seed)
    off = abs(found.missing - int((optimum > 0.9).sum())) / len(held_out)
    report.figure("A share of held-out points called missing, off by", off, "< 0.03", off < 0.03, seed)


@keras.saving.register_keras_serializable("proofs")
class AsPrinted(kgan.ModeRegularizedGAN):
    """With the sign of equations (1) and (2)."""

    def regularizers(self, real):
        terms = super().regularizers(real)
        return {**terms, "mode": -terms["mode"]}


TOY = {
    "GAN": lambda seed: kgan.ModeRegularizedGAN((2,), reconstruction_weight=0.0, mode_weight=0.0, seed=seed),
    "geometric term only": lambda seed: kgan.ModeRegularizedGAN((2,), mode_weight=0.0, seed=seed),
    "Reg-GAN": lambda seed: kgan.ModeRegularizedGAN((2,), seed=seed),
    "Reg-GAN, the sign as printed": lambda seed: AsPrinted((2,), seed=seed),
    "MDGAN": lambda seed: kgan.MDGAN((2,), seed=seed),
}


def rounds(model, data, batch, count, **kwargs):
    """Train for about so many rounds."""
    per_epoch = max(1, len(data) // (batch * model.minibatches_per_round))
    return model.fit(data, batch_size=batch, epochs=max(1, round(count / per_epoch)), verbose=0, **kwargs)


def toy(report, seed, steps):
    """Part B: six Gaussians of deviation 0.1 on a circle of radius 5, the defaults, batch 128."""
    ring = kgan.datasets.ring(6, 5.0, 0.1)
    data = ring.sample(128 * min(400, 2 * steps), seed)
    for name, build in TOY.items():
        keras.utils.set_random_seed(seed)
        model = build(seed)
        model.compile(steps_per_execution=min(100, steps))
        rounds(model, data, 128, steps)
        points = model.generate(2400, seed=seed)
        distances = np.linalg.norm(points[:, None] - ring.centers[None], axis=-1)
        near = np.bincount(distances.argmin(1)[distances.min(1) < 0.3], minlength=6)
        modes, share = int((near >= 20).sum()), float((distances.min(1) < 1.0).mean())
        held = ring.sample(2000, seed + 1)
        back = float(((model.reconstruct(held) - held) ** 2).sum(1).mean())
        report.figure(f"B {name}: share within 1 of a center", share, seed=seed)
        if name == "GAN":
            report.figure(f"B {name}: modes of 6", modes, "<= 2", modes <= 2, seed)
        elif name in ("Reg-GAN", "MDGAN"):
            report.figure(f"B {name}: modes of 6", modes, ">= 5", modes >= 5, seed)
            report.figure(f"B {name}: ||x - G(E(x))||^2", back, "<= 0.1", back <= 0.1, seed)
        else:
            report.figure(f"B {name}: modes of 6", modes, seed=seed)
            report.figure(f"B {name}: ||x - G(E(x))||^2", back, seed=seed)


def digit_networks(*more):
    """64-256-256-784 without batch norm, 784-256-128-1, and an encoder 784-256-128-64 for a normal prior."""
    judges = {name: mlp.discriminator((784,), (256, 128), 0.2, name=name) for name in ("discriminator", *more)}
    return {"generator": mlp.generator((784,), 64, (256, 256), output_activation="tanh"), **judges}


def encoder():
    return mlp.discriminator((784,), (256, 128), 0.2, outputs=64, name="encoder")


NORMAL = kgan.priors.Normal()
DIGITS = {
    "GAN": lambda seed: kgan.GAN(**digit_networks(), seed=seed),
    "Reg-GAN 0.002": lambda seed: kgan.ModeRegularizedGAN(
        **digit_networks(), encoder=encoder(), prior=NORMAL, reconstruction_weight=0.002, seed=seed
    ),
    "Reg-GAN 0.02": lambda seed: kgan.ModeRegularizedGAN(
        **digit_networks(), encoder=encoder(), prior=NORMAL, reconstruction_weight=0.02, seed=seed
    ),
    "MDGAN": lambda seed: kgan.MDGAN(**digit_networks("manifold_discriminator"), encoder=encoder(), prior=NORMAL, seed=seed),
}  # fmt: skip


def judged(samples):
    """Distance and score, classes with more than a fiftieth of the samples, distance of their shares from equal ones."""
    found, shares = mnist_figures(samples)
    return found["distance"], found["score"], int((shares > 0.02).sum()), kgan.metrics.total_variation(shares, np.full(10, 0.1))


def digits(report, seed, steps):
    """Part C: 28x28 digits, batch 64, Adam(1e-3, 0.5), at half of the rounds and at the end."""
    train, test = (kgan.datasets.arrays("mnist", split)[0].reshape(-1, 784) for split in ("train", "test"))
    halves = {}
    for name, build in DIGITS.items():
        keras.utils.set_random_seed(seed)
        model = build(seed)
        model.compile(steps_per_execution=31)
        for half in (1, 2):
            rounds(model, train, 64, steps // 2)
            samples = model.generate(2000, seed=seed)
            halves[name, half] = judged(samples)
            found = [float(f"{v:.4g}") for v in halves[name, half]]
            report.figure(f"C {name}, {half * steps // 2} rounds: distance, score, classes, TV", found, seed=seed)
        missed = kgan.metrics.missing_modes(train[:2000], samples, test, instance_noise=1.0, epochs=10, seed=seed)
        report.figure(f"C {name}: held-out digits missed, of {missed.of}, noise 1", missed.missing, seed=seed)
    first = halves["Reg-GAN 0.02", 1][0] / halves["GAN", 1][0]
    report.figure("C half way: distance of Reg-GAN 0.02 / GAN", first, "<= 0.5", first <= 0.5, seed)
    spread = halves["Reg-GAN 0.02", 1][3] / halves["GAN", 1][3]
    report.figure("C half way: TV of Reg-GAN 0.02 / GAN", spread, "<= 0.5", spread <= 0.5, seed)
    classes = halves["Reg-GAN 0.02", 1][2]
    report.figure("C half way: classes of Reg-GAN 0.02", classes, "10", classes == 10, seed)
    last = halves["Reg-GAN 0.002", 2][0] / halves["GAN", 2][0]
    report.figure("C at the end: distance of Reg-GAN 0.002 / GAN", last, "<= 0.75", last <= 0.75, seed)
    diffused = halves["MDGAN", 2][0] / halves["GAN", 2][0]
    report.figure("C at the end: distance of MDGAN / GAN", diffused, seed=seed)


PARTS = {"A": (exact, 1240), "B": (toy, 8000), "C": (digits, 3000)}


if __name__ == "__main__":
    run("mode_regularized", __doc__, PARTS)
