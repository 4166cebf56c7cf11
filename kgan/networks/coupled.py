"""The networks of CoGAN: Liu, Tuzel, NIPS 2016, arXiv 1606.07536, and of its authors' code. Coupled by construction.

A coupled generator maps one latent to an example of every domain: the first layers, the trunk, are one network evaluated once, the
others belong to a domain. A coupled discriminator is the mirror image: the first layers belong to a domain, the last are one network,
evaluated once on the features of all domains stacked along the batch. What is shared is the same variable, in one place.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import keras
from keras import layers, ops

from kgan.networks import blocks
from kgan.networks.blocks import conv, deconv, dense, scaled
from kgan.networks.composed import Composed
from kgan.networks.coupled_architectures import ARCHITECTURES, architecture_for, image_size_of
from kgan.types import Sizes, Tensor


@keras.saving.register_keras_serializable("kgan")
class CoupledGenerator(Composed):
    """One generator from a shared network and one more for every domain.

    It maps latents `(batch, latent_size)` to a dict of domain to examples. The trunk is called once.

    Args:
        trunk: `keras.Model` from latents to features, shared; None to share nothing.
        heads: dict of domain name to `keras.Model` from those features (without a trunk: from latents) to examples. No two may have
            variables in common: what is shared belongs to the trunk.

    Raises:
        ValueError: for a head that does not take what the trunk gives; for fewer than two domains.

    Example: a trunk of one layer, heads of different output shapes.

    >>> import keras
    >>> from kgan.networks import coupled, mlp
    >>> trunk = mlp.discriminator((3,), (8,), outputs=6, name="trunk")
    >>> generator = coupled.CoupledGenerator(trunk, {"plane": mlp.generator((2,), 6, ()), "space": mlp.generator((3,), 6, ())})
    >>> {domain: tuple(x.shape) for domain, x in generator(keras.ops.zeros((5, 3))).items()}
    {'plane': (5, 2), 'space': (5, 3)}
    """

    parts = ("trunk", "heads")

    def __init__(
        self, trunk: keras.Model | None, heads: Mapping[str, keras.Model], name: str = "generator", **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.trunk = trunk
        self.heads = _parts(heads, "heads")
        takes = {domain: tuple(head.input_shape[1:]) for domain, head in self.heads.items()}
        gives = next(iter(takes.values())) if trunk is None else tuple(trunk.output_shape[1:])
        if set(takes.values()) != {gives}:
            raise ValueError(
                f"Every head must take the features {gives} that are shared. Received heads that take {takes}. Layers that differ "
                "between domains cannot be shared: let the trunk end before them."
            )
        self.input_shape = (None, *(gives if trunk is None else trunk.input_shape[1:]))
        self.built = True

    def call(self, inputs: Tensor, training: bool = False) -> dict[str, Tensor]:
        features = inputs if self.trunk is None else self.trunk(inputs, training=training)
        return {domain: head(features, training=training) for domain, head in self.heads.items()}

    def compute_output_shape(self, input_shape: Any) -> dict[str, tuple[int | None, ...]]:
        return {domain: (input_shape[0], *head.output_shape[1:]) for domain, head in self.heads.items()}


@keras.saving.register_keras_serializable("kgan")
class CoupledDiscriminator(Composed):
    """One discriminator from a network for every domain and a shared one behind them.

    Call it on a dict of some or all domains to examples, of one batch size; it returns a dict of domain to logits `(batch, 1)`. The trunk
    is called once, on the features of all those domains stacked along the batch, as in the authors' code: batch norm in it normalizes
    the domains together.

    Args:
        stems: dict of domain name to `keras.Model` from examples to features of one shape; without a trunk, to logits.
        trunk: `keras.Model` from those features to logits `(batch, 1)`; None to share nothing.

    Raises:
        ValueError: for stems whose outputs differ in shape or do not fit the trunk; for fewer than two domains.

    Example:
    >>> import keras
    >>> from kgan.networks import coupled, mlp
    >>> stems = {"plane": mlp.discriminator((2,), (), outputs=6), "space": mlp.discriminator((3,), (), outputs=6)}
    >>> discriminator = coupled.CoupledDiscriminator(stems, mlp.discriminator((6,), (8,), name="trunk"))
    >>> logits = discriminator({"plane": keras.ops.zeros((5, 2)), "space": keras.ops.zeros((5, 3))})
    >>> tuple(logits["space"].shape)
    (5, 1)
    """

    parts = ("stems", "trunk")

    def __init__(
        self, stems: Mapping[str, keras.Model], trunk: keras.Model | None, name: str = "discriminator", **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.stems = _parts(stems, "stems")
        self.trunk = trunk
        gives = {domain: tuple(stem.output_shape[1:]) for domain, stem in self.stems.items()}
        takes = (1,) if trunk is None else tuple(trunk.input_shape[1:])
        if set(gives.values()) != {takes}:
            raise ValueError(
                f"Every stem must return {takes}, {'one logit' if trunk is None else 'which the shared trunk takes'}. Received stems that "
                f"return {gives}. Layers that differ between domains cannot be shared: let the trunk start behind them."
            )
        if trunk is not None and tuple(trunk.output_shape[1:]) != (1,):
            raise ValueError(f"The trunk must return one logit per example, (batch, 1). It returns {tuple(trunk.output_shape)}.")
        self.built = True

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Dict of domain to the shape of its examples."""
        return {domain: tuple(stem.input_shape[1:]) for domain, stem in self.stems.items()}

    def call(self, inputs: Mapping[str, Tensor], training: bool = False) -> dict[str, Tensor]:
        return self.through(self.trunk, inputs, training)[0]

    def through(self, trunk: keras.Model | None, inputs: Mapping[str, Tensor], training: bool = False) -> list[dict[str, Tensor]]:
        """What `trunk`, a network on the shared features, makes of the domains: for each of its outputs a dict of domain to tensor."""
        features = [self.stems[domain](examples, training=training) for domain, examples in inputs.items()]
        if trunk is None:
            return [dict(zip(inputs, features, strict=True))]
        outputs = trunk(ops.concatenate(features), training=training)
        outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        return [dict(zip(inputs, ops.split(output, len(features)), strict=True)) for output in outputs]

    def compute_output_shape(self, input_shape: Any) -> dict[str, tuple[int | None, ...]]:
        return {domain: (shape[0], 1) for domain, shape in input_shape.items()}


def _parts(parts: Mapping[str, keras.Model], what: str) -> dict[str, keras.Model]:
    parts = dict(parts)
    if len(parts) < 2:
        raise ValueError(f"`{what}` must name at least two domains. Received: {list(parts)}.")
    owners: dict[int, str] = {}
    for domain, part in parts.items():
        if not isinstance(part, keras.Model) or not part.built:
            raise ValueError(f"`{what}` must hold built Keras models. Received for {domain!r}: {part!r}.")
        for variable in part.variables:
            other = owners.setdefault(id(variable), domain)
            if other != domain:
                raise ValueError(
                    f"The {what} of {other!r} and {domain!r} share {variable.path!r}. What is shared belongs to the trunk."
                )
    return parts


# The paper's networks ----------------------------------------------------------------------------------------------------


def generator(
    shapes: Mapping[str, Sizes],
    latent_size: int = 100,
    architecture: str | None = None,
    shared: int | None = None,
    width: float = 1.0,
    epsilon: float = 1e-5,
    name: str = "generator",
) -> CoupledGenerator:
    """A coupled generator of transposed convolutions: batch norm (offset, no gain) and PReLU (a slope a channel) behind all but the last.

    - "mnist" (28x28): 1024, 512, 256, 128 maps of 4, 7, 13, 25 pixels, kernels 4, 3, 3, 3, and a 6x6 layer with a sigmoid: 5 layers, the
      first 4 shared.
    - "faces" (128x128, the released CelebA network; 64x64 for RGB-D, and other sizes of 4 times a power of two): 1024 maps of 4x4, then 4x4
      kernels of stride 2 to 512, 256, ... maps, and a 3x3 layer with tanh: 7 layers at 128, all but the last 2 shared.
    - "small" (8x8, and 2 times a higher power of two): 64 maps of 2x2, 4x4 kernels of stride 2 to 32, 16 maps, a 3x3 layer with a sigmoid:
      4 layers at 8x8, the first 3 shared. Not the paper's. Private layers must be local and narrow, or nothing aligns the domains.

    A sigmoid is stretched over [-1, 1]. Kernels start as the authors': He's for "mnist", whose fan of a transposed convolution is that of
    its outputs (Caffe's, and Keras'), N(0, 0.02) for "faces"; Glorot's for "small", where He's align the domains half as well. Batch
    norm's statistics move by 0.1, not by the authors' 0.001 (Caffe's default), for short runs.

    Args:
        shapes: dict of domain name to `(size, size, channels)`; the channels may differ.
        latent_size: default 100 (the paper's).
        architecture: one of the above, default by size.
        shared: how many of the first layers all domains share (the paper's k); default as above, 0 for none.
        width: default 1.0 (the paper's), factor of the channel counts.
        epsilon: default 1e-5 (the authors' code), of batch norm; narrow networks want 1e-3.

    Returns:
        `CoupledGenerator` from `(batch, latent_size)` to a dict of domain name to images in [-1, 1].
    """
    plan = ARCHITECTURES[architecture_for(shapes, architecture)](image_size_of(shapes))
    count = len(plan.ups) + 1
    shared = _check_shared(shared, count, count - plan.private[0])
    if shared == count:
        _require_equal(shapes, "the generator's last layer")

    def stage(index: int, channels: int) -> Iterator[keras.layers.Layer]:
        last = index == count - 1
        up = (
            plan.output._replace(filters=channels)
            if last
            else plan.ups[index]._replace(filters=scaled(plan.ups[index].filters, width))
        )
        stem = "output" if last else f"up_{index}"
        # Batch norm has the bias. The first layer sees one cell: it is the authors' dense one, whose fan-in are the latents.
        start = keras.initializers.RandomNormal(0.0, (2.0 / latent_size) ** 0.5)
        start = start if index == 0 and plan.initializer == "he_normal" else plan.initializer
        yield deconv(up.filters, up.kernel, stem, up.stride, start, "valid", use_bias=last)
        if up.crop:
            yield layers.Cropping2D(up.crop, name=f"{stem}_crop", data_format="channels_last")
        if not last:
            yield layers.BatchNormalization(scale=False, momentum=0.9, epsilon=epsilon, name=f"{stem}_norm")
            yield _prelu(f"{stem}_prelu")
        elif plan.unit:
            yield layers.Activation("sigmoid", name="sigmoid")
            yield layers.Rescaling(2.0, -1.0, name="image")
        else:
            yield layers.Activation("tanh", name="image")

    def part(name: str, stages: Iterable[int], channels: int, shape: Sizes) -> keras.Model:
        chosen = [layer for index in stages for layer in stage(index, channels)]
        first = [layers.Reshape((1, 1, latent_size), name="reshape")] if 0 in stages else []
        return _chain(shape, [*first, *chosen], name)

    some = next(iter(shapes.values()))[-1]
    trunk = part("trunk", range(shared), some, (latent_size,)) if shared else None
    features = (latent_size,) if trunk is None else trunk.output_shape[1:]
    heads = {domain: part(domain, range(shared, count), shape[-1], features) for domain, shape in shapes.items()}
    return CoupledGenerator(trunk, heads, name=name)


def discriminator(
    shapes: Mapping[str, Sizes],
    architecture: str | None = None,
    shared: int | None = None,
    width: float = 1.0,
    dropout: float | None = None,
    epsilon: float = 1e-5,
    name: str = "discriminator",
) -> CoupledDiscriminator:
    """A coupled discriminator: convolutions, a dense layer with PReLU, one logit.

    - "mnist": linear convolutions 20 and 50 of 5x5, each with max pooling by 2; 500 units, dropout 0.5: 4 layers, all but the first
      shared. No batch norm.
    - "faces": convolutions of stride 2, 32, 64, 128 of 5x5 and 256, 512, 1024 of 3x3, with batch norm, PReLU and dropout 0, 0, 0.1, 0.3,
      0.3, 0.5; 2048 units with batch norm, dropout 0.5: 8 layers, all but the first 2 shared. Smaller images leave out the first ones.
    - "small": convolutions 12 and 32 of 3x3 at 8x8, one more of 32 for every doubling, each with max pooling by 2; 128 units, dropout
      0.5: all but the first shared. Not the paper's.

    Args:
        shapes, architecture, width, epsilon: as in `generator`.
        shared: how many of the last layers all domains share (the paper's l); default as above, 0 for none.
        dropout: rate behind the dense layer; default as above (the authors' digits and edges; their domain adaptation and
            their second code have 0).

    Returns:
        `CoupledDiscriminator` of images in [-1, 1]. Its trunk's last hidden layer is named "features".
    """
    plan = ARCHITECTURES[architecture_for(shapes, architecture)](image_size_of(shapes))
    count = len(plan.downs) + 2
    shared = _check_shared(shared, count, count - plan.private[1])
    if shared == count:
        _require_equal(shapes, "the discriminator's first layer")
    rate = plan.dropout if dropout is None else dropout

    def normalized(stem: str) -> Iterator[keras.layers.Layer]:
        if plan.normalized:
            yield layers.BatchNormalization(scale=False, momentum=0.9, epsilon=epsilon, name=f"{stem}_norm")

    def stage(index: int) -> Iterator[keras.layers.Layer]:
        if index == count - 1:
            yield dense(1, "logit", plan.initializer)
        elif index == count - 2:
            yield layers.Flatten(name="flatten", data_format="channels_last")
            yield dense(scaled(plan.units, width), "hidden", plan.initializer, use_bias=not plan.normalized)
            yield from normalized("hidden")
            yield _prelu("features", maps=False)
            if rate:
                yield blocks.dropout(rate, "features_dropout")
        else:
            down, stem = plan.downs[index], f"down_{index}"
            if index == 0 and plan.unit:
                yield layers.Rescaling(0.5, 0.5, name="unit")
            if down.padding:
                yield layers.ZeroPadding2D(down.padding, name=f"{stem}_pad", data_format="channels_last")
            filters = scaled(down.filters, width)
            yield conv(filters, down.kernel, stem, down.stride, plan.initializer, "valid", use_bias=not plan.normalized)
            yield from normalized(stem)
            if plan.normalized:
                yield _prelu(f"{stem}_prelu")
            if down.pool:
                yield layers.MaxPooling2D(name=f"{stem}_pool", data_format="channels_last")
            if down.dropout:
                yield blocks.dropout(down.dropout, f"{stem}_dropout")

    def part(name: str, stages: Iterable[int], shape: Sizes) -> keras.Model:
        return _chain(shape, [layer for index in stages for layer in stage(index)], name)

    stems = {domain: part(domain, range(count - shared), shape) for domain, shape in shapes.items()}
    features = next(iter(stems.values())).output_shape[1:]
    trunk = part("trunk", range(count - shared, count), features) if shared else None
    return CoupledDiscriminator(stems, trunk, name=name)


def _prelu(name: str, maps: bool = True) -> keras.layers.Layer:
    """PReLU with one slope for every map or unit, from 0.25."""
    return layers.PReLU(keras.initializers.Constant(0.25), shared_axes=[1, 2] if maps else None, name=name)


def _chain(shape: Sizes, chain: Sequence[keras.layers.Layer], name: str) -> keras.Model:
    x = inputs = keras.Input(tuple(shape), name="inputs")
    for layer in chain or [layers.Activation("linear", name="identity")]:
        x = layer(x)
    return keras.Model(inputs, x, name=name)


def _check_shared(shared: int | None, count: int, default: int) -> int:
    if shared is None:
        return default
    if not isinstance(shared, int) or not 0 <= shared <= count:
        raise ValueError(f"`shared` must be an integer from 0 to {count}, the number of layers. Received: {shared!r}.")
    return shared


def _require_equal(shapes: Mapping[str, Sizes], layer: str) -> None:
    if len(set(map(tuple, shapes.values()))) > 1:
        raise ValueError(f"The shapes {dict(shapes)} differ, so {layer} cannot be shared. Share fewer layers.")
