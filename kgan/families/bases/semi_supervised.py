"""What games with a classifier among their players share: labeled and unlabeled data, and classification."""

from typing import Any, ClassVar

import keras
from keras import ops

from kgan import objectives
from kgan.engine import Observation, Terms
from kgan.families.bases.conditional import are_classes, check_labels
from kgan.families.gan import GAN
from kgan.layers import statistics_kept
from kgan.types import Array, Nest, Sizes, Tensor


class SemiSupervised(GAN):
    """Put first among the bases. With `classes`, one of the players returns one logit a class, and examples can be classified.

    What it returns and what it is taught by are two things: `classes` says how many logits there are, `uses_labels` whether labeled
    examples come with the others. The family calls `set_classes` in its constructor and defines `class_logits`.
    """

    classifier_role: ClassVar[str] = "discriminator"
    """The player that classifies. Where a family names another, its discriminator has the one logit of `kgan.GAN`."""
    classes: int | None
    """How many classes the classifier tells apart; None: a discriminator returns the one logit of `kgan.GAN`."""

    @property
    def uses_labels(self) -> bool:
        """Whether `fit` takes labeled examples and their labels. Wherever there are classes, if the family does not say otherwise."""
        return self.classes is not None

    def set_classes(self, classes: int | None, beside: int = 0) -> None:
        """Keep `classes`, and refuse a classifier that does not return as many logits, and `beside` more where there are classes."""
        outputs, needed = getattr(self, self.classifier_role).output_shape, classes + beside if classes else 1
        # Without classes another player than the discriminator returns what else it is for.
        asked = classes is not None or self.classifier_role == "discriminator"
        if asked and (len(outputs) != 2 or outputs[-1] != needed):
            raise ValueError(
                f"The {self.classifier_role} returns {outputs[-1] if len(outputs) == 2 else outputs[1:]} logits per example; "
                f"classes={classes!r} needs {needed}."
            )
        self.classes = classes

    def _check_logits(self, shape: tuple[int | None, ...]) -> None:
        """Several logits of a discriminator that classifies are right or wrong by `classes`, see `set_classes`."""
        if self.classifier_role != "discriminator":
            super()._check_logits(shape)

    def class_logits(self, examples: Tensor) -> Tensor:
        """The logits of classes `(batch, classes)`, in inference mode."""
        raise NotImplementedError(f"{type(self).__name__} must define class_logits(examples).")

    def score_generated(self, fake: Tensor, labels: Tensor = None) -> Any:
        # What is classified later is real: moving averages that generated examples enter are others than those it was taught with.
        with statistics_kept(getattr(self, self.classifier_role)):
            return super().score_generated(fake, labels)

    def unlabeled(self, batch: Any) -> Any:
        """The examples without labels of a minibatch: all of it where there are no labels."""
        return batch["unlabeled"] if self.uses_labels else batch

    def supervised_terms(self, logits: Tensor, labels: Tensor, weight: float = 1.0) -> Terms:
        """Cross-entropy, times a weight, and accuracy on labeled examples."""
        right = ops.equal(ops.argmax(logits, axis=-1), ops.cast(labels, "int32"))
        return {
            "supervised": weight * objectives.class_cross_entropy(logits, labels),
            "accuracy": Observation(ops.mean(ops.cast(right, "float32"))),
        }

    def unpack(self, data: Any) -> Nest:
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        return {**x, "labels": y} if self.uses_labels and isinstance(x, dict) else x

    def check_data(self, batch: Any, shape: Sizes | None = None) -> None:
        if self.classes is None or not self.uses_labels:
            super().check_data(batch, shape)
            return
        if not isinstance(batch, dict) or set(batch) != {"unlabeled", "labeled", "labels"} or batch["labels"] is None:
            raise ValueError(
                'With `classes`, train with fit({"unlabeled": x, "labeled": x_l}, labels); '
                "kgan.datasets.semi_supervised(x, y, labels_per_class) makes both."
            )
        for part in ("unlabeled", "labeled"):
            super().check_data(batch[part], shape)
        check_labels(batch["labels"], self.classes)

    def check_labels(self, x: Nest, y: Nest) -> None:
        if self.classes is not None and self.uses_labels:
            check_labels(y, self.classes)

    def labels_in_range(self, batch: Nest) -> Tensor | bool:
        return are_classes(batch["labels"], self.classes) if self.classes is not None and self.uses_labels else True

    def classify(self, examples: Array, batch_size: int = 256) -> Array:
        """Class probabilities, in inference mode and with averaged weights if the model keeps averages.

        Args:
            examples: array `(count, *data_shape)`. batch_size: examples computed at once.

        Returns:
            NumPy array `(count, classes)`.
        """
        if self.classes is None:
            raise ValueError("This model was built without `classes`; it has no classes to tell apart.")
        return self.in_inference(
            lambda x: ops.softmax(ops.cast(self.class_logits(x), "float32")), examples, batch_size=batch_size
        )
