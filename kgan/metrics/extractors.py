"""What a feature extractor is."""

from typing import ClassVar, Protocol, Self

import keras
import numpy as np

from kgan import checks
from kgan.types import Array, Config, Tensor


class ExtractorLike(Protocol):
    """What distances take: an `Extractor`, or any callable from images to features that says its name and how many there are."""

    name: str
    feature_size: int

    def __call__(self, images: Tensor) -> Tensor: ...


class ClassifierLike(ExtractorLike, Protocol):
    """An extractor with classes."""

    def classify(self, features: Tensor) -> Tensor: ...


def check_extractor(extractor: ExtractorLike) -> ExtractorLike:
    """The extractor itself, or a TypeError."""
    if not callable(extractor) or not hasattr(extractor, "name") or not hasattr(extractor, "feature_size"):
        raise TypeError(
            "An extractor is a callable from images to features (batch, feature_size) with the attributes `name` and "
            f"`feature_size`. Received: {extractor!r}."
        )
    return extractor


def title(figure: str, extractor: ExtractorLike) -> str:
    """What a figure may be called: its published abbreviation with the network of the publication alone."""
    return getattr(extractor, "titles", {}).get(figure, figure)


class Extractor:
    """Base of the extractors: a subclass has `name`, `feature_size`, `__call__` (features of a batch, inside compiled steps) and, where
    it has classes, `classify` (their probabilities (batch, classes) from features).

    Any callable with `name` and `feature_size` is an extractor to the distances; `ClassScore` also needs `classify`.

    Attributes:
        titles: dict, published abbreviations that figures over these features may carry. Empty but for the original networks.
        batch_size: int, examples computed at once by `features`.
        own_classes: bool, default False: whether its classes are those of the data, so that samples should have all of them.
    """

    name: str
    feature_size: int
    titles: ClassVar[dict[str, str]] = {}
    batch_size = 256
    own_classes = False

    def __call__(self, images: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must define __call__(images).")

    def features(self, images: Array) -> Array:
        """Features of images as a NumPy array (count, feature_size). All of them: the last batch may be smaller."""
        images = checks.images(images)
        batches = (images[start : start + self.batch_size] for start in range(0, len(images), self.batch_size))
        return np.concatenate([keras.ops.convert_to_numpy(self(batch)) for batch in batches])

    def probabilities(self, images: Array) -> Array:
        """Class probabilities of images as a NumPy array (count, classes).

        Raises:
            TypeError: an extractor without classes.
        """
        if not hasattr(self, "classify"):
            raise TypeError(f"{type(self).__name__} has features, but no classes.")
        return keras.ops.convert_to_numpy(self.classify(self.features(images)))

    def get_config(self) -> Config:
        return {}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        return cls(**config)
