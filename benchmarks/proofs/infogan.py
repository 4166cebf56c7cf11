"""Proof of InfoGAN: the bound reaches the entropy of the code, a plain GAN's does not; what the codes mean; the paper's networks."""

import math

import keras
import numpy as np

import kgan
from benchmarks.proofs.harness import DIGIT, adam, run
from kgan.codes import Categorical, Continuous
from kgan.networks import infogan, mlp

ENTROPY = math.log(10)
BATCH, EPOCHS = 128, 5


class Unasked(kgan.InfoGAN):
    """A plain GAN with a recognizer that looks on: L_I reaches neither the generator nor the trunk."""

    def generator_loss(self, real):
        return {"adversarial": super().generator_loss(real)["adversarial"]}


def play(family, steps, seed, codes=None, **kwargs):
    """All digits as vectors in [0, 1]; perceptrons. Returns the model, the digits and L_I of the classes after a fifth of the steps."""
    images, labels = kgan.datasets.arrays("digits", "all")
    pixels = (images.reshape(-1, 64) + 1) / 2
    keras.utils.set_random_seed(seed)
    start = {"nonlinearity": 0.1, "initializer": "he_normal"}
    codes = codes or [Categorical(10), Continuous(2)]
    model = family(
        codes=codes,
        information_weight=[1.0] + [0.1] * (len(codes) - 1),
        generator=mlp.generator((64,), 16 + sum(c.size for c in codes), (128, 128), output_activation="sigmoid", **start),
        discriminator=mlp.discriminator((64,), (128, 128), **start),
        recognizer=infogan.recognizer((128,), sum(c.parameters for c in codes), 64, batch_norm=False, initializer="he_normal"),
        prior=kgan.priors.Normal(),
        seed=seed,
        **kwargs,
    )
    model.compile(optimizers=adam(2e-4, 1e-3), steps_per_execution=min(50, steps))
    fit(model, pixels, steps // EPOCHS)
    early = float(model.mutual_information(5000, seed=seed)[0])
    fit(model, pixels, steps // EPOCHS, EPOCHS - 1)
    return model, pixels, labels, early


def fit(model, examples, rounds, epochs=1):
    repeats = -(-rounds * BATCH // len(examples))
    data = np.concatenate([examples] * repeats)[: rounds * BATCH]
    model.fit(data, batch_size=BATCH, epochs=epochs, verbose=0)


def correlations(model, seed):
    """Of every continuous number with the mean that Q infers from the sample."""
    codes = model.sample_codes(5000, seed=seed)
    inferred = model.encode(model.generate(5000, condition=codes, seed=seed))
    return [float(np.corrcoef(codes[:, k], inferred[:, k])[0, 1]) for k in range(10, codes.shape[1])]


def figures(report, name, model, pixels, labels, seed):
    values = {
        "bound": float(model.mutual_information(5000, seed=seed)[0]),
        "correlations": correlations(model, seed),
        "purity": kgan.metrics.cluster_purity(model.encode(pixels)[:, :10].argmax(-1), labels),
        "std": float(model.generate(5000, seed=seed).std(axis=0).mean()),
    }
    report.figure(f"{name} purity of the classes on all digits", values["purity"], seed=seed)
    return values


def perceptrons(report, seed, steps):
    """Part A: 16 normal noises, ten classes, two continuous codes; against a plain GAN with the same networks."""
    model, pixels, labels, early = play(kgan.InfoGAN, steps, seed)
    found = figures(report, "A InfoGAN:", model, pixels, labels, seed)
    report.figure(f"A InfoGAN: L_I of the classes after {steps // EPOCHS} rounds", early, seed=seed)
    report.figure("A InfoGAN: L_I of the classes", found["bound"], ">= 2.25", found["bound"] >= 2.25, seed)
    report.figure("A InfoGAN: L_I - log 10", found["bound"] - ENTROPY, "<= 0.001", found["bound"] <= ENTROPY + 1e-3, seed)
    report.figure(
        "A InfoGAN: correlation of codes and means", found["correlations"], ">= 0.85", min(found["correlations"]) >= 0.85, seed
    )
    spread = float(pixels.std(axis=0).mean())
    report.figure(
        f"A InfoGAN: std of pixels (data {spread:.3f})", found["std"], "0.18 to 0.27", 0.18 <= found["std"] <= 0.27, seed
    )

    model, *_ = play(Unasked, steps, seed, info_updates_trunk=False)
    found = figures(report, "A plain GAN:", model, pixels, labels, seed)
    report.figure("A plain GAN: L_I of the classes", found["bound"], "<= 1.0", found["bound"] <= 1.0, seed)
    report.figure("A plain GAN: correlation of codes and means", found["correlations"], seed=seed)
    report.figure("A plain GAN: std of pixels", found["std"], seed=seed)


def variants(report, seed, steps):
    """Part B: the trunk left to the discriminator (Eq. 6 to the letter), and learned variances, whose bound may be positive."""
    model, pixels, labels, _ = play(kgan.InfoGAN, steps, seed, info_updates_trunk=False)
    found = figures(report, "B trunk at rest:", model, pixels, labels, seed)
    report.figure("B trunk at rest: L_I of the classes", found["bound"], ">= 2.25", found["bound"] >= 2.25, seed)
    report.figure(
        "B trunk at rest: correlation of codes and means",
        found["correlations"],
        ">= 0.85",
        min(found["correlations"]) >= 0.85,
        seed,
    )

    model, *_ = play(kgan.InfoGAN, steps, seed, [Categorical(10), Continuous(1, learn_variance=True), Continuous(1)])
    bounds = [float(bound) for bound in model.mutual_information(5000, seed=seed)]
    report.figure("B L_I with a learned variance", bounds[1], "> 0", bounds[1] > 0, seed)
    limit = (math.log(2) - 0.5 * math.log(2 * math.pi)) + 1e-3
    report.figure("B L_I with variance 1", bounds[2], "<= -0.226", bounds[2] <= limit, seed)


def convolutions(report, seed, steps):
    """Part C: the class as it comes, with the paper's convolutional networks and lambda 1, on digits."""
    images, labels = kgan.datasets.arrays("digits", "all")
    keras.utils.set_random_seed(seed)
    model = kgan.InfoGAN(DIGIT, seed=seed)
    model.compile(steps_per_execution=min(50, steps))
    fit(model, images, steps)
    found = figures(report, "C paper's networks:", model, images, labels, seed)
    report.figure("C paper's networks: L_I of the classes", found["bound"], ">= 2.25", found["bound"] >= 2.25, seed)
    report.figure("C paper's networks: correlation of codes and means", found["correlations"], seed=seed)
    spread = float(images.std(axis=0).mean())
    report.figure(f"C paper's networks: std of pixels (data {spread:.3f})", found["std"], seed=seed)


PARTS = {"A": (perceptrons, 6000), "B": (variants, 6000), "C": (convolutions, 1500)}


if __name__ == "__main__":
    run("infogan", __doc__, PARTS)
