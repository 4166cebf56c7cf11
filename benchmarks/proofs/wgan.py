"""Proof of the Wasserstein GAN: Example 1 (distance and gradient where the GAN loss has none), and what clipping does to weights."""

import keras
import numpy as np
from keras import ops

import kgan
from benchmarks.proofs.harness import Segment, Trace, adam, generator_of, run, segment
from kgan.networks import mlp

THETAS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5)
CLIP = 0.1
UNIFORM = kgan.priors.Uniform(0.0, 1.0)


def critic(seed):
    """2-64-64-1 with PyTorch's start, U(-1, 1) / sqrt(fan-in) for kernels and biases, which the authors' code relies on.

    With biases of 0 all kinks of the critic begin in one point, and the clipped biases are slow to leave it.
    """
    network = mlp.discriminator((2,), (64, 64))
    rng = np.random.default_rng(seed)
    for layer in network.layers:
        if isinstance(layer, keras.layers.Dense):
            bound = layer.kernel.shape[0] ** -0.5
            for variable in (layer.kernel, layer.bias):
                variable.assign(rng.uniform(-bound, bound, variable.shape))
    return network


def build(theta, seed, clip=CLIP):
    keras.utils.set_random_seed(seed)
    return kgan.WGAN(
        generator=generator_of(Segment(theta, name="segment"), 1),
        discriminator=critic(seed),
        clip=clip,
        warmup=None,
        prior=UNIFORM,
        seed=seed,
    )


def rmsprop(critic, generator=0.0):
    """As PyTorch's with its 1e-8, which stands beside the root: Keras' own 1e-7 under it would act like 3e-4 beside it."""
    own = {"rho": 0.9, "epsilon": 1e-16}
    return {
        "discriminator": keras.optimizers.RMSprop(critic, **own),
        "generator": keras.optimizers.RMSprop(generator, **own) if generator else keras.optimizers.SGD(0.0),
    }


def estimate(theta, seed, steps):
    """The critic's estimate of W, averaged over its last tenth of steps; the share of weights at the ends of the box; the largest."""
    model = build(theta, seed)
    model.compile(optimizers=rmsprop(5e-4))
    per_round = 64 * model.discriminator_steps
    first = steps * 9 // 10 // model.discriminator_steps
    data = segment(per_round * -(-steps // model.discriminator_steps), seed)
    model.fit(data[: first * per_round], batch_size=64, verbose=0)
    loss = model.fit(data[first * per_round :], batch_size=64, verbose=0).history["discriminator/adversarial"][0]
    weights = np.concatenate([ops.convert_to_numpy(v).ravel() for v in model.discriminator.trainable_variables])
    return -loss, float((np.abs(weights) > 0.95 * CLIP).mean()), float(np.abs(weights).max())


def gan_loss(theta, seed, steps):
    keras.utils.set_random_seed(seed)
    generator = generator_of(Segment(theta, name="segment"), 1)
    model = kgan.GAN((2,), generator=generator, discriminator=mlp.discriminator((2,), (64, 64)), prior=UNIFORM, seed=seed)
    model.compile(optimizers=adam(1e-3))
    data = segment(64 * steps, seed)
    cut = len(data) * 9 // 10 // 64 * 64
    model.fit(data[:cut], batch_size=64, verbose=0)
    return model.fit(data[cut:], batch_size=64, verbose=0).history["discriminator/adversarial"][0]


def example_1(report, seed, steps):
    """Part A: the estimate is linear in theta, the loss of a GAN discriminator is 0 for every theta."""
    values, shares, largest = zip(*(estimate(theta, seed, steps) for theta in THETAS), strict=True)
    losses = [gan_loss(theta, seed, steps) for theta in THETAS]
    r2 = float(np.corrcoef(THETAS, values)[0, 1] ** 2)
    report.figure("A estimates of W", [round(v, 3) for v in values], "increasing", bool(np.all(np.diff(values) > 0)), seed)
    report.figure("A R^2 of the estimate with theta", r2, "> 0.99", r2 > 0.99, seed)
    report.figure("A slope (Lipschitz constant of the class)", float(np.polyfit(THETAS, values, 1)[0]), seed=seed)
    report.figure("A largest GAN loss", max(losses), "< 0.01", max(losses) < 0.01, seed)
    report.figure("A largest weight of the critic", max(largest), "<= 0.1", max(largest) <= CLIP * 1.000001, seed)
    report.figure("C share of critic weights beyond 0.95 clip", float(np.mean(shares)), seed=seed)


def learning(report, seed, steps):
    """Part B: the generator (theta, z) learns theta = 0 from theta = 1."""
    model = build(1.0, seed)
    model.compile(optimizers=rmsprop(5e-4, 5e-3))
    theta = model.generator.layers[-1].theta
    trace = Trace(lambda: float(ops.convert_to_numpy(theta)[0]))
    model.fit(segment(64 * 5 * steps, seed), batch_size=64, verbose=0, callbacks=[trace])
    late = float(np.abs(trace.values[-100:]).mean())
    report.figure("B |theta| over the last 100 steps", late, "< 0.02", late < 0.02, seed)


PARTS = {"A": (example_1, 2000), "B": (learning, 1500)}


if __name__ == "__main__":
    run("wgan", __doc__, PARTS)
