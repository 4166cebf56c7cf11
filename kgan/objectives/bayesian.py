"""Energies of posteriors over weights: Saatci, Wilson, NIPS 2017, arXiv 1705.09558."""

from typing import Any

from keras import ops

from kgan.backend import full_precision
from kgan.types import Tensor


def marginal_energy(energies: Tensor, data_size: Any = 1, marginal: str = "logsumexp") -> Tensor:
    """The energy of a mixture, `-log sum_i exp(-N e_i) / N`: Algorithm 1, the log of a *sum of probabilities*.

    Its gradient is `sum_i w_i grad e_i` with `w = softmax(-N e)`: the best-explained component counts most.

    Args:
        energies: tensor, one energy per component (a noise batch with a sample of the opponent), each a mean over examples.
        data_size: N, number or scalar: examples of the data set, to which the means are rescaled inside of the exponential.
        marginal: "logsumexp" (default, the paper's) or "mean", which weights all components alike (what `kgan.BayesianGAN` takes).

    Returns:
        Scalar.

    Example: energies 0 and log 3 have probabilities 1 and 1/3.

    >>> import math, kgan
    >>> from keras import ops
    >>> round(float(kgan.objectives.marginal_energy(ops.convert_to_tensor([0.0, math.log(3.0)]))), 4) == round(-math.log(4 / 3), 4)
    True
    """
    if marginal not in ("logsumexp", "mean"):
        raise ValueError(f'`marginal` must be "logsumexp" or "mean". Received: {marginal!r}.')
    energies = ops.reshape(full_precision(energies), (-1,))
    if marginal == "mean":
        return ops.mean(energies)
    # Differences first: N times an energy has no digits left for them in float32.
    least = ops.stop_gradient(ops.min(energies))
    return least - ops.logsumexp(-data_size * (energies - least)) / data_size
