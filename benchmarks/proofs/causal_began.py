"""Proof of CausalBEGAN: the boundary equilibrium on drawn faces, images that obey their labels."""

import keras
import numpy as np

import kgan
from benchmarks.proofs.causalgan import BATCH, EXAMPLES, SIZE, faces
from benchmarks.proofs.harness import Report, run
from kgan.causal import structural_model
from kgan.types import Array

QUARTERS = 4


def play(source: kgan.causal.StructuralModel, seed: int, steps: int) -> kgan.CausalBEGAN:
    """16x16 faces, 16 filters. The paper's rates of c1 to c3 are for 250,000 steps of 8e-5: here steps and rates are larger alike."""
    keras.utils.set_random_seed(seed)
    model = kgan.CausalBEGAN(source, (SIZE, SIZE, 3), filters=16, margin_rates=RATES, seed=seed)
    falling = {move: keras.optimizers.Adam(kgan.optimizers.HoldThenDecay(5e-4, steps)) for move in ("discriminator", "generator")}
    model.compile(falling, averages={"generator": 0.995}, steps_per_execution=min(25, max(1, steps // QUARTERS)))
    return model


# The authors' 0.001, 0.00008, 0.01, times the steps that theirs have and ours lack.
RATES = (0.02, 0.0016, 0.2)


def minibatches(count: int, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.permutation(EXAMPLES) for _ in range(-(-count * BATCH // EXAMPLES))])[: count * BATCH]


def equilibrium(report: Report, seed: int, steps: int) -> None:
    """Part A: convergence measure, errors at the boundary, agreement under every do and condition."""
    truth = structural_model("faces")
    nodes, rng = truth.graph.nodes, np.random.default_rng(seed)
    labels = truth.sample(EXAMPLES, seed=seed).matrix()
    real = faces(labels, nodes, seed)
    coin = rng.integers(0, 2, (5000, len(nodes)))
    judge = kgan.metrics.attribute_classifier(faces(coin, nodes, seed + 1), coin, nodes, seed=seed)
    model = play(truth, seed, steps)
    rows = minibatches(steps, seed)
    first = model.evaluate(real[rows[:BATCH]], labels[rows[:BATCH]], batch_size=BATCH, verbose=0, return_dict=True)
    path = []
    for part in np.array_split(rows, QUARTERS):
        history = model.fit(real[part], labels[part], batch_size=BATCH, shuffle=False, verbose=0).history
        logs = {name.split("/")[1]: values[0] for name, values in history.items() if name.startswith("discriminator/")}
        path.append(logs["convergence"])
    start = first["discriminator/convergence"]
    report.figure("A convergence measure at the start, by quarters", [start, *path], seed=seed)
    report.figure("A convergence measure, last quarter / start", path[-1] / start, "<= 0.25", path[-1] <= 0.25 * start, seed)
    # At the boundary e(g) = g1 e(x): the discriminator's log has c1 e(g), the generator's e(g) itself.
    balance = history["generator/error"][0] / logs["real_error"]
    report.figure("A e(g) / e(x), last quarter (g1 = 0.5)", balance, "0.5 +- 0.1", abs(balance - 0.5) <= 0.1, seed)
    factors = [logs[f"c{i}"] for i in (1, 2, 3)]
    report.figure("A factors c1 to c3, last quarter", factors, "c1 in (0, 1)", 0.0 < factors[0] < 1.0, seed)
    obedience(report, model, judge, truth, seed)
    made, given = model.sample(2000, seed=seed)
    diversity = [kgan.metrics.conditional_diversity(x, y) for x, y in ((made, given.matrix()), (real[:2000], labels[:2000]))]
    report.figure("A diversity given labels over the data's, pixels", diversity[0] / diversity[1], seed=seed)


def obedience(
    report: Report,
    model: kgan.CausalBEGAN,
    judge: kgan.metrics.AttributeClassifier,
    truth: kgan.causal.StructuralModel,
    seed: int,
) -> None:
    """Do images show the label that was set, and what follows from it?"""
    nodes = truth.graph.nodes
    for kind in ("do", "condition"):
        asked = {}
        for node in nodes:
            shares = []
            for value in (0, 1):
                made, given = model.sample(1000, **{kind: {node: value}}, seed=seed)
                shares.append(kgan.metrics.attribute_agreement(judge, made, given.matrix())[node])
            asked[node] = float(np.mean(shares))
        report.figure(
            f"A agreement by {kind}, the label set, mean of both values", {n: round(s, 3) for n, s in asked.items()}, seed=seed
        )
        lowest = min(asked.values())
        report.figure(f"A agreement by {kind}, the label set, lowest label", lowest, ">= 0.85", lowest >= 0.85, seed)
    place = nodes.index("Male")
    women = {}
    for kind in ("do", "condition"):
        made, _ = model.sample(2000, **{kind: {"Mustache": 1}}, seed=seed)
        seen, exact = (judge.probabilities(made)[:, place] > 0.5).mean(), truth.marginals(**{kind: {"Mustache": 1}})["Male"]
        women[kind] = 1.0 - float(seen), 1.0 - exact
    error = abs(women["do"][0] - women["do"][1])
    report.figure("A women among do(Mustache=1): seen, exact", list(women["do"]), "within 0.1", error <= 0.1, seed)
    report.figure("A women among Mustache=1: seen, exact", list(women["condition"]), seed=seed)


PARTS = {"A": (equilibrium, 6000)}


if __name__ == "__main__":
    run("causal_began", __doc__, PARTS)
