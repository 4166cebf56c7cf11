"""Reconstruction of latents."""

from keras import ops

from kgan.backend import full_precision


def latent_reconstruction(latents, reconstructed):
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
    latents, reconstructed = full_precision(latents, reconstructed)
    if latents.shape[-1] != reconstructed.shape[-1]:
        raise ValueError(f"Latents have {latents.shape[-1]} coordinates, their reconstruction {reconstructed.shape[-1]}.")
    return 0.5 * ops.mean(ops.sum(ops.square(latents - reconstructed), axis=-1))
