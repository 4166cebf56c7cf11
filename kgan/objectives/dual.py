"""The losses of two discriminators that estimate density ratios: D2GAN, Nguyen, Le, Vu, Phung, NIPS 2017, arXiv 1709.03831.

Discriminators give positive, unbounded scores `D = sp(l)`, l the logit and sp softplus. At the optimum the scores are
`D1 = alpha p / q` and `D2 = beta q / p`, p the density of the data and q that of samples.
"""

from keras import ops

from kgan.backend import full_precision
from kgan.types import Tensor

_LINEAR = -15.0  # below it log(sp(l)) and l differ by less than 2e-7, and softplus nears the end of float32


def log_softplus(logits: Tensor) -> Tensor:
    """`log(softplus(l))`, finite for every l: softplus itself is 0 in float32 below some -100, where its logarithm is l.

    Args:
        logits: tensor of any shape.

    Example:
    >>> import numpy as np, kgan
    >>> [round(float(value), 3) for value in kgan.objectives.log_softplus(np.float32([-1000, 0, 20]))]
    [-1000.0, -0.367, 2.996]
    """
    logits = full_precision(logits)
    small = logits < _LINEAR
    # Where l itself is taken no logarithm is computed: its infinite slope, times the 0 of a gate, is no number.
    return ops.where(small, logits, ops.log(ops.softplus(ops.where(small, 0.0, logits))))


def ratio_loss(high_logits: Tensor, low_logits: Tensor, weight: float) -> Tensor:
    """`E_low sp(l) - weight E_high log sp(l)`, minimal where `sp(l) = weight p_high / p_low` (Eq. 1 and Proposition 1).

    The first discriminator has the data for `high`, samples for `low` and the weight alpha; the second the reverse, and beta.

    Args:
        high_logits, low_logits: tensors `(batch, 1)`: of examples whose score is to be high, and low.
        weight: > 0. At the optimum `E_low sp(l)` is the weight.

    Returns:
        Scalar.

    Example: a score of 1 everywhere, which is optimal for equal densities and weight 1.

    >>> import numpy as np, kgan
    >>> one = np.log(np.expm1(np.ones((2, 1), "float32")))
    >>> round(float(kgan.objectives.ratio_loss(one, one, 1.0)), 6)
    1.0
    """
    high_logits, low_logits = full_precision(high_logits, low_logits)
    return ops.mean(ops.softplus(low_logits)) - weight * ops.mean(log_softplus(high_logits))


def dual_generator(logits: Tensor, reverse_logits: Tensor, beta: float) -> Tensor:
    """`-E sp(l_1) + beta E log sp(l_2)` over samples; alpha does not appear.

    At the optimum of both discriminators it descends on `alpha KL(p || q) + beta KL(q || p)`.

    Args:
        logits, reverse_logits: tensors `(batch, 1)`, of the first and the second discriminator. beta: > 0.

    Returns:
        Scalar.
    """
    logits, reverse_logits = full_precision(logits, reverse_logits)
    return beta * ops.mean(log_softplus(reverse_logits)) - ops.mean(ops.softplus(logits))
