"""Matching features instead of fooling the discriminator: their means, or what a denoiser makes of them."""

from keras import ops

from kgan.backend import full_precision
from kgan.objectives.reconstruction import mean_square
from kgan.types import Tensor


def feature_matching(
    real_features: Tensor, fake_features: Tensor, power: int = 2, average: bool = True, through_real: bool = False
) -> Tensor:
    """Distance between the mean features of real and of generated examples: Salimans et al. 2016, 1606.03498, section 3.1.

    The sum or mean over features of `|E_x f(x) - E_z f(G(z))|^power`: the mean over the batch comes first, then the distance.

    Args:
        real_features, fake_features: tensors `(batch, ...)`, features of a hidden layer of the discriminator; batches may differ in size.
        power: 2 (default; the paper, and its MNIST code) or 1 (its CIFAR-10 and SVHN code).
        average: default True, both codes: the mean over features. False: their sum, the paper's squared norm.
        through_real: default False: the real mean is a constant. True: gradients flow through it too, for games in which it moves, as the
            pair of an example and its code does (Kumar et al. 2017, 1705.08850).

    Returns:
        Scalar.

    Example: the means differ by (1, 1).

    >>> from keras import ops
    >>> import kgan
    >>> real, fake = ops.convert_to_tensor([[0.0, 0.0], [2.0, 2.0]]), ops.zeros((3, 2))
    >>> float(kgan.objectives.feature_matching(real, fake, average=False))
    2.0
    """
    if power not in (1, 2):
        raise ValueError(f"`power` must be 1 or 2. Received: {power!r}.")
    real, fake = full_precision(real_features, fake_features)
    wanted = ops.mean(real, axis=0)
    difference = ops.mean(fake, axis=0) - (wanted if through_real else ops.stop_gradient(wanted))
    difference = ops.square(difference) if power == 2 else ops.abs(difference)
    return ops.mean(difference) if average else ops.sum(difference)


def feature_denoising(features: Tensor, denoised: Tensor) -> Tensor:
    """How far features are from where a denoiser moves them: Warde-Farley and Bengio, ICLR 2017.

    `E mean_k (phi_k - r_k)^2`, a mean over all numbers. The denoised features are a constant, a target: the gradient in phi is
    `2 (phi - r) / n` for each of n numbers, without the denoiser's own derivative.

    Args:
        features: tensor `(batch, n)`, of generated examples. denoised: tensor of that shape, what the denoiser returns for them.

    Returns:
        Scalar.

    Example:
    >>> from keras import ops
    >>> import kgan
    >>> float(kgan.objectives.feature_denoising(ops.zeros((1, 2)), ops.convert_to_tensor([[3.0, -4.0]])))
    12.5
    """
    return mean_square(features, ops.stop_gradient(denoised))
