"""Terms of a generator that is to leave the data: Dai et al., NIPS 2017, arXiv 1705.09783, Eq. 4."""

from keras import ops

from kgan.backend import full_precision
from kgan.types import Tensor


def low_density(log_likelihoods: Tensor, threshold: Tensor | float) -> Tensor:
    """`E [log p(x) - log eps]` over the samples with `log p(x) > log eps`; 0 where there are none.

    Args:
        log_likelihoods: tensor `(batch,)`, log p of generated examples. threshold: log eps, a number or a scalar tensor.

    Returns:
        Scalar; its gradient, to be descended, lowers the density of those samples alone.

    Example: one of two samples is too likely.

    >>> from keras import ops
    >>> import kgan
    >>> float(kgan.objectives.low_density(ops.convert_to_tensor([-1.0, -5.0]), -3.0))
    2.0
    """
    excess = ops.relu(full_precision(log_likelihoods) - threshold)
    return ops.sum(excess) / ops.maximum(ops.sum(ops.cast(excess > 0, excess.dtype)), 1.0)


def variational_entropy(latents: Tensor, mean: Tensor, log_sigma: Tensor) -> Tensor:
    """`E -log q(z | x)` without its constant, q normal: `E sum_j log s_j + (z_j - m_j)^2 / (2 s_j^2)`.

    `H(z)` minus it bounds the entropy of the samples x = G(z) from below, so that a generator which descends it spreads.

    Args:
        latents, mean, log_sigma: tensors `(batch, K)`, mean and log s what an encoder makes of G(z).

    Returns:
        Scalar.

    Example: an error of 2 at s = 1.

    >>> from keras import ops
    >>> import kgan
    >>> float(kgan.objectives.variational_entropy(ops.zeros((1, 1)), 2.0 * ops.ones((1, 1)), ops.zeros((1, 1))))
    2.0
    """
    latents, mean, log_sigma = full_precision(latents, mean, log_sigma)
    error = 0.5 * ops.square((latents - mean) * ops.exp(-log_sigma))
    return ops.mean(ops.sum(log_sigma + error, axis=-1))
