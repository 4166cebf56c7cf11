"""Figures of merit of a set of samples, under names that say how they were measured."""

import numpy as np

from kgan.metrics import functional
from kgan.metrics.digits import DigitClassifier


def digit_report(real, fake):
    """All digit figures of a set of samples.

    Args:
        real: reference images that the classifier was not trained on (the "test" half of the digits), in [-1, 1].
        fake: generated images; as many as `real` are used, so that distances compare.

    Returns:
        dict of floats; distances carry extractor and sample size in their names.
    """
    classifier = DigitClassifier()
    n = min(len(real), len(fake))
    real_features, fake_features = classifier.features(real[:n]), classifier.features(fake[:n])
    probabilities = classifier.probabilities(fake)
    counts = np.bincount(probabilities.argmax(-1), minlength=10)
    tag = f"{classifier.name},n={n}"
    kernel, _ = functional.kernel_distance(real_features, fake_features, subset_size=min(n, 1000))
    return {
        f"frechet_distance[{tag}]": functional.frechet_distance(real_features, fake_features),
        f"kernel_distance[{tag}]": kernel,
        f"class_score[{classifier.name},n={len(fake)}]": functional.class_score(probabilities),
        f"classes_present[{classifier.name},n={len(fake)}]": int((counts > 0).sum()),
        f"smallest_class_share[{classifier.name},n={len(fake)}]": float(counts.min() / counts.sum()),
    }
