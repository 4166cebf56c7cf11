"""What families with class-conditional forms share: labels beside examples, classes and their names, and what is asked for."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan.arguments import Classes, as_int, shown
from kgan.conditioning import AuxiliaryClassifier, WayIn, WayToJudge, chosen, takes_labels
from kgan.families.bases.generative import GenerativeModel, Makers
from kgan.types import Nest, SeedLike, Sizes, Tensor

Ways = tuple[WayIn, WayToJudge]


def check_labels(labels: Any, classes: int) -> None:
    """Refuse labels that are not one of the classes for each example: another shape, type or range."""
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu":
        raise ValueError(
            f"Labels must be integers in [0, {classes}). Received dtype {labels.dtype}; convert them, such as "
            "`np.unique(labels, return_inverse=True)[1]` does with names."
        )
    if labels.ndim != 1:
        advice = " Of one column take `labels[:, 0]`, of one-hot rows `labels.argmax(-1)`." if labels.ndim == 2 else ""
        raise ValueError(f"Labels must be integers (batch,), one class an example. Received the shape {labels.shape}.{advice}")
    if len(labels) and (labels.min() < 0 or labels.max() >= classes):
        raise ValueError(
            f"Labels must be integers in [0, {classes}). Received values in [{labels.min()}, {labels.max()}]: is `classes` their number?"
        )


def are_classes(labels: Tensor, classes: int) -> Tensor:
    """Boolean scalar: whether all labels are whole numbers in [0, classes)."""
    labels = ops.convert_to_tensor(labels)
    good = ops.logical_and(labels >= 0, labels < classes)
    if keras.backend.is_float_dtype(labels.dtype):
        good = ops.logical_and(good, ops.equal(labels, ops.floor(labels)))
    return ops.all(good)


class Conditional(GenerativeModel):
    """With `classes`, a generator of `[latents, labels]`, and batches `(examples, labels)`.

    A family hands `ways` to the constructor: the parts that make its networks conditional, or None.
    """

    classes: Any = None
    """Number or names of the classes, as the constructor was given them; None where there are no classes."""
    ways: Ways | None = None
    """The way in and the way to judge; None of a model that is not conditional."""

    @property
    def conditional(self) -> bool:
        """Whether examples are generated class by class."""
        return self.ways is not None

    @property
    def class_names(self) -> list[str]:
        """Names of the classes, in their order; "0", "1" and so on where only their number was given. [] without classes."""
        return names_of(self.classes)

    @property
    def auxiliary(self) -> AuxiliaryClassifier | None:
        """The way to judge where that is a classifier."""
        judge = self.ways[1] if self.ways is not None else None
        return judge if isinstance(judge, AuxiliaryClassifier) else None

    def _check_ways(self) -> None:
        """Refuse networks of a user's own that are not conditional in the way that the model is."""
        if self.ways is None:
            if takes_labels(self.generator):
                raise ValueError(f"The generator {self.generator.name!r} takes labels; say how many `classes` there are.")
            return
        if not takes_labels(self.generator):
            raise ValueError(
                f"With `classes` the generator takes [latents, labels]. Received one of {self.generator.input_shape}; make it so by "
                f"`kgan.conditioning.Joined().enter(generator, {len(self.class_names)})`, or another way in."
            )
        judge, count = self.ways[1], len(self.class_names)
        kind = type(judge).__name__
        if not judge.fits(self.discriminator):
            raise ValueError(
                f"With `classes` and conditioning {kind}() the discriminator "
                f"{'returns [logits, class logits]' if judge.classifies else 'takes [examples, labels]'}. Received one from "
                f"{self.discriminator.input_shape} to {self.discriminator.output_shape}; make it so by "
                f"`kgan.conditioning.{kind}().judge(discriminator, {count})`, or choose another `conditioning`."
            )
        if judge.classifies and tuple(self.discriminator.output_shape[1]) != (None, count):
            raise ValueError(
                f"The discriminator must return a logit for each of {count} classes. It returns {self.discriminator.output_shape[1]}."
            )

    # Data ------------------------------------------------------------------------------------------------------------

    def unpack(self, data: Any) -> Nest:
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        return (x, y) if self.conditional else x

    def check_data(self, batch: Any, shape: Sizes | None = None) -> None:
        if self.conditional:
            batch, labels = batch
            self.check_labels(batch, labels)
        super().check_data(batch, shape)

    def check_labels(self, x: Nest, y: Nest) -> None:
        if self.conditional:
            if y is None and isinstance(x, tuple) and len(x) == 2:  # pairs, as data sets have them
                _, y = x
            if y is None:
                raise ValueError(
                    f"With `classes`, train with fit(examples, labels), or a data set of pairs: kgan.datasets.load(..., labels=True). "
                    f"{type(self).__name__} received no labels."
                )
            check_labels(y, len(self.class_names))

    def labels_in_range(self, batch: Nest) -> Tensor | bool:
        return are_classes(batch[1], len(self.class_names)) if self.conditional else True

    def parted(self, batch: Nest) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The examples of a batch, and what comes behind them: their labels, or nothing where there are no classes.

        So that methods of a family without classes need not take any: `self.score(examples, *labels)`.
        """
        if not self.conditional:
            return batch, ()
        # Eager steps on JAX bring NumPy's arrays, and a network's inputs must be tensors all or none.
        examples, labels = map(ops.convert_to_tensor, batch)
        return examples, (labels,)

    # Generation ------------------------------------------------------------------------------------------------------

    def generated(self, count: Any, labels: Tensor = None) -> Tensor:
        """`count` generated examples on fresh training noise, of these classes where there are any."""
        return self.generator(self.training_inputs(count, labels), training=self.in_training)

    def training_inputs(self, count: Any, labels: Tensor = None) -> Nest:
        """What the generator is given in training."""
        latents = self.prior((count, self.latent_size), self.seed_generator)
        return latents if labels is None else [latents, ops.cast(labels, "int32")]

    def generator_inputs(self, count: int, condition: Any = None, seed: SeedLike = None) -> Nest:
        """Latents, with `classes` `[latents, labels]`.

        Args:
            count: int.
            condition: with `classes`: None, every class as likely as the others; one class, by its number or name; or a list of `count`
                classes.
            seed: as in `generate`: decides latents, whatever the condition, and the classes of None.
        """
        if not self.conditional:
            if condition is not None:
                raise ValueError(
                    f"{type(self).__name__} is not conditional; leave `condition` out"
                    f"{', or build it with `classes`' if 'classes' in self.argument_names() else ''}."
                )
            return super().generator_inputs(count, None, seed)
        # One stream for both draws: an integer would start each of them at the same numbers.
        seed = keras.random.SeedGenerator(seed) if isinstance(seed, int) else seed
        latents = self.prior((count, self.latent_size), seed)
        drawn = keras.random.randint((count,), 0, len(self.class_names), dtype="int32", seed=seed)
        return [latents, drawn if condition is None else ops.convert_to_tensor(self.labels_of(condition, count), "int32")]

    def labels_of(self, condition: Any, count: int) -> Any:
        """The classes that a condition asks for, integers `(count,)`: one class for all, or one each, by numbers or names.

        Raises:
            ValueError: for an unknown class, or another number of them.
        """
        names = self.class_names
        single = isinstance(condition, str) or np.ndim(condition) == 0
        asked = [condition] if single else list(condition)
        labels = [names.index(one) if isinstance(one, str) and one in names else as_int(one) for one in asked]
        if not all(isinstance(n, int) and not isinstance(n, bool) and 0 <= n < len(names) for n in labels):
            known = ", ".join(names) if len(names) <= 20 else f"{names[0]} to {names[-1]}"
            raise ValueError(
                f"`condition` names classes by numbers in [0, {len(names)}) or by their names ({known}). Received: {shown(condition)}."
            )
        if len(labels) not in (1 if single else count, count):
            raise ValueError(f"`condition` holds the classes of {len(labels)} examples, `count` is {count}.")
        return np.asarray(labels * count if single else labels, "int32")


def names_of(classes: int | Sequence[str] | None) -> list[str]:
    """Names of classes of which a number or the names are given."""
    return [] if classes is None else [str(n) for n in range(classes)] if isinstance(classes, int) else list(classes)


def ways_of(classes: Classes | None, conditioning: Any, own: Callable[[], Ways]) -> Ways | None:
    """The parts that make a family's networks conditional; None without classes.

    Args:
        classes, conditioning: as the family's user gives them. own: `() -> (way in, way to judge)`, the family's.
    """
    if classes is None:
        if conditioning is not None:
            raise ValueError(
                f"`conditioning` needs `classes`, the number of classes or their names. Received: {shown(conditioning)}."
            )
        return None
    return chosen(conditioning, own())


def conditioned(makers: Makers, ways: Ways | None, classes: Any) -> Makers:
    """Functions that make networks, made conditional by a way in and a way to judge."""
    if ways is None:
        return makers
    (way_in, judge), count = ways, len(names_of(classes))
    return {
        **makers,
        "generator": lambda: way_in.enter(makers["generator"](), count),
        "discriminator": lambda: judge.judge(makers["discriminator"](), count),
    }
