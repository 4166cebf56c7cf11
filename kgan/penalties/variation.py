"""Total variation of pictures: Rudin, Osher, Fatemi 1992, as domain transfer networks have it (1611.02200)."""

from keras import ops

from kgan.backend import full_precision
from kgan.types import Tensor


def total_variation(images: Tensor, exponent: float = 1.0) -> Tensor:
    """`sum_ij ((z_i,j+1 - z_ij)^2 + (z_i+1,j - z_ij)^2)^(exponent / 2)`, summed over channels, the mean over the batch.

    Differences past the border are 0. Where a picture is flat, so is the gradient, though the root has none there.

    Args:
        images: tensor `(batch, height, width, channels)`. exponent: > 0, default 1 (the paper's B), the isotropic form.

    Returns:
        Scalar. It grows with the number of pixels and with their range: on [-1, 1] it is `2^exponent` times that on [0, 1].

    Example: one edge of height 1 through a picture of four rows.

    >>> import numpy as np, kgan
    >>> picture = np.zeros((1, 4, 4, 1), "float32")
    >>> picture[:, :, 2:] = 1.0
    >>> float(kgan.penalties.total_variation(picture))
    4.0
    """
    z = full_precision(ops.convert_to_tensor(images))
    if len(z.shape) != 4 or not exponent > 0:
        raise ValueError(
            f"Pictures are (batch, height, width, channels), and `exponent` is > 0. Received the shape {tuple(z.shape)}, {exponent!r}."
        )
    across = ops.pad(z[:, :, 1:] - z[:, :, :-1], ((0, 0), (0, 0), (0, 1), (0, 0)))
    down = ops.pad(z[:, 1:] - z[:, :-1], ((0, 0), (0, 1), (0, 0), (0, 0)))
    squares = ops.square(across) + ops.square(down)
    # Twice, since a gradient of NaN would pass through a single choice.
    flat = squares < 1e-16
    lengths = ops.where(
        flat, ops.zeros_like(squares), ops.power(ops.where(flat, ops.ones_like(squares), squares), exponent / 2.0)
    )
    return ops.mean(ops.sum(lengths, axis=(1, 2, 3)))
