"""Ways to make a generator draw examples of a class, and a discriminator judge them: parts that change networks made for examples alone.

A way in makes of a generator `latents -> example` one of `[latents, labels] -> example`; a way to judge makes of a discriminator
`example -> logit` one that knows the class. Both build the network anew, with fresh weights, from any functional Keras model. Families with
the argument `classes` do so with their own networks; for networks of yours, call `enter` and `judge`.

Labels are integers `(batch,)` in [0, classes), one an example. Several labels an example, and examples of no class, are not there.

Example: a projection discriminator from a plain one.

>>> import keras, kgan
>>> plain = kgan.networks.mlp.discriminator((2,), (8,))
>>> conditional = kgan.conditioning.Projection().judge(plain, classes=3)
>>> [tensor.name for tensor in conditional.inputs], conditional.output_shape
(['examples', 'labels'], (None, 1))
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self

import keras
from keras import layers, ops

from kgan.arguments import Checked, Count, NonNegative, shown
from kgan.engine import Observation, Terms
from kgan.layers import ConditionalBatchNormalization, JoinLabels, SpectralNormalization
from kgan.layers.join_labels import label_vectors
from kgan.objectives import class_cross_entropy
from kgan.types import Config, Tensor


class Part(Checked):
    """Base of the parts: values, whose configuration is their arguments."""

    argument_names: ClassVar[tuple[str, ...]] = ()

    def get_config(self) -> Config:
        return {name: getattr(self, name) for name in self.argument_names}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        return cls(**config)


class WayIn(Part):
    """Base of the ways in: subclasses say where the class enters a generator."""

    def enter(self, generator: keras.Model, classes: int) -> keras.Model:
        """A generator of `[latents, labels]`, built as one of latents alone. One that takes labels already is returned as it is.

        Args:
            generator: functional `keras.Model` from `(batch, latent_size)` to examples. classes: number of classes.

        Raises:
            ValueError: for a network whose inside cannot be seen, or that has nothing for this part to change.
        """
        return generator if takes_labels(generator) else self._enter(generator, classes)

    def _enter(self, generator: keras.Model, classes: int) -> keras.Model:
        raise NotImplementedError(f"{type(self).__name__} must define _enter(generator, classes).")


class WayToJudge(Part):
    """Base of the ways to judge: subclasses say what a discriminator is told, or asked, about the class."""

    classifies: ClassVar[bool] = False
    """Whether the discriminator is asked: it takes examples alone and returns `[logits, class logits]`. Else it takes their labels."""

    def judge(self, discriminator: keras.Model, classes: int) -> keras.Model:
        """A discriminator of `[examples, labels]`, or one that classifies, built as one of examples alone. One of this kind already is
        returned as it is.

        Args:
            discriminator: functional `keras.Model` from examples to logits `(batch, 1)`. classes: number of classes.

        Raises:
            ValueError: as `WayIn.enter`.
        """
        return discriminator if self.fits(discriminator) else self._judge(discriminator, classes)

    def fits(self, discriminator: Any) -> bool:
        """Whether a discriminator is of this kind."""
        return isinstance(discriminator.output_shape, list) if self.classifies else takes_labels(discriminator)

    def _judge(self, discriminator: keras.Model, classes: int) -> keras.Model:
        raise NotImplementedError(f"{type(self).__name__} must define _judge(discriminator, classes).")


@keras.saving.register_keras_serializable("kgan")
class Joined(WayIn, WayToJudge):
    """The class beside what a network has of an example, as `kgan.layers.JoinLabels` appends it: a way in, and a way to judge.

    The 2014 idea (Mirza and Osindero, 1411.1784) joins it to the input of both networks, DCGAN's conditional network to the input of every
    layer, SNGAN's to a hidden map of the discriminator as a learned vector.

    Args:
        at: name of the layer behind which it is joined, or names. Default: the network's input, behind a `Flatten` that follows it.
        size: default None: one number a class, one of them 1. A number: learned vectors of so many. In a discriminator whose last layer is
            spectrally normalized, so is their matrix.
    """

    argument_names = ("at", "size")

    def __init__(self, at: Any = None, size: Count | None = None) -> None:
        names = [at] if isinstance(at, str) else at
        if names is not None and (
            not isinstance(names, (list, tuple)) or not names or not all(isinstance(n, str) for n in names)
        ):
            raise TypeError(f"`at` of Joined must be the name of a layer, or a list of names. Received: {shown(at)}.")
        self.at = at
        self.size = size

    def _enter(self, generator: keras.Model, classes: int) -> keras.Model:
        return self._joined(generator, classes, None)

    def _judge(self, discriminator: keras.Model, classes: int) -> keras.Model:
        return self._joined(discriminator, classes, _iterations(discriminator) if self.size else None)

    def _joined(self, network: keras.Model, classes: int, power_iterations: int | None) -> keras.Model:
        names = [self.at] if isinstance(self.at, str) else self.at or [_entrance(network)]
        _check_layers(network, names)

        def join(x: Tensor, labels: Tensor, name: str) -> Tensor:
            # One table of vectors for each place: a network of one place is what the papers have.
            return JoinLabels(classes, self.size, power_iterations, name=f"{name}_and_label")([x, labels]) if name in names else x

        return _rebuilt(network, behind=join)


@keras.saving.register_keras_serializable("kgan")
class ClassNorms(WayIn):
    """Every batch normalization of a generator becomes a conditional one, with gains and offsets of each class: a way in.

    `kgan.layers.ConditionalBatchNormalization`, as the generators of SNGAN and of WGAN-GP's classified run have it.

    Args:
        plain: names of layers that stay as they are, default none. Both papers' codes leave the last one, behind all residual blocks.
    """

    argument_names = ("plain",)

    def __init__(self, plain: Sequence[str] = ()) -> None:
        if not isinstance(plain, (list, tuple)) or not all(isinstance(name, str) for name in plain):
            raise TypeError(f"`plain` of ClassNorms must be a list of names of layers. Received: {shown(plain)}.")
        self.plain = tuple(plain)

    def _enter(self, generator: keras.Model, classes: int) -> keras.Model:
        _check_layers(generator, self.plain)

        def conditional(layer: keras.layers.Layer) -> keras.layers.Layer | None:
            if not isinstance(layer, layers.BatchNormalization) or layer.name in self.plain:
                return None
            start = {name: getattr(layer, name) for name in ("gamma_initializer", "beta_initializer")}
            return ConditionalBatchNormalization(classes, layer.momentum, layer.epsilon, **start, name=layer.name)

        if not any(conditional(layer) for layer in generator.layers):
            raise ValueError(
                f"The generator {generator.name!r} has no batch normalization that could be made conditional. Use "
                "kgan.conditioning.Joined() as the way in, or give its layers batch normalization."
            )
        return _rebuilt(generator, instead=conditional)


@keras.saving.register_keras_serializable("kgan")
class Projection(WayToJudge):
    """A projection discriminator (Miyato and Koyama, ICLR 2018, 1802.05637, Eq. 4): `psi(phi(x)) + <V y, phi(x)>`.

    phi is what the network's last layer receives, psi that layer, y the class as a vector of 0 and a 1, V a matrix that is learned, starts
    Glorot-uniform, and is spectrally normalized where the network's last layer is, as in the paper.
    """

    def _judge(self, discriminator: keras.Model, classes: int) -> keras.Model:
        features = _features(discriminator)
        labels = _labels()
        vectors = label_vectors(classes, features.shape[-1], _iterations(discriminator))(labels)
        inner = layers.Dot(1, name="label_projection")([vectors, features])
        logits = layers.Add(name="logits")([discriminator.output, inner])
        return keras.Model([discriminator.input, labels], logits, name=discriminator.name)


@keras.saving.register_keras_serializable("kgan")
class AuxiliaryClassifier(WayToJudge):
    """A classifier beside the discriminator's logit, on the same features (AC-GAN: Odena, Olah, Shlens, ICML 2017, 1610.09585).

    Both players minimize its cross-entropy, in addition to their adversarial losses. With c the logits of classes, CE the cross-entropy of
    `kgan.objectives.class_cross_entropy` and y the classes that examples have, or were asked to have:

        discriminator: `real_weight CE(c(x), y) + fake_weight CE(c(G(z, y)), y)`
        generator:     `generator_weight CE(c(G(z, y)), y)`

    The classifier is one dense layer on what the last layer of the discriminator receives, and spectrally normalized where that is.

    Args:
        real_weight, fake_weight, generator_weight: defaults 1.0, 1.0, 1.0 (the paper's, and Progressive GAN's code). WGAN-GP's code has
            1.0, 0.0, 0.1.

    Logs: `discriminator/real_classes`, `discriminator/fake_classes`, `generator/classes`, each where its weight is not 0, and
    `*/class_accuracy`, of real examples and of generated ones.

    Departures from the paper: none in the terms; its authors' networks are not here.
    """

    argument_names = ("real_weight", "fake_weight", "generator_weight")
    classifies = True

    def __init__(
        self, real_weight: NonNegative = 1.0, fake_weight: NonNegative = 1.0, generator_weight: NonNegative = 1.0
    ) -> None:
        self.real_weight = real_weight
        self.fake_weight = fake_weight
        self.generator_weight = generator_weight

    def _judge(self, discriminator: keras.Model, classes: int) -> keras.Model:
        features, iterations = _features(discriminator), _iterations(discriminator)
        head: Any = layers.Dense(classes, kernel_initializer=_kernel_start(discriminator), name="class_logits")
        head = head if iterations is None else SpectralNormalization(head, iterations, name="class_logits_sn")
        return keras.Model(discriminator.input, [discriminator.output, head(features)], name=discriminator.name)

    def discriminator_terms(self, real: Tensor, fake: Tensor, labels: Tensor) -> Terms:
        """The weighted terms of the discriminator's move, from logits of classes `(batch, classes)` of real and of generated examples, and
        the classes `(batch,)` of both.
        """
        weighted = {"real_classes": (self.real_weight, real), "fake_classes": (self.fake_weight, fake)}
        terms: Terms = {
            name: weight * class_cross_entropy(logits, labels) for name, (weight, logits) in weighted.items() if weight
        }
        return terms | {"class_accuracy": accuracy(real, labels)}

    def generator_terms(self, fake: Tensor, asked: Tensor) -> Terms:
        """The weighted term of the generator's move."""
        terms: Terms = {"classes": self.generator_weight * class_cross_entropy(fake, asked)} if self.generator_weight else {}
        return terms | {"class_accuracy": accuracy(fake, asked)}


def accuracy(class_logits: Tensor, labels: Tensor) -> Observation:
    """The share of examples whose largest logit is that of their class, as a figure to be logged."""
    right = ops.equal(ops.argmax(class_logits, axis=-1), ops.cast(labels, "int32"))
    return Observation(ops.mean(ops.cast(right, "float32")))


JUDGES: dict[str, Callable[[], WayToJudge]] = {
    "joined": Joined,
    "projection": Projection,
    "auxiliary": AuxiliaryClassifier,
}
"""Ways to judge by name, with their defaults."""


def chosen(conditioning: Any, own: tuple[WayIn, WayToJudge]) -> tuple[WayIn, WayToJudge]:
    """The way in and the way to judge that a user names.

    Args:
        conditioning: None; a way to judge, or its name among `JUDGES`; or a pair `(way in, way to judge)`.
        own: the family's, for what is not named. A family's own way to judge of the same kind is meant by a name.

    Raises:
        TypeError: for anything else.
    """
    if conditioning is None:
        return own
    way_in, judge = conditioning if isinstance(conditioning, (list, tuple)) and len(conditioning) == 2 else (own[0], conditioning)
    if isinstance(judge, str) and judge in JUDGES:
        made = JUDGES[judge]()
        judge = own[1] if type(own[1]) is type(made) else made
    if not isinstance(way_in, WayIn) or not isinstance(judge, WayToJudge):
        raise TypeError(
            "`conditioning` must be a way to judge of kgan.conditioning, such as Projection(), or its name, one of "
            f"{', '.join(JUDGES)}, or a pair of a way in and a way to judge, such as (ClassNorms(), Projection()). Received: "
            f"{shown(conditioning)}."
        )
    return way_in, judge


# Networks ------------------------------------------------------------------------------------------------------------


def takes_labels(network: Any) -> bool:
    """Whether a network has a second input, of labels."""
    return isinstance(network.input_shape, list) and len(network.input_shape) == 2


def _labels() -> Tensor:
    return keras.Input((), dtype="int32", name="labels")


def _rebuilt(
    network: keras.Model,
    behind: Callable[[Tensor, Tensor, str], Tensor] | None = None,
    instead: Callable[[keras.layers.Layer], keras.layers.Layer | None] | None = None,
) -> keras.Model:
    """A functional network with one more input, of labels, built anew.

    Args:
        behind: `(output, labels, name of the layer) -> output`, what follows a layer. instead: `(layer) -> layer of [x, labels] or None`.
    """
    _functional(network)
    labels, x = _labels(), keras.Input(tuple(network.input_shape)[1:], dtype=network.input.dtype, name=network.input.name)
    first = behind(x, labels, network.input.name) if behind else x

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        return (instead(layer) if instead else None) or type(layer).from_config(_unbuilt(layer.get_config()))

    def call(layer: keras.layers.Layer, *args: Any, **kwargs: Any) -> Tensor:
        args = keras.tree.map_structure(lambda t: first if t is x else t, args)
        if isinstance(layer, ConditionalBatchNormalization):
            return layer([args[0], labels])
        output = layer(*args, **kwargs)
        return behind(output, labels, layer.name) if behind else output

    # Keras clones a network on inputs like its own: one of labels is put beside them first, which nothing uses yet.
    wide = keras.Model([network.input, _labels()], network.output, name=network.name)
    return keras.models.clone_model(wide, input_tensors=[x, labels], clone_function=clone, call_function=call)


def _unbuilt(config: Any) -> Any:
    """A configuration without the shapes that wrapped layers had been built for: what is joined makes inputs wider."""
    if isinstance(config, dict):
        return {key: _unbuilt(value) for key, value in config.items() if key != "build_config"}
    return [_unbuilt(value) for value in config] if isinstance(config, list) else config


def _functional(network: keras.Model) -> None:
    if not hasattr(network, "operations") or len(network.inputs) != 1 or len(network.outputs) != 1:
        raise ValueError(
            "Parts of kgan.conditioning change functional or sequential Keras models of one input and one output. Received: "
            f"{network.name!r} of type {type(network).__name__}. Build a network of [examples, labels] or [latents, labels] yourself."
        )


def _check_layers(network: keras.Model, names: Sequence[str]) -> None:
    _functional(network)
    known = [network.input.name, *(layer.name for layer in network.layers[1:])]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"The network {network.name!r} has no layer {', '.join(map(repr, unknown))}. It has {known}.")


def _entrance(network: keras.Model) -> str:
    """Where the class is joined to the input of a network: behind the layer that flattens it, if one does."""
    _functional(network)
    first = network.layers[1]
    return first.name if isinstance(first, layers.Flatten) else network.input.name


def _last(discriminator: keras.Model) -> tuple[keras.layers.Layer, keras.layers.Layer]:
    """The last layer of a discriminator as it stands, and without what wraps it."""
    _functional(discriminator)
    outer = inner = discriminator.layers[-1]
    while isinstance(inner, layers.Wrapper):
        inner = inner.layer
    if not isinstance(inner, layers.Dense) or len(discriminator.output.shape) != 2:
        raise ValueError(
            f"The discriminator {discriminator.name!r} must end in a dense layer, whose input the class is judged by. It ends in "
            f"{outer.name!r} of type {type(outer).__name__}."
        )
    return outer, inner


def _features(discriminator: keras.Model) -> Tensor:
    """What the last layer receives, `(batch, features)`."""
    return _last(discriminator)[0].input


def _iterations(discriminator: keras.Model) -> int | None:
    """The power iterations of the last layer's spectral normalization, None where it has none."""
    outer, _ = _last(discriminator)
    return outer.power_iterations if isinstance(outer, SpectralNormalization) else None


def _kernel_start(discriminator: keras.Model) -> Any:
    """How the kernel of the last layer starts."""
    start = _last(discriminator)[1].kernel_initializer
    return start.clone() if isinstance(start, keras.initializers.Initializer) else start
