"""Entropies of a classifier without labels: Springenberg, ICLR 2016, arXiv 1511.06390. All in nats, in [0, log K] for K classes."""

from keras import ops

from kgan.backend import full_precision
from kgan.types import Tensor


def conditional_entropy(class_logits: Tensor) -> Tensor:
    """`E H[p(y | x)]`: 0 where the classifier is certain of every example, log K where it is of none.

    Args:
        class_logits: tensor `(batch, classes)`.

    Returns:
        Scalar.

    Example: two logits of 0.

    >>> from keras import ops
    >>> import kgan
    >>> round(float(kgan.objectives.conditional_entropy(ops.zeros((3, 2)))), 4)
    0.6931
    """
    logs = ops.log_softmax(full_precision(class_logits), axis=-1)
    return -ops.mean(ops.sum(ops.exp(logs) * logs, axis=-1))


def marginal_entropy(class_logits: Tensor) -> Tensor:
    """`H[1/N sum_i p(y | x_i)]`, of the mean of the probabilities of a minibatch: log K where its examples use all classes alike.

    At most log N, so that minibatches should be several times as large as K. 1e-8 is added inside the logarithm.

    Args:
        class_logits: tensor `(batch, classes)`.

    Returns:
        Scalar.

    Example: certain of one class each, and both used.

    >>> from keras import ops
    >>> import kgan
    >>> round(float(kgan.objectives.marginal_entropy(40.0 * ops.eye(2))), 4)
    0.6931
    """
    shares = ops.mean(ops.softmax(full_precision(class_logits), axis=-1), axis=0)
    return -ops.sum(shares * ops.log(shares + 1e-8))
