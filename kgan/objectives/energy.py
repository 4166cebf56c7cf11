"""Energies by reconstruction: Zhao, Mathieu, LeCun, "Energy-based generative adversarial networks", ICLR 2017, arXiv 1609.03126."""

import math

from keras import ops

from kgan.backend import full_precision
from kgan.types import Tensor

ENERGIES = ("norm", "sum_squares", "mean_squares")


def reconstruction_energy(examples: Tensor, restored: Tensor, kind: str = "norm") -> Tensor:
    """How badly an autoencoder restores each example, the paper's D(x). The gradient passes through both arguments.

    Args:
        examples, restored: tensors `(batch, ...)`.
        kind: "norm" (default, the paper's `||Dec(Enc(x)) - x||`, with 1e-12 under the root), "sum_squares" or "mean_squares" over an
            example's numbers.

    Returns:
        Tensor `(batch, 1)`.

    Example: a difference of (3, 4).

    >>> from keras import ops
    >>> from kgan import objectives
    >>> x, restored = ops.ones((1, 2)), ops.convert_to_tensor([[4.0, 5.0]])
    >>> [float(objectives.reconstruction_energy(x, restored, kind)[0, 0]) for kind in objectives.ENERGIES]
    [5.0, 25.0, 12.5]
    """
    if kind not in ENERGIES:
        raise ValueError(f"`kind` must be one of {', '.join(ENERGIES)}. Received: {kind!r}.")
    examples, restored = full_precision(examples, restored)
    size = math.prod(restored.shape[1:])
    squares = ops.sum(ops.square(ops.reshape(restored - examples, (-1, size))), axis=-1, keepdims=True)
    if kind == "norm":
        return ops.sqrt(squares + 1e-12)
    return squares if kind == "sum_squares" else squares / size


def energy_margin(real_energy: Tensor, fake_energy: Tensor, margin: Tensor | float) -> Tensor:
    """`E D(x) + E max(0, m - D(G(z)))`, the discriminator's loss (Eq. 1): the hinge is of every example, not of the mean.

    Args:
        real_energy, fake_energy: tensors `(batch, 1)`. margin: m, a number or scalar tensor.

    Returns:
        Scalar; m where data and samples are one distribution of constant energy in [0, m] (Theorems 1 and 2).

    Example: of the energies 0 and 2 m the hinge has m and 0 left.

    >>> from keras import ops
    >>> import kgan
    >>> float(kgan.objectives.energy_margin(ops.ones((1, 1)), ops.convert_to_tensor([[0.0], [20.0]]), 10.0))
    6.0
    """
    real, fake = full_precision(real_energy, fake_energy)
    return ops.mean(real) + ops.mean(ops.relu(margin - fake))


def pulling_away(codes: Tensor) -> Tensor:
    """`1 / (N (N - 1)) sum_i sum_{j != i} cos^2(S_i, S_j)`, the repelling term (Eq. 4), in [0, 1].

    Args:
        codes: tensor `(N, ...)`, N >= 2, the encoder's outputs for a minibatch of samples, flattened here.

    Returns:
        Scalar: 0 for orthogonal codes, 1 for codes on one line, in either direction.

    Raises:
        ValueError: for a minibatch of one.

    Example:
    >>> from keras import ops
    >>> import kgan
    >>> [round(float(kgan.objectives.pulling_away(s)), 4) for s in (ops.eye(3), ops.convert_to_tensor([[1.0, 2.0], [-1.0, -2.0]]))]
    [0.0, 1.0]
    """
    codes = full_precision(codes)
    if codes.shape[0] == 1:
        raise ValueError(
            "The pulling-away term compares the examples of a minibatch: it needs at least 2. Received a minibatch of 1."
        )
    codes = ops.reshape(codes, (-1, math.prod(codes.shape[1:])))
    codes = codes * ops.rsqrt(ops.sum(ops.square(codes), axis=-1, keepdims=True) + 1e-12)
    count = ops.cast(ops.shape(codes)[0], codes.dtype)
    cosines = ops.matmul(codes, ops.transpose(codes))
    with_itself = ops.sum(ops.square(ops.sum(ops.square(codes), axis=-1)))
    return (ops.sum(ops.square(cosines)) - with_itself) / (count * (count - 1.0))
