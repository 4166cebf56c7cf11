"""Proof of CausalGAN: label distributions under do and condition, wrong graphs, the theorem in one dimension,
images that obey interventions, the anti-labeler on labels in doubt.

The bars of parts D and F are on five seeds: `python -m benchmarks.proofs.causalgan --parts F --seeds 0 1 2 3 4`, and for D, which draws a
polynomial a seed, at the length of the paper `python -m benchmarks.proofs.causalgan --parts D --steps 50000 --seeds 0 1 2 3 4`. Without
`--steps` D takes a fifth of them, to see what it does.
"""

import keras
import numpy as np
from keras import layers

import kgan
from benchmarks.proofs.harness import Report, run, sign_test
from kgan.causal import PolynomialModel, StructuralModel, structural_model
from kgan.metrics import binned_distribution, label_distribution, total_variation
from kgan.networks import CausalNetwork, causal, mlp
from kgan.networks.blocks import activation, dense

COUNT = 200_000


def controller(graph, labels, seed, steps, falling=False):
    """A controller in the small setting: critic of two layers of 64, batch 256, lambda 10, five critic steps, Adam(1e-3, 0.5, 0.9).

    `falling`: rates that fall over the second half, beta_1 0, and an averaged controller, for marginals of a few per cent.
    """
    critic = mlp.discriminator((labels.shape[1],), (64, 64), 0.2)
    model = kgan.CausalController(graph, discriminator=critic, penalty_weight=10.0, discriminator_steps=5, seed=seed)
    moves = {"discriminator": 5 * steps, "generator": steps}
    rates = {move: kgan.optimizers.HoldThenDecay(1e-3, count) if falling else 1e-3 for move, count in moves.items()}
    optimizers = {move: keras.optimizers.Adam(rate, 0.0 if falling else 0.5, 0.9) for move, rate in rates.items()}
    model.compile(optimizers, averages={"generator": 0.995} if falling else None, steps_per_execution=min(50, steps))
    # A minibatch for every critic step; the controller's own step asks for none.
    rows = np.random.default_rng(seed).integers(len(labels), size=steps * 5 * 256)
    model.fit(labels[rows], batch_size=256, shuffle=False, verbose=0)
    return model


def distance(truth, samples, do=None):
    return total_variation(truth.joint(do).ravel(), label_distribution(samples))


def celeba(report, seed, steps):
    """Part A: joint, interventional and conditional distributions on the paper's Causal Graph 1, and the same labels on other graphs."""
    truth = structural_model("celeba")
    labels = truth.sample(COUNT, seed=seed).matrix()
    marginals = labels.mean(0)
    alone = StructuralModel(
        kgan.causal.CausalGraph(nodes=truth.graph.nodes), dict(zip(truth.graph.nodes, marginals, strict=True))
    )
    report.figure(
        "A TVD of the product of the marginals", total_variation(truth.joint().ravel(), alone.joint().ravel()), seed=seed
    )
    report.figure("A TVD of as many true samples", distance(truth, truth.sample(COUNT, seed=seed + 1)), seed=seed)
    model = controller("celeba", labels, seed, steps)
    samples = model.sample(COUNT, seed=seed)
    joint = distance(truth, samples)
    report.figure("A TVD of the joint", joint, "<= 0.10", joint <= 0.10, seed)
    intervened = distance(truth, model.sample(COUNT, do={"Male": 1}, seed=seed), {"Male": 1})
    report.figure("A TVD under do(Male=1)", intervened, "<= 0.12", intervened <= 0.12, seed)
    try:
        share = float(model.sample(5000, condition={"Mustache": 1}, seed=seed)["Male"].mean())
    except ValueError:  # a controller of a few steps never grows one
        share = float("nan")
    report.figure("A P(Male | Mustache=1)", share, ">= 0.85", share >= 0.85, seed)
    shift = float(model.sample(COUNT, do={"Mustache": 1}, seed=seed)["Male"].mean() - samples["Male"].mean())
    report.figure("A P(Male | do(Mustache=1)) - P(Male)", shift, "within 0.03", abs(shift) <= 0.03, seed)
    lipstick = float(model.sample(COUNT, do={"Male": 1}, seed=seed)["Wearing_Lipstick"].mean())
    report.figure("A P(Wearing_Lipstick | do(Male=1)) (truth 0.01)", lipstick, "<= 0.06", lipstick <= 0.06, seed)
    soft = model.generate(20_000, seed=seed)
    between = float(((soft > 0.1) & (soft < 0.9)).mean())
    report.figure("A share of outputs in (0.1, 0.9)", between, "< 0.02", between < 0.02, seed)
    nodes = truth.graph.nodes
    others = {
        "the complete graph": "celeba_complete",
        "the complete graph reversed": kgan.causal.CausalGraph(
            [(b, a) for a, b in kgan.causal.graph("celeba_complete").edges], nodes
        ),
        "a graph without edges": kgan.causal.CausalGraph(nodes=nodes),
    }
    for name, graph in others.items():
        other = distance(truth, controller(graph, labels, seed, steps).sample(COUNT, seed=seed))
        report.figure(f"A TVD of the joint, {name}", other, seed=seed)


def interventions(report, seed, steps):
    """Part B: every single-label intervention on five labels."""
    truth = structural_model("faces")
    model = controller("faces", truth.sample(COUNT, seed=seed).matrix(), seed, steps, falling=True)
    joint = distance(truth, model.sample(COUNT, seed=seed))
    report.figure("B TVD of the joint", joint, "<= 0.10", joint <= 0.10, seed)
    errors, off = {}, {}
    for node in truth.graph.nodes:
        for value in (0, 1):
            exact, conditional = truth.marginals(do={node: value}), truth.marginals(condition={node: value})
            made = model.sample(COUNT, do={node: value}, seed=seed)
            errors[f"{node}={value}"] = max(abs(float(made[n].mean()) - exact[n]) for n in exact)
            if truth.graph.parents[node]:
                off[f"{node}={value}"] = max(abs(float(made[n].mean()) - conditional[n]) for n in exact)
    worst, least = max(errors.values()), min(off.values())
    report.figure("B largest error of a marginal, by intervention", {k: round(v, 4) for k, v in errors.items()}, seed=seed)
    report.figure("B largest error of a marginal under any do", worst, "<= 0.05", worst <= 0.05, seed)
    # The exact answers to do and to conditioning are 0.16 apart where they are nearest: who conditions ends near 0 here.
    report.figure(
        "B marginals under do off the conditional ones by at least (labels that have causes)", least, "> 0.10", least > 0.10, seed
    )


def theorem(report, seed, steps):
    """Part C: l ~ Bernoulli(1/2), x | l ~ N(2l - 1, 1); the standard deviation of x given l, with and without the anti-labeler."""
    labels = StructuralModel(kgan.causal.CausalGraph(nodes=["l"]), {"l": 0.5})
    rng = np.random.default_rng(seed)
    given = rng.integers(0, 2, (steps * 256, 1)).astype("float32")
    data = (2 * given - 1 + rng.normal(size=given.shape)).astype("float32")
    spread = {}
    for name, arguments in {
        "Eq. 5": {},
        "without the anti-labeler": {"anti_labeler_weight": 0.0},
        "-log D for -d": {"objective": "non_saturating"},
    }.items():
        keras.utils.set_random_seed(seed)
        judges = {n: mlp.discriminator((1,), (64, 64), name=n) for n in ("discriminator", "labeler", "anti_labeler")}
        model = kgan.CausalGAN(
            labels, generator=mlp.generator((1,), 9, (64, 64)), **judges, noise_size=8, prior=kgan.priors.Normal(), label_noise=None,
            generator_steps=1, anti_labeler_decay=None, seed=seed, **arguments,
        )  # fmt: skip
        optimizers = {"discriminator": keras.optimizers.Adam(5e-4), "generator": keras.optimizers.Adam(2e-4)}
        model.compile(optimizers, averages={"generator": 0.995}, steps_per_execution=min(50, steps))
        model.fit(data, given, batch_size=256, shuffle=False, verbose=0)
        made = {value: model.sample(20_000, do={"l": value}, seed=seed)[0] for value in (0, 1)}
        spread[name] = float(np.mean([x.std() for x in made.values()]))
        report.figure(f"C means given l = 0, 1, {name}", [float(x.mean()) for x in made.values()], seed=seed)
    full, without = spread["Eq. 5"], spread["without the anti-labeler"]
    report.figure("C standard deviation given l, Eq. 5 (truth 1)", full, ">= 0.8", full >= 0.8, seed)
    report.figure("C gain over the loss without anti-labeler", full - without, ">= 0.12", full - without >= 0.12, seed)
    report.figure("C standard deviation given l, -log D for -d", spread["-log D for -d"], seed=seed)


def synthetic_networks(graph, seed):
    """The paper's networks for three continuous variables: a generator wired along a graph, or a dense one; the discriminator."""
    normal = keras.initializers.RandomNormal(0.0, 0.7)
    unit = kgan.priors.Uniform(0.0, 1.0)
    if graph == "dense":
        generator = mlp.generator((3,), 10, (10,) * 2, "tanh", output_activation="sigmoid", initializer=normal)
    else:
        generator = CausalNetwork(graph, 10, (10, 10), "tanh", normal, unit)
    x = inputs = keras.Input((3,), name="examples")
    for index in (0, 1):
        x = activation("relu", f"relu_{index}")(dense(10, f"hidden_{index}", normal)(x))
    near = keras.initializers.RandomNormal(0.0, 0.02)  # the authors': at 0.7 hardly any two of a minibatch are near each other
    x = kgan.layers.MinibatchDiscrimination(5, 3, normalize=False, kernel_initializer=near, name="minibatch")(x)
    return (
        generator,
        keras.Model(inputs, layers.Activation("linear", name="out")(dense(1, "logit", normal)(x)), name="discriminator"),
        unit,
    )


def synthetic(report, seed, steps):
    """Part D: cubic polynomials on three variables; generators with the right, a wrong and no graph.

    One draw of a polynomial says little: the bar is on the mean of five, at 50,000 steps each (see above); the paper has 20 draws.
    """
    for truth in ("collider", "line", "complete"):
        data = PolynomialModel(truth, seed)
        reference = binned_distribution(data.sample(1_000_000, seed + 1))
        floor = total_variation(reference, binned_distribution(data.sample(50_000, seed + 2)))
        report.figure(f"D {truth}: TVD of 50,000 true samples", floor, seed=seed)
        found = {}
        for graph in ("line", "collider", "complete", "dense"):
            keras.utils.set_random_seed(seed)
            generator, discriminator, prior = synthetic_networks(graph, seed)
            model = kgan.GAN((3,), generator=generator, discriminator=discriminator, prior=prior, simultaneous=True, seed=seed)
            model.compile(
                {move: keras.optimizers.Adam(5e-4) for move in ("discriminator", "generator")},
                steps_per_execution=min(200, steps),
            )
            model.fit(data.sample(64 * steps, seed), batch_size=64, shuffle=False, verbose=0)
            made = binned_distribution(np.clip(model.generate(50_000, seed=seed, batch_size=10_000), 0, 1))
            found[graph] = total_variation(reference, made)
        report.figure(f"D {truth}: TVD by generator", {k: round(v, 3) for k, v in found.items()}, seed=seed)
        if truth == "collider":
            nearer = found["line"] - found["collider"]
            report.over_seeds("D collider: TVD of line less that of collider", nearer, seed, "mean > 0", lambda v: v > 0, least=5)


SIZE, EXAMPLES, BATCH = 16, 8000, 64


def faces(labels, nodes, seed):
    columns = {node: labels[:, i].astype(int) for i, node in enumerate(nodes)}
    return kgan.datasets.draw_faces(columns, size=SIZE, seed=seed)


def image_model(source, seed, steps, average=0.995, **arguments):
    keras.utils.set_random_seed(seed)
    networks = causal.image_networks((SIZE, SIZE, 3), len(source.graph), 100, 16, kernels=20, kernel_size=8, epsilon=1e-3)
    networks = dict(zip(("generator", "discriminator", "labeler", "anti_labeler"), networks, strict=True))
    # The paper's T is 3000 of its 100,000 outer steps, so that labels are learned unopposed most of the time; here 1000 of 4500.
    model = kgan.CausalGAN(source, **networks, **{"anti_labeler_decay": 1000.0, **arguments}, seed=seed)
    optimizers = {move: keras.optimizers.Adam(5e-4, beta_1=0.5) for move in ("discriminator", "generator")}
    model.compile(optimizers, averages={"generator": average} if average else None, steps_per_execution=min(25, steps))
    return model


def images(report, seed, steps):
    """Part E: drawn faces from the labels of a trained controller; with and without the anti-labeler."""
    truth = structural_model("faces")
    nodes, rng = truth.graph.nodes, np.random.default_rng(seed)
    labels = truth.sample(EXAMPLES, seed=seed).matrix()
    real = faces(labels, nodes, seed)
    # A judge of every combination alike: one trained on the model's labels would not know women with mustaches.
    coin = rng.integers(0, 2, (5000, len(nodes)))
    judge = kgan.metrics.attribute_classifier(faces(coin, nodes, seed + 1), coin, nodes, seed=seed)
    report.figure("E accuracy of the judge on held-out faces, lowest", min(judge.accuracies.values()), seed=seed)
    source = controller("faces", truth.sample(COUNT, seed=seed).matrix(), seed, min(4000, 20 * steps), falling=True)
    rows = np.concatenate([rng.permutation(EXAMPLES) for _ in range(-(-steps * BATCH // EXAMPLES))])[: steps * BATCH]
    diversity = {}
    quarter = len(rows) // 4
    for arguments in ({"anti_labeler_weight": 0.0}, {}):
        model = image_model(source, seed, steps, **arguments)
        model.fit(real[rows[:quarter]], labels[rows[:quarter]], batch_size=BATCH, shuffle=False, verbose=0)
        made, given = model.sample(2000, seed=seed)
        for kind, features in {"pixels": None, "features of the judge": judge}.items():
            spread = [
                kgan.metrics.conditional_diversity(x, y, features=features)
                for x, y in ((made, given.matrix()), (real[:2000], labels[:2000]))
            ]
            diversity.setdefault(kind, []).append(spread[0] / spread[1])
    # Early is when it matters: c(t) is small later on.
    for kind, shares in diversity.items():
        report.figure(
            f"E diversity given labels over the data's, a quarter of the way: without, with anti-labeler; {kind}",
            shares,
            seed=seed,
        )
    model.fit(real[rows[quarter:]], labels[rows[quarter:]], batch_size=BATCH, shuffle=False, verbose=0)
    made, given = model.sample(2000, seed=seed)
    agreement = kgan.metrics.attribute_agreement(judge, made, given.matrix())
    report.figure("E agreement with observational labels, lowest attribute", min(agreement.values()), seed=seed)
    report.figure("E diversity at the end, features of the judge", kgan.metrics.conditional_diversity(made, given.matrix(), features=judge)
                  / kgan.metrics.conditional_diversity(real[:2000], labels[:2000], features=judge), seed=seed)  # fmt: skip
    obedience(report, model, judge, truth, seed)


def obedience(report, model, judge, truth, seed):
    """Do images show what was asked, under every do and every condition, and what follows from it?"""
    lowest, asked, shifts = {"do": {}, "condition": {}}, {"do": {}, "condition": {}}, {}
    for node in truth.graph.nodes:
        for value in (0, 1):
            for kind in lowest:
                made, given = model.sample(1000, **{kind: {node: value}}, seed=seed)
                agreement = kgan.metrics.attribute_agreement(judge, made, given.matrix())
                lowest[kind][f"{node}={value}"] = round(min(agreement.values()), 3)
                asked[kind][f"{node}={value}"] = round(agreement[node], 3)
    for kind, found in lowest.items():
        by_label = {n: (asked[kind][f"{n}=0"] + asked[kind][f"{n}=1"]) / 2 for n in truth.graph.nodes}
        share = min(by_label.values())
        report.figure(f"E agreement by {kind}, the label set", asked[kind], seed=seed)
        report.figure(f"E agreement by {kind}, the label set, both values, lowest label", share, ">= 0.90", share >= 0.90, seed)
        report.figure(f"E agreement by {kind}, any label, lowest", found, seed=seed)
    place = truth.graph.nodes.index("Male")
    for kind in ("do", "condition"):
        made, _ = model.sample(2000, **{kind: {"Mustache": 1}}, seed=seed)
        women = 1.0 - float((judge.probabilities(made)[:, place] > 0.5).mean())
        shifts[kind] = women, 1.0 - truth.marginals(**{kind: {"Mustache": 1}})["Male"]
    error = abs(shifts["do"][0] - shifts["do"][1])
    report.figure("E women among do(Mustache=1): seen, exact", list(shifts["do"]), "within 0.07", error <= 0.07, seed)
    report.figure("E women among Mustache=1: seen, exact", list(shifts["condition"]), seed=seed)


FLIPPED = 0.2


def ambiguous(report: Report, seed: int, steps: int) -> None:
    """Part F: what the anti-labeler is for, on images whose labels are in doubt; five paired seeds, a sign test.

    Drawn faces say everything about their labels, which leaves the anti-labeler nothing to gain. Here each label is another than the one
    drawn with probability 0.2, so that P(x | l) holds both kinds of faces, and a generator that is to please the labeler alone leaves one
    of them out. Labels are independent coins, before the flips and behind them; c = 1 throughout; the weights are the last ones, not
    averages. The pairs share initial weights, data and their order.
    """
    nodes = structural_model("faces").graph.nodes
    coins = StructuralModel(kgan.causal.CausalGraph(nodes=nodes), dict.fromkeys(nodes, 0.5))
    rng = np.random.default_rng(seed)
    drawn = coins.sample(EXAMPLES, seed=seed).matrix()
    real = faces(drawn, nodes, seed)
    labels = np.where(rng.random(drawn.shape) < FLIPPED, 1 - drawn, drawn).astype("float32")
    coin = rng.integers(0, 2, (5000, len(nodes)))
    judge = kgan.metrics.attribute_classifier(faces(coin, nodes, seed + 1), coin, nodes, seed=seed)
    rows = np.concatenate([rng.permutation(EXAMPLES) for _ in range(-(-steps * BATCH // EXAMPLES))])[: steps * BATCH]
    truth = kgan.metrics.conditional_diversity(real[:2000], labels[:2000], features=judge)
    diversity, agreement = [], []
    for weight in (0.0, 1.0):
        model = image_model(coins, seed, steps, average=0.0, anti_labeler_weight=weight, anti_labeler_decay=None)
        model.fit(real[rows], labels[rows], batch_size=BATCH, shuffle=False, verbose=0)
        made, given = model.sample(2000, seed=seed)
        diversity.append(kgan.metrics.conditional_diversity(made, given.matrix(), features=judge) / truth)
        agreement.append(float(np.mean(list(kgan.metrics.attribute_agreement(judge, made, given.matrix()).values()))))
    own = float(np.mean(list(kgan.metrics.attribute_agreement(judge, real[:2000], labels[:2000]).values())))
    report.figure("F agreement with the labels: without, with anti-labeler, of the data", [*agreement, own], seed=seed)
    report.figure("F diversity given labels over the data's: without, with anti-labeler", diversity, seed=seed)
    for name, gain in (
        ("F gain in diversity by the anti-labeler, sign test", diversity[1] - diversity[0]),
        ("F nearer to the data's agreement by the anti-labeler, sign test", abs(agreement[0] - own) - abs(agreement[1] - own)),
    ):
        report.over_seeds(name, gain, seed, "p <= 0.05", lambda p: p <= 0.05, sign_test, least=5)


PARTS = {
    "A": (celeba, 1000),
    "B": (interventions, 4000),
    "C": (theorem, 2400),
    "D": (synthetic, 10_000),
    "E": (images, 1500),
    "F": (ambiguous, 1500),
}


if __name__ == "__main__":
    run("causalgan", __doc__, PARTS)
