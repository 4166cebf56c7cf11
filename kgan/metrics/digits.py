"""A small digit classifier that stands in for the Inception network on 8x8 digits."""

import functools

import keras
import numpy as np
from keras import ops

from kgan import cache
from kgan.metrics.extractors import Extractor
from kgan.types import Array, Tensor

_LEAST_ACCURACY = 0.96
_LAYERS = 3


@functools.cache
def _weights() -> list[Array]:
    """Weights of the classifier: read from the cache, or trained in about a second and stored there."""
    path = cache.folder() / "digits_mlp64_v1.npz"
    names = [f"{kind}_{layer}" for layer in range(_LAYERS) for kind in ("kernel", "bias")]
    weights = cache.load(path, names)
    if weights is None:
        weights = _train()
        cache.store(path, dict(zip(names, weights, strict=True)))
    return weights


def _train() -> list[Array]:
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    from kgan import datasets

    images, labels = datasets.arrays("digits", "train")
    classifier = MLPClassifier((128, 64), max_iter=200, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        classifier.fit(_pixels(images), labels)
    test_images, test_labels = datasets.arrays("digits", "test")
    accuracy = classifier.score(_pixels(test_images), test_labels)
    if accuracy < _LEAST_ACCURACY:
        raise RuntimeError(f"The digit classifier reached {accuracy:.3f} on held-out digits; metrics need {_LEAST_ACCURACY}.")
    return [array.astype("float32") for pair in zip(classifier.coefs_, classifier.intercepts_, strict=True) for array in pair]


def _pixels(images: Array) -> Array:
    return (np.asarray(images).reshape(len(images), -1) + 1.0) / 2.0


@keras.saving.register_keras_serializable("kgan")
class DigitClassifier(Extractor):
    """Features and class probabilities of digit images: a perceptron 64-128-64-10 (ReLU).

    Trained on the train half of `kgan.datasets.arrays("digits")` with a fixed seed, 98 % right on the test half; cached in
    `$KGAN_CACHE` or `~/.cache/kgan`. Distances over its features are named after it (`frechet_distance[digits-mlp64]`): they are no
    FID and compare only with each other.

    Call it with images (batch, n, n, 1) in [-1, 1], n a multiple of 8: larger images are averaged to 8x8, values outside clipped. It
    returns the 64 features of the last hidden layer and runs inside compiled steps on every backend.

    Example:
    >>> import kgan
    >>> images, labels = kgan.datasets.arrays("digits", "test")
    >>> classifier = kgan.metrics.DigitClassifier()
    >>> bool((classifier.probabilities(images).argmax(-1) == labels).mean() > 0.96)
    True
    """

    name = "digits-mlp64"
    feature_size = 64
    batch_size = 4096

    def __call__(self, images: Tensor) -> Tensor:
        kernel_1, bias_1, kernel_2, bias_2, _, _ = _weights()
        hidden = ops.relu(ops.add(ops.matmul(self._eights(images), kernel_1), bias_1))
        return ops.relu(ops.add(ops.matmul(hidden, kernel_2), bias_2))

    def _eights(self, images: Tensor) -> Tensor:
        images = ops.cast(images, "float32")
        if len(images.shape) != 4 or images.shape[1] != images.shape[2] or images.shape[1] % 8 or images.shape[3] != 1:
            raise ValueError(f"Digit images must be (batch, n, n, 1) with n a multiple of 8. Received: {tuple(images.shape)}.")
        times = images.shape[1] // 8
        images = ops.mean(ops.reshape(images, (-1, 8, times, 8, times)), axis=(2, 4))
        return (ops.clip(ops.reshape(images, (-1, 64)), -1.0, 1.0) + 1.0) / 2.0

    def classify(self, features: Tensor) -> Tensor:
        """Class probabilities (batch, 10) from features, a tensor."""
        *_, kernel, bias = _weights()
        return ops.softmax(ops.add(ops.matmul(features, kernel), bias))
