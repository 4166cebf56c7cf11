"""Cross-entropies of several binary labels: Kocaoglu et al., ICLR 2018, arXiv 1709.02023, Eq. 2-3, and their published code;
the differences of CausalBEGAN, its section 6.
"""

import keras
from keras import ops

from kgan.backend import full_precision
from kgan.types import Tensor


@keras.saving.register_keras_serializable("kgan")
def label_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """`-mean[l log s(t) + (1 - l) log(1 - s(t))]` over labels and examples, s the sigmoid of the logits t.

    Args:
        logits: tensor `(batch, labels)`. labels: tensor of the same shape, in [0, 1].

    Example: a logit of 0 costs log 2.

    >>> from keras import ops
    >>> import kgan
    >>> round(float(kgan.objectives.label_cross_entropy(ops.zeros((1, 2)), ops.ones((1, 2)))), 4)
    0.6931
    """
    logits, labels = full_precision(logits), full_precision(labels)
    return ops.mean(ops.softplus(logits) - labels * logits)


def swapped_label_cross_entropy(logits: Tensor, soft_labels: Tensor) -> Tensor:
    """`-mean[q log l + (1 - q) log(1 - l)]`, `q = s(logits)`: the same with its arguments exchanged, as in the published code.

    It is linear in q, and infinite for labels of exactly 0 or 1: give it noisy ones, see `kgan.causal.LabelNoise`.

    Args:
        logits: tensor `(batch, labels)`. soft_labels: tensor of the same shape, in (0, 1).

    Example: with l = 0.5 it is log 2 whatever the logits.

    >>> from keras import ops
    >>> import kgan
    >>> round(float(kgan.objectives.swapped_label_cross_entropy(3 * ops.ones((1, 2)), ops.full((1, 2), 0.5))), 4)
    0.6931
    """
    share, labels = ops.sigmoid(full_precision(logits)), full_precision(soft_labels)
    return -ops.mean(share * ops.log(labels) + (1.0 - share) * ops.log1p(-labels))


@keras.saving.register_keras_serializable("kgan")
def squared_label_difference(logits: Tensor, labels: Tensor) -> Tensor:
    """`mean (s(t) - l)^2` over labels and examples. Arguments as in `label_cross_entropy`."""
    return ops.mean(ops.square(ops.sigmoid(full_precision(logits)) - full_precision(labels)))


@keras.saving.register_keras_serializable("kgan")
def absolute_label_difference(logits: Tensor, labels: Tensor) -> Tensor:
    """`mean |s(t) - l|` over labels and examples. Arguments as in `label_cross_entropy`."""
    return ops.mean(ops.abs(ops.sigmoid(full_precision(logits)) - full_precision(labels)))
