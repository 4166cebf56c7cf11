"""What families with one generator of unconditioned examples share: the data it imitates, its latents, its samples."""

import numpy as np
from keras import ops

from kgan import backend
from kgan.engine import AdversarialModel
from kgan.networks import mlp
from kgan.priors import Normal


class GenerativeModel(AdversarialModel):
    """A generator, its prior, and checks of the data. Subclasses write the game.

    Args:
        data_shape: tuple, shape of one example: `(features,)`, or `(height, width, channels)` for images in [-1, 1]. May be left
            out when `generator` is given.
        generator: `keras.Model` from `(batch, latent_size)` to examples. Default: two hidden layers of 128 ReLU; tanh output
            for images.
        latent_size: int, default 128; taken from `generator` if that is given.
        prior: distribution of the latents, default `kgan.priors.Normal()`.
        seed, name, dtype: as in `kgan.AdversarialModel`.
    """

    def __init__(self, data_shape, generator, latent_size, prior, *, seed, name, dtype):
        super().__init__(seed=seed, name=name, dtype=dtype)
        self.data_shape = _shape_of_data(data_shape, generator)
        self.latent_size = _latent_size(latent_size, generator)
        self.prior = Normal() if prior is None else prior
        output = "tanh" if len(self.data_shape) == 3 else None
        self.generator = generator or mlp.generator(self.data_shape, self.latent_size, output_activation=output)

    def generated(self, count):
        """`count` generated examples on fresh training noise."""
        return self.generator(self.generator_inputs(count, seed=self.seed_generator), training=self.in_training)

    def generator_inputs(self, count, condition=None, seed=None):
        if condition is not None:
            raise ValueError(f"{type(self).__name__} is not conditional; leave `condition` out.")
        return self.prior((count, self.latent_size), seed)

    def in_inference(self, function, *arrays, batch_size=256):
        """`function` of the rows of arrays, computed in parts, with the averaged weights if the model keeps averages.

        Args:
            function: callable on tensors; it calls networks with `training=False`.
            arrays: arrays of one length, of any real type.
            batch_size: int, rows computed at once.

        Returns:
            NumPy array.
        """
        parts = []
        with backend.no_gradient(), backend.Overlay(self._averages.values(), commit=True):
            for start in range(0, len(arrays[0]), batch_size):
                result = function(*(ops.convert_to_tensor(a[start : start + batch_size], "float32") for a in arrays))
                parts.append(ops.convert_to_numpy(ops.cast(result, "float32")))
        return np.concatenate(parts)

    def check_data(self, batch, shape=None):
        shape = tuple(shape or self.data_shape)
        if not isinstance(batch, np.ndarray):
            raise ValueError(f"Expected one array of examples {shape}. Received a nest of {type(batch).__name__}.")
        if not np.issubdtype(batch.dtype, np.floating):
            raise ValueError(
                f"Examples must be floating point, images in [-1, 1]. Received dtype {batch.dtype}. "
                "For pixels in [0, 255] use `x.astype('float32') / 127.5 - 1`."
            )
        if tuple(batch.shape[1:]) != shape:
            raise ValueError(f"Examples must have the shape {shape}. Received: {tuple(batch.shape[1:])} per example.")
        if not np.isfinite(batch).all():
            raise ValueError("The data contain NaN or infinite values. Remove or repair those examples.")
        if len(shape) == 3 and np.abs(batch).max() > 1.001:
            raise ValueError(
                f"Images must lie in [-1, 1]. Received values in [{batch.min():g}, {batch.max():g}]. "
                "For pixels in [0, 255] use `x / 127.5 - 1`, for [0, 1] `2 * x - 1`."
            )


def complete(shape, generator, discriminator, build):
    """The shape of one example and both networks: those given, and what `build(shape) -> (generator, discriminator)` makes of the others.

    A given discriminator decides about the shape.
    """
    if discriminator is not None:
        shape = discriminator.input_shape[1:]
    elif shape is None and generator is not None:
        shape = generator.output_shape[1:]
    if shape is not None and (generator is None or discriminator is None):
        made = build(tuple(shape))
        generator, discriminator = generator or made[0], discriminator or made[1]
    return shape, generator, discriminator


def check_network(network, role, given, expected, what):
    """Refuse a network that is not built, or does not map `(batch, *given)` to `(batch, *expected)`; `what` says what has that shape."""
    if not network.built:
        raise ValueError(f"The network {network.name!r} is not built. Call it on an example or give it an Input.")
    taken, made = tuple(network.input_shape)[1:], tuple(network.output_shape)[1:]
    if (taken, made) != (tuple(given), tuple(expected)):
        raise ValueError(
            f"The {role} must turn {tuple(given)} into {tuple(expected)}, {what}. Received one from {taken} to {made}."
        )


def _shape_of_data(data_shape, generator):
    if data_shape is None and generator is not None:
        data_shape = generator.output_shape[1:]
    if isinstance(data_shape, dict):  # several domains
        return {domain: _shape_of_data(shape, None) for domain, shape in data_shape.items()}
    shape = () if data_shape is None else tuple(data_shape)
    if not shape or not all(isinstance(n, int) and n > 0 for n in shape):
        raise ValueError(
            "The shape of one example must be a tuple of positive integers, such as (2,) for points or (32, 32, 3) for "
            f"images. Received: {data_shape!r}."
        )
    return shape


def _latent_size(latent_size, generator):
    if latent_size is None:
        return generator.input_shape[-1] if generator is not None else 128
    if generator is not None and generator.input_shape[-1] != latent_size:
        raise ValueError(f"`latent_size` is {latent_size}, the generator takes latents of {generator.input_shape[-1]}.")
    return latent_size
