"""Penalties on the weights of the discriminator."""

from collections.abc import Iterable
from typing import Any

import keras
from keras import ops

from kgan.arguments import Level
from kgan.backend import full_precision
from kgan.penalties.penalty import Penalty, Scored
from kgan.types import Tensor


def orthonormal_penalty(matrix: Tensor) -> Tensor:
    """`||W^T W - I||_F^2`, the distance of a kernel from orthonormality (Brock et al. 2017, 1609.07093; 1802.05957, Eq. 14).

    Args:
        matrix: tensor (inputs x positions, outputs). The Gram matrix of the shorter side is taken: the longer side of a matrix that is
            not square cannot be orthonormal.

    Returns:
        Scalar.
    """
    matrix = full_precision(matrix)
    if matrix.shape[0] < matrix.shape[1]:
        matrix = ops.transpose(matrix)
    gram = ops.matmul(ops.transpose(matrix), matrix)
    return ops.sum(ops.square(gram - ops.eye(gram.shape[0], dtype=gram.dtype)))


def weight_decay(variables: Iterable[keras.Variable], weight: float) -> Tensor:
    """`weight / 2 * ||theta||^2`, which adds `weight * theta` to the gradient.

    Under an adaptive optimizer this is not the decay that `keras.optimizers.AdamW` subtracts beside the step.

    Args:
        variables: sequence of `keras.Variable`.
        weight: >= 0.

    Returns:
        Scalar.
    """
    return 0.5 * weight * sum(ops.sum(ops.square(ops.convert_to_tensor(v))) for v in variables)


@keras.saving.register_keras_serializable("kgan")
class Orthonormal(Penalty):
    """The orthonormal baseline of 1802.05957: `weight * sum over layers of ||W^T W - I||_F^2`.

    Over all weights of the discriminator with two or more axes, the last axis being the output. Start from
    `keras.initializers.Orthogonal`, as the paper does.

    Args:
        weight: default 1.0. The paper does not print its beta.
    """

    name = "orthonormal"

    def __init__(self, weight: Level = 1.0) -> None:
        super().__init__(weight)

    def __call__(self, model: Any, scored: Scored) -> Tensor:
        kernels = [v for v in model.discriminator.trainable_variables if len(v.shape) > 1]
        return self.weight_in(model) * sum(orthonormal_penalty(ops.reshape(v, (-1, v.shape[-1]))) for v in kernels)
