"""Proof of dual-agent GANs: losses and balance in closed form; printed glyphs become handwritten digits that a reader can learn from."""

import keras
import numpy as np
from keras import layers, ops

import kgan
from benchmarks.proofs.harness import run
from kgan.networks import autoencoders, mlp, refiner

SHAPE, BATCH, RATIO = (28, 28, 1), 64, 0.8

# Part A -----------------------------------------------------------------------------------------------------------------


def points():
    """Of points on a line: a refiner that scales by 1, an autoencoder that loses a tenth of a number and knows no class."""
    x = keras.Input((1,))
    judge = keras.Model(x, [layers.Dense(1, name="restored")(x), layers.Dense(2, name="logits")(x)], name="discriminator")
    judge.set_weights([np.asarray([[0.9]]), np.zeros(1), np.zeros((1, 2)), np.zeros(2)])
    generator = mlp.discriminator((1,), (), name="generator")
    generator.set_weights([np.ones((1, 1)), np.zeros(1)])
    return kgan.DualAgentGAN(generator=generator, discriminator=judge, classes=2, diversity_ratio=0.5, factor_rate=0.01, seed=0)


def exact(report, seed, steps):
    """Part A: real numbers 10 and simulated ones s: e(y) = 1, e(x) = s / 10; both cross-entropies are log 2."""

    def check(name, value, expected):
        report.figure(f"A {name} ({expected:.4f})", value, "+- 1e-4", abs(value - expected) < 1e-4, seed)

    def still(simulated, rounds, factor=0.0):
        model, count = points(), 8 * rounds
        model._factors.assign([factor])
        model.compile({move: keras.optimizers.SGD(0.0) for move in ("discriminator", "generator")})
        data = {"simulated": np.full((count, 1), simulated, "float32"), "real": np.full((count, 1), 10.0, "float32")}
        labels = dict.fromkeys(data, np.arange(count) % 2)
        logs = model.fit(data, labels, batch_size=8, shuffle=False, verbose=0).history
        return model, {name: values[-1] for name, values in logs.items()}

    _, logs = still(2.0, 1, 0.25)
    terms = {move: [value for name, value in logs.items() if name.startswith(move)] for move in ("discriminator", "generator")}
    for name in ("factor", "ratio", "convergence", "accuracy"):
        terms["discriminator"].remove(logs[f"discriminator/{name}"])
    check("L_D, k = 0.25", sum(terms["discriminator"]), 1.0 - 0.25 * 0.2 + 0.2 * np.log(2))
    check("L_G", sum(terms["generator"]), 0.2 + 0.1 * np.log(2))
    check("convergence measure", logs["discriminator/convergence"], 1.0 + 0.3)
    for simulated, expected in ((2.0, 0.3), (0.0, 0.5), (5.0, 0.0), (9.0, 0.0)):
        model, _ = still(simulated, 100)
        check(f"k after 100 rounds, e(x) = {simulated / 10}", float(ops.convert_to_numpy(model._factors)[0]), expected)
    model, _ = still(9.0, 1)
    batch = {domain: ops.full((1, 1), 2.0) for domain in model.domains}
    batch["labels"] = {domain: ops.zeros((1,), "int32") for domain in model.domains}
    with kgan.backend.no_gradient(), model._play.point(training=True):
        scale, shift = (
            float(ops.convert_to_numpy(g).item()) for g in model._play.evaluate(model._play.moves["generator"], batch).gradients
        )
    # e = 0.1 (w s + b); the pose term has no slope where nothing is changed, the classes none where logits are 0.
    check("the refiner's slopes while k = 0: of the scale", scale, 0.2)
    check("of the shift", shift, 0.1)


# Part B and C -----------------------------------------------------------------------------------------------------------


def domains(seed, glyphs=4000):
    """Glyphs and digits with labels, and held-out digits: 4,000 each and 1,000."""
    return {
        "simulated": kgan.datasets.glyphs(glyphs, seed=seed),
        "real": kgan.datasets.arrays("mnist", "train"),
        "held": kgan.datasets.arrays("mnist", "test"),
    }


def read(data, pictures, labels, seed, epochs=6):
    """The share of held-out digits that a small CNN reads which was trained on these pictures alone."""
    keras.utils.set_random_seed(seed + 1000)
    convolutions = [layers.Conv2D(maps, 5, 2, "same", activation="relu") for maps in (16, 32)]
    head = [layers.Flatten(), layers.Dense(64, activation="relu"), layers.Dropout(0.5), layers.Dense(10)]
    network = keras.Sequential([keras.Input(SHAPE), *convolutions, *head])
    network.compile(keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    network.fit(pictures, labels, batch_size=64, epochs=epochs, verbose=0)
    held, truth = data["held"]
    return float((network.predict(held, batch_size=500, verbose=0).argmax(-1) == truth).mean())


def play(data, seed, steps, **kwargs):
    keras.utils.set_random_seed(seed)
    model = kgan.DualAgentGAN(
        classes=10,
        generator=refiner.perceptron(SHAPE, (256, 256)),
        discriminator=autoencoders.perceptron(SHAPE, (256, 256, 32), (256, 256), "elu", classes=10),
        diversity_ratio=RATIO,
        factor_rate=0.01,
        seed=seed,
        **kwargs,
    )
    rate = {move: keras.optimizers.Adam(5e-4, 0.5, epsilon=1e-8) for move in ("discriminator", "generator")}
    model.compile(rate, steps_per_execution=min(20, steps))
    both = {domain: data[domain][0] for domain in ("simulated", "real")}
    labels = {domain: data[domain][1] for domain in both}
    rounds = kgan.datasets.unpaired(both, BATCH, labels=labels, passes=-(-steps * BATCH // 4000), seed=seed)
    model.fit(rounds, steps_per_epoch=steps, verbose=0)
    return model


def balance(model, data):
    """`E e(x) / E e(y)` of all pictures, in inference."""
    refined = model.refine(data["simulated"][0])
    errors = [
        model.in_inference(lambda x: ops.abs(x - model.discriminator(x, training=False)[0]), x)
        for x in (refined, data["real"][0])
    ]
    return float(errors[0].mean() / errors[1].mean()), refined


def digits(report, seed, steps):
    """Part B: a CNN learns from glyphs alone, as they are drawn or refined, to read handwritten digits."""
    data = domains(seed)
    glyphs, labels = data["simulated"]
    raw = read(data, glyphs, labels, seed)
    report.figure("B accuracy, raw glyphs", raw, seed=seed)
    report.figure("B accuracy, the real digits", read(data, *data["real"], seed), seed=seed)
    model = play(data, seed, steps)
    ratio, refined = balance(model, data)
    report.figure("B e(x) / e(y)", ratio, "0.8 +- 0.05", abs(ratio - RATIO) <= 0.05, seed)
    found = read(data, refined, labels, seed)
    report.over_seeds("B accuracy, refined glyphs", found, seed, ">= 0.58", lambda mean: mean >= 0.58)
    report.over_seeds("B accuracy gained", found - raw, seed, ">= 0.2", lambda mean: mean >= 0.2)
    report.figure("B mean |x - s|", float(np.abs(refined - glyphs).mean()), seed=seed)
    report.figure(
        "B real digits read by the second agent",
        float((model.classify(data["held"][0]).argmax(1) == data["held"][1]).mean()),
        seed=seed,
    )


def ablations(report, seed, steps):
    """Part C: without the first agent; without labels of real pictures."""
    data = domains(seed)
    labels = data["simulated"][1]
    bare = play(data, seed, steps, adversarial_weight=0.0, pose_weight=0.02)
    ratio, refined = balance(bare, data)
    report.figure("C without the adversarial term, pose 0.02: e(x) / e(y)", ratio, seed=seed)
    found = read(data, refined, labels, seed)
    report.over_seeds("C without it: accuracy", found, seed, "<= 0.50", lambda mean: mean <= 0.50)
    blind = play(data, seed, steps, real_labels=False)
    found = read(data, blind.refine(data["simulated"][0]), labels, seed)
    report.over_seeds("C without labels of real digits: accuracy", found, seed, "<= 0.50", lambda mean: mean <= 0.50)


PARTS = {"A": (exact, 1), "B": (digits, 1500), "C": (ablations, 1000)}


if __name__ == "__main__":
    run("dagan", __doc__, PARTS)
