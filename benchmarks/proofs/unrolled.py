"""Proof of unrolled GANs: the gradient through the virtual steps, the ring of eight."""

import keras
import numpy as np
from keras import ops

import kgan
from benchmarks.proofs.harness import adam, float64, run
from kgan import backend


def paper_ring():
    return kgan.datasets.ring(radius=2.0, stddev=0.02)


def step_error(seed, steps, warm, stopped, h=1e-6):
    """Relative difference of the generator's gradient, along one random direction, from a central difference, in float64.

    With h = 1e-5 the difference steps over the kink of some ReLU for one seed in three.
    """
    keras.utils.set_random_seed(seed)
    with float64():
        model = kgan.UnrolledGAN((2,), steps=steps, dtype="float64", seed=seed)
        model.compile(optimizers=adam(1e-3, 1e-3))
        data = paper_ring().sample(128 * (warm + 1), seed).astype("float64")
        # The discriminator's slots are warmed by real steps; the generator stands still.
        model.optimizer["generator"].learning_rate = 0.0
        model.fit(data[128:], batch_size=128, verbose=0)
        batch, move = ops.convert_to_tensor(data[:128]), model._play.moves["generator"]
        variables = model.generator.trainable_variables
        rng = np.random.default_rng(seed)
        direction = [rng.normal(size=v.shape) for v in variables]
        length = np.sqrt(sum((d**2).sum() for d in direction))
        direction = [d / length for d in direction]
        start = [ops.convert_to_numpy(v) for v in variables]

        def loss():
            return move.loss(batch)["adversarial"]

        def at(h):
            values = [(v, ops.convert_to_tensor(s + h * d)) for v, s, d in zip(variables, start, direction, strict=True)]
            with model._play.point(training=True), backend.Overlay(values):
                return float(ops.convert_to_numpy(loss()))

        def value(tensors):
            with backend.Overlay(zip(variables, tensors, strict=True)):
                return loss(), None

        with model._play.point(training=True):
            if stopped:
                value = look_ahead_only(model, batch, variables)
            gradients = backend.value_and_gradients(value, [ops.convert_to_tensor(s) for s in start])[1]
        slope = sum(float((ops.convert_to_numpy(g) * d).sum()) for g, d in zip(gradients, direction, strict=True))
        difference = (at(h) - at(-h)) / (2 * h)
        return abs(slope - difference) / abs(difference)


def look_ahead_only(model, batch, variables):
    """The wrong loss that public ports compute: evaluated after the virtual steps, not differentiated through them."""
    weights = model.discriminator.trainable_variables
    reached = []

    def note():
        reached[:] = [ops.stop_gradient(ops.convert_to_tensor(v)) for v in weights]
        return {"adversarial": ops.zeros(())}

    def value(tensors):
        with backend.Overlay(zip(variables, tensors, strict=True)):
            fake = model.generated(len(batch))

            def opponent():
                return model.discriminator_terms(model.score_both(batch, fake))["adversarial"]

            kgan.engine.unrolled(note, opponent, weights, model.steps, model.optimizer["discriminator"])
            with backend.Overlay(zip(weights, reached, strict=True)):
                scored = model.score_both(batch, fake)
                data = -ops.mean(ops.softplus(-scored.real_logits))
                return data + model.objective.generator(scored.fake_logits), None

    return value


def gradients(report, seed, steps):
    """Part A: the whole gradient against finite differences; one that stops at theta_D^K is off."""
    for unrolled_steps in (0, 1, 5, 10):
        error = step_error(seed, unrolled_steps, steps, stopped=False)
        report.figure(f"A K={unrolled_steps}: relative error of the gradient", error, "< 1e-4", error < 1e-4, seed)
        stopped = step_error(seed, unrolled_steps, steps, stopped=True)
        bar, ok = ("> 100 times that", stopped > 100 * error) if unrolled_steps else ("< 1e-4", stopped < 1e-4)
        report.figure(f"A K={unrolled_steps}: the same, stopped at theta_D^K", stopped, bar, ok, seed)


def ring(report, seed, steps):
    """Part B: the paper's ring and networks; batch 128, Adam(1e-3, 0.5) for both."""
    mixture = paper_ring()
    for unrolled_steps in (0, 1, 5, 10):
        keras.utils.set_random_seed(seed)
        model = kgan.UnrolledGAN((2,), steps=unrolled_steps, seed=seed)
        model.compile(optimizers=adam(1e-3, 1e-3), steps_per_execution=min(200, steps))
        model.fit(mixture.sample(128 * steps, seed), batch_size=128, verbose=0)
        points = model.generate(2500, seed=seed)
        distances = np.linalg.norm(points[:, None] - mixture.centers[None], axis=-1)
        near = distances.min(axis=1) < 0.2
        modes = int((np.bincount(distances.argmin(axis=1)[near], minlength=8) >= 20).sum())
        bar, ok = {0: ("<= 2", modes <= 2), 5: ("8", modes == 8), 10: ("8", modes == 8)}.get(unrolled_steps, (None, None))
        report.figure(f"B K={unrolled_steps}: modes of 8", modes, bar, ok, seed)
        report.figure(f"B K={unrolled_steps}: share within 0.2", float(near.mean()), seed=seed)


PARTS = {"A": (gradients, 50), "B": (ring, 6000)}


if __name__ == "__main__":
    run("unrolled", __doc__, PARTS)
