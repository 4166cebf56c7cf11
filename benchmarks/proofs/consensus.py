"""Proof of consensus optimization: the Jacobian of the update in closed form, the ring of eight."""

import keras
import numpy as np
from keras import ops

import kgan
from benchmarks.proofs.harness import float64, run
from kgan import AdversarialModel, Consensus, Move, Turn
from kgan.networks import mlp


class Pair(AdversarialModel):
    """Two players that are vectors, on given losses of both, under consensus optimization."""

    def __init__(self, losses, psi, theta, weight, **kwargs):
        super().__init__(**kwargs)
        self.pair, self.consensus = losses, Consensus(weight)
        self.discriminator, self.generator = Vector(psi, name="psi"), Vector(theta, name="theta")

    def turns(self):
        def loss(index):
            return lambda _: self.pair(*(ops.convert_to_tensor(p.at) for p in (self.discriminator, self.generator)))[index]

        moves = (Move("discriminator", ("discriminator",), loss(0)), Move("generator", ("generator",), loss(1)))
        return (Turn(moves, rule=self.consensus),)

    def default_optimizers(self):
        return {move: keras.optimizers.SGD(1.0) for move in ("discriminator", "generator")}

    def field(self, x):
        """One step of plain descent with rate 1 from x: the direction of the update."""
        cut = self.discriminator.at.shape[0]
        self.discriminator.at.assign(x[:cut])
        self.generator.at.assign(x[cut:])
        self.fit(np.zeros((1, 1)), batch_size=1, verbose=0)
        return np.concatenate([ops.convert_to_numpy(p.at) for p in (self.discriminator, self.generator)]) - x


class Vector(keras.layers.Layer):
    """A player of a few numbers."""

    def __init__(self, start, **kwargs):
        super().__init__(**kwargs)
        self.at = self.add_weight(shape=(len(start),), dtype=keras.config.floatx(), name="at")
        self.at.assign(start)
        self.built = True


@float64()
def jacobian(losses, point, cut, weight, h=1e-5):
    """Central differences of the library's update, in float64."""
    point = np.asarray(point)
    model = Pair(losses, point[:cut], point[cut:], weight, dtype="float64", seed=0)
    model.compile()
    axes = np.eye(len(point)) * h
    return np.stack([(model.field(point + e) - model.field(point - e)) / (2 * h) for e in axes], axis=1)


def dirac(psi, theta):
    return ops.sum(psi * theta), -ops.sum(psi * theta)


def linear_quadratic(psi, theta):
    """The LQ game with f(t) = t, equilibrium (0, 1): data U[-1, 1], generator theta z, z ~ U[-1, 1], discriminator psi x^2."""
    value = ops.sum(psi * (theta * theta - 1.0)) / 3.0
    return value, -value


def linear_algebra(report, seed, steps):
    """Part A: Jacobians of the library's own update against the closed forms; grad L of networks against differences."""
    for weight in (0.0, 0.5, 2.0):
        found = jacobian(dirac, (0.3, -0.2), 1, weight)
        error = float(np.abs(found - [[-weight, -1.0], [1.0, -weight]]).max())
        report.figure(f"A Dirac game, gamma={weight:g}: error of the Jacobian", error, "< 1e-4", error < 1e-4, seed)
        eigenvalues = np.linalg.eigvals(jacobian(linear_quadratic, (0.0, 1.0), 1, weight))
        target = -4.0 * weight / 9.0 + 2.0j / 3.0
        error = float(min(abs(e - target) for e in eigenvalues))
        report.figure(f"A LQ game, gamma={weight:g}: error of the eigenvalue", error, "< 1e-4", error < 1e-4, seed)
    error = network_error(seed)
    report.figure("A networks: relative error of grad L", error, "< 1e-4", error < 1e-4, seed)


@float64()
def network_error(seed):
    """grad(1/2 ||u||^2) of a small pair of networks, from the rule, against central differences along a random direction."""
    keras.utils.set_random_seed(seed)
    model = kgan.ConsensusGAN(
        (2,),
        weight=1.0,
        generator=mlp.generator((2,), 2, (8,), "tanh"),
        discriminator=mlp.discriminator((2,), (8,), "tanh"),
        dtype="float64",
        seed=seed,
    )
    data = kgan.datasets.ring().sample(64, seed).astype("float64")
    joint = [*model.discriminator.trainable_variables, *model.generator.trainable_variables]
    start = [ops.convert_to_numpy(v).copy() for v in joint]

    def directions(weight, values):
        """The step of plain descent with rate 1 from given weights, on the same minibatch and noise."""
        for variable, value in zip(joint, values, strict=True):
            variable.assign(value)
        model.seed_generator.state.assign(ops.convert_to_tensor([seed, 0], dtype=model.seed_generator.state.dtype))
        model.compile(
            optimizers={m: keras.optimizers.SGD(1.0) for m in ("discriminator", "generator")},
            rule=Consensus(weight),
            run_eagerly=True,
        )
        model.fit(data, batch_size=64, verbose=0)
        return [value - ops.convert_to_numpy(v) for v, value in zip(joint, values, strict=True)]

    plain = directions(0.0, start)
    curvature = [a - b for a, b in zip(directions(1.0, start), plain, strict=True)]
    rng = np.random.default_rng(seed)
    direction = [rng.normal(size=s.shape) for s in start]

    def half_square(h):
        moved = [s + h * d for s, d in zip(start, direction, strict=True)]
        return 0.5 * sum((u**2).sum() for u in directions(0.0, moved))

    difference = (half_square(1e-5) - half_square(-1e-5)) / 2e-5
    slope = sum(float((c * d).sum()) for c, d in zip(curvature, direction, strict=True))
    return abs(slope - difference) / abs(difference)


def ring(report, seed, steps):
    """Part B: radius 1, standard deviation 0.01, stratified minibatches of 256, the paper's networks, RMSprop(5e-4)."""
    mixture = kgan.datasets.ring()
    data = mixture.sample(256 * steps, seed, stratified=True)
    for name, weight in (("consensus", 10.0), ("simultaneous descent", 0.0)):
        keras.utils.set_random_seed(seed)
        model = kgan.ConsensusGAN((2,), weight=weight, seed=seed)
        optimizers = {m: keras.optimizers.RMSprop(5e-4, rho=0.9, epsilon=1e-10) for m in ("discriminator", "generator")}
        model.compile(optimizers=optimizers, steps_per_execution=min(200, steps))
        cut = 256 * (steps - steps // 10)
        model.fit(data[:cut], batch_size=256, shuffle=False, verbose=0)
        history = model.fit(data[cut:], batch_size=256, shuffle=False, verbose=0).history
        loss = history["discriminator/adversarial"][-1]
        points = model.generate(2500, seed=seed)
        statistics = kgan.metrics.mode_statistics(points, mixture)
        wide = kgan.metrics.mode_statistics(points, mixture, sigmas=15.0)["high_quality"]
        modes, off = statistics["modes"], abs(loss - 2 * np.log(2))
        if weight:
            report.figure(f"B {name}: modes of 8", modes, "8", modes == 8, seed)
            report.figure(
                f"B {name}: discriminator loss over the last tenth (2 log 2 = 1.3863)", loss, "+- 0.01", off < 0.01, seed
            )
        else:
            report.figure(f"B {name}: modes of 8", modes, "<= 5", modes <= 5, seed)
            report.figure(f"B {name}: discriminator loss over the last tenth", loss, "< 1.1", loss < 1.1, seed)
        report.figure(
            f"B {name}: shares within 3 standard deviations, within 0.15", [statistics["high_quality"], wide], seed=seed
        )


PARTS = {"A": (linear_algebra, 1), "B": (ring, 10_000)}


if __name__ == "__main__":
    run("consensus", __doc__, PARTS)
