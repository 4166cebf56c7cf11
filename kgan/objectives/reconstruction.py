"""Reconstruction: of latents, images and messages."""

from keras import ops

from kgan.backend import full_precision
from kgan.types import Tensor


def latent_reconstruction(latents: Tensor, reconstructed: Tensor) -> Tensor:
    """`E 1/2 sum_k (z_k - z'_k)^2`: what a unit Gaussian around `z'` loses on `z` (VEEGAN, Srivastava et al. 2017, 1705.07761).

    A sum over the K coordinates, not a mean: with standard normal latents and a reconstruction of 0 it is K / 2.

    Args:
        latents, reconstructed: tensors `(batch, K)`.

    Returns:
        Scalar.

    Example:
    >>> from keras import ops
    >>> import kgan
    >>> float(kgan.objectives.latent_reconstruction(ops.zeros((2, 2)), ops.convert_to_tensor([[3.0, 1.0], [0.0, 0.0]])))
    2.5
    """
    return 0.5 * summed_square(latents, reconstructed)


def shape_distance(examples: Tensor, reconstructed: Tensor) -> Tensor:
    """`E ||x - x'||_2`: the norm over all numbers of one example, not its square, then the mean (3D-VAE-GAN, 1610.07584, Eq. 5).

    Args:
        examples, reconstructed: tensors of one shape `(batch, ...)`.

    Returns:
        Scalar. Where the two are equal, up to a distance of 1e-15, it is 0 and so is its gradient.

    Example:
    >>> from keras import ops
    >>> import kgan
    >>> float(kgan.objectives.shape_distance(ops.zeros((1, 2)), ops.convert_to_tensor([[3.0, 4.0]])))
    5.0
    """
    examples, reconstructed = full_precision(examples, reconstructed)
    if tuple(examples.shape) != tuple(reconstructed.shape):
        raise ValueError(f"Examples have the shape {tuple(examples.shape)}, reconstructions {tuple(reconstructed.shape)}.")
    axes = tuple(range(1, len(examples.shape)))
    squared = ops.sum(ops.square(examples - reconstructed), axis=axes)
    # The root has no slope at 0, nor its derivatives near it a place in float32, and what a `where` leaves out must be finite too.
    positive = squared > 1e-30
    return ops.mean(ops.where(positive, ops.sqrt(ops.where(positive, squared, 1.0)), 0.0))


def normal_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """`E KL(N(mean, exp(log_variance)) || N(0, 1)) = E 1/2 sum_k (m_k^2 + exp(v_k) - 1 - v_k)` (1610.07584, Eq. 4).

    Args:
        mean, log_variance: tensors `(batch, K)`.

    Returns:
        Scalar, in nats: the sum over coordinates, the mean over the batch.

    Example: a mean of 2 costs 2 nats.

    >>> from keras import ops
    >>> import kgan
    >>> float(kgan.objectives.normal_divergence(ops.convert_to_tensor([[2.0]]), ops.zeros((1, 1))))
    2.0
    """
    mean, log_variance = full_precision(mean, log_variance)
    return 0.5 * ops.mean(ops.sum(ops.square(mean) + ops.exp(log_variance) - 1.0 - log_variance, axis=-1))


def mean_absolute(first: Tensor, second: Tensor) -> Tensor:
    """`E |x - x'|`, over all numbers of all examples.

    Args:
        first, second: tensors of one shape `(batch, ...)`.

    Returns:
        Scalar.

    Example:
    >>> from keras import ops
    >>> import kgan
    >>> float(kgan.objectives.mean_absolute(ops.zeros((1, 2)), ops.convert_to_tensor([[3.0, -4.0]])))
    3.5
    """
    return ops.mean(ops.abs(_difference(first, second)))


def mean_square(first: Tensor, second: Tensor) -> Tensor:
    """`E (x - x')^2`, over all numbers of all examples. Arguments as in `mean_absolute`.

    Example:
    >>> from keras import ops
    >>> import kgan
    >>> float(kgan.objectives.mean_square(ops.zeros((1, 2)), ops.convert_to_tensor([[3.0, -4.0]])))
    12.5
    """
    return ops.mean(ops.square(_difference(first, second)))


def summed_square(first: Tensor, second: Tensor) -> Tensor:
    """`E sum (x - x')^2`: the sum over all numbers of one example, then the mean over examples (mode regularization, 1612.02136).

    It grows with the size of an example, as `mean_square` does not. Arguments as in `mean_absolute`.

    Example:
    >>> from keras import ops
    >>> import kgan
    >>> float(kgan.objectives.summed_square(ops.zeros((1, 2)), ops.convert_to_tensor([[3.0, -4.0]])))
    25.0
    """
    squares = ops.square(_difference(first, second))
    return ops.mean(ops.sum(squares, axis=tuple(range(1, len(squares.shape)))))


def bit_cross_entropy(messages: Tensor, logits: Tensor) -> Tensor:
    """Mean cross-entropy of independent bits that are coded -0.5 (bit 0) and 0.5 (bit 1): `E sp(-2 m l)`, in nats.

    Args:
        messages: tensor `(batch, ...)` of -0.5 and 0.5.
        logits: tensor of that shape: log odds of bit 1.

    Returns:
        Scalar.

    Example: log 2 where nothing is known.

    >>> from keras import ops
    >>> import kgan
    >>> round(float(kgan.objectives.bit_cross_entropy(ops.convert_to_tensor([[0.5, -0.5]]), ops.zeros((1, 2)))), 4)
    0.6931
    """
    messages, logits = full_precision(messages, logits)
    return ops.mean(ops.softplus(-2.0 * messages * logits))


def _difference(first: Tensor, second: Tensor) -> Tensor:
    first, second = full_precision(first, second)
    if tuple(first.shape[1:]) != tuple(second.shape[1:]):
        raise ValueError(f"Only equal shapes can be compared. Received: {tuple(first.shape)} and {tuple(second.shape)}.")
    return first - second
