"""The K+1-class discriminator: Salimans et al., NIPS 2016, arXiv 1606.03498, section 5.

A classifier with K logits l_k is a discriminator whose logit of the class "fake" is fixed at 0: `D = Z / (Z + 1)` with
`Z = sum_k exp l_k`. `lse` is log-sum-exp over the classes, `sp` softplus.
"""

import keras
from keras import ops

from kgan.backend import full_precision
from kgan.types import Tensor


def realness(class_logits: Tensor) -> Tensor:
    """The discriminator's logit that a classifier implies: `log Z = lse(l)`, of shape `(batch, 1)`.

    Any two-player objective may be applied to it: `E sp(-log Z)` is `-E log D`.

    Args:
        class_logits: tensor `(batch, classes)`.

    Example: two logits of 0 imply log 2.

    >>> from keras import ops
    >>> import kgan
    >>> round(float(kgan.objectives.realness(ops.zeros((1, 2)))[0, 0]), 4)
    0.6931
    """
    return ops.logsumexp(full_precision(class_logits), axis=-1, keepdims=True)


@keras.saving.register_keras_serializable("kgan")
def class_cross_entropy(class_logits: Tensor, labels: Tensor) -> Tensor:
    """`E[-l_y + lse(l)]`, the K-way cross-entropy over labeled real examples; the fake class takes no part.

    Args:
        class_logits: tensor `(batch, classes)`. labels: integers `(batch,)`.

    Returns:
        Scalar.
    """
    logits = full_precision(class_logits)
    chosen = ops.sum(logits * ops.one_hot(labels, logits.shape[-1], dtype=logits.dtype), axis=-1)
    return ops.mean(ops.logsumexp(logits, axis=-1) - chosen)


@keras.saving.register_keras_serializable("kgan")
def one_against_rest(class_logits: Tensor, labels: Tensor) -> Tensor:
    """`E sum_k -[k = y] log s(l_k) - [k != y] log(1 - s(l_k))`, s the sigmoid: every class against all others, where several may be
    likely at once. Arguments as in `class_cross_entropy`.

    Example: K logits of 0 cost K log 2.

    >>> from keras import ops
    >>> import kgan
    >>> round(float(kgan.objectives.one_against_rest(ops.zeros((1, 2)), ops.zeros((1,), "int32"))), 4)
    1.3863
    """
    logits = full_precision(class_logits)
    chosen = ops.one_hot(labels, logits.shape[-1], dtype=logits.dtype)
    return ops.mean(ops.sum(ops.softplus(logits) - chosen * logits, axis=-1))


def unsupervised(real_class_logits: Tensor, fake_class_logits: Tensor) -> Tensor:
    """`1/2 {-E_x lse + E_x sp(lse) + E_z sp(lse)}`: unlabeled examples are real, generated ones fake (the 1/2 is the code's).

    Args:
        real_class_logits, fake_class_logits: tensors `(batch, classes)`.

    Returns:
        Scalar, equal to half the cross-entropy of `realness`.
    """
    real, fake = realness(real_class_logits), realness(fake_class_logits)
    return 0.5 * (ops.mean(ops.softplus(-real)) + ops.mean(ops.softplus(fake)))
