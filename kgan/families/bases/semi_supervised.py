"""What games whose discriminator is a classifier share: labeled and unlabeled data, and classification."""

import keras
import numpy as np
from keras import ops

from kgan import objectives
from kgan.engine import Observation


def check_labels(labels, classes):
    """Refuse labels that are not one of the classes for each example."""
    labels = np.asarray(labels)
    if labels.ndim != 1 or labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"Labels must be integers (batch,) in [0, {classes}). Received the shape {labels.shape} with values in "
            f"[{labels.min()}, {labels.max()}]."
        )


class SemiSupervised:
    """Put before `kgan.GAN` among the bases. With `classes`, the discriminator returns one logit a class, the fake class's being 0.

    The family calls `set_classes` in its constructor and defines `class_logits`.
    """

    def set_classes(self, classes):
        outputs = self.discriminator.output_shape[-1]
        if outputs != (classes or 1):
            raise ValueError(f"The discriminator returns {outputs} logits per example; classes={classes!r} needs {classes or 1}.")
        self.classes = classes

    def _check_logits(self, shape):
        """Several logits are right or wrong by `classes`, see `set_classes`."""

    def class_logits(self, examples):
        """The logits of classes `(batch, classes)`, in inference mode."""
        raise NotImplementedError(f"{type(self).__name__} must define class_logits(examples).")

    def supervised_terms(self, logits, labels):
        """Cross-entropy and accuracy on labeled examples."""
        right = ops.equal(ops.argmax(logits, axis=-1), ops.cast(labels, "int32"))
        return {
            "supervised": objectives.class_cross_entropy(logits, labels),
            "accuracy": Observation(ops.mean(ops.cast(right, "float32"))),
        }

    def unpack(self, data):
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        return x if self.classes is None else {**x, "labels": y} if isinstance(x, dict) else x

    def check_data(self, batch):
        if self.classes is None:
            super().check_data(batch)
            return
        if not isinstance(batch, dict) or set(batch) != {"unlabeled", "labeled", "labels"} or batch["labels"] is None:
            raise ValueError(
                'With `classes`, train with fit({"unlabeled": x, "labeled": x_l}, labels); '
                "kgan.datasets.semi_supervised(x, y, labels_per_class) makes both."
            )
        for part in ("unlabeled", "labeled"):
            super().check_data(batch[part])
        check_labels(batch["labels"], self.classes)

    def check_labels(self, x, y):
        if self.classes is not None:
            check_labels(y, self.classes)

    def classify(self, examples, batch_size=256):
        """Class probabilities, in inference mode and with averaged weights if the model keeps averages.

        Args:
            examples: array `(count, *data_shape)`. batch_size: int, examples computed at once.

        Returns:
            NumPy array `(count, classes)`.
        """
        if self.classes is None:
            raise ValueError("This model was built without `classes`; it has no classes to tell apart.")
        return self.in_inference(
            lambda x: ops.softmax(ops.cast(self.class_logits(x), "float32")), examples, batch_size=batch_size
        )
