"""Proof of differentiable augmentation (`augment=`): 100 and 500 MNIST digits at 16x16, with and without, against held-out ones.

Features are the first 50 principal components of the 4,000 training digits, so that nothing has to be trained to judge. A sample counts as
learned by heart as far as it is nearer to the digits trained on than to as many that were not.
"""

import functools

import numpy as np

import kgan
from benchmarks.proofs.harness import run

POLICY = "color,translation,cutout"
SIZE = 16
COMPONENTS = 50


@functools.cache
def digits():
    """Training digits in random order, held-out ones, and the projection to features."""
    train, _ = kgan.datasets.arrays("mnist", "train", SIZE, "bilinear")
    test, _ = kgan.datasets.arrays("mnist", "test", SIZE, "bilinear")
    flat = train.reshape(len(train), -1)
    mean = flat.mean(0)
    _, _, axes = np.linalg.svd(flat - mean, full_matrices=False)
    return train, test, lambda images: (images.reshape(len(images), -1) - mean) @ axes[:COMPONENTS].T


def nearest(points, others):
    """Median distance of points to the nearest of others."""
    return float(np.median(kgan.metrics.nearest_neighbors(points, [(others, others)], k=1)[1]))


def figures(count, augment, seed, steps):
    train, test, features = digits()
    model = kgan.SNGAN((SIZE, SIZE, 1), width=0.25, setting=(5e-4, 0.5, 0.999, 1), augment=augment, seed=seed)
    model.compile(averages={"generator": 0.99})
    passes = -(-64 * 50 // count)  # epochs of some 50 rounds
    data = kgan.datasets.from_arrays(np.concatenate([train[:count]] * passes), 64, seed=seed)
    model.fit(data, epochs=max(1, steps // int(data.cardinality())), verbose=0)
    made, real = features(model.generate(1000, seed=seed)), features(test)
    # As many digits that were not trained on as were.
    by_heart = nearest(made, features(train[:count])) / nearest(made, features(train[-count:]))
    return {
        "frechet_distance": kgan.metrics.frechet_distance(real, made),
        **kgan.metrics.manifold_figures(real, made),
        "distance to training digits / to others": by_heart,
    }


BETTER = {"frechet_distance": "<", "recall": ">", "coverage": ">"}


def compare(count, report, seed, steps):
    plain, shown = (figures(count, augment, seed, steps) for augment in ("", POLICY))
    for name, before in plain.items():
        after, sign = shown[name], BETTER.get(name)
        report.figure(f"{count} digits, without: {name}[mnist-pca50,n=1000]", before, seed=seed)
        reached = None if sign is None else after < before if sign == "<" else after > before
        bar = None if sign is None else f"{sign} without"
        report.figure(f"{count} digits, augmented: {name}[mnist-pca50,n=1000]", after, bar, reached, seed)


PARTS = {"A": (functools.partial(compare, 100), 1500), "B": (functools.partial(compare, 500), 1500)}


if __name__ == "__main__":
    run("few_pictures", __doc__, PARTS)
