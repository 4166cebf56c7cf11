"""Proof of the Bayesian GAN: the sampler's stationary variance, mode coverage of an ensemble, averaged prediction from few labels, and
what comes of it with nothing but its defaults, in burn-in (D) and behind it (E, an hour and more: only with `--parts E`).
"""

import warnings

import keras
import numpy as np
from keras import ops

import kgan
from benchmarks.proofs.harness import Report, digit_figures, run
from kgan import AdversarialModel, Move, Turn
from kgan.networks import Ensemble, mlp
from kgan.optimizers import SGHMC


class Chains(AdversarialModel):
    """Parallel chains on U = lambda theta^2 / 2, from 0. Accumulates squares after the first tenth of the steps."""

    def __init__(self, stiffness, chains, start, **kwargs):
        super().__init__(**kwargs)
        self.stiffness, self.start = stiffness, start
        self.walkers = keras.layers.Layer(name="walkers")
        self.theta = self.walkers.add_weight(shape=(chains,), initializer="zeros", name="theta")
        self.walkers.built = True
        self.squares = self.add_weight(shape=(2,), initializer="zeros", trainable=False, dtype="float32", name="squares")

    def turns(self):
        return (Turn((Move("walkers", ("walkers",), self.energy),)),)

    def energy(self, _):
        theta = ops.convert_to_tensor(self.theta)
        late = ops.cast(ops.convert_to_tensor(self.optimizer.iterations) >= self.start, "float32")
        seen = late * ops.stack([ops.mean(ops.stop_gradient(theta) ** 2), ops.ones(())])
        self.squares.assign(ops.convert_to_tensor(self.squares) + seen)
        return 0.5 * self.stiffness * ops.sum(ops.square(theta))


@keras.saving.register_keras_serializable("proofs")
class Unpaired(SGHMC):
    """Noise for a friction that is not 1 - momentum: the released code's 0.01, beside momentum 0.5."""

    def noise_stddev(self, learning_rate):
        return ops.sqrt(2.0 * 0.01 * learning_rate)


def stationary_variance(friction, eta, stiffness, noise):
    """Of theta, times lambda: the fixed point of the covariance under `v <- (1 - a) v - eta lambda theta + n, theta <- theta + v`."""
    step = np.array([[1 - eta * stiffness, 1 - friction], [-eta * stiffness, 1 - friction]])
    drawn = 2 * noise * eta * np.ones((2, 2))
    covariance = np.linalg.solve(np.eye(4) - np.kron(step, step), drawn.ravel()).reshape(2, 2)
    return covariance[0, 0] * stiffness


ROWS = [  # friction, eta, lambda, Var * lambda
    (0.01, 0.01, 1.0, 1.0025),
    (0.01, 0.01, 10.0, 1.0258),
    (0.01, 0.01, 100.0, 1.3356),
    (0.1, 0.01, 1.0, 1.0026),
    (0.5, 0.01, 1.0, 0.0201),
]


def sampler(report, seed, steps):
    """Part A: 64 chains, each of `steps` steps from theta = v = 0."""
    for friction, eta, stiffness, expected in ROWS:
        paired = friction < 0.5
        exact = stationary_variance(friction, eta, stiffness, friction if paired else 0.01)
        model = Chains(stiffness, 64, steps // 10, seed=seed)
        optimizer = (SGHMC if paired else Unpaired)(eta, friction, seed=seed)
        model.compile(optimizers={"walkers": optimizer}, steps_per_execution=min(1000, steps))
        model.fit(np.zeros((steps, 1), "float32"), batch_size=1, shuffle=False, verbose=0)
        total, count = ops.convert_to_numpy(model.squares)
        variance = float(total / count * stiffness)
        name = f"A friction {friction}, eta*lambda {eta * stiffness:g}{'' if paired else ', noise for friction 0.01'}: Var*lambda"
        report.figure(f"{name}, exact", round(float(exact), 4), f"{expected}", abs(exact - expected) < 1e-4, seed)
        report.figure(name, round(variance, 4), f"{expected} +- 5 %", abs(variance / expected - 1) < 0.05, seed)


def divergence(points, samples, bins=30):
    """Jensen-Shannon divergence in nats in the first two principal components of the points: histograms smoothed by one bin."""
    axes = np.linalg.svd(points - points.mean(0), full_matrices=False)[2][:2].T
    planes = [(cloud - points.mean(0)) @ axes for cloud in (points, samples)]
    low, high = planes[0].min(0), planes[0].max(0)
    edges = [np.linspace(a - 0.1 * (b - a), b + 0.1 * (b - a), bins + 1) for a, b in zip(low, high, strict=True)]
    kernel = np.exp(-0.5 * np.arange(-4, 5) ** 2)
    densities = []
    for plane in planes:
        inside = np.clip(plane, [e[0] for e in edges], [e[-1] for e in edges])  # what lies outside counts, at the border
        table = np.histogram2d(*inside.T, bins=edges)[0]
        for axis in (0, 1):
            table = np.apply_along_axis(np.convolve, axis, table, kernel / kernel.sum(), "same")
        densities.append(table / table.sum())
    middle = sum(densities) / 2
    return float(0.5 * sum((d[d > 0] * np.log(d[d > 0] / middle[d > 0])).sum() for d in densities))


BURN_IN = 1000


def coverage(report, seed, steps):
    """Part B: six clusters in 20 dimensions; 1000 rounds of Adam, then the sampler; samples of the last half pooled."""
    points = kgan.datasets.subspaces(6000, 20, 2, 6, seed)
    results = {}
    for members in (5, 1):
        results[members] = ensemble(report, points, members, seed, steps)
    bar = results[5] <= 0.7 * results[1]
    report.figure("B JS, 5 generators and snapshots pooled", results[5], "<= 0.7 * JS of 1", bar, seed)
    report.figure("B JS, 1 generator, same schedule", results[1], seed=seed)
    keras.utils.set_random_seed(seed)
    single = kgan.GAN((20,), generator=generator(), discriminator=discriminator(), prior=kgan.priors.Normal(), seed=seed)
    single.compile(steps_per_execution=min(100, steps))
    fit(single, points, min(3000, steps), seed)
    report.figure("B JS, one GAN, Adam throughout", divergence(points, single.generate(6000, seed=seed)), seed=seed)


def ensemble(report, points, members, seed, steps):
    keras.utils.set_random_seed(seed)
    sampling = steps - BURN_IN if steps > BURN_IN else steps
    model = kgan.BayesianGAN(
        (20,),
        generator=Ensemble.of(generator, members),
        discriminator=[discriminator()],
        sghmc_steps=1,
        num_noise_batches=1,
        data_size=len(points),
        burn_in=BURN_IN,
        keep_every=100,
        samples_kept=max(1, sampling // 200),
        prior=kgan.priors.Normal(),
        seed=seed,
    )
    samplers = {
        move: SGHMC(3e-7 * len(points), 0.1, burn_in=BURN_IN, burn_in_learning_rate=1e-3, seed=seed + stream)
        for stream, move in enumerate(("generator", "discriminator"))
    }
    model.compile(optimizers=samplers, steps_per_execution=min(100, steps))
    if members > 1:
        fit(model, points, min(BURN_IN, steps), seed)
        latents = kgan.priors.Normal()((6000, model.latent_size), seed=seed)
        alone = [divergence(points, ops.convert_to_numpy(g(latents))) for g in model.generator.members]
        report.figure("B JS, 5 generators after Adam, pooled", divergence(points, model.generate(6000, seed=seed)), seed=seed)
        report.figure("B JS, after Adam, least and largest of one generator", [min(alone), max(alone)], seed=seed)
        fit(model, points, sampling, seed + 1000)
    else:
        fit(model, points, steps, seed)
    return divergence(points, model.generate(6000, seed=seed))


def generator():
    return mlp.generator((20,), 2, (128,), 0.2)


def discriminator():
    return mlp.discriminator((20,), (128,), 0.2)


def fit(model, points, rounds, seed):
    """`rounds` minibatches of 64, drawn with replacement."""
    chosen = np.random.default_rng(seed).integers(len(points), size=rounds * 64)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This fit ended without a sample", UserWarning)  # burn-in is a fit of its own
        model.fit(points[chosen], batch_size=64, shuffle=False, verbose=0)


def few_labels(report, seed, steps):
    """Part C: five labels per class among 1000 digits, 797 held out."""
    images, labels = kgan.datasets.arrays("digits", "all")
    vectors = images.reshape(-1, 64)
    data, kept = kgan.datasets.semi_supervised(vectors[:1000], labels[:1000], 5, seed)
    keras.utils.set_random_seed(seed)
    burn_in = steps // 2
    model = kgan.BayesianGAN(
        (64,),
        classes=10,
        generator=Ensemble.of(lambda: mlp.generator((64,), 100, (200,), 0.2, output_activation="tanh"), 3),
        discriminator=[mlp.discriminator((64,), (200,), 0.2, outputs=10)],
        sghmc_steps=1,
        num_noise_batches=1,
        data_size=1000,
        labeled_size=50,
        burn_in=burn_in,
        keep_every=max(1, burn_in // 20),
        samples_kept=10,
        seed=seed,
    )
    samplers = {
        move: SGHMC(2e-3, 0.1, burn_in=burn_in, burn_in_learning_rate=1e-3, seed=seed + stream)
        for stream, move in enumerate(("generator", "discriminator"))
    }
    model.compile(optimizers=samplers, steps_per_execution=min(50, steps))
    order = np.random.default_rng(seed).integers(1000, size=(2, steps * 50))
    model.fit(
        {"unlabeled": data["unlabeled"][order[0]], "labeled": data["labeled"][order[1]]}, kept[order[1]],
        batch_size=50, shuffle=False, verbose=0,
    )  # fmt: skip
    truth = labels[1000:]
    single = (model.classify(vectors[1000:], average=False).argmax(-1) != truth).mean(axis=1)
    averaged = float((model.classify(vectors[1000:]).argmax(-1) != truth).mean())
    report.figure(
        "C errors of the single samples, least, mean, largest", [float(f(single)) for f in (np.min, np.mean, np.max)], seed=seed
    )
    report.figure("C error of the averaged prediction", averaged, "<= mean of the single ones", averaged <= single.mean(), seed)


def by_default(data: np.ndarray, rounds: int, seed: int, **changes: str) -> kgan.BayesianGAN:
    """The model as a user gets it who says nothing but the shape."""
    keras.utils.set_random_seed(seed)
    model = kgan.BayesianGAN(data.shape[1:], seed=seed, **changes)
    model.compile()
    fit(model, data, rounds * model.sghmc_steps, seed)  # a round takes a minibatch for each of the discriminators' steps
    return model


def defaults(report: Report, seed: int, steps: int) -> None:
    """Part D: the default on digits and on a ring of eight (deviation 0.1), `steps` rounds of burn-in; beside it Algorithm 1's marginal."""
    digits, _ = kgan.datasets.arrays("digits", "train")
    ring = kgan.datasets.mixtures.ring(stddev=0.1)
    points = ring.sample(10_000, seed)
    for name, changes in (("default", {}), ("logsumexp", {"marginal": "logsumexp"})):
        judged = not changes
        found = digit_figures(by_default(digits, steps, seed, **changes).generate(899, seed=seed))
        distance = found["frechet_distance"]
        report.figure(
            f"D {name}: Frechet digit distance, n=899", distance, *(("< 10", distance < 10) if judged else ()), seed=seed
        )
        made = by_default(points, steps, seed, **changes).generate(2500, seed=seed)
        # A mode that 1 in 100 samples falls into counts: a stray point does not.
        near = np.linalg.norm(made[:, None] - ring.centers[None], axis=-1)
        shares = ((near.argmin(1)[:, None] == np.arange(8)) & (near.min(1) < 0.3)[:, None]).mean(0)
        modes = int((shares >= 0.01).sum())
        report.figure(f"D {name}: modes of 8", modes, *(("8", modes == 8) if judged else ()), seed=seed)


def posterior(report: Report, seed: int, steps: int) -> None:
    """Part E: the default on digits, past its burn-in: what the kept samples make together, and what the present weights make."""
    digits, _ = kgan.datasets.arrays("digits", "train")
    model = by_default(digits, steps, seed)
    kept = model.generator_samples.count()
    expected = max(0, (steps - model.burn_in) // model.keep_every)
    report.figure("E samples kept", kept, f"{expected}", kept == expected, seed)
    distance = digit_figures(model.generate(899, seed=seed))["frechet_distance"]
    report.figure("E Frechet digit distance of all kept samples, n=899", distance, "< 10", distance < 10, seed)


PARTS = {
    "A": (sampler, 200_000),
    "B": (coverage, 5000),
    "C": (few_labels, 2000),
    "D": (defaults, 300),
    "E": (posterior, 7000),
}


if __name__ == "__main__":
    run("bayesian_gan", __doc__, PARTS, asked_for=("E",))
