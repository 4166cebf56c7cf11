"""Mutual information between a code and what a generator makes of it: Chen et al., NIPS 2016, arXiv 1606.03657."""

from typing import Any

from keras import ops

from kgan.types import Tensor


def mutual_information(code: Any, parameters: Tensor, values: Tensor) -> Tensor:
    """The variational lower bound of `I(c; G(z, c))`, Eq. 5: `L_I = H(c) + E log Q(c | G(z, c))`, in nats.

    The recognizer is asked for the very codes that went into the generator: by Lemma 5.1 no draw from the posterior is needed. For a
    categorical code the bound is at most log K; without learned variance that of a continuous one has no such meaning, see
    `kgan.codes.Continuous`.

    Args:
        code: `kgan.codes.Code`. parameters: tensor `(batch, code.parameters)`, the recognizer's outputs on generated examples.
        values: tensor `(batch, code.size)`, the codes the examples were generated from.

    Returns:
        Scalar. H(c) is a constant: it matters for the figure and not for the gradient.

    Example: a recognizer that is sure and right knows all of the log 2 nats.

    >>> from keras import ops
    >>> import kgan
    >>> sure = ops.convert_to_tensor([[40.0, 0.0], [0.0, 40.0]])
    >>> round(float(kgan.objectives.mutual_information(kgan.codes.Categorical(2), sure, ops.eye(2))), 4)
    0.6931
    """
    return code.entropy + ops.mean(code.log_likelihood(parameters, values))
