"""The three-way discriminator of domain transfer networks: Taigman, Polyak, Wolf, ICLR 2017, arXiv 1611.02200.

It tells apart what the generator makes of the source (class 0), what it makes of the target (1), and the target itself (2). The paper
counts the classes from 1.
"""

from keras import ops

from kgan.objectives.class_logits import class_cross_entropy
from kgan.types import Tensor


def ternary_discriminator(from_source: Tensor, from_target: Tensor, real: Tensor) -> Tensor:
    """`-E log D_0(G(s)) - E log D_1(G(t)) - E log D_2(t)` (Eq. 3), D_i the softmax over three logits.

    Args:
        from_source, from_target, real: logits `(batch, 3)` of transferred examples of the source, of examples of the target that went
            through the generator, and of examples of the target.

    Returns:
        Scalar, 3 log 3 for a discriminator that knows nothing.

    Example:
    >>> from keras import ops
    >>> import kgan
    >>> round(float(kgan.objectives.ternary_discriminator(ops.zeros((2, 3)), ops.zeros((2, 3)), ops.zeros((2, 3)))), 4)
    3.2958
    """
    return sum(_cross_entropy(logits, label) for label, logits in enumerate((from_source, from_target, real)))


def ternary_generator(from_source: Tensor, from_target: Tensor) -> Tensor:
    """`-E log D_2(G(s)) - E log D_2(G(t))` (Eq. 4): both are to be taken for the target itself.

    Args:
        from_source, from_target: as in `ternary_discriminator`.

    Returns:
        Scalar.
    """
    return _cross_entropy(from_source, 2) + _cross_entropy(from_target, 2)


def _cross_entropy(logits: Tensor, label: int) -> Tensor:
    return class_cross_entropy(logits, ops.full(ops.shape(logits)[:1], label, "int32"))
