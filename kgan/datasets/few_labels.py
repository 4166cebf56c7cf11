"""A few labels beside many unlabeled examples, as semi-supervised systems are trained."""

import numpy as np

from kgan.arguments import COUNT, require
from kgan.types import Array


def semi_supervised(examples: Array, labels: Array, labels_per_class: int, seed: int = 0) -> tuple[dict[str, Array], Array]:
    """Keep the labels of a few examples per class.

    As in 1606.03498, section 5: the labeled set is repeated in fresh permutations until it is as long as the unlabeled one, so that
    every minibatch holds as many labeled examples as unlabeled ones. All examples, the labeled included, serve as unlabeled.

    Args:
        examples: array `(count, ...)`. labels: integers `(count,)`, from 0.
        labels_per_class: >= 1.
        seed: default 0: which examples keep their labels, and in which order they come.

    Returns:
        `({"unlabeled": examples, "labeled": examples}, labels)`, arrays of one length, for `fit(data, labels)`.

    Raises:
        ValueError: for a class with fewer examples than `labels_per_class`.
    """
    examples, labels = np.asarray(examples), np.asarray(labels)
    require(COUNT, labels_per_class=labels_per_class)
    generator = np.random.default_rng(seed)
    members_kept = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if len(members) < labels_per_class:
            raise ValueError(f"Class {label} has {len(members)} examples, fewer than labels_per_class={labels_per_class}.")
        members_kept.append(generator.choice(members, labels_per_class, replace=False))
    kept = np.concatenate(members_kept)
    rounds = -(-len(examples) // len(kept))
    order = np.concatenate([generator.permutation(kept) for _ in range(rounds)])[: len(examples)]
    return {"unlabeled": examples, "labeled": examples[order]}, labels[order].astype("int64")
