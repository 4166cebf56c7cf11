"""Fisher GAN: Mroueh and Sercu, NIPS 2017, arXiv 1705.09675.

The Fisher distance is an integral probability metric whose critic f has second moment 1 under the mixture of data and samples:
`d_F(P, Q) = sup_f (E_P f - E_Q f) / sqrt(1/2 E_P f^2 + 1/2 E_Q f^2)`. For any f it is `sqrt(int (p - q)^2 / ((p + q) / 2))`, in [0, 2].
"""

from keras import ops

from kgan.backend import full_precision
from kgan.types import Tensor


def second_moment(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """`Omega(f) = 1/2 E f(x)^2 + 1/2 E f(G(z))^2`, of the scores themselves, not of their distance from a mean (Eq. 7).

    Args:
        real_scores, fake_scores: tensors `(batch, 1)`; the batches may differ in size.

    Returns:
        Scalar >= 0.

    Example:
    >>> import numpy as np, kgan
    >>> float(kgan.objectives.second_moment(np.float32([[1], [3]]), np.float32([[2]])))
    4.5
    """
    real_scores, fake_scores = full_precision(real_scores, fake_scores)
    return 0.5 * (ops.mean(ops.square(real_scores)) + ops.mean(ops.square(fake_scores)))


def fisher_constraint(moment: Tensor, multiplier: Tensor, penalty: float) -> Tensor:
    """What the critic minimizes beside `-E f(x) + E f(G(z))`: `-multiplier (1 - Omega) + penalty / 2 (Omega - 1)^2` (Eq. 9, negated).

    Args:
        moment: scalar, `second_moment`. multiplier: scalar, a constant to the critic; at its optimum `d_F / 2`.
        penalty: > 0, rho. The multiplier then steps by `-penalty (1 - Omega)`.

    Returns:
        Scalar.
    """
    excess = full_precision(moment) - 1.0
    return multiplier * excess + 0.5 * penalty * ops.square(excess)


def fisher_distance(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """`(E f(x) - E f(G(z))) / sqrt(Omega(f))`: a critic's estimate of the Fisher distance, at any scale of the critic.

    Args:
        real_scores, fake_scores: tensors `(batch, 1)`.

    Returns:
        Scalar, at most 2; 0 for a critic that is 0.

    Example: a critic that is 1 on data and -1 on samples.

    >>> import numpy as np, kgan
    >>> float(kgan.objectives.fisher_distance(np.ones((3, 1), "float32"), -np.ones((3, 1), "float32")))
    2.0
    """
    real_scores, fake_scores = full_precision(real_scores, fake_scores)
    # The constant keeps the slope finite where all scores are 0.
    return (ops.mean(real_scores) - ops.mean(fake_scores)) / ops.sqrt(second_moment(real_scores, fake_scores) + 1e-12)


def class_critic(outputs: Tensor) -> Tensor:
    """The critic of the semi-supervised game: `f = sum_y p(y | x) s_y - v`, p the softmax of the K class scores s, v the last output.

    Args:
        outputs: tensor `(batch, K + 1)`: `<S_y, Phi(x)>` for K classes, then `<v, Phi(x)>`.

    Returns:
        Tensor `(batch, 1)`.

    Example: two scores of 2 have the mean 2.

    >>> import numpy as np, kgan
    >>> float(kgan.objectives.class_critic(np.float32([[2, 2, 0.5]]))[0, 0])
    1.5
    """
    outputs = full_precision(outputs)
    scores = outputs[:, :-1]
    return ops.sum(ops.softmax(scores, axis=-1) * scores, axis=-1, keepdims=True) - outputs[:, -1:]
