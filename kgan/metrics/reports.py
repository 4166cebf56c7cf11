"""Figures of merit of a set of samples, under names that say how they were measured."""

from typing import Any

import keras
import numpy as np

from kgan.metrics.classes import class_agreement, within_classes
from kgan.metrics.extractors import Extractor, title
from kgan.metrics.frechet import frechet_distance
from kgan.metrics.judges import DigitClassifier
from kgan.metrics.kernel import kernel_distance
from kgan.metrics.manifolds import manifold_figures, precision_recall
from kgan.metrics.scores import class_score
from kgan.types import Array

_SPLIT_FROM = 5000  # samples from which the class score is the protocol's mean over 10 splits


def sample_report(
    real: Array, fake: Array, extractor: Extractor, real_labels: Any = None, fake_labels: Any = None
) -> dict[str, float]:
    """All figures of a set of images that an extractor allows.

    Figures are named `figure[extractor,n=samples]`. They are FID, KID and IS with `kgan.metrics.InceptionFeatures`, and
    `frechet_distance`, `kernel_distance` and `class_score` with any other network. Beside them: precision and recall (k = 3), density and
    coverage (k = 5). Extractors without classes give no class score; those whose classes are the data's own (`own_classes`) also how many
    classes are there, and the share of the rarest.

    With labels, of samples that were asked for by class: `intra_class_` distance, precision and recall, the means of
    `kgan.metrics.within_classes` with the examples of the smallest class as n, and `class_agreement`, the share that an extractor of these
    classes takes for what was asked for, and that of the class where it is least.
    Classes of fewer than 4 images say nothing.

    Args:
        real: reference images in [-1, 1] that the extractor was not trained on.
        fake: generated images; distances and manifolds use as many of either set as the smaller has.
        extractor: `kgan.metrics.Extractor`.
        real_labels, fake_labels: integers, the classes of either set, of generated images those asked for; default None: not by class.

    Returns:
        dict of floats. The class score of 5,000 images and more is the mean over 10 splits, and its name says so.

    Raises:
        ValueError: for images of another range, fewer than 2.

    Warns:
        UserWarning: for no more images than features.

    Example:
    >>> import kgan
    >>> train, test = (kgan.datasets.arrays("digits", split)[0] for split in ("train", "test"))
    >>> report = sample_report(test, train, kgan.metrics.DigitClassifier())
    >>> sorted(report)[0], report["frechet_distance[digits-mlp64,n=898]"] < 1.5
    ('class_score[digits-mlp64,n=898]', True)
    """
    if (real_labels is None) != (fake_labels is None):
        raise ValueError("Give the labels of both sets, or of none.")
    n = min(len(real), len(fake))
    # By class all of them: samples may come class by class, and the first n be of a few classes.
    all_real, all_features = extractor.features(real[:n] if fake_labels is None else real), extractor.features(fake)
    real_features, fake_features, tag = all_real[:n], all_features[:n], f"{extractor.name},n={n}"
    probabilities = keras.ops.convert_to_numpy(extractor.classify(all_features)) if hasattr(extractor, "classify") else None
    figures = {
        f"{title('frechet_distance', extractor)}[{tag}]": frechet_distance(real_features, fake_features),
        f"{title('kernel_distance', extractor)}[{tag}]": kernel_distance(real_features, fake_features)[0],
    }
    if probabilities is not None:
        figures |= _of_classes(probabilities, extractor)
    # The manifolds need more samples than neighbors; fewer say nothing about them.
    if n > 5:
        figures |= {f"{name}[{tag}]": value for name, value in manifold_figures(real_features, fake_features).items()}
    elif n > 3:
        values = precision_recall(real_features, fake_features)
        figures |= {f"{name}[{tag}]": value for name, value in zip(("precision", "recall"), values, strict=True)}
    if fake_labels is not None:
        every = np.asarray(fake_labels)
        if probabilities is not None and extractor.own_classes:
            figures |= _agreement(probabilities, every, extractor.name)
        figures |= _within(all_real, np.asarray(real_labels), all_features, every, extractor)
    return figures


def _agreement(probabilities: Array, labels: Array, name: str) -> dict[str, float]:
    tag = f"{name},n={len(labels)}"
    least = min(class_agreement(probabilities[labels == k], labels[labels == k]) for k in np.unique(labels))
    return {f"class_agreement[{tag}]": class_agreement(probabilities, labels), f"smallest_class_agreement[{tag}]": least}


def _within(real: Array, real_labels: Array, fake: Array, fake_labels: Array, extractor: Extractor) -> dict[str, float]:
    classes = within_classes(real, real_labels, fake, fake_labels).values()
    if not classes:  # too few of each to say anything
        return {}
    tag = f"{extractor.name},n={int(min(one['count'] for one in classes))}"
    return {
        f"intra_class_{title(name, extractor)}[{tag}]": float(np.mean([one[name] for one in classes]))
        for name in ("frechet_distance", "precision", "recall")
    }


def _of_classes(probabilities: Array, extractor: Extractor) -> dict[str, float]:
    tag = f"{extractor.name},n={len(probabilities)}"
    splits = 10 if len(probabilities) >= _SPLIT_FROM else 1
    name = f"{title('class_score', extractor)}[{tag}{',splits=10' if splits > 1 else ''}]"
    figures = {name: class_score(probabilities, splits)[0]}
    if extractor.own_classes:
        counts = np.bincount(probabilities.argmax(-1), minlength=probabilities.shape[1])
        figures[f"classes_present[{tag}]"] = int((counts > 0).sum())
        figures[f"smallest_class_share[{tag}]"] = float(counts.min() / counts.sum())
    return figures


def digit_report(real: Array, fake: Array) -> dict[str, float]:
    """`sample_report` of 8x8 digits, with the digit classifier.

    Args:
        real: reference images that the classifier was not trained on (the "test" half of the digits), in [-1, 1].
        fake: generated images; as many as `real` are used, so that distances compare.

    Returns:
        dict of floats; all carry extractor and sample size in their names.

    Example:
    >>> import kgan
    >>> train, test = (kgan.datasets.arrays("digits", split)[0] for split in ("train", "test"))
    >>> digit_report(test, train)["classes_present[digits-mlp64,n=898]"]
    10
    """
    return sample_report(real, fake, DigitClassifier())
