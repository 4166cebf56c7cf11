"""Two-player games whose discriminator may learn classes from a few labels: what their data look like."""

import keras
import numpy as np

from kgan.families.gan import GAN


class SemiSupervisedGAN(GAN):
    """Base of families that take `fit({"unlabeled": x, "labeled": x_l}, labels)` where their attribute `classes` is a number."""

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
        labels = np.asarray(batch["labels"])
        if labels.ndim != 1 or labels.min() < 0 or labels.max() >= self.classes:
            raise ValueError(
                f"Labels must be integers (batch,) in [0, {self.classes}). Received the shape {labels.shape} with values in "
                f"[{labels.min()}, {labels.max()}]."
            )


def check_classes(classes):
    """Refuse a number of classes that is none."""
    if classes is not None and (not isinstance(classes, int) or classes < 2):
        raise ValueError(f"`classes` must be an integer >= 2, or None for the unsupervised game. Received: {classes!r}.")
