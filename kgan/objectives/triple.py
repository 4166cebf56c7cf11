"""What a classifier learns from a judge of its labels: Li, Xu, Zhu, Zhang, "Triple generative adversarial nets", NIPS 2017, 1703.02291.

A label is a choice, through which no gradient goes: a classifier p(y | x) learns from the losses of pairs (x, y) by the probabilities of y.
"""

from keras import ops

from kgan.backend import full_precision
from kgan.types import Tensor


def label_expectation(class_logits: Tensor, losses: Tensor) -> Tensor:
    """`E_x sum_y p(y | x) loss(x, y)`, exact, for which every example is judged with every label.

    Args:
        class_logits: tensor `(batch, classes)`. losses: tensor `(batch, classes)`, of the pairs of an example and each label.

    Returns:
        Scalar.

    Example: both labels are as likely.

    >>> from keras import ops
    >>> import kgan
    >>> float(kgan.objectives.label_expectation(ops.zeros((1, 2)), ops.convert_to_tensor([[1.0, 3.0]])))
    2.0
    """
    return ops.mean(ops.sum(ops.softmax(full_precision(class_logits), axis=-1) * full_precision(losses), axis=-1))


def label_reinforce(class_logits: Tensor, labels: Tensor, losses: Tensor) -> Tensor:
    """`E_x loss(x, y) log p(y | x)`, y drawn from p: its gradient is that of `label_expectation` in the mean. No gradient goes to losses.

    Args:
        class_logits: tensor `(batch, classes)`. labels: integers `(batch,)`, drawn. losses: tensor `(batch,)`, of these pairs.

    Returns:
        Scalar.
    """
    logs = ops.log_softmax(full_precision(class_logits), axis=-1)
    return ops.mean(_chosen(logs, labels) * ops.stop_gradient(full_precision(losses)))


def label_argmax(class_logits: Tensor, labels: Tensor, losses: Tensor) -> Tensor:
    """`E_x p(y* | x) loss(x, y*)`, y* the likeliest label: the authors' code. One term of the sum, no estimate of it.

    With losses of one sign it always pushes confidence one way: sp(-d) down, -sp(d) up. Let an entropy term hold against it.

    Args:
        class_logits: tensor `(batch, classes)`. labels: integers `(batch,)`, their argmax. losses: tensor `(batch,)`, of these pairs.

    Returns:
        Scalar.
    """
    return ops.mean(_chosen(ops.softmax(full_precision(class_logits), axis=-1), labels) * full_precision(losses))


def label_balance(class_logits: Tensor) -> Tensor:
    """Cross-entropy of the mean prediction of a minibatch from the uniform one: `-1/K sum_k log E_x p(k | x)`, log K at its least.

    Args:
        class_logits: tensor `(batch, classes)`.

    Returns:
        Scalar.

    Example:
    >>> from keras import ops
    >>> import kgan
    >>> round(float(kgan.objectives.label_balance(30.0 * ops.eye(2))), 4)
    0.6931
    """
    shares = ops.mean(ops.softmax(full_precision(class_logits), axis=-1), axis=0)
    return -ops.mean(ops.log(shares + 1e-8))


def _chosen(values: Tensor, labels: Tensor) -> Tensor:
    return ops.sum(values * ops.one_hot(labels, values.shape[-1], dtype=values.dtype), axis=-1)
