"""Proof on real pictures: what judges and random-conv say of real, missing and meaningless ones; SNGAN on 4,000 MNIST digits and on
Fashion-MNIST, 32x32, against pictures held out.

Networks of a quarter of the paper's width at five times the rate of its setting B, minibatches of 64, the generator's average over the last
100 updates: what two cores train in some ten minutes. Figures are the judges' that come with kgan, 1,000 pictures on either side; beside
them stand those of real pictures that were trained on.
"""

import itertools

import keras
import numpy as np

import kgan
from benchmarks.proofs.harness import run

SIZE = 32
COUNT = 1000
SETTING = (5e-4, 0.0, 0.9, 1)
DEMO = 2294
"""Updates of `make demo`: 37 passes over 4,000 digits."""


def pictures(name, split):
    """Pictures of 32 pixels in [-1, 1]; of Fashion-MNIST as many held-out ones as of MNIST."""
    images, _ = kgan.datasets.arrays(name, split, SIZE)
    return images if split == "train" else images[:COUNT]


def network(seed):
    """What `make demo` trains, as applications/sngan/train.py does by default."""
    keras.utils.set_random_seed(seed)
    model = kgan.SNGAN((SIZE, SIZE, 1), width=0.25, setting=SETTING, seed=seed)
    model.compile(averages={"generator": 0.99})
    return model


def learn(model, images, updates):
    """So many updates of the generator, in epochs of a pass or less."""
    epochs = -(-updates // (len(images) // 64))
    model.fit(images, batch_size=64, epochs=epochs, steps_per_epoch=-(-updates // epochs), verbose=0)


def figures(judge, held_out, samples):
    """`kgan.metrics.sample_report` under plain names."""
    return {name.split("[")[0]: float(value) for name, value in kgan.metrics.sample_report(held_out, samples, judge).items()}


def judges(report, seed, steps):
    """Real pictures that were trained on, five classes of them, and noise, against those held out."""
    rng = np.random.default_rng(seed)
    for name in ("mnist", "fashion_mnist"):
        train, labels = kgan.datasets.arrays(name, "train")
        held_out = kgan.datasets.arrays(name, "test")[0][:COUNT]
        sets = {"real": train, "classes 0-4": train[labels < 5]}
        sets = {key: images[rng.choice(len(images), COUNT, replace=False)] for key, images in sets.items()}
        sets["noise"] = rng.uniform(-1, 1, held_out.shape).astype("float32")
        for extractor in (kgan.metrics.extractor_name_of(name, held_out.shape[1:]), "random-conv"):
            extractor = kgan.metrics.extractor(extractor)
            rows = {key: figures(extractor, held_out, images) for key, images in sets.items()}
            for key, row in rows.items():
                report.figure(f"{name}, {extractor.name}: {key}", {k: round(v, 3) for k, v in row.items()}, seed=seed)
            for figure, sign in (("frechet_distance", 1), ("coverage", -1)):
                values = [row[figure] for row in rows.values()]
                ok = all(sign * a < sign * b for a, b in itertools.pairwise(values))
                bar = "rising" if sign > 0 else "falling"
                report.figure(f"{name}, {extractor.name}, {figure}: real, classes 0-4, noise", values, bar, ok, seed)


def nearest_digits(images):
    """How samples at 32 pixels stand to the 4,000 digits trained on: the median distance to the nearest, in that of held-out digits (1 is
    as good as real), and the share of the class that is the rarest among those nearest.
    """
    (train, labels), (held_out, _) = (kgan.datasets.arrays("mnist", split, 32) for split in ("train", "test"))
    train, held_out, images = (x.reshape(len(x), -1) for x in (train, held_out, images))

    def nearest(points):
        found, away = kgan.metrics.nearest_neighbors(points, [(train, labels)], k=1)
        return away[:, 0], found[:, 0]

    (distances, classes), (real, _) = nearest(images), nearest(held_out)
    return float(np.median(distances) / np.median(real)), float(np.bincount(classes, minlength=10).min() / len(classes))


def compared(report, name, judge, model, seed):
    """Figures of samples and of as many real pictures that were trained on, both against the held-out ones."""
    held_out, rng = pictures(name, "test"), np.random.default_rng(seed)
    train = pictures(name, "train")
    real = figures(judge, held_out, train[rng.choice(len(train), COUNT, replace=False)])
    found = figures(judge, held_out, model.generate(COUNT, seed=seed))
    for figure, value in found.items():
        report.figure(f"{name} {figure}, {judge.name}, n={COUNT} (real pictures: {real[figure]:.3f})", value, seed=seed)
    return found, real


def digits(report, seed, steps):
    """MNIST: all ten classes, surely told, within three times the distance of real pictures. On the way there, what `make demo` shows."""
    model, images = network(seed), pictures("mnist", "train")
    first = min(steps, DEMO)
    learn(model, images, first)
    distance, share = nearest_digits(model.generate(COUNT, seed=seed))
    about = f"mnist after {first} updates"
    report.figure(f"{about}: distance to the nearest real digit / of held-out ones", distance, "< 1.3", distance < 1.3, seed)
    report.figure(f"{about}: smallest class share", share, "> 0.03", share > 0.03, seed)
    if steps > first:
        learn(model, images, steps - first)
    found, real = compared(report, "mnist", kgan.metrics.MNISTClassifier(), model, seed)
    ratio = found["frechet_distance"] / real["frechet_distance"]
    report.figure("mnist classes", found["classes_present"], "10", found["classes_present"] == 10, seed)
    report.figure("mnist class score", found["class_score"], "> 9.0", found["class_score"] > 9.0, seed)
    report.figure("mnist Frechet distance / that of real train pictures", ratio, "< 3", ratio < 3, seed)


def clothes(report, seed, steps):
    """Fashion-MNIST: all ten classes, recall and density."""
    model = network(seed)
    learn(model, pictures("fashion_mnist", "train"), steps)
    found, _ = compared(report, "fashion_mnist", kgan.metrics.FashionClassifier(), model, seed)
    report.figure("fashion_mnist classes", found["classes_present"], "10", found["classes_present"] == 10, seed)
    report.figure("fashion_mnist recall", found["recall"], "> 0.5", found["recall"] > 0.5, seed)
    report.figure("fashion_mnist density", found["density"], "> 0.7", found["density"] > 0.7, seed)


PARTS = {"judges": (judges, 1), "mnist": (digits, 8000), "fashion_mnist": (clothes, 8000)}


if __name__ == "__main__":
    run("real_pictures", __doc__, PARTS)
