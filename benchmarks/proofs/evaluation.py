"""Proof of the metrics: what each says of real, disturbed, missing and memorized digits, and exact values."""

import itertools

import numpy as np

from benchmarks.proofs.harness import run
from kgan import datasets, metrics

CLASSES = 10


def digits():
    """Half A, on which the classifier was trained, with its labels; half B, the reference."""
    train, labels = datasets.arrays("digits", "train")
    test, _ = datasets.arrays("digits", "test")
    return train, labels, test[: len(train)]


def sample_sets(seed):
    """The rows of the table. Noise is that of pixels in [0, 1], twice as large in [-1, 1]."""
    train, labels, _ = digits()
    rng = np.random.default_rng(seed)
    count = len(train)

    def noisy(sigma):
        return np.clip(train + 2 * sigma * rng.normal(size=train.shape), -1, 1).astype("float32")

    def repeated(images):
        return np.tile(images, (-(-count // len(images)), 1, 1, 1))[:count]

    one_a_class = [rng.choice(np.flatnonzero(labels == c)) for c in range(CLASSES)]
    return {
        "real": train,
        "real + N(0, 0.1)": noisy(0.1),
        "real + N(0, 0.3)": noisy(0.3),
        "class means": repeated(np.stack([train[labels == c].mean(axis=0) for c in range(CLASSES)])),
        "10 images": repeated(train[one_a_class]),
        "classes 0-4": repeated(train[labels < 5]),
        "uniform noise": rng.uniform(-1, 1, train.shape).astype("float32"),
        "one image": repeated(train[rng.integers(count)][None]),
    }


def table(report, seed, steps):
    """Part A: the orderings of the digit distances, the digit score and the manifolds."""
    _, labels, test = digits()
    classifier = metrics.DigitClassifier()
    shares = np.bincount(labels, minlength=CLASSES) / len(labels)
    rows = {}
    for name, samples in sample_sets(seed).items():
        row = {key.split("[")[0]: value for key, value in metrics.sample_report(test, samples, classifier).items()}
        predicted = np.bincount(classifier.probabilities(samples).argmax(-1), minlength=CLASSES) / len(samples)
        row["total_variation"] = metrics.total_variation(predicted, shares)
        rows[name] = row
        report.figure(f"A {name}", {key: round(value, 3) for key, value in row.items()}, seed=seed)

    def rising(figure, *groups):
        """Every value of a group below every value of the next. Neighbors within a group are close, their order is chance."""
        values = [[rows[name][figure] for name in group] for group in groups]
        ok = all(max(a) < min(b) for a, b in itertools.pairwise(values))
        chain = " < ".join(", ".join(group) for group in groups)
        report.figure(f"A {figure}: {chain}", [[round(v, 3) for v in group] for group in values], "rising", ok, seed)

    degraded, collapsed = ("real + N(0, 0.3)", "class means"), ("10 images", "classes 0-4")
    for figure in ("frechet_distance", "kernel_distance"):
        rising(figure, ("real", "real + N(0, 0.1)"), degraded, collapsed, ("uniform noise",), ("one image",))
    rising("class_score", ("one image",), ("uniform noise",), ("classes 0-4",), ("real + N(0, 0.3)",), ("real",), ("10 images",))
    whole = ("real", "real + N(0, 0.1)", "real + N(0, 0.3)", "class means", "10 images")
    rising("total_variation", whole, ("classes 0-4",), ("uniform noise",), ("one image",))
    rising("coverage", ("one image",), ("10 images",), ("classes 0-4",), ("real",))
    rising("recall", ("one image", "10 images", "class means"), ("classes 0-4",), ("real",))
    for figure in ("precision", "density"):
        rising(figure, ("uniform noise",), ("real + N(0, 0.3)",), ("real",))
    five = rows["classes 0-4"]["class_score"]
    report.figure("A class score of five classes", five, "4.7 to 5.3", abs(five - 5) < 0.3, seed)
    memorized = rows["10 images"]["frechet_distance"] / rows["real"]["frechet_distance"]
    report.figure("A Frechet digit distance: 10 images / real", memorized, "> 5", memorized > 5, seed)
    precise = rows["classes 0-4"]["precision"]
    report.figure("A precision of five classes", precise, "> 0.8", precise > 0.8, seed)


def exact(report, seed, steps):
    """Part B: closed forms, identities, expectations."""
    rng = np.random.default_rng(seed)
    classifier = metrics.DigitClassifier()
    _, _, test = digits()
    features = classifier.features(test)

    def near(name, value, target, tolerance):
        report.figure(f"B {name}", value, f"{target:g} +- {tolerance:g}", abs(value - target) <= tolerance, seed)

    gaussians = np.zeros(3), np.eye(3), np.eye(3)[0], np.diag([4.0, 1.0, 0.25])
    near("Frechet N(0, I), N(e_1, diag(4, 1, 1/4)), moments", metrics.frechet_distance_from_moments(*gaussians), 2.25, 1e-9)
    x, y = rng.normal(size=(200_000, 3)), rng.normal(size=(200_000, 3)) * [2.0, 1.0, 0.5] + [1.0, 0.0, 0.0]
    near("Frechet, 200,000 samples of them", metrics.frechet_distance(x, y), 2.25, 0.03)
    near("Frechet digit distance of half B to itself", metrics.frechet_distance(features, features), 0.0, 1e-6)

    unbiased, biased = [], []
    for _ in range(40):
        order = rng.permutation(len(features))
        a, b = features[order[: len(order) // 2]], features[order[len(order) // 2 :]]
        unbiased.append(metrics.kernel_mmd2(a, b))
        d = a.shape[1]
        k = [((p.astype("float64") @ q.T / d + 1) ** 3).mean() for p, q in ((a, a), (b, b), (a, b))]
        biased.append(k[0] + k[1] - 2 * k[2])
    error = float(np.std(unbiased) / np.sqrt(len(unbiased)))
    near("kernel digit distance, halves of B, mean of 40", float(np.mean(unbiased)), 0.0, 3 * error)
    report.figure("B its standard deviation", float(np.std(unbiased)), seed=seed)
    report.figure("B the biased estimator", float(np.mean(biased)), "> 0.5", np.mean(biased) > 0.5, seed)

    near("class score of sure and balanced predictions", metrics.class_score(np.eye(10)[np.arange(1000) % 10])[0], 10.0, 1e-9)
    p = classifier.probabilities(test)
    score, (labels, reweighted) = metrics.class_score(p)[0], rng.dirichlet(np.ones(10), size=2)
    worst = max(abs(metrics.mode_score(p, q) - score) for q in (labels, reweighted, np.full(10, 0.1)))
    report.figure("B Mode Score less class score", worst, "< 1e-9", worst < 1e-9, seed)
    modified = metrics.mode_score(p, labels, modified=True)
    report.figure("B modified Mode Score / class score", modified / score, "< 1", modified < score, seed)

    for name, modes in (("ring", 8), ("grid", 25)):
        mixture = getattr(datasets, name)()
        found = metrics.mode_statistics(mixture.sample(2500, seed), mixture)
        report.figure(f"B {name}: modes of real data", found["modes"], f"{modes}", found["modes"] == modes, seed)
        near(f"{name}: share of high quality", found["high_quality"], 0.989, 0.006)

    for count in (2500, 10_000, 26_000):
        found = metrics.stacked_mode_statistics(stacked_digits(count, rng, classifier))
        bar, ok = ("1000", found["modes"] == 1000) if count > 2500 else ("900 to 940", 900 <= found["modes"] <= 940)
        report.figure(f"B stacked digits, {count} real: modes", found["modes"], bar, ok, seed)
        report.figure(f"B stacked digits, {count} real: KL (bias {999 / 2 / count:.3f})", found["kl"], seed=seed)

    train, _, _ = digits()
    real, sizes, means = classifier.features(train), (100, 200, 400, 898), []
    for n in sizes:
        pairs = [(rng.permutation(len(real))[:n], rng.permutation(len(features))[:n]) for _ in range(1 if n == len(real) else 10)]
        means.append(float(np.mean([metrics.frechet_distance(real[a], features[b]) for a, b in pairs])))
    ok = all(a > b for a, b in itertools.pairwise(means))
    report.figure(f"B Frechet digit distance of A and B at n = {sizes}", [round(m, 3) for m in means], "falling", ok, seed)


def stacked_digits(count, rng, classifier):
    """Predicted classes of three real digits each, drawn with every class equally often in the mean."""
    images, labels = datasets.arrays("digits", "test")
    predicted = classifier.probabilities(images).argmax(-1)
    by_class = [np.flatnonzero(labels == c) for c in range(CLASSES)]
    wanted = rng.integers(CLASSES, size=(count, 3))
    return np.asarray([[predicted[rng.choice(by_class[c])] for c in row] for row in wanted])


def pixels(report, seed, steps):
    """Part C: figures of pixels, without a classifier, on photos of 176 pixels and on digits."""
    rng = np.random.default_rng(seed)
    photos, labels = datasets.arrays("photos", "train", image_size=176)
    pairs = min(steps, 200)
    diverse = metrics.mean_ms_ssim(photos, pairs=pairs, seed=seed)
    one = photos[labels == rng.integers(labels.max() + 1)]
    collapsed = np.clip(one[:1] + rng.normal(size=(20, *one.shape[1:])) * 0.05, -1, 1).astype("float32")
    alike = metrics.mean_ms_ssim(collapsed, pairs=20, seed=seed)
    report.figure(f"C mean MS-SSIM: {len(photos)} photo patches", diverse, "< 0.3", diverse < 0.3, seed)
    report.figure("C mean MS-SSIM: 20 noisy copies of one", alike, "> 0.8", alike > 0.8, seed)

    train, test = (datasets.arrays("digits", split, image_size=32)[0][:896] for split in ("train", "test"))
    noise = rng.normal(size=test.shape)
    sets = {
        "real": test,
        "fine noise": np.clip(test + 0.3 * noise, -1, 1),
        "coarse noise": np.clip(test + 0.3 * noise[:, ::4, ::4].repeat(4, axis=1).repeat(4, axis=2), -1, 1),
    }
    patches = min(steps, 64)
    found = {
        name: metrics.image_sliced_wasserstein(train, x.astype("float32"), patches=patches, seed=seed) for name, x in sets.items()
    }
    for name, values in found.items():
        report.figure(
            f"C sliced Wasserstein x1000 to half A: {name}", {str(k): round(v, 1) for k, v in values.items()}, seed=seed
        )
    for name, level in (("fine noise", 32), ("coarse noise", 16)):
        ratio = found[name][level] / found["real"][level]
        report.figure(f"C sliced Wasserstein at {level} pixels: {name} / real", ratio, "> 1.5", ratio > 1.5, seed)
    fine = found["fine noise"][32] / found["fine noise"][16]
    coarse = found["coarse noise"][32] / found["coarse noise"][16]
    report.figure("C fine to coarse level: fine noise over coarse noise", fine / coarse, "> 1", fine > coarse, seed)


PARTS = {"A": (table, 1), "B": (exact, 1), "C": (pixels, 200)}


if __name__ == "__main__":
    run("evaluation", __doc__, PARTS)
