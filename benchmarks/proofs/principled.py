"""Proof of the diagnostics and of instance noise of 1701.04862: gradients in closed form, handwritten digits, Fashion-MNIST."""

from statistics import NormalDist

import keras
import numpy as np
from keras import ops

import kgan
from benchmarks.proofs.harness import float64, run
from kgan import backend
from kgan.diagnostics import generator_gradients
from kgan.networks import mlp


class Affine(keras.layers.Layer):
    """`t + s z` with one weight, t."""

    def __init__(self, t, s, **kwargs):
        super().__init__(**kwargs)
        self.s = s
        self.t = self.add_weight(shape=(), initializer=keras.initializers.Constant(t), name="t")

    def call(self, z):
        return self.t + self.s * z

    def compute_output_shape(self, shape):
        return shape


class LogRatio(keras.layers.Layer):
    """The optimal logit of N(0, 1) against N(t, s^2); a weight that does nothing, for a game needs one."""

    def __init__(self, t, s, **kwargs):
        super().__init__(**kwargs)
        self.place, self.s = t, s
        self.nothing = self.add_weight(shape=(), initializer="zeros", name="nothing")

    def call(self, x):
        return 0.5 * (ops.square((x - self.place) / self.s) - ops.square(x)) + float(np.log(self.s)) + 0.0 * self.nothing

    def compute_output_shape(self, shape):
        return shape


CLOSED = {(1.0, 1.0): (0.60203, 0.39797), (2.0, 0.5): (1.55408, None), (0.5, 1.5): (0.37175, 0.12825)}


@float64()
def closed_form(report, seed, steps):
    """Part A: the generator's gradient behind the optimal discriminator, with N(0, 1) for data and t + s z for samples."""
    normal = NormalDist()
    quantiles = np.array([normal.inv_cdf((i + 0.5) / steps) for i in range(steps)])[:, None]
    for (t, s), (alternative, saturating) in CLOSED.items():
        z, x = keras.Input((1,)), keras.Input((1,))
        for objective, value in (("non_saturating", alternative), ("minimax", saturating)):
            model = kgan.GAN(
                generator=keras.Model(z, Affine(t, s, name="affine")(z)),
                discriminator=keras.Model(x, LogRatio(t, s, name="ratio")(x)),
                objective=objective,
                prior=lambda shape, seed=None: ops.convert_to_tensor(quantiles),
                dtype="float64",
                seed=0,
            )
            variable = model.generator.trainable_variables[0]

            def loss(tensors, model=model, variable=variable):
                with backend.Overlay([(variable, tensors[0])]):
                    return model.generator_loss(quantiles)["adversarial"], None

            _, (gradient,) = backend.value_and_gradients(loss, [backend.constant(variable)])
            found = float(ops.convert_to_numpy(gradient))
            if value is not None:
                error = abs(found - value)
                report.figure(f"A t {t:g}, s {s:g}, {objective}: error of d/dt", error, "< 1e-4", error < 1e-4, seed)


def _show(report, name, records, seed):
    for record in records:
        values = [record.accuracy, record.saturating, record.alternative, record.alternative_variance]
        text = f"{name}, step {record.step}: accuracy, norms of L_sat and L_alt, variance of L_alt"
        report.figure(text, [float(f"{v:.3g}") for v in values], seed=seed)
    first, last = records[0], records[-1]
    return first.saturating / last.saturating, last.alternative / first.alternative, first, last


def digits(report, seed, steps):
    """Part B: digits, generators after 1 and 25 epochs, a new discriminator with and without noise on both sides."""
    images, _ = kgan.datasets.arrays("digits", "all")
    for epochs in (1, 25):
        keras.utils.set_random_seed(seed)
        model = kgan.GAN(
            generator=mlp.generator(images.shape[1:], 32, (256, 256), output_activation="tanh"),
            discriminator=mlp.discriminator(images.shape[1:], (256, 256), 0.2),
            seed=seed,
        )
        model.compile()
        model.fit(images, batch_size=64, epochs=min(epochs, steps), verbose=0)
        for noise in (0.0, 0.5) if epochs == 25 else (0.0,):
            name = f"B {epochs} epochs, sigma {noise:g}"
            at = sorted({1, min(100, steps), steps})
            records = generator_gradients(model, images, steps=steps, record_at=at, instance_noise=noise, seed=seed)
            fall, rise, first, last = _show(report, name, records, seed)
            if noise:
                report.figure(f"{name}: L_sat falls by", fall, "< 3", fall < 3, seed)
                continue
            variance = last.alternative_variance / first.alternative_variance
            report.figure(f"{name}: L_sat falls by", fall, ">= 1e3", fall >= 1e3, seed)
            report.figure(f"{name}: L_alt grows by", rise, ">= 20", rise >= 20, seed)
            report.figure(f"{name}: its variance grows by", variance, ">= 100", variance >= 100, seed)


def fashion(report, seed, steps):
    """Part C: Fashion-MNIST (tfds), one epoch, perceptrons."""
    images, _ = kgan.datasets.arrays("fashion_mnist", "train")
    keras.utils.set_random_seed(seed)
    model = kgan.GAN(
        generator=mlp.generator(images.shape[1:], 64, (256, 256), batch_norm=True, output_activation="tanh"),
        discriminator=mlp.discriminator(images.shape[1:], (256, 128), 0.2),
        seed=seed,
    )
    model.compile(steps_per_execution=min(50, steps))
    model.fit(images[: 64 * 937 * steps // 2000], batch_size=64, verbose=0)
    for noise, length in ((0.0, steps), (0.5, steps), (2.0, steps // 2), (4.0, 3 * steps // 20)):
        at = sorted({1, min(100, length), length})
        records = generator_gradients(model, images, steps=length, record_at=at, batches=10, instance_noise=noise, seed=seed)
        name = f"C sigma {noise:g}"
        fall, rise, first, last = _show(report, name, records, seed)
        if noise == 0.0:
            spread = last.alternative_spread / first.alternative_spread
            report.figure(f"{name}: L_sat falls by", fall, ">= 10^3.5", fall >= 10**3.5, seed)
            report.figure(f"{name}: L_alt grows by", rise, ">= 8", rise >= 8, seed)
            report.figure(f"{name}: its spread grows by", spread, ">= 8", spread >= 8, seed)
        elif noise > 1.0:
            report.figure(f"{name}: L_sat falls by", fall, "< 3", fall < 3, seed)
        else:
            report.figure(f"{name}: L_sat falls by (too little noise in 784 dimensions)", fall, seed=seed)


PARTS = {"A": (closed_form, 100_000), "B": (digits, 4000), "C": (fashion, 2000)}


if __name__ == "__main__":
    run("principled", __doc__, PARTS, asked_for=("C",))
