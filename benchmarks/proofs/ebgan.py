"""Proof of EBGAN: its formulas by hand, real digits beside GAN, the grid of its paper at a small size, EBGAN-LN with a hundred labels."""

import itertools

import keras
import numpy as np
from keras import ops

import kgan
from benchmarks.proofs.harness import adam, float64, run
from benchmarks.proofs.real_data import digits, figures
from kgan import backend, objectives
from kgan.networks import autoencoders, mlp

MARGIN = 10.0


@float64()
def exact(report, seed, steps):
    """Part A: the repelling term, the hinge, and the generator's gradient through the restored and the restored-from example."""
    rng = np.random.default_rng(seed)
    v = rng.normal(size=(1, 6))
    for name, codes, expected in (
        ("orthonormal codes", np.eye(5), 0.0),
        ("equal codes", np.repeat(v, 4, axis=0), 1.0),
        ("a code and its opposite", np.concatenate([v, -v]), 1.0),
    ):
        error = abs(float(objectives.pulling_away(ops.convert_to_tensor(codes))) - expected)
        report.figure(f"A pulling-away term of {name}: error", error, "< 1e-9", error < 1e-9, seed)
    codes = rng.normal(size=(7, 5))
    change = abs(
        float(objectives.pulling_away(ops.convert_to_tensor(codes)))
        - float(objectives.pulling_away(ops.convert_to_tensor(codes * rng.uniform(0.5, 2.0, (7, 1)))))
    )
    report.figure("A pulling-away term: change when codes are scaled", change, "< 1e-9", change < 1e-9, seed)
    loss = float(objectives.energy_margin(np.ones((2, 1)), np.array([[0.0], [2 * MARGIN]]), MARGIN))
    report.figure("A loss of energies 1 and {0, 2 m}", loss, "1 + m/2 = 6", abs(loss - 6.0) < 1e-9, seed)
    # x = G(z) is both what is restored and what it is compared with.
    network = autoencoders.perceptron((4,), (5, 3), (5,), "tanh")

    def energy(x):
        return objectives.reconstruction_energy(x, network(x))

    x = rng.normal(size=(1, 4))
    _, (found,) = backend.value_and_gradients(lambda t: (ops.sum(energy(t[0])), None), [ops.convert_to_tensor(x)])
    steps_of = 1e-6 * np.eye(4)[:, None]
    wanted = [(float(energy(x + h)[0, 0]) - float(energy(x - h)[0, 0])) / 2e-6 for h in steps_of]
    error = float(np.abs(ops.convert_to_numpy(found)[0] - wanted).max())
    report.figure("A gradient of the energy against differences: error", error, "< 1e-6", error < 1e-6, seed)


def play(system, seed, steps, generator, encoder, decoder, rate, batch_norm=True, judge=(256, 128)):
    """A trained model on digits, and its figures."""
    keras.utils.set_random_seed(seed)
    data = digits()[0]
    maker = mlp.generator((784,), 64, generator, batch_norm=batch_norm, output_activation="tanh")
    if system == "GAN":
        model = kgan.GAN(generator=maker, discriminator=mlp.discriminator((784,), judge, 0.2), seed=seed)
    else:
        weight = 0.1 if system == "EBGAN-PT" else 0.0
        network = autoencoders.perceptron((784,), encoder, decoder)
        model = kgan.EBGAN(generator=maker, discriminator=network, margin=MARGIN, pulling_away_weight=weight, seed=seed)
    model.compile(optimizers=adam(rate, rate), steps_per_execution=min(50, steps))
    epochs = max(1, steps // (len(data) // 64))
    history = model.fit(data if steps > 62 else data[: 64 * steps], batch_size=64, epochs=epochs, verbose=0).history
    return model, history, figures(model.generate(2000, seed=seed))


SETTINGS = (("rate 1e-3", 1e-3, True), ("rate 1e-3, no batch norm", 1e-3, False), ("rate 2e-4", 2e-4, True))


def real_digits(report, seed, steps):
    """Part B: 4,000 real digits of 28 pixels, EBGAN-PT (784-256-32-256-784) and GAN (784-256-128-1) with one generator and optimizer."""
    gains = []
    for name, rate, batch_norm in SETTINGS:
        found = {}
        for system in ("EBGAN-PT", "GAN"):
            model, history, found[system] = play(system, seed, steps, (256, 256), (256, 32), (256,), rate, batch_norm)
            shown = "{distance:.1f}, {score:.2f}, {classes}".format(**found[system])
            report.figure(f"B {name}, {system}: distance, score, classes", shown, seed=seed)
            if system == "EBGAN-PT":
                share = history["discriminator/adversarial"][-1] / MARGIN
                real, fake, noise = (
                    float(model.energy(x).mean())
                    for x in (
                        digits()[2],
                        model.generate(1000, seed=seed),
                        np.random.default_rng(seed).uniform(-1, 1, (1000, 784)),
                    )
                )
                report.figure(f"B {name}: discriminator's loss over the margin (1 at the equilibrium)", share, seed=seed)
                report.figure(
                    f"B {name}: energy of held-out digits, samples, noise", f"{real:.2f}, {fake:.2f}, {noise:.1f}", seed=seed
                )
        ours, theirs = found["EBGAN-PT"], found["GAN"]
        gains.append(ours["score"] - theirs["score"])
        ratio = ours["distance"] / theirs["distance"]
        report.figure(f"B {name}: distance, EBGAN-PT / GAN", ratio, "< 1", ratio < 1, seed)
        report.figure(f"B {name}: score, EBGAN-PT - GAN", gains[-1], "> 0", gains[-1] > 0, seed)
        if rate == 1e-3:
            report.figure(f"B {name}: distance", ours["distance"], "<= 45", ours["distance"] <= 45, seed)
            report.figure(f"B {name}: classes of 10", ours["classes"], "10", ours["classes"] == 10, seed)
    gain = float(np.mean(gains))
    report.figure("B mean gain of score", gain, ">= 0.25", gain >= 0.25, seed)


def grid(report, seed, steps):
    """Part C: eight settings of the paper's grid (section 4.1), narrower: hidden layers of G and D, units of G; 1,000 rounds each."""
    scores = {"EBGAN": [], "GAN": []}
    choices = itertools.product((1, 2), (1, 2), (128, 256), (128,))
    for layers_g, layers_d, size_g, size_d in choices if steps > 30 else [(1, 1, 8, 8)]:
        for system, values in scores.items():
            sizes = (size_d,) * layers_d
            _, _, found = play(system, seed, steps, (size_g,) * layers_g, sizes, (), 1e-3, judge=sizes)
            values.append(found["score"])
    for system, values in scores.items():
        report.figure(
            f"C {system}: scores of the grid, from low to high", " ".join(f"{v:.1f}" for v in sorted(values)), seed=seed
        )
    gain = float(np.median(scores["EBGAN"]) - np.median(scores["GAN"]))
    report.figure("C median score, EBGAN - GAN", gain, "> 0", gain > 0, seed)
    good = [float(np.mean(np.array(scores[system]) > 6.0)) for system in ("EBGAN", "GAN")]
    report.figure("C share of settings with a score > 6, EBGAN", good[0], f"> GAN's, {good[1]:g}", good[0] > good[1], seed)


def few_labels(report, seed, steps):
    """Part D: EBGAN-LN with ten labels a digit and a margin that falls to 0, against the ladder network alone (a margin of 0)."""
    train, labels, test, truth = digits()
    data, given = kgan.datasets.semi_supervised((train + 1) / 2, labels, 10, seed)
    falling = keras.optimizers.schedules.PolynomialDecay
    errors = {}
    for name, margin in (
        ("the ladder network alone", falling(0.0, 1, 0.0)),
        ("EBGAN-LN", falling(LADDER_MARGIN, steps // 2, 0.0)),
    ):
        keras.utils.set_random_seed(seed)
        model = kgan.EBGAN(
            classes=10,
            margin=margin,
            pulling_away_weight=0.0,
            energy_kind="sum_squares",
            generator=mlp.generator((784,), 64, (256, 256), batch_norm=True, output_activation="sigmoid"),
            discriminator=autoencoders.ladder((784,), 10, (500, 250, 250), noise=0.3),
            seed=seed,
        )
        decayed = kgan.optimizers.HoldThenDecay(1e-3, steps, 0.67)
        model.compile(
            optimizers={"discriminator": keras.optimizers.Adam(decayed), "generator": keras.optimizers.Adam(1e-3, 0.5)},
            steps_per_execution=min(40, steps),
        )
        epochs = max(1, steps // (len(train) // 100))
        model.fit(data if steps > 40 else {k: v[:3000] for k, v in data.items()}, given[: len(given) if steps > 40 else 3000],
                  batch_size=100, epochs=epochs, verbose=0)  # fmt: skip
        errors[name] = float((model.classify((test + 1) / 2).argmax(1) != truth).mean())
        report.figure(f"D test error, {name}", errors[name], seed=seed)
    ratio = errors["EBGAN-LN"] / errors["the ladder network alone"]
    report.over_seeds("D test error, EBGAN-LN / ladder network", ratio, seed, "mean <= 1", lambda v: v <= 1.0, least=3)


LADDER_MARGIN = 30.0
PARTS = {"A": (exact, 1), "B": (real_digits, 3000), "C": (grid, 1000), "D": (few_labels, 4000)}


if __name__ == "__main__":
    run("ebgan", __doc__, PARTS, asked_for=("C",))
