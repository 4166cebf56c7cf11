"""What families with one generator of unconditioned examples share: the data it imitates, its latents, its samples."""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from kgan import backend
from kgan.arguments import Count, Function, Network, Shape, Shapes
from kgan.engine import AdversarialModel
from kgan.priors import Normal
from kgan.types import Array, SeedLike, Sizes, Tensor

Makers = Mapping[str, Callable[[], keras.Model]]
"""Roles of networks, and functions that make them."""


class GenerativeModel(AdversarialModel):
    """A generator, its prior, and checks of the data. Subclasses write the game.

    Args:
        data_shape: shape of one example: `(features,)`, or `(height, width, channels)` for images in [-1, 1]. Default: what the
            generator makes.
        generator: `keras.Model` from `(batch, latent_size)` to examples.
        latent_size: default: what the generator takes.
        prior: distribution of the latents, default `kgan.priors.Normal()`.
        seed, name, dtype: as in `kgan.AdversarialModel`.
    """

    default_latent_size: ClassVar[int] = 128
    """Numbers of a latent where neither the user nor a generator says; a family with another default sets it, as the next."""
    points_latent_size: ClassVar[int | None] = None
    """The same for points; None: as many as a point has numbers, two at least, and no more than for pictures. With many more latents than
    numbers the game on points falls into a single mode."""
    default_prior: ClassVar[Callable[..., Any]] = Normal()

    def __init__(
        self,
        data_shape: Shape | Shapes | None = None,
        *,
        generator: Network,
        latent_size: Count | None = None,
        prior: Function | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.data_shape = _shape_of_data(data_shape, generator)
        self.latent_size = self.latents_of(generator, latent_size)
        self.prior = self.default_prior if prior is None else prior
        self.generator = generator

    @classmethod
    def latents_of(cls, generator: keras.Model | None = None, latent_size: int | None = None, shape: Sizes | None = None) -> int:
        """Numbers of a latent: what a given generator takes, what a user says, or the family's default for data of that shape."""
        if generator is None:
            fitting = cls.default_latent_size
            if shape is not None and len(shape) == 1:
                fitting = cls.points_latent_size or min(max(2, *shape), fitting)
            return fitting if latent_size is None else latent_size
        taken = first_of(generator.input_shape)[-1]
        if latent_size not in (None, taken):
            raise ValueError(f"`latent_size` is {latent_size}, the generator takes latents of {taken}.")
        return taken

    def generated(self, count: int) -> Tensor:
        """`count` generated examples on fresh training noise."""
        return self.generator(self.generator_inputs(count, seed=self.seed_generator), training=self.in_training)

    def generator_inputs(self, count: int, condition: Any = None, seed: SeedLike = None) -> Tensor:
        if condition is not None:
            raise ValueError(f"{type(self).__name__} is not conditional; leave `condition` out.")
        return self.prior((count, self.latent_size), seed)

    def in_inference(self, function: Callable[..., Tensor], *arrays: Array, batch_size: int = 256) -> Array:
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

    def check_data(self, batch: Any, shape: Sizes | None = None) -> None:
        shape = tuple(shape or self.data_shape)
        self.check_examples(batch, shape)
        # Bright pictures in [-1, 1] seldom have a pixel just above the middle and one that is white; of [0, 1] nearly all batches have.
        if len(shape) == 3 and 0 <= batch.min() <= 0.1 and batch.max() >= 0.9:
            warnings.warn(
                f"These images lie in [{batch.min():g}, {batch.max():g}], where [-1, 1] is expected: no pixel is darker than the middle "
                "gray. If their range is [0, 1], use `2 * x - 1`.",
                stacklevel=2,
            )

    def check_examples(self, batch: Any, shape: Sizes) -> None:
        """Refuse what no network takes, of data to train on and of single examples given to a method."""
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


def given_or_built(
    shape: Sizes | None,
    given: Mapping[str, keras.Model | None],
    build: Callable[[Any], Makers | Sequence[keras.Model]],
    together: bool = False,
) -> tuple[Any, ...]:
    """The shape of one example, and the networks of a family: those a user gave, and what the family builds in place of the others.

    Args:
        shape: shape of one example, or None. A given discriminator decides about it; where it is None, a given generator does.
        given: role to network or None.
        build: `(shape) -> role to a function that makes the network`, of which only the missing ones are made; or, where all are
            made together, `(shape) -> networks`, in the order of `given`.
        together: bool, default False. True: the networks have to fit each other, and are given all or none.

    Returns:
        `(shape, *networks)`, the networks in the order of `given`; the shape is None where nothing tells it.

    Raises:
        ValueError: some networks of several that belong together; nothing to build networks for.
    """
    missing = [role for role, network in given.items() if network is None]
    for role, network in given.items():
        if network is not None and (role.endswith("discriminator") or role in _JUDGES):
            _warn_of_probabilities(network, role)
    if together and 0 < len(missing) < len(given):
        raise ValueError(f"Pass {_listed(given)}, which have to fit together, or none of them. Missing: {_listed(missing)}.")
    if (judge := given.get("discriminator")) is not None:
        shape = first_of(judge.input_shape)[1:]
    elif shape is None and (maker := given.get("generator")) is not None:
        shape = maker.output_shape[1:]
    if missing and shape is None:
        raise ValueError(
            f"The shape of one example is unknown, and with it what to build as {_listed(missing)}. Give it, a tuple of positive integers "
            "such as (2,) for points or (32, 32, 3) for images, or pass the networks."
        )
    shape = None if shape is None else tuple(shape)
    made = build(shape) if missing else {}
    if not isinstance(made, Mapping):
        return shape, *made
    return shape, *(made[role]() if network is None else network for role, network in given.items())


# Networks that return logits, or values without bounds, beside all discriminators.
_JUDGES = ("labeler", "anti_labeler", "eve", "reconstructor")


def last_layer(network: Any) -> Any:
    """The layer that a network ends in, whatever it is wrapped in."""
    while getattr(network, "layers", None) or isinstance(network, keras.layers.Wrapper):
        network = network.layer if isinstance(network, keras.layers.Wrapper) else network.layers[-1]
    return network


def _warn_of_probabilities(network: Any, role: str) -> None:
    """Warn of a network that ends in a sigmoid or softmax where losses take logits."""
    last, shape = last_layer(network), getattr(network, "output_shape", None)
    kind = type(last).__name__.lower() if isinstance(last, keras.layers.Softmax) else ""
    kind = kind or getattr(getattr(last, "activation", None), "__name__", "")
    restores = shape == getattr(network, "input_shape", None) and shape != (None, 1)  # an autoencoder of vectors
    if kind in ("sigmoid", "hard_sigmoid", "softmax") and isinstance(shape, tuple) and len(shape) == 2 and not restores:
        warnings.warn(
            f"The {role.replace('_', '-')} ends in a {kind}, so it returns probabilities; logits are expected, numbers without bounds, "
            "higher for more real, and the losses make of them what the paper does. Leave the activation out.",
            stacklevel=4,
        )


def first_of(shapes: Any) -> Any:
    """The shape of a network's first input."""
    shapes = list(shapes.values()) if isinstance(shapes, dict) else shapes
    return shapes[0] if isinstance(shapes, list) else shapes


def _listed(roles: Iterable[str]) -> str:
    *others, last = (role.replace("_", "-") for role in roles)
    return f"{', '.join(others)} and {last}" if others else last


def check_network(network: keras.Model, role: str, given: Sizes, expected: Sizes, what: str) -> None:
    """Refuse a network that is not built, or does not map `(batch, *given)` to `(batch, *expected)`; `what` says what has that shape."""
    if not network.built:
        raise ValueError(f"The network {network.name!r} is not built. Call it on an example or give it an Input.")
    taken, made = tuple(network.input_shape)[1:], tuple(network.output_shape)[1:]
    if (taken, made) != (tuple(given), tuple(expected)):
        raise ValueError(
            f"The {role} must turn {tuple(given)} into {tuple(expected)}, {what}. Received one from {taken} to {made}."
        )


def check_maps(network: keras.Model, inputs: Any, output: Sequence[int | None]) -> None:
    """Refuse a network, of one or several inputs, that is not built, or does not map these shapes, batch included, to that one."""
    if not network.built:
        raise ValueError(f"The network {network.name!r} is not built. Call it on an example or give it an Input.")
    try:
        made = tuple(network.compute_output_shape(inputs))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{network.name!r} does not take {inputs}: {str(error).splitlines()[0]}") from error
    if made != tuple(output):
        raise ValueError(f"{network.name!r} must turn {inputs} into {tuple(output)}. It makes {made}.")


def _shape_of_data(data_shape: Any, generator: keras.Model | None) -> Any:
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
